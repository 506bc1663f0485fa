"""What a command runs in: interpreter, packages, machine, accelerators, variables."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.text import Text


class Package(msgspec.Struct, frozen=True, omit_defaults=True):
    """An installed distribution of the interpreter that runs the command."""

    name: str
    """Normalised as PEP 503 says."""
    version: str
    editable: Text | None = None
    """The folder of an editable installation."""
    url: str | None = None
    """Where it came from when not from an index (PEP 610), without credentials."""
    revision: str | None = None
    """The commit, for one installed from version control."""


class Python(msgspec.Struct, frozen=True):
    """The interpreter that really runs the command, read from its files without starting it."""

    executable: Text
    found_by: str
    """How: `argv`, `shebang`, `uv run`, `poetry run`, `conda run`, `VIRTUAL_ENV`, `CONDA_PREFIX`, `PATH`."""
    version: str | None
    implementation: str | None
    prefix: Text | None
    base_prefix: Text | None
    packages: list[Package]
    """Sorted by name."""
    reason: str | None = None
    """What could not be read, and why."""


class Lock(msgspec.Struct, frozen=True):
    """A lock or requirements file that is present in the project."""

    path: Text
    digest: str


class Gpu(msgspec.Struct, frozen=True):
    """One accelerator, as NVML names it."""

    name: str
    uuid: str
    memory_bytes: int | None
    compute_capability: str | None = None
    ecc: bool | None = None
    mig: bool | None = None


class Gpus(msgspec.Struct, frozen=True):
    """The accelerators the machine shows."""

    status: Literal["found", "none", "unknown"]
    reason: str | None
    driver: str | None
    cuda: str | None
    """Highest CUDA version the driver serves."""
    devices: list[Gpu]


class Installed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Packages that one manager keeps in one place of an image."""

    kind: Literal["deb", "apk", "pacman", "python", "conda"]
    place: Text
    """The file or folder they were read from."""
    packages: list[Package]
    """Sorted by name."""
    version: str | None = None
    """Of the interpreter, for `python`."""


class Image(msgspec.Struct, frozen=True, omit_defaults=True):
    """A container image, as the engine that has it describes it."""

    id: str
    """`sha256:<hex>`: what it holds and how it starts, whatever its names mean by now."""
    tags: list[str]
    """Its names here, such as `python:3.12`."""
    digests: list[str]
    """What it is called in registries: `REPOSITORY@sha256:<hex>`."""
    entrypoint: list[str]
    command: list[str]
    layers: list[str]
    system: str | None
    """Such as `linux/amd64`."""
    created: str | None = None
    distribution: str | None = None
    """As its `os-release` says."""
    installed: list[Installed] | None = None
    """Packages in it, read from its files; None when they were not read: see `reason`."""
    users: list[int] | None = None
    """User ids that its `/etc/passwd` knows."""
    shell: bool | None = None
    """Whether it has `/bin/sh`."""
    reason: str | None = None
    """What could not be read, and why."""


class Container(msgspec.Struct, frozen=True, omit_defaults=True):
    """The container the command runs in: one that xt starts, one that the command starts, or xt's own."""

    inside: bool | None
    """None when it cannot be told."""
    engine: str | None
    id: str | None
    """Of the container, where it is known from inside."""
    image: str | None
    """The image's name or digest: as it was asked for, or where it can be known from inside."""
    reason: str | None
    """What could not be known, and why."""
    started_by: Literal["xt", "command"] | None = None
    """`xt` with `--docker`, `command` for `docker run`; None for the one xt itself runs in, or none."""
    found: Image | None = None
    """The image that the name meant when the command started."""
    options: list[Text] = []
    """Further options of `docker run`, with `--docker`."""
    declared: str | None = None
    """Where the image was declared: `--docker`, `xt.toml` or `[task.NAME]`."""
    handed: list[str] = []
    """Variables from outside that the command gets, besides `XT_*`; all others are the image's own."""
    adjusted: list[str] = []
    """What is not as it would be outside, one sentence each."""
    labels: dict[str, str] = {}
    """Labels of the image that say what it is: `org.opencontainers.image.version`, …"""

    def identity(self) -> str | None:
        """Tell which image it is, as exactly as is known."""
        return self.found.id if self.found is not None else self.image


class Machine(msgspec.Struct, frozen=True):
    """Operating system and hardware."""

    system: str
    kernel: str
    distribution: str | None
    libc: str | None
    architecture: str
    cpu: str | None
    cpu_flags: str | None
    """`blake3:<hex>` of the sorted flags: which vector instructions are there changes float results."""
    cpus: int | None
    """Logical processors of the machine."""
    usable_cpus: int | None
    """Those this process may use (affinity)."""
    memory_bytes: int | None


class Environment(msgspec.Struct, frozen=True):
    """Everything around the code that can change a result."""

    fingerprint: str
    """`blake3:<hex>` of the parts that can change results; the same digest is the same environment."""
    python: Python | None
    python_reason: str | None
    """Why `python` is None: `the command is not Python`, say."""
    locks: list[Lock]
    machine: Machine
    gpus: Gpus
    container: Container
    locale: dict[str, str]
    """LANG, LC_* as set, with `LC_ALL` first in meaning."""
    timezone: str | None
    umask: str
    """Octal, such as `022`."""
    limits: dict[str, list[int]]
    """Resource limits that are not infinite: name → [soft, hard]; -1 is infinite."""
    determinism: dict[str, str | None]
    """Settings known to decide whether a result repeats; None is `not set`."""
    variables: dict[str, Text]
    """Recorded by the allow-list, values scanned for secrets."""
    hidden: dict[str, str]
    """All others by name: a keyed digest (the key stays in this store), or `secret` if named like one."""

    def __post_init__(self) -> None:
        """Refuse a mask that is none, which a repeat would take for one."""
        if not 0 <= int(self.umask, 8) <= 0o777:
            raise ValueError("it is no umask")
