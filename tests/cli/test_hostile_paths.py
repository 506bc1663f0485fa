"""Records that name every place but their own: nothing outside of a destination is written."""

from __future__ import annotations

import os
import stat
import zipfile

import pytest
from msgspec.structs import replace

from tests import builders
from xt import codec
from xt.context import timestamp
from xt.model.files import Entry, Input, Manifest, Output
from xt.model.text import Raw
from xt.store import Store
from xt.store.store import sealed

RUN = "zwpztnlqsmvrxoyu"
#: Names that lead elsewhere, that git or xt would act on, or that no file can have.
EVIL = (
    *("../evil", "a/../../evil", "..", ".", "", "/", "a//evil", "./evil", "a/./evil", "evil\0x", "~/evil"),
    *("//proc/self/cwd/../evil", "/proc/self/cwd/evil", "C:\\evil", "..\\evil", "\\\\host\\evil", "\\evil"),
    *(
        ".git/hooks/post-checkout",
        ".git/config",
        ".GIT/config",
        "sub/.git/config",
        ".git",
        ".g\u200cit/config",
    ),
    *(
        ".xt/format",
        ".xt/key",
        ".XT/runs/evil",
        "sub/.xt/format",
        "way/evil",
        "way/deep/evil",
        "up/../../evil",
    ),
    *(
        "evil" * 70,
        "a/" * 2500 + "evil",
        "-rf",
        "--force",
        "$(touch evil)",
        "`touch evil`;touch evil",
        "evil\n../evil",
    ),
    *("A.txt", "a.txt", "a.TXT", "a.txt/evil", "trailing.", "trailing ", "CON", "aux.txt", "a:stream"),
)
LINKS = (("way", "OUT"), ("up", ".."), ("abs", "/"), ("way2", "way"), ("loop", "loop"))


class Forger:
    """A project with a run whose record an enemy wrote."""

    def __init__(self, project, around):
        self.project, self.around = project, around
        (around / "precious").write_text("precious")
        project.write("xt.toml", '[deploy]\nhook = "sh -c \'cat \\"$XT_DEPLOY_PATH\\" > /dev/null\'"\n')
        done = project.run("-q", "--", "true")
        assert done.code == 0, done.err
        self.store = Store(str(project.path / ".xt"))
        (first,) = self.store.ids()
        real = self.store.record(first)
        keep = self.store.objects.put_bytes
        digest = keep(b"evil")
        names = (*EVIL, f"{around}/evil", Raw("Li4vZXZpbP8="))
        entries = [
            Entry(path, "link", 0o777, target=str(around) if to == "OUT" else to) for path, to in LINKS
        ]
        entries += [Entry(path, "file", 0o6777, 4, digest) for path in names]
        entries += [Entry(path, "dir", 0o7777) for path in names]
        tree = keep(codec.encode(Manifest(entries)))
        self.store.objects.settle()
        # Not the root: a record may name what a repeat reads, however long that takes.
        read = [path for path in names if path != "/"]
        inputs = [Input("prompts", path, "file", "verified", path, digest, 4, 1) for path in read]
        inputs += [Input("prompts", path, "tree", "verified", path, tree, 4, 1) for path in ("in", "../in")]
        outputs = [
            Output("model", path, "file", "stored", path, digest, 4, 1, 0o6777) for path in ("good", *names)
        ]
        outputs += [
            Output("model", path, "tree", "stored", path, tree, 4, 1, 0o7777)
            for path in ("out", "../out", "/")
        ]
        outputs += [Output("model", path, "link", "stored", path, target=str(around)) for path, _ in LINKS]
        code = replace(real.snapshot.code, empty_dirs=list(names))
        snapshot = replace(
            real.snapshot,
            inputs=inputs,
            code=code,
            params=[],
            command=replace(real.snapshot.command, cwd="../.."),
            context=replace(real.snapshot.context, project=str(project.path)),
        )
        logs = builders.logs(streams=[], timing=None)
        record = builders.record(snapshot, builders.result(outputs=outputs, metrics=[], logs=logs), RUN)
        self.record = replace(record, started_at=timestamp(builders.NOW))
        self.store.publish(RUN, sealed(self.record)[0])
        self.before = self.seen()

    def seen(self):
        """What nothing may write to: all around the project, git's folder, the store's own, what is there."""
        found = {}
        for top in (self.around, self.project.path / ".git", self.project.path / ".xt/runs"):
            for folder, folders, names in os.walk(top):
                folders[:] = [name for name in folders if f"{folder}/{name}" != str(self.project.path)]
                for path in (f"{folder}/{name}" for name in (*names, *folders)):
                    info = os.lstat(path)
                    if "/refs" not in path:
                        found[path] = (info.st_mode, stat.S_ISREG(info.st_mode) and info.st_ctime_ns)
        for name in (".xt/format", ".xt/key", "train.py", "xt.toml"):
            found[name] = (self.project.path / name).read_bytes()
        return found

    def check(self, *written):
        """Nothing was written elsewhere, and what was leads nowhere else and sets no user."""
        assert self.seen() == self.before
        assert not os.path.lexists("/tmp/evil") and not os.path.lexists("/evil")
        for top in written:
            top = str(self.project.path / top)
            for folder, folders, names in os.walk(top):
                folders[:] = [
                    name for name in folders if f"{folder}/{name}" not in (f"{top}/.git", f"{top}/.xt")
                ]
                assert not {name.casefold() for name in folders} & {".git", ".xt"}
                for path in (f"{folder}/{name}" for name in names):
                    if not os.path.islink(path):
                        assert os.path.realpath(path).startswith(f"{top}/")
                        assert not os.lstat(path).st_mode & 0o7000


