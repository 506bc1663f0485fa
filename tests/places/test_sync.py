"""`xt push` and `xt pull` over real servers: a host's own sshd, and gateways of S3."""

from __future__ import annotations

import pytest

from tests.sync.team import Side, ids, shared
from xt.model.event import Noted
from xt.ops.statements import state


@pytest.mark.parametrize("place", ["ssh", "moto", "rclone"], indirect=True)
def test_what_is_pushed_arrives_elsewhere_and_again_nothing_travels(place, tmp_path):
    here, there = Side(tmp_path / "here"), Side(tmp_path / "there")
    runs = ids(3)
    for run_id in runs:
        here.add(run_id)
    state(here.store, here.outside, Noted, run=runs[0], text="good")
    pushed = here.push(place, asked=["outputs"])
    assert {one.state for one in pushed.runs} == {"copied"}
    pulled = there.pull(place, asked=["outputs"])
    assert {one.state for one in pulled.runs} == {"copied"}
    assert (pulled.objects, pulled.events) == (pushed.objects, 1)
    assert shared(here.store.path) == shared(there.store.path)
    for found in (here.push(place), there.pull(place)):
        assert {one.state for one in found.runs} == {"present"}
        assert (found.objects, found.events) == (0, 0)
    there.add("kkkkkkkkkkkkkkkk")
    there.push(place)
    (one,) = here.pull(place, "kkkk").runs
    assert (one.run, one.state) == ("kkkkkkkkkkkkkkkk", "copied")
