"""A comparison as JUnit XML: one `testcase` for each thing that counts among the effects, and for each gate.

A `failure` for what made a gate of `--fail-on` fail, an `error` for what it could not tell. Without a gate
what regressed is a `failure`, and what cannot be told is `skipped`, since nothing depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as Xml

from xt.model.delta import Comparison, Delta
from xt.render.diff_words import outcome
from xt.render.junit import add, count_up, document, text_of
from xt.render.styled import Line

#: Cases of one group.
MOST = 2_000


def render(found: Comparison) -> bytes:
    """Write the report: UTF-8, well formed whatever names hold.

    Args:
        found: the whole comparison.
    """
    left, right = (side.id[: side.shown] for side in (found.left, found.right))
    root = Xml.Element("testsuites", name="xt diff")
    purpose = (found.right.purpose or "").strip()
    name = f"xt diff {left} {right}" + (f": {purpose}" if purpose else "")
    suite = Xml.SubElement(root, "testsuite", name=text_of(name))
    properties = Xml.SubElement(suite, "properties")
    facts = {"left": found.left.id, "right": found.right.id, "verdict": found.verdict.word}
    for key, value in facts.items():
        Xml.SubElement(properties, "property", name=f"xt.{key}", value=text_of(value))
    for gate in found.gates:
        case = _case(suite, f"gate {gate.name}")
        if gate.passed is None:
            _judged(case, "error", "xt.unverifiable", "; ".join(gate.reasons))
        elif not gate.passed:
            _judged(case, "failure", f"xt.{gate.name}", "; ".join(gate.reasons))
    for row in _rows(found):
        _add(suite, row, found)
    count_up(suite, [])
    add(suite, "system-out", found.verdict.sentence)
    count_up(root, [suite])
    return document(root)


def _rows(found: Comparison) -> Iterator[Delta]:
    if found.comparability.children:
        yield found.comparability
    for group in found.effects.children:
        if not group.counted:
            continue
        if not group.children or group.judgement is not None:
            yield group
        if group.path == "cases":
            continue  # examples of it inform only
        for child in group.children[:MOST]:
            if child.counted:
                yield child
                yield from (cohort for cohort in child.children if cohort.judgement and cohort.counted)


def _add(suite: Xml.Element, row: Delta, found: Comparison) -> None:
    case = _case(suite, row.path)
    text = _plain(outcome(row.judgement)) if row.judgement is not None else row.relation
    reason = row.judgement.reason if row.judgement is not None else None
    said = ": ".join(filter(None, (text, reason or row.note)))
    if found.gates:
        failed = any(row.path in gate.paths for gate in found.gates)
        untold = any(row.path in gate.unknown for gate in found.gates)
    else:
        failed = row.judgement is not None and row.judgement.word == "regressed"
        untold = False
    if failed:
        _judged(case, "failure", "xt.diff", said)
    elif untold:
        _judged(case, "error", "xt.unverifiable", said)
    elif row.relation == "unknown":
        Xml.SubElement(case, "skipped", message=text_of(said))
    elif row.relation != "same":
        add(case, "system-out", said)


def _case(suite: Xml.Element, name: str) -> Xml.Element:
    # The ids of the runs are in the suite: a reader finds the same case in the job before.
    return Xml.SubElement(suite, "testcase", classname="xt.diff", name=text_of(name))


def _judged(case: Xml.Element, kind: str, sort: str, text: str) -> None:
    child = Xml.SubElement(case, kind, type=sort, message=text_of(text))
    child.text = text_of(text)


def _plain(line: Line) -> str:
    return "".join(span.text for span in line).strip()
