"""Params: every source, which wins, and files that would hurt."""

from __future__ import annotations

import datetime
import math
import os
import subprocess
import sys

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from xt.collect import Capture
from xt.collect.argv import settings as words
from xt.collect.documents import LIMIT
from xt.collect.params import MAX_PARAMS, candidates, collect, resolve
from xt.collect.scalars import json_safe, scalar
from xt.config import Settings
from xt.context import Outside
from xt.declare import param_spec
from xt.errors import NotStartedError
from xt.model.request import RunRequest


class Keep:
    def put_bytes(self, data):
        raise AssertionError("params keep nothing")

    put_file = has = put_bytes


@pytest.fixture
def make(tmp_path):
    """Build a capture of a project in `tmp_path`."""

    def make(*params, command=("true",), toml=()):
        specs = [param_spec(text, str(tmp_path), "xt.toml") for text in toml]
        specs += [param_spec(text, str(tmp_path), "--param") for text in params]
        request = RunRequest(command=list(command), cwd=str(tmp_path), params=specs)
        outside = Outside(str(tmp_path), {})
        return Capture(request, outside, str(tmp_path), str(tmp_path / ".xt"), Settings(), Keep(), b"k" * 32)

    return make


def gather(capture):
    """Everything but masking, as `name: (value, source)`."""
    return {param.name: (param.value, param.source) for param in resolve(capture, candidates(capture))}


def values(capture):
    return {name: value for name, (value, _) in gather(capture).items()}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("+3", 3),
        ("0", 0),
        ("007", "007"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("0.1", 0.1),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e-3", 1e-3),
        ("-2.5E+3", -2500.0),
        ("1e", "1e"),
        (".", "."),
        ("true", True),
        ("False", False),
        ("tRUE", "tRUE"),
        ("yes", "yes"),
        ("null", None),
        ("~", None),
        ("None", "None"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1e999", "1e999"),
        ("", ""),
        ("adam", "adam"),
        (" 1", " 1"),
        ('"1"', "1"),
        ("'x'", "x"),
        ("'", "'"),
        ("[64, 32]", [64, 32]),
        ("[[1]]", "[[1]]"),
        ("[a]", "[a]"),
        ("[", "["),
        (str(2**63 - 1), 2**63 - 1),
        (str(2**63), str(2**63)),
        ("9" * 10_000, "9" * 10_000),
        ("٣", "٣"),
    ],
)
def test_values_are_typed_as_yaml_does(text, value):
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


@given(st.text() | st.binary().map(os.fsdecode))
def test_every_value_is_json(text):
    encoded = msgspec.json.encode(scalar(text))
    assert msgspec.json.decode(encoded) == scalar(text)


@given(
    st.integers()
    | st.floats()
    | st.binary()
    | st.datetimes()
    | st.dates()
    | st.times()
    | st.none()
    | st.booleans()
)
def test_every_scalar_of_a_parser_becomes_json(value):
    safe = json_safe(value)
    assert msgspec.json.decode(msgspec.json.encode(safe)) == safe


def test_odd_scalars():
    assert json_safe(math.nan) == "nan"
    assert json_safe(-math.inf) == "-inf"
    assert json_safe(2**64) == str(2**64)
    assert json_safe(10**20_000).startswith("0x")
    assert json_safe(datetime.date(2026, 1, 2)) == "2026-01-02"
    assert json_safe("\udcff") == "\\udcff"


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (
            "python train.py --lr 0.1 --epochs=10 data.csv seed=7",
            [("lr", "0.1"), ("epochs", "10"), ("seed", "7")],
        ),
        (
            "python train.py --verbose --shift -3 --min -.5 --x",
            [("verbose", True), ("shift", "-3"), ("min", "-.5"), ("x", True)],
        ),
        ("python train.py --a --b -c -", [("a", True), ("b", True)]),
        ("python train.py --in - pos --out=", [("in", "-"), ("out", "")]),
        ("python -u -X dev -W error train.py --lr 1", [("lr", "1")]),
        ("python3.11 -m pkg.mod --lr 1", [("lr", "1")]),
        ("/usr/bin/python -Im pkg --lr 1", [("lr", "1")]),
        ("python -mpkg --lr 1", [("lr", "1")]),
        ("python -Werror x.py --lr 1", [("lr", "1")]),
        ("python -c a=1 --lr 2", [("lr", "2")]),
        ("python --check-hash-based-pycs always x.py --lr 1", [("lr", "1")]),
        ("python", []),
        ("./train.py --lr 1", [("lr", "1")]),
        ("make lr=1 -j 4", [("lr", "1")]),
        ("bash -c x=1 name --lr 2", [("lr", "2")]),
        ("bash -ex run.sh --lr 1", [("lr", "1")]),
        ("Rscript fit.R --lr 1", [("lr", "1")]),
        ("uv run --with numpy train.py --lr 1", [("lr", "1")]),
        ("uv run train --lr 1", [("lr", "1")]),
        ("poetry run python -m x --lr 1", [("lr", "1")]),
        ("conda run -n env python x.py --lr 1", [("lr", "1")]),
        ("env A=1 B=2 python x.py --lr 1", [("lr", "1")]),
        ("env A=1 ./prog --lr 1", [("lr", "1")]),
        ("torchrun --nproc-per-node 4 train.py --lr 1", [("lr", "1")]),
        ("time -v prog --lr 1", [("lr", "1")]),
        (
            "x model/encoder=small +new=1 ++forced=2",
            [("model/encoder", "small"), ("new", "1"), ("forced", "2")],
        ),
        ("x data/year=2026/x.csv http://h/?a=1 ./a=b a-b=1", [("a-b", "1")]),
        ("x -- --lr 1 -- b=2", [("lr", "1"), ("b", "2")]),
        ("x --lr 1 --lr 2", [("lr", "1"), ("lr", "2")]),
        ("x --key=a=b --=1 -- ---y", [("key", "a=b")]),
    ],
)
def test_the_words_of_a_command(command, found):
    assert words(command.split()) == found


