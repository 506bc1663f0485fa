"""`xt diff` as a user meets it: real runs, one difference at a time."""

from __future__ import annotations

import json
import re

import pytest

TRAIN = """\
import json, os, sys
lr = float(sys.argv[1]) if len(sys.argv) > 1 else 0.1
noise = float(os.environ.get("NOISE", 0))
acc = 0.9 + lr / 10 + noise
json.dump({"acc": acc, "loss": 1 - acc}, open("metrics.json", "w"))
print(f"acc {acc}")
"""
SETTINGS = """\
[task.train]
command = "python3 train.py"
inputs = ["data.csv", "prompts:prompts"]
outputs = ["metrics:metrics.json"]

[metrics.acc]
goal = "max"

[metrics.loss]
goal = "min"
"""
RUN = ("-q", "-m", "test", "--", "python3", "train.py")


@pytest.fixture
def lab(project):
    """A project with a declared training, its reference run pinned."""
    project.write("train.py", TRAIN)
    project.write("data.csv", "id,x\n1,0.5\n2,0.25\n")
    project.write("prompts/system.md", "You are terse.\nAnswer in English.\n")
    project.write("xt.toml", SETTINGS)
    project.write(".gitignore", "metrics.json\n")
    project.sh("git add -A && git commit -qm lab")
    assert project.run(*RUN).code == 0
    assert project.xt("baseline", "set", "@", "-m", "reference").code == 0
    return project


def diff(lab, *words, code=0, **options):
    done = lab.xt("diff", *words, "--json", **options)
    assert done.code == code, done.err
    return json.loads(done.out)


def section(found, name):
    parts = [*found["causes"]["children"], *found["effects"]["children"]]
    return next(part for part in parts if part["path"] == name)


def changed(found):
    parts = [part for part in found["causes"]["children"] if part.get("counted", True)]
    return [part["path"] for part in parts if part["relation"] != "same"]


def page(lab, *words, **options):
    done = lab.xt("diff", *words, **options)
    assert done.code == 0, done.err
    return done.out.decode()


def test_a_repeat_is_the_same_and_passes_a_gate(lab):
    assert lab.run(*RUN).code == 0
    found = diff(lab, "--exit-code")
    assert found["relation"] == "same"
    assert found["verdict"]["word"] == "same"
    assert changed(found) == []


def test_only_code_changed(lab):
    lab.write("train.py", TRAIN.replace("lr / 10", "lr / 5"))
    assert lab.run(*RUN).code == 0
    found = diff(lab, "--exit-code", code=1)
    assert changed(found) == ["code"]
    [file] = section(found, "code")["children"]
    assert file["path"] == "code/train.py"
    assert "+acc = 0.9 + lr / 5 + noise" in file["text"]
    shown = page(lab)
    assert "-acc = 0.9 + lr / 10 + noise" in shown
    assert "+acc = 0.9 + lr / 5 + noise" in shown
    assert re.search(r"same +params, command, inputs, environment, seed", shown)


def test_only_a_param_changed_and_is_told_once(lab):
    assert lab.run(*RUN, "0.2").code == 0
    assert lab.run(*RUN, "0.3").code == 0
    assert changed(diff(lab, "@~1", "@")) == ["command"]
    assert lab.run("-q", "-p", "lr=1", "-m", "test", "--", "python3", "train.py", "--lr=1").code != 0
    assert lab.run("-q", "-p", "lr=2", "-m", "test", "--", "python3", "train.py", "--lr=2").code != 0
    assert changed(diff(lab, "@~1", "@")) == ["params"]


def test_only_data_changed(lab):
    lab.write("data.csv", "id,x\n1,0.5\n2,0.75\n")
    assert lab.run(*RUN).code == 0
    found = diff(lab)
    assert changed(found) == ["inputs"]
    [data] = section(found, "inputs")["children"]
    assert data["path"] == "inputs/data/data.csv"
    # The content of a tracked file is had from git after it was overwritten on disk.
    assert "no longer" not in data.get("note", "")
    assert found["comparability"]["relation"] == "unknown"
    assert diff(lab, "--exit-code", "--only", "effects", code=1)["relation"] == "unknown"


