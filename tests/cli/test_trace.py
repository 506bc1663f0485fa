"""`xt trace`: runs joined by what their files hold, whatever the files are called now."""

from __future__ import annotations

import json
import os
import re
import shutil

import pytest

from tests.lineages import Sealing
from xt import codec
from xt.config import Settings
from xt.context import Outside
from xt.errors import XtError
from xt.model.event import Deployed
from xt.ops.lineage import Uses
from xt.ops.trace import trace as verb
from xt.render.trace import render
from xt.store import events


@pytest.fixture
def joined(folder):
    """An export, a training on it, and an evaluation of the model."""
    folder.write("raw.csv", "b\na\n")
    folder.write("data.csv", "a\nb\n")
    folder.write("model.bin", "weights\n")
    folder.write("score.txt", "2\n")
    sealing = Sealing(folder.path)
    sealing.run("export", ("raw.csv",), ("data.csv",))
    sealing.run("first training", ("data.csv",), ("model:model.bin",))
    sealing.run("how good", ("model:model.bin",), ("score.txt",))
    folder.sealing = sealing
    return folder


def trace(folder, *words, code=0):
    done = folder.xt("trace", *words, "--json")
    assert (done.code, done.err) == (code, "")
    return json.loads(done.out)


def purposes(found):
    return {run["id"]: run.get("purpose") for run in found["runs"]}


def links(found):
    """Every link, by purposes of runs and names of files."""
    names = purposes(found) | {file["key"]: os.path.basename(file["paths"][0]) for file in found["files"]}
    return {(link["kind"], names[link["source"]], names[link["target"]]) for link in found["links"]}


ALL = {
    ("read", "raw.csv", "export"),
    ("made", "export", "data.csv"),
    ("read", "data.csv", "first training"),
    ("made", "first training", "copy"),
    ("read", "copy", "how good"),
    ("made", "how good", "score.txt"),
}


def test_a_file_that_was_renamed_and_moved_away_is_traced_both_ways(joined, tmp_path):
    shutil.copy(joined.path / "model.bin", tmp_path / "copy")
    found = trace(joined, str(tmp_path / "copy"))
    assert found["schema"] == "xt.trace/1"
    assert links(found) == ALL
    assert found["known"]
    up, down = trace(joined, str(tmp_path / "copy"), "--up"), trace(joined, str(tmp_path / "copy"), "--down")
    assert set(purposes(up).values()) == {"export", "first training"}
    assert set(purposes(down).values()) == {"how good"}
    near = trace(joined, str(tmp_path / "copy"), "--up", "--depth", "1")
    assert set(purposes(near).values()) == {"first training"}
    assert sum(near["cut"].values()) == 1


def asked(folder, word):
    """The same without a process of its own."""
    store = folder.sealing.store
    found = verb(store, Uses(store), word, Outside(str(folder.path), {}), Settings())
    return json.loads(codec.encode(found))


def test_everything_that_names_it_leads_to_the_same(joined):
    first = asked(joined, "model.bin")
    digest, run = first["start"], joined.sealing.ids["first training"]
    for word in ("./model.bin", digest, digest[:13], digest[7:13], f"{run[:6]}:model.bin", "@~1:model.bin"):
        found = asked(joined, word)
        assert (found["start"], links(found)) == (digest, links(first)), word
    found = asked(joined, run)
    assert found["start"] == run
    assert set(purposes(found).values()) == {"export", "first training", "how good"}


def test_a_run_goes_before_a_file_of_its_name(joined):
    joined.sealing.run("named", name="score.txt")
    found = trace(joined, "score.txt")
    assert found["start"] == joined.sealing.ids["named"]
    assert "./score.txt" in found["notes"][0]
    assert trace(joined, "./score.txt")["start"].startswith("blake3:")


def test_a_file_of_a_folder_is_joined_with_the_folder(folder):
    make = "mkdir out; echo 1 > out/a; echo 2 > out/b; : > out/empty; mkdir new; cp out/a new; : > new/empty"
    folder.run("-q", "-m", "makes", "-o", "out", "--", "sh", "-c", make)
    folder.run("-q", "-m", "reads one", "-i", "out/a", "--", "true")
    folder.run("-q", "-m", "reads copies", "-i", "new", "--", "true")
    down = trace(folder, "@~2", "--down")
    assert set(purposes(down).values()) == {"makes", "reads one", "reads copies"}
    up = trace(folder, "@~1", "--up")
    assert ("made", "makes", "a") in links(up)
    # Of a folder that no run made as a whole, those count that made its files; an empty one tells nothing.
    made = [link for link in trace(folder, "new", "--up")["links"] if link["kind"] == "made"]
    assert [(link["common"], link["path"]) for link in made] == [(1, "out/a")]
    assert trace(folder, "new/empty", code=1)["notes"] == [
        "it is empty, which says nothing of where it came from"
    ]
    shown = folder.xt("trace", "new", "--up").out.decode()
    assert "made one file of it: out/a" in shown


