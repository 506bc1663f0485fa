"""Pages that are run: their `console` and `sh` blocks, in order, in one shell on a terminal of 80 columns.

A `console` block has commands behind `$ ` (continued behind `> `) and below each what it prints. What it
really prints is compared loosely: ids, durations, times, sizes in memory, digests, and who and where may
be others, columns may be wider; a `…` stands for anything in a line, and alone for any lines. An id must be
the same one throughout the page. A `sh` block has commands alone. Every command must end with 0, unless the
next one is `echo $?`, whose output is then in the page.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import termios
import time
import venv
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).resolve().parent.parent / "src"
COLUMNS = 80
#: Seconds for one page.
LIMIT = 200
#: Stands between the commands in what the terminal shows.
MARK = "\x1e"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
#: What differs from run to run, as it is written and as it may be.
_VOLATILE = (
    (r"(?<![\w.-])[k-z]{4,16}(?!\w)", r"([k-z]{4,16})"),
    (
        r"\d+(?:\.\d+)? (?:ms|s|min)(?!\w)(?: ago)?|just now|now",
        r"(?:\d+(?:\.\d+)? (?:ms|s|min)(?: ago)?|just now|now)",
    ),
    (r"\d\d\d\d-\d\d-\d\d \d\d:\d\d", r"\d{4}-\d\d-\d\d \d\d:\d\d"),
    (r"\d+(?:\.\d+)? [KMG]?B(?= (?:peak|read|written))", r"\d+(?:\.\d+)? [KMG]?B"),
    (r"[0-9a-f]{64}", r"[0-9a-f]{64}"),
    (r"(?<!\w)[0-9a-f]{16}(?!\w)", r"[0-9a-f]{16}"),
    (r"[0-9a-f]{7,8}(?=…)", r"[0-9a-f]{7,8}"),
    (r"[0-9a-f]{7}(?= on )", r"[0-9a-f]{7}"),
    (r"(?<=CPython )3[.\d]+", r"3[.\d]+\w*"),
    (r"you@host", r"\S+@\S+"),
    (r"by you(?!\w)", r"by \S+"),
    (r"…", r".*"),
)
_ANY = re.compile("|".join(f"({pattern})" for pattern, _ in _VOLATILE))


class Step(NamedTuple):
    """One command of a page."""

    line: int
    command: str
    expected: list[str] | None
    """Lines, or None where the page shows none."""


def steps(text: str) -> list[Step]:
    """Read the commands of a page."""
    found: list[Step] = []
    for block in _FENCE.finditer(text):
        line = text.count("\n", 0, block.start()) + 2
        if block[1] == "sh":
            found.append(Step(line, block[2], None))
        elif block[1] == "console":
            for offset, row in enumerate(block[2].splitlines()):
                if row.startswith("$ "):
                    found.append(Step(line + offset, row[2:], []))
                elif row.startswith("> ") and not found[-1].expected:
                    found[-1] = found[-1]._replace(command=f"{found[-1].command}\n{row[2:]}")
                else:
                    found[-1].expected.append(row)
    return found


class Shown(NamedTuple):
    """What a command really did."""

    lines: list[str]
    status: int


def play(commands: list[str], folder: Path, environ: dict[str, str]) -> list[Shown]:
    """Run commands in one bash on a terminal; return what each one showed, and its status."""
    script = folder.parent / "page.sh"
    parts = ["__status=0\n"]
    for command in commands:
        # The status of the one before is what `$?` says, whatever stands between them.
        parts += [f"printf '\\036%s\\036' $__status; (exit $__status)\n{command}\n__status=$?\n"]
    script.write_text("".join([*parts, "printf '\\036%s\\036' $__status\n"]))
    pieces = _terminal(["bash", "--norc", str(script)], folder, environ).split(MARK)
    assert len(pieces) == 2 * len(commands) + 3, f"the shell ended early: {pieces[-1][-500:]}"
    statuses, outputs = pieces[3::2], pieces[2::2]
    return [
        Shown(_lines(output, script), int(status)) for output, status in zip(outputs, statuses, strict=False)
    ]


def _lines(output: str, script: Path) -> list[str]:
    """Make what a person reads of what a terminal got: no colours, last frames, a death in a word."""
    text = re.sub(r"\x1b\[[\d;]*m", "", output.replace("\r\n", "\n"))
    text = re.sub(r"[^\n]*\r\x1b\[K", "", text).removesuffix("\n")
    text = re.sub(rf"^{re.escape(str(script))}: line \d+: +\d+ (\w+) .*$", r"\1", text, flags=re.M)
    lines = [line.rstrip("\r") for line in text.split("\n")] if text else []
    return [line[line.rfind("\r") + 1 :].rstrip() for line in lines]


def _terminal(words: list[str], folder: Path, environ: dict[str, str]) -> str:
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (40, COLUMNS))
    take = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    take += "os.execvp(sys.argv[1], sys.argv[1:])"
    shell = subprocess.Popen(
        [sys.executable, "-S", "-c", take, *words],
        cwd=folder,
        env=environ,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    data = b""
    until = time.monotonic() + LIMIT
    try:
        while time.monotonic() < until:
            if not select.select([master], [], [], 1.0)[0]:
                continue
            try:
                piece = os.read(master, 65536)
            except OSError:  # the last one closed it
                break
            if not piece:
                break
            data += piece
    finally:
        if shell.poll() is None and time.monotonic() >= until:
            os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()
        os.close(master)
    return data.decode()


def differences(page: list[Step], shown: list[Shown]) -> list[str]:
    """Say where a page is not true."""
    found: list[str] = []
    known: dict[str, str] = {}
    for index, (step, really) in enumerate(zip(page, shown, strict=True)):
        told = index + 1 < len(page) and page[index + 1].command.startswith("echo $?")
        if really.status != 0 and not told:
            found.append(f"line {step.line}: `{step.command}` ends with {really.status}: {really.lines}")
        if step.expected is not None and not _fits(step.expected, really.lines, known):
            really_shown = "\n".join(really.lines)
            found.append(
                f"line {step.line}: `{step.command}` shows\n{really_shown}\n-- and not\n"
                + "\n".join(step.expected)
            )
    return found


def _fits(expected: list[str], lines: list[str], known: dict[str, str]) -> bool:
    """Compare line by line; `known` maps the ids of the page to the real ones."""
    expected, lines = _filled(expected), _filled(lines)
    if not expected:
        return not lines
    if expected[0].strip() == "…":
        return any(
            _fits(expected[1:], lines[count:], dict(known)) and _fits(expected[1:], lines[count:], known)
            for count in range(len(lines) + 1)
        )
    return bool(lines) and _line_fits(expected[0], lines[0], known) and _fits(expected[1:], lines[1:], known)


def _filled(lines: list[str]) -> list[str]:
    """Lines with something in them; where the line after a run is broken depends on how long it took."""
    found: list[str] = []
    for line in filter(str.strip, lines):
        if found and re.match(r"xt: .* ·$", found[-1]) and line.startswith("    "):
            found[-1] += " " + line.strip()
        else:
            found.append(line)
    return found


def _line_fits(expected: str, line: str, known: dict[str, str]) -> bool:
    ids: list[str] = []
    parts = []
    end = 0
    for found in _ANY.finditer(expected):
        parts.append(_spaced(expected[end : found.start()]))
        parts.append(_VOLATILE[found.lastindex - 1][1])
        if found.lastindex == 1:
            ids.append(found[0])
        end = found.end()
    match = re.fullmatch("".join([*parts, _spaced(expected[end:])]), line)
    return match is not None and all(
        known.setdefault(ours[:4], theirs[:4]) == theirs[:4]
        for ours, theirs in zip(ids, match.groups(), strict=True)
    )


def _spaced(text: str) -> str:
    """Literal text, however wide its gaps."""
    return re.sub(r"(?:\\ )+", r" +", re.escape(text))


def commands_for(folder: Path) -> Path:
    """Make a folder with `xt`, and a `python` of its own without packages."""
    place = folder / "bin"
    place.mkdir()
    script = place / "xt"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(SOURCE)!r})\n"
        "from xt.cli.main import main\nmain()\n"
    )
    script.chmod(0o755)
    venv.EnvBuilder(symlinks=True).create(folder / "python")
    return place


def install(folder: Path) -> None:
    """Let that `python` import xt and what it needs, as if installed: not from where it is being written."""
    (packages,) = (folder / "python" / "lib").glob("python*/site-packages")
    (packages / "xt").symlink_to(SOURCE / "xt")
    for place in sys.path:
        for member in Path(place).iterdir() if place.endswith("site-packages") else ():
            if member.suffix not in (".pth", ".dist-info") and not (packages / member.name).exists():
                (packages / member.name).symlink_to(member)


def world(folder: Path, *more: str) -> dict[str, str]:
    """Variables to run a page with."""
    places = [str(commands_for(folder)), *more, str(folder / "python" / "bin"), os.environ["PATH"]]
    return {**os.environ, "PATH": ":".join(places), "NO_COLOR": "1", "TERM": "xterm", "PAGER": "cat"}
