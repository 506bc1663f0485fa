"""Pages, tables and files for other programs, of a store that an enemy wrote: all of it is text there."""

from __future__ import annotations

import csv
import html.parser
import io
import json
import re
import zipfile
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt

from tests.at_once import ANSWERING
from tests.poison import LAST, POISON, Poisoned

#: What a page of ours has no use for.
TAGS = {
    "script",
    "img",
    "iframe",
    "object",
    "embed",
    "link",
    "base",
    "form",
    "input",
    "image",
    "foreignobject",
    "use",
}
#: At the begin of every SVG.
OWN = {'xml version="1.0" encoding="UTF-8"?', "comment  drawn by xt "}
FORMULAS = tuple("=+-@\t\r\n\0＝＋－＠")
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?|[-+]?inf|nan")


@pytest.fixture
def poisoned(tmp_path):
    made = Poisoned(tmp_path)
    made.project.at_once = frozenset(ANSWERING)
    return made


class Reader(html.parser.HTMLParser):
    """Notes what a browser would act on."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag in TAGS:
            self.found.append(tag)
        for name, value in attrs:
            is_link = name in ("href", "src", "xlink:href", "action", "data", "formaction")
            if name.startswith("on") or (is_link and not (value or "").startswith("#")):
                self.found.append(f"{tag} {name}={value}")
            if name == "style" and "url" in (value or ""):
                self.found.append(f"{tag} {name}={value}")

    def handle_comment(self, data):
        self.found.append(f"comment {data}")

    handle_pi = handle_decl = lambda self, data: (
        self.found.append(data) if "DOCTYPE" not in data.upper() else None
    )


def acted_on(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader.found


def xt(poisoned, *words, **options):
    done = poisoned.project.xt(*words, **options)
    assert "a bug" not in done.err, done.err
    return done


def test_a_page_is_text_and_nothing_acts(poisoned):
    pages = [
        xt(poisoned, *words).out.decode() for words in (["report", "-o", "-"], ["diff", "--format", "html"])
    ]
    for name in ("p.html", "p.svg"):
        assert xt(poisoned, "plot", "acc", POISON, "-o", name, "--runs", LAST).code in (0, 1)
        assert xt(poisoned, "plot", "acc", "--x", "run", "-o", name).code == 0
        pages.append((poisoned.project.path / name).read_text())
    for page in pages:
        assert "evil()" in page or page.startswith(("<svg", "<?xml", "<!"))
        assert [one for one in acted_on(page) if one not in OWN] == []
        assert not {"<script", "</style></title>", "<img", "onload=evil()>"} & set(
            re.findall(r"</?\w[^>]*>", page)
        )
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", page)
    drawn = ElementTree.fromstring(pages[-1])
    assert {one.tag.rpartition("}")[2] for one in drawn.iter()} <= {
        "svg",
        "g",
        "path",
        "text",
        "rect",
        "title",
        "circle",
        "line",
        "polyline",
        "style",
        "desc",
        "tspan",
    }


def test_markdown_is_text(poisoned):
    (poisoned.project.path / "ci").mkdir()
    runner = {
        "GITHUB_ACTIONS": "true",
        "CI": "true",
        "GITHUB_STEP_SUMMARY": str(poisoned.project.path / "summary.md"),
    }
    pages = [
        xt(poisoned, "diff", "--format", "markdown").out,
        xt(poisoned, "audit", "--format", "markdown").out,
    ]
    pages.append(xt(poisoned, "verify", LAST, "--against", "kwpz", "--format", "markdown").out)
    for words in (["diff"], ["audit", LAST], ["diff", "--format", "markdown"], ["show", LAST], ["ls"]):
        done = xt(poisoned, *words, env=runner)
        for line in done.out.decode().splitlines():
            # Annotations are ours; what stands in them is escaped.
            assert not re.match(r"\s*::(?!(error|warning|notice|group|endgroup)( |::))|\s*##\[", line), line
            assert not line.startswith("::error::evil")
    pages.append((poisoned.project.path / "summary.md").read_bytes())
    for page in pages:
        assert b"evil" in page
        made = MarkdownIt("commonmark", {"html": True}).enable("table").render(page.decode())
        found = [one for one in acted_on(made) if not one.startswith("comment  xt") and "details" not in one]
        assert not [one for one in found if "evil" in one or one.partition(" ")[0] in TAGS], found
        assert not re.search(r"<h\d>\s*evil", made)


def test_reports_for_programs_are_whole(poisoned):
    for words in (
        ["audit", "--all", "--format", "junit"],
        ["verify", LAST, "--against", "kwpz", "--format", "junit"],
    ):
        done = xt(poisoned, *words)
        tree = ElementTree.fromstring(done.out)
        assert {one.tag for one in tree.iter()} <= {
            "testsuites",
            "testsuite",
            "testcase",
            "properties",
            "property",
            "failure",
            "skipped",
            "error",
            "system-out",
            "system-err",
        }
    done = xt(poisoned, "diff", "--ci", "generic", "--ci-dir", "out")
    made = list((poisoned.project.path / "out").iterdir())
    assert made
    for path in made:
        if path.suffix == ".xml":
            ElementTree.fromstring(path.read_bytes())
        elif path.suffix == ".json":
            json.loads(path.read_bytes().decode())
        elif path.suffix == ".html":
            assert acted_on(path.read_text()) == []
        else:
            path.read_bytes().decode()


def test_no_cell_is_a_formula(poisoned):
    tables = (
        ["ls", "--csv"],
        ["ls", "--csv", "--columns", f"name,task,user,host,ticket,branch,tags,param.{POISON}0.9 note"],
        ["cases", LAST, "--format", "csv"],
        ["export", LAST, "--to", "csv", "-o", "-"],
        ["export", f"name:{LAST[:0]}*", "--to", "csv", "-o", "-"],
    )
    seen = 0
    for words in tables:
        done = xt(poisoned, *words)
        for row in csv.reader(io.StringIO(done.out.decode(), newline="")):
            for cell in row:
                seen += "evil" in cell
                assert not cell.startswith(FORMULAS) or NUMBER.fullmatch(cell), ascii(cell)
    assert seen > 5


def test_a_crate_says_text(poisoned):
    for form in ("rocrate", "prov", "cyclonedx", "in-toto", "openlineage", "json"):
        name = "c.zip" if form == "rocrate" else f"c.{form}"
        assert xt(poisoned, "export", LAST, "--to", form, "-o", name).code in (0, 1)
        path = poisoned.project.path / name
        if not path.exists():
            continue
        if form == "rocrate":
            with zipfile.ZipFile(path) as archive:
                data = archive.read("ro-crate-metadata.json")
                assert all(name.isprintable() or name.encode() for name in archive.namelist())
        else:
            data = path.read_bytes()
        for line in (
            data.decode().splitlines() if form in ("in-toto", "openlineage", "json") else [data.decode()]
        ):
            for identifier in re.findall(r'"@id": ?"([^"]*)"', line):
                assert identifier.isascii() and " " not in identifier and "<" not in identifier, identifier
        if form in ("rocrate", "prov", "cyclonedx"):
            json.loads(data)
