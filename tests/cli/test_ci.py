"""Reports to jobs: `--ci`, `XT_CI`, and the gates of `xt diff --fail-on`, as jobs meet them."""

from __future__ import annotations

import json
import os
import stat

import pytest

from tests import builders, ci_readers
from tests.conftest import Project
from xt.context import timestamp
from xt.model.event import BASELINE, Pin
from xt.model.result import Metric
from xt.store import Store, events

TOML = """\
[metrics.acc]
goal = "max"
abs = 0.01
[evidence]
required = ["purpose"]
"""
FAILS = """\
import sys
def fit():
    raise ValueError("50%: no, ::error:: here")
fit()
"""
IDS = [f"{letter * 4}wpztnlqsmvrx" for letter in "klmnopqr"]


@pytest.fixture
def job(project, tmp_path):
    """A project, and the variables of a GitHub step whose files are outside it."""
    project.write("xt.toml", TOML)
    project.sh("git add -A && git commit -qm settings")
    project.summary, project.outputs = tmp_path / "summary", tmp_path / "outputs"
    project.github = {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(project.path),
        "GITHUB_STEP_SUMMARY": str(project.summary),
        "GITHUB_OUTPUT": str(project.outputs),
    }
    project.gitlab = {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_JOB_ID": "7",
        "CI_PROJECT_DIR": str(project.path),
    }
    return project


def put(project: Project, *values, purpose="why", status="ok", pin=True):
    """Seal a run for each value of the metric; the first is the baseline."""
    store = Store.create(str(project.path / ".xt"))
    before = len(list(store.ids()))
    for at, value in enumerate(values, before):
        snapshot = builders.snapshot(
            context=builders.context(purpose=purpose if at else "reference", project=str(project.path)),
            code=builders.code(status="none", tree=None, vcs=None, reason="none", repositories=[]),
            inputs=[],
            recipe=builders.digest("0123456789abcdef"[at]),
        )
        metrics = [Metric("acc", value, "m.json:/acc")] if value is not None else []
        result = builders.result(
            metrics=metrics,
            outputs=[],
            status=status if at else "ok",
            logs=builders.logs(streams=[], timing=None),
        )
        live = store.begin(IDS[at])
        started = timestamp(builders.NOW + builders.timedelta(minutes=at))
        store.seal(live, builders.record(snapshot, result, IDS[at], started_at=started))
        live.end()
    if pin and before == 0:
        at = timestamp(builders.NOW)
        events.append(store.path, Pin("20261123093000000000-00000000", at, "you", BASELINE, IDS[0], "x"))
    return store


def commands(ran):
    return ci_readers.commands(ran.err)


def test_github_gets_a_summary_annotations_and_outputs(job):
    job.summary.write_text("what another step wrote")
    metric = "##[add-mask]a=log:none"
    done = job.run("-m", "::error::x\n##[add-mask]a", "--metric", metric, "--", "true", env=job.github)
    assert (done.code, done.out) == (0, b"")
    assert "add-mask" in done.err
    warning, notice = commands(done)
    assert (warning.name, warning.properties["title"]) == ("warning", "metrics")
    assert (notice.name, notice.properties["title"]) == ("notice", "xt run")
    assert not ci_readers.OLDER.search("".join(line for line in done.err.splitlines() if line[:2] != "::"))
    summary = job.summary.read_text()
    assert summary.startswith("what another step wrote\n## xt run ")
    read = ci_readers.outputs(job.outputs.read_text())
    assert read == {"run-id": job.record()["id"], "status": "ok", "passed": "true"}
    assert not (job.path / "xt-ci").exists()
    done = job.xt("diff", "##[add-mask]a", "@", env=job.github)
    assert "add-mask" in done.err
    assert [one.name for one in commands(done)] == ["error"]
    # Within a command of the runner's own the rest of its line is text.
    assert not ci_readers.OLDER.search("".join(line for line in done.err.splitlines() if line[:2] != "::"))


def test_a_failure_is_annotated_where_the_traceback_ends_in_the_project(job):
    job.write("src/fit.py", FAILS)
    done = job.run("-m", "why", "--", "python3", "fit.py", cwd=job.path / "src", env=job.github)
    assert done.code == 1
    (error,) = [one for one in commands(done) if one.name == "error"]
    assert (error.properties["file"], error.properties["line"]) == ("src/fit.py", "3")
    assert error.text.startswith("ValueError: 50%: no, ::error:: here (exit 1 after ")
    assert 'raise ValueError("50%: no, ::error:: here")' in job.summary.read_text()
    assert ci_readers.outputs(job.outputs.read_text())["passed"] == "false"


