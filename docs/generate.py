"""Write what follows from the code: commands, settings, errors, schemas of records, completions.

python docs/generate.py          write the files that are not up to date
python docs/generate.py --check  list them, and exit with 1 if there are any
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import json
import pkgutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import typer

import xt
from xt import config, errors
from xt.cli.app import build
from xt.cli.examples import EXAMPLES
from xt.cli.helping import named
from xt.model.audit import Audits
from xt.model.bundle import Compared, Shown, Versions
from xt.model.cases import CasesOfRun, History
from xt.model.ci import Account
from xt.model.delta import Comparison
from xt.model.exported import Exportation, Runs
from xt.model.fault import Fault
from xt.model.files import Manifest
from xt.model.fsck import Fsck
from xt.model.groups import Groups
from xt.model.lineage import Trace
from xt.model.noise import Noise
from xt.model.plot import Plot
from xt.model.problems import SECTIONS
from xt.model.production import Blame, Observing, Production, Rollback
from xt.model.remotes import Probed, Remotes
from xt.model.restored import Restoration
from xt.model.result import Record, Start
from xt.model.signature import Signatures
from xt.model.stale import Staleness
from xt.model.sync import RemoteStatus, Synced
from xt.model.upkeep import Sweeping, Usage
from xt.model.verification import Verifications
from xt.query import FIELDS, OPERATORS

sys.path.insert(0, str(Path(__file__).resolve().parent))
from completions_for import bash, fish, zsh
from faults_page import page as faults_page
from man_pages import pages as man_pages
from python_page import page as python_page

ROOT = Path(__file__).resolve().parent.parent
MARK = "Written by docs/generate.py from the code; a test fails when it is stale."
Json = dict[str, Any]

#: Tables of `xt.toml` and what defines them, in the order of the page.
TABLES = (
    ("[task.NAME]", config.TaskSettings),
    ("[evidence]", config.EvidenceSettings),
    ("[seal]", config.SealSettings),
    ('[metrics."NAME"]', config.MetricSettings),
    ('[outputs."PATH"]', config.OutputSettings),
    ("[cases]", config.CaseSettings),
    ("[cost]", config.CostSettings),
    ("[diff]", config.DiffSettings),
    ("[deploy.ENV]", config.DeploySettings),
    ("[remote.NAME]", config.RemoteSettings),
    ("[recompute]", config.RecomputeSettings),
    ("[engine]", config.EngineSettings),
    ("[engine.slurm]", config.SlurmSettings),
    ("[ls]", config.ListSettings),
    ("[export]", config.ExportSettings),
    ("[gc]", config.GcSettings),
    ("[tickets]", config.TicketSettings),
    ("[code]", config.CodeSettings),
    ("[env]", config.EnvSettings),
    ("[run]", config.RunSettings),
)
#: Variables xt gives to the command it runs.
GIVEN = {
    "XT_RUN_ID": "The id of the run. An `xt run` inside records it as its parent.",
    "XT_METRICS": "A file to append metrics to, one JSON object a line: [metrics](../how-to/metrics.md).",
    "XT_LAUNCH": "Of a rank of a launcher: its launch. An `xt run` inside is a run of its own.",
    "XT_SEED": "The seed, when one was declared or drawn (`--seed`); otherwise it is left as it was.",
}
#: Variables xt gives to a hook of `[deploy.ENV]`.
GIVEN_TO_HOOKS = {
    "XT_DEPLOY_ENV": "The environment.",
    "XT_DEPLOY_RUN": "The whole id of the run.",
    "XT_DEPLOY_OUTPUT": "Path of the output, as it was recorded.",
    "XT_DEPLOY_DIGEST": "Digest of its content.",
    "XT_DEPLOY_PATH": "The content: the file that was named, else a copy that is there for the hook.",
    "XT_DEPLOY_PROMPTS": "Digest of the bundle of prompts; empty: none.",
    "XT_DEPLOY_POLICY": "Digest of the bundle of policies; empty: none.",
    "XT_DEPLOY_PREVIOUS": "The run that is live until now; empty: none.",
}
#: Variables xt looks at itself.
HEEDED = {
    "XT_STORE": "Path of the store, instead of `.xt` in the project's root.",
    "XT_FOREIGN_STORE": "Not empty: use a store that belongs to another user.",
    "XT_REMOTE": "Name or URL of the remote that is meant: [remotes](../how-to/remotes.md).",
    "XT_REMOTE_TIMEOUT": "Seconds that a request to a remote may take; 180.",
    "XT_IMAGE": "The container image the run is in, by digest if possible; it cannot be seen from inside.",
    "XT_CI": "Whose job to report to, as `--ci`: `auto`, `off` or a provider.",
    "XT_CI_DIR": "Folder of the files of such a report, as `--ci-dir`.",
    "XT_PAGER": "What long pages are shown with on a terminal, before `PAGER`; empty or `cat`: nothing.",
    "XT_DEBUG": "Not empty: show code and traceback of an error.",
    "XT_ERRORS": "`json`: errors end with a line of JSON: [errors](errors.md).",
    "NO_COLOR": "Not empty: no colours (<https://no-color.org>). `TERM=dumb` does the same.",
    "COLUMNS": "Columns to lay pages out for, instead of the terminal's own.",
}

CLI_HEAD = """\
# Commands