@given(
    st.lists(
        st.text(max_size=8) | st.sampled_from(["python", "-m", "-c", "env", "uv", "run", "--a", "b=1"]),
        min_size=1,
    )
)
def test_any_command_can_be_read(command):
    for name, _ in words(command):
        assert name


def test_words_are_marked_typed_and_repeated_ones_listed(make):
    capture = make(
        command=["python", "t.py", "--lr", "0.1", "--tag", "a", "--tag", "b", "--tag", "3", "--flag"]
    )
    assert gather(capture) == {
        "flag": (True, "argv"),
        "lr": (0.1, "argv"),
        "tag": (["a", "b", 3], "argv"),
    }
    assert capture.problems == []


def test_words_that_are_not_utf8(make):
    assert values(make(command=["x", "--name", "a\udcffb", "k\udcff=1"])) == {"name": "a\\udcffb"}


YAML = """\
lr: 1e-3
name: "1e-3"
optimizer: &opt
  kind: adam
  betas: [0.9, 0.999]
copy: *opt
merged:
  <<: *opt
  kind: sgd
layers:
  - {units: 64}
  - {units: 32}
  - 7
grid: [[1, 2], [3, 4]]
day: 2026-01-02
big: 123456789012345678901234567890
bad: .nan
neg: -.inf
none:
empty: {}
nothing: []
2: one
true: yes
null: n
blob: !!binary aGVsbG8=
chosen: !!set {b, a}
unicode: "é\\0"
"""


def test_yaml(make, tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "c.yaml").write_text(YAML)
    capture = make("conf/c.yaml")
    assert {source for _, source in gather(capture).values()} == {"conf/c.yaml"}
    assert values(capture) == {
        "lr": 0.001,
        "name": "1e-3",
        "optimizer.kind": "adam",
        "optimizer.betas": [0.9, 0.999],
        "copy.kind": "adam",
        "copy.betas": [0.9, 0.999],
        "merged.kind": "sgd",
        "merged.betas": [0.9, 0.999],
        "layers[0].units": 64,
        "layers[1].units": 32,
        "layers[2]": 7,
        "grid": [[1, 2], [3, 4]],
        "day": "2026-01-02",
        "big": "123456789012345678901234567890",
        "bad": "nan",
        "neg": "-inf",
        "none": None,
        "empty": {},
        "nothing": [],
        "2": "one",
        "true": True,
        "null": "n",
        "blob": "aGVsbG8=",
        "chosen": ["a", "b"],
        "unicode": "é\0",
    }
    assert capture.problems == []


def test_toml_and_json(make, tmp_path):
    (tmp_path / "c.toml").write_text("lr = 0.1\nwhen = 07:30:00\n[a.b]\nc = inf\n[[t]]\nx = 1\n")
    (tmp_path / "c.JSON").write_text(
        '\ufeff{"lr": NaN, "a": {"b": [1, "x", null]}, "n": 1e999, "s": "\\ud800"}'
    )
    assert values(make("c.toml")) == {"lr": 0.1, "when": "07:30:00", "a.b.c": "inf", "t[0].x": 1}
    assert values(make("c.JSON")) == {"lr": "nan", "a.b": [1, "x", None], "n": "inf", "s": "\\ud800"}


