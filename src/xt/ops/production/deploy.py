"""`xt deploy`: say that an artefact of a run went live, after asking what speaks against it."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from xt.config import Settings
from xt.context import Outside, timestamp
from xt.errors import NotDeployedError, NotRecordedError, StoreError, UsageError, reason
from xt.model.event import Deployed
from xt.model.standing import Standing
from xt.model.text import to_text
from xt.ops.production import hook, lookups
from xt.ops.production.artefact import Artefact, check_name, find
from xt.ops.production.measurements import time_of
from xt.ops.statements import standing as everything
from xt.ops.statements import state
from xt.store import Store, events, find_root

#: What the name of an event of a deployment ends with.
_SUFFIX = f"{events.KINDS[Deployed]}.json"


class Wish(NamedTuple):
    """How something is to be deployed."""

    to: str
    reason: str | None = None
    prompts: str | None = None
    """As a user names a bundle; by default the run's own."""
    policy: str | None = None
    force: bool = False
    hook: bool = True
    at: str | None = None
    """When it went live, as a user writes a time, if that was before; then no hook is run."""


class Done(NamedTuple):
    """What came of it."""

    event: Deployed
    before: Deployed | None
    """What was live until then."""
    others: list[str]
    """Ids of further runs that made the same content."""
    notes: list[str]
    is_live: bool
    """False for one that was recorded later and is not the newest."""


def deploy(
    store: Store, text: str, wish: Wish, settings: Settings, outside: Outside, tell: Callable[[str], None]
) -> Done:
    """Record that something went live; a hook is run first.

    Args:
        store: that has the runs.
        text: a path on disk or `REF:OUTPUT`.
        wish: where, why, with what.
        settings: for the hook and the evidence.
        outside: for the time, the user, the working directory.
        tell: is told the command line of the hook before it is run.

    Raises:
        UsageError: something cannot be meant.
        NoSuchRunError: the reference names none.
        NotDeployedError: no run made it, or something speaks against it and it is not forced.
        NotRecordedError: the content for the hook is not to be had.
        HookError: the hook failed; nothing was recorded.
        StoreError: the event could not be written.
    """
    check_name(wish.to)
    if wish.force and not (wish.reason or "").strip():
        raise UsageError("`--force` needs a reason", "-m WHY")
    standing = everything(store)
    artefact = find(store, text, standing, outside)
    prompts, policy = (
        lookups.own_bundle(store, artefact.record, role)
        if said is None
        else lookups.bundle_named(store, said, role, outside)
        for role, said in (("prompts", wish.prompts), ("policy", wish.policy))
    )
    return go_live(store, artefact, (prompts, policy), wish, standing, settings, outside, tell)


def go_live(
    store: Store,
    artefact: Artefact,
    bundles: tuple[str | None, str | None],
    wish: Wish,
    standing: Standing,
    settings: Settings,
    outside: Outside,
    tell: Callable[[str], None],
    takes_back: str | None = None,
) -> Done:
    """Ask what speaks against it, run the hook, write the event.

    Args:
        store: to write to.
        artefact: what goes live.
        bundles: digests of the prompts and of the policies.
        wish: where, why, how.
        standing: what holds now.
        settings: for the hook and the evidence.
        outside: for the time and the user.
        tell: is told the command line of the hook.
        takes_back: event of the deployment that this one rolls back.
    """
    record = artefact.record
    short = record.id[: store.shown(record.id)]
    missing = lookups.lacking(record, settings, standing)
    despite = [*artefact.despite, *doubtful(standing)]
    if (missing or despite) and not wish.force:
        raise _refusal(artefact, short, missing, despite)
    since = _since(wish.at, outside)
    place = standing.places.get(wish.to)
    before = place.live if place is not None else None
    words = hook.hook_of(settings, wish.to) if wish.hook and since is None else []
    if words:
        _move(store, artefact, bundles, wish.to, before, words, outside, tell)
    # As of now: somebody else may have deployed while the hook ran.
    there = _deployments(store, wish.to)
    since, ahead = (since, None) if since is not None else _after(there, outside)
    try:
        event = state(
            store,
            outside,
            Deployed,
            to=wish.to,
            run=record.id,
            output=to_text(artefact.path),
            digest=artefact.digest,
            path=None if artefact.named is None else to_text(artefact.named),
            prompts=bundles[0],
            policy=bundles[1],
            config=_config(artefact),
            reason=wish.reason,
            lacking=missing,
            takes_back=takes_back,
            despite=despite,
            since=since,
        )
    except (OSError, NotRecordedError) as error:
        moved = "the hook has run, but " if words else ""
        raise StoreError(
            f"{moved}the deployment could not be recorded: {reason(error)}",
            "the same command with `--no-hook` records it" if words else None,
        ) from error
    notes = list(artefact.notes)
    if ahead is not None:
        notes.append(ahead)
    known = {one.id for one in place.deployments} if place is not None else set()
    others = [one for one in there if one.id not in known]
    if words and others:
        # Which of the hooks had the last word is not for us to know.
        who = ", ".join(one.run[: store.shown(one.run)] for one in others)
        notes.append(f"{who} was deployed there while the hook ran: see which of them has the traffic")
    before = max([*others, *([before] if before else [])], key=lambda one: one.live_from, default=None)
    live = before is None or before.live_from <= event.live_from
    if not store.objects.has(artefact.digest):
        notes.append("its content is not in this store, so a rollback to it must find it elsewhere")
    if live and before is not None and _same(before, event):
        notes.append("the same was live already")
    return Done(event, before if live else None, artefact.others, notes, live)


