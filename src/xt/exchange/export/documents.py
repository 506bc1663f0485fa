"""`json`: records as they were sealed, with what was said of them later."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from xt import codec
from xt.exchange import Exported, Options
from xt.exchange.target import Target
from xt.model.exported import Report
from xt.model.text import to_text


def export(subjects: Iterable[Exported], to: Target, options: Options) -> Report:
    """Write `xt.runs/1`, one run at a time; of a record every byte, since its seal is of these."""
    del options  # a record without its host would not be what was sealed
    with to.file() as file:
        # The keys are in order, as canonical JSON has them; nothing is written before there is a run.
        for number, subject in enumerate(subjects):
            whole = {
                "record": msgspec.Raw(subject.data.strip()),
                "name": subject.name,
                "tags": subject.tags,
                "said": subject.said,
            }
            file.write((b",\n" if number else b'{"runs":[\n') + codec.encode(whole).strip())
        file.write(b'\n],"schema":"xt.runs/1"}\n')
    return Report(to_text(to.shown))
