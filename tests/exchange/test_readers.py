"""Readers of foreign formats: files as the tools write them, and files that would hurt."""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exchange.heard import Heard
from xt.declare import METRIC_FORMATS
from xt.exchange.importers import FORMATS, MalformedError, tensorboard, wandb
from xt.exchange.importers.protobuf import fields, varint
from xt.exchange.importers.shapes import anchors, chosen, found

FIXTURES = Path(__file__).parent / "fixtures"


def read(form, path, **more):
    heard = Heard(**more)
    FORMATS.get(form)(str(path), heard)
    return heard


def test_what_can_be_declared_are_the_formats_there_are():
    assert tuple(FORMATS.rows) == METRIC_FORMATS


# Pieces of files


def number(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(at, value):
    """One field of a message, by the type of its value."""
    if isinstance(value, int):
        return number(at << 3) + number(value & 0xFFFF_FFFF_FFFF_FFFF)
    if isinstance(value, float):
        return number(at << 3 | 5) + struct.pack("<f", value)
    value = value.encode() if isinstance(value, str) else value
    return number(at << 3 | 2) + number(len(value)) + value


def tfrecord(data):
    head = struct.pack("<Q", len(data))
    crcs = [struct.pack("<I", tensorboard.masked_crc(part)) for part in (head, data)]
    return head + crcs[0] + data + crcs[1]


def event(step, *values):
    return tfrecord(field(2, step) + field(5, b"".join(field(1, value) for value in values)))


def tensor(dtype, *parts):
    return field(8, field(1, dtype) + b"".join(parts))


def fragment(data, kind=1):
    return struct.pack("<IHB", zlib.crc32(data, zlib.crc32(bytes([kind]))), len(data), kind) + data


def history(step, **items):
    said = b"".join(field(1, field(2, key) + field(16, value)) for key, value in items.items())
    return field(2, said + field(2, field(1, step)))


OFFLINE = b":W&B\xe1\xbe\x00"


# TensorBoard


def test_the_checksum_is_that_of_the_standard():
    # RFC 3720, B.4: CRC-32C of 32 zeros is 8A9136AA.
    masked = tensorboard.masked_crc(bytes(32))
    crc = (masked - 0xA282EAD8) & 0xFFFFFFFF
    assert (crc >> 17 | crc << 15) & 0xFFFFFFFF == 0x8A9136AA


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (field(2, 0.5), 0.5),
        (field(2, math.nan), math.nan),
        (field(2, -math.inf), -math.inf),
        (tensor(1, field(4, struct.pack("<f", 0.25))), 0.25),
        (tensor(2, field(4, struct.pack("<d", 0.1))), 0.1),
        (tensor(9, field(4, struct.pack("<q", -7))), -7),
        (tensor(1, field(5, struct.pack("<f", 1.5))), 1.5),
        (tensor(1, field(5, 1.5)), 1.5),
        (tensor(3, field(7, -3)), -3),
        (tensor(3, field(7, number(9))), 9),
        (tensor(23, field(17, 2**64 - 1)), 2.0**64),
        (tensor(19, field(4, struct.pack("<e", 0.5))), 0.5),
        (tensor(19, field(13, 0x3800)), 0.5),
        (tensor(14, field(13, 0x3F00)), 0.5),
        (tensor(14, field(4, b"\0\x3f")), 0.5),
        (tensor(7, field(8, "text")), None),
        (tensor(1, field(2, field(2, field(1, 2))), field(4, bytes(8))), None),
        (tensor(1, field(5, bytes(8))), None),
        (tensor(1), None),
        (field(9, field(1, field(1, "histograms"))) + tensor(2, field(4, bytes(8))), None),
    ],
)
def test_a_scalar_is_a_number_or_a_tensor_of_one(tmp_path, value, expected):
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(event(3, field(1, "loss") + value))
    heard = read("tensorboard", path)
    assert heard.doubts == []
    if expected is None:
        assert heard.points == {}
    else:
        ((step, got),) = heard.points[("loss",)]
        assert step == 3
        assert got == pytest.approx(expected, nan_ok=True)


def test_a_damaged_record_costs_itself_and_a_damaged_length_what_follows(tmp_path):
    records = [event(step, field(1, "x") + field(2, float(step))) for step in range(4)]
    path = tmp_path / "events.out.tfevents.1"
    hurt = bytearray(records[1])
    hurt[-6] ^= 1
    path.write_bytes(records[0] + bytes(hurt) + records[2] + records[3][:-3])
    heard = read("tensorboard", path)
    assert [step for step, _ in heard.points[("x",)]] == [0, 2]
    assert heard.doubts == ["the checksum of record 2 is wrong; it is left out", "its last record is cut off"]
    path.write_bytes(records[0] + b"\xff" * 20 + records[2])
    heard = read("tensorboard", path)
    assert [step for step, _ in heard.points[("x",)]] == [0]
    assert "what follows is not read" in heard.doubts[0]


