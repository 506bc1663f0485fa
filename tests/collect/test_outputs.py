from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collect.folder_keeper import FolderKeeper, Project, digest_of
from xt import codec
from xt.collect import inputs, outputs
from xt.collect.hashing import CHANGED
from xt.collect.keeping import DELETED, UNTOUCHED
from xt.errors import StoreError
from xt.model.files import Output, Problem


def run(project: Project, declared: tuple[str, ...], command: str = "") -> tuple[list[Output], list[Problem]]:
    """Declare, run a shell command, collect."""
    before = outputs.declare(project.capture(outputs=declared))
    subprocess.run(["sh", "-ec", command], cwd=project.root, check=True)
    after = project.capture(outputs=declared)
    return outputs.collect(after, before), after.problems


def one(project: Project, declared: str, command: str = "") -> Output:
    ((result,), _) = run(project, (declared,), command)
    return result


def test_nothing_declared_is_nothing_done(project: Project) -> None:
    assert run(project, ()) == ([], [])
    assert not (project.store / "cache").exists()


def test_file(project: Project) -> None:
    found = one(project, "model:out/m.bin", "mkdir out; printf weights > out/m.bin; chmod 640 out/m.bin")
    assert found == Output(
        "model", "out/m.bin", "file", "stored", "out/m.bin", digest_of(b"weights"), 7, 1, 0o640, written=True
    )
    assert project.keep.get(digest_of(b"weights")) == b"weights"


def test_folder(project: Project) -> None:
    command = """
        mkdir -p out/deep out/empty out/.git out/deep/.xt; printf a > out/a; printf b > out/deep/b
        printf no > out/.git/no; printf no > out/deep/.xt/no; ln -s ../secret out/link; printf s > secret
        ln out/a out/hard; chmod 755 out/deep/b out
    """
    found = one(project, "out", command)
    entries = project.manifest(found.digest)
    assert (found.kind, found.status, found.size, found.files, found.mode) == ("tree", "stored", 3, 4, 0o755)
    assert {name: entry.kind for name, entry in entries.items()} == {
        "a": "file", "deep/b": "file", "empty": "dir", "hard": "file", "link": "link",
    }  # fmt: skip
    assert entries["deep/b"].mode == 0o755
    assert (entries["link"].target, entries["link"].digest) == ("../secret", None)
    assert all(project.keep.hold(entry.digest) for entry in entries.values() if entry.digest)
    assert not project.keep.hold(digest_of(b"s")) and not project.keep.hold(digest_of(b"no"))


def test_glob(project: Project) -> None:
    found = one(
        project,
        "report:plots/**/*.txt",
        "mkdir -p plots/a; printf 1 > plots/1.txt; printf 2 > plots/a/2.txt; printf 3 > plots/3",
    )
    assert (found.role, found.kind, found.status, found.path) == ("report", "glob", "stored", "plots")
    assert list(project.manifest(found.digest)) == ["1.txt", "a/2.txt"]
    assert not project.keep.hold(digest_of(b"3"))


def test_an_input_and_an_output_of_the_same_tree_have_the_same_digest(project: Project) -> None:
    made = one(project, "out", "mkdir out; printf x > out/x; printf y > out/y")
    (read,) = inputs.collect(project.capture(("out",)))
    assert read.digest == made.digest


@pytest.mark.parametrize(
    ("declared", "kind", "reason"), [("gone", "file", None), ("gone/*.x", "glob", "matches nothing")]
)
def test_missing(project: Project, declared: str, kind: str, reason: str | None) -> None:
    (found,), problems = run(project, (declared,))
    assert (found.kind, found.status, found.reason, found.digest) == (kind, "missing", reason, None)
    assert [problem.where for problem in problems] == ["outputs"]
    assert f"`{declared}`" in problems[0].message


@pytest.mark.parametrize("declared", ["out", "out/x", "out/*"])
def test_deleted_by_the_command(project: Project, declared: str) -> None:
    (project.root / "out").mkdir()
    (project.root / "out" / "x").write_bytes(b"x")
    (found,), problems = run(project, (declared,), "rm -r out")
    assert (found.status, found.reason) == ("missing", DELETED)
    assert DELETED in problems[0].message


@pytest.mark.parametrize("declared", ["out", "out/x", "out/*", "link"])
def test_not_written_by_this_run(project: Project, declared: str) -> None:
    (project.root / "out").mkdir()
    (project.root / "out" / "x").write_bytes(b"x")
    (project.root / "link").symlink_to("out")
    found = one(project, declared)
    assert found.status == "stored" and UNTOUCHED in (found.reason or "")
    assert project.keep.hold(digest_of(b"x")) == (declared != "link")
    again = one(project, declared, "printf y > out/x; rm link; ln -s out/x link")
    assert UNTOUCHED not in (again.reason or "")


