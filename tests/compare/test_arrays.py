"""The law of tolerance on arrays, and what is measured of two arrays."""

from __future__ import annotations

import math
import random
import struct
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.compare.contents_of import Held
from xt.compare import Rule, UnreadableError, spread_arrays, spread_plain
from xt.compare.arrays import Array, compare_arrays
from xt.compare.blocks import Room, block, of_dtype
from xt.compare.closeness_arrays import close_floats, close_integers, steps_apart
from xt.compare.kinds import Kind, described, named
from xt.compare.measured import measures_of
from xt.compare.spread import Spread
from xt.model.delta import Delta, Measure
from xt.model.result import Number

BOUNDS = st.one_of(st.just(0.0), st.floats(0, 1e3), st.floats(1e-12, 1e-3))
RULES = st.builds(Rule, rtol=BOUNDS, atol=BOUNDS, ulp=st.integers(0, 2**33))
SPECIAL = st.sampled_from(
    [0.0, -0.0, math.nan, math.inf, -math.inf, 1.0, -1.0, 5e-324, 1.7976931348623157e308]
)


def floats(width: int) -> st.SearchStrategy[float]:
    near_one = st.floats(0.5, 2, width=width)
    special = (
        SPECIAL.map(float) if width == 64 else st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf])
    )
    return st.one_of(st.floats(width=width), near_one, special)


def pairs(width: int) -> st.SearchStrategy[list[tuple[float, float]]]:
    one = floats(width)
    return st.lists(st.one_of(st.tuples(one, one), one.map(lambda x: (x, x)), one.map(near)), min_size=1)


def near(value: float) -> tuple[float, float]:
    return value, float(np.float16(value * 1.001)) if abs(value) < 60000 else value


def close_one(a: float, b: float, rule: Rule) -> bool:
    """The law, written once more for two doubles."""
    if a == b or (math.isnan(a) and math.isnan(b)):
        return True
    if not (math.isfinite(a) and math.isfinite(b)):
        return False
    bound = rule.atol + rule.rtol * max(abs(a), abs(b))
    return abs(a - b) <= bound or abs(place_of(a) - place_of(b)) <= rule.ulp


def place_of(value: float) -> int:
    bits: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return bits if bits >= 0 else -(bits & (2**63 - 1))


@given(pairs(64), RULES)
def test_the_law_for_arrays_is_the_law_for_two_doubles(values: list[tuple[float, float]], rule: Rule) -> None:
    a, b = np.array(values).T
    assert close_floats(a, b, rule).tolist() == [close_one(x, y, rule) for x, y in values]


@given(pairs(64), RULES)
def test_the_law_is_reflexive_and_symmetric(values: list[tuple[float, float]], rule: Rule) -> None:
    a, b = np.array(values).T
    assert close_floats(a, a, rule).all()
    assert (close_floats(a, b, rule) == close_floats(b, a, rule)).all()


@given(pairs(64), RULES, RULES)
def test_wider_bounds_never_part_what_narrower_ones_join(
    values: list[tuple[float, float]], rule: Rule, more: Rule
) -> None:
    a, b = np.array(values).T
    wider = Rule(rtol=rule.rtol + more.rtol, atol=rule.atol + more.atol, ulp=rule.ulp + more.ulp)
    assert not (close_floats(a, b, rule) & ~close_floats(a, b, wider)).any()


@given(pairs(64))
def test_zero_bounds_are_equality_by_value(values: list[tuple[float, float]]) -> None:
    a, b = np.array(values).T
    expected = [x == y or (math.isnan(x) and math.isnan(y)) for x, y in values]
    assert close_floats(a, b, Rule()).tolist() == expected


def test_an_infinity_is_close_only_to_itself() -> None:
    loose = Rule(rtol=1e300, atol=1e300, ulp=2**62)
    a = np.array([math.inf, math.inf, math.inf, -math.inf, math.nan, math.nan])
    b = np.array([math.inf, -math.inf, 1e308, 0.0, math.nan, 1.0])
    assert close_floats(a, b, loose).tolist() == [True, False, False, False, True, False]


@pytest.mark.parametrize("width", [16, 32, 64])
def test_neighbours_are_one_step_apart_even_across_zero(width: int) -> None:
    dtype = np.dtype(f"f{width // 8}")
    tiny = np.nextafter(dtype.type(0), dtype.type(1))
    a = np.array([1, -tiny, -0.0, -tiny, np.finfo(dtype).max], dtype)
    b = np.array([np.nextafter(dtype.type(1), dtype.type(2)), tiny, 0.0, 0.0, -np.finfo(dtype).max], dtype)
    signed = f"i{width // 8}"
    steps = steps_apart(a.view(signed), b.view(signed)).tolist()
    assert steps[:4] == [1, 2, 0, 1]
    assert steps[4] == 2 * int(np.finfo(dtype).max.view(signed))


