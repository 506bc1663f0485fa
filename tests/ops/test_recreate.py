"""`--env recreate`: real uv, real wheels in a folder, records made by the real `xt run`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from msgspec.structs import replace

from tests import builders
from tests.conftest import SOURCE, Project
from tests.ops.wheels import install, uv, venv, wheel
from xt import fsio
from xt.errors import UnsupportedError, UnverifiableError
from xt.execute.uv import call
from xt.model.environment import Package
from xt.model.snapshot import Snapshot
from xt.model.text import from_text
from xt.ops.drift import drift
from xt.ops.recreate.build import MARKER, Recreated, build
from xt.ops.recreate.enter import enter
from xt.ops.recreate.plan import Plan, plan


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """The only place packages can come from."""
    folder = tmp_path / "wheels"
    for version in ("1.0", "2.0"):
        wheel(folder, "num-like", version)
    # What it says it needs was not there when it ran, and is not to be added.
    wheel(folder, "greet", "0.3", script=True, needs="num-like>=2")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    return folder


class World(NamedTuple):
    """A project with an environment beside it, outside of git."""

    project: Project
    env: Path
    cache: Path

    def record(self, *command: str, **options) -> Snapshot:
        """Run a command under xt with the environment active; give back the causes it recorded."""
        variables = {"PATH": f"{self.env}/bin:{os.environ['PATH']}", "VIRTUAL_ENV": str(self.env)}
        variables |= {"PYTHONPATH": ""}
        words = [
            sys.executable,
            "-c",
            f"import sys; sys.path[:0] = [{SOURCE!r}]; from xt.cli.main import main; main()",
        ]
        done = subprocess.run(
            [*words, "run", "-q", "--", *command],
            cwd=self.project.path,
            env={**os.environ, **variables, **options.get("env", {})},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
        assert done.returncode == options.get("code", 0), done.stderr
        return msgspec.convert(self.project.record()["snapshot"], Snapshot)

    def build(self, planned: Plan, said: list[str] | None = None, **environ: str) -> Recreated:
        lines = [] if said is None else said
        return build(
            planned, str(self.cache), str(self.project.path), {**os.environ, **environ}, lines.append
        )


@pytest.fixture
def world(project, wheels, tmp_path):
    project.write(".gitignore", "/.venv\n")
    env = venv(project.path / ".venv", "num-like==1.0", "greet")
    return World(project, env, tmp_path / "environments")


def packages(made: Recreated) -> dict[str, str]:
    listed = subprocess.run(
        [uv(), "pip", "list", "--python", made.python, "--format", "freeze"],
        capture_output=True,
        check=True,
        text=True,
    )
    return dict(line.split("==") for line in listed.stdout.split())


def ran(made: Recreated, recorded: Snapshot, world: World, *argv: str) -> tuple[str, list[str]]:
    """Run a command in the environment, with the recorded one active as in the record."""
    environ = {**os.environ, "PATH": f"{world.env}/bin:/usr/bin:/bin", "VIRTUAL_ENV": str(world.env)}
    environ["PATH"] += ":" + os.path.dirname(uv())
    where = str(world.project.path)
    entered = enter(made, recorded, list(argv), environ, where, where)
    done = subprocess.run(entered.argv, env=entered.environ, cwd=where, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), entered.said


TELL = "import num_like; print(num_like.VERSION, num_like.__file__)"


def test_the_recorded_version_is_back_after_another_was_installed(world):
    recorded = world.record("python", "-c", TELL)
    install(world.env, "num-like==2.0")
    made = world.build(plan(recorded, str(world.project.path)))
    assert made.built and not made.remarks
    assert packages(made) == {"greet": "0.3", "num-like": "1.0"}
    out, said = ran(made, recorded, world, "python", "-c", TELL)
    version, file = out.split()
    assert version == "1.0" and file.startswith(made.folder)
    assert any("PATH begins with" in line and str(world.env / "bin") in line for line in said)


def test_in_the_recreated_environment_there_is_no_drift(world):
    recorded = world.record("python", "-c", TELL)
    install(world.env, "num-like==2.0")
    changed = world.record("python", "-c", TELL)
    assert drift(recorded, changed) == ["num-like 1.0 → 2.0"]
    made = world.build(plan(recorded, str(world.project.path)))
    where = str(world.project.path)
    entered = enter(made, recorded, ["python", "-c", TELL], {**os.environ, "PYTHONPATH": ""}, where, where)
    again = world.record(*entered.argv, env=entered.environ)
    assert from_text(again.environment.python.executable) == made.python
    assert drift(recorded, again) == []
    assert again.environment.fingerprint == recorded.environment.fingerprint


def test_a_second_time_nothing_is_installed(world):
    recorded = world.record("python", "-c", TELL)
    planned = plan(recorded, str(world.project.path))
    made = world.build(planned)
    said: list[str] = []
    # Without uv and without wheels it can only be found.
    again = world.build(planned, said, PATH="/nowhere", UV_FIND_LINKS="/nowhere")
    assert not again.built and said == []
    assert again.folder == made.folder


def test_what_somebody_changed_is_built_again(world):
    planned = plan(world.record("python", "-c", TELL), str(world.project.path))
    made = world.build(planned)
    install(Path(made.folder), "num-like==2.0")
    again = world.build(planned)
    assert again.built and packages(again)["num-like"] == "1.0"


def test_an_interrupted_build_is_not_taken_for_whole(world, tmp_path):
    planned = plan(world.record("python", "-c", TELL), str(world.project.path))
    folder = world.cache / planned.key
    # A uv that makes the environment and then hangs: it is killed, as by a power failure.
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "uv").write_text(
        f'#!/bin/sh\n[ "$1" = venv ] && exec {uv()} "$@"\n: > "$0.here"\nexec sleep 60\n'
    )
    (slow / "uv").chmod(0o755)
    program = """