def test_what_a_compiler_says_is_annotated_and_files_elsewhere_are_not(job):
    job.write("a.c", "int x\n")
    said = "echo 'a.c:1:6: error: expected ;' >&2; echo '/etc/passwd:3: error: other' >&2; exit 2"
    done = job.run(
        "-q", "-m", "why", "--", "sh", "-c", said.partition("; echo")[0] + "; exit 2", env=job.github
    )
    (error,) = [one for one in commands(done) if one.name == "error"]
    assert (error.properties["file"], error.properties["line"]) == ("a.c", "1")
    done = job.run("-q", "-m", "why", "--", "sh", "-c", said, env=job.github)
    (error,) = [one for one in commands(done) if one.name == "error"]
    assert "file" not in error.properties
    assert error.text.startswith("other (exit 2")


def test_missing_evidence_is_annotated_where_it_is_required(job):
    done = job.run("-q", "--", "true", env=job.github)
    warning = next(one for one in commands(done) if one.name == "warning")
    assert (warning.properties["file"], warning.properties["line"]) == ("xt.toml", "5")
    done = job.xt("audit", env=job.github)
    assert done.code == 1
    error = next(one for one in commands(done) if one.name == "error")
    assert (error.properties["file"], error.properties["line"]) == ("xt.toml", "5")
    assert "## xt audit" in job.summary.read_text()


def test_a_run_that_is_refused_is_told(job):
    done = job.run("--strict", "--", "true", env=job.github)
    assert done.code == 125
    assert [one.name for one in commands(done)] == ["error"]
    assert ci_readers.outputs(job.outputs.read_text()) == {"passed": "unknown"}


@pytest.mark.parametrize(
    ("value", "gates", "code", "word"),
    [
        (0.8, "regression", 1, "failed: worse: acc"),
        (0.95, "regression", 0, "passed"),
        (0.95, "divergent", 1, "failed: not the same: acc"),
        (0.9, "regression,divergent,incomplete", 0, "passed"),
        (None, "regression", 3, "cannot be told: acc: it is only on the left"),
        (None, "incomplete", 0, "passed"),
    ],
)
def test_gates(job, value, gates, code, word):
    put(job, 0.9, value)
    done = job.xt("diff", "--fail-on", gates, env=job.github)
    assert done.code == code, done.err
    assert f"xt: {gates.partition(',')[0]}: {word}" in done.err
    read = ci_readers.outputs(job.outputs.read_text())
    assert read["passed"] == {0: "true", 1: "false", 3: "unknown"}[code]
    assert read["verdict"]
    errors = [one for one in commands(done) if one.name == "error"]
    assert len(errors) == (code != 0)
    assert gates.partition(",")[0] in job.summary.read_text()


def test_pages_hold_no_command_for_a_runner_without_a_report_too(job):
    put(job, 0.9, 0.8, purpose="a" * 50 + " ::stop-commands::x ##[error]y")
    for words in (["show", "@"], ["ls"], ["diff", "--ci", "off"]):
        page = job.xt(*words, env={**job.github, "COLUMNS": "60"}).out.decode()
        assert "##[" not in page
        assert not [line for line in page.split("\n") if line.lstrip().startswith("::")]
    assert "\n    ::stop-commands::x ##[error]y\n" in job.xt("show", "@", env={"COLUMNS": "60"}).out.decode()


def test_a_gate_looks_at_everything_whatever_is_shown(job):
    put(job, 0.9, 0.8)
    done = job.xt("diff", "--only", "causes", "--fail-on=regression", "--json")
    assert done.code == 1
    found = json.loads(done.out)
    assert found["gates"] == [
        {
            "name": "regression",
            "passed": False,
            "reasons": ["worse: acc"],
            "paths": ["metrics/acc"],
        }
    ]


def test_a_comparison_that_cannot_be_made_never_passes(job):
    for words in (["diff", "--fail-on", "regression"], ["diff", "--fail-on=regression", "@~1", "@"]):
        assert job.xt(*words).code == 3  # no store
    put(job, 0.9, pin=False)
    done = job.xt("diff", "--fail-on", "regression", env=job.github)
    assert done.code == 3  # no baseline
    assert ci_readers.outputs(job.outputs.read_text())["passed"] == "unknown"
    assert job.xt("diff", "--fail-on", "regresion").code == 2
    assert job.xt("diff", "--fail-on", "regression", "--exit-code").code == 2
    assert job.xt("diff", "nope", "@").code == 1


