"""Operating system and processor, from `/proc` and `/etc` (or `sysctl` on macOS)."""

from __future__ import annotations

import os

from xt import codec
from xt.model.environment import Machine


def collect() -> Machine:
    """Describe the machine this process runs on."""
    name = os.uname()
    mac = name.sysname == "Darwin"
    cpu, flags = _mac_cpu() if mac else linux_cpu(_start_of("/proc/cpuinfo"))
    return Machine(
        system=name.sysname,
        kernel=name.release,
        distribution=_mac_version() if mac else distribution(),
        libc=_libc(),
        architecture=name.machine,
        cpu=cpu,
        cpu_flags=codec.digest_of(sorted(flags)) if flags else None,
        cpus=os.cpu_count(),
        usable_cpus=_usable(),
        memory_bytes=_memory(),
    )


def _start_of(path: str) -> str:
    """Read the beginning of a file: of `/proc/cpuinfo`, one block fits, and the kernel makes little more."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(fd, 16384).decode("utf-8", "replace")
    finally:
        os.close(fd)


def linux_cpu(text: str) -> tuple[str | None, list[str]]:
    """Read model and flags of the first processor.

    Args:
        text: beginning of `/proc/cpuinfo`.
    """
    fields: dict[str, str] = {}
    for line in text.split("\n\n", 1)[0].splitlines():
        key, _, value = line.partition(":")
        fields[key.strip()] = value.strip()
    model = fields.get("model name") or fields.get("cpu model") or fields.get("uarch")
    if not model and "CPU part" in fields:  # ARM names its parts by number
        model = f"ARM implementer {fields.get('CPU implementer')} part {fields['CPU part']}"
    return model or None, (fields.get("flags") or fields.get("Features") or fields.get("isa") or "").split()


def distribution(path: str = "/etc/os-release") -> str | None:
    """Name the distribution (os-release(5))."""
    for name in (path, "/usr/lib/os-release"):
        text = _start_of(name)
        for line in text.splitlines():
            if line.startswith("PRETTY_NAME="):
                return line[12:].strip().strip("\"'") or None
    return None


def _libc() -> str | None:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError):
        pass  # not glibc
    try:
        names = [name for name in os.listdir("/lib") if name.startswith("ld-musl-")]
    except OSError:
        return None
    return "musl" if names else None


def _usable() -> int | None:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def _sysctl(*names: str) -> list[str | None]:
    import subprocess

    values: list[str | None] = []
    for name in names:
        try:
            done = subprocess.run(
                ["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, timeout=2, check=False
            )
            values.append(done.stdout.strip() or None)
        except (OSError, subprocess.TimeoutExpired):
            values.append(None)
    return values


def _mac_cpu() -> tuple[str | None, list[str]]:
    brand, features, leaf = _sysctl(
        "machdep.cpu.brand_string", "machdep.cpu.features", "machdep.cpu.leaf7_features"
    )
    return brand, f"{features or ''} {leaf or ''}".split()


def _mac_version() -> str | None:
    version = _sysctl("kern.osproductversion")[0]
    return f"macOS {version}" if version else None
