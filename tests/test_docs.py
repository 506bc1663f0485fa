"""The reference is what the code says, the schemas describe real records, and no link leads nowhere."""

from __future__ import annotations

import copy
import functools
import importlib
import importlib.util
import json
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import xt
from tests import verifications
from tests.schemas import validator
from xt import codec, config
from xt.config_sense import EVIDENCE
from xt.errors import XtError
from xt.model.verification import Verifications

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def load_generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load_generator()
COMMANDS = generate.commands()


@functools.cache
def files():
    """What is written by the code, made by the worker that looks at it: it takes a second."""
    return generate.files()


# --- written by the code -----------------------------------------------------------------------------


def test_what_is_generated_is_fresh():
    stale = [
        name
        for name, text in files().items()
        if not (ROOT / name).exists() or (ROOT / name).read_text() != text
    ]
    assert not stale, "run `python docs/generate.py`"


def test_a_stale_page_is_noticed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "files", lambda: {"docs/a.md": "new", "b": "same"})
    (tmp_path / "b").write_text("same")
    assert generate.main(check=True) == 1
    assert capsys.readouterr().out == "stale: docs/a.md\n"
    assert generate.main(check=False) == 0
    assert (tmp_path / "docs/a.md").read_text() == "new"
    assert generate.main(check=True) == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name):
    command = COMMANDS[name]
    assert command.help.strip().endswith(".")
    for param in command.params:
        assert param.help, f"xt {name} {param.name}"
        assert param.help.endswith("."), param.help


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_commands_has_every_option(name):
    page = (REFERENCE / "cli.md").read_text()
    section = page.partition(f"## `xt {name}`\n")[2].partition("\n## ")[0]
    for param in COMMANDS[name].params:
        if param.param_type_name == "option":
            for word in [*param.opts, *param.secondary_opts]:
                assert f"`{word}`" in section


def test_the_page_of_commands_has_every_variable():
    """Those the code names, and no others."""
    page = (REFERENCE / "cli.md").read_text()
    assert all(f"| `{name}` |" in page for name in documented())
    words = set()
    for path in (ROOT / "src").rglob("*.py"):
        words |= set(re.findall(r"""["'](XT_[A-Z_]+)["']""", path.read_text()))
    # Parts of ours in the command, and what a job is told as variables of its own (`xt.env`).
    ours = {name for name in words if name.startswith(("XT_SHIM_", "XT_CI_")) and name not in documented()}
    assert words - ours == {name for name in documented() if name.startswith("XT_")}


def documented():
    return {**generate.GIVEN, **generate.GIVEN_TO_HOOKS, **generate.HEEDED}


def manual():
    return [name for name in files() if name.startswith("docs/man/")]


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_pages_of_the_manual_are_well_formed():
    for name in manual():
        shown = subprocess.run(
            ["groff", "-ww", "-man", "-Tascii", "-P-cbu", "-rLL=80n", ROOT / name],
            capture_output=True,
            text=True,
        )
        assert (shown.returncode, shown.stderr) == (0, ""), name
        assert "SYNOPSIS" in shown.stdout


def test_the_manual_has_every_command_option_and_variable():
    assert {Path(name).stem for name in manual()} == {"xt", *(f"xt-{name}" for name in COMMANDS)}
    for name, command in COMMANDS.items():
        page = files()[f"docs/man/xt-{name}.1"].replace("\\-", "-")
        for param in command.params:
            if param.param_type_name == "option":
                assert all(f"\\fB{word}\\fR" in page for word in param.opts)
    overview = files()["docs/man/xt.1"]
    assert all(f"\\fB{name}\\fR" in overview for name in documented())
    assert all(f"xt\\-{name}\\fR(1)" in overview for name in COMMANDS)


@pytest.mark.parametrize("text", ["a .b", "'quoted", ".dot", "a\\b", "`-x`. Then", "[a](b.md) `c`"])
def test_text_is_no_command_of_the_formatter(text):
    from man_pages import prose

    shown = [line for line in prose(text).splitlines() if line.startswith((".", "'"))]
    assert not shown
    plain = text.replace("`", "").replace("[a](b.md)", "a")
    if shutil.which("groff"):
        page = '.TH T 1 "" "" ""\n.nh\n.SH NAME\n' + prose(text) + "\n"
        out = subprocess.run(
            ["groff", "-man", "-Tascii", "-P-cbu"], input=page, capture_output=True, text=True
        )
        assert plain in " ".join(out.stdout.split())


def error_classes(kind=XtError):
    for below in kind.__subclasses__():
        yield below
        yield from error_classes(below)


