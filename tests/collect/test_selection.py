"""Which untracked files go into a snapshot."""

from __future__ import annotations

import os

from xt.collect import selection
from xt.collect.selection import choose
from xt.config import CodeSettings


def test_much_that_is_probably_data_is_said_to_be_stored(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    paths = ["train.py", "images/a", "images/b", "images/c"]
    for name, size in zip(paths, (10_000_000, 40_000_000, 40_000_000, 40_000_000), strict=True):
        (tmp_path / name).touch()
        os.truncate(tmp_path / name, size)  # takes no space
    chosen = choose(str(tmp_path), paths, CodeSettings(), [])
    assert (chosen.kept, chosen.left) == (paths, [])
    assert chosen.much == "130 MB that git does not have are stored as code, most of it `images/`"
    assert choose(str(tmp_path), paths[:3], CodeSettings(), []).much is None
    monkeypatch.setattr(selection, "MANY", 2)
    few = choose(str(tmp_path), paths[:3], CodeSettings(), []).much
    assert few == "3 files that git does not have are stored as code, most of them in `images/`"
    assert choose(str(tmp_path), paths, CodeSettings(exclude=["images/"]), []).much is None
