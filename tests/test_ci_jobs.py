"""The job files of docs/examples/ci: each is read as its provider reads it, and its steps are really run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import ci_readers
from tests.conftest import SOURCE
from xt.cli.app import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
JOBS = ROOT / "docs/examples/ci"
#: Job file → the page that shows it.
PAGES = {
    "github.yml": "ci-github.md",
    "gitlab-ci.yml": "ci-gitlab.md",
    "Jenkinsfile": "ci-jenkins.md",
    "buildkite.yml": "ci-buildkite.md",
    "gate.sh": "ci-generic.md",
}
TOML = """\
[evidence]
required = ["purpose", "metrics.acc"]
[metrics.acc]
goal = "max"
abs = 0.01
[task.train]
command = "sh train.sh"
outputs = ["metrics:m.json"]
"""


class Checkout:
    """A fresh checkout of a project whose baseline a team's store has, and a shell in it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "checkout"
        self.files = folder
        place = folder / "bin"
        place.mkdir()
        script = f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {SOURCE!r})\n"
        (place / "xt").write_text(script + "from xt.cli.main import main\nmain()\n")
        (place / "xt").chmod(0o755)
        self.environ = {**os.environ, "PATH": f"{place}:{os.environ['PATH']}"}
        self.remote = str(folder / "team")

    def begin(self) -> None:
        """Record the baseline, and push it."""
        self.path.mkdir()
        (self.path / "xt.toml").write_text(TOML)
        (self.path / ".gitignore").write_text("m.json\n")
        self.train(0.9)
        self.sh("git init -q && git add -A && git commit -qm reference")
        self.sh("xt run -q --as train -m reference && xt baseline set @ -m reference")
        if "pull" in COMMANDS.rows:
            os.mkdir(self.remote)
            self.sh('xt push -r "$REMOTE"', REMOTE=self.remote)
            shutil.rmtree(self.path / ".xt")

    def train(self, value: float) -> None:
        (self.path / "train.sh").write_text(f"echo '{{\"acc\": {value}}}' > m.json\n")

    def sh(self, script: str, **more: str) -> int:
        done = subprocess.run(
            ["sh", "-e", "-c", script],
            cwd=self.path,
            env={**self.environ, **more},
            capture_output=True,
            text=True,
        )
        self.said = done.stdout + done.stderr
        return done.returncode

    def steps(self, scripts: list[str], **more: str) -> int:
        """Run steps up to the first that fails, as providers do; return its status."""
        for script in scripts:
            if re.match(r"xt pull\b", script) and "pull" not in COMMANDS.rows:
                continue
            status = self.sh(script, **more)
            if status:
                return status
        return 0


@pytest.fixture(scope="session")
def begun(tmp_path_factory):
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture
def checkout(tmp_path, begun):
    """One of its own for each test: a copy of the first."""
    if not any(begun.iterdir()):  # here and not before, where the test has its variables
        Checkout(begun).begin()
    made = Checkout(tmp_path)
    for name in ("checkout", "team"):
        shutil.copytree(begun / name, tmp_path / name)
    assert made.sh("git update-index --refresh") == 0
    return made


def commit(checkout, value):
    checkout.train(value)
    assert checkout.sh("git commit -qam 'a change'") == 0


def github(checkout):
    files = {"GITHUB_STEP_SUMMARY": "summary", "GITHUB_OUTPUT": "outputs"}
    return {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(checkout.path),
        **{name: str(checkout.files / file) for name, file in files.items()},
    }


@pytest.mark.parametrize(("value", "status"), [(0.905, 0), (0.5, 1)])
def test_github(checkout, value, status):
    commit(checkout, value)
    job = yaml.safe_load((JOBS / "github.yml").read_text())["jobs"]["evidence"]
    assert job["env"] == {"XT_REMOTE": "${{ vars.XT_REMOTE }}"}
    scripts = [step["run"] for step in job["steps"] if step.get("name") != "install" and "run" in step]
    assert len(scripts) == 4
    assert all("${{" not in script for script in scripts)
    assert checkout.steps(scripts, XT_REMOTE=checkout.remote, **github(checkout)) == status, checkout.said
    read = ci_readers.outputs((checkout.files / "outputs").read_text())
    assert read["verdict"] == ("within tolerance" if status == 0 else "regressed")
    assert read["level"] == "identical"
    assert "acc" in (checkout.files / "summary").read_text()


