"""A record → rows of the index."""

from __future__ import annotations

import math
import sqlite3
from typing import Any

import msgspec

from xt.columns import written
from xt.model.environment import Environment
from xt.model.files import Input, Output
from xt.model.level import LEVELS, Level
from xt.model.result import Metric, Number, Record, labelled
from xt.model.snapshot import Snapshot
from xt.model.standing import RunStanding
from xt.model.summary import Summary
from xt.model.text import Text, from_text, to_shown

#: Params, facts and metrics of one run that can be searched for; the record has all.
MOST_VALUES = 2_000
#: Characters of a value that can be searched for.
LONGEST = 1_000

_encoder = msgspec.msgpack.Encoder()
summaries = msgspec.msgpack.Decoder(Summary)
standings = msgspec.msgpack.Decoder(RunStanding)


class Writer:
    """Collects rows and writes them in batches, each table in one go."""

    def __init__(self, db: sqlite3.Connection, *, words: bool) -> None:
        """Write into these tables.

        Args:
            db: with the layout.
            words: whether it has the table of full text.
        """
        self._db = db
        self._words = words
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._removed: dict[str, int] = {}
        self._keys: dict[tuple[str, str], int] = {}
        self._environments: dict[str, int] = {}
        self._next = self._after("(SELECT seq AS n FROM sqlite_sequence WHERE name = 'runs')", "n")
        self._next_key = self._after("keys", "k")
        self._next_environment = self._after("environments", "e")
        for k, kind, name in db.execute("SELECT k, kind, name FROM keys"):
            self._keys[kind, name] = k
        for e, key in db.execute("SELECT e, key FROM environments"):
            self._environments[key] = e

    def _after(self, table: str, column: str) -> int:
        return int(self._db.execute(f"SELECT coalesce(max({column}), 0) + 1 FROM {table}").fetchone()[0])

    def flush(self) -> None:
        """Write what was collected."""
        for table, rows in self._rows.items():
            marks = ", ".join("?" * len(rows[0]))
            self._db.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)
        self._rows.clear()

    def remove(self, run_id: str) -> None:
        """Take a run out; if it is put in again, it has the number it had, which others may be holding."""
        self.flush()
        found = self._db.execute("SELECT n FROM runs WHERE id = ?", (run_id,)).fetchone()
        if found is None:
            return
        self._removed[run_id] = found[0]
        for table in ("runs", "shown", "tags", "numbers", "texts", "files"):
            self._db.execute(f"DELETE FROM {table} WHERE n = ?", found)
        if self._words:
            self._db.execute("DELETE FROM words WHERE rowid = ?", found)

    def damaged(self, run_id: str, reason: str) -> None:
        """Put in a run whose record cannot be read."""
        n = self._number(run_id)
        self._put("runs", n, run_id, None, 0, 0, "damaged", *[None] * 16)
        self._put("shown", n, _encoder.encode(Summary(id=run_id, status="damaged", reason=reason)), None)

    def run(self, record: Record, standing: RunStanding | None) -> None:
        """Put in a sealed run.

        Args:
            record: the run.
            standing: what was said of it later, None for nothing.
        """
        summary = Summary.of(record)
        n = self._number(record.id)
        self._causes(n, summary, record.snapshot, standing)
        for metric in record.result.metrics[:MOST_VALUES]:
            self._value(n, "metric", shown_name(metric), metric.value)
        for output in record.result.outputs:
            self._file(n, output, made=1)

    def in_flight(self, summary: Summary, snapshot: Snapshot) -> None:
        """Put in a run without a record: what is known of it so far."""
        self._causes(self._number(summary.id), summary, snapshot, None)

    def _number(self, run_id: str) -> int:
        if run_id in self._removed:
            return self._removed.pop(run_id)
        self._next += 1
        return self._next - 1

    def _put(self, table: str, *row: Any) -> None:
        self._rows.setdefault(table, []).append(row)

    def _causes(self, n: int, summary: Summary, snapshot: Snapshot, standing: RunStanding | None) -> None:
        context, code = snapshot.context, snapshot.code
        self._put(
            "runs",
            *(n, summary.id, summary.started_at, int(summary.trial)),
            *(int(standing is not None and standing.removed is not None), summary.status),
            *(standing.name(summary.name) if standing else summary.name, summary.task),
            *(context.user, context.host, context.ticket),
            *(_plain(code.branch), code.head, code.tree, summary.recipe, summary.repeat_of),
            *(summary.wall_s, summary.exit_code, rank(standing)),
            *(self._environment(snapshot.environment), _has(summary), context.group),
        )
        self._put("shown", n, _encoder.encode(summary), _encoder.encode(standing) if standing else None)
        tags = standing.tags_now(summary.tags) if standing else summary.tags
        for tag in dict.fromkeys(tags):
            self._put("tags", tag, n)
        for param in snapshot.params[:MOST_VALUES]:
            self._value(n, "param", param.name, param.value)
        for fact in snapshot.facts[:MOST_VALUES]:
            self._value(n, "fact", fact.name, fact.value)
        for item in snapshot.inputs:
            self._file(n, item, made=0)
        if self._words:
            command = " ".join(to_shown(from_text(word)) for word in snapshot.command.argv)
            name = (standing.name(summary.name) if standing else summary.name) or ""
            note = "\n".join(note.text for note in standing.notes) if standing else ""
            rest = " ".join([*tags, summary.task or "", context.ticket or ""])
            row = (summary.purpose or "", command[: LONGEST * 10], name, note, rest)
            self._put("words (rowid, purpose, command, name, note, rest)", n, *row)

    def _value(self, n: int, kind: str, name: str, value: Any) -> None:
        k = self._keys.get((kind, name))
        if k is None:
            k = self._keys[kind, name] = self._next_key
            self._next_key += 1
            self._put("keys", k, kind, name)
        number = figure(value)
        if number is not None:
            self._put("numbers", k, number, n)
        else:
            self._put("texts", k, written(value)[:LONGEST], n)

    def _file(self, n: int, item: Input | Output, *, made: int) -> None:
        path = item.path if item.path is not None else item.declared
        # Of an unknown content nothing, which is the beginning of no digest.
        digest = bytes.fromhex(item.digest.partition(":")[2]) if item.digest is not None else b""
        self._put("files", digest, n, made, item.role, to_shown(from_text(path)), item.kind)

    def _environment(self, environment: Environment) -> int:
        """Number of an environment; what it consists of is written once for all runs in it."""
        machine = environment.machine
        key = f"{environment.fingerprint} {machine.kernel} {machine.distribution}"
        known = self._environments.get(key)
        if known is not None:
            return known
        e = self._environments[key] = self._next_environment
        self._next_environment += 1
        self._put("environments", e, key)
        for name, version in _parts(environment):
            self._put("parts", name, version, e)
        return e


