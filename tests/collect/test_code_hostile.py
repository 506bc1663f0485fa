"""Nothing of the user's runs, nothing of the user's is touched, and nothing odd stops a run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading

import pytest

import xt.collect.lfs  # noqa: F401 - for as_nobody
from tests.collect.gitcase import Project, as_nobody, on_disk, own, remove, touch_script
from xt.collect import git as git_module
from xt.collect.gitdir import GitDir


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path)
    made.write("a.py", "print(1)\n")
    made.write("pkg/b.py", "b = 1\n")
    made.commit()
    return made


def dirty(project):
    project.write("a.py", "dirty\n")
    project.write("new.py", "n\n")
    if os.path.exists(project.path("pkg/b.py")):
        remove(project.path("pkg/b.py"))


# --- nothing runs ------------------------------------------------------------------------------------

HOOKS = [
    "pre-commit",
    "post-commit",
    "post-index-change",
    "reference-transaction",
    "update",
    "pre-auto-gc",
    "post-checkout",
    "fsmonitor-watchman",
]
SETTINGS = [
    "core.fsmonitor",
    "gpg.program",
    "gpg.ssh.program",
    "diff.external",
    "core.pager",
    "pager.status",
    "pager.config",
    "core.editor",
    "core.askPass",
    "core.sshCommand",
    "core.gitProxy",
    "core.alternateRefsCommand",
    "credential.helper",
    "diff.evil.textconv",
    "diff.evil.command",
    "merge.evil.driver",
    "interactive.diffFilter",
    "uploadpack.packObjectsHook",
    "alias.status",
    "alias.ls-files",
    "filter.evil.clean",
    "filter.evil.process",
    "filter.evil.smudge",
]


@pytest.mark.parametrize("where", ["--local", "--global"])
def test_nothing_of_the_users_runs(project, where):
    project.write(".gitattributes", "*.py diff=evil filter=evil merge=evil\n")
    project.commit()
    sub = Project(project.tmp, "p/nested")
    sub.write("a.py", "1\n")
    sub.write(".gitattributes", "*.py filter=evil\n")
    sub.commit()
    evil = touch_script(project)
    shutil.copytree(project.path(".git/hooks"), project.path(".git/hooks2"))
    for git in (project, sub):
        for hook in HOOKS:
            git.write(f".git/hooks/{hook}", f"#!/bin/sh\ntouch '{project.pwned}'\nexit 1\n", 0o755)
        for setting in SETTINGS:
            value = f"!{evil}" if setting.startswith("alias") else evil
            git.git("config", where, setting, value)
        for setting in ("commit.gpgsign", "tag.gpgsign", "log.showSignature", "push.gpgsign"):
            git.git("config", where, setting, "true")
        git.git("config", where, "core.hooksPath", git.path(".git/hooks"))
    for git in (project, sub):
        git.write("a.py", "print(2)\n"[: len(git.read("a.py"))])
        git.write("new.py", "n\n")
        os.utime(git.path(".gitattributes"))
    environ = dict.fromkeys(
        (
            "GIT_EXTERNAL_DIFF",
            "GIT_PAGER",
            "PAGER",
            "GIT_EDITOR",
            "EDITOR",
            "GIT_ASKPASS",
            "SSH_ASKPASS",
            "GIT_SSH",
        ),
        evil,
    )
    assert not project.pwned.exists()
    code = project.collect(environ=environ)
    project.exact(code)
    assert [item.status for item in code.repositories] == ["recorded"]
    assert project.collect(environ=environ).tree == code.tree
    assert not project.pwned.exists()
    assert project.problems == []


def test_hooks_through_the_environment_do_not_run(project):
    """As in `git -c core.hooksPath=… ALIAS`, where ALIAS is `!xt run`."""
    evil = touch_script(project)
    hooks = project.tmp / "hooks"
    hooks.mkdir()
    for hook in HOOKS:
        shutil.copy(evil, hooks / hook)
    dirty(project)
    code = project.collect(
        environ={
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "core.hooksPath",
            "GIT_CONFIG_VALUE_0": str(hooks),
            "GIT_CONFIG_KEY_1": "core.fsmonitor",
            "GIT_CONFIG_VALUE_1": evil,
            "GIT_CONFIG_PARAMETERS": f"'core.hooksPath'='{hooks}' 'core.fsmonitor'='{evil}'",
        }
    )
    project.exact(code)
    assert not project.pwned.exists()


# --- nothing is touched ------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["clean", "dirty", "staged", "packed", "touched", "stash"])
def test_the_repository_stays_as_it_is(project, state):
    project.git("config", "core.logAllRefUpdates", "always")
    if state == "stash":
        dirty(project)
        project.git("stash", "-u")
    if state != "clean":
        dirty(project)
    if state in ("staged", "packed"):
        project.git("add", "-A")
    if state == "packed":
        project.git("gc", "-q")
    if state == "touched":
        os.utime(project.path("a.py"))
    before = project.fingerprint()
    code = project.collect()
    project.collect()
    assert project.fingerprint() == before
    kept = os.listdir(project.path(".git/refs/xt/keep"))
    assert kept == [code.head]


def test_submodules_stay_as_they_are(project):
    sub = Project(project.tmp, "p/nested")
    sub.write("a.py", "1\n")
    sub.commit()
    project.git("add", "nested")
    project.git("commit", "-qm", "link")
    dirty(sub)
    before = sub.fingerprint()
    project.collect()
    assert sub.fingerprint() == before


def test_working_tree_stays_as_it_is(project):
    dirty(project)

    def look():
        return {
            name: (info.st_mtime_ns, info.st_ctime_ns, info.st_ino, info.st_mode)
            for folder, folders, files in os.walk(project.root)
            if ".git" not in folder and ".xt" not in folder
            for name in (os.path.join(folder, name) for name in files)
            for info in [os.lstat(name)]
        }

    project.collect()
    before = look()
    project.collect()
    assert look() == before


def test_amended_commit_does_not_come_back_in_the_log(project):
    dirty(project)
    code = project.collect()
    expected = project.exact(code)
    project.git("commit", "-q", "--amend", "-m", "again", "--allow-empty")
    log = project.git("log", "--all", "--format=%H")
    assert code.head.encode() not in log
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "-q", "--prune=now")
    assert project.tree(code) == expected


@pytest.mark.parametrize("kind", ["staged", "stashed", "committed"])
def test_snapshot_outlives_what_the_project_forgets(project, kind):
    """Content that git has already, but that no branch will keep, is in our own repository too."""
    project.write("pkg/b.py", "only for now\n")
    project.write("new/deep/n.py", "only for now, too\n")
    if kind == "staged":
        project.git("add", "-A")
    elif kind == "stashed":
        project.git("stash", "-q", "-u")
        project.git("stash", "apply", "-q", "--index")
        project.git("stash", "drop", "-q")
    else:
        project.commit()
        project.git("reset", "-q", "HEAD~")
    code = project.collect()
    expected = project.exact(code)
    project.git("reset", "-q", "--hard")
    project.git("clean", "-qfdx", "-e", ".xt")
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "-q", "--prune=now")
    assert project.tree(code) == expected


def test_staged_without_any_commit_outlives_gc(tmp_path):
    project = Project(tmp_path)
    project.write("d/a.py", "1\n")
    project.git("add", "-A")
    project.git("write-tree")
    code = project.collect()
    expected = project.exact(code)
    shutil.rmtree(project.path(".git/objects"))
    os.mkdir(project.path(".git/objects"))
    assert project.tree(code, borrowed=[]) == expected


def test_clean_snapshot_of_a_submodule_outlives_its_amended_commit(project):
    sub = Project(project.tmp, "p/nested")
    sub.write("a.py", "1\n")
    sub.commit()
    code = project.collect()
    sub.write("a.py", "2\n")
    sub.git("commit", "-qa", "--amend", "-m", "x")
    sub.git("reflog", "expire", "--expire=now", "--all")
    sub.git("gc", "-q", "--prune=now")
    found = project.tree(code, tree=code.repositories[0].tree, borrowed=[sub.objects()])
    assert found["a.py"][1] == b"1\n"


def test_index_lock_held(project):
    project.write(".git/index.lock", "held\n")
    dirty(project)
    project.exact(project.collect())
    assert project.read(".git/index.lock") == b"held\n"
    assert project.problems == []


def test_variables_of_a_hook(project):
    other = Project(project.tmp, "other")
    other.write("o", "o\n")
    other.commit()
    dirty(project)
    code = project.collect(
        environ={
            "GIT_DIR": other.path(".git"),
            "GIT_WORK_TREE": str(other.root),
            "GIT_INDEX_FILE": other.path(".git/index"),
            "GIT_OBJECT_DIRECTORY": other.path(".git/objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/nowhere",
            "GIT_COMMON_DIR": other.path(".git"),
            "GIT_PREFIX": "pkg/",
            "GIT_NAMESPACE": "n",
            "GIT_CEILING_DIRECTORIES": str(project.tmp),
            "GIT_CONFIG": other.path(".git/config"),
            "GIT_GLOB_PATHSPECS": "1",
            "GIT_ICASE_PATHSPECS": "1",
            "GIT_TRACE": str(project.tmp / "trace"),
            "GIT_TRACE_SETUP": str(project.tmp / "trace"),
            "GIT_TRACE2_PERF": str(project.tmp / "trace"),
            "GIT_DEFAULT_HASH": "sha256",
            "GIT_SHALLOW_FILE": "/nowhere",
            "GIT_REPLACE_REF_BASE": "refs/nothing/",
            "GIT_ATTR_SOURCE": "HEAD",
        }
    )
    project.exact(code)
    assert code.head == project.git("rev-parse", "HEAD").decode().strip()
    assert not (project.tmp / "trace").exists()
    assert not os.path.exists(other.path(".git/refs/xt"))


# --- while others work -------------------------------------------------------------------------------


def test_concurrent_commits_and_gc(project):
    """Each snapshot is of one state: what a commit says, or what is on disk, never a mixture of two."""
    for number in range(40):
        project.write(f"f{number}", "0\n")
    project.commit()
    stop = threading.Event()

    def work():
        count = 0
        while not stop.is_set():
            count += 1
            for number in range(40):
                project.write(f"f{number}", f"{count}\n")
            subprocess.run(
                ["git", "commit", "-qam", f"{count}"], cwd=project.root, env=project.environ, check=True
            )
            if count % 10 == 0:
                subprocess.run(
                    ["git", "-c", "gc.auto=0", "repack", "-adq"],
                    cwd=project.root,
                    env=project.environ,
                    check=True,
                )

    worker = threading.Thread(target=work)
    worker.start()
    try:
        snapshots = [project.collect() for _ in range(25)]
    finally:
        stop.set()
        worker.join()
    for code in snapshots:
        assert code.status == "recorded", code.reason
        found = project.tree(code)
        assert found["a.py"][1] == b"print(1)\n"
        if not code.dirty:
            assert code.tree == project.git("rev-parse", f"{code.head}^{{tree}}").decode().strip()
    project.exact(project.collect())


def test_a_repository_that_does_not_stand_still_is_said(project, monkeypatch):
    states = iter(range(1000))
    monkeypatch.setattr(GitDir, "state", lambda self: next(states))
    project.exact(project.collect())
    assert "meanwhile" in project.problems[0].message


# --- what cannot be had ------------------------------------------------------------------------------


def test_no_git(project):
    dirty(project)
    code = project.collect(environ={"PATH": "/nowhere"})
    assert (code.status, code.tree, code.reason) == ("none", None, "git not found")
    assert [problem.where for problem in project.problems] == ["code"]
    folder = Project(project.tmp, "plain", git=False)
    folder.write("x", "x\n")
    assert folder.collect(environ={"PATH": "/nowhere"}).reason == "git not found"


def test_git_that_fails(project):
    folder = project.tmp / "bin"
    folder.mkdir()
    (folder / "git").write_text("#!/bin/sh\necho 'fatal: nothing works today' >&2\nexit 128\n")
    (folder / "git").chmod(0o755)
    code = project.collect(environ={"PATH": str(folder)})
    assert (code.status, code.reason) == ("none", "nothing works today")


def test_git_that_hangs_is_given_up(project, monkeypatch):
    monkeypatch.setattr(git_module, "TIMEOUT", 0.2)
    monkeypatch.setattr(git_module, "_gave_up", False)
    folder = project.tmp / "bin"
    folder.mkdir()
    (folder / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (folder / "git").chmod(0o755)
    code = project.collect(environ={"PATH": f"{folder}:{project.environ['PATH']}"})
    assert (code.status, code.reason) == ("none", "git did not answer within 0.2 s")


def test_foreign_owner(project):
    if os.geteuid() != 0:
        pytest.skip("needs root to give a file away")
    own(project.root)
    os.chmod(project.root, 0o755)
    code = project.collect()
    assert code.status == "none"
    assert "dubious ownership" in code.reason
    assert project.problems[0].hint == f"git config --global --add safe.directory {project.root}"
    assert not os.path.exists(project.path(".git/refs/xt"))
    project.git("config", "--global", "--add", "safe.directory", str(project.root))
    project.exact(project.collect())


def test_unreadable_files_and_folders(project):
    project.write("tracked.py", "t\n")
    project.write("later.py", "t\n")
    project.commit()
    project.write("later.py", "changed\n", 0o000)
    project.write("new.py", "n\n", 0o000)
    project.write("ok.py", "n\n")
    project.write("closed/x.py", "x\n")
    project.write("listed/y.py", "y\n")
    own(project.tmp)
    os.chmod(project.path("closed"), 0o000)
    os.chmod(project.path("listed"), 0o644)
    try:
        code, problems = as_nobody(lambda: (project.collect(), project.problems))
    finally:
        os.chmod(project.path("closed"), 0o755)
        os.chmod(project.path("listed"), 0o755)
    assert code.status == "recorded", code.reason
    project.git("config", "--global", "safe.directory", "*")
    found = project.tree(code)
    assert found.keys() == {"a.py", "pkg/b.py", "tracked.py", "ok.py"}
    reasons = project.left_out(code)
    assert "ermission" in reasons.pop("later.py")
    assert "ermission" in reasons.pop("new.py")
    assert "ermission" in reasons.pop("closed")
    assert list(reasons) in (["listed/y.py"], ["listed"])
    assert code.dirty
    assert problems == []


def test_repository_that_may_not_be_written(project):
    dirty(project)
    own(project.tmp)
    Project(project.tmp, "p").capture()  # the store is there already
    own(project.path(".xt"))
    for folder, _, _ in os.walk(project.path(".git")):
        os.chmod(folder, 0o555)
    try:
        code, problems = as_nobody(lambda: (project.collect(), project.problems))
    finally:
        for folder, _, _ in os.walk(project.path(".git")):
            os.chmod(folder, 0o755)
    assert code.status == "recorded", code.reason
    assert ["not protected" in problem.message for problem in problems] == [True]
    project.git("config", "--global", "safe.directory", "*")
    project.exact(code)


def test_what_is_no_file(project):
    project.write("was.py", "w\n")
    project.write("d/was.py", "w\n")
    project.commit()
    remove(project.path("was.py"))
    remove(project.path("d"))
    os.mkfifo(project.path("was.py"))
    os.mkfifo(project.path("d"))
    os.mkfifo(project.path("pkg/fifo"))
    here = os.getcwd()
    os.chdir(project.root)
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind("sock")
    finally:
        os.chdir(here)
    code = project.collect()
    listening.close()
    project.exact(code)
    assert project.left_out(code) == {
        "was.py": "not a file: FIFO",
        "d": "not a file: FIFO",
        "pkg/fifo": "not a file: FIFO",
        "sock": "not a file: socket",
    }


def test_fifo_as_dot_git(project):
    other = Project(project.tmp, "p/inner", git=False)
    os.mkfifo(other.path(".git"))
    other.write("x", "x\n")
    code = other.collect()
    assert code.status == "none"


def test_store_without_its_disposable_folders(project):
    dirty(project)
    code = project.collect()
    shutil.rmtree(project.path(".xt/cache"))
    shutil.rmtree(project.path(".xt/tmp"))
    assert project.collect().tree == code.tree
    project.exact(project.collect())


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_damaged_cache(project, damage):
    project.write(".gitattributes", "* text=auto\n")
    project.write("w.txt", b"x\r\n")
    project.commit()
    dirty(project)
    code = project.collect()
    for name in os.listdir(project.path(".xt/cache")):
        path = f".xt/cache/{name}"
        data = project.read(path)
        if damage is None:
            middle = len(data) // 2
            project.write(path, data[:middle] + b"\0\0\0\0" + data[middle + 4 :])
        else:
            project.write(path, damage)
    project.write("a.py", "changed again\n")
    project.exact(project.collect())
    assert project.collect().raw == code.raw


def test_code_repository_removed_while_the_cache_stays(project):
    dirty(project)
    project.collect()
    shutil.rmtree(project.path(".xt/code.git"))
    project.exact(project.collect())


def test_objects_lost_while_the_cache_stays(project):
    dirty(project)
    code = project.collect()
    oid = project.git("hash-object", "new.py").decode().strip()
    os.unlink(project.path(f".xt/code.git/objects/{oid[:2]}/{oid[2:]}"))
    again = project.collect()
    assert again.tree == code.tree
    project.exact(again)


def test_expected_is_what_the_helper_sees(project):
    """The oracle itself can fail."""
    code = project.collect()
    project.write("a.py", "other\n")
    with pytest.raises(AssertionError):
        project.exact(code)
    assert on_disk(str(project.root))["a.py"] == ("100644", b"other\n")
