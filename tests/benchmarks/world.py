"""Projects to measure in: a home of their own, real git repositories, files of a wanted number and size."""

from __future__ import annotations

import mmap
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from tests.benchmarks.clock import FailedError, Sample, Step, process

MEGABYTE = 1_000_000


class World:
    """Where benchmarks live, and how much of everything there is."""

    def __init__(
        self, folder: str, *, quick: bool, peers: list[str] | None = None, objects: int = 100_000
    ) -> None:
        """Use an existing, empty folder.

        Args:
            folder: absolute.
            quick: small sizes and few rounds, to see whether it runs; such figures say nothing.
            peers: folders of programs that are looked at before PATH for other tools.
            objects: contents of the store that is looked after.
        """
        self.objects = objects
        self.peers = [os.path.abspath(place) for place in peers or []]
        self.folder = folder
        self.quick = quick
        self.stderr = f"{folder}/stderr"
        """What the process that was measured last wrote there."""
        self.xt = f"{os.path.dirname(sys.executable)}/xt"
        if not os.access(self.xt, os.X_OK):
            raise FailedError(f"no `xt` beside {sys.executable}: `pip install -e .` puts it there")
        home = f"{folder}/home"
        os.mkdir(home)
        with open(f"{home}/.gitconfig", "w", encoding="utf-8") as file:
            file.write("[user]\n\tname = B\n\temail = b@example.org\n[init]\n\tdefaultBranch = main\n")
        self.environ = {
            "HOME": home,
            "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": f"{home}/.gitconfig",
            "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        }

    def many(self, wanted: int) -> int:
        """A number of rounds or files; less of them when it is quick."""
        return max(2, wanted // 20) if self.quick else wanted

    def bytes(self, wanted: int) -> int:
        """A size; a small part of it when it is quick."""
        return wanted // 20 if self.quick else wanted

    def aside(self, name: str, *, again: bool = False) -> Callable[[], None]:
        """As `Project.aside`, of a folder beside the projects.

        Args:
            name: of the folder.
            again: leave an empty one in its place.
        """
        attic = f"{self.folder}/attic"
        os.makedirs(attic, exist_ok=True)

        def run() -> None:
            if os.path.lexists(f"{self.folder}/{name}"):
                os.rename(f"{self.folder}/{name}", f"{attic}/{time.time_ns()}")
            if again:
                os.mkdir(f"{self.folder}/{name}")
            os.sync()

        return run

    def project(self, name: str) -> Project:
        """Make an empty git repository."""
        made = Project(self, f"{self.folder}/{name}")
        os.mkdir(made.path)
        made.sh("git init -q")
        return made


class Project:
    """A folder that commands are measured in."""

    def __init__(self, world: World, path: str) -> None:
        self.world = world
        self.path = path
        self.store = f"{path}/.xt"
        self.environ = world.environ
        """Of what is run here from now on."""
        self.python = sys.executable

    def sh(self, script: str) -> str:
        """Run a script, not measured; give what it prints."""
        done = subprocess.run(
            ["sh", "-ec", script],
            cwd=self.path,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise FailedError(f"{script!r} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def commit(self) -> None:
        """Commit everything, two seconds ago: a file as young as the index is read again by git."""
        self.sh("git add -A && git commit -qm x")
        for name in self.sh("git ls-files -z").split("\0"):
            if name:
                info = os.stat(f"{self.path}/{name}")
                os.utime(f"{self.path}/{name}", ns=(info.st_atime_ns, info.st_mtime_ns - 2_000_000_000))
        self.sh("git status")

    def files(self, folder: str, count: int, size: int, per_folder: int = 100) -> None:
        """Write text files below a folder, each with a content of its own."""
        for number in range(count):
            where = f"{self.path}/{folder}/{number // per_folder:03}"
            if number % per_folder == 0:
                os.makedirs(where, exist_ok=True)
            with open(f"{where}/f{number}.txt", "wb") as file:
                file.write((f"line of file {number}\n".encode() * (size // 16 + 1))[:size])

    def noise(self, name: str, size: int) -> str:
        """Write a file that cannot be compressed; give its path."""
        path = f"{self.path}/{name}"
        source = random.Random(size)
        with open(path, "wb") as file:
            for at in range(0, size, MEGABYTE):
                file.write(source.randbytes(min(MEGABYTE, size - at)))
        return path

    def program(self, name: str, text: str) -> list[str]:
        """Write a Python program; give the command that runs it."""
        return [sys.executable, self.write(name, text)]

    def write(self, name: str, text: str) -> str:
        """Write a text file; give its path."""
        path = f"{self.path}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def step(self, name: str, argv: list[str], prepare: Callable[[], object] | None = None) -> Step:
        """Make a step of a command that runs here."""
        return Step(name, self.timed(argv), prepare)

    def xt(self, name: str, *words: str, prepare: Callable[[], object] | None = None) -> Step:
        """Make a step of xt, as it is started by its script; a run that it does not record is no sample."""
        measured = self.timed([self.world.xt, *words])

        def run() -> Sample:
            sample = measured()
            with open(self.world.stderr, encoding="utf-8", errors="replace") as file:
                said = file.read()
            if "not recorded:" in said:
                raise FailedError(f"xt {' '.join(words)}: {said}")
            return sample

        return Step(name, run, prepare)

    def timed(self, argv: list[str]) -> Callable[[], Sample]:
        """Measure a command that runs here."""
        return process(argv, self.environ, self.path, self.world.stderr)

    def records(self) -> Iterator[str]:
        """Names of all sealed records."""
        for _, _, names in os.walk(f"{self.store}/runs"):
            yield from (name for name in names if name.endswith(".json"))

    def record(self) -> dict[str, object]:
        """The record of the newest run."""
        import json

        from xt.store import Store

        store = Store.open(self.store)
        newest = max(
            store.ids(), key=lambda run: os.stat(f"{self.store}/runs/{run[:2]}/{run}.json").st_mtime_ns
        )
        found: dict[str, object] = json.loads(store.record_bytes(newest))
        return found

    def fresh(self, *names: str, memory: int = 0) -> Callable[[], None]:
        """Make a preparation that empties files and folders, and lets what that stirs up settle.

        Args:
            names: below the project; a file is removed, of a folder what is in it.
            memory: bytes that the step will fill; see `touch`.
        """

        def run() -> None:
            for name in names:
                path = f"{self.path}/{name}"
                if os.path.isdir(path):
                    for member in os.scandir(path):
                        shutil.rmtree(member.path) if member.is_dir() else os.unlink(member.path)
                elif os.path.lexists(path):
                    os.unlink(path)
            os.sync()
            touch(memory)

        return run

    def aside(self, name: str) -> Callable[[], None]:
        """Make a preparation that moves a folder out of the way.

        Not removed: for some seconds ext4 looks for each new file at what was just removed, and a writer
        is up to ten times slower.
        """
        attic = f"{self.path}-attic"
        os.makedirs(attic, exist_ok=True)

        def run() -> None:
            if os.path.lexists(f"{self.path}/{name}"):
                os.rename(f"{self.path}/{name}", f"{attic}/{time.time_ns()}")
            os.sync()

        return run

    def remove(self) -> None:
        """Give the room back."""
        shutil.rmtree(self.path)
        shutil.rmtree(f"{self.path}-attic", ignore_errors=True)


def touch(size: int) -> None:
    """Have so many bytes of memory used once and free.

    The host of a virtual machine takes free memory back, and the first use of a page then costs 10 µs: a
    copy of a gigabyte takes 0.3 s or 3, by what was removed before.
    """
    if size == 0:
        return
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    child = os.fork()
    if child == 0:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_POPULATE", 0)
        mmap.mmap(-1, min(3 * size, free // 2), flags=flags)
        os._exit(0)
    os.waitpid(child, 0)
