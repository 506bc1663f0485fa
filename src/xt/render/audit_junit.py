"""An audit as JUnit XML: one `testsuite` for each run, one `testcase` for each required field.

A `failure` for a field that is missing, an `error` for a run that cannot be read, `skipped` for one of which
nothing is required or that still runs.
"""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from xt.model.audit import Audit, Audits, Item
from xt.render.audit import NEW_RUN, NOTHING
from xt.render.junit import add, count_up, document, text_of


def render(found: Audits) -> bytes:
    """Write the report: UTF-8, well formed whatever names hold."""
    root = Xml.Element("testsuites", name="xt audit")
    for one in found.audits:
        root.append(_suite(one))
    for bad in found.unreadable:
        suite, case = _alone(bad.run[: bad.shown])
        Xml.SubElement(case, "error", type="xt.damaged", message=text_of(bad.reason))
        count_up(suite, [])
        root.append(suite)
    for run in found.running:
        suite, case = _alone(run)
        Xml.SubElement(case, "skipped", message="it is still running")
        count_up(suite, [])
        root.append(suite)
    count_up(root, root.findall("testsuite"))
    for note in found.notes:
        # A schema of readers has no place for text of the whole; each has one for a suite's.
        for suite in root.findall("testsuite")[:1]:
            add(suite, "system-err", note)
    return document(root)


def _alone(short: str) -> tuple[Xml.Element, Xml.Element]:
    """A suite of one case, which stands for a run that was not judged."""
    suite = Xml.Element("testsuite", name=f"xt audit {short}")
    return suite, Xml.SubElement(suite, "testcase", classname=f"xt.audit.{short}", name="evidence")


def _suite(found: Audit) -> Xml.Element:
    short = found.run[: found.shown]
    if found.complete is None:
        suite, case = _alone(short)
        Xml.SubElement(case, "skipped", message=NOTHING)
    else:
        suite = Xml.Element("testsuite")
        for item in found.fields:
            suite.append(_case(item, short))
    purpose = (found.purpose or "").strip()
    suite.set("name", text_of(f"xt audit {short}" + (f": {purpose}" if purpose else "")))
    properties = Xml.Element("properties")
    for name, value in (("run", found.run), ("status", found.status), ("task", found.task)):
        if value is not None:
            Xml.SubElement(properties, "property", name=f"xt.{name}", value=text_of(value))
    suite.insert(0, properties)
    count_up(suite, [])
    return suite


def _case(item: Item, short: str) -> Xml.Element:
    case = Xml.Element("testcase", classname=f"xt.audit.{short}", name=text_of(item.field))
    if item.present:
        add(case, "system-out", item.source or "")
        return case
    failure = Xml.SubElement(case, "failure", type="xt.evidence")
    failure.set("message", text_of(f"{item.field} is missing: {item.missing or 'no reason is known'}"))
    lines = [
        item.command or NEW_RUN,
        *([f"next time: {item.supply}"] if item.supply and item.needs != "verify" else []),
    ]
    failure.text = text_of("\n".join(lines))
    return case
