"""Contents made of bytes or files, for the tests of comparators of arrays and archives."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import xt


class Held:
    """A content in memory."""

    def __init__(self, data: bytes, name: str = "content") -> None:
        self.name = name
        self.data = data
        self.size = len(data)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)


class OnDisk:
    """A content that is a file."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.path = path
        self.size = path.stat().st_size

    def open(self) -> BinaryIO:
        return self.path.open("rb")


_CHILD = """
import sys, resource
from importlib import import_module
from pathlib import Path
from tests.compare.contents_of import OnDisk
from xt.compare import Rule, UnreadableError
module, _, name = sys.argv[1].partition(":")
compare = getattr(import_module(module), name)
try:
    print(compare(OnDisk(Path(sys.argv[2])), OnDisk(Path(sys.argv[3])), Rule(), "x").note)
except UnreadableError as error:
    print("unreadable:", error)
if sys.platform == "darwin":
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
else:
    # ru_maxrss of a child begins with what its parent had.
    status = Path("/proc/self/status").read_text()
    print(int(status.partition("VmHWM:")[2].split()[0]) * 1024)
"""


def compare_alone(target: str, left: Path, right: Path) -> tuple[str, int]:
    """Compare two files in a process of its own: what it said, and its peak memory in bytes."""
    folders = [str(Path(__file__).resolve().parents[2]), str(Path(xt.__file__).resolve().parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, target, str(left), str(right)],
        env={"PYTHONPATH": ":".join(folders), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=110,
    )
    said, peak = done.stdout.rstrip().rsplit("\n", 1)
    return said, int(peak)
