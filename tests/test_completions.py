"""The completion scripts, loaded and used by the shells they are for."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
import typer.core
from msgspec.structs import replace

from tests import builders
from tests.conftest import Project
from xt.cli.app import COMMANDS
from xt.context import Outside
from xt.model.event import Observed, Pin, Point
from xt.model.result import Metric
from xt.model.snapshot import Param
from xt.ops.complete import KINDS
from xt.ops.statements import state
from xt.store import Store

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "completions"
SOURCE = ROOT / "src"
SHELLS = ("bash", "zsh", "fish")


NEWEST, OLDER = "kkkkwpztnlqsmvrx", "zzzzwpztnlqsmvrx"
TASKS = """\
[task.train]
command = "python train.py"
[task.evaluate]
[remote.lab]
url = "s3://acme/study"
"""


@pytest.fixture
def here(folder, tmp_path):
    """A project with two runs and a few files, and `xt` to be found."""
    folder.write("measure.py", "print(1)\n")
    folder.write("data set.csv", "1\n")
    folder.write("xt.toml", TASKS)
    (folder.path / "folder").mkdir()
    fill(Store.create(str(folder.path / ".xt")), folder)
    commands = tmp_path / "bin"
    commands.mkdir()
    script = commands / "xt"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(SOURCE)!r})\n"
        "from xt.cli.main import main\nmain()\n"
    )
    script.chmod(0o755)
    folder.environ = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}"}
    return folder


def fill(store: Store, folder: Project) -> None:
    texts = {"purpose": "what is\nit for: \x1b[31mthis", "name": "second", "tags": ["gold", "x y"]}
    params = [Param("lr", 0.05, "argv"), Param("name", "adam", "argv"), Param("odd name", 1, "argv")]
    metrics = [
        Metric("loss", 0.5, "x"),
        Metric("val/acc", 0.9, "x"),
        Metric("val/acc", 1, "x", labels={"d": "8"}),
    ]
    one = builders.snapshot(context=builders.context(**texts, group="slurm:4711"), params=params)
    for run_id, minutes, snapshot in ((NEWEST, 1, one), (OLDER, 2, builders.snapshot())):
        live = store.begin(run_id)
        started = builders.timestamp(builders.NOW - builders.timedelta(minutes=minutes))
        result = replace(builders.result(), metrics=metrics)
        store.seal(live, builders.record(snapshot, result, run_id, started_at=started))
        live.end()
    state(store, Outside(str(folder.path), {}), Pin, name="baseline", run=OLDER, reason=None)


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
        timeout=100,
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


def test_bash_lists_what_there_is(here):
    references = ["@", "@~1", "baseline", NEWEST, OLDER, "second", "gold", "x\\ y"]
    assert in_bash(here, "xt", "show", "") == references
    assert in_bash(here, "xt", "baseline", "set", "zz") == [OLDER]
    assert in_bash(here, "xt", "baseline", "history", "zz") == [""]
    assert in_bash(here, "xt", "run", "--as", "") == ["train", "evaluate"]
    assert in_bash(here, "xt", "restore", "@", "mea") == ["measure.py"]


def test_bash_lists_places_and_what_a_gate_fails_on(here):
    assert in_bash(here, "xt", "push", "-r", "") == ["lab"]
    assert in_bash(here, "xt", "remote", "rm", "l") == ["lab"]
    assert in_bash(here, "xt", "diff", "--fail-on", "") == ["regression", "divergent", "incomplete"]


#: What is typed → what stands there after Tab, in a terminal: readline parts words at `@`, `=`, `:` and `>`.
IN_A_TERMINAL = {
    "xt show sec": "xt show second ",
    "xt show @~": "xt show @~1 ",
    "xt show x": r"xt show x\ y ",
    "xt diff @~1 sec": "xt diff @~1 second ",
    "xt verify @~1 --against sec": "xt verify @~1 --against second ",
    "xt tag @~1 go": "xt tag @~1 gold ",
    "xt run --tag=go": "xt run --tag=gold ",
    "xt ls sta": "xt ls status:",
    "xt ls status:f": "xt ls status:failed ",
    "xt ls group:s": "xt ls group:slurm:4711 ",
    "xt push --remote=l": "xt push --remote=lab ",
    "xt ls tag:gold status:f": "xt ls tag:gold status:failed ",
    "xt ls 'status:f": "xt ls 'status:failed' ",
    'xt ls "tag:gold status:f': 'xt ls "tag:gold status:failed" ',
    "xt ls 'metric.loss>0.01 tag:g": "xt ls 'metric.loss>0.01 tag:gold' ",
    r"xt ls metric.loss\>0.01 tag:g": r"xt ls metric.loss\>0.01 tag:gold ",
    "xt ls metric.l": "xt ls metric.loss",
    "xt ls metric.val/acc{": r"xt ls metric.val/acc\{d=8\}",
    "xt ls param.name=a": "xt ls param.name=adam ",
    "xt ls 'param.\"o": 'xt ls \'param."odd name"',
    "xt ls --sort metric.l": "xt ls --sort metric.loss ",
    "xt ls --sort=metric.l": "xt ls --sort=metric.loss ",
    "xt ls --columns=when,metric.l": "xt ls --columns=when,metric.loss ",
    "xt diff --format=js": "xt diff --format=json ",
    "X=1 xt show sec": "X=1 xt show second ",
}


def test_bash_completes_on_a_terminal(here):
    environ = {**here.environ, "PS1": "", "TERM": "dumb", "INPUTRC": "/dev/null", "LC_ALL": "C.UTF-8"}
    bash = pexpect.spawn(
        shell("bash"), ["--norc", "-i"], cwd=str(here.path), env=environ, encoding="utf-8",
        timeout=100, dimensions=(60, 300), echo=False,
    )  # fmt: skip
    bash.sendline(
        f"bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; source {SCRIPTS / 'xt.bash'}\n"
        "told() { printf '<<%s>>' \"$READLINE_LINE\"; READLINE_LINE=; }; "
        "bind -x '\"\\C-xd\": told'; echo REA''DY"
    )
    bash.expect("READY")
    found = {}
    for line in IN_A_TERMINAL:
        bash.send(line + "\t\x18d")
        bash.expect("<<(.*)>>")
        found[line] = bash.match[1]
    bash.close(force=True)
    assert found == IN_A_TERMINAL


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
scripts=$1; shift
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
for line; do
  zpty -w -n t "$line"$'\t\x18'
  until_seen '>>' | tr -d '\r' | sed -n 's/.*<<\(.*\)>>.*/\1/p'
done
zpty -d t
"""
#: What is typed → the line as it is after Tab, in a terminal.
IN_ZSH = {
    "xt ru": "xt run ",
    "xt run --purp": "xt run --purpose=",
    "xt run -i data:mea": "xt run -i data:measure.py ",
    "xt run -C fol": "xt run -C folder/",
    "xt show base": "xt show baseline ",
    "xt logs @ --fol": "xt logs @ --follow ",
    "xt baseline hi": "xt baseline history ",
    "xt baseline set sec": "xt baseline set second ",
    "xt diff @~1 sec": "xt diff @~1 second ",
    "xt show kkk": f"xt show {NEWEST} ",
    "xt tag @~1 go": "xt tag @~1 gold ",
    "xt ls sta": "xt ls status:",
    "xt ls 'tag:gold status:f": "xt ls 'tag:gold status:failed' ",
    "xt ls tag:gold param.name=a": "xt ls tag:gold param.name=adam ",
    "xt ls 'metric.val/acc{": "xt ls 'metric.val/acc{d=8}",
    "xt ls --sort=metric.l": "xt ls --sort=metric.loss ",
    "xt diff --format=js": "xt diff --format=json ",
    "xt run --as ev": "xt run --as evaluate ",
    "xt run -m x -- toy al": "xt run -m x -- toy alpha-toy ",
    "xt run -q toy --one al": "xt run -q toy --one alpha-toy ",
}


