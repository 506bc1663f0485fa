"""Which packages differ: those of the interpreter outside, or those in the images that commands ran in."""

from __future__ import annotations

from xt.collect import fingerprint
from xt.model.delta import Change, Delta
from xt.model.environment import Environment, Package
from xt.model.text import from_text, to_shown


def compare(one: Environment, other: Environment) -> list[Delta]:
    """Compare packages by name, where they are known on both sides."""
    left, right = _known(one), _known(other)
    if left is None or right is None:
        return []
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


def _known(side: Environment) -> dict[str, Package] | None:
    """By name; packages of a system as `deb:NAME`, and of a second place of one name with that place."""
    if side.container.started_by is None:
        return (
            {package.name: package for package in side.python.packages} if side.python is not None else None
        )
    if side.container.found is None or side.container.found.installed is None:
        return None
    found: dict[str, Package] = {}
    for place in side.container.found.installed:
        for package in place.packages:
            name = package.name if place.kind == "python" else f"{place.kind}:{package.name}"
            if name in found:
                name += f" ({to_shown(from_text(place.place))})"
            found[name] = package
    return found