def test_a_rewrite_with_the_same_bytes_and_a_restored_time_counts_as_written(project: Project) -> None:
    path = project.root / "out"
    path.write_bytes(b"same")
    os.utime(path, (1e9, 1e9))
    assert one(project, "out", "printf same > out; touch -d @1000000000 out").reason is None


def test_what_may_have_been_written_in_the_same_tick_is_not_called_untouched(project: Project) -> None:
    project.outside.ahead = timedelta(seconds=-1)  # before the file's own time: nothing is sure
    (project.root / "out").write_bytes(b"x")
    assert one(project, "out").reason is None


def test_partly_written_folders_are_told_apart(project: Project) -> None:
    (project.root / "out").mkdir()
    for name in "abc":
        (project.root / "out" / name).write_bytes(b"x")
    found = one(project, "out", "printf new > out/a; rm out/b; printf d > out/d")
    assert found.reason == f"1 of 3 files {UNTOUCHED}; 1 file {DELETED}"


def test_links_are_kept_as_links(project: Project, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    for target in (str(tmp_path / "secret"), "nowhere", ".", "out"):
        found = one(project, "out", f"ln -sfn '{target}' out")
        assert (found.kind, found.status, found.target, found.digest) == ("link", "stored", target, None)
    assert project.keep.files == []


def test_special_files_are_skipped_and_never_opened(project: Project) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(project.root)
        try:
            server.bind("socket")
        finally:
            os.chdir(here)
        (fifo, sock, device, tree), problems = run(
            project,
            ("fifo", "socket", "/dev/zero", "tree"),
            "mkfifo fifo; mkdir tree; mkfifo tree/fifo; printf x > tree/x",
        )
    for found, kind in ((fifo, "fifo"), (sock, "socket"), (device, "device")):
        assert (found.status, found.reason) == ("skipped", f"a {kind}, not read")
    assert project.manifest(tree.digest)["fifo"].kind == "fifo"
    assert tree.status == "partial" and len(problems) == 4


class FailingKeeper(FolderKeeper):
    """A store in which some files cannot be kept."""

    fail: Callable[[str], BaseException | None] = staticmethod(lambda _: None)

    def put_file(self, path: str, told: Callable[[int], object] | None = None) -> tuple[str, int, bool]:
        if error := self.fail(path):
            raise error
        return super().put_file(path, told)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EACCES, "no"), "EACCES"),
        (OSError(errno.ENOSPC, "full"), "ENOSPC"),
        (OSError(errno.EIO, "bad"), "EIO"),
        (StoreError("the store is broken"), "the store is broken"),
    ],
)
def test_one_file_that_cannot_be_kept_does_not_cost_the_others(
    project: Project, error: BaseException, said: str
) -> None:
    project.keep = FailingKeeper(project.keep.folder)
    project.keep.fail = lambda path: error if path.endswith("bad") else None
    (tree, file), problems = run(
        project, ("out", "out/bad"), "mkdir out; printf b > out/bad; printf g > out/good"
    )
    entries = project.manifest(tree.digest)
    assert tree.status == "partial" and entries["good"].digest == digest_of(b"g")
    assert entries["bad"].digest is None and said in (entries["bad"].note or "")
    assert said in (tree.reason or "")
    assert (file.status, file.digest) == ("skipped", None) and said in (file.reason or "")
    assert len(problems) == 2
    project.keep.fail = lambda path: None
    assert project.manifest(one(project, "out").digest)["bad"].digest == digest_of(b"b")


def test_a_manifest_that_cannot_be_kept_is_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(data: bytes) -> str:
        raise OSError(errno.ENOSPC, "full")

    (project.root / "out").mkdir()
    monkeypatch.setattr(project.keep, "put_bytes", full)
    found = one(project, "out")
    assert found.status == "skipped" and "ENOSPC" in (found.reason or "")


def test_a_file_that_is_still_written_to_is_said(project: Project) -> None:
    class Slow(FolderKeeper):
        def put_file(self, path: str, told: Callable[[int], object] | None = None) -> tuple[str, int, bool]:
            digest, size, _ = super().put_file(path, told)
            with Path(path).open("ab") as file:
                file.write(b"more")
            return digest, size, True

    project.keep = Slow(project.keep.folder)
    (found,), problems = run(project, ("out",), "printf x > out")
    assert (found.status, found.reason, found.digest, found.size) == ("stored", CHANGED, digest_of(b"x"), 1)
    assert len(problems) == 1
    project.keep = FolderKeeper(project.keep.folder)
    assert one(project, "out").digest == digest_of(b"xmore")


