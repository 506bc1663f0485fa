"""Series: read point by point, and thinned out so that they look the same."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.measured import Runs
from xt.errors import DamagedError
from xt.ops.series import read, thin

values = st.one_of(st.floats(), st.sampled_from([math.nan, math.inf, 0.0]))


@given(st.lists(st.tuples(st.floats(-1e308, 1e308), values), max_size=300), st.integers(1, 12))
def test_what_is_kept_has_every_extreme(points: list[tuple[float, float]], columns: int) -> None:
    points = sorted(dict(points).items())
    xs, ys = [x for x, _ in points], [y for _, y in points]
    kept = thin(xs, ys, columns)
    assert kept == sorted(set(kept))
    assert len(kept) <= 4 * columns
    finite = [y for y in ys if math.isfinite(y)]
    shown = [ys[at] for at in kept if math.isfinite(ys[at])]
    if finite:
        assert min(shown) == min(finite)
        assert max(shown) == max(finite)
        assert shown[0] == finite[0]
        assert shown[-1] == finite[-1]
    if len(xs) <= 4 * columns:
        assert kept == list(range(len(xs)))


def test_a_gap_as_wide_as_a_column_stays_one() -> None:
    xs = [float(at) for at in range(1000)]
    ys = [math.nan if 400 <= at < 600 else 1.0 for at in range(1000)]
    kept = thin(xs, ys, 10)
    assert any(400 <= at < 600 for at in kept)


def test_points_are_read_as_they_were_written(tmp_path) -> None:
    runs = Runs(tmp_path)
    metric = runs.series("loss", [0.5, math.nan, -math.inf], [1, 2.5, 3])
    runs.seal("kwpztnlqsmvrxoyu", [metric])
    found = list(read(runs.store, metric.series))
    assert [step for step, _ in found] == [1, 2.5, 3]
    assert found[0][1] == 0.5
    assert math.isnan(found[1][1])
    assert found[2][1] == -math.inf


def test_what_is_no_series_is_damage(tmp_path) -> None:
    runs = Runs(tmp_path)
    digest = runs.store.objects.put_bytes(b'{"value": "high"}\n')
    runs.seal("kwpztnlqsmvrxoyu", [])
    with pytest.raises(DamagedError, match="a point of the series cannot be read"):
        list(read(runs.store, digest))
