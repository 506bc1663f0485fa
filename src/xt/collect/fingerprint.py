"""The fingerprint: one digest of what around the code can change a result.

In, because results are known to depend on it: interpreter and packages; processor model, its vector
instructions and how many threads a library starts; C library (its mathematics); accelerators and driver;
image; locale and time zone; and the variables that select code or algorithms.

Out, because it identifies a place and not a cause, or differs at each run: host, user, home, text of `PATH`,
prefix of an environment, which of several equal accelerators, their serial numbers, job ids, limits, umask,
kernel (its updates are weekly and no result of a user's program has to follow them; it stays in the record),
distribution (what of it matters is in the C library, the packages and the image), and lock files: they say
what should be installed, the packages say what is, and as files they are part of the code.
"""

from __future__ import annotations

from typing import Any

from xt import codec
from xt.model.environment import Container, Gpus, Machine, Python
from xt.model.text import Text, from_text

#: Variables that select code, besides those of determinism. Paths in the project count relative to it.
SELECT = (
    *("PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONNOUSERSITE", "PYTHONSTARTUP"),
    *(
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "DYLD_INSERT_LIBRARIES",
        "DYLD_LIBRARY_PATH",
        "WORLD_SIZE",
        "NODE_OPTIONS",
    ),
    *("R_LIBS", "R_LIBS_USER", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "GOMAXPROCS", "JULIA_NUM_THREADS"),
)
CATEGORIES = ("LC_CTYPE", "LC_NUMERIC", "LC_COLLATE", "LC_TIME", "LC_MONETARY")


def of(
    *,
    python: Python | None,
    machine: Machine,
    gpus: Gpus,
    container: Container,
    locale: dict[str, str],
    timezone: str | None,
    determinism: dict[str, str | None],
    variables: dict[str, Text],
    root: str,
) -> str:
    """Digest the parts that can change results: `blake3:<hex>`.

    Args:
        python: of `xt.model.environment.Environment`, as all the others.
        machine: see there.
        gpus: see there.
        container: see there.
        locale: see there.
        timezone: see there.
        determinism: see there.
        variables: see there.
        root: absolute path of the project's root.
    """
    libc = machine.libc if container.started_by is None else None  # an image brings its own
    settings = {name: value for name, value in determinism.items() if name != "CUDA_VISIBLE_DEVICES"}
    return codec.digest_of(
        {
            "python": _python(python),
            "machine": [machine.system, machine.architecture, machine.cpu, machine.cpu_flags, libc],
            # Every library of linear algebra starts as many threads, and sums in as many parts.
            "threads": determinism.get("OMP_NUM_THREADS") or machine.usable_cpus,
            "gpus": _gpus(gpus, determinism.get("CUDA_VISIBLE_DEVICES")),
            "image": container.identity(),
            "locale": {name: effective(locale, name) for name in CATEGORIES},
            "timezone": timezone,
            "settings": settings,
            "select": {
                name: relative(from_text(variables[name]), root) for name in SELECT if name in variables
            },
        }
    )


def _python(python: Python | None) -> Any:
    if python is None:
        return None
    packages = [
        [
            package.name,
            package.version,
            "editable" if package.editable else package.revision or origin(package.url),
        ]
        for package in python.packages
    ]
    return [python.implementation, python.version, packages]


def origin(url: str | None) -> str | None:
    """An archive's address counts, a folder of this machine only as such."""
    return "file:" if url and url.startswith("file:") else url


def _gpus(gpus: Gpus, visible: str | None) -> Any:
    devices = list(gpus.devices)
    if visible is not None:
        chosen = []
        for word in (part.strip() for part in visible.split(",")):
            # CUDA stops at the first word that names nothing, such as -1.
            if word.isdigit() and int(word) < len(devices):
                chosen.append(devices[int(word)])
            elif word.startswith(("GPU-", "MIG-")):
                chosen += [device for device in devices if device.uuid.startswith(word)]
            else:
                break
        devices = chosen
    kinds = sorted(
        [device.name, device.compute_capability, device.memory_bytes, device.mig] for device in devices
    )
    return [gpus.status, gpus.driver, gpus.cuda, kinds] if gpus.status != "none" else None


def effective(locale: dict[str, str], category: str) -> str:
    """Apply the order of precedence of locale(7)."""
    value = locale.get("LC_ALL") or locale.get(category) or locale.get("LANG") or "C"
    return "C" if value == "POSIX" else value


def relative(value: str, root: str) -> str:
    """Write the project's root as `.` so that a checkout elsewhere is the same environment."""
    return ":".join(
        "." + part[len(root) :] if part == root or part.startswith(root + "/") else part
        for part in value.split(":")
    )