def test_a_damaged_run_never_passes(job):
    put(job, 0.9, 0.9)
    record = job.path / f".xt/runs/{IDS[1][:2]}/{IDS[1]}.json"
    os.chmod(record, 0o600)
    record.write_bytes(record.read_bytes().replace(b"0.9", b"0.8"))
    assert job.xt("diff", "baseline", IDS[1], "--fail-on", "regression").code == 3
    assert job.xt("diff", "--fail-on", "regression").code == 3


def test_gitlab_gets_files_that_tell_of_all_commands(job):
    done = job.run("-m", "why", "--metric", 'a "b"=log:(.*)', "--", "echo", "0.5", env=job.gitlab)
    assert done.code == 0
    assert done.out == b"0.5\n"
    assert "\x1b[0Ksection_start:" in done.err
    assert "[collapsed=true]\r" in done.err
    again = job.xt("verify", "@", "--repeat", "1", env=job.gitlab)
    assert again.code == 0, again.err
    assert again.out.decode().startswith("\x1b[0Ksection_start:")
    folder = job.path / "xt-ci"
    short = job.record()["id"][:8]
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *(f"{command}-{short}.{suffix}" for command in ("run", "verify") for suffix in ("json", "xml", "md")),
        *("metrics.txt", "xt.env", ".gitignore"),
    }
    numbers = ci_readers.openmetrics((folder / "metrics.txt").read_bytes())
    assert numbers["xt_metric", (("metric", 'a "b"'),)] == 0.5
    assert numbers["xt_verify_passed", ()] == 1
    assert ci_readers.dotenv((folder / "xt.env").read_bytes()) == {
        "XT_CI_RUN": job.record()["id"],
        "XT_CI_STATUS": "ok",
        "XT_CI_LEVEL": "identical",
        "XT_CI_PASSED": "true",
    }
    for path in folder.glob("*.xml"):
        ci_readers.junit(path.read_bytes())
    assert job.sh("git status --short") == ""
    # What another job left is none of this one's.
    assert job.run("-q", "-m", "b", "--", "true", env={**job.gitlab, "CI_JOB_ID": "8"}).code == 0
    assert ("xt_verify_passed", ()) not in ci_readers.openmetrics((folder / "metrics.txt").read_bytes())
    assert not (folder / f"verify-{short}.xml").exists()


def test_files_of_a_report_are_no_code_of_the_next_run(folder):
    folder.write("a.py", "print(1)\n")
    trees = []
    for _ in range(2):
        assert folder.run("-q", "-m", "a", "--ci", "generic", "--", "true").code == 0
        trees.append(folder.record()["snapshot"]["code"]["tree"])
    assert trees[0] == trees[1]
    assert (folder.path / "xt-ci" / "metrics.txt").exists()


def test_jenkins_finds_junit_and_a_folder_can_be_named(job):
    put(job, 0.9, 0.8)
    environ = {"JENKINS_URL": "https://j", "JOB_NAME": "digits", "BUILD_NUMBER": "3"}
    assert job.xt("diff", "--fail-on", "regression", "--ci-dir", "out/reports", env=environ).code == 1
    assert job.xt("audit", "--all", env={**environ, "XT_CI_DIR": "out/reports"}).code == 0
    made = sorted(path.name for path in (job.path / "out/reports").glob("*.xml"))
    assert len(made) == 2
    cases = ci_readers.junit((job.path / "out/reports" / next(n for n in made if "diff" in n)).read_bytes())
    assert cases["xt.diff metrics/acc"].find("failure") is not None
    assert cases["xt.diff gate regression"].find("failure") is not None
    assert job.xt("diff", "nope", "--fail-on", "regression", env=environ).code == 3
    (error,) = ci_readers.junit((job.path / "xt-ci/diff-none.xml").read_bytes()).values()
    assert error.find("error") is not None


AGENT = """\
#!/bin/sh
printf '%s\\n' "$@" > "$OUT/words"
cat > "$OUT/text"
test -z "$REFUSE" || { echo 'fatal: no' >&2; exit 7; }
"""


