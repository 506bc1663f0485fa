"""A verification as JUnit XML: what fails, what is an error, and that every parser can read it."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

import pytest
from hypothesis import HealthCheck, given, settings

from tests.render.golden import check
from tests.render.hostile import NASTY
from tests.render.verification_trees import verifications
from tests.verifications import ALL, VARIATIONS, cell_of, line, report, verification
from xt.model.verification import Verifications
from xt.render.verify_junit import render


def read(found: Verifications) -> Xml.Element:
    data = render(found)
    assert data.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n")
    root = Xml.fromstring(data)
    assert root.tag == "testsuites"
    for suite in root:
        cases = suite.findall("testcase")
        assert next(iter(suite)).tag == "properties"
        assert suite.get("tests") == str(len(cases))
        for kind, number in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert suite.get(number) == str(sum(case.find(kind) is not None for case in cases))
        for case in cases:
            assert case.get("name")
            assert case.get("classname")
            assert len(case.findall("failure") + case.findall("error") + case.findall("skipped")) <= 1
    for number in ("tests", "failures", "errors", "skipped"):
        assert root.get(number) == str(sum(int(suite.get(number, "")) for suite in root))
    return root


def cases(found: Verifications) -> dict[str, Xml.Element]:
    return {case.get("name", ""): case for case in read(found).iter("testcase")}


@pytest.mark.parametrize("names", ["divergent", "too-few", "identical+equivalent+unverifiable"])
def test_a_report(names: str) -> None:
    check(f"verify-{names}-junit", render(report(*names.split("+"))).decode())


@pytest.mark.parametrize("name", ALL)
def test_a_file_has_a_failure_or_an_error_exactly_when_the_level_was_not_reached(name: str) -> None:
    root = read(report(name))
    assert (int(root.get("failures", "")) + int(root.get("errors", "")) > 0) == (not report(name).reached)


@given(verifications())
@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_anything_is_well_formed(found: Verifications) -> None:
    read(found)


@pytest.mark.parametrize("name", [*NASTY, "".join(map(chr, range(0x20))), "\ufffe\uffff", "]]>", "&<>\"'"])
def test_names_may_hold_anything(name: str) -> None:
    found = verification(
        level="divergent", sentence=name, lines=[line(f"outputs/{name}", "divergent", note=name)]
    )
    read(Verifications([found], "divergent", False))


def test_there_is_a_case_for_every_line_and_variation() -> None:
    found = cases(report("matrix"))
    lines = [one.path for one in ALL["matrix"]().lines]
    by = ["repeat", *VARIATIONS, "all"]
    assert set(found) == {f"{path} [{name}]" for path in lines for name in by} | {"hostname [hostname]"}
    skipped = found["hostname [hostname]"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "unprivileged namespaces are not permitted here"


def test_a_failure_says_how_far_and_what_explains_it() -> None:
    case = cases(report("divergent"))["outputs/out.json [repeat]"]
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("message", "").startswith("divergent, identical was required: values differing 12")
    assert "differs in 4 of 5 repeats" in (failure.text or "")
    assert "With PYTHONHASHSEED=0 it does (5/5)" in case.findtext("system-out", "")
    assert "trial: XT_SEED=0: 3 runs differ" in read(report("divergent"))[0].findtext("system-out", "")


def test_a_failure_has_its_tolerance() -> None:
    case = cases(report("too-few"))["metrics/val/acc [repeat]"]
    assert "|Δ| 0.0017 at repeat 3, tolerance 0.005" in case.findtext("failure", "")
    assert "14 repeats would decide it" in case.findtext("failure", "")


def test_what_does_not_count_does_not_fail() -> None:
    case = cases(report("divergent"))["logs/stdout [repeat]"]
    assert case.find("failure") is None
    assert case.findtext("system-out", "").startswith("divergent, does not count")


def test_what_cannot_be_verified_is_an_error() -> None:
    root = read(report("unverifiable"))
    assert (root.get("errors"), root.get("failures")) == ("1", "0")
    error = root.find("testsuite/testcase/error")
    assert error is not None
    assert error.get("message") == "nrqs cannot be verified: an input is not what it was."
    assert "missing: the variable HF_TOKEN is not set" in root[0].findtext("system-out", "")
    one = verification(
        level="unverifiable", lines=[line("outputs/x", cell_of("unverifiable", n=0), note="gone")]
    )
    found = cases(Verifications([one], "unverifiable", False))
    assert found["outputs/x [repeat]"].find("error") is not None
