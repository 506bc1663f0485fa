"""The query language: what it reads, what it refuses and where it points; that it asks what it says."""

from __future__ import annotations

import operator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xt.model.query import Both, Either, Not, Query, Term, Words
from xt.moments import length, moment
from xt.query import FIELDS, OPERATORS, QueryError, parse, written
from xt.store.index.versions import version_key

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

texts = st.text(min_size=1, max_size=12)


@st.composite
def terms(draw: st.DrawFn) -> Term:
    field = FIELDS[draw(st.sampled_from(sorted(FIELDS)))]
    sign = draw(st.sampled_from(OPERATORS[field.kind]))
    key = draw(texts) if field.keyed else None
    return Term(field.name, key, sign, "" if sign == "has" else draw(texts))


plain = st.text("abcdefgxyz-_/", min_size=1, max_size=8).filter(
    lambda word: word.lower() not in ("and", "or", "not")
)
leaves = st.one_of(terms(), st.builds(Words, texts, st.just(True)), st.builds(Words, plain, st.just(False)))
queries = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(Both, st.lists(inner, min_size=2, max_size=3)),
        st.builds(Either, st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=8,
)


def placeless(query: Query) -> Query:
    if isinstance(query, Term):
        return Term(query.field, query.key, query.operator, query.value)
    if isinstance(query, Not):
        return Not(placeless(query.of))
    if isinstance(query, Both | Either):
        return type(query)([placeless(part) for part in query.of])
    return query


@given(queries)
def test_what_is_written_is_read_back(query):
    assert placeless(parse(written(query))) == query


@settings(max_examples=300)
@given(st.text('ab :=!<>()"\\.,*and or not status metric.x', max_size=40))
def test_any_text_is_a_query_or_an_error_that_points_into_it(text):
    try:
        parse(text)
    except QueryError as error:
        shown, at = error.excerpt
        assert shown == text
        assert 0 <= at <= len(text)


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("stats:ok", 1, "no field `stats`"),
        ("status:ok metrics.loss>1", 11, "no field `metrics`"),
        ("metric>3", 7, "`metric` needs a name"),
        ("metric.>3", 8, "a name is missing"),
        ("metric.loss>", 13, "a value is missing"),
        ("tag>3", 4, "`tag` cannot be asked with `>`"),
        ("a and", 6, "nothing follows `and`"),
        ("or a", 1, "nothing is before `or`"),
        ("not", 4, "nothing follows `not`"),
        ("(a b", 1, "a `(` without its `)`"),
        ("a)", 2, "a `)` without its `(`"),
        ("()", 1, "nothing is between"),
        ('purpose:"a', 9, "without its partner"),
        ("(" * 200 + "a" + ")" * 200, 17, "deep"),
        ("not " * 30 + "a", 65, "deep"),
        ("metric.loss > 0.1", 13, "`>` does not follow a field"),
        ("status : ok", 8, "`:` does not follow a field"),
        ("tag:\udcff", 5, "not UTF-8"),
    ],
)
def test_a_query_that_cannot_be_read_says_where(text, column, said):
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert said in caught.value.message
    assert caught.value.message.endswith(f"at column {column} of the query")


def test_and_binds_closer_than_or_and_words_stand_beside_each_other():
    assert parse("a b or c") == Either([Both([Words("a"), Words("b")]), Words("c")])
    assert parse("not a b") == Both([Not(Words("a")), Words("b")])
    assert parse("a AND b") == Both([Words("a"), Words("b")])
    assert placeless(parse("metric.val/acc{digit=8,split=b}>=0.9")) == Term(
        "metric", "val/acc{digit=8,split=b}", ">=", "0.9"
    )
    assert parse("") == Both([])


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("1.5h", 5400), ("7d", 604800), ("2 min", 120), ("5ms", 0.005)]
)
def test_lengths_of_time(text, seconds):
    assert length(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "d", "1x", "-1", "1_0", "nan", "٣"])
def test_what_is_no_length_of_time(text):
    with pytest.raises(ValueError, match="no length of time"):
        length(text)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("7d", "2026-11-16T09:30:00+00:00"),
        ("-2h", "2026-11-23T07:30:00+00:00"),
        ("now", "2026-11-23T09:30:00+00:00"),
        ("2026-11-20T14:30+02:00", "2026-11-20T12:30:00+00:00"),
        ("2026-11-20T14:30Z", "2026-11-20T14:30:00+00:00"),
    ],
)
def test_moments(text, at):
    assert moment(text, NOW).isoformat() == at


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "99999999999d", "0001-01-01T00:00+14:00"])
def test_what_is_no_moment(text):
    with pytest.raises(ValueError, match="no time"):
        moment(text, NOW)


def test_versions_are_in_the_order_of_people():
    ordered = ["2.4.dev1", "2.4rc1", "2.4", "2.4+cu1", "2.4.post1", "2.4.1", "2.10", "3"]
    assert sorted(ordered, key=version_key) == ordered
    assert version_key("2.4") == version_key("v2.4.0")


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=4), st.lists(st.integers(0, 30), min_size=1, max_size=4)
)
def test_plain_versions_are_ordered_by_their_numbers(left, right):
    longest = max(len(left), len(right))
    padded = [[*numbers, *[0] * (longest - len(numbers))] for numbers in (left, right)]
    keys = [version_key(".".join(map(str, numbers))) for numbers in (left, right)]
    for compare in (operator.lt, operator.eq, operator.gt):
        assert compare(*keys) == compare(*padded)