def shown_name(metric: Metric) -> str:
    """A metric with its labels: `val/acc{digit=8}`."""
    return labelled(metric.name, metric.labels)


def rank(standing: RunStanding | None) -> int | None:
    """A level as a number, more is better; None for a run that was not verified."""
    return rank_of(standing.verified.level) if standing and standing.verified else None


def rank_of(level: Level) -> int:
    """The same, of a level."""
    return len(LEVELS) - LEVELS.index(level)


def figure(value: Any) -> float | None:
    """A value as a number that can be ordered, None for anything else: a text, a truth value, NaN."""
    if isinstance(value, Number):
        value = float(value.special)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    return None if math.isnan(found) else found


def _has(summary: Summary) -> str:
    return "".join(f"\n{field}" for field in summary.has) + "\n"


def _plain(value: Text | None) -> str | None:
    return None if value is None else to_shown(from_text(value))


def _parts(environment: Environment) -> list[tuple[str, str]]:
    """What can be said of an environment with `env.NAME`: packages by name, and a few words of ours."""
    python, machine, gpus = environment.python, environment.machine, environment.gpus
    found: list[tuple[str, str | None]] = [
        ("system", machine.system),
        ("kernel", machine.kernel),
        ("distribution", machine.distribution),
        ("libc", machine.libc),
        ("architecture", machine.architecture),
        ("cpu", machine.cpu),
        ("image", environment.container.image),
        ("driver", gpus.driver),
        ("cuda", gpus.cuda),
        *(("gpu", device.name) for device in gpus.devices),
    ]
    if environment.container.found is not None:
        inner = environment.container.found
        found.append(("image", inner.id))
        for place in inner.installed or ():
            found += [(package.name, package.version) for package in place.packages]
            found += [("python", place.version)] if place.kind == "python" else []
    if python is not None:
        found += [(package.name, package.version) for package in python.packages]
        found += [("python", python.version), ("implementation", python.implementation)]
    return [(name, version) for name, version in found if version is not None]
