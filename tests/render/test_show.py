"""`xt show` as a page."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from tests.builders import (
    NOW,
    RUN,
    bare,
    code,
    command,
    context,
    digest,
    environment,
    gpus,
    logs,
    problems,
    record,
    result,
    snapshot,
    start,
    usage,
)
from tests.render.golden import check
from tests.render.hostile import SGR, assert_harmless, paths, startable, words
from xt.model.bundle import Bundle
from xt.model.code import Change, Code, LeftOut
from xt.model.environment import Container, Gpus
from xt.model.event import Named, Noted, Reused, Verified
from xt.model.files import Input, Output, Problem
from xt.model.result import Exit, Metric, Record, Start, Stream
from xt.model.snapshot import Param, Repeat, Seed, Snapshot
from xt.model.standing import RunStanding
from xt.render.show import NARROWEST, WIDEST, render


class Page(NamedTuple):
    id: str
    shown: int
    snapshot: Snapshot
    started_at: str
    record: Record | None
    seal: str | None
    state: str | None
    repeats: tuple[str, str] | None = None
    repeats_known: bool = True
    is_baseline: bool = False
    said: RunStanding = RunStanding()
    live: list[str] = []  # noqa: RUF012
    bundles: tuple[Bundle, ...] = ()
    lacking: list[str] | None = None
    ended: Exit | None = None


def sealed(run: Record, repeats: tuple[str, str] | None = None, known: bool = True) -> Page:
    return Page(run.id, 4, run.snapshot, run.started_at, run, digest("a"), None, repeats, known)


def in_flight(run: Start, state: str) -> Page:
    return Page(run.id, 4, run.snapshot, run.started_at, None, None, state)


def show(page: Page, width: int = 100, colour: bool = False) -> str:
    return render(page, NOW, width, colour)


def of(snap: Snapshot | None = None, **changes: object) -> str:
    return show(sealed(record(snap, result(**changes))))


def block(text: str, label: str) -> str:
    """A block's text without its label, one space between words."""
    found: list[str] = []
    for line in text.splitlines():
        if line.startswith(f"  {label} ") or (found and line.startswith(" " * 12)):
            found.append(line[12:])
        elif found:
            break
    return " ".join(" ".join(found).split())


def busy() -> Record:
    """Much of everything, and not all of it well."""
    return record(
        snapshot(
            command=command(
                "torchrun", "--nproc-per-node=8", "train.py", "data.path=/mnt/a very long/path", cwd="work"
            ),
            context=context(
                name="sweep-3",
                tags=["gold", "paper"],
                task="train",
                ticket="ML-17",
                trigger="ci",
                ci={"provider": "github", "url": "https://ci.example/job/1"},
            ),
            environment=environment(
                gpus=gpus(),
                container=Container(True, "docker", "abc", None, "the image cannot be seen from inside"),
            ),
            problems=problems(),
        ),
        result(
            status="incomplete",
            outputs=[
                Output("model", "model.npz", "file", "missing", reason="was not written"),
                Output("report", "plots/", "tree", "stored", "plots", digest("7"), 3_000_000, 12),
                Output("artifact", "latest", "link", "stored", "latest", size=0, target="runs/17"),
            ],
            metrics=[
                Metric(
                    f"val/acc/{number}", number / 7, "x", labels={"digit": str(number)} if number % 2 else {}
                )
                for number in range(14)
            ],
            usage=usage(
                gpu_utilisation=0.73, gpu_memory_bytes=12_000_000_000, gpu_energy_j=34567.0, stopped_s=3.0
            ),
            logs=logs(
                streams=[
                    Stream(
                        *("stdout", "pipe", 9_000_000_000, digest("5"), 100),
                        masked=4,
                        recognised={"private key": 1, "GitHub token": 2},
                        unsearched=8_000_000_000,
                        cut_at=100,
                    ),
                    Stream("stderr", "inherited", 0, reason="it was closed"),
                ],
                open_at_end=True,
            ),
        ),
    )


