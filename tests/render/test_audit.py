"""The page and the file of an audit: every line fits, every parser can read it, whatever names hold."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.builders import NOW, RUN
from tests.render.golden import check
from tests.render.hostile import SGR, assert_harmless, words
from xt.context import timestamp
from xt.model.audit import Audit, Audits, Item, Unreadable
from xt.model.result import Number
from xt.render import audit_junit
from xt.render.audit import NARROWEST, render

FIELDS = [
    Item("purpose", True, value="does a lower learning rate help?", source="declared"),
    Item("params.lr", True, value=0.05, source="the command"),
    Item("inputs.data", True, value="data/digits.csv.gz", source="its content, blake3 91c0f3a2…"),
    Item(
        "ticket",
        False,
        missing="none was given",
        supply="--ticket ID, or `ticket` in [task.train]",
        needs="run",
    ),
    Item("metrics.loss", True, value=Number("nan"), source="metrics.json:/loss"),
    Item(
        "level.equivalent",
        False,
        missing="it was not verified",
        supply="xt verify RUN --level equivalent",
        needs="verify",
        command="xt verify kwpz --level equivalent",
    ),
]
ONE = Audit(RUN, 4, "ok", timestamp(NOW), False, FIELDS, "does a lower learning rate help?", "train")
WHOLE = replace(ONE, run="nrqszzktwvlmopyx", complete=True, fields=FIELDS[:3], lacking_then=["ticket"])


@pytest.mark.parametrize("width", [40, 80])
def test_a_page(width: int) -> None:
    check(f"audit-{width}", render(Audits(False, [ONE]), NOW, width, False, many=False))
    many = Audits(False, [ONE, WHOLE], [Unreadable("x" * 16, 5, "JSON is malformed")], ["y" * 16])
    check(f"audit-all-{width}", render(many, NOW, width, False, many=True))


def test_what_was_missing_when_it_started_and_is_not_required_now() -> None:
    page = render(Audits(True, [WHOLE]), NOW, 80, False, many=False)
    assert "complete: 3 required fields" in page
    assert "when it started it was told: not evidence: no ticket" in page


def test_colour_adds_nothing_to_the_text() -> None:
    for many in (True, False):
        plain, painted = (render(Audits(False, [ONE, WHOLE]), NOW, 80, on, many=many) for on in (False, True))
        assert SGR.sub("", painted) == plain != painted


optional = st.none() | words
items = st.builds(
    Item,
    words,
    st.booleans(),
    value=st.none() | words | st.floats() | st.integers() | st.lists(words, max_size=2),
    source=optional,
    missing=optional,
    supply=optional,
    needs=st.sampled_from([None, "verify", "rerun", "run"]),
    command=optional,
)
audits = st.builds(
    Audits,
    st.none() | st.booleans(),
    st.lists(
        st.builds(
            Audit,
            *(st.just(RUN), st.just(4), words, words, st.none() | st.booleans()),
            fields=st.lists(items, max_size=3),
            purpose=optional,
            task=optional,
            lacking_then=st.lists(words, max_size=2),
        ),
        max_size=2,
    ),
    unreadable=st.lists(st.builds(Unreadable, st.just(RUN), st.just(4), words), max_size=1),
    running=st.lists(st.just(RUN), max_size=1),
    notes=st.lists(words, max_size=2),
)


@settings(deadline=None, max_examples=100)
@given(audits, st.integers(NARROWEST, 130), st.booleans())
def test_nothing_reaches_the_terminal_but_text_that_fits(found: Audits, width: int, many: bool) -> None:
    text = render(found, NOW, width, False, many=many)
    assert not text or assert_harmless(text, width) is None


@settings(deadline=None, max_examples=100)
@given(audits)
def test_every_parser_can_read_the_file(found: Audits) -> None:
    root = Xml.fromstring(audit_junit.render(found))
    missing = sum(not item.present for one in found.audits if one.complete is not None for item in one.fields)
    assert root.get("failures") == str(missing)
    assert root.get("errors") == str(len(found.unreadable))
