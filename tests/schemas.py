"""Validators of JSON Schema."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import Any

import pytest

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"


@functools.cache
def validator(name: str) -> Any:
    """For what `docs/reference/NAME.schema.json` describes."""
    found = json.loads((REFERENCE / f"{name}.schema.json").read_text())
    with pytest.MonkeyPatch.context() as without:
        if "jsonschema" not in sys.modules:
            # It builds the grammar of a format that nothing here has: two seconds.
            without.setitem(sys.modules, "rfc3987_syntax", None)
        import jsonschema
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)
