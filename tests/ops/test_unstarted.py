"""What is said of a command that did not start."""

from __future__ import annotations

import pytest

from xt.ops.unstarted import hint

LINE = "a line of the shell is run by `xt run -- sh -c 'LINE'`"


@pytest.fixture
def here(tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python3").write_text("")
    for name, mode in (("train.py", 0o644), ("Tool", 0o755), ("plain", 0o644)):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(mode)
    return tmp_path


@pytest.mark.parametrize(
    ("argv", "status", "said"),
    [
        (["train.py", "--lr", "1"], 127, "`python train.py` runs it"),
        (["./train.py"], 126, "`python ./train.py` runs it"),
        (["Tool"], 127, "`./Tool` is the file here"),
        (["./plain"], 126, "`chmod +x ./plain` makes it a program"),
        (["LR=secret", "python3", "x"], 127, "variables stand in front: `LR=… xt run -- COMMAND`"),
        (["cat raw.csv | head"], 127, LINE),
        (["cd", "data"], 127, LINE),
        (["pyhton3", "x.py"], 127, "did you mean `python3`?"),
        (["--lr=1"], 127, "behind `--` stands the whole command, a task's too: `xt run -- PROGRAM --OPTION`"),
        (["train"], 127, "`xt run --as train` runs the task"),
        (["nothing-like-it"], 127, None),
        (["./gone"], 127, None),
        ([""], 127, None),
        (["python3"], 125, None),
    ],
)
def test_what_was_meant(here, argv, status, said):
    assert hint(argv, status, f"{here / 'gone'}:{here / 'bin'}", str(here), {"train"}) == said
