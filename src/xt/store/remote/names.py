"""Names in a remote: made by us, or read from a listing that may say anything."""

from __future__ import annotations

import re

from xt.errors import DamagedError

FORMAT = "format"
RUNS, OBJECTS, EVENTS, CODE, PACKS, RECIPES = "runs/", "objects/", "events/", "code/", "packs/", "recipes/"

_HEX = re.compile("[0-9a-f]{64}")
_RUN = re.compile(r"runs/([k-z]{2})/(\1[k-z]{14})\.json")
_OBJECT = re.compile(r"objects/([0-9a-f]{2})/(\1[0-9a-f]{62})(\.zst)?")
_EVENT = re.compile(r"events/([0-9]{4})/([0-9]{2})/(\1\2[0-9]{8,24}-[0-9a-f]{8})(\.[a-z][a-z-]{0,31})?\.json")
_CODE = re.compile(r"code/([0-9a-f]{2})/(\1(?:[0-9a-f]{38}|[0-9a-f]{62}))/[0-9a-f]{32}\.json")
_RECIPE = re.compile(r"recipes/([0-9a-f]{2})/(\1[0-9a-f]{62})/([k-z]{16})")


def hexed(digest: str) -> str:
    """The digits of a digest.

    Raises:
        DamagedError: it is not one.
    """
    kind, _, digits = digest.partition(":")
    if kind != "blake3" or not _HEX.fullmatch(digits):
        raise DamagedError(f"`{digest[:80]}` is not a digest")
    return digits


def of_run(run_id: str) -> str:
    """Name of a record."""
    return f"runs/{run_id[:2]}/{run_id}.json"


def of_object(digest: str, suffix: str = "") -> str:
    """Name of an object; `suffix` is `.zst` for a compressed one."""
    digits = hexed(digest)
    return f"objects/{digits[:2]}/{digits}{suffix}"


def of_pack(digest: str) -> str:
    """Name of a pack of code."""
    digits = hexed(digest)
    return f"{PACKS}{digits[:2]}/{digits}.pack"


def of_code(tree: str) -> str:
    """Folder of what a snapshot's tree is made of."""
    return f"code/{tree[:2]}/{tree}/"


def of_recipe(recipe: str) -> str:
    """Folder of the runs of a recipe."""
    digits = hexed(recipe)
    return f"recipes/{digits[:2]}/{digits}/"


def run_of(name: str) -> str | None:
    """The run whose record has that name; None when it is no name of a record."""
    found = _RUN.fullmatch(name)
    return found[2] if found else None


def object_of(name: str) -> str | None:
    """The digest of the object of that name."""
    found = _OBJECT.fullmatch(name)
    return "blake3:" + found[2] if found else None


def is_event(name: str) -> bool:
    """Whether an event has that name, of a kind that is known here or not."""
    return _EVENT.fullmatch(name) is not None


def is_code(name: str) -> bool:
    """Whether an index of packs has that name."""
    return _CODE.fullmatch(name) is not None


def run_of_recipe(name: str) -> str | None:
    """The run that is named as one of a recipe."""
    found = _RECIPE.fullmatch(name)
    return found[3] if found else None
