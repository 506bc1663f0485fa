"""`mlflow` against a real server, and against servers that are none or mean no good."""

from __future__ import annotations

import io
import json
import os
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import builders
from tests.exchange import stored
from tests.services import mlflow as service
from tests.services.fixtures import mlflow
from xt import codec
from xt.errors import RemoteError, UsageError
from xt.exchange import mlflow_values as values
from xt.exchange import rest
from xt.exchange.export.mlflow import connect
from xt.model.result import Metric, Number
from xt.model.snapshot import Param
from xt.ops.export import Wish, export
from xt.store import Store

__all__ = ["mlflow"]
SERIES = b"".join(
    codec.encode({"value": value, "step": step})
    for value, step in [(0.5, 0), (0.25, 1), ({"special": "nan"}, 2), ({"special": "-inf"}, 3), (0.125, 3)]
)
LONG = "x" * 7000


def project(folder):
    """A run with all that can be odd, in a store of its own."""
    named = {"space name.txt": b"1", "out/a.txt": b"first", "out/deep/b.txt": b"second"}
    named |= {"q?#%.txt": b"3", "a%20.txt": b"4", "empty": b""}
    metrics = [
        Metric("loss", 0.125, "XT_METRICS", step=3, count=5, series=codec.digest(SERIES)),
        Metric("acc", 0.75, "m", labels={"digit": "8", "split": "b"}),
        Metric("best", Number("nan"), "m"),
        Metric("big", 2**60, "m"),
    ]
    snapshot = builders.snapshot(
        params=[
            Param("lr", 0.05, "argv"),
            Param("a/../b{c}", [1, None], "x"),
            Param("long", LONG, "x"),
            *(Param(f"p{number}", number, "x") for number in range(150)),
        ],
        context=builders.context(tags=["gold"], project=f"/home/you/{folder.name}"),
    )
    record = stored.run(folder, named, metrics, snapshot=snapshot)
    Store.open(str(folder / ".xt")).objects.put_bytes(SERIES)
    store = Store.open(str(folder / ".xt"))
    store.objects.put_bytes(SERIES)
    store.objects.settle()
    return record


def send(folder, url, only=(), identify=False, **environ):
    world = stored.outside(folder, **environ)
    wish = Wish((builders.RUN,), "mlflow", url, only=only, identify=identify)
    return export(Store.open(str(folder / ".xt")), wish, io.BytesIO(), world).report


def test_a_run_is_there_as_mlflow_s_own_client_reads_it_and_a_second_time_changes_nothing(tmp_path, mlflow):
    folder = tmp_path / "whole"
    folder.mkdir()
    record = project(folder)
    report = send(folder, mlflow)
    again = send(folder, mlflow)
    assert again.remarks == ["it was there already, and is as it was"]
    assert again.place == report.place
    (one,) = service.read_back(mlflow, "whole")
    assert report.place.startswith(f"{mlflow}/#/experiments/")
    # `#` is refused by the server in names, and what looks like an escape becomes another name.
    assert [gap.path for gap in report.gaps] == ["q?#%.txt", "a%20.txt"]
    assert one["files"] == {
        "space name.txt": "1",
        "out/a.txt": "first",
        "out/deep/b.txt": "second",
        "empty": "",
    }
    assert (one["name"], one["status"]) == ("does a lower learning rate help?", "FINISHED")
    assert one["times"][1] - one["times"][0] == 9000
    assert len(one["params"]) == 154
    assert one["params"]["lr"] == "0.05"
    assert one["params"]["seed"] == "7"
    assert one["params"]["a/b_c_"] == "[1, null]"
    assert one["params"]["long"] == "x" * 5999 + "…"
    assert any("long" in remark for remark in report.remarks)
    lowest = "-1.7976931348623157e+308"
    assert sorted(one["history"]["loss"]) == [[0, "0.5"], [1, "0.25"], [2, "nan"], [3, lowest], [3, "0.125"]]
    assert one["history"]["acc digit:8 split:b"] == [[0, "0.75"]]
    assert one["history"]["best"] == [[0, "nan"]]
    assert one["history"]["big"] == [[0, "1.152921504606847e+18"]]
    assert one["tags"]["xt.run_id"] == record.id
    assert one["tags"]["xt.seal"] == record.seal
    assert one["tags"]["xt.tag.gold"] == "gold"
    assert one["tags"]["mlflow.note.content"] == "does a lower learning rate help?"
    assert "mlflow.user" not in one["tags"]
    assert "/home/you" not in json.dumps(one)
    # What was not asked for the first time is added.
    more = send(folder, mlflow, identify=True)
    assert "it was there already; files were added" in more.remarks
    assert send(folder, mlflow).remarks == send(folder, mlflow, identify=True).remarks == again.remarks
    (file,) = ask(mlflow, f"artifacts/list?run_id={more.place.rpartition('/')[2]}&path=xt")["files"]
    assert file["path"] == "xt/record.json"


