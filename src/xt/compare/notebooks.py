"""Notebooks (nbformat 4) as what is in them, without what every execution changes."""

from __future__ import annotations

from typing import Any


def comparable(notebook: Any) -> Any:
    """Take out execution counts and the ids of cells, and join texts that are stored as lists of lines.

    Args:
        notebook: parsed; anything that is no notebook is given back as it is.
    """
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        return notebook
    return {**notebook, "cells": [_cell(cell) for cell in notebook["cells"]]}


def _cell(cell: Any) -> Any:
    if not isinstance(cell, dict):
        return cell
    kept = {key: value for key, value in cell.items() if key not in ("execution_count", "id")}
    if "source" in kept:
        kept["source"] = _joined(kept["source"])
    if isinstance(kept.get("outputs"), list):
        kept["outputs"] = [_output(output) for output in kept["outputs"]]
    return kept


def _output(output: Any) -> Any:
    if not isinstance(output, dict):
        return output
    kept = {key: value for key, value in output.items() if key != "execution_count"}
    if "text" in kept:
        kept["text"] = _joined(kept["text"])
    if isinstance(kept.get("data"), dict):
        kept["data"] = {kind: _joined(value) for kind, value in kept["data"].items()}
    return kept


def _joined(value: Any) -> Any:
    """A text that may be stored as a list of lines with their ends."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return value