def test_a_file_rewritten_just_after_it_was_kept_is_not_remembered(project: Project) -> None:
    class Overtaken(FolderKeeper):
        def put_file(self, path: str, told: Callable[[int], object] | None = None) -> tuple[str, int, bool]:
            result = super().put_file(path, told)
            Path(path).write_bytes(b"Y")
            return result

    whole = project.keep
    project.keep = Overtaken(whole.folder)
    assert one(project, "out", "printf x > out").digest == digest_of(b"x")
    project.keep = whole
    assert one(project, "out").digest == digest_of(b"Y")


def test_a_file_replaced_just_before_it_is_kept_has_the_size_of_what_was_kept(project: Project) -> None:
    class Overtaken(FolderKeeper):
        def put_file(self, path: str, told: Callable[[int], object] | None = None) -> tuple[str, int, bool]:
            Path(path).write_bytes(b"longer")
            return super().put_file(path, told)

    project.keep = Overtaken(project.keep.folder)
    (tree, file), _ = run(project, ("out", "out/x"), "mkdir out; printf x > out/x")
    assert project.manifest(tree.digest)["x"].size == file.size == 6
    assert project.manifest(tree.digest)["x"].digest == file.digest == digest_of(b"longer")


def test_what_did_not_change_is_not_read_again_unless_the_store_lost_it(project: Project) -> None:
    first = one(project, "out", "mkdir out; printf a > out/a; printf b > out/b")
    project.keep.files.clear()
    second = one(project, "out", "printf c > out/c")
    assert project.keep.files == [str(project.root / "out" / "c")]
    project.keep.path(digest_of(b"a")).unlink()
    project.keep.files.clear()
    third = one(project, "out")
    assert project.keep.files == [str(project.root / "out" / "a")]
    assert first.digest != second.digest == third.digest
    assert project.keep.hold(digest_of(b"a"))


def test_an_input_read_before_is_kept_when_it_is_an_output(project: Project) -> None:
    (project.root / "d").mkdir()
    (project.root / "d" / "x").write_bytes(b"x")
    inputs.collect(project.capture(("d",)))
    assert one(project, "d").status == "stored"
    assert project.keep.hold(digest_of(b"x"))


def test_overlapping_declarations_keep_a_large_file_once(project: Project) -> None:
    declared = ("out", "model:out/m", "out/m", "./out", "artifact:out/../out")
    found, _ = run(project, declared, "mkdir out; head -c 2000000 /dev/zero > out/m")
    assert [(item.role, item.kind) for item in found] == [
        ("artifact", "tree"),
        ("model", "file"),
        ("artifact", "file"),
    ]
    assert len(project.keep.files) == 1


def test_a_file_that_becomes_a_folder(project: Project) -> None:
    (project.root / "out").write_bytes(b"x")
    found = one(project, "out", "rm out; mkdir out; printf y > out/y")
    assert (found.kind, found.status, found.reason) == ("tree", "stored", None)


def test_impossible_paths(project: Project) -> None:
    found, problems = run(project, ("", "a\0b", "x" * 300))
    assert [item.status for item in found] == ["missing", "missing", "skipped"]
    assert len(problems) == 3
    codec.encode(found)


names = st.binary(min_size=1, max_size=40).filter(
    lambda b: b"/" not in b and b"\0" not in b and b not in (b".", b"..", b".git", b".xt")
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(names, st.binary(max_size=20), min_size=1, max_size=5))
def test_any_file_name_is_kept_byte_for_byte(project: Project, files: dict[bytes, bytes]) -> None:
    out = project.root / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    for name, content in files.items():
        (out / os.fsdecode(name)).write_bytes(content)
    found = one(project, "out")
    assert codec.encode(found)
    entries = project.manifest(found.digest)
    assert {
        os.fsencode(name): project.keep.get(entry.digest or "") for name, entry in entries.items()
    } == files
    for name, content in files.items():
        single = one(project, "out/" + os.fsdecode(name))
        assert single.digest == digest_of(content)


def test_many_small_outputs(project: Project) -> None:
    found = one(project, "out", "mkdir out; cd out; for i in $(seq 500); do echo $i > f$i; done")
    assert (found.status, found.files) == ("stored", 500)
    assert len(project.keep.files) == 500
