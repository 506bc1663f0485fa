"""What a path or pattern that somebody wrote stands for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xt.collect.globs import match
from xt.ops.narrowing import meant, nearest

RECORDED = ["a.txt", "out/a.txt", "out/deep/b.bin", "out/.hidden", "out/[1].txt", "/data/x.csv", "src/a.py"]
CASES = [
    ("out", "/p", {"out/a.txt", "out/deep/b.bin", "out/.hidden", "out/[1].txt"}),
    ("a.txt", "/p", {"a.txt"}),
    ("a.txt", "/p/out", {"out/a.txt"}),
    ("src/a.py", "/p/out", {"src/a.py"}),
    ("../a.txt", "/p/out", {"a.txt"}),
    (".", "/p/out/deep", {"out/deep/b.bin"}),
    (".", "/p", set(RECORDED) - {"/data/x.csv"}),
    ("/data/x.csv", "/p", {"/data/x.csv"}),
    ("/data", "/p", {"/data/x.csv"}),
    ("../data/*.csv", "/p", {"/data/x.csv"}),
    ("/p/a.txt", "/elsewhere", {"a.txt"}),
    ("/was/a.txt", "/p", {"a.txt"}),
    ("*.txt", "/p", {"a.txt"}),
    ("*/*.txt", "/p", {"out/a.txt", "out/[1].txt"}),
    ("out/*", "/p", {"out/a.txt", "out/deep/b.bin", "out/[1].txt"}),
    ("out/.h*", "/p", {"out/.hidden"}),
    ("**/*.bin", "/p", {"out/deep/b.bin"}),
    ("**", "/p", {path for path in RECORDED if "hidden" not in path and path[0] != "/"}),
    ("out/[1].txt", "/p", {"out/[1].txt"}),
    ("ou", "/p", set()),
    ("a.tx", "/p", set()),
    ("A.txt", "/p", set()),
]


@pytest.mark.parametrize(
    ("named", "cwd", "expected"), CASES, ids=[f"{case[0]} in {case[1]}" for case in CASES]
)
def test_readings(named, cwd, expected):
    assert meant(named, RECORDED, cwd, "/p", "/was") == expected


_PATTERN = st.lists(
    st.sampled_from(["a", "b", "*", "**", "?", "a*", ".a", ".*", "[ab]"]), min_size=1, max_size=4
).map("/".join)


@given(_PATTERN)
def test_a_pattern_means_what_it_means_for_inputs_and_outputs(tmp_path_factory, pattern):
    top = tmp_path_factory.getbasetemp() / "tree"
    names = ["a", "b", "ab", ".a"]
    if not top.exists():
        for first in names:
            for second in names:
                for third in names:
                    (top / first / second / third).parent.mkdir(parents=True, exist_ok=True)
                    (top / first / second / third).touch()
    recorded = [str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()]
    listing = match(str(top), pattern)
    found = {
        (folder.path + b"/" + name).lstrip(b"/").decode()
        for folder in listing.folders
        for name in folder.names
    }
    expected = {path for path in recorded if path in found}
    if not any(sign in pattern for sign in "*?["):
        return
    assert meant(pattern, recorded, "/p", "/p", "/p") == expected


def test_the_nearest_path_may_be_a_folder_or_lie_elsewhere():
    assert nearest("out/dep", RECORDED) == "out/deep"
    assert nearest("b.bin", RECORDED) == "out/deep/b.bin"
    assert nearest("zzzzzzz", RECORDED) is None
