"""Sign a run: a statement about its record, in an event beside it."""

from __future__ import annotations

import os

from xt import codec, fsio
from xt.context import Outside, timestamp
from xt.errors import reason
from xt.exchange.signing import dsse, keys
from xt.exchange.statements import record_statement
from xt.model.event import Signed
from xt.model.result import Record
from xt.ops.statements import state
from xt.store import Store


def signer(path: str, outside: Outside) -> dsse.Signer:
    """Make ready to sign.

    Args:
        path: absolute, of a private key, or of a public one whose private key an ssh-agent holds.
        outside: for variables.

    Raises:
        KeyFaultError: it cannot be used.
        UnsupportedError: what signing needs is not installed.
    """
    return keys.signer(path, fsio.relative_to(os.path.normpath(path), outside.cwd), outside.environ)


def sign(store: Store, run_id: str, key: dsse.Signer, outside: Outside) -> Signed:
    """Sign a run that has a record.

    Raises:
        NotRecordedError, DamagedError: it has none that can be read: nothing was signed.
        KeyFaultError: the key does not sign (any more).
        OSError: the signature was not written.
    """
    data = store.record_bytes(run_id)
    record = codec.decode(data, Record, f"the record of {run_id}")
    made = dsse.seal(record_statement(record, data, timestamp(outside.now())), key)
    return state(store, outside, Signed, run=run_id, envelope=made)


def at_once(store: Store, record: Record, key: dsse.Signer, outside: Outside) -> str | None:
    """Sign a run that was just sealed; what goes wrong must not touch it.

    Returns:
        Why it is not signed; None when it is.
    """
    try:
        sign(store, record.id, key, outside)
    except KeyboardInterrupt:
        return "it was interrupted"
    except Exception as error:
        return reason(error)
    return None
