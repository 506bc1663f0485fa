"""Secrets planted wherever they come from, and a search of every byte that was written for them.

What is planted is made up; values are put together from parts, so that no scanner takes this file for a leak.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import sqlite3
import sys
import tarfile
import urllib.parse
import zipfile
import zlib
from pathlib import Path

import pytest
import zstandard
from blake3 import blake3

from tests.at_once import ANSWERING
from tests.conftest import Project
from tests.services.fixtures import mlflow
from tests.services.mlflow import read_back
from xt.exchange import EXPORTERS

__all__ = ["mlflow"]
ABC = "4bC9xYz0Qw7LmN2pRt5VsK8uJ1aD3eF6gH"
PRIVATE = "PRIVATE" + " KEY"
HEX = "8f14e45fceea167a5a36dedd4bea2543"


def made(number: int, *, of: str = ABC) -> str:
    """A part of a secret like no other, as random as `of` looks."""
    at = number * 7 % len(of)
    return f"{of[at:]}{of[:at]}"[:28] + f"{number:02}"


#: Of variables, by name; all of them are printed in several forms.
VARIABLES = {
    "FOO_TOKEN": made(1),
    "AWS_SECRET_ACCESS_KEY": made(2) + "/+" + "aB3xYz7q",
    "DATABASE_URL": f"postgres://app:{made(3)}@db.example.org/app",
    "MYSQL_PWD": "pa'ss \"w\\or$d/4711&=",
    "HF_TOKEN": "hf" + "_" + made(4) + "aBcD",
    "WANDB_API_KEY": HEX + "0badcafe",
    "GH_PAT": "ghp" + "_" + made(5) + "aBcDeF",
    "DEPLOY_PRIVATE_KEY": f"-----BEGIN {PRIVATE}-----\n{made(6)}\n{made(7)}\n-----END {PRIVATE}-----\n",
    "https_proxy": f"http://proxy:{made(8)}@proxy.example.org:3128",
    "CFLAGS": f"-O2 -DLICENCE_KEY={made(9)}",
    "PIP_INDEX_URL": f"https://__token__:{made(10)}@pypi.example.org/simple",
    "XLA_FLAGS": f"--xla_dump_to=https://x:{made(11)}@dump.example.org/",
    "LICENCE": f"licence {made(12)}",
}
#: What must not be found, in any form; the parts of it that are secret.
SECRETS = {
    **{
        f"variable {name}": value
        for name, value in VARIABLES.items()
        if name
        in (
            "FOO_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "MYSQL_PWD",
            "HF_TOKEN",
            "WANDB_API_KEY",
            "GH_PAT",
            "LICENCE",
        )
    },
    "variable DATABASE_URL": made(3),
    "private key, first line": made(6),
    "private key, second line": made(7),
    "lower-case proxy": made(8),
    "inside CFLAGS": made(9),
    "inside PIP_INDEX_URL": made(10),
    "inside XLA_FLAGS": made(11),
    "option": made(13),
    "option with =": made(14),
    "login": made(15),
    "header": made(16),
    "URL of an argument": made(17),
    "assignment in sh -c": made(18),
    "one of several settings": "plain-words-nineteen",
    "JSON of an argument": "words-of-an-argument",
    "remote": made(21),
    "submodule": made(22),
    "branch": "glpat" + "-" + made(23),
    "untracked file": "xoxb" + "-" + "123456789012-" + made(24),
    "changed file": made(25),
    "file named so": made(26),
    "params file": "plain-words-twenty-seven",
    "param": made(28),
    "config input": "dop" + "_v1_" + HEX * 2,
    "standard input": "npm" + "_" + made(30) + "aBcDeF",
    "purpose": "AKIA" + "QWERTYUIOPASDF31",
    "name": "gho" + "_" + made(32) + "aBcDeF",
    "tag": "ghs" + "_" + made(33) + "aBcDeF",
    "ticket": "sk" + "-proj-" + made(34),
    "fact": made(35),
    "later note": "SG" + "." + made(36)[:22] + "." + made(36) + "abcdefghijklm",
    "later tag": "ghu" + "_" + made(37) + "aBcDeF",
    "later name": "ghr" + "_" + made(38) + "aBcDeF",
    "program that is not there": "glpat" + "-" + made(39),
    "label of a metric": "hf" + "_" + made(40) + "aBcD",
    "exception": "dckr" + "_pat_" + made(41),
    "password of sudo": made(42),
    "value beside its name in a params file": "plain-words-43",
    "command line in a params file": "plain-words-44",
    "words of a params file": "plain-words-45",
    "URL in a label": "plain-words-46",
    "URL in the name of a metric": "plain-words-47",
    "error of an evaluation": made(48),
    "setting of an evaluation": made(49),
    "name of a job": "plain-words-50",
    "comment of a job": "plain-words-51",
    "name of a measurement": "plain-words-52",
    # Of these xt is told nothing: the program reads them from a file that lies elsewhere.
    **(
        UNTOLD := {
            "token in a file": "glpat" + "-" + made(53),
            "token in a file, coloured": "github" + "_pat_" + made(54),
            "header in a file": made(55),
            "password of a URL in a file": made(56),
            "private key in a file": made(57) * 2,
            "label of a metric from a file": "sk" + "-proj-" + made(58),
        }
    ),
}

#: Prints what it has: whole, cut, in other writings; fails with a message about it.
PROGRAM = """\
import base64, json, os, shlex, sys, time, urllib.parse
names = sys.argv[1].split(",")
for name in names:
    value = os.environ[name]
    print("whole", value)
    print("json", json.dumps(json.dumps({name: value})))
    print("repr", repr(value), "shell", shlex.quote(value))
    print("url", urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value))
    print("hex", value.encode().hex(), "wide", value.encode("utf-16-be").decode("latin-1"))
    print("coloured", value[:7] + "\\x1b[31m" + value[7:], "and wrapped:", value[:9] + "\\n    " + value[9:])
    for shift in ("", "a", "ab"):
        print("base64", base64.b64encode((shift + value + "zz").encode()).decode(), file=sys.stderr)
    for line in value.splitlines():
        print("  ", line)
    sys.stdout.flush()
    half = len(value) // 2
    os.write(1, b"cut " + value[:half].encode())
    time.sleep(0.01)
    os.write(1, value[half:].encode() + b"\\n")
