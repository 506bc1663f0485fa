"""Secrets planted wherever they come from, and a search of every byte that was written for them.

What is planted is made up; values are put together from parts, so that no scanner takes this file for a leak.
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
import sqlite3
import stat
import sys
import tarfile
import urllib.parse
import zipfile
import zlib
from pathlib import Path

import pytest
import zstandard

from tests.at_once import ANSWERING
from tests.conftest import Project
from xt.exchange import EXPORTERS

ABC = "4bC9xYz0Qw7LmN2pRt5VsK8uJ1aD3eF6gH"
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
    "DEPLOY_PRIVATE_KEY": f"-----BEGIN PRIVATE {'KEY'}-----\n{made(6)}\n{made(7)}\n-----END PRIVATE {'KEY'}-----\n",
    "https_proxy": f"http://proxy:{made(8)}@proxy.example.org:3128",
    "CFLAGS": f"-O2 -DLICENCE_KEY={made(9)}",
    "PIP_INDEX_URL": f"https://__token__:{made(10)}@pypi.example.org/simple",
    "XLA_FLAGS": f"--xla_dump_to=https://x:{made(11)}@dump.example.org/",
    "LICENCE": f"licence {made(12)}",
}
#: What must not be found, in any form; the parts of it that are secret.
SECRETS = {
    **{f"variable {name}": value for name, value in VARIABLES.items() if name in (
        "FOO_TOKEN", "AWS_SECRET_ACCESS_KEY", "MYSQL_PWD", "HF_TOKEN", "WANDB_API_KEY", "GH_PAT", "LICENCE")},
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
    "JSON of an argument": "plain-words-twenty",
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
with open(os.environ["XT_METRICS"], "a") as file:
    for step in (1, 2):
        row = {"name": "loss", "value": 1 / step, "step": step, "labels": {"site": os.environ["SITE"]}}
        file.write(json.dumps(row) + "\\n")
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
    made.write("config.yaml", f"lr: 0.1\nservice:\n  api_key: {secret['params file']}\n")
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
    made.write(".env", f"X={secret['file named so']}\n")
    made.write("settings.json", f'{{"cloud": "{secret["config input"]}"}}\n')
    made.write("typed", f"token: {secret['standard input']}\n")
    monkeypatch.setenv("SITE", secret["label of a metric"])
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    with open(path / "typed", "rb") as typed:
        made.done = made.run(
            *("--strict", "-m", f"why {secret['purpose']} {VARIABLES['LICENCE']}", "--name", secret["name"]),
            *("--tag", secret["tag"], "--ticket", secret["ticket"], "--param", "config.yaml"),
            *("--param", f"service.password={secret['param']}", "--fact", f"auth.token={secret['fact']}"),
            *("--input", "config:settings.json", "--output", "model:model.bin", "--"),
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
        f" : curl -H 'Authorization: Bearer {secret['header']}' h; : sshpass -p {secret['password of sudo']} x",
    )
    made.gone = made.run("-q", "--strict", "--", f"./{secret['program that is not there']}")
    made.failed = made.run(
        *("-q", "--strict", "--", sys.executable, "-c", "import os; raise SystemExit(os.environ['LAST_TOKEN'])"),
        env={"LAST_TOKEN": secret["exception"]},
    )
    return made


def test_no_secret_is_in_the_store_or_in_what_is_made_of_it(planted, tmp_path):
    assert len(SECRETS) >= 40
    project, out = planted, tmp_path / "out"
    out.mkdir()
    assert (project.done.code, project.shell.code, project.gone.code) == (1, 0, 127), project.done.err
    # The command got all of it.
    for name in VARIABLES:
        assert f"whole {VARIABLES[name]}".encode() in project.done.out
    said = []
    for words in (
        ("note", "@~3", "-m", f"see {SECRETS['later note']} and {VARIABLES['LICENCE']}"),
        ("tag", "@~3", SECRETS["later tag"]),
        ("name", "@~3", SECRETS["later name"]),
        ("baseline", "set", "@~3", "-m", f"because {VARIABLES['LICENCE']} {VARIABLES['FOO_TOKEN']}"),
        ("deploy", "@~3", "prod", "-m", f"with {VARIABLES['GH_PAT']}"),
    ):
        done = project.xt(*words)
        said.append(done.err.encode() + done.out)
    found = {"store": leaks(everything(project.path / ".xt"))}
    shown = [
        ("show", "@~3", "--json"), ("show", "@~3"), ("show", "@~2"), ("show", "@~1"), ("show", "@"),
        ("logs", "@~3"), ("ls", "--json", "-n", "0"), ("diff", "@~3", "@~2", "--json"),
        ("diff", "@~3", "@~2", "--format", "markdown"), ("diff", "@~3", "@~2", "--format", "html"),
        ("audit", "@~3"), ("trace", "model.bin"), ("prod",), ("note", "@~3"),
    ]
    for words in shown:
        done = project.xt(*words)
        assert done.code in (0, 1, 3), (words, done.err)
        found[" ".join(words)] = leaks(done.out + done.err.encode())
    assert project.xt("report", "@~3", "@~2", "-o", str(out / "report.html")).code == 0
    made = set()
    for name in EXPORTERS.rows:
        if name == "mlflow":
            continue  # to a server: see tests/exchange/test_mlflow.py
        done = project.xt("export", "@~3", "--to", name, "-o", str(out / f"export.{name}"), "--identify")
        made |= {name} if done.code == 0 else set()
        found[f"messages of {name}"] = leaks(done.err.encode())
    assert made == set(EXPORTERS.rows) - {"mlflow"}
    (tmp_path / "remote").mkdir()
    pushed = project.xt("push", "--code", "--inputs", "--outputs", "-r", str(tmp_path / "remote"))
    print(pushed.out.decode(), planted.done.err, planted.shell.err, planted.gone.err)
    #assert pushed.code == 0, pushed.out + pushed.err.encode()
    ci = project.run("-q", "--ci", "github", "--ci-dir", str(out / "ci"), "--", "true", env={"CI": "1"})
    found["CI"] = leaks(ci.out + ci.err.encode())
    found["exports"] = leaks(everything(out))
    found["remote"] = leaks(everything(tmp_path / "remote"))
    found["store at the end"] = leaks(everything(project.path / ".xt"))
    import pprint; pprint.pprint({where: names for where, names in found.items() if names})
    assert {where: names for where, names in found.items() if names} == {}
