"""Verifications for tests: one of every sort, as `xt verify` would report them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from xt.model.delta import Measure
from xt.model.level import Level, lowest
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

RUN = "nrqszzktwvlmopyx"
REPEATS = ["klmnopqrstuvwxyz", "kpqrstuvwxyzlmno", "lqrstuvwxyzkmnop", "mrstuvwxyzklnopq", "nzstuvwxyklmopqr"]


def line(path: str, *cells: Cell | Level, **changes: Any) -> Line:
    """A line; a level stands for a cell of 5 repeats, one column after another."""
    made = [cell if isinstance(cell, Cell) else cell_of(cell) for cell in cells or ("identical",)]
    return Line(path, made[0].level, made, **changes)


def cell_of(level: Level, differ: int | None = None, n: int = 5) -> Cell:
    return Cell(level, (0 if level == "identical" else n) if differ is None else differ, n)


def repeat(level: Level = "identical", n: int = 5) -> Column:
    return Column("repeat", level, REPEATS[:n])


def verification(**changes: Any) -> Verification:
    whole = Verification(
        run=RUN,
        shown=4,
        required="identical",
        level="identical",
        sentence="nrqs is repeatable: everything is identical in 5 of 5 repeats.",
        purpose="reference, 10 epochs",
        columns=[repeat()],
        lines=[
            line("status"),
            line("metrics/val/acc"),
            line("metrics/loss"),
            line("outputs/metrics.json"),
            line("outputs/model.npz"),
            line("logs/stdout", counted=False),
        ],
        wanted=5,
        event="20261123093000000000-0a1b2c3d",
    )
    return replace(whole, **changes)


def identical() -> Verification:
    return verification()


def equivalent() -> Verification:
    return verification(
        required="equivalent",
        level="equivalent",
        sentence="nrqs is repeatable: what is not identical stays within its tolerance.",
        columns=[repeat("equivalent")],
        lines=[
            line("status"),
            line("metrics/val/acc"),
            line(
                "metrics/loss",
                cell_of("equivalent", 4),
                measure=Measure("|Δ|", 3.1e-7, None, 1e-5),
                tolerance="1e-5",
            ),
            line(
                "outputs/model.npz",
                "equivalent",
                measure=Measure("max |Δ|", 2.4e-6, "w [12, 4]", 1e-5),
                tolerance="1e-5 absolute",
            ),
            line("logs/stdout", cell_of("divergent", 4), counted=False, note="line 14 differs"),
        ],
        drift=["numpy 2.4.5 → 2.4.6", "kernel 6.17.2 → 6.18.3"],
    )


def consistent(passed: bool = True) -> Verification:
    test = Equivalence(
        "val/acc",
        n=5,
        reference=0.968,
        mean=0.9683,
        bound=0.005,
        level=0.05,
        passed=passed,
        sd=0.0011 if passed else 0.0061,
        p=0.0008 if passed else 0.12,
        low=-0.0009 if passed else -0.0055,
        high=0.0015 if passed else 0.0061,
        needed=None if passed else 14,
    )
    level: Level = "consistent" if passed else "divergent"
    return verification(
        required="consistent",
        level=level,
        sentence="nrqs is repeatable within its declared bounds."
        if passed
        else "nrqs is not shown to be consistent: 5 repeats are too few to tell it.",
        columns=[repeat(level)],
        lines=[
            line("status"),
            line(
                "metrics/val/acc",
                level,
                measure=Measure("|Δ|", 0.0017, "repeat 3"),
                tolerance="0.005",
                test=test,
            ),
            line(
                "metrics/train/acc",
                "consistent",
                measure=Measure("|Δ|", 0.0004),
                test=replace(test, metric="train/acc", passed=True, p=0.001),
            ),
        ],
    )


def divergent() -> Verification:
    return verification(
        level="divergent",
        sentence="nrqs does not repeat.",
        columns=[repeat("divergent")],
        lines=[
            line("status"),
            line(
                "outputs/out.json",
                Cell("divergent", 4, 5, REPEATS[2]),
                measure=Measure("values differing", 12, "$.order"),
                note="$.order differs in 4 of 5 repeats",
            ),
            line("outputs/totals.csv"),
            line("logs/stdout", cell_of("divergent", 4), counted=False),
        ],
        diagnosis=Diagnosis(
            sources=["hashseed"],
            sentence="With PYTHONHASHSEED=0 it does (5/5): the order of a set or of hash-keyed output "
            "reaches out.json.",
            pins=["hashseed"],
            hint="set it in `[task.export] env`, or sort before writing",
            first="outputs/out.json:$.order[0]: “kiwi” in nrqs, “plum” in lqrs",
            trials=[
                Trial([], False, 5, note="control, nothing held fixed"),
                Trial(["seed"], False, 3, "XT_SEED=0"),
                Trial(["hashseed"], True, 5, "PYTHONHASHSEED=0", runs=REPEATS),
                Trial(["threads"], False, 1, "OMP_NUM_THREADS=1", "it ended with exit 1 instead"),
            ],
            impossible={"clock": "libfaketime is not installed"},
        ),
    )


def unexplained() -> Verification:
    return replace(
        divergent(),
        diagnosis=Diagnosis(
            sources=[],
            sentence="Nothing that was tried makes it repeat.",
            first="logs/stdout line 14: “step 3 loss 0.81” in nrqs, “step 3 loss 0.80” in lqrs",
            trials=[Trial([], False, 5), Trial(["hashseed", "seed", "threads"], False, 3)],
            impossible={
                "clock": "libfaketime is not installed",
                "network": "namespaces are not permitted here",
            },
        ),
    )


def unverifiable() -> Verification:
    return verification(
        level="unverifiable",
        sentence="nrqs cannot be verified: an input is not what it was.",
        columns=[],
        lines=[],
        missing=[
            "data/digits.csv.gz has other content than recorded, and was not stored (blake3 91c0f3a2…, "
            "last seen in run ytqs)",
            "the variable HF_TOKEN is not set",
        ],
    )


VARIATIONS: dict[str, str] = {
    "hashseed": "PYTHONHASHSEED=1",
    "threads": "OMP_NUM_THREADS=1 instead of 16",
    "cpus": "2 CPUs instead of 16",
    "locale": "LC_ALL=C",
    "timezone": "TZ=Pacific/Kiritimati",
    "clock": "one year later",
    "path": "/tmp/xt-verify-longer-name",
}


def matrix() -> Verification:
    """Eight variations, one of which could not be tried."""
    names = list(VARIATIONS)

    def over(**others: Level) -> list[Cell]:
        return [
            cell_of("identical"),
            *(cell_of(others.get(name, "identical"), n=1) for name in [*names, "all"]),
        ]

    acc = line(
        "metrics/val/acc",
        *over(threads="equivalent", all="equivalent"),
        measure=Measure("|Δ|", 1.2e-7),
        tolerance="1e-5",
    )
    model = line(
        "outputs/model.npz",
        *over(threads="equivalent", cpus="equivalent", all="equivalent"),
        measure=Measure("max |Δ|", 3.1e-7, "w [12, 4]"),
        tolerance="1e-5",
    )
    report = line(
        "outputs/report/2026/summary.html",
        *over(timezone="divergent", locale="divergent", all="divergent"),
        note="line 3: the time it was made",
        hint="leave the time out of the report, or write it in UTC",
    )
    lines = [
        line("status", *over()),
        acc,
        line("metrics/loss", *over()),
        model,
        report,
        line("logs/stdout", *over(clock="divergent", all="divergent"), counted=False),
    ]
    levels = [lowest(found.cells[place].level for found in lines if found.counted) for place in range(9)]
    columns = [
        repeat(),
        *(
            Column(name, level, REPEATS[:1], VARIATIONS[name])
            for name, level in zip(names, levels[1:8], strict=True)
        ),
        Column("all", levels[8], REPEATS[:1]),
        Column("hostname", "identical", skipped="unprivileged namespaces are not permitted here"),
    ]
    lines = [replace(found, cells=[*found.cells, Cell("identical")]) for found in lines]
    return verification(
        required="equivalent",
        level="divergent",
        sentence="nrqs repeats in the same environment; the time zone and the locale change "
        "report/2026/summary.html.",
        columns=columns,
        lines=lines,
    )


def three() -> Verification:
    """The matrix as most will see it."""
    found = matrix()
    keep = [0, 1, 2, 5]
    return replace(
        found,
        level="divergent",
        columns=[found.columns[place] for place in keep],
        lines=[replace(one, cells=[one.cells[place] for place in keep]) for one in found.lines],
    )


def stopped() -> Verification:
    return replace(
        divergent(),
        columns=[repeat("divergent", 1)],
        lines=[
            line("status", cell_of("identical", n=1)),
            line("outputs/out.json", cell_of("divergent", n=1)),
        ],
        diagnosis=None,
        notes=[
            "stopped after 1 of 5 repeats: nothing could make it identical any more (--no-early-stop goes on)"
        ],
    )


def against() -> Verification:
    return replace(
        equivalent(),
        against="ytlmkkpzwxrsouvn",
        columns=[Column("against", "equivalent", ["ytlmkkpzwxrsouvn"])],
        lines=[
            line("status", cell_of("identical", n=1)),
            line(
                "metrics/loss", cell_of("equivalent", n=1), measure=Measure("|Δ|", 3.1e-7), tolerance="1e-5"
            ),
            line("cases", cell_of("identical", n=1)),
        ],
        sentence="nrqs and ytlm agree within the declared tolerances.",
        wanted=0,
    )


def many() -> Verification:
    """Two hundred outputs, ninety of which differ."""
    same = [line(f"outputs/plots/{number:03}.png") for number in range(110)]
    other = [
        line(f"outputs/shards/part-{number:05}.parquet", cell_of("divergent", 3), note="different bytes")
        for number in range(90)
    ]
    return replace(
        divergent(),
        columns=[repeat("divergent")],
        lines=[line("status"), *same, *other],
        diagnosis=None,
    )


ALL: dict[str, Callable[[], Verification]] = {
    "identical": identical,
    "equivalent": equivalent,
    "consistent": consistent,
    "too-few": lambda: consistent(passed=False),
    "divergent": divergent,
    "unexplained": unexplained,
    "unverifiable": unverifiable,
    "matrix": matrix,
    "three": three,
    "stopped": stopped,
    "against": against,
    "many": many,
}


def report(*names: str) -> Verifications:
    """A report of some of them."""
    found = [ALL[name]() for name in names]
    return Verifications(found, lowest(one.level for one in found), all(one.reached for one in found))
