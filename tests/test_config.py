"""`xt.toml`: what is read, and what is said about what cannot be."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collect.gitcase import as_nobody, own
from xt.config import Config, Settings, load
from xt.errors import ConfigError

FULL = """\
# a comment
[code]
max_file = 1000
exclude = ["*.log"]

[env]
record = ["MY_*"]

[run]
grace = 3
strict = true

[evidence]
required = ["purpose", "inputs.data", "seed"]

[task.train]
command = "python train.py"
inputs = [
    "data/",
    "model:hf:org/name@abc",
]
outputs = ["model:model.npz"]
params = ["config.yaml", "lr=0.1"]
metrics = ["loss=log:loss (\\\\S+)"]
seed = "auto"

[metrics."val/acc"]
goal = "max"
source = "metrics.json:/val/acc"
"""


def write(folder, text, name="xt.toml"):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(folder)


def refused(folder, text, name="xt.toml", cwd=None):
    with pytest.raises(ConfigError) as caught:
        load(write(folder, text, name), cwd)
    assert caught.value.exit_status == 125
    assert "$" not in caught.value.message
    return caught.value


def test_without_a_file_the_defaults_hold(tmp_path):
    assert load(str(tmp_path)) == Config(Settings(), None)


def test_every_table_is_read(tmp_path):
    config = load(write(tmp_path, FULL))
    assert config.path == str(tmp_path / "xt.toml")
    assert config.ignored is None
    settings = config.settings
    assert settings.code.max_file == 1000
    assert settings.run.grace == 3.0
    assert settings.run.strict is True
    assert settings.task["train"].inputs == ["data/", "model:hf:org/name@abc"]
    assert settings.task["train"].seed == "auto"
    assert settings.metrics["val/acc"].goal == "max"


def test_an_empty_file_and_a_byte_order_mark_are_fine(tmp_path):
    assert load(write(tmp_path, "")).settings == Settings()
    assert load(write(tmp_path, b"\xef\xbb\xbf[run]\r\nquiet = true\r\n")).settings.run.quiet is True


def test_pyproject_is_read_when_it_has_our_table(tmp_path):
    config = load(write(tmp_path, "[project]\nname='x'\n[tool.xt.run]\nquiet = true\n", "pyproject.toml"))
    assert config.settings.run.quiet is True
    assert config.path == str(tmp_path / "pyproject.toml")


def test_pyproject_without_our_table_is_not_even_parsed(tmp_path):
    assert load(write(tmp_path, "this is not toml [", "pyproject.toml")) == Config(Settings(), None)


def test_a_pyproject_that_only_mentions_our_table_counts_for_nothing(tmp_path):
    write(tmp_path, "# see [tool.xt]\n[tool.other]\n", "pyproject.toml")
    assert load(str(tmp_path)).path is None
    write(tmp_path, "[run]\nquiet = true\n")
    assert load(str(tmp_path)).ignored is None


def test_xt_toml_wins_and_the_other_is_named(tmp_path):
    write(tmp_path, "[tool.xt.run]\nquiet = true\n", "pyproject.toml")
    config = load(write(tmp_path, "[run]\nstrict = true\n"))
    assert (config.settings.run.quiet, config.settings.run.strict) == (False, True)
    assert config.ignored == str(tmp_path / "pyproject.toml")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            FULL.replace("inputs = [", "inptus = ["),
            "xt.toml:18: unknown key `inptus` in [task.train]",
            "did you mean `inputs`?",
        ),
        ("\n[taks.train]\n", "xt.toml:2: unknown table `[taks]`", "did you mean `task`? tables: code, env"),
        ('[deploy]\nhok = "a"\n', "xt.toml:2: unknown key `hok` in [deploy]", "did you mean `hook`?"),
        (
            "[deploy.prod]\nhook = 3\n",
            "xt.toml:2: `hook` in [deploy.prod]: expected a string, found a number",
            None,
        ),
        ('[deploy.prod]\nhook = "a \'b"\n', "xt.toml:2: `hook`: no closing quotation", None),
        ("[deploy.hook]\n", "xt.toml:1: an environment cannot be named `hook`", None),
        ("\n[" + "a." * 300_000 + "a]\n", "xt.toml:2: a key of very many parts", None),
        ("quiet = true\n", "xt.toml:1: unknown key `quiet` outside any table", "tables: code"),
        (
            '[metrics."val/acc"]\n\ngaol = "max"\n',
            'xt.toml:3: unknown key `gaol` in [metrics."val/acc"]',
            "did you mean `goal`?",
        ),
        (
            "[task.a]\ninputs = 3\n",
            "xt.toml:2: `inputs` in [task.a]: expected a list of strings, found a number",
            None,
        ),
        (
            '[task.a]\ninputs = "data"\n',
            "xt.toml:2: `inputs` in [task.a]: expected a list of strings, found a string",
            'write it in brackets: ["data"]',
        ),
        (
            '[task.a]\ninputs = [\n"data",\n["x"]]\n',
            "xt.toml:4: `inputs` in [task.a]: expected a list of strings, found a list in it",
            None,
        ),
        (
            '[task.a]\ncommand = """\n[x]\n"""\nstrict = "yes"\n',
            "xt.toml:5: `strict` in [task.a]: expected true or false, found a string",
            None,
        ),
        ("run = true\n", "xt.toml:1: `run`: expected a table, found true", None),
        (
            "[run]\ngrace = 2020-01-01\n",
            "xt.toml:2: `grace` in [run]: expected a number from 0 to 86400, found a date",
            None,
        ),
        (
            "[run]\ngrace = -1\n",
            "xt.toml:2: `grace` in [run]: expected a number from 0 to 86400, found -1",
            None,
        ),
        (
            "[run]\ngrace = nan\n",
            "xt.toml:2: `grace` in [run]: expected a number from 0 to 86400, found nan",
            None,
        ),
        (
            "code.max_file = 1.5\n",
            "xt.toml:1: `max_file` in [code]: expected a whole number of at least 0, found 1.5",
            None,
        ),
        (
            '[metrics]\nloss = { unit = "nat", goal = "mim" }\n',
            "xt.toml:2: `goal` in [metrics.loss]: expected `max`, `min` or `none`, found `mim`",
            "did you mean `min`?",
        ),
        (
            "[task.a]\nseed = 'seven'\n",
            "xt.toml:2: `seed` in [task.a]: expected a whole number from 0 to 9223372036854775807",
            None,
        ),
        (
            "[evidence]\nrequired = [\n'seed',\n'purpos']",
            "xt.toml:4: unknown evidence `purpos`",
            "did you mean `purpose`?",
        ),
        ("[task.a]\ninputs = [\n'a',\n'modle:x']", "xt.toml:4: input `modle:x`", "did you mean `model`?"),
        ("[task.a]\noutputs = ['s3://b/x']", "xt.toml:2: output `s3://b/x` is a URI", None),
        (
            "[task.a]\nmetrics = ['x=log:(']",
            "xt.toml:2: metric `x`: the pattern `(` is not a regular expression",
            None,
        ),
        ("[task.a]\nparams = ['lr']", "xt.toml:2: param `lr` is neither", None),
        ("[task.a]\ncommand = 'echo \"x'\n", "xt.toml:2: `command` of task `a`: no closing quotation", None),
        ("[metrics.'val/*']\nsource = 'm.json'\n", "xt.toml:2: `source` needs a metric's full name", None),
        ("[metrics.a]\nsource = 'm.txt'\n", "xt.toml:2: metric `a`: `m.txt` is not a file", None),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, text, message, hint):
    error = refused(tmp_path, text)
    assert error.message.startswith(message)
    if hint is not None:
        assert hint in error.hint


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = [\n", 2),
        ("[run]\nquiet = yes\n", 2),
        ("[run]\n[run]\n", 2),
        ("\nx = '''\n\n", 2),
        ("=", 1),
    ],
)
def test_a_syntax_error_names_its_line(tmp_path, text, line):
    assert refused(tmp_path, text).message.startswith(f"xt.toml:{line}: ")


def test_lines_in_pyproject_are_those_of_the_file_and_tables_have_their_full_name(tmp_path):
    text = "[project]\nname = 'x'\n\n[tool.xt.task.train]\ninptus = []\n"
    error = refused(tmp_path, text, "pyproject.toml")
    assert error.message == "pyproject.toml:5: unknown key `inptus` in [tool.xt.task.train]"
    error = refused(tmp_path, "[tool]\n# [tool.xt\nxt = 3\n", "pyproject.toml")
    assert error.message.startswith("pyproject.toml:3: ")
    assert error.message.endswith("[tool.xt]: expected a table, found a number")


def test_the_file_is_named_as_it_would_be_typed(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert refused(tmp_path, "x", cwd=str(tmp_path / "a" / "b")).message.startswith("../../xt.toml:1: ")
    assert refused(tmp_path / "a", "x", cwd=str(tmp_path)).message.startswith("a/xt.toml:1: ")
    assert refused(tmp_path, "x", cwd="/usr/lib/some/where/else/entirely/x/y/z").message.startswith(
        str(tmp_path)
    )


def test_files_that_cannot_be_read(tmp_path):
    assert refused(tmp_path, b"[run]\n# \xff\n").message == "xt.toml:2: it is not UTF-8 text"
    assert "too deeply" in refused(tmp_path, "a = " + "[" * 100_000).message
    os.unlink(tmp_path / "xt.toml")
    os.mkfifo(tmp_path / "xt.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(str(tmp_path))
    os.unlink(tmp_path / "xt.toml")
    os.symlink("nowhere", tmp_path / "xt.toml")
    with pytest.raises(ConfigError, match="a link to a file that does not exist"):
        load(str(tmp_path))
    (tmp_path / "nowhere").write_text("[run]\nquiet = true\n")
    assert load(str(tmp_path)).settings.run.quiet is True


def test_a_file_without_permission(tmp_path):
    write(tmp_path, "")
    own(tmp_path)
    os.chmod(tmp_path / "xt.toml", 0)

    def said():
        with pytest.raises(ConfigError) as caught:
            load(str(tmp_path))
        return caught.value.message

    assert as_nobody(said) == "xt.toml: cannot be read: Permission denied"


@given(st.text() | st.text("[]{}=.\"'#\n ax1,t-"))
def test_any_text_is_settings_or_a_config_error(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("any")
    try:
        config = load(write(folder, text.encode("utf-8", "replace")))
    except ConfigError as error:
        assert error.message.startswith("xt.toml:")
    else:
        assert isinstance(config.settings, Settings)


def test_no_file_means_no_parser(tmp_path):
    code = "import sys, xt.config; xt.config.load(sys.argv[1]); print(*sorted(sys.modules))"
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    loaded = set(done.stdout.split())
    assert "xt.config" in loaded
    unwanted = {"tomllib", "difflib", "pathlib", "xt.toml_lines", "xt.config_faults", "xt.config_sense"}
    assert loaded & unwanted == set()
