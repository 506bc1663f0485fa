"""`xt bundle`: versions of prompts and tool policies."""

from __future__ import annotations

import json

import pytest

from tests.evaluations import IDS, Page
from tests.render.hostile import FORBIDDEN
from xt.context import Outside
from xt.errors import NoSuchBundleError
from xt.model.bundle import hexadecimal
from xt.ops.bundle_versions import find
from xt.ops.bundles import of_run

ONE = {"system.md": b"You are terse.\n", "sub/user.md": b"Hi.\n"}
TWO = {"system.md": b"You are terse.\nAnswer in German.\n", "sub/tool.md": b"Search.\n"}


def fails(page, *words):
    done = page.ask("bundle", *words)
    assert done.out == b""
    return done.code, done.err


@pytest.fixture
def page(tmp_path):
    return Page(tmp_path / "project")


@pytest.fixture
def used(page):
    """Two versions of prompts in three runs, one policy."""
    policy = page.lab.file("policy", "policy.json", b'{"tools": ["search"]}')
    page.lab.run(inputs=[page.lab.folder_of("prompts", "prompts", ONE)], purpose="first")
    files = [page.lab.file("prompts", f"prompts/{name}", data) for name, data in ONE.items()]
    page.lab.run(inputs=[*files, policy])
    page.lab.run(inputs=[page.lab.folder_of("prompts", "elsewhere", TWO, "glob"), policy], purpose="last")
    return page


def test_a_folder_a_pattern_and_single_files_are_one_version(page):
    ways = [
        [page.lab.folder_of("prompts", "prompts", ONE)],
        [page.lab.folder_of("prompts", "deep/er/prompts", ONE, "glob")],
        [page.lab.file("prompts", f"other/{name}", data) for name, data in ONE.items()],
        [page.lab.folder_of("prompts", "p", ONE), page.lab.file("prompts", "p/system.md", ONE["system.md"])],
    ]
    digests = {of_run(page.lab.store, page.lab.run(inputs=way))[0].digest for way in ways}
    assert len(digests) == 1
    renamed = {"system.txt": ONE["system.md"], "sub/user.md": ONE["sub/user.md"]}
    (other,) = of_run(page.lab.store, page.lab.run(inputs=[page.lab.folder_of("prompts", "p", renamed)]))
    assert other.digest not in digests


def test_ls_has_all_versions_and_who_used_them(used):
    found = used.data("bundle")
    assert found["schema"] == "xt.bundles/1"
    assert [(one["role"], one["files"], one["runs"]) for one in found["versions"]] == [
        ("prompts", 2, 1),
        ("policy", 1, 2),
        ("prompts", 2, 2),
    ]
    assert (found["versions"][2]["first"]["run"], found["versions"][2]["last"]["run"]) == (IDS[0], IDS[1])
    assert [one["role"] for one in used.data("bundle", "ls", "--role", "policy")["versions"]] == ["policy"]
    text = used.ask("bundle").out.decode()
    assert found["versions"][0]["version"] in text
    assert f"xt bundle diff {found['versions'][2]['version']} {found['versions'][0]['version']}" in text


def test_a_bundle_is_named_by_version_digits_run_or_path(used):
    version = used.data("bundle")["versions"][2]["version"]
    digits = version.partition("@")[2]
    for name, data in ONE.items():
        used.write(f"copy/{name}", data.decode())
    wanted = used.data("bundle", "show", version)["digest"]
    for text in (
        digits,
        digits.upper(),
        f"prompts@{digits[:5]}",
        hexadecimal(wanted),
        wanted,
        IDS[0],
        "copy",
    ):
        shown = used.data("bundle", "show", text)
        assert (shown["digest"], shown["runs"]) == (wanted, 2), text
        assert find(used.lab.store, text, Outside(str(used.path), {})).digest == wanted
    used.write("other/system.md", "used by nobody")
    assert used.data("bundle", "show", "other")["runs"] == 0
    with pytest.raises(NoSuchBundleError):
        find(used.lab.store, "prompts@ffffff", Outside.real())


def test_show_has_files_and_texts_long_after(used):
    version = used.data("bundle")["versions"][2]["version"]
    found = used.data("bundle", "show", version, "--text")
    assert {one["path"]: one["text"] for one in found["files"]} == {
        name: data.decode() for name, data in ONE.items()
    }
    assert found["schema"] == "xt.bundle/1"
    (one,) = used.data("bundle", "show", version, "prompts/system.md")["files"]
    assert one["path"] == "system.md"
    text = used.ask("bundle", "show", version, "system.md").out.decode()
    assert "── system.md\nYou are terse.\n" in text
    code, said = fails(used, "show", version, "sytem.md")
    assert code == 1
    assert "did you mean `system.md`?" in said


def test_diff_goes_prompt_by_prompt(used):
    new, _, old = (one["version"] for one in used.data("bundle")["versions"])
    found = used.data("bundle", "diff", old, new)
    assert (found["left"], found["right"], found["schema"]) == (old, new, "xt.bundle-diff/1")
    parts = {part["path"]: part for part in found["delta"]["children"]}
    assert parts["prompts/system.md"]["text"] == ["@@ -1 +1,2 @@", " You are terse.", "+Answer in German."]
    assert parts["prompts/sub/tool.md"]["change"] == "added"
    assert parts["prompts/sub/user.md"]["change"] == "removed"
    done = used.ask("bundle", "diff", old, new, "--exit-code")
    assert done.code == 1
    assert f"{old} → {new}" in done.out.decode()
    assert "+Answer in German." in done.out.decode()
    same = used.ask("bundle", "diff", IDS[0], old, "--exit-code")
    assert (same.code, same.out.decode().strip()) == (0, f"{old} → {old}  the same")


