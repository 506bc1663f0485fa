"""`xt remote`: what it can do is in `_ACTIONS`, a function for each."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

if TYPE_CHECKING:
    from xt.context import Outside


class Asked(NamedTuple):
    """What was typed, and where it is shown."""

    name: str | None
    url: str | None
    yes: bool
    probe: bool
    check: bool
    as_json: bool
    outside: Outside
    columns: int
    colours: bool

    def answer(self, value: Any, text: str) -> None:
        """Give JSON or the text."""
        data = text.encode("utf-8", "backslashreplace")
        if self.as_json:
            from xt import codec
            from xt.cli.answer import for_programs

            data = for_programs(codec.encode(value))
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def remote(
    action: Annotated[
        Literal["ls", "add", "rm", "trust", "probe", "status"], typer.Argument(help="What to do.")
    ] = "ls",
    name: Annotated[
        str | None, typer.Argument(metavar="[REMOTE]", help="For all but `ls`: its name.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Argument(
            metavar="[URL]",
            help="For `add`: s3://BUCKET/PATH, gs://…, az://…, ssh://HOST/PATH, or the path of a folder.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="For `trust`: without a question.")] = False,
    no_probe: Annotated[
        bool, typer.Option("--no-probe", help="For `add`: do not try now whether many may write there.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="For `status`: read records there, and compare sizes.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with everything.")] = False,
) -> int:
    """Name the places that a team's runs are shared by."""
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.render.terminal import colour, width

    usage, fewest, most = _USAGE[action]
    given = sum(word is not None for word in (name, url))
    if not fewest <= given <= most:
        few = f"`xt remote {action}` lacks a word" if given < fewest else None
        raise UsageError(few or f"`xt remote {action}` takes fewer words", f"`{usage}`")
    options = (("--yes", yes, "trust"), ("--no-probe", no_probe, "add"), ("--check", check, "status"))
    for option, wanted, belongs in options:
        if wanted and action != belongs:
            raise UsageError(f"`{option}` belongs to `xt remote {belongs}`", f"`{_USAGE[belongs][0]}`")
    outside = Outside.real()
    columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
    return _ACTIONS[action](Asked(name, url, yes, not no_probe, check, as_json, outside, columns, colours))


def _ls(asked: Asked) -> int:
    from xt.ops.remotes import listed
    from xt.render.remotes import listing, problems

    found = listed(asked.outside)
    asked.answer(found, listing(found, asked.columns, asked.colours))
    for problem in problems(found):
        _warn(problem)
    return 0


def _add(asked: Asked) -> int:
    from xt.errors import RemoteError, UnsupportedError
    from xt.ops.remotes import add, probe
    from xt.render.remotes import defined, probed

    one, hidden = add(asked.outside, asked.name or "", asked.url or "")
    if hidden is not None:
        _warn(f"it hides the remote `{one.name}` of xt.toml: {hidden}")
    if asked.probe:
        try:
            found = probe(asked.outside, one.name)
            one = type(one)(one.name, one.url, one.source, one.confirmed, found.exclusive)
            text = "" if found.exclusive else probed(found, asked.columns, asked.colours)
        except (RemoteError, UnsupportedError) as error:
            text = ""
            _warn(f"it was not probed: {error.message}" + (f" ({error.hint})" if error.hint else ""))
    else:
        text = ""
    asked.answer(one, defined(one, "added", asked.columns, asked.colours) + text)
    return 0


def _rm(asked: Asked) -> int:
    from xt.ops.remotes import forget
    from xt.render.remotes import defined

    one = forget(asked.outside, asked.name or "")
    asked.answer(one, defined(one, "forgotten", asked.columns, asked.colours))
    return 0


def _trust(asked: Asked) -> int:
    from xt.errors import UsageError
    from xt.ops.remotes import confirm, to_confirm
    from xt.render.remotes import defined, question

    one = to_confirm(asked.outside, asked.name or "")
    if not asked.yes and not one.confirmed:
        if not sys.stdin.isatty():
            raise UsageError(f"`{one.name}` is {one.url}", "with `--yes` it is confirmed without a question")
        sys.stderr.write(question(one, asked.columns))
        if not typer.confirm("Use it?", err=True):
            sys.stderr.write("xt: not confirmed\n")
            return 1
    one = confirm(asked.outside, one)
    asked.answer(one, defined(one, "confirmed", asked.columns, asked.colours))
    return 0


def _probe(asked: Asked) -> int:
    from xt.ops.remotes import probe
    from xt.render.remotes import probed

    found = probe(asked.outside, asked.name)
    asked.answer(found, probed(found, asked.columns, asked.colours))
    return 0


def _warn(text: str) -> None:
    from xt.render.visible import visible

    sys.stderr.write(f"xt: warning: {visible(text)}\n")


def _status(asked: Asked) -> int:
    from xt.cli.syncing import Bar
    from xt.errors import EXIT_ELSEWHERE, EXIT_OK
    from xt.ops.find import open_store
    from xt.ops.sync.place import opened
    from xt.ops.sync.status import status
    from xt.render.remote_status import render

    store = open_store(asked.outside)
    name, place = opened(asked.outside, asked.name)
    bar = Bar(asked.outside)
    try:
        found = status(store, place, name, bar.step, check=asked.check)
    finally:
        bar.close()
        place.close()
    asked.answer(found, render(found, asked.columns, asked.colours))
    return EXIT_ELSEWHERE if found.wrong else EXIT_OK


#: How it is written, and the fewest and most words it takes.
_USAGE = {
    "ls": ("xt remote ls", 0, 0),
    "add": ("xt remote add NAME URL", 2, 2),
    "rm": ("xt remote rm NAME", 1, 1),
    "trust": ("xt remote trust NAME", 1, 1),
    "probe": ("xt remote probe [NAME]", 0, 1),
    "status": ("xt remote status [NAME]", 0, 1),
}
_ACTIONS = {"ls": _ls, "add": _add, "rm": _rm, "trust": _trust, "probe": _probe, "status": _status}
