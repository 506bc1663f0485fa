"""`xt rerun` and what is the user's: whatever the record or the project says, nothing of it is written."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.rerun.conftest import Repeating
from xt import codec
from xt.model.result import Record
from xt.store.store import sealed

PYTHON = sys.executable
#: Where a workspace is, below `.xt`.
PLACE = ".xt/work/0/code/project"


def committed(repeated: Repeating, *ignored: str) -> None:
    """Commit all that is there."""
    if ignored:
        repeated.write(".gitignore", "".join(f"{name}\n" for name in ignored))
    repeated.git("add", "-A")
    repeated.git("commit", "-qm", "more")


def ran(repeated: Repeating, *words: str, **options) -> bytes:
    done = repeated.run(*words, **options)
    assert done.code == 0, done.err
    return done.out


def level(repeated: Repeating, run: str) -> dict:
    """Verify a run by one repeat; the verification."""
    done = repeated.xt("verify", run, "--repeat", "1", "--no-diagnose", "--json")
    return json.loads(done.out)["verifications"][0]


# --- settings in files ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["absolute", "beside", "link"])
def test_settings_in_files_of_the_user_are_not_changed(repeated, tmp_path, how):
    theirs = tmp_path / "x.yaml"
    theirs.write_text("lr: 0.1\n")
    name = {"absolute": str(theirs), "beside": "../x.yaml", "link": "conf.yaml"}[how]
    if how == "link":
        (repeated.path / "conf.yaml").symlink_to(theirs)
        committed(repeated)
    ran(repeated, "-p", name, "--", "cat", name)
    assert {item["name"] for item in repeated.record()["snapshot"]["params"]} == {"lr"}
    refused = repeated.rerun("--set", "lr=0.5", code=125)
    assert refused.out == b""
    assert "cannot be changed for the repeat" in refused.err
    assert theirs.read_text() == "lr: 0.1\n"
    repeated.clean()


# --- words ----------------------------------------------------------------------------------------


def test_a_path_through_a_link_to_the_project(repeated, tmp_path):
    (tmp_path / "alias").symlink_to(repeated.path)
    script = f"echo written > {tmp_path}/alias/train.py; pwd"
    repeated.run("--", "sh", "-c", script)
    repeated.git("checkout", "-q", "train.py")
    repeated.run("--", "sh", "-c", script)
    repeated.git("checkout", "-q", "train.py")
    before = repeated.everything()
    again = repeated.rerun()
    assert "paths of the project among the words" in again.err
    assert repeated.everything() == before
    assert (repeated.path / "train.py").read_text() == "print('training')\n"


def test_a_path_that_leaves_the_project_again(repeated, tmp_path):
    words = [
        f"{repeated.path}/../x",
        f"{repeated.path}/a/../../x",
        f"{repeated.path}/a/../x",
        f"--o={tmp_path}/x",
    ]
    ran(repeated, "--", "printf", "%s\n", *words)
    again = repeated.rerun()
    assert again.out.decode().splitlines() == [*words[:2], f"{repeated.path}/{PLACE}/a/../x", words[3]]


# --- outputs --------------------------------------------------------------------------------------


def test_an_output_beside_the_project(repeated, tmp_path):
    ran(repeated, "-o", "../up.txt", "--", "sh", "-c", "date +%N > ../up.txt")
    first = (tmp_path / "up.txt").read_bytes()
    repeated.rerun()
    (output,) = repeated.record()["result"]["outputs"]
    assert output["status"] == "stored"
    assert output["digest"] != repeated.record("@~1")["result"]["outputs"][0]["digest"]
    assert (tmp_path / "up.txt").read_bytes() == first
    found = level(repeated, "@")
    assert found["level"] == "divergent", found
    assert (tmp_path / "up.txt").read_bytes() == first


def test_an_output_that_the_repeat_did_not_write(repeated, tmp_path):
    """It was there already, as the run had left it: that says nothing of the repeat."""
    away = tmp_path / "away.txt"
    ran(repeated, "-o", str(away), "--", "sh", "-c", f"test -e {away} || echo once > {away}")
    again = repeated.rerun()
    assert f"written where it was, outside of the workspace: `{away}`" in again.err
    found = level(repeated, "@~1")
    (output,) = [item for item in found["lines"] if item["path"].startswith("outputs/")]
    assert output["level"] != "identical"
    assert found["level"] != "identical"


def test_an_output_in_a_folder_that_git_ignores(repeated):
    committed(repeated, "out")
    (repeated.path / "out").mkdir()
    ran(repeated, "-o", "out/a.txt", "--", "sh", "-c", "echo a > out/a.txt")
    before = repeated.everything()
    again = repeated.rerun()
    assert "repeats" in again.err
    assert repeated.record()["result"]["outputs"][0]["status"] == "stored"
    assert repeated.everything() == before


# --- inputs ---------------------------------------------------------------------------------------


def test_an_input_behind_a_tracked_link(repeated, tmp_path):
    (tmp_path / "ext").mkdir()
    theirs = tmp_path / "ext/a.txt"
    theirs.write_text("theirs\n")
    (repeated.path / "data").symlink_to(tmp_path / "ext")
    committed(repeated)
    script = "cat data/a.txt; test -d .xt || echo broken > data/a.txt; true"
    ran(repeated, "-i", "data/a.txt", "--", "sh", "-c", script)
    _guarded(repeated, theirs)


def test_a_small_input_elsewhere(repeated, tmp_path):
    theirs = tmp_path / "a.txt"
    theirs.write_text("theirs\n")
    script = f"cat {theirs}; test -d .xt || echo broken > {theirs}; true"
    ran(repeated, "-i", str(theirs), "--", "sh", "-c", script)
    _guarded(repeated, theirs)


def _guarded(repeated: Repeating, theirs: Path) -> None:
    again = repeated.rerun()
    assert again.out == b"theirs\n"
    if "not protected" in again.err:
        pytest.skip("nothing can be mounted here, which is said")
    assert "Read-only file system" in again.err
    assert theirs.read_text() == "theirs\n"
    repeated.clean()


# --- records that were tampered with --------------------------------------------------------------


@pytest.mark.parametrize("what", ["repository", "empty folder"])
def test_a_record_that_leads_out_through_a_link(repeated, tmp_path, what):
    (tmp_path / "ext").mkdir()
    (repeated.path / "link").symlink_to(tmp_path / "ext")
    inner = repeated.path / "inner"
    inner.mkdir()
    repeated.write("inner/a.py", "1\n")
    (repeated.path / "hollow").mkdir()
    repeated.sh("git -C inner init -q && git -C inner add -A && git -C inner commit -qm inner")
    repeated.git("add", "link")
    repeated.git("commit", "-qm", "link")
    ran(repeated, "--", "true")
    found = repeated.record()
    code = found["snapshot"]["code"]
    if what == "repository":
        (repository,) = code["repositories"]
        repository["path"] = "link/inner"
    else:
        code["empty_dirs"] = ["link/hollow"]
    record = codec.decode(json.dumps(found).encode(), Record, "the record")
    path = repeated.path / f".xt/runs/{record.id[:2]}/{record.id}.json"
    path.chmod(0o600)
    path.write_bytes(sealed(record)[0])
    refused = repeated.rerun(code=3)
    assert "the record names a folder that cannot be made" in refused.err
    assert os.listdir(tmp_path / "ext") == []
    repeated.clean()


# --- workspaces that resist -----------------------------------------------------------------------


def test_a_process_that_keeps_making_files(repeated, tmp_path):
    """It goes on in the workspace: the status is the command's, and the next repeat works."""
    stop = tmp_path / "stop"
    loop = f"i=0; while ! test -e {stop}; do i=$((i+1)); mkdir -p d$i 2>&-; : > d$i/$i 2>&-; done"
    repeated.write("job.sh", f"(setsid sh -c '{loop}' <&- >/dev/null 2>&1 &) ; sleep 0.2; exit 7\n")
    stop.touch()
    assert repeated.run("--", "sh", "job.sh").code == 7
    stop.unlink()
    try:
        again = repeated.rerun(code=7)
        assert again.err.count("could not be removed") <= 1
    finally:
        stop.touch()
    assert repeated.rerun(code=7).err.count("warning: the workspace") == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files immutable")
