"""`xt verify` as a user meets it: exit statuses, forms, and the level of everything that comes out."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from xml.etree import ElementTree

import pexpect
import pytest

from tests.cli.verifying import ACC, METRICS, OUT, TURN, clean, events, line, lose_an_input, verified
from tests.conftest import SOURCE

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
        (["--tol", "nope=abs:1"], "no run has a metric or an output `nope`"),
        (["--tol", "cost/wall=rel:1"], "no run has"),
        (["--json", "--format", "junit"], "are two forms"),
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
    assert done.code == 3
    assert "did not start: there is nothing to repeat" in done.err
    assert turn.calls() == 0


def test_one_is_never_said_of_what_was_not_judged(turn, folder):
    for _ in range(2):
        folder.run("-q", "--", "true")
    assert folder.xt("verify", "nope").code == 3
    assert folder.xt("verify", "baseline").code == 3
    first = folder.record()["id"]
    assert folder.xt("verify", first[:1]).code in (2, 3)
    path = folder.path / f".xt/runs/{first[:2]}/{first}.json"
    path.chmod(0o600)
    path.write_text("{}")
    done = folder.xt("verify", first)
    assert (done.code, done.out) == (3, b"")
    assert "damaged" in done.err


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


def test_a_tolerance_of_a_file_in_a_tree_from_the_command_line(turn):
    code = 'os.makedirs("d", exist_ok=True); json.dump([1 + 1e-9 * n], open("d/o.json", "w"))'
    turn(code, "-o", "d")
    folder = turn(code, "-o", "d")
    assert verified(folder, "--repeat", "1", "--tol", "d/o.json=rtol:1e-6", code=0)["level"] == "equivalent"
    assert folder.xt("verify", "@", "--tol", "d/p.json=rtol:1e-6").code == 2


@pytest.mark.parametrize(
    ("code", "path", "note"),
    [
        (f'{OUT}("same"); os.chmod("out.txt", 0o600 if n else 0o755)', "out.txt", "mode 755 → 600"),
        (
            'os.makedirs("d", exist_ok=True); open("d/a", "w"); os.chmod("d/a", 0o600 if n else 0o755)',
            "d",
            "a: mode 755 → 600",
        ),
    ],
)
def test_permissions_that_differ(turn, code, path, note):
    folder = turn(code, "-o", path)
    found = verified(folder, "--repeat", "1", code=0)
    assert found["level"] == "equivalent"
    assert line(found, f"outputs/{path}")["note"] == note
    assert folder.xt("verify", "@", "--repeat", "1", "--level", "identical", "--no-diagnose").code == 1


def test_permissions_that_the_umask_gives(turn):
    folder = turn(f'{OUT}("same")', "-o", "out.txt")
    found = verified(folder, "--repeat", "1", "--vary", "umask", code=0)
    assert found["level"] == "identical"


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ('print("same")', "identical"),
        ('print("same", file=sys.stderr)', "identical"),
        ("print(n, file=sys.stderr)", "divergent"),
        ('n and print("more", file=sys.stderr)', "divergent"),
    ],
)
def test_both_streams_count_where_nothing_is_declared(turn, code, level):
    folder = turn(code)
    found = verified(folder, "--repeat", "1", "--no-diagnose")
    assert found["level"] == level
    paths = [line["path"] for line in found["lines"]]
    assert ("logs/stderr" in paths) == ("stderr" in code)
    assert "logs/stdout" in paths


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\tb", "a\x7fb", "val/é"])
def test_a_hint_can_be_pasted(turn, name):
    folder = turn(f"json.dump({{{name!r}: n}}, open('metrics.json', 'w'))", *METRICS)
    found = verified(folder, "--repeat", "1", "--no-diagnose", code=1)
    (said,) = [item["hint"] for item in found["lines"] if item["path"].startswith("metrics/")]
    table = said.removeprefix("declare what it may differ by: ")
    head, _, value = table.rpartition(" abs")
    assert tomllib.loads(f"{head}\nabs{value.replace('…', '1')}\n")["metrics"] == {name: {"abs": 1}}


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
    found = verified(folder, "--repeat", "2", code=0)
    assert found["level"] == "identical"
    assert "the run itself ended with exit 3, and so did its repeats" in found["notes"]
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


# --- hostile --------------------------------------------------------------------------------------


def test_names_with_escape_sequences(turn):
    name = "o\x1b[31m\nut"
    folder = turn(f"open({name!r}, 'w').write(str(n)); metric(**{{{name!r}: n}})", "-o", name, *METRICS)
    # Names in a diagnosis: `tests/render/test_verify.py`.
    for form in ("terminal", "markdown", "junit"):
        done = folder.xt("verify", "@", "--repeat", "1", "--format", form, "--no-diagnose")
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
