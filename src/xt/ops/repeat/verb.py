"""`xt rerun`: do a recorded run again, from the record alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from xt import config
from xt.collect import Waiting
from xt.context import Outside
from xt.errors import NotStartedError, UnverifiableError, XtError
from xt.execute.vary import Around
from xt.execute.vary.enter import enter
from xt.model.snapshot import Repeat, Snapshot
from xt.ops.repeat import interrupts, settings, standard_input
from xt.ops.repeat.checks import Checks
from xt.ops.repeat.making import Making, Original, Ready
from xt.ops.repeat.places import Moved, roots, top_of, was
from xt.ops.repeat.request import prepare, request
from xt.ops.repeat.surroundings import folder_name
from xt.ops.repeat.today import today
from xt.ops.repeat.variables import variables
from xt.ops.repeat.wish import Wish
from xt.ops.repeat.words import Change, changes, command
from xt.ops.repeat.workspace import Workspace, first_of
from xt.ops.run import Hooks, Report, Wrapped, run
from xt.ops.show import page
from xt.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.model.request import RunRequest
    from xt.ops.contained import Contained


class Told(NamedTuple):
    """What is known of a repeat before its command starts."""

    drift: list[str]
    """How the environment differs from the recorded one."""
    adjusted: list[str]
    """What else is not as it was."""


class Repeated(NamedTuple):
    """What became of a repeat."""

    report: Report
    told: Told
    kept: str | None = None
    """Where the workspace is, when it is to stay."""
    left: str | None = None
    """Why it could not be removed."""
    otherwise: str | None = None
    """That it ended otherwise than the run, and what may be the reason."""


def original(store: Store, run_id: str) -> Original:
    """Read the run that is to be repeated; of one without a record, how it was started is enough.

    Raises:
        NotRecordedError, DamagedError: it is not there, or not readable.
    """
    found = page(store, run_id)
    host = found.snapshot.context.host or "an unknown host"
    return Original(run_id, found.snapshot, found.started_at, found.record, host)


def rerun(
    store: Store, wish: Wish, outside: Outside, tell: Waiting, begun: Callable[[Told], None]
) -> Repeated:
    """Repeat a run. This process is good for nothing else then: its folder, mask and namespaces are changed.

    Args:
        store: that has the run, and gets the repeat.
        wish: what is asked.
        outside: of the caller.
        tell: gets what is being done.
        begun: called right before the command starts.

    Returns:
        The repeat, an ordinary run, and what about it is not as it was.

    Raises:
        UnverifiableError: a precondition is missing; nothing was started.
        UsageError: the wish makes no sense for this run.
        NotStartedError, NotRecordedError: as for `xt run`.
        ImpossibleError: a variation or pin cannot be had here.
        InterruptedRepeatError: a signal came before the command started; nothing is left behind.
    """
    with interrupts.raised():
        return _repeat(store, wish, outside, tell, begun)


def _repeat(
    store: Store, wish: Wish, outside: Outside, tell: Waiting, begun: Callable[[Told], None]
) -> Repeated:
    run_before = original(store, wish.run)
    wanted = changes(wish.sets, outside.environ)
    snapshot = run_before.snapshot
    if snapshot.context.ranks is not None:
        raise UnverifiableError(
            f"it was {snapshot.context.ranks} processes of {snapshot.context.launch}; a repeat would be one",
            "start it again below its launcher, as in `srun xt run …`, and compare: `xt diff`",
        )
    words, elsewhere = command(snapshot.command, snapshot.params, wanted, wish.extra)
    if wish.in_place:
        with tempfile.TemporaryDirectory(prefix="xt-") as scratch:
            ready = _in_place(store, wish, run_before, words, elsewhere, outside, scratch)
            return _start(store, wish, run_before, ready, begun, tell)
    name = folder_name(wish) or os.path.basename(was(snapshot).top) or "project"
    place = Workspace(store.path, name, first_of(os.uname().nodename) if wish.away else 0)
    making = Making(store, wish, run_before, place, outside, tell)
    left: str | None = None
    try:
        ready = making.make(words, elsewhere)
        tell("")
        repeated = _start(store, wish, run_before, ready, begun, tell)
    finally:
        interrupts.ignore()
        os.chdir("/")
        left = place.close()
    return repeated._replace(kept=ready.root if wish.keep else None, left=left)


def _in_place(
    store: Store,
    wish: Wish,
    run_before: Original,
    words: list[str],
    elsewhere: list[Change],
    outside: Outside,
    scratch: str,
) -> Ready:
    """Prepare for the project as it is now."""
    snapshot = run_before.snapshot
    there = was(snapshot)
    root = roots(store, snapshot, outside)[0]
    for change, source in settings.named(elsewhere, snapshot.params):
        if source not in settings.DECLARED:
            raise NotStartedError(
                f"--set {change.key}: it stands in `{source}`, and --in-place changes no file of yours",
                "change it there, or leave --in-place out",
            )
    moved = Moved(there.top, top_of(root, there))
    try:
        key = store.key()
    except XtError:
        key = None  # then whether values changed cannot be told
    found = variables(snapshot.environment, words[0], outside.environ, moved, key)
    if wish.recompute:
        found = found._replace(values=dict(outside.environ), adjusted=[])
    around = Around(found.values, scratch)
    around.umask = outside.umask if wish.recompute else int(snapshot.environment.umask, 8)
    enter(around)
    adjusted = [*found.adjusted, *standard_input.connect(store, snapshot.command, scratch)]
    image = None
    if snapshot.environment.container.started_by == "xt" and not wish.recompute:
        from xt.ops.repeat.contained import pinned

        image = pinned(snapshot, wish, moved, outside.environ)
    ready = Ready([moved.word(word) for word in words], elsewhere, root, moved, around, {}, adjusted)
    return ready._replace(pinned=image, container=_here(root, outside, around.umask))


def _here(root: str, outside: Outside, umask: int) -> Callable[[RunRequest], Contained | None]:
    def make(asked: RunRequest) -> Contained | None:
        if asked.docker is None:
            return None
        from xt.ops.contained import of_run

        return of_run(asked, root, outside.environ, umask)

    return make


def _start(
    store: Store,
    wish: Wish,
    run_before: Original,
    ready: Ready,
    begun: Callable[[Told], None],
    tell: Waiting,
) -> Repeated:
    """Run what is ready."""
    snapshot, around = run_before.snapshot, ready.around
    checks = Checks(store, wish, snapshot)
    repeat = Repeat(
        of=run_before.id,
        trial=wish.trial,
        varied=wish.varied,
        pinned=wish.pinned,
        in_place=wish.in_place,
        recompute=wish.recompute,
        environment=wish.environment,
        adjusted=ready.adjusted,
    )
    seeds = (wish.seed, snapshot.seed.value, around.seed)
    asked = request(
        snapshot,
        run_before.record,
        ready.words,
        ready.declared,
        next((seed for seed in seeds if seed is not None), None),
        ready.root,
        ready.moved,
        repeat,
    )
    purpose = wish.purpose if wish.purpose is not None else asked.purpose
    asked = msgspec.structs.replace(asked, purpose=purpose, name=wish.name)
    # The settings are those that were recorded with the code.
    known = config.load(ready.root, ready.root)
    if wish.recompute:
        asked = today(asked, known)
    elif ready.pinned is not None:
        asked = msgspec.structs.replace(asked, docker=ready.pinned.docker, image_id=ready.pinned.image_id)
    os.makedirs(asked.cwd, exist_ok=True)
    if not wish.in_place:
        ready.adjusted[:0] = prepare(asked, run_before.record, ready.moved.new)
    os.chdir(asked.cwd)
    if "PWD" in around.environ:
        around.environ["PWD"] = asked.cwd
    outside = Outside(asked.cwd, around.environ, around.umask if around.umask is not None else 0o022)

    container = ready.container(asked) if ready.container is not None else None

    def check(now: Snapshot) -> None:
        checks.check(now, outside)
        if container is not None:
            container.begin(now, asked)
        begun(Told(checks.drift, [*checks.remarks, *ready.adjusted]))

    hooks = Hooks(
        lambda lacking: None,
        check=check,
        added={"XT_STORE": store.path, **ready.added},
        wrap=_wrap(ready, container),
        own_pids=around.own_pids,
        judge=container.judge if container is not None else None,
        waiting=tell,
    )
    try:
        report = run(asked, outside, ready.root, known.settings, store.path, hooks)
    finally:
        if container is not None:
            container.end()
    assert isinstance(report, Report), "nothing is reused that was not asked for"
    told = Told(checks.drift, [*checks.remarks, *ready.adjusted])
    return Repeated(report, told, otherwise=otherwise(run_before, report, wish))


def _wrap(
    ready: Ready, container: Contained | None
) -> Callable[[list[str], dict[str, str], str], Wrapped] | None:
    if container is not None:
        return container.wrap
    if ready.pinned is None:
        return None
    from xt.ops.repeat.contained import with_image

    image = ready.pinned.image_id
    return lambda argv, environ, live: (with_image(image, argv), environ)


def otherwise(run_before: Original, report: Report, wish: Wish) -> str | None:
    """Say that a repeat ended otherwise than the run, and what may be the reason."""
    if run_before.record is None or run_before.record.result.xt_exit == report.record.result.xt_exit:
        return None
    said = f"it ended with {report.record.result.xt_exit}, the run with {run_before.record.result.xt_exit}"
    ignored = run_before.snapshot.code.ignored_total
    if ignored and not wish.in_place:
        noun = "path" if ignored == 1 else "paths"
        said += (
            f"; what git ignores ({ignored} {noun}) is in the workspace only where it is declared: `-i PATH`"
        )
    return said
