"""The page of `xt trace`: it fits, nothing in it acts on a terminal; wide or deep graphs stay readable."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import NOW
from tests.render.hostile import FORBIDDEN, SGR, assert_harmless, paths, words
from xt.context import timestamp
from xt.model.lineage import Link, Trace, TracedDeployment, TracedFile, TracedRun
from xt.render import trace_graph
from xt.render.trace import BRANCHES, render

WHEN = timestamp(NOW)


def run(run_id, **more):
    return TracedRun(run_id.ljust(16, "z"), 4, "ok", WHEN, **more)


def file(digits, *names, **more):
    digest = "blake3:" + digits.rjust(64, digits[0])
    return TracedFile(digest, "file", digest, list(names), 10, 1, **more)


def chain(length):
    """A run that reads what another made, and so on."""
    letters = str.maketrans("0123456789", "klmnopqrst")
    runs = [run(f"{at:04}".translate(letters)) for at in range(length)]
    files = [file(f"0{at}", f"f{at}") for at in range(length)]
    links = [Link("made", one.id, of.key, "model", "f") for one, of in zip(runs, files, strict=True)]
    links += [
        Link("read", of.key, one.id, "data", of.paths[0]) for one, of in zip(runs, files[1:], strict=False)
    ]
    return Trace("f0", files[0].key, "up", True, runs, files, [], links)


def test_a_long_chain_fits_and_ends():
    for width in (24, 40, 80):
        text = render(chain(200), NOW, width, False)
        assert_harmless(text, width)
        assert "f199" in text


def test_a_wide_graph_is_capped_with_a_count():
    one = run("kkkk")
    files = [file(f"0{at}", f"f{at}", source=True) for at in range(50)]
    links = [Link("read", of.key, one.id, "data", of.paths[0]) for of in files]
    text = render(Trace("kkkk", one.id, "up", True, [one], files, [], links, {one.id: 7}), NOW, 80, False)
    assert len([line for line in text.splitlines() if "not made by any recorded run" in line]) == BRANCHES
    assert f"and {50 - BRANCHES + 7} more files" in text


def test_what_is_met_twice_is_shown_once():
    data, model = file("a", "data.csv", source=True), file("b", "model.bin")
    one, two, three = run("kkkk", purpose="one"), run("llll", purpose="two"), run("mmmm", purpose="both")
    other = file("c", "other.bin")
    links = [
        Link("read", model.key, three.id, "model", "model.bin"),
        Link("read", other.key, three.id, "model", "other.bin"),
        Link("made", one.id, model.key, "model", "model.bin"),
        Link("made", one.id, other.key, "model", "other.bin"),
        Link("read", data.key, one.id, "data", "data.csv"),
    ]
    found = Trace("x", three.id, "up", True, [one, two, three], [data, model, other], [], links)
    text = render(found, NOW, 80, False)
    assert text.count("data.csv") == 1
    assert text.count("(above)") == 1


hostile = st.builds(
    lambda purpose, name, path, reason, role, to: Trace(
        asked=name,
        start="blake3:" + "a" * 64,
        direction="both",
        known=True,
        runs=[run("kkkk", purpose=purpose, name=name, command=[path])],
        files=[file("a", path), TracedFile("kkkk/x", "unknown", None, [path], reason=reason)],
        deployments=[TracedDeployment("1", to, WHEN, name, None, reason)],
        links=[
            Link("made", "kkkk".ljust(16, "z"), "blake3:" + "a" * 64, role, path),
            Link("read", "kkkk/x", "kkkk".ljust(16, "z"), role, path),
            Link("deployed", "blake3:" + "a" * 64, "1", role, path),
        ],
        notes=[reason],
        doubts=[reason],
    ),
    words,
    words,
    paths,
    words,
    words,
    words,
)


@settings(max_examples=60)
@given(hostile, st.integers(24, 120))
def test_nothing_hostile_reaches_a_terminal(found, width):
    assert_harmless(render(found, NOW, width, False), width)
    painted = render(found, NOW, width, True)
    assert SGR.sub("", painted) == render(found, NOW, width, False)


@settings(max_examples=60)
@given(hostile)
def test_nothing_hostile_gets_out_of_a_label(found):
    dot = trace_graph.dot(found)
    assert not FORBIDDEN.search(dot)
    quoted = r'"(\\.|[^"\\])*"'
    for line in dot.splitlines()[3:-1]:
        assert re.fullmatch(rf"  n\d+( -> n\d+)? \[(shape=\w+, )?label={quoted}(, penwidth=2)?\];", line), (
            line
        )
    mermaid = trace_graph.mermaid(found)
    assert not FORBIDDEN.search(mermaid)
    plain = r'"[^"]*"'
    node = rf"\[{plain}\]|\({plain}\)|\{{\{{{plain}\}}\}}"
    for line in mermaid.splitlines()[1:-1]:
        assert re.fullmatch(rf"  n\d+({node}| -->\|{plain}\| n\d+)", line), line