print(sys.stdin.read() and "read")
token, coloured, header, password, key, label = open(os.environ["ELSEWHERE"]).read().split()
for stream in (sys.stdout, sys.stderr):
    print(f"with {token} and \x1b[1m{coloured}\x1b[0m; Authorization: Bearer {header}", file=stream)
    print(f"pull https://me:{password}@example.org/x", file=stream)
    print(f"-----BEGIN PRIVATE KEY-----\\n{key}\\nAb3=\\n-----END PRIVATE KEY-----", file=stream)
with open(os.environ["XT_METRICS"], "a") as file:
    for step in (1, 2):
        labels = {"site": os.environ["SITE"], "x": label}
        row = {"name": "loss", "value": 1 / step, "step": step, "labels": labels}
        file.write(json.dumps(row) + "\\n")
    url = "https://me:" + os.environ["ODD_LABEL"][::-1] + "@h"
    file.write(json.dumps({"name": "acc", "value": 1, "labels": {"from": url}}) + "\\n")
    file.write(json.dumps({"name": "https://me:" + os.environ["ODD_NAME"][::-1] + "@h", "value": 1}) + "\\n")
error, key = os.environ["ODD_ERROR"][::-1], os.environ["ODD_KEY"][::-1]
failed = {"testIdx": 0, "error": error, "vars": {"api_key": key}}
json.dump({"results": {"results": [failed], "prompts": [], "stats": {}}}, open("eval.json", "w"))
open("model.bin", "w").write("weights")
raise ValueError("cannot log in with " + os.environ["FOO_TOKEN"] + " and " + os.environ["HF_TOKEN"])
"""


def written(secret: str) -> dict[str, bytes]:
    """The ways in which a secret must not be found."""
    raw = secret.encode()
    forms = {
        "plain": raw,
        "JSON": secret.replace("\\", "\\\\").replace('"', '\\"').encode(),
        "percent": urllib.parse.quote(secret, safe="").encode(),
        "hex": raw.hex().encode(),
        "UTF-16": secret.encode("utf-16-le")[:-1],
        # A digest lets anyone test guesses.
        "BLAKE3": blake3(raw).hexdigest().encode(),
        "BLAKE3, short": blake3(raw).hexdigest()[:16].encode(),
        **{name: hashlib.new(name, raw).hexdigest().encode() for name in ("sha256", "sha1", "md5")},
    }
    for shift in range(3):
        code = base64.b64encode(b"\0" * shift + raw)
        forms[f"base64 at {shift}"] = code[(0, 2, 3)[shift] : (shift + len(raw)) * 8 // 6]
    return forms


def leaks(data: bytes) -> set[str]:
    return {
        f"{name} ({form})"
        for name, secret in SECRETS.items()
        for form, code in written(secret).items()
        if code in data
    }


def opened(name: str, data: bytes) -> bytes:
    """A file's bytes and all that is packed in them."""
    parts = [os.fsencode(name), data]
    if data[:4] == b"\x28\xb5\x2f\xfd":
        parts.append(zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 26))
    elif data[:4] == b"PK\3\4":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts += [opened(inner, archive.read(inner)) for inner in archive.namelist()]
    elif data[:2] == b"\x1f\x8b":
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            parts += [file.read() for one in archive if (file := archive.extractfile(one))]
    elif data[:4] == b"PACK":
        at = 12
        while at < len(data) - 20:
            while data[at] & 0x80:
                at += 1
            inflater = zlib.decompressobj()
            try:
                parts.append(inflater.decompress(data[at + 1 :]))
            except zlib.error:
                at += 20  # what it builds on stands before it
                continue
            at = len(data) - len(inflater.unused_data)
    elif data[:1] == b"\x78":
        with contextlib.suppress(zlib.error):  # not everything with an x in front is git's
            parts.append(zlib.decompressobj().decompress(data))
    elif data[:6] == b"SQLite":
        base = sqlite3.connect(f"file:{name}?immutable=1", uri=True)
        parts += [line.encode("utf-8", "surrogateescape") for line in base.iterdump()]
        base.close()
    return b"\0".join(parts)


