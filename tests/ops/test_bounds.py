"""A record that no reader would take is sealed with less, and says what is left out."""

from __future__ import annotations

import json
import sys

import msgspec

from xt.model.result import Metric, Start
from xt.model.snapshot import Param
from xt.ops import bounds
from xt.store.store import MAX_RECORD, sealed

LARGE = "x" * 1_000_000


def test_the_largest_causes_are_left_out_and_said(record):
    params = [Param("lr", 0.1, "--param"), *(Param(f"p{i}", LARGE, "a.json") for i in range(21))]
    snapshot = msgspec.structs.replace(record.snapshot, params=params, problems=[])
    start = Start(record.id, record.started_at, record.supervisor, snapshot)
    less = bounds.of_start(start)
    assert [param.name for param in less.snapshot.params] == ["lr", *(f"p{i}" for i in range(13))]
    (problem,) = less.snapshot.problems
    assert problem.where == "params"
    assert problem.message == "8 of 22 are left out, the largest: a record holds at most 20 MB"
    assert bounds.of_start(less) is less


def test_effects_that_do_not_fit_beside_the_causes_are_left_out(record):
    metrics = [Metric("acc", 0.9, "a.json"), *(Metric(f"m{i}", 1, LARGE) for i in range(25))]
    result = msgspec.structs.replace(record.result, metrics=metrics, problems=[])
    less = bounds.of_record(msgspec.structs.replace(record, result=result))
    assert len(sealed(less)[0]) <= MAX_RECORD
    assert [metric.name for metric in less.result.metrics[:2]] == ["acc", "m0"]
    assert less.result.status == "ok"
    (problem,) = less.result.problems
    assert (problem.where, problem.message.split(" are ")[0]) == ("metrics", "6 of 26")


def test_a_run_with_more_than_a_record_holds_is_sealed(folder):
    folder.write("a.json", json.dumps({f"k{i}": ["y" * 16_000] * 50 for i in range(10)}))
    folder.write("b.json", json.dumps({f"b{i}": ["y" * 16_000] * 50 for i in range(10)}))
    folder.write(
        "m.py",
        "import json, os\n"
        "with open(os.environ['XT_METRICS'], 'w') as file:\n"
        "    for i in range(150):\n"
        "        point = {'name': 'm', 'value': i, 'labels': {'v': '%d' % i + 'z' * 60_000}}\n"
        "        file.write(json.dumps(point) + '\\n')\n",
    )
    done = folder.run("-p", "a.json", "-p", "b.json", "--", sys.executable, "m.py")
    assert done.code == 0
    assert "params: 3 of 20 are left out, the largest" in done.err
    record = folder.record()
    assert record["result"]["status"] == "ok"
    assert 0 < len(record["result"]["metrics"]) < 150
    assert "largest" in record["result"]["problems"][-1]["message"]
    assert folder.xt("fsck").code == 0
