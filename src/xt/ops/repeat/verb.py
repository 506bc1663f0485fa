"""`xt rerun`: do a recorded run again, from the record alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from xt import config
from xt.collect.checkout import Checkout
from xt.collect.git import GitError
from xt.config import Settings
from xt.context import Outside
from xt.errors import NotStartedError, UnverifiableError, XtError
from xt.execute.vary import Around
from xt.execute.vary.enter import enter
from xt.model.result import Record
from xt.model.snapshot import Repeat, Snapshot
from xt.model.text import from_text
from xt.ops.repeat import interpreter, settings, standard_input, surroundings
from xt.ops.repeat.bring import Bringing
from xt.ops.repeat.checks import Checks
from xt.ops.repeat.inputs import Inputs
from xt.ops.repeat.places import Moved, Was, roots, tops, was
from xt.ops.repeat.request import request
from xt.ops.repeat.variables import variables
from xt.ops.repeat.wish import Wish
from xt.ops.repeat.words import changes, command
from xt.ops.repeat.workspace import Workspace
from xt.ops.run import Hooks, Report, run
from xt.ops.show import page
from xt.store import Store

#: Says what is being done, for a line of progress.
Tell = Callable[[str], None]


class Repeated(NamedTuple):
    """What became of a repeat."""

    report: Report
    drift: list[str]
    """How the environment differs from the recorded one."""
    adjusted: list[str]
    """What else could not be as it was."""
    lacking: list[str]
    """Variables that were set, are not recorded by value, and are not set now."""
    kept: str | None
    """Where the workspace is, when it stays."""


class Original(NamedTuple):
    """The run that is repeated."""

    id: str
    snapshot: Snapshot
    started_at: str
    record: Record | None
    host: str


def original(store: Store, run_id: str) -> Original:
    """Read the run that is to be repeated; of one without a record, how it was started is enough.

    Raises:
        NotRecordedError, DamagedError: it is not there, or not readable.
    """
    found = page(store, run_id)
    host = found.snapshot.context.host or "an unknown host"
    return Original(run_id, found.snapshot, found.started_at, found.record, host)


def rerun(store: Store, wish: Wish, outside: Outside, tell: Tell) -> Repeated:
    """Repeat a run. This process is good for nothing else afterwards: folder, mask and namespaces are changed.

    Args:
        store: that has the run, and gets the repeat.
        wish: what is asked.
        outside: of the caller.
        tell: gets what is being done.

    Returns:
        The repeat, an ordinary run, and what about it is not as it was.

    Raises:
        UnverifiableError: a precondition is missing; nothing was started.
        UsageError: the wish makes no sense for this run.
        NotStartedError, NotRecordedError: as for `xt run`.
        ImpossibleError: a variation or pin cannot be had here.
    """
    run = original(store, wish.run)
    wanted = changes(wish.sets, outside.environ)
    words, elsewhere = command(run.snapshot.command, run.snapshot.params, wanted, wish.extra)
    if wish.in_place:
        return _in_place(store, wish, run, words, elsewhere, outside)
    place = Workspace(store.path, _name(wish, run))
    try:
        return _Making(store, wish, run, place, outside, tell).run(words, elsewhere)
    finally:
        os.chdir("/")
        place.close()


def _name(wish: Wish, run: Original) -> str:
    return surroundings.folder_name(wish) or os.path.basename(was(run.snapshot).top) or "project"


class _Making:
    """The making of one repeat in a workspace."""

    def __init__(
        self, store: Store, wish: Wish, run: Original, place: Workspace, outside: Outside, tell: Tell
    ) -> None:
        self.store, self.wish, self.original, self.place = store, wish, run, place
        self.outside, self.tell = outside, tell
        self.was = was(run.snapshot)
        self.tops = [
            os.path.normpath(os.path.join(root, from_text(run.snapshot.code.root or ".")))
            for root in roots(store, run.snapshot, outside)
        ]
        self.adjusted: list[str] = []

    def run(self, words: list[str], elsewhere: list[settings.Change]) -> Repeated:
        """Make the workspace, then run in it."""
        snapshot, top = self.original.snapshot, self.place.top
        self.tell("making the workspace")
        self._code(top)
        self.adjusted += interpreter.link(snapshot.environment.python, self.was, top, self.tops)
        # Pinned, the path is the recorded one, at which the workspace is mounted.
        seen = self.was.top if surroundings.PATH in self.wish.pinned else top
        moved = Moved(self.was.top, seen)
        found = variables(snapshot.environment, words[0], self.outside.environ, moved, _key(self.store))
        self.adjusted += found.adjusted
        around, said = surroundings.around(
            self.wish, snapshot, self.original.started_at, found.values, self.place, self.store.path
        )
        self.adjusted += said
        inputs = Inputs(self.store, snapshot, self.original.host, self.was, self.tops, self.outside)
        self.tell("looking for the inputs")
        if inputs.look(top) and not self.wish.keep and surroundings.may_mount():
            around.namespaces.add("mount")
        surroundings.before(around, self.was)
        enter(around)
        self.tell("bringing the inputs")
        inputs.bring(top, Bringing(may_mount="mount" in around.namespaces))
        self.adjusted += inputs.remarks
        surroundings.after(around, self.was, self.place, self.store.path)
        root = os.path.normpath(os.path.join(seen, self.was.below))
        declared = settings.write(elsewhere, snapshot.params, root)
        words = self._words(words, moved)
        self.adjusted += standard_input.connect(self.store, snapshot.command, self.place.scratch)
        added = dict(around.added)
        shadows = interpreter.shadows(snapshot.environment.python, self.was, seen)
        if shadows:
            added["PYTHONPATH"] = ":".join([*shadows, *filter(None, [around.environ.get("PYTHONPATH")])])
            self.adjusted.append("packages that are editable from the project come from the workspace")
        if self.wish.keep:
            self.place.keep()
        self.tell("")
        repeated = _start(
            self.store, self.wish, self.original, words, declared, root, moved, around, added, self.adjusted,
            found.lacking,
        )
        return repeated._replace(kept=root if self.wish.keep else None)

    def _code(self, top: str) -> None:
        snapshot = self.original.snapshot
        sources = tops(self.store, snapshot, self.outside)
        checkout = Checkout(self.store.path, self.outside.environ, snapshot.code, sources)
        try:
            checkout.write(top)
        except GitError as error:
            raise UnverifiableError(f"the code cannot be brought back: {error}", _code_hint(snapshot)) from error
        self.adjusted += checkout.remarks

    def _words(self, words: list[str], moved: Moved) -> list[str]:
        changed = [moved.text(word) for word in words]
        paths = [word for word, new in zip(words, changed, strict=True) if word != new]
        if paths:
            shown = ", ".join(f"`{path}`" for path in paths[:3]) + (" …" if paths[3:] else "")
            self.adjusted.append(f"paths of the project among the words are those of the workspace: {shown}")
        return changed


def root_top(root: str, was_there: Was) -> str:
    """Top of the code, from the root of the project in it."""
    return os.path.normpath(os.path.join(root, os.path.relpath(was_there.top, was_there.root)))


def _code_hint(snapshot: Snapshot) -> str | None:
    if snapshot.code.head is None:
        return None
    return f"run it in a clone that has commit {snapshot.code.head[:12]}" + (
        f", of {from_text(snapshot.code.remote)}" if snapshot.code.remote is not None else ""
    )


def _key(store: Store) -> bytes | None:
    try:
        return store.key()
    except XtError:
        return None


def _in_place(
    store: Store,
    wish: Wish,
    run: Original,
    words: list[str],
    elsewhere: list[settings.Change],
    outside: Outside,
) -> Repeated:
    """Run in the project as it is now."""
    there = was(run.snapshot)
    root = roots(store, run.snapshot, outside)[0]
    for change, source in settings.named(elsewhere, run.snapshot.params):
        if source not in settings.DECLARED:
            raise NotStartedError(
                f"--set {change.key}: it stands in `{source}`, and --in-place changes no file of yours",
                "change it there, or leave --in-place out",
            )
    moved = Moved(there.top, root_top(root, there))
    found = variables(run.snapshot.environment, words[0], outside.environ, moved, _key(store))
    adjusted = list(found.adjusted)
    with tempfile.TemporaryDirectory(prefix="xt-") as scratch:
        around = Around(found.values, scratch)
        around.umask = int(run.snapshot.environment.umask, 8)
        enter(around)
        adjusted += standard_input.connect(store, run.snapshot.command, scratch)
        words = [moved.text(word) for word in words]
        return _start(store, wish, run, words, elsewhere, root, moved, around, {}, adjusted, found.lacking)


def _start(
    store: Store,
    wish: Wish,
    run_before: Original,
    words: list[str],
    declared: list[settings.Change],
    root: str,
    moved: Moved,
    around: Around,
    added: dict[str, str],
    adjusted: list[str],
    lacking: list[str],
) -> Repeated:
    snapshot = run_before.snapshot
    repeat = Repeat(
        of=run_before.id,
        trial=wish.trial,
        varied=wish.varied,
        pinned=wish.pinned,
        in_place=wish.in_place,
        environment=wish.environment,
        adjusted=adjusted,
    )
    asked = request(snapshot, run_before.record, words, declared, _seed(wish, around), root, moved, repeat)
    asked = msgspec.structs.replace(
        asked, purpose=wish.purpose if wish.purpose is not None else asked.purpose, name=wish.name
    )
    os.makedirs(asked.cwd, exist_ok=True)
    os.chdir(asked.cwd)
    outside = Outside(asked.cwd, around.environ, around.umask if around.umask is not None else 0o022)
    checks = Checks(store, wish, snapshot, outside)
    found = _settings(root)
    report = run(
        asked,
        outside,
        root,
        found,
        store.path,
        Hooks(lambda lacking: None, checks.check, {"XT_STORE": store.path, **added}, around.own_pids),
    )
    return Repeated(report, checks.drift, [*adjusted, *checks.remarks], lacking, None)


def _seed(wish: Wish, around: Around) -> int | None:
    return wish.seed if wish.seed is not None else around.seed


def _settings(root: str) -> Settings:
    """Settings as they were recorded with the code; evidence that is missing was missing before."""
    return config.load(root, root).settings