def everything(*places: Path) -> bytes:
    found = []
    for place in places:
        for folder, _, names in os.walk(place):
            found += [opened(f"{folder}/{name}", Path(folder, name).read_bytes()) for name in names]
    return b"\0".join(found)


class All(Project):
    at_once = ANSWERING


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A project that is full of secrets, and has had its run."""
    secret = SECRETS
    path = tmp_path / "project"
    path.mkdir()
    made = All(path)
    inner = tmp_path / "inner"
    inner.mkdir()
    Project(inner).sh("git init -q; echo x > x; git add x; git commit -qm x")
    made.write("train.py", PROGRAM)
    made.write("xt.toml", '[env]\nsecrets = ["LICENCE"]\n')
    made.sh(
        "git init -q && git add -A && git commit -qm first\n"
        f"git checkout -qb '{secret['branch']}'\n"
        f"git -c protocol.file.allow=always submodule --quiet add '{inner}' sub; git commit -qm sub\n"
        f"git remote add origin 'https://me:{secret['remote']}@example.org/x.git'\n"
        f"git -C sub remote set-url origin 'https://x-access-token:{secret['submodule']}@example.org/s.git'\n"
    )
    made.write("bot.py", f"slack = connect('{secret['untracked file']}')\n")
    made.write("train.py", PROGRAM + f"password = '{secret['changed file']}'\n")
    made.write(
        "config.yaml",
        f"lr: 0.1\nservice:\n  api_key: {secret['params file']}\n"
        f"env:\n- name: APP_PASSWORD\n  value: {secret['value beside its name in a params file']}\n"
        f"line: run --db-password {secret['command line in a params file']}\n"
        f"words: [--token, {secret['words of a params file']}]\n",
    )
    made.write(".env", f"X={secret['file named so']}\n")
    made.write("settings.json", f'{{"cloud": "{secret["config input"]}"}}\n')
    made.write("typed", f"token: {secret['standard input']}\n")
    monkeypatch.setenv("SITE", secret["label of a metric"])
    (tmp_path / "elsewhere").write_text("\n".join(UNTOLD.values()))
    monkeypatch.setenv("ELSEWHERE", str(tmp_path / "elsewhere"))
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    # Backwards: what the program puts together is in no variable.
    monkeypatch.setenv("ODD_LABEL", secret["URL in a label"][::-1])
    monkeypatch.setenv("ODD_NAME", secret["URL in the name of a metric"][::-1])
    monkeypatch.setenv("ODD_ERROR", f"Authorization: Bearer {secret['error of an evaluation']}"[::-1])
    monkeypatch.setenv("ODD_KEY", secret["setting of an evaluation"][::-1])
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setenv("SLURM_JOB_NAME", f"train --db-password {secret['name of a job']}")
    monkeypatch.setenv("SLURM_JOB_COMMENT", f"token={secret['comment of a job']}")
    with open(path / "typed", "rb") as typed:
        made.done = made.run(
            *("--strict", "-m", f"why {secret['purpose']} {VARIABLES['LICENCE']}", "--name", secret["name"]),
            *("--tag", secret["tag"], "--ticket", secret["ticket"], "--param", "config.yaml"),
            *("--param", f"service.password={secret['param']}", "--fact", f"auth.token={secret['fact']}"),
            *("--input", "config:settings.json", "--output", "model:model.bin"),
            *("--metrics", "promptfoo:eval.json", "--"),
            *(sys.executable, "train.py", ",".join(VARIABLES), "--token", secret["option"]),
            f"--api-key={secret['option with =']}",
            f"https://me:{secret['URL of an argument']}@example.org/data",
            f"--model_args=a=x,api_key={secret['one of several settings']}",
            f'{{"password": "{secret["JSON of an argument"]}"}}',
            stdin=typed,
        )
    made.shell = made.run(
        *("-q", "--strict", "--", "sh", "-c"),
        f"B_TOKEN={secret['assignment in sh -c']} true; : curl -u a:{secret['login']} h;"
        f" : curl -H 'Authorization: Bearer {secret['header']}' h;"
        f" : sshpass -p {secret['password of sudo']} x",
    )
    made.gone = made.run("-q", "--strict", "--", f"./{secret['program that is not there']}")
    made.failed = made.run(
        *(
            "-q",
            "--strict",
            "--",
            sys.executable,
            "-c",
            "import os; raise SystemExit(os.environ['LAST_TOKEN'])",
        ),
        env={"LAST_TOKEN": secret["exception"]},
    )
    return made


def test_no_secret_is_in_the_store_or_in_what_is_made_of_it(planted, tmp_path):
    assert len({*SECRETS.values()}) >= 40
    project, out, remote = planted, tmp_path / "out", tmp_path / "remote"
    out.mkdir()
    remote.mkdir()
    assert (project.done.code, project.shell.code, project.gone.code) == (1, 0, 127), project.done.err
    for value in VARIABLES.values():  # the command got all of it, and so did the terminal
        assert f"whole {value}".encode() in project.done.out
    streams = {stream["name"]: stream for stream in project.record("@~3")["result"]["logs"]["streams"]}
    kinds = {"GitLab token", "GitHub token", "header that authorises", "password in a URL", "private key"}
    assert streams["stdout"]["recognised"].keys() >= kinds
    assert "GitLab token" in project.xt("show", "@~3").out.decode()
    for words in (
        ("note", "@~3", "-m", f"see {SECRETS['later note']} and {VARIABLES['LICENCE']}"),
        ("baseline", "set", "@~3", "-m", f"because {VARIABLES['LICENCE']} {VARIABLES['FOO_TOKEN']}"),
        ("deploy", "@~3", "prod", "-m", f"with {VARIABLES['GH_PAT']}"),
    ):
        project.xt(*words)
    for words in (
        *(("tag", "@~3", SECRETS["later tag"]), ("name", "@~3", SECRETS["later name"])),
        ("observe", "prod", f"https://me:{SECRETS['name of a measurement']}@h/x=1"),
    ):
        refused = project.xt(*words)
        assert (refused.code, "looks like a secret" in refused.err) == (2, True), refused.err
    found = {}
    for words in (
        *(("show", reference) for reference in ("@~3", "@~2", "@~1", "@")),
        *(("show", "@~3", "--json"), ("ls", "--json", "-n", "0"), ("logs", "@~3"), ("note", "@~3")),
        *(("diff", "@~3", "@~2", "--format", form) for form in ("terminal", "json", "markdown", "html")),
        *(("audit", "@~3"), ("trace", "model.bin"), ("prod",)),
    ):
        done = project.xt(*words)
        assert done.code in (0, 1, 3), (words, done.err)
        found[" ".join(words)] = leaks(done.out + done.err.encode())
    assert project.xt("report", "@~3", "@~2", "-o", str(out / "report.html")).code == 0
    formats = [name for name in EXPORTERS.rows if name != "mlflow"]  # that is for a server
    for name in formats:
        done = project.xt("export", "@~3", "--to", name, "-o", str(out / f"export.{name}"), "--identify")
        assert done.code == 0, (name, done.err)
        found[f"messages of {name}"] = leaks(done.err.encode())
    pushed = project.xt("push", "--code", "--inputs", "--outputs", "-r", str(remote))
    assert pushed.code == 0, pushed.out + pushed.err.encode()
    words = ("-q", "--strict", "--ci", "github", "--ci-dir", str(out / "ci"), "--", "true")
    ci = project.run(*words, env={"CI": "1"})
    assert (ci.code, len([*(out / "ci").iterdir()]) > 0) == (0, True)
    found["CI"] = leaks(ci.out + ci.err.encode())
    found["exports, report and pages of CI"] = leaks(everything(out))
    found["remote"] = leaks(everything(remote))
    found["store"] = leaks(everything(project.path / ".xt"))
    assert {where: names for where, names in found.items() if names} == {}


def test_no_secret_reaches_a_server_of_mlflow(planted, mlflow):
    done = planted.xt("export", "@~3", "--to", "mlflow", "-o", mlflow, "--identify")
    assert done.code == 0, done.err
    run_id = planted.record("@~3")["id"]
    told = [run for run in read_back(mlflow, planted.path.name) if run_id in json.dumps(run["tags"])]
    assert [run["params"]["lr"] for run in told] == ["0.1"]
    assert leaks(json.dumps(told).encode() + done.err.encode()) == set()


def test_what_is_searched_for_would_be_found(tmp_path):
    text = "\n".join(SECRETS.values()).encode()
    plain = {f"{name} (plain)" for name in SECRETS}
    assert plain <= leaks(text)
    (tmp_path / "packed").mkdir()
    with zipfile.ZipFile(tmp_path / "packed" / "zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner", text)
    base = sqlite3.connect(tmp_path / "packed" / "index.db")
    base.execute("create table t (x)")
    base.executemany("insert into t values (?)", [(value,) for value in SECRETS.values()])
    base.commit()
    base.close()
    (tmp_path / "packed" / "zst").write_bytes(zstandard.ZstdCompressor().compress(text))
    git = Project(tmp_path)
    git.sh("git init -q; git config gc.auto 0")
    (tmp_path / "file").write_bytes(text)
    git.sh("git add file; git commit -qm file; mkdir loose; cp -r .git/objects loose/; git repack -qad")
    loose = [path for path in (tmp_path / "loose").rglob("*") if path.is_file()]
    packs = [*(tmp_path / ".git" / "objects" / "pack").glob("*.pack")]
    for path in (*(tmp_path / "packed").iterdir(), *packs):
        assert plain <= leaks(opened(str(path), path.read_bytes())), path
    assert any(plain <= leaks(opened(str(path), path.read_bytes())) for path in loose)


@pytest.fixture
def said(project):
    """A repository with a token in an untracked file, and a password in a changed one."""
    token = "ghp" + "_" + ABC
    project.token = token
    project.write("bot.py", f"x = 1\nclient = connect('{token}')\n")
    project.write("train.py", "print('training')\npassword = 'hunter2-hunter2'\n")
    return project


class TestCode:
    def test_lines_that_look_like_secrets_are_said_and_stored(self, said):
        for _ in range(2):  # what is remembered of files is said again
            done = said.run("true")
            assert "xt: warning: code: bot.py:2: looks like a secret: a GitHub token\n" in done.err
            assert "xt: warning: code: train.py:2: looks like a secret: a value of `password` (" in done.err
            assert said.token not in done.err
        problems = [one["message"] for one in said.record()["snapshot"]["problems"]]
        assert "bot.py:2: looks like a secret: a GitHub token" in problems
        assert said.token.encode() in said.stored_bytes()
        assert said.xt("show", "@", "--code", "bot.py").out.decode().count(said.token) == 1

    @pytest.mark.parametrize("how", ["option", "setting"])
    def test_strict_stores_none_of_it_and_says_so(self, said, how):
        if how == "setting":
            said.write("xt.toml", "[run]\nstrict = true\n")
        assert said.run("-q", *(["--strict"] if how == "option" else []), "--", "true").code == 0
        stored = said.stored_bytes()
        assert said.token.encode() not in stored
        assert b"hunter2" not in stored
        code = said.record()["snapshot"]["code"]
        assert {entry["path"]: entry["reason"] for entry in code["left_out"]} == {
            "bot.py": "secret-like: line 2: a GitHub token",
            "train.py": "secret-like: line 2: a value of `password`",
        }
        assert b"secret-like: line 2: a GitHub token" in said.xt("show").out
        # What is still there as it was is taken from there, and stored by no repeat either.
        assert said.xt("rerun", "@").code == 0
        assert said.token.encode() not in said.stored_bytes()
        said.write("bot.py", "x = 2\n")
        assert "not here as then: `bot.py`" in said.xt("rerun", "@~1").err

    def test_whoever_knows_better_can_say_so(self, said):
        said.write("xt.toml", '[code]\nallow_secrets = ["bot.*"]\n')
        said.write("train.py", "password = 'hunter2-hunter2'  # xt: allow-secret\n")
        assert "secret" not in said.run("--strict", "--", "true").err
        assert said.token.encode() in said.stored_bytes()

    def test_the_value_of_a_secret_variable_is_known_whatever_it_looks_like(self, project):
        project.write("notes.md", "first\nit is sesame, as always\n")
        message = "notes.md:2: looks like a secret: the value of a secret variable or argument"
        assert "sesame" not in project.run("true").err
        assert message in project.run("true", env={"API_TOKEN": "sesame"}).err

    def test_repositories_inside_are_looked_at_too(self, project):
        project.sh("mkdir inner; cd inner; git init -q; echo x > x; git add x; git commit -qm x")
        project.write("inner/deep/bot.py", "'ghp" + "_" + ABC + "'\n")
        done = project.run("--strict", "--", "true")
        assert "xt: warning: code: inner/deep/bot.py:1: looks like a secret: a GitHub token" in done.err
        assert ABC.encode() not in project.stored_bytes()
        left = {entry["path"] for entry in project.record()["snapshot"]["code"]["left_out"]}
        assert left == {"inner/deep/bot.py"}

    def test_large_and_binary_files_are_not_looked_at(self, project):
        token = "ghp" + "_" + ABC
        project.write("large.txt", token + "x" * (1 << 20))
        (project.path / "binary").write_bytes(b"\0" + token.encode())
        os.symlink("large.txt", project.path / "link")
        os.mkfifo(project.path / "fifo")
        assert "secret" not in project.run("true").err

    def test_a_config_file_declared_as_input_is_not_kept_under_strict(self, project):
        project.write("conf", "host: a\npassword: plain-words\n")
        project.sh("echo conf > .gitignore")
        words = ("-i", "config:conf", "--", "true")
        strict = project.run("--strict", *words)
        assert "inputs: conf:2: looks like a secret: a value of `password`" in strict.err
        assert b"plain-words" not in project.stored_bytes()
        assert project.run(*words).err.count("inputs: conf:2: looks like a secret") == 1
        assert b"plain-words" in project.stored_bytes()

    def test_standard_input_is_looked_at(self, project):
        token = "ghp" + "_" + ABC
        done = project.run("--strict", "--", "cat", input=f"a\n{token}\n".encode())
        assert done.out.endswith(token.encode() + b"\n")
        assert "standard input:2: looks like a secret: a GitHub token" in done.err
        command = project.record()["snapshot"]["command"]
        assert (command["stdin_digest"], command["stdin_size"]) == (None, len(token) + 3)
        assert "looks like a secret" in command["stdin_reason"]


def test_a_secret_of_a_params_file_is_masked_in_logs_too(project):
    project.write("conf.yaml", "service:\n  password: plain-words\n")
    done = project.run("-q", "--strict", "-p", "conf.yaml", "--", "sh", "-c", "cat conf.yaml; git remote -v")
    assert b"plain-words" in done.out
    assert b"plain-words" not in project.stored_bytes()


def test_secrets_of_files_of_variables_are_masked_in_logs_too(project):
    """Of `.env`, which libraries read by themselves, and of those that containers are given."""
    key, password = "4711-open-sesame", "plain-words-twice"
    project.write(
        ".env", f"# keys\nexport OPENAI_API_KEY='{key}'  # mine\nNAME=plain-name-1\nA_TOKEN=main\nbad\n"
    )
    project.write("of.env", f"DB_PASSWORD={password}\n")
    script = f"cat .env of.env; echo plain-name-1 main; : {key}"
    for words in (
        ("--env-file", "of.env"),
        ("--env-file", "none", "--env-file=of.env"),
    ):
        done = project.run("-q", "--strict", "--", "sh", "-c", script, *words)
        assert key.encode() in done.out
        log = project.xt("logs").out
        assert (key.encode() in log, password.encode() in log) == (False, False)
        assert b"plain-name-1 main" in log
    assert key.encode() not in project.stored_bytes()
    (project.path / ".env").unlink()
    os.mkfifo(project.path / ".env")
    assert project.run("-q", "--", "true").code == 0


def test_the_password_of_a_remote_is_masked_in_logs_too(project):
    project.sh("git remote add origin https://me:tok-4711-xyz@example.org/x.git")
    assert b"tok-4711-xyz" in project.run("-q", "git", "remote", "-v").out
    assert b"tok-4711-xyz" not in project.stored_bytes()


def test_what_a_command_wrote_as_output_is_its_own_and_is_not_pushed(project, tmp_path):
    """Past the first megabyte too."""
    (tmp_path / "remote").mkdir()
    project.write(
        "many.py", "open('out.txt', 'w').write('words\\n' * 200_000 + 'password = \"hunter2-hunter2\"\\n')\n"
    )
    assert project.run("-q", "-o", "out.txt", "--", sys.executable, "many.py").code == 0
    assert b"hunter2-hunter2" in project.stored_bytes()
    push = ("push", "--outputs", "-r", str(tmp_path / "remote"))
    done = project.xt(*push, env={"COLUMNS": "200"})
    assert done.code == 5
    assert (
        b"something that looks like a secret is in outputs: out.txt:200001: a value of `password`" in done.out
    )
    assert not (tmp_path / "remote" / "runs").exists()
    assert project.xt(*push, "--allow-secrets").code == 0


def test_a_bug_shown_with_its_place_gives_no_secret_away(project):
    """`XT_DEBUG=1` prints where, and no values."""
    secret = "sesame-open-4711"
    project.run("-q", "true")
    for words in (("show", "nope"), ("run", "--param", "x", "--", "true"), ("export", "@", "--to", "nope")):
        done = project.xt(*words, env={"XT_DEBUG": "1", "API_TOKEN": secret}, stdin=None)
        assert done.code != 0
        assert secret.encode() not in done.out + done.err.encode()
    # Errors quote what was typed; jobs of CI show them to everybody.
    job = {"CI": "1", "API_TOKEN": secret, "XT_DEBUG": "1"}
    for words in (
        ("run", "--ci", "github", "--ci-dir", "ci", "-i", secret, "--", "true"),
        ("run", "--ci", "github", "--ci-dir", "ci", "--param", "ghp" + "_" + ABC, "--", "true"),
        ("diff", "--ci", "github", "--ci-dir", "ci", secret, "ghp" + "_" + ABC),
    ):
        done = project.xt(*words, env=job)
        assert done.code != 0
        told = done.out + done.err.encode() + everything(project.path / "ci")
        assert b"***" in told
        assert secret.encode() not in told
        assert ABC.encode() not in told
    done = project.run("true", "--password", secret, env={"XT_DEBUG": "1", "XT_STORE": "/proc/none"})
    assert secret not in done.err


def test_the_store_is_its_owners_alone_after_every_command(project, tmp_path):
    """Whatever the umask; the command's own files are as it wants them."""
    (tmp_path / "remote").mkdir()
    project = All(project.path)
    project.write("new.py", "x = 1\n")
    before = os.umask(0)
    try:
        project.run("-q", "-o", "out", "--", "sh", "-c", "echo hi > out; mkdir d")
        for words in (
            *(("run", "-q", "true"), ("ls",), ("show",), ("note", "@", "-m", "x"), ("tag", "@", "x")),
            *(
                ("diff", "@~1", "@"),
                ("baseline", "set", "@"),
                ("rerun", "@", "-q"),
            ),
            *(("push", "--code", "-r", str(tmp_path / "remote")), ("trace", "out"), ("rm", "@~1")),
        ):
            project.xt(*words)
    finally:
        os.umask(before)
    assert (project.path / "out").stat().st_mode & 0o777 == 0o666
    store = project.path / ".xt"
    assert store.stat().st_mode & 0o777 == 0o700
    # Contents may be mounted into a container, where another user reads them: nobody else gets to them here.
    contents = (store / "objects", store / "code.git" / "objects")
    for path in store.rglob("*"):
        mode = path.lstat().st_mode
        mine = path.is_symlink() or not mode & 0o077
        assert mine or (path.is_file() and mode & 0o777 == 0o444 and {*path.parents} & {*contents}), path
