from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collect.folder_keeper import Project
from xt.collect import inputs
from xt.collect.credentials import is_secret_name, without_credentials
from xt.collect.uris import file_path, is_uri
from xt.errors import NotStartedError
from xt.model.files import Input

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def one(project: Project, declared: str) -> Input:
    (result,) = inputs.collect(project.capture((declared,)))
    assert result.kind == "uri" and result.status == "unverified" and result.digest is None
    assert result.reason and result.path is None
    return result


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://x/y", True),
        ("s3:bucket/key", True),
        ("AZ:container", True),
        ("ftp://x", True),
        ("made-up+x://y", True),
        ("hf:gpt2", True),
        ("file:x", True),
        ("C:x", False),
        ("data.csv", False),
        ("./s3:x", False),
        ("1a://x", False),
        ("a b://x", False),
        ("", False),
    ],
)
def test_what_is_a_uri(text: str, expected: bool) -> None:
    assert is_uri(text) is expected


@pytest.mark.parametrize(
    ("declared", "stored", "revision"),
    [
        ("https://h.org/a.csv", "https://h.org/a.csv", None),
        (
            "https://h.org/a.csv#sha256=" + "A" * 64,
            "https://h.org/a.csv#sha256=" + "A" * 64,
            "sha256:" + "a" * 64,
        ),
        ("s3://b/k?versionId=abc.1", "s3://b/k?versionId=abc.1", "abc.1"),
        ("gs://b/k?generation=17", "gs://b/k?generation=17", "17"),
        ("az:c/b?sv=1&sig=AAAA&x=1", "az:c/b?x=1", None),
        ("https://me:pw@h.org/x?token=t&page=2#frag", "https://h.org/x?page=2#frag", None),
    ],
)
def test_addresses(project: Project, declared: str, stored: str, revision: str | None) -> None:
    found = one(project, declared)
    assert (found.declared, found.revision) == (stored, revision)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("https://user:pass@h/p", "https://h/p"),
        ("https://ghp_abcdefghijkl@h/p", "https://h/p"),
        ("https://user@h/p", "https://h/p"),
        ("https://h:8080/p@v1", "https://h:8080/p@v1"),
        ("https://u:p/w@h/p", "https://h/p"),
        ("https://u:p?w@h/p?a=1", "https://h/p?a=1"),
        ("https://u:p#w@h/p", "https://h/p"),
        ("https://[::1]:80/p@x", "https://[::1]:80/p@x"),
        ("ssh://git@h/p", "ssh://git@h/p"),
        ("ssh://git:pw@h/p", "ssh://h/p"),
        ("git@h:p", "git@h:p"),
        ("x-access-token@h:p", "h:p"),
        ("https://h/p?X-Amz-Signature=a&X-Amz-Credential=b&list=1", "https://h/p?list=1"),
        ("https://h/p?author=me&access_token=x", "https://h/p?author=me"),
        ("https://h/p?sig=a", "https://h/p"),
        ("https://h/p?q=ghp_0123456789", "https://h/p"),
        ("https://h/p#access_token=x", "https://h/p"),
        ("https://h/p?a=1&b=2#c", "https://h/p?a=1&b=2#c"),
    ],
)
def test_credentials_are_stripped(given_: str, expected: str) -> None:
    assert without_credentials(given_) == expected
    assert without_credentials(expected) == expected


@given(
    st.text(st.characters(codec="ascii", exclude_characters="@/?#"), max_size=10),
    st.text(st.characters(codec="ascii", exclude_characters="@"), max_size=6),
)
def test_no_password_survives(user: str, rest: str) -> None:
    secret = "Zq7Zq7Zq7"
    assert secret not in without_credentials(f"https://{user}:{secret}{rest}@host/path")


