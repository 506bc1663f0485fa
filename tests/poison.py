"""A store in which every string that somebody else could have written is written by an enemy.

It is made of one real run, for its code, and of sealed records in which every free string is replaced:
found by trying each string of a record, so that a new field is poisoned without being named here.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from tests import builders
from tests.conftest import Project
from xt import codec
from xt.context import timestamp
from xt.model.event import (
    Deployed,
    Envelope,
    Named,
    Noted,
    Observed,
    Pin,
    Point,
    Removed,
    Reused,
    Signature,
    Signed,
    Tagged,
    Verified,
)
from xt.model.files import Entry, Manifest
from xt.model.result import Record
from xt.store import Store, events
from xt.store.store import sealed

#: What a terminal would act on: titles, links, the clipboard, answers it types itself, a cleared screen,
#: bells, letters on top of each other, in another order or not seen, C1 bytes, line separators.
TERMINAL = (
    '\x1b]0;owned\x07\x1b]8;;http://evil\x1b\\x\x1b]52;c;aGk=\x07\x1bP$q"p\x1b\\\x1b[2J\x1b[6n\x1b[1A'
    "\x9b2J\x90q\x9c\x85\x07ab\b\b\x7f\u202e\u200b\u2066\ufeff\u2028\u2029\U000e0041"
)
#: What a page would act on, in HTML, in Markdown, in a document of XML, in a comment of a runner.
PAGE = (
    "<script>evil()</script>\"'><img src=x onerror=evil()></style></title>--><svg onload=evil()>"
    "[x](javascript:evil) ![x](http://evil/i.png) `x` | x | <!-- ]]> &lt; \n\n# evil\n"
    "::error::evil ##[error]evil"
)
#: What a spreadsheet would act on.
FORMULA = "=cmd|' /C calc'!A0"
#: All of it, as a text of a record, an argument, or a line of a file.
POISON = FORMULA + TERMINAL + PAGE + "\r\n"
#: The same where it must be one name of a file: no slash, no more than 255 bytes.
NAMES = [
    "=1+1\x1b]0;owned\x07\x9b2J\r\n\u202e.txt",
    "\x1b[2J<script>evil()<＼script>\"'&`|.md",
    "--evil\x1b]52;c;aGk=\x07.py",
    "::error::evil\n##[error]x",
]
#: What must not reach a terminal; the line end alone may.
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)
#: Ids of the runs: `LAST` is the newest, `LOST` has no record.
BEFORE, LAST, LOST = "kwpztnlqsmvrxoyu", "mwpztnlqsmvrxoyu", "nwpztnlqsmvrxoyu"
_KEPT = re.compile(r"blake3:|\d{4}-\d\d-\d\dT|[0-9a-f]{40}$")
CASES = [
    {"id": f"{POISON}{number}", "passed": number % 2 == flip, "score": 0.5, POISON: POISON}
    for flip in (0, 1)
    for number in range(4)
]


class Poisoned:
    """The folder, and the store in it."""

    def __init__(self, path: Path) -> None:
        self.project = Project(path)
        for name in NAMES:
            self.project.write(name, POISON)
        self.project.write("=data.csv", f"{POISON}\n")
        self.project.write("prompts/" + NAMES[1], POISON)
        self.project.write(
            "xt.toml", '[cases]\n[evidence]\nrequired = ["purpose", "facts.rights", "code.clean"]\n'
        )
        self.project.sh("git init -q && git add -A && git commit -qm first")
        branch = "\u202eevil\u009b"
        self.project.sh(f"git checkout -qb '{branch}'")
        self.project.write(NAMES[2], "changed\n")
        script = "import os, sys; os.write(1, sys.argv[1].encode() + b'\\x9b\\xff')"
        script += "; open(sys.argv[2], 'w').write('{}')"
        done = self.project.run(
            *(
                "-m",
                POISON,
                "-t",
                FORMULA + "\x1b]0;x\x07",
                "-p",
                f"lr={POISON}",
                "--fact",
                f"rights={POISON}",
            ),
            *("-i", f"prompts:prompts/{NAMES[1]}", "-o", "metrics:" + NAMES[0].replace(".txt", ".json")),
            *("--", sys.executable, "-c", script, POISON, NAMES[0].replace(".txt", ".json")),
        )
        self.ran = done
        assert done.code == 0, done.err
        self.store = Store(str(path / ".xt"))
        (first,) = self.store.ids()
        self.first = first
        self._put(self.store.record(first))

    def _put(self, real: Record) -> None:
        keep = self.store.objects.put_bytes
        log, timing = POISON.encode() + b"\x9b\xff\n", b"0.1 o 5\n"
        leaf, prompt = keep(POISON.encode()), keep(b"be kind\n" + POISON.encode())
        tree = keep(codec.encode(Manifest([Entry(name, "file", 0o644, 5, leaf) for name in sorted(NAMES)])))
        made, now = {BEFORE: 0.5, LAST: 0.9}, datetime.now(UTC)
        for number, (run_id, value) in enumerate(made.items()):
            rows = b"".join(codec.encode(row) for row in CASES[4 * number : 4 * number + 4])
            snapshot = builders.snapshot(code=real.snapshot.code)
            result = builders.result(logs=builders.logs(streams=[]))
            whole = _poisoned(codec.encode(builders.record(snapshot, result, run_id)), value)
            inputs, outputs, metrics = (
                whole["snapshot"]["inputs"],
                whole["result"]["outputs"],
                whole["result"]["metrics"],
            )
            inputs[1] |= {"digest": prompt, "path": f"prompts/{NAMES[1]}"}
            inputs[0] |= {"digest": tree, "path": NAMES[3]}
            outputs[0] |= {"kind": "tree", "digest": tree, "path": NAMES[0]}
            outputs[1] |= {
                "role": "cases",
                "path": POISON + ".jsonl",
                "digest": keep(rows),
                "size": len(rows),
            }
            whole["result"]["logs"] = {
                "streams": [
                    {
                        "name": "stdout",
                        "via": "pipe",
                        "size": len(log),
                        "digest": keep(log),
                        "stored": len(log),
                    }
                ],
                "timing": keep(timing),
                "open_at_end": False,
            }
            points = b"".join(codec.encode({"step": step, "value": value + step}) for step in range(4))
            metrics[0] |= {
                "name": "acc",
                "series": keep(points),
                "count": 4,
                "step": 3,
                "labels": {},
                "goal": "max",
            }
            whole["started_at"] = timestamp(now + timedelta(seconds=number))
            self.seal(msgspec.convert(whole, Record))
        self.store.objects.settle()
        self._lose(real)
        self._say()

    def seal(self, record: Record) -> None:
        """Put a record into the store."""
        data, _ = sealed(record)
        self.store.publish(record.id, data)

    def _lose(self, real: Record) -> None:
        snapshot = builders.snapshot(code=real.snapshot.code)
        whole = _poisoned(codec.encode(builders.start(snapshot, LOST)), 0.1)
        folder = Path(self.store.live_folder(LOST))
        folder.mkdir(parents=True)
        (folder / "start.json").write_bytes(codec.encode(whole))
        (folder / "stdout").write_bytes(POISON.encode() + b"\x9b\xff")
        (folder / "lock").touch()

    def _say(self) -> None:
        digest = self.store.record(LAST).result.outputs[0].digest
        again = {"to": POISON, "run": LAST, "output": NAMES[0], "digest": digest}
        envelope = Envelope("e30=", POISON, [Signature("e30=", POISON)])
        said = [
            Pin(**self._who(), name="baseline", run=BEFORE, reason=POISON),
            Pin(**self._who(), name=FORMULA + "\x1b]0;x\x07", run=LAST, reason=POISON),
            Verified(
                **self._who(),
                run=LAST,
                level="consistent",
                required="identical",
                repeats=[POISON],
                against=POISON,
                varied={POISON: "consistent"},
                sentence=POISON,
                sources=[POISON],
                pins=[POISON],
                on=POISON,
            ),
            Reused(**self._who(), run=LAST, recipe=POISON, restored=1, purpose=POISON),
            Tagged(**self._who(), run=LAST, name=FORMULA + POISON),
            Named(**self._who(), run=LAST, name=POISON),
            Noted(**self._who(), run=LAST, text=POISON),
            Removed(**self._who(), run=self.first, reason=POISON),
            Removed(**self._who(), run=self.first, reason=POISON, back=True),
            Deployed(
                **self._who(),
                **again,
                prompts=builders.digest("1"),
                policy=builders.digest("2"),
                config={POISON: builders.digest("3")},
                reason=POISON,
            ),
            Deployed(
                **self._who(),
                **{**again, "to": "prod"},
                lacking=[POISON],
                takes_back=POISON,
                despite=[POISON],
            ),
            Deployed(**self._who(), **{**again, "to": "prod", "run": BEFORE}, since="2026-11-20T00:00:00Z"),
            Observed(
                **self._who(),
                to="prod",
                points=[Point(POISON, value / 7, f"2026-11-2{value}T00:00:00Z") for value in range(9)],
                source=POISON,
            ),
            Signed(**self._who(), run=LAST, envelope=envelope),
        ]
        for event in said:
            events.append(self.store.path, event)
        # One that cannot be read: its path is told.
        (Path(self.store.path, "events/2026/11") / "\x1b]0;x\x07.noted.json").write_bytes(b"{")
        self.damaged = "p" * 16
        path = Path(self.store.path, "runs", "pp", f"{self.damaged}.json")
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"seal": POISON}))

    _told = 0

    def _who(self) -> dict[str, str]:
        self._told += 1
        at = f"2026-11-24T09:30:00.{self._told:06}Z"
        return {"id": events.event_id(at, bytes(4)), "at": at, "by": POISON}


def _poisoned(data: bytes, value: float) -> Any:
    """Replace every string and every name of a table by poison, as long as it is a record still."""
    whole = json.loads(data)
    kind: Any = Record if "result" in whole else None

    def still() -> bool:
        if kind is None:
            from xt.model.result import Start

            return _converts(whole, Start)
        return _converts(whole, kind)

    def walk(node: Any, path: str) -> None:
        keys = list(node) if isinstance(node, dict) else range(len(node))
        for key in keys:
            child = node[key]
            if isinstance(child, dict | list):
                walk(child, f"{path}/{key}")
            elif (
                isinstance(child, str)
                and not _KEPT.match(child)
                and path + str(key) not in ("id", "seal", "schema")
            ):
                node[key] = f"{POISON}{value} {child}"
                if not still():
                    node[key] = child
        if isinstance(node, dict) and path.rpartition("/")[2] in _TABLES:
            for key in keys:
                node[f"{POISON}{key}"] = node.pop(key)

    walk(whole, "")
    for number, metric in enumerate(whole.get("result", {}).get("metrics", [])):
        metric["value"] = value + number
    assert still()
    return whole


#: Tables whose names are free.
_TABLES = frozenset(
    ("labels", "variables", "hidden", "locale", "determinism", "limits", "known", "ci", "slurm")
)


def _converts(whole: Any, kind: type) -> bool:
    try:
        msgspec.convert(whole, kind)
    except msgspec.ValidationError:
        return False
    return True
