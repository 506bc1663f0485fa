"""Who, where and why; and the seed."""

from __future__ import annotations

import os
import pty
import pwd
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.collect.worlds import capture
from xt import __version__, codec
from xt.collect import Capture, ci, context, seed
from xt.context import CI_VARIABLES
from xt.model.snapshot import Context, Param, Seed

RUN = "knzxpqwvrmsutlyo"


def taken(root: Path, environ: dict[str, str] | None = None, **request: Any) -> Context:
    return context.collect(capture(root, environ=environ or {}, **request))


def test_who_and_where(tmp_path: Path) -> None:
    seen = taken(tmp_path, {"USER": "somebody-else", "LOGNAME": "somebody-else"})
    assert seen.user == pwd.getpwuid(os.getuid()).pw_name
    assert seen.host == os.uname().nodename
    assert seen.xt == __version__
    assert seen.project == str(tmp_path)


def test_why(tmp_path: Path) -> None:
    seen = taken(
        tmp_path, purpose="does it help?", ticket="ML-7", name="first", tags=["a", "b"], task="train"
    )
    assert (seen.purpose, seen.ticket, seen.name, seen.tags, seen.task) == (
        "does it help?",
        "ML-7",
        "first",
        ["a", "b"],
        "train",
    )
    assert taken(tmp_path).purpose is None


def test_what_is_said_is_cleaned_of_secrets_and_stray_bytes(tmp_path: Path) -> None:
    token = "ghp_" + "a1" * 18
    seen = taken(tmp_path, purpose=f"with {token}", tags=[os.fsdecode(b"t\xff"), "https://u:pw@h/"])
    assert seen.purpose == "with ***"
    assert seen.tags == ["t\\xff", "https://u:***@h/"]
    assert codec.decode(codec.encode(seen), Context, "it") == seen


def test_a_run_started_by_a_run(tmp_path: Path) -> None:
    seen = taken(tmp_path, {"XT_RUN_ID": RUN, "CI": "true"})
    assert (seen.trigger, seen.parent) == ("xt", RUN)
    assert seen.ci == {"provider": "unknown"}


@pytest.mark.parametrize("value", ["", "x", RUN + "k", RUN[:-1] + "a", RUN.upper(), "../../../../etc/pw"])
def test_a_run_id_that_is_none_is_said(tmp_path: Path, value: str) -> None:
    made = capture(tmp_path, environ={"XT_RUN_ID": value})
    assert context.collect(made).parent is None
    assert any("XT_RUN_ID" in problem.message for problem in made.problems)


SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {
                "GITHUB_ACTIONS": "true",
                "GITHUB_REPOSITORY": "o/r",
                "GITHUB_RUN_ID": "42",
                "GITHUB_SHA": SHA,
                "GITHUB_REF_NAME": "main",
                "GITHUB_SERVER_URL": "https://github.com",
            },
            {
                "provider": "github",
                "repository": "o/r",
                "run": "42",
                "commit": SHA,
                "branch": "main",
                "url": "https://github.com/o/r/actions/runs/42",
            },
        ),
        (
            {
                "GITLAB_CI": "true",
                "CI_JOB_URL": "https://gl/o/r/-/jobs/1",
                "CI_COMMIT_SHA": SHA,
                "CI_COMMIT_REF_NAME": "b",
            },
            {"provider": "gitlab", "url": "https://gl/o/r/-/jobs/1", "commit": SHA, "branch": "b"},
        ),
        (
            {"JENKINS_URL": "https://j/", "BUILD_URL": "https://u:pw@j/1", "GIT_COMMIT": SHA},
            {"provider": "jenkins", "url": "https://u:***@j/1", "commit": SHA},
        ),
        (
            {
                "BUILDKITE": "true",
                "BUILDKITE_REPO": "https://x-access-token:t0k@github.com/o/r",
                "BUILDKITE_COMMIT": SHA,
            },
            {"provider": "buildkite", "repository": "https://***@github.com/o/r", "commit": SHA},
        ),
        (
            {"CIRCLECI": "true", "CIRCLE_SHA1": SHA, "CIRCLE_BRANCH": "b"},
            {"provider": "circleci", "commit": SHA, "branch": "b"},
        ),
        (
            {
                "TF_BUILD": "True",
                "SYSTEM_COLLECTIONURI": "https://dev.azure.com/o/",
                "SYSTEM_TEAMPROJECT": "p",
                "BUILD_BUILDID": "9",
            },
            {"provider": "azure", "run": "9", "url": "https://dev.azure.com/o/p/_build/results?buildId=9"},
        ),
        ({"CI": "true"}, {"provider": "unknown"}),
        ({"CI": "1", "CI_COMMIT_SHA": SHA}, {"provider": "unknown"}),
    ],
)
def test_providers(tmp_path: Path, environ: dict[str, str], expected: dict[str, str]) -> None:
    seen = taken(tmp_path, environ)
    assert seen.trigger == "ci"
    assert seen.ci == expected


