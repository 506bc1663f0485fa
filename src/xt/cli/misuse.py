"""What is said of a line that cannot be understood: what is wrong with it, and what was probably meant."""

from __future__ import annotations

import difflib
import os
import shlex
import shutil
from collections.abc import Iterable
from typing import Any

from xt.errors import UsageError

#: What other tools call it → our command.
MEANT = {
    "call": "run", "exec": "run", "execute": "run", "record": "run", "start": "run", "track": "run",
    "find": "ls", "history": "ls", "list": "ls", "query": "ls", "runs": "ls", "search": "ls", "status": "ls",
    "describe": "show", "info": "show", "inspect": "show", "metrics": "show", "view": "show",
    "params": "show", "log": "logs", "output": "logs", "tail": "logs", "compare": "diff",
    "redo": "rerun", "repeat": "verify", "replay": "rerun", "repro": "rerun", "reproduce": "rerun",
    "check": "verify", "checkout": "restore", "get": "restore", "lineage": "trace", "provenance": "trace",
    "clean": "gc", "prune": "gc", "delete": "rm", "remove": "rm", "rename": "name", "label": "tag",
    "comment": "note", "size": "du", "config": "init", "setup": "init", "ui": "report", "html": "report",
    "download": "pull", "fetch": "pull", "sync": "push", "upload": "push", "publish": "push",
    "version": "--version",
}  # fmt: skip
#: What other tools, or other commands here, call an option → command → what does it.
OPTIONS = {
    "--message": {"run": "-m", "rerun": "-m"},
    "--purpose": {"baseline": "-m", "note": "-m", "deploy": "-m", "rm": "-m"},
    "--why": {"run": "-m"},
    "--limit": {"ls": "-n", "cases": "-n"},
    "--jobs": {"verify": "-j"},
    "--cwd": {"run": "-C"},
    "--dir": {"run": "-C"},
    "--task": {"run": "--as"},
    "--artifact": {"run": "-o"},
    "--param": {"rerun": "--set"},
    "--output": {"restore": "--to"},
    "--format": {"export": "--to"},
    "--delete": {"tag": "-d", "name": "-d"},
    "--follow": {"run": "xt logs -f"},
    "--last": {"ls": "-n", "show": "@"},
    "--tail": {"logs": "xt logs | tail -n 20"},
    "--lines": {"logs": "xt logs | tail -n 20"},
    "-n": {"logs": "xt logs | tail -n 20", "verify": "--repeat"},
    "--n": {"verify": "--repeat"},
    "--runs": {"verify": "--repeat"},
    "--tags": {"run": "-t"},
}
#: An upper limit that nobody means.
_MANY = 1_000_000


def unknown_command(words: list[str], commands: Iterable[str]) -> UsageError:
    """Say that there is no such command, and which is meant.

    Args:
        words: the line, beginning with it.
        commands: that there are.
    """
    word, commands = words[0], list(commands)
    listed = "`xt --help` lists the commands"
    program = len(words) > 1 or os.sep in word or os.path.isfile(word)
    if word in MEANT:
        hint = f"did you mean `xt {MEANT[word]}`? {listed}"
    elif word and program and (shutil.which(word) or os.path.exists(word)):
        hint = f"to record it: `xt run -- {shlex.join(words)}`"
    elif near := difflib.get_close_matches(word.lower(), commands, n=1):
        hint = f"did you mean `xt {near[0]}`? {listed}"
    else:
        hint = listed
    return UsageError(f"no command `{word}`", hint)


