from __future__ import annotations

import os
import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collect.folder_keeper import Project, digest_of
from tests.collect.gitcase import as_nobody, own
from xt import codec
from xt.collect import hashing, inputs, mapped
from xt.errors import NotStartedError
from xt.model.files import Input
from xt.model.text import from_text


def one(project: Project, *declared: str) -> Input:
    (result,) = inputs.collect(project.capture(declared))
    return result


def test_nothing_declared_is_nothing_done(project: Project) -> None:
    assert inputs.collect(project.capture()) == []
    assert not (project.store / "cache").exists()


def test_file(project: Project) -> None:
    (project.root / "data.csv").write_bytes(b"a,b\n")
    found = one(project, "model:data.csv")
    assert found == Input("model", "data.csv", "file", "verified", "data.csv", digest_of(b"a,b\n"), 4, 1)


def test_content_of_data_is_not_stored_but_that_of_prompts_is(project: Project) -> None:
    for name in ("data.txt", "prompt.txt", ".env", "picture.bin"):
        (project.root / name).write_bytes(name.encode() + (b"\0" if name == "picture.bin" else b""))
    inputs.collect(project.capture(("data.txt", "prompts:prompt.txt", "config:.env", "harness:picture.bin")))
    assert project.keep.get(digest_of(b"prompt.txt")) == b"prompt.txt"
    for content in (b"data.txt", b".env", b"picture.bin\0"):
        assert not project.keep.hold(digest_of(content))


def test_a_prompt_that_was_read_before_as_data_is_still_kept(project: Project) -> None:
    (project.root / "p.txt").write_bytes(b"Say hello")
    one(project, "p.txt")
    one(project, "prompts:p.txt")
    assert project.keep.hold(digest_of(b"Say hello"))


def test_large_texts_are_not_kept(project: Project) -> None:
    (project.root / "p").mkdir()
    (project.root / "p" / "large.txt").write_bytes(b"x" * 1_000_001)
    (project.root / "p" / "small.txt").write_bytes(b"y")
    one(project, "prompts:p")
    assert project.keep.files == [str(project.root / "p" / "small.txt")]


def test_folder(project: Project) -> None:
    data = project.root / "data"
    (data / "deep" / "er").mkdir(parents=True)
    (data / "empty").mkdir(mode=0o750)
    (data / "deep" / "er" / "x").write_bytes(b"x")
    (data / "a.sh").write_bytes(b"echo")
    (data / "a.sh").chmod(0o4755)
    (data / "B").write_bytes(b"")
    (data / "inner").symlink_to("a.sh")
    for hidden in (".git", ".xt", "deep/.git"):
        (data / hidden).mkdir()
        (data / hidden / "no").write_bytes(b"no")
    found = one(project, "data/")
    entries = project.manifest(found.digest)
    assert (found.kind, found.status, found.path, found.size, found.files) == (
        "tree",
        "verified",
        "data",
        5,
        4,
    )
    assert list(entries) == ["B", "a.sh", "deep/er/x", "empty", "inner"]
    assert entries["a.sh"].mode == 0o755
    assert entries["a.sh"].digest == digest_of(b"echo")
    assert (entries["empty"].kind, entries["empty"].mode) == ("dir", 0o750)
    assert (entries["inner"].kind, entries["inner"].target, entries["inner"].digest) == ("link", "a.sh", None)
    assert entries["B"].digest == digest_of(b"")


def test_the_same_content_elsewhere_has_the_same_digest(project: Project) -> None:
    for name in ("one", "two"):
        (project.root / name).mkdir()
        for file in ("b", "a", "c"):
            (project.root / name / file).write_bytes(file.encode())
            (project.root / name / file).chmod(0o600)
    first, second = inputs.collect(project.capture(("one", "two")))
    assert first.digest == second.digest
    (project.root / "two" / "c").chmod(0o700)
    assert one(project, "two").digest != first.digest


