"""The report: a page that needs nothing else, in which everything of others is text."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from tests.builders import summaries
from tests.comparisons import ALL as COMPARISONS
from tests.plots import learning
from tests.render.hostile import FORBIDDEN
from tests.render.test_diff_markdown import ATTACKS, everywhere
from tests.render.test_plot import PlotReader
from xt.model.plot import Plot
from xt.model.report import Cases, FailedCase, LogEnd, Report, ReportRun
from xt.render.report import render


class ReportReader(PlotReader):
    """Checks a report; links lead into the page only."""

    allowed = PlotReader.allowed | {"h1", "h4", "header", "nav", "section", "a", "div"}
    attributes = PlotReader.attributes | {"id", "href"}
    classes = re.compile(rf"{PlotReader.classes.pattern}|part|plots")

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            assert name != "href" or re.fullmatch("#[a-z]+", value)
            assert name != "id" or re.fullmatch("[a-z]+", value)
        super().handle_starttag(tag, attrs)


def read(page: str) -> ReportReader:
    reader = ReportReader()
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader


def made(text: str = "word") -> Report:
    """A report that says a text everywhere it can be said."""
    rows = [
        replace(row, purpose=text, name=text, tags=[text], lacking=[text], live=[text], command=[text])
        for row in summaries()
        if row.status != "damaged"
    ]
    rows.append(replace(summaries()[-1], reason=text))
    plot = learning()
    panel = plot.panels[0]
    lines = [replace(line, label=text, metric=text, about=text) for line in panel.lines]
    plot = Plot([replace(panel, metric=text, unit=text, lines=lines)], [], [text])
    return Report(
        title=text,
        created="2026-11-23T09:30:00.000000Z",
        version="0.1.0",
        runs=[ReportRun(row, 4, {text: at}, {text: text if at else [text]}) for at, row in enumerate(rows)],
        metrics=[text],
        goals={text: "max"},
        params=[text],
        plot=plot,
        comparisons=[everywhere(text), COMPARISONS["busy"]()],
        cases=Cases(["kwpz"], 1, 2, [FailedCase(text, [False], {text: text}, {text: text})], notes=[text]),
        logs=[
            LogEnd("kwpz", "stderr", f"{text}\r{text}\n\t{text}".encode(), 9),
            LogEnd("nrqs", "log", b"", 0, text),
        ],
        notes=[text],
        required=True,
    )


def test_the_page_is_well_formed_and_closed_to_the_network() -> None:
    page = render(made())
    reader = read(page)
    for said in ("word", "exit 1", "≡ identical", "lacks word", "live in word", "Failing cases", "✗ fail"):
        assert said in reader.text
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    assert page.count(f'<meta http-equiv="Content-Security-Policy" content="{policy}">') == 1
    assert '<meta name="generator" content="xt">' in page[:1000]
    assert not re.search(r"https?:|url\(|@import|<script|javascript:", page)
    assert "prefers-color-scheme" in page
    assert "@media print" in page
    assert "just now" not in reader.text
    assert not re.search(r"\d (?:s|min|h|d) ago", reader.text), "a file is read long after it was written"


HOSTILE = [
    *ATTACKS,
    '"><b onclick="x',
    "'-->",
    "<!--",
    "]]>",
    "</pre></title></style><script>x</script>",
    "\x1b]0;owned\x07\x9b2J\u202eevil",
    "<svg onload=x>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_others_is_text(text: str) -> None:
    page = render(made(text))
    assert not FORBIDDEN.search(page)
    reader, harmless = read(page), read(render(made()))
    assert reader.tags == harmless.tags
    if text.isprintable():
        assert reader.text.count(text) >= 40


def test_a_comparison_that_is_too_long_is_told_by_its_verdict(monkeypatch) -> None:
    monkeypatch.setattr("xt.render.report.LARGEST", 1000)
    reader = read(render(made()))
    assert "It is too long for this page: `xt diff" in reader.text


def test_the_best_value_is_bold() -> None:
    page = render(made())
    assert page.count('<span class="bold">9</span>') == 1
