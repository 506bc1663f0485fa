"""Reports of a job, put where its provider reads them: files of a folder, files it names, its agent."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping

from xt import codec, fsio
from xt.context import Outside
from xt.errors import DamagedError, NotWrittenError
from xt.model.ci import Account
from xt.ops.ci.places import Place

#: Bytes of an account, accounts of one job, seconds to wait for another command of the job.
LIMIT, MOST, WAIT = 10_000_000, 200, 10.0
#: Seconds an agent is waited for.
AGENT = 60.0
#: Files this module writes, and so may take away: those of one command, by their stems.
_OWN = re.compile(r"((?:run|verify|diff|audit)-[a-z0-9-]{1,80})\.(json|xml|md)")


def put(
    place: Place,
    account: Account,
    stem: str,
    files: Mapping[str, bytes],
    joined: Callable[[list[Account]], Mapping[str, bytes]],
    outside: Outside,
) -> list[str]:
    """Write the files of one command, and those that tell of all commands of the job.

    Args:
        place: with a folder.
        account: of the command.
        stem: name of its files, `verify-kwpztnlq`.
        files: content of its files by their suffix, `.xml`.
        joined: makes files of all accounts of the job, oldest first, by name.
        outside: for the permissions of new files.

    Returns:
        What went wrong without keeping the files from being written, a clause each.

    Raises:
        NotWrittenError: the folder is somebody's link.
        OSError: a file was not written.
    """
    assert place.folder is not None
    mode = 0o666 & ~outside.umask
    _make(place, outside, mode)
    doubts: list[str] = []
    with _alone(place.folder):
        made = {f"{stem}{suffix}": data for suffix, data in files.items()}
        made[f"{stem}.json"] = codec.encode(account)
        for name, data in made.items():
            fsio.write_atomic(os.path.join(place.folder, name), data, mode=mode, durable=False)
        accounts = _of_job(place, account.job, doubts)
        for name, data in joined(accounts).items():
            fsio.write_atomic(os.path.join(place.folder, name), data, mode=mode, durable=False)
    return doubts


def append(path: str, text: str) -> None:
    """Write to the end of a file that a provider named, on a line of its own.

    Raises:
        OSError: it is no regular file, or cannot be written.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    fd = os.open(path, flags, 0o644)
    try:
        size = length(path)
        if size is None:
            raise OSError(errno.EINVAL, "not a regular file", path)
        head = "\n" if size and os.pread(fd, 1, size - 1) != b"\n" else ""
        fsio.write_all(fd, (head + text).encode("utf-8", "backslashreplace"))
    finally:
        os.close(fd)


def length(path: str) -> int | None:
    """Bytes of a regular file, 0 when it is not there; None when it is something else."""
    import stat

    try:
        found = os.stat(path)
    except FileNotFoundError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def annotate(environ: Mapping[str, str], text: str, *, bad: bool) -> None:
    """Hand an annotation to Buildkite's agent, behind what the build has said in it.

    A pass gives no style, so that it never takes away the colour that a failure gave.

    Raises:
        NotWrittenError: there is no agent, or it refused.
    """
    import subprocess

    agent = fsio.find_program("buildkite-agent", environ.get("PATH", ""))
    if agent is None:
        raise NotWrittenError("there is no `buildkite-agent` in PATH", "the job's container needs it, too")
    style = ["--style", "error"] if bad else []
    try:
        done = subprocess.run(
            [agent, "annotate", "--context", "xt", "--append", *style],
            input=text.encode("utf-8", "backslashreplace"),
            env=dict(environ),
            capture_output=True,
            timeout=AGENT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotWrittenError(f"`buildkite-agent` took longer than {AGENT:.0f} s") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise NotWrittenError(f"`buildkite-agent` ended with {done.returncode}: {said[:300]}")


def _make(place: Place, outside: Outside, mode: int) -> None:
    """Make the folder; one that is new is ignored by git, so that it is no code of the next run."""
    assert place.folder is not None
    if not place.named and os.path.islink(place.folder):
        # A checkout is not trusted to say where files go.
        raise NotWrittenError(f"`{os.path.basename(place.folder)}` is a link", "`--ci-dir` names a folder")
    os.makedirs(place.folder, mode=0o777 & ~outside.umask, exist_ok=True)
    if not os.listdir(place.folder):
        fsio.write_atomic(os.path.join(place.folder, ".gitignore"), b"*\n", mode=mode, durable=False)


@contextlib.contextmanager
def _alone(folder: str) -> Iterator[None]:
    """Within it, no other command of the job writes there."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        until = time.monotonic() + WAIT
        while not fsio.try_lock(fd):
            if time.monotonic() > until:
                raise NotWrittenError(f"another xt has been writing to `{os.path.basename(folder)}` for long")
            time.sleep(0.02)
        yield
    finally:
        fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)


def _of_job(place: Place, job: str, doubts: list[str]) -> list[Account]:
    """Accounts of this job, oldest first; files that others of the same folder left are taken away."""
    assert place.folder is not None
    found: list[tuple[str, str, Account]] = []
    gone: set[str] = set()
    names = sorted(os.listdir(place.folder))
    for name in names:
        own = _OWN.fullmatch(name)
        if own is None or own[2] != "json":
            continue
        try:
            account = codec.decode(fsio.read_file(os.path.join(place.folder, name), LIMIT), Account, name)
        except (OSError, DamagedError) as error:
            said = error.strerror if isinstance(error, OSError) else error.message
            doubts.append(f"{name} is left out of what tells of all commands: {said}")
            continue
        if account.job == job:
            found.append((account.at, own[1], account))
        else:
            gone.add(own[1])
    found.sort(key=lambda item: item[:2])
    gone |= {stem for _, stem, _ in found[:-MOST]}
    for name in names:
        own = _OWN.fullmatch(name)
        if own is not None and own[1] in gone:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(place.folder, name))
    return [account for _, _, account in found[-MOST:]]
