"""What looks like a secret in what is about to leave: only shapes that are hardly ever anything else."""

from __future__ import annotations

import re

from xt.redact import MASK, clean_url, header_values, vendor_tokens

#: Keys of AWS have a name and a length, and nothing in them that tells what they are.
_AWS = re.compile(
    r"(?i)aws_?secret_?(?:access_?)?key[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<s>[0-9a-z/+]{40})(?![0-9a-z/+=])"
)
#: Bytes of one content that are looked at.
LOOKED_AT = 1 << 20


def suspect(data: bytes) -> int | None:
    """Find the first line of a text in which something looks like a secret: a token, a password in a URL.

    Args:
        data: of which the first `LOOKED_AT` bytes are looked at.

    Returns:
        Its number, from 1; None when there is none, or it is no text.
    """
    head = data[:LOOKED_AT]
    if b"\0" in head[:8192]:
        return None
    text = head.decode("utf-8", "replace")
    places = [text.find(found) for found in (*vendor_tokens(text), *header_values(text)) if MASK not in found]
    places += [match.start("s") for match in _AWS.finditer(text)]
    if places:
        return text.count("\n", 0, min(places)) + 1
    if "://" in text and ("@" in text or "=" in text):
        for number, line in enumerate(text.split("\n"), 1):
            if "://" in line and clean_url(line) != line:
                return number
    return None
