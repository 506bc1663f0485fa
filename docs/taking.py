"""What kind of value each parameter of a command takes, as it is declared: its metavar, its choices."""

from __future__ import annotations

import re
from typing import Any

#: Word in a metavar → kind of `xt.ops.complete.KINDS`.
KINDS = {
    "RUN": "run",
    "REF": "run",
    "THING": "run",
    "A": "run",
    "B": "run",
    "OUTPUT": "output",
    "QUERY": "query",
    "PROPERTY": "property",
    "METRIC": "metric",
    "AXIS": "axis",
    "TAG": "tag",
    "ENV": "environment",
    "REMOTE": "remote",
    "TASK": "task",
}
#: Words for paths.
FILES = frozenset(("PATH", "FILE", "THING", "KEY", "PUB"))
#: Options and arguments whose metavar says too little.
NAMED = {"--metrics": "metric", "observed": "observed"}
#: Options whose value is a path, maybe behind a role, whatever their metavar.
PATHS = frozenset(("--input", "--output", "--param"))


def options(command: Any) -> list[Any]:
    return [param for param in command.params if param.param_type_name == "option" and not param.hidden]


def arguments(command: Any) -> list[Any]:
    return [param for param in command.params if param.param_type_name == "argument" and not param.hidden]


def spellings(option: Any) -> list[str]:
    """All of them, `--no-…` among them."""
    return [*option.opts, *option.secondary_opts]


def optional(option: Any) -> list[str]:
    """The values of an option that may be left out, which then can only stand behind a `=`."""
    shown = option.metavar or ""
    return shown[2:-1].split("|") if shown.startswith("[=") else []


def with_value(option: Any) -> bool:
    """Whether the next word is its value."""
    return not option.is_flag and not optional(option)


def choices(param: Any) -> list[str]:
    """The words it can be, where they are few."""
    known = list(getattr(param.type, "choices", None) or [])
    shown = (param.metavar or "").removesuffix("[,...]").strip("[].")
    if not known and re.fullmatch(r"[a-z][a-z-]*(\|[a-z][a-z-]*)+", shown):
        known = shown.split("|")
    return known


def kinds(param: Any) -> str:
    """What `xt complete` is asked for, empty for nothing: `run`, `run,query`."""
    for spelling in param.opts:
        # `xt run --metrics` is a path, and of other commands it is a name.
        if spelling in NAMED and not (param.metavar or "").endswith(":PATH"):
            return NAMED[spelling]
    shown = param.metavar or ""
    if shown.startswith("PROPERTY,"):
        return "columns"
    words = [] if "=" in shown else re.findall(r"[A-Z]+", shown)
    return ",".join(dict.fromkeys(KINDS[word] for word in words if word in KINDS))


def is_path(param: Any) -> bool:
    if param.param_type_name == "option" and not PATHS.isdisjoint(spellings(param)):
        return True
    return not FILES.isdisjoint(_alternatives(param))


def is_folder(param: Any) -> bool:
    return "DIR" in _alternatives(param)


def is_many(argument: Any) -> bool:
    """Whether any number of words is taken."""
    return bool(argument.nargs == -1)


def _alternatives(param: Any) -> list[str]:
    """`[PATH|DIGEST]...` → PATH, DIGEST; `FILE.csv` → FILE."""
    shown = param.metavar or ""
    if "=" in shown:
        return []
    return [word.partition(".")[0] for word in re.split(r"[\[\]|… :]+|\.\.\.", shown) if word]


def only_for(argument: Any) -> list[str]:
    """The first words it is taken with, as its help begins: "For `show` and `diff`: …"; empty for all."""
    begins, colon, _ = (argument.help or "").partition(":")
    return re.findall(r"`([a-z]+)`", begins) if colon and begins.startswith("For `") else []
