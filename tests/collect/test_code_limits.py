"""What is listed and not stored, and why."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.collect.gitcase import Project, remove
from xt.collect import code as code_module
from xt.collect.secret_files import is_secret_file


@pytest.fixture(params=[True, False], ids=["git", "folder"])
def project(tmp_path, request):
    made = Project(tmp_path, git=request.param)
    made.write("a.py", "print(1)\n")
    if request.param:
        made.commit()
    return made


def stored(project):
    """Bytes below `.xt`."""
    return sum(
        os.lstat(os.path.join(folder, name)).st_blocks * 512
        for folder, _, files in os.walk(project.path(".xt"))
        for name in files
    )


def test_large_file_is_listed(project):
    with open(project.write("data.bin"), "r+b") as file:
        file.truncate(60_000_000)
    code = project.collect()
    project.exact(code, "data.bin")
    (entry,) = code.left_out
    assert (entry.path, entry.size) == ("data.bin", 60_000_000)
    assert entry.reason == "larger than code.max_file = 50000000 bytes"
    assert stored(project) < 2_000_000
    assert "data.bin" not in project.changes(code)


def test_file_at_the_limit_is_stored(project):
    project.write("at", b"0" * 1000)
    project.write("over", b"0" * 1001)
    code = project.collect(max_file=1000)
    project.exact(code, "over")


def test_total(project):
    for number in range(10):
        project.write(f"n{number}", b"0" * 100)
    code = project.collect(max_total=450, exclude=["a.py"])
    away = project.left_out(code)
    project.exact(code, *away, *(["a.py"] if code.vcs is None else []))
    assert sum("max_total" in reason for reason in away.values()) == 6


def test_smaller_files_after_one_that_is_too_much_are_still_stored(project):
    project.write("b_big", b"0" * 900)
    project.write("c_small", b"0" * 10)
    found = project.tree(project.collect(max_total=500))
    assert "c_small" in found
    assert "b_big" not in found


def test_number_of_files(project):
    for number in range(30):
        project.write(f"n{number:02}", "x\n")
    code = project.collect(max_files=10)
    away = project.left_out(code)
    project.exact(code, *away)
    assert len(project.tree(code)) == (11 if code.vcs else 10)
    assert set(away.values()) == {"more than code.max_files = 10 untracked files"}


def test_lists_are_capped_and_totals_count_all(project, monkeypatch):
    monkeypatch.setattr(code_module, "LISTED", 5)
    for number in range(12):
        project.write(f"n{number:02}", "x\n")
        os.mkfifo(project.path(f"fifo{number:02}"))
        os.mkdir(project.path(f"empty{number:02}"))
    code = project.collect()
    assert (len(code.left_out), code.left_out_total, len(code.empty_dirs)) == (5, 12, 5)
    if code.vcs:
        assert (len(code.changed), code.changed_total) == (5, 12)
    assert len(project.exact(code)) == 13


def test_changed_tracked_file_is_stored_whatever_its_size(tmp_path):
    project = Project(tmp_path)
    project.write("big", b"0" * 100)
    project.commit()
    project.write("big", b"1" * 5000)
    project.exact(project.collect(max_file=1000, max_total=10, max_files=0))


SECRETS = [
    ".env",
    ".env.local",
    "deep/.ENV",
    "server.pem",
    "id_rsa",
    "id_ed25519_work",
    ".netrc",
    ".npmrc",
    "credentials",
    "credentials.json",
    "google-credentials-1.json",
    "service-account-prod.json",
    "secrets.yaml",
    "vault.kdbx",
    "kaggle.json",
    "api_key.txt",
    "work.ppk",
    ".aws/config",
    "home/.ssh/known",
]
PLAIN = [
    ".env.example",
    "id_rsa.pub",
    "key.py",
    "secret.py",
    "password.py",
    "monkey",
    "credentials_test.py",
    "environment.env.txt",
    "keys/readme.md",
    "x.template",
    "package.json",
]


def test_files_named_like_secrets(project):
    for path in (*SECRETS, *PLAIN):
        project.write(path, "canary-4711\n")
    code = project.collect()
    project.exact(code, *SECRETS)
    assert project.left_out(code) == dict.fromkeys(SECRETS, "named like a secret")
    code = project.collect(allow_secret_files=True)
    project.exact(code)


def test_tracked_files_named_like_secrets_are_the_users_choice(tmp_path):
    project = Project(tmp_path)
    project.write("server.pem", "x\n")
    project.commit()
    project.write("server.pem", "y\n")
    project.exact(project.collect())


@pytest.mark.parametrize("path", SECRETS)
def test_secret_names(path):
    assert is_secret_file(path)
    assert is_secret_file(f"sub/folder/{path}")


@pytest.mark.parametrize("path", PLAIN)
def test_names_that_are_no_secrets(path):
    assert not is_secret_file(path)


def test_exclude(project):
    for path in ("notes/a.md", "notes/b.txt", "c.md"):
        project.write(path)
    code = project.collect(exclude=["*.md"])
    project.exact(code, "notes/a.md", "c.md")
    assert project.left_out(code)["c.md"] == "excluded by `*.md`"


def test_declared_outputs_are_no_causes(project):
    for path in ("out/model.bin", "out/deep/x", "plots/1.png", "keep/1.png", "metrics.json", "odd[1].txt"):
        project.write(path)
    code = project.collect(outputs=["out/", "plots/*.png", "metrics.json", "./odd[1].txt"])
    project.exact(code, "out", "plots", "metrics.json", "odd[1].txt")
    assert set(project.left_out(code).values()) == {"a declared output"}
    assert "metrics.json" not in project.changes(code)
    if code.vcs:
        assert not project.collect(outputs=["*"]).dirty


def test_output_that_is_tracked_stays_part_of_the_code(tmp_path):
    project = Project(tmp_path)
    project.write("metrics.json", "{}\n")
    project.commit()
    project.write("metrics.json", '{"a": 1}\n')
    project.exact(project.collect(outputs=["metrics.json"]))


def test_file_that_goes_away_meanwhile_is_no_matter(project, monkeypatch):
    project.write("here", "x\n")
    project.write("gone", "x\n")
    from xt.collect import shot

    real = shot.choose

    def choose(*given):
        found = real(*given)
        remove(project.path("gone"))
        return found

    monkeypatch.setattr(shot, "choose", choose)
    code = project.collect()
    project.exact(code)
    assert code.left_out == []


def test_folder_with_too_many_files(tmp_path, monkeypatch):
    project = Project(tmp_path, git=False)
    os.mkdir(project.path("many"))
    for number in range(code_module.FOLDER_FILES + 1):
        os.close(os.open(project.path(f"many/{number}"), os.O_CREAT | os.O_WRONLY))
    code = project.collect()
    assert (code.status, code.tree) == ("none", None)
    assert code.reason == "more than 20000 files and no git repository"
    assert "`git init`" in project.problems[0].hint and "`-i PATH`" in project.problems[0].hint
    assert not os.path.exists(project.path(".xt/code.git"))


def test_files_of_repositories_inside_do_not_make_a_folder_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(code_module, "FOLDER_FILES", 10)
    project = Project(tmp_path, git=False)
    project.write("notes", "n\n")
    inner = Project(tmp_path, "p/tool")
    for number in range(20):
        inner.write(f"f{number}")
    inner.commit()
    assert project.collect().status == "recorded"


def test_thousands_of_untracked_files(tmp_path):
    project = Project(tmp_path)
    for number in range(3000):
        project.write(f"d{number % 30}/f{number}", f"{number}\n")
    code = project.collect()
    project.exact(code)
    assert (len(code.changed), code.changed_total) == (1000, 3000)
    subprocess.run(["sh", "-c", "touch d*/*"], cwd=project.root, check=True)
    assert project.collect().tree == code.tree
