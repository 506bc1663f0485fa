"""What every report in JUnit XML has: numbers that readers show, and text that XML can hold.

XML 1.0 (2.2) has no way to write control characters, so they are shown as escapes.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml

from xt.render.styled import say

#: What XML has no character for, beyond what `say` makes visible.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(root: Xml.Element) -> bytes:
    """Write the whole: UTF-8, well formed whatever names hold."""
    Xml.indent(root)
    data: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def count_up(element: Xml.Element, suites: list[Xml.Element]) -> None:
    """Set the numbers readers show without counting themselves."""
    cases = element.findall("testcase") if not suites else []
    totals = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }
    for name, number in totals.items():
        element.set(name, str(number + sum(int(suite.get(name, "0")) for suite in suites)))


def add(parent: Xml.Element, name: str, text: str) -> None:
    """Add an element of text, if there is any."""
    if text:
        Xml.SubElement(parent, name).text = text_of(text)


def text_of(text: str) -> str:
    """Characters that XML can hold; of a line that is too long its beginning."""
    said = "\n".join(say(part).text for part in text.split("\n"))
    return _FORBIDDEN.sub(lambda match: f"\\u{ord(match.group()):04x}", said)