def test_prompts_are_shown_as_text(lab):
    lab.write("prompts/system.md", "You are terse.\nAnswer in German.\n")
    lab.write("prompts/user.md", "Question:\n")
    assert lab.run(*RUN).code == 0
    found = diff(lab)
    assert changed(found) == ["inputs"]
    [prompts] = section(found, "inputs")["children"]
    texts = {child["path"]: child.get("text", []) for child in prompts["children"]}
    assert "+Answer in German." in texts["inputs/prompts/prompts/system.md"]
    assert "inputs/prompts/prompts/user.md" in texts
    assert "+Answer in German." in page(lab)


def test_nothing_changed_but_the_result_moved(lab):
    for noise in ("0.001", "-0.001", "0.002"):
        assert lab.run(*RUN, env={"NOISE": noise}).code == 0
    assert lab.run(*RUN, env={"NOISE": "0.05"}).code == 0
    found = diff(lab, "--exit-code", code=1)
    assert changed(found) == []
    assert found["verdict"]["word"] in ("improved", "regressed")
    assert "no recorded cause differs" in found["verdict"]["sentence"]


def test_noise_of_repeats_is_not_taken_for_a_change(lab):
    for noise in ("0.001", "-0.001", "0.002", "-0.0015"):
        assert lab.run(*RUN, env={"NOISE": noise}).code == 0
    assert lab.run(*RUN, "0.1001", env={"NOISE": "0.0005"}).code == 0
    found = diff(lab)
    assert found["left"]["n"] == 5
    rows = {row["path"]: row["judgement"] for row in section(found, "metrics")["children"]}
    assert {row["word"] for row in rows.values()} == {"within noise"}
    assert found["verdict"]["word"] == "within noise"
    assert lab.run(*RUN, "0.3", env={"NOISE": "0.0005"}).code == 0
    found = diff(lab)
    assert found["verdict"]["word"] == "improved"
    [acc] = [row for row in section(found, "metrics")["children"] if row["path"] == "metrics/acc"]
    assert acc["judgement"]["direction"] == "better"
    assert acc["judgement"]["method"] == "Student, one run against 5 repeats"


def test_a_tolerance_from_the_file_or_the_command_line(lab):
    assert lab.run(*RUN, "0.11").code == 0
    assert diff(lab)["verdict"]["word"] == "cannot tell"
    assert diff(lab, "--tol", "*=abs:0.01", "--only", "effects", "--exit-code")["relation"] == "within"
    regressed = diff(lab, "@", "baseline", "--tol", "acc=rel:1e-9", "--exit-code", code=1)
    assert regressed["verdict"]["word"] == "regressed"
    lab.write("xt.toml", SETTINGS.replace('goal = "max"', 'goal = "max"\nabs = 0.01'))
    rows = {row["path"]: row["judgement"]["word"] for row in section(diff(lab), "metrics")["children"]}
    assert rows == {"metrics/acc": "within tolerance", "metrics/loss": "cannot tell"}


@pytest.mark.parametrize(
    ("tolerance", "message"),
    [
        ("acc", "not NAME=KIND:BOUND"),
        ("acc=0.1", "no tolerance"),
        ("acc=abs:-1", "not a finite number"),
        ("acc=abs:nan", "not a finite number"),
        ("accuracy=abs:1", "no run has"),
    ],
)
def test_a_tolerance_that_makes_no_sense_is_refused(lab, tolerance, message):
    assert lab.run(*RUN, "0.2").code == 0
    done = lab.xt("diff", "--tol", tolerance)
    assert (done.code, done.out) == (2, b"")
    assert message in done.err


def test_a_failed_run_beside_a_good_one(lab):
    assert lab.run(*RUN, "not-a-number").code == 1
    found = diff(lab)
    assert found["verdict"]["word"] == "regressed"
    assert section(found, "status")["right"] == "exit 1"
    shown = page(lab)
    assert "exit 1" in shown


def test_no_arguments_need_a_baseline_that_is_another_run(project):
    nothing = project.xt("diff")
    assert nothing.code == 1
    assert project.run("-q", "--", "true").code == 0
    unpinned = project.xt("diff")
    assert (unpinned.code, unpinned.out) == (1, b"")
    assert "no baseline is pinned" in unpinned.err
    assert "xt baseline set RUN -m WHY" in unpinned.err
    assert project.xt("baseline", "set", "@", "-m", "why").code == 0
    itself = project.xt("diff")
    assert itself.code == 1
    assert "the baseline itself" in itself.err


def test_a_run_against_itself_is_the_same(lab):
    found = diff(lab, "@", "@", "--exit-code")
    assert (found["relation"], found["verdict"]["word"]) == ("same", "same")


