"""A bucket of a real gateway; one test, as it takes long to start."""

from __future__ import annotations

import os

from xt.store.remote.probing import WRITERS, probe


def test_a_real_gateway_keeps_what_was_first(in_bucket, ceph, tmp_path):
    place = in_bucket(ceph)
    assert list(place.entries("runs/")) == []
    found = probe(place, "unique")
    assert (found.won, found.refused, found.kept, found.unlisted) == (1, True, True, None)
    assert WRITERS > 1
    assert place.create("runs/kn/a.json", b"first")
    assert place.create("runs/kn/a.json", b"second") is False
    assert place.read("runs/kn/a.json", 10) == b"first"
    assert place.size("runs/kn/none.json") is None
    large = tmp_path / "large"
    large.write_bytes(os.urandom(1 << 20) * 33 + b"end")
    assert place.create("objects/aa/large", str(large))
    assert place.create("objects/aa/large", str(large)) is False
    with open(tmp_path / "back", "wb") as target:
        place.fetch("objects/aa/large", target, 1 << 30)
    assert (tmp_path / "back").read_bytes() == large.read_bytes()
    assert {entry.name for entry in place.entries("objects/")} == {"objects/aa/large"}
