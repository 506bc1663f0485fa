from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collect.folder_keeper import Project, digest_of
from xt.collect import hashing, inputs
from xt.collect.statcache import COARSE_TICK, TICK, settled
from xt.model.files import Input


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, project: Project) -> Iterator[Callable[[], list[str]]]:
    """Names of the project's files that were opened since the last call."""
    paths: list[str] = []
    real = hashing.fsio.open_regular

    def spy(path: str) -> int:
        if "/.xt/" not in path:
            paths.append(os.path.basename(path))
        return real(path)

    monkeypatch.setattr(hashing.fsio, "open_regular", spy)

    def drain() -> list[str]:
        found = sorted(paths)
        paths.clear()
        return found

    yield drain


def one(project: Project, declared: str) -> Input:
    (result,) = inputs.collect(project.capture((declared,)))
    return result


@pytest.fixture
def tree(project: Project) -> Path:
    tree = project.root / "tree"
    (tree / "sub").mkdir(parents=True)
    for name in ("a", "b", "sub/c"):
        (tree / name).write_bytes(name.encode())
    (tree / "link").symlink_to("a")
    return tree


@pytest.mark.parametrize("declared", ["tree", "tree/**", "tree/a"])
def test_what_did_not_change_is_not_read_again(
    project: Project, tree: Path, opened: Callable[[], list[str]], declared: str
) -> None:
    first = one(project, declared)
    assert opened()
    assert one(project, declared) == first
    assert opened() == []


def test_only_what_changed_is_read_again(
    project: Project, tree: Path, opened: Callable[[], list[str]]
) -> None:
    first = one(project, "tree")
    opened()
    (tree / "sub" / "c").write_bytes(b"C")
    (tree / "new").write_bytes(b"n")
    (tree / "b").unlink()
    second = one(project, "tree")
    assert opened() == ["c", "new"]
    entries = project.manifest(second.digest)
    assert list(entries) == ["a", "link", "new", "sub/c"]
    assert entries["sub/c"].digest == digest_of(b"C")
    assert second.digest != first.digest


def test_a_changed_mode_changes_the_manifest(project: Project, tree: Path) -> None:
    first = one(project, "tree")
    (tree / "a").chmod(0o755)
    assert project.manifest(one(project, "tree").digest)["a"].mode == 0o755
    assert first.digest != one(project, "tree").digest


def test_an_empty_folder_that_comes_or_goes_is_noticed(project: Project, tree: Path) -> None:
    first = one(project, "tree").digest
    (tree / "sub" / "empty").mkdir()
    second = one(project, "tree").digest
    assert second != first
    (tree / "sub" / "empty").rmdir()
    assert one(project, "tree").digest == first


def test_a_retargeted_link_is_noticed(project: Project, tree: Path) -> None:
    one(project, "tree")
    (tree / "link").unlink()
    (tree / "link").symlink_to("b")
    assert project.manifest(one(project, "tree").digest)["link"].target == "b"


def test_same_size_and_restored_mtime_are_caught_by_ctime(project: Project, tree: Path) -> None:
    one(project, "tree")
    before = (tree / "a").stat()
    with (tree / "a").open("r+b") as file:
        file.write(b"A")
    os.utime(tree / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    after = (tree / "a").stat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (
        before.st_ino,
        before.st_size,
        before.st_mtime_ns,
    )
    assert project.manifest(one(project, "tree").digest)["a"].digest == digest_of(b"A")


def test_racy_rewrites_are_never_missed(project: Project, tree: Path) -> None:
    """Same size, as fast as can be after the hash: every content is seen (A23, A23b)."""
    project.outside.ahead = timedelta()
    path = tree / "a"
    for turn in range(300):
        content = b"%06d" % turn
        with path.open("r+b") as file:
            file.write(content)
        if turn == 0:
            path.write_bytes(content)
        info = path.stat()
        os.utime(path, ns=(info.st_atime_ns, 10**18))
        assert one(project, "tree/a").digest == digest_of(content)


def test_a_file_as_young_as_the_reading_is_not_trusted(
    project: Project, tree: Path, opened: Callable[[], list[str]]
) -> None:
    newest = max(path.lstat().st_ctime_ns for path in tree.rglob("*"))
    now = project.outside.now().timestamp() - project.outside.ahead.total_seconds()
    project.outside.ahead = timedelta(seconds=newest / 1e9 - now)  # the clock stands where the last write was
    first = one(project, "tree")
    opened()
    (tree / "sub").chmod(0o700)
    assert one(project, "tree").digest == first.digest
    assert opened() == ["a", "b", "c"]


def test_a_file_dated_in_the_future_is_never_trusted(
    project: Project, tree: Path, opened: Callable[[], list[str]]
) -> None:
    os.utime(tree / "a", (4e9, 4e9))
    for _ in range(3):
        one(project, "tree")
        assert "a" in opened()
    assert opened() == []


def test_a_clock_that_was_set_back_invalidates_what_is_remembered(
    project: Project, tree: Path, opened: Callable[[], list[str]]
) -> None:
    project.outside.ahead = timedelta(hours=2)
    one(project, "tree")
    opened()
    project.outside.ahead = timedelta(hours=1)
    one(project, "tree")
    assert opened() == ["a", "b", "c"]


def test_the_racy_rule_knows_coarse_clocks() -> None:
    began = 10**18
    fine, coarse = began - TICK - 1, began - COARSE_TICK
    assert settled((1, 1, fine, fine, 0), began)
    assert not settled((1, 1, fine, fine + 1, 0), began)
    assert not settled((1, 1, fine + 1, fine, 0), began)
    assert not settled((1, 1, 0, coarse, 0), began)
    assert settled((1, 1, 0, coarse - 10_000_000, 0), began)


def _cache_files(project: Project) -> list[Path]:
    return sorted((project.store / "cache" / "stat").iterdir())


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_cache_is_never_believed(project: Project, tree: Path, data: st.DataObject) -> None:
    expected = one(project, "tree")
    (file,) = _cache_files(project)
    whole = bytearray(file.read_bytes())
    how = data.draw(st.sampled_from(["flip", "cut", "garbage", "grow", "empty"]))
    if how == "flip":
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] ^= data.draw(st.integers(1, 255))
    elif how == "cut":
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    elif how == "garbage":
        whole[:] = data.draw(st.binary(max_size=200))
    elif how == "grow":
        whole += data.draw(st.binary(min_size=1, max_size=20))
    else:
        whole.clear()
    file.write_bytes(whole)
    assert one(project, "tree") == expected
    assert one(project, "tree") == expected


