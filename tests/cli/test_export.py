"""`xt export`: where to, what of, and what is said when it cannot be."""

from __future__ import annotations

import http.server
import json
import os
import threading
import zipfile

import pytest

from tests import builders
from tests.exchange.world import HOSTILE, MODEL, OTHER, RUN, World
from xt import codec
from xt.cli.export import FORMATS
from xt.exchange import EXPORTERS
from xt.model.files import Output
from xt.model.result import Start


@pytest.fixture
def sealed(folder):
    """A folder with the record of one run, which took the folder for its project."""
    world = World(folder.path)
    world.seal(context={"project": str(folder.path)})
    folder.world = world
    return folder


def ok(project, *words, **options):
    done = project.xt("export", *words, **options)
    assert done.code == 0, done.err
    return done


def test_help_names_the_formats_there_are():
    assert FORMATS.split("|") == list(EXPORTERS.rows)


def test_a_file_is_made_once_and_replaced_if_that_is_asked_for(sealed):
    done = ok(sealed, RUN[:4], "--to", "prov", "-o", "run.json")
    assert done.out == b""
    assert done.err.splitlines() == [
        "xt: wrote run.json: kwpz as prov",
        "xt: not carried: outputs never.html: it was not written",
    ]
    first = (sealed.path / "run.json").read_bytes()
    assert (sealed.path / "run.json").stat().st_mode & 0o777 == 0o666 & ~_umask()
    (sealed.path / "run.json").write_text("mine")
    refused = sealed.xt("export", RUN, "--to", "prov", "-o", "run.json")
    assert refused.code == 1
    assert refused.err == "xt: error: `run.json` is there already\nxt: hint: `--force` replaces it\n"
    assert (sealed.path / "run.json").read_text() == "mine"
    ok(sealed, RUN, "--to", "prov", "-o", "run.json", "--force")
    assert (sealed.path / "run.json").read_bytes() == first
    assert sorted(os.listdir(sealed.path)) == [".xt", "run.json"]


def _umask():
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def test_standard_output_gets_the_data_alone(sealed):
    done = ok(sealed, RUN, "--to", "csv", "-o", "-")
    assert done.out.startswith(b"id,status,")
    assert "wrote" not in done.err
    told = ok(sealed, RUN, "--to", "csv", "-o", "x.csv", "--json")
    assert json.loads(told.out)["report"]["place"] == "x.csv"


def test_what_makes_no_sense_is_refused_before_anything_is_read(folder):
    for words, message in (
        (["@", "--to", "cvs", "-o", "x"], "no format `cvs`"),
        (["@", "--to", "csv", "-o", "-", "--json"], "both are for standard output"),
        (["@", "--to", "csv", "--only", "output", "-o", "x"], "no `output` to carry"),
    ):
        done = folder.xt("export", *words)
        assert (done.code, message in done.err) == (2, True), done.err
    assert "no runs yet" in folder.xt("export", "@", "--to", "csv", "-o", "x").err


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (None, "nothing says where"),
        (".xt/x.json", "in the store itself"),
        (".", "is a folder"),
        ("no/such/folder.json", "cannot be written: No such file"),
        ("https://example.org/x", "does not go to a server"),
    ],
)
def test_places_that_are_none(sealed, place, message):
    done = sealed.xt("export", RUN, "--to", "prov", *(["-o", place] if place else []))
    assert done.code in (1, 2)
    assert message in done.err
    assert os.listdir(sealed.path) == [".xt"]


def test_a_crate_takes_the_place_of_a_crate_alone(sealed):
    (sealed.path / "crate").mkdir()
    ok(sealed, RUN, "--to", "rocrate", "-o", "crate")  # an empty folder holds nothing to lose
    refused = sealed.xt("export", RUN, "--to", "rocrate", "-o", "crate")
    assert "`crate` is there already" in refused.err
    (sealed.path / "crate/outputs/model.npz").write_text("changed")
    ok(sealed, RUN, "--to", "rocrate", "-o", "crate", "--force")
    assert (sealed.path / "crate/outputs/model.npz").read_bytes() == MODEL
    (sealed.path / "home").mkdir()
    (sealed.path / "home/thesis.tex").write_text("years")
    refused = sealed.xt("export", RUN, "--to", "rocrate", "-o", "home", "--force")
    assert "holds other things" in refused.err
    refused = sealed.xt("export", RUN, "--to", "rocrate", "-o", "-")
    assert (refused.code, refused.out) == (2, b"")
    assert sorted(os.listdir(sealed.path)) == [".xt", "crate", "home"]


