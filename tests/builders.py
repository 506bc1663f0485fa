"""Values for tests: one complete, realistic run, and the ways to change it.

`record()` is a training that worked; everything has a keyword or is replaced with `msgspec.structs.replace`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from xt.context import timestamp
from xt.model.code import Change, Code, LeftOut, Repository
from xt.model.environment import Container, Environment, Gpu, Gpus, Lock, Machine, Package, Python
from xt.model.files import Input, Output, Problem
from xt.model.result import Logs, Metric, Record, Result, Start, Stream, Supervisor, Usage
from xt.model.snapshot import Command, Context, Executable, MetricSpec, OutputSpec, Param, Seed, Snapshot
from xt.model.summary import MetricValue, Summary

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
RUN = "kwpztnlqsmvrxoyu"
SUPERVISOR = Supervisor("host", "5f1c", 4242, 987654, "pid:[4026531836]")


def digest(letter: str) -> str:
    """A digest that can be told from others: 64 times one hex digit."""
    return "blake3:" + letter * 64


def command(*argv: str, **changes: Any) -> Command:
    words = list(argv) or ["python", "train.py", "--lr", "0.05"]
    whole = Command(
        argv=list(words),
        redacted=[],
        cwd=".",
        executable=Executable("/usr/bin/python3.11", digest("e"), 6_831_736),
        stdin="terminal",
        stdout="terminal",
        stderr="terminal",
    )
    return replace(whole, **changes)


def code(**changes: Any) -> Code:
    whole = Code(
        status="recorded",
        vcs="git",
        tree="9b2f1c4d5e6f708192a3b4c5d6e7f80912a3b4c5",
        root=".",
        head="3f9a2c1e0d4b5a69788796a5b4c3d2e1f0a9b8c7",
        branch="main",
        remote="https://github.com/you/digits",
        dirty=True,
        changed=[
            Change("model.py", "modified"),
            Change("notes.md", "untracked"),
            Change("train.py", "modified"),
        ],
        changed_total=3,
        left_out=[LeftOut("dump.bin", "larger than 50 MB", 62_000_000)],
        left_out_total=1,
        ignored_total=4,
        repositories=[
            Repository(
                "vendor/tok", "submodule", "recorded", "a" * 40, "b" * 40, "main", True, "c" * 40, None
            )
        ],
    )
    return replace(whole, **changes)


def environment(**changes: Any) -> Environment:
    whole = Environment(
        fingerprint=digest("f"),
        python=Python(
            executable="/home/you/digits/.venv/bin/python",
            found_by="VIRTUAL_ENV",
            version="3.11.7",
            implementation="CPython",
            prefix="/home/you/digits/.venv",
            base_prefix="/usr",
            packages=[
                Package("numpy", "2.4.6"),
                Package("pillow", "12.0.0"),
                Package("scikit-learn", "1.8.1"),
                Package("torch", "2.10.0"),
            ],
        ),
        python_reason=None,
        locks=[Lock("uv.lock", digest("d"))],
        machine=Machine(
            system="Linux",
            kernel="6.18.3-generic",
            distribution="Debian GNU/Linux 12",
            libc="glibc 2.36",
            architecture="x86_64",
            cpu="AMD EPYC 7B13",
            cpu_flags=digest("0"),
            cpus=16,
            usable_cpus=16,
            memory_bytes=134_000_000_000,
        ),
        gpus=Gpus("none", None, None, None, []),
        container=Container(False, None, None, None, None),
        locale={"LANG": "C.UTF-8"},
        timezone="Europe/Vienna",
        umask="022",
        limits={"nofile": [1024, 1048576]},
        determinism={"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": None},
        variables={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        hidden={"EDITOR": digest("1"), "HF_TOKEN": "secret"},
    )
    return replace(whole, **changes)


def gpus(count: int = 8) -> Gpus:
    return Gpus(
        "found",
        None,
        "570.124",
        "12.8",
        [Gpu("NVIDIA H200", f"GPU-{number}", 150_754_820_096, "9.0") for number in range(count)],
    )


def context(**changes: Any) -> Context:
    whole = Context(
        user="you",
        host="host",
        trigger="terminal",
        ci={},
        slurm={},
        parent=None,
        purpose="does a lower learning rate help?",
        ticket=None,
        name=None,
        tags=[],
        task=None,
        xt="0.1.0",
        project="/home/you/digits",
    )
    return replace(whole, **changes)


def snapshot(**changes: Any) -> Snapshot:
    whole = Snapshot(
        command=command(),
        code=code(),
        inputs=[
            Input("data", "data/", "tree", "verified", "data", digest("9"), 57_000_000, 1797),
            Input("prompts", "prompts.md", "file", "verified", "prompts.md", digest("8"), 1_204, 1),
        ],
        params=[
            Param("lr", 0.05, "argv"),
            Param("epochs", 10, "config.yaml"),
            Param("optimizer.name", "adam", "config.yaml"),
            Param("note", "first try", "--param"),
        ],
        environment=environment(),
        seed=Seed(7, "declared", {}),
        context=context(),
        outputs=[OutputSpec("model", "model.npz"), OutputSpec("metrics", "metrics.json")],
        metrics=[MetricSpec("loss", "metrics.json", "/loss", None)],
        recipe=digest("c"),
        problems=[],
    )
    return replace(whole, **changes)


def usage(**changes: Any) -> Usage:
    whole = Usage(
        wall_s=8.42,
        stopped_s=0.0,
        user_s=14.2,
        system_s=1.7,
        peak_memory_bytes=212_000_000,
        read_bytes=400_000,
        written_bytes=6_100,
        gpu_utilisation=None,
        gpu_memory_bytes=None,
        gpu_energy_j=None,
        samples=8,
        reason=None,
    )
    return replace(whole, **changes)


def logs(**changes: Any) -> Logs:
    whole = Logs(
        streams=[
            Stream("stdout", "pty", 1_204, digest("5"), 1_204),
            Stream("stderr", "pty", 0),
        ],
        timing=digest("6"),
        open_at_end=False,
    )
    return replace(whole, **changes)


def result(**changes: Any) -> Result:
    whole = Result(
        status="ok",
        exit_code=0,
        signal=None,
        core_dumped=False,
        xt_exit=0,
        received=[],
        ended_at=timestamp(NOW - timedelta(minutes=2)),
        usage=usage(),
        logs=logs(),
        outputs=[
            Output("model", "model.npz", "file", "stored", "model.npz", digest("7"), 5_240, 1, 0o644),
            Output("metrics", "metrics.json", "file", "stored", "metrics.json", digest("4"), 118, 1, 0o644),
        ],
        metrics=[
            Metric("val/acc", 0.972, "metrics.json:/val/acc", goal="max"),
            Metric("loss", 0.0812, "XT_METRICS", step=10, count=10, series=digest("3")),
            Metric("train/acc", 0.9912, "metrics.json:/train/acc"),
        ],
        problems=[],
    )
    return replace(whole, **changes)


def record(
    snap: Snapshot | None = None, res: Result | None = None, run_id: str = RUN, **changes: Any
) -> Record:
    """A sealed run.

    Args:
        snap: its causes, `snapshot()` by default.
        res: its effects, `result()` by default.
        run_id: 16 letters.
        changes: fields of the record.
    """
    whole = Record(
        id=run_id,
        started_at=timestamp(NOW - timedelta(minutes=2, seconds=9)),
        supervisor=SUPERVISOR,
        snapshot=snap or snapshot(),
        result=res or result(),
    )
    return replace(whole, **changes)


def start(snap: Snapshot | None = None, run_id: str = RUN) -> Start:
    """A run in flight."""
    return Start(run_id, timestamp(NOW - timedelta(minutes=41)), SUPERVISOR, snap or snapshot())


def bare() -> Record:
    """The least there can be: `xt run -- true` in an empty folder."""
    return record(
        snapshot(
            command=command("true", stdin="null", stdout="pipe", stderr="pipe"),
            code=Code("none", "there are no files to snapshot"),
            inputs=[],
            params=[],
            environment=environment(python=None, python_reason="`true` is a program of its own", locks=[]),
            seed=Seed(None, "none", {}),
            context=context(purpose=None, trigger="other"),
            outputs=[],
            metrics=[],
        ),
        result(outputs=[], metrics=[], logs=logs(streams=[], timing=None), usage=usage(wall_s=0.0021)),
    )


def summary(run_id: str = RUN, minutes: float = 2, **changes: Any) -> Summary:
    """One row of a list, started so many minutes ago."""
    whole = Summary(
        id=run_id,
        status="ok",
        started_at=timestamp(NOW - timedelta(minutes=minutes)),
        wall_s=8.4,
        exit_code=0,
        purpose="does a lower learning rate help?",
        command=["python", "train.py", "--lr", "0.05"],
        metrics=[MetricValue("val/acc", 0.972, "max"), MetricValue("loss", 0.081)],
        outputs=2,
    )
    return replace(whole, **changes)


def summaries() -> list[Summary]:
    """A list with one row of every sort."""
    return [
        summary("kwpztnlqsmvrxoyu"),
        summary("ytlmkkpzwxrsouvn", 3, status="running", exit_code=None, wall_s=180.0, metrics=[], outputs=0),
        summary(
            "nrqszzktwvlmopyx",
            60,
            purpose="reference, 10 epochs",
            name="reference",
            tags=["gold", "paper"],
            metrics=[MetricValue("val/acc", 0.96811, "max"), MetricValue("loss", 0.09)],
            level="identical",
            required="identical",
            verified_at=timestamp(NOW - timedelta(minutes=30)),
            verified_by=5,
        ),
        summary("qpxvolkmnzwrstuy", 180, status="failed", exit_code=1, purpose=None, metrics=[], wall_s=0.31),
        summary(
            "zmnoprstuvwxyklq",
            240,
            status="failed",
            exit_code=None,
            signal=9,
            purpose="batch of 512",
            metrics=[],
            wall_s=612.0,
        ),
        summary(
            "tkkowvzyxnmplqrs",
            300,
            status="interrupted",
            exit_code=None,
            signal=2,
            purpose="長い学習の試験",
            metrics=[MetricValue("val/acc", 0.5, "max")],
        ),
        summary(
            "loowkzyxnmptqrsv",
            1440,
            status="lost",
            exit_code=None,
            purpose="nightly",
            tags=["nightly"],
            metrics=[],
            wall_s=None,
        ),
        summary(
            "wolkzyxnmptqrsvu",
            2000,
            status="incomplete",
            purpose="export the model for the demo on Friday, with the new tokenizer",
            problems=2,
        ),
        summary(
            "vvolkzyxnmptqrsu",
            4000,
            status="not-started",
            exit_code=None,
            purpose="typo",
            wall_s=0.0,
            metrics=[],
            command=["pyhton", "train.py"],
        ),
        Summary(
            id="ppolkzyxnmvtqrsu",
            status="damaged",
            reason="the record of ppolkzyxnmvtqrsu cannot be read: JSON is malformed",
        ),
    ]


def problems() -> list[Problem]:
    return [
        Problem("code", "2 files changed while they were read", "run it again when nothing writes to them"),
        Problem("metrics", "`log:acc=(.*)` matched nothing"),
    ]
