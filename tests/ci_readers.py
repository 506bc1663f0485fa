"""What providers of continuous integration read, read as their documents say, and by nothing of xt."""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.etree import ElementTree as Xml

#: Older form of a runner's commands, and of Azure's and TeamCity's, anywhere in a line.
OLDER = re.compile(r"##[\w.]*\[")


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    text: str


def commands(log: str) -> list[Command]:
    """Workflow commands of a log, as GitHub's runner finds them: lines that begin with `::`."""
    found = []
    for line in re.split(r"\r\n|\r|\n", log):
        match = re.match(r"\s*::([\w-]+)(?: ([^\n]*?))?::(.*)$", line)
        if match is None:
            assert not line.lstrip().startswith("::"), line
            continue
        pairs = [pair.partition("=") for pair in (match[2] or "").split(",") if pair]
        found.append(Command(match[1], {name: _plain(value) for name, _, value in pairs}, _plain(match[3])))
    return found


def _plain(text: str) -> str:
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


def outputs(text: str) -> dict[str, str]:
    """The file of GITHUB_OUTPUT: `NAME=VALUE`, or `NAME<<END` and lines up to that."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        heredoc = re.fullmatch(r"([^=<\s]+)<<(\S+)", line)
        if heredoc is None:
            name, equals, value = line.partition("=")
            assert equals, line
            found[name] = value
            continue
        value_lines = []
        for inner in lines:
            if inner == heredoc[2]:
                break
            value_lines.append(inner)
        else:
            raise AssertionError(f"{line} is never closed")
        found[heredoc[1]] = "\n".join(value_lines)
    return found


_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{((?:{_LABEL})(?:,{_LABEL})*)\}})? (\S+)")
_VALUE = re.compile(r"[+-]?Inf|NaN|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def openmetrics(data: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Samples of gauges, read strictly by the ABNF of OpenMetrics 1.0."""
    text = data.decode("utf-8")
    assert text.endswith("# EOF\n")
    lines = text.removesuffix("# EOF\n").split("\n")
    assert lines.pop() == ""
    families: dict[str, set[str]] = {}
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    current = ""
    for line in lines:
        if line.startswith("# "):
            _, word, name, rest = line.split(" ", 3)
            assert re.fullmatch(_NAME, name)
            assert word in ("TYPE", "UNIT", "HELP")
            if name != current:
                assert name not in families, "families must not interleave"
                families[name], current = set(), name
            assert word not in families[name]
            families[name].add(word)
            if word == "TYPE":
                assert rest == "gauge"
            if word == "UNIT":
                assert name.endswith(f"_{rest}")
            continue
        sample = _SAMPLE.fullmatch(line)
        assert sample is not None, line
        assert sample[1] == current
        assert _VALUE.fullmatch(sample[3]), line
        pairs = re.findall(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"', sample[2] or "")
        assert len({name for name, _ in pairs}) == len(pairs)
        labels = tuple(sorted((name, _unescaped(value)) for name, value in pairs))
        assert (sample[1], labels) not in found, "the same sample twice"
        found[sample[1], labels] = float(sample[3])
    return found


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), text)


def dotenv(data: bytes) -> dict[str, str]:
    """Variables as GitLab takes them: no spaces, no empty lines, at most 5 KB."""
    assert len(data) <= 5 * 1024
    lines = data.decode("ascii").splitlines()
    for line in lines:
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*=\S*", line), line
    return dict(line.split("=", 1) for line in lines)


#: Elements of Jenkins' JUnit schema (jenkins-junit.xsd of the xUnit plugin), and what may be in and on each.
_SCHEMA = {
    "testsuites": ({"testsuite"}, {"name", "tests", "failures", "errors", "skipped", "time", "disabled"}),
    "testsuite": (
        {"properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors", "skipped", "time", "disabled", "timestamp", "hostname", "id"},
    ),
    "properties": ({"property"}, set()),
    "property": (set(), {"name", "value"}),
    "testcase": (
        {"skipped", "error", "failure", "system-out", "system-err"},
        {"name", "classname", "time", "assertions", "status"},
    ),
    "failure": (set(), {"type", "message"}),
    "error": (set(), {"type", "message"}),
    "skipped": (set(), {"type", "message"}),
    "system-out": (set(), set()),
    "system-err": (set(), set()),
}


def junit(data: bytes) -> dict[str, Xml.Element]:
    """Test cases by class and name; the file fits the schema, and its numbers are right."""
    root = Xml.fromstring(data)
    assert root.tag == "testsuites"
    for element in root.iter():
        inner, attributes = _SCHEMA[element.tag]
        assert {child.tag for child in element} <= inner
        assert set(element.attrib) <= attributes
        if element.tag in ("testsuites", "testsuite", "testcase"):
            assert element.get("name")
    totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    found: dict[str, Xml.Element] = {}
    for suite in root:
        cases = suite.findall("testcase")
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            number = sum(case.find(tag) is not None for case in cases)
            assert suite.get(name) == str(number)
            totals[name] += number
        assert suite.get("tests") == str(len(cases))
        totals["tests"] += len(cases)
        for case in cases:
            key = f"{case.get('classname')} {case.get('name')}"
            assert key not in found
            found[key] = case
    assert {name: root.get(name) for name in totals} == {name: str(value) for name, value in totals.items()}
    return found