`xt --help` lists the commands, `xt COMMAND --help` (or `xt help COMMAND`) its options, `xt --version` prints
the version.
Data goes to standard output, everything else to standard error. In a pipe or a file there are no colours,
and 80 columns unless `COLUMNS` says otherwise.

**Naming a run.** Where a command takes `[RUN]`, it can be: the beginning of its id, 4 letters or more; `@`
for the newest run, `@~2` for two before it; `baseline` or another pinned name; a name (`xt run -n`) or a tag
(`-t`), which stand for the newest run that has it. Without one, the newest run is meant. Repeats that
`xt verify` made are named by their ids alone; `xt ls --all` lists them.

**The store** is `.xt` in the project's root: the nearest folder upwards that holds `.xt`, `xt.toml` or
`.git`, else the current one.
"""
CLI_STATUSES = """\
## Exit statuses

`xt run` ends as the command ended: with its exit code, or with 128 + n when signal n ended it. After Ctrl-C
it ends by that signal itself, so that a shell's loop stops too. What xt says about itself:

| status | meaning |
|---|---|
"""
CLI_AFTER_STATUSES = """\
| 130 | A command other than `run` was interrupted. |
| 141 | The reader of the output left, as `head` does. |

All other errors end with 1, or with 125 in `xt run`: [errors](errors.md).

Commands that judge answer by their status: 0 it is so, 1 it is not, 3 it cannot be told. `xt verify`: the
required level was reached; `xt audit`: all required evidence is there, and
with `--signature` who is trusted signed it and it is whole; `xt stale`: nothing is stale, and with
`--run` all that was done again ended well. With `--exit-code`, `xt diff` and `xt bundle diff` end with 1 when
anything differs or cannot be told. `xt diff --fail-on`: nothing of what is named is so; a comparison that
cannot be made ends with 3. `xt trace` ends with 1 when no run knows the content, `xt deploy` and
`xt rollback --to` when they refuse or their hook fails. `xt blame` ends with 0 whatever it finds.

"""
CLI_COMPLETIONS = """\
## Completions and manual

Both are installed with xt, below `share/` of the environment it is in, and are in `completions/` and
`docs/man/` of the repository. The manual, `man xt`, `man xt-run`, is found as soon as xt is on the `PATH`.
The scripts are turned on by a line or two:

```sh
xt_share="$(dirname "$(realpath "$(command -v xt)")")/../share"
source "$xt_share/bash-completion/completions/xt"   # bash: in ~/.bashrc
fpath=("$xt_share/zsh/site-functions" $fpath)       # zsh: in ~/.zshrc, before compinit
```

```fish
source (dirname (realpath (command -v xt)))/../share/fish/vendor_completions.d/xt.fish  # in config.fish
```

Runs by id, name or tag, the fields and values of a query, properties, metrics, tags and tasks are completed
out of the index. `<` and `>` mean something to a shell: begin a query with a quote, `xt ls 'metric.`.
After `xt run [options] --` the command completes as it would without xt: [the shell](../how-to/shell.md).
"""
ERRORS_HEAD = """\
# Errors

An error is a line `xt: error: …` on standard error that says what happened, and a line `xt: hint: …` that
says what to do. Each kind of error has a code, which does not change when the words do. With `XT_DEBUG=1`
the code and the traceback are shown too.

For programs: where an answer in JSON is asked for (`--json`, `--format json`), and of every command with
`XT_ERRORS=json`, the last line of standard error is one value by [this schema](error.schema.json):

```json
{"code":"no-such-run","hint":"see `xt ls`","message":"no run is called `x`","schema":"xt.error/1","status":1}
```