def test_what_was_there_before_and_left_alone_was_not_made(folder):
    folder.run("-q", "-m", "makes", "-o", "model.bin", "--", "sh", "-c", "echo w > model.bin")
    stamp = 1_000_000_000
    os.utime(folder.path / "model.bin", (stamp, stamp))
    folder.settle()
    folder.run("-q", "-m", "leaves", "-o", "model.bin", "--", "true")
    found = trace(folder, "model.bin", "--up")
    assert set(purposes(found).values()) == {"makes"}
    assert len(next(iter(found["files"]))["makers"]) == 1


def test_of_several_makers_one_is_shown_and_the_others_are_counted(joined):
    model = ((), ("model:model.bin",))
    joined.sealing.run("again", *model)
    joined.sealing.run("fails", *model, status="failed")
    found = trace(joined, "model.bin", "--up")
    assert [purposes(found)[link["source"]] for link in found["links"]] == ["again"]
    assert len(found["files"][0]["makers"]) == 3
    assert "(2 other runs made the same)" in joined.xt("trace", "model.bin").out.decode()
    # Who read it before it was made again has it from whoever made it first.
    reader = trace(joined, joined.sealing.ids["how good"], "--up", "--depth", "1")
    made = [purposes(reader)[link["source"]] for link in reader["links"] if link["kind"] == "made"]
    assert made == ["first training"]


def test_runs_that_feed_each_other_end(folder):
    folder.write("a", "a\n")
    folder.write("b", "b\n")
    sealing = Sealing(folder.path)
    for number in range(3):
        sealing.run(f"there {number}", ("a",), ("b",))
        sealing.run(f"back {number}", ("b",), ("a", "b"))
    found = trace(folder, "a")
    assert len(found["runs"]) <= 6
    text = folder.xt("trace", "a").out.decode()
    assert "(above)" in text
    assert len(text.splitlines()) < 60


def test_content_nobody_knows(joined):
    joined.write("other", "other\n")
    done = joined.xt("trace", "other")
    assert done.code == 1
    assert "no recorded run made or read this content" in done.out.decode()
    for word, said in (
        ("nix", "no file here, and no run"),
        ("blake3:abcdef", "no recorded content has a digest that begins with `abcdef`"),
        ("@~9", "there is no run `@~9`"),
        ("@:model", "has no output `model`"),
        (".xt", "is the store itself"),
        ("a\0b", "no file here, and no run"),
    ):
        with pytest.raises(XtError, match=re.escape(said)):
            asked(joined, word)
    assert "not made by any recorded run" in joined.xt("trace", "raw.csv", "--up").out.decode()
    assert joined.xt("trace", "nix").err.startswith("xt: error: `nix` is no file here")
    assert joined.xt("trace", "x", "--json", "--format", "dot").code == 2


def test_an_input_whose_content_is_not_known_says_why(folder):
    folder.run("-q", "-i", "model:hf:org/name@main", "-o", "out", "--", "sh", "-c", "echo x > out")
    found = trace(folder, "out")
    (file,) = [file for file in found["files"] if file["kind"] == "unknown"]
    assert file["reason"]
    assert "not known: " in folder.xt("trace", "out").out.decode()


def test_what_is_live_shows_below_it_and_can_be_asked_for(joined):
    run, digest = joined.sealing.ids["first training"], trace(joined, "model.bin")["start"]
    for number, at in enumerate(("2026-01-02T03:04:05.000000Z", "2026-02-03T04:05:06.000000Z")):
        event = Deployed(
            id=events.event_id(at, bytes([number] * 4)),
            at=at,
            by="ann",
            to="prod",
            run=run,
            output="model.bin",
            digest=digest,
            reason="better",
        )
        events.append(joined.sealing.store.path, event)
    text = joined.xt("trace", "model.bin").out.decode()
    assert "live in prod since 2026-02-03 04:05 UTC, by ann: better" in text
    assert "was live in prod from 2026-01-02 03:04 UTC to 2026-02-03 04:05 UTC" in text
    live = trace(joined, "prod")
    assert live["deployments"][0]["event"] == event.id
    assert set(purposes(live).values()) == {"export", "first training"}
    assert trace(joined, event.id[:16])["start"] == event.id
    assert trace(joined, "01010101"[:4])["start"] == event.id  # as `xt prod` names it


