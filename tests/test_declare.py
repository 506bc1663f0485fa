"""Declarations: what each way of writing them means, and what is said about the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xt.config import load
from xt.declare import MAX_SEED, input_spec, is_uri, metric_spec, output_request, param_spec, seed
from xt.errors import UsageError
from xt.join import Asked, join
from xt.model.files import INPUT_ROLES, OUTPUT_ROLES
from xt.model.request import InputSpec, MetricGoal, OutputRequest, ParamSpec
from xt.model.snapshot import MetricSpec
from xt.model.text import from_text

BASE = "/project"


@pytest.mark.parametrize(
    ("text", "role", "path", "uri"),
    [
        ("data/x.csv", "data", "data/x.csv", False),
        ("data:x.csv", "data", "x.csv", False),
        ("model:dir/", "model", "dir/", False),
        ("prompts:prompts/*.md", "prompts", "prompts/*.md", False),
        ("https://host/a:b?c", "data", "https://host/a:b?c", True),
        ("S3://bucket/key", "data", "S3://bucket/key", True),
        ("hf:org/name@rev", "data", "hf:org/name@rev", True),
        ("dvc:data.dvc", "data", "dvc:data.dvc", True),
        ("git:../other@v1", "data", "git:../other@v1", True),
        ("git+ssh://host/x", "data", "git+ssh://host/x", True),
        ("model:hf:org/name@rev", "model", "hf:org/name@rev", True),
        ("tokenizer:https://h/t", "tokenizer", "https://h/t", True),
        ("./foo:bar", "data", "./foo:bar", False),
        ("data:foo:bar.txt", "data", "foo:bar.txt", False),
        ("./hf:odd", "data", "./hf:odd", False),
        ("dir/a:b.txt", "data", "dir/a:b.txt", False),
        ("2026-01-01T10:00.csv", "data", "2026-01-01T10:00.csv", False),
        (".hidden:x", "data", ".hidden:x", False),
        ("*.csv", "data", "*.csv", False),
        ("/abs/x", "data", "/abs/x", False),
        ("data", "data", "data", False),
        (":x", "data", ":x", False),
        ("bad\udcff.csv", "data", "bad\udcff.csv", False),
    ],
)
def test_inputs(text, role, path, uri):
    assert input_spec(text, BASE) == InputSpec(role, path, BASE)
    assert is_uri(path) is uri


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("foo:bar.txt", "`foo` is neither a role", "written `./foo:bar.txt`"),
        ("modle:x", "`modle` is neither", "did you mean `model`?"),
        ("Data:x", "`Data` is neither", "did you mean `data`?"),
        ("C:\\data", "`C` is neither", "roles"),
        ("https:host", "`https` is neither", "roles"),
        ("metrics:m.json", "`metrics` is neither", "roles"),
        ("hf:", "`hf` is neither", "roles"),
        ("data:", "names no path", "data, model"),
        ("", "names no path", "data, model"),
        ("a\0b", "NUL", None),
    ],
)
def test_inputs_that_make_no_sense(text, message, hint):
    with pytest.raises(UsageError) as caught:
        input_spec(text, BASE)
    assert message in caught.value.message
    assert caught.value.exit_status == 2
    assert hint is None or hint in caught.value.hint


@given(st.text())
def test_a_path_with_a_role_or_behind_a_dot_is_taken_as_it_is(path):
    if path and "\0" not in path:
        for role in INPUT_ROLES:
            assert input_spec(f"{role}:{path}", BASE) == InputSpec(role, path, BASE)
        assert input_spec(f"./{path}", BASE) == InputSpec("data", f"./{path}", BASE)
        assert not is_uri(f"./{path}")


def test_outputs():
    assert output_request("model.npz", BASE) == OutputRequest("artifact", "model.npz", BASE)
    for role in OUTPUT_ROLES:
        assert output_request(f"{role}:a/*.x", BASE) == OutputRequest(role, "a/*.x", BASE)
    with pytest.raises(UsageError, match="only files can be stored"):
        output_request("model:s3://bucket/x", BASE)
    with pytest.raises(UsageError, match="`data` is neither") as caught:
        output_request("data:x", BASE)
    assert "artifact, model, report, metrics, cases" in caught.value.hint
    assert "URI" not in caught.value.hint


@pytest.mark.parametrize(
    ("text", "key", "value", "path"),
    [
        ("lr=0.1", "lr", "0.1", None),
        ("a.b=c=d", "a.b", "c=d", None),
        ("empty=", "empty", "", None),
        ("config=x/y.yaml", "config", "x/y.yaml", None),
        ("text=two words", "text", "two words", None),
        ("conf/x.yaml", None, None, "conf/x.yaml"),
        ("X.YML", None, None, "X.YML"),
        ("x.toml", None, None, "x.toml"),
        ("./lr=1/x.json", None, None, "./lr=1/x.json"),
    ],
)
def test_params(text, key, value, path):
    assert param_spec(text, BASE, "--param") == ParamSpec(key, value, path, BASE, "--param")


@pytest.mark.parametrize("text", ["lr", "", "=1", "a b=1", "x.ini", "\x1b=1", "a\0=1"])
def test_params_that_make_no_sense(text):
    with pytest.raises(UsageError):
        param_spec(text, BASE, "--param")


@pytest.mark.parametrize(
    ("text", "name", "file", "selector", "pattern"),
    [
        ("acc=m.json:/val/acc", "acc", "m.json", "/val/acc", None),
        ("val/acc=m.json", "val/acc", "m.json", None, None),
        ("acc=m.json:", "acc", "m.json", None, None),
        ("acc=out/r.csv:acc", "acc", "out/r.csv", "acc", None),
        ("acc=r.jsonl:a.b", "acc", "r.jsonl", "a.b", None),
        ("acc=a.json.d/m.yaml:x:y", "acc", "a.json.d/m.yaml", "x:y", None),
        ("acc=./a:b.json:c", "acc", "./a:b.json", "c", None),
        ("acc=M.JSON:c=d", "acc", "M.JSON", "c=d", None),
        ("loss=log:loss=(\\S+)", "loss", None, None, "loss=(\\S+)"),
        ("loss=log:\\d+", "loss", None, None, "\\d+"),
    ],
)
def test_metrics(text, name, file, selector, pattern):
    assert metric_spec(text) == MetricSpec(name, file, selector, pattern)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("acc", "has no source"),
        ("acc=", "has no source"),
        ("=m.json", "has no name"),
        (" =m.json", "has no name"),
        ("acc=m.txt:x", "not a file that metrics can be read from"),
        ("acc=.json", "not a file that metrics can be read from"),
        ("acc=log:", "no pattern"),
        ("acc=log:(", "not a regular expression"),
        ("acc=log:(?P<1>x)", "not a regular expression"),
    ],
)
def test_metrics_that_make_no_sense(text, message):
    with pytest.raises(UsageError, match=message) as caught:
        metric_spec(text)
    assert caught.value.hint


def test_seeds():
    assert seed("auto") == "auto"
    assert seed("0") == 0
    assert seed("007") == 7
    assert seed(str(MAX_SEED)) == MAX_SEED
    for text in ("", "-1", "1.5", " 7", "1_000", "٣", "Auto", str(MAX_SEED + 1), "9" * 5000):
        with pytest.raises(UsageError) as caught:
            seed(text)
        assert caught.value.hint


def test_a_metric_that_is_not_utf8():
    assert from_text(metric_spec("a=\udcff.json:x").file) == "\udcff.json"
    for text in ("\udcff=m.json", "a=m.json:\udcff", "a=log:\udcff"):
        with pytest.raises(UsageError, match="is not UTF-8"):
            metric_spec(text)


def test_a_pattern_python_would_warn_about_is_fine():
    assert metric_spec("a=log:[[x]").pattern == "[[x]"


@given(st.text())
def test_any_text_is_a_declaration_or_a_usage_error(text):
    for parse in (
        lambda: input_spec(text, BASE),
        lambda: output_request(text, BASE),
        lambda: param_spec(text, BASE, "--param"),
        lambda: metric_spec(text),
        lambda: metric_spec(f"a=log:{text}"),
        lambda: seed(text),
    ):
        try:
            parse()
        except UsageError as error:
            assert error.message


TOML = """\
[run]
quiet = true

