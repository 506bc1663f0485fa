"""Every command, on a store that an enemy wrote: nothing that a terminal would act on reaches it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import termios
import threading

import pytest

from tests.at_once import ANSWERING
from tests.conftest import SOURCE
from tests.poison import FORBIDDEN, FORMULA, LAST, LOST, NAMES, POISON, Poisoned
from xt.cli.app import COMMANDS

#: Commands that are called in this process: none of them changes what it is.
AT_ONCE = ANSWERING | {"du", "gc", "restore", "remote", "push", "pull", "sign", "stale"}
FOLDER = "\x1b]0;x\x07folder"
#: Command → the words it is given. A new command must be added here.
TABLE: dict[str, list[list[str]]] = {
    "run": [["-m", POISON, "--name", POISON, "-t", POISON, "-o", NAMES[0], "--", "/no" + POISON, POISON]],
    "ls": [
        [],
        ["--columns", f"name,task,user,host,ticket,branch,tags,group,param.{POISON}"],
        ["--sort", f"metric.{POISON}"],
        ["--group-by", "task"],
        ["--group-by", "branch"],
        ["--group"],
        [f'name:"{POISON}'],
    ],
    "show": [["@"], [LOST], ["FIRST"], ["--code", POISON]],
    "logs": [["-t"], ["-t", LOST], ["-t", "FIRST", "--stderr"]],
    "diff": [
        [],
        ["--code", "--logs", "--explain"],
        ["FIRST", LAST, "--word-diff", "--code"],
        ["FIRST", LAST, "--stat", "--by", POISON],
        ["--format", "markdown"],
        ["--metrics", POISON],
        ["--tol", f"{POISON}=abs:1"],
    ],
    "rerun": [[LAST], ["FIRST", "--set", f"{POISON}=1"], [LAST, "--in-place"]],
    "verify": [
        [LAST, "--against", "kwpz"],
        [LAST, "--repeat", "1"],
        [LAST, "--against", "kwpz", "--format", "markdown"],
    ],
    "audit": [
        ["@"],
        ["--all"],
        ["@", "--signature"],
        ["@", "--format", "markdown"],
        ["@", "--allowed-signers", POISON],
    ],
    "sign": [["@", "--key", POISON], ["@"]],
    "baseline": [["show"], ["history"], ["set", "@", "-m", POISON], ["set", "@", "--name", POISON]],
    "restore": [[LAST, "--to", "there"], [LAST], [LAST, POISON], ["FIRST", "--to", FOLDER]],
    "trace": [
        ["@"],
        [NAMES[0]],
        [f"{LAST}:{NAMES[0]}"],
        ["@", "--format", "mermaid"],
        ["@", "--format", "dot"],
        [POISON],
    ],
    "stale": [[], ["@"], ["--baseline"], ["FIRST"]],
    "noise": [["@"], ["@", "--all"]],
    "cases": [
        ["@"],
        ["--failed"],
        ["--broken"],
        ["--by", POISON],
        ["--history", f"{POISON}1"],
        ["--cohort", f"{POISON}=x"],
    ],
    "bundle": [[], ["show", "@", "--text"], ["diff", "kwpz", "@"], ["show", POISON], ["diff", "FIRST", "@"]],
    "plot": [
        ["acc"],
        [POISON],
        ["acc", "--x", "run"],
        ["acc", "--x", f"param.{POISON}"],
        ["acc", "-o", FOLDER + ".svg"],
    ],
    "report": [["@", "-o", FOLDER + ".html"], [POISON], ["@", "-o", f"no/{FOLDER}"]],
    "export": [
        *(
            ["@", "--to", form, "-o", f"{FOLDER}.{form}"]
            for form in ("rocrate", "in-toto", "prov", "cyclonedx")
        ),
        *(["@", "--to", form, "-o", f"{FOLDER}.{form}"] for form in ("openlineage", "json", "csv", "mlflow")),
        ["@", "--to", POISON],
    ],
    "tag": [["@", POISON], ["@"], ["@", "gold"]],
    "name": [["@"], ["@", POISON]],
    "note": [["@"], ["@", "-m", POISON]],
    "rm": [["FIRST", "-m", POISON], ["FIRST", "--undo"]],
    "deploy": [
        [f"{LAST}:{NAMES[0]}", "--to", "prod", "-m", POISON],
        [POISON, "--to", POISON],
        [NAMES[0], "--to", "prod"],
    ],
    "observe": [
        ["prod", f"{POISON}=1"],
        [POISON, "a=1"],
        ["prod", "--from", NAMES[0]],
        ["prod", "--from", "=data.csv"],
    ],
    "prod": [[], ["prod"], [POISON]],
    "blame": [["prod", POISON], [POISON, "x"]],
    "rollback": [["prod"], ["prod", "--to", "kwpz", "-m", POISON], ["prod", "--to", POISON]],
    "remote": [
        ["ls"],
        ["add", POISON, "/x"],
        ["add", "team", POISON],
        ["add", "team", FOLDER, "--no-probe"],
        ["status"],
    ],
    "push": [[], [LAST], ["-r", POISON], ["-r", f"./{FOLDER}"]],
    "pull": [["-r", POISON], ["-r", "./other"]],
    "du": [[], ["--runs", "--all"], [LAST, LOST], [POISON]],
    "fsck": [[], ["--deep"], ["--repair", "--from", POISON]],
    "gc": [
        ["--dry-run", "--all"],
        ["--dry-run", "--keep", POISON],
        ["--dry-run", "--keep", "last 1", "--all"],
    ],
    "init": [[]],
}
#: Command → what it is asked for as JSON.
FORMATS: dict[str, list[str]] = {
    **{name: ["@"] for name in ("show", "trace", "noise", "cases", "stale", "audit")},
    **{name: [] for name in ("ls", "diff", "bundle", "prod")},
    "plot": ["acc"],
    "du": ["--runs"],
    "fsck": ["--deep"],
    "baseline": ["history"],
    "rollback": ["prod"],
    "blame": ["prod", POISON],
    "verify": [LAST, "--against", "kwpz"],
    "restore": [LAST, "--to", "there"],
    "deploy": [f"{LAST}:{NAMES[0]}", "--to", "prod", "--force", "-m", POISON],
    "remote": ["ls"],
    "push": ["-r", "./team"],
    "pull": ["-r", "./team"],
    "export": ["@", "--to", "json", "-o", "exported.json"],
}
SGR = re.compile("\x1b\\[[0-9;]*m")
#: One word that none of them can do anything with, in the place of every argument and option.
WRONG = [[POISON], [f"--{POISON}"], ["@", POISON, POISON], [f"--format={POISON}", "@"]]


@pytest.fixture
def poisoned(tmp_path):
    made = Poisoned(tmp_path)
    made.project.at_once = frozenset(AT_ONCE)
    return made


def words_of(poisoned, words):
    return [word.replace("FIRST", poisoned.first) for word in words]


def wrong(poisoned, *words, data=False, **options):
    """What is wrong with what a command says."""
    done = poisoned.project.xt(*words, **options)
    texts = [done.err] if data else [done.err, done.out.decode("utf-8", "surrogateescape")]
    found = [
        ascii(text[max(0, at.start() - 60) : at.end() + 20])
        for text in texts
        if (at := FORBIDDEN.search(text))
    ]
    if "a bug in xt" in done.err or "Traceback" in done.err or done.code == 70:
        found.append(ascii(done.err[-600:]))
    return [f"xt {words!a}: {one}" for one in found]


def on_terminal(poisoned, *words):
    """What a command writes to a terminal of 80 columns."""
    leader, follower = os.openpty()
    termios.tcsetwinsize(follower, (40, 80))
    parts = []

    def read():
        with contextlib.suppress(OSError):
            while data := os.read(leader, 65536):
                parts.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        subprocess.run(
            poisoned.project.command(*words),
            cwd=poisoned.project.path,
            env={**os.environ, "PYTHONPATH": SOURCE, "PAGER": "cat", "TERM": "xterm"},
            stdin=subprocess.DEVNULL,
            stdout=follower,
            stderr=follower,
            check=False,
            timeout=60,
        )
    finally:
        os.close(follower)
        reader.join()
        os.close(leader)
    return b"".join(parts).decode()


def test_no_command_lets_a_control_sequence_through(poisoned):
    assert set(TABLE) == set(COMMANDS.rows), "a new command must show what it makes of hostile text"
    assert wrong(poisoned, poisoned.first) == []
    found = [
        line
        for command, forms in TABLE.items()
        for words in forms
        for line in wrong(poisoned, command, *words_of(poisoned, words))
    ]
    assert not found, "\n".join(found)


def test_no_error_lets_a_control_sequence_through(poisoned):
    found = [
        line
        for command in [*COMMANDS.rows, POISON]
        if command in AT_ONCE
        for words in WRONG
        for line in wrong(poisoned, command, *words, data=command == "logs")
    ]
    assert not found, "\n".join(found)


def test_what_is_given_as_it_is_to_files_is_harmless_on_a_terminal(poisoned):
    forms = (
        *(["logs", LAST], ["logs", LOST], ["show", "--code", ".", LAST], ["show", "--code", NAMES[0], LAST]),
        *(["show", "--json", LAST], ["diff", "--code"]),
    )
    for words in forms:
        shown = on_terminal(poisoned, *words_of(poisoned, words))
        assert shown.strip(), words
        text = SGR.sub("", shown.replace("\r\n", "\n"))
        assert not FORBIDDEN.search(text), (words, ascii(text))


def test_a_log_in_a_file_has_every_byte_and_in_a_pipe_none_that_moves_a_cursor(poisoned):
    log = POISON.encode() + b"\x9b\xff\n"
    assert poisoned.project.xt("logs", LAST).out == log
    piped = poisoned.project.xt("logs", LAST, input=b"").out.decode()
    assert piped.startswith(FORMULA)
    assert not FORBIDDEN.search(piped)
    assert poisoned.project.xt("logs", LAST, "--raw", input=b"").out == log


def test_json_is_json_whatever_it_holds(poisoned):
    (poisoned.project.path / "team").mkdir()
    for command, words in FORMATS.items():
        done = poisoned.project.xt(command, *words_of(poisoned, words), "--json")
        assert done.code in (0, 1, 3, 4), (command, done.err)
        json.loads(done.out.decode()), command
        assert not wrong(poisoned, command, *words_of(poisoned, words), "--json", data=True)
