"""What is another between two deployments: causes of their runs, prompts, policies."""

from __future__ import annotations

from xt.context import Outside
from xt.errors import XtError
from xt.model.event import Deployed
from xt.model.production import Changes
from xt.model.result import Record
from xt.model.text import from_text
from xt.ops.diff import causes
from xt.ops.diff.code import Patch
from xt.ops.production.history import version
from xt.store import Store


def between(store: Store, left: Deployed, right: Deployed, outside: Outside) -> Changes:
    """Compare two deployments.

    Args:
        store: that has the runs.
        left: what was live, or is.
        right: what is live, or could be.
        outside: for git.
    """
    pairs = {
        role: (version(role, one), version(role, other))
        for role, one, other in (
            ("prompts", left.prompts, right.prompts),
            ("policy", left.policy, right.policy),
        )
        if one != other
    }
    plain = Changes(left.id, right.id, prompts=pairs.get("prompts"), policy=pairs.get("policy"))
    if left.run == right.run:
        return Changes(plain.left, plain.right, True, None, None, plain.prompts, plain.policy)
    try:
        one, other = store.record(left.run), store.record(right.run)
        found = causes.compare(
            store,
            one.snapshot,
            other.snapshot,
            (_written(one), _written(other)),
            Patch(None, False),
            outside,
        )
    except (XtError, OSError) as error:
        said = error.message if isinstance(error, XtError) else str(error.strerror)
        return Changes(plain.left, plain.right, False, None, said, plain.prompts, plain.policy)
    return Changes(plain.left, plain.right, False, found, None, plain.prompts, plain.policy)


def _written(record: Record) -> list[str]:
    return [from_text(item.path) for item in record.result.outputs if item.path is not None]
