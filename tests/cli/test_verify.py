"""`xt verify` as a user meets it: levels, exit statuses, what is said, and what is left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pexpect
import pytest

from tests.conftest import SOURCE

ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/reference/verify.schema.json").read_text()))
#: Runs a piece of code that knows, as `n`, how many calls came before: 0 in the run, 1 in its first repeat.
TURN = """
import json, os, sys, time
counter, code = sys.argv[1:]
n = os.path.getsize(counter) if os.path.exists(counter) else 0
with open(counter, "a") as file:
    file.write(".")
def metric(**values):
    json.dump(values, open("metrics.json", "w"))
def cases(*rows):
    open("cases.jsonl", "w").write("".join(json.dumps(row) + "\\n" for row in rows))
exec(code)
"""
ACC = "[metrics.acc]\nabs = 0.02\n"


@pytest.fixture
def turn(folder, tmp_path):
    """Record a run of a piece of code; the folder, without git, is given back."""
    folder.write("turn.py", TURN)
    counter = tmp_path / "calls"

    def made(code, *options, settings="", **more):
        counter.unlink(missing_ok=True)
        if settings:
            folder.write("xt.toml", settings)
        done = folder.run("-q", *options, "--", sys.executable, "turn.py", str(counter), code, **more)
        assert "a bug" not in done.err
        return folder

    made.calls = lambda: counter.stat().st_size - 1
    return made


def verified(folder, *words, reference="@", code=None, **more):
    """Verify, as JSON; every answer fits its schema."""
    done = folder.xt("verify", reference, "--json", *words, **more)
    assert done.out, done.err
    assert done.err == ""
    found = json.loads(done.out)
    SCHEMA.validate(found)
    if code is not None:
        assert done.code == code
    return found["verifications"][-1]


def line(found, path):
    return next(line for line in found["lines"] if line["path"] == path)


def clean(folder):
    """No workspace is left, nothing is mounted and nothing goes on."""
    assert not [path for path in (folder.path / ".xt/work").glob("*") if path.suffix != ".lock"]
    assert str(folder.path) not in Path("/proc/self/mounts").read_text()
    wait_for(lambda: str(folder.path.parent) not in processes())


def processes():
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def events(folder):
    return list((folder.path / ".xt/events").rglob("*.verified.json"))


METRICS = ("-o", "metrics:metrics.json")
OUT = 'open("out.txt", "w").write'

# --- exit statuses and forms ----------------------------------------------------------------------


def test_a_run_that_repeats(turn):
    folder = turn(f'{OUT}("same")', "-o", "out.txt", "-m", "why not")
    done = folder.xt("verify", "@", "--repeat", "2", env={"COLUMNS": "80"})
    assert (done.code, done.err) == (0, "")
    text = done.out.decode()
    assert "is repeatable: identical in 2 repeats." in text
    assert "outputs   out.txt  identical" in text
    assert max(map(len, text.splitlines())) <= 80
    assert turn.calls() == 2
    clean(folder)


def test_one_that_does_not(turn):
    folder = turn(f"{OUT}(str(n))", "-o", "out.txt")
    done = folder.xt("verify", "@", "--no-diagnose", "--repeat", "3")
    assert (done.code, done.err) == (1, "")
    text = " ".join(done.out.decode().split())
    assert "does not repeat: out.txt differs in the one repeat." in text
    assert "stopped after 1 of 3 repeats: no further one could change the verdict" in text
    assert "shows one of the differing repeats" in text
    assert turn.calls() == 1


def test_the_level_stands_in_lists_and_on_pages(turn):
    folder = turn(f'{OUT}("same")', "-o", "out.txt")
    assert folder.xt("verify", "@", "--repeat", "2").code == 0
    assert "≡ 2/2" in folder.xt("ls").out.decode()
    assert "identical in 2 of 2 repeats" in " ".join(folder.xt("show", "@").out.decode().split())
    (event,) = events(folder)
    said = json.loads(event.read_text())
    assert (said["level"], len(said["repeats"])) == ("identical", 2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--against", "@", "--repeat", "2"], "--against makes no repeats"),
        (["--against", "@", "--vary", "clock"], "--against makes no repeats"),
        (["--against", "@"], "agrees with itself"),
        (["nope", "--against", "@"], "compares one run"),
        (["--vary", "trheads"], "did you mean `threads`"),
        (["--vary", ","], "no variation is named"),
        (["--repeat", "0"], "--repeat"),
        (["--level", "divergent"], "--level"),
        (["--tol", "acc"], "--tol"),
    ],
)
def test_wrong_usage(turn, words, said):
    folder = turn("pass")
    done = folder.xt("verify", "@", *words)
    assert done.code == 2
    assert done.out == b""
    assert said in done.err
    assert turn.calls() == 0


def test_several_runs_and_the_worst_counts(turn, folder):
    turn(f'{OUT}("same")', "-o", "out.txt")
    first = folder.record()["id"]
    turn(f"{OUT}(str(n))", "-o", "out.txt")
    done = folder.xt("verify", first, "@", "--repeat", "2", "--no-diagnose")
    assert done.code == 1
    assert "2 runs verified: 1 identical, 1 divergent; 1 did not reach" in done.out.decode()
    assert len(events(folder)) == 2
    lose_an_input(folder)
    found = json.loads(folder.xt("verify", first, "@", "--repeat", "1", "--json").out)
    assert (found["level"], found["reached"]) == ("unverifiable", False)
    assert folder.xt("verify", first, "@", "--repeat", "1").code == 3


def test_a_run_without_a_record_costs_nothing_of_the_others(turn, folder):
    turn(f'{OUT}("same")', "-o", "out.txt")
    folder.run("-q", "--", "./not-there")
    done = folder.xt("verify", "@~1", "@")
    assert done.code == 1
    assert "did not start: there is nothing to repeat" in done.err
    assert turn.calls() == 0


def test_forms(turn):
    folder = turn(f"{OUT}(str(n))", "-o", "out.txt")
    words = ["verify", "@", "--repeat", "2", "--no-diagnose"]
    suite = ElementTree.fromstring(folder.xt(*words, "--format", "junit").out)
    assert suite.get("failures") == "1"
    assert "<strong>divergent</strong>" in folder.xt(*words, "--format", "markdown").out.decode()
    as_json = folder.xt(*words, "--format", "json").out
    assert json.loads(as_json)["schema"] == "xt.verify/1"


# --- against an existing run ----------------------------------------------------------------------


def test_against_another_run(turn, folder):
    for _ in range(2):
        folder.write("turn.py", TURN)
        turn(f'{OUT}("same")', "-o", "out.txt")
    found = verified(folder, "--against", "@~1", code=0)
    assert found["level"] == "identical"
    assert "agrees with" in found["sentence"]
    turn(f'{OUT}("other")', "-o", "out.txt", "-p", "lr=1")
    found = verified(folder, "--against", "@~1", code=1)
    assert found["level"] == "divergent"
    assert found["diagnosis"]["sources"] == ["params", "command"]
    assert "The causes of the two differ" in found["diagnosis"]["sentence"]
    assert turn.calls() == 0


def test_against_one_within_tolerance(turn, folder):
    turn("metric(acc=0.9)", *METRICS)
    turn("metric(acc=0.91)", *METRICS)
    assert verified(folder, "--against", "@~1", code=1)["level"] == "divergent"
    assert verified(folder, "--against", "@~1", "--tol", "acc=abs:0.02", code=0)["level"] == "equivalent"
    assert verified(folder, "--against", "@~1", "--tol", "acc=abs:0.02", "--level", "identical", code=1)


# --- levels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "settings", "level"),
    [
        ("metric(acc=0.9)", "", "identical"),
        ("metric(acc=0.9 + 0.001 * (n % 3))", ACC, "equivalent"),
        ("metric(acc=0.9 + 0.1 * n)", ACC, "divergent"),
        ("metric(acc=float('nan'))", ACC, "identical"),
        ("metric(acc=float('nan') if n == 2 else 0.9)", ACC, "divergent"),
        ("metric(acc=0.9, **({'odd': 1} if n == 2 else {}))", "", "divergent"),
        ("metric(acc=2**60 + n)", "", "divergent"),
    ],
)
def test_metrics(turn, code, settings, level):
    folder = turn(code, *METRICS, settings=settings)
    found = verified(folder, "--repeat", "3", "--no-diagnose", "--no-early-stop")
    assert found["level"] == level
    assert turn.calls() == 3


def test_a_metric_that_comes_only_sometimes(turn):
    folder = turn("metric(acc=1, **({'odd': 1} if n == 2 else {}))", *METRICS)
    found = verified(folder, "--repeat", "3", "--no-diagnose", code=1)
    odd = line(found, "metrics/odd")
    assert odd["note"] == "only the repeat has it"
    assert (odd["cells"][0]["differ"], odd["cells"][0]["n"]) == (1, 2)
    assert odd["cells"][0]["example"] == found["columns"][0]["runs"][1]
    assert "odd and metrics.json differ in 1 of 2 repeats." in found["sentence"]


def test_a_file_of_metrics_is_judged_by_its_numbers(turn):
    folder = turn("metric(acc=0.9 + 0.001 * n)", *METRICS, settings=ACC)
    found = verified(folder, "--repeat", "2", code=0)
    assert line(found, "outputs/metrics.json")["counted"] is False
    assert found["level"] == "equivalent"


CURVE = (
    "open('m.jsonl', 'w').write(''.join(json.dumps({'step': s, 'loss': (5 - s) * (1 + %s * n)}) + chr(10)"
    " for s in range(6)))"
)


@pytest.mark.parametrize(
    ("code", "settings", "level"),
    [
        (CURVE % "0", "", "identical"),
        (CURVE % "0.001", "", "divergent"),
        (CURVE % "0.001", "[metrics.loss]\nabs = 0.1\n", "equivalent"),
    ],
)
def test_curves_that_end_at_the_same_value(turn, code, settings, level):
    folder = turn(code, "-o", "metrics:m.jsonl", settings=settings)
    found = verified(folder, "--repeat", "2", "--no-diagnose")
    assert line(found, "metrics/loss")["level"] == level
    assert found["level"] == level


def test_a_tolerance_of_an_output_from_the_command_line(turn):
    folder = turn('json.dump([1 + 1e-9 * n], open("o.json", "w"))', "-o", "o.json")
    verified(folder, "--repeat", "1", "--no-diagnose", code=1)
    found = verified(folder, "--repeat", "1", "--tol", "o.json=rtol:1e-6", code=0)
    assert found["level"] == "equivalent"


@pytest.mark.parametrize(
    ("code", "settings", "level"),
    [
        ('json.dump([1 + 1e-9 * n], open("o.json", "w"))', '[outputs."o.json"]\nrtol = 1e-6\n', "equivalent"),
        ('json.dump([1 + n], open("o.json", "w"))', '[outputs."o.json"]\nrtol = 1e-6\n', "divergent"),
        ('json.dump([1, n], open("o.json", "w"))', '[outputs."o.json"]\nignore = true\n', "equivalent"),
        ('n or open("o.json", "w")', "", "divergent"),
        ('n == 2 and open("o.json", "w")', "", "divergent"),
        ('open("o.json", "w"); n and os.remove("o.json"); n and os.mkdir("o.json")', "", "divergent"),
        ('os.symlink("a" * (n + 1), "o.json")', "", "divergent"),
    ],
)
def test_outputs(turn, code, settings, level):
    folder = turn(code, "-o", "o.json", settings=settings)
    found = verified(folder, "--repeat", "2", "--no-diagnose", "--no-early-stop")
    assert found["level"] == level, found


def test_trees_and_globs(turn):
    code = (
        'os.makedirs("tree/sub", exist_ok=True); open("tree/sub/a", "w").write("a");'
        'open("tree/b", "w").write(str(n)); open("x1.csv", "w").write("1"); open("x2.csv", "w").write("2")'
    )
    folder = turn(code, "-o", "tree", "-o", "x*.csv")
    found = verified(folder, "--repeat", "1", "--no-diagnose", code=1)
    assert line(found, "outputs/tree")["level"] == "divergent"
    assert all(item["level"] == "identical" for item in found["lines"] if ".csv" in item["path"])


@pytest.mark.parametrize(
    ("code", "level", "note"),
    [
        ("cases({'id': 'a', 'passed': True}, {'id': 'b', 'passed': n == 0})", "divergent", "1 broken"),
        ("cases(*[{'id': c, 'passed': True} for c in ('ab' if n else 'ba')])", "equivalent", "same outcomes"),
        ("cases({'id': 'a', 'passed': True})", "identical", ""),
        ("cases(*[{'id': c, 'passed': True} for c in ('ab' if n else 'a')])", "divergent", "one side only"),
        ("cases({'id': 'a', 'passed': True, 'score': 0.5 + 0.1 * n})", "divergent", "scores moved"),
    ],
)
def test_cases(turn, code, level, note):
    folder = turn(code, "-o", "cases:cases.jsonl")
    found = verified(folder, "--repeat", "2", "--no-diagnose")
    assert line(found, "cases")["level"] == level
    assert found["level"] == level
    assert note in line(found, "cases").get("note", "")


def test_how_it_ends_counts(turn):
    folder = turn("sys.exit(n % 2)")
    found = verified(folder, "--repeat", "4", "--no-diagnose", "--no-early-stop", code=1)
    assert "it ended differently (ok → exit 1) in 2 of 4 repeats" in found["sentence"]


def test_a_failure_that_repeats_is_identical(turn):
    folder = turn("sys.exit(3)")
    assert verified(folder, "--repeat", "2", code=0)["level"] == "identical"
    turn("os.kill(os.getpid(), 9)")
    assert verified(folder, "--repeat", "2", code=0)["level"] == "identical"


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("print('done')", "identical"),
        ("print('pid', os.getpid(), 'at', time.strftime('2026-01-01 10:00:%S'), n * 0)", "equivalent"),
        ("print('word', 'abc'[n % 3])", "divergent"),
    ],
)
def test_with_nothing_declared_what_it_printed_counts(turn, code, level):
    if level == "equivalent":
        code = code.replace("%S", "0%d") % 0 if "%d" in code else code.replace("%S')", "0' + str(n % 10))")
    folder = turn(code)
    found = verified(folder, "--repeat", "2", "--no-diagnose")
    assert found["level"] == level, found
    assert any("no output and no metric is declared" in note for note in found["notes"])


def test_recorded_on_a_terminal_and_verified_from_a_pipe(folder):
    folder.write("tell.py", "import sys; print(sys.stdout.isatty(), sys.stderr.isatty())")
    command, *rest = folder.command("run", "-q", "--", sys.executable, "tell.py")
    environ = {**os.environ, "PYTHONPATH": SOURCE, "TERM": "xterm"}
    child = pexpect.spawn(command, rest, cwd=str(folder.path), env=environ, timeout=60)
    assert "True True" in child.read().decode()
    assert verified(folder, "--repeat", "2", code=0)["level"] == "identical"


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


# --- what goes wrong ------------------------------------------------------------------------------


def lose_an_input(folder):
    """Record a run with an input that is not stored, and change it."""
    folder.sh("git init -q && echo data.csv > .gitignore && git add -A && git commit -qm one")
    folder.write("data.csv", "1,2\n")
    assert folder.run("-q", "-i", "data.csv", "--", "wc", "data.csv").code == 0
    folder.write("data.csv", "changed")


def test_a_missing_input_is_named(folder):
    lose_an_input(folder)
    done = folder.xt("verify", "@")
    assert done.code == 3
    text = " ".join(done.out.decode().split())
    assert "cannot be verified: " in text
    assert "/data.csv`" in text
    assert ".." not in text
    assert "hint: " in text
    clean(folder)


def test_a_drift_is_shown_and_refused_when_strict(folder, tmp_path):
    site = tmp_path / "site"

    def installed(version):
        shutil.rmtree(site, ignore_errors=True)
        (site / f"thing-{version}.dist-info").mkdir(parents=True)
        (site / f"thing-{version}.dist-info/METADATA").write_text(
            f"Metadata-Version: 2.1\nName: thing\nVersion: {version}\n"
        )

    folder.write("use.py", "from importlib.metadata import version; print(version('thing'))\n")
    environ = {"PYTHONPATH": f"{SOURCE}:{site}"}
    installed("1.0")
    folder.run("-q", "--", sys.executable, "use.py", env=environ)
    assert "drift" not in verified(folder, "--repeat", "1", env=environ, code=0)
    installed("2.0")
    found = verified(folder, "--repeat", "1", "--no-diagnose", env=environ, code=1)
    assert any("thing 1.0 → 2.0" in clause for clause in found["drift"]), found["drift"]
    found = verified(folder, "--repeat", "2", "--env", "strict", env=environ, code=3)
    assert "the environment is not as recorded: " in found["sentence"]
    assert "thing 1.0 → 2.0" in found["sentence"]
    assert "--env recreate" in found["hint"]


def read_only(folder, path, *words):
    """Run xt where a path is mounted read-only, in a namespace that is gone afterwards."""
    inner = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
    command = ["unshare", "-m", "sh", "-c", inner, "-", str(path), *folder.command(*words)]
    if subprocess.run(["unshare", "-m", "mount", "--bind", "/tmp", "/tmp"], capture_output=True).returncode:
        pytest.skip("mounting takes rights that this user has not")
    environ = {**os.environ, "PYTHONPATH": SOURCE}
    return subprocess.run(command, cwd=folder.path, env=environ, capture_output=True, text=True)


def test_a_verification_that_cannot_be_recorded_is_still_told(turn):
    folder = turn(f'{OUT}("same")', "-o", "out.txt")
    done = read_only(folder, folder.path / ".xt/events", "verify", "@", "--repeat", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "this verification is not recorded: Read-only file system: " in " ".join(done.stdout.split())
    assert "is repeatable: identical in 1 repeat." in done.stdout
    assert events(folder) == []


def test_a_store_that_cannot_be_written(turn):
    folder = turn(f'{OUT}("same")', "-o", "out.txt")
    turn(f'{OUT}("same")', "-o", "out.txt")
    done = read_only(folder, folder.path / ".xt", "verify", "@", "--against", "@~1")
    assert done.returncode == 0, done.stderr
    assert "identical" in done.stdout
    done = read_only(folder, folder.path / ".xt", "verify", "@", "--repeat", "2")
    assert done.returncode == 3
    assert "cannot be verified: Read-only file system: " in " ".join(done.stdout.split())


def test_repeats_that_can_no_longer_be_recorded(turn, tmp_path):
    """The disk is full in the middle: what was found is told, and does not pass."""
    code = "n == 2 and open('o', 'wb').write(os.urandom(40_000_000)) or open('o', 'w').write('same')"
    folder = turn(code, "-o", "o")
    store = tmp_path / "store"
    inner = 'mount -t tmpfs -o size=24m none "$1" && cp -a .xt/. "$1" && shift && exec "$@"'
    (folder.path / ".xt/cache").is_dir() and shutil.rmtree(folder.path / ".xt/cache")
    store.mkdir()
    words = folder.command("verify", "@", "--repeat", "3", "--no-diagnose")
    environ = {**os.environ, "PYTHONPATH": SOURCE, "XT_STORE": str(store)}
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", inner, "-", str(store), *words],
        cwd=folder.path,
        env=environ,
        capture_output=True,
        text=True,
    )
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("mounting takes rights that this user has not")
    print(done.stdout, done.stderr)
    assert done.returncode in (1, 3)
    assert done.stdout.count(".") >= 1


def test_a_store_without_events(turn):
    folder = turn(f'{OUT}("same")', "-o", "out.txt")
    assert not events(folder)
    assert verified(folder, "--repeat", "1", code=0)["event"]
    assert len(events(folder)) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("group", [True, False])
def test_ended_in_the_middle_it_leaves_nothing(turn, tmp_path, number, group):
    mark = tmp_path / "going"
    folder = turn(f"n and (open({str(mark)!r}, 'w'), time.sleep(60))")
    process = started(folder, "verify", "@", "--repeat", "4", "-j", "2")
    wait_for(lambda: mark.exists())
    (os.killpg if group else os.kill)(process.pid, number)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert out == b""
    assert events(folder) == []
    clean(folder)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="takes prctl(2)")
def test_killed_it_takes_its_trial_with_it(turn, tmp_path):
    mark = tmp_path / "going"
    folder = turn(f"n and (open({str(mark)!r}, 'w'), time.sleep(60))")
    process = started(folder, "verify", "@", "--repeat", "4")
    wait_for(lambda: mark.exists())
    process.kill()
    process.communicate(timeout=30)
    wait_for(lambda: not list((folder.path / ".xt/work").glob("0")))
    clean(folder)


def test_ended_while_a_workspace_is_made(turn):
    folder = turn("pass")
    process = started(folder, "verify", "@", "--repeat", "50")
    wait_for(lambda: list((folder.path / ".xt/work").glob("0")))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    clean(folder)


def test_a_trial_that_is_killed(turn, tmp_path):
    mark = tmp_path / "pid"
    code = f"n == 2 and (open({str(mark)!r}, 'w').write(str(os.getppid())), time.sleep(60))"
    folder = turn(code)
    process = started(folder, "verify", "@", "--repeat", "3", "--json")
    wait_for(lambda: mark.exists() and mark.read_text())
    os.kill(int(mark.read_text()), signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    found = json.loads(out)["verifications"][0]
    assert (process.returncode, err) == (3, b"")
    assert found["missing"] == ["its process was ended by SIGKILL"]
    assert found["level"] == "unverifiable"
    assert len(found["columns"][0]["runs"]) == 2, "the rest went on"
    assert "only 2 of 3 repeats could be made: its process was ended by SIGKILL." in found["sentence"]
    clean(folder)


def started(folder, *words):
    return subprocess.Popen(
        folder.command(*words),
        cwd=folder.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def wait_for(met):
    end = time.monotonic() + 60
    while not met():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


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


# --- hostile --------------------------------------------------------------------------------------


def test_names_with_escape_sequences(turn):
    name = "o\x1b[31m\nut"
    folder = turn(f"open({name!r}, 'w').write(str(n)); metric(**{{{name!r}: n}})", "-o", name, *METRICS)
    for form in ("terminal", "markdown", "junit"):
        words = [] if form == "terminal" else ["--no-diagnose"]
        done = folder.xt("verify", "@", "--repeat", "1", "--format", form, *words)
        assert b"\x1b" not in done.out
        assert done.code == 1
    assert b"\x1b" not in folder.xt("show", "@").out


def test_many_outputs_and_metrics(turn):
    code = (
        "metric(**{f'm{i}': i for i in range(1000)});"
        "os.makedirs('o', exist_ok=True);"
        "[open(f'o/{i}.txt', 'w').write(str(i * n)) for i in range(200)]"
    )
    folder = turn(code, *METRICS, "-o", "o/*.txt")
    done = folder.xt("verify", "@", "--repeat", "1", "--no-diagnose")
    assert done.code == 1
    text = done.out.decode()
    assert len(text.splitlines()) < 40
    assert "o/*.txt" in text
