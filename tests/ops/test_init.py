"""`xt init`: what it finds, what it writes, and that it never overwrites."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.render.hostile import assert_harmless, words
from xt import config
from xt.config import MetricSettings, Settings, TaskSettings
from xt.context import Outside
from xt.errors import NotWrittenError
from xt.ops.init import init, text
from xt.ops.survey import ENTRIES, Found, survey
from xt.render.init import report

MAIN = 'if __name__ == "__main__":\n    print("hello")\n'


def outside(folder: Path) -> Outside:
    return Outside(str(folder), {"HOME": str(folder)})


def put(root: Path, *paths: str, content: str = "") -> None:
    for path in paths:
        place = root / path
        if path.endswith("/"):
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content)


def with_all_suggestions(written: str) -> str:
    """Take the `#` away where the file says one may."""
    return re.sub(r"(?m)^#(?=[^ #\n])", "", written)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small training project."""
    put(tmp_path, "train.py", "scripts/evaluate.py", content=MAIN)
    put(tmp_path, "model.py", "tests/test_model.py", "conftest.py", content="x = 1\n")
    put(
        tmp_path,
        "data/digits.csv",
        "config.yaml",
        "configs/big.yaml",
        "model.safetensors",
        "plots/",
        "uv.lock",
        ".git/",
    )
    put(
        tmp_path,
        "metrics.json",
        content='{"val/acc": 0.9, "loss": 1, "n": 3, "done": true, "a b": 1, "run": "x"}',
    )
    return tmp_path


def test_it_finds_what_is_there(project: Path) -> None:
    assert survey(str(project)) == Found(
        programs=["train.py", "scripts/evaluate.py"],
        runner="uv run",
        inputs=["data/"],
        params=["config.yaml", "configs/big.yaml"],
        outputs=["model:model.safetensors", "metrics:metrics.json", "report:plots/"],
        metrics=["val/acc", "loss", "n"],
        stopped=False,
    )


def test_what_it_writes_changes_nothing_but_the_names_of_tasks(project: Path) -> None:
    done = init(outside(project))
    assert done.path == f"{project}/xt.toml"
    settings = config.load(str(project)).settings
    assert settings == Settings(
        task={
            "train": TaskSettings(command="uv run python train.py"),
            "evaluate": TaskSettings(command="uv run python scripts/evaluate.py"),
        },
        metrics={"val/acc": MetricSettings(), "loss": MetricSettings(), "n": MetricSettings()},
    )


def test_every_suggestion_can_be_taken(project: Path) -> None:
    path = Path(init(outside(project)).path)
    path.write_text(with_all_suggestions(path.read_text()))
    settings = config.load(str(project)).settings
    assert settings.task["train"].inputs == ["data/"]
    assert settings.task["train"].outputs == [
        "model:model.safetensors",
        "metrics:metrics.json",
        "report:plots/",
    ]
    assert settings.task["train"].params == ["config.yaml", "configs/big.yaml"]
    assert settings.metrics["val/acc"].goal == "max"
    assert settings.metrics["loss"].goal == "min"
    assert settings.metrics["n"].goal == "none"
    assert settings.evidence.required
    assert settings.run.strict
    assert settings.cases.cohorts and settings.tickets.pattern and settings.recompute.code == "ast"


def test_an_empty_folder_gets_examples_that_are_all_comments(tmp_path: Path) -> None:
    put(tmp_path, ".git/")
    path = Path(init(outside(tmp_path)).path)
    assert config.load(str(tmp_path)).settings == Settings()
    path.write_text(with_all_suggestions(path.read_text()))
    taken = config.load(str(tmp_path)).settings
    assert taken.task["train"].command == "python train.py"
    assert taken.metrics["val/acc"].source == "metrics.json:/val/acc"


def test_it_is_written_at_the_root_of_the_project(project: Path) -> None:
    assert init(outside(project / "scripts")).path == f"{project}/xt.toml"
    assert not (project / "scripts/xt.toml").exists()


@pytest.mark.parametrize("there", ["file", "link", "dangling", "folder"])
def test_it_never_overwrites(project: Path, there: str) -> None:
    place = project / "xt.toml"
    other = project / "other.toml"
    if there == "file":
        place.write_text("# mine\n")
    elif there == "folder":
        place.mkdir()
    else:
        place.symlink_to(other)
    if there == "link":
        other.write_text("# mine\n")
    with pytest.raises(NotWrittenError, match=r"`xt\.toml` is there already"):
        init(outside(project))
    if there in ("file", "link"):
        assert place.read_text() == "# mine\n"
    assert other.exists() == (there == "link")


@pytest.mark.parametrize(
    "content", ["[tool.xt]\n", "[tool.xt.run]\nquiet = true\n", "tool.xt = {}\n", "[tool.xt\n"]
)
def test_it_does_not_hide_settings_in_pyproject(project: Path, content: str) -> None:
    put(project, "pyproject.toml", content=content)
    with pytest.raises(NotWrittenError, match=r"pyproject\.toml` has a `\[tool\.xt\]`"):
        init(outside(project))
    assert not (project / "xt.toml").exists()


