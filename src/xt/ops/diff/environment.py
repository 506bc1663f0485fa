"""What differs around the code: what can change results as causes, the rest for the context."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xt.collect import fingerprint
from xt.model.delta import Change, Delta, whole
from xt.model.environment import Container, Environment, Gpu
from xt.model.snapshot import Context, Snapshot
from xt.model.text import Text, from_text, to_shown
from xt.ops.diff import packages

#: Differing parts listed; the others are counted.
PARTS = 500
#: The variable that chooses among GPUs.
VISIBLE = "CUDA_VISIBLE_DEVICES"
#: Variables that differ at every run, or say where and not how; locale and time zone are told by themselves.
_NOISE = {"_", "SHLVL", "COLUMNS", "LINES", "OLDPWD", "PWD", "TERM", "LANG", "LANGUAGE", "TZ"}
_NOISY = ("SLURM_", "XT_", "LC_")


def compare(left: Snapshot, right: Snapshot) -> Delta:
    """Compare what the fingerprint is made of, part by part."""
    one, other = left.environment, right.environment
    if one.fingerprint == other.fingerprint and one.container.options == other.container.options:
        return Delta("environment", "same")
    pairs = [
        *_python(one, other),
        *_system(one, other),
        *_gpus(one, other),
        *_image(one.container, other.container),
        *_settings(one, other),
        ("settings/timezone", one.timezone, other.timezone),
        *_locale(one, other),
        *_selecting(left, right),
    ]
    children = [_delta(name, before, after) for name, before, after in pairs if before != after]
    children += packages.compare(one, other)
    if not children:
        # The fingerprint is sealed; what it was made of may be more than this version shows.
        children = [
            Delta("environment/fingerprint", "unknown", note="it differs in a part that is not shown")
        ]
    return whole("environment", children, most=PARTS)


def context(left: Snapshot, right: Snapshot, times: tuple[str, str], *, one_key: bool = True) -> Delta:
    """Compare what cannot change results: who, where, when, and the surroundings outside the fingerprint.

    Args:
        left: causes of one run.
        right: causes of the other.
        times: when each started, RFC 3339.
        one_key: whether keyed digests of both are of one store; of two stores they cannot be compared.
    """
    one, other = left.environment, right.environment
    pairs: list[tuple[str, Any, Any]] = [
        ("started", *times),
        *(
            (name, _context(left.context, name), _context(right.context, name))
            for name in ("user", "host", "trigger", "purpose", "ticket", "name", "task", "xt", "project")
        ),
        ("kernel", one.machine.kernel, other.machine.kernel),
        ("distribution", one.machine.distribution, other.machine.distribution),
        ("memory", one.machine.memory_bytes, other.machine.memory_bytes),
        ("interpreter path", _executable(one), _executable(other)),
        ("umask", one.umask, other.umask),
        ("limits", one.limits, other.limits),
        *((f"lock {name}", before, after) for name, before, after in _locks(one, other)),
    ]
    children = [
        Delta(f"context/{name}", "changed", before, after, counted=False)
        for name, before, after in pairs
        if before != after
    ]
    children += _variables(one, other, one_key=one_key)
    return Delta("context", "changed" if children else "same", children=children, counted=False)


def _delta(name: str, left: Any, right: Any) -> Delta:
    change: Change = "added" if left is None else "removed" if right is None else "changed"
    return Delta(f"environment/{name}", "changed", left, right, change=change)


def _image(one: Container, other: Container) -> Iterator[tuple[str, Any, Any]]:
    if one.identity() != other.identity():
        yield "container/image", _called(one), _called(other)
    left, right = ([to_shown(from_text(word)) for word in side.options] for side in (one, other))
    yield "container/options", left or None, right or None


def _called(container: Container) -> str | None:
    """Name an image so that another one of the same name is told apart."""
    if container.found is None:
        return container.image
    return f"{container.image} ({container.found.id[:19]})" if container.image else container.found.id


def _python(one: Environment, other: Environment) -> Iterator[tuple[str, Any, Any]]:
    left, right = one.python, other.python
    if left is None or right is None:
        yield "python/interpreter", left and left.version, right and right.version
        return
    yield "python/implementation", left.implementation, right.implementation
    yield "python/version", left.version, right.version


def _system(one: Environment, other: Environment) -> Iterator[tuple[str, Any, Any]]:
    for name in ("system", "architecture", "cpu", "libc", "cpu_flags"):
        if name != "libc" or one.container.started_by is other.container.started_by is None:
            # An image brings a C library of its own.
            yield f"system/{name.replace('_', ' ')}", getattr(one.machine, name), getattr(other.machine, name)
    if not (one.determinism.get("OMP_NUM_THREADS") and other.determinism.get("OMP_NUM_THREADS")):
        # Where OMP_NUM_THREADS says so, the number of processors does not matter.
        yield "threads/usable CPUs", one.machine.usable_cpus, other.machine.usable_cpus


def _gpus(one: Environment, other: Environment) -> Iterator[tuple[str, Any, Any]]:
    left, right = one.gpus, other.gpus
    yield "gpu/status", left.status, right.status
    yield "gpu/driver", left.driver, right.driver
    yield "gpu/CUDA", left.cuda, right.cuda
    yield "gpu/devices", _devices(left.devices), _devices(right.devices)
    if left.devices or right.devices:
        yield f"gpu/{VISIBLE}", one.determinism.get(VISIBLE), other.determinism.get(VISIBLE)


def _devices(found: list[Gpu]) -> list[str] | None:
    return (
        sorted(
            device.name + (f", {device.memory_bytes / 1e9:.0f} GB" if device.memory_bytes else "")
            for device in found
        )
        or None
    )


def _settings(one: Environment, other: Environment) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted(one.determinism.keys() | other.determinism.keys()):
        if name != VISIBLE:
            yield f"settings/{name}", one.determinism.get(name), other.determinism.get(name)


def _locale(one: Environment, other: Environment) -> Iterator[tuple[str, Any, Any]]:
    for category in fingerprint.CATEGORIES:
        left, right = (fingerprint.effective(side.locale, category) for side in (one, other))
        yield f"locale/{category}", left, right


def _selecting(left: Snapshot, right: Snapshot) -> Iterator[tuple[str, Any, Any]]:
    for name in fingerprint.SELECT:
        yield f"variables/{name}", _relative(left, name), _relative(right, name)


def _relative(side: Snapshot, name: str) -> str | None:
    value, container = side.environment.variables.get(name), side.environment.container
    return (
        None
        if value is None or (container.started_by is not None and name not in container.handed)
        else to_shown(fingerprint.relative(from_text(value), from_text(side.context.project)))
    )


def _context(context: Context, name: str) -> Any:
    value: Text | None = getattr(context, name)
    return to_shown(from_text(value)) if value is not None else None


def _executable(found: Environment) -> str | None:
    return to_shown(from_text(found.python.executable)) if found.python is not None else None


def _locks(one: Environment, other: Environment) -> Iterator[tuple[str, str | None, str | None]]:
    left, right = (
        {to_shown(from_text(lock.path)): lock.digest for lock in side.locks} for side in (one, other)
    )
    for name in sorted(left.keys() | right.keys()):
        yield name, left.get(name), right.get(name)


def _is_noise(name: str) -> bool:
    return name in _NOISE or name.startswith(_NOISY)


def _variables(one: Environment, other: Environment, *, one_key: bool) -> list[Delta]:
    """Variables outside the fingerprint: by value where recorded, the others by name."""
    shown = {*fingerprint.SELECT, *one.determinism, *other.determinism}
    if not (one.gpus.devices or other.gpus.devices):
        shown.discard(VISIBLE)  # it chooses among none
    found = []
    for name in sorted(one.variables.keys() | other.variables.keys()):
        left, right = (side.variables.get(name) for side in (one, other))
        if left == right or name in shown or _is_noise(name):
            continue
        before, after = (None if value is None else to_shown(from_text(value)) for value in (left, right))
        found.append(Delta(f"context/{name}", "changed", before, after, counted=False))
    hidden = [
        name
        for name in sorted(one.hidden.keys() | other.hidden.keys())
        if one.hidden.get(name) != other.hidden.get(name) and not _is_noise(name)
    ]
    unknown = [] if one_key else [name for name in hidden if name in one.hidden and name in other.hidden]
    hidden = [name for name in hidden if name not in unknown]
    if hidden:
        note = f"{len(hidden)} whose values are not recorded: {_some(hidden)}"
        found.append(Delta("context/variables", "changed", note=note, counted=False))
    if unknown:
        note = f"{len(unknown)} that cannot be compared, one run is of another store: {_some(unknown)}"
        found.append(Delta("context/variables", "unknown", note=note, counted=False))
    return found


def _some(names: list[str]) -> str:
    return ", ".join(names[:12]) + (" …" if names[12:] else "")