def test_a_record_of_any_length_is_passed_over_unread(tmp_path):
    path = tmp_path / "events.out.tfevents.1"
    head = struct.pack("<Q", tensorboard.MAX_RECORD + 1)
    long = head + struct.pack("<I", tensorboard.masked_crc(head)) + bytes(tensorboard.MAX_RECORD + 5)
    path.write_bytes(long + event(1, field(1, "x") + field(2, 1.0)))
    heard = read("tensorboard", path)
    assert heard.points == {("x",): [(1, 1.0)]}
    assert "more than 1 MB" in heard.doubts[0]


def test_what_is_no_event_file_is_said(tmp_path):
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"step,loss\n1,2\n3,4\n5,6\n")
    with pytest.raises(MalformedError, match="no event file"):
        read("tensorboard", path)
    path.write_bytes(b"")
    assert read("tensorboard", path).points == {}


def test_settings_of_the_hparams_plugin(tmp_path):
    pair = field(1, field(1, "lr") + field(2, number(2 << 3 | 1) + struct.pack("<d", 0.1)))
    other = field(1, field(1, "opt") + field(2, field(3, "adam")))
    plugin = field(1, field(1, "hparams") + field(2, field(3, pair + other)))
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(event(0, field(1, "_hparams_/session_start_info") + field(9, plugin)))
    assert read("tensorboard", path).settings == {"lr": 0.1, "opt": "adam"}


GOOD = b"".join(event(step, field(1, "x") + field(2, float(step))) for step in range(3))
RUN = OFFLINE + fragment(field(17, field(1, "id"))) + fragment(history(1, loss="0.5"))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), form=st.sampled_from(["tensorboard", "wandb"]))
def test_no_change_of_a_file_makes_a_reader_crash(tmp_path_factory, data, form):
    whole = {"tensorboard": GOOD, "wandb": RUN}[form]
    changed = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4)):
        if at < len(changed):
            changed[at] = byte
    path = tmp_path_factory.getbasetemp() / f"changed.{form}"
    path.write_bytes(changed)
    with contextlib.suppress(MalformedError):
        read(form, path)


@settings(max_examples=200, deadline=None)
@given(payload=st.binary(max_size=60))
def test_any_message_is_understood_or_malformed(tmp_path_factory, payload):
    # With checksums that are right, so that what is inside is reached.
    base = tmp_path_factory.getbasetemp()
    for form, whole in (
        ("tensorboard", event(0, field(1, "x") + field(2, 1.0)) + tfrecord(field(5, field(1, payload)))),
        ("wandb", OFFLINE + fragment(field(2, field(1, payload))) + fragment(field(17, payload))),
    ):
        path = base / f"inside.{form}"
        path.write_bytes(whole)
        with contextlib.suppress(MalformedError):
            read(form, path)


@given(st.integers(0, 2**64 - 1))
def test_numbers_of_variable_length(value):
    assert varint(number(value), 0) == (value, len(number(value)))


@pytest.mark.parametrize(
    "data", [b"\x08" + b"\xff" * 11, b"\x08\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x0b", b"\x09\x01"]
)
def test_a_message_that_lies_is_malformed(data):
    with pytest.raises(MalformedError):
        list(fields(data))


# W&B


def test_a_run_that_goes_over_blocks_is_read_whole(tmp_path):
    path = tmp_path / "run-1.wandb"
    long = history(1, note=json.dumps("x" * 50_000), loss="0.5")
    out = bytearray(OFFLINE)
    rest, kind = long, 2
    while rest:
        room = wandb.BLOCK - len(out) % wandb.BLOCK - wandb.HEAD
        part, rest = rest[:room], rest[room:]
        out += fragment(part, kind if rest else 4)
        kind = 3
    out += fragment(history(2, loss="NaN"))
    path.write_bytes(out)
    heard = read("wandb", path)
    assert heard.doubts == []
    assert [step for step, _ in heard.points[("loss",)]] == [1, 2]
    # A damaged block costs the record that is in it, and no other.
    out[wandb.BLOCK + 100] ^= 1
    path.write_bytes(out)
    heard = read("wandb", path)
    assert "damaged" in heard.doubts[0]
    assert heard.points == {}


