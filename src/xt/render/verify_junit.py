"""A verification as JUnit XML, as GitLab, Jenkins and the readers for GitHub take it.

One `testsuite` for each run; one `testcase` for each thing compared and each way the run was repeated: a
`failure` below the required level, an `error` where nothing can be said, `skipped` for a variation that could
not be tried. XML 1.0 (2.2) has no way to write control characters, so they are shown as escapes.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as Xml

from xt.model.verification import Cell, Column, Line, Verification, Verifications
from xt.render.junit import add, count_up, document, text_of
from xt.render.quantities import count
from xt.render.styled import Line as Styled
from xt.render.verify_words import (
    below,
    cell_of,
    decided,
    details,
    hints,
    short,
    skipped,
    to_look_at,
    trial,
    tried,
)

#: Clauses of one sort in the text of a suite, hints in that of a case.
MOST, FEW = 200, 5


def render(found: Verifications) -> bytes:
    """Write the report: UTF-8, well formed whatever names hold."""
    root = Xml.Element("testsuites", name="xt verify")
    for one in found.verifications:
        root.append(_suite(one))
    count_up(root, root.findall("testsuite"))
    return document(root)


def _suite(found: Verification) -> Xml.Element:
    suite = Xml.Element("testsuite", name=text_of(_title(found)))
    properties = Xml.SubElement(suite, "properties")
    facts = {"run": found.run, "level": found.level, "required": found.required, "against": found.against}
    for name, value in facts.items():
        if value is not None:
            Xml.SubElement(properties, "property", name=f"xt.{name}", value=text_of(value))
    story = "\n".join(_reason(found))
    for line in found.lines:
        for one in tried(found):
            cell = cell_of(line, one.place)
            if cell is not None:
                suite.append(_case(found, line, cell, one.column, story))
    for column in skipped(found):
        case = _empty(found, column.name, column)
        Xml.SubElement(case, "skipped", message=text_of(column.skipped or ""))
        suite.append(case)
    if not found.reached and not any(_is_bad(case) for case in suite):
        # Whatever the lines say, a verification that did not reach its level is no success.
        suite.append(
            _judged(_empty(found, "level", None), found.level == "unverifiable", found.sentence, story)
        )
    count_up(suite, [])
    add(suite, "system-out", "\n".join([*_reason(found), *_surroundings(found)]))
    return suite


def _case(found: Verification, line: Line, cell: Cell, column: Column, story: str) -> Xml.Element:
    case = _empty(found, line.path, column)
    far = _plain(details(line))
    if not below(cell, line, found.required):
        if cell.level != "identical":
            uncounted = "" if line.counted else ", does not count"
            add(case, "system-out", f"{cell.level}{uncounted}\n{far}".strip())
        return case
    message = f"{cell.level}, {found.required} was required"
    text = [message, *([f"differs in {cell.differ} of {count(cell.n, 'repeat')}"] if cell.n else [])]
    text += [part for part in (far, line.hint) if part]
    if line.test is not None:
        text += [_plain(clause) for clause in decided(line.test, whole=True)]
    if far:
        message += f": {far}"
    return _judged(case, cell.level == "unverifiable", message, story, text)


def _judged(
    case: Xml.Element, unverifiable: bool, message: str, story: str, text: list[str] | None = None
) -> Xml.Element:
    kind = "error" if unverifiable else "failure"
    child = Xml.SubElement(case, kind, type=f"xt.{'unverifiable' if unverifiable else 'level'}")
    child.set("message", text_of(message))
    child.text = text_of("\n".join(text or [message]))
    add(case, "system-out", story)
    return case


def _empty(found: Verification, name: str, column: Column | None) -> Xml.Element:
    by = f" [{column.name}]" if column is not None else ""
    # Readers group by the class name, and tell cases of one class by their names.
    return Xml.Element("testcase", classname=f"xt.verify.{short(found)}", name=text_of(f"{name}{by}"))


def _reason(found: Verification) -> Iterable[str]:
    """What stands with every case that failed, because some readers show nothing of the suite."""
    yield found.sentence
    if found.diagnosis is not None:
        yield found.diagnosis.sentence
        yield f"source: {', '.join(found.diagnosis.sources) or 'not found'}"
        if found.diagnosis.first:
            yield f"first difference: {found.diagnosis.first}"
    yield from (f"hint: {hint}" for hint in hints(found)[:FEW])


def _surroundings(found: Verification) -> Iterable[str]:
    """Trials, what is missing, drift, remarks, what was varied."""
    if found.diagnosis is not None:
        yield from (f"trial: {_plain(trial(one))}" for one in found.diagnosis.trials[:MOST])
        yield from (f"no trial: {name}: {reason}" for name, reason in found.diagnosis.impossible.items())
    for label, clauses in (("missing", found.missing), ("drift", found.drift), ("note", found.notes)):
        yield from (f"{label}: {clause}" for clause in clauses[:MOST])
    for one in tried(found):
        if one.column.what:
            yield f"varied: {one.column.name}: {one.column.what}"
    other = to_look_at(found)
    if other is not None:
        yield f"compare: xt diff {short(found)} {other[: found.shown]}"


def _title(found: Verification) -> str:
    against = f" against {found.against[: found.shown]}" if found.against is not None else ""
    purpose = (found.purpose or "").strip()
    return f"xt verify {short(found)}{against}" + (f": {purpose}" if purpose else "")


def _is_bad(element: Xml.Element) -> bool:
    return element.find("failure") is not None or element.find("error") is not None


def _plain(line: Styled) -> str:
    return "".join(span.text for span in line)
