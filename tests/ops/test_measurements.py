"""Measurements as they are written: times, values, CSV files."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xt.context import timestamp
from xt.errors import UsageError
from xt.ops.production.measurements import given as told
from xt.ops.production.measurements import table, time_of, value_of


def offset(minutes):
    return timezone(timedelta(minutes=minutes))


NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected", "zoneless"),
    [
        ("2026-11-23T09:30:00Z", NOW, False),
        ("2026-11-23 10:30+01:00", NOW, False),
        (" 2026-11-23T09:30 ", NOW, True),
        ("2026-11-23", NOW.replace(hour=0, minute=0), True),
        ("20261123", NOW.replace(hour=0, minute=0), True),
        ("1795426200", NOW, False),
        ("1795426200.5", NOW + timedelta(seconds=0.5), False),
        ("now", NOW, False),
        ("-2h", NOW - timedelta(hours=2), False),
        ("-90min", NOW - timedelta(minutes=90), False),
        ("-1w", NOW - timedelta(days=7), False),
    ],
)
def test_times(text, expected, zoneless):
    assert time_of(text, NOW) == (expected, zoneless)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no time"),
        ("yesterday", "is no time"),
        ("2026-13-01", "is no time"),
        ("12", "is no time"),
        ("1795426200000", "milliseconds must be divided"),
        ("1969-12-31", "before 1970"),
        ("2026-12-01", "in the future"),
        ("-999999999w", "further away"),
        ("0001-01-01T00:00+14:00", "further away"),
        ("1" * 400, "too large"),
    ],
)
def test_what_is_no_time(text, said):
    with pytest.raises(ValueError, match=said):
        time_of(text, NOW)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_says_why_not(text):
    try:
        found, _ = time_of(text, NOW)
    except ValueError as error:
        assert str(error)
    else:
        assert datetime(1970, 1, 1, tzinfo=UTC) <= found <= NOW + timedelta(days=1)


@given(
    st.datetimes(
        datetime(1971, 1, 1), datetime(2026, 1, 1), timezones=st.builds(offset, st.integers(-1400, 1400))
    )
)
def test_a_time_survives_being_written(when):
    assert time_of(when.isoformat(), NOW)[0] == when
    assert time_of(timestamp(when), NOW) == (when, False)


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**63), 2**63 - 1)))
def test_a_value_survives_being_written(value):
    assert value_of(repr(value)) == value


def test_words_of_a_command_line():
    points = told(["rate=0.1", "acc{digit=8}=1", " spaced = 3"], "2026-11-23T09:30:00Z")
    assert [(point.name, point.value) for point in points] == [
        ("rate", 0.1),
        ("acc{digit=8}", 1),
        ("spaced", 3),
    ]


def read(text, shown="f.csv"):
    return table(text.encode() if isinstance(text, str) else text, shown, NOW)


def pairs(text):
    return [(point.at[:16], point.name, point.value) for point in read(text).points]


def test_the_forms_of_a_table():
    expected = [("2026-01-01T10:00", "rate", 0.5), ("2026-01-01T10:00", "p95", 120)]
    assert pairs("time,rate,p95\n2026-01-01T10:00Z,0.5,120\n") == expected
    assert pairs("\ufeffrate;Date;p95\r\n0.5;2026-01-01 10:00Z;120\r\n\r\n") == expected
    assert pairs("at\tmetric\tvalue\n1767261600\trate\t0.5\n1767261600\tp95\t120\n") == expected
    assert pairs('time,"a, b"\n2026-01-01,1\n2026-01-01,1\n') == [("2026-01-01T00:00", "a, b", 1)]
    found = read("time,a,b\n2026-01-01,1,\n2026-01-02T00:00Z,,\n")
    assert (len(found.points), found.zoneless, found.empty) == (1, 1, 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "f.csv:1: no column of times"),
        ("a,b\n1,2\n", "f.csv:1: no column of times"),
        ("time\n2026-01-01\n", "f.csv:1: no column beside the time"),
        ("time,a,a\n", "f.csv:1: two columns `a`"),
        ("time,a,\n", "f.csv:1: a column without a name"),
        ("time,name,value,region\n", "f.csv:1: beside time, name and value there is a column `region`"),
        ("time,a\x1b\n", "f.csv:1: column 2 cannot be a name"),
        ("time,a\n2026-01-01,1,2\n", "f.csv:2: it has 3 cells, the header 2"),
        ("time,a\n2026-01-01,1\n\nsoon,1\n", "f.csv:4: `soon` is no time"),
        ("time,a\nnow,1\n", "f.csv:2: `now` is no time that stays"),
        ("time,a\n2026-01-01,nan\n", "f.csv:2: `a`: `nan` is not finite"),
        ("time,a\n2026-01-01,0,5\n", "f.csv:2: it has 3 cells"),
        ("time,a\n2026-01-01,1\n2026-01-01T00:00Z,2\n", "f.csv:3: `a` has a second value"),
        ("time,name,value\n2026-01-01,,2\n", "f.csv:2: it has no name"),
        ('time,a\n"2026-01-01,1\n', "f.csv:2: it is no CSV"),
        (b"time,a\n2026-01-01,\xff\n", "f.csv:2: it is not UTF-8"),
        ("time,a\n2026-01-01,\0\n", "f.csv:2"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_line(text, said):
    with pytest.raises(UsageError) as caught:
        read(text)
    assert said in caught.value.message


@given(st.binary(max_size=80))
def test_any_bytes_are_a_table_or_an_error_with_a_line(data):
    try:
        read(b"time,a\n" + data)
    except UsageError as error:
        assert error.message.startswith("f.csv:")


@given(
    st.lists(
        st.tuples(
            st.datetimes(datetime(2000, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC)),
            st.floats(allow_nan=False, allow_infinity=False),
        ),
        unique_by=lambda row: row[0],
        max_size=8,
    ),
    st.sampled_from([",", ";", "\t"]),
)
def test_a_written_table_is_read_back(rows, separator):
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator)
    writer.writerow(["a{x=1}", "timestamp"])
    writer.writerows([repr(value), when.isoformat()] for when, value in rows)
    found = read(file.getvalue()).points
    assert [(point.at, point.value) for point in found] == [(timestamp(when), value) for when, value in rows]
