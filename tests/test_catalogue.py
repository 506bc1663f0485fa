"""The catalogue of faults: every row is shown by tests that are there, or by a limit that is written down."""

from __future__ import annotations

import ast
import functools
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))
from faults_page import GROUPS, page, tables  # noqa: E402

TABLES = tables(ROOT)
ROWS = {name: row for rows in TABLES.values() for name, row in rows.items()}


@functools.cache
def named_in(path: str) -> set[str]:
    """Names of the tests of a file, as pytest has them."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        inside = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        for function in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test"):
                found.add(inside + function.name)
    return found


def anchors() -> set[str]:
    heads = re.findall(r"^#+ (.+)$", (ROOT / "docs/reference/limits.md").read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_a_name_stands_for_one_fault():
    assert len(ROWS) == sum(map(len, TABLES.values()))
    for group, rows in TABLES.items():
        assert all(re.fullmatch(rf"{group}\d+[a-z]?", name) for name in rows)


def test_every_row_is_whole():
    for name, row in ROWS.items():
        assert set(row) <= {"wrong", "does", "tests", "limits"}, name
        for key in ("wrong", "does"):
            assert re.fullmatch(r"[^\n|]+\.", row[key]), (name, key)
        assert row.get("tests") or row.get("limits"), f"{name}: neither a test nor a limit"


def test_every_test_that_is_named_is_there():
    gone = [
        f"{name}: {test}"
        for name, row in ROWS.items()
        for test in row.get("tests", [])
        for path, _, function in [test.partition("::")]
        if not (ROOT / path).is_file() or function not in named_in(path)
    ]
    assert not gone


def test_every_limit_that_is_named_is_written_down():
    known = anchors()
    for name, row in ROWS.items():
        assert set(row.get("limits", [])) <= known, name


def test_the_page_has_every_row():
    made = page("mark", ROOT)
    assert re.findall(r"^\| (\w+) \| ", made, re.M) == list(ROWS)
    assert all(f"## {title}\n" in made for title in GROUPS.values())


@pytest.mark.parametrize("known", ["tests/test_run.py::TestSignals::start", "tests/test_run.py::test_gone"])
def test_what_is_no_test_is_noticed(known):
    path, _, function = known.partition("::")
    assert function not in named_in(path)
    assert {
        "test_a_secret_too_short_to_mask_is_named",
        "TestSecrets::test_no_secret_enters_the_store",
    } <= named_in(path)