PAGES = {
    "full": sealed(record(), ("nrqszzktwvlmopyx", "2026-11-20T09:30:00.000000Z")),
    "bare": sealed(bare()),
    "busy": sealed(busy()),
    "verified": sealed(
        record(
            snapshot(
                repeat=Repeat(
                    "nrqszzktwvlmopyx",
                    trial=True,
                    varied=["threads", "hashseed"],
                    pinned=["clock"],
                    environment="recreate",
                    adjusted=["`/home/you/old/data.csv` in the command is `/home/you/digits/data.csv` now"],
                )
            )
        )
    )._replace(
        said=RunStanding(
            verified=Verified(
                "20261123073000000000-0a1b2c3d",
                "2026-11-23T07:30:00.000000Z",
                "you",
                RUN,
                "divergent",
                "equivalent",
                ["nrqszzktwvlmopyx"] * 5,
                None,
                {"threads": "equivalent", "timezone": "divergent", "path": "identical"},
                "kwpz does not repeat.",
                ["clock"],
                ["clock"],
            )
        )
    ),
    "labelled": sealed(record())._replace(
        live=["prod"],
        said=RunStanding(
            tags={"gold": True},
            renamed=Named("20261123073000000000-0a1b2c3d", "2026-11-23T07:30:00.000000Z", "you", RUN, "best"),
            notes=[
                Noted(
                    "20261123073000000000-0a1b2c3e",
                    "2026-11-23T07:30:00.000000Z",
                    "ann",
                    RUN,
                    "# Why\n\nThe **rate** fits, see [it](https://wiki.example/x).\n\n- `lr` 0.05\n- A-12",
                )
            ],
            reused=[
                Reused(
                    "20261123073000000000-0a1b2c3f", "2026-11-23T07:30:00.000000Z", "you", RUN, digest("a"), 2
                )
            ],
        ),
    ),
    "running": in_flight(start(), "running"),
    "lost": in_flight(start(), "lost"),
}


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", PAGES)
def test_a_page(name: str, width: int) -> None:
    check(f"show-{name}-{width}", show(PAGES[name], width))


def test_a_page_in_colour() -> None:
    check("show-colour", show(PAGES["full"], 100, colour=True))


@pytest.mark.parametrize("width", [0, 24, 49, 50, 80, 300])
@pytest.mark.parametrize("name", PAGES)
def test_colour_changes_no_text_and_all_of_it_fits(name: str, width: int) -> None:
    text = show(PAGES[name], width)
    assert SGR.sub("", show(PAGES[name], width, colour=True)) == text
    assert_harmless(text, max(width, NARROWEST))
    assert max(cell_len(line) for line in text.splitlines()) <= WIDEST


def test_the_head_says_which_and_why() -> None:
    assert of().startswith("run kwpz tnlqsmvrxoyu  does a lower learning rate help?\n")
    assert of(snapshot(context=context(purpose=None))).startswith("run kwpz tnlqsmvrxoyu  – no purpose\n")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "ok, 8.4 s, 2 min ago, you@host, from a terminal"),
        ({"status": "failed", "exit_code": 3}, "exit 3, 8.4 s,"),
        (
            {"status": "failed", "exit_code": None, "signal": 11, "core_dumped": True},
            "SIGSEGV, core dumped, 8.4 s,",
        ),
        ({"status": "interrupted", "exit_code": None, "signal": 2}, "interrupted (SIGINT), 8.4 s,"),
        ({"status": "incomplete"}, "incomplete, an output is missing, 8.4 s,"),
        ({"status": "not-started", "exit_code": None}, "did not start, 2 min ago,"),
    ],
)
def test_the_second_line_says_how_it_ended(changes: dict[str, object], said: str) -> None:
    assert of(**changes).splitlines()[1].startswith(said)


@pytest.mark.parametrize(
    ("trigger", "changes", "said"),
    [
        ("ci", {"ci": {"provider": "github"}}, "from CI (github)"),
        ("slurm", {"slurm": {"job": "17"}}, "from Slurm job 17"),
        ("cron", {}, "from cron"),
        ("xt", {"parent": "nrqszzktwvlmopyx"}, "from run nrqszzkt"),
    ],
)
def test_the_second_line_says_what_started_it(trigger: str, changes: dict[str, object], said: str) -> None:
    assert said in of(snapshot(context=context(trigger=trigger, **changes))).splitlines()[1]


def test_repeats() -> None:
    run = record()
    assert "repeats nrqs (3 d ago)" in show(PAGES["full"])
    assert "repeats nothing recorded" in show(sealed(run))
    assert "repeats" not in show(sealed(run, known=False))


def test_the_baseline_is_marked() -> None:
    assert "\n◆ baseline\n" in show(sealed(record())._replace(is_baseline=True))
    assert "baseline" not in show(sealed(record()))


def test_a_run_of_another_day_has_its_date() -> None:
    old = replace(record(), started_at="2025-01-02T03:04:05.000000Z")
    assert "690 d ago (2025-01-02 03:04 UTC)" in show(sealed(old))
    future = replace(record(), started_at="2031-01-02T03:04:05.000000Z")
    assert "ok, 8.4 s, just now, you@host" in show(sealed(future))


