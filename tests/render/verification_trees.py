"""Verifications made by hypothesis: anything in every field."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.render.hostile import words
from xt.model.delta import Measure
from xt.model.level import LEVELS, lowest
from xt.model.result import Number
from xt.model.verification import (
    Cell,
    Column,
    Diagnosis,
    Equivalence,
    Line,
    Trial,
    Verification,
    Verifications,
)

LEVEL = st.sampled_from(LEVELS)
ID = st.text("klmnopqrstuvwxyz", min_size=16, max_size=16)
REAL = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-10, 10)
MAYBE = st.none() | REAL
FEW = st.lists(words, max_size=2)
NAME = st.sampled_from(["repeat", "threads", "all", "against"]) | words
SECTION = st.sampled_from(["", "outputs/", "metrics/", "logs/", "status"])
PATH = st.builds(str.__add__, SECTION, words)

CELL = st.builds(Cell, level=LEVEL, differ=st.integers(0, 9), n=st.integers(0, 9), example=st.none() | ID)
TEST = st.builds(
    Equivalence,
    metric=words,
    n=st.integers(1, 9),
    reference=REAL,
    mean=REAL,
    bound=REAL,
    level=st.floats(0.001, 0.4),
    passed=st.booleans(),
    sd=MAYBE,
    p=MAYBE,
    low=MAYBE,
    high=MAYBE,
    needed=st.none() | st.integers(2, 10**9),
    note=st.none() | words,
)
MEASURE = st.builds(
    Measure,
    what=words,
    value=REAL | st.integers() | st.just(Number("nan")),
    at=st.none() | words,
    bound=st.none() | REAL,
)
LINE = st.builds(
    Line,
    path=PATH,
    level=LEVEL,
    cells=st.lists(CELL, max_size=4),
    measure=st.none() | MEASURE,
    tolerance=st.none() | words,
    test=st.none() | TEST,
    note=st.none() | words,
    hint=st.none() | words,
    counted=st.booleans(),
)
COLUMN = st.builds(
    Column,
    name=NAME,
    level=LEVEL,
    runs=st.lists(ID, max_size=3),
    what=st.none() | words,
    skipped=st.none() | st.none() | words,
)
TRIAL = st.builds(
    Trial,
    pins=FEW,
    agree=st.booleans(),
    n=st.integers(0, 9),
    what=st.none() | words,
    note=st.none() | words,
)
DIAGNOSIS = st.builds(
    Diagnosis,
    sources=FEW,
    sentence=words,
    pins=FEW,
    hint=st.none() | words,
    first=st.none() | words,
    trials=st.lists(TRIAL, max_size=2),
    impossible=st.dictionaries(words, words, max_size=2),
)
VERIFICATION = st.builds(
    Verification,
    run=ID,
    shown=st.integers(4, 8),
    required=LEVEL,
    level=LEVEL,
    sentence=words,
    against=st.none() | ID,
    purpose=st.none() | words,
    columns=st.lists(COLUMN, max_size=3),
    lines=st.lists(LINE, max_size=3),
    diagnosis=st.none() | DIAGNOSIS,
    drift=FEW,
    missing=FEW,
    notes=FEW,
    wanted=st.integers(0, 9),
)


def verifications() -> st.SearchStrategy[Verifications]:
    """A whole report, hostile in every place."""
    return st.lists(VERIFICATION, max_size=2).map(
        lambda found: Verifications(
            found, lowest(one.level for one in found), all(one.reached for one in found)
        )
    )
