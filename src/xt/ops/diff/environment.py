"""What differs around the code: what can change results as causes, the rest for the context."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xt.collect import fingerprint
from xt.model.delta import Change, Delta, whole
from xt.model.environment import Environment, Gpu, Package
from xt.model.snapshot import Context, Snapshot
from xt.model.text import Text, from_text, to_shown

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
    if one.fingerprint == other.fingerprint:
        return Delta("environment", "same")
    pairs = [
        *_python(one, other),
        *_system(one, other),
        *_gpus(one, other),
        ("container/image", one.container.image, other.container.image),
        *_settings(one, other),
        ("settings/timezone", one.timezone, other.timezone),
        *_locale(one, other),
        *_selecting(left, right),
    ]
    children = [_delta(name, before, after) for name, before, after in pairs if before != after]
    children += _packages(one, other)
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


def _python(one: Environment, other: Environment) -> Iterator[tuple[str, Any, Any]]:
    left, right = one.python, other.python
    if left is None or right is None:
        yield "python/interpreter", left and left.version, right and right.version
        return
    yield "python/implementation", left.implementation, right.implementation
    yield "python/version", left.version, right.version


def _packages(one: Environment, other: Environment) -> list[Delta]:
    if one.python is None or other.python is None:
        return []
    left, right = (
        {package.name: package for package in side.python.packages} for side in (one, other) if side.python
    )
    found = []
    for name in sorted(left.keys() | right.keys()):
        before, after = left.get(name), right.get(name)
        if before is not None and after is not None and _origin(before) == _origin(after):
            continue
        path = f"environment/packages/{name}"
        if before is None or after is None:
            change: Change = "added" if before is None else "removed"
            found.append(
                Delta(path, "changed", before and before.version, after and after.version, change=change)
            )
        elif before.version != after.version:
            up = _order(before.version) < _order(after.version)
            found.append(Delta(path, "changed", before.version, after.version, change="up" if up else "down"))
        else:
            note = f"the same version from elsewhere: {_from(before)} → {_from(after)}"
            found.append(Delta(path, "changed", before.version, after.version, change="changed", note=note))
    return found


def _origin(package: Package) -> tuple[str, str | None]:
    return package.version, "editable" if package.editable else package.revision or fingerprint.origin(
        package.url
    )


def _from(package: Package) -> str:
    if package.editable is not None:
        return "an editable folder"
    return package.revision[:12] if package.revision else package.url or "an index"


def _order(version: str) -> list[tuple[int, int, str]]:
    """A key that orders versions as people expect: numbers by value, a pre-release before its release.

    Enough to say `up` or `down`; PEP 440 in full is not needed for that.
    """
    key: list[tuple[int, int, str]] = []
    word = ""
    for character in version.partition("+")[0] + ".":
        if character.isdecimal() == word.isdecimal() and character not in ".-_" and word:
            word += character
            continue
        if word:
            key.append((2, int(word[:20]), "") if word.isdecimal() else (3 if word == "post" else 0, 0, word))
        word = "" if character in ".-_" else character
    return [*key, (1, 0, "")]


def _system(one: Environment, other: Environment) -> Iterator[tuple[str, Any, Any]]:
    for name in ("system", "architecture", "cpu", "libc", "cpu_flags"):
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
    value = side.environment.variables.get(name)
    return (
        None
        if value is None
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
