"""`xt rerun` with other words and settings, and what cannot be known of the recorded ones."""

from __future__ import annotations

import sys

import pytest

SHOW = "import sys; print(*sys.argv[1:], sep='|')"


def words(repeated, *given: str, **options) -> bytes:
    done = repeated.run("--", sys.executable, "-c", SHOW, *given, **options)
    assert done.code == 0, done.err
    return done.out


def test_paths_of_the_project_are_mapped(repeated, tmp_path):
    here = str(repeated.path)
    words(repeated, f"{here}/a", f"--out={here}", f"{here}-old/x", f"x:{here}/b:{here}", "/elsewhere", ".")
    again = repeated.rerun()
    place = f"{here}/.xt/work/0/code/project"
    assert again.out.decode().rstrip("\n").split("|") == [
        f"{place}/a",
        f"--out={place}",
        f"{here}-old/x",
        f"x:{place}/b:{place}",
        "/elsewhere",
        ".",
    ]
    assert "paths of the project among the words" in again.err
    # What a run does in another folder is the same: the recipe names paths relative to the project.
    assert repeated.record()["snapshot"]["repeat"]["adjusted"] != []


def test_settings_among_the_words(repeated):
    words(repeated, "--lr", "0.1", "--batch-size=8", "model.depth=3", "+extra=1", "-n", "5", "pos")
    again = repeated.rerun(
        *("--set", "lr=0.2", "--set", "batch_size=16", "--set", "model.depth=4"),
        *("--set", "extra=2", "--set", "n=6", "--", "--more", "words"),
    )
    assert again.out == b"--lr|0.2|--batch-size=16|model.depth=4|+extra=2|-n|6|pos|--more|words\n"
    assert "repeats" not in again.err
    repeat = repeated.record()["snapshot"]
    assert {param["name"]: param["value"] for param in repeat["params"]}["lr"] == 0.2
    assert repeat["repeat"]["of"] == repeated.record("@~1")["id"]
    assert repeated.rerun("@~1").out == b"--lr|0.1|--batch-size=8|model.depth=3|+extra=1|-n|5|pos\n"


def test_settings_that_do_not_exist(repeated):
    words(repeated, "--learning-rate", "0.1")
    refused = repeated.rerun("--set", "learning-rat=1", code=2)
    assert "learning-rate" in refused.err
    assert repeated.rerun("--set", "novalue", code=2).err.count("KEY=VALUE") == 1
    assert "not set" in repeated.rerun("--set", "learning-rate=@env:NOPE", code=2).err
    assert repeated.rerun("--seed", "x", code=2)
    assert "`--`" in repeated.xt("rerun", "@", "stray").err
    assert repeated.rerun("--in-place", "--keep-workspace", code=2)
    assert repeated.xt("rerun", "nosuchrun").code == 125


@pytest.mark.parametrize("value", ["0.5", "text", "true", "'5'", "[1, 2]", "null"])
def test_declared_settings(repeated, value):
    repeated.write("xt.toml", "[task.job]\ncommand = 'true'\nparams = ['depth=3', 'name=\"5\"']\n")
    done = repeated.run("-p", "lr=0.1", "-p", "flag=true", "-p", "text='7'", "--", "true")
    assert done.code == 0, done.err
    plain = repeated.rerun()
    assert "repeats" in plain.err
    before = {param["name"]: param for param in repeated.record("@~1")["snapshot"]["params"]}
    repeated.rerun("--set", f"lr={value}", "--set", "depth=9")
    after = {param["name"]: param for param in repeated.record()["snapshot"]["params"]}
    assert after["depth"] == {"name": "depth", "value": 9, "source": before["depth"]["source"]}
    assert {**after, "lr": 0, "depth": 0} == {**before, "lr": 0, "depth": 0}
    repeated.run("-p", f"lr={value}", "-p", "flag=true", "-p", "text='7'", "-p", "depth=9", "--", "true")
    again = {param["name"]: param["value"] for param in repeated.record()["snapshot"]["params"]}
    assert {name: param["value"] for name, param in after.items()} == again


