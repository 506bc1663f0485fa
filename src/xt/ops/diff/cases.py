"""What differs example by example: the cases two runs were evaluated on, joined by id."""

from __future__ import annotations

from xt.compare.cases import columns_of, compare_cases
from xt.compare.rows import rows
from xt.config import CaseSettings
from xt.model.delta import Delta
from xt.model.files import Output
from xt.model.result import Record
from xt.model.text import from_text
from xt.ops.diff.contents import Stored
from xt.store import Store