def test_missing_inputs_are_all_named_in_one_line(project: Project) -> None:
    (project.root / "there").write_bytes(b"")
    with pytest.raises(NotStartedError) as caught:
        inputs.collect(
            project.capture(("gone.csv", "there", "no/*.json", "bad\n\x1b[31mname", "file:/no/such"))
        )
    message = caught.value.message
    assert "\n" not in message and "\x1b" not in message
    assert all(
        name in message for name in ("`gone.csv`", "`no/*.json` (matches nothing)", "name`", "file:/no/such")
    )
    assert "there" not in message
    assert caught.value.exit_status == 125
    assert str(project.root) in (caught.value.hint or "")


@pytest.mark.parametrize("declared", ["", "nul\0byte", "x" * 300, "there/below"])
def test_impossible_paths_are_missing_or_said(project: Project, declared: str) -> None:
    (project.root / "there").write_bytes(b"")
    capture = project.capture((declared,))
    try:
        (found,) = inputs.collect(capture)
    except NotStartedError:
        return
    assert found.status == "unverified" and "ENAMETOOLONG" in (found.reason or "")


def test_a_link_stands_for_what_it_points_to(project: Project) -> None:
    (project.root / "v3").mkdir()
    (project.root / "v3" / "x").write_bytes(b"x")
    (project.root / "latest").symlink_to("v3")
    (project.root / "link.csv").symlink_to("v3/x")
    tree, file, plain = inputs.collect(project.capture(("latest", "link.csv", "v3")))
    assert (tree.kind, tree.path, tree.digest) == ("tree", "latest", plain.digest)
    assert tree.reason == "a link to `v3`"
    assert (file.digest, file.reason, file.status) == (digest_of(b"x"), "a link to `v3/x`", "verified")


@pytest.mark.parametrize(("target", "said"), [("nowhere", "does not exist"), ("loop", "circle")])
def test_a_link_to_nothing_is_missing(project: Project, target: str, said: str) -> None:
    (project.root / "loop").symlink_to(target)
    with pytest.raises(NotStartedError, match=said):
        one(project, "loop")


def test_links_out_of_a_tree_are_known_by_content(project: Project) -> None:
    """Caches of DVC and of the hub fill a folder with links."""
    blob = project.root / "blobs" / "b1"
    blob.parent.mkdir()
    blob.write_bytes(b"weights")
    model = project.root / "model"
    model.mkdir()
    (model / "weights.bin").symlink_to("../blobs/b1")
    (model / "absolute.bin").symlink_to(blob)
    found = one(project, "model")
    entry = project.manifest(found.digest)["weights.bin"]
    assert (entry.kind, entry.target, entry.digest, entry.size) == (
        "link",
        "../blobs/b1",
        digest_of(b"weights"),
        7,
    )
    assert (found.status, found.files, found.size) == ("verified", 2, 14)
    assert one(project, "model") == found
    blob.write_bytes(b"WEIGHTS")
    changed = one(project, "model")
    assert changed.digest != found.digest
    assert project.manifest(changed.digest)["absolute.bin"].digest == digest_of(b"WEIGHTS")


def test_links_out_of_a_tree_to_no_file_are_said(project: Project) -> None:
    (project.root / "other").mkdir()
    tree = project.root / "tree"
    tree.mkdir()
    (tree / "folder").symlink_to("../other")
    (tree / "broken").symlink_to("../nothing")
    (tree / "self").symlink_to(".")
    (tree / "up").symlink_to("..")
    capture = project.capture(("tree",))
    (found,) = inputs.collect(capture)
    entries = project.manifest(found.digest)
    assert found.status == "unverified"
    assert {name: entry.kind for name, entry in entries.items()} == dict.fromkeys(
        ("broken", "folder", "self", "up"), "link"
    )
    assert "ENOENT" in (entries["broken"].note or "")
    assert "not followed" in (entries["folder"].note or "")
    assert entries["self"].note is None
    assert len(capture.problems) == 1


