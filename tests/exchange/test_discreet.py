"""What is said of people and places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import builders
from xt.exchange.discreet import Discreet


def told(project: str = "/scratch/you/digits", *, identify: bool = False) -> Discreet:
    record = builders.record(builders.snapshot(context=builders.context(project=project)))
    return Discreet(record, identify=identify)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/scratch/you/digits/data/a.csv", "data/a.csv"),
        ("--data=/scratch/you/digits", "--data=."),
        ("-I/scratch/you/digits/include", "-Iinclude"),
        ("file:///scratch/you/digits/x", "file://x"),
        ("/scratch/you/digits2/x", "/scratch/user/digits2/x"),
        ("/home/me/x:/Users/me.b/y", "~/x:~/y"),
        ("-L/home/me/lib", "-L~/lib"),
        ("/root and /rooted", "~ and /rooted"),
        ("/usr/bin/python3", "/usr/bin/python3"),
        ("a/you/b", "a/you/b"),
        ("ok, you and I", "ok, you and I"),
        ("\udcff", "\\xff"),
    ],
)
def test_paths_in_a_text(text, shown):
    assert told().text(text) == shown
    assert told(identify=True).text(text) == (shown if text == "\udcff" else text)


def test_a_project_in_the_root_changes_nothing():
    assert told("/").text("/usr/bin/x") == "/usr/bin/x"
    assert told("/a").text("/data/a/b /a/b") == "/data/a/b b"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("data/you/a.csv", "data/you/a.csv"),
        ("home/me/x", "home/me/x"),
        ("/scratch/you/digits/b", "b"),
        ("/home/me/sets/x", "elsewhere/~/sets/x"),
        ("/data/x", "elsewhere/data/x"),
    ],
)
def test_places_in_an_export(path, place):
    assert told().place(path) == place


@given(
    st.lists(st.sampled_from(["/home/", "/scratch/you/digits", "you", "me", "/", " ", "-I", "x", ":", "="]))
)
def test_a_home_is_never_named(pieces):
    shown = told().text("".join(pieces))
    assert "/home/me" not in shown
    assert "/home/you" not in shown
