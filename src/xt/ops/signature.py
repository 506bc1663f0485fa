"""`xt audit --signature`: who of those one trusts signed a run, and is it still what was signed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Literal, NamedTuple

from xt import codec
from xt.context import Outside
from xt.errors import DamagedError, NotRecordedError, XtError
from xt.exchange.signing import dsse, signers
from xt.exchange.signing.signers import Trusted
from xt.model.event import Signed
from xt.model.result import Record, labelled
from xt.model.signature import Checked, Lost, Signatures
from xt.model.statement import RecordStatement
from xt.model.text import Text, from_text, to_shown, to_text
from xt.ops.code_trees import CodeFiles
from xt.ops.contents import Contents
from xt.ops.holdings import Held, Holdings
from xt.ops.show import Page
from xt.store import Store, events

_NO_TRUST = "nothing says whom to trust"


class Trust(NamedTuple):
    """Whom the caller trusts."""

    keys: list[Trusted]
    notes: list[str]
    """Lines of files of allowed signers that trust nobody."""
    named: bool
    """Whether anything was said about it."""


def trust(outside: Outside, allowed: list[str], keys: list[str]) -> Trust:
    """Read whom the caller trusts.

    Args:
        outside: of the caller.
        allowed: files of allowed signers, as they were typed.
        keys: files of public keys, as they were typed.

    Raises:
        KeyFaultError: one cannot be read.
        UnsupportedError: what checking needs is not installed.
    """
    found = Trust([], [], bool(allowed or keys))
    for path in allowed:
        read = signers.read(os.path.join(outside.cwd, path), path)
        found.keys.extend(read.trusted)
        found.notes.extend(f"{path}, {note}" for note in read.passed_over)
    found.keys.extend(signers.one(os.path.join(outside.cwd, path), path) for path in keys)
    return found


class _Run(NamedTuple):
    """The run as it is here."""

    id: str
    seal: str
    sha256: str


def check(store: Store, run_id: str, trusted: Trust, outside: Outside) -> Signatures:
    """Check all signatures of a run and everything stored that its record names.

    Args:
        store: that has it.
        run_id: whole.
        trusted: whose signatures count.
        outside: for git.

    Raises:
        NotRecordedError: it has no record.
        DamagedError: its record is not what was sealed.
    """
    data = store.record_bytes(run_id)
    record = codec.decode(data, Record, f"the record of {run_id}")
    if record.id != run_id:
        raise DamagedError(f"the record of {run_id} says it is of {record.id!r}")
    here = _Run(run_id, record.seal, hashlib.sha256(data).hexdigest())
    signed, doubts = events.signatures(store.path, run_id)
    checked = [_checked(event, here, trusted) for event in signed]
    whole, lost = _contents(store, record, outside)
    valid, why = _verdict(checked, lost, doubts, trusted)
    return Signatures(
        run=run_id,
        shown=store.shown(run_id),
        seal=record.seal,
        valid=valid,
        why=why,
        signatures=checked,
        whole=whole,
        lost=lost,
        purpose=record.snapshot.context.purpose,
        notes=[
            *trusted.notes,
            *(f"an event cannot be read, which may be a signature: {path}" for path in doubts),
        ],
    )


def _verdict(
    checked: list[Checked], lost: list[Lost], doubts: list[str], trust: Trust
) -> tuple[bool | None, str]:
    good = next((one for one in checked if one.verdict == "valid"), None)
    refused = next((one for one in checked if one.verdict == "refused"), None)
    damaged = next((item for item in lost if item.state == "damaged"), None)
    if damaged is not None:
        return False, f"what is stored of it is not what it was: {damaged.reason}"
    if good is None:
        if not checked:
            return (None, "no signature can be read") if doubts else (False, "it is not signed")
        if not trust.named:
            return (False, f"refused: {refused.reason}") if refused is not None else (None, _NO_TRUST)
        if refused is not None:
            return False, f"refused: {refused.reason}"
        return False, "nobody that is trusted signed it"
    if lost:
        return None, f"signed, but not all of it is here: {lost[0].reason}"
    return True, f"signed by {good.who or good.keys[0]}"


def _checked(event: Signed, here: _Run, trust: Trust) -> Checked:
    """Judge one signature."""
    named = list(dict.fromkeys(one.keyid for one in event.envelope.signatures))
    try:
        statement = codec.decode(dsse.payload(event.envelope), RecordStatement, "the statement")
        made_by = dsse.signed_by(event.envelope, trust.keys)
    except dsse.MalformedError as error:
        return Checked(event.id, "refused", named, reason=str(error))
    except DamagedError as error:
        return Checked(event.id, "refused", named, reason=error.message)
    at = statement.predicate.signed_at
    reason = _mismatch(statement, here)
    if reason is None and not made_by:
        stranger = not set(named) & {key.keyid for key in trust.keys}
        if stranger or not trust.keys:
            return Checked(event.id, "unknown", named, signed_at=at, reason="its key is not trusted")
        reason = "it is not a signature of the key it names"
    if reason is None:
        reason = _misnamed(event, made_by)
    if reason is not None:
        return Checked(event.id, "refused", named, signed_at=at, reason=reason)
    try:
        moment = datetime.fromisoformat(at or "")
        holding = [key for key in made_by if moment.tzinfo is not None and key.holds_at(moment)]
    except ValueError:
        holding = []
    if not holding:
        keys = [key.keyid for key in made_by]
        return Checked(event.id, "refused", keys, made_by[0].who, at, "its key was not trusted at that time")
    return Checked(event.id, "valid", [holding[0].keyid], holding[0].who, at)


def _mismatch(statement: RecordStatement, here: _Run) -> str | None:
    """Why what was signed is not this run."""
    said = statement.predicate
    if said.run != here.id:
        return f"it is a signature of another run: {said.run}"
    if [one.digest.get("sha256") for one in statement.subject] != [here.sha256] or said.seal != here.seal:
        return "the record is not the one that was signed"
    return None


def _misnamed(event: Signed, made_by: list[Trusted]) -> str | None:
    """Why the keys that are named are not those that signed: no signer makes that mistake."""
    names = {one.keyid for one in event.envelope.signatures if one.keyid}
    wrong = sorted(names - {key.keyid for key in made_by})
    return (
        f"it names the key {wrong[0]}, which did not make it" if len(names) == len(wrong) and wrong else None
    )


def _contents(store: Store, record: Record, outside: Outside) -> tuple[dict[str, int], list[Lost]]:
    """Read everything of a run that was stored as its effect."""
    whole = {"outputs": 0, "logs": 0, "metrics": 0}
    lost: list[Lost] = []
    with CodeFiles(store, record.snapshot, outside) as code:
        contents = Contents(store, record.snapshot, code)
        page = Page(record.id, len(record.id), record.snapshot, record.started_at, record, record.seal, None)
        holdings = Holdings(store, page, contents, outside.umask)
        for item in record.result.outputs:
            if item.digest is not None and item.kind != "file" and not store.objects.has(item.digest):
                where = item.declared if item.path is None else item.path
                lost.append(
                    Lost("outputs", where, "missing", f"the list of files of `{_shown(where)}` is not here")
                )
                continue
            _read_all("outputs", holdings.of_output(item), whole, lost)
        _read_all("logs", holdings.of("logs"), whole, lost)
    result = record.result
    tables = [(f"cases of {_shown(item.source)}", item.digest) for item in result.derived]
    series = [(labelled(metric.name, metric.labels), metric.series) for metric in result.metrics]
    logs = [("the times of the logs", result.logs.timing)]
    for rank in result.ranks:
        streams = rank.logs.streams if rank.logs is not None else []
        logs += [(f"{stream.name} of rank {rank.rank}", stream.digest) for stream in streams]
    _read_all("outputs", _objects(store, tables), whole, lost)
    _read_all("logs", _objects(store, logs[1:]), whole, lost)
    _read_all("logs", _objects(store, logs[:1]), dict(whole), lost)
    _read_all("metrics", _objects(store, series), whole, lost)
    return whole, lost


def _objects(store: Store, named: Iterable[tuple[str, str | None]]) -> Iterator[Held]:
    """What has no path of its own, by a name for people and its digest; None where nothing was stored."""
    for name, digest in named:
        if digest is not None:
            yield Held("outputs", name, digest=digest, open=partial(store.objects.stream, digest), lost=True)


def _read_all(
    what: Literal["outputs", "logs", "metrics"], held: Iterator[Held], whole: dict[str, int], lost: list[Lost]
) -> None:
    for one in held:
        found = _read(one)
        if found is None:
            whole[what] += one.form == "file" and one.open is not None
        else:
            state, reason = found
            lost.append(Lost(what, to_text(one.path), state, f"`{to_shown(one.path)}`: {reason}"))


def _shown(where: Text) -> str:
    return to_shown(from_text(where))


def _read(held: Held) -> tuple[Literal["damaged", "missing"], str] | None:
    """Read one path to its end; say what is wrong with it."""
    if held.open is None:
        return ("damaged", held.reason or "it is damaged") if held.lost else None
    try:
        pieces: Iterator[bytes] | None = held.open()
        if pieces is None:
            return "missing", held.reason or "its content is not here"
        for _ in pieces:
            pass
    except NotRecordedError as error:
        return "missing", error.message
    except XtError as error:
        return "damaged", error.message
    return None
