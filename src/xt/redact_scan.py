"""Where in a text something looks like a secret: code and settings before they are stored, and pushes.

Only what is hardly ever anything else: tokens that name their issuer, private keys, headers that authorise,
passwords in URLs, and what is written behind a name of a secret and could be one. A digest, a commit or a
UUID alone is none. Reads in bounded memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from xt.redact import (
    AROUND_MARKERS,
    MARKERS,
    MASK,
    clean_url,
    entropy,
    is_sure,
    name_around,
    secret_name,
    taken,
)
from xt.redact_shapes import AROUND, HEADER, ISSUED

#: Bytes that are looked at together.
WINDOW = 1 << 20
#: Bytes of a line that were looked at and are looked at again with what follows: no token is longer.
OVERLAP = 8192
#: A line that says so is left alone; the last two are what other tools of this sort obey.
ALLOWED = ("xt: allow-secret", "gitleaks:allow", "pragma: allowlist secret")
#: Words of names, and what follows one; searched one by one, which is faster than one pattern.
_WORDS = ("key", "token", "secret", "pass", "pwd", "credential", "auth")
_SET = re.compile(
    # `\"key\": \"x\"`, too, as in a notebook, and `environ["KEY"] = "x"`.
    r"[\w-]{0,30}\\{0,2}[\"']?\]?\s{0,3}(?:=>|:=|[:=])\s{0,3}\\{0,2}"
    r"(?P<q>[\"'`]?)(?P<s>[^\s\"'`,;<>(){}\[\]$]{8,200})(?P<e>[^\s]?)"
)
_SETTING = (
    r"(?<![\w.-])(?P<n>[A-Za-z_][\w.-]{0,80})[\"']?[ \t]{0,3}[:=][ \t]{0,3}"
    r"(?P<s>\"[^\"\n]*\"|'[^'\n]*'|[^\s,#;{}\[\]]+)"
)
_VALUE = r"(?P<q>[\"'`]?)(?P<s>[^\s\"'`,;<>(){}\[\]$]{8,200})"
#: Where a value stands beside its name, by what has to be there: in lists of variables, XML, a Dockerfile
#: or a script of csh, and behind an option.
_BESIDE = (
    (
        "value",
        r"(?i)\b(?:name|key)[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<n>[a-z_][\w.-]{0,80})[\"']?,?\s{1,40}"
        rf"[\"']?value[\"']?\s{{0,3}}[:=]\s{{0,3}}{_VALUE}",
    ),
    ("</", r"<(?P<n>[A-Za-z_][\w.-]{0,80})>(?P<q>)(?P<s>[^<>\s]{8,200})</"),
    ("env ", rf"(?im)^[ \t]{{0,20}}(?:env|setenv)[ \t]{{1,9}}(?P<n>[a-z_]\w{{0,80}})[ \t]{{1,9}}{_VALUE}"),
    (" --", rf"(?<=\s)--(?P<n>[A-Za-z][\w-]{{0,60}})[ \t]{{1,3}}{_VALUE}"),
)
#: Which names decide in a file of settings.
Settings = Literal["all", "sure"] | None
#: Files of settings, by their names.
SUFFIXES = (".yaml", ".yml", ".toml", ".json", ".ini", ".cfg", ".conf", ".properties", ".env")
_NO_SECRETS = ("true", "false", "none", "null", "auto", "default", "yes", "off", "required", "optional")
#: In the value of something that only shows how it is done.
_PLACEHOLDERS = (
    *("example", "changeme", "change-me", "your", "xxxx", "placeholder", "dummy", "redacted", "123456789"),
    *("***", "...", "environ", "getenv", "process.env"),
)
#: A name that ends so holds what was made of a secret, or says which it is.
_ABOUT = ("HASH", "SHA", "SHA1", "SHA256", "SHA512", "MD5", "DIGEST", "CHECKSUM", "FINGERPRINT", "ID", "NAME")
_DIGEST = re.compile(r"(?i)(?:sha\d{1,3}|md5|blake\w{1,3})[:-].*")


class Sighting(NamedTuple):
    """Something that looks like a secret."""

    line: int
    """From 1."""
    what: str
    """What it looks like; never the value."""


def sightings(
    pieces: Iterable[bytes],
    mask: Callable[[bytes], bytes] | None = None,
    *,
    allowing: bool = False,
    settings: Settings = None,
) -> Iterator[Sighting]:
    """Find what looks like a secret in a text.

    Args:
        pieces: of any length; nothing is found in what has a NUL byte near its beginning.
        mask: replaces what is known to be secret; used on a window as it is.
        allowing: whether the text is somebody's own, and a line of it can say that it is no secret.
        settings: of a file of settings names decide, whatever the values look like: `all` that are secret,
            or those that leave no doubt (`sure`).
    """
    told: set[Sighting] = set()
    for before, window in _windows(pieces):
        text = window.decode("latin-1")
        places = [*_places(text), *(_settings(text, settings) if settings else ())]
        if mask is not None:
            masked = mask(window)
            if masked != window:
                places.append(
                    (_first_difference(window, masked), "the value of a secret variable or argument")
                )
        for at, what in sorted(places):
            start = text.rfind("\n", 0, at) + 1
            end = text.find("\n", at)
            line = text[start : end if end >= 0 else len(text)]
            found = Sighting(before + text.count("\n", 0, at) + 1, what)
            if found not in told and not (allowing and any(word in line for word in ALLOWED)):
                told.add(found)
                yield found


def _windows(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Cut a stream into windows of whole lines, each with the number of lines before it."""
    held = b""
    lines = 0
    first = True
    for piece in pieces:
        held += piece
        if first and len(held) >= OVERLAP:
            first = False
            if b"\0" in held[:OVERLAP]:
                return
        while len(held) >= WINDOW:
            cut = held.rfind(b"\n", 0, WINDOW) + 1
            window = held[:cut] if cut else held[:WINDOW]
            yield lines, window
            lines += window.count(b"\n")
            held = held[cut:] if cut else held[WINDOW - OVERLAP :]
    if held and not (first and b"\0" in held[:OVERLAP]):
        yield lines, held