def test_only_a_section_is_shown_and_decides_the_exit_code(lab):
    lab.write("train.py", TRAIN + "# a comment\n")
    assert lab.run(*RUN).code == 0
    assert lab.xt("diff", "--exit-code").code == 1
    assert lab.xt("diff", "--exit-code", "--only", "effects").code == 0
    assert lab.xt("diff", "--exit-code", "--only", "code").code == 1
    assert lab.xt("diff", "--exit-code", "--only", "metrics").code == 0
    wrong = lab.xt("diff", "--only", "metric")
    assert wrong.code == 2
    assert "`metrics`" in wrong.err


def test_metrics_are_chosen_by_glob(lab):
    assert lab.run(*RUN, "0.2").code == 0
    found = diff(lab, "--metrics", "a*")
    assert [row["path"] for row in section(found, "metrics")["children"]] == ["metrics/acc"]


def test_logs_are_compared_on_request_without_what_always_differs(lab):
    for word in ("one", "two"):
        script = f'echo "$(date +%s.%N) took 0.$RANDOM s at 0x7f$RANDOM"; echo {word}'
        assert lab.run("-q", "--", "bash", "-c", script).code == 0
    assert [part["path"] for part in diff(lab, "@~1", "@")["effects"]["children"]].count("logs") == 0
    logs = section(diff(lab, "@~1", "@", "--logs"), "logs")
    [stdout] = [part for part in logs["children"] if part["path"] == "logs/stdout"]
    assert [line for line in stdout["text"] if line[0] in "+-"] == ["-one", "+two"]


@pytest.mark.parametrize("style", ["terminal", "markdown", "html", "json"])
def test_every_format_is_written(lab, style):
    assert lab.run(*RUN, "0.2").code == 0
    done = lab.xt("diff", "--format", style)
    assert done.code == 0, done.err
    assert b"acc" in done.out
    assert done.err == ""


def test_hostile_names_do_nothing(lab):
    lab.write("\x1b[31mred\x9b2J.py", "x = '\x1b]0;title\x07'\n")
    purpose = "</script><img src=x onerror=alert(1)> | `code` @everyone \x1b[2J"
    assert lab.run("-q", "-m", purpose, "--", "python3", "train.py").code == 0
    for style in ("terminal", "markdown", "html"):
        out = lab.xt("diff", "--format", style).out
        assert b"\x1b" not in out
        assert b"\x9b" not in out.decode().encode("latin-1", "ignore")
        if style != "terminal":
            assert b"<img" not in out


def test_a_lost_object_is_said_and_not_a_crash(lab):
    assert lab.run("-q", "-o", "out.bin", "--", "sh", "-c", "echo 1 > out.bin").code == 0
    assert lab.run("-q", "-o", "out.bin", "--", "sh", "-c", "echo 2 > out.bin").code == 0
    digest = lab.record("@")["result"]["outputs"][0]["digest"].partition(":")[2]
    (lab.path / ".xt" / "objects" / digest[:2] / digest).unlink()
    found = diff(lab, "@~1", "@")
    [output] = section(found, "outputs")["children"]
    assert output["relation"] == "changed"
    assert "not in this store" in output["note"]


def test_a_running_run_is_compared_by_its_causes(lab):
    import subprocess
    import time

    process = subprocess.Popen(lab.command("run", "-q", "--", "sleep", "30"), cwd=lab.path)
    try:
        for _ in range(200):
            if b"running" in lab.xt("ls").out:
                break
            time.sleep(0.05)
        found = diff(lab)
    finally:
        process.terminate()
        process.wait(20)
    assert section(found, "status")["relation"] == "unknown"
    assert section(found, "command")["relation"] == "changed"
    assert found["verdict"]["word"] == "cannot tell"


# --- what must not read as a pass ---------------------------------------------------------------------


def effect(found, name):
    return next(part for part in found["effects"]["children"] if part["path"] == name)


def test_a_section_of_effects_that_nobody_recorded_does_not_pass(lab):
    assert lab.run(*RUN, "not-a-number").code == 1
    for name in ("metrics", "cases", "outputs", "effects"):
        found = diff(lab, "--only", name, "--exit-code", code=1)
        assert effect(found, "status")["relation"] == "changed", name
    for word in ("one", "two"):
        assert lab.run("-q", "--", "echo", word).code == 0
    for name in ("metrics", "cases", "outputs"):
        found = diff(lab, "@~1", "@", "--only", name, "--exit-code", code=1)
        assert found["relation"] == "unknown", name
        assert "recorded" in effect(found, name)["note"]


