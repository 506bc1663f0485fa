"""`xt push`, `xt pull`, `xt remote status`, as users and CI call them, with git and processes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from xt.store import Store

PROGRAM = """\
import json
json.dump({"acc": 0.9}, open("metrics.json", "w"))
open("model.bin", "w").write("m" * 9000)
print("trained")
"""
TOML = """\
[task.train]
command = "python3 train.py"
outputs = ["metrics:metrics.json", "model:model.bin"]
[evidence]
required = ["outputs.model"]
"""


@pytest.fixture
def team(project, at_once, tmp_path, monkeypatch):
    """A project with a pinned run of changed code, and an empty folder that is its remote."""
    (tmp_path / "remote").mkdir()
    monkeypatch.setenv("XT_REMOTE", str(tmp_path / "remote"))
    monkeypatch.setenv("COLUMNS", "300")
    project = at_once(project.path)
    project.write("train.py", PROGRAM)
    project.write("xt.toml", TOML)
    project.write(".gitignore", "metrics.json\nmodel.bin\n")
    project.sh("git add -A && git commit -qm program")
    project.write("train.py", PROGRAM + "# dirty\n")
    project.write("notes.md", "untracked\n")
    assert project.run("-q", "--", "python3", "train.py").code == 0
    assert project.xt("baseline", "set", "@", "-m", "first").code == 0
    project.remote = tmp_path / "remote"
    return project


def clone(project, tmp_path, name="clone"):
    path = tmp_path / name
    subprocess.run(["git", "clone", "-q", str(project.path), str(path)], check=True)
    return type(project)(path)


def newest(project):
    return max((project.path / ".xt" / "runs").rglob("*.json"), key=os.path.getmtime).stem


def test_ci_compares_a_fresh_checkout_with_the_baseline(team, tmp_path):
    pushed = team.xt("push", "baseline", "--code", "--outputs")
    assert (pushed.code, pushed.err) == (0, "")
    fresh = clone(team, tmp_path)
    pulled = fresh.xt("pull", "baseline")
    assert (pulled.code, pulled.err) == (0, "")
    assert b"1 pulled" in pulled.out
    assert fresh.run("-q", "--", "python3", "train.py").code == 0
    found = json.loads(fresh.xt("diff", "--json").out)
    code = next(child for child in found["causes"]["children"] if child["path"] == "code")
    assert {child["path"] for child in code["children"]} == {"code/train.py", "code/notes.md"}
    assert any("# dirty" in line for child in code["children"] for line in child["text"])
    outputs = next(child for child in found["effects"]["children"] if child["path"] == "outputs")
    assert outputs["relation"] == "same"
    shown = fresh.xt("show", "baseline", "--code", "notes.md")
    assert (shown.code, shown.out) == (0, b"untracked\n")


def test_what_was_not_brought_is_said_and_can_be_brought(team, tmp_path):
    team.xt("push", "--code", "--outputs")
    other = clone(team, tmp_path)
    other.xt("pull")
    run = newest(team)[:8]
    done = other.xt("restore", "@", "model.bin")
    assert done.code == 1
    assert f"xt pull {run} --outputs" in done.out.decode()
    audit = other.xt("audit", "@")
    assert audit.code == 1
    assert f"xt pull {run} --outputs" in " ".join(audit.out.decode().split())
    shown = other.xt("show", "@", "--code", "notes.md")
    assert shown.code == 1
    assert f"xt pull {run} --code" in shown.err
    brought = other.xt("pull", "@", "--outputs", "--code")
    assert (brought.code, brought.err) == (0, "")
    assert b"1 completed" in brought.out
    assert other.xt("restore", "@", "model.bin").code == 0
    assert (other.path / "model.bin").read_text() == "m" * 9000
    assert other.xt("audit", "@").code == 0
    assert other.xt("show", "@", "--code", "notes.md").out == b"untracked\n"


def test_code_that_others_build_on_is_sent_once(team):
    team.xt("push", "--code")
    before = {path: path.stat().st_size for path in (team.remote / "packs").rglob("*.pack")}
    team.write("big.py", "".join(f"x{n} = {n * 7919 % 104729}\n" for n in range(3000)))
    team.run("-q", "--", "python3", "train.py")
    team.xt("push", "--code")
    team.write("train.py", PROGRAM + "# again\n")
    team.run("-q", "--", "python3", "train.py")
    assert team.xt("push", "--code").code == 0
    sizes = sorted(path.stat().st_size for path in (team.remote / "packs").rglob("*.pack"))
    assert len(before) == 1
    assert len(sizes) == 3
    assert sizes[-1] > 4 * sizes[-2]
    # Whoever has nothing at all gets the last one whole.
    alone = type(team)(team.path.parent / "alone")
    alone.path.mkdir()
    assert alone.xt("pull", "@", "--code").code == 0
    assert alone.xt("show", "@", "--code", "big.py").out.count(b"\n") == 3000
    assert "error" not in alone.sh("git -C .xt/code.git fsck --strict 2>&1 || true")


def test_a_pack_that_is_none_never_gets_into_the_repository(team, tmp_path):
    team.xt("push", "--code")
    (index,) = (team.remote / "code").rglob("*.json")
    bad = b"PACK" + bytes(100)
    from xt import codec

    digest = codec.digest(bad)
    pack = team.remote / "packs" / digest[7:9] / f"{digest[7:]}.pack"
    pack.parent.mkdir(exist_ok=True)
    pack.write_bytes(bad)
    found = json.loads(index.read_text())
    found["packs"] = [{"digest": digest, "size": len(bad), "name": "0" * 40}]
    index.chmod(0o600)
    index.write_text(json.dumps(found))
    alone = type(team)(tmp_path / "alone")
    alone.path.mkdir()
    done = alone.xt("pull", "--code")
    assert done.code == 4
    assert b"not to be had: `code: " in done.out
    assert not list(alone.path.glob(".xt/code.git/objects/pack/*"))
    assert os.listdir(alone.path / ".xt" / "tmp") == []
    # The record and the rest are here: the code alone is not.
    assert alone.xt("show", "@").code == 0


def test_a_tree_that_would_harm_is_refused(team, tmp_path):
    """A folder `.git` in a tree, in a pack that is whole: git's own checks find it."""
    from xt import codec

    team.xt("push", "--code")
    (index,) = (team.remote / "code").rglob("*.json")
    team.sh(
        "hook=$(echo evil | git hash-object -w --stdin)\n"
        'inner=$(printf "100755 blob $hook\\tconfig\\n" | git mktree)\n'
        'tree=$(printf "040000 tree $inner\\t.git\\n" | git mktree)\n'
        "echo $tree >tree; echo $tree | git pack-objects -q --revs evil >name"
    )
    tree, name = (team.path / word for word in ("tree", "name"))
    data = (team.path / f"evil-{name.read_text().strip()}.pack").read_bytes()
    digest = codec.digest(data)
    pack = team.remote / "packs" / digest[7:9] / f"{digest[7:]}.pack"
    pack.parent.mkdir(exist_ok=True)
    pack.write_bytes(data)
    found = json.loads(index.read_text())
    found["packs"].append({"digest": digest, "size": len(data), "name": name.read_text().strip()})
    index.chmod(0o600)
    index.write_text(json.dumps(found))
    alone = type(team)(tmp_path / "alone")
    alone.path.mkdir()
    done = alone.xt("pull", "--code")
    assert done.code == 4
    assert b".git" in done.out
    assert not list(alone.path.glob(".xt/code.git/objects/pack/*"))
    assert tree.exists()


