"""What people say of a run after it ended: tags, a name, notes; and putting it away."""

from __future__ import annotations

from xt.context import Outside
from xt.errors import DamagedError, NoSuchRunError, NotRecordedError, UsageError
from xt.model import runid
from xt.model.event import Named, Noted, Removed, Tagged
from xt.model.standing import Labelled, Standing
from xt.ops.find import resolve
from xt.ops.statements import standing, state
from xt.store import Store
from xt.store.events import pinned
from xt.store.launches import going_on
from xt.store.live import State

#: Characters of a note; a longer text is a document.
LONGEST = 100_000


def check_word(kind: str, word: str) -> None:
    """Make sure that a name or tag is one, and cannot be taken for another reference.

    Raises:
        UsageError: it is not one.
    """
    if not word or word.startswith(("@", "-")) or not word.isprintable() or any(map(str.isspace, word)):
        such = "`prod` or `staging`" if "environment" in kind else "`nightly` or `v2`"
        raise UsageError(f"`{word}` cannot be a {kind}", f"one word, such as {such}")
    if runid.is_prefix(word):
        raise UsageError(
            f"`{word}` could be taken for the beginning of a run id", "any other letter, digit or `-` helps"
        )


def labels(store: Store, reference: str, outside: Outside) -> Labelled:
    """Say what is said of a run.

    Raises:
        NoSuchRunError: the reference names none.
        NotRecordedError, DamagedError: it has no record, or none that can be read.
    """
    return _labelled(store, _sealed(store, reference, outside))


def tag(store: Store, reference: str, tags: list[str], outside: Outside, *, off: bool = False) -> Labelled:
    """Put tags on a run, or take them off.

    Raises:
        UsageError: one of them cannot be a tag, or is not on it.
        NoSuchRunError, NotRecordedError, DamagedError: as `labels`.
    """
    run_id = _sealed(store, reference, outside)
    now = _labelled(store, run_id).tags
    for name in tags:
        if not off:
            check_word("tag", name)
        elif name not in now:
            raise UsageError(f"`{name}` is not on it", f"its tags: {', '.join(now) or 'none'}")
    for name in dict.fromkeys(tags):
        if (name in now) == off:
            state(store, outside, Tagged, run=run_id, name=name, off=off)
    return _labelled(store, run_id)


def name(store: Store, reference: str, chosen: str | None, outside: Outside) -> Labelled:
    """Give a run a name, or take it away.

    Args:
        store: that has the run.
        reference: to it.
        chosen: one word, None for no name.
        outside: for the time and the user.

    Raises:
        UsageError: it cannot be a name, or stands for a pinned run.
        DamagedError: what is pinned cannot be told.
        NoSuchRunError, NotRecordedError, DamagedError: as `labels`.
    """
    run_id = _sealed(store, reference, outside)
    if chosen is not None:
        check_word("name", chosen)
        if chosen in pinned(store.path):
            raise UsageError(
                f"`{chosen}` is pinned, and stands for the run it is pinned on",
                f"another name, or `xt baseline set {run_id[:8]} --name {chosen} -m WHY`",
            )
    if _labelled(store, run_id).name != chosen:
        state(store, outside, Named, run=run_id, name=chosen)
    return _labelled(store, run_id)


def note(store: Store, reference: str, text: str, outside: Outside) -> Labelled:
    """Write something down about a run.

    Args:
        store: that has the run.
        reference: to it.
        text: Markdown.
        outside: for the time and the user.

    Raises:
        UsageError: there is nothing in it, or too much.
        NoSuchRunError, NotRecordedError, DamagedError: as `labels`.
    """
    run_id = _sealed(store, reference, outside)
    text = text.encode("utf-8", "backslashreplace").decode().strip()
    if not text:
        raise UsageError("the note is empty", "`xt note RUN -m TEXT`")
    if len(text) > LONGEST:
        raise UsageError(
            f"a note has at most {LONGEST} characters, this one {len(text)}", "link to a document"
        )
    state(store, outside, Noted, run=run_id, text=text)
    return _called(store, run_id)


