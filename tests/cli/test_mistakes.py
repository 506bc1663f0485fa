"""What people and programs are told when something is wrong: never a traceback, always what to do."""

from __future__ import annotations

import ast
import functools
import importlib
import json
import os
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import typer
from msgspec.structs import replace

import xt.ops.run
import xt.query
from tests import builders
from tests.at_once import call
from tests.conftest import SOURCE
from tests.exchange.stored import put
from xt import errors
from xt.cli import fault
from xt.cli.app import COMMANDS, build
from xt.errors import XtError
from xt.model.problems import SECTIONS
from xt.store import Store

ROOT = Path(SOURCE).parent
#: Two runs that begin alike, and one that does not.
RUNS = ("kwpztnlqsmvrxoyu", "kwpztnlqsmvrxoyv", "zmpztnlqsmvrxoyu")
#: What a command says of itself; what is not here is the command's own (`run`), or a signal.
STATUSES = {0, 1, 2, 3, 4, 5, 125, 126, 127}
#: Where a run is named → words after the command.
NAMING = {
    "show": ["RUN"],
    "logs": ["RUN"],
    "diff": ["RUN", "@"],
    "rerun": ["RUN"],
    "verify": ["RUN"],
    "audit": ["RUN"],
    "sign": ["RUN", "--key", "gone"],
    "baseline": ["set", "RUN", "-m", "why"],
    "restore": ["RUN"],
    "trace": ["RUN"],
    "stale": ["RUN"],
    "noise": ["RUN"],
    "cases": ["RUN"],
    "plot": ["loss", "-r", "RUN"],
    "report": ["RUN"],
    "export": ["RUN", "--to", "json", "-o", "-"],
    "tag": ["RUN", "gold"],
    "name": ["RUN", "first"],
    "note": ["RUN", "-m", "x"],
    "rm": ["RUN"],
    "deploy": ["RUN:model.bin", "--to", "prod"],
    "rollback": ["prod", "--to", "RUN"],
    "push": ["RUN", "-r", "../shared"],
    "pull": ["RUN", "-r", "../shared"],
}
#: Arguments that a command cannot do without.
NEEDED = {
    "export": ["@", "--to", "json"],
    "plot": ["loss"],
    "tag": ["@"],
    "name": ["@"],
    "restore": ["@"],
    "rerun": ["@"],
    "sign": ["@"],
    "trace": ["@"],
    "deploy": ["x", "--to", "prod"],
    "observe": ["prod", "loss=1"],
    "blame": ["prod", "loss"],
    "rollback": ["prod"],
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A store with three runs and an empty remote, which nothing here changes."""
    folder = tmp_path_factory.mktemp("mistakes") / "project"
    folder.mkdir()
    store = Store.create(str(folder / ".xt"))
    for run in RUNS:
        put(store, replace(builders.record(), id=run))
    (folder.parent / "shared").mkdir()
    return folder


def told(words, cwd, env=None):
    """Call xt; give the status and what it said of the error, which is checked."""
    code, _, said = call(list(words), str(cwd), {"XT_ERRORS": "json", **(env or {})})
    text = said.decode()
    assert code in STATUSES, (words, code, text)
    assert "Traceback" not in text, (words, text)
    assert "a bug in xt" not in text, (words, text)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text), (words, text)
    lines = text.splitlines()
    if not any(line.startswith("xt: error: ") for line in lines):
        return code, None
    made = json.loads(lines[-1])
    assert made["status"] == code, words
    assert made["schema"] == "xt.error/1"
    assert f"xt: error: {made['message']}" in lines, words
    assert f"xt: hint: {made['hint']}" in lines, words
    assert not re.search(r"(?<!…)(?<!\.\.)[.]$", made["message"]), made
    return code, made


@cache
def command(name):
    return typer.main.get_command(build([name])).commands[name]


def options(name):
    """Options that take a value."""
    return [
        param
        for param in command(name).params
        if param.param_type_name == "option" and not param.is_flag and not param.count
    ]


EVERY = [name for name in COMMANDS.rows if name != "run"]


@pytest.mark.parametrize("name", EVERY)
def test_an_option_that_is_not_there(name, world):
    code, made = told([name, "--no-such-option"], world)
    assert (code, made["code"]) == (2, "usage")
    assert made["hint"] == f"`xt {name} --help` lists the options"


@pytest.mark.parametrize("name", NAMING)
@pytest.mark.parametrize(
    ("run", "sort"), [("nothing", None), ("kwpz", "no-such-run"), ("", None), ("\x1b[31m\n", None)]
)
def test_a_run_that_is_not_meant(name, run, sort, world):
    """Not there, or more than one; a word that is no run may be a query where those are taken."""
    code, made = told([name, *(word.replace("RUN", run) for word in NAMING[name])], world)
    if name in ("push", "pull") and run not in ("nothing", "kwpz"):
        return  # a query, of which there is none
    assert code != 0, (name, run)
    assert made is not None, (name, run)
    if sort and name not in ("pull", "rollback", "deploy"):
        assert made["code"] == sort


@pytest.mark.parametrize("name", EVERY)
def test_no_store(name, tmp_path):
    """Before the first run every command says so, or does what needs none."""
    code, made = told([name, *NEEDED.get(name, [])], tmp_path)
    assert code in {0, 1, 2, 3, 125}
    assert made is not None or code in (0, 3) or name in ("stale",)


@pytest.mark.parametrize("name", EVERY)
def test_values_that_make_no_sense(name, world, tmp_path):
    """Of every option that takes one, a value nobody means: an answer, or an error as all errors are."""
    project = tmp_path / "project"
    shutil.copytree(world, project)
    (tmp_path / "shared").mkdir()
    for option in options(name):
        numbers = "int" in option.type.name.lower() or "float" in option.type.name.lower()
        for value in ("-1", "x") if numbers else ("\x1b[31mno\nsuch",):
            words = [name, option.opts[-1], value, *NEEDED.get(name, [])]
            code, made = told(words, project)
            assert code == 0 or made is not None or code in (1, 3), words
            if numbers and value == "x":
                assert code == 2, words


def test_options_are_found():
    assert {name for name in EVERY if options(name)} > {"ls", "verify", "export", "report"}


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["frobnicate"], 2, "no command `frobnicate`"),
        (["--frobnicate"], 2, "`xt` has no option `--frobnicate`"),
        ([""], 2, "no command ``"),
        (["shwo"], 2, "no command `shwo`"),
        (["complete"], 2, "no command `complete`"),
        (["run"], 2, "no command to run"),
        (["run", "--"], 2, "no command to run"),
        (["run", "--seed", "x", "--", "true"], 2, None),
        (["run", "-i", "gone", "--", "true"], 125, "a declared input does not exist: `gone`"),
        (["run", "-n", "@", "--", "true"], 2, "`@` cannot be a name"),
        (["run", "-t", "@~1", "--", "true"], 2, "`@~1` cannot be a tag"),
        (["run", "--message", "why", "true"], 2, "`xt run` has no option `--message`"),
        (["ls", "-n", "9" * 5000], 2, None),
        (["ls", "-n", "x"], 2, "`-n` is a whole number, not `x`"),
        (["verify", "@", "--repeat=0"], 2, "`--repeat` is from 1 to 10,000, not `0`"),
        (["diff", "--format", "yaml"], 2, "`--format` has no `yaml`"),
        (["diff", "a", "b", "c"], 2, "`xt diff` takes no further word: `c`"),
        (["plot"], 2, "`xt plot` needs `METRIC… [RUN…]`"),
        (["du", "--json=3"], 2, "`--json` takes no value"),
        (["ls", "metric.loss<low"], 2, "`low` is no number"),
    ],
)
def test_a_mistake_in_the_line(words, status, said, world):
    code, made = told(words, world)
    assert code == status
    assert made["message"].startswith(said or "")
    assert len(made["message"]) <= 2001


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["baseline", "rm", "nightly"], "`xt baseline rm --name NAME`"),
        (["baseline", "set"], "`xt baseline set RUN -m WHY`"),
        (["remote", "add"], "`xt remote add NAME URL`"),
        (["remote", "rm", "gone"], "there is none: `xt remote add NAME URL` names one"),
        (["gc", "--grace", "1000000d"], "at least `1h`, and less than `11574d`"),
        (["list"], "did you mean `xt ls`? `xt --help` lists the commands"),
        (["shwo"], "did you mean `xt show`? `xt --help` lists the commands"),
        (["frobnicate"], "`xt --help` lists the commands"),
        (["help", "nothing-like-it"], "`xt --help` lists the commands"),
        (["python3", "train.py", "--lr", "a b"], "to record it: `xt run -- python3 train.py --lr 'a b'`"),
        (["--verison"], "did you mean `--version`? `xt --help` lists the options"),
        (["diff", "--stats"], "did you mean `--stat`? `xt diff --help` lists the options"),
        (["ls", "--since", "7d"], "a query does that: `xt ls since:7d`"),
        (["ls", "--tag=gold"], "a query does that: `xt ls tag:gold`"),
        (
            ["ls", "--sort", "loss"],
            "a metric is `metric.loss`, a param `param.loss`; properties: run, when, status, name, task,"
            " user, host, ticket, branch, commit, recipe, time, exit, level, tags, group, …",
        ),
        (["show", "latest"], "`@` is the newest run, `@~1` the one before it"),
        (["logs", "HEAD~1"], "`@` is the newest run, `@~1` the one before it"),
        (["show", "@^"], "`@` is the newest run, `@~1` the one before it"),
        (["show", "@~1..@"], "two runs are two words; `xt ls` lists the runs"),
        (["logs", "status:failed"], "that looks like a query, which `xt ls` takes; `@` is the newest run"),
        (["tag", "gold"], "the run stands first: `xt tag @ gold`; `xt ls` lists the runs; `@` is the newest"),
        (
            ["tag", "gold", "@"],
            "the run stands first: `xt tag @ gold`; `xt ls` lists the runs; `@` is the newest",
        ),
        (
            ["name", "best"],
            "the run stands first: `xt name @ best`; `xt ls` lists the runs; `@` is the newest",
        ),
        (
            ["note", "it overfits"],
            "the run stands first: `xt note @ -m 'it overfits'`; `xt ls` lists the runs; `@` is the newest",
        ),
        (["ls", "--limit", "3"], "did you mean `-n`? `xt ls --help` lists the options"),
        (["logs", "--tail", "3"], "did you mean `xt logs | tail -n 20`? `xt logs --help` lists the options"),
        (["verify", "-n", "3"], "did you mean `--repeat`? `xt verify --help` lists the options"),
        (["verify"], "such as `xt verify @`; `xt verify --help` lists the options"),
        (["diff", "a", "b", "c"], "such as `xt diff @~1 @`; `xt diff --help` lists the options"),
        (["baseline", "st", "@"], "did you mean `set`? it can be: set, show, history, rm"),
        (["show", "--code"], "`xt show --code PATH`; `xt show --help` lists the options"),
    ],
)
def test_the_hint_is_of_what_was_meant(words, hint, world):
    assert told(words, world)[1]["hint"] == hint


def test_the_run_before_may_be_named_as_git_does(world):
    one, other = (call(["show", "--json", reference], str(world), {}) for reference in ("@~", "@~1"))
    assert one[:2] == other[:2]
    assert (one[0], b"xt.run/1" in one[1]) == (0, True)


def test_only_who_asks_for_json_gets_a_line_for_programs(world):
    def last(*words, **env):
        return call(list(words), str(world), env)[2].decode().splitlines()[-1]

    assert last("show", "nothing").startswith("xt: hint: ")
    assert last("show", "nothing", XT_ERRORS="text").startswith("xt: hint: ")
    assert last("show", "nothing", "--json").startswith('{"code":"no-such-run"')
    assert last("diff", "nothing", "--format", "json").startswith('{"code":"no-such-run"')
    assert last("diff", "nothing", "--format=json").startswith('{"code":"no-such-run"')
    # Of `run` they would be the command's own.
    assert last("run", "-i", "gone", "--", "true", "--json").startswith("xt: hint: ")
    assert last("rerun", "nothing", "--", "--json").startswith("xt: hint: ")


def test_debugging_shows_where_and_the_code(world):
    code, _, said = call(["show", "nothing"], str(world), {"XT_DEBUG": "1"})
    assert code == 1
    assert said.startswith(b"Traceback")
    assert said.endswith(b"xt: code: no-such-run\n")
    words = ["run", "-C", "https://me:hunter2xQ@h/\x1b[2J", "--", "true"]
    code, _, said = call(words, str(world), {"XT_DEBUG": "1"})
    assert (code, b"FileNotFoundError" in said) == (125, True)
    assert b"hunter2xQ" not in said
    assert b"\x1b" not in said


@pytest.mark.parametrize(
    ("raised", "code", "status", "message"),
    [
        (PermissionError(13, "Permission denied", "/a\n/b"), "store", 1, r"Permission denied: /a\n/b"),
        (OSError(28, "No space left"), "store", 1, "reading or writing failed: No space left"),
        (OSError(18, "Invalid link", "a", None, "b"), "store", 1, "Invalid link: a → b"),
        (OSError("odd"), "store", 1, "reading or writing failed: odd"),
        (MemoryError(), "memory", 1, "there is not enough memory"),
        (ValueError("two\nlines"), "bug", 70, r"a bug in xt: ValueError: two\nlines"),
        (RecursionError("deep"), "bug", 70, "a bug in xt: RecursionError: deep"),
    ],
)  # fmt: skip
def test_what_was_not_foreseen_is_told_as_an_error(raised, code, status, message, world, monkeypatch):
    def fails(arguments):
        raise raised

    monkeypatch.setattr("xt.cli.main.dispatch", fails)
    ended, _, said = call(["ls"], str(world), {"XT_ERRORS": "json"})
    *lines, last = said.decode().splitlines()
    assert lines[0] == f"xt: error: {message}"
    assert lines[1].startswith("xt: hint: ")
    assert len(lines) == 2
    assert (ended, json.loads(last)["code"]) == (status, code)


# --- the code ----------------------------------------------------------------------------------------


@functools.cache
def load_all():
    for info in pkgutil.walk_packages(xt.__path__, "xt."):
        if info.name != "xt.__main__":
            importlib.import_module(info.name)


def kinds(above=XtError):
    load_all()
    for below in above.__subclasses__():
        if below.__module__.startswith("xt."):
            yield below
            yield from kinds(below)


#: Not `kinds()`, which loads the whole package: every worker collects this.
EXAMPLES = {
    kind.code: kind
    for module in (errors, xt.query, xt.ops.run)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, XtError) and vars(kind).get("example")
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A folder with the run that many examples begin with."""
    folder = tmp_path_factory.mktemp("examples") / "one"
    folder.mkdir()
    environ = {**os.environ, "PYTHONPATH": SOURCE}
    subprocess.run(
        [sys.executable, "-m", "xt", "run", "-q", "--", "true"], cwd=folder, env=environ, check=True
    )
    return folder


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_example_of_a_code_ends_with_it(code, tmp_path, recorded):
    kind = EXAMPLES[code]
    *before, last = kind.example.split("; ")
    folder = tmp_path / "folder"
    if before[:1] == ["xt run -q -- true"]:
        shutil.copytree(recorded, folder)
        before = before[1:]
    else:
        folder.mkdir()
    environ = {**os.environ, "PYTHONPATH": SOURCE}
    for line in before:
        # A shell need not find this `xt`, nor the same one.
        line = re.sub("^xt ", f"{shlex.quote(sys.executable)} -m xt ", line)
        subprocess.run(["sh", "-ec", line], cwd=folder, env=environ, check=True)
    words = [word.strip("'") for word in last.split()[1:]]
    ended, _, said = call(words, str(folder), {"XT_ERRORS": "json"})
    made = json.loads(said.decode().splitlines()[-1])
    wanted = {1: 125}.get(kind.exit_status, kind.exit_status) if words[0] == "run" else kind.exit_status
    assert (made["code"], ended) == (code, wanted), said


def test_every_kind_says_what_helps():
    assert {kind.code for kind in kinds() if vars(kind).get("example")} == set(EXAMPLES)
    for kind in kinds():
        assert kind.advice, kind
        assert kind.code != "error", kind
        assert kind.__doc__, kind
        spoken = re.findall(r"`xt (\w+)", kind.advice)
        assert all(name in COMMANDS.rows for name in spoken if name != "COMMAND"), kind.advice
    assert fault.advice(errors.UsageError("x"), "ls") == "`xt ls --help` lists what can be given"
    assert fault.advice(errors.UsageError("x")) == "`xt --help` lists what can be given"


def fixed_text(node):
    """The parts of a text that stand in the code, holes as `X`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(fixed_text(part) if isinstance(part, ast.Constant) else "X" for part in node.values)
    return ""


def test_messages_are_one_line_of_a_kind_and_sections_of_problems_are_documented():
    """One test, because it reads the whole package: no full stop, no line end, no error without a code."""
    names = {kind.__name__ for kind in kinds()}
    seen, sections = 0, set()
    speaks = re.compile(rf"\b(?:XtError|[Pp]roblem|{'|'.join(names)})\s*\(")
    for path in sorted((ROOT / "src").rglob("*.py")):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if speaks.search(text) else ():
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
            where = f"{path.name}:{node.lineno}"
            assert name != "XtError", f"{where}: of which kind?"
            if name in names:
                texts = [fixed_text(arg) for arg in node.args]
                seen += 1
                assert not [text for text in texts if "\n" in text or re.search(r"(?<!\.\.)\.$", text)], where
            elif name in ("Problem", "problem") and node.args:
                sections.add(fixed_text(node.args[0]))
    assert seen > 500
    assert sections - {""} == set(SECTIONS)