def test_zsh_completes(here):
    found = answers(here, [shell("zsh"), "-f", "-c", ZSH, "zsh", str(SCRIPTS), *IN_ZSH])
    assert dict(zip(IN_ZSH, found, strict=True)) == IN_ZSH


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
    assert in_fish(here, "xt show ") == ["@", "@~1", "baseline", NEWEST, OLDER, "second", "gold", "x y"]
    assert in_fish(here, "xt baseline set zz") == [OLDER]
    assert in_fish(here, "xt baseline history zz") == []
    assert in_fish(here, "xt diff @~1 sec") == ["second"]
    assert in_fish(here, "xt tag @~1 go") == ["gold"]
    assert in_fish(here, "xt run --as ") == ["train", "evaluate"]
    assert in_fish(here, "xt diff --format js") == ["json"]
    assert in_fish(here, "xt restore @ mea") == ["measure.py"]


def test_fish_completes_queries(here):
    assert in_fish(here, "xt ls status:f") == ["status:failed"]
    assert in_fish(here, "xt ls 'tag:gold status:f") == ["tag:gold status:failed"]
    assert in_fish(here, "xt ls --sort=metric.l") == ["--sort=metric.loss"]
    assert in_fish(here, "xt ls --sort metric.v") == ["metric.val/acc", "metric.val/acc{d=8}"]
    assert in_fish(here, "xt ls metric.loss") == [
        "metric.loss=",
        "metric.loss!=",
        "metric.loss<=",
        "metric.loss>=",
    ]


def test_fish_completes_the_command_that_is_run(here):
    assert in_fish(here, "xt run -m x -- toy al") == ["alpha"]
    assert in_fish(here, 'xt run -m "a = b" -q toy ') == ["alpha", "beta"]
    assert in_fish(here, "xt run -q toy --pur") == []
    assert "mkdir" in in_fish(here, "xt run mkdi")


