"""TOML out of files that others wrote."""

from __future__ import annotations

import re
import tomllib
from typing import Any

_KEY = r"(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')"
#: A key of very many parts, which `tomllib` needs quadratic time for: half a minute for 40 KB.
_DOTTED = re.compile(rf"(?:^|[{{,\[])[ \t]*+{_KEY}(?:[ \t]*+\.[ \t]*+{_KEY}){{200}}", re.MULTILINE)


def loads(text: str) -> dict[str, Any]:
    """Parse a document.

    Raises:
        tomllib.TOMLDecodeError: it is not TOML, or a key has very many parts; with the line.
        ValueError: it holds a number of too many digits.
        RecursionError: it is nested too deeply.
    """
    found = _DOTTED.search(text) if text.count(".") >= 200 else None
    if found:
        line = text.count("\n", 0, found.end()) + 1
        raise tomllib.TOMLDecodeError(f"A key of very many parts (at line {line}, column 1)")
    return tomllib.loads(text)
