"""Bytes beside bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xt.compare import Rule
from xt.compare.content import CHUNK, Held
from xt.compare.octets import compare, differing, first_difference, same, shared, shared_end


def content(data: bytes) -> Held:
    return Held("x.dat", data)


@given(st.binary(max_size=50), st.binary(max_size=50), st.binary(max_size=50))
def test_common_beginning_and_end_are_found(head: bytes, left: bytes, right: bytes) -> None:
    ours, theirs = head + left + head, head + right + head
    length = shared(ours, theirs)
    assert ours[:length] == theirs[:length]
    assert ours[length : length + 1] != theirs[length : length + 1] or ours == theirs
    first = first_difference(content(ours), content(theirs))
    assert first == (None if ours == theirs else length)
    most = min(len(ours), len(theirs)) - length
    tail = shared_end(content(ours), content(theirs), most)
    assert tail <= most
    assert ours[len(ours) - tail :] == theirs[len(theirs) - tail :]
    assert tail == most or ours[-tail - 1] != theirs[-tail - 1]


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=80))
def test_differing_positions_are_counted(pairs: list[tuple[int, int]]) -> None:
    left, right = bytes(one for one, _ in pairs), bytes(other for _, other in pairs)
    assert differing(left, right) == sum(one != other for one, other in pairs)


def test_a_difference_across_chunks_is_found_and_counted() -> None:
    data = bytearray(3 * CHUNK + 5)
    other = bytearray(data)
    for at in (CHUNK - 1, CHUNK, 3 * CHUNK + 4):
        other[at] = 7
    delta = compare(content(bytes(data)), content(bytes(other)), Rule(), "x")
    assert delta.relation == "changed"
    assert [each.value for each in delta.measures] == [CHUNK - 1, 3]
    assert delta.note == f"3 of {3 * CHUNK + 5} bytes differ, first at byte {CHUNK - 1}"
    assert (delta.left, delta.right, delta.unit) == (len(data), len(data), "B")


def test_what_was_only_appended_to_is_said_to_be() -> None:
    delta = compare(content(b"abc"), content(b"abcdef"), Rule(), "x")
    assert (delta.relation, delta.note) == ("changed", "3 bytes added at the end")
    assert compare(content(b"abc"), content(b"a"), Rule(), "x").note == "2 bytes removed at the end"


def test_equal_bytes_are_the_same() -> None:
    assert same(content(b"ab"), content(b"ab"))
    assert not same(content(b"ab"), content(b"abc"))
    assert compare(content(b""), content(b""), Rule(), "x").relation == "same"