import os, sys, msgspec
from xt.model.snapshot import Snapshot
from xt.ops.recreate.build import build
from xt.ops.recreate.plan import plan
snapshot = msgspec.json.decode(open(sys.argv[1], "rb").read(), type=Snapshot)
build(plan(snapshot, sys.argv[2]), sys.argv[3], sys.argv[2], dict(os.environ), lambda line: None)
"""
    snap = tmp_path / "snap.json"
    snap.write_bytes(msgspec.json.encode(world.record("python", "-c", TELL)))
    words = [sys.executable, "-c", program, snap, world.project.path, world.cache]
    environ = {**os.environ, "PYTHONPATH": SOURCE, "PATH": f"{slow}:{os.environ['PATH']}"}
    process = subprocess.Popen(words, env=environ, start_new_session=True)
    waited(lambda: (slow / "uv.here").exists())
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert (folder / "bin" / "python").exists() and not (folder / MARKER).exists()
    made = world.build(planned)
    assert made.built and packages(made) == {"greet": "0.3", "num-like": "1.0"}


def test_while_uv_of_a_killed_xt_still_works_nobody_else_builds(world, tmp_path):
    """The lock goes with uv: two in one folder would make a mixture."""
    path = str(tmp_path / "lock")
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    assert fsio.try_lock(fd)
    (tmp_path / "uv").write_text("#!/bin/sh\nsleep 60 2>/dev/null & echo $! > pid\n")
    (tmp_path / "uv").chmod(0o755)
    call([str(tmp_path / "uv")], str(tmp_path), os.environ, lambda line: None, "/nowhere", fd)
    os.close(fd)
    other = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        assert not fsio.try_lock(other)
    finally:
        os.close(other)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_ctrl_c_leaves_nothing(world, tmp_path):
    planned = plan(world.record("python", "-c", TELL), str(world.project.path))

    def interrupt(line: str) -> None:
        if line.startswith("Installed"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(planned, str(world.cache), str(world.project.path), os.environ, interrupt)
    assert not (world.cache / planned.key).exists()


def test_two_at_once_build_it_once(world):
    planned = plan(world.record("python", "-c", TELL), str(world.project.path))
    made: list[Recreated] = []
    said: list[list[str]] = [[], []]
    threads = [
        threading.Thread(target=lambda at=at: made.append(world.build(planned, said[at]))) for at in (0, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(item.built for item in made) == [False, True]


def test_a_package_that_is_not_to_be_had_is_named(world, wheels):
    planned = plan(world.record("python", "-c", TELL), str(world.project.path))
    (wheels / "num_like-1.0-py3-none-any.whl").unlink()
    shutil.rmtree(os.path.join(os.environ["HOME"], ".cache"), ignore_errors=True)
    with pytest.raises(UnverifiableError, match=r"num-like==1\.0") as raised:
        world.build(planned)
    assert raised.value.exit_status == 3
    assert "\n" not in raised.value.message
    assert not (world.cache / planned.key).exists()


def test_an_interpreter_that_is_not_to_be_had_is_named(world):
    recorded = world.record("python", "-c", TELL)
    python = replace(recorded.environment.python, version="3.2.1", base_prefix="/nowhere")
    other = replace(recorded, environment=replace(recorded.environment, python=python))
    with pytest.raises(UnverifiableError, match=r"Python 3\.2\.1 is not to be had: .*3\.2\.1"):
        world.build(plan(other, str(world.project.path)))


def test_without_uv_it_says_what_to_install(world, monkeypatch, tmp_path):
    planned = plan(world.record("python", "-c", TELL), str(world.project.path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    with pytest.raises(UnsupportedError) as raised:
        world.build(planned, PATH="/nowhere")
    assert "pip install uv" in raised.value.hint


def test_an_editable_package_of_the_project_keeps_name_version_and_command(world):
    world.project.write("lib/src/mine/__init__.py", "def main():\n    print('mine', __file__)\n")
    world.project.write(
        "lib/pyproject.toml", '[project]\nname = "mine"\n[project.scripts]\nmy-tool = "mine:main"\n'
    )
    site = next((world.env / "lib").glob("python*/site-packages"))
    info = site / "mine-4.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: mine\nVersion: 4.2\n")
    folder = world.project.path / "lib"
    (info / "direct_url.json").write_text(f'{{"url": "file://{folder}", "dir_info": {{"editable": true}}}}')
    (site / "mine.pth").write_text(f"{folder}/src\n")
    tell = "import mine, importlib.metadata as m; mine.main(); print(m.version('mine'))"
    recorded = world.record("python", "-c", tell)
    made = world.build(plan(recorded, str(world.project.path)))
    assert made.paths == ["lib/src"]
    out, said = ran(made, recorded, world, "python", "-c", tell)
    assert out.split() == ["mine", f"{folder}/src/mine/__init__.py", "4.2"]
    assert any(line.startswith("PYTHONPATH begins with lib/src") for line in said)
    assert ran(made, recorded, world, "my-tool")[0].startswith("mine ")
    # Recorded again in there, it is the same package, of the project.
    entered = enter(made, recorded, ["python"], {"PATH": "/bin"}, str(folder.parent), str(folder.parent))
    world.record("python", "-c", tell, env=entered.environ)
    again = world.project.record()["snapshot"]
    assert {"name": "mine", "version": "4.2", "editable": "./lib"} in again["environment"]["python"][
        "packages"
    ]
    assert not [problem for problem in again["problems"] if "editable" in problem["what"]]


def with_packages(*packages: Package) -> Snapshot:
    whole = builders.snapshot()
    python = replace(whole.environment.python, packages=list(packages))
    return replace(whole, environment=replace(whole.environment, python=python, locks=[]))


def test_where_a_package_came_from_is_where_it_is_sought(tmp_path):
    url = "https://github.com/you/tools"
    planned = plan(
        with_packages(
            Package("tools", "1.0", url=url, revision="c" * 40),
            Package("other", "1.0", url="ssh://git@example.org/x.git", revision="d" * 40),
            Package("torch", "2.10.0+cu128"),
            Package("wheel-of", "3", url="https://example.org/wheel_of-3-py3-none-any.whl"),
        ),
        str(tmp_path),
    )
    assert planned.requirements == [
        f"tools @ git+{url}@{'c' * 40}",
        f"other @ git+ssh://git@example.org/x.git@{'d' * 40}",
        "torch==2.10.0+cu128",
        "wheel-of @ https://example.org/wheel_of-3-py3-none-any.whl",
    ]


BACKEND = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from tests.ops.wheels import wheel
def build_wheel(folder, config_settings=None, metadata_directory=None):
    return wheel(Path(folder), "from-git", Path("version").read_text().strip()).name
"""