def _deployments(store: Store, to: str) -> list[Deployed]:
    """Those to an environment, as of now."""
    place = everything(store).places.get(to)
    return place.deployments if place is not None else []


def _after(there: list[Deployed], outside: Outside) -> tuple[str | None, str | None]:
    """When what goes live now is taken to, where a clock was ahead when another did: right after that.

    Else what has the traffic from now on would be called past for as long as the clock was ahead.

    Returns:
        The time, and what is to be said of it; None twice when the clocks agree.
    """
    last = there[-1].live_from if there else None
    if last is None or last < timestamp(outside.now()):
        return None, None
    try:
        after = timestamp(datetime.fromisoformat(last) + timedelta(microseconds=1))
    except (ValueError, OverflowError):
        return None, None
    said = f"{there[-1].run[:8]} is recorded to go live at {last[:19]}Z, later than now: a clock was wrong"
    return after, f"{said}; this one stands right after it"


def doubtful(standing: Standing) -> list[str]:
    """Why it is not certain what is live; none when it is."""
    number = sum(path.endswith(_SUFFIX) for path in standing.doubts)
    if not number:
        return []
    what = "1 event of a deployment" if number == 1 else f"{number} events of deployments"
    return [f"what is live is not certain: {what} cannot be read"]


def _same(one: Deployed, other: Deployed) -> bool:
    return identity(one) == identity(other)


def identity(event: Deployed) -> tuple[str, str, str | None, str | None]:
    """What of a deployment makes it another one: run, content, prompts, policies."""
    return event.run, event.digest, event.prompts, event.policy


def _refusal(artefact: Artefact, short: str, missing: list[str], despite: list[str]) -> NotDeployedError:
    said = [f"its evidence is incomplete: no {', no '.join(missing)}"] if missing else []
    audit = f"`xt audit {short}` says how each is supplied; " if missing else ""
    others = ""
    if artefact.others and (missing or artefact.despite):
        others = f"; {artefact.others[0][:8]} made the same content"
    return NotDeployedError(
        f"{short} is not deployed: {'; '.join([*said, *despite])}",
        f"{audit}`--force -m WHY` deploys it all the same, and records that{others}",
    )


def _since(text: str | None, outside: Outside) -> str | None:
    if text is None:
        return None
    now = outside.now()
    try:
        found, _ = time_of(text, now)
    except ValueError as error:
        raise UsageError(f"--at `{text}` {error}") from None
    if found > now:
        raise UsageError(
            f"--at `{text}` is in the future", "a deployment is recorded when it went live, or later"
        )
    return timestamp(found)


def _config(artefact: Artefact) -> dict[str, str]:
    """Digest of each input of role `config`, by path; one that is not plain text has no name here."""
    found = {}
    for item in artefact.record.snapshot.inputs:
        name = item.path if item.path is not None else item.declared
        if item.role == "config" and item.digest is not None and isinstance(name, str):
            found[name] = item.digest
    return found


def _move(
    store: Store,
    artefact: Artefact,
    bundles: tuple[str | None, str | None],
    to: str,
    before: Deployed | None,
    words: list[str],
    outside: Outside,
    tell: Callable[[str], None],
) -> None:
    """Run the hook with the content at hand."""
    with contextlib.ExitStack() as stack:
        path = artefact.named
        if path is None:
            path = stack.enter_context(
                hook.content(store, artefact.record, artefact.output, artefact.path, outside)
            )
        variables = {
            "XT_DEPLOY_ENV": to,
            "XT_DEPLOY_RUN": artefact.record.id,
            "XT_DEPLOY_OUTPUT": artefact.path,
            "XT_DEPLOY_DIGEST": artefact.digest,
            "XT_DEPLOY_PATH": path,
            "XT_DEPLOY_PROMPTS": bundles[0] or "",
            "XT_DEPLOY_POLICY": bundles[1] or "",
            "XT_DEPLOY_PREVIOUS": before.run if before is not None else "",
        }
        tell(shlex.join(words))
        hook.run(words, variables, find_root(outside.cwd), outside)
