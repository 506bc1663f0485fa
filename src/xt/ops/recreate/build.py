"""Build an environment in its folder of the cache, once, whoever asks.

A virtual environment holds its own path in scripts, so it cannot be built elsewhere and moved. It is built
in place, under a lock that others wait for, and a file that is written last says that it is whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from xt import codec, fsio
from xt.collect.packages import Folder, installed
from xt.errors import DamagedError, StoreError, UnverifiableError
from xt.execute import uv
from xt.ops.recreate import editable
from xt.ops.recreate.plan import Plan

#: Written last; what it says must still be true when the environment is used again.
MARKER = "xt-complete.json"


class Complete(msgspec.Struct, frozen=True):
    """What an environment was when it was complete."""

    identity: list[str]
    """Version and implementation its interpreter told."""
    packages: list[list[str]]
    """Name and version of each."""


class Recreated(NamedTuple):
    """An environment that is ready."""

    folder: str
    bin: str
    python: str
    paths: list[str]
    """Folders with the code of editable packages, relative to the project's root, for `PYTHONPATH`."""
    remarks: list[str]
    """What is not quite as recorded, one sentence each."""
    built: bool
    """Whether it was built now, rather than found."""


def build(
    plan: Plan, cache: str, project: str, environ: Mapping[str, str], say: Callable[[str], object]
) -> Recreated:
    """Build an environment, or find it built.

    Args:
        plan: what it consists of.
        cache: folder of such environments, `.xt/cache/environments`; made when it is not there.
        project: absolute path of the project's root with the recorded code, whose uv settings count.
        environ: of the caller; uv's variables are passed on.
        say: called with lines of progress.

    Raises:
        UnverifiableError: uv could not: an interpreter or a package is not to be had; nothing is left.
        UnsupportedError: uv is not installed.
        StoreError: the cache cannot be written.
    """
    folder = os.path.join(os.path.abspath(cache), plan.key)
    try:
        os.makedirs(cache, mode=fsio.PRIVATE_DIR, exist_ok=True)
        with _alone(folder + ".lock", say) as lock:
            built = not _whole(folder)
            if built:
                _Builder(plan, folder, project, environ, say, lock).make()
    except OSError as error:
        raise StoreError(
            f"the environment cannot be built: {error.strerror}: {error.filename or folder}",
            "without `--env recreate` it is repeated with what is here",
        ) from error
    paths = list(dict.fromkeys(path for item in plan.editables for path in item.paths))
    return Recreated(folder, os.path.join(folder, "bin"), _python(folder), paths, plan.remarks, built)