def test_policies_are_compared_by_their_values(page):
    for tools in (b'{"tools": ["search"], "max": 3}', b'{"max": 3.0, "tools": ["search", "mail"]}'):
        page.lab.run(inputs=[page.lab.file("policy", "policy.json", tools)])
    (file,) = page.data("bundle", "diff", "@~1", "@")["delta"]["children"]
    assert [part["path"] for part in file["children"]] == ["policy/policy.json:/tools/1"]


def test_what_cannot_be_meant_says_so(used):
    for words, code, said in (
        (("show", "prompts@ffffff"), 1, "no bundle `prompts@ffffff`"),
        (("show", "nothing-here"), 1, "`xt bundle ls` lists the versions"),
        (("show", "mmmm"), 1, "`--role` says which"),
        (("show",), 2, "`xt bundle show BUNDLE [PATH]`"),
        (("diff", "@"), 2, "`xt bundle diff A B`"),
        (("ls", "@"), 2, "`xt bundle ls`"),
        (("ls", "--text"), 2, "`--text` belongs to"),
        (("show", "policy@abcdef", "--role", "prompts"), 2, "is no bundle of role `prompts`"),
        (("diff", "policy@0", "kkkk"), 1, "no bundle"),
    ):
        found = fails(used, *words)
        assert (found[0], said in found[1]) == (code, True), (words, found)
    assert used.data("bundle", "show", "mmmm", "--role", "policy")["role"] == "policy"
    versions = [one["version"] for one in used.data("bundle")["versions"]]
    both = fails(used, "diff", versions[1], versions[0])
    assert both[0] == 2
    assert "two bundles of one role" in both[1]


def test_an_unverified_or_damaged_bundle_is_unknown_with_its_reason(page):
    item = page.lab.folder_of("prompts", "prompts", ONE)
    from msgspec.structs import replace

    page.lab.run(inputs=[replace(item, status="unverified", reason="changed while it was read")])
    page.lab.run(inputs=[page.lab.folder_of("prompts", "p", TWO)])
    found = page.data("bundle", "show", "@~1")
    assert found["version"] == "prompts@unknown"
    assert "changed while it was read" in found["doubt"]
    assert page.data("bundle")["unknown"][0]["run"] == IDS[0]
    done = page.ask("bundle", "diff", "@~1", "@", "--exit-code")
    assert done.code == 1
    assert "changed while it was read" in done.out.decode()
    page.lab.damage(page.lab.tree(TWO))
    assert {one["role"] for one in page.data("bundle")["unknown"]} == {"prompts"}
    for words in (("show", "@"), ("bundle", "ls"), ("bundle", "show", "@")):
        done = page.ask(*words)
        assert (done.code, "Traceback" in done.err) == (0, False), words
        assert "unknown" in done.out.decode()


def test_texts_that_are_gone_are_said(page):
    page.lab.run(
        inputs=[page.lab.file("prompts", "a.md", b"kept"), page.lab.file("prompts", "b.md", b"gone")]
    )
    page.lab.damage(page.lab.file("prompts", "b.md", b"gone").digest)
    kept, gone = page.data("bundle", "show", "@", "--text")["files"]
    assert (kept["text"], "text" in gone) == ("kept", False)
    assert "cannot be read" in gone["reason"]


def test_a_run_shows_its_versions_and_xt_diff_compares_them(used):
    versions = [one["version"] for one in used.data("bundle")["versions"]]
    shown = used.ask("show", "mmmm").out.decode()
    assert f"prompts   {versions[0]}  2 files, 41 B · sub/tool.md, system.md" in shown
    assert f"policy    {versions[1]}  1 file" in shown
    for style in ("terminal", "markdown", "html"):
        done = used.ask("diff", "llll", "mmmm", "--format", style)
        text = done.out.decode().replace("&#64;&#8203;", "@").replace("</strong>", "").replace("<strong>", "")
        assert "Answer in German." in text, style
        assert versions[2] in text, style
        assert versions[0] in text, style
    found = json.loads(used.ask("diff", "llll", "mmmm", "--json").out)
    (inputs,) = [one for one in found["causes"]["children"] if one["path"] == "inputs"]
    (prompts,) = inputs["children"]
    assert (prompts["left"]["version"], prompts["right"]["version"]) == (versions[2], versions[0])
    assert "inputs/prompts/bundle/system.md" in {one["path"] for one in prompts["children"]}
    assert "version" not in used.ask("diff", "kkkk", "llll").out.decode()


def test_what_others_wrote_reaches_no_terminal(page):
    evil = "\x1b]0;t\x07\u202e\x9b2J"
    files = {f"{evil}.md": f"{evil}\rtext".encode(), "plain.bin": b"\xff\x00"}
    page.lab.run(inputs=[page.lab.folder_of("prompts", f"dir{evil}", files)], purpose=evil)
    page.lab.run(inputs=[page.lab.folder_of("prompts", "dir", {f"{evil}.md": b"other"})])
    for words in (("ls",), ("show", "@~1", "--text"), ("diff", "@~1", "@")):
        done = page.ask("bundle", *words, columns="30")
        assert done.code == 0, done.err
        assert not FORBIDDEN.search(done.out.decode().replace("\n", "")), words


def test_a_folder_that_is_no_bundle_is_not_read(page, monkeypatch):
    from xt.ops import bundles

    monkeypatch.setattr(bundles, "MOST", 3)
    page.lab.run()
    for name in "abcd":
        page.write(f"many/{name}", name)
    code, said = fails(page, "show", "many")
    assert (code, "it has more than 3 files" in said) == (1, True)
