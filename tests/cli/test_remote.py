"""`xt remote`: which places there are, and whose word is believed."""

from __future__ import annotations

import json
import os
import stat

import pexpect
import pytest

from tests.services.fixtures import moto, rclone, s3_variables, sshd  # noqa: F401  (fixtures)

NAMED = '[remote.team]\nurl = "../shared"\n'


@pytest.fixture
def here(folder, at_once, tmp_path):
    (tmp_path / "shared").mkdir()
    made = at_once(folder.path)
    made.shared = str(tmp_path / "shared")
    return made


def listed(folder):
    done = folder.xt("remote", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["schema"] == "xt.remotes/1"
    return {one["name"]: one for one in found["remotes"]}


def test_add_lists_and_forgets(here, hermetic):
    assert here.xt("remote").out == b"no remotes: xt remote add NAME URL\n"
    done = here.xt("remote", "add", "team", "../shared", env={"COLUMNS": "500"})
    assert (done.code, done.out) == (0, f"added team  {here.shared}\n".encode()), done.err
    one = listed(here)["team"]
    assert one == {
        "name": "team",
        "url": here.shared,
        "source": "user",
        "confirmed": True,
        "exclusive": True,
        "problem": None,
    }
    assert b"yours, many writers" in here.xt("remote", "ls").out
    again = here.xt("remote", "add", "team", here.shared)
    assert again.code == 0
    other = here.xt("remote", "add", "team", "/elsewhere")
    assert other.code == 2
    assert "there is a remote `team`" in other.err
    assert here.xt("remote", "rm", "team").code == 0
    assert listed(here) == {}
    assert here.xt("remote", "rm", "team").code == 2
    assert os.listdir(f"{here.shared}/probe"), "nothing of the place is deleted"


def test_definitions_are_the_user_s_and_private(here, hermetic):
    here.xt("remote", "add", "team", "../shared", "--no-probe")
    path = hermetic / ".config" / "xt" / "remotes.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not (here.path / ".xt").exists()
    path.chmod(0o666)
    done = here.xt("remote")
    assert done.code == 1
    assert "can be written by others" in done.err
    path.chmod(0o600)
    path.write_text("[project\n")
    assert "cannot be read" in here.xt("remote").err
    path.unlink()
    elsewhere = hermetic / "config"
    here.xt("remote", "add", "team", "../shared", "--no-probe", env={"XDG_CONFIG_HOME": str(elsewhere)})
    assert (elsewhere / "xt" / "remotes.toml").exists()
    assert listed(here) == {}


def test_two_projects_have_remotes_of_their_own(here, tmp_path):
    here.xt("remote", "add", "team", "../shared", "--no-probe")
    other = tmp_path / "other"
    other.mkdir()
    assert here.xt("remote", cwd=other).out.startswith(b"no remotes")


def test_what_a_project_names_is_not_used_before_it_is_confirmed(here):
    here.write("xt.toml", NAMED)
    assert listed(here)["team"]["confirmed"] is False
    assert b"not confirmed: xt remote trust team" in here.xt("remote").out
    refused = here.xt("remote", "probe", "team")
    assert refused.code == 4
    assert "you have not confirmed it" in refused.err
    # Nor by the way: as the only one, or by a variable that names it.
    assert here.xt("remote", "probe").code == 4
    assert here.xt("remote", "probe", env={"XT_REMOTE": "team"}).code == 4
    assert os.listdir(here.shared) == []
    silent = here.xt("remote", "trust", "team")
    assert silent.code == 2
    assert "../shared" in silent.err
    assert "--yes" in silent.err
    assert here.xt("remote", "trust", "team", "--yes").code == 0
    assert here.xt("remote", "probe", "team").code == 0
    assert listed(here)["team"] == {
        "name": "team",
        "url": "../shared",
        "source": "project",
        "confirmed": True,
        "exclusive": True,
        "problem": None,
    }


def test_another_url_needs_another_confirmation(here):
    here.write("xt.toml", NAMED)
    here.xt("remote", "trust", "team", "--yes")
    here.write("xt.toml", NAMED.replace("../shared", "../Shared"))
    assert listed(here)["team"]["confirmed"] is False
    here.write("xt.toml", NAMED)
    assert listed(here)["team"]["confirmed"] is True
    here.xt("remote", "rm", "team")
    assert listed(here)["team"]["confirmed"] is False
    assert here.xt("remote", "rm", "team").code == 2


def test_a_question_is_asked_on_a_terminal(here):
    here.write("xt.toml", '[remote.team]\nurl = "s3://bucket/runs"\n')
    for answer, code, confirmed in (("n", 1, False), ("", 1, False), ("y", 0, True)):
        words = here.command("remote", "trust", "team")
        child = pexpect.spawn(words[0], words[1:], cwd=str(here.path), encoding="utf-8", timeout=60)
        child.expect_exact("s3://bucket/runs")
        child.expect_exact("Use it?")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == code
        assert listed(here)["team"]["confirmed"] is confirmed


def test_a_store_that_came_with_a_clone_names_nothing(here):
    here.run("--", "true")
    config = here.path / ".xt" / "config"
    config.write_text('[remote.team]\nurl = "../shared"\n')
    (here.path / ".xt" / "remotes.toml").write_text('[remote.team]\nurl = "../shared"\n')
    assert listed(here) == {}


def test_one_s_own_hides_the_project_s(here):
    here.write("xt.toml", '[remote.team]\nurl = "s3://bucket"\n')
    done = here.xt("remote", "add", "team", "../shared", "--no-probe")
    assert "it hides the remote `team` of xt.toml: s3://bucket" in done.err
    assert listed(here)["team"]["url"] == here.shared


HOSTILE = """\
[remote.a]
url = "ext::sh -c 'touch pwned'"
[remote.b]
url = "ssh://-oProxyCommand=touch%20pwned/x"
[remote.c]
url = "s3://AKIAIOSFODNN7EXAMPLE:hunter2hunter2@bucket/x"
[remote."d\\u001b]0;title\\u0007"]
url = "s3://bucket"
[remote.e]
"""


def test_hostile_definitions_are_shown_and_harmless(here):
    here.write("xt.toml", HOSTILE)
    for columns in (80, 40, 20):
        done = here.xt("remote", env={"COLUMNS": str(columns)})
        assert done.code == 0
        assert b"\x1b" not in done.out
        assert "\x1b" not in done.err
        assert b"hunter2" not in done.out
        assert "hunter2" not in done.err
        assert all(len(line) <= max(columns, 24) for line in done.out.decode().splitlines())
    for name in ("a", "b", "c", "e"):
        tried = here.xt("remote", "trust", name, "--yes")
        assert tried.code == 4, name
        assert "hunter2" not in tried.err
    assert not (here.path / "pwned").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "team"], "`xt remote add NAME URL`"),
        (["add", "s3://b/x", "team"], "`xt remote add NAME s3://b/x`"),
        (["add", "../x", "/y"], "no name of a remote"),
        (["add", "team", "s4://b"], "did you mean `s3://`?"),
        (["add", "team", "ssh://me:hunter2@h/x"], "never stored"),
        (["add", "team", "https://key@h/x"], "is no remote"),
        (["rm", "--yes", "x"], "belongs to `xt remote trust`"),
        (["trust", "none"], "no remote `none`"),
        (["probe", "none"], "no remote `none`"),
        (["probe"], "no remote is defined"),
        (["ls", "x"], "`xt remote ls`"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_mistakes(here, words, said):
    done = here.xt("remote", *words)
    assert done.code == 2
    assert said in done.err
    assert "hunter2" not in done.err


def test_a_place_that_does_not_answer_is_added_and_not_probed(here):
    done = here.xt("remote", "add", "team", "../nowhere")
    assert done.code == 0
    assert "it was not probed" in done.err
    assert listed(here)["team"]["exclusive"] is None
    assert here.xt("remote", "probe", "team").code == 4


def test_a_variable_names_a_url_or_a_remote(here):
    here.xt("remote", "add", "team", "../shared", "--no-probe")
    assert here.xt("remote", "probe", env={"XT_REMOTE": "team"}).code == 0
    done = here.xt("remote", "probe", "--json", env={"XT_REMOTE": here.shared})
    assert json.loads(done.out)["url"] == here.shared
    assert here.xt("remote", "probe", env={"XT_REMOTE": "taem"}).code == 2
    bad = here.xt("remote", "probe", env={"XT_REMOTE": "ssh://u:hunter2@h/x"})
    assert bad.code == 2
    assert "hunter2" not in bad.err


def test_a_bucket_is_probed(here, hermetic, moto, rclone):  # noqa: F811
    pytest.importorskip("obstore")
    done = here.xt("remote", "add", "good", f"s3://{moto['bucket']}/a", env=s3_variables(moto))
    assert (done.code, done.err) == (0, "")
    done = here.xt("remote", "add", "bad", f"s3://{rclone['bucket']}/a", env=s3_variables(rclone))
    assert b"one writer at a time" in done.out
    found = listed(here)
    assert (found["good"]["exclusive"], found["bad"]["exclusive"]) == (True, False)
    probed = json.loads(here.xt("remote", "probe", "bad", "--json", env=s3_variables(rclone)).out)
    assert probed["schema"] == "xt.remote-probe/1"
    assert probed["exclusive"] is False
    kept = (hermetic / ".config" / "xt" / "remotes.toml").read_text()
    assert moto["secret"] not in kept
    assert moto["key"] not in kept


def test_a_host_is_probed(here, sshd):  # noqa: F811
    pytest.importorskip("paramiko")
    env = {"PATH": f"{sshd['path']}:{os.environ['PATH']}"}
    done = here.xt("remote", "add", "lab", f"ssh://{sshd['host']}{sshd['root']}/probed", env=env)
    assert (done.code, done.err) == (0, "")
    assert listed(here)["lab"]["exclusive"] is True


def test_what_is_not_installed_is_said(here):
    blocked = here.path / "blocked"
    blocked.mkdir()
    code = (
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'obstore' else find(name, *more)\n"
    )
    (blocked / "sitecustomize.py").write_text(code)
    from tests.conftest import SOURCE

    done = here.xt(
        "remote", "probe", "s3://bucket", env={"PYTHONPATH": f"{blocked}:{SOURCE}"}, check=False
    )  # in a process of its own
    assert done.code == 1
    assert "pip install 'xt[cloud]'" in done.err