def test_empty_files_hold_no_params(make, tmp_path):
    (tmp_path / "c.yaml").write_text("# nothing\n")
    (tmp_path / "c.toml").write_text("")
    (tmp_path / "c.json").write_text("{}")
    assert gather(make("c.yaml", "c.toml", "c.json")) == {}


def test_the_strongest_source_wins_and_the_others_are_named(make, tmp_path):
    (tmp_path / "c.json").write_text('{"a": 4, "b": 4, "c": 4, "same": 1}')
    (tmp_path / "d.json").write_text('{"c": 5}')
    capture = make(
        "a=1", "c.json", "d.json", toml=["a=2", "b=2"], command=["x", "a=3", "b=3", "c=3", "d=3", "same=1"]
    )
    assert gather(capture) == {
        "a": (1, "--param"),
        "b": (2, "xt.toml"),
        "c": (3, "argv"),
        "d": (3, "argv"),
        "same": (1, "argv"),
    }
    messages = [problem.message for problem in capture.problems]
    assert messages == [
        "`a` is `1` by `--param`, which is recorded, and `4` by `c.json`, `3` by the command's words",
        "`b` is `2` by `xt.toml`, which is recorded, and `4` by `c.json`, `3` by the command's words",
    ]
    assert {problem.where for problem in capture.problems} == {"params"}


def test_true_and_one_differ_and_one_and_one_point_zero_do_not(make):
    capture = make("a=1", "b=1", command=["x", "a=true", "b=1.0"])
    assert values(capture) == {"a": 1, "b": 1}
    assert len(capture.problems) == 1


def test_many_conflicts_are_counted(make):
    capture = make(*(f"k{n}=1" for n in range(50)), command=["x", *(f"k{n}=2" for n in range(50))])
    assert len(gather(capture)) == 50
    assert len(capture.problems) == 11
    assert capture.problems[-1].message.startswith("40 more params")


def test_files_elsewhere_are_named_by_their_path(make, tmp_path, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "c.toml"
    elsewhere.write_text("a = 1\n")
    (tmp_path / "link.toml").symlink_to(elsewhere)
    assert gather(make(str(elsewhere))) == {"a": (1, str(elsewhere))}
    assert gather(make("./sub/../link.toml")) == {"a": (1, "link.toml")}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("c.yaml", "a: 1\nb: [\n", "c.yaml:3: it is not YAML"),
        ("c.yaml", "a: 1\n---\nb: 2\n", "c.yaml:2: it is not YAML"),
        ("c.yaml", "- 1\n", "c.yaml: it must hold names and values"),
        ("c.yaml", "a: !!python/object/apply:os.system ['touch pwned']\n", "c.yaml:1: it is not YAML"),
        ("c.yaml", "a: 2026-13-45\n", "c.yaml: it holds a value YAML cannot read"),
        ("c.yaml", 'a: !!float ""\n', "c.yaml: it holds a value YAML cannot read"),
        ("c.yaml", "a: !!bool x\n", "c.yaml: it holds a value YAML cannot read"),
        ("c.yaml", "a: !!timestamp x\n", "c.yaml: it holds a value YAML cannot read"),
        ("c.yaml", "? [a]\n: 1\n", "c.yaml:1: it is not YAML"),
        ("c.yaml", b"a: \xff\n", "c.yaml: it is not YAML"),
        ("c.yaml", "a: &a [*a]\n", "c.yaml: it is nested more than"),
        ("c.yaml", "[" * 200_000, "c.yaml:1: it is nested more than"),
        ("c.json", '{\n"a": 1,\n}', "c.json:3: it is not JSON"),
        ("c.json", "[1]", "c.json: it must hold names and values"),
        ("c.json", "", "c.json:1: it is not JSON"),
        ("c.json", b'{"a":\n"\xff"}', "c.json:2: it is not UTF-8"),
        ("c.json", '{"a":' * 100_000, "c.json: it is nested too deeply"),
        ("c.json", '{"a":' * 200 + "1" + "}" * 200, "c.json: it is nested more than"),
        ("c.json", '{"a": NaN, "b": ' + "9" * 5000 + "}", "c.json: it holds a number of too many digits"),
        ("c.toml", "a = 1\nb = \n", "c.toml:2: it is not TOML"),
        (
            "c.toml",
            "x = 1\n" + "a." * 300_000 + "a = 1",
            "c.toml:2: it is not TOML: A key of very many parts",
        ),
        ("c.toml", b"a = 1\n# \xff", "c.toml:2: it is not UTF-8"),
        ("c.toml", "a = " + "[" * 100_000, "c.toml: it is nested too deeply"),
    ],
)
def test_a_malformed_file_prevents_the_start_and_names_its_line(make, tmp_path, name, text, message):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(NotStartedError) as caught:
        candidates(make(name))
    assert caught.value.message.startswith(message)
    assert caught.value.exit_status == 125
    assert not (tmp_path / "pwned").exists()


