"""Write what follows from the code: CLI reference, configuration reference, errors, schema, completions.

python docs/generate.py          write the files that are not up to date
python docs/generate.py --check  list them and exit 1 if there are any
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from pathlib import Path

import msgspec
import typer

from xt import config, errors
from xt.cli.app import build
from xt.model.files import Manifest
from xt.model.result import Record, Start

ROOT = Path(__file__).resolve().parent.parent
MARK = "Written by docs/generate.py; change the code and run it again."


def commands() -> dict[str, object]:
    """All commands, in the order of `xt --help`."""
    return dict(typer.main.get_command(build()).commands)


def options(command: object) -> list[object]:
    return [param for param in command.params if param.param_type_name == "option" and not param.hidden]


def arguments(command: object) -> list[object]:
    return [param for param in command.params if param.param_type_name == "argument"]


def cli_reference() -> str:
    lines = [f"<!-- {MARK} -->", "", "# Commands", ""]
    for name, command in commands().items():
        usage = " ".join(
            ["xt", name, "[OPTIONS]", *(str(item.metavar or item.name) for item in arguments(command))]
        )
        lines += [f"## `xt {name}`", "", (command.help or "").strip(), "", "```", usage, "```", ""]
        lines += ["| option | meaning |", "|---|---|"]
        for item in options(command):
            spelled = ", ".join(f"`{word}`" for word in item.opts)
            value = (
                "" if item.is_flag else f" `{(item.metavar or item.type.name).upper()}`".replace("|", "\\|")
            )
            default = (
                ""
                if item.default in (None, False, [], ()) or callable(item.default)
                else f" Default: {item.default}."
            )
            lines.append(f"| {spelled}{value} | {item.help or ''}{default} |")
        lines += ["| `-h`, `--help` | Show this message and exit. |", ""]
    lines += [
        "## Exit statuses",
        "",
        "`xt run` ends as the command ended: with its exit code, or with 128 + n when signal n ended it (after",
        "Ctrl-C by that signal itself, so that a shell's loop stops too). What xt says about itself:",
        "",
        "| status | meaning |",
        "|---|---|",
        *(f"| {value} | {text} |" for value, text in exit_statuses()),
        "",
    ]
    return "\n".join(lines)


def exit_statuses() -> list[tuple[int, str]]:
    """The constants of `xt.errors` with the comment above each."""
    found = []
    comment = ""
    for line in inspect.getsource(errors).splitlines():
        if line.startswith("#: "):
            comment = line[3:]
        elif line.startswith("EXIT_"):
            found.append((int(line.split("=")[1]), comment))
    return found


def errors_reference() -> str:
    lines = [f"<!-- {MARK} -->", "", "# Errors", ""]
    lines += [
        "Every error is one line `xt: error: …` on standard error and, where something is known to help, one line",
        "`xt: hint: …`. `XT_DEBUG=1` adds the traceback.",
        "",
        "| code | exit status | meaning |",
        "|---|---|---|",
    ]
    seen = set()
    for module in (errors, *_modules_with_errors()):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, errors.XtError) and kind not in seen:
                seen.add(kind)
                if kind is not errors.XtError:
                    text = " ".join(inspect.cleandoc(kind.__doc__ or "").split())
                    lines.append(f"| `{kind.code}` | {kind.exit_status} | {text} |")
    lines += ["", "In `xt run` the status of an error of xt's own is 125, or 2 for wrong usage.", ""]
    return "\n".join(lines)


def _modules_with_errors() -> list[object]:
    from xt.ops import run

    return [run]


def config_reference() -> str:
    lines = [f"<!-- {MARK} -->", "", "# `xt.toml`", ""]
    lines += [
        "In the project's root, or as `[tool.xt…]` tables in `pyproject.toml`. Everything is optional; the command line",
        "wins. A wrong key or type is an error with its line, and nothing is started.",
        "",
    ]
    for name, kind in (
        ("[code]", config.CodeSettings),
        ("[env]", config.EnvSettings),
        ("[run]", config.RunSettings),
        ("[evidence]", config.EvidenceSettings),
        ('[metrics."NAME"]', config.MetricSettings),
        ("[task.NAME]", config.TaskSettings),
    ):
        about = (kind.__doc__ or "").split(": ", 1)[-1].strip()
        lines += [
            f"## `{name}`",
            "",
            about[0].upper() + about[1:],
            "",
            "| key | default | meaning |",
            "|---|---|---|",
        ]
        documented = field_docs(kind)
        for field in msgspec.structs.fields(kind):
            default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
            shown = "" if default is None else f"`{json.dumps(default)}`"
            lines.append(
                f"| `{field.name}` | {shown} | {documented[field.name]} |".replace(
                    "|GLOB", "\\|GLOB"
                ).replace("|URI", "\\|URI")
            )
        lines.append("")
    return "\n".join(lines)


def field_docs(kind: type) -> dict[str, str]:
    """The string below each field of a class."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = tree.body[0].body  # type: ignore[attr-defined]
    found = {}
    for field, text in zip(body, body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            found[field.target.id] = " ".join(ast.literal_eval(text.value).split())  # type: ignore[union-attr]
    return found


def schema(kind: type, title: str) -> str:
    made = msgspec.json.schema(kind)
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **made}
    _describe(made.get("$defs", {}))
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _describe(definitions: dict[str, dict[str, object]]) -> None:
    """Carry the documentation of fields over, from the classes they are defined in."""
    import importlib

    for module in ("code", "environment", "files", "result", "snapshot", "summary", "text"):
        for name, kind in vars(importlib.import_module(f"xt.model.{module}")).items():
            if name in definitions and isinstance(kind, type):
                for field, text in field_docs(kind).items():
                    target = definitions[name]["properties"].get(field)  # type: ignore[attr-defined]
                    if target is not None and "$ref" not in target:
                        target["description"] = text


def files() -> dict[str, str]:
    """Path below the root → content."""
    from completions_for import bash, fish, zsh

    tree = commands()
    return {
        "docs/reference/cli.md": cli_reference(),
        "docs/reference/errors.md": errors_reference(),
        "docs/reference/config.md": config_reference(),
        "docs/reference/record.schema.json": schema(Record, "A sealed run of xt"),
        "docs/reference/start.schema.json": schema(Start, "A run of xt that was started"),
        "docs/reference/manifest.schema.json": schema(Manifest, "A manifest of xt"),
        "completions/xt.bash": bash(tree),
        "completions/_xt": zsh(tree),
        "completions/xt.fish": fish(tree),
    }


def main() -> int:
    stale = []
    for name, content in files().items():
        path = ROOT / name
        if not path.exists() or path.read_text() != content:
            stale.append(name)
            if "--check" not in sys.argv:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
    for name in stale:
        print("stale:" if "--check" in sys.argv else "written:", name)
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    sys.exit(main())
