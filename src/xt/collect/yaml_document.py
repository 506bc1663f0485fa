"""A YAML file of settings or metrics → plain values. A leaf."""

from __future__ import annotations

from typing import Any

from xt.collect.documents import DocumentError
from xt.safe_yaml import YamlFaultError, load


def parse(data: bytes) -> Any:
    """Read one document.

    Raises:
        DocumentError: it is malformed, holds more than one document, or passes a bound.
    """
    try:
        return load(data)
    except YamlFaultError as error:
        raise DocumentError(error.message, error.line) from error
