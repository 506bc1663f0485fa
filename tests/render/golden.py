"""Text that is compared with a file; `UPDATE_GOLDEN=1` writes the files anew."""

from __future__ import annotations

import os
from pathlib import Path

#: Asked when this is imported: the tests themselves see no variables.
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"
FOLDER = Path(__file__).parent / "golden"


def check(name: str, text: str) -> None:
    """Compare text with `golden/NAME.txt`, or `golden/NAME` if that has an ending."""
    path = FOLDER / (name if "." in name else f"{name}.txt")
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"no {path.name}: UPDATE_GOLDEN=1 writes it; look at it"
    assert text == path.read_text(encoding="utf-8")
