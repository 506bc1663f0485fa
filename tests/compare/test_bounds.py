"""Peak memory, whatever the size: measured in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

#: Kilobytes of resident memory, the interpreter included, where one part after the other is looked at.
MOST = 60_000
#: Where a document is compared by its parts, of which so many bytes are held that `documents.MEMORY` allows.
PARTS = 105_000

BEGINNING = '''
import io, os, resource, sys, gzip, zlib
from xt.compare import Rule
from xt.compare.contents import compare
from xt.compare.content import FileContent, Held

class Made(io.RawIOBase):
    """A file of one repeated block, with a few bytes replaced; nothing is stored."""
    def __init__(self, block, size, patches):
        self.block, self.size, self.patches, self.at = block * (1 + (1 << 20) // len(block)), size, patches, 0
        self.unit = len(block)
    def readable(self): return True
    def seekable(self): return True
    def tell(self): return self.at
    def seek(self, offset, whence=0):
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at
    def readinto(self, buffer):
        count = max(0, min(len(buffer), self.size - self.at, 1 << 20))
        shift = self.at % self.unit
        data = bytearray(self.block[shift:shift + count])
        count = len(data)
        for where, new in self.patches.items():
            for offset, letter in enumerate(new):
                if self.at <= where + offset < self.at + count:
                    data[where + offset - self.at] = letter
        buffer[:count] = data
        self.at += count
        return count

class Content:
    def __init__(self, name, block, size, patches={}):
        self.name, self.size, self.made = name, size, (block, size, patches)
    def open(self): return io.BufferedReader(Made(*self.made), 1 << 20)

def tell(delta):
    with open("/proc/self/status") as status:
        # Not ru_maxrss: that of a child begins with what its parent had.
        peak = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    print(peak, delta.relation, delta.note)

def go(left, right, **rule):
    tell(compare(left, right, Rule(**rule), "a"))

G = 90_000_000
'''
#: The limit itself is lowered: it takes half the time to come to it.
HALF = "from xt.compare import documents; documents.MEMORY //= 2\n"

CASES = {
    "one line of 90 megabytes": (
        'go(Content("a.txt", b"abc ", G), Content("a.txt", b"abc ", G, {G // 2: b"X"}))',
        "changed too large for a line diff: first difference at line 1 (byte 45000000)",
    ),
    "one line of 90 megabytes with a tolerance": (
        'go(Content("a.txt", b"1.5 ", G), Content("a.txt", b"1.5 ", G, {8: b"2"}), rtol=9)',
        "changed too large for a line diff: first difference at line 1",
    ),
    "more than two million lines": (
        'lines, a, b = b"123456789\\n", {40: b"X", 20_999_990: b"Y"}, {}\n'
        'go(Content("a.txt", lines, 21_000_000, a), Content("a.txt", lines, 21_000_000, b))',
        "changed too large for a line diff: compared line with line",
    ),
    "bytes of 180 megabytes": (
        'go(Content("a.dat", b"\\0ab", 2 * G), Content("a.dat", b"\\0ab", 2 * G, {G: b"X"}))',
        "changed 1 of 180000000 bytes differs, first at byte 90000000",
    ),
    "a log of 90 megabytes": (
        "from xt.compare.neutral import compare_logs\n"
        'tell(compare_logs(Content("o", b"12s \\r", G), Content("o", b"13s \\r", G), "a"))',
        "changed too large to leave out times",
    ),
    "csv of one line": (
        'go(Content("a.csv", b"a,b", G), Content("a.csv", b"a,c", G))',
        "changed compared by lines: it has a line of more than 1048576 characters",
    ),
    "csv in another order": (
        'rows = [b"%d,%f,text number %d\\n" % (n, n / 7, n) for n in range(125_000)]\n'
        "import tempfile; folder = tempfile.TemporaryDirectory()\n"
        'for name, some in (("l", rows), ("r", rows[::-1])):\n'
        '    with open(folder.name + "/" + name, "wb") as f: f.write(b"id,x,t\\n"); f.writelines(some)\n'
        "del rows, some\n"
        'go(FileContent("a.csv", folder.name + "/l"), FileContent("a.csv", folder.name + "/r"), key=["id"])\n'
        "folder.cleanup()",
        "within rows are in another order",
    ),
    "a document of many small values": (
        'many = b"[" + b"{}," * 3_000_000\ngo(Held("a.json", many + b"1]"), Held("a.json", many + b"2]"))',
        "changed compared by lines: it is too large to compare by its parts",
    ),
    "the largest document of numbers that is compared by its parts": (
        HALF
        + 'def numbers(last): return Held("a.json", ("[" + "0.123456789," * 650_000 + last + "]").encode())\n'
        'go(numbers("1"), numbers("2"))',
        "changed 1 value changed",
    ),
    "the largest document of objects that is compared by its parts": (
        HALF + 'many = b\'{"a":0.5,"b":{}},\' * 45_000\n'
        'def objects(last): return Held("a.json", b"[" + many + last.encode() + b"]")\n'
        'go(objects("1"), objects("2"))',
        "changed 1 value changed",
    ),
    "the largest yaml that is compared by its parts": (
        HALF + 'go(Held("a.yaml", b"- abc\\n" * 74_500), Held("a.yaml", b"- abc\\n" * 74_500 + b"- d"))',
        "changed 1 value added",
    ),
    "yaml of 9 megabytes": (
        'go(Content("a.yaml", b"- abc\\n", G // 10), Content("a.yaml", b"- abd\\n", G // 10))',
        "changed compared by lines: it is too large to compare by its parts",
    ),
    "a gzip bomb": (
        "from xt.compare import contents; contents.UNPACKED = 90_000_000\n"
        "packer = zlib.compressobj(1, wbits=31)\n"
        'bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(120)) + packer.flush()\n'
        'go(Held("a.csv.gz", bomb), Held("a.csv.gz", gzip.compress(b"a")))',
        "changed compared by bytes: it unpacks to more than 90 MB",
    ),
    "json lines with ever new keys": (
        'data = b"".join(b\'{"k%d": 1}\\n\' % n for n in range(200_000))\n'
        'go(Held("a.jsonl", data), Held("a.jsonl", data + b"{}"))',
        "changed compared by lines: it has more than 10000 different keys",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_memory_does_not_grow_with_what_is_compared(name: str) -> None:
    program, expected = CASES[name]
    done = subprocess.run(
        [sys.executable, "-c", BEGINNING + program],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    peak, _, rest = done.stdout.partition(" ")
    assert rest.strip().startswith(expected)
    # macOS counts bytes.
    most = PARTS if "by its parts" in name else MOST
    assert int(peak) // (1024 if sys.platform == "darwin" else 1) < most
