"""Two contents, whatever they are: the one function others call."""

from __future__ import annotations

import importlib.util
import zlib
from collections.abc import Iterator

from msgspec.structs import replace

from xt.compare import COMPARATORS, Content, Rule, UnreadableError
from xt.compare.content import CHUNK, Spooled, read_up_to
from xt.compare.jsonable import encodable
from xt.compare.octets import same
from xt.compare.texts import textual
from xt.errors import XtError
from xt.model.delta import Delta
from xt.registry import Row

#: Bytes that a compressed file may unpack to.
UNPACKED = 1_000_000_000


def compare(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare two contents whose bytes may differ.

    The comparator is chosen by the names, or by a look at the first 64 KB of both. One that fails, for
    whatever reason, is replaced by a comparison of bytes that says why; then the relation is `changed`.

    Args:
        left: one content.
        right: its counterpart.
        rule: what counts as equal.
        path: of the result, such as `outputs/model.npz`.

    Returns:
        `same` only for the same bytes, `within` for other bytes of the same content; `unknown` when one of
        them cannot be read at all.
    """
    try:
        if same(left, right):
            return Delta(path, "same")
        if rule.exact:
            return encodable(_run("bytes", left, right, rule, path))
        delta = _compare(left, right, rule, path, unpack=True)
        # The bytes differ: what agrees by its content is equal, and not identical.
        delta = replace(delta, relation="within") if delta.relation == "same" else delta
        return encodable(delta)
    except OSError as error:
        why = error.strerror or str(error)
    except (XtError, UnreadableError) as error:
        why = str(error)
    return encodable(Delta(path, "unknown", change="changed", note=f"cannot be read: {why}"))


def row_for(name: str) -> Row | None:
    """The comparator that claims a name, by its longest suffix; None when none does."""
    name = name.lower()
    claims = [(len(claim), row) for row in COMPARATORS for claim in row.claims if name.endswith(claim)]
    return max(claims, key=lambda claim: claim[0])[1] if claims else None


def _run(row: str, left: Content, right: Content, rule: Rule, path: str) -> Delta:
    delta: Delta = COMPARATORS.get(row)(left, right, rule, path)
    return delta


def _compare(left: Content, right: Content, rule: Rule, path: str, *, unpack: bool) -> Delta:
    row = row_for(left.name)
    if row is not None and row_for(right.name) != row:
        row = None
    if row is None:
        if unpack and left.name.lower().endswith(".gz") and right.name.lower().endswith(".gz"):
            return _unpacked(left, right, rule, path)
        return _plain(left, right, rule, path)
    if row.module is not None and importlib.util.find_spec(row.module) is None:
        hint = f"`pip install 'xt[{row.extra}]'` compares it {row.summary}"
        return replace(_run("bytes", left, right, rule, path), hint=hint)
    try:
        return _run(row.name, left, right, rule, path)
    except UnreadableError as error:
        why = str(error)
    except MemoryError:
        why = f"comparing it {row.summary} needs more memory than there is"
    except OSError:
        raise
    except Exception as error:
        # Whatever a hostile file makes a parser raise concerns that file alone.
        why = f"comparing it {row.summary} failed with {type(error).__name__}: {_short(str(error))}"
    return _fallen_back(left, right, path, why)


def _short(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= 120 else line[:119] + "…"


def _plain(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare contents that no comparator claims."""
    if not (textual(left) and textual(right)):
        return _run("bytes", left, right, rule, path)
    try:
        return _run("text", left, right, rule, path)
    except UnreadableError as error:
        return _fallen_back(left, right, path, str(error))


def _fallen_back(left: Content, right: Content, path: str, why: str) -> Delta:
    """Compare what cannot be compared by its parts; no tolerance applies to it."""
    kind = "text" if textual(left) and textual(right) else "bytes"
    try:
        delta = _run(kind, left, right, Rule(), path)
    except UnreadableError:
        kind = "bytes"
        delta = _run(kind, left, right, Rule(), path)
    note = f"compared by {'lines' if kind == 'text' else 'bytes'}: {why}"
    return replace(delta, relation="changed", note=f"{note}; {delta.note}" if delta.note else note)


def _unpacked(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Look inside two files of gzip, as the names within say."""
    try:
        inner = [
            Spooled(content.name[: -len(".gz")], _inflate(content), UNPACKED) for content in (left, right)
        ]
    except UnreadableError as error:
        return _fallen_back(left, right, path, str(error))
    if same(*inner):
        return Delta(path, "same", note="the same content, compressed differently")
    return _compare(inner[0], inner[1], rule, path, unpack=False)


def _inflate(content: Content) -> Iterator[bytes]:
    """Unpack gzip (RFC 1952), one member after another, in pieces of bounded size.

    Raises:
        UnreadableError: it is not gzip, is damaged, or is cut short.
    """
    with content.open() as stream:
        unpacker = zlib.decompressobj(wbits=31)
        begun = False
        data = read_up_to(stream, CHUNK)
        while data:
            try:
                piece = unpacker.decompress(data, CHUNK)
            except zlib.error as error:
                raise UnreadableError("it is not gzip, or is damaged") from error
            begun = True
            if piece:
                yield piece
            data = unpacker.unconsumed_tail
            if unpacker.eof:
                # Padding with zeros after the last member is usual on tapes.
                data = (unpacker.unused_data or read_up_to(stream, CHUNK)).lstrip(b"\0")
                unpacker = zlib.decompressobj(wbits=31)
                begun = False
            data = data or read_up_to(stream, CHUNK)
        if begun:
            raise UnreadableError("it is gzip that is cut short")