def ask(url, path, **said):
    data = json.dumps(said).encode() if said else None
    asked = urllib.request.Request(f"{url}/api/2.0/mlflow/{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked) as answer:
        return json.load(answer)


def test_wherever_it_is_interrupted_the_next_time_completes_it(tmp_path, mlflow, monkeypatch):
    """The connection breaks after the first request was answered, the next time after the second, …"""
    folder = tmp_path / "cut"
    folder.mkdir()
    project(folder)
    real = rest.Server._once
    monkeypatch.setattr(rest, "TRIES", 0)
    answered = left = cut = 0

    def once(server, *request):
        nonlocal left
        answer = real(server, *request)
        left -= 1
        if left < 0:
            raise ConnectionResetError("cut")
        return answer

    monkeypatch.setattr(rest.Server, "_once", once)
    while True:
        left = answered
        try:
            send(folder, mlflow, MLFLOW_EXPERIMENT_NAME="cut")
            break
        except RemoteError:
            cut, answered = cut + 1, answered + 1
    assert cut > 10
    experiment = ask(mlflow, "experiments/get-by-name?experiment_name=cut")["experiment"]["experiment_id"]
    (one,) = ask(mlflow, "runs/search", experiment_ids=[experiment])["runs"]
    run_id = one["info"]["run_id"]
    assert one["info"]["status"] == "FINISHED"
    assert len(one["data"]["params"]) == 154
    points = ask(mlflow, f"metrics/get-history?run_id={run_id}&metric_key=loss")["metrics"]
    assert sorted((point["step"], str(point["value"])) for point in points) == [
        (0, "0.5"), (1, "0.25"), (2, "NaN"), (3, "-1.7976931348623157e+308"), (3, "0.125"),
    ]  # fmt: skip
    files = ask(mlflow, f"artifacts/list?run_id={run_id}&path=out")["files"]
    assert [file["path"] for file in files] == ["out/a.txt", "out/deep"]


def test_what_the_store_does_not_have_is_said_and_the_rest_is_there(tmp_path, mlflow):
    folder = tmp_path / "gaps"
    folder.mkdir()
    stored.run(folder, {"gone": b"gone", "bad": b"bad" * 1000, "good": b"good"})
    objects = Store.open(str(folder / ".xt")).objects
    os.unlink(objects.name(codec.digest(b"gone")))
    name = objects.name(codec.digest(b"bad" * 1000))
    name = name if os.path.exists(name) else f"{name}.zst"
    os.chmod(name, 0o600)
    with open(name, "r+b") as file:
        file.seek(20)
        file.write(b"XX")
    report = send(folder, mlflow)
    assert {gap.path: gap.lost for gap in report.gaps} == {"gone": True, "bad": True}
    assert report.files == 1
    again = send(folder, mlflow)
    assert "completed" in again.remarks[0], "what is lost may come back"


class Hostile(BaseHTTPRequestHandler):
    """A server that answers everything with what it was told, and notes what it was sent."""

    answers: tuple[int, dict[str, str], bytes] = (200, {}, b"{}")

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        status, headers, body = self.server.answer
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def hostile():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    server.seen, server.answer = [], (200, {}, b"{}")
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            (302, {"Location": "http://169.254.169.254/latest"}, b""),
            "sends elsewhere.*http://169.254.169.254",
        ),
        ((308, {"Location": "file:///etc/passwd"}, b""), "sends elsewhere"),
        ((401, {}, b"<html>"), "does not let you in"),
        ((403, {}, b'{"error_code": 7, "message": ["x"]}'), "does not let you in"),
        (
            (500, {}, b'{"error_code": "INTERNAL_ERROR", "message": "broke\\u001b[2J"}'),
            r"refuses \(500\): broke",
        ),
        ((200, {}, b"<html>sign in</html>"), "something else than JSON"),
        ((200, {}, b"[" * 100_000), "something else than JSON"),
        ((200, {}, b"[]"), "makes no sense"),
        ((200, {}, b'{"experiment": {"experiment_id": 7}}'), "makes no sense"),
        ((200, {}, b'{"experiment": {"experiment_id": "1"}, "runs": [3]}'), "makes no sense"),
        (
            (200, {}, b'{"experiment": {"experiment_id": "1"}, "runs": [], "run": {"info": {}}}'),
            "makes no sense",
        ),
        ((200, {}, b" " * 2000), "more than"),
    ],
)
def test_a_server_that_is_none_or_means_no_good(tmp_path, hostile, monkeypatch, answer, said):
    monkeypatch.setattr(rest, "LARGEST", 1000) if len(answer[2]) == 2000 else None
    stored.run(tmp_path, {"a": b"a"})
    hostile.answer = answer
    with pytest.raises(RemoteError, match=said) as caught:
        send(tmp_path, hostile.url, MLFLOW_TRACKING_TOKEN="tok-secret")
    assert "tok-secret" not in str(caught.value)
    assert {headers["Authorization"] for _, headers in hostile.seen} == {"Bearer tok-secret"}


