"""All commands as Typer sees them; each is declared in a file of its own and loaded when it is named."""

from __future__ import annotations

import sys

import typer

from xt.cli import ci_options
from xt.registry import Row, Table

#: In the order of `xt --help`.
COMMANDS = Table(
    "command",
    [
        Row("run", "xt.cli.declare_run:run", "Record one execution of any command"),
        Row("ls", "xt.cli.ls:ls", "List runs, newest first"),
        Row("show", "xt.cli.show:show", "Show one run: what, why, causes, effects, what is missing"),
        Row("logs", "xt.cli.logs:logs", "Print what a run wrote"),
        Row(
            "diff",
            "xt.cli.diff:diff",
            "Compare two runs: what was changed, what moved, whether that is noise",
        ),
        Row("rerun", "xt.cli.rerun:rerun", "Do a run again, from its record"),
        Row("verify", "xt.cli.verify:verify", "Repeat a run and judge the repeats"),
        Row("audit", "xt.cli.audit:audit", "Say which required evidence a run has, and what it lacks"),
        Row("sign", "xt.cli.sign:sign", "Sign a run with a key"),
        Row("baseline", "xt.cli.baseline:baseline", "Pin the run that others are compared with"),
        Row("restore", "xt.cli.restore:restore", "Bring back what a run has: outputs, inputs, code, logs"),
        Row("trace", "xt.cli.trace:trace", "Show what a file came from, and what came of it"),
        Row("stale", "xt.cli.stale:stale", "Say what evidence no longer holds, and plan what to do again"),
        Row("noise", "xt.cli.noise:noise", "Show how much the results of a recipe scatter"),
        Row("cases", "xt.cli.cases:cases", "Show the evaluated examples of a run, and one through time"),
        Row("bundle", "xt.cli.bundle:bundle", "Versions of prompts and tool policies, and what differs"),
        Row("plot", "xt.cli.plot:plot", "Draw metrics of runs, in the terminal or to SVG, PNG or HTML"),
        Row("report", "xt.cli.report:report", "Write one self-contained HTML page about runs"),
        Row("export", "xt.cli.export:export", "Hand runs to others, in a format of theirs"),
        Row("tag", "xt.cli.tag:tag", "Put tags on a run, or take them off"),
        Row("name", "xt.cli.name:name", "Give a run a name"),
        Row("note", "xt.cli.note:note", "Write down something about a run, or read the notes on it"),
        Row("rm", "xt.cli.rm:rm", "Put runs away: lists pass over them, nothing is deleted"),
        Row("gc", "xt.cli.gc:gc", "Remove what nobody refers to, and runs that were put away"),
        Row("du", "xt.cli.du:du", "Show what takes the space of the store"),
        Row("deploy", "xt.cli.deploy:deploy", "Record what goes live where, from a run with evidence"),
        Row("observe", "xt.cli.observe:observe", "Record measurements of production"),
        Row("prod", "xt.cli.prod:prod", "Show what is live and was, and how it did"),
        Row("blame", "xt.cli.blame:blame", "Say which deployment a movement in production coincides with"),
        Row("rollback", "xt.cli.rollback:rollback", "Show the ways back, and record one"),
        Row("remote", "xt.cli.remote:remote", "Name the places that a team's runs are shared by"),
        Row("push", "xt.cli.push:push", "Copy runs to a team's store: what it lacks, overwriting nothing"),
        Row("pull", "xt.cli.pull:pull", "Bring runs from a team's store, as much of them as is asked for"),
        Row("fsck", "xt.cli.fsck:fsck", "Look through the store for damage, and repair it"),
        Row("init", "xt.cli.init:init", "Write a commented xt.toml from what is here"),
    ],
)
#: Commands that take the rest of the line as it is.
_PASS_THROUGH = {"allow_interspersed_args": False}


def build(names: list[str] | None = None) -> typer.Typer:
    """Make the application.

    Args:
        names: commands to load; all by default.
    """
    from xt.cli.helping import Command, Group, width

    settings = {"terminal_width": width()}
    app = typer.Typer(
        name="xt",
        help="Put `xt run --` in front of any command and get evidence.",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        cls=Group,
        context_settings={"help_option_names": ["-h", "--help"], **settings},
    )

    @app.callback(invoke_without_command=True)
    def root(
        version: bool = typer.Option(False, "-V", "--version", help="Print the version and exit."),
    ) -> None:
        if version:
            from xt import __version__

            typer.echo(f"xt {__version__}")
            raise typer.Exit

    for row in COMMANDS:
        if names is None or row.name in names:
            words = _PASS_THROUGH if row.name == "run" else {}
            command = COMMANDS.get(row.name)
            # Commands that go without Typer when there are no options name it in annotations alone.
            for known, what in (("typer", typer), ("Ci", ci_options.Ci), ("CiDir", ci_options.CiDir)):
                command.__globals__.setdefault(known, what)
            summary = row.summary + "."
            app.command(row.name, cls=Command, help=summary, context_settings={**words, **settings})(command)
    return app


def invoke(arguments: list[str]) -> int:
    """Parse with Typer and run; return the exit status."""
    arguments = arguments or ["--help"]
    if arguments[0] == "help":
        arguments = [*arguments[1:2], "--help"]
    named = [word for word in arguments[:1] if word in COMMANDS.rows]
    if not named and not arguments[0].startswith("-"):
        from xt.cli.misuse import unknown_command

        raise unknown_command(arguments, COMMANDS.rows)
    from xt.cli.helping import Group, InterruptedCommandError

    command = typer.main.get_command(build(named or None))
    assert isinstance(command, Group)
    called = command.commands[named[0]] if named else command
    if named == ["run"]:
        from xt.cli.fast import spelled_out

        arguments = ["run", *spelled_out(arguments[1:])]
    try:
        status = command.main(arguments, prog_name="xt", standalone_mode=False)
    except InterruptedCommandError:
        raise KeyboardInterrupt from None
    except typer.Exit as ended:
        return ended.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        from xt.cli.misuse import misused

        ours = misused(error, named[0] if named else None, arguments, called)
        if ours is None:
            raise
        raise ours from error
    finally:
        sys.stdout.flush()
    return status if isinstance(status, int) else 0
