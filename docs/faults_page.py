"""`docs/reference/faults.md`, from the tables in `tests/catalogue/`."""

from __future__ import annotations

import tomllib
from pathlib import Path

HEAD = """\
# Faults

What xt is built to survive, and the test that shows it. A fault that no test shows is a [limit](limits.md),
and its row leads there; a row with both is met as far as the limit says. The letters and numbers are names to
speak of a row by. To see a row hold, give `pytest` what stands in its last column, in a clone, after the
installation that the [README](../../README.md#tests) shows.

"""
TABLE = "| | what goes wrong | what xt does | shown by |\n|---|---|---|---|\n"
#: The groups, in the order of the page; each is a file below `tests/catalogue/`.
GROUPS = {
    "A": "Code and inputs",
    "B": "The command",
    "C": "The store",
    "D": "Outputs, repeats, comparisons",
    "E": "Remotes and deployments",
    "F": "What is shown",
    "G": "Secrets",
}


def tables(root: Path) -> dict[str, dict[str, dict[str, object]]]:
    """Group → id → row, as they are written, sorted by number."""
    found = {}
    for group in GROUPS:
        rows = tomllib.loads((root / "tests" / "catalogue" / f"{group}.toml").read_text())
        found[group] = dict(sorted(rows.items(), key=lambda row: _place(row[0])))
    return found


def page(mark: str, root: Path) -> str:
    parts = [f"<!-- {mark} -->\n\n", HEAD]
    for group, rows in tables(root).items():
        parts += [f"## {GROUPS[group]}\n\n", TABLE]
        parts += [
            f"| {name} | {row['wrong']} | {row['does']} | {_shown(row)} |\n" for name, row in rows.items()
        ]
        parts.append("\n")
    return "".join(parts).rstrip("\n") + "\n"


def _place(name: str) -> tuple[int, str]:
    """A23b comes after A23, and both before A100."""
    digits = "".join(letter for letter in name if letter.isdigit())
    return int(digits or 0), name


def _shown(row: dict[str, object]) -> str:
    tests = [f"[`{test}`](../../{test.partition('::')[0]})" for test in row.get("tests", [])]  # type: ignore[attr-defined]
    limits = [f"[limit](limits.md#{anchor})" for anchor in row.get("limits", [])]  # type: ignore[attr-defined]
    return "<br>".join([*tests, *limits])
