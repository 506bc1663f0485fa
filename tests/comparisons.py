"""Comparisons for tests: small pieces with good names, and a dozen whole ones as users meet them.

`comparison(...)` compares two runs that are the same in everything; each part has a keyword. The whole ones
are in `ALL`, by the names of their pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from tests.builders import digest
from xt.model.delta import (
    Comparison,
    Delta,
    Judgement,
    Measure,
    Relation,
    Sample,
    Side,
    Tally,
    Verdict,
    whole,
)

CAUSES = ("code", "params", "command", "inputs", "environment", "seed")
LEFT = Side(
    "nrqszzktwvlmopyx", 4, "2026-11-23T08:30:00.000000Z", "ok", "baseline", "reference, 10 epochs", n=5
)
RIGHT = Side(
    "kwpztnlqsmvrxoyu", 4, "2026-11-23T09:28:00.000000Z", "ok", purpose="does a lower learning rate help?"
)


# ---- causes


def changed(path: str, left: Any, right: Any, **fields: Any) -> Delta:
    """A value that is another one now."""
    return Delta(path, "changed", left, right, change=fields.pop("change", "changed"), **fields)


def file(path: str, added: int, removed: int, text: str = "", **fields: Any) -> Delta:
    """A file of the code with the lines that differ."""
    counts = [Measure("lines added", added), Measure("lines removed", removed)]
    return Delta(
        f"code/{path}",
        "changed",
        change=fields.pop("change", "changed"),
        measures=counts,
        text=text.strip("\n").split("\n") if text else [],
        **fields,
    )


def words(*stretches: list[str] | tuple[list[str], list[str]]) -> Delta:
    """Two commands: equal stretches as lists, differing ones as pairs."""
    parts = []
    for number, stretch in enumerate(stretches):
        if isinstance(stretch, tuple):
            parts.append(Delta(f"command/{number}", "changed", *stretch, change="changed"))
        else:
            parts.append(Delta(f"command/{number}", "same", stretch, stretch))
    return whole("command", parts)


def blob(size: int, letter: str, files: int = 1) -> dict[str, Any]:
    """What is known of the content of an input."""
    return {"size": size, "files": files, "digest": digest(letter), "revision": None}


def package(name: str, left: str | None, right: str | None, change: Any = "up") -> Delta:
    """A package in two versions."""
    return Delta(f"environment/packages/{name}", "changed", left, right, change=change)


def causes(**sections: Delta) -> Delta:
    """All six; those not given are the same."""
    return whole("causes", [sections.get(name) or Delta(name, "same") for name in CAUSES])


# ---- effects


def metric(name: str, left: Any, right: Any, judgement: Judgement | None = None, **fields: Any) -> Delta:
    """A metric that was judged; equal when nobody says anything."""
    if judgement is None and left == right:
        judgement = Judgement("same", delta=0)
    relation: Relation = fields.pop("relation", None) or {
        "same": "same",
        "within tolerance": "within",
        "within noise": "within",
        "cannot tell": "unknown",
        "not comparable": "unknown",
    }.get(judgement.word if judgement else "", "changed")  # type: ignore[assignment]
    return Delta(f"metrics/{name}", relation, left, right, judgement=judgement, **fields)


def judged(word: Any, left: float, right: float, noise: float | None = None, **fields: Any) -> Judgement:
    """A judgement of five repeats against one run."""
    n = fields.pop("n", (5, 1))
    goal = fields.pop("goal", "max")
    delta = round(right - left, 12)
    return Judgement(
        word,
        direction=fields.pop("direction", None),
        goal=goal,
        left=Sample(n[0], left, noise / 2.8 if noise and n[0] > 1 else None),
        right=Sample(n[1], right),
        delta=delta,
        ratio=delta / abs(left) if left else None,
        noise=noise,
        **fields,
    )


def untold(left: float, right: float) -> Judgement:
    """Nothing can be said of one run against another."""
    return judged("cannot tell", left, right, n=(1, 1), reason="one run on each side, no tolerance declared")


def cost(name: str, left: float, right: float, unit: str, noise: float | None = None) -> Delta:
    """A cost, which counts for nothing here."""
    found = judged("within noise", left, right, noise, goal="min") if noise else untold(left, right)
    return Delta(
        f"cost/{name}",
        "within" if noise else "unknown",
        left,
        right,
        unit=unit,
        counted=False,
        judgement=found,
    )


def effects(**sections: Delta | list[Delta]) -> Delta:
    """Status ok on both sides unless it is given; sections as deltas or as lists of children."""
    parts = {"status": Delta("status", "same", "ok", "ok"), **sections}
    return whole(
        "effects", [whole(name, part) if isinstance(part, list) else part for name, part in parts.items()]
    )


def comparison(
    causes_found: Delta | None = None,
    effects_found: Delta | None = None,
    verdict: Verdict | None = None,
    comparability: Delta | None = None,
    context: Delta | None = None,
    left: Side = LEFT,
    right: Side = RIGHT,
) -> Comparison:
    """Two runs beside each other."""
    before = causes_found or causes()
    after = effects_found or effects()
    return Comparison(
        left,
        right,
        max(before.relation, after.relation, key=("same", "within", "unknown", "changed").index),
        before,
        context or Delta("context", "same", counted=False),
        comparability or Delta("comparability", "same"),
        after,
        verdict or Verdict("same", "same", "the same in every respect that is recorded."),
    )


PATCH = """
@@ -12,7 +12,7 @@ def fit(lr, epochs):
     for epoch in range(epochs):