[task.train]
command = "python train.py"
purpose = "from the file"
tags = ["a", "b"]
inputs = ["data/"]
outputs = ["model:m.npz"]
params = ["config.yaml"]
metrics = ["acc=m.json:/acc", "loss=log:loss (.*)"]
ticket = "T-1"
seed = 3
strict = true

[task.long]
command = "python 'train.py' --long"

[task.bare]

[metrics."val/*"]
goal = "max"
unit = "%"

[metrics.rate]
source = "rate.csv:rate"
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "xt.toml").write_text(TOML)
    return load(str(tmp_path))


def test_without_a_file_or_options_only_the_command_remains(tmp_path):
    request = join(Asked(), load(str(tmp_path)), "/home/dir", ["true", "--seed", "1"])
    assert (request.command, request.cwd, request.task) == (["true", "--seed", "1"], "/home/dir", None)
    assert (request.strict, request.quiet, request.seed, request.draw_seed) == (False, False, None, False)


def test_a_task_is_chosen_by_how_the_command_begins(config, tmp_path):
    def task(*command):
        return join(Asked(), config, str(tmp_path), list(command)).task

    assert task("python", "train.py", "--lr", "1") == "train"
    assert task("python", "train.py", "--long", "x") == "long"
    assert task("python", "train.pyc") is None
    assert task("python") is None
    assert task("bare") is None


