"""`xt verify` on a terminal: what is told, how it fits, and that it is harmless."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from tests.render.golden import check
from tests.render.hostile import NASTY, SGR, assert_harmless
from tests.render.verification_trees import verifications
from tests.verifications import (
    ALL,
    REPEATS,
    cell_of,
    consistent,
    divergent,
    identical,
    line,
    matrix,
    repeat,
    report,
    unexplained,
    verification,
)
from xt.model.level import LEVELS
from xt.model.verification import Cell, Column, Verification, Verifications
from xt.render.verify import NARROWEST, WIDEST, render


def page(found: Verification, width: int = 100, **options: bool) -> str:
    return render(Verifications([found], found.level, found.reached), width, False, **options)


def said(found: Verification, width: int = 100, **options: bool) -> str:
    """The page with one space between words."""
    return " ".join(page(found, width, **options).split())


def row(text: str, name: str) -> list[str]:
    return next(line for line in text.splitlines() if name in line.split()).split()


@pytest.mark.parametrize("width", [60, 80, 100, 140])
@pytest.mark.parametrize("name", ALL)
def test_a_report(name: str, width: int) -> None:
    check(f"verify-{name}-{width}", render(report(name), width, False))


@pytest.mark.parametrize("name", ["divergent", "too-few", "matrix"])
def test_a_report_that_explains(name: str) -> None:
    check(f"verify-{name}-explained", render(report(name), 100, False, explain=True))


def test_reports_in_colour() -> None:
    check("verify-colour", render(report("equivalent", "divergent", "matrix"), 100, True))


def test_several_runs_have_a_line_for_all() -> None:
    found = report("identical", "equivalent", "divergent", "unverifiable")
    check("verify-several", render(found, 80, False))
    assert "all reached their level" in render(report("identical", "equivalent"), 80, False)
    assert "0 runs verified" in render(report(), 80, False)


@pytest.mark.parametrize("width", [-1, 0, 32, 40, 59, 60, 80, 100, 140, 300])
@pytest.mark.parametrize("name", ALL)
def test_colour_changes_no_text_and_all_of_it_fits(name: str, width: int) -> None:
    text = render(report(name), width, False)
    assert SGR.sub("", render(report(name), width, True)) == text
    assert_harmless(text, max(width, NARROWEST))
    assert max(cell_len(one) for one in text.splitlines()) <= WIDEST


@given(verifications(), st.integers(32, 200), st.booleans())
@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_nothing_reaches_the_terminal_but_text_that_fits(
    found: Verifications, width: int, explain: bool
) -> None:
    assert_harmless(render(found, width, False, explain=explain), width)
    assert_harmless(SGR.sub("", render(found, width, True, explain=explain)), width)


@pytest.mark.parametrize("width", [32, 60, 100, 140])
@pytest.mark.parametrize("name", [*NASTY, "n" * 10_000, "\x1b]0;x\x07" * 2_000])
def test_names_of_files_do_nothing(name: str, width: int) -> None:
    found = verification(
        level="divergent",
        lines=[line(f"outputs/{name}", "divergent", note=name, hint=name)],
        drift=[name],
        sentence=name,
    )
    assert_harmless(page(found, width), width)


@pytest.mark.parametrize("level", LEVELS)
def test_the_level_and_what_was_required_are_told(level: str) -> None:
    found = replace(identical(), level=level, required="consistent")
    assert f"level {level} · required: consistent · " in said(found)
    assert ("not reached" in said(found)) == (not found.reached)


def test_wide_tables_are_words_then_signs_then_lists() -> None:
    words = page(matrix(), 160)
    assert row(words, "model.npz")[2:5] == ["identical", "identical", "equivalent"]
    signs = page(matrix(), 100)
    assert row(signs, "model.npz")[2:11] == ["≡", "≡", "≈", "≈", "≡", "≡", "≡", "≡", "≈"]
    assert "≡ identical  ≈ equivalent  ≠ divergent" in signs
    folded = " ".join(page(matrix(), 60).split())
    assert "threads → equivalent: val/acc, model.npz" in folded
    assert "clock → identical: stdout *" in folded
    assert "hashseed, path → identical" in folded


def test_a_variation_that_could_not_be_tried_has_its_reason_and_no_column() -> None:
    text = page(matrix(), 160)
    assert "hostname" not in text.splitlines()[2]
    assert "skipped hostname unprivileged namespaces are not permitted here" in " ".join(text.split())


def test_what_a_variation_did_is_told_where_it_changed_something() -> None:
    text = said(matrix())
    assert "threads OMP_NUM_THREADS=1 instead of 16" in text
    assert "PYTHONHASHSEED=1" not in text
    assert "PYTHONHASHSEED=1" in said(matrix(), explain=True)


def test_a_cell_says_in_how_many_repeats_it_differs() -> None:
    found = verification(lines=[line("outputs/a", cell_of("divergent", 4)), line("outputs/b", "divergent")])
    assert row(page(found), "a") == ["outputs", "a", "divergent", "4/5"]
    assert row(page(found), "b") == ["b", "divergent"]


def test_a_thing_that_was_not_compared_in_a_column_has_a_dash_there() -> None:
    columns = [repeat(), Column("threads", "identical", REPEATS[:1])]
    lines = [line("outputs/a", cell_of("identical"), Cell("identical", 0, 0))]
    assert row(page(verification(columns=columns, lines=lines)), "a") == ["outputs", "a", "identical", "–"]


def test_many_lines_that_say_the_same_are_summed_up_unless_all_are_asked_for() -> None:
    text = page(ALL["many"]())
    assert row(text, "107")[:4] == ["and", "107", "more", "identical"]
    assert row(text, "78")[:4] == ["and", "78", "more", "divergent"]
    assert len(text.splitlines()) < 40
    whole = page(ALL["many"](), explain=True)
    assert "more" not in whole.split()
    assert all(f"{number:03}.png" in whole for number in range(110))


def test_what_is_summed_up_is_alike_in_every_column() -> None:
    columns = [repeat(), Column("threads", "divergent", REPEATS[:1])]
    lines = [line(f"outputs/s{number}", "identical", "identical") for number in range(20)]
    lines += [line(f"outputs/t{number}", "identical", "divergent") for number in range(20)]
    text = page(verification(columns=columns, lines=lines))
    assert row(text, "17") == ["and", "17", "more", "identical", "identical"]
    assert row(text, "8") == ["and", "8", "more", "identical", "divergent"]


def test_an_identical_line_with_a_remark_is_named() -> None:
    lines = [line(f"outputs/s{number}") for number in range(20)]
    lines[15] = line("outputs/s15", note="only its time differs")
    assert "only its time differs" in page(verification(lines=lines))


def test_what_does_not_count_is_marked() -> None:
    assert "stdout *" in page(identical())
    assert "* does not count for the level" in page(identical())
    counted = [one for one in identical().lines if one.counted]
    assert "*" not in page(replace(identical(), lines=counted))


def test_a_diagnosis_is_told_and_its_trials_when_asked() -> None:
    text = said(divergent())
    assert "source hashseed first outputs/out.json:$.order[0]" in text
    assert "nrqs does not repeat. With PYTHONHASHSEED=0 it does (5/5)" in text
    assert "hint: set it in" in text
    assert "libfaketime" not in text
    explained = said(divergent(), explain=True)
    assert "XT_SEED=0: 3 runs differ" in explained
    assert "OMP_NUM_THREADS=1: 1 run differs · it ended with exit 1 instead" in explained
    assert "no trial clock libfaketime is not installed" in explained


def test_what_could_not_be_tried_is_told_where_nothing_explains_it() -> None:
    assert "source not found" in said(unexplained())
    assert "clock libfaketime is not installed" in said(unexplained())


def test_a_differing_repeat_is_named_to_look_at() -> None:
    assert f"xt diff nrqs {REPEATS[2][:4]} shows" in said(divergent())
    uncounted = [replace(one, counted=False) for one in divergent().lines]
    assert "xt diff" not in said(replace(divergent(), lines=uncounted))


def test_a_test_is_told_with_figures_that_can_be_told_apart() -> None:
    text = said(consistent())
    assert "mean 0.9683 over 5 repeats against 0.9680" in text
    assert "90 % interval of the difference −0.0009 to +0.0015" in text
    assert "within the bound ±0.005" in text
    assert "repeats would decide" not in text
    few = said(consistent(passed=False))
    assert "not shown to be within the bound ±0.005" in few
    assert "14 repeats would decide it 4 times of 5" in few
    assert "p = 0.12" not in few
    assert "p = 0.12" in said(consistent(passed=False), explain=True)


def test_a_test_that_no_number_of_repeats_decides_says_so() -> None:
    found = consistent(passed=False)
    lines = [replace(one, test=replace(one.test, needed=None)) if one.test else one for one in found.lines]
    assert "no number of repeats would" in said(replace(found, lines=lines))


def test_a_line_is_marked_by_where_it_fails_and_not_twice() -> None:
    text = said(divergent(), 140)
    assert text.count("$.order differs") == 1
    assert "$.order ·" not in text