def remove(
    store: Store, references: list[str], reason: str | None, outside: Outside, *, force: bool = False
) -> list[Labelled]:
    """Put runs away: lists and references other than ids pass over them; nothing is deleted.

    Raises:
        UsageError: one of them is pinned, or live somewhere, and `force` is not given.
        NoSuchRunError, NotRecordedError: a reference names none, or one that is still going on, or of which
            that cannot be told and `force` is not given.
    """
    chosen = list(dict.fromkeys(resolve(store, reference, outside) for reference in references))
    whole = standing(store)
    for run_id in chosen:
        _check_away(store, run_id, whole, force=force)
    for run_id in chosen:
        if whole.of(run_id).removed is None:
            state(store, outside, Removed, run=run_id, reason=reason)
    return [_called(store, run_id) for run_id in chosen]


def bring_back(store: Store, references: list[str], outside: Outside) -> list[Labelled]:
    """Undo `remove`.

    Raises:
        NoSuchRunError: an id or name is not of a run that was put away, or of more than one.
    """
    gone = removed(store)
    chosen = list(dict.fromkeys(_gone(reference, gone) for reference in references))
    for run_id in chosen:
        state(store, outside, Removed, run=run_id, reason=None, back=True)
    return [_called(store, run_id) for run_id in chosen]


def _gone(reference: str, gone: list[Labelled]) -> str:
    found = [run.id for run in gone if run.id.startswith(reference) or run.name == reference]
    if len(found) != 1 or not reference:
        are = "no run that was put away is" if not found else f"{len(found)} runs that were put away are"
        raise NoSuchRunError(f"{are} called `{reference}`", "`xt rm` lists those that were put away")
    return found[0]


def removed(store: Store) -> list[Labelled]:
    """The runs that are put away, the one put away last first."""
    whole = standing(store)
    gone = [(said.removed.id, run) for run, said in whole.runs.items() if said.removed is not None]
    return [_called(store, run, whole) for _, run in sorted(gone, reverse=True)]


def _check_away(store: Store, run_id: str, whole: Standing, *, force: bool) -> None:
    short = run_id[: store.shown(run_id)]
    if run_id in store.live_ids():
        how = _how(store, run_id)
        if how == "running" or (how == "unknown" and not force):
            hint = "a run can be put away when it has ended"
            if how == "unknown":
                hint += "; `--force` says that it has, on its host"
            raise NotRecordedError(f"{short} may still be going on", hint)
    pinned = [name for name, pin in whole.pins.items() if pin.run == run_id]
    live = whole.live().get(run_id, [])
    if not force and (pinned or live):
        kept = f"pinned as `{pinned[0]}`" if pinned else f"live in `{live[0]}`"
        raise UsageError(f"{short} is {kept}", "`--force` puts it away all the same")


def _how(store: Store, run_id: str) -> State:
    """Whether a run without a record is going on; one whose start cannot be read is, if its lock is held."""
    try:
        return store.live(run_id)[1]
    except DamagedError:
        return "running" if going_on(store.live_folder(run_id)) else "lost"


def _sealed(store: Store, reference: str, outside: Outside) -> str:
    """The run a reference names; it has a record, damaged or not."""
    run_id = resolve(store, reference, outside)
    if run_id in store.live_ids():
        raise NotRecordedError(
            f"{run_id[: store.shown(run_id)]} has no record (yet)", "say it when the run has ended"
        )
    return run_id


def _labelled(store: Store, run_id: str, whole: Standing | None = None) -> Labelled:
    whole = whole or standing(store)
    said = whole.of(run_id)
    try:
        context = store.record(run_id).snapshot.context
        recorded, tags = context.name, context.tags
    except NotRecordedError:
        recorded, tags = None, []
    return Labelled(
        run_id, store.shown(run_id), said.name(recorded), said.tags_now(tags), said, tuple(whole.doubts)
    )


def _called(store: Store, run_id: str, whole: Standing | None = None) -> Labelled:
    """The same, of a run whose record may be damaged: then what was said later is all."""
    whole = whole or standing(store)
    try:
        return _labelled(store, run_id, whole)
    except DamagedError:
        said = whole.of(run_id)
        return Labelled(run_id, store.shown(run_id), said.name(None), said.tags_now([]), said)