def _places(text: str) -> Iterator[tuple[int, str]]:
    if any(marker in text for marker in MARKERS):
        for shape in ISSUED:
            if shape.applies(text):
                for match in shape.compiled().finditer(text):
                    yield match.start(), shape.what
    if any(marker in text for marker in AROUND_MARKERS):
        for shape in AROUND:
            if shape.applies(text):
                for match in shape.compiled().finditer(text):
                    if is_value(match["s"]) and (shape is not HEADER or is_header(match)):
                        yield match.start("s"), shape.what
    yield from _urls(text)
    lower = text.lower()
    for word in _WORDS:
        at = lower.find(word)
        while at >= 0:
            put = _SET.match(text, at)
            if put is not None:
                name = name_around(text, at)
                if _is_set(name, put["s"], quoted=bool(put["q"]), follows=put["e"]):
                    yield put.start("s"), f"a value of `{name}`"
            at = lower.find(word, at + len(word))
    for mark, pattern in _BESIDE:
        if mark in lower:
            for put in re.finditer(pattern, text):
                if _is_set(put["n"], put["s"], quoted=bool(put["q"]), follows=""):
                    yield put.start("s"), f"a value of `{put['n']}`"


def is_header(match: re.Match[str]) -> bool:
    """Whether it is no code that names a header, `authorization=self.token`, nor words: `bearer of-what`."""
    value = match["s"]
    if re.fullmatch(r"[a-z]+(?:[-_.][a-z]+)*\W*", value):
        return False
    scheme = match[0][: match.start("s") - match.start()].lower().rstrip().endswith(("basic", "bearer"))
    said = scheme or (any(c.isdigit() for c in value) and entropy(value) >= 2.8)
    return said and "(" not in value and "." not in value[:8]


def _settings(text: str, which: Settings) -> Iterator[tuple[int, str]]:
    for match in re.finditer(_SETTING, text):
        value = match["s"].strip("\"'")
        said = value.lower() not in _NO_SECRETS and not re.fullmatch(r"[\d.]+", value)
        if which == "sure" and (len(value) < 8 or not is_sure(match["n"])):
            continue
        if said and secret_name(match["n"]) and is_value(value):
            yield match.start("s"), f"a value of `{match['n']}`"


def _urls(text: str) -> Iterator[tuple[int, str]]:
    at = text.find("://")
    while at >= 0:
        start = max(text.rfind("\n", 0, at) + 1, at - OVERLAP)
        end = text.find("\n", at)
        end = min(end if end >= 0 else len(text), at + OVERLAP)
        line = text[start:end]
        if ("@" in line or "=" in line) and any(is_value(word) for word in taken(line, clean_url(line))):
            yield at, "a password or token in a URL"
        at = text.find("://", end)


def is_value(value: str) -> bool:
    """Whether something in the place of a secret can be one: no reference, no placeholder."""
    lower = value.lower()
    return not (
        len(value) < 4
        or MASK in value
        or value.startswith(("$", "{", "%", "<", "["))
        or any(word in lower for word in _PLACEHOLDERS)
        or lower in ("password", "passwd", "secret", "token", "pass", "user", "pw")
    )


def _is_set(name: str, value: str, *, quoted: bool, follows: str) -> bool:
    """Whether what stands behind a name is a secret, and no code and no words."""
    upper = name.upper().replace("-", "_").replace(".", "_")
    if value.upper().replace("-", "_") == upper or re.match(r"\d{4}-\d\d-\d\d", value):
        return False  # a constant's own name, a time
    if upper == "KEY" or upper.endswith(_ABOUT) or not secret_name(name) or not is_value(value):
        return False
    if not any(c.isdigit() for c in value) or not any(c.isalpha() for c in value):
        return False
    if value.startswith(("/", "./", "../", "~", "@", "http", "s3:", "gs:", "&", "!")) or _DIGEST.fullmatch(
        value
    ):
        return False
    if quoted:
        return entropy(value) >= 2.8
    # Not quoted it may be code: a call, an index, a name.
    if follows in ("(", "[", "{") or "://" in value:
        return False
    if re.fullmatch(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", value) and ("_" in value or "." in value):
        return entropy(value) >= 4.2
    return entropy(value) >= (2.8 if is_sure(name) else 3.3)


def _first_difference(one: bytes, other: bytes) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
