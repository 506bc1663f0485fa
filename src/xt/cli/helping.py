"""What `--help` writes: usage, options, examples, and all commands by what they are for."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand, TyperGroup

#: All commands, by what they are for.
SECTIONS: dict[str, tuple[str, ...]] = {
    "Record": ("run", "init"),
    "Look": ("ls", "show", "logs", "plot", "report"),
    "Compare": ("diff", "baseline", "noise", "cases", "bundle"),
    "Repeat": ("rerun", "verify", "restore", "stale"),
    "Say more of a run": ("tag", "name", "note"),
    "Trust": ("audit", "sign", "trace"),
    "Production": ("deploy", "observe", "prod", "blame", "rollback"),
    "Share": ("remote", "push", "pull", "export"),
    "Keep": ("rm", "gc", "du", "fsck"),
}
#: The end of `xt --help`.
LAST = (
    ("xt COMMAND --help", "its options, with examples"),
    ("RUN", "the beginning of an id, a name, a tag, @ (newest), @~2, or `baseline`"),
)
#: What the parser adds to a help: ` [default: 20; 0<=x<=1000000000]`, ` [1<=x<=256]`, `  [required]`.
_RANGE = re.compile(r"(?:; )?(?:-?\d+<=?)?x[<>]=?-?\d+|(?:-?\d+<=?)x")


def width() -> int:
    """Columns of a help: those of the terminal, up to where a line reads well."""
    from shutil import get_terminal_size

    return max(28, min(80, get_terminal_size().columns) - 2)


def named(param: Any) -> str:
    """How the value of an option is called: as declared, or by its kind."""
    if param.metavar:
        return str(param.metavar)
    choices = getattr(param.type, "choices", None)
    if choices:
        return "|".join(choices)
    return "N" if "int" in param.type.name.lower() else "TEXT"


class Command(TyperCommand):
    """One command; its help ends with examples."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Give the words of the first line: what must be there stands bare, what may in brackets."""
        self._name_values()
        return [re.sub(r"^\{(.*)\}$", r"\1", piece) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what each argument and option is."""
        self._name_values()
        rows: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                title = "Options" if param.param_type_name == "option" else "Arguments"
                rows[title].append((record[0], _without_range(record[1])))
        for title, these in rows.items():
            if these:
                with formatter.section(title):
                    formatter.write_dl(these, col_max=30 if formatter.width > 60 else formatter.width // 3)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write what people do with it."""
        from xt.cli.examples import EXAMPLES

        lines = EXAMPLES.get(self.name or "", ())
        if not lines:
            return
        column = max(len(typed) for typed, _ in lines)
        beside = all(2 + column + 4 + len(what) <= formatter.width for _, what in lines)
        formatter.write("\nExamples:\n")
        for typed, what in lines:
            formatter.write(f"  {typed:<{column}}  # {what}\n" if beside else f"  # {what}\n  {typed}\n")

    def _name_values(self) -> None:
        for param in self.params:
            choices = getattr(param.type, "choices", None)
            if param.param_type_name == "argument":
                if choices and not param.metavar:
                    param.metavar = named(param) if param.required else f"[{named(param)}]"
            elif not param.metavar and not getattr(param, "is_flag", False):
                param.metavar = named(param)


class InterruptedCommandError(Exception):
    """Ctrl-C, of which Typer would make an exit that says nothing."""


class Group(TyperGroup):
    """`xt` itself."""

    def invoke(self, ctx: Any) -> Any:
        """Carry out a command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise InterruptedCommandError from None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands by what they are for; no summary is cut off."""
        column = max(len(name) for names in SECTIONS.values() for name in names)
        for title, names in SECTIONS.items():
            rows = [(name.ljust(column), self.commands[name].help or "") for name in names]
            with formatter.section(title):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Say where to read on."""
        formatter.write_paragraph()
        formatter.write_dl(LAST)


def _without_range(text: str) -> str:
    """Take out of a help which numbers are possible, and that what stands bare is needed."""
    text, bracket, last = text.rpartition("  [")
    if not bracket:
        return last
    last = _RANGE.sub("", last.removesuffix("]")).removesuffix("required").removesuffix("; ")
    return f"{text}  [{last}]" if last else text