| code | exit status | meaning | what to do, where no hint says more | for example |
|---|---|---|---|---|
"""
ERRORS_FOOT = """
In `xt run`, where status 1 could be the command's own, it is 125 instead; what is 125
there is 1 in all other commands, and 3 where 1 is a verdict: `xt verify`, `xt stale`, `xt diff --fail-on`.

## Problems

What goes wrong *while* a run is recorded (an output that is not there, a log that does not fit on the disk)
is no error: the command goes on, its exit status is kept, and the record holds a *problem*, which `xt run`
warns of and `xt show` lists. In a record each is one entry of `result.problems`, and `where` is one of these:

| where | meaning |
|---|---|
"""
CONFIG_HEAD = """\
# `xt.toml`

In the project's root; or the same tables below `[tool.xt]` in `pyproject.toml`, which is read when there is
no `xt.toml`. Everything in it is optional, and the command line wins; lists of both are joined. An unknown
key or a value of the wrong type is an error with its line, and nothing is started. `xt init` writes a
commented one.

The settings of the [example](../examples/digits/README.md):

"""
QUERY_HEAD = """\
# Queries

What `xt ls`, `xt plot`, `xt report` and `xt stale` take to choose runs. How to ask, with examples:
[finding runs](../how-to/search.md).

| field | may be asked with | |
|---|---|---|
"""
QUERY_FOOT = """
Beside each other, conditions must all hold; `and`, `or`, `not` and parentheses combine them; a word that is
no condition is looked for in the text. Values and names in quotes may hold anything; a backslash takes the
next character as it is. Words take the globs `*`, `?` and `[…]` after `:`.
"""
CONFIG_FOOT = """\
## `[facts]`

What is so of every run and no command is told: `KEY = scalar or list`, as with `--fact KEY=VALUE`. Tables
give dotted names: `decoding.temperature = 0.2`. The `facts` of a task win over these, the command line over
both. Facts are part of the recipe, all but `registry` and `registry.NAME`, which point to where a result was
registered.

## Roles