@contextlib.contextmanager
def _alone(path: str, say: Callable[[str], object]) -> Iterator[int]:
    """Hold a lock, waiting for whoever has it; give its descriptor."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, fsio.PRIVATE_FILE)
    try:
        if not fsio.try_lock(fd):
            say("waiting for another xt that builds the same environment")
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield fd
    finally:
        os.close(fd)


def _python(folder: str) -> str:
    return os.path.join(folder, "bin", "python")


def _state(folder: str) -> Complete | None:
    """Look at what is there; None when its interpreter does not answer."""
    identity = uv.identity(_python(folder))
    if identity is None:
        return None
    found = installed([Folder(_site(folder), site=True)]).packages
    return Complete(list(identity), [[package.name, package.version] for package in found])


def _whole(folder: str) -> bool:
    """Whether an environment is complete, and nobody has changed it or its interpreter since."""
    try:
        said = codec.decode(fsio.read_file(os.path.join(folder, MARKER)), Complete, "an environment's marker")
    except (OSError, DamagedError):
        return False
    return said == _state(folder)


def _site(folder: str) -> str:
    """The folder of its packages; there is one, of one version."""
    library = os.path.join(folder, "lib")
    names = [
        name for name in os.listdir(library) if os.path.isdir(os.path.join(library, name, "site-packages"))
    ]
    return os.path.join(library, names[0], "site-packages")


def _clear(folder: str) -> None:
    if os.path.lexists(folder):
        # What says that it is whole goes first.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, MARKER))
        shutil.rmtree(folder)


class _Builder:
    """Builds one environment, with the lock held."""

    def __init__(
        self,
        plan: Plan,
        folder: str,
        project: str,
        environ: Mapping[str, str],
        say: Callable[[str], object],
        lock: int,
    ) -> None:
        self.plan = plan
        self.folder = folder
        self.project = project
        self.environ = environ
        self.say = say
        self.lock = lock
        self.program = uv.find(environ)

    def make(self) -> None:
        """Build it; leave nothing when that fails."""
        _clear(self.folder)
        count = "" if self.plan.lock else f" of {len(self.plan.requirements)} packages"
        self.say(f"building the recorded environment{count}")
        try:
            self._interpreter()
            self._packages()
            for item in self.plan.editables:
                editable.install(item, _site(self.folder), _python(self.folder))
            state = _state(self.folder)
            if state is None:
                raise UnverifiableError(
                    "the interpreter of the environment that was built does not answer",
                    "it was removed: try again, or see whether `uv venv` makes one that works",
                )
            fsio.write_atomic(os.path.join(self.folder, MARKER), codec.encode(state), durable=False)
        except BaseException:
            _clear(self.folder)
            raise

    def _uv(self, *words: str, cwd: str | None = None) -> None:
        # uv holds the lock too: should xt be killed, nobody builds here until uv has ended as well.
        uv.call([self.program, *words], cwd or self.project, self.environ, self.say, self.folder, self.lock)

    def _interpreter(self) -> None:
        """Make it empty, with the recorded interpreter if that is still there and the same."""
        plan = self.plan
        if plan.version is None:
            wanted = None
        elif plan.base is not None and _fits(plan, uv.identity(plan.base)):
            wanted = plan.base
        else:
            wanted = _request(plan.implementation, plan.version)
        try:
            self._uv(
                "venv", "--no-project", "--quiet", *(("--python", wanted) if wanted else ()), self.folder
            )
        except uv.UvError as error:
            raise UnverifiableError(
                f"Python{f' {plan.version}' if plan.version else ''} is not to be had: {error}",
                f"install it, with `uv python install {wanted}` for instance" if wanted else None,
            ) from error
        told = uv.identity(_python(self.folder))
        if plan.version is not None and not _fits(plan, told):
            chosen = " ".join(reversed(told)) if told else "an interpreter that does not answer"
            raise UnverifiableError(
                f"uv chose {chosen} instead of {plan.implementation} {plan.version}",
                "`uv python install` gets others",
            )

    def _packages(self) -> None:
        try:
            self._install()
        except uv.UvError as error:
            raise UnverifiableError(
                f"the recorded packages cannot be installed: {error}",
                "uv heeds UV_INDEX, UV_FIND_LINKS and its other variables; `--env check` does without",
            ) from error

    def _install(self) -> None:
        plan, python = self.plan, _python(self.folder)
        if plan.lock is not None and plan.lock.kind == "uv":
            where = os.path.join(self.project, plan.lock.folder)
            self._uv("sync", "--frozen", "--no-install-workspace", "--python", python, cwd=where)
        elif plan.lock is not None:
            self._uv("pip", "install", "--python", python, "--requirements", plan.lock.path)
        elif plan.requirements:
            listed = os.path.join(self.folder, "xt-requirements.txt")
            lines = "".join(f"{line}\n" for line in plan.requirements)
            fsio.write_atomic(listed, lines.encode(), durable=False)
            refresh = [word for name in plan.refresh for word in ("--refresh-package", name)]
            self._uv("pip", "install", "--python", python, "--no-deps", *refresh, "--requirements", listed)


def _fits(plan: Plan, told: tuple[str, str] | None) -> bool:
    if told is None or told[1] != plan.implementation or plan.version is None:
        return False
    return told[0] == plan.version or (plan.version.count(".") < 2 and told[0].startswith(plan.version + "."))


def _request(implementation: str, version: str) -> str:
    """A request as `uv python find --help` describes it."""
    name, _, variant = implementation.partition("-")
    return f"{name}@{version}{'t' if variant == 'freethreaded' else ''}"