def test_a_run_without_a_record() -> None:
    running, lost, unknown = (show(in_flight(start(), state)) for state in ("running", "lost", "unknown"))
    assert running.splitlines()[1].startswith("running, started 41 min ago, you@host")
    assert block(running, "logs") == "xt logs kwpz -f"
    assert "xt ended without writing its record" in lost
    assert block(lost, "logs") == "xt logs kwpz"
    assert "only host can tell whether it still goes on" in unknown
    at = Exit("2026-11-23T09:28:00.000000Z", 61.5, exit_code=3)
    ended = show(in_flight(start(), "lost")._replace(ended=at))
    assert ended.splitlines()[1].startswith("lost (exit 3), 61.5 s, started 41 min ago")
    assert "its command ended, and xt without writing its record" in ended
    for text in (running, lost, unknown):
        assert block(text, "outputs") == "model model.npz · metrics metrics.json · not stored yet"
        assert "result: there is no record of an end" in block(text, "missing")
        assert "seal" not in text


def test_the_command_can_be_typed_again() -> None:
    text = of(snapshot(command=command("sh", "-c", "a | b 'c'", cwd="sub/dir")))
    assert block(text, "command") == """sh -c 'a | b '"'"'c'"'"'' in sub/dir"""
    masked = of(snapshot(command=command("login", "--token=***", redacted=[1])))
    assert block(masked, "command") == "login --token=***"


def test_a_very_long_command_is_not_the_whole_page() -> None:
    text = of(snapshot(command=command("python", "-c", "x" * 100_000, *(["word"] * 500))))
    assert len(text) < 5_000
    assert "and 423 more words" in " ".join(text.split())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "3f9a2c1 on main + 2 changed, 1 untracked"),
        ({"changed": [], "changed_total": 0, "dirty": False}, "3f9a2c1 on main, clean"),
        ({"branch": None, "detached": True}, "3f9a2c1, detached + 2 changed, 1 untracked"),
        ({"head": None}, "no commit yet on main + 2 changed, 1 untracked"),
        ({"changed_total": 20000}, "3f9a2c1 on main + 20000 changed or untracked"),
        ({"vcs": None, "changed": [], "changed_total": 0}, "the folder as it was, without git"),
        ({"shallow": True, "lfs_pointers": 2}, "· shallow clone · 2 LFS pointers"),
        ({"status": "none", "reason": "git said no"}, "no snapshot: git said no"),
    ],
)
def test_every_state_of_the_code(changes: dict[str, object], said: str) -> None:
    assert said in block(of(snapshot(code=code(**changes))), "code")


def test_of_many_changes_some_are_named_and_all_are_counted() -> None:
    many = [Change(f"f{number}.py", "modified") for number in range(9)]
    left = [LeftOut(f"b{number}.bin", "too large") for number in range(9)]
    text = block(
        of(snapshot(code=code(changed=many, changed_total=40, left_out=left, left_out_total=9))), "code"
    )
    assert "f0.py, f1.py, f2.py, f3.py, f4.py, f5.py, and 34 more paths" in text
    assert "b3.bin: too large and 5 more paths" in text


def test_params_say_where_they_came_from() -> None:
    params = [
        Param("lr", 0.1, "--param"),
        Param("on", True, "c.yaml"),
        Param("text", "true", "c.yaml"),
        Param("list", [1, "a"], "c.yaml"),
        Param("depth", "3", "argv"),
    ]
    text = of(snapshot(params=params))
    assert block(text, "params") == (
        'lr 0.1 --param on true · text "true" · list [1,"a"] c.yaml depth "3" from the command'
    )


def test_an_input_that_was_not_read_says_why() -> None:
    item = Input(
        "model", "hf:org/name@abc", "uri", "unverified", revision="abc", reason="it is not in the cache"
    )
    said = "model hf:org/name@abc – revision abc unverified: it is not in the cache"
    assert block(of(snapshot(inputs=[item])), "inputs") == said


def test_seeds() -> None:
    assert block(of(snapshot(seed=Seed(3, "drawn", {}))), "seed") == "3 drawn by xt, handed on as XT_SEED"
    known = of(snapshot(seed=Seed(None, "none", {"PYTHONHASHSEED": "0"})))
    assert block(known, "seed") == "not controlled · PYTHONHASHSEED 0"


def test_accelerators() -> None:
    assert "NVIDIA H200 ×8, 151 GB (driver 570.124, CUDA 12.8)" in of(
        snapshot(environment=environment(gpus=gpus()))
    )
    unknown = environment(gpus=Gpus("unknown", "NVML did not answer", None, None, []))
    text = of(snapshot(environment=unknown))
    assert "GPUs: NVML did not answer" in block(text, "missing")
    assert "no GPU found" in of()


def test_a_missing_output_stands_out() -> None:
    text = show(PAGES["busy"], colour=True)
    assert "\x1b[31mmissing\x1b[0m: was not written" in text
    assert "latest → runs/17" in show(PAGES["busy"])