def test_what_is_damaged_is_not_exported_and_said(sealed):
    model = sealed.world.outputs()[0]
    name = sealed.world.store.objects.name(model.digest)
    path = name if os.path.exists(name) else name + ".zst"
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.truncate(10)
    for place in ("crate", "crate.zip"):
        done = sealed.xt("export", RUN, "--to", "rocrate", "-o", place)
        assert done.code == 1
        assert "xt: lost: outputs model.npz: object" in done.err
    assert not (sealed.path / "crate/outputs/model.npz").exists()
    assert "outputs/model.npz" not in zipfile.ZipFile(sealed.path / "crate.zip").namelist()
    data = json.loads((sealed.path / "crate/ro-crate-metadata.json").read_text())
    absent = next(one for one in data["@graph"] if one["@id"] == "#outputs/model.npz")
    assert "is damaged" in absent["description"]
    assert absent["identifier"] == model.digest
    done = sealed.xt("export", RUN, "--to", "cyclonedx", "-o", "-")
    assert done.code == 1
    assert [one["alg"] for one in json.loads(done.out)["metadata"]["component"]["hashes"]] == ["BLAKE3"]
    os.unlink(path)
    done = sealed.xt("export", RUN, "--to", "rocrate", "-o", "crate", "--force")
    assert (done.code, "not in this store" in done.err) == (1, True)


def test_one_run_or_many(sealed):
    sealed.world.seal(OTHER)
    done = sealed.xt("export", RUN, OTHER, "--to", "prov", "-o", "x")
    assert done.code == 2
    assert "prov takes one run, and 2 are meant: kwpz, nrqs" in done.err
    assert ok(sealed, "status:ok", "--to", "csv", "-o", "-").out.count(b"\r\n") == 3
    assert "finds no run" in sealed.xt("export", "tag:nothing", "--to", "csv", "-o", "x").err
    assert "finds no run" in sealed.xt("export", "tag:nothing", "--to", "prov", "-o", "x").err
    record = sealed.path / f".xt/runs/nr/{OTHER}.json"
    record.chmod(0o600)
    record.write_bytes(record.read_bytes().replace(b'"status":"ok"', b'"status":"no"'))
    done = ok(sealed, "--to", "csv", "-o", "-", "status:ok or status:damaged")
    assert done.out.count(b"\r\n") == 2
    assert f"xt: left out: {OTHER}: the record of {OTHER} is not what was sealed" in " ".join(
        done.err.split()
    )
    done = sealed.xt("export", RUN, OTHER, "--to", "csv", "-o", "x")
    assert (done.code, "not what was sealed" in done.err) == (1, True)
    assert not (sealed.path / "x").exists()


def test_only_what_has_ended_is_exported(sealed):
    live = sealed.world.store.begin(OTHER)
    record = builders.record(run_id=OTHER)
    start = Start(record.id, record.started_at, record.supervisor, record.snapshot)
    live.publish(codec.encode(start))
    done = sealed.xt("export", OTHER, "--to", "csv", "-o", "x")
    assert done.code == 1
    assert f"run {OTHER} is " in done.err
    assert "only what has a record is exported" in done.err
    assert not (sealed.path / "x").exists()
    done = sealed.xt("export", RUN, OTHER, "--to", "json", "-o", "-")
    assert (done.code, done.out) == (1, b"")
    live.end()


def test_a_run_without_a_model_has_no_bom(folder):
    World(folder.path).seal(outputs=[])
    done = folder.xt("export", RUN, "--to", "cyclonedx", "-o", "x")
    assert (done.code, "no output of role `model`" in done.err) == (1, True)


def test_paths_of_others_do_not_lead_out(folder):
    """A record that came from elsewhere may say anything."""
    world = World(folder.path)
    digest = world.put(b"evil")
    paths = ["../../../evil", "/etc/evil", ".git/hooks/evil", "a/../../evil", "ok", HOSTILE.replace("\n", "")]
    outputs = [Output("artifact", path, "file", "stored", path, digest, 4, 1, 0o755) for path in paths]
    world.seal(outputs=outputs, inputs=[])
    done = folder.xt("export", RUN, "--to", "rocrate", "-o", "crate")
    assert done.code == 0, done.err
    assert "\x1b" not in done.err
    found = {str(path.relative_to(folder.path)) for path in folder.path.rglob("*evil*")}
    assert found == {"crate/outputs/elsewhere/etc/evil"}
    assert not (folder.path.parent / "evil").exists()
    assert "not a plain path" in " ".join(done.err.split())
    assert "where xt writes nothing" in " ".join(done.err.split())
    assert (folder.path / "crate/outputs/ok").read_bytes() == b"evil"


