"""The line after a run."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from tests import builders
from xt.model.result import Metric
from xt.render.runline import line


@pytest.mark.parametrize("colour", [False, True])
def test_the_line_is_broken_between_its_parts_and_only_on_a_terminal(colour):
    record = builders.record()
    metrics = [Metric(name=name, value=0.972, source="m.json") for name in ("val/accuracy", "val/loss", "f1")]
    record = replace(record, result=replace(record.result, metrics=metrics))

    def told(width):
        text = line(record, 4, ("zmpztnlqsmvrxoyu", 60.0), None, colour=colour, width=width)
        return re.sub(r"\x1b\[\d+m", "", text)

    whole = told(None)
    assert "\n" not in whole
    assert len(whole) > 80
    for width in (40, 80, len(whole) - 1):
        lines = told(width).splitlines()
        assert len(lines) > 1
        assert max(map(len, lines)) <= width
        assert all(one.startswith("    ") for one in lines[1:])
        assert " ".join(one.strip() for one in lines) == whole
    assert told(len(whole)) == whole
