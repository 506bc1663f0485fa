"""Credentials in URLs: userinfo (RFC 3986, 3.2.1), tokens in the query, git's short form."""

from __future__ import annotations

import re

from xt.redact import MASK, entropy, secret_name, vendor_tokens, words

#: User names that say that the password is a token, or the token itself stands in their place.
_TOKEN_USERS = words("x-access-token x-oauth-basic x-token-auth oauth2 gitlab-ci-token token __token__")
#: Characters of one URL that are looked at, so that hostile text takes no quadratic time.
LONGEST = 4096
_END = r"[\s\"'<>`|\\^]"
#: Names of query parameters that `secret_name` does not know.
_QUERY = words(
    "sig key code sas googleaccessid odbc_connect key-pair-id policy x-amz-credential x-goog-credential"
)
#: One that was taken for a path, which has lost a slash.
_AS_PATH = (
    r"(?i)\b((?:https?|ftps?|sftp|ssh|postgres(?:ql)?|mysql|mongodb(?:\+srv)?|rediss?|amqps?|s3):/"
    r"[^\s/@:]{0,100}:)[^\s/@]{1,200}@"
)


def mask_urls(text: str) -> str:
    """Do the work of `xt.redact.clean_url`."""
    if ":/" in text:
        text = re.sub(_AS_PATH, rf"\1{MASK}@", text)
    if "://" not in text:
        return _short_form(text)
    parts = []
    at = 0
    while (mark := text.find("://", at)) >= 0:
        parts.append(text[at : mark + 3])
        web = text[at:mark].lower().endswith(("http", "https"))
        limit = min(mark + LONGEST, len(text))
        end = re.compile(_END).search(text, mark + 3, limit)
        at = end.start() if end else limit
        info, rest = authority(text[mark + 3 : at])
        nested = rest.find("://")
        if nested >= 0:  # as in `?next=https://…`: look at the inner one by itself
            at -= len(rest) - nested
            rest = rest[:nested]
        parts.append((_userinfo(info, web) + "@" if info else "") + _query(rest))
    return "".join(parts) + text[at:]


def authority(rest: str) -> tuple[str, str]:
    """Split what follows `://`.

    Returns:
        Userinfo ('' when there is none), and what follows its `@`.
    """
    stop = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    at = rest.rfind("@", 0, stop)
    if at < 0 and "@" in rest[stop:]:
        # A password with an unescaped `/`, `?` or `#`: then what follows the colon is no port.
        port = rest[:stop].partition(":")[2]
        if port and not port.isdigit() and not rest.startswith("["):
            at = rest.find("@", stop)
    return (rest[:at], rest[at + 1 :]) if at >= 0 else ("", rest)


def _userinfo(text: str, web: bool) -> str:
    user, colon, password = text.partition(":")
    token = user.lower() in _TOKEN_USERS or next(vendor_tokens(user), None) is not None
    if not token and len(user) >= 20:
        token = entropy(user) >= 3.0 and any(char.isdigit() for char in user)
    # Of the web's addresses a user alone is a token: `https://TOKEN@host`.
    if token or (web and not colon) or password == "x-oauth-basic" or (colon and not user):  # noqa: S105
        return MASK
    return f"{user}:{MASK}" if colon else user


def _query(rest: str) -> str:
    if "=" not in rest or not ("?" in rest or "#" in rest):
        return rest
    start = min(at for at in map(rest.find, "?#") if at >= 0) + 1
    pieces = re.split(r"([&;#?])", rest[start:])
    for index, piece in enumerate(pieces):
        name, equals, value = piece.partition("=")
        if equals and value and (name.lower() in _QUERY or secret_name(name)):
            pieces[index] = f"{name}={MASK}"
    return rest[:start] + "".join(pieces)


def _short_form(text: str) -> str:
    """Mask the user of git's `user@host:path` when it is a token or has a password."""
    info, _, host = text.partition("@")
    # Not `python:3.12@sha256:…`, which pins an image.
    if (
        not info
        or ":" not in host
        or info.startswith("mailto:")
        or re.search(r"[\s/=]", info)
        or re.match(r"[a-z0-9]+:[0-9a-f]{32}", host)
    ):
        return text
    return f"{_userinfo(info, web=False)}@{host}"
