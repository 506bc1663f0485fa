"""`xt verify`: how many repeats are made, what their means show, and repeats that vary something."""

from __future__ import annotations

import json
import os

import pexpect

from tests.cli.verifying import ACC, METRICS, OUT, clean, line, verified
from tests.conftest import SOURCE

# --- consistent -----------------------------------------------------------------------------------

#: Within ± 0.02 in the mean, the second and third repeat not by themselves.
SCATTER = "metric(acc=0.9 + [0, 0.005, 0.023, -0.023, 0.001, -0.006, 0.002, 0.003, -0.004][n % 9], k=1)"


def test_means_that_agree_are_consistent_and_excuse_what_has_no_tolerance(turn):
    code = f'{SCATTER}; open("model.bin", "w").write(str(n))'
    folder = turn(code, *METRICS, "-o", "model.bin", settings=ACC)
    found = verified(folder, "--repeat", "8", "--level", "consistent", code=0)
    assert turn.calls() == 8, "what may still be shown to agree is not given up early"
    assert found["level"] == "consistent"
    acc = line(found, "metrics/acc")
    assert (acc["level"], acc["test"]["passed"]) == ("consistent", True)
    model = line(found, "outputs/model.bin")
    assert (model["excused"], model["counted"]) == (True, False)
    assert (
        "is consistent in 8 repeats: model.bin differs, the mean of acc is within ±0.02." in found["sentence"]
    )
    assert verified(folder, "--against", found["columns"][0]["runs"][0])["level"] != "unverifiable"


def test_too_few_repeats_say_how_many_it_takes(turn):
    folder = turn(SCATTER, *METRICS, settings=ACC)
    found = verified(folder, "--repeat", "3", "--level", "consistent", code=1)
    assert found["level"] == "divergent"
    needed = line(found, "metrics/acc")["test"]["needed"]
    assert needed > 3
    assert (
        f"is not shown to be consistent: 3 repeats are too few for acc, which needs about {needed}."
        in (found["sentence"])
    )
    assert found["hint"].endswith(f" --level consistent --repeat {needed}")
    assert "diagnosis" not in found
    assert turn.calls() == 3


def test_means_apart_are_divergent(turn):
    folder = turn("metric(acc=0.9 + (0.1 + 0.001 * n if n else 0))", *METRICS, settings=ACC)
    found = verified(folder, "--repeat", "4", "--level", "consistent", "--no-diagnose", code=1)
    assert found["level"] == "divergent"
    assert "moved by more than the bound" in line(found, "metrics/acc")["test"]["note"]


def test_a_metric_without_a_bound_settles_it_at_once(turn):
    code = SCATTER.replace("k=1", "k=n")
    folder = turn(code, *METRICS, settings=ACC)
    found = verified(folder, "--repeat", "8", "--level", "consistent", "--no-diagnose", code=1)
    assert found["level"] == "divergent"
    assert turn.calls() == 1


def test_variations_of_what_scatters_are_repeated_as_often(turn):
    folder = turn(SCATTER, *METRICS, settings=ACC)
    found = verified(folder, "--repeat", "8", "--level", "consistent", "--vary", "umask", code=0)
    assert [len(column["runs"]) for column in found["columns"]] == [8, 8]
    assert found["columns"][1]["level"] == "consistent"


# --- how often ------------------------------------------------------------------------------------


def test_early_stop_waits_for_a_diagnosis_and_can_be_switched_off(turn):
    folder = turn(f"{OUT}(str(hash('a')))", "-o", "out.txt")
    found = verified(folder, "--repeat", "6", "--no-diagnose", "--no-early-stop", code=1)
    assert turn.calls() == len(found["columns"][0]["runs"]) == 6
    found = verified(folder, "--repeat", "6", code=1)
    assert len(found["columns"][0]["runs"]) == 3
    assert found["diagnosis"]["sources"] == ["hashseed"]


def test_two_at_a_time_give_the_same(turn):
    folder = turn(f'{OUT}("same"); metric(acc=1)', "-o", "out.txt", *METRICS)
    one = verified(folder, "--repeat", "4", code=0)
    two = verified(folder, "--repeat", "4", "-j", "2", code=0)
    assert one["sentence"] == two["sentence"]
    assert [(item["path"], item["level"]) for item in one["lines"]] == [
        (item["path"], item["level"]) for item in two["lines"]
    ]
    clean(folder)


# --- variations -----------------------------------------------------------------------------------


def test_a_variation_that_changes_it_is_named(turn):
    folder = turn(f'{OUT}(os.environ.get("TZ", ""))', "-o", "out.txt")
    found = verified(folder, "--repeat", "2", "--vary", "umask,timezone", code=1)
    assert {column["name"]: column["level"] for column in found["columns"]} == {
        "repeat": "identical",
        "umask": "identical",
        "timezone": "divergent",
        "all": "divergent",
    }
    assert found["diagnosis"]["sources"] == ["timezone"]
    assert "identical in 2 repeats; divergent when the time zone changes." in found["sentence"]
    assert "out.txt differs." in found["diagnosis"]["sentence"]


def test_all_variations(folder):
    folder.run("-q", "--", "true")
    found = verified(folder, "--repeat", "1", "--vary", "all", code=0)
    assert found["level"] == "identical"
    assert len(found["columns"]) > 15
    assert all(column.get("skipped") or column["runs"] for column in found["columns"])
    assert "identical in 1 repeat, whatever was varied." in found["sentence"]
    clean(folder)


def test_what_does_not_repeat_is_not_varied(turn):
    folder = turn(f"{OUT}(str(n))", "-o", "out.txt")
    found = verified(folder, "--repeat", "1", "--vary", "umask,timezone", "--no-diagnose", code=1)
    assert [column["name"] for column in found["columns"]] == ["repeat"]
    assert "no variation was tried: the run does not repeat as it is" in found["notes"]
    assert turn.calls() == 1


def test_a_variation_that_is_impossible_here_is_skipped_with_the_reason(folder):
    folder.write("one.sh", "exit 0")
    folder.run("-q", "--", "sh", "one.sh")
    # Without a single processor to spare there is no other number of them.
    done = folder.xt("verify", "@", "--repeat", "1", "--vary", "cpus", "--json", preexec_fn=_one_processor)
    found = json.loads(done.out)["verifications"][0]
    column = found["columns"][1]
    assert done.code == 0
    assert column["skipped"]
    assert found["level"] == "identical"
    assert found["sentence"].endswith("identical in 1 repeat.")


def _one_processor():
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])


# --- progress -------------------------------------------------------------------------------------


def test_a_bar_on_a_terminal_counts_all_runs(turn, folder):
    turn("time.sleep(0.3)")
    turn("time.sleep(0.3)")
    command, *rest = folder.command("verify", "@", "@~1", "--repeat", "2")
    environ = {**os.environ, "PYTHONPATH": SOURCE, "TERM": "xterm"}
    child = pexpect.spawn(command, rest, cwd=str(folder.path), env=environ, timeout=60, dimensions=(50, 90))
    shown = child.read().decode()
    child.close()
    assert child.exitstatus == 0
    assert "repeating" in shown
    assert "3/4" in shown
    assert "left" in shown
