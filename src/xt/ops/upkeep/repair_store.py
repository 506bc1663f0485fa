"""Mend the store itself, and what can be made again."""

from __future__ import annotations

import os

from xt import codec, fsio
from xt.model.sync import Pulled
from xt.ops.upkeep.aside import put_aside
from xt.ops.upkeep.looking import Suspect
from xt.ops.upkeep.mending import Mending
from xt.store import layout
from xt.store.index.checking import rebuild
from xt.store.remote import Remote, names


def format_file(mending: Mending, suspect: Suspect) -> None:
    """Write the file that says that it is a store."""
    if any(one.code == "record-newer" for one in mending.look.suspects):
        suspect.hint = "a newer xt wrote here: it knows which format this is"
        return
    store = mending.store.path
    if fsio.is_there(f"{store}/format"):
        suspect.aside = put_aside(store, "format")
    fsio.write_atomic(f"{store}/format", f"xt-store {layout.FORMAT}\n".encode())
    layout.create(store, foreign=True)
    suspect.repaired = "written again"


def key(mending: Mending, suspect: Suspect) -> None:
    """Make a new secret."""
    store = mending.store.path
    if fsio.is_there(f"{store}/key"):
        suspect.aside = put_aside(store, "key")
    layout.create(store, foreign=True)
    suspect.repaired = (
        "a new one; masked variables of earlier runs cannot be compared with those of later ones"
    )


def pull_note(mending: Mending, suspect: Suspect) -> None:
    """Say anew where a run came from, as far as it can be found out."""
    assert suspect.path is not None
    run = next(iter(suspect.runs))

    def question(remote: Remote) -> str | None:
        return None if remote.size(names.of_run(run)) is None else remote.url

    found = mending.sources.places.ask(question)
    note = Pulled(found[1].name, found[0]) if found is not None else Pulled("?", "")
    suspect.aside = put_aside(mending.store.path, suspect.path)
    fsio.write_atomic(f"{mending.store.path}/{suspect.path}", codec.encode(note))
    suspect.repaired = (
        f"it came from the remote `{note.remote}`" if found else "where it came from is not known"
    )


def index(mending: Mending, suspect: Suspect) -> None:
    """Make the index anew."""
    assert suspect.path is not None
    path = f"{mending.store.path}/{suspect.path}"
    if os.path.lexists(path) and (os.path.islink(path) or not os.path.isfile(path)):
        suspect.aside = put_aside(mending.store.path, suspect.path)
    rebuild(mending.store)
    suspect.repaired = "made anew"