def test_the_page_of_errors_has_every_error():
    for info in pkgutil.walk_packages(xt.__path__, "xt."):
        if info.name != "xt.__main__":
            importlib.import_module(info.name)
    ours = {kind for kind in error_classes() if kind.__module__.startswith("xt.")}
    page = (REFERENCE / "errors.md").read_text()
    rows = re.findall(r"^\| `([\w-]+)` \| (\d+) \| (.+?) \| (.+?) \| .*\|$", page, re.M)
    assert sorted(rows) == sorted(
        (kind.code, str(kind.exit_status), " ".join(kind.__doc__.split()), kind.advice) for kind in ours
    )
    assert len({code for code, *_ in rows}) == len(rows), "two errors have one code"


def settings_keys(kind=config.Settings, above=()):
    for field in msgspec.structs.fields(kind):
        inner = field.type
        if getattr(inner, "__origin__", None) is dict:
            inner = inner.__args__[1]
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                yield from settings_keys(inner, (*above, field.name, "NAME"))
            elif above:
                yield above, field.name
        elif isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            yield from settings_keys(inner, (*above, field.name))
        else:
            yield above, field.name


def test_the_page_of_settings_has_every_key():
    sections = (REFERENCE / "config.md").read_text().split("\n## ")
    by_table = {section.partition("\n")[0].strip("`").replace('"', ""): section for section in sections}
    keys = list(settings_keys())
    assert len(keys) > 20
    for above, name in keys:
        table = ".".join(above).replace("outputs.NAME", "outputs.PATH")
        section = by_table[f"[{table}]"]
        assert re.search(rf"^\| `{name}` \| .* \| .*\w.* \|$", section, re.M), (above, name)
    assert all(f"`{name}`" in by_table["[evidence]"] for name in EVIDENCE)


# --- schemas -----------------------------------------------------------------------------------------


PROGRAM = """
import json, os, sys
print("loss 0.5")
print("trouble", file=sys.stderr)
json.dump({"acc": 0.5}, open("metrics.json", "w"))
os.makedirs("plots")
open("plots/a.txt", "w").write("a")
with open(os.environ["XT_METRICS"], "a") as file:
    file.write('{"name": "x", "value": NaN, "step": 1}\\n{"name": "y", "value": 1, "labels": {"k": "v"}}\\n')
"""


@pytest.fixture
def full(project):
    """A run with something of everything in its record."""
    project.write("train.py", PROGRAM)
    project.write("config.yaml", "optimizer: {lr: 0.1}\n")
    project.write("data/one.csv", "1\n")
    words = ["-m", "why", "-n", "first", "-t", "gold", "--ticket", "T-1", "--seed", "7"]
    words += [
        "-i",
        "data/",
        "-i",
        "config:config.yaml",
        "-i",
        "https://u:p@example.org/x",
        "-p",
        "config.yaml",
    ]
    words += [
        "-o",
        "metrics:metrics.json",
        "-o",
        "plots/",
        "-o",
        "gone.txt",
        "--metric",
        r"loss=log:loss (\S+)",
    ]
    done = project.run(*words, "--", sys.executable, "train.py", "--depth", "3")
    assert done.code == 0, done.err
    return project


def test_the_schema_describes_a_real_record(full):
    record = full.record()
    validator("record").validate(record)
    result = record["result"]
    assert result["status"] == "incomplete"
    assert {metric["name"] for metric in result["metrics"]} == {"acc", "loss", "x", "y"}
    # So that what was validated holds more than empty lists.
    assert all(record["snapshot"][name] for name in ("inputs", "params", "outputs", "metrics"))
    assert result["problems"]


def test_the_schema_describes_a_run_outside_git_and_one_that_did_not_start(folder):
    assert folder.run("--", "true").code == 0
    validator("record").validate(folder.record())
    assert folder.run("--", "no-such-command").code == 127
    validator("record").validate(folder.record())


def broken(record):
    def without(*path):
        changed = copy.deepcopy(record)
        inner = changed
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]
        return changed

    def with_value(value, *path):
        changed = copy.deepcopy(record)
        inner = changed
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value
        return changed

    yield "no id", without("id")
    yield "no recipe", without("snapshot", "recipe")
    yield "no outputs", without("result", "outputs")
    yield "another schema", with_value("xt.run/2", "schema")
    yield "a status that is derived", with_value("running", "result", "status")
    yield "a code that is text", with_value("0", "result", "exit_code")
    yield "an argument that is a number", with_value(3, "snapshot", "command", "argv", 0)
    yield "a metric that is text", with_value("0.5", "result", "metrics", 0, "value")
    yield "an input of no kind", with_value("thing", "snapshot", "inputs", 0, "kind")