def test_the_file_is_relative_to_itself_and_comes_first(config, tmp_path):
    sub = str(tmp_path / "sub")
    asked = Asked(
        inputs=["model:m.pt"], outputs=["x"], params=["lr=1", "c.toml"], tags=["c", "a"], task="train"
    )
    request = join(asked, config, sub, ["other"])
    home = str(tmp_path)
    assert request.inputs == [InputSpec("data", "data/", home), InputSpec("model", "m.pt", sub)]
    assert request.outputs == [OutputRequest("model", "m.npz", home), OutputRequest("artifact", "x", sub)]
    assert request.params == [
        ParamSpec(None, None, "config.yaml", home, "xt.toml"),
        ParamSpec("lr", "1", None, sub, "--param"),
        ParamSpec(None, None, "c.toml", sub, "--param"),
    ]
    assert request.tags == ["a", "b", "c"]
    assert request.metrics[0] == MetricSpec("rate", "../rate.csv", "rate", None)
    assert request.metrics[1] == MetricSpec("acc", "../m.json", "/acc", None)
    assert request.goals == {"val/*": MetricGoal("max", "%"), "rate": MetricGoal()}


def test_the_command_line_wins_for_single_values(config, tmp_path):
    cwd = str(tmp_path)
    of_file = join(Asked(task="train"), config, cwd, ["x"])
    assert (of_file.purpose, of_file.ticket, of_file.seed, of_file.strict, of_file.quiet) == (
        "from the file",
        "T-1",
        3,
        True,
        True,
    )
    asked = Asked(
        task="train", purpose="mine", ticket="T-2", seed="auto", strict=False, quiet=False, name="n"
    )
    mine = join(asked, config, cwd, ["x"])
    assert (mine.purpose, mine.ticket, mine.strict, mine.quiet, mine.name) == (
        "mine",
        "T-2",
        False,
        False,
        "n",
    )
    assert (mine.seed, mine.draw_seed) == (None, True)


def test_a_metric_of_the_command_line_replaces_the_files(config, tmp_path):
    request = join(Asked(task="train", metrics=["acc=log:acc (.*)"]), config, str(tmp_path), ["x"])
    assert [spec.name for spec in request.metrics] == ["rate", "acc", "loss"]
    assert request.metrics[1].pattern == "acc (.*)"


def test_declaring_twice_counts_once(config, tmp_path):
    request = join(Asked(task="train", inputs=["data/"]), config, str(tmp_path), ["x"])
    assert len(request.inputs) == 1


def test_what_people_write_must_be_text(config, tmp_path):
    for asked in (
        Asked(purpose="\udcff"),
        Asked(tags=["\udcff"]),
        Asked(name="\udcff"),
        Asked(ticket="\udcff"),
    ):
        with pytest.raises(UsageError, match="is not UTF-8"):
            join(asked, config, str(tmp_path), ["x"])


def test_an_unknown_task(config, tmp_path):
    with pytest.raises(UsageError) as caught:
        join(Asked(task="trian"), config, str(tmp_path), ["x"])
    assert caught.value.message == "no task `trian` in xt.toml"
    assert caught.value.hint == "did you mean `train`? tasks: train, long, bare"
    with pytest.raises(UsageError, match="there is no"):
        join(Asked(task="train"), load(str(tmp_path / "nowhere")), str(tmp_path), ["x"])
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "xt.toml").write_text("")
    with pytest.raises(UsageError) as caught:
        join(Asked(task="train"), load(str(tmp_path / "sub")), str(tmp_path), ["x"])
    assert caught.value.hint == "declare it in xt.toml as `[task.train]`"


def test_a_named_task_can_bring_its_own_command(config, tmp_path):
    assert join(Asked(task="long"), config, str(tmp_path), []).command == ["python", "train.py", "--long"]
    with pytest.raises(UsageError, match="no command to run") as caught:
        join(Asked(task="bare"), config, str(tmp_path), [])
    assert "`bare` has no `command`" in caught.value.hint
    with pytest.raises(UsageError, match="no command to run"):
        join(Asked(), config, str(tmp_path), [])
