"""Every reader, on what it reads when all is well, on what made it fail once, and with bytes changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import CHILDREN, TARGETS, Target
from xt.compare import COMPARATORS
from xt.exchange.importers import FORMATS

CORPUS = Path(__file__).parent / "corpus"


def test_every_reader_is_a_target():
    assert {f"import_{name}" for name in FORMATS.rows} <= TARGETS.keys()
    assert {f"compare_{name}" for name in COMPARATORS.rows if name not in CHILDREN} <= TARGETS.keys()
    assert {path.name for path in CORPUS.iterdir()} <= TARGETS.keys()


@st.composite
def damaged(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """Good bytes with pieces cut, doubled, moved or replaced; or any bytes."""
    if not seeds:
        return draw(st.binary(max_size=200))
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 3))):
        at, end = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 2)))
        end = min(end, at + 64) if draw(st.booleans()) else end
        piece = draw(
            st.one_of(
                st.binary(max_size=8),
                st.sampled_from(
                    (b"", b"\0", b"-1", b"1e999", b"9" * 40, b"[" * 2000, b"\xff\xff\xff\xff", b"\\ud800")
                ),
                st.just(data[at:end] * 2),
            )
        )
        data = data[:at] + piece + data[end:]
    return data


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_are_read_or_refused(name: str) -> None:
    target: Target = TARGETS[name]
    for data in (b"", *target.seeds, *(path.read_bytes() for path in sorted(CORPUS.glob(f"{name}/*")))):
        target.run(data)

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(damaged(target.seeds))
    def search(data: bytes) -> None:
        target.run(data)

    search()


def test_good_bytes_are_read():
    """The seeds are no noise."""
    for target in TARGETS.values():
        # Compared with themselves, changed: that may be none any more.
        if target.seeds and not target.name.startswith("compare_"):
            assert any(_is_read(target, data) for data in target.seeds), target.name


def _is_read(target: Target, data: bytes) -> bool:
    try:
        target.act(data)
    except Exception:
        return False
    return True