@pytest.mark.parametrize("content", ["[project]\nname = 'x'\n", "# [tool.xt] one day\n", "[tool.xtra]\n"])
def test_another_pyproject_is_no_hindrance(project: Path, content: str) -> None:
    put(project, "pyproject.toml", content=content)
    assert Path(init(outside(project)).path).exists()


def test_of_many_at_once_one_writes(project: Path) -> None:
    results: list[str] = []
    barrier = threading.Barrier(8)

    def attempt() -> None:
        barrier.wait()
        try:
            init(outside(project))
            results.append("written")
        except NotWrittenError:
            results.append("refused")

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["refused"] * 7 + ["written"]
    assert config.load(str(project)).settings.task


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a file system that takes no files")
def test_a_folder_that_takes_no_file_is_said() -> None:
    with pytest.raises(NotWrittenError, match=r"`/proc/xt\.toml` cannot be written: "):
        init(Outside("/proc", {}))


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_of_others_is_said(project: Path) -> None:
    project.chmod(0o500)
    try:
        with pytest.raises(NotWrittenError, match="Permission denied"):
            init(outside(project))
    finally:
        project.chmod(0o700)


def test_nothing_is_executed_followed_or_waited_for(tmp_path: Path) -> None:
    put(tmp_path, "train.py", content=f"open({str(tmp_path / 'ran')!r}, 'w')\n{MAIN}")
    os.mkfifo(tmp_path / "evaluate.py")
    os.mkfifo(tmp_path / "metrics.json")
    (tmp_path / "data").symlink_to("/")
    (tmp_path / "export.py").symlink_to("/dev/zero")
    found = survey(str(tmp_path))
    assert found.programs == ["train.py"]
    assert found.inputs == []
    assert not (tmp_path / "ran").exists()


def test_names_that_mean_something_else_are_left_to_the_user(tmp_path: Path) -> None:
    put(
        tmp_path,
        'train".py',
        "train\n[x].py",
        "train$(id).py",
        "-train.py",
        "train*.py",
        "model:x.npz",
        content=MAIN,
    )
    (tmp_path / os.fsdecode(b"train\xff.py")).write_text(MAIN)
    assert survey(str(tmp_path)) == Found([], None, [], [], [], [], False)


def test_programs_of_one_name_are_different_tasks(tmp_path: Path) -> None:
    put(tmp_path, ".git/")
    put(tmp_path, "train.py", "src/train.py", "scripts/größe.py", content=MAIN)
    init(outside(tmp_path))
    tasks = config.load(str(tmp_path)).settings.task
    assert {name: task.command for name, task in tasks.items()} == {
        "train": "python train.py",
        "src-train": "python src/train.py",
        "größe": "python scripts/größe.py",
    }


def test_a_huge_folder_is_not_read_to_its_end(tmp_path: Path) -> None:
    for number in range(ENTRIES + 50):
        (tmp_path / f"f{number}").touch()
    assert survey(str(tmp_path)).stopped


@pytest.mark.parametrize("content", ["[1, 2]", "{", "[" * 10_000, '{"a": "b"}', ""])
def test_a_file_of_metrics_need_not_be_one(tmp_path: Path, content: str) -> None:
    put(tmp_path, "metrics.json", content=content)
    assert survey(str(tmp_path)).metrics == []


names = st.from_regex(r"\w[\w.+/-]{0,12}", fullmatch=True)


@given(
    st.builds(
        Found,
        programs=st.lists(names.map(lambda name: f"{name}.py"), max_size=4, unique=True),
        runner=st.sampled_from([None, "uv run"]),
        inputs=st.lists(names, max_size=3),
        params=st.lists(names.map(lambda name: f"{name}.yaml"), max_size=3),
        outputs=st.lists(names, max_size=3),
        metrics=st.lists(names, max_size=3, unique=True),
        stopped=st.booleans(),
    )
)
def test_it_is_valid_whatever_is_found(found: Found) -> None:
    for written in (text(found), with_all_suggestions(text(found))):
        settings = msgspec.convert(tomllib.loads(written), Settings)
        if found.programs:
            assert sorted(task.command or "" for task in settings.task.values()) == sorted(
                f"{found.runner} python {program}" if found.runner else f"python {program}"
                for program in found.programs
            )


@given(words, st.lists(words, max_size=3), st.integers(30, 120))
def test_the_report_is_harmless(path: str, found: list[str], width: int) -> None:
    assert_harmless(report(path, [("programs", found), ("metrics", [])], True, path, width, False), width)


def test_the_command_line(project: Path) -> None:
    def xt_init() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from xt.cli.main import main; main()", "init"],
            cwd=project / "scripts",
            env={"PATH": os.defpath, "HOME": str(project), "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
        )

    first = xt_init()
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("wrote ../xt.toml\n")
    assert "programs  train.py, scripts/evaluate.py" in first.stdout
    assert first.stdout.endswith('  xt run -m "why" -- uv run python train.py\n')
    second = xt_init()
    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr.startswith("xt: error: `../xt.toml` is there already")
