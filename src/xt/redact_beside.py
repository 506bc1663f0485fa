"""Secrets that stand beside their name, not behind `=` or `:`: in code, JSON, XML and here-documents.

Loaded for a word of a command line that has a quote, a `<` or an `@` in it.
"""

from __future__ import annotations

import re

from xt.redact import MASK, entropy, secret_name, worth_masking

_NAME = r"(?P<q>[\"'])-{0,2}(?P<n>[A-Za-z_][\w.-]{0,80})(?P=q)"
_QUOTED = r"(?P<r>[\"'])(?P<s>[^\"'\s]{4,200})(?P=r)"
#: Groups named `s` are masked where the name is one of a secret.
_NAMED = (
    # `setdefault("API_KEY", "x")`, `["token", "x"]`, `{"name": "API_KEY", "value": "x"}`, `key="x" value="y"`
    (",", rf"{_NAME}\s{{0,3}},\s{{0,3}}(?:[\"']?[Vv]alue[\"']?\s{{0,3}}[:=]\s{{0,3}})?{_QUOTED}"),
    ("alue=", rf"=\s{{0,3}}{_NAME}\s{{1,3}}[Vv]alue=\s{{0,3}}{_QUOTED}"),
    # JSON inside of JSON.
    (
        '\\"',
        r"\\{1,3}\"(?P<n>[A-Za-z_][\w.-]{0,80})\\{1,3}\"\s{0,3}:\s{0,3}\\{1,3}\"(?P<s>[^\"\\\s]{4,200})\\",
    ),
    ("</", r"<(?P<n>[A-Za-z_][\w.-]{0,80})>(?P<s>[^<>\s]{4,200})</"),
    (
        "=>",
        r"(?<![\w.-]):?[\"']?(?P<n>[A-Za-z_][\w.-]{0,80})[\"']?\s{0,3}=>\s{0,3}[\"'](?P<s>[^\"'\s]{4,200})",
    ),
)
#: `login("me", "x")`, `auth=("me", "x")`: only what could be one.
_LOGIN = (
    r"(?i)\b(?:login|auth|authenticate|putenv|setenv)\s{0,3}=?\s{0,3}\((?:[^()\"']{0,80}[\"'][^\"']{0,80}[\"']\s{0,3},\s{0,3})?"
    r"[\"'](?P<s>[^\"'\s]{4,200})[\"']\s{0,3}[,)]"
)
_IN_SQL = r"(?i)\bpassword\s{0,3}\(\s{0,3}'(?P<s>[^'\s]{4,200})'\s{0,3}\)"
#: What a tool reads from its standard input, given as a here-string.
_HERE = (
    r"(?:-stdin\b|--with-token\b|\bsudo\s+-\w*S|\bchpasswd\b|\bpasswd\b)[^|;&<]{0,200}<<<\s{0,3}"
    r"(?P<r>[\"']?)(?P<s>[^\"'\s;|&]+)(?P=r)"
)
#: `me:x@host`, as tools take it that know no URL.
_LOGIN_AT = (
    r"(?P<u>[\w.+-]{1,64}:)(?P<s>[^\s/@:]{8,200})(?P<h>@(?:localhost|[A-Za-z][\w-]*(?:\.[\w-]+)+)(?:/\S*)?)"
)
#: Of an address, what stands so in front of one.
_KINDS = ("mailto:", "user:", "group:", "serviceaccount:", "acct:", "sip:", "xmpp:")


def mask_beside(word: str) -> str:
    """Mask what stands beside the name of a secret in one word of a command line."""
    for mark, pattern in _NAMED:
        if mark in word:
            word = re.sub(pattern, _named, word)
    if "(" in word:
        word = re.sub(_IN_SQL, _whole, re.sub(_LOGIN, _could_be, word))
    if "<<<" in word:
        word = re.sub(_HERE, _whole, word)
    found = re.fullmatch(_LOGIN_AT, word) if "@" in word else None
    if found and found["u"].lower() not in _KINDS and _is_password(found["s"]):
        word = f"{found['u']}{MASK}{found['h']}"
    return word


def _named(match: re.Match[str]) -> str:
    value = match["s"]
    bare = match["n"].rpartition(":")[2]
    if not secret_name(bare) or MASK in value or value.startswith("$"):
        return match[0]
    return _whole(match) if worth_masking(bare, value) else match[0]


def _could_be(match: re.Match[str]) -> str:
    return _whole(match) if worth_masking("", match["s"]) else match[0]


def _whole(match: re.Match[str]) -> str:
    if match["s"].startswith("$"):
        return match[0]
    start, end = match.start("s") - match.start(), match.end("s") - match.start()
    return match[0][:start] + MASK + match[0][end:]


def _is_password(value: str) -> bool:
    """Whether it is no name that stands so: `user:me@example.org`, `serviceAccount:ci-2024@example.org`."""
    kinds = [any(map(kind, value)) for kind in (str.isdigit, str.isupper, str.islower)]
    return all(kinds) and entropy(value) >= 2.8
