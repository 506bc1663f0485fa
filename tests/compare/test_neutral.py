"""Logs of equal runs are equal; logs of different runs are not."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xt.compare import neutral
from xt.compare.content import Held
from xt.compare.neutral import compare_logs, neutralise
from xt.model.delta import Delta


def diff(left: str, right: str) -> Delta:
    return compare_logs(Held("stdout", left.encode()), Held("stdout", right.encode()), "logs/stdout")


@pytest.mark.parametrize(
    ("line", "neutral_line"),
    [
        ("2026-11-25T02:56:01.123Z loss 0.5", "<time> loss 0.5"),
        ("2026-11-25 02:56:01,123 INFO train", "<time> INFO train"),
        ("2026-11-25T02:56:01+01:00 x", "<time> x"),
        ("runs/20261125-025601/log", "runs/<time>/log"),
        ("Nov 25 02:56:01 host app[123]: hi 5", "<time> host app<pid>: hi 5"),
        ("Wed Nov 25 02:56:01 UTC 2026", "<time>"),
        ("Wed, 25 Nov 2026 02:56:01 GMT", "Wed, <time>"),
        ("I1125 02:56:01.123456  1234 a.cc:7] x", "I<time> a.cc:7] x"),
        ("[02:56:01] start", "[<duration>] start"),
        ("at 1764039361 and 1764039361.123", "at <epoch> and <epoch>"),
        ("took 12.3s", "took <duration>"),
        ("took 12 ms, 1.5e-3 seconds", "took <duration>, <duration>"),
        ("1m02s", "<duration>"),
        ("2h 3m 4s", "<duration>"),
        ("eta 0:01:07", "eta <duration>"),
        ("3.21it/s 4.5s/it 10.5 MB/s", "<rate> <rate> <rate>"),
        ("<Foo object at 0x7f3a12345678>", "<Foo object at <address>>"),
        ("id 123e4567-e89b-12d3-a456-426614174000", "id <uuid>"),
        ("pid 123, PID=44, process 7", "pid<pid>, PID<pid>, process<pid>"),
        ("wrote '/tmp/abc_12/x.txt': ok", "wrote '<path>': ok"),
        ("\x1b[1;31mred\x1b[0m \x1b]0;title\x07x", "red x"),
        (
            " 10%|█ | 1/10 [00:01<00:09, 1.0it/s]\r100%|██| 10/10 [00:10<00:00, 1.0it/s]\r",
            "100%|██| 10/10 [<duration><<duration>, <rate>]",
        ),
        ("  0%| | 0/10 [00:00<?, ?it/s]", "  0%| | 0/10 [<duration><?, <rate>]"),
    ],
)
def test_what_no_two_runs_share_becomes_a_placeholder(line: str, neutral_line: str) -> None:
    assert neutralise(line) == neutral_line


@pytest.mark.parametrize(
    "line",
    [
        "epoch 3/10 acc 0.98 lr 1e-3 step 1000",
        "ratio 3.5, 12 MB, 5 m away, 64 d",
        "numpy 2.4.6 on 2 GPUs, model-7b, layer12s",
        "loss=0.5123 (best 0.5001)",
        "trained on 2024-01-01",
        "0xff and 0x7f8",
        "trailing words",
        "seed 123456789",
    ],
)
def test_what_tells_runs_apart_stays(line: str) -> None:
    assert neutralise(line).replace("<address>", "0xff") == line


@given(st.text(max_size=60))
def test_a_neutral_line_stays_as_it_is(line: str) -> None:
    once = neutralise(line)
    assert "\r" not in once
    assert neutralise(once) == neutralise(neutralise(once))


moments = st.datetimes(datetime(2001, 9, 9, 2), datetime(2100, 1, 1), timezones=st.just(UTC))


@given(moments, moments, st.floats(0.001, 1e5), st.floats(0.001, 1e5), st.uuids(), st.integers(2, 10**7 - 1))
def test_two_logs_of_one_recipe_are_within(
    one: datetime, other: datetime, took: float, longer: float, name: uuid.UUID, pid: int
) -> None:
    def log(when: datetime, seconds: float, run: object, process: int) -> str:
        return (
            f"{when.isoformat()} start {run} pid={process}\n"
            f"{when:%Y-%m-%d %H:%M:%S},123 INFO saved to /tmp/run-{process}/out\n"
            f"{when.timestamp():.3f} epoch 1 loss 0.5 {seconds:.2f}s {seconds:.1f}it/s\n"
            f"{when:%b %d %H:%M:%S} done\n"
        )

    delta = diff(log(one, took, name, pid), log(other, longer, uuid.uuid5(name, "x"), pid + 1))
    assert delta.relation in ("within", "same")
    assert (
        diff(log(one, took, name, pid), log(other, longer, name, pid).replace("0.5 ", "0.6 ")).relation
        == "changed"
    )


def test_hunks_show_neutral_lines() -> None:
    delta = diff("10:00:01 a 1\n10:00:02 b 2\n", "11:00:01 a 1\n11:00:02 b 3\n")
    assert delta.text == ["@@ -1,2 +1,2 @@", " <duration> a 1", "-<duration> b 2", "+<duration> b 3"]


def test_too_large_a_log_is_compared_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neutral, "LIMIT", 10)
    delta = diff("10:00:01 a\n", "11:00:01 a\n")
    assert delta.relation == "changed"
    assert delta.note == "too large to leave out times and other things no two runs share"


def test_bytes_that_are_no_text_are_no_obstacle() -> None:
    left, right = Held("o", b"\xff\xfe 12s\n\x80"), Held("o", b"\xff\xfe 13s\n\x80")
    assert compare_logs(left, right, "o").relation == "within"
