"""The table, for a terminal and for `docs/performance.md`."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime

from tests.benchmarks import rows
from tests.benchmarks.clock import Spread
from tests.benchmarks.rows import Row

BEGIN = "<!-- measured: begin (python -m tests.benchmarks --write) -->"
#: Row of the machine's limits that times are held against.
PYTHON = "Python of this environment"
#: Seconds it took where the wanted figures come from.
SET_WITH = 0.0097
END = "<!-- measured: end -->"


def terminal(heading: str, measured: list[Row]) -> str:
    """Write one case in columns."""
    width = max(len(row.what) for row in measured)
    lines = [heading]
    for row in measured:
        parts = [
            f"  {row.what:{width}}",
            f"{rows.figure(row):>14}",
            f"{rows.quartiles(row):>17}",
            f"{rows.target(row):>10}",
            rows.verdict(row),
        ]
        if row.series is not None:
            parts.append(f"[cpu {rows.processor(row)}, {rows.memory(row)}]")
        if row.note:
            parts.append(f"({row.note})")
        lines.append(" ".join(parts).rstrip())
    return "\n".join(lines)


def markdown(sections: list[tuple[str, list[Row]]], machine: list[str]) -> str:
    """Write all cases as tables."""
    lines = [*machine, ""]
    python = next((row.value for _, found in sections for row in found if row.what == PYTHON), None)
    for heading, measured in sections:
        lines += [f"### {heading}", ""]
        lines += ["| | median | middle half | wanted | verdict | processor | memory | |"]
        lines += ["|---|--:|--:|--:|---|--:|--:|---|"]
        for row in measured:
            judged = rows.verdict(row)
            note = row.note
            if judged.startswith("missed"):
                judged = f"**{judged}**"
                note = "; ".join(filter(None, (note, row.missed or elsewhere(row, python))))
            cells = (
                row.what.replace("|", "\\|"),
                rows.figure(row),
                rows.quartiles(row),
                rows.target(row),
                judged,
                rows.processor(row),
                rows.memory(row),
                note,
            )
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def elsewhere(row: Row, python: Spread | None) -> str:
    """Why a time is missed that no case explains: what it would be where the wanted figures come from."""
    if row.value is None or python is None or row.unit not in ("ms", "s"):
        return ""
    scaled = row.value.median / python.median * SET_WITH
    return (
        f"Python starts in {rows.number(python.median, 'ms')} here; where it starts in "
        f"{rows.number(SET_WITH, 'ms')}, that would be {rows.number(scaled, row.unit)}"
    )


def machine(xt: str, folder: str) -> list[str]:
    """Say where and when this was measured."""
    version = subprocess.run([xt, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return [
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with {version}, Python {platform.python_version()}, {git}",
        f"on {os.cpu_count()} × {_cpu()}, {_memory()}, {platform.system()} {platform.release()},",
        f"{_file_system(folder)}; load when it began: {os.getloadavg()[0]:.1f}.",
    ]


def put(text: str, measured: str) -> str:
    """Replace what is between the markers.

    Raises:
        ValueError: the text does not have both, in order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no `{BEGIN}` … `{END}`")
    return f"{before}{begin}\n{measured}\n{end}{after}"


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            found = re.search(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1) if found else platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def _file_system(folder: str) -> str:
    """Type of the file system of a folder, from the mount with the longest matching path."""
    best = ("", "unknown file system")
    try:
        with open("/proc/self/mounts", encoding="utf-8") as file:
            for line in file:
                _, place, kind, *_ = line.split()
                if (folder + "/").startswith(place.rstrip("/") + "/") and len(place) >= len(best[0]):
                    best = (place, kind)
    except OSError:
        return best[1]
    return best[1]