def test_secrets_in_code_are_kept_back_with_their_place(team):
    team.write("settings.py", f"x = 1\ntoken = 'ghp_{'a1B2' * 9}'\n")
    team.run("-q", "--", "python3", "train.py")
    done = team.xt("push", "@", "--code")
    assert done.code == 5
    assert b"code: settings.py:2" in done.out
    assert b"--allow-secrets" in done.out
    assert not (team.remote / "runs").exists()
    assert team.xt("push", "@", "--code", "--allow-secrets").code == 0


def test_many_push_at_once(team):
    team.run("-q", "--", "python3", "train.py")
    words = [team.command("push", "--code", "--outputs", "--json") for _ in range(3)]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    running = [
        subprocess.Popen(word, cwd=team.path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for word in words
    ]
    for process in running:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, b"")
        assert {one["state"] for one in json.loads(out)["runs"]} <= {"copied", "present", "completed"}
    assert len(list((team.remote / "runs").rglob("*.json"))) == 2
    assert not list(team.remote.rglob("*.tmp"))


def test_the_status_counts_what_each_side_lacks(team, tmp_path):
    team.xt("push")
    other = clone(team, tmp_path)
    other.xt("pull")
    other.run("-q", "--", "python3", "train.py")
    other.xt("push", "@")
    team.run("-q", "--", "true")
    found = json.loads(team.xt("remote", "status", "--check", "--json").out)
    assert found["runs"] == 1
    assert found["here"]["runs"] == [newest(team)]
    assert found["there"]["runs"] == [newest(other)]
    assert found["wrong"] == []
    record = next((team.remote / "runs").rglob(f"{newest(other)}.json"))
    record.chmod(0o600)
    record.write_bytes(record.read_bytes().replace(b'"ok"', b'"no"'))
    done = team.xt("remote", "status", "--check", env={"COLUMNS": "40"})
    assert done.code == 4
    assert b"wrong: " in done.out
    assert all(len(line) <= 40 for line in done.out.decode().splitlines())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("push", "-r", "/nowhere/at/all"), 4, "cannot be used: No such file"),
        (("push", "nobody"), 1, "no run has the id, name or tag"),
        (("push", "tag:("), 2, "a value is missing"),
        (("pull", "kkkk"), 4, "there is no store"),
        (("push", "-r", "ext::sh"), 2, "is no remote"),
        (("remote", "status", "--yes"), 2, "belongs to"),
        (("push", "-r", "./.xt"), 2, "is this project's own store"),
        (("remote", "add", "x", "/caf\udce9"), 2, "is named in UTF-8"),
    ],
)
def test_what_cannot_be_is_one_line(folder, at_once, tmp_path, monkeypatch, words, code, said):
    (tmp_path / "remote").mkdir()
    monkeypatch.setenv("XT_REMOTE", str(tmp_path / "remote"))
    Store.create(f"{folder.path}/.xt")
    done = at_once(folder.path).xt(*words)
    assert (done.code, done.out) == (code, b"")
    assert said in done.err
    assert "Traceback" not in done.err


def test_without_a_remote_or_a_store_it_is_said(folder):
    assert "no runs yet" in folder.xt("push").err
    done = folder.xt("pull")
    assert done.code == 2
    assert "no remote is defined" in done.err
    assert not (folder.path / ".xt").exists()