def test_names_of_files_that_hold_credentials() -> None:
    secret = [b".env", b".ENV.local", b"server.pem", b"id_rsa", b"credentials.json", b".netrc"]
    harmless = [b".env.example", b"id_rsa.pub", b"environment.yml", b"keys.py", b"config.yaml"]
    assert all(map(is_secret_name, secret)) and not any(map(is_secret_name, harmless))


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///a%20b", "/a b"),
        ("file:/x", "/x"),
        ("file:rel/x", "rel/x"),
        ("file://localhost/x", "/x"),
        ("file:///%FF", "/" + os.fsdecode(b"\xff")),
        ("file://host/x", None),
        ("https://x", None),
        ("plain", None),
    ],
)
def test_file_urls(url: str, path: str | None) -> None:
    assert file_path(url) == path


class TestHub:
    @pytest.fixture
    def hub(self, project: Project) -> Path:
        return Path(project.outside.environ["HOME"]) / ".cache/huggingface/hub"

    @staticmethod
    def fill(hub: Path, folder: str = "models--org--name", ref: str = "main") -> None:
        path = hub / folder / "refs" / ref
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(COMMIT)
        (hub / folder / "snapshots" / COMMIT).mkdir(parents=True, exist_ok=True)

    @pytest.mark.parametrize(
        ("uri", "folder", "ref"),
        [
            ("hf:org/name", "models--org--name", "main"),
            ("hf://org/name@v1", "models--org--name", "v1"),
            ("hf:gpt2@refs/pr/1", "models--gpt2", "refs/pr/1"),
            ("hf:datasets/org/name@main", "datasets--org--name", "main"),
        ],
    )
    def test_a_cached_revision_is_its_commit(
        self, project: Project, hub: Path, uri: str, folder: str, ref: str
    ) -> None:
        self.fill(hub, folder, ref)
        found = one(project, uri)
        assert found.revision == COMMIT and "not read" in (found.reason or "")

    @pytest.mark.parametrize("name", ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"])
    def test_variables_say_where_the_cache_is(self, project: Project, tmp_path: Path, name: str) -> None:
        place = tmp_path / "elsewhere"
        inner = {"HF_HOME": place / "hub", "XDG_CACHE_HOME": place / "huggingface" / "hub"}.get(name, place)
        self.fill(inner)
        assert one(project, "hf:org/name").revision is None
        project.outside.environ = {**project.outside.environ, name: str(place)}
        assert one(project, "hf:org/name").revision == COMMIT

    def test_a_full_commit_needs_no_cache(self, project: Project) -> None:
        found = one(project, f"hf:org/name@{COMMIT}")
        assert found.revision == COMMIT and "not in the local cache" in (found.reason or "")

    @pytest.mark.parametrize(
        "uri",
        [
            "hf:org/name@nope",
            "hf:",
            "hf:a/b/c",
            "hf:../../x@y",
            "hf:org/name@../../x",
            "hf:o/n@a\0b",
            "hf:o/n@" + "x" * 5000,
        ],
    )
    def test_what_is_not_known_is_said(self, project: Project, hub: Path, uri: str) -> None:
        self.fill(hub)
        assert one(project, uri).revision is None

    def test_a_ref_that_is_no_commit_is_not_believed(self, project: Project, hub: Path) -> None:
        self.fill(hub)
        (hub / "models--org--name/refs/main").write_text("<html>")
        assert one(project, "hf:org/name").revision is None

    def test_a_token_in_the_address_is_not_stored(self, project: Project) -> None:
        assert "hf_abcdefgh" not in str(one(project, "hf://user:hf_abcdefghijk@org/name").declared)


class TestDvc:
    def pointer(self, project: Project, text: str) -> Input:
        (project.root / "data.csv.dvc").write_text(text)
        return one(project, "dvc:data.csv.dvc")

    def test_a_pointer_names_the_content(self, project: Project) -> None:
        found = self.pointer(
            project,
            "outs:\n- md5: 22a1a2931c8370d3aeedd7183606fd7f\n  size: 14445\n  hash: md5\n  path: data.csv\n",
        )
        assert (found.revision, found.size) == ("md5:22a1a2931c8370d3aeedd7183606fd7f", 14445)

    def test_folders_and_several_outputs(self, project: Project) -> None:
        found = self.pointer(project, "outs:\n- md5: aa.dir\n  size: 1\n  path: a\n- md5: bb\n  path: b\n")
        assert (found.revision, found.size) == ("md5:aa.dir,md5:bb", None)

    def test_an_import_is_known_by_its_etag(self, project: Project) -> None:
        found = self.pointer(
            project, "deps:\n- etag: '\"5f\"'\n  size: 3\n  path: https://x/y\nouts:\n- path: y\n"
        )
        assert (found.revision, found.size) == ('etag:"5f"', 3)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "outs: 3",
            "outs: [3, {path: x}]",
            "a: [",
            "!!python/object/apply:os.getcwd []",
            "[" * 5000,
            "\x00",
            'outs: [{md5: "a\\nb"}]',
        ],
    )
    def test_odd_pointers_are_said(self, project: Project, text: str) -> None:
        assert self.pointer(project, text).revision is None

    def test_a_missing_pointer_is_a_missing_input(self, project: Project) -> None:
        with pytest.raises(NotStartedError, match=r"dvc:none\.dvc"):
            one(project, "dvc:none.dvc")

    def test_a_pointer_that_is_a_folder(self, project: Project) -> None:
        (project.root / "data.csv.dvc").mkdir()
        assert "EINVAL" in (one(project, "dvc:data.csv.dvc").reason or "")


