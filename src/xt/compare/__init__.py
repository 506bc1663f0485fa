"""Comparators: one small file per family of content, found by the name of what is compared.

A comparator is a function `(left: Content, right: Content, rule: Rule, path: str) -> Delta`. It is asked
only about contents whose bytes differ, and says `within` (equal by the rule, with the largest deviation
and where it is) or `changed` (with a summary a person can act on), or `same` when only the packaging
differs. It reads in bounded memory, executes nothing of what it reads, and raises `UnreadableError` when the
content is not what its name says; `contents` then compares bytes and says so.
"""

from __future__ import annotations

from typing import BinaryIO, Protocol

import msgspec

from xt.registry import Row, Table


class UnreadableError(Exception):
    """The content is not what its name says, or is too large to be compared by its parts: a clause why."""


class Content(Protocol):
    """One side: immutable bytes that can be read more than once."""

    @property
    def name(self) -> str:
        """Its path as recorded, for suffix and messages."""

    @property
    def size(self) -> int:
        """Bytes."""

    def open(self) -> BinaryIO:
        """Open for reading from the start; seekable; the caller closes it."""


class Rule(msgspec.Struct, frozen=True):
    """What counts as equal: the declared tolerance of one output."""

    rtol: float = 0.0
    """Relative: times the larger magnitude of the two."""
    atol: float = 0.0
    """Absolute."""
    ulp: int = 0
    """Representable numbers in between, in the type that is stored (IEEE 754)."""
    exact: bool = False
    """Bytes must agree; nothing inside is looked at to excuse a difference."""
    ignore: list[str] = []
    """Globs of parts that do not count: `/time`, `*.wall_s`, a tensor, a column, a member."""
    key: list[str] = []
    """Columns that identify a row."""


#: By what is claimed; the last one takes whatever is left.
COMPARATORS = Table(
    "comparator",
    [
        Row("json", "xt.compare.documents:compare_json", "path by path", (".json", ".ipynb", ".geojson")),
        Row("yaml", "xt.compare.documents:compare_yaml", "path by path", (".yaml", ".yml")),
        Row("toml", "xt.compare.documents:compare_toml", "path by path", (".toml",)),
        Row("csv", "xt.compare.tables:compare_csv", "row by row", (".csv", ".tsv")),
        Row("jsonl", "xt.compare.tables:compare_jsonl", "row by row", (".jsonl", ".ndjson")),
        Row("parquet", "xt.compare.parquet:compare", "row by row", (".parquet",), "tables", "pyarrow"),
        Row("npy", "xt.compare.npy:compare", "value by value", (".npy",), "arrays", "numpy"),
        Row("npz", "xt.compare.npz:compare", "array by array", (".npz",), "arrays", "numpy"),
        Row(
            *("safetensors", "xt.compare.safetensors:compare", "tensor by tensor"),
            *((".safetensors",), "arrays", "numpy"),
        ),
        Row(
            *("torch", "xt.compare.torch:compare", "tensor by tensor, never unpickled"),
            *((".pt", ".pth", ".ckpt", ".bin"), "arrays", "numpy"),
        ),
        Row(
            *("image", "xt.compare.images:compare", "pixel by pixel"),
            (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp"),
            *("images", "PIL"),
        ),
        Row("zip", "xt.compare.archives:compare_zip", "member by member", (".zip", ".whl", ".jar")),
        Row(
            *("tar", "xt.compare.archives:compare_tar", "member by member"),
            (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"),
        ),
        Row("text", "xt.compare.lines:compare", "line by line"),
        Row("bytes", "xt.compare.octets:compare", "byte by byte"),
    ],
)