def test_a_file_that_cannot_be_removed(repeated):
    repeated.run("--", "sh", "-c", "test -d .xt || { touch stuck && chattr +i stuck; }; exit 7")
    stuck = repeated.path / PLACE / "stuck"
    again = repeated.rerun(code=7)
    try:
        if "chattr" in again.err:
            pytest.skip("this file system has no immutable files")
        assert again.err.count("xt: warning: the workspace could not be removed: ") == 1
        assert stuck.exists()
        next_one = repeated.rerun("@~1", code=7)
        assert next_one.err.count("xt: warning: the workspace could not be removed: ") == 1
    finally:
        repeated.sh("chattr -R -f -i .xt/work || true")
    repeated.run("-q", "--", "true")
    repeated.rerun()
    assert not stuck.exists()


# --- surroundings ---------------------------------------------------------------------------------


def test_a_home_folder_that_is_the_project(repeated):
    ran(repeated, "--", "sh", "-c", "echo $HOME", env={"HOME": str(repeated.path)})
    again = repeated.rerun(env={"HOME": str(repeated.path)})
    assert again.out.decode().strip() == str(repeated.path)
    assert "HOME" not in again.err


def test_an_editable_package_in_a_folder_of_its_own(repeated):
    """`package-dir = lib`: the environment names `lib`, and the repeat imports from the workspace's."""
    repeated.write("lib/thing.py", "VALUE = 'then'\n")
    repeated.write("show.py", "import thing; print(thing.VALUE, thing.__file__)\n")
    committed(repeated, ".venv")
    repeated.sh(f"{PYTHON} -m venv --without-pip .venv")
    (site,) = (repeated.path / ".venv/lib").glob("python*/site-packages")
    (site / "thing.pth").write_text(f"{repeated.path}/lib\n")
    (site / "thing-1.0.dist-info").mkdir()
    (site / "thing-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
    (site / "thing-1.0.dist-info/direct_url.json").write_text(
        json.dumps({"url": f"file://{repeated.path}", "dir_info": {"editable": True}})
    )
    ran(repeated, "--", ".venv/bin/python", "show.py")
    repeated.write("lib/thing.py", "VALUE = 'now'\n")
    value, file = repeated.rerun().out.decode().split()
    assert (value, file) == ("then", f"{repeated.path}/{PLACE}/lib/thing.py")