# --- xt complete -------------------------------------------------------------------------------------


def offered(project, kinds: str, word: str) -> list[str]:
    done = project.xt("complete", kinds, word)
    assert (done.code, done.err) == (0, "")
    return [line.partition("\t")[0] for line in done.out.decode().splitlines()]


def test_descriptions_are_harmless(here):
    lines = here.xt("complete", "run", "kk").out.decode().splitlines()
    assert lines == [f"{NEWEST}\twhat is\\nit for: \\e[31mthis"]


def test_it_is_not_in_the_help(here):
    assert b"complete" not in here.xt("--help").out
    assert here.xt("complete").code == 2


def test_an_index_that_somebody_else_holds_is_not_waited_for(here):
    offered(here, "run", "")
    db = sqlite3.connect(here.path / ".xt" / "cache" / "index.db")
    db.execute("BEGIN EXCLUSIVE")
    assert offered(here, "run", "") == []
    db.close()


@pytest.mark.parametrize("harm", ["none", "format", "index", "records", "settings", "foreign", "unreadable"])
def test_whatever_is_in_the_way_nothing_is_said(here, harm):
    store = here.path / ".xt"
    offered(here, "run", "")
    if harm == "none":
        shutil.rmtree(store)
    elif harm == "format":
        (store / "format").write_text("xt-store 99")
    elif harm == "index":
        (store / "cache" / "index.db").write_bytes(b"no database" * 1000)
    elif harm == "records":
        path = store / "runs" / "kk" / f"{NEWEST}.json"
        path.chmod(0o600)
        path.write_bytes(b"{}")
    elif harm == "settings":
        here.write("xt.toml", "[task\n")
    elif harm == "foreign":
        if os.geteuid() != 0:
            pytest.skip("only root can give a store away: a store of others is not tried")
        os.chown(store, 12345, 12345)
    elif os.geteuid() == 0:
        pytest.skip("root can read everything: a store that cannot be read is not tried")
    else:
        store.chmod(0)
    ids = offered(here, "run", "")
    assert offered(here, "task", "") == (
        [] if harm in ("settings", "none", "format", "foreign", "unreadable") else ["train", "evaluate"]
    )
    assert (OLDER in ids) == (harm in ("index", "records", "settings"))
    store.chmod(0o700) if store.exists() else None


def test_outputs_of_a_run_are_offered(here):
    assert offered(here, "run,output", "second:") == ["second:model.npz", "second:metrics.json"]
    assert offered(here, "run,output", "none:m") == []


def test_what_was_measured_in_production_is_offered(here):
    store = Store.open(str(here.path / ".xt"))
    points = [Point(name, 1, "2026-11-20T09:00:00Z") for name in ("refusals", "p95", "p95")]
    state(store, Outside(str(here.path), {}), Observed, to="prod", points=points)
    assert offered(here, "observed", "") == ["p95", "refusals"]
    assert in_bash(here, "xt", "blame", "prod", "re") == ["refusals"]


def test_what_a_declaration_names_is_known():
    """A new command completes by its metavars; each kind they stand for has candidates."""
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import taking
    finally:
        sys.path.pop(0)
    assert {*taking.KINDS.values(), *taking.NAMED.values(), "columns"} == {*KINDS}
    option = typer.core.TyperOption(param_decls=["--of"], metavar="PATH|RUN:OUTPUT")
    assert (taking.kinds(option), taking.is_path(option)) == ("run,output", True)
    for metavar, kinds in {
        "METRIC… [RUN…]": "metric,run",
        "KEY=VALUE": "",
        "[REF|QUERY]...": "run,query",
    }.items():
        assert taking.kinds(typer.core.TyperOption(param_decls=["--of"], metavar=metavar)) == kinds
    assert taking.choices(typer.core.TyperOption(param_decls=["--of"], metavar="dot|json")) == ["dot", "json"]


def test_words_that_make_no_sense_have_no_candidates(here):
    assert offered(here, "nonsense", "") == []
    assert offered(here, "query", 'tag:"x') == ['tag:"x y"']
    assert offered(here, "query", "nonsense:") == []
    assert offered(here, "query", "status>") == []
    assert offered(here, "query", "(((" + "a" * 20_000) == []
    assert offered(here, "query", 'param."odd') == [
        'param."odd name"' + sign for sign in ("=", "!=", "<", "<=", ">", ">=")
    ]
    assert offered(here, "run", "\x1b") == []
    assert offered(here, "metric", "val") == ["val/acc", "val/acc{d=8}"]
    assert offered(here, "query", "level>=") == [
        "level>=identical",
        "level>=equivalent",
        "level>=consistent",
        "level>=divergent",
        "level>=unverifiable",
        "level>=none",
    ]