@pytest.fixture
def forger(project, tmp_path):
    return Forger(project, tmp_path)


def test_restore(forger):
    for words in (["--to", "target"], ["--to", "target"], []):
        assert forger.project.xt("restore", RUN, "--force", *words).code == 1
        forger.check(words[1] if words else ".")
    assert (forger.project.path / "target/good").read_bytes() == b"evil"
    assert (forger.project.path / "good").read_bytes() == b"evil"


def test_rerun(forger):
    for words in ([], ["--env", "strict"]):
        done = forger.project.xt("rerun", RUN, "-q", "--keep-workspace", *words)
        assert done.code == 3, (done.code, done.err)
        assert "a bug" not in done.err
        forger.check()


def test_export(forger):
    for name in ("crate", "crate.zip"):
        done = forger.project.xt("export", RUN, "--to", "rocrate", "-o", name)
        assert done.code == 0, done.err
    forger.check("crate")
    with zipfile.ZipFile(forger.project.path / "crate.zip") as archive:
        for member in archive.infolist():
            assert not member.filename.startswith("/")
            assert not {"..", "", ".git", ".xt"} & set(member.filename.casefold().rstrip("/").split("/"))
            assert stat.S_IFMT(member.external_attr >> 16) in (0, stat.S_IFREG, stat.S_IFDIR)
    for form in ("json", "csv", "prov", "cyclonedx", "in-toto", "openlineage"):
        done = forger.project.xt("export", RUN, "--to", form, "-o", f"crate/{form}")
        assert done.code == 0, done.err
    forger.check()


def test_what_reads(forger):
    for words in (
        ["bundle", "show", RUN],
        ["bundle", "diff", RUN, RUN],
        ["show", RUN],
        ["stale", RUN],
        ["trace", RUN],
    ):
        done = forger.project.xt(*words)
        assert "a bug" not in done.err, (words, done.err)
    assert forger.project.xt("report", RUN, "-o", "crate.zip").code == 0
    forger.check()


def test_deploy(forger):
    for path in ("good", "../evil", ".git/config", "way/evil", "out", "/", "-rf"):
        done = forger.project.xt("deploy", f"{RUN}:{path}", "--to", "prod", "--force", "-m", "x")
        assert (done.code == 0) == (path in ("good", "way/evil", "-rf")), (path, done.code, done.err)
        assert "a bug" not in done.err
    forger.check()


def test_pull(forger, tmp_path):
    (tmp_path / "team").mkdir()
    (tmp_path / "other").mkdir()
    forger.before = None
    assert forger.project.xt(
        "push", RUN, "--outputs", "--inputs", "--code", "-r", str(tmp_path / "team")
    ).code in (0, 4)
    other = type(forger.project)(tmp_path / "other")
    other.sh("git init -q")
    forger.before = forger.seen()
    done = other.xt("pull", RUN, "--outputs", "--inputs", "--code", "-r", str(tmp_path / "team"))
    assert done.code == 0, done.err
    now = forger.seen()
    assert {path for path in now if now[path] != forger.before.get(path)} <= {
        path for path in now if path.startswith(f"{tmp_path}/other/.xt")
    }
