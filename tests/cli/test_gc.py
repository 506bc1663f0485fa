"""`xt gc` and `xt du` as a user meets them, on real runs of a real repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import SOURCE
from tests.upkeep.stores import OLD, run_id

SAY = ["sh", "-c", "cat train.py > out.txt"]


def age(project):
    for folder, folders, names in os.walk(project.path / ".xt"):
        for base in (*folders, *names):
            os.utime(f"{folder}/{base}", (OLD, OLD), follow_symlinks=False)


def kept(project):
    """Commits that are protected."""
    return set(project.sh("git for-each-ref --format='%(refname:lstrip=3)' refs/xt/keep").split())


def loose(project):
    return set((project.path / ".xt" / "code.git" / "objects").glob("??/*"))


def gc(project, *words):
    done = project.xt("gc", *words, "--json")
    assert done.err == ""
    return json.loads(done.out)


def test_code_and_references_of_dropped_runs_go(project):
    """Changed code of two runs on two commits; one is dropped, and the other can be restored whole."""
    project.write(".gitignore", "out.txt\n")
    project.write("lib/deep/other.py", "x = 1\n")
    project.sh("git add -A && git commit -qm second")
    commits = project.sh("git rev-parse HEAD").split()
    project.write("train.py", "print('first')\n")
    assert project.run("-q", "-o", "out.txt", "--", *SAY).code == 0
    project.sh("git commit -qam third")
    commits += project.sh("git rev-parse HEAD").split()
    project.write("train.py", "print('second')\n")
    project.write("lib/deep/new.py", "y = 1\n")
    assert project.run("-q", "-o", "out.txt", "--", *SAY).code == 0
    first, second = project.record("@~1")["id"], project.record("@")["id"]
    assert kept(project) == set(commits)
    before = loose(project)
    assert project.xt("rm", first).code == 0
    aside = project.path / ".xt" / "quarantine" / "runs" / "torn.json"
    aside.parent.mkdir(parents=True)
    record = project.path / ".xt" / "runs" / first[:2] / f"{first}.json"
    aside.write_bytes(record.read_bytes()[:-50])
    # All is too new: only the run goes.
    assert [run["run"] for run in gc(project)["dropped"]] == [first]
    assert loose(project) == before
    age(project)
    for commit in commits:
        os.utime(project.path / ".git" / "refs" / "xt" / "keep" / commit, (OLD, OLD))
    # What was quarantined may yet be mended.
    assert "freed" in gc(project)
    assert loose(project) == before
    aside.unlink()
    dry, real = gc(project, "--dry-run"), gc(project)
    assert dry["freed"] == real["freed"]
    assert {kind["sort"] for kind in real["freed"]} == {"contents", "code"}
    assert kept(project) == {commits[1]}
    assert len(loose(project)) < len(before)
    restored = project.path.parent / "restored"
    assert project.xt("restore", second, "--only", "code", "--to", str(restored)).code == 0
    assert next(restored.rglob("train.py")).read_text() == "print('second')\n"
    assert next(restored.rglob("new.py")).read_text() == "y = 1\n"
    assert gc(project)["freed"] == []
    # What was swept is written anew when it is needed again.
    project.write("train.py", "print('first')\n")
    (project.path / "lib" / "deep" / "new.py").unlink()
    assert project.run("-q", "-o", "out.txt", "--", *SAY).code == 0
    again = project.xt("restore", "@", "--only", "code", "--to", str(project.path.parent / "again"))
    assert again.code == 0, again.err
    assert next((project.path.parent / "again").rglob("train.py")).read_text() == "print('first')\n"
    away = project.xt("show", first)
    assert away.code == 1
    assert f"`{first}` was dropped by `xt gc`" in away.err
    assert f"xt pull {first}" in away.err


def test_packs_that_nothing_reaches_go_as_one(project):
    project.write(".gitignore", "out.txt\n")
    project.write("train.py", "print('first')\n")
    assert project.run("-q", "-o", "out.txt", "--", *SAY).code == 0
    git = ["git", "--git-dir", str(project.path / ".xt" / "code.git")]
    (loose_object, *_) = sorted(loose(project))
    packs = project.path / ".xt" / "code.git" / "objects" / "pack"
    oids = [path.parent.name + path.name for path in sorted(loose(project))]
    blob = subprocess.run(
        [*git, "hash-object", "-w", "--stdin"], input=b"of nobody", capture_output=True, check=True
    )
    for some in ([blob.stdout.decode().strip()], oids):
        names = "".join(f"{oid}\n" for oid in some)
        subprocess.run(
            [*git, "pack-objects", "-q", str(packs / "pack")],
            input=names.encode(),
            capture_output=True,
            check=True,
        )
    assert len(list(packs.glob("*.idx"))) == 2
    for path in loose(project):
        path.unlink()
    age(project)
    (fresh,) = [path for path in packs.glob("*.pack") if len(path.read_bytes()) < 100]
    os.utime(fresh)
    assert "code" not in {kind["sort"] for kind in gc(project)["freed"]}
    assert len(list(packs.iterdir())) == 4
    os.utime(fresh, (OLD, OLD))
    (code,) = [kind for kind in gc(project)["freed"] if kind["sort"] == "code"]
    assert code["files"] == 2
    assert not fresh.exists()
    assert project.xt("restore", "@", "--only", "code", "--to", str(project.path.parent / "back")).code == 0
    assert loose_object not in loose(project)


def test_references_that_another_store_may_need_stay(project):
    assert project.run("-q", "--", "true").code == 0
    (commit,) = kept(project)
    os.utime(project.path / ".git" / "refs" / "xt" / "keep" / commit, (OLD, OLD))
    assert project.xt("rm", "@").code == 0
    other = project.path / "sub" / ".xt"
    other.mkdir(parents=True)
    (other / "format").write_text("xt-store 1\n")
    assert gc(project)["notes"] == [
        f"1 of `refs/xt/keep/*` in `{project.path}` stay: the store `{other}` may need them"
    ]
    (other / "format").unlink()
    project.sh("git worktree add -q ../linked")
    (note,) = gc(project)["notes"]
    assert "the working tree" in note
    assert kept(project) == {commit}
    project.sh("git worktree remove ../linked")
    assert gc(project)["notes"] == []
    assert kept(project) == set()


def test_what_a_user_sees(folder):
    """In the future and the past tense, in a narrow place, and one line where there is nothing to do."""
    assert folder.run("-q", "-o", "a", "--", "sh", "-c", "echo a > a").code == 0
    assert folder.xt("gc").out == b"nothing to remove\n"
    assert folder.run("-q", "-o", "a", "--", "sh", "-c", "echo b > a").code == 0
    run = folder.record("@")["id"]
    assert folder.xt("rm", "@", "-m", "bad \x1b[31mseed").code == 0
    would = folder.xt("gc", "--dry-run").out.decode()
    assert would.startswith("would drop 1 of 2 runs and free ")
    assert "put away: bad " in would
    assert "\x1b" not in would
    assert "that nobody refers to stay for now: newer than 1 d; the last may go " in " ".join(would.split())
    for width in (24, 40):
        narrow = folder.xt("gc", "-n", env={"COLUMNS": str(width)}).out.decode()
        assert max(map(len, narrow.splitlines())) <= width
    did = folder.xt("gc").out.decode()
    assert did.startswith("dropped 1 of 2 runs, freed ")
    assert "Gone\n" in did
    assert folder.xt("rm").out == b"no run is put away\n"
    none = folder.xt("gc", "--keep", "tagged,status:failed", "-n")
    assert "so that all would go" in none.err
    assert folder.run("-q", "-t", "tag", "--", "true").code == 0
    rules = folder.xt("gc", "--keep", "tagged,status:failed", "-n").out.decode()
    assert "no rule keeps it" in rules
    folder.write("xt.toml", '[gc]\nkeep = ["last 2"]\n')
    assert "the rules of [gc] keep were not applied: xt gc --rules --dry-run" in " ".join(
        folder.xt("gc").out.decode().split()
    )
    found = json.loads(folder.xt("gc", "--rules", "--json").out)
    assert (found["schema"], found["rules"], found["dropped"]) == ("xt.gc/1", ["last 2"], [])
    assert run not in folder.xt("ls").out.decode()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--grace", "59min"], "a grace period of `59min` is not possible"),
        (["--grace", "soon"], "`soon` is no length of time"),
        (["--keep", "taged"], "`taged` is no rule"),
        (["--rules"], "`xt.toml` has no rules"),
        (["extra"], "extra"),
    ],
)
def test_wrong_usage_does_nothing(folder, words, said):
    (folder.path / ".xt").mkdir()
    folder.xt("run", "-q", "--", "true")
    done = folder.xt("gc", *words)
    assert done.code == 2
    assert said in done.err


def test_du_adds_up_to_what_the_disk_says(project):
    project.write("train.py", "print('changed')\n")
    project.write("data/x", "x" * 40_000)
    for number in range(2):
        script = f"cp data/x same; head -c {9000 + 9000 * number} /dev/zero > own; seq 3000"
        done = project.run(
            "-q", "--input", "data/", "-o", "same", "-o", "own", "-n", f"n{number}", "--", "sh", "-c", script
        )
        assert done.code == 0, done.err
    (project.path / ".xt" / "objects" / "stray").write_bytes(b"x" * 70_000)
    (project.path / ".xt" / "quarantine").mkdir()
    os.link(project.path / ".xt" / "objects" / "stray", project.path / ".xt" / "quarantine" / "same")
    folder = project.path / ".xt" / "live" / run_id(3)
    folder.mkdir()
    (folder / "start.json").write_bytes(b"torn")
    found = json.loads(project.xt("du", "--runs", "--json").out)
    whole = project.sh("du -s --block-size=1 .xt")
    assert found["size"] == int(whole.split()[0]) == sum(kind["size"] for kind in found["sorts"])
    assert found["schema"] == "xt.du/1"
    assert {kind["sort"] for kind in found["sorts"]} >= {"outputs", "logs", "code", "records", "caches"}
    assert len(found["notes"]) == 1
    assert "the start of" in found["notes"][0]
    own = {run["name"]: run["own"] for run in found["runs"]}
    assert own["n1"] > 0 < own["n0"]
    shared = {run["shared"] for run in found["runs"]}
    assert len(shared) == 1
    # The file that both left, and what both wrote to their output.
    assert shared.pop() >= 8192
    page = project.xt("du", "n0").out.decode()
    assert "n0" in page
    assert "n1" not in page
    assert project.xt("du").out.decode().splitlines()[0].split(" in ")[1].startswith("2 runs")


def test_a_dropped_run_comes_back_from_a_remote(folder):
    """With its contents, and where lists show it; what repeats it no longer counts the dropped one."""
    remote = folder.path.parent / "team"
    remote.mkdir()
    assert folder.xt("remote", "add", "team", str(remote)).code == 0
    for _ in range(2):
        assert folder.run("-q", "-o", "a", "--", "sh", "-c", "echo a > a").code == 0
    dropped, left = folder.record("@~1")["id"], folder.record("@")["id"]
    assert folder.record("@")["snapshot"]["recipe"] == folder.record("@~1")["snapshot"]["recipe"]
    pushed = folder.xt("push", dropped, "--outputs")
    assert pushed.code == 0, pushed.err
    before = sorted(path for path in remote.rglob("*"))
    assert folder.xt("rm", dropped, left, "--force").code == 0
    age(folder)
    assert {run["run"] for run in gc(folder)["dropped"]} == {dropped, left}
    assert sorted(path for path in remote.rglob("*")) == before
    assert folder.xt("fsck").code == 0
    assert list((folder.path / ".xt" / "objects").glob("*/*")) == []
    (folder.path / "a").unlink()
    # None of them is there any more to stand for it, or to be called a repeat.
    again = folder.run("--reuse", "-o", "a", "--", "sh", "-c", "echo a > a")
    assert "nothing to reuse: this is the first run" in again.err
    made = folder.record("@")["id"]
    assert made not in (dropped, left)
    pulled = folder.xt("pull", dropped, "--outputs")
    assert pulled.code == 0, pulled.err
    assert dropped[:4] in folder.xt("ls").out.decode()
    (folder.path / "a").unlink()
    assert folder.xt("restore", dropped).code == 0
    assert (folder.path / "a").read_text() == "a\n"
    # A team's store has the names of a store, and is not swept for that.
    refused = folder.xt("gc", env={"XT_STORE": str(remote)})
    assert refused.code == 1
    assert "a team's store is not swept" in refused.err
    assert sorted(path for path in remote.rglob("*")) == before


def test_a_store_of_another_user_is_swept_only_when_that_is_said(folder, monkeypatch):
    assert folder.run("-q", "--", "true").code == 0
    assert folder.xt("rm", "@").code == 0
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(folder.path / ".xt", 12345, -1)
    done = folder.xt("gc")
    assert done.code == 1
    assert "belongs to another user" in done.err
    assert folder.xt("gc", "--json", env={"XT_FOREIGN_STORE": "1"}).code == 0


def test_a_store_on_a_disk_that_is_only_read_can_be_looked_at(folder):
    assert folder.run("-q", "--", "true").code == 0
    assert folder.xt("rm", "@").code == 0
    script = "mount --bind .xt .xt && mount -o remount,ro,bind .xt && "
    inside = ["unshare", "-m", "sh", "-c"]
    tried = subprocess.run([*inside, script + "true"], cwd=folder.path, capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("no mount namespaces here")
    environ = {**os.environ, "PYTHONPATH": SOURCE}

    def read_only(*more):
        command = script + " ".join(folder.command("gc", *more))
        return subprocess.run(
            [*inside, command], cwd=folder.path, capture_output=True, check=False, env=environ
        )

    would = read_only("--dry-run")
    assert would.returncode == 0, would.stderr
    assert b"would drop 1 of 1 run" in would.stdout
    refused = read_only()
    assert refused.returncode == 1
    assert b"the store cannot be swept: Read-only file system" in refused.stderr


def test_commits_of_a_store_elsewhere_stay(project, tmp_path):
    """`XT_STORE` names a store that the repository does not show: its runs borrow from there all the same."""
    assert project.run("-q", "--", "true").code == 0
    (commit,) = kept(project)
    elsewhere = {"XT_STORE": str(tmp_path / "runs")}
    assert project.run("-q", "--", "true", env=elsewhere).code == 0
    tree = project.sh("git rev-parse HEAD^{tree}").strip()
    assert project.xt("rm", "@").code == 0
    for path in (project.path / ".git" / "refs" / "xt" / "keep").rglob("*"):
        os.utime(path, (OLD, OLD))
    gc(project)
    assert kept(project) == {f"elsewhere/{commit}"}
    project.sh("git checkout -q --orphan other && git rm -qrf . && git commit -qm other --allow-empty")
    project.sh("git branch -D $(git branch --format='%(refname:short)' | grep -vx other)")
    project.sh("git reflog expire --expire=now --all && git gc -q --prune=now")
    assert project.sh(f"git cat-file -t {tree}") == "tree\n"


def test_references_that_an_outer_store_may_need_stay(project):
    inner = project.path / "inner"
    inner.mkdir()
    project.sh("cd inner && git init -q && git commit -q --allow-empty -m inner")
    assert project.run("-q", "--", "true", cwd=inner).code == 0
    for path in (inner / ".git" / "refs" / "xt" / "keep").iterdir():
        os.utime(path, (OLD, OLD))
    assert project.xt("rm", "@", cwd=inner).code == 0
    outer = project.path / ".xt"
    outer.mkdir()
    (outer / "format").write_text("xt-store 1\n")
    (note,) = json.loads(project.xt("gc", "--json", cwd=inner).out)["notes"]
    assert f"the store `{outer}` may need them" in note


def test_rules_that_keep_nothing_drop_nothing(folder):
    """A typing error in a query must not cost all runs; beside other rules it is said."""
    for number in range(2):
        assert folder.run("-q", "-n", f"run-{number}", "--", "echo", str(number)).code == 0
    for rules in ("task:trian", "since 0d", "tagged, task:trian"):
        done = folder.xt("gc", "--keep", rules)
        assert (done.code, done.out) == (2, b"")
        assert "so that all would go" in done.err
    assert len(list((folder.path / ".xt" / "runs").glob("*/*.json"))) == 2
    assert (
        "no run fits the rule `task:trian`"
        in folder.xt("gc", "-n", "--keep", "last 1, task:trian").out.decode()
    )
    for rule in ("last", "last 0", "last -1"):
        assert "last takes a number from 1" in folder.xt("gc", "--keep", rule).err
    # With everything put away nobody loses what is wanted.
    assert folder.xt("rm", "run-0", "run-1").code == 0
    assert folder.xt("gc", "--keep", "last 1").code == 0
    assert folder.xt("ls").err != "" or b"no run" in folder.xt("ls").out


INTERRUPTED = """
import signal, sys
def hook(event, args):
    if event == "os.scandir" and str(args[0]).endswith(".xt/objects"):
        signal.raise_signal(signal.SIGINT)
sys.addaudithook(hook)
from xt.cli.main import main
main()
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fsck"], "xt: interrupted"),
        (["du"], "xt: interrupted"),
        (["gc"], "xt: interrupted: the store is whole, and the same command goes on from here"),
        (["gc", "-n"], "xt: interrupted: nothing was removed"),
    ],
)
def test_whoever_interrupts_it_is_told(folder, words, said):
    folder.run("-q", "--", "true")
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *words],
        cwd=folder.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", f"{said}\n")
