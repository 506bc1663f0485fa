"""Evidence: which fields can be required of a run, and whether a run has them.

A field is present when the record proves it: an input only by its content, an output only when it was stored.
Before the command starts nothing is known of what comes out; then it counts that it was declared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from xt.model.code import Code
from xt.model.environment import Python
from xt.model.event import Verified
from xt.model.files import INPUT_ROLES, OUTPUT_ROLES, Input, Output
from xt.model.level import Level, reaches
from xt.model.result import Result
from xt.model.snapshot import Param, Snapshot, points
from xt.model.text import from_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.model.summary import Summary

#: Fields with a fixed name.
FIELDS = (
    *("purpose", "ticket", "params", "seed", "facts", "inputs", "env", "env.hardware", "env.image"),
    *("code", "code.clean", "code.committed", "outputs", "metrics", "registry", "level"),
)
#: Levels that can be required.
REQUIRABLE: tuple[Level, ...] = ("identical", "equivalent", "consistent")
#: What fields below these are called is the user's: `params.lr`.
NAMED = ("params", "facts", "metrics", "registry")
#: Present names of one kind that a row of a list keeps; a run of more has `…` behind them.
MOST = 400


def known(field: str) -> bool:
    """Whether there is such a field."""
    head, _, name = field.partition(".")
    if field in FIELDS:
        return True
    if head in NAMED:
        # A glob would be taken for a name that no run has.
        return bool(name) and name.isprintable() and "*" not in name and "?" not in name
    if head == "inputs":
        return name.removesuffix(".revision") in INPUT_ROLES
    return (head == "outputs" and name in OUTPUT_ROLES) or (head == "level" and name in REQUIRABLE)


def fields() -> list[str]:
    """All fields, to choose from: those with a fixed name first."""
    return [
        *FIELDS,
        *(f"{kind}.NAME" for kind in NAMED),
        *(f"inputs.{role}" for role in INPUT_ROLES),
        *(f"inputs.{role}.revision" for role in INPUT_ROLES),
        *(f"outputs.{role}" for role in OUTPUT_ROLES),
        *(f"level.{level}" for level in REQUIRABLE),
    ]


def open_before(field: str) -> bool:
    """Whether only the end of a run, or what is said of it later, shows that it has the field."""
    return field.partition(".")[0] in ("outputs", "metrics", "level")


def why_not(field: str, snapshot: Snapshot, result: Result | None, verified: Verified | None) -> str | None:
    """Say why a run does not have a field; None when it does.

    Args:
        field: that exists.
        snapshot: causes of the run.
        result: its effects; None for one that has not ended, which has no outputs and metrics.
        verified: how it was last verified.
    """
    head, _, name = field.partition(".")
    if head == "level":
        return _level(name, verified)
    if head == "inputs":
        return _inputs(snapshot.inputs, name)
    if head == "outputs":
        return _outputs(snapshot, result, name)
    if head == "metrics":
        return _metrics(result, name)
    if head in ("facts", "registry"):
        return _facts(snapshot.facts, field if head == "registry" else name)
    if head == "params":
        return _params(snapshot.params, name)
    return _FIXED[field](snapshot)


def present(snapshot: Snapshot, result: Result | None) -> list[str]:
    """List the fields a run has by its record, for lists: all but `level`, which events say.

    Args:
        snapshot: causes of the run.
        result: its effects.

    Returns:
        Names; of params, facts and metrics at most `MOST` each, and then `params.…`.
    """
    found = [field for field, check in _FIXED.items() if check(snapshot) is None]
    for name in ("", *dict.fromkeys(item.role for item in snapshot.inputs)):
        if _inputs(snapshot.inputs, name) is None:
            found.append(f"inputs.{name}" if name else "inputs")
        if name and _inputs(snapshot.inputs, f"{name}.revision") is None:
            found.append(f"inputs.{name}.revision")
    outputs = result.outputs if result is not None else []
    for name in ("", *dict.fromkeys(item.role for item in outputs)):
        if _outputs(snapshot, result, name) is None:
            found.append(f"outputs.{name}" if name else "outputs")
    said = [fact.name for fact in snapshot.facts if _says(fact)]
    found += _names("params", [param.name for param in snapshot.params])
    found += _names("facts", said)
    found += _names("metrics", dict.fromkeys(metric.name for metric in (result.metrics if result else [])))
    registry = [name for name in said if points(name)]
    return found + list(dict.fromkeys(["registry", *registry] if registry else []))


def lacking(required: Iterable[str], summary: Summary, verified: Verified | None = None) -> list[str]:
    """List the required fields that a run in a list does not have, in the order they are required in.

    Of a run with more than `MOST` params, facts or metrics the row does not know all: a field that it cannot
    show is lacking here, and `xt audit` looks into the record.

    Args:
        required: names of fields.
        summary: the run; its `level` counts where `verified` is not given.
        verified: how it was last verified.
    """
    has = frozenset(summary.has)
    missing = []
    for field in required:
        head, _, name = field.partition(".")
        if head != "level":
            there = field in has
        elif verified is not None:
            there = _level(name, verified) is None
        else:
            there = summary.level is not None and _reached(name, summary.level)
        if not there:
            missing.append(field)
    return missing


def _names(kind: str, names: Iterable[str]) -> list[str]:
    names = list(names)
    if not names:
        return []
    # What cannot be required need not be kept, and lists may put lines between names.
    names = [name for name in names if name.isprintable()]
    more = [f"{kind}.…"] if len(names) > MOST else []
    return [kind, *(f"{kind}.{name}" for name in names[:MOST]), *more]


def _purpose(snapshot: Snapshot) -> str | None:
    return None if (snapshot.context.purpose or "").strip() else "none was given"


def _ticket(snapshot: Snapshot) -> str | None:
    return None if (snapshot.context.ticket or "").strip() else "none was given"


def _seed(snapshot: Snapshot) -> str | None:
    return None if snapshot.seed.value is not None else "no seed was controlled"


def _params(params: list[Param], name: str) -> str | None:
    if not params:
        return "the run has no params"
    return None if not name or any(param.name == name for param in params) else "no param of that name"


def _says(fact: Param) -> bool:
    """Whether a fact says anything."""
    return fact.value not in (None, [], {}) and not (isinstance(fact.value, str) and not fact.value.strip())


def _facts(facts: list[Param], name: str) -> str | None:
    if name == "registry":
        pointers = [fact for fact in facts if points(fact.name)]
        return None if any(map(_says, pointers)) else "no pointer to a registry was declared"
    named = [fact for fact in facts if not name or fact.name == name]
    if any(map(_says, named)):
        return None
    return "it was declared and says nothing" if named else "not declared"


def _inputs(inputs: list[Input], name: str) -> str | None:
    role = name.removesuffix(".revision")
    named = [item for item in inputs if not role or item.role == role]
    if not named:
        return "none was declared"
    revision = name.endswith(".revision")
    for item in named:
        if item.digest is None and not (revision and item.revision is not None):
            reason = f": {item.reason}" if item.reason else ""
            return f"not known by its content{' or a revision' if revision else ''}{reason}"
    return None


def _outputs(snapshot: Snapshot, result: Result | None, name: str) -> str | None:
    if not any(not name or item.role == name for item in snapshot.outputs):
        return "none was declared"
    if result is None:
        return "the run has not come to an end"
    named = [item for item in result.outputs if not name or item.role == name]
    for item in named:
        if item.status != "stored" or item.written is False:
            return _not_stored(item)
    return None if named else "what came of it is not recorded"


def _not_stored(item: Output) -> str:
    name = f"`{from_text(item.declared)}`"
    if item.status == "stored":
        return f"{name} was there before and was not written by this run"
    words = {
        "missing": "was not written",
        "partial": "was not stored as a whole",
        "skipped": "was not stored",
    }
    reason = f": {item.reason}" if item.reason and item.status != "missing" else ""
    return f"{name} {words[item.status]}{reason}"


def _metrics(result: Result | None, name: str) -> str | None:
    if result is None:
        return "the run has not come to an end"
    if any(not name or metric.name == name for metric in result.metrics):
        return None
    return "no metric of that name came out" if name else "no metric came out"


def _env(snapshot: Snapshot) -> str | None:
    found = snapshot.environment
    if found.python is not None:
        if found.python.version is None:
            return found.python.reason or "the interpreter's version is not known"
        return found.python.reason or _elsewhere(found.python, snapshot)
    if snapshot.command.executable.digest is None:
        return f"the program is not known: {snapshot.command.executable.reason or 'no reason is recorded'}"
    return None


def _elsewhere(python: Python, snapshot: Snapshot) -> str | None:
    """An editable package outside of the project, whose code neither the snapshot nor an input holds."""
    known = [snapshot.context.project, *(item.path for item in snapshot.inputs if item.digest is not None)]
    tops = [f"{from_text(path).rstrip('/')}/" for path in known if path is not None]
    for package in python.packages:
        folder = from_text(package.editable) if package.editable is not None else ""
        if folder.startswith("/") and not any(f"{folder}/".startswith(top) for top in tops):
            return f"`{package.name}` is editable from `{folder}`, outside the project: its code is not known"
    return None


def _hardware(snapshot: Snapshot) -> str | None:
    machine, gpus = snapshot.environment.machine, snapshot.environment.gpus
    unread = [
        name
        for name, value in (("processor", machine.cpu), ("memory", machine.memory_bytes))
        if value is None
    ]
    if unread:
        return f"not known: {' and '.join(unread)}"
    if gpus.status == "unknown":
        return f"which accelerators there are is not known: {gpus.reason or 'no reason is recorded'}"
    return None


def _image(snapshot: Snapshot) -> str | None:
    found = snapshot.environment.container
    if found.image and (found.started_by is None or found.found is not None):
        return None
    return found.reason or "not in a container" if found.inside is False else found.reason or "not known"


def _code(snapshot: Snapshot) -> str | None:
    found = snapshot.code
    if found.status != "recorded" or found.tree is None:
        return found.reason or "it is not known"
    for inner in found.repositories:
        if inner.status == "failed" and inner.tree is None:
            return f"a repository inside is not known: {inner.reason or 'no reason is recorded'}"
    return None


def _clean(snapshot: Snapshot) -> str | None:
    found = snapshot.code
    unknown = _code(snapshot) or _no_commit(found)
    if unknown is not None:
        return unknown
    if found.dirty is not False:
        count = found.changed_total
        return f"{count} {'path differs' if count == 1 else 'paths differ'} from the commit"
    return _inner(found)


def _committed(snapshot: Snapshot) -> str | None:
    found = snapshot.code
    unknown = _code(snapshot) or _no_commit(found)
    if unknown is not None:
        return unknown
    # Not all are listed: of those that are not, untracked is not known.
    tracked = found.changed_total - sum(item.change == "untracked" for item in found.changed)
    if tracked:
        return f"{tracked} {'path differs' if tracked == 1 else 'paths differ'} from the commit"
    return _inner(found)


def _no_commit(found: Code) -> str | None:
    if found.vcs is None:
        return "not in a git repository"
    return None if found.head is not None else "there is no commit yet"


def _inner(found: Code) -> str | None:
    dirty = sum(inner.status == "recorded" and inner.dirty is not False for inner in found.repositories)
    if not dirty:
        return None
    return f"{dirty} {'repository' if dirty == 1 else 'repositories'} inside differ from the commit"


def _reached(name: str, level: Level) -> bool:
    wanted = name or REQUIRABLE[-1]
    return any(reaches(level, known_level) for known_level in REQUIRABLE if known_level == wanted)


def _level(name: str, verified: Verified | None) -> str | None:
    if verified is None:
        return "it was not verified"
    if _reached(name, verified.level):
        return None
    return f"it was verified as {verified.level}, and {name or REQUIRABLE[-1]} is required"


#: Fields that the causes alone decide.
_FIXED: dict[str, Callable[[Snapshot], str | None]] = {
    "purpose": _purpose,
    "ticket": _ticket,
    "seed": _seed,
    "env": _env,
    "env.hardware": _hardware,
    "env.image": _image,
    "code": _code,
    "code.clean": _clean,
    "code.committed": _committed,
}