def test_special_files_are_named_and_never_read(project: Project) -> None:
    tree = project.root / "tree"
    tree.mkdir()
    os.mkfifo(tree / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(tree)  # the path of a socket is limited to 108 bytes
        try:
            server.bind("socket")
        finally:
            os.chdir(here)
        (tree / "zero").symlink_to("/dev/zero")
        found = one(project, "tree")
        entries = project.manifest(found.digest)
        assert (entries["fifo"].kind, entries["socket"].kind) == ("fifo", "socket")
        assert "not followed" in (entries["zero"].note or "")
        for name, kind in (("fifo", "fifo"), ("socket", "socket"), ("zero", "device")):
            special = one(project, f"tree/{name}")
            assert (special.status, special.digest) == ("unverified", None)
            assert f"a {kind}, not read" in (special.reason or "")


def test_a_file_of_proc_is_read_although_its_size_is_zero(project: Project) -> None:
    found = one(project, "/proc/self/cmdline")
    assert found.digest == digest_of(Path("/proc/self/cmdline").read_bytes())
    assert found.path == "/proc/self/cmdline" or (found.path or "").endswith("cmdline")


def test_unreadable_files_are_listed_and_the_rest_is_read(project: Project) -> None:
    tree = project.root / "tree"
    (tree / "closed").mkdir(parents=True)
    (tree / "open").write_bytes(b"x")
    (tree / "secret").write_bytes(b"x")
    own(project.root)
    (tree / "secret").chmod(0)
    (tree / "closed").chmod(0)

    def look() -> tuple[list[Input], list[str], dict[str, tuple[str, str | None]]]:
        capture = project.capture(("tree", "tree/secret"))
        found = inputs.collect(capture)
        entries = project.manifest(found[0].digest)
        kinds = {name: (entry.kind, entry.note) for name, entry in entries.items()}
        return found, [problem.where for problem in capture.problems], kinds

    try:
        (whole, file), problems, entries = as_nobody(look)
    finally:
        (tree / "closed").chmod(0o700)
    assert {name: kind for name, (kind, _) in entries.items()} == {
        "closed": "unreadable",
        "open": "file",
        "secret": "unreadable",
    }
    assert whole.status == file.status == "unverified"
    assert "EACCES" in (entries["secret"][1] or "") and "EACCES" in (file.reason or "")
    assert problems == ["inputs", "inputs"]


def test_a_vanished_folder_is_noted(project: Project) -> None:
    """A path of the tree that cannot be looked at is listed with the system's error."""
    tree = project.root / "tree"
    deep = tree
    fd = os.open(project.root, os.O_RDONLY)
    try:
        os.mkdir("tree", dir_fd=fd)
        here = os.open("tree", os.O_RDONLY, dir_fd=fd)
        for _ in range(20):  # beyond PATH_MAX: each step is relative to the one before
            os.mkdir("d" * 250, dir_fd=here)
            below = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)
    finally:
        os.close(fd)
    found = one(project, str(deep))
    (entry,) = project.manifest(found.digest).values()
    assert entry.kind == "unreadable" and "ENAMETOOLONG" in (entry.note or "")


names = st.binary(min_size=1, max_size=40).filter(
    lambda b: b"/" not in b and b"\0" not in b and b not in (b".", b"..", b".git", b".xt")
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(names, st.binary(max_size=20), min_size=1, max_size=6), st.data())
def test_any_file_name_comes_back_byte_for_byte(
    project: Project, files: dict[bytes, bytes], data: st.DataObject
) -> None:
    root = project.root / f"t{len(list(project.root.iterdir()))}"
    root.mkdir()
    for name, content in files.items():
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(content)
    found = one(project, root.name)
    assert codec.encode(found)
    entries = project.manifest(found.digest)
    assert {os.fsencode(name): entry.digest for name, entry in entries.items()} == {
        name: digest_of(content) for name, content in files.items()
    }
    assert one(project, root.name) == found
    name = data.draw(st.sampled_from(sorted(files)))
    declared = "./" + root.name + "/" + os.fsdecode(name)
    single = one(project, declared)
    assert single.digest == digest_of(files[name])
    assert single.declared is not None and from_text(single.declared) == declared
    assert single.path is not None and from_text(single.path) == root.name + "/" + os.fsdecode(name)