@pytest.mark.parametrize(("command", "repeat", "status"), [("", "1", 0), ("sh train.sh; exit 3", "0", 3)])
def test_the_action(checkout, command, repeat, status):
    commit(checkout, 0.905)
    action = yaml.safe_load((JOBS / "action.yml").read_text())
    given = {name: one.get("default", "") for name, one in action["inputs"].items()}
    given |= {
        "task": "train",
        "command": command,
        "purpose": '$(touch owned)`touch owned`";touch owned',
        "remote": checkout.remote if "pull" in COMMANDS.rows else "",
        "repeat": repeat,
    }
    known = {step["id"] for step in action["runs"]["steps"] if "id" in step}
    for one in action["outputs"].values():
        assert re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.[\w-]+ \}\}", one["value"])[1] in known
    code = 0
    for step in action["runs"]["steps"]:
        assert step["shell"] == "sh"
        assert "${{" not in step["run"], "what is given must not become part of a script"
        if code or ("if" in step and not wanted(step["if"], given)):
            continue
        env = {
            name: given[re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", value)[1]]
            for name, value in step["env"].items()
        }
        code = checkout.sh(step["run"], **env, **github(checkout))
    assert code == status, checkout.said
    assert not (checkout.path / "owned").exists()
    read = ci_readers.outputs((checkout.files / "outputs").read_text())
    assert read.get("level") == ("identical" if status == 0 else None)
    assert read["status"] == ("ok" if status == 0 else "failed")


def wanted(condition, given):
    """What a runner makes of `inputs.NAME != 'TEXT'`."""
    name, text = re.fullmatch(r"inputs\.([\w-]+) != '(.*)'", condition).groups()
    return given[name] != text


def test_gitlab(checkout):
    value, status = 0.5, 1
    commit(checkout, value)
    job = yaml.safe_load((JOBS / "gitlab-ci.yml").read_text())["evidence"]
    environ = {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_JOB_ID": "7",
        "CI_PROJECT_DIR": str(checkout.path),
        "CI_COMMIT_TITLE": "a change",
        "XT_REMOTE": checkout.remote,
    }
    assert checkout.steps(job["script"], **environ) == status, checkout.said
    reports = job["artifacts"]["reports"]
    tests = [ci_readers.junit(path.read_bytes()) for path in checkout.path.glob(reports["junit"])]
    assert len(tests) == 3
    failed = [case for cases in tests for case in cases.values() if case.find("failure") is not None]
    assert len(failed) == 2
    numbers = ci_readers.openmetrics((checkout.path / reports["metrics"]).read_bytes())
    assert numbers["xt_metric", (("metric", "acc"), ("task", "train"))] == value
    variables = ci_readers.dotenv((checkout.path / reports["dotenv"]).read_bytes())
    later = yaml.safe_load((JOBS / "gitlab-ci.yml").read_text())["deploy"]["script"]
    assert checkout.steps(later, **variables) == 0
    assert "is regressed, passed - false" in checkout.said


def test_jenkins(checkout):
    commit(checkout, 0.5)
    text = (JOBS / "Jenkinsfile").read_text()
    scripts = re.findall(r"^ +sh '(.*)'$", text, re.M)
    assert len(scripts) == 4
    environ = {"JENKINS_URL": "https://j", "JOB_NAME": "a", "BUILD_NUMBER": "1", "XT_REMOTE": checkout.remote}
    assert checkout.steps(scripts, **environ) == 1, checkout.said
    pattern = re.search(r"junit testResults: '(.*?)'", text)[1]
    found = [ci_readers.junit(path.read_bytes()) for path in checkout.path.glob(pattern)]
    assert len(found) == 3
    assert text.count("{") == text.count("}")


def test_buildkite(checkout):
    commit(checkout, 0.905)
    (step,) = yaml.safe_load((JOBS / "buildkite.yml").read_text())["steps"]
    agent = checkout.files / "bin" / "buildkite-agent"
    agent.write_text(f"#!/bin/sh\ncat >> {checkout.files}/annotation\n")
    agent.chmod(0o755)
    environ = {
        "BUILDKITE": "true",
        "CI": "true",
        "BUILDKITE_MESSAGE": "a change",
        "XT_REMOTE": checkout.remote,
    }
    # The agent turns `$$` into `$` when the pipeline is uploaded.
    scripts = [script.replace("$$", "$") for script in step["commands"]]
    assert checkout.steps(scripts, **environ) == 0, checkout.said
    text = (checkout.files / "annotation").read_text()
    assert text.index("## xt run ") < text.index("## verify ") < text.index("### Causes")
    assert list(checkout.path.glob(step["artifact_paths"][0]))


def test_any_other(checkout):
    commit(checkout, 0.905)
    text = (JOBS / "gate.sh").read_text()
    if "pull" not in COMMANDS.rows:
        text = re.sub("^xt pull.*\n", "", text, flags=re.M)
    assert checkout.sh(text, XT_REMOTE=checkout.remote) == 0, checkout.said
    assert ci_readers.dotenv((checkout.path / "xt-ci/xt.env").read_bytes())["XT_CI_PASSED"] == "true"


@pytest.mark.parametrize("name", PAGES)
def test_the_page_shows_the_file(name):
    page = (ROOT / "docs/how-to" / PAGES[name]).read_text()
    assert page.count((JOBS / name).read_text()) == 1
