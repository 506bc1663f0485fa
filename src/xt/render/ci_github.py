"""What a GitHub runner reads: workflow commands in the log, and files of outputs.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import re

from xt.model.ci import Account, Remark
from xt.render.quantities import count
from xt.render.visible import visible

#: Annotations of one kind that are shown of one step; characters of a text, of a title.
MOST, LONG, TITLE = 10, 4_000, 200
#: What a runner takes for a command: `::name` after spaces, and an older form anywhere (Azure and TeamCity
#: have such a form too).
_COMMAND = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)
_OLDER = re.compile(r"#(?=#[\w.]*\[)")
#: How a character is written that is not to be read, in each kind of report.
_WRITTEN = {
    "json": {":": ":", "#": "\\u0023"},
    "junit": {":": "&#58;", "#": "&#35;"},
    "html": {":": "&#58;", "#": "&#35;"},
}
_PLAIN = {":": "\\x3a", "#": "\\x23"}


def commands(account: Account) -> list[str]:
    """Write the remarks of an account as workflow commands, one a line."""
    lines: list[str] = []
    for kind in ("error", "warning", "notice"):
        some = [remark for remark in account.remarks if remark.kind == kind]
        shown = some if len(some) <= MOST else some[: MOST - 1]
        lines += [_command(remark) for remark in shown]
        if len(some) > MOST:
            more = f"and {count(len(some) - MOST + 1, 'more ' + kind)}: the summary of the job has all"
            lines.append(_command(Remark(kind, more, account.title)))
    return lines


def outputs(account: Account, token: str) -> str:
    """Write what later steps can read, as GITHUB_OUTPUT takes it.

    Args:
        account: what is told.
        token: letters nobody can have known, which end each value.
    """
    passed = {True: "true", False: "false", None: "unknown"}[account.passed]
    values = {
        "run-id": account.run,
        "status": account.status,
        "level": account.level,
        "verdict": account.verdict,
        "passed": passed,
    }
    end = f"xt_{token}"
    return "".join(
        f"{name}<<{end}\n{visible(value)}\n{end}\n" for name, value in values.items() if value is not None
    )


def harmless(text: str, style: str = "") -> str:
    """Keep a runner from reading a report as commands: what others wrote stands in it.

    Args:
        text: of the whole report.
        style: `json`, `junit` or `html`, in which it still says the same; else the character is escaped.
    """
    written = _WRITTEN.get(style, _PLAIN)
    if "##" in text:
        text = _OLDER.sub(lambda _: written["#"], text)
    if style != "json" and "::" in text:
        text = _COMMAND.sub(lambda match: match[1] + written[":"], text)
    return text


def _command(remark: Remark) -> str:
    properties = {
        "file": remark.file,
        "line": None if remark.file is None else remark.line,
        "title": _cut(remark.title, TITLE) or None,
    }
    said = ",".join(
        f"{name}={_property(str(value))}" for name, value in properties.items() if value is not None
    )
    return f"::{remark.kind}{' ' if said else ''}{said}::{_data(_cut(remark.text, LONG))}"


def _data(text: str) -> str:
    # Line ends are visible escapes by now; what is left of the runner's own is the percent sign.
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