@pytest.mark.parametrize("columns", ["40", "80"])
def test_the_report_fits(sealed, columns):
    done = ok(sealed, RUN, "--to", "rocrate", "-o", "crate", env={"COLUMNS": columns})
    assert "not carried: inputs data/b.csv" in " ".join(done.err.split())
    assert max(map(len, done.err.splitlines())) <= int(columns)


# --- a server ----------------------------------------------------------------------------------------


class Server(http.server.BaseHTTPRequestHandler):
    """Takes events, or answers as it is told."""

    answer = 201

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), body))
        self.send_response(self.server.answer)
        if self.server.answer == 307:
            self.send_header("Location", "http://elsewhere.invalid/")
        self.end_headers()
        self.wfile.write(f"\x1b[31mno such table for {self.headers.get('Authorization')}".encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    made.taken, made.answer = [], 201
    made.url = f"http://127.0.0.1:{made.server_port}"
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def test_events_are_posted(sealed, server):
    ok(sealed, RUN, "--to", "openlineage", "-o", "events")
    env = {"OPENLINEAGE_API_KEY": "s3cret-key"}
    done = ok(sealed, RUN, "--to", "openlineage", "-o", server.url, env=env)
    assert "s3cret" not in done.err
    assert [path for path, *_ in server.taken] == ["/api/v1/lineage"] * 2
    assert b"".join(body for *_, body in server.taken) == (sealed.path / "events").read_bytes()
    assert server.taken[0][1]["Authorization"] == "Bearer s3cret-key"
    ok(sealed, RUN, "--to", "openlineage", env={"OPENLINEAGE_URL": server.url + "/own/place"})
    assert server.taken[2][0] == "/own/place"
    assert "Authorization" not in server.taken[2][1]


def test_a_server_that_does_not_take_them(sealed, server):
    for server.answer, message in ((500, "answers 500"), (307, "answers 307")):
        done = sealed.xt("export", RUN, "--to", "openlineage", "-o", server.url)
        assert (done.code, message in done.err) == (4, True), done.err
        assert "\x1b" not in done.err
    assert len(server.taken) == 2
    done = sealed.xt("export", RUN, "--to", "openlineage", "-o", "http://127.0.0.1:1/")
    assert (done.code, "does not answer" in done.err) == (4, True)
    done = sealed.xt("export", RUN, "--to", "openlineage", "-o", "http://me:hunter22@127.0.0.1:1/")
    assert (done.code, "hunter22" in done.err) == (2, False)


def test_a_server_that_repeats_the_key_does_not_get_it_printed(sealed, server):
    server.answer = 403
    for key, code, said in (("s3cret-key", 4, "***"), ("s3cret-key\n", 2, "OPENLINEAGE_API_KEY holds")):
        env = {"OPENLINEAGE_API_KEY": key}
        done = sealed.xt("export", RUN, "--to", "openlineage", "-o", server.url, env=env)
        assert (done.code, said in done.err, "s3cret" in done.err) == (code, True, False), done.err


def test_the_license_of_the_project_is_the_default(sealed):
    sealed.write("xt.toml", '[export]\nlicense = "CC0-1.0"\n')
    own = "https://terms.example/own"
    for words, url in (([], "https://spdx.org/licenses/CC0-1.0"), (["--license", own], own)):
        ok(sealed, RUN, "--to", "rocrate", "-o", "crate", "--force", *words)
        data = json.loads((sealed.path / "crate/ro-crate-metadata.json").read_text())
        assert data["@graph"][1]["license"] == {"@id": url}


def test_a_device_or_pipe_takes_the_bytes(sealed):
    # With an input it is a process of its own, whose standard output is a pipe.
    done = sealed.xt("export", RUN, "--to", "csv", "-o", "/dev/stdout", input=b"")
    assert done.out.startswith(b"id,")
    done = sealed.xt("export", RUN, "--to", "csv", "-o", "/dev/full")
    assert (done.code, "No space left" in done.err) == (1, True)