def test_names_of_255_bytes_and_pathspec_magic(project: Project) -> None:
    for name in (":(glob)x", "-rf", "n" * 255, "a\tb\nc", "[x]", "*"):
        (project.root / name).write_bytes(name.encode())
        assert one(project, name).digest == digest_of(name.encode())
    (project.root / "x").write_bytes(b"matched by the pattern only")
    assert one(project, "[x]").digest == digest_of(b"[x]")


class TestGlobs:
    @pytest.fixture(autouse=True)
    def files(self, project: Project) -> None:
        for name in (
            "p/a.md",
            "p/b.md",
            "p/.hid.md",
            "p/s/c.md",
            "p/s/t/d.md",
            "p/s/t/e.txt",
            "p/.h/f.md",
            "p/.git/g.md",
            "p/d.md/x",
        ):
            path = project.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode())
        (project.root / "p" / "l.md").symlink_to("s")

    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ("p/*.md", ["a.md", "b.md", "d.md/x", "l.md"]),
            ("p/?.md", ["a.md", "b.md", "d.md/x", "l.md"]),
            ("p/[!ad].md", ["b.md", "l.md"]),
            ("p/.*.md", [".hid.md"]),
            ("p/**/*.md", ["a.md", "b.md", "d.md/x", "l.md", "s/c.md", "s/t/d.md"]),
            ("p/**", ["a.md", "b.md", "d.md/x", "l.md", "s/c.md", "s/t/d.md", "s/t/e.txt"]),
            ("p/*/t/*", ["s/t/d.md", "s/t/e.txt"]),
            ("p/**/t/**/*.md", ["s/t/d.md"]),
            ("p/*/*/", ["d.md/x", "s/c.md", "s/t/d.md", "s/t/e.txt"]),
            ("./p//s/*.md", ["c.md"]),
        ],
    )
    def test_patterns(self, project: Project, pattern: str, expected: list[str]) -> None:
        found = one(project, pattern)
        assert found.kind == "glob"
        assert list(project.manifest(found.digest)) == expected
        assert found.files == len(expected)
        assert one(project, pattern) == found

    def test_a_glob_notices_a_new_match(self, project: Project) -> None:
        before = one(project, "p/s/*.md")
        (project.root / "p/s/new.md").write_bytes(b"new")
        after = one(project, "p/s/*.md")
        assert before.path == after.path == "p/s"
        assert list(project.manifest(after.digest)) == ["c.md", "new.md"]

    def test_non_ascii(self, project: Project) -> None:
        (project.root / "p" / "ä.json").write_bytes(b"1")
        (project.root / "p" / os.fsdecode(b"\xff.json")).write_bytes(b"2")
        assert len(project.manifest(one(project, "p/?.json").digest)) == 2
        assert list(project.manifest(one(project, "p/[äö].json").digest)) == ["ä.json"]


def test_duplicates_collapse_but_roles_do_not(project: Project) -> None:
    (project.root / "d").mkdir()
    (project.root / "d" / "x").write_bytes(b"x")
    found = inputs.collect(
        project.capture(
            ("d", "./d/", "d/../d", str(project.root / "d"), "config:d", "d/*", "d/*", "s3://b/k", "s3://b/k")
        )
    )
    assert [(item.role, item.kind) for item in found] == [
        ("data", "tree"),
        ("config", "tree"),
        ("data", "glob"),
        ("data", "uri"),
    ]


