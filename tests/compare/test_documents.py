"""JSON, YAML, TOML and notebooks, path by path."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xt.compare import Rule, UnreadableError
from xt.compare.content import Held
from xt.compare.documents import compare_json, compare_toml, compare_yaml
from xt.model.delta import Delta, Number

values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=2), inner, max_size=4),
    max_leaves=20,
)


def diff(left: Any, right: Any, rule: Rule | None = None, name: str = "a.json") -> Delta:
    sides = [
        Held(name, each if isinstance(each, bytes) else json.dumps(each).encode()) for each in (left, right)
    ]
    return compare_json(*sides, rule or Rule(), "out/" + name)


def places(delta: Delta) -> dict[str, str | None]:
    return {child.path.removeprefix("out/a.json:"): child.change for child in delta.children}


@given(values)
def test_a_document_is_the_same_however_it_is_laid_out(value: Any) -> None:
    pretty = json.dumps(value, indent=3, sort_keys=True).encode()
    assert diff(value, pretty).relation == "same"


@given(values, values)
def test_documents_are_the_same_only_if_they_hold_the_same(left: Any, right: Any) -> None:
    found = diff(left, right).relation
    assert found == diff(right, left).relation
    assert (found == "same") == (canonical(left) == canonical(right))


def canonical(value: Any) -> str:
    def plain(each: Any) -> Any:
        if isinstance(each, dict):
            return {key: plain(child) for key, child in each.items()}
        if isinstance(each, list):
            return [plain(child) for child in each]
        return int(each) if isinstance(each, float) and each.is_integer() else each

    return json.dumps(plain(value), sort_keys=True)


@given(values, values)
def test_what_comes_out_can_be_written_as_json(left: Any, right: Any) -> None:
    import msgspec

    assert msgspec.json.decode(msgspec.json.encode(diff(left, right)), type=Delta).relation


@given(st.lists(st.integers(0, 3), max_size=30), st.data())
def test_one_inserted_element_is_one_difference(left: list[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(left)))
    delta = diff(left, [*left[:place], 99, *left[place:]])
    assert places(delta) == {f"/{place}": "added"}
    assert (delta.relation, delta.note) == ("changed", "1 value added")


def test_paths_are_json_pointers() -> None:
    delta = diff(
        {"val": {"a/c~": 1}, "runs": [{"n": "x"}]}, {"val": {"a/c~": 2}, "runs": [{"n": "y", "m": 1}]}
    )
    assert places(delta) == {"/val/a~1c~0": "changed", "/runs/0/n": "changed", "/runs/0/m": "added"}
    assert delta.note == "2 values changed, 1 value added"


def test_numbers_within_tolerance_are_within_with_the_largest_deviation() -> None:
    delta = diff({"a": 1.0, "b": [10, "x"]}, {"a": 1.001, "b": [10.5, "x"]}, Rule(rtol=0.1))
    assert (delta.relation, delta.note) == ("within", "2 values differ within tolerance")
    assert next((each.what, each.value, each.at) for each in delta.measures) == ("max |Δ|", 0.5, "/b/0")


def test_a_boolean_is_no_number_and_one_point_zero_is_one() -> None:
    delta = diff({"a": True, "b": 1, "c": None}, {"a": 1, "b": 1.0, "c": 0})
    assert {child.path[-1]: child.note for child in delta.children} == {
        "a": "boolean → number",
        "c": "null → number",
    }


def test_nan_and_infinity_are_read_and_told() -> None:
    assert diff(b"[NaN, Infinity]", b"[ NaN,Infinity]").relation == "same"
    delta = diff(b"[NaN]", b"[-Infinity]", Rule(atol=1e9))
    (child,) = delta.children
    assert (child.left, child.right) == (Number("nan"), Number("-inf"))
    assert delta.relation == "changed"


def test_only_the_order_of_a_list_is_said() -> None:
    delta = diff({"a": [{"x": 1}, {"x": 2}]}, {"a": [{"x": 2}, {"x": 1}]})
    assert delta.note == "only the order differs"
    # Python gives -1 and -2 one hash.
    assert diff([-1, 0], [0, -2]).note == "2 values changed"


def test_ignored_parts_do_not_count() -> None:
    rule = Rule(ignore=["/time", "*.wall_s"])
    left, right = {"time": 1, "e": {"wall_s": 1, "x": 1}}, {"time": 2, "e": {"wall_s": 3, "x": 1}}
    delta = diff(left, right, rule)
    assert (delta.relation, delta.note, delta.children) == ("within", "2 parts ignored by rule", [])
    assert diff(left, {**right, "new": 1}, rule).relation == "changed"


def test_very_many_differences_are_capped_and_counted() -> None:
    delta = diff(list(range(1000)), list(range(5000, 6000)))
    assert (len(delta.children), delta.more) == (200, 800)


def test_a_document_that_names_a_key_twice_is_no_document() -> None:
    left, right = Held("a.json", b'{"a":1,"a":2}'), Held("a.json", b'{"a":3,"a":2}')
    with pytest.raises(UnreadableError, match="it names a key twice: `a`"):
        compare_json(left, right, Rule(), "a.json")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"[" * 100_000, "it is nested too deeply"),
        (b"[" * 300 + b"]" * 300, "it is nested more than 200 deep"),
        (b'{"a": 1,}', "it is not JSON: "),
        (b"\xff\xfe\xff", "it is not JSON"),
        (b"1" * 5000, "it holds a number of too many digits"),
        (b"[" + b"{},{}," * 2_000_000 + b"1]", "it is too large to compare by its parts"),
    ],
    ids=["bomb", "deep", "syntax", "encoding", "digits", "large"],
)
def test_json_that_cannot_be_compared_by_parts_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        diff(data, b"[1]")


LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n".encode()
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (LAUGHS, "it holds more than"),
        (b"a: &a [*a]", "it is nested more than"),
        (b"[" * 200_000, "nest"),
        (b"a: [1", "it is not YAML"),
        (b"a: !!python/object/apply:os.system [true]", "it is not YAML"),
        (b"- 2026-13-40", "it holds a value YAML cannot read"),
        (b"- x\n" * 200_000, "it holds more than 150000 values"),
    ],
    ids=["laughs", "cycle", "bomb", "syntax", "object", "date", "large"],
)
def test_yaml_that_cannot_be_compared_by_parts_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        compare_yaml(Held("a.yaml", data), Held("a.yaml", b"a: 1"), Rule(), "a.yaml")


def test_yaml_and_toml_are_compared_by_paths() -> None:
    left, right = (
        Held("a.yaml", b"lr: 1e-3\nwhen: 2026-01-01\n"),
        Held("a.yaml", b"when: 2026-01-01\nlr: 2e-3\n"),
    )
    (child,) = compare_yaml(left, right, Rule(), "a").children
    assert (child.path, child.left, child.right) == ("a:/lr", 0.001, 0.002)
    left, right = Held("a.toml", b"[a]\nb = 1979-05-27\n"), Held("a.toml", b"a.b = 1979-05-28\n")
    (child,) = compare_toml(left, right, Rule(), "a").children
    assert (child.path, child.left, child.right) == ("a:/a/b", "1979-05-27", "1979-05-28")
    with pytest.raises(UnreadableError, match="a key of very many parts"):
        compare_toml(left, Held("a.toml", b"a." * 300_000 + b"a = 1"), Rule(), "a")
    assert compare_toml(left, Held("a.toml", b"a = '" + b"a" * 500_000 + b"'"), Rule(), "a").children
    with pytest.raises(UnreadableError, match="not TOML"):
        compare_toml(left, Held("a.toml", b"a = ["), Rule(), "a")


def test_several_yaml_documents_are_compared_each_by_its_number() -> None:
    left, right = Held("a.yaml", b"a: 1\n---\nb: 2\n"), Held("a.yaml", b"a: 1\n---\nb: 3\n")
    assert [child.path for child in compare_yaml(left, right, Rule(), "a").children] == ["a:/1/b"]


def test_notebooks_are_compared_without_what_every_execution_changes() -> None:
    def notebook(count: int, source: Any, output: str) -> dict[str, Any]:
        outputs = [{"output_type": "stream", "text": [output], "execution_count": count}]
        cell = {
            "id": f"c{count}",
            "cell_type": "code",
            "execution_count": count,
            "source": source,
            "outputs": outputs,
        }
        return {"cells": [cell], "nbformat": 4}

    same = diff(notebook(1, ["a\n", "b"], "1"), notebook(2, "a\nb", "1"), name="a.ipynb")
    assert same.relation == "same"
    assert "execution counts and ids of cells are not compared" in (same.note or "")
    delta = diff(notebook(1, ["a\n", "b"], "1"), notebook(2, ["a\n", "c"], "2"), name="a.ipynb")
    found = {child.path.partition(":")[2]: child for child in delta.children}
    assert set(found) == {"/cells/0/source", "/cells/0/outputs/0/text"}
    assert found["/cells/0/source"].text == ["@@ -1,2 +1,2 @@", " a", "-b", "+c"]
