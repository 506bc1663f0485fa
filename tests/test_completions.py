"""The completion scripts, loaded and used by the shells they are for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from xt.cli.app import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "completions"
SOURCE = ROOT / "src"
SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def here(project, tmp_path):
    """A project with a run and a few files, and `xt` to be found."""
    project.write("measure.py", "print(1)\n")
    project.write("data set.csv", "1\n")
    (project.path / "folder").mkdir()
    assert project.run("-m", "a\npurpose", "--", "true").code == 0
    commands = tmp_path / "bin"
    commands.mkdir()
    script = commands / "xt"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(SOURCE)!r})\n"
        "from xt.cli.main import main\nmain()\n"
    )
    script.chmod(0o755)
    project.environ = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}"}
    return project


def shell(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: its completions are not tried")
    return found


def answers(here, words: list[str]) -> list[str]:
    done = subprocess.run(
        words,
        cwd=here.path,
        env=here.environ,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", SHELLS)
def test_scripts_are_well_formed(name):
    script = {"bash": "xt.bash", "zsh": "_xt", "fish": "xt.fish"}[name]
    subprocess.run([shell(name), "-n", SCRIPTS / script], check=True)


# --- bash --------------------------------------------------------------------------------------------

BASH = """
source "$1"; shift
_toy() { COMPREPLY=("alpha:$1:$2:$3:${COMP_WORDS[*]}"); }
complete -F _toy toy
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
_xt xt "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def in_bash(here, *words: str) -> list[str]:
    """Complete the last word, as readline has parted the line into words."""
    return answers(here, [shell("bash"), "--norc", "-c", BASH, "bash", str(SCRIPTS / "xt.bash"), *words])


def test_bash_completes_commands_and_options(here):
    assert in_bash(here, "xt", "ru") == ["run"]
    assert {"run", "ls", "show", "logs", "diff", "baseline", "init"} <= set(in_bash(here, "xt", ""))
    assert in_bash(here, "xt", "run", "--pu") == ["--purpose"]
    assert in_bash(here, "xt", "logs", "@", "--fo") == ["--follow"]
    assert in_bash(here, "xt", "baseline", "hi") == ["history"]


def test_bash_completes_values(here):
    assert in_bash(here, "xt", "run", "-i", "mea") == ["measure.py"]
    assert in_bash(here, "xt", "run", "-i", "data") == ["data set.csv"]
    assert in_bash(here, "xt", "run", "--input", "=", "config", ":", "mea") == ["measure.py"]
    assert in_bash(here, "xt", "run", "-C", "f") == ["folder"]
    assert in_bash(here, "xt", "run", "-m", "") == [""]
    assert in_bash(here, "xt", "show", "@", "--code", "mea") == ["measure.py"]


def test_bash_completes_runs(here):
    newest = here.record()["id"]
    assert in_bash(here, "xt", "show", "") == ["@", "@~1", "baseline", newest]
    assert in_bash(here, "xt", "baseline", "set", newest[:4]) == [newest]


def test_bash_completes_the_command_that_is_run(here):
    def toy(*words):
        return [f"alpha:toy:{words[-1]}:{words[-2]}:{' '.join(words)}"]

    assert in_bash(here, "xt", "run", "-m", "x", "--", "toy", "a") == toy("toy", "a")
    assert in_bash(here, "xt", "run", "-m", "a -b", "-q", "toy", "--one", "a") == toy("toy", "--one", "a")
    assert in_bash(here, "xt", "run", "-i", "data", ":", "x", "--", "toy", "b") == toy("toy", "b")
    assert in_bash(here, "xt", "run", "--", "no-such-command", "mea") == ["measure.py"]
    assert in_bash(here, "xt", "run", "--reuse", "toy", "a") == toy("toy", "a")
    assert in_bash(here, "xt", "run", "--reuse", "=", "verified", "toy", "a") == toy("toy", "a")
    assert in_bash(here, "xt", "run", "--reuse", "=", "ver") == [""]
    assert "mkdir" in in_bash(here, "xt", "run", "-m", "x", "--", "mkdi")


# --- zsh ---------------------------------------------------------------------------------------------

ZSH = r"""
zmodload zsh/zpty || exit 1
scripts=$1 line=$2
zpty t zsh -f -i
until_seen() {
  local seen= part=
  while [[ $seen != *$1* ]]; do zpty -r t part || break; seen+=$part; done
  print -rn -- "$seen"
}
zpty -w t "PS1= zle_bracketed_paste=(); fpath=($scripts \$fpath)
autoload -Uz compinit; compinit -u -D
_toy() { compadd alpha-\$words[1] }; compdef _toy toy
told() { print -r -- \"<<\$BUFFER>>\"; BUFFER= }; zle -N told; bindkey '^X' told; bindkey '^I' complete-word
print REA''DY"
until_seen READY >/dev/null
zpty -w -n t "$line"$'\t\x18'
until_seen '>>' | tr -d '\r' | sed -n 's/.*<<\(.*\)>>.*/\1/p'
zpty -d t
"""


def in_zsh(here, line: str) -> str:
    """The line as it is after Tab, in a terminal."""
    (completed,) = answers(here, [shell("zsh"), "-f", "-c", ZSH, "zsh", str(SCRIPTS), line])
    return completed


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("xt ru", "xt run "),
        ("xt run --purp", "xt run --purpose="),
        ("xt run -i data:mea", "xt run -i data:measure.py "),
        ("xt run -C fol", "xt run -C folder/"),
        ("xt show base", "xt show baseline "),
        ("xt logs @ --fol", "xt logs @ --follow "),
        ("xt baseline hi", "xt baseline history "),
        ("xt run -m x -- toy al", "xt run -m x -- toy alpha-toy "),
        ("xt run -q toy --one al", "xt run -q toy --one alpha-toy "),
    ],
)
def test_zsh_completes(here, line, completed):
    assert in_zsh(here, line) == completed


def test_zsh_completes_a_run(here):
    newest = here.record()["id"]
    assert in_zsh(here, f"xt show {newest[:4]}") == f"xt show {newest} "


# --- fish --------------------------------------------------------------------------------------------


def in_fish(here, line: str) -> list[str]:
    script = f"source {SCRIPTS / 'xt.fish'}; complete -c toy -f -a 'alpha beta'; complete -C {line!r}"
    return [found.partition("\t")[0] for found in answers(here, [shell("fish"), "--no-config", "-c", script])]


def test_fish_completes_commands_and_options(here):
    assert in_fish(here, "xt ru") == ["run"]
    assert set(COMMANDS.rows) == set(in_fish(here, "xt "))
    assert in_fish(here, "xt run --pu") == ["--purpose"]
    assert in_fish(here, "xt logs @ --fo") == ["--follow"]
    assert in_fish(here, "xt baseline hi") == ["history"]


def test_fish_completes_values(here):
    assert in_fish(here, "xt run -i mea") == ["measure.py"]
    assert in_fish(here, "xt run -C fol") == ["folder/"]
    assert in_fish(here, "xt show @ --code mea") == ["measure.py"]
    newest = here.record()["id"]
    assert in_fish(here, "xt show ") == ["@", "@~1", "baseline", newest]
    assert in_fish(here, "xt baseline set ") == ["@", "@~1", "baseline", newest]


def test_fish_completes_the_command_that_is_run(here):
    assert in_fish(here, "xt run -m x -- toy al") == ["alpha"]
    assert in_fish(here, 'xt run -m "a = b" -q toy ') == ["alpha", "beta"]
    assert in_fish(here, "xt run -q toy --pur") == []
    assert "mkdir" in in_fish(here, "xt run mkdi")