def test_paths_are_relative_to_the_root_inside_it_and_absolute_outside(
    project: Project, tmp_path: Path
) -> None:
    sub = project.root / "sub"
    sub.mkdir()
    (sub / "x").write_bytes(b"x")
    (tmp_path / "home" / "y").write_bytes(b"y")
    (tmp_path / "alias").symlink_to(project.root)
    capture = project.capture(("x", "../sub/x", "~/y", "../../home/y"), base=sub)
    assert [item.path for item in inputs.collect(capture)] == ["sub/x", str(tmp_path / "home" / "y")]
    assert one(project, str(tmp_path / "alias" / "sub" / "x")).path == "sub/x"


def test_the_parent_of_a_link_is_that_of_its_target(project: Project) -> None:
    (project.root / "a" / "b").mkdir(parents=True)
    (project.root / "a" / "x").write_bytes(b"right")
    (project.root / "x").write_bytes(b"wrong")
    (project.root / "link").symlink_to("a/b")
    assert one(project, "link/../x").digest == digest_of(b"right")


def test_file_urls_are_paths(project: Project) -> None:
    path = project.root / "mit Leerzeichen.csv"
    path.write_bytes(b"x")
    for url in (
        f"file://{project.root}/mit%20Leerzeichen.csv",
        f"file://localhost{project.root}/mit%20Leerzeichen.csv",
    ):
        found = one(project, url)
        assert (found.kind, found.status, found.path, found.digest) == (
            "file",
            "verified",
            path.name,
            digest_of(b"x"),
        )
    other = one(project, "file://elsewhere/x")
    assert (other.kind, other.status) == ("uri", "unverified")