def misused(error: Exception, name: str | None, words: list[str], command: Any) -> UsageError | None:
    """Word an error of the parser; None if it is none.

    Args:
        error: what it raised.
        name: the command, if one was named.
        words: all of the line.
        command: as the parser has it.
    """
    shown = getattr(error, "format_message", None)
    if shown is None:
        return None
    xt = " ".join(["xt", *([name] if name else [])])
    options = f"`{xt} --help` lists the options"
    param = getattr(error, "param", None)
    kind = type(error).__name__
    if kind == "NoSuchOption":
        return _no_option(str(getattr(error, "option_name", "")), name, command, words)
    if kind == "BadOptionUsage":
        option = str(getattr(error, "option_name", ""))
        value = next((_value(one) for one in getattr(command, "params", ()) if option in one.opts), "")
        if value and "requires an argument" in shown():
            return UsageError(f"`{option}` needs a value", f"`{xt} {option} {value}`; {options}")
        if "does not take a value" in shown():
            return UsageError(f"`{option}` takes no value", options)
    elif kind == "MissingParameter" and param is not None:
        lacks = _value(param)
        if param.param_type_name == "option":
            lacks = f"{param.opts[0]} {lacks}"
        return UsageError(f"`{xt}` needs `{lacks}`", _likened(name, options))
    elif kind == "BadParameter" and param is not None:
        return _bad_value(shown(), param, name, words)
    elif "unexpected extra argument" in shown():
        extra = shown().rpartition("(")[2].rstrip(".").removesuffix(")")
        return UsageError(f"`{xt}` takes no further word: `{extra}`", _likened(name, options))
    return UsageError(shown().rstrip("."), options)


def _likened(name: str | None, options: str) -> str:
    from xt.cli.examples import EXAMPLES

    lines = EXAMPLES.get(name or "", ())
    return f"such as `{lines[0][0]}`; {options}" if lines else options


def _value(param: Any) -> str:
    from xt.cli.helping import named

    called = named(param)
    return called.removeprefix("[").removesuffix("]") if called.startswith("[") else called


def _no_option(option: str, name: str | None, command: Any, words: list[str]) -> UsageError:
    xt = f"xt {name}" if name else "xt"
    params = getattr(command, "params", ())
    known = [spelled for one in params for spelled in [*one.opts, *one.secondary_opts] if spelled[:2] == "--"]
    close = difflib.get_close_matches(option, [*known, "--help"], n=1, cutoff=0.7)
    other = OPTIONS.get(option, {}).get(name or "") or (close[0] if close else "")
    hint = f"did you mean `{other}`? " if other else ""
    if name == "run":
        hint += f"the command's own stand behind it: `xt run COMMAND {option}`; xt's: `xt run --help`"
    elif name == "ls" and not other and (asked := _field(option, words)):
        hint = f"a query does that: `xt ls {asked}`"
    else:
        hint += f"`{xt} --help` lists the options"
    return UsageError(f"`{xt}` has no option `{option}`", hint)


def _field(option: str, words: list[str]) -> str:
    """`--since 7d` → `since:7d`, where there is such a field of a query."""
    from xt.query import FIELDS

    field = option.lstrip("-")
    if field not in FIELDS or FIELDS[field].keyed:
        return ""
    typed = next((word for word in words if word.split("=")[0] == option), option)
    after = words[words.index(typed) + 1 :][:1] if typed in words else []
    value = typed.partition("=")[2] or (after[0] if after and after[0][:1] != "-" else "…")
    return shlex.quote(f"{field}:{value}") if value != "…" else f"{field}:…"


def _bad_value(text: str, param: Any, name: str | None, words: list[str]) -> UsageError:
    """Of a choice, or of a number; `text` is "Invalid value for WHAT: 'VALUE' is not …"."""
    options = f"`xt {name} --help` lists the options"
    typed = [one for one in param.opts if any(word.split("=")[0] == one for word in words)]
    what = f"`{(typed or param.opts)[-1]}`" if param.param_type_name == "option" else f"`xt {name}`"
    reason = text.partition(": ")[2].rstrip(".")
    value, _, rest = reason.partition(" is not ")
    value = value.strip("'\"")
    choices = list(getattr(param.type, "choices", None) or ())
    if choices:
        near = difflib.get_close_matches(value.lower(), choices, n=1)
        hint = (f"did you mean `{near[0]}`? " if near else "") + f"it can be: {', '.join(choices)}"
        if param.param_type_name != "option" and not near:
            hint += f"; {_likened(name, options)}"
        return UsageError(f"{what} has no `{value}`", hint)
    if rest.startswith("in the range"):
        low, high = param.type.min, param.type.max
        bounds = (
            f"at least {low}"
            if high is None or (high >= _MANY and value[:1] == "-")
            else f"from {low} to {high:,}"
        )
        return UsageError(f"{what} is {bounds}, not `{value}`", options)
    if "int" in param.type.name.lower():
        return UsageError(f"{what} is a whole number, not `{value}`", options)
    return UsageError(f"{what}: {reason}", options)
