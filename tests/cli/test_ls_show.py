"""`xt ls` and `xt show` as commands: in a pipe, in a file, on a terminal."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.builders import RUN, context, problems, record, result, snapshot, start
from xt import codec
from xt.model.result import Record
from xt.store import Store, supervisor

HOSTILE = "\x1b]0;owned\x07\x9b2J\u202eevil"
OTHER = "nrqszzktwvlmopyx"
COMMAND = [sys.executable, "-c", "from xt.cli.main import main; main()"]


def seal(store: Store, run: Record) -> None:
    live = store.begin(run.id)
    store.seal(live, run)
    live.end()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two runs that ended and one that was lost."""
    store = Store.create(f"{tmp_path}/.xt")
    seal(store, record())
    older = snapshot(context=context(purpose=HOSTILE, tags=["gold"]), problems=problems())
    seal(
        store,
        record(older, result(status="failed", exit_code=3), OTHER, started_at="2026-11-20T09:30:00.000000Z"),
    )
    live = store.begin("ytlmkkpzwxrsouvn")
    live.publish(codec.encode(replace(start(run_id="ytlmkkpzwxrsouvn"), supervisor=supervisor())))
    os.close(live.lock)
    return tmp_path


def environ(project: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.defpath, "HOME": str(project), "PYTHONPATH": os.pathsep.join(sys.path), **more}


def xt(project: Path, *words: str, **more: str) -> str:
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=project,
        env=environ(project, **more),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def on_terminal(project: Path, *words: str, **more: str) -> str:
    """Run on a pseudo-terminal, which has no size; what it shows, with plain line ends."""
    leader, follower = pty.openpty()
    try:
        with subprocess.Popen(
            [*COMMAND, *words], cwd=project, env=environ(project, TERM="xterm", **more), stdout=follower
        ) as process:
            os.close(follower)
            shown = b""
            while True:
                try:
                    data = os.read(leader, 65536)
                except OSError:  # EIO: the other side is closed
                    break
                if not data:
                    break
                shown += data
        assert process.returncode == 0
    finally:
        os.close(leader)
    return shown.decode().replace("\r\n", "\n")


def test_a_list_in_a_pipe(project: Path) -> None:
    text = xt(project, "ls")
    runs = [line.split()[0] for line in text.splitlines()[1:4]]
    assert runs == ["kwpz", "ytlm", "nrqs"]
    assert "\\e]0;owned\\x07\\x9b2J\\u202eevil" in xt(project, "ls", COLUMNS="200")
    assert "exit 3 !2" in text
    assert "lost" in text
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize(
    ("name", "told"), [("0.9", True), ("=0.9", True), ("runs.txt", False), ("1a", False)]
)
def test_a_query_that_the_shell_took_apart(project: Path, name: str, told: bool) -> None:
    with open(project / name, "wb") as file:
        words = [*COMMAND, "ls", "status:failed"]
        done = subprocess.run(words, cwd=project, env=environ(project), stdout=file, stderr=subprocess.PIPE)
    assert done.returncode == 0
    assert ((f"in the file `{name}` (quote a query".encode()) in done.stderr) == told
    assert done.stderr.count(b"\n") == told


def test_a_list_on_a_terminal(project: Path) -> None:
    assert "\x1b[1;36mkwpz\x1b[0m" in on_terminal(project, "ls")
    assert "\x1b" not in on_terminal(project, "ls", NO_COLOR="1")
    # A terminal has a number for a name as well.
    assert "redirection" not in on_terminal(project, "ls", "status:failed", NO_COLOR="1")
    narrow = on_terminal(project, "ls", NO_COLOR="1", COLUMNS="30")
    assert max(len(line) for line in narrow.splitlines()) <= 30


def test_rows_at_most(project: Path) -> None:
    assert "1 of 3 runs" in xt(project, "ls", "-n", "1")
    assert "3 runs" in xt(project, "ls", "-n", "0")


def test_a_list_for_programs(project: Path) -> None:
    rows = json.loads(xt(project, "ls", "--json"))
    assert [row["id"] for row in rows] == [RUN, "ytlmkkpzwxrsouvn", OTHER]
    assert rows[2]["purpose"] == HOSTILE
    table = list(csv.DictReader(io.StringIO(xt(project, "ls", "--csv"))))
    assert [row["status"] for row in table] == ["ok", "lost", "failed"]
    assert table[2]["purpose"] == HOSTILE
    assert table[0]["metric.loss"] == "0.0812"


@pytest.mark.parametrize(
    "words", [["ls", "--json"], ["ls", "--csv"], ["show", OTHER, "--json"], ["show", OTHER]]
)
def test_nothing_hostile_reaches_a_terminal(project: Path, words: list[str]) -> None:
    shown = on_terminal(project, *words, NO_COLOR="1")
    assert "evil" in shown
    assert not set("\x1b\x07\x9b\u202e") & set(shown)


def test_json_on_a_terminal_is_the_same_json(project: Path) -> None:
    assert json.loads(on_terminal(project, "ls", "--json")) == json.loads(xt(project, "ls", "--json"))


def test_a_page(project: Path) -> None:
    text = xt(project, "show", "kwpz")
    assert text.startswith("run kwpz tnlqsmvrxoyu  does a lower learning rate help?\n")
    assert "repeats nrqs (" in text
    stored = (project / f".xt/runs/kw/{RUN}.json").read_bytes()
    assert text.splitlines()[-1] == f"  seal {json.loads(stored)['seal']}"
    assert xt(project, "show", "kwpz", "--json").encode() == stored
    assert "\x1b[1;36mkwpz\x1b[0m" in on_terminal(project, "show", "kwpz")


def test_a_page_of_a_lost_run(project: Path) -> None:
    text = xt(project, "show", "ytlm")
    assert text.splitlines()[1].startswith("lost, started ")
    assert json.loads(xt(project, "show", "ytlm", "--json"))["schema"] == "xt.start/1"


def test_the_first_of_a_recipe_repeats_nothing(project: Path) -> None:
    assert "repeats nothing recorded" in xt(project, "show", OTHER)
