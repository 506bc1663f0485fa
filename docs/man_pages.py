"""Pages of the manual, in the macros of man(7), made from the commands as they are declared."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from xt import __version__
from xt.cli.examples import EXAMPLES

sys.path.insert(0, str(Path(__file__).resolve().parent))
from taking import arguments, options, spellings

MARK = "Written by docs/generate.py from the code; a test fails when it is stale."
#: What every page has besides its own options.
HELP = (r"\fB\-h\fR, \fB\-\-help\fR", "Show the options and exit.")


def pages(
    tree: dict[str, Any],
    placeholder: Callable[[Any], str],
    statuses: Iterable[tuple[int, str]],
    variables: dict[str, str],
) -> dict[str, str]:
    """All pages: name of the file → text.

    Args:
        tree: commands by name, in the order of `xt --help`.
        placeholder: how the value of an option or an argument is called.
        statuses: exit statuses and what they say.
        variables: of the environment, and what they do.
    """
    made = {"xt.1": _overview(tree, statuses, variables)}
    for name, command in tree.items():
        made[f"xt-{name}.1"] = _page(name, command, placeholder)
    return made


def _overview(tree: dict[str, Any], statuses: Iterable[tuple[int, str]], variables: dict[str, str]) -> str:
    parts = [
        _head("XT"),
        _section("NAME", r"xt \- put \(lqxt run \-\-\(rq in front of any command and get evidence"),
        _section(
            "SYNOPSIS",
            ".B xt run\n[\\fIOPTIONS\\fR]... [\\-\\-] \\fICOMMAND\\fR...\n.br\n.B xt\n\\fICOMMAND\\fR ...",
        ),
        _section(
            "DESCRIPTION",
            prose(
                "`xt run` records one execution of a command: code, inputs, settings and environment"
                " before it starts; logs, exit status, metrics and outputs after it. The command behaves"
                " as without it, and its exit status is kept. The other commands find, compare, repeat and"
                " judge what was recorded."
            )
            + "\n.PP\n"
            + prose(
                "A run is named by the beginning of its id, 4 letters or more; `@` for the newest, `@~2` for"
                " two before it; `baseline` or another pinned name; a name; or a tag."
            ),
        ),
        _section(
            "COMMANDS",
            "\n".join(_item(rf"\fBxt\-{_plain(name)}\fR(1)", one.help) for name, one in tree.items()),
        ),
        _section("EXIT STATUS", "\n".join(_item(str(value), text) for value, text in statuses)),
        _section(
            "ENVIRONMENT",
            "\n".join(_item(rf"\fB{_plain(name)}\fR", text) for name, text in variables.items()),
        ),
        _section(
            "FILES",
            _item(r"\fBxt.toml\fR", "Settings, in the project's root; or `[tool.xt]` in `pyproject.toml`.")
            + "\n"
            + _item(r"\fB.xt/\fR", "The store, in the project's root, or where `XT_STORE` says."),
        ),
    ]
    return "".join(parts)


def _page(name: str, command: Any, placeholder: Callable[[Any], str]) -> str:
    summary = command.help.strip().splitlines()[0].rstrip(".")
    parts = [_head(f"XT-{name.upper()}"), _section("NAME", rf"xt-{_plain(name)} \- {inline(summary)}")]
    below = getattr(command, "commands", None)
    if below:
        synopsis = [_synopsis(f"{name} {word}", one, placeholder) for word, one in below.items()]
        parts.append(_section("SYNOPSIS", "\n.br\n".join(synopsis)))
        for word, one in below.items():
            told = prose(one.help) + "\n" + _options(one, placeholder)
            parts.append(_section(f"xt {name} {word}", told))
    else:
        parts.append(_section("SYNOPSIS", _synopsis(name, command, placeholder)))
        described = [_item(rf"\fI{_plain(placeholder(item))}\fR", item.help) for item in arguments(command)]
        if described:
            parts.append(_section("ARGUMENTS", "\n".join(described)))
        parts.append(_section("OPTIONS", _options(command, placeholder)))
    shown = [f".TP\n\\fB{_plain(typed)}\\fR\n{prose(what)}" for typed, what in EXAMPLES.get(name, ())]
    if shown:
        parts.append(_section("EXAMPLES", "\n".join(shown)))
    parts.append(_section("SEE ALSO", r"\fBxt\fR(1), which has exit statuses and variables"))
    return "".join(parts)


def _synopsis(name: str, command: Any, placeholder: Callable[[Any], str]) -> str:
    words = [r"[\fIOPTIONS\fR]..."] if options(command) else []
    if name == "run":
        words.append(r"[\-\-]")
    words += [rf"\fI{_plain(placeholder(item))}\fR" for item in arguments(command)]
    return f".B xt {_plain(name)}\n" + " ".join(words)


def _options(command: Any, placeholder: Callable[[Any], str]) -> str:
    items = []
    for item in options(command):
        spelled = ", ".join(rf"\fB{_plain(word)}\fR" for word in spellings(item))
        value = "" if item.is_flag else rf" \fI{_plain(placeholder(item))}\fR"
        default = "" if item.default in (None, False) else f" Default: {item.default}."
        items.append(_item(spelled + value, item.help + default))
    return "\n".join([*items, _item(*HELP)])


def _head(title: str) -> str:
    return f'.\\" {MARK}\n.TH {_plain(title)} 1 "" "xt {__version__}" "xt"\n.nh\n.ad l\n'


def _section(name: str, text: str) -> str:
    return f'.SH "{name}"\n{text}\n'


def _item(term: str, text: str) -> str:
    return f".TP\n{term}\n{prose(text)}"


def prose(text: str) -> str:
    """A paragraph: a line of the page is a sentence of the text."""
    return "\n".join(
        _guarded(inline(line)) for line in re.split(r"(?<=[.;:]) (?=[A-Z])", " ".join(text.split()))
    )


def inline(text: str) -> str:
    """Words in backticks are bold, links are their words."""
    text = re.sub(r"\[([^\]]+)\]\((?!\))[^)]*\)", r"\1", text)
    parts = re.split(r"`([^`]*)`", text)
    return "".join(rf"\fB{_plain(part)}\fR" if at % 2 else _plain(part) for at, part in enumerate(parts))


def _plain(text: str) -> str:
    """Nothing in it is a command or an escape; a hyphen stays one that can be copied."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    for sign, name in (("…", r"\&..."), ("→", r"\(->"), ("×", r"\(mu"), ("–", r"\(en"), ("≤", r"\(<=")):
        escaped = escaped.replace(sign, name)
    return escaped


def _guarded(line: str) -> str:
    return rf"\&{line}" if line[:1] in (".", "'") else line
