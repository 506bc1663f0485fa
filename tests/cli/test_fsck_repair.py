"""`xt fsck --repair`: what comes back from where, and what is said of what does not."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.cli.test_fsck import DAMAGE, there
from tests.fsck_store import OUTPUTS, changed_text, everything, flip, rewrite
from xt.store import trash

__all__ = ["there"]

#: Damage of what a remote has too.
SHARED = [
    what
    for what, (_, code, _) in DAMAGE.items()
    if code.startswith(("object-", "record-")) or what in ("a bit of code", "code that is gone")
]
#: What is not the store's own.
NOT_OURS = ("cache", "tmp", "quarantine", "gc.lock", "code.git")


def own(there):
    """All of the store that must come back byte for byte."""
    return {
        name: (mode, content)
        for name, (mode, _, _, content) in everything(there.store).items()
        if not name.startswith(NOT_OURS)
    }


@pytest.mark.parametrize("what", SHARED)
def test_a_remote_brings_it_back_byte_for_byte(there, what):
    good = own(there)
    damage, code, runs = DAMAGE[what]
    damage(there)
    status, found = there.fsck("--repair", "--from", str(there.path.parent / "remote"))
    assert there.told(found) == [(code, runs)]
    assert all(one["repaired"] for one in found["findings"])
    assert status == 0
    assert own(there) == good
    status, found = there.fsck("--deep")
    assert (status, there.told(found)) == (0, [])
    done = there.xt("restore", there.a, "--to", str(there.path.parent / "again"))
    assert done.code == 0, done.err


@pytest.mark.parametrize("what", [what for what in SHARED if DAMAGE[what][1].startswith("object-")])
def test_without_a_remote_it_is_put_aside_and_the_runs_are_named(there, what):
    damage, code, runs = DAMAGE[what]
    damage(there)
    status, found = there.fsck("--repair")
    assert (status, there.told(found)) == (1, [(code, runs)])
    (one,) = [one for one in found["findings"] if one["fault"]]
    assert one["repaired"] is None
    if code == "object-damaged":
        assert one["aside"].startswith("quarantine/objects/")
        assert os.path.lexists(there.store / one["aside"])
    assert not os.path.lexists(there.store / one["path"])
    for words in ((), ("--repair",)):
        status, found = there.fsck(*words)
        assert (status, there.told(found)) == (1, [("object-missing", runs)])