def test_what_a_metrics_file_says_besides_numbers_counts(lab):
    lab.write("put.sh", 'echo "$1" > metrics.json\n')
    for text in ('{"acc": 0.9, "model": "a"}', '{"acc": 0.9, "model": "b"}'):
        assert lab.run("-q", "-o", "metrics:metrics.json", "--", "sh", "put.sh", text).code == 0
    found = diff(lab, "@~1", "@", "--exit-code", "--only", "effects", code=1)
    assert found["relation"] == "changed"
    assert found["verdict"]["word"] == "different"


def test_numbers_of_failed_runs_are_not_lost(lab):
    lab.write("put.sh", 'echo "$1" > metrics.json; exit 3\n')
    for text in ('{"acc": 0.9}', '{"acc": 0.1}'):
        assert lab.run("-q", "-o", "metrics:metrics.json", "--", "sh", "put.sh", text).code == 3
    found = diff(lab, "@~1", "@", "--exit-code", "--only", "effects", code=1)
    assert found["relation"] == "changed"


def test_cohorts_asked_for_take_none_out_of_the_judgement(lab):
    lab.write(
        "langs.py",
        "import json, os, sys\n"
        "found = [('lang', 'de', float(sys.argv[1])), ('lang', 'en', 0.9), ('topic', 'law', 0.8)]\n"
        "for label, value, acc in found:\n"
        "    line = {'name': 'acc', 'value': acc, 'labels': {label: value}}\n"
        "    open(os.environ['XT_METRICS'], 'a').write(json.dumps(line) + chr(10))\n",
    )
    for acc in ("0.9", "0.2"):
        assert lab.run("-q", "--", "python3", "langs.py", acc).code == 0
    words = ("@~1", "@", "--tol", "acc=abs:0.01", "--exit-code")
    assert diff(lab, *words, code=1)["verdict"]["word"] == "regressed"
    assert diff(lab, *words, "--by", "topic", code=1)["verdict"]["word"] == "regressed"


@pytest.mark.parametrize(
    "words", [("--metrics", "accuracy"), ("--by", "topik"), ("--tol", "accuracy=abs:1")], ids=lambda w: w[0]
)
def test_a_name_that_is_nowhere_is_refused(lab, words):
    assert lab.run(*RUN, "0.2").code == 0
    refused = lab.xt("diff", *words)
    assert (refused.code, refused.out) == (2, b"")


def test_masked_words_are_not_called_the_same(lab):
    for key in ("foo-bar-one", "foo-bar-two"):
        assert lab.run("-q", "--", "echo", "--api-key", key).code == 0
    found = diff(lab, "@~1", "@")
    assert section(found, "command")["relation"] == "unknown"
    assert lab.run("-q", "--", "echo", "--api-key", "foo-bar-two").code == 0
    assert section(diff(lab, "@~1", "@"), "command")["relation"] == "same"


def test_a_file_beside_a_folder_of_one_role_is_compared_by_files(lab):
    lab.write("prompts/user.md", "Question:\n")
    assert lab.run("-q", "-i", "prompts:prompts", "--", "true").code == 0
    assert lab.run("-q", "-i", "prompts:prompts/system.md", "--", "true").code == 0
    [found] = section(diff(lab, "@~1", "@"), "inputs")["children"]
    parts = {child["path"].rpartition("/")[2]: child["change"] for child in found["children"]}
    assert parts == {"user.md": "removed"}


def test_a_broken_xt_toml_ends_diff_with_1(lab):
    lab.write("xt.toml", "[metrics\n")
    assert lab.xt("diff", "@", "@").code == 1


def test_images_are_drawn_on_request_and_nowhere_else(lab):
    image = pytest.importorskip("PIL.Image")
    for level in (10, 200):
        image.new("L", (8, 8), level).save(lab.path / "made.png")
        assert lab.run("-q", "-o", "plot.png", "--", "cp", "made.png", "plot.png").code == 0
    assert diff(lab, "@~1", "@")
    before = {path.name for path in lab.path.iterdir()}
    shown = page(lab, "@~1", "@", "--images", "pictures")
    assert {path.name for path in lab.path.iterdir()} - before == {"pictures"}
    [drawn] = (lab.path / "pictures").iterdir()
    assert "pictures" in shown
    with image.open(drawn) as picture:
        assert picture.size == (8, 8)
