"""A comparison in Markdown, read back by a parser: what others wrote is text and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.builders import NOW
from tests.comparisons import ALL, blob, causes, changed, comparison, effects, file, judged, metric
from tests.render.golden import check
from tests.render.hostile import FORBIDDEN
from tests.render.trees import comparisons
from xt.model.delta import Comparison, Delta, whole
from xt.render.diff_markdown import MOST_BYTES, escape, render
from xt.render.diff_view import View

#: All there is besides Markdown's own.
TAGS = {
    *("<details>", "<details open>", "</details>", "<summary>", "</summary>", "<strong>", "</strong>"),
}
ATTACKS = [
    "[click](https://evil.example)",
    "![x](https://evil.example/pixel.png)",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</details></summary><h1>hi",
    "https://evil.example and www.evil.example and ftp://evil.example",
    "mail@evil.example",
    "<https://evil.example>",
    "a | b | c",
    "`code` ``more`` ```",
    "**bold** _it_ ~~gone~~ \\*",
    "&lt;b&gt; &#64;",
    "# title",
    "- item",
    "1. one",
    "> quoted",
    "---",
    "===",
    "    indented",
    "[ref]: https://evil.example",
]


def parser() -> MarkdownIt:
    """GitHub's dialect, raw HTML seen as such."""
    return MarkdownIt("gfm-like", {"html": True, "linkify": False})


def everywhere(text: str) -> Comparison:
    """A comparison with a text wherever somebody can put one."""
    code = Delta(f"code/{text}", "changed", change="changed", note=text, text=["@@ -1 +1 @@", f"+{text}"])
    side = comparison().left
    return comparison(
        causes(
            code=whole("code", [code, file(text, 1, 1)], note=text),
            params=whole("params", [changed(f"params/{text}", text, text)]),
            inputs=whole("inputs", [changed(f"inputs/data/{text}", blob(1, "1"), blob(2, "2"), hint=text)]),
        ),
        effects(
            status=Delta("status", "changed", text, text + ".", note=text),
            metrics=[metric(text, 1, 2, judged("cannot tell", 1, 2, reason=text), unit=text)],
            outputs=[Delta(f"outputs/{text}", "unknown", note=text, hint=text)],
            cases=whole("cases", [changed(f"cases/{text}", text, text)]),
        ),
        left=type(side)(side.id, 4, side.started_at, "ok", text, text),
        context=whole("context", [changed(f"context/{text}", text, text)]),
        comparability=Delta("comparability", "unknown", note=text),
    )


def assert_plain(markdown: str) -> None:
    """No link, image, or HTML that is not ours."""
    for token in parser().parse(markdown):
        if token.type == "html_block":
            assert set(re.findall("<[^>]*>", token.content)) <= TAGS, token.content
        for inner in token.children or []:
            assert inner.type in ("text", "html_inline", "softbreak", "text_special"), (
                inner.type,
                inner.content,
            )
            if inner.type == "html_inline":
                assert inner.content in TAGS


@pytest.mark.parametrize("name", ["busy", "not-comparable", "prompts"])
def test_a_report(name: str) -> None:
    check(f"diff-{name}-markdown", render(ALL[name](), View(explain=True), NOW))


@pytest.mark.parametrize("text", ATTACKS)
def test_text_of_others_makes_no_markup(text: str) -> None:
    markdown = render(everywhere(text), View(), NOW)
    assert_plain(markdown)
    # Headings, lists and tables are those of a harmless text.
    shape = [token.type for token in parser().parse(markdown)]
    harmless = [token.type for token in parser().parse(render(everywhere("word"), View(), NOW))]
    assert shape == harmless


@given(st.text(max_size=60))
@settings(deadline=None)
def test_escaped_text_reads_as_it_was(text: str) -> None:
    text = " ".join(text.replace("\x00", "").split())
    tokens = parser().parseInline(f"x{escape(text)}x")[0].children or []
    assert all(token.type in ("text", "text_special") for token in tokens)
    read = "".join(token.content for token in tokens).replace("\u200b", "")
    assert read == f"x{text}x".replace("\u200b", "")


@given(comparisons(), st.booleans())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=12)
def test_whatever_a_tree_holds_it_stays_text(found: Comparison, explain: bool) -> None:
    markdown = render(found, View(explain=explain), NOW)
    assert_plain(markdown)
    assert not FORBIDDEN.search(markdown)


def test_nobody_is_called_and_no_issue_is_named() -> None:
    markdown = render(everywhere("@torvalds fixes #17 and GH-18, :tada: $x$"), View(code=False), NOW)
    assert not re.search(
        r"@\w|#\d|GH-\d|:tada:|\$",
        re.sub(r"&#\d+;", lambda m: chr(int(m[0][2:-1])), markdown).replace("$x$", ""),
    )


def test_a_fence_is_longer_than_those_in_it() -> None:
    found = causes(code=whole("code", [file("a.md", 1, 0, "@@ -1 +1 @@\n+`````\n+</details>")]))
    markdown = render(comparison(found), View(), NOW)
    fences = [token for token in parser().parse(markdown) if token.type == "fence"]
    assert [(token.markup, token.info) for token in fences] == [("``````", "diff")]
    assert fences[0].content.splitlines()[1:] == ["+`````", "+</details>"]


def test_long_patches_are_closed_and_short_ones_open() -> None:
    short, long = "@@ -1 +1 @@\n+a", "\n".join(["@@ -1 +1 @@", *(f"+{number}" for number in range(50))])
    found = causes(code=whole("code", [file("a.py", 1, 0, short), file("b.py", 50, 0, long)]))
    markdown = render(comparison(found), View(), NOW)
    assert "<details open><summary>a.py: 2 lines of diff" in markdown
    assert "<details><summary>b.py: 51 lines of diff" in markdown


def test_a_huge_report_fits_a_step_summary_and_says_what_is_missing() -> None:
    text = "@@ -1 +1 @@\n" + "\n".join("+" + "é" * 100 for _ in range(4000))
    found = causes(code=whole("code", [file(f"{number}.py", 4000, 0, text) for number in range(9)]))
    markdown = render(comparison(found, effects(metrics=[metric("a", 1, 1)])), View(), NOW)
    assert len(markdown.encode()) <= MOST_BYTES
    assert "*9 parts of this report left out: it would be longer than 900 KB.*" in markdown
    assert "| a |" in markdown


def test_the_verdict_comes_first() -> None:
    markdown = render(ALL["busy"](), View(), NOW)
    assert markdown.index("Verdict") < markdown.index("Causes") < markdown.index("Effects")
