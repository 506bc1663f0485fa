"""The one tree of everything that is compared; comparators, verbs and renderers meet only in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from xt.model.result import Number

#: Agreement, best first; a whole is the worst of its parts, so what could not be compared never passes.
Relation = Literal["same", "within", "unknown", "changed"]
RELATIONS: tuple[Relation, ...] = ("same", "within", "unknown", "changed")

#: What happened to a thing on the way from left to right.
Change = Literal["changed", "added", "removed", "renamed", "up", "down"]

Word = Literal[
    "same",
    "within tolerance",
    "within noise",
    "cannot tell",
    "not comparable",
    "beyond tolerance",
    "beyond noise",
    "improved",
    "regressed",
]


def worst(relations: Iterable[Relation]) -> Relation:
    """The relation of a whole: the worst of its parts, `same` when it has none."""
    return max(relations, key=RELATIONS.index, default="same")


class Measure(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far two things are apart, in one respect."""

    what: str
    """Such as `max |Δ|`, `max rel`, `ulp`, `values differing`, `first byte`, `lines added`, `PSNR dB`."""
    value: float | int | Number
    at: str | None = None
    """Where it is: `[12, 4]`, `/loss`, `row id=7, column score`."""
    bound: float | int | None = None
    """The declared bound it is held against."""


class Sample(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a metric on one side: the run itself and its repeats."""

    n: int
    mean: float
    sd: float | None = None
    """Sample standard deviation (n - 1), None for one value."""


class Judgement(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether the move of one number is a change or noise, and how that was found."""

    word: Word
    direction: Literal["better", "worse"] | None = None
    """By the declared goal; None when there is none, or it did not move."""
    reason: str | None = None
    """Of `cannot tell` and `not comparable`: `n=1, no tolerance declared`."""
    goal: Literal["min", "max", "none"] = "none"
    left: Sample | None = None
    right: Sample | None = None
    delta: float | int | Number | None = None
    """Mean of the right side minus mean of the left, in the metric's unit."""
    ratio: float | None = None
    """`delta` over the size of the left mean; None where that is zero."""
    tolerance: str | None = None
    """As declared: `abs 0.005`, `rel 1e-3`, `ulp 4`, `sigma 2`."""
    allowed: float | None = None
    """The declared tolerance in the metric's unit, here."""
    noise: float | None = None
    """Half width of the noise band: a larger move is beyond noise. In the metric's unit."""
    p: float | None = None
    """Probability of a move of this size without a true change, before correction."""
    level: float | None = None
    """What `p` had to stay below (Holm's step for this row)."""
    family: int | None = None
    """Rows the correction was made over."""
    method: str | None = None
    """`Student, one run against 5 repeats`, `Welch, 5 against 5`, `sign test over 200 cases`."""
    detectable: float | None = None
    """Smallest true change that would be found 4 times of 5, in the metric's unit."""
    notes: list[str] = []
    """What a reader must know: a bound finer than the resolution, spread never seen, a seed held fixed."""


class Tally(msgspec.Struct, frozen=True, omit_defaults=True):
    """Cases of both sides, joined by id."""

    fixed: int = 0
    broken: int = 0
    failing: int = 0
    """Failed on both sides."""
    passing: int = 0
    """Passed on both sides."""
    only_left: int = 0
    only_right: int = 0


class Delta(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing beside its counterpart, and its parts."""

    path: str
    """`code/train.py`, `params/lr`, `environment/packages/numpy`, `outputs/model.npz:w`."""
    relation: Relation
    left: Any = None
    """JSON value of the left side where one says something; None when it is absent."""
    right: Any = None
    change: Change | None = None
    unit: str | None = None
    """Of `left`, `right`: `s`, `B`, `J`, or as declared for a metric."""
    measures: list[Measure] = []
    note: str | None = None
    """A summary a person can act on, or why it could not be compared."""
    hint: str | None = None
    """What would help to say more: an extra to install, a declaration to make."""
    text: list[str] = []
    """Lines of a unified diff without line ends, from the first `@@` on."""
    counted: bool = True
    """Whether it counts for the whole: context never does, a cost only when it can be judged."""
    judgement: Judgement | None = None
    tally: Tally | None = None
    children: list[Delta] = []
    more: int = 0
    """Further differing parts that are not listed."""


def whole(
    path: str, children: list[Delta], *, least: Relation = "same", most: int | None = None, **fields: Any
) -> Delta:
    """Join parts: the relation is the worst of those that count.

    Args:
        path: of the whole.
        children: its parts, in order.
        least: what it is at best, such as `unknown` when something could not be looked at.
        most: parts listed; the others are counted in `more` when they differ.
        fields: further fields of the whole.
    """
    relation = worst([least, *(child.relation for child in children if child.counted)])
    listed = children if most is None else children[:most]
    left_out = sum(child.relation != "same" for child in children[len(listed) :])
    return Delta(path, relation, children=listed, more=left_out, **fields)


class Side(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of the two runs."""

    id: str
    shown: int
    """Letters of the id that tell it from all others."""
    started_at: str
    status: str
    pinned: str | None = None
    """The name pinned on it, such as `baseline`."""
    purpose: str | None = None
    name: str | None = None
    n: int = 1
    """Runs that count for it: itself and those of the same recipe that ended well."""
    repeats: list[str] = []
    """Ids of these others."""
    lacking: list[str] = []
    """Required evidence it does not have."""


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the comparison comes to."""

    word: Word | Literal["different"]
    """`different`: no metric moved, but an output or the exit status differs."""
    relation: Relation
    """Worst of everything that counts among the effects and their comparability."""
    sentence: str
    """One or two sentences for a person."""
    causes: int = 0
    """Causes that differ."""
    beyond: int = 0
    """Metrics that moved beyond noise or tolerance."""
    method: list[str] = []
    """How it was found, for `--explain`: one statement a line, with n."""


class Gate(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a comparison was asked to fail on."""

    name: Literal["regression", "divergent", "incomplete"]
    passed: bool | None
    """None: it cannot be told, which is no pass."""
    reasons: list[str] = []
    """Why it did not pass, one clause each."""
    paths: list[str] = []
    """Rows that made it fail: `metrics/val/acc`, `outputs/model.npz`."""
    unknown: list[str] = []
    """Rows of which it cannot be told."""


class Comparison(msgspec.Struct, frozen=True, omit_defaults=True):
    """Two runs: what was changed, what moved, and whether that is noise."""

    left: Side
    right: Side
    relation: Relation
    """Worst of causes and effects."""
    causes: Delta
    """Children in order of power to explain: code, params, facts (if there are any), command, inputs,
    environment, seed."""
    context: Delta
    """What cannot change results: who, where, when. Never counted."""
    comparability: Delta
    """Whether the effects were measured on the same: evaluation data, harness, benchmark, cases."""
    effects: Delta
    """Children: status, metrics, cost, cases, outputs, logs."""
    verdict: Verdict
    gates: list[Gate] = []
    """What `--fail-on` asked for, in that order."""
    # A factory, since a plain default would be left out.
    schema: Literal["xt.diff/1"] = msgspec.field(default_factory=lambda: "xt.diff/1")
