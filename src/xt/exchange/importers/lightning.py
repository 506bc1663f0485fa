"""Lightning's CSVLogger: `metrics.csv`, a row whenever something is logged, and `hparams.yaml`."""

from __future__ import annotations

import os

from xt.exchange.importers import Sink
from xt.exchange.importers.documents import settings_file, table

#: Columns that say when.
_WHEN = ("step", "epoch")


def read(path: str, sink: Sink) -> None:
    """Read the log that a `metrics.csv` is; see `xt.exchange.importers`.

    Raises:
        MalformedError: it is no table.
        OSError: it cannot be read.
    """
    odd: dict[str, None] = {}
    for row in table(path, ","):
        step = row.get("step")
        for name, cell in row.items():
            if name not in _WHEN and not sink.point(name, cell, step):
                odd[name] = None
    if odd:
        first, *more = odd
        others = f", and so have {len(more)} more columns" if more else ""
        sink.doubt(f"`{first[:60]}` has cells that are no number, which are left out{others}")
    settings_file(f"{os.path.dirname(path)}/hparams.yaml", sink)