@pytest.mark.parametrize("how", ["gone", "folder", "link", "fifo", "unwritable"])
def test_a_cache_that_is_no_file_is_worked_around(
    project: Project, tree: Path, tmp_path: Path, how: str
) -> None:
    expected = one(project, "tree")
    (file,) = _cache_files(project)
    file.unlink()
    if how == "gone":
        shutil.rmtree(project.store / "cache")
    elif how == "folder":
        file.mkdir()
    elif how == "link":
        file.symlink_to(tmp_path / "victim")
    elif how == "fifo":
        os.mkfifo(file)
    else:
        shutil.rmtree(project.store / "cache")
        (project.store / "cache").write_bytes(b"")
    assert one(project, "tree") == expected
    assert one(project, "tree") == expected
    assert not (tmp_path / "victim").exists()


def test_a_manifest_that_left_the_store_is_kept_anew(
    project: Project, tree: Path, opened: Callable[[], list[str]]
) -> None:
    first = one(project, "tree")
    assert first.digest is not None
    project.keep.path(first.digest).unlink()
    opened()
    assert one(project, "tree") == first
    assert project.keep.hold(first.digest)
    assert opened() == []


def test_cache_files_do_not_pile_up(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xt.collect.statcache.MOST", 10)
    for number in range(40):
        (project.root / f"f{number}").write_bytes(b"x")
        one(project, f"f{number}")
    assert 0 < len(_cache_files(project)) <= 10


def test_writers_that_race_lose_nothing_but_time(project: Project, tree: Path) -> None:
    results: list[Input] = []
    failures: list[BaseException] = []

    def collect() -> None:
        try:
            results.extend(one(project, "tree") for _ in range(20))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=collect) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len({result.digest for result in results}) == 1 and len(results) == 120
    assert not [path for path in _cache_files(project) if path.name.endswith(".tmp")]


operations = st.lists(
    st.tuples(
        st.sampled_from(["write", "same", "unlink", "mkdir", "link", "chmod", "touch", "rename"]),
        st.integers(0, 5),
        st.integers(0, 5),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(operations, min_size=1, max_size=4))
def test_remembering_never_changes_the_answer(
    project: Project, rounds: list[list[tuple[str, int, int]]]
) -> None:
    project.outside.ahead = timedelta()
    tree = project.root / "model"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    for operations_of_round in rounds:
        for operation, first, second in operations_of_round:
            _apply(tree, operation, tree / f"d{first % 2}" / f"f{first}", tree / f"f{second}", second)
        remembered = one(project, "model")
        aside = project.store / "cache"
        aside.rename(project.store / "aside")
        fresh = one(project, "model")
        shutil.rmtree(aside)
        (project.store / "aside").rename(aside)
        assert remembered == fresh


def _apply(tree: Path, operation: str, path: Path, other: Path, number: int) -> None:
    path.parent.mkdir(exist_ok=True)
    if operation == "write" and not path.is_symlink() and not path.is_dir():
        path.write_bytes(b"x" * number)
    elif operation == "same" and path.is_file() and not path.is_symlink():
        info = path.stat()
        path.write_bytes(bytes([65 + number]) * info.st_size)
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    elif operation == "unlink" and (path.is_symlink() or path.is_file()):
        path.unlink()
    elif operation == "mkdir" and not path.exists() and not path.is_symlink():
        path.mkdir()
    elif operation == "link" and not path.exists() and not path.is_symlink():
        path.symlink_to(other)
    elif operation == "chmod" and path.exists() and not path.is_symlink():
        path.chmod(0o700 + number)
    elif operation == "touch" and path.is_file() and not path.is_symlink():
        os.utime(path)
    elif operation == "rename" and path.is_file() and not path.is_symlink() and not other.is_dir():
        path.replace(other)
