"""Text as nobody should write it, for hypothesis, and what must not reach a terminal."""

from __future__ import annotations

import re

from hypothesis import strategies as st
from rich.cells import cell_len

from xt.model.text import Text, from_text, to_text

#: What moves a cursor, sets a title, reorders or hides text, or breaks a line where none should be.
FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
SGR = re.compile("\x1b\\[[0-9;]*m")

NASTY = [
    "\x1b]0;title\x07",
    "\x1b]52;c;aGk=\x07",
    "\x9b2J",
    "\x90q\x9c",
    "\x1b[2J\x1b[H",
    "a\rb",
    "a\nb",
    "a\tb",
    "\u202egnp.exe",
    "\u200b\u2066\ufeff",
    "漢字仮名交じり文" * 4,
    "👩\u200d💻👍🏽❤\ufe0f1\ufe0f\u20e3",
    "e\u0301" * 30 + "\u0301" * 30,
    "\udcff\udc80",
    " " * 90,
    "x" * 200,
    "/".join(["part"] * 40),
    "\U000e0041\U000e0042",
    "",
]
plain = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=60), st.text(alphabet=st.characters(), max_size=20)
)
#: What a record can hold: JSON has no lone surrogates, and no word of a command a NUL.
words = plain.map(lambda text: text.encode("utf-8", "replace").decode().replace("\0", "\1"))


def _raw(data: bytes) -> Text:
    return to_text(data.replace(b"\0", b"\1").decode("utf-8", "surrogateescape"))


paths = st.one_of(words, st.binary(max_size=12).map(_raw))


def startable(word: Text) -> bool:
    """Whether a word can be one of a command: any other makes a record that no xt wrote."""
    return "\0" not in from_text(word)


def assert_harmless(text: str, width: int) -> None:
    """No control character but the line end, and no line wider than the terminal."""
    assert text.endswith("\n")
    assert not FORBIDDEN.search(text), ascii(text)
    for line in text.split("\n"):
        assert cell_len(line) <= width, (cell_len(line), width, line)