class TestGit:
    @pytest.fixture
    def repository(self, project: Project) -> tuple[Path, str]:
        path = project.root / "lib@home"
        path.mkdir()
        self.git(path, "init", "-q", "-b", "main")
        (path / "x").write_text("x")
        self.git(path, "add", "x")
        self.git(path, "-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "-m", "m")
        self.git(path, "-c", "user.name=n", "-c", "user.email=e", "tag", "-a", "v1", "-m", "m")
        return path, self.git(path, "rev-parse", "HEAD")

    @staticmethod
    def git(path: Path, *words: str) -> str:
        env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        return subprocess.run(
            ["git", *words], cwd=path, env=env, check=True, capture_output=True, text=True
        ).stdout.strip()

    @pytest.mark.parametrize("revision", ["@main", "@v1", "@HEAD", "@"])
    def test_a_local_revision_is_its_commit(
        self, project: Project, repository: tuple[Path, str], revision: str
    ) -> None:
        assert one(project, "git:lib@home" + revision).revision == repository[1]

    @pytest.mark.parametrize("revision", ["nope", "--all", "a b", "x" * 200, COMMIT])
    def test_an_unknown_revision_is_said(
        self, project: Project, repository: tuple[Path, str], revision: str
    ) -> None:
        found = one(project, f"git:lib@home@{revision}")
        assert found.revision is None and "commit" in (found.reason or "")

    def test_a_folder_that_is_no_repository(self, project: Project) -> None:
        (project.root / "plain").mkdir()
        (project.root / "plain" / ".git").write_text("nonsense")
        assert "git could not tell" in (one(project, "git:plain@main").reason or "")

    def test_no_git(self, project: Project, repository: tuple[Path, str]) -> None:
        project.outside.environ = {"HOME": "/", "PATH": "/no/such"}
        assert "git could not be asked" in (one(project, "git:lib@home@main").reason or "")

    def test_a_missing_path_is_a_missing_input(self, project: Project) -> None:
        with pytest.raises(NotStartedError, match=r"git:\.\./gone@v1"):
            one(project, "git:../gone@v1")

    @pytest.mark.parametrize(
        ("declared", "stored", "revision"),
        [
            (f"git:https://u:p@h/o/r.git@{COMMIT}", f"git:https://h/o/r.git@{COMMIT}", COMMIT),
            ("git:https://h/o/r.git@main", "git:https://h/o/r.git@main", None),
            ("git:https://u:p@h/o/r.git", "git:https://h/o/r.git", None),
            (f"git:git@h:o/r.git@{COMMIT}", f"git:git@h:o/r.git@{COMMIT}", COMMIT),
            ("git:git@h:o/r.git", "git:git@h:o/r.git", None),
        ],
    )
    def test_remote_repositories(
        self, project: Project, declared: str, stored: str, revision: str | None
    ) -> None:
        found = one(project, declared)
        assert (found.declared, found.revision) == (stored, revision)