@pytest.mark.parametrize("value", ["", "false", "0", "no"])
def test_a_provider_that_is_switched_off(tmp_path: Path, value: str) -> None:
    seen = taken(tmp_path, {"CI": value, "GITHUB_ACTIONS": value})
    assert seen.ci == {}
    assert seen.trigger != "ci"


def test_every_provider_that_is_known_is_looked_for() -> None:
    assert set(ci.PROVIDERS) | {"CI"} == set(CI_VARIABLES)


def test_slurm(tmp_path: Path) -> None:
    seen = taken(tmp_path, {"SLURM_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "3", "SLURM_JWT": "secret"})
    assert seen.trigger == "slurm"
    assert seen.slurm == {"job": "7", "array_task": "3"}
    assert taken(tmp_path, {"SLURM_CLUSTER_NAME": "c"}).slurm == {}


ASK = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path; from worlds import capture; from xt.collect import context
Path(sys.argv[1]).write_text(context.collect(capture(Path("/nowhere"), environ={{}})).trigger)
"""


def test_a_terminal_on_any_stream(tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    near, far = pty.openpty()
    quiet = subprocess.DEVNULL
    for streams in ({"stdin": far}, {"stdout": far}, {"stderr": far}):
        where = {"stdin": quiet, "stdout": quiet, "stderr": quiet} | streams
        subprocess.run([sys.executable, "-c", ASK, str(answer)], check=True, **where)
        assert answer.read_text() == "terminal"
    os.close(near)
    os.close(far)


def test_neither_terminal_nor_cron(tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    subprocess.run(
        [sys.executable, "-c", ASK, str(answer)], check=True, stdin=subprocess.DEVNULL, capture_output=True
    )
    assert answer.read_text() == "other"


@pytest.mark.skipif(sys.platform != "linux", reason="ancestors are read from /proc")
def test_below_a_process_named_cron(tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    daemon = tmp_path / "cron"
    daemon.symlink_to("/bin/sh")
    # The name of a process is that of the file it was started from; `; :` keeps sh from replacing itself.
    command = f"'{sys.executable}' -c '{ASK}' '{answer}'; :".replace("'" + ASK + "'", '"$ASK"')
    subprocess.run(
        [str(daemon), "-c", command],
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=os.environ | {"ASK": ASK},
    )
    assert answer.read_text() == "cron"


def drawn(capture: Capture, params: list[Param] | None = None) -> Seed:
    capture.found["params"] = params or []
    return seed.collect(capture)


def test_no_seed(tmp_path: Path) -> None:
    params = [
        Param("train.seed", 7, "config.yaml"),
        Param("--random-state", "1", "argv"),
        Param("data.split_seed", 3, "--param"),
        Param("seedling", 1, "argv"),
        Param("lr", 0.1, "argv"),
    ]
    seen = drawn(capture(tmp_path, environ={"PYTHONHASHSEED": "0"}), params)
    assert (seen.value, seen.source) == (None, "none")
    assert seen.known == {
        "PYTHONHASHSEED": "0",
        "train.seed": "7",
        "--random-state": "1",
        "data.split_seed": "3",
    }


def test_a_declared_seed(tmp_path: Path) -> None:
    assert drawn(capture(tmp_path, seed=0)).value == 0
    assert drawn(capture(tmp_path, seed=12)).source == "declared"


def test_a_drawn_seed(tmp_path: Path) -> None:
    seeds = [drawn(capture(tmp_path, draw_seed=True)) for _ in range(50)]
    assert {one.source for one in seeds} == {"drawn"}
    values = [one.value for one in seeds if one.value is not None]
    assert len(set(values)) > 40
    assert all(0 <= value < 2**31 for value in values)
