"""What a run cost beside another: judged by itself, and counted only where somebody declared something."""

from __future__ import annotations

from tests import builders
from xt.config import CostSettings, MetricSettings, Settings
from xt.ops.diff import cost
from xt.ops.diff.rules import Rules


def run(run_id=builders.RUN, **usage):
    return builders.record(res=builders.result(usage=builders.usage(**usage)), run_id=run_id)


def compared(left, right, settings=None, repeats=((), (), ())):
    rules = Rules(settings or Settings(), ())
    found = cost.compare(left, right, tuple(map(list, repeats)), rules, None)
    return found, {child.path: child for child in found.children}


def test_one_run_each_cannot_be_told_and_does_not_count():
    found, rows = compared(run(wall_s=8.0), run(wall_s=16.0))
    assert rows["cost/wall"].judgement.word == "cannot tell"
    assert not rows["cost/wall"].counted
    assert found.relation == "same"


def test_a_declared_tolerance_counts():
    settings = Settings(metrics={"cost/wall": MetricSettings(rel=0.1)})
    found, rows = compared(run(wall_s=8.0), run(wall_s=16.0), settings)
    assert rows["cost/wall"].judgement.word == "regressed"
    assert found.relation == "changed"
    # A glob over all metrics says nothing of cost.
    settings = Settings(metrics={"*": MetricSettings(rel=0.1)})
    assert compared(run(wall_s=8.0), run(wall_s=16.0), settings)[0].relation == "same"


def test_repeats_tell_noise_and_still_do_not_count():
    repeats = [run(wall_s=8.0 + step / 10) for step in range(5)]
    found, rows = compared(run(wall_s=8.1), run(wall_s=30.0), repeats=(repeats, (), ()))
    assert rows["cost/wall"].judgement.word == "regressed"
    assert found.relation == "same"


def test_money_is_time_and_energy_at_their_rates():
    settings = Settings(cost=CostSettings(hour=3.0, kwh=0.5, currency="EUR"))
    left = run(wall_s=3600.0, gpu_energy_j=7_200_000.0)
    right = run(wall_s=1800.0, gpu_energy_j=3_600_000.0)
    _, rows = compared(left, right, settings)
    money = rows["cost/money"]
    assert (money.left, money.right, money.unit) == (4.0, 2.0, "EUR")
    assert money.judgement.direction == "better"


def test_what_is_not_known_is_not_made_up():
    settings = Settings(cost=CostSettings(kwh=0.5))
    _, rows = compared(run(), run(), settings)
    assert "cost/money" not in rows
    assert "cost/energy" not in rows
    _, rows = compared(run(user_s=None), run())
    assert "cost/cpu" not in rows
