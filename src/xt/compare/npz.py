"""Numpy's archives: a zip file of `.npy` members, compared array by array."""

from __future__ import annotations

import zipfile
from functools import partial

from xt.compare import Content, Rule, UnreadableError
from xt.compare.arrays import Array
from xt.compare.named_parts import join
from xt.compare.npy import Pickled, compare_parts, read_array
from xt.compare.zipped import open_member, opened
from xt.model.delta import Delta


def compare(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare two `.npz` files.

    Raises:
        UnreadableError: a side is not one, or would unpack beyond 1 GB and 200 times its size.
    """
    with opened(left) as a, opened(right) as b:
        sides = _arrays(a), _arrays(b)
        deltas, identical = compare_parts(*sides, rule, path)
    return join(path, sides, deltas, identical, rule, "array")


def _arrays(archive: zipfile.ZipFile) -> dict[str, Array | Pickled]:
    """Find the arrays of an archive, by the names they were saved under."""
    found: dict[str, Array | Pickled] = {}
    for info in archive.infolist():
        if not info.filename.endswith(".npy"):
            raise UnreadableError(f"it holds `{info.filename[:80]}`, which is no array")
        name = info.filename[: -len(".npy")]
        if name in found:
            raise UnreadableError(f"it holds `{name[:80]}` twice")
        reopen = partial(open_member, archive, info)
        with reopen() as file:
            found[name] = read_array(file, info.file_size, reopen, direct=False)
    return found