def bomb(kind):
    if kind == "lists":
        return "a0: &a0 [1, 1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 64))
    if kind == "tables":
        return "a0: &a0 {x: 1}\n" + "".join(
            f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}\n" for n in range(1, 64)
        )
    if kind == "merges":
        return "a0: &a0 {x: 1}\n" + "".join(
            f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 64)
        )
    return "a: &a 1\nb: [" + "*a, " * 5000 + "]\n"


@pytest.mark.parametrize("kind", ["lists", "tables", "merges", "aliases"])
def test_yaml_that_expands_without_end_is_refused(make, tmp_path, kind):
    (tmp_path / "c.yaml").write_text(bomb(kind))
    if kind == "merges" and not merging_doubles():
        # PyYAML 6.0.4 merges a mapping with itself to itself: 63 small ones are what is left of the bomb.
        assert len(candidates(make("c.yaml"))) == 64
        return
    with pytest.raises(NotStartedError, match=r"expands to more|more than"):
        candidates(make("c.yaml"))


def merging_doubles():
    node = yaml.compose("{<<: [&a {x: 1}, *a]}")
    yaml.SafeLoader("").flatten_mapping(node)
    return len(node.value) > 1


@given(st.text("ab:-[]{}&*!<>\n #'\"0.e|?", max_size=60))
def test_any_yaml_is_values_or_a_refusal(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("y")
    (folder / "c.yaml").write_text(text)
    request = RunRequest(
        command=["x"], cwd=str(folder), params=[param_spec("c.yaml", str(folder), "--param")]
    )
    capture = Capture(request, Outside(str(folder), {}), str(folder), "", Settings(), Keep(), b"")
    try:
        found = candidates(capture)
    except NotStartedError as error:
        assert error.message.startswith("c.yaml")
    else:
        msgspec.json.encode(found)


def test_files_that_cannot_be_read(make, tmp_path):
    with pytest.raises(NotStartedError, match=r"params file `no\.yaml` not found") as caught:
        candidates(make("no.yaml"))
    assert str(tmp_path / "no.yaml") in caught.value.hint
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(NotStartedError, match="not a regular file"):
        candidates(make("pipe.json"))
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(LIMIT + 1)
    with pytest.raises(NotStartedError, match="larger than"):
        candidates(make("huge.json"))


def test_data_is_not_taken_for_params(make, tmp_path):
    (tmp_path / "c.json").write_bytes(
        msgspec.json.encode(
            {"text": "x" * 20_000, "list": list(range(2000)), **{f"k{n}": n for n in range(MAX_PARAMS)}}
        )
    )
    capture = make("c.json")
    assert len(gather(capture)) == MAX_PARAMS - 2
    assert [problem.message.split(" ")[0] for problem in capture.problems] == ["`text`", "`list`", "c.json"]


def test_secrets_are_masked(make, tmp_path):
    pytest.importorskip("xt.redact")
    (tmp_path / "c.toml").write_text('db_password = "hunter2"\nurl = "https://me:sesame@host/x"\n')
    capture = make(
        "api_key=abc",
        "c.toml",
        toml=["api_key=def"],
        command=["x", "--auth-token", "s3cr3t", "--use-token", "--lr", "1"],
    )
    found = {param.name: param.value for param in collect(capture)}
    assert found["api_key"] == found["db_password"] == found["auth-token"] == "***"
    assert found["lr"] == 1
    assert found["use-token"] is True
    everything = repr(found) + repr(capture.problems)
    for secret in ("hunter2", "sesame", "s3cr3t", "abc", "def"):
        assert secret not in everything


def test_nothing_heavy_is_loaded_for_simple_params(tmp_path):
    code = """
import sys
from xt.collect import Capture
from xt.collect.params import candidates, collect
from xt.config import Settings
from xt.context import Outside
from xt.declare import param_spec
from xt.model.request import RunRequest
request = RunRequest(command=["true"], cwd="/")
assert collect(Capture(request, Outside("/", {}), "/", "/.xt", Settings(), None, b"")) == []
assert "xt.collect.argv" not in sys.modules
request = RunRequest(command=["x", "--a", "1"], cwd="/", params=[param_spec("lr=0.1", "/", "--param")])
assert len(candidates(Capture(request, Outside("/", {}), "/", "/.xt", Settings(), None, b""))) == 2
print(*sys.modules)
"""
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    loaded = set(done.stdout.split())
    assert "xt.collect.params" in loaded
    assert loaded & {"yaml", "tomllib", "json", "pathlib", "csv", "xt.collect.documents"} == set()
