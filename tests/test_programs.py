"""`xt verify` on small real programs: the level of each, and what its diagnosis names.

`python -m tests.programs` prints the table of decision 17.
"""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.conftest import Project
from tests.programs import PROGRAMS, change, missing, prepare, serving


@pytest.fixture
def server():
    with serving() as url:
        yield url


def made_locale(folder):
    """Compile a locale with an order of its own."""
    folder.mkdir()
    done = subprocess.run(
        ["sh", "-c", f"localedef -i en_US -f UTF-8 '{folder}/en_US.UTF-8'"], capture_output=True, check=False
    )
    if not (folder / "en_US.UTF-8").exists():
        pytest.skip(f"no locale can be compiled: {done.stderr.decode()[:100]}")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_the_level_and_the_source_are_right(program, tmp_path, server):
    if reason := missing(program):
        pytest.skip(reason)
    folder = tmp_path / "project"
    folder.mkdir()
    prepare(program, folder)
    project = Project(folder)
    project.sh("git init -q && git add -A && git commit -qm first")
    env = dict(program.environ)
    if "locale" in program.needs:
        made_locale(tmp_path / "locales")
        env["LOCPATH"] = str(tmp_path / "locales")
    declared = [word for path in program.inputs for word in ("-i", path)]
    words = [word.replace("{url}", server) for word in program.command]
    ran = project.run("-q", "-o", program.output, *declared, "--", *words, env=env)
    assert ran.code == 0, ran.err
    change(program, folder)
    settled = program.level == "identical"
    vary = ["--vary", ",".join(program.vary)] if settled and program.vary else []
    # What repeats by itself is found identical after three repeats as after five.
    repeat = ["--repeat", "3"] if settled else []
    done = project.xt("verify", "@", "--json", *repeat, *vary, env=env)
    (found,) = json.loads(done.out)["verifications"]
    columns = found.get("columns", [])
    assert (columns[0]["level"] if columns else found["level"]) == program.level, found
    diagnosis = found.get("diagnosis") or {}
    told = json.dumps(diagnosis, indent=1)
    if program.source == "input":
        assert done.code == 3
        assert program.inputs[0] in found["missing"][0]
    elif program.source is None:
        assert done.code == 0
        assert not diagnosis
    elif settled:
        assert set(diagnosis["sources"]) == set(program.vary), told
        assert diagnosis["sources"][0] == program.source
        assert all(column["level"] == "divergent" for column in columns[1:])
    else:
        assert diagnosis["sources"] == [program.source], told
    assert not os.path.exists(folder / ".xt" / "work" / "0"), "a workspace was left"