def test_a_deployment_that_was_recorded_later_stands_where_it_went_live(joined):
    run, digest = joined.sealing.ids["first training"], trace(joined, "model.bin")["start"]
    raw = trace(joined, "raw.csv")["start"]
    january, february, march = (f"2026-0{month}-02T03:04:05.000000Z" for month in (1, 2, 3))
    for number, (at, since) in enumerate(((february, None), (march, january))):
        event = Deployed(
            id=events.event_id(at, bytes([number] * 4)),
            at=at,
            by="ann",
            to="prod",
            run=run,
            output="model.bin",
            digest=digest,
            config={"raw.csv": raw},
            since=since,
        )
        events.append(joined.sealing.store.path, event)
    text = joined.xt("trace", "model.bin").out.decode()
    assert "was live in prod from 2026-01-02 03:04 UTC to 2026-02-02 03:04 UTC" in text
    assert "live in prod since 2026-02-02 03:04 UTC" in text
    # What went live beside the artefact knows it too.
    assert {link["role"] for link in trace(joined, "raw.csv")["links"] if link["kind"] == "deployed"} == {
        "artifact",
        "config",
    }


def test_a_folder_with_all_of_it_is_no_input_and_no_output(joined):
    text = joined.xt("trace", ".").out.decode()
    assert "made one file of it: model.bin" in text and "reads one file of it: model.bin" in text
    assert not [line for line in text.splitlines()[1:] if " files · " in line]


def test_damage_is_said_and_what_is_left_is_traced(joined):
    run = joined.sealing.ids["how good"]
    path = joined.path / ".xt" / "runs" / run[:2] / f"{run}.json"
    path.chmod(0o600)
    path.write_text("{")
    found = trace(joined, "model.bin")
    assert set(purposes(found).values()) - {None} == {"export", "first training"}
    assert run in found["doubts"][0]
    assert "something may be missing here" in joined.xt("trace", "model.bin").out.decode()
    assert joined.xt("trace", run).code == 1


def test_a_chain_longer_than_the_graph_may_be_is_cut(joined, monkeypatch):
    monkeypatch.setattr("xt.ops.trace.RUNS", 1)
    outside = Outside(str(joined.path), {})
    store = joined.sealing.store
    found = verb(store, Uses(store), "score.txt", outside, Settings())
    assert [run.purpose for run in found.runs] == ["how good"]
    assert sum(found.cut.values()) == 1
    assert "how good" in render(found, outside.now(), 80, False)


def test_a_maker_whose_record_was_damaged_since_it_was_indexed_is_named(joined):
    run = joined.sealing.ids["first training"]
    trace(joined, "model.bin")
    path = joined.path / ".xt" / "runs" / run[:2] / f"{run}.json"
    path.chmod(0o600)
    path.write_text("{")
    found = trace(joined, "model.bin")
    assert [each["status"] for each in found["runs"] if each["id"] == run] == ["damaged"]
    text = joined.xt("trace", "model.bin").out.decode()
    assert f"{run[:4]} its record cannot be read, damaged" in text and "something may be missing" in text


def test_graphs_for_other_programs_are_escaped(folder):
    hostile = 'a"]; evil -->\n\\"<b>|'
    folder.run("-q", "-m", hostile, "-o", "out", "--", "sh", "-c", "echo x > out")
    dot = folder.xt("trace", "out", "--format", "dot").out.decode()
    (line,) = [line for line in dot.splitlines() if "shape=box" in line]
    assert r"a\"]; evil -->\\n\\\"<b>|" in line
    mermaid = folder.xt("trace", "out", "--format", "mermaid").out.decode()
    assert "a#34;#93;; evil" not in mermaid
    assert "a#34;#93;#59; evil --#62;#92;n#92;#34;#60;b#62;#124;" in mermaid
    assert len(mermaid.splitlines()) == 5
