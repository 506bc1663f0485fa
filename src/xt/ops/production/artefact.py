"""What is to be deployed: a file or folder on disk, known by its content, or an output of a run."""

from __future__ import annotations

import os
from typing import NamedTuple

from xt import codec
from xt.collect.hashing import CHANGED, NotReadError, Stamp, hash_file
from xt.collect.paths import why
from xt.collect.tree import Listing, Note, fill, manifest, walk
from xt.context import Outside
from xt.errors import NoSuchRunError, NotDeployedError, UsageError
from xt.model.files import Manifest, Output
from xt.model.result import Record
from xt.model.standing import Standing
from xt.model.text import from_text, to_shown
from xt.ops.find import resolve
from xt.ops.labels import check_word
from xt.ops.narrowing import meant, nearest
from xt.ops.production.lookups import Maker, changed_since, made_by, manifest_of
from xt.store import Store, find_root

#: Other makers that are named.
NAMED = 5


class Artefact(NamedTuple):
    """A content with the run that made it."""

    record: Record
    output: Output
    path: str
    """Of the content, as recorded: that of the output, or of a file in it."""
    digest: str
    named: str | None
    """Absolute path of what was named on disk."""
    others: list[str]
    """Ids of further runs that made the same content, the newest first."""
    despite: list[str]
    """What speaks against it, one sentence each."""
    notes: list[str]


def find(store: Store, text: str, standing: Standing, outside: Outside) -> Artefact:
    """Find what is meant.

    Args:
        store: that has the runs.
        text: a path on disk, or `REF:OUTPUT`; what is on disk is that.
        standing: which runs were put away.
        outside: for the working directory.

    Raises:
        UsageError: it is neither, or the output is not told from others.
        NoSuchRunError: the reference names no run.
        NotDeployedError: no run made the content, or the output has none.
    """
    if not text or "\0" in text:
        raise UsageError("an empty path names nothing")
    place = os.path.join(outside.cwd, text)
    if os.path.lexists(place):
        return _on_disk(store, text, place, standing, outside)
    reference, colon, output = text.partition(":")
    if not colon or not reference or not output:
        raise UsageError(
            f"there is no file `{text}`, and it is not REF:OUTPUT",
            "such as `model.bin`, `kwpz:model` (by role) or `@:out/model.bin`",
        )
    try:
        run_id = resolve(store, reference, outside)
    except NoSuchRunError as error:
        if "/" in reference:
            raise UsageError(f"there is no file `{text}`", error.hint) from error
        raise
    return _of_run(store, run_id, output, standing, outside)


def _on_disk(store: Store, text: str, place: str, standing: Standing, outside: Outside) -> Artefact:
    real = os.path.realpath(place)
    found: Manifest | None = None
    try:
        if os.path.isdir(real):
            found = _tree(real)
            digest = codec.digest_of(found)
        else:
            content = hash_file(real)
            if content.note is not None:
                raise NotDeployedError(f"`{text}` {content.note}", "wait until it is written")
            digest = "blake3:" + content.digest.hex()
    except OSError as error:
        raise UsageError(f"`{text}` cannot be read: {why(error)}", "a file or a folder") from error
    except NotReadError as error:
        raise NotDeployedError(f"`{text}`: {error}", "it must be yours to read, and at rest") from error
    made = made_by(store, digest, found)
    if not made.makers:
        raise _unknown(store, text, real, made.unreadable, outside)
    first, *others = sorted(made.makers, key=lambda maker: _preference(maker, standing))
    notes = []
    if made.unreadable:
        notes.append(
            f"{_records(made.unreadable)} cannot be read: the newest run that made it may be another"
        )
    if found is not None and first.digest != digest:
        notes.append("file modes differ from the recorded ones; the contents are the same")
    ids = [maker.record.id for maker in others if not any(_preference(maker, standing))]
    return Artefact(
        first.record,
        first.output,
        first.path,
        first.digest,
        os.path.normpath(place),
        [run for run in dict.fromkeys(ids) if run != first.record.id],
        _against(first, standing),
        notes,
    )


def _tree(real: str) -> Manifest:
    listing = Listing(real)
    walk(listing)
    fill(listing, _read)
    if listing.notes:
        path, note = next(iter(listing.notes.items()))
        raise NotDeployedError(f"`{to_shown(os.fsdecode(path))}` in it {note.text}", "it must be whole")
    return manifest(listing)


def _read(path: str, before: Stamp) -> tuple[bytes, Stamp, Note | None]:
    try:
        content = hash_file(path)
    except NotReadError as error:
        return b"", before, Note(str(error))
    except OSError as error:
        return b"", before, Note(f"cannot be read: {why(error)}", unreadable=True)
    return content.digest, content.stamp, Note(CHANGED) if content.note else None