def test_a_package_of_a_repository_is_built_from_the_recorded_commit(world, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[project]\nname = "from-git"\ndynamic = ["version"]\n'
        '[build-system]\nrequires = []\nbuild-backend = "back"\nbackend-path = ["."]\n'
    )
    (source / "back.py").write_text(BACKEND.format(tests=str(Path(__file__).parents[2])))
    (source / "version").write_text("1.1")
    script = (
        "git init -q; git add -A; git commit -qm 1; git rev-parse HEAD; echo 2.2 > version; git commit -qam 2"
    )
    done = subprocess.run(["sh", "-ec", script], cwd=source, check=True, capture_output=True, text=True)
    commit = done.stdout.strip()
    install(world.env, f"from-git @ git+file://{source}@{commit}")
    recorded = world.record("python", "-c", "import from_git")
    assert (
        Package("from-git", "1.1", None, f"file://{source}", commit) in recorded.environment.python.packages
    )
    planned = plan(recorded, str(world.project.path))
    assert packages(world.build(planned))["from-git"].startswith("1.1")
    shutil.rmtree(source)
    with pytest.raises(UnverifiableError, match=r"`from-git` was installed from the repository"):
        plan(recorded, str(world.project.path))


def test_what_is_lost_is_named(tmp_path):
    with pytest.raises(UnverifiableError) as raised:
        plan(
            with_packages(
                Package("fine", "1.0"),
                Package("afar", "1.0", editable="/elsewhere/afar"),
                Package("gone", "1.0", url="file:///elsewhere/gone-1.0.whl"),
                Package("twice", "1.0"),
                Package("twice", "2.0"),
            ),
            str(tmp_path),
        )
    for word in ("`afar`", "/elsewhere/afar", "`gone`", "/elsewhere/gone-1.0.whl", "`twice`"):
        assert word in raised.value.message
    assert "fine" not in raised.value.message