Of inputs: {inputs}. Of outputs: {outputs}.
The first is meant when none is said.
"""


def commands() -> dict[str, Any]:
    """All commands, in the order of `xt --help`."""
    return dict(typer.main.get_command(build()).commands)  # type: ignore[attr-defined]


def of_sort(command: Any, sort: str) -> list[Any]:
    """Its options or its arguments, as Click calls them."""
    return [param for param in command.params if param.param_type_name == sort and not param.hidden]


def cli_reference() -> str:
    parts = [f"<!-- {MARK} -->\n\n", CLI_HEAD, "\n"]
    for name, command in commands().items():
        parts += [f"## `xt {name}`\n\n{command.help.strip()}\n\n```\n{usage(name, command)}\n```\n\n"]
        rows = [_argument_row(item) for item in of_sort(command, "argument")]
        rows += [_option_row(item) for item in of_sort(command, "option")]
        rows.append("| `-h`, `--help` | Show the options and exit. |\n")
        parts += ["| | |\n|---|---|\n", *rows, "\n", _examples(name)]
    parts.append(CLI_STATUSES)
    parts += [f"| {value} | {text} |\n" for value, text in exit_statuses()]
    parts += [CLI_AFTER_STATUSES, "## Variables\n\nGiven to the command:\n\n", _rows(GIVEN)]
    parts += ["\nGiven to a hook of `[deploy.ENV]`:\n\n", _rows(GIVEN_TO_HOOKS)]
    parts += ["\nHeeded by xt:\n\n", _rows(HEEDED), "\n", CLI_COMPLETIONS]
    return "".join(parts)


def usage(name: str, command: Any) -> str:
    """A command with its arguments, as a line to type."""
    words = ["xt", name, "[OPTIONS]", *(["[--]"] if name == "run" else [])]
    return " ".join([*words, *(_placeholder(item) for item in of_sort(command, "argument"))])


def _placeholder(item: Any) -> str:
    choices = getattr(item.type, "choices", None)
    if choices and item.param_type_name == "argument":
        return f"[{'|'.join(choices)}]"
    return named(item)


def _examples(name: str) -> str:
    lines = EXAMPLES.get(name, ())
    column = max((len(typed) for typed, _ in lines), default=0)
    shown = "".join(f"{typed:<{column}}  # {what}\n" for typed, what in lines)
    return f"```sh\n{shown}```\n\n" if shown else ""


def _argument_row(item: Any) -> str:
    default = f" Default: `{item.default}`." if isinstance(item.default, str) else ""
    return f"| `{_cell(_placeholder(item))}` | {item.help}{default} |\n"


def _option_row(item: Any) -> str:
    spelled = ", ".join(f"`{word}`" for word in [*item.opts, *item.secondary_opts])
    value = "" if item.is_flag else f" `{_cell(_placeholder(item))}`"
    default = "" if item.default in (None, False) else f" Default: {item.default}."
    return f"| {spelled}{value} | {_cell(item.help)}{default} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _rows(table: dict[str, str]) -> str:
    return "| | |\n|---|---|\n" + "".join(f"| `{name}` | {text} |\n" for name, text in table.items())


def exit_statuses() -> list[tuple[int, str]]:
    """The constants of `xt.errors`, with the comment above each."""
    found = []
    comment = ""
    for line in inspect.getsource(errors).splitlines():
        if line.startswith("#: "):
            comment = line[3:]
        elif line.startswith("EXIT_"):
            found.append((int(line.split("=")[1]), comment))
    return found


def error_classes() -> list[type[errors.XtError]]:
    """Every class of error in the package; those of `xt.errors` first, in its order."""
    found: dict[type[errors.XtError], None] = {}
    for module in (errors, *modules()):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, errors.XtError) and kind is not errors.XtError:
                found[kind] = None
    return list(found)


def modules() -> Iterator[Any]:
    """Every module of xt, imported."""
    for info in pkgutil.walk_packages(xt.__path__, "xt."):
        if not info.name.endswith("__main__"):  # importing that one runs it
            yield importlib.import_module(info.name)


def errors_reference() -> str:
    rows = [
        f"| `{kind.code}` | {kind.exit_status} | {' '.join(inspect.cleandoc(kind.__doc__ or '').split())}"
        f" | {_cell(kind.advice)} | {_code(vars(kind).get('example'))} |\n"
        for kind in error_classes()
    ]
    problems = [f"| `{where}` | {meaning} |\n" for where, meaning in SECTIONS.items()]
    return "".join([f"<!-- {MARK} -->\n\n", ERRORS_HEAD, *rows, ERRORS_FOOT, *problems])


def _code(text: str | None) -> str:
    return f"`{_cell(text)}`" if text else ""


def config_reference() -> str:
    from xt.model.files import INPUT_ROLES, OUTPUT_ROLES

    example = (ROOT / "docs/examples/digits/xt.toml").read_text()
    parts = [f"<!-- {MARK} -->\n\n", CONFIG_HEAD, f"```toml\n{example}```\n\n"]
    for name, kind in TABLES:
        about = (kind.__doc__ or "").split(": ", 1)[-1].strip()
        parts.append(
            f"## `{name}`\n\n{about[0].upper()}{about[1:]}\n\n| key | default | meaning |\n|---|---|---|\n"
        )
        documented = field_docs(kind)
        for field in msgspec.structs.fields(kind):
            default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
            if isinstance(default, msgspec.Struct):
                continue  # a table of its own
            shown = "" if default is None else f"`{json.dumps(default)}`"
            parts.append(f"| `{field.name}` | {shown} | {_cell(documented[field.name])} |\n")
        parts.append("\n")
    roles = {"inputs": _listed(INPUT_ROLES), "outputs": _listed(OUTPUT_ROLES)}
    return "".join([*parts, CONFIG_FOOT.format(**roles)])


def query_reference() -> str:
    rows = []
    for field in FIELDS.values():
        signs = " ".join(f"`{sign}`" for sign in OPERATORS[field.kind] if sign != "has")
        alone = ", or alone" if "has" in OPERATORS[field.kind] else ""
        name = f"{field.name}.NAME" if field.keyed else field.name
        rows.append(f"| `{name}` | {signs}{alone} | {_cell(field.summary)} |\n")
    return f"<!-- {MARK} -->\n\n" + QUERY_HEAD + "".join(rows) + QUERY_FOOT


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def field_docs(kind: type) -> dict[str, str]:
    """The string below each field of a class."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body  # type: ignore[attr-defined]
    return {
        field.target.id: " ".join(ast.literal_eval(text.value).split())
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
    }


def schema(kind: type, title: str) -> str:
    """The JSON Schema of a value, with the documentation of its fields."""
    made: Json = msgspec.json.schema(kind)
    made = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "$comment": MARK,
        **made,
    }
    documented = _structs()
    for name, definition in made["$defs"].items():
        for of_name in sorted(documented.get(name, ()), key=lambda kind: kind.__module__):
            texts = field_docs(of_name)
            # Values of different modules may have the same name.
            if set(texts) <= set(definition["properties"]):
                for field, text in texts.items():
                    definition["properties"][field]["description"] = text
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _structs() -> dict[str, set[type]]:
    """The values of `xt.model`, by the name a schema gives them."""
    found: dict[str, set[type]] = {}
    for module in modules():
        if module.__name__.startswith("xt.model."):
            for kind in vars(module).values():
                if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
                    found.setdefault(kind.__name__, set()).add(kind)
    return found


