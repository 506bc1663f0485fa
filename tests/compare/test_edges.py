"""Contents compared through the front: texts no UTF-8 holds, missing extras, padded numbers, pictures."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from xt import codec
from xt.compare import Rule, UnreadableError, isolated
from xt.compare.case_columns import CaseColumns
from xt.compare.cases import compare_cases
from xt.compare.content import Held
from xt.compare.contents import compare
from xt.compare.numerals import numeral

LONE = "\ud800"


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_lone_surrogate_in_a_document_can_be_written(name: str) -> None:
    left, right = (Held(name, json.dumps({LONE: value}).encode()) for value in (LONE, LONE + "x"))
    assert b"ud800" in codec.encode(compare(left, right, Rule(), name))


def test_a_lone_surrogate_in_a_case_can_be_written() -> None:
    rows = [[{"id": LONE, "ok": ok, "g": LONE}] for ok in (True, False)]
    delta = compare_cases(*rows, CaseColumns("id", "ok"), "cases", ["g"])
    assert b"ud800" in codec.encode(delta)


def test_texts_in_archives_are_compared_without_numpy() -> None:
    program = """
import sys, io, zipfile
sys.modules["numpy"] = None
from xt.compare import Rule
from xt.compare.content import Held
from xt.compare.contents import compare
def packed(text):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive: archive.writestr("a.txt", text)
    return Held("a.zip", file.getvalue())
print(compare(packed("a"), packed("b"), Rule(), "a.zip").note)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "1 of 1 member differs\n"


def test_a_zero_before_another_digit_makes_no_number() -> None:
    assert [numeral(text) for text in ("01234", "-007", "00")] == [None] * 3
    assert [numeral(text) for text in ("0", "0.5", "-0.0", "1e05")] == [0, 0.5, 0.0, 1e5]
    left, right = (Held("a.csv", f"zip\n{cell}\n".encode()) for cell in ("01234", "1234"))
    assert compare(left, right, Rule(), "a.csv").relation == "changed"


def test_lines_added_to_nothing_say_nothing_of_its_end() -> None:
    assert compare(Held("a.txt", b""), Held("a.txt", b"a\nb"), Rule(), "a.txt").note is None


def test_a_difference_is_drawn_in_the_child(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    sides = []
    for level in (0, 255):
        file = io.BytesIO()
        image.new("L", (8, 8), level).save(file, "PNG")
        sides.append(Held("a.png", file.getvalue()))
    target = tmp_path / "d.png"
    target.write_bytes(b"old")
    drawn = isolated.call("xt.compare.images:draw_here", *sides, Rule(), str(target))
    assert (drawn.path, drawn.relation) == (str(target), "changed")
    assert target.read_bytes().startswith(b"\x89PNG")
    assert [*tmp_path.iterdir()] == [target]
    with pytest.raises(UnreadableError, match="cannot be written"):
        isolated.call("xt.compare.images:draw_here", *sides, Rule(), str(tmp_path / "no" / "d.png"))