def test_media_and_what_wandb_writes_for_itself_are_no_metrics(tmp_path):
    item = b"".join(
        field(1, b"".join(field(2, key) for key in keys) + field(16, value))
        for keys, value in [
            (["img", "_type"], '"image-file"'),
            (["img", "width"], "28"),
            (["_timestamp"], "1795713215.0"),
            (["val", "acc"], "0.5"),
            (["flag"], "true"),
            (["name"], '"x"'),
        ]
    )
    path = tmp_path / "run-1.wandb"
    path.write_bytes(OFFLINE + fragment(field(2, item + field(2, field(1, 7)))))
    assert read("wandb", path).points == {("val/acc",): [(7, 0.5)]}


def test_what_is_no_run_of_wandb_is_said(tmp_path):
    path = tmp_path / "run-1.wandb"
    path.write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(MalformedError, match="does not begin"):
        read("wandb", path)


# MLflow


def database(path, runs, points, view=False):
    with contextlib.closing(sqlite3.connect(path)) as base:
        base.execute("CREATE TABLE runs (run_uuid, name, start_time, lifecycle_stage)")
        base.execute("CREATE TABLE params (key, value, run_uuid)")
        base.execute("CREATE TABLE tags (key, value, run_uuid)")
        table = "metrics_" if view else "metrics"
        base.execute(f"CREATE TABLE {table} (key, value, timestamp, run_uuid, step, is_nan)")
        if view:
            base.execute("CREATE VIEW metrics AS SELECT * FROM metrics_")
        base.executemany("INSERT INTO runs VALUES (?, ?, ?, ?)", runs)
        base.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?)", points)
        base.commit()
    return path


def test_only_runs_of_this_time_are_taken_of_a_database(tmp_path):
    path = database(
        tmp_path / "mlflow.db",
        [
            ("a", "old", 1_000, "active"),
            ("b", "resumed", 2_000, "active"),
            ("c", "new", 9_500, "active"),
            ("d", "gone", 9_600, "deleted"),
        ],
        [
            *[("x", 1.0, 1_500, "a", 0, 0), ("x", 1.0, 2_500, "b", 0, 0), ("x", 2.0, 9_200, "b", 1, 0)],
            *[
                ("x", 3.0, 1, "c", 0, 0),
                ("y", 1.7976931348623157e308, 9_700, "c", 0, 0),
                ("x", 9.0, 9_700, "d", 0, 0),
            ],
        ],
    )
    heard = read("mlflow", path, began=9.0)
    assert heard.points == {
        ("x", ("run", "resumed")): [(1, 2.0)],
        ("x", ("run", "new")): [(0, 3.0)],
        ("y", ("run", "new")): [(0, math.inf)],
    }
    heard = read("mlflow", path, began=99.0)
    assert heard.points == {}
    assert "none of its runs" in heard.doubts[0]


def test_a_run_that_says_it_is_of_another_is_not_taken(tmp_path):
    path = database(
        tmp_path / "mlflow.db",
        [("a", "one", 1, "active"), ("b", "two", 2, "active")],
        [("x", 1.0, 2, "a", 0, 0), ("x", 2.0, 2, "b", 0, 0)],
    )
    with contextlib.closing(sqlite3.connect(path)) as base:
        base.execute("INSERT INTO tags VALUES ('xt.run_id', 'zzzzzzzzzzzzzzzz', 'b')")
        base.commit()
    assert read("mlflow", path, began=0.0).points == {("x",): [(0, 1.0)]}


