"""Masking: whatever the chunks, the result is that of the whole, and no secret survives."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import shlex
import urllib.parse
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xt.execute.forms import forms, plain
from xt.execute.mask import Mask
from xt.execute.sought import MOST, part_places

TOKEN = "ghp_4bC9xYz0Qw7LmN2pRt5VsK8uJ1"
BODY = "MIIEvQIBADANBgkqhkiG9w0BAQ\nxYz0Qw7LmN2pRt5VsK8uJ1abcd\nshort"
PEM = f"-----BEGIN PRIVATE KEY-----\n{BODY}\n-----END PRIVATE KEY-----"


def whole(values: dict[str, str], data: bytes) -> bytes:
    """Mask in one go, by the definition: find every occurrence, also with something in its middle."""
    needles = {form for value in values.values() for form in forms(value)}
    apart = {form for value in values.values() for form in plain(value) if len(form) >= 8}
    covered: dict[int, bool] = {}  # by position: whether a mask may begin there
    for start in range(len(data)):
        for needle in needles:
            places = None
            if data.startswith(needle, start):
                places = [*range(start, start + len(needle))]
            elif needle in apart and data.startswith(needle[:3], start):
                places = around(needle, data, start)
            for number, at in enumerate(places or ()):
                follows = number > 0
                covered[at] = covered.get(at, False) or follows
    out = bytearray()
    for at in range(len(data)):
        if at not in covered:
            out += data[at : at + 1]
        elif not covered[at]:
            out += b"***"
    return bytes(out)


CODE = rb"\x1b\[[0-9;]*[A-Z]"
BETWEEN = re.compile(rb"(?:[ |]|%b)*\n(?:[ |\n]|%b)*|(?:%b)+" % (CODE, CODE, CODE))


def around(needle: bytes, data: bytes, start: int) -> list[int] | None:
    """Match byte by byte, passing over colours and line ends; none in the first three."""
    places: list[int] = []
    at = start
    for number, byte in enumerate(needle):
        if number >= 3 and (between := BETWEEN.match(data, at)):
            at = between.end()
        if data[at : at + 1] != bytes((byte,)):
            return None
        places.append(at)
        at += 1
    ends = [n for n, (one, two) in enumerate(pairwise(places), 1) if b"\n" in data[one:two]]
    whole = any(all(n <= start or n >= stop for n in ends) for start, stop in part_places(needle))
    return places if whole else None


def cut(data: bytes, points: list[int]) -> list[bytes]:
    edges = [0, *sorted({p % (len(data) + 1) for p in points}), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def masked(values: dict[str, str], chunks: list[bytes]) -> tuple[bytes, int]:
    mask = Mask(values)
    out = b"".join([*(mask.feed(chunk) for chunk in chunks), mask.feed(b"", final=True)])
    return out, mask.count


def test_without_secrets_bytes_pass_untouched() -> None:
    mask = Mask({})
    data = bytes(range(256))
    assert not mask.active
    assert mask.feed(data) is data
    assert mask.feed(b"", final=True) == b""


@pytest.mark.parametrize("at", range(len(TOKEN) + 12))
def test_a_secret_is_masked_wherever_the_chunk_ends(at: int) -> None:
    data = f"token={TOKEN} ok\n".encode()
    out, count = masked({"GH_PAT": TOKEN}, [data[:at], data[at:]])
    assert out == b"token=*** ok\n"
    assert count == 1


def test_byte_by_byte_is_the_same() -> None:
    data = b"a" + TOKEN.encode() * 3 + b"\n" + TOKEN.encode()[:-1]
    out, count = masked({"T": TOKEN}, [data[i : i + 1] for i in range(len(data))])
    assert out == b"a" + b"***" * 3 + b"\n" + TOKEN.encode()[:-1]
    assert count == 3


def test_what_turns_out_to_be_no_secret_comes_out() -> None:
    mask = Mask({"T": "abcabcabd!"})
    assert mask.feed(b"xx abcabc") == b"xx "
    assert mask.feed(b"abd!") == b"***"
    assert mask.feed(b"abcabcab") == b""
    assert mask.feed(b"", final=True) == b"abcabcab"


def test_lines_are_not_held_back_when_they_cannot_begin_a_secret() -> None:
    mask = Mask({"T": TOKEN})
    assert mask.feed(b"epoch 1\n") == b"epoch 1\n"
    assert mask.feed(b"prompt> ") == b"prompt> "


@pytest.mark.parametrize(
    "shown",
    [
        lambda s: s,
        lambda s: json.dumps({"k": s}),
        lambda s: json.dumps({"k": s}, ensure_ascii=False),
        lambda s: json.dumps(json.dumps(s))[1:-1] if "\n" not in s and '"' not in s else s,
        lambda s: repr(s),
        lambda s: f"+ curl -H {shlex.quote(s)}",
        lambda s: "'" + s.replace("'", "'\\''") + "'",
        lambda s: urllib.parse.quote(s),
        lambda s: urllib.parse.quote(s, safe=""),
        lambda s: urllib.parse.quote_plus(s),
        lambda s: base64.b64encode(s.encode()).decode(),
        lambda s: base64.b64encode(b"x" + s.encode() + b"yy").decode(),
        lambda s: base64.b64encode(b"user:" + s.encode() + b"?").decode(),
        lambda s: base64.urlsafe_b64encode(b"a:" + s.encode()).decode(),
        lambda s: s.replace("\n", "\r\n"),
        lambda s: json.dumps(json.dumps({"password": s})),
        lambda s: urllib.parse.quote(urllib.parse.quote(s, safe=""), safe=""),
        lambda s: base64.encodebytes(s.encode()).decode(),
    ],
)
@pytest.mark.parametrize("secret", [TOKEN, "pa'ss \"w\\or$d/é+ü?&=", PEM, "a/b+c\"d'e-🔑-x"])
def test_every_way_to_write_a_secret_is_masked(secret: str, shown) -> None:  # type: ignore[no-untyped-def]
    text = f"before {shown(secret)} after".encode()
    out, count = masked({"S": secret}, [text])
    assert count >= 1
    assert out.startswith(b"before ")
    assert out.endswith(b" after")
    for line in secret.split("\n"):
        core = line[3:-3]
        assert core.encode() not in out or len(line) < 8
        assert json.dumps(json.dumps(core)[1:-1]).encode()[1:-1] not in out or len(line) < 8
        assert (
            urllib.parse.quote(urllib.parse.quote(core, safe=""), safe="").encode() not in out
            or len(line) < 8
        )
        for wrapped in base64.encodebytes(secret.encode()).split()[:-1]:
            assert wrapped not in out
        assert base64.b64encode(secret.encode())[4:-4] not in out


def test_each_line_of_a_key_is_masked_by_itself() -> None:
    line = PEM.split("\n")[1]
    assert masked({"K": PEM}, [f"  {line}\n".encode()])[0] == b"  ***\n"


def test_overlapping_secrets_become_one_mask() -> None:
    out, count = masked({"A": "abcdefgh", "B": "fghijklm"}, [b"<abcdefghijklm>"])
    assert (out, count) == (b"<***>", 1)


def test_a_chain_of_overlaps_needs_no_memory() -> None:
    mask = Mask({"A": "aaaaaaaa"})
    out = b"".join(mask.feed(b"a" * 1000) for _ in range(200)) + mask.feed(b"b", final=True)
    assert out == b"***b"
    assert mask.count == 1
    mask = Mask({"A": "aaaaaaaa"})
    for _ in range(50):
        mask.feed(b"a" * 1000)
        assert len(mask._held) < 16


def test_not_utf8_values_are_masked() -> None:
    value = os.fsdecode(b"\xff\xfesecret\x80")
    assert masked({"S": value}, [b"<\xff\xfesecret\x80>"])[0] == b"<***>"


def test_too_many_are_said_not_dropped_silently() -> None:
    mask = Mask({f"S{i}": f"value-{i:06}-abcXYZ" for i in range(2 * MOST)})
    assert mask.left_out
    for index in range(2 * MOST):
        assert mask.feed(f"value-{index:06}-abcXYZ\n".encode(), final=True) == b"***\n"


def test_many_secrets_are_all_found() -> None:
    values = {f"S{i}": f"Q{i:04}Zq{i * 7919 % 10007:05}XyW" for i in range(60)}
    text = "\n".join(f"{name} is {value}." for name, value in values.items()).encode() + b"\nQZXQZXQ\n"
    out, count = masked(values, [text])
    assert count == 60
    assert out == whole(values, text)


alphabet = st.sampled_from("abAB0\n'\"/")
secrets = st.lists(st.text(alphabet, min_size=6, max_size=10), min_size=1, max_size=4)


@given(
    secrets, st.lists(st.one_of(st.integers(0, 40), st.text(alphabet, max_size=6)), max_size=12), st.data()
)
@example(["aaaaaa"], [0, 0, "aaa"], None)
@example(["000AB'00", "00A00'"], [0, 0], None)
def test_any_chunking_equals_masking_the_whole(values: list[str], pieces: list[int | str], data) -> None:  # type: ignore[no-untyped-def]
    named = {str(i): value for i, value in enumerate(values)}
    every = [form for value in values for form in forms(value)]
    text = b"".join(every[p % len(every)] if isinstance(p, int) else p.encode() for p in pieces)
    points = data.draw(st.lists(st.integers(0, 10_000), max_size=12)) if data else [2, 5, 9, 21]
    out, count = masked(named, cut(text, points))
    assert out == whole(named, text)
    once = Mask(named)
    assert once.feed(text, final=True) == out
    assert once.count == count
    assert not any(form in out for form in every)


COLOURED = [b"\x1b[1;31K", b"\x1b[K"]
WRAPPED = [b"\n", b"  \n", b"\n   ", b" |\n| ", b"\x1b[31K|\x1b[K\n  "]


@given(
    st.lists(st.text("abcABC012", min_size=8, max_size=16), min_size=1, max_size=3),
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 9), st.integers(0, 16), st.sampled_from([b"", *COLOURED, *WRAPPED])),
            st.sampled_from([b"x", b" ", b"ab", *COLOURED, *WRAPPED]),
        ),
        max_size=10,
    ),
    st.lists(st.integers(0, 10_000), max_size=12),
)
@example(["abcABC01"], [(0, 3, b"\n")], [4])
@example(["abcABC012012"], [(0, 2, b"\n  ")], [2, 3, 4])
def test_what_stands_in_the_middle_of_a_secret_does_not_hide_it(values, pieces, points) -> None:  # type: ignore[no-untyped-def]
    named = {str(number): value for number, value in enumerate(values)}
    text = b""
    for piece in pieces:
        if isinstance(piece, bytes):
            text += piece
        else:
            which, at, between = piece
            value = values[which % len(values)].encode()
            text += value[:at] + between + value[at:]
    assert masked(named, cut(text, points)) == masked(named, [text])
    assert masked(named, [text])[0] == whole(named, text)


@pytest.mark.parametrize(
    "between", [*COLOURED, *WRAPPED, b"\r\n\t", b"\x1b(B\x1b[m", " │\n│ ".encode(), b"\x1b[0m\n"]
)
@pytest.mark.parametrize("at", [1, 2, 3, 12, 29])
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_all_else_is_kept(between: bytes, at: int, size: int) -> None:
    text = f"<{TOKEN[:at]}".encode() + between + f"{TOKEN[at:]}>".encode()
    out, _ = masked({"T": TOKEN}, [text[start : start + size] for start in range(0, len(text), size)])
    head = b"***" if at >= 3 else TOKEN[:at].encode()
    tail = b"" if at >= 3 else TOKEN[at:2].encode() + b"***"
    assert out == b"<" + head + between + tail + b">"


def test_words_of_a_phrase_may_be_wrapped() -> None:
    phrase = "correct horse battery staple"
    out, _ = masked({"P": phrase}, [b"is correct horse\n   batt", b"ery staple."])
    assert out == b"is ***\n   ."


def test_a_secret_in_many_colours_is_found() -> None:
    text = b"".join(b"\x1b[38;5;%dm%b" % (at, TOKEN[at : at + 4].encode()) for at in range(0, len(TOKEN), 4))
    out, count = masked({"T": TOKEN}, [text[:50], text[50:]])
    assert count == 1
    assert out.count(b"\x1b[38;5;") == len(range(0, len(TOKEN), 4))
    assert re.sub(rb"\x1b\[[0-9;]*m", b"", out) == b"***"


@pytest.mark.parametrize(
    "shown",
    [
        lambda s: s.encode().hex(),
        lambda s: s.encode().hex().upper(),
        lambda s: s.encode().hex()[:60] + "\n" + s.encode().hex()[60:],
        lambda s: s.encode("utf-16-le").decode("latin-1"),
        lambda s: s.encode("utf-16-be").decode("latin-1"),
        lambda s: html.escape(s),
        lambda s: repr(s.encode()),
        lambda s: s.replace("'", "''"),
        lambda s: json.dumps(s).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"),
        lambda s: "".join(f"\\u{ord(c):04X}" if c in "\"&<>'+`" else "\\\\" if c == "\\" else c for c in s),
        lambda s: urllib.parse.quote(s, safe="*").replace("%20", "+").lower() if s.isalnum() else s,
    ],
)
@pytest.mark.parametrize("secret", [TOKEN, "a&b<c>d\"e'f+g\\h`i$j%k?"])
def test_more_ways_to_write_one(secret: str, shown) -> None:  # type: ignore[no-untyped-def]
    text = shown(secret).encode("latin-1")
    out, count = masked({"S": secret}, [b"before " + text[:9], text[9:] + b" after"])
    assert count >= 1
    assert len(out) <= len(b"before ''*** after") + 4


def test_hostile_text_takes_no_long_time() -> None:
    """What backtracks would run into the time limit of the test."""
    mask = Mask({"T": TOKEN})
    for text in (b" " * 200_000, b"\n" * 200_000, b"\x1b[" * 100_000, b"ghp_\n" * 40_000, b"|\r" * 100_000):
        mask.feed(text)
        mask.feed(text + TOKEN.encode())
    for at in range(3000):
        mask.feed(b" \n"[at % 2 : at % 2 + 1])
    assert len(mask._held) < 5000