def _preference(maker: Maker, standing: Standing) -> tuple[bool, bool, bool, bool]:
    """Sorts the run that is meant first; those alike stay as they are, the newest first."""
    repeat = maker.record.snapshot.repeat
    return (
        maker.record.result.status != "ok",
        not maker.wrote,
        standing.of(maker.record.id).removed is not None,
        repeat is not None and repeat.trial,
    )


def _against(maker: Maker, standing: Standing) -> list[str]:
    status, said = maker.record.result.status, []
    if status != "ok":
        said.append(f"the run is `{status}`")
    if not maker.wrote:
        said.append("the run did not write it: it was there before")
    if maker.output.status == "partial":
        said.append("not all of it was stored, so it is not known by all of its content")
    if standing.of(maker.record.id).removed is not None:
        said.append("the run was put away")
    return said


def _unknown(store: Store, text: str, real: str, unreadable: int, outside: Outside) -> NotDeployedError:
    """Say that no run made a content, and what is known of its path."""
    if unreadable:
        # One of them may have made it: nothing is said of what that file was before.
        return NotDeployedError(
            f"no run that can be read made the content of `{text}`; {_records(unreadable)} cannot be read",
            "`xt audit --all` names them",
        )
    before = changed_since(store, real, os.path.realpath(find_root(outside.cwd)))
    if before is not None:
        short = before[: store.shown(before)]
        return NotDeployedError(
            f"no run made this content of `{text}`",
            f"{short} made that file with another content: it was changed since",
        )
    return NotDeployedError(
        f"no run made the content of `{text}`",
        f"`xt run -o {text if ' ' not in text else 'PATH'} -- COMMAND` records how it is made",
    )


def _records(number: int) -> str:
    return f"{number} {'record' if number == 1 else 'records'}"


def _of_run(store: Store, run_id: str, named: str, standing: Standing, outside: Outside) -> Artefact:
    short = run_id[: store.shown(run_id)]
    record = store.record(run_id)
    outputs = record.result.outputs
    chosen = _chosen(outputs, named, record, outside)
    if len(chosen) > 1:
        names = ", ".join(f"`{to_shown(_path(output))}`" for output in chosen[:NAMED])
        raise UsageError(f"`{named}` is {len(chosen)} outputs of {short}: {names}", "name one by its path")
    if not chosen:
        inner = _inside(store, outputs, named)
        if inner is not None:
            output, path, digest = inner
            maker = Maker(record, output, path, digest)
            return Artefact(record, output, path, digest, None, [], _against(maker, standing), [])
        near = nearest(named, [_path(output) for output in outputs])
        have = ", ".join(f"`{to_shown(_path(output))}` ({output.role})" for output in outputs[:NAMED])
        hint = f"did you mean `{near}`?" if near else f"it has {have}" if have else "it declared none: `-o`"
        raise NotDeployedError(f"run {short} has no output `{named}`", hint)
    output = chosen[0]
    if output.digest is None:
        reason = output.reason or ("a link" if output.kind == "link" else "it was not stored")
        raise NotDeployedError(
            f"the content of `{to_shown(_path(output))}` of {short} is not known: {reason}",
            "only a file whose content the run recorded can be deployed",
        )
    maker = Maker(record, output, _path(output), output.digest)
    return Artefact(record, output, maker.path, maker.digest, None, [], _against(maker, standing), [])


def _path(output: Output) -> str:
    return from_text(output.path or output.declared)


def _chosen(outputs: list[Output], named: str, record: Record, outside: Outside) -> list[Output]:
    """By declared or recorded path, else by role, else by the end of the path."""
    plain = os.path.normpath(named)
    project = from_text(record.snapshot.context.project)
    exact = [o for o in outputs if plain in (os.path.normpath(from_text(o.declared)), _path(o))]
    if not exact:
        paths = meant(named, map(_path, outputs), outside.cwd, find_root(outside.cwd), project)
        exact = [output for output in outputs if _path(output) in paths]
    # One file that is declared in two roles is one content.
    exact = list({(_path(output), output.digest): output for output in exact}.values())
    if exact:
        return exact
    by_role = [output for output in outputs if output.role == named]
    ending = [output for output in outputs if f"/{_path(output)}".endswith(f"/{plain}")]
    return by_role or ending


def _inside(store: Store, outputs: list[Output], named: str) -> tuple[Output, str, str] | None:
    """A file in a folder that is an output: output, path, digest."""
    plain = os.path.normpath(named)
    for output in outputs:
        top = _path(output)
        if output.kind not in ("tree", "glob") or output.digest is None:
            continue
        found = manifest_of(store, output.digest)
        for entry in found.entries if found is not None else []:
            path = os.path.normpath(os.path.join(top, from_text(entry.path)))
            if path == plain and entry.digest is not None:
                return output, path, entry.digest
    return None


def check_name(name: str) -> None:
    """See that an environment can have this name.

    Raises:
        UsageError: it cannot.
    """
    check_word("name of an environment", name)
    if name == "hook":
        raise UsageError("`hook` cannot be an environment", "it is a key of `[deploy]`")