@pytest.fixture
def buildkite(job, tmp_path):
    """The agent's command line as it is documented; the agent itself talks to Buildkite alone."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "buildkite-agent").write_text(AGENT)
    (bin_folder / "buildkite-agent").chmod(0o755)
    job.buildkite = {
        "BUILDKITE": "true",
        "BUILDKITE_JOB_ID": "j",
        "OUT": str(tmp_path),
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
    }
    return job


def test_buildkite_gets_an_annotation(buildkite, tmp_path):
    assert buildkite.run("-q", "-m", "<b>why", "--", "true", env=buildkite.buildkite).code == 0
    assert (tmp_path / "words").read_text().split() == ["annotate", "--context", "xt", "--append"]
    assert "&#60;b&#62;why" in (tmp_path / "text").read_text()
    done = buildkite.run("-q", "-m", "why", "--", "sh", "-c", "exit 4", env=buildkite.buildkite)
    assert done.code == 4
    assert (tmp_path / "words").read_text().split()[-2:] == ["--style", "error"]
    done = buildkite.run("-q", "-m", "why", "--", "true", env={**buildkite.buildkite, "REFUSE": "1"})
    assert done.code == 0
    assert "xt: warning: nothing was reported to CI: `buildkite-agent` ended with 7: fatal: no" in done.err


def test_a_report_that_fails_is_a_warning_and_keeps_the_exit_code(job, tmp_path):
    away = str(tmp_path / "no" / "such" / "file")
    done = job.run(
        "-q", "-m", "a", "--", "sh", "-c", "exit 5", env={**job.github, "GITHUB_STEP_SUMMARY": away}
    )
    assert done.code == 5
    assert f"xt: warning: nothing was reported to CI: No such file or directory: {away}" in done.err
    # The others are tried all the same.
    assert ci_readers.outputs(job.outputs.read_text())["status"] == "failed"
    job.write("file", "")
    done = job.run("-q", "-m", "a", "--ci-dir", "file", "--", "true", env=job.gitlab)
    assert done.code == 0
    assert "xt: warning: nothing was reported to CI: " in done.err
    (job.path / "xt-ci").symlink_to(tmp_path)
    before = sorted(os.listdir(tmp_path))
    done = job.run("-q", "-m", "a", "--", "true", env=job.gitlab)
    assert "`xt-ci` is a link" in done.err
    assert sorted(os.listdir(tmp_path)) == before
    done = job.run("-q", "-m", "a", "--ci-dir", ".xt/objects", "--", "true", env=job.gitlab)
    assert "`.xt/objects` is in the store itself" in done.err
    job.summary.write_bytes(b"x" * 899_999)
    done = job.run("-q", "-m", "a", "--", "true", env=job.github)
    assert "the summary of this step is full" in done.err


def test_a_damaged_account_is_said_and_left_out(job):
    assert job.run("-q", "-m", "a", "--", "true", env=job.gitlab).code == 0
    (part,) = (job.path / "xt-ci").glob("run-*.json")
    part.write_text("{")
    done = job.run("-q", "-m", "b", "--", "true", env=job.gitlab)
    assert done.code == 0
    assert f"xt: warning: the report of this job lacks something: {part.name} is left out" in done.err


def test_what_is_reported_to_whom(job):
    words = ["run", "-q", "-m", "a"]
    asked = [
        ((), {}, False),
        ((), {"CI": "true"}, True),
        ((), {"CI": "false"}, False),
        (("--ci", "off"), {"CI": "true"}, False),
        (("--ci=generic",), {}, True),
        ((), {"XT_CI": "generic"}, True),
        ((), {"XT_CI": "off", "CI": "true"}, False),
        (("--ci", "auto"), {"XT_CI": "off", "CI": "true"}, True),
        # Part of another run, which reports itself.
        ((), {"CI": "true", "XT_RUN_ID": "k" * 16}, False),
    ]
    for options, environ, told in asked:
        done = job.xt(*words, *options, "--", "true", env=environ)
        assert (done.code, done.err) == (0, ""), (options, environ)
        made = job.path / "xt-ci"
        assert made.exists() is told, (options, environ)
        if told:
            job.sh("rm -r xt-ci")
    done = job.run("-q", "-m", "a", "--ci", "githb", "--", "touch", "started")
    assert done.code == 2
    assert "did you mean `github`?" in done.err
    assert not (job.path / "started").exists()
    done = job.run("-q", "-m", "a", "--", "true", env={"XT_CI": "githb"})
    assert (done.code, done.err.count("\n")) == (0, 1)
    assert "nothing is reported to CI: XT_CI is `githb`" in done.err


def test_a_run_that_is_reused_is_told_of(job):
    words = ["-q", "-m", "a", "--reuse", "--", "echo", "hello"]
    assert job.run(*words, env=job.github).code == 0
    first = ci_readers.outputs(job.outputs.read_text())["run-id"]
    job.outputs.unlink()
    done = job.run(*words, env=job.github)
    assert done.out == b"hello\n"
    assert ci_readers.outputs(job.outputs.read_text())["run-id"] == first
    assert "reused: nothing was run" in job.summary.read_text()


def test_files_have_the_permissions_of_new_files(job):
    assert job.run("-q", "-m", "a", "--", "true", env=job.gitlab).code == 0
    umask = os.umask(0)
    os.umask(umask)
    mode = stat.S_IMODE((job.path / "xt-ci/metrics.txt").stat().st_mode)
    assert mode == 0o666 & ~umask
