"""Parts of contents that were compared: their values stand on the page, whatever format it has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import NOW
from tests.comparisons import blob, causes, changed, comparison, effects
from xt.model.delta import Comparison, Delta, Measure, whole
from xt.model.result import Number
from xt.render import diff_html, diff_markdown
from xt.render.diff import render
from xt.render.diff_view import View

DISTANCES = [Measure("|Δ|", 1.0), Measure("rel", 0.5)]


def page(found: Comparison, **wishes: Any) -> str:
    """A terminal of 100 columns."""
    return render(found, View(**wishes), NOW, 100, False)


def read(*parts: Delta, of: str = "inputs/config/c.json", more: int = 0, **wishes: Any) -> list[str]:
    """The lines about an input of such parts."""
    one = changed(of, blob(10, "1"), blob(20, "2"), children=list(parts), more=more)
    text = page(comparison(causes(inputs=whole("inputs", [one]))), **wishes)
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("  inputs "))
    return [line.strip() for line in lines[first + 1 : [*lines, ""].index("", first)] if "same " not in line]


def wrote(*parts: Delta, relation: Any = "changed", note: str | None = None) -> str:
    """What is said of an output of such parts, in one line."""
    out = Delta("outputs/o.json", relation, children=list(parts), note=note)
    text = page(comparison(effects_found=effects(outputs=[out])))
    block = text[text.index("  o.json ") : text.index("  same     status")]
    return "  ".join(line.strip() for line in block.splitlines())


# ---- of inputs


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (changed("inputs/config/c.json:/n", 5, 500_000, measures=DISTANCES), "/n  5 → 500000"),
        (changed("inputs/config/c.json:/lr", "a b", "c"), '/lr  "a b" → c'),
        (changed("inputs/config/c.json:/s", 5, "5"), '/s  5 → "5"'),
        (changed("inputs/config/c.json:/a/b", 1.0, Number("nan")), "/a/b  1.0 → nan"),
        (changed("inputs/config/c.json:/a", 1.0, {"special": "-inf"}), "/a  1.0 → -inf"),
        (changed("inputs/config/c.json:/x", 1, None, note="number → null"), "/x  1 → null  number → null"),
        (changed("inputs/config/c.json:/k", None, 7, change="added"), "/k  added  7"),
        (changed("inputs/config/c.json:/k", None, None, change="added", note="null"), "/k  added  null"),
        (changed("inputs/config/c.json:/l", [1, 2], None, change="removed"), "/l  removed  [1,2]"),
        (
            changed("inputs/config/c.json:/l", [1], [2], note="only the order differs"),
            "/l  only the order differs",
        ),
        (Delta("inputs/config/c.json:/u", "unknown"), "/u  unknown"),
    ],
)
def test_a_part_of_an_input_shows_its_values_and_its_own_name(part: Delta, said: str) -> None:
    assert read(part) == [said]


def test_a_column_of_an_input_shows_its_note_then_an_example() -> None:
    path = "inputs/data/t.csv"
    differing = Measure("values differing", 2, "row 1, column score")
    noted = changed(
        f"{path}:score", "0.5", "1.5", measures=[differing], note="2 of 3 values differ, first in row 1"
    )
    assert read(noted, of=path) == ["score  2 of 3 values differ, first in row 1  0.5 → 1.5"]
    absent = changed(f"{path}:score", None, 1.5, measures=[differing], note="first in row 1 (absent)")
    assert read(absent, of=path) == ["score  first in row 1 (absent)"]
    bare = changed(f"{path}:score", None, None, measures=[Measure("max |Δ|", 0.5)])
    assert read(bare, of=path) == ["score  max |Δ| 0.5"]


def test_files_of_a_tree_keep_their_sizes_and_show_their_parts_below() -> None:
    tree = "inputs/config/confs"
    inside = changed(f"{tree}/a.json:/n", 5, 6)
    one = changed(f"{tree}/a.json", {"size": 4000}, {"size": 5000}, children=[inside])
    other = changed(f"{tree}/b:c.bin", {"size": 1}, {"size": 2})
    lines = read(one, other, of=tree, more=3)
    assert lines == [
        "a.json  4.0 KB → 5.0 KB",
        "/n  5 → 6",
        "b:c.bin  1 B → 2 B",
        "and 3 more files: --only inputs",
    ]


def test_parts_that_are_left_out_are_called_parts() -> None:
    parts = [changed(f"inputs/config/c.json:/{number}", 1, 2) for number in range(9)]
    assert read(*parts, more=2)[-1] == "and 5 more parts: --only inputs"
    assert read(*parts, more=2, sections="inputs")[-2:] == ["/8  1 → 2", "and 2 more parts"]


# ---- of outputs


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (changed("outputs/o.json:/a", 0.5, 1.5, measures=DISTANCES), "a  0.5 → 1.5"),
        (changed("outputs/o.json:/a", 5, "5", note="number → text"), 'a  5 → "5"  number → text'),
        (
            changed("outputs/o.json:/a", 0.5, 1.5, measures=[*DISTANCES, Measure("ulp", 4)]),
            "a  0.5 → 1.5  ulp 4",
        ),
        (changed("outputs/o.json:w", None, None, measures=DISTANCES), "w  |Δ| 1 · rel 0.5"),
        (changed("outputs/o.json:w", None, "float32 [2]", change="added"), "w  only in kwpz  float32 [2]"),
        (changed("outputs/o.json:w", None, None, change="removed"), "w  only in nrqs"),
        (changed("outputs/o.json:w", None, None), "w  different"),
        (Delta("outputs/o.json:w", "unknown", note="torn"), "w  cannot be compared  torn"),
        (Delta("outputs/o.json:/z", "within", 0.0, -0.0, change="changed"), "z  equivalent  0.0 → -0.0"),
    ],
)
def test_a_part_of_an_output_shows_its_values(part: Delta, said: str) -> None:
    assert wrote(part, note="2 values changed") == f"o.json   different: 2 values changed  {said}"


def test_what_agrees_without_a_declared_tolerance_is_equivalent() -> None:
    assert wrote(relation="within", note="only the packaging differs") == (
        "o.json   equivalent: only the packaging differs"
    )


def test_markdown_and_html_show_the_values_of_parts() -> None:
    read_part = changed("inputs/config/c.json:/n", 5, 500_000, measures=DISTANCES)
    one = changed("inputs/config/c.json", blob(10, "1"), blob(20, "2"), children=[read_part])
    parts = [changed(f"outputs/o.json:/a{number}", 0.5, 1.5, measures=DISTANCES) for number in range(5)]
    out = Delta("outputs/o.json", "changed", children=parts, more=2)
    found = comparison(causes(inputs=whole("inputs", [one])), effects(outputs=[out]))
    text = diff_markdown.render(found, View(), NOW)
    assert "/n  5 → <strong>500000</strong>" in text
    assert "<strong>a3</strong>  0.5 → <strong>1.5</strong> · and 3 more parts" in text
    assert "rel" not in text
    text = diff_html.render(found, View(), NOW)
    assert '5<span class="dim"> → </span><span class="bold">500000</span>' in text