def spread_of(kind: Kind, stored: list[bytes], rule: Rule) -> Spread:
    return gathered((kind, kind), stored, rule, [], with_numpy=True)


def gathered(
    kinds: tuple[Kind, Kind], stored: list[bytes], rule: Rule, cuts: list[int], *, with_numpy: bool
) -> Spread:
    spreads = {"": Spread(rule)}
    count = len(stored[0]) // kinds[0].itemsize
    places = sorted({0, count, *(cut for cut in cuts if cut < count)})
    room = Room()
    for start, stop in pairwise(places):
        part = [
            data[start * kind.itemsize : stop * kind.itemsize]
            for kind, data in zip(kinds, stored, strict=True)
        ]
        if with_numpy:
            spread_arrays.compare_step(kinds, part, spreads, start, room)
        else:
            spread_plain.compare_step(kinds, part, spreads, start)
    return spreads[""]


SEEDS = st.integers(0, 2**32)
PLAIN = [
    *("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "complex64", "complex128"),
    *("int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool"),
]


def stored_pairs(kind: Kind, seed: int) -> list[bytes]:
    """Bytes of two arrays: of anything, of near ones, of ones that differ in their signs, of special ones."""
    chance = random.Random(seed)
    size = kind.itemsize // kind.parts
    order: Literal["big", "little"] = "big" if kind.stored[0] == ">" else "little"
    most = 256**size
    one = 0x3F80 << 8 * size >> 16 if size > 1 else 0x38
    top = 1 << (8 * size - 1)
    special = [0, top, one, one | top, top - 1, 0x7F80 << 8 * size >> 16, 1, top + 1]

    def pair(way: int) -> tuple[int, int]:
        code = chance.randrange(most)
        if way == 0:
            return code, chance.randrange(most)
        if way == 1:
            return code, max(0, code - chance.randrange(4))
        if way == 2:
            return code, code ^ top
        if way == 3:
            return one + chance.randrange(40), one + chance.randrange(40)
        return chance.choice(special), chance.choice([*special, code])

    ways = chance.sample(range(5), chance.randrange(1, 6))
    pairs = [pair(chance.choice(ways)) for _ in range(kind.parts * chance.randrange(1, 40))]
    return [b"".join((each[side] % most).to_bytes(size, order) for each in pairs) for side in (0, 1)]


@pytest.mark.parametrize("label", PLAIN)
@settings(deadline=None, max_examples=25)
@given(SEEDS, RULES, st.lists(st.integers(1, 20), max_size=3), st.booleans())
def test_few_values_come_to_the_same_without_numpy_however_they_are_cut(
    label: str, seed: int, rule: Rule, cuts: list[int], swapped: bool
) -> None:
    kind = named(label, ">" if swapped else "<")
    stored = stored_pairs(kind, seed)
    plain = gathered((kind, kind), stored, rule, [], with_numpy=False)
    for with_numpy in (True, False):
        other = gathered((kind, kind), stored, rule, cuts, with_numpy=with_numpy)
        assert vars(other) == vars(plain)
    assert vars(gathered((kind, kind), stored, Rule(), [], with_numpy=True)) == vars(
        gathered((kind, kind), stored, Rule(), [], with_numpy=False)
    )


@settings(deadline=None)
@example(154, Rule(ulp=1), ("complex64", "complex128"))
@given(SEEDS, RULES, st.tuples(st.sampled_from(PLAIN), st.sampled_from(PLAIN)))
def test_few_values_of_two_types_come_to_the_same_without_numpy(
    seed: int, rule: Rule, labels: tuple[str, str]
) -> None:
    kinds = named(labels[0]), named(labels[1], ">")
    assume(kinds[0].parts == kinds[1].parts and labels[0] != labels[1])
    sides = [stored_pairs(kind, seed)[0] for kind in kinds]
    count = min(len(side) // kind.itemsize for side, kind in zip(sides, kinds, strict=True))
    stored = [side[: count * kind.itemsize] for side, kind in zip(sides, kinds, strict=True)]
    assert vars(gathered(kinds, stored, rule, [], with_numpy=True)) == vars(
        gathered(kinds, stored, rule, [2], with_numpy=False)
    )


@pytest.mark.parametrize("label", ["float64", "float32", "float16", "bfloat16", "int32", "complex64"])
@pytest.mark.parametrize("factor", [1 + 1e-5, 1.125, -1.0, 2.0, 0.0])
def test_many_values_come_to_the_same_without_numpy(label: str, factor: float) -> None:
    """Where all are changed alike, the largest shares are many and near each other."""
    kind = named(label)
    values = np.random.default_rng(5).standard_normal(6_000 * kind.parts) * 50
    sides = [values, values * factor]
    if label == "bfloat16":
        stored = [(np.array(side, "f4").view("u4") >> 16).astype("u2").tobytes() for side in sides]
    elif kind.parts == 2:
        stored = [side.astype("f4").tobytes() for side in sides]
    else:
        stored = [side.astype(label).tobytes() for side in sides]
    for rule in (Rule(), Rule(rtol=1.01e-5), Rule(rtol=0.12, atol=1e-3), Rule(atol=5e-4, ulp=90)):
        plain = gathered((kind, kind), stored, rule, [], with_numpy=False)
        for cuts in ([], [37, 1000, 2222]):
            assert vars(gathered((kind, kind), stored, rule, cuts, with_numpy=True)) == vars(plain)


def test_rows_of_bytes_come_to_the_same_without_numpy() -> None:
    kind = Kind("bytes of 3", "opaque", 3, "|V3")
    stored = [b"abcdefghi", b"abcdeXghi"]
    both = [gathered((kind, kind), stored, Rule(), [], with_numpy=each) for each in (True, False)]
    assert vars(both[0]) == vars(both[1])
    assert both[0].differing == 1


@pytest.mark.parametrize("label", PLAIN)
@pytest.mark.parametrize("order", ["<", ">"])
def test_types_are_known_without_numpy_as_numpy_describes_them(label: str, order: Any) -> None:
    kind = named(label, order)
    if "bfloat" in label or "float8" in label:
        assert described(label) is None
        return
    dtype = np.dtype(label).newbyteorder(order)
    assert kind == of_dtype(dtype) == described(dtype.str)


@given(st.lists(st.tuples(*[st.integers(-(2**63), 2**63 - 1)] * 2), min_size=1), BOUNDS)
def test_integers_do_not_overflow(values: list[tuple[int, int]], atol: float) -> None:
    a, b = np.array(values, np.int64).T
    expected = [x == y or float(abs(x - y)) <= atol for x, y in values]
    assert close_integers(a, b, Rule(atol=atol)).tolist() == expected
    spread = spread_of(named("int64"), [a.tobytes(), b.tobytes()], Rule())
    assert spread.delta.value == max(abs(x - y) for x, y in values)


@pytest.mark.parametrize(
    "label", ["float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"]
)
@given(data=st.data(), rule=RULES)
def test_the_fast_way_counts_as_the_law_does(label: str, data: st.DataObject, rule: Rule) -> None:
    kind = named(label)
    codes = st.integers(0, 256**kind.itemsize - 1)
    alike = codes.flatmap(lambda code: st.integers(max(0, code - 3), code).map(lambda other: (code, other)))
    raw = data.draw(st.lists(st.one_of(st.tuples(codes, codes), alike), min_size=1, max_size=20))
    stored = [b"".join(pair[side].to_bytes(kind.itemsize, "little") for pair in raw) for side in (0, 1)]
    left, right = (block(kind, side) for side in stored)
    spread = spread_of(kind, stored, rule)
    assert left.codes is not None and right.codes is not None
    close = close_floats(left.values, right.values, rule, (left.codes, right.codes))
    equal = close_floats(left.values, right.values, Rule())
    assert spread.beyond == np.count_nonzero(~close)
    assert spread.differing == np.count_nonzero(~equal)
    assert spread.nan == np.count_nonzero(np.isnan(left.values) != np.isnan(right.values))
    finite = np.isfinite(left.values) & np.isfinite(right.values)
    with np.errstate(all="ignore"):
        apart = np.abs(left.values[finite].astype("f8") - right.values[finite].astype("f8"))
    assert spread.delta.value == pytest.approx(apart.max(initial=0), rel=1e-6)
    steps = steps_apart(left.codes[finite], right.codes[finite])
    assert (spread.steps.value if spread.steps else 0) == steps.max(initial=0)


def test_eight_bit_floats_have_the_values_of_their_definition() -> None:
    codes = bytes([0x00, 0x01, 0x38, 0x7E, 0x7F, 0xB8])
    e4m3 = block(named("float8_e4m3fn"), codes).values.tolist()
    assert e4m3[:4] == [0.0, 2.0**-9, 1.0, 448.0] and math.isnan(e4m3[4]) and e4m3[5] == -1.0
    e5m2 = block(named("float8_e5m2"), bytes([0x01, 0x3C, 0x7B, 0x7C, 0x7D, 0xFC])).values.tolist()
    assert e5m2[:4] == [2.0**-16, 1.0, 57344.0, math.inf] and math.isnan(e5m2[4]) and e5m2[5] == -math.inf


def test_bfloat16_is_the_upper_half_of_a_float32() -> None:
    values = np.array([1.0, -2.5, 3.0e38, 0.0], np.float32)
    stored = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    found = block(named("bfloat16"), stored).values
    assert found[:2].tolist() == [1.0, -2.5]
    assert found[2] == pytest.approx(3.0e38, rel=1e-2)


def array_of(values: np.ndarray, axes: tuple[int, ...] | None = None) -> Array:
    straight = tuple(range(values.ndim))
    return Array(of_dtype(values.dtype), values.shape, axes or straight, Held(values.tobytes("A")).open, 0)


def compared(a: np.ndarray, b: np.ndarray, rule: Rule | None = None) -> tuple[list[Delta], int]:
    return compare_arrays({"w": array_of(a)}, {"w": array_of(b)}, rule or Rule(), "m.npz")


def measures(delta: Delta) -> dict[str, Measure]:
    return {measure.what: measure for measure in delta.measures}


def test_the_note_says_how_many_how_far_and_where() -> None:
    a = np.zeros((640, 10), np.float32)
    b = a.copy()
    b[12, 4], b[3, 3] = 0.5, -0.25
    (delta,), identical = compared(a, b)
    assert identical == 0
    assert (delta.path, delta.relation, delta.left) == ("m.npz:w", "changed", "float32 [640, 10]")
    assert delta.note == "2 of 6400 values differ, max |Δ| 0.5 at [12, 4]"
    assert measures(delta)["max |Δ|"] == Measure("max |Δ|", 0.5, "[12, 4]")
    assert measures(delta)["max rel"] == Measure("max rel", 1.0, "[3, 3]")
    assert measures(delta)["values differing"].value == 2


def test_values_within_the_rule_are_within_with_the_largest_distance() -> None:
    a = np.ones(5)
    b = a + np.array([0, 1e-9, 0, 3e-9, 0])
    (delta,), _ = compared(a, b, Rule(rtol=1e-6))
    assert delta.relation == "within"
    assert delta.note == "max |Δ| 3e-09 at [3], within rtol 1e-06"
    assert measures(delta)["max rel"].bound == 1e-6
    assert measures(delta)["values beyond tolerance"].value == 0
    (delta,), _ = compared(a, b, Rule(rtol=2e-9))
    assert delta.relation == "changed"
    assert delta.note == "1 of 5 values over rtol 2e-09, max |Δ| 3e-09 at [3]"


def test_nan_on_one_side_is_a_difference_whatever_the_rule() -> None:
    a = np.array([1.0, math.nan, math.nan, math.inf])
    b = np.array([1.0, math.nan, 2.0, 5.0])
    (delta,), _ = compared(a, b, Rule(rtol=1e9, atol=1e9, ulp=2**40))
    assert delta.relation == "changed"
    assert measures(delta)["NaN on one side"].value == 1
    assert measures(delta)["infinite on one side"].value == 1
    assert delta.note is not None and delta.note.endswith("NaN on one side once")


def test_a_distance_beyond_all_doubles_is_infinite() -> None:
    (delta,), _ = compared(np.array([1.7e308]), np.array([-1.7e308]))
    assert measures(delta)["max |Δ|"].value == Number("inf")
    assert measures(delta)["max rel"].value == 2.0


def test_values_that_are_equal_are_identical_whatever_their_bytes() -> None:
    a = np.array([0.0, 1.0], ">f4")
    b = np.array([-0.0, 1.0], "<f4")
    assert compared(a, b) == ([], 1)


def test_orders_in_memory_do_not_matter() -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    c, fortran = array_of(values), array_of(np.asfortranarray(values), (2, 1, 0))
    assert compare_arrays({"w": c}, {"w": fortran}, Rule(), "x") == ([], 1)
    other = values.copy()
    other[1, 2, 0] = -1
    for left in (c, fortran):
        (delta,), _ = compare_arrays(
            {"w": left}, {"w": array_of(np.asfortranarray(other), (2, 1, 0))}, Rule(), "x"
        )
        assert measures(delta)["max |Δ|"].at == "[1, 2, 0]"


def test_a_changed_type_is_a_change_even_when_the_values_are_equal() -> None:
    (delta,), _ = compared(np.arange(4, dtype="f4"), np.arange(4, dtype="f8"))
    assert (delta.relation, delta.left, delta.right) == ("changed", "float32 [4]", "float64 [4]")
    assert delta.note == "the type changed; compared as float64, all 4 values equal"


def test_signalling_nan_makes_no_noise() -> None:
    codes = {"<f2": 0x7C01, "<f4": 0x7F800001, "<f8": 0x7FF0000000000001}
    for one, code in codes.items():
        for two in codes:
            a = np.array([code], f"<u{one[2]}").view(one)
            (delta,), _ = compared(a, np.ones(1, two))
            assert measures(delta)["NaN on one side"].value == 1


def test_a_changed_shape_leaves_nothing_to_compare() -> None:
    (delta,), _ = compared(np.zeros((2, 3)), np.zeros((3, 2)))
    assert delta.note == "the shape changed, so values are not compared"
    assert delta.relation == "changed"


def test_complex_numbers_are_compared_by_their_parts() -> None:
    a = np.array([[1 + 2j, 3 + 4j]])
    b = np.array([[1 + 2j, 3 + 4.5j]])
    (delta,), _ = compared(a, b)
    assert delta.note == "1 of 4 values differs, max |Δ| 0.5 at [0, 1].imag"


def test_records_are_compared_field_by_field() -> None:
    dtype = np.dtype([("id", "<i4"), ("pos", "<f4", (3,)), ("name", "S4")], align=True)
    a = np.zeros(6, dtype)
    b = a.copy()
    b["pos"][4, 1] = 0.5
    (delta,), _ = compared(a, b, Rule(atol=0.1))
    assert delta.relation == "changed"
    assert [child.path for child in delta.children] == ["m.npz:w/pos"]
    assert delta.children[0].note == "1 of 18 values over atol 0.1, max |Δ| 0.5 at [4, 1]"
    b["pos"][4, 1] = 0.05
    (delta,), _ = compared(a, b, Rule(atol=0.1))
    assert delta.relation == "within"


def test_text_and_raw_bytes_must_be_the_same() -> None:
    (delta,), _ = compared(np.array(["abc", "x"]), np.array(["abc", "y"]), Rule(rtol=1.0))
    assert (delta.relation, delta.left) == ("changed", "text of 3 [2]")
    assert delta.note == "1 of 2 values over rtol 1"


def test_bools_differ_or_not() -> None:
    (delta,), _ = compared(np.array([True, False]), np.array([True, True]), Rule(rtol=1e-3, atol=1e-3))
    assert delta.note == "1 of 2 values over rtol 0.001 + atol 0.001"


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2)])
def test_arrays_without_axes_or_without_values_can_be_compared(shape: tuple[int, ...]) -> None:
    assert compared(np.zeros(shape), np.zeros(shape)) == ([], 1)