def test_credentials_come_from_variables_and_are_in_no_message(tmp_path, hostile):
    stored.run(tmp_path, {"a": b"a"})
    echo = json.dumps({"message": "no: Basic dXNlcjpwYXNz"}).encode()
    hostile.answer = (401, {}, echo)
    with pytest.raises(RemoteError) as caught:
        send(
            tmp_path,
            None,
            MLFLOW_TRACKING_URI=hostile.url,
            MLFLOW_TRACKING_USERNAME="user",
            MLFLOW_TRACKING_PASSWORD="pass",
        )
    assert hostile.seen[0][1]["Authorization"] == "Basic dXNlcjpwYXNz"
    assert "dXNlcjpwYXNz" not in str(caught.value)


def test_a_busy_server_is_asked_again_and_one_that_says_nothing_is_left(tmp_path, hostile, monkeypatch):
    stored.run(tmp_path, {"a": b"a"})
    monkeypatch.setattr(rest, "PAUSE", 0.001)
    hostile.answer = (503, {}, b"")
    with pytest.raises(RemoteError, match=r"refuses \(503\)"):
        send(tmp_path, hostile.url)
    assert len(hostile.seen) == 1 + rest.TRIES
    monkeypatch.setattr(rest, "PATIENCE", 0.05)
    monkeypatch.setattr(Hostile, "do_GET", lambda self: self.rfile.read(1))
    with pytest.raises(RemoteError, match="does not answer: nothing came"):
        send(tmp_path, hostile.url)


@pytest.mark.parametrize(
    "url",
    ["", "sqlite:///x.db", "databricks", "ftp://h", "http://", "http://h:x", "http://u:pw@h", "http://h/#/a"],
)
def test_what_is_no_address_is_a_usage_error(tmp_path, url):
    stored.run(tmp_path, {})
    with pytest.raises(UsageError) as caught:
        send(tmp_path, url or None)
    assert "pw" not in caught.value.message


def test_a_server_that_has_another_run_of_that_id_is_left_alone(tmp_path, mlflow):
    for name, purpose in (("one", "a"), ("two", "b")):
        folder = tmp_path / name
        folder.mkdir()
        record = builders.record(builders.snapshot(context=builders.context(purpose=purpose)))
        stored.run(folder, {}, snapshot=record.snapshot)
    send(tmp_path / "one", mlflow, MLFLOW_EXPERIMENT_NAME="same")
    with pytest.raises(RemoteError, match="another run of the id"):
        send(tmp_path / "two", mlflow, MLFLOW_EXPERIMENT_NAME="same")


# --- names and values ----------------------------------------------------------------------------------


@given(st.sets(st.text(max_size=300), max_size=20))
def test_names_are_taken_by_the_server_and_stay_apart(wanted):
    import posixpath
    import re

    found = values.names(wanted)
    assert set(found) == wanted
    assert len(set(found.values())) == len(wanted)
    assert found == values.names(sorted(wanted, reverse=True))
    for name, made in found.items():
        assert 0 < len(made) <= 250
        assert re.match(r"^[/\w.\- :]*$", made)
        assert posixpath.normpath(made) == made
        assert made != "."
        assert not made.startswith(("..", "/"))
        if values.fit(name) == name:
            assert made == name


@given(
    st.lists(st.builds(lambda text: {"value": text}, st.text(max_size=50)), max_size=60), st.integers(1, 9)
)
def test_batches_hold_everything_once_and_in_order(items, most):
    made = list(values.batches(items, most))
    assert [item for batch in made for item in batch] == items
    assert all(0 < len(batch) <= most for batch in made)


def test_a_batch_is_never_too_large_for_a_request():
    items = [{"key": "k", "value": "\N{GRINNING FACE}" * 6000} for _ in range(100)]
    assert all(len(json.dumps(batch)) < 1_000_000 for batch in values.batches(items, 100))


def test_steps_are_whole_numbers():
    assert [values.step(given, 4) for given in (None, 3, 3.0, 2.5, 2**63, -1)] == [4, 3, 3, 4, 4, -1]


@pytest.mark.parametrize(
    ("place", "said", "hint"),
    [
        (
            "file:./mlruns",
            "a folder of MLflow",
            "FILE_STORE=true mlflow server --backend-store-uri file:./mlruns",
        ),
        ("mlruns", "a folder of MLflow", "--backend-store-uri mlruns"),
        ("sqlite:///m.db", "a database of MLflow", "`mlflow server --backend-store-uri sqlite:///m.db"),
        ("postgresql://me:hunter22@h/db", "a database of MLflow", "then `-o http://127.0.0.1:5000`"),
        ("localhost:5000", "no URL of an MLflow server", "-o http://localhost:5000"),
        ("databricks://team", "names no server", "-o https://WORKSPACE"),
        ("s3://bucket/x", "no MLflow server", "-o http://HOST:PORT"),
    ],
)
def test_what_is_no_server_is_told_from_one(place, said, hint):
    with pytest.raises(UsageError, match=said) as caught:
        connect(place, {})
    assert hint in (caught.value.hint or "")
    assert "hunter22" not in f"{caught.value} {caught.value.hint}"
