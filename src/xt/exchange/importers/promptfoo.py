"""promptfoo's output in JSON: how each test went is a case; what its table sums up are metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xt.exchange.importers import MalformedError, Sink
from xt.exchange.importers.documents import json_document

#: Of a prompt's metrics, what is taken, and what it is called.
_COUNTED = {
    "score": "score",
    "testPassCount": "passed",
    "testFailCount": "failed",
    "testErrorCount": "errors",
    "totalLatencyMs": "latency_ms",
    "cost": "cost",
}


def read(path: str, sink: Sink) -> None:
    """Read an output; see `xt.exchange.importers`.

    Raises:
        MalformedError: it is none.
        OSError: it cannot be read.
    """
    document = json_document(path)
    results = document.get("results")
    rows = results.get("results") if isinstance(results, dict) else None
    if not isinstance(results, dict) or not isinstance(rows, list):
        raise MalformedError("it has no `results` as promptfoo 0.100 and later write them")
    prompts = [one for one in _list(results.get("prompts")) if isinstance(one, dict)]
    _metrics(prompts, _dict(results.get("stats")), sink)
    cells = [row for row in rows if isinstance(row, dict)]
    # They are in the order in which they ended, which is another each time.
    cells.sort(key=lambda row: (_whole(row.get("testIdx")), _whole(row.get("promptIdx"))))
    for row in cells:
        sink.case(_case(row, several=len(prompts) > 1))
    if len(cells) < len(rows):
        sink.doubt(f"{len(rows) - len(cells)} of {len(rows)} results are no objects, and left out")


def _metrics(prompts: list[dict[str, Any]], stats: dict[str, Any], sink: Sink) -> None:
    for name, told in (("passed", "successes"), ("failed", "failures"), ("errors", "errors")):
        sink.point(name, stats.get(told))
    sink.point("tokens", _dict(stats.get("tokenUsage")).get("total"))
    for name, better in (("passed", "max"), ("failed", "min"), ("errors", "min")):
        sink.goal(name, "max" if better == "max" else "min")
    for index, prompt in enumerate(prompts):
        measured = _dict(prompt.get("metrics"))
        labels = {"prompt": str(index), "provider": str(prompt.get("provider"))} if len(prompts) > 1 else None
        for told, name in _COUNTED.items():
            if labels is not None or name not in ("passed", "failed", "errors"):
                sink.point(name, measured.get(told), labels=labels)
        for told, value in _dict(measured.get("namedScores")).items():
            sink.point(f"score/{told}", value, labels=labels)


def _case(row: dict[str, Any], *, several: bool) -> dict[str, Any]:
    test, grading = _dict(row.get("testCase")), _dict(row.get("gradingResult"))
    provider, prompt = _dict(row.get("provider")), _dict(row.get("prompt"))
    which = _whole(row.get("testIdx"))
    found = {
        "id": f"{which}/{_whole(row.get('promptIdx'))}" if several else str(which),
        "passed": row.get("success") is True,
        "score": row.get("score"),
        "description": test.get("description"),
        "provider": provider.get("label") or provider.get("id"),
        "prompt": prompt.get("label"),
        # A test that could not be carried out says so in another place than one that did not pass.
        "reason": row.get("error") or grading.get("reason"),
        "output": _dict(row.get("response")).get("output"),
        "latency_ms": row.get("latencyMs"),
        "cost": row.get("cost"),
    }
    found.update({f"vars.{name}": value for name, value in _vars(row)})
    found.update({f"score.{name}": value for name, value in _dict(row.get("namedScores")).items()})
    return found


def _vars(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from _dict(row.get("vars")).items()


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else -1