def test_a_hostile_database_is_refused(tmp_path):
    with pytest.raises(MalformedError, match="no table `metrics`"):
        read("mlflow", database(tmp_path / "view.db", [], [], view=True))
    (tmp_path / "text.db").write_text(
        "no database at all, and longer than the header of one is, as it happens to be here"
    )
    with pytest.raises(MalformedError, match="SQLite cannot read it"):
        read("mlflow", tmp_path / "text.db")
    broken = database(
        tmp_path / "broken.db", [("a", "n", 1, "active")], [("x", 1.0, 1, "a", 0, 0)] * 2_000
    ).read_bytes()
    (tmp_path / "broken.db").write_bytes(broken[: len(broken) // 2])
    with pytest.raises(MalformedError, match="SQLite cannot read it"):
        read("mlflow", tmp_path / "broken.db")


# Documents and tables


def test_the_last_state_of_each_training_is_read():
    folder = str(FIXTURES / "trainer")
    assert anchors("trainer", folder) == [f"{folder}/trainer_state.json"]
    states = [f"/o/a/checkpoint-{n}/trainer_state.json" for n in (4, 12, 8)]
    assert chosen("trainer", [*states, "/o/b/trainer_state.json"]) == [states[1], "/o/b/trainer_state.json"]


def test_names_by_which_formats_are_found(tmp_path):
    for name in (
        "a/plots/metrics/x.tsv",
        "a/metrics.json",
        "b/metrics.json",
        "c/hparams.yaml",
        "c/metrics.csv",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    known = {
        "a/metrics.json": "dvclive",
        "b/metrics.json": None,
        "c/metrics.csv": "lightning",
        "d/metrics.csv": None,
        "d/events.out.tfevents.17.host": "tensorboard",
        "d/run-x.wandb": "wandb",
        "d/mlflow.db": "mlflow",
        f"d/{'0a' * 16}/meta.yaml": "mlflow",
        "d/meta.yaml": None,
        "d/results_2026-11-26T17-20-57.685396.json": "lm-eval",
        "d/results_all.json": None,
    }
    assert {name: found(str(tmp_path / name)) for name in known} == known


@pytest.mark.parametrize(
    ("form", "name", "text"),
    [
        ("trainer", "trainer_state.json", "{"),
        ("trainer", "trainer_state.json", "[" * 100_000),
        ("trainer", "trainer_state.json", '{"log_history": 3}'),
        ("lm-eval", "results.json", '{"results": []}'),
        ("promptfoo", "out.json", '{"evalId": "x", "results": {"results": 5}}'),
        ("promptfoo", "out.json", "\xff"),
        ("dvclive", "metrics.json", "[]"),
        ("lightning", "metrics.csv", "a,b\n" + '"' + "x" * 200_000),
    ],
)
def test_documents_that_are_not_what_they_should_be(tmp_path, form, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(MalformedError):
        read(form, tmp_path / name)


def test_odd_values_in_documents_are_passed_over(tmp_path):
    state = {
        "log_history": [
            {"loss": math.nan, "step": 1},
            {"loss": "high", "step": 2},
            7,
            {"lr": 1e-3, "flag": True},
        ]
    }
    (tmp_path / "trainer_state.json").write_text(json.dumps(state))
    heard = read("trainer", tmp_path / "trainer_state.json")
    assert set(heard.points) == {("loss",), ("lr",)}
    out = {"evalId": "e", "results": {"results": [None, {"testIdx": "a"}], "stats": 3, "prompts": [4]}}
    (tmp_path / "out.json").write_text(json.dumps(out))
    heard = read("promptfoo", tmp_path / "out.json")
    assert [case["passed"] for case in heard.cases] == [False]
    assert heard.doubts == ["1 of 2 results are no objects, and left out"]


def test_samples_that_are_cut_off_are_left_out(tmp_path):
    (tmp_path / "results_2026-01-01T00-00-00.json").write_text('{"results": {"t": {"f1,none": 0.5}}}')
    (tmp_path / "samples_t_2026-01-01T00-00-00.jsonl").write_text(
        '{"doc_id": 0, "metrics": ["f1"], "f1": 1.0}\n{"doc_id": 1, "metrics": ["f1"], "f1": 0.4}\n{"me'
    )
    heard = read("lm-eval", tmp_path / "results_2026-01-01T00-00-00.json")
    assert [(case["id"], case["score"]) for case in heard.cases] == [("t/0", 1.0), ("t/1", 0.4)]
    # Its scores are no flags, so nothing is called passed.
    assert not any("passed" in case for case in heard.cases)
    assert len(heard.doubts) == 1


def test_arguments_of_lm_eval_are_told_by_name_and_a_score_beyond_all_floats_is_none(tmp_path):
    config = {"model_args": "pretrained=x,api_key=secret", "gen_kwargs": "greedy"}
    results = tmp_path / "results_2026-01-01T00-00-00.json"
    results.write_text(json.dumps({"results": {}, "config": config}))
    sample = {"doc_id": 0, "metrics": ["acc", "em"], "acc": 10**400, "em": 1}
    (tmp_path / "samples_t_2026-01-01T00-00-00.jsonl").write_text(json.dumps(sample))
    heard = read("lm-eval", results)
    assert heard.settings == {
        "model_args.pretrained": "x",
        "model_args.api_key": "secret",
        "gen_kwargs": "greedy",
    }
    assert [(case["measure"], case["score"]) for case in heard.cases] == [("em", 1.0)]
