"""The files of a snapshot, and where the content of a recorded file can be had again."""

from __future__ import annotations

import os
import subprocess

import pytest

from xt import codec
from xt.context import Outside
from xt.errors import DamagedError, NotRecordedError
from xt.ops.code_trees import CodeFiles
from xt.ops.contents import Contents
from xt.ops.show import page
from xt.store import Store


def opened(project, reference="@"):
    """The files of a run's code, and where its contents are."""
    store = Store.open(f"{project.path}/.xt")
    snapshot = page(store, project.record(reference)["id"]).snapshot
    code = CodeFiles(store, snapshot, Outside(str(project.path), dict(os.environ)))
    return code, Contents(store, snapshot, code)


def content(code, file):
    return b"".join(code.pieces(file))


def test_every_file_of_every_repository_is_listed_and_read(project):
    project.write("pkg/empty.py", "")
    project.write("big.bin", "x" * 3_000_000)
    project.sh("chmod +x train.py; ln -s train.py pkg/link; printf 'raw\\r\\n' > pkg/$(printf 'odd\\n\\377')")
    project.sh("mkdir inner && cd inner && git init -q && echo inner > a && git add a && git commit -qm i")
    project.sh("mkdir -p inner/deep && cd inner/deep && git init -q && echo deep > b")
    assert project.run("-q", "--", "true").code == 0
    code, _ = opened(project)
    with code:
        files = code.files()
        assert set(files) == {
            "train.py",
            "pkg/empty.py",
            "pkg/link",
            "pkg/odd\n\udcff",
            "big.bin",
            "inner/a",
            "inner/deep/b",
        }
        assert (files["train.py"].mode, files["pkg/empty.py"].mode) == (0o755, 0o644)
        assert files["pkg/link"].is_link
        read = {name: content(code, file) for name, file in files.items()}
    assert read["pkg/link"] == b"train.py"
    assert read["pkg/odd\n\udcff"] == b"raw\r\n"
    assert read["inner/deep/b"] == b"deep\n"
    assert len(read["big.bin"]) == 3_000_000
    assert read["pkg/empty.py"] == b""


def test_a_submodule_is_read_at_what_was_checked_out(project, tmp_path):
    project.sh(f"mkdir '{tmp_path}/other' && cd '{tmp_path}/other' && git init -q && echo a > a && git add a")
    project.sh(f"cd '{tmp_path}/other' && git commit -qm o")
    project.sh(f"git -c protocol.file.allow=always submodule --quiet add '{tmp_path}/other' sub")
    project.sh("git commit -qm sub; echo dirty > sub/a; echo new > sub/b")
    assert project.run("-q", "--", "true").code == 0
    project.sh("rm -r sub")
    code, _ = opened(project)
    with code:
        files = code.files()
        assert set(files) == {"train.py", ".gitmodules", "sub/a", "sub/b"}
        assert content(code, files["sub/a"]) == b"dirty\n"


def test_objects_named_by_sha256(folder):
    folder.write("a", "a\n")
    folder.sh("git init -q --object-format=sha256 && git add a && git commit -qm a; echo b > b")
    assert folder.run("-q", "--", "true").code == 0
    code, _ = opened(folder)
    with code:
        assert {name: content(code, file) for name, file in code.files().items()} == {
            "a": b"a\n",
            "b": b"b\n",
        }


def test_one_that_is_not_read_to_its_end_does_not_shift_the_next(project):
    project.write("big.bin", "x" * 3_000_000)
    assert project.run("-q", "--", "true").code == 0
    code, _ = opened(project)
    with code:
        files = code.files()
        next(code.pieces(files["big.bin"]))
        assert content(code, files["train.py"]) == b"print('training')\n"


def test_damaged_and_missing_content_is_noticed(project):
    project.write("new.py", "new\n")
    assert project.run("-q", "--", "true").code == 0
    code, _ = opened(project)
    with code:
        file = code.files()["new.py"]
        other = code.files()["train.py"]
        name = project.path / ".xt/code.git/objects" / file.oid[:2] / file.oid[2:]
        name.chmod(0o644)
        held = name.read_bytes()
        name.write_bytes(
            (project.path / ".git/objects" / other.oid[:2] / other.oid[2:]).read_bytes()
        )  # another object under its name
        with pytest.raises((DamagedError, NotRecordedError)):
            content(code, file)
        assert content(code, other) == b"print('training')\n", "the next one is not affected"
    name.unlink()
    code, _ = opened(project)
    with code:
        with pytest.raises(NotRecordedError, match=r"`new\.py` is not to be had here"):
            content(code, file)
        name.write_bytes(held)
        assert content(code, file) == b"new\n"


def test_an_input_comes_from_the_store_or_the_code(project):
    project.write("data/a.csv", "committed\n")
    project.write("prompts.md", "Answer.\n")
    project.write(".gitignore", "ignored.csv\n")
    project.write("ignored.csv", "away\n")
    project.sh("git add -A && git commit -qm data")
    ran = project.run("-q", "-i", "data/a.csv", "-i", "prompts:prompts.md", "-i", "ignored.csv", "--", "true")
    assert ran.code == 0, ran.err
    recorded = {item["path"]: item["digest"] for item in project.record()["snapshot"]["inputs"]}
    project.sh("rm -r data prompts.md ignored.csv")
    code, contents = opened(project)
    with code:
        assert b"".join(contents.pieces(recorded["data/a.csv"], "data/a.csv")) == b"committed\n"
        assert b"".join(contents.pieces(recorded["prompts.md"], "prompts.md")) == b"Answer.\n"
        assert contents.pieces(recorded["ignored.csv"], "ignored.csv") is None
        assert contents.pieces(recorded["data/a.csv"], "train.py") is None, "another content is not it"
        assert contents.pieces(codec.digest(b"?"), "../../etc/passwd") is None
        with pytest.raises(DamagedError):
            contents.pieces("blake3:../../x", "data/a.csv")


def test_no_git_is_left_running(project):
    assert project.run("-q", "--", "true").code == 0
    code, _ = opened(project)
    with code:
        content(code, code.files()["train.py"])
    children = subprocess.run(
        ["ps", "--ppid", str(os.getpid()), "-o", "args="], capture_output=True, text=True, check=False
    )
    assert "cat-file" not in children.stdout