def test_few_metrics_are_a_line_and_many_are_columns() -> None:
    assert block(of(), "metrics") == "val/acc 0.972 loss 0.0812 last of 10 train/acc 0.9912"
    many = [Metric(f"metric-{number}", number, "x", unit="s") for number in range(300)]
    text = of(metrics=many)
    assert "metric-119" in text
    assert "metric-120" not in text
    assert "and 180 more metrics" in text
    labelled = [Metric("acc", 0.5, "x", labels={"digit": "8"}), Metric("acc", 0.9, "x")]
    assert block(of(metrics=labelled), "metrics") == "acc 0.9 acc{digit=8} 0.5"


def test_logs_say_what_was_done_to_them() -> None:
    said = block(show(PAGES["busy"], 110), "logs").replace(" ·", "")
    assert "stdout 9.0 GB (pipe), 4 secrets masked (2× GitHub token, private key recognised), 8.0 GB" in said
    assert "8.0 GB not searched for tokens, cut at 100 B" in said
    assert "stderr 0 B not captured: it was closed" in said
    assert "a process kept a stream open after the end; what it wrote later is not here" in said
    assert "xt logs kwpz" in said


def test_what_is_missing_is_said_with_what_would_give_it() -> None:
    text = block(show(sealed(bare())), "missing")
    for said in (
        "purpose: none given (-m WHY)",
        "inputs: none given (-i PATH)",
        "outputs: none given (-o PATH)",
        "seed: none given (--seed N)",
        "container image: not in a container",
        "metrics: none came out",
    ):
        assert said in text
    piped = snapshot(command=command(stdin="pipe"), context=context(ticket="T-1"))
    assert block(of(piped, usage=usage(reason="no /proc")), "missing").replace(" ·", "") == (
        "standard input: a pipe; what it held is not recorded container image: not in a container "
        "cost: no /proc"
    )


def test_every_problem_is_there_with_its_hint() -> None:
    snap = snapshot(problems=problems())
    text = block(of(snap, problems=[Problem("log", "the disk was full", "make room")]), "problems")
    assert text == (
        "code: 2 files changed while they were read hint: run it again when nothing writes to them "
        "metrics: `log:acc=(.*)` matched nothing log: the disk was full hint: make room"
    )
    assert "problems" not in of()


def test_the_seal_is_the_last_line_and_whole() -> None:
    assert show(PAGES["full"], 80).splitlines()[-1] == f"  seal {digest('a')}"
    narrow = show(PAGES["full"], 40)
    assert digest("a") in "".join(narrow.split())


#: Fields whose text people, programs or operating systems choose.
FREE = {
    *("path", "reason", "branch", "remote", "declared", "name", "version", "executable", "found_by", "argv"),
    *("kernel", "system", "distribution", "libc", "cpu", "user", "host", "purpose", "ticket", "tags", "task"),
    *("message", "hint", "where", "unit", "image", "engine", "revision", "head", "driver", "cuda", "source"),
    *("url", "provider", "digit", "PYTHONHASHSEED", "target", "tree", "recipe", "fingerprint", "role", "cwd"),
}


def _anywhere(run: Record, text: str) -> Record:
    """Put a text in the place of every free string of a record."""

    def change(value: object, key: str = "") -> object:
        if key == "seed":
            return value  # its source is one of three words
        if isinstance(value, dict):
            return {name: change(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [change(inner, key) for inner in value]
        return text if isinstance(value, str) and key in FREE else value

    changed = change(msgspec.to_builtins(replace(run, result=replace(run.result, logs=logs(streams=[])))))
    return replace(msgspec.convert(changed, Record), id=run.id)


@given(words.filter(startable), st.integers(NARROWEST, 130))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_string_of_a_record_gets_out_of_hand(text: str, width: int) -> None:
    assert_harmless(show(sealed(_anywhere(busy(), text)), width), width)


@given(words, paths.filter(startable), paths.filter(startable), words, st.integers(NARROWEST, 130))
@settings(deadline=None)
def test_purpose_paths_and_names_are_harmless(
    purpose: str, first: object, second: object, name: str, width: int
) -> None:
    snap = snapshot(
        command=command(first, second, "plain", cwd=second),
        code=code(changed=[Change(first, "modified"), Change(second, "untracked")]),
        inputs=[Input("data", first, "file", "unverified", second, None, None, None, None, name)],
        params=[Param(name, purpose, name), Param("x", [purpose], "argv")],
        context=context(purpose=purpose, name=name, tags=[name, purpose], trigger="other"),
    )
    outputs = [Output("model", first, "file", "missing", second, reason=name)]
    metrics = [Metric(name, 1.5, "x", unit=name, labels={name: purpose})]
    text = show(sealed(record(snap, result(outputs=outputs, metrics=metrics))), width)
    assert_harmless(text, width)


def test_a_folder_without_git_has_no_commit() -> None:
    plain = Code("recorded", "not a git repository: the folder as it is", tree="ab" * 20, root=".")
    assert block(of(snapshot(code=plain)), "code") == "the folder as it was, without git"
