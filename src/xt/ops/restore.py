"""`xt restore`: bring back what a run has. All of it is planned first; then it is written, or nothing is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from xt import fsio
from xt.collect.paths import why
from xt.context import Outside
from xt.errors import NotRecordedError, NotWrittenError, UsageError, XtError
from xt.inside import Inside
from xt.model.restored import SOURCES, Restoration, Restored, Source, State
from xt.model.text import from_text, to_shown, to_text
from xt.ops.code_trees import CodeFiles
from xt.ops.contents import Contents
from xt.ops.holdings import Held, Holdings
from xt.ops.narrowing import meant, nearest
from xt.ops.placing import Placing, digest_like
from xt.ops.show import Page, page
from xt.store import Store, find_root

#: What comes back where nothing is chosen, in the project's own folder.
IN_PLACE: tuple[Source, ...] = ("outputs", "inputs")


class Wish(NamedTuple):
    """What is to be restored."""

    paths: tuple[str, ...] = ()
    """Files, folders or patterns; all by default."""
    only: tuple[Source, ...] = ()
    """By default outputs and inputs, and with `to` everything; `paths` are looked for in code too."""
    to: str | None = None
    """Absolute path of the folder to write below, made if needed; the project's root by default."""
    force: bool = False
    """Replace what differs."""

    def sources(self) -> list[Source]:
        """What to look in, in the order in which it takes its place."""
        if self.only:
            return [source for source in SOURCES if source in self.only]
        if self.to is not None:
            return list(SOURCES)
        return [*IN_PLACE, "code"] if self.paths else list(IN_PLACE)


class Step(NamedTuple):
    """One path of the plan."""

    held: Held
    state: State
    place: str | None = None
    reason: str | None = None
    pieces: Iterator[bytes] | None = None
    size: int | None = None
    other_mode: bool = False

    def said(self) -> Restored:
        """Write it for the report."""
        place = None if self.place is None else to_text(self.place)
        size = self.held.size if self.size is None else self.size
        path, form = to_text(self.held.path), self.held.form
        reason = None if self.reason is None else to_shown(self.reason)
        return Restored(self.held.source, path, form, self.state, place, size, reason)


def restore(store: Store, run_id: str, wish: Wish, outside: Outside) -> Restoration:
    """Bring back what a run has.

    When something of the run would take the place of something that differs from it, and `force` does not
    allow it, nothing at all is written.

    Args:
        store: that has the run.
        run_id: whole.
        wish: what, and where to.
        outside: for git, and for the project's root.

    Returns:
        What came of each path; `fault` says whether all is well.

    Raises:
        NotRecordedError: there is no such run, or it has nothing at one of the paths.
        DamagedError: its record is damaged.
        UsageError: the target is in the store.
        OSError: the target is not a folder that can be used.
    """
    found = page(store, run_id)
    root = find_root(outside.cwd)
    target = wish.to or root
    if fsio.is_inside(os.path.realpath(target), os.path.realpath(store.path)):
        raise UsageError("`--to` names the store itself", "any other folder will do")
    if os.path.lexists(target) and not os.path.isdir(target):
        raise UsageError(f"`{target}` is not a folder", "`--to DIR` takes one, and makes it if need be")
    project = from_text(found.snapshot.context.project)
    with CodeFiles(store, found.snapshot, outside) as code:
        holdings = Holdings(store, found, Contents(store, found.snapshot, code), outside.umask)
        held = [item for source in wish.sources() for item in holdings.of(source)]
        asked = {path: _meant(path, held, found, outside.cwd, root) for path in wish.paths}
        if asked:
            chosen = set().union(*asked.values())
            held = [item for item in held if item.path in chosen]
        placing = Placing(target, store.path, project, elsewhere=wish.to is not None)
        try:
            steps = list(_planned(held, placing, named=bool(asked)))
            blocked = any(step.state == "conflict" for step in steps) and not wish.force
            if not blocked:
                steps = _written(steps, placing, force=wish.force)
        finally:
            placing.close()
    missed = [
        to_text(path)
        for path, group in asked.items()
        if {step.state for step in steps if step.held.path in group} == {"absent"}
    ]
    return Restoration(run_id, to_text(target), [step.said() for step in steps], missed, _remark(found))


def fault(done: Restoration) -> XtError | None:
    """Say in one line what did not go well; None when all did."""
    differ = sum(1 for item in done.paths if item.state == "conflict")
    if differ:
        return NotWrittenError(
            f"nothing was written: {differ} {'path differs' if differ == 1 else 'paths differ'}",
            "`--force` replaces what differs, `--to DIR` writes elsewhere",
        )
    bad = [item for item in done.paths if item.state in ("failed", "refused")]
    if bad:
        return NotWrittenError(
            f"{len(bad)} of {len(done.paths)} paths could not be restored", "why is said above, path by path"
        )
    if done.missed:
        return NotRecordedError(
            "not to be had: " + ", ".join(f"`{from_text(path)}`" for path in done.missed),
            "what is missing of each, and what brings it, is said above",
        )
    return None


def _meant(path: str, held: list[Held], found: Page, cwd: str, root: str) -> set[str]:
    if not path or "\0" in path:
        raise UsageError("an empty path names nothing")
    recorded = list(dict.fromkeys(item.path for item in held))
    chosen = meant(path, recorded, cwd, root, from_text(found.snapshot.context.project))
    if not chosen:
        unknown = [item.reason for item in held if item.lost and item.form == "folder" and item.reason]
        if unknown:
            raise NotRecordedError(
                f"whether run {found.id[: found.shown]} has `{path}` is not known: {unknown[0]}",
                "`xt fsck` says what cannot be read",
            )
        near = nearest(path, recorded)
        hint = f"did you mean `{near}`?" if near else f"`xt show {found.id[: found.shown]}` says what it has"
        raise NotRecordedError(f"run {found.id[: found.shown]} has nothing at `{path}`", hint)
    return chosen


