"""`xt noise` as a page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.builders import NOW, RUN, digest
from tests.render.golden import check
from tests.render.hostile import SGR, assert_harmless, paths, words
from xt.model.noise import Agreement, Band, Noise
from xt.render.noise import NARROWEST, WIDEST, render

IDS = [RUN, "nrqszzktwvlmopyx", "ytlmkkpzwxrsouvn", "qpxvolkmnzwrstuy", "lkmnopqrstuvwxyz"]
COARSE = "the spread is below the resolution: half a step of 0.01 is taken for it"


def band(name: str, mean: float, sd: float, half: float, **more: object) -> Band:
    values = {"n": 5, "low": mean - sd, "high": mean + 1.5 * sd, **more}
    return Band(f"metrics/{name}", name, mean=mean, sd=sd, band=half, **values)  # type: ignore[arg-type]


FIVE = Noise(
    run=RUN,
    shown=4,
    recipe=digest("9"),
    n=5,
    level=0.95,
    runs=IDS,
    newest="2026-11-23T09:28:00.000000Z",
    trials=3,
    hosts=["alpha", "beta"],
    metrics=[
        band("val/acc", 0.968, 0.0021, 0.0064, tolerance="abs 0.01", allowed=0.01, fits=True),
        band("val/acc{digit=8}", 0.941, 0.004, 0.012, cohort=True, notes=[COARSE]),
        band("loss", 0.0899, 0.0016, 0.0048, tolerance="rel 0.01", allowed=0.0009, fits=False, unit="nats"),
        band("perplexity", 12.5, 0.75, 2.28, n=4, notes=["1 of 5 runs gave `nan`"]),
        Band("metrics/gone", "gone", 0, notes=["5 of 5 runs gave `inf`"]),
    ],
    cost=[Band("cost/wall", "wall", 5, unit="s", mean=8.42, sd=0.11, low=8.3, high=8.6, band=0.334)],
    outputs=[
        Agreement("model.npz", "model", 4, 4),
        Agreement("report.md", "report", 4),
        Agreement("plots/", "artifact", 3, 1, "not known of 1 of 4 others"),
        Agreement("big.bin", "artifact", 0, 0, "its content in the newest run is not known: too large"),
    ],
    notes=["the seed was held fixed, so what another seed would give is not in the noise"],
)
ONE = replace(
    FIVE,
    n=1,
    runs=[RUN],
    trials=0,
    hosts=["alpha"],
    metrics=[Band("metrics/val/acc", "val/acc", 1, mean=0.968, low=0.968, high=0.968, tolerance="abs 0.01")],
    cost=[Band("cost/wall", "wall", 1, unit="s", mean=8.42, low=8.42, high=8.42)],
    notes=[],
    hint="`xt verify kwpz --repeat 5` repeats it, and tells how much it scatters",
)
NONE = Noise(
    RUN,
    4,
    digest("9"),
    0,
    0.95,
    [],
    doubt="the code is not known",
    notes=["the run itself is `failed` and does not count"],
    hint="`xt logs kwpz` shows why it failed",
)


def page(found: Noise, width: int = 100, colour: bool = False, everything: bool = False) -> str:
    return render(found, NOW, width, colour, everything=everything)


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_five_runs(width: int) -> None:
    check(f"noise-{width}", page(FIVE, width))


def test_five_runs_with_everything() -> None:
    check("noise-all", page(FIVE, 100, everything=True))


def test_one_run_and_none() -> None:
    check("noise-one", page(ONE, 80))
    check("noise-none", page(NONE, 80))


@pytest.mark.parametrize("found", [FIVE, ONE, NONE])
@pytest.mark.parametrize("width", [24, 40, 60, 80, 100, 300])
def test_colour_changes_no_text(found: Noise, width: int) -> None:
    assert SGR.sub("", page(found, width, colour=True)) == page(found, width)


@pytest.mark.parametrize("width", [-1, 0, 23])
def test_a_terminal_of_no_width_gets_the_narrowest_page(width: int) -> None:
    assert page(FIVE, width) == page(FIVE, NARROWEST)
    assert page(FIVE, 1000) == page(FIVE, WIDEST)


def test_what_matters_least_goes_first() -> None:
    gone: list[str] = []
    everything = ["n", "mean", "sd", "range", "95", "tolerance"]
    for width in range(WIDEST, 50, -1):
        head = next(line for line in page(FIVE, width).splitlines() if line.startswith("Metrics")).split()
        gone += [name for name in everything if name not in head and name not in gone]
    assert gone[:2] == ["range", "sd"]
    assert not {"mean", "95", "tolerance"} & set(gone)


def test_cohorts_are_counted_until_all_is_asked_for() -> None:
    assert "digit=8" not in page(FIVE)
    assert "and 1 cohort: --all" in page(FIVE)
    assert "  val/acc{digit=8}" in page(FIVE, everything=True)
    assert "--all" not in page(FIVE, everything=True)


def test_long_lists_say_how_many_more_there_are() -> None:
    many = replace(
        FIVE,
        runs=[RUN] * 50,
        metrics=[band(f"m{number}", 0.5, 0.1, 0.3) for number in range(33)],
        outputs=[Agreement(f"o{number}", "artifact", 4) for number in range(22)],
    )
    text = page(many)
    assert "and 38 more" in text
    assert "and 3 more metrics: --all" in text
    assert "and 2 more outputs: --all" in text
    assert "--all" not in page(many, everything=True)


def test_a_note_of_many_metrics_is_said_once() -> None:
    found = replace(FIVE, metrics=[band(f"m{number}", 0.5, 0.1, 0.3, notes=[COARSE]) for number in range(5)])
    assert page(found).count("half a step") == 1
    assert f"m0, m1, m2 and 2 more: {COARSE}" in page(found)


def test_every_number_of_a_metric_is_written_as_precisely_as_its_spread() -> None:
    line = next(line for line in page(FIVE).splitlines() if line.startswith("  val/acc"))
    assert line.split() == [
        *("val/acc", "5", "0.9680", "0.0021", "0.9659", "…", "0.9711", "±", "0.0064"),
        *("abs", "0.01", "fits"),
    ]


numbers = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(0, allow_infinity=False)
bands = st.builds(
    Band,
    path=words.map(lambda text: f"metrics/{text}"),
    name=words,
    n=st.integers(0, 50),
    cohort=st.booleans(),
    unit=st.one_of(st.none(), st.sampled_from(["s", "B", "J"]), words),
    mean=st.one_of(st.none(), numbers),
    sd=st.one_of(st.none(), positive),
    low=st.one_of(st.none(), numbers),
    high=st.one_of(st.none(), numbers),
    band=st.one_of(st.none(), positive),
    tolerance=st.one_of(st.none(), words),
    fits=st.one_of(st.none(), st.booleans()),
    notes=st.lists(words, max_size=2),
)


@given(
    st.builds(
        Noise,
        run=st.just(RUN),
        shown=st.just(4),
        recipe=st.just(digest("9")),
        n=st.integers(0, 50),
        level=st.just(0.95),
        runs=st.lists(st.sampled_from(IDS), max_size=20),
        newest=st.one_of(st.none(), words),
        hosts=st.lists(words, max_size=3),
        metrics=st.lists(bands, max_size=4),
        outputs=st.lists(
            st.builds(Agreement, paths, words, st.integers(0, 9), st.integers(0, 9), st.none() | words),
            max_size=3,
        ),
        doubt=st.one_of(st.none(), words),
        notes=st.lists(words, max_size=2),
        hint=st.one_of(st.none(), words),
    ),
    st.integers(NARROWEST, 130),
    st.booleans(),
)
def test_nothing_reaches_the_terminal_but_text_that_fits(found: Noise, width: int, everything: bool) -> None:
    assert_harmless(page(found, width, everything=everything), width)


def test_a_name_narrower_than_the_heading_leaves_no_line_too_wide() -> None:
    band = Band("metrics/f", "f", 0, tolerance="abs 0.00000001")
    found = Noise(RUN, 4, digest("9"), 2, 0.95, [], metrics=[band])
    assert_harmless(page(found, NARROWEST), NARROWEST)