def test_the_schema_rejects_broken_records(full):
    for what, record in broken(full.record()):
        assert not validator("record").is_valid(record), what


def test_the_schema_describes_a_real_start_and_a_real_manifest(full):
    lost = full.run("--", "sh", "-c", "kill -9 $PPID")
    assert lost.code == -9
    start = full.record()
    assert start["schema"] == "xt.start/1"
    validator("start").validate(start)
    assert not validator("start").is_valid({**start, "supervisor": None})
    assert not validator("record").is_valid(start)

    tree = next(item for item in full.record("@~1")["snapshot"]["inputs"] if item["kind"] == "tree")
    from xt.store import Store

    manifest = json.loads(Store(str(full.path / ".xt")).objects.read(tree["digest"]))
    validator("manifest").validate(manifest)
    assert [entry["path"] for entry in manifest["entries"]] == ["one.csv"]
    manifest["entries"][0]["kind"] = "thing"
    assert not validator("manifest").is_valid(manifest)


@pytest.mark.parametrize("name", verifications.ALL)
def test_the_schema_describes_every_verification(name):
    report = verifications.report(name, "identical")
    plain = json.loads(codec.encode(report))
    validator("verify").validate(plain)
    assert not validator("verify").is_valid({**plain, "level": "good"})
    assert not validator("verify").is_valid({**plain, "schema": "xt.verify/2"})
    assert codec.decode(codec.encode(report), Verifications, "it") == report


def test_every_field_with_a_docstring_is_described_in_the_schema():
    definitions = json.loads((REFERENCE / "record.schema.json").read_text())["$defs"]
    assert "Field 22" in definitions["Supervisor"]["properties"]["pid_started"]["description"]
    assert definitions["Code"]["properties"]["remote"]["description"].startswith("URL of the remote")


# --- pages -------------------------------------------------------------------------------------------


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """Headings as GitHub makes links of them."""
    heads = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", prose(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(there), f"{page.name}: {target}"


def test_every_how_to_is_in_the_index():
    index = (ROOT / "README.md").read_text()
    for page in (ROOT / "docs" / "how-to").glob("*.md"):
        assert f"docs/how-to/{page.name}" in index


OURS = [ROOT / "README.md", ROOT / "docs" / "tutorial.md", *(ROOT / "docs" / "how-to").glob("*.md")]


def spoken(text: str) -> list[str]:
    """Every `xt …` in code, as far as it is xt's own: blocks, and words between backticks."""
    blocks = re.findall(r"^ *```.*?\n(.*?)^ *```", text, re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    # Two commands between backticks are two; `xt verify: …` is what a command says.
    said = re.findall(r"`(xt [^`]+?)(?= && |`)", re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S))
    for line in lines:
        said += re.findall(r"(?:^|^\$ |^ *- |run: |[;&|] |exec )(xt (?!\w+: )[^;&|]*)", line)
    return [re.split(r" -- ", re.sub(r'"[^"]*"|\'[^\']*\'', "X", command))[0] for command in said]


@pytest.mark.parametrize("page", [*OURS, REFERENCE / "limits.md"], ids=lambda page: page.name)
def test_pages_name_only_commands_and_options_that_exist(page):
    for command in spoken(page.read_text()):
        _, name, *rest = command.split()
        if name in ("COMMAND", "@", "--version", "--help"):
            continue
        if name == "help":
            assert not rest or rest[0] in (*COMMANDS, "COMMAND"), command
            continue
        assert name in COMMANDS, command
        known = {word for param in COMMANDS[name].params for word in param.opts} | {"-", "--", "-h", "--help"}
        # `--at -3d` is a value, and `-` standard output.
        assert {word for word in rest if word.startswith("-") and not word[1:2].isdigit()} <= known, command


def test_what_a_page_says_is_found():
    page = "`xt gone` and `xt run -m WHY`\n```console\n$ xt ls -n 3 | cat\n"
    page += "$ a && xt show --json\n```\nxt does not.\n"
    assert spoken(page) == ["xt gone", "xt run -m WHY", "xt ls -n 3 ", "xt show --json"]


def test_no_file_names_where_it_was_made():
    """Paths of a build machine would tell what nobody needs to know."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    places = [b"/" + word for word in (b"work/shared", b"work/main", b"work/.", b"tmp/wt", b"root/")]
    for name in filter(None, listed.stdout.split(b"\0")):
        path = ROOT / name.decode()
        if path.is_file() and path != Path(__file__):
            data = path.read_bytes()
            assert not [place for place in places if place in data], name