FILES = {
    "conf/a.yaml": "# why\noptimizer:\n  lr: 0.1\n  betas: [0.9, 0.99]\n"
    "layers:\n- units: 3\n- units: 4\ndotted.name: 1\n",
    "conf/b.toml": "# why\n[optimizer]\nlr = 0.1\nbetas = [0.9, 0.99]\n"
    "[[layers]]\nunits = 3\n[[layers]]\nunits = 4\n",
    "conf/c.json": '{"optimizer": {"lr": 0.1, "betas": [0.9, 0.99]}, "layers": [{"units": 3}, {"units": 4}]}',
}


@pytest.mark.parametrize("name", list(FILES))
def test_settings_in_files(repeated, name):
    repeated.write(name, FILES[name])
    repeated.git("add", "-A")
    repeated.git("commit", "-qm", "settings")
    done = repeated.run("-p", f"@{name}", "--", "cat", name)
    if done.code:
        done = repeated.run("-p", name, "--", "cat", name)
    assert done.code == 0, done.err
    params = {param["name"]: param["value"] for param in repeated.record()["snapshot"]["params"]}
    assert repeated.rerun().out == done.out
    key = next(key for key in params if key.endswith("units") and params[key] == 4)
    again = repeated.rerun("--set", "optimizer.lr=0.25", "--set", f"{key}=40")
    assert f"`{name}`" in again.err, "the code differs, and it is said in which file"
    after = {param["name"]: param["value"] for param in repeated.record()["snapshot"]["params"]}
    assert after == {**params, "optimizer.lr": 0.25, key: 40}
    assert (repeated.path / name).read_text() == FILES[name]
    refused = repeated.rerun("--in-place", "--set", "optimizer.lr=1", code=125)
    assert "changes no file of yours" in refused.err
    assert "optimizer.lr" in repeated.rerun("--set", "optimizer.lrr=1", code=2).err


def test_seeds(repeated):
    repeated.run("--seed", "7", "--", "sh", "-c", "echo $XT_SEED")
    assert repeated.rerun().out == b"7\n"
    assert "repeats" in repeated.rerun().err
    assert repeated.rerun("--seed", "8").out == b"8\n"
    assert "repeats" not in repeated.xt("show", "@").out.decode()
    drawn = repeated.run("--seed", "auto", "--", "sh", "-c", "echo $XT_SEED")
    assert drawn.out.strip().isdigit(), drawn.err
    assert repeated.rerun().out == drawn.out


SECRET = "hunter2-correct-horse"


def test_masked_words(repeated):
    words(repeated, "--token", SECRET, f"--password={SECRET}", "--lr", "1")
    refused = repeated.rerun(code=3)
    assert "--set token=@env:VARIABLE" in refused.err
    assert "--set password=@env:VARIABLE" in refused.err
    given = ("--set", "token=@env:MINE", "--set", "password=@env:MINE")
    again = repeated.rerun(*given, env={"MINE": SECRET})
    assert again.out.decode() == f"--token|{SECRET}|--password={SECRET}|--lr|1\n"
    assert SECRET not in again.err
    assert SECRET.encode() not in repeated.stored_bytes()
    assert "repeats" in again.err, "the recipe knows the secret by a keyed digest"


def test_secrets_in_variables(repeated):
    script = 'echo "${API_TOKEN-unset}"'
    repeated.run("--", "sh", "-c", script, env={"API_TOKEN": SECRET})
    without = repeated.rerun()
    assert without.out == b"unset\n"
    assert "API_TOKEN" in without.err
    given = repeated.rerun("@~1", env={"API_TOKEN": SECRET})
    assert given.out.decode() == f"{SECRET}\n"
    assert "API_TOKEN" not in given.err
    assert SECRET.encode() not in repeated.stored_bytes()
