"""Comparisons made by hypothesis: anything in every field, nested as the real ones are."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.comparisons import CAUSES
from tests.render.hostile import words
from xt.model.delta import Comparison, Delta, Judgement, Measure, Sample, Side, Tally, Verdict, whole
from xt.model.result import Number

GROUPS = ("python", "packages", "system", "gpu", "settings")
RELATION = st.sampled_from(["same", "within", "unknown", "changed"])
CHANGE = st.sampled_from([None, "changed", "added", "removed", "renamed", "up", "down"])
WORD = st.sampled_from(
    [
        *("same", "within tolerance", "within noise", "cannot tell", "not comparable"),
        *("beyond tolerance", "beyond noise", "improved", "regressed"),
    ]
)
REAL = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.floats(-10, 10), st.integers(-9, 9))
NUMBER = st.one_of(
    REAL, st.integers(), st.sampled_from([Number("nan"), Number("-inf"), {"special": "inf"}, 10**400])
)
MAYBE = st.none() | st.floats(allow_nan=False, min_value=0)
VALUE = st.one_of(
    st.none(),
    words,
    NUMBER,
    st.booleans(),
    st.lists(words, max_size=6),
    st.fixed_dictionaries({"size": st.integers(0, 10**30), "files": st.integers(-1, 9), "digest": words}),
)
MEASURE = st.builds(
    Measure,
    what=st.sampled_from(["max |Δ|", "lines added", "lines removed"]) | words,
    value=NUMBER,
    at=st.none() | words,
    bound=st.none() | REAL,
)
SAMPLE = st.none() | st.builds(Sample, n=st.integers(1, 9), mean=REAL.map(float), sd=MAYBE)
JUDGEMENT = st.builds(
    Judgement,
    word=WORD,
    direction=st.sampled_from([None, "better", "worse"]),
    reason=st.none() | words,
    left=SAMPLE,
    right=SAMPLE,
    delta=st.none() | NUMBER,
    ratio=st.none() | st.floats(),
    tolerance=st.none() | words,
    allowed=MAYBE,
    noise=MAYBE,
    p=MAYBE,
    level=MAYBE,
    family=st.none() | st.integers(1, 9),
    method=st.none() | words,
    detectable=MAYBE,
    notes=st.lists(words, max_size=2),
)
TALLY = st.none() | st.builds(Tally, *[st.integers(0, 99)] * 6)
LINES = st.lists(st.builds(str.__add__, st.sampled_from(["+", "-", " ", "@@ ", "\\"]), words), max_size=4)
SERIES = st.lists(st.none() | REAL, max_size=24)


def deltas(path: st.SearchStrategy[str], value: st.SearchStrategy[object] = VALUE, depth: int = 1) -> object:
    """Deltas with children below their own path."""

    @st.composite
    def build(draw: st.DrawFn) -> Delta:
        own = draw(path)
        below = st.builds(str.__add__, st.sampled_from(["/", ":", "{digit="]).map(own.__add__), words)
        children = draw(st.lists(deltas(below, value, depth - 1), max_size=2)) if depth else []
        return Delta(
            own,
            draw(RELATION),
            draw(value),
            draw(value),
            change=draw(CHANGE),
            unit=draw(st.sampled_from([None, "s", "B", "J", "%"]) | words),
            measures=draw(st.lists(MEASURE, max_size=3)),
            note=draw(st.none() | words),
            hint=draw(st.none() | words),
            text=draw(LINES),
            judgement=draw(st.none() | JUDGEMENT),
            tally=draw(TALLY),
            children=children,
            more=draw(st.integers(0, 3)),
        )

    return build()


def _below(section: str) -> st.SearchStrategy[str]:
    prefix = {
        "environment": st.sampled_from(GROUPS).map("environment/{}/".format),
        "inputs": words.map("inputs/{}/".format),
        "command": st.just("command/"),
    }.get(section, st.just(f"{section}/"))
    name = st.sampled_from(["0", "1", "cwd"]) if section == "command" else words
    return st.builds(str.__add__, prefix, name)


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    """A whole comparison, hostile in every place."""
    parts = {}
    everywhere = (*CAUSES, "context", "metrics", "cost", "cases", "outputs", "logs", "status")
    filled = draw(st.sets(st.sampled_from(everywhere), max_size=4))
    for section in everywhere:
        value = {
            "metrics": NUMBER | st.none(),
            "cost": NUMBER | st.none(),
            "command": st.lists(words, max_size=9),
        }
        children = draw(
            st.lists(
                deltas(_below(section), value.get(section, VALUE)), max_size=2 if section in filled else 0
            )
        )
        if section == "metrics" and children and draw(st.booleans()):
            curve = Delta(f"{children[0].path}:series", "changed", draw(SERIES), draw(SERIES))
            children.append(Delta("metrics/x", "changed", 1.0, 2.0, children=[curve]))
        parts[section] = Delta(
            section,
            draw(RELATION),
            draw(VALUE) if section in ("seed", "status") else None,
            draw(VALUE) if section in ("seed", "status") else None,
            note=draw(st.none() | words),
            hint=draw(st.none() | words),
            children=children,
            more=draw(st.integers(0, 2)),
            tally=draw(TALLY),
        )
    side = st.builds(
        Side,
        id=st.text("klmnopqrstuvwxyz", min_size=16, max_size=16),
        shown=st.integers(4, 8),
        started_at=st.just("2026-11-23T08:30:00.000000Z") | words,
        status=words,
        pinned=st.none() | words,
        purpose=st.none() | words,
        lacking=st.lists(words, max_size=2),
    )
    verdict = Verdict(
        draw(WORD), "changed", draw(words), draw(st.integers(0, 3)), draw(st.integers(0, 3)), [draw(words)]
    )
    return Comparison(
        draw(side),
        draw(side),
        "changed",
        whole("causes", [parts[name] for name in CAUSES]),
        parts["context"],
        draw(deltas(st.just("comparability"))),
        whole("effects", [parts[name] for name in ("status", "metrics", "cost", "cases", "outputs", "logs")]),
        verdict,
    )