def test_a_single_number_has_no_index() -> None:
    (delta,), _ = compared(np.array(1.0), np.array(2.0))
    assert delta.note == "1 of 1 value differs, max |Δ| 1"


def test_large_arrays_give_the_same_on_two_threads() -> None:
    rng = np.random.default_rng(1)
    a = rng.standard_normal((3, 5_000_000), dtype=np.float32)
    b = a.copy()
    b[2, 4_999_999] += 3
    b[0, 7] += 1
    (delta,), identical = compare_arrays(
        {"w": array_of(a), "v": array_of(a)}, {"w": array_of(b), "v": array_of(a)}, Rule(), "x"
    )
    assert identical == 1
    assert measures(delta)["values differing"].value == 2
    assert measures(delta)["max |Δ|"].at == "[2, 4999999]"


def test_an_array_that_ends_early_is_unreadable() -> None:
    cut = array_of(np.zeros(10))._replace(open=Held(b"\0" * 79).open)
    with pytest.raises(UnreadableError, match="ends before its values do"):
        compare_arrays({"w": cut}, {"w": array_of(np.ones(10))}, Rule(), "x")


def test_measures_carry_only_declared_bounds() -> None:
    stored = [np.array([1.0, last]).tobytes() for last in (2.0, np.nextafter(2.0, 3.0))]
    spread = spread_of(named("float64"), stored, Rule(ulp=4))
    found = {m.what: m for m in measures_of(spread, Rule(ulp=4), array_of(np.zeros(2)))}
    assert (found["ulp"].value, found["ulp"].at, found["ulp"].bound) == (1, "[1]", 4)
    assert found["max rel"].bound is None
    assert spread.beyond == 0
