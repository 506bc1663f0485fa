"""A comparison in a child process with limits, for formats whose parsers are written in C++.

What a hostile file does to such a parser (a crash, all memory, no end) it does to the child. This file is
also the child's program: it is run by path, isolated from the user's variables and folder.
"""

from __future__ import annotations

import json
import os
import select
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from typing import Any, TextIO

if __name__ != "__main__":
    import subprocess

    import msgspec

    from xt import fsio
    from xt.compare import Content, Rule, UnreadableError
    from xt.compare.content import CHUNK, read_up_to
    from xt.model.delta import Delta

#: Bytes of address space, seconds of processor time and of waiting, bytes of an answer.
MEMORY = 2 << 30
SECONDS = 120
PATIENCE = 300.0
ANSWER = 64 << 20


def call(target: str, left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Have a child compare two contents.

    Args:
        target: `module:function`, called with these same arguments.
        left: one content; passed by path when it has one, otherwise through a temporary file.
        right: the other.
        rule: what counts as equal.
        path: of the result.

    Raises:
        UnreadableError: as the function raises it, or saying what became of the child.
    """
    with ExitStack() as stack:
        sides = [stack.enter_context(_file(content)) for content in (left, right)]
        request = {
            "target": target,
            "sides": [[left.name, sides[0]], [right.name, sides[1]]],
            "rule": msgspec.to_builtins(rule),
            "path": path,
            "memory": MEMORY,
            "seconds": SECONDS,
        }
        answer = _answer(request)
    if "why" in answer:
        raise UnreadableError(str(answer["why"]))
    try:
        return msgspec.convert(answer["delta"], Delta)
    except (msgspec.ValidationError, KeyError) as error:
        raise UnreadableError("the process that read it gave no answer that makes sense") from error


def rows(target: str, content: Content) -> Iterator[dict[str, Any]]:
    """Have a child read the rows of a table; they arrive as they are read.

    Args:
        target: `module:function`, called with the content; gives objects of JSON values.
        content: passed by path when it has one, otherwise through a temporary file.

    Raises:
        UnreadableError: as the function raises it, or saying what became of the child.
    """
    with _file(content) as path:
        request = {
            "target": target,
            "sides": [[content.name, path]],
            "rule": None,
            "memory": MEMORY,
            "seconds": SECONDS,
        }
        with _started(request) as child:
            assert child.stdout is not None
            answer = None
            while line := child.stdout.readline(ANSWER):
                try:
                    answer = json.loads(line)
                except (ValueError, RecursionError):
                    answer = None
                if not isinstance(answer, list):
                    break
                yield from answer
            code = child.wait(timeout=10) if answer is None or isinstance(answer, list) else 0
        if isinstance(answer, dict) and "why" in answer:
            raise UnreadableError(str(answer["why"]))
        if not isinstance(answer, dict):
            raise UnreadableError(_what_became(code))


@contextmanager
def _file(content: Content) -> Iterator[str]:
    """A path under which a content can be read."""
    path = getattr(content, "path", None)
    if isinstance(path, str):
        yield os.path.abspath(path)
        return
    fd, path = tempfile.mkstemp(prefix="xt-")
    try:
        try:
            with content.open() as stream:
                while data := read_up_to(stream, CHUNK):
                    fsio.write_all(fd, data)
        finally:
            os.close(fd)
        yield path
    finally:
        os.unlink(path)


@contextmanager
def _started(request: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    """Start the child, and see to it that it is gone in the end."""
    if not sys.executable or not os.path.isfile(__file__):
        raise UnreadableError("there is no interpreter to read it in a process of its own")
    # The folders this process imports from, without the working directory, which anybody can write to.
    folders = [folder for folder in sys.path if os.path.isabs(folder)]
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    arguments = [json.dumps([root, *folders]), json.dumps(request)]
    # One thread each: more would reserve address space, and two processes at once are the caller's choice.
    variables = {"LC_ALL": "C.UTF-8", "ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"}
    variables |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=variables,
        cwd="/",
    )
    try:
        yield child
    except subprocess.TimeoutExpired as error:
        raise UnreadableError("the process that read it does not end") from error
    finally:
        with suppress(OSError):
            child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """Start the child and read what it says."""
    with _started(request) as child:
        data = _read(child)
        code = child.wait(timeout=10)
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise UnreadableError(_what_became(code))
    return answer


def _read(child: subprocess.Popen[bytes]) -> bytes:
    """Read the answer, no longer than it may be and take."""
    assert child.stdout is not None
    fd = child.stdout.fileno()
    deadline = time.monotonic() + PATIENCE
    parts: list[bytes] = []
    size = 0
    while True:
        if not select.select([fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise UnreadableError(f"reading it took more than {PATIENCE:.0f} s")
        data = os.read(fd, 1 << 16)
        if not data:
            return b"".join(parts)
        parts.append(data)
        size += len(data)
        if size > ANSWER:
            raise UnreadableError("the process that read it gave no end of an answer")


def _what_became(code: int) -> str:
    import signal

    if code >= 0:
        return f"the process that read it ended with status {code} and without an answer"
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"reading it took more than {SECONDS} s of processor time, or was stopped"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"the parser crashed on it ({name})"


def _limit(memory: int, seconds: int) -> None:
    import resource

    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory),
    ):
        hard = resource.getrlimit(kind)[1]
        # macOS refuses a limit of address space below what it has mapped already.
        with suppress(ValueError, OSError):
            limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (limit, limit))


#: Rows sent at a time.
_SENT = 500


def _child(folders: list[str], request: dict[str, Any], out: TextIO) -> dict[str, Any]:
    """Do what was asked for, here; rows are written as they come, the rest is given back."""
    _limit(request["memory"], request["seconds"])
    sys.path[:0] = folders
    from importlib import import_module

    import msgspec as codec

    from xt.compare import Rule as Given
    from xt.compare import UnreadableError as Unreadable
    from xt.compare.content import FileContent

    sides = [FileContent(name, path) for name, path in request["sides"]]
    module, _, function = request["target"].partition(":")
    try:
        called = getattr(import_module(module), function)
        if request["rule"] is None:
            found = called(*sides)
            while some := list(islice(found, _SENT)):
                json.dump(some, out)
                out.write("\n")
            return {}
        delta = called(*sides, codec.convert(request["rule"], Given), request["path"])
        return {"delta": codec.to_builtins(delta)}
    except Unreadable as error:
        return {"why": str(error)}
    except MemoryError:
        return {"why": "reading it needs more memory than a comparison may take"}
    except Exception as error:
        what = " ".join(str(error).split())[:200]
        return {"why": f"it cannot be read: {type(error).__name__}: {what}"}


if __name__ == "__main__":
    # The folder of this file has modules named like others; nothing is imported from it.
    sys.path[:] = [folder for folder in sys.path if folder != os.path.dirname(os.path.abspath(__file__))]
    # A parser that prints must not spoil the answer.
    _out = os.dup(1)
    os.dup2(2, 1)
    with os.fdopen(_out, "w") as _stream:
        json.dump(_child(json.loads(sys.argv[1]), json.loads(sys.argv[2]), _stream), _stream)
