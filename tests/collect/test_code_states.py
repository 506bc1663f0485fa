"""The snapshot of a working tree in every state its files can be in: byte for byte, mode for mode."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collect.gitcase import Project, remove


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path)
    made.write("a.py", "print(1)\n")
    made.write("run.sh", "#!/bin/sh\n", 0o755)
    made.write("pkg/b.py", "b = 1\n")
    made.write("pkg/deep/c.py", "c = 1\n")
    made.write(".gitignore", "*.log\nbuild/\n")
    made.commit()
    return made


def test_clean_is_gits_own_tree(project):
    project.write("x.log", "ignored\n")
    project.write("build/y", "ignored\n")
    code = project.collect()
    assert code.tree == project.git("rev-parse", "HEAD^{tree}").decode().strip()
    assert (code.dirty, code.changed, code.left_out, code.raw) == (False, [], [], [])
    assert code.head == project.git("rev-parse", "HEAD").decode().strip()
    assert (code.vcs, code.branch, code.detached, code.root) == ("git", "main", False, ".")
    assert code.ignored_total == 2
    assert project.problems == []
    project.exact(code, "x.log", "build")


def test_untracked_then_committed_is_the_same_tree(project):
    project.write("new/d.py", "d\n")
    project.write("a.py", "print(2)\n")
    before = project.collect()
    project.commit()
    after = project.collect()
    assert before.tree == after.tree == project.git("rev-parse", "HEAD^{tree}").decode().strip()
    assert before.dirty
    assert not after.dirty


def test_dirty(project):
    project.write("a.py", "print(2)\n")
    project.write("pkg/new.py", "n\n")
    project.write("other/deeper/new.py", "n\n")
    code = project.collect()
    project.exact(code)
    assert code.dirty
    assert project.changes(code) == {
        "a.py": "modified",
        "pkg/new.py": "untracked",
        "other/deeper/new.py": "untracked",
    }


def test_staged_only(project):
    project.write("a.py", "print(2)\n")
    project.write("new.py", "n\n")
    project.git("add", "-A")
    code = project.collect()
    project.exact(code)
    assert project.changes(code) == {"a.py": "modified", "new.py": "added"}


def test_staged_then_edited_again(project):
    project.write("a.py", "staged\n")
    project.write("new.py", "staged\n")
    project.git("add", "-A")
    project.write("a.py", "edited\n")
    project.write("new.py", "edited\n")
    found = project.exact(project.collect())
    assert found["a.py"][1] == found["new.py"][1] == b"edited\n"


def test_staged_then_put_back_is_no_change(project):
    project.write("a.py", "staged\n")
    project.write("new.py", "staged\n")
    project.git("add", "-A")
    project.write("a.py", "print(1)\n")
    remove(project.path("new.py"))
    code = project.collect()
    project.exact(code)
    assert code.tree == project.git("rev-parse", "HEAD^{tree}").decode().strip()
    assert (code.dirty, project.changes(code)) == (False, {})


def test_staged_as_deleted_and_still_on_disk(project):
    project.git("rm", "-q", "--cached", "a.py", "pkg/b.py")
    project.write("pkg/b.py", "b = 2\n")
    code = project.collect()
    project.exact(code)
    assert list(project.changes(code)) == ["pkg/b.py"]


def test_staged_as_deleted_and_left_out_is_not_in_the_tree(project):
    project.write("id_rsa", "KEY\n")
    project.commit()
    project.git("rm", "-q", "--cached", "id_rsa")
    code = project.collect()
    project.exact(code, "id_rsa")
    assert project.left_out(code) == {"id_rsa": "named like a secret"}


def test_deleted(project):
    remove(project.path("a.py"))
    remove(project.path("pkg/deep"))
    project.git("rm", "-q", "run.sh")
    code = project.collect()
    project.exact(code)
    assert project.changes(code) == {"a.py": "deleted", "pkg/deep/c.py": "deleted", "run.sh": "deleted"}


def test_everything_deleted(project):
    for name in ("a.py", "run.sh", "pkg", ".gitignore"):
        remove(project.path(name))
    code = project.collect()
    assert project.exact(code) == {}


def test_mode_change(project):
    os.chmod(project.path("a.py"), 0o755)
    os.chmod(project.path("run.sh"), 0o644)
    code = project.collect()
    found = project.exact(code)
    assert (found["a.py"][0], found["run.sh"][0]) == ("100755", "100644")
    assert project.changes(code) == {"a.py": "modified", "run.sh": "modified"}


@pytest.mark.parametrize("bits", [0o600, 0o444, 0o4755, 0o2755, 0o1777, 0o711])
def test_odd_modes(project, bits):
    project.write("new.py", "n\n", bits)
    os.chmod(project.path("a.py"), bits)
    project.exact(project.collect())


KINDS = {
    "file": lambda name: _file(name),
    "link": lambda name: os.symlink("a.py", name),
    "folder": lambda name: _file(f"{name}/inner/f"),
    "link to a folder": lambda name: os.symlink("pkg", name),
}


def _file(name):
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name, "w") as file:
        file.write("content\n")


@pytest.mark.parametrize("staged", [False, True])
@pytest.mark.parametrize("after", KINDS)
@pytest.mark.parametrize("before", KINDS)
def test_kind_change(project, before, after, staged):
    name = project.path("thing")
    KINDS[before](name)
    project.commit()
    remove(name)
    KINDS[after](name)
    if staged:
        project.git("add", "-A")
    code = project.collect()
    project.exact(code)
    assert (code.dirty, code.left_out) == (before != after, [])


def test_folder_becomes_a_link_to_the_same_files(project):
    os.rename(project.path("pkg"), project.path("moved"))
    os.symlink("moved", project.path("pkg"))
    code = project.collect()
    project.exact(code)
    assert code.left_out == []


def test_large_folder_becomes_a_link_quickly(project):
    for number in range(300):
        project.write(f"many/f{number}", f"{number}\n")
    project.commit()
    os.rename(project.path("many"), project.path("moved"))
    os.symlink("moved", project.path("many"))
    code = project.collect()
    project.exact(code)
    assert code.left_out == []


@pytest.mark.parametrize("tracked", [False, True])
def test_links(project, tracked):
    os.symlink("a.py", project.path("to_file"))
    os.symlink("pkg", project.path("to_folder"))
    os.symlink("nowhere", project.path("dangling"))
    os.symlink("/etc/passwd", project.path("absolute"))
    os.symlink("loop", project.path("loop"))
    os.symlink(
        "../../outside\nand\udcff".encode("utf-8", "surrogateescape"), os.fsencode(project.path("odd"))
    )
    if tracked:
        project.commit()
        remove(project.path("dangling"))
        os.symlink("elsewhere", project.path("dangling"))
    found = project.exact(project.collect())
    assert found["absolute"] == ("120000", b"/etc/passwd")
    assert found["odd"][1] == b"../../outside\nand\xff"


def test_hard_links_and_empty_files(project):
    os.link(project.path("a.py"), project.path("same.py"))
    project.write("empty", b"")
    project.exact(project.collect())


def test_ignored_files_that_are_tracked_are_in_it(project):
    project.write("kept.log", "one\n")
    project.git("add", "-f", "kept.log")
    project.commit()
    project.write("kept.log", "two\n")
    project.write("other.log", "no\n")
    found = project.exact(project.collect(), "other.log")
    assert found["kept.log"][1] == b"two\n"


def test_intent_to_add(project):
    project.write("soon.py", "s\n")
    project.git("add", "-N", "soon.py")
    code = project.collect()
    project.exact(code)
    assert project.changes(code) == {"soon.py": "added"}


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_files_git_was_told_not_to_look_at(project, flag):
    project.git("update-index", flag, "a.py", "pkg/b.py", "run.sh")
    project.write("a.py", "not looked at\n")
    remove(project.path("pkg/b.py"))
    code = project.collect()
    project.exact(code)
    assert code.dirty
    assert project.changes(code)["a.py"] == "modified"


def test_empty_folders_and_those_with_only_ignored_files(project):
    os.makedirs(project.path("out/today"))
    project.write("logs/x.log", "ignored\n")
    project.write("data/big.bin", b"0" * 2000)
    os.makedirs(project.path("build/inner"))
    code = project.collect(max_file=1000)
    assert code.empty_dirs == ["data", "logs", "out/today"]


NAMES = [
    b"new\nline",
    b"tab\there",
    b"quo'te\"s",
    b"back\\slash",
    b"-leading",
    b"--cached",
    b":(glob)*",
    b":!x",
    b"*?[a]",
    b"\xff\xfe",
    b" spaces ",
    b"trailing.",
    b"\x1b[31m",
    b"\x01\x7f",
    unicodedata.normalize("NFD", "é").encode(),
    unicodedata.normalize("NFC", "é").encode(),
    b"x" * 255,
    b"con",
    b"a" * 200 + b"/" + b"b" * 200 + b"/" + b"c",
    b"git~1",
    b".gitx",
    b"#hash",
    b"!bang",
]


@pytest.mark.parametrize("state", ["untracked", "committed", "modified", "staged", "deleted"])
def test_odd_names(project, state):
    project.git("config", "core.protectNTFS", "false")
    paths = [os.fsdecode(name) for name in NAMES] + [os.fsdecode(b"dir\xff\n/" + name) for name in NAMES[:9]]
    for path in paths:
        project.write(path, f"{path!r}\n")
    if state != "untracked":
        project.commit() if state != "staged" else project.git("add", "-A")
    for path in paths:
        if state == "modified":
            project.write(path, "changed\n")
        elif state == "deleted":
            remove(project.path(path))
    code = project.collect()
    project.exact(code)
    assert code.left_out == []
    assert set(project.changes(code)) == (set() if state == "committed" else set(paths))


component = st.binary(min_size=1, max_size=12).filter(
    lambda name: (
        b"/" not in name
        and b"\0" not in name
        and name not in (b".", b"..", b".xt")
        and name.lower() != b".git"
    )
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    files=st.dictionaries(
        st.lists(component, min_size=1, max_size=3).map(tuple), st.binary(max_size=40), max_size=8
    ),
    committed=st.integers(0, 8),
)
def test_any_names_and_bytes(tmp_path_factory, files, committed):
    project = Project(tmp_path_factory.mktemp("any"))
    project.git("config", "core.protectNTFS", "false")
    paths = []
    for parts, data in files.items():
        name = b"/".join(parts)
        try:
            project.write(os.fsdecode(name), data)
        except OSError:
            continue  # one is the other's folder, or a name the file system refuses
        paths.append(os.fsdecode(name))
        if len(paths) == committed:
            project.git("add", "-Af", ".")
            project.git("commit", "-qm", "c", "--allow-empty")
    code = project.collect(allow_secret_files=True)
    ignored = {
        os.fsdecode(path)
        for path in project.git("ls-files", "-z", "--others", "--ignored", "--exclude-standard").split(b"\0")
        if path
    }
    project.exact(code, *ignored, *project.left_out(code))
    assert all("git cannot hold" in reason for reason in project.left_out(code).values())


@pytest.mark.parametrize("data", [b"", b"\0", b"\r\n\r", b"\xef\xbb\xbfx", bytes(range(256)) * 300])
def test_bytes(project, data):
    project.write("new.bin", data)
    project.write("a.py", data)
    project.exact(project.collect())


def test_path_longer_than_the_system_takes(project):
    deep = project.path("deep")
    os.mkdir(deep)
    here = os.getcwd()
    os.chdir(deep)
    try:
        for _ in range(20):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
        with open("bottom", "w") as file:
            file.write("x")
        code = project.collect()
    finally:
        os.chdir(here)
    assert code.status in ("recorded", "none")
    assert code.left_out or code.reason


def test_name_git_refuses_is_listed_and_the_rest_kept(project):
    project.write(".GIT/config", "x\n")
    project.write("sub/.Git/hooks/x", "x\n")
    os.symlink("a.py", project.path("sub/.gitmodules"))
    for number in range(30):
        project.write(f"new{number}", "n\n")
    code = project.collect()
    project.exact(code, ".GIT", "sub/.Git", "sub/.gitmodules")
    assert set(project.left_out(code)) == {".GIT/config", "sub/.Git/hooks/x", "sub/.gitmodules"}


def test_cwd_in_a_subfolder_and_root_below_the_top(project):
    project.write("pkg/b.py", "b = 2\n")
    whole = project.collect()
    code = project.collect(cwd=project.path("pkg/deep"))
    assert code.tree == whole.tree
    project.write("pkg/xt.toml", "")
    below = project.collect(root=project.path("pkg"))
    assert below.root == ".."
    assert project.problems == []


def test_cwd_that_is_ignored_is_said(project):
    project.write("build/job/main.py", "x\n")
    project.collect(cwd=project.path("build/job"))
    assert [problem.where for problem in project.problems] == ["code"]
    assert "ignored by git" in project.problems[0].message


def test_project_path_with_newline_colon_quote(tmp_path):
    project = Project(tmp_path, "odd\n:;\" ' é\\name")
    project.write("a", "1\n")
    project.commit()
    project.write("b", "2\n")
    code = project.collect()
    project.exact(code)


def test_second_snapshot_follows_what_was_taken_back(project):
    project.write("a.py", "changed\n")
    project.write("new.py", "n\n")
    project.write("run.sh", "changed\n")
    project.exact(project.collect())
    project.write("a.py", "print(1)\n")
    remove(project.path("new.py"))
    os.chmod(project.path("run.sh"), 0o644)
    project.exact(project.collect())
    project.write(".gitignore", "*.log\nbuild/\nnewer.py\n")
    project.write("newer.py", "ignored now\n")
    project.exact(project.collect(), "newer.py")
    project.git("checkout", "-q", ".")
    project.exact(project.collect())


actions = st.lists(
    st.tuples(
        st.sampled_from(
            ["write", "delete", "stage", "commit", "link", "chmod", "reset", "secret", "collect"]
        ),
        st.integers(0, 5),
        st.binary(max_size=3),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(actions)
def test_any_sequence_of_edits_and_snapshots(tmp_path_factory, steps):
    """The index kept from one snapshot to the next never lets an old content through."""
    project = Project(tmp_path_factory.mktemp("seq"))
    names = ["a", "b", "d/x", "d/y", "d/e/z", "w"]
    for step, number, data in [*steps, ("collect", 0, b"")]:
        name = project.path(names[number])
        if step in ("write", "link", "secret"):
            if os.path.lexists(name):
                remove(name)
            os.makedirs(os.path.dirname(name), exist_ok=True)
        if step == "write":
            project.write(names[number], data)
        elif step == "link":
            os.symlink(data.replace(b"\0", b"") or b"t", os.fsencode(name))
        elif step == "delete" and os.path.lexists(name):
            remove(name)
        elif step == "chmod" and os.path.isfile(name):
            os.chmod(name, 0o755)
        elif step == "stage":
            project.git("add", "-A")
        elif step == "commit":
            project.commit()
        elif step == "reset" and os.path.exists(project.path(".git/refs/heads/main")):
            project.git("reset", "-q")
        elif step == "collect":
            code = project.collect()
            project.exact(code)
            assert bool(code.changed) == code.dirty