def test_a_file_that_is_written_to_all_the_time_is_said_and_not_remembered(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer appends between every read and the stat after it (A22)."""
    path = project.root / "log"
    path.write_bytes(b"x" * 1000)
    real = os.read
    reads = []

    def read_and_append(fd: int, size: int) -> bytes:
        data = real(fd, size)
        if os.fstat(fd).st_ino == path.stat().st_ino:
            reads.append(size)
            with path.open("ab") as more:
                more.write(b"y")
        return data

    monkeypatch.setattr(hashing.os, "read", read_and_append)
    capture = project.capture(("log",))
    (found,) = inputs.collect(capture)
    monkeypatch.undo()
    assert len(reads) == hashing.ATTEMPTS
    assert found.status == "unverified" and found.reason == hashing.CHANGED
    assert found.digest == digest_of(b"x" * 1000 + b"yy")  # of what was read last
    assert capture.problems[0].where == "inputs"
    assert one(project, "log").digest == digest_of(path.read_bytes())
    assert one(project, "log").status == "verified"


def test_a_file_that_settles_is_read_again_and_right(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project.root / "late"
    path.write_bytes(b"before")
    real = os.read

    def read_and_rewrite(fd: int, size: int) -> bytes:
        data = real(fd, size)
        if data == b"before":
            info = path.stat()
            path.write_bytes(b"behind")
            os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
        return data

    monkeypatch.setattr(hashing.os, "read", read_and_rewrite)
    found = one(project, "late")
    assert (found.status, found.digest) == ("verified", digest_of(b"behind"))


def test_a_real_writer_never_makes_a_torn_digest_pass_for_true(project: Project) -> None:
    """Whatever is called verified is one of the two contents that were ever there whole."""
    path = project.root / "flip"
    contents = (b"a" * 3_000_000, b"b" * 3_000_000)
    path.write_bytes(contents[0])
    stop = threading.Event()

    def write() -> None:
        turn = 0
        while not stop.is_set():
            turn ^= 1
            temporary = path.with_name("temporary")
            temporary.write_bytes(contents[turn])
            temporary.replace(path)
            with path.open("r+b") as file:
                file.write(contents[turn ^ 1][:1000])
                file.seek(0)
                file.write(contents[turn][:1000])

    project.outside.ahead = timedelta()
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(20):
            found = one(project, "flip")
            if found.status == "unverified":
                assert found.reason == hashing.CHANGED
    finally:
        stop.set()
        writer.join()
    assert one(project, "flip").digest == digest_of(path.read_bytes())


def test_a_huge_sparse_file_is_not_read(project: Project) -> None:
    with (project.root / "huge").open("wb") as file:
        file.truncate(1 << 42)
    found = one(project, "huge")
    assert (found.status, found.digest, found.size) == ("unverified", None, 1 << 42)
    assert "holes" in (found.reason or "")
    with (project.root / "huge").open("r+b") as file:
        file.seek(1 << 41)
        file.write(b"data in the middle")
    assert "holes" in (one(project, "huge").reason or "")


def test_huge_files_are_mapped_and_come_out_the_same(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "WORTH", 1 << 20)
    content = os.urandom((1 << 20) + 12345)
    (project.root / "big").write_bytes(content)
    fd = os.open(project.root / "big", os.O_RDONLY)
    try:
        assert mapped.hash_mapped(fd, len(content)) == bytes.fromhex(digest_of(content)[7:])
    finally:
        os.close(fd)
    assert one(project, "big").digest == digest_of(content)


def test_how_far_it_is_is_told_while_it_is_mapped(project: Project) -> None:
    path = project.root / "holes"
    path.touch()
    os.truncate(path, 2 * mapped.WINDOW + 5)
    told: list[int] = []
    content = hashing.hash_file(str(path), told.append)
    assert sum(told) == 2 * mapped.WINDOW
    assert content.digest == bytes.fromhex(digest_of(bytes(2 * mapped.WINDOW + 5))[7:])


def test_truncation_under_the_map_costs_the_child_not_us(project: Project) -> None:
    path = project.root / "shrinks"
    path.write_bytes(b"x" * 100_000)
    fd = os.open(path, os.O_RDONLY)
    try:
        assert mapped.hash_mapped(fd, 200_000) is None  # as if it had been longer a moment ago
        assert mapped.hash_mapped(fd, 100_000) is not None
    finally:
        os.close(fd)
    with path.open("wb") as file:
        file.truncate(1 << 36)
    fd = os.open(path, os.O_RDONLY)
    timer = threading.Timer(0.1, os.truncate, (path, 0))
    timer.start()
    try:
        assert mapped.hash_mapped(fd, 1 << 36) is None
    finally:
        timer.join()
        os.close(fd)


def test_without_an_interpreter_for_the_child_the_file_is_read(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "WORTH", 1)
    monkeypatch.setattr(mapped.sys, "executable", "/no/such/python")
    content = os.urandom(1 << 19)
    (project.root / "big").write_bytes(content)
    assert one(project, "big").digest == digest_of(content)


def test_an_input_of_two_declarations_is_read_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.root / "d").mkdir()
    (project.root / "d" / "large").write_bytes(b"x" * (1 << 20))
    opened: list[str] = []
    real = hashing.fsio.open_regular
    monkeypatch.setattr(hashing.fsio, "open_regular", lambda path: opened.append(path) or real(path))
    inputs.collect(project.capture(("d", "d/large", "model:d")))
    assert sum(path.endswith("large") for path in opened) == 1


def test_a_store_that_cannot_be_written_does_not_stop_the_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / "d").mkdir()
    (project.root / "d" / "x").write_bytes(b"x")
    expected = one(project, "d").digest
    (project.root / "d" / "x").chmod(0o640)
    (project.root / "d" / "x").chmod(0o644)
    whole = project.keep.folder
    project.keep.folder = project.root / "not" / "there"
    project.store = Path("/proc/nowhere")
    capture = project.capture(("d",))
    (found,) = inputs.collect(capture)
    assert found.digest == expected
    assert "could not be kept" in capture.problems[0].message
    project.keep.folder = whole
