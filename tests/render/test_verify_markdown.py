"""A verification in Markdown: what is told, and that text of others is text."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.render.golden import check
from tests.render.hostile import FORBIDDEN
from tests.render.test_diff_markdown import ATTACKS, assert_plain, parser
from tests.render.verification_trees import verifications
from tests.verifications import VARIATIONS, cell_of, divergent, line, report, verification
from xt.model.verification import Column, Diagnosis, Verification, Verifications
from xt.render.diff_markdown import MOST_BYTES
from xt.render.verify_markdown import render


@pytest.mark.parametrize("names", ["divergent", "matrix", "too-few", "identical+equivalent+unverifiable"])
def test_a_report(names: str) -> None:
    check(f"verify-{names}-markdown", render(report(*names.split("+"))))


def everywhere(text: str) -> Verifications:
    found = verification(
        level="divergent",
        sentence=text,
        purpose=text,
        columns=[Column("repeat", "divergent", what=text), Column(text, "divergent", skipped=text)],
        lines=[line(f"outputs/{text}", "divergent", note=text, hint=text, tolerance=text)],
        diagnosis=Diagnosis([text], text, hint=text, first=text, impossible={text: text}),
        drift=[text],
        missing=[text],
        notes=[text],
    )
    return Verifications([found], "divergent", False)


@pytest.mark.parametrize("text", ATTACKS)
def test_text_of_others_makes_no_markup(text: str) -> None:
    markdown = render(everywhere(text))
    assert_plain(markdown)
    shape = [token.type for token in parser().parse(markdown)]
    assert shape == [token.type for token in parser().parse(render(everywhere("word")))]


@given(verifications())
@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_anything_is_plain_text(found: Verifications) -> None:
    markdown = render(found)
    assert not FORBIDDEN.search(markdown)
    assert_plain(markdown)


def test_a_table_has_a_column_for_every_variation_that_was_tried() -> None:
    head = next(one for one in render(report("matrix")).splitlines() if one.startswith("|"))
    names = [cell.strip() for cell in head.strip("|").split("|")]
    assert names[1:10] == ["repeat ×5", *VARIATIONS, "all"]
    assert names[10:] == ["largest deviation", "tolerance", "where"]


def test_a_huge_report_is_cut_and_says_so() -> None:
    lines = [
        line(f"outputs/{number}", cell_of("divergent"), note="n" * 290, hint=f"{number}")
        for number in range(9)
    ]
    many = [
        Verification(**{field: getattr(divergent(), field) for field in divergent().__struct_fields__})
    ] * 900
    found = [verification(level="divergent", lines=lines) for _ in many]
    text = render(Verifications(found, "divergent", False))
    assert len(text.encode()) <= MOST_BYTES
    assert "left out" in text.splitlines()[-1]