def files() -> dict[str, str]:
    """Path below the root → content."""
    tree = commands()
    return {
        "docs/reference/cli.md": cli_reference(),
        "docs/reference/errors.md": errors_reference(),
        "docs/reference/config.md": config_reference(),
        "docs/reference/faults.md": faults_page(MARK, ROOT),
        "docs/reference/python.md": python_page(MARK),
        "docs/reference/query.md": query_reference(),
        "docs/reference/record.schema.json": schema(Record, "A sealed run of xt"),
        "docs/reference/start.schema.json": schema(Start, "A run of xt that was started"),
        "docs/reference/manifest.schema.json": schema(Manifest, "A manifest of xt"),
        "docs/reference/error.schema.json": schema(Fault, "An error of xt"),
        "docs/reference/diff.schema.json": schema(Comparison, "A comparison of two runs of xt"),
        "docs/reference/verify.schema.json": schema(Verifications, "What xt verify reports"),
        "docs/reference/restore.schema.json": schema(Restoration, "What came of an xt restore"),
        "docs/reference/noise.schema.json": schema(Noise, "What the runs of one recipe say about its noise"),
        "docs/reference/export.schema.json": schema(Exportation, "What came of an xt export"),
        "docs/reference/runs.schema.json": schema(Runs, "Runs with their records, of xt export --to json"),
        "docs/reference/cases.schema.json": schema(CasesOfRun, "Evaluated examples of a run"),
        "docs/reference/case.schema.json": schema(History, "One evaluated example through time"),
        "docs/reference/bundle.schema.json": schema(Shown, "A version of prompts or of a policy"),
        "docs/reference/bundles.schema.json": schema(Versions, "The versions that the runs of a store used"),
        "docs/reference/bundle-diff.schema.json": schema(Compared, "What differs between two versions"),
        "docs/reference/trace.schema.json": schema(Trace, "Where content came from and where it went"),
        "docs/reference/signature.schema.json": schema(
            Signatures, "Who signed a run, and is it what was signed"
        ),
        "docs/reference/fsck.schema.json": schema(Fsck, "What xt fsck found, and repaired"),
        "docs/reference/gc.schema.json": schema(Sweeping, "What xt gc did, or would do"),
        "docs/reference/du.schema.json": schema(Usage, "What takes the space of a store"),
        "docs/reference/stale.schema.json": schema(Staleness, "Which recorded evidence no longer holds"),
        "docs/reference/plot.schema.json": schema(Plot, "What `xt plot` draws: points of metrics on axes"),
        "docs/reference/groups.schema.json": schema(Groups, "Runs in groups, of xt ls --group-by"),
        "docs/reference/audit.schema.json": schema(Audits, "What xt audit reports"),
        "docs/reference/ci.schema.json": schema(Account, "What a command tells a job of CI"),
        "docs/reference/prod.schema.json": schema(Production, "What xt prod reports"),
        "docs/reference/observe.schema.json": schema(Observing, "What xt observe reports"),
        "docs/reference/blame.schema.json": schema(Blame, "What xt blame reports"),
        "docs/reference/rollback.schema.json": schema(Rollback, "What xt rollback reports"),
        "docs/reference/sync.schema.json": schema(Synced, "What xt push or xt pull did"),
        "docs/reference/remote-status.schema.json": schema(RemoteStatus, "What xt remote status found"),
        "docs/reference/remotes.schema.json": schema(Remotes, "The remotes of a project, of xt remote ls"),
        "docs/reference/remote-probe.schema.json": schema(Probed, "What xt remote probe reports"),
        **{
            f"docs/man/{name}": text
            for name, text in man_pages(
                tree, _placeholder, exit_statuses(), {**HEEDED, **GIVEN, **GIVEN_TO_HOOKS}
            ).items()
        },
        "completions/xt.bash": bash(tree),
        "completions/_xt": zsh(tree),
        "completions/xt.fish": fish(tree),
    }


def main(check: bool) -> int:
    stale = []
    for name, content in files().items():
        path = ROOT / name
        if not path.exists() or path.read_text() != content:
            stale.append(name)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
    for name in stale:
        print("stale:" if check else "written:", name)
    return int(bool(stale) and check)


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