-        step = lr
+        step = lr * 0.5 ** (epoch // 4)
         loss = update(weights, step)
"""


def busy() -> Comparison:
    """Code, a param and a package changed; a cohort regressed; much else came out."""
    return comparison(
        causes(
            code=whole("code", [file("train.py", 1, 1, PATCH)]),
            params=whole("params", [changed("params/lr", 0.1, 0.05)]),
            environment=whole("environment", [package("numpy", "2.4.5", "2.4.6")]),
        ),
        effects(
            metrics=[
                metric(
                    "val/acc",
                    0.968,
                    0.972,
                    judged(
                        "within noise", 0.968, 0.972, 0.006, p=0.21, level=0.0125, family=4, detectable=0.012
                    ),
                    children=[
                        metric(
                            "val/acc{digit=8}",
                            0.941,
                            0.902,
                            judged(
                                *("regressed", 0.941, 0.902, 0.011),
                                direction="worse",
                                p=0.003,
                                level=0.0125,
                                family=4,
                                method="Student, one run against 5 repeats",
                            ),
                        ),
                        metric("val/acc{digit=3}", 0.98, 0.981, judged("within noise", 0.98, 0.981, 0.012)),
                    ],
                ),
                metric(
                    "loss",
                    0.0904,
                    0.0811,
                    judged("improved", 0.0904, 0.0811, 0.002, direction="better", goal="min"),
                    children=[
                        Delta(
                            "metrics/loss:series",
                            "changed",
                            [2.1, 1.2, 0.8, 0.5, 0.31, 0.22, 0.16, 0.13, 0.10, 0.0904],
                            [1.9, 1.0, 0.6, 0.35, 0.2, 0.15, 0.12, 0.10, 0.09, 0.0811],
                        )
                    ],
                ),
                metric("train/acc", 0.991, 0.991),
            ],
            cost=[
                cost("wall", 8.1, 8.4, "s", 0.5),
                cost("memory", 212_000_000, 214_400_000, "B", 3e6),
            ],
            cases=Delta(
                "cases",
                "changed",
                tally=Tally(3, 11, 21, 965),
                judgement=Judgement("within noise", p=0.057, method="sign test over 14 of 1000 cases"),
                children=[
                    Delta("cases/{digit=8}", "changed", tally=Tally(0, 9, 4, 87)),
                    changed("cases/img-0108", "pass", "fail"),
                    changed("cases/img-0233", "pass", "fail"),
                    changed("cases/img-0871", "fail", "pass"),
                ],
                more=11,
            ),
            outputs=[
                Delta(
                    "outputs/model.npz",
                    "changed",
                    children=[
                        Delta(
                            "outputs/model.npz:w",
                            "changed",
                            measures=[Measure("max |Δ|", 0.031, "[12, 4]", 1e-5)],
                        )
                    ],
                ),
                Delta("outputs/report.html", "same"),
            ],
            logs=[
                Delta(
                    "logs/stdout",
                    "changed",
                    measures=[Measure("lines added", 10), Measure("lines removed", 10)],
                    text=["@@ -1,2 +1,2 @@", "-epoch 1/10  loss 0.9", "+epoch 1/10  loss 0.8"],
                ),
                Delta("logs/stderr", "same"),
            ],
        ),
        Verdict(
            "regressed",
            "changed",
            "a deliberate change with a regression the average hides. Not explained by noise (p = 0.003, "
            "Holm over 4 metrics).",
            3,
            2,
            ["5 repeats of nrqs give the noise; kwpz is one run", "Holm's correction over 4 metrics at 5 %"],
        ),
        context=whole(
            "context", [changed("context/host", "atlas", "boreas"), changed("context/user", "ana", "you")]
        ),
    )


def only_code() -> Comparison:
    """Only code changed, in several files; one run each."""
    return comparison(
        causes(
            code=whole(
                "code",
                [
                    file("train.py", 2, 2, PATCH),
                    file(
                        "src/digits/model/convolution.py", 48, 12, "\n".join(f"+line {n}" for n in range(60))
                    ),
                    Delta(
                        *("code/features.py", "changed", "features.py", "src/digits/features.py"),
                        change="renamed",
                        measures=[Measure("lines added", 3), Measure("lines removed", 0)],
                    ),
                    Delta("code/logo.png", "changed", change="changed", note="binary, 5.2 KB → 6.1 KB"),
                ],
            )
        ),
        effects(
            metrics=[
                metric("val/acc", 0.968, 0.972, untold(0.968, 0.972)),
                metric("loss", 0.0904, 0.0811, untold(0.0904, 0.0811)),
            ],
            cost=[cost("wall", 8.1, 8.4, "s")],
        ),
        Verdict(
            "cannot tell",
            "unknown",
            "cannot tell: one run on each side shows no spread. `xt rerun nrqs --repeat 5` would.",
            1,
        ),
        left=replace(LEFT, n=1),
    )


def only_package() -> Comparison:
    """Only packages changed; the result did not move."""
    return comparison(
        causes(
            environment=whole(
                "environment",
                [
                    package("numpy", "2.4.5", "2.4.6"),
                    package("torch", "2.10.0", "2.9.1", "down"),
                    package("triton", None, "3.5.0", "added"),
                    package("nvidia-nccl-cu12", "2.27.3", None, "removed"),
                    changed("environment/system/kernel", "6.18.3", "6.18.4"),
                    *(package(f"package-{number:02}", "1.0", "1.1") for number in range(38)),
                ],
            )
        ),
        effects(metrics=[metric("val/acc", 0.968, 0.969, judged("within noise", 0.968, 0.969, 0.006))]),
        Verdict("within noise", "within", "no metric moved beyond what repeats of nrqs do by themselves.", 1),
    )


def only_data() -> Comparison:
    """Training data changed in a few of many files."""
    tree = changed(
        "inputs/data/data/train",
        blob(57_000_000, "9", 1797),
        blob(58_200_000, "1", 1803),
        note="7 files added, 1 removed, 12 changed",
        children=[
            changed("inputs/data/data/train/0001.png", {"size": 4_210}, {"size": 4_388}),
            Delta("inputs/data/data/train/1800.png", "changed", None, {"size": 5_001}, change="added"),
            Delta("inputs/data/data/train/0666.png", "changed", {"size": 3_999}, None, change="removed"),
        ],
        more=17,
    )
    return comparison(
        causes(inputs=whole("inputs", [tree])),
        effects(
            metrics=[
                metric(
                    "val/acc",
                    0.968,
                    0.979,
                    judged(
                        "improved",
                        0.968,
                        0.979,
                        0.006,
                        direction="better",
                        tolerance="abs 0.002",
                        allowed=0.002,
                    ),
                )
            ]
        ),
        Verdict(
            "improved", "changed", "val/acc improved by more than noise after a change of the data.", 1, 1
        ),
    )


def unexplained() -> Comparison:
    """Nothing recorded changed, and the result moved."""
    return comparison(
        causes(),
        effects(
            metrics=[
                metric("val/acc", 0.968, 0.951, judged("regressed", 0.968, 0.951, 0.006, direction="worse"))
            ],
            outputs=[
                Delta(
                    "outputs/model.npz",
                    "unknown",
                    note="torn archive: the last 12 bytes are missing",
                    hint="compared as bytes: first difference at 0x2f1",
                )
            ],
        ),
        Verdict(
            "regressed",
            "changed",
            "val/acc moved beyond noise and no recorded cause differs: something not recorded changed.",
            0,
            1,
        ),
        right=replace(RIGHT, purpose=None, lacking=["purpose"]),
    )


def hidden_cohort() -> Comparison:
    """The average holds, one cohort breaks."""
    cohorts = [
        metric(
            f"val/acc{{digit={digit}}}",
            0.95 + digit / 1000,
            0.955 + digit / 1000,
            judged("within noise", 0.95 + digit / 1000, 0.955 + digit / 1000, 0.011),
        )
        for digit in range(8)
    ]
    broken = metric(
        "val/acc{digit=8}", 0.941, 0.902, judged("regressed", 0.941, 0.902, 0.011, direction="worse", p=0.003)
    )
    return comparison(
        causes(
            params=whole("params", [changed("params/lr", 0.1, 0.05), changed("params/note", "a b", "true")])
        ),
        effects(
            metrics=[
                metric("loss", 0.0902, 0.0899, judged("within noise", 0.0902, 0.0899, 0.002)),
                metric(
                    "val/acc",
                    0.968,
                    0.972,
                    judged("within noise", 0.968, 0.972, 0.006),
                    children=[*cohorts, broken],
                ),
            ]
        ),
        Verdict("regressed", "changed", "digit=8 lost 0.039, which the average hides.", 1, 1),
    )


def prompts() -> Comparison:
    """Three prompts edited."""
    texts = {
        "system.md": """
@@ -1,3 +1,3 @@
 You grade answers to questions of arithmetic.
-Be strict.
+Be strict, and give the reason in one sentence before the grade.
 Answer with `pass` or `fail`.
""",
        "few-shot.md": """
@@ -8,2 +8,4 @@ Question: 17 + 25
 Answer: 42
+Question: 8 × 7
+Answer: 56
""",
        "tools.yaml": "@@ -3 +3 @@\n-temperature: 0.7\n+temperature: 0.2\n",
    }
    edited = [
        changed(
            f"inputs/prompts/prompts/{name}",
            blob(1200, "8"),
            blob(1260, "9"),
            text=text.strip("\n").split("\n"),
            measures=[Measure("lines added", text.count("\n+")), Measure("lines removed", text.count("\n-"))],
        )
        for name, text in texts.items()
    ]
    return comparison(
        causes(inputs=whole("inputs", edited)),
        effects(
            cases=Delta(
                "cases",
                "changed",
                tally=Tally(14, 2, 9, 175),
                judgement=Judgement("improved", "better", p=0.004, method="sign test over 16 of 200 cases"),
                children=[
                    changed("cases/refund-policy-7", "pass", "fail"),
                    changed("cases/refund-policy-9", "pass", "fail"),
                ],
                more=14,
            ),
            metrics=[
                metric(
                    "pass_rate",
                    0.885,
                    0.945,
                    judged("improved", 0.885, 0.945, 0.02, direction="better", n=(3, 3)),
                )
            ],
        ),
        Verdict("improved", "changed", "12 more cases pass of 200 (sign test, p = 0.004); 2 broke.", 1, 1),
    )


def failed() -> Comparison:
    """A run that died against one that did not."""
    return comparison(
        causes(command=words(["python", "train.py", "--lr"], (["0.1"], ["ten"]), ["--epochs", "10"])),
        effects(
            status=Delta(
                "status",
                "changed",
                "ok",
                "exit 1",
                change="changed",
                children=[
                    Delta("status/model.npz", "changed", note="declared and not written", change="removed")
                ],
            ),
            metrics=[metric("val/acc", 0.968, None, None, relation="unknown", change="removed")],
            cost=[Delta("cost/wall", "unknown", 8.1, 0.31, unit="s", counted=False)],
            outputs=[Delta("outputs/model.npz", "changed", {"size": 5200}, None, change="removed")],
            logs=[
                Delta(
                    "logs/stderr",
                    "changed",
                    text=["@@ -0,0 +1,2 @@", "+Traceback (most recent call last):", "+ValueError: lr: 'ten'"],
                )
            ],
        ),
        Verdict("different", "changed", "kwpz failed where nrqs did not; its metrics say nothing.", 1),
        right=replace(RIGHT, status="failed"),
    )


def identical() -> Comparison:
    """A repeat that agrees in everything."""
    return comparison(
        causes(),
        effects(
            metrics=[metric("val/acc", 0.968, 0.968), metric("loss", 0.0904, 0.0904)],
            cost=[cost("wall", 8.1, 8.2, "s", 0.5)],
            outputs=[Delta("outputs/model.npz", "same"), Delta("outputs/metrics.json", "same")],
            logs=[Delta("logs/stdout", "same"), Delta("logs/stderr", "same")],
        ),
        Verdict("same", "same", "an identical repeat."),
        left=replace(LEFT, pinned=None, purpose=None),
        right=replace(RIGHT, purpose=None),
    )


def not_comparable() -> Comparison:
    """The evaluation data is not the same."""
    return comparison(
        causes(
            inputs=whole(
                "inputs", [changed("inputs/data/data/test.csv", blob(57_000, "9"), blob(61_000, "2"))]
            )
        ),
        effects(
            metrics=[
                metric(
                    "val/acc",
                    0.968,
                    0.981,
                    judged("not comparable", 0.968, 0.981, reason="measured on different evaluation data"),
                )
            ]
        ),
        Verdict(
            "not comparable", "changed", "val/acc was measured on other data; the two values say nothing.", 1
        ),
        comparability=whole(
            "comparability",
            [
                Delta(
                    "comparability/data/test.csv", "changed", note="data/test.csv (evaluation data) differs"
                ),
                Delta(
                    "comparability/harness",
                    "unknown",
                    note="which harness nrqs was measured with is not recorded",
                    hint="declare it: -i harness=eval.py",
                ),
            ],
        ),
    )


def many_metrics() -> Comparison:
    """200 metrics: few moved, many are the same."""
    found = []
    for number in range(200):
        left = 0.5 + number / 1000
        if number % 40 == 7:
            found.append(
                metric(
                    f"task/{number:03}/acc",
                    left,
                    left - 0.05,
                    judged("regressed", left, left - 0.05, 0.01, direction="worse"),
                )
            )
        elif number % 5 == 0:
            right = left + 0.001
            found.append(
                metric(f"task/{number:03}/acc", left, right, judged("within noise", left, right, 0.01))
            )
        else:
            found.append(metric(f"task/{number:03}/acc", left, left))
    return comparison(
        causes(
            command=words(
                *(
                    [
                        "torchrun",
                        "--nproc-per-node=8",
                        "evaluate.py",
                        *(f"--task={n}" for n in range(20)),
                        "--lr",
                    ],
                ),
                (["0.1"], ["0.05"]),
                ["--quick"],
                ([], ["--compile"]),
            ),
            seed=Delta("seed", "changed", 7, 8, change="changed"),
        ),
        effects(metrics=found),
        Verdict("regressed", "changed", "5 of 200 tasks regressed beyond noise.", 2, 5),
    )


ALL: dict[str, Callable[[], Comparison]] = {
    "busy": busy,
    "only-code": only_code,
    "only-package": only_package,
    "only-data": only_data,
    "unexplained": unexplained,
    "hidden-cohort": hidden_cohort,
    "prompts": prompts,
    "failed": failed,
    "identical": identical,
    "not-comparable": not_comparable,
    "many-metrics": many_metrics,
}