def _planned(held: Iterable[Held], placing: Placing, *, named: bool) -> Iterator[Step]:
    """Find out of each path what is to be done; what comes first takes its place."""
    taken: dict[str, Held] = {}
    above: dict[str, Held] = {}
    for item in held:
        try:
            place = placing.place(item.path)
        except NotWrittenError as error:
            yield _without_place(item, error.message, placing)
            continue
        other = _in_the_way(item, place, taken, above)
        if other is not None:
            if item.is_known and not _alike(item, other):
                yield _beside(item, place, other)
            continue
        step = _step(item, place, placing, named=named)
        yield step
        if step.state != "absent":
            taken[place] = item
            while place := os.path.dirname(place):
                above.setdefault(place, item)


def _in_the_way(item: Held, place: str, taken: dict[str, Held], above: dict[str, Held]) -> Held | None:
    """What of the run is at a place already, or makes it a folder, or stands where a folder is needed."""
    if place in taken:
        return taken[place]
    if place in above and item.form != "folder":
        return above[place]
    while place := os.path.dirname(place):
        if place in taken and taken[place].form != "folder":
            return taken[place]
    return None


def _alike(item: Held, other: Held) -> bool:
    """Whether two of one place say the same, as far as is worth telling."""
    if item.path != other.path:
        return False
    if item.form == other.form and (item.digest, item.target) == (other.digest, other.target):
        return True
    if {item.source, other.source} == {"inputs", "code"}:
        return True  # both are of one moment, right before the start
    if item.source != "code" or item.open is None or other.digest is None:
        return False
    try:
        return digest_like(other.digest, other.size or 0, item.open() or ()) == other.digest
    except XtError:
        return False


def _beside(item: Held, place: str, other: Held) -> Step:
    if other.source == item.source:
        return Step(item, "refused", place, f"`{other.path}`, a {other.form} of the run too, is in its way")
    reason = f"it comes from {other.source}; `--only {item.source}` brings this one"
    return Step(item, "shadowed", place, reason)


def _without_place(item: Held, reason: str, placing: Placing) -> Step:
    """A path that has no place in the target: without content, or there as it was, or refused."""
    if not item.is_known:
        return Step(item, "failed" if item.lost else "absent", None, item.reason)
    if os.path.isabs(item.path) and placing.is_there(item, item.path):
        return Step(item, "unchanged")
    if item.open is not None and not item.lost and _opened(item)[0] is None:
        return Step(item, "absent", None, item.reason)
    return Step(item, "refused", None, reason)


def _step(item: Held, place: str, placing: Placing, *, named: bool) -> Step:
    pieces, failed = _opened(item)
    if not item.is_known or (item.open is not None and pieces is None):
        # What cannot be had may be large: it is compared only when it was asked for by name.
        if (named or item.lost) and placing.look(item, place).state == "unchanged":
            return Step(item, "unchanged", place)
        return Step(item, "failed" if item.lost or failed else "absent", None, failed or item.reason)
    seen = placing.look(item, place)
    return Step(item, seen.state, place, seen.reason or item.note, pieces, other_mode=seen.other_mode)


def _opened(item: Held) -> tuple[Iterator[bytes] | None, str | None]:
    """The content of a file, and why there is none."""
    try:
        return (item.open() if item.open is not None else None), None
    except XtError as error:
        return None, error.message


def _written(steps: list[Step], placing: Placing, *, force: bool) -> list[Step]:
    """Carry a plan out: files first, then links, folders last, for their modes may forbid writing."""
    todo = [number for number, step in enumerate(steps) if step.state in ("pending", "conflict")]
    if force:
        todo += [number for number, step in enumerate(steps) if step.other_mode]
    if not todo:
        return steps
    inside = placing.open()
    order = {"file": 0, "link": 1, "folder": 2}
    todo.sort(key=lambda number: (order[steps[number].held.form], -(steps[number].place or "").count("/")))
    done = list(steps)
    for number in todo:
        step = steps[number]
        try:
            size = _write(step, inside)
            done[number] = step._replace(state="written", reason=step.held.note, size=size)
        except XtError as error:
            done[number] = step._replace(state="failed", reason=error.message)
        except OSError as error:
            done[number] = step._replace(state="failed", reason=why(error))
    return done


def _write(step: Step, inside: Inside) -> int | None:
    """Write one path; return the bytes of a file."""
    held, place = step.held, step.place or ""
    if step.state == "unchanged":
        inside.chmod(place, held.mode or 0)
        return held.size
    if held.form == "folder":
        inside.folder(place, held.mode)
        return None
    replace = step.state == "conflict"
    if held.form == "link":
        inside.link(place, held.target or "", replace=replace)
        return None
    size = 0

    def counted() -> Iterator[bytes]:
        nonlocal size
        for piece in step.pieces or ():
            size += len(piece)
            yield piece

    inside.write(place, counted(), 0o600 if held.mode is None else held.mode, replace=replace)
    return size


def _remark(found: Page) -> str | None:
    if found.record is None:
        return (
            f"the run has no record, it is {found.state}: outputs were not kept, logs are as far as they go"
        )
    return None