def test_conda_is_not_guessed_at(tmp_path):
    with pytest.raises(UnverifiableError, match=r"conda.*`mkl 2024=h1`"):
        plan(with_packages(Package("conda:mkl", "2024=h1"), Package("numpy", "2.0")), str(tmp_path))


def test_the_key_is_that_of_what_determines_it(tmp_path):
    one = plan(with_packages(Package("a", "1.0")), str(tmp_path))
    assert plan(with_packages(Package("a", "1.0")), str(tmp_path / "elsewhere")).key == one.key
    for other in (Package("a", "1.1"), Package("b", "1.0"), Package("a", "1.0", url="https://e.org/a.whl")):
        assert plan(with_packages(other), str(tmp_path)).key != one.key


def test_a_wheel_of_the_project_is_taken_from_the_recorded_code(world):
    inside = wheel(world.project.path / "vendor", "vend", "7.0")
    install(world.env, str(inside))
    recorded = world.record("python", "-c", "import vend")
    copy = world.project.path.parent / "copy"
    shutil.copytree(world.project.path, copy, ignore=shutil.ignore_patterns(".venv", ".xt", ".git"))
    planned = plan(recorded, str(copy))
    assert f"vend @ file://{copy}/vendor/vend-7.0-py3-none-any.whl" in planned.requirements
    assert planned.key == plan(recorded, str(world.project.path)).key
    assert packages(world.build(planned))["vend"] == "7.0"


def test_uv_run_uses_it_and_leaves_it_alone(world):
    world.project.write(
        "pyproject.toml",
        '[project]\nname = "p"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = ["num-like"]\n',
    )
    recorded = world.record(uv(), "run", "--no-sync", "python", "-c", TELL)
    assert recorded.environment.python.found_by.startswith("uv run")
    install(world.env, "num-like==2.0")
    made = world.build(plan(recorded, str(world.project.path)))
    out, said = ran(made, recorded, world, uv(), "run", "python", "-c", TELL)
    assert out.split()[0] == "1.0" and made.folder in out
    assert any("`uv run`" in line for line in said)
    assert not world.build(plan(recorded, str(world.project.path))).built


@pytest.mark.parametrize("spelled", [".venv/bin/{}", "./.venv/../.venv/bin/{}", "{root}/.venv/bin/{}"])
def test_commands_named_by_path_are_those_of_the_new_environment(world, spelled):
    root = world.project.path
    for name, rest, told in (("python", ["-c", TELL], "1.0"), ("greet", [], "greet 0.3")):
        word = spelled.format(name, root=root)
        recorded = world.record(word, *rest)
        made = world.build(plan(recorded, str(root)))
        out, said = ran(made, recorded, world, word, *rest)
        assert told in out
        assert any(f"`{word}` is `{made.bin}/{name}`" in line for line in said)


def test_behind_a_wrapper_and_mapped_to_a_workspace(world, tmp_path):
    recorded = world.record("nice", ".venv/bin/python", "-c", TELL)
    made = world.build(plan(recorded, str(world.project.path)))
    workspace = str(tmp_path / "workspace")
    argv = ["nice", f"{workspace}/.venv/bin/python", "-c", TELL]
    entered = enter(made, recorded, argv, {"PATH": "/bin"}, workspace, workspace)
    assert entered.argv == ["nice", f"{made.bin}/python", "-c", TELL]


def test_a_script_whose_first_line_names_the_old_interpreter(world):
    script = world.project.write("go.py", f"#!{world.env}/bin/python -u\n{TELL}\n")
    script.chmod(0o755)
    recorded = world.record("./go.py")
    install(world.env, "num-like==2.0")
    made = world.build(plan(recorded, str(world.project.path)))
    out, said = ran(made, recorded, world, "./go.py")
    assert out.split()[0] == "1.0"
    assert any("`./go.py` is started with" in line for line in said)


def test_conda_and_pythonhome_are_not_set(world):
    recorded = world.record("python", "-c", TELL)
    made = world.build(plan(recorded, str(world.project.path)))
    where = str(world.project.path)
    environ = {"PATH": "/bin", "CONDA_PREFIX": "/c", "PYTHONHOME": "/h", "OTHER": "1"}
    entered = enter(made, recorded, ["python"], environ, where, where)
    assert set(entered.environ) == {"PATH", "OTHER", "VIRTUAL_ENV"}
    assert "not set: CONDA_PREFIX, PYTHONHOME" in entered.said


def without_packages(world: World, *names: str) -> Snapshot:
    """A record that has lock files and does not know what was installed, as before the first `uv run`."""
    for name, text in {"pyproject.toml": PYPROJECT, **LOCKS}.items():
        if name in names:
            world.project.write(name, text)
    recorded = world.record("true")
    assert recorded.environment.python is None
    return recorded


PYPROJECT = (
    '[project]\nname = "my-proj"\nversion = "5"\nrequires-python = ">=3.11"\ndependencies = ["num-like"]\n'
    "[tool.uv]\nno-index = true\n"
)
LOCKS = {"requirements.txt": "num-like==1.0\n", "requirements-dev.txt": "greet\n"}


def test_requirements_where_no_package_is_recorded(world):
    planned = plan(without_packages(world, *LOCKS), str(world.project.path))
    assert planned.lock.path == "requirements.txt"
    made = world.build(planned)
    assert packages(made) == {"num-like": "1.0"}
    assert any("`requirements.txt`" in line for line in made.remarks)


def test_a_lock_of_uv_where_no_package_is_recorded(world):
    world.project.write("pyproject.toml", PYPROJECT.replace('"num-like"', '"num-like==1.0"'))
    subprocess.run([uv(), "lock", "-q", "--python", sys.executable], cwd=world.project.path, check=True)
    world.project.write("my_proj.py", "")
    recorded = without_packages(world, "requirements.txt")
    planned = plan(recorded, str(world.project.path))
    assert planned.lock.path == "uv.lock"
    made = world.build(planned)
    assert packages(made) == {"num-like": "1.0", "my-proj": "5"}
    assert made.paths == ["."]
    assert not world.build(planned).built


def test_a_lock_that_is_not_as_recorded(world):
    recorded = without_packages(world, "requirements.txt")
    world.project.write("requirements.txt", "num-like==2.0\n")
    with pytest.raises(UnverifiableError, match=r"`requirements\.txt` is not as it was"):
        plan(recorded, str(world.project.path))


def test_neither_packages_nor_a_lock(world):
    with pytest.raises(UnverifiableError, match="`true`"):
        plan(world.record("true"), str(world.project.path))


def waited(ready, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)
