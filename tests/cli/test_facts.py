"""Facts: declared with the command, the task or the project; recorded, shown, compared, repeated."""

from __future__ import annotations

import json

TOML = """\
[facts]
labelling = "v3"
decoding.temperature = 0.2
filters = ["dedup", "lang:en"]
day = 2026-11-23
[task.train]
command = "true train"
facts = { labelling = "v4", registry.model = "models:/digits/7" }
"""


def facts(project, reference="@"):
    return [
        (fact["name"], fact["value"], fact["source"])
        for fact in project.record(reference)["snapshot"]["facts"]
    ]


def test_they_come_from_the_project_the_task_and_the_command(project):
    project.write("xt.toml", TOML)
    assert project.run("-q", "--fact", "filters=[1, 2]", "--fact", "ok=true", "true", "train").code == 0
    assert facts(project) == [
        ("day", "2026-11-23", "xt.toml"),
        ("decoding.temperature", 0.2, "xt.toml"),
        ("filters", [1, 2], "--fact"),
        ("labelling", "v4", "[task.train]"),
        ("ok", True, "--fact"),
        ("registry.model", "models:/digits/7", "[task.train]"),
    ]
    page = project.xt("show").out.decode()
    assert "decoding.temperature 0.2" in page
    assert "labelling v4" in page


def test_they_are_causes_and_part_of_the_recipe_but_for_pointers_to_a_registry(project):
    for said in (
        [],
        ["--fact", "flags=a"],
        ["--fact", "flags=b"],
        ["--fact", "flags=b", "--fact", "registry=x:/1"],
    ):
        assert project.run("-q", *said, "true").code == 0
    recipes = [project.record(f"@~{back}")["snapshot"]["recipe"] for back in range(4)]
    assert recipes[0] == recipes[1]
    assert len(set(recipes)) == 3
    found = json.loads(project.xt("diff", "@~2", "@~1", "--json").out)
    (changed,) = [child for child in found["causes"]["children"] if child["relation"] == "changed"]
    assert (changed["path"], changed["children"][0]["path"]) == ("facts", "facts/flags")
    assert "flags  a → b" in project.xt("diff", "@~2", "@~1").out.decode()
    registered = json.loads(project.xt("diff", "@~1", "@", "--json").out)
    assert registered["causes"]["relation"] == "same"
    assert "registry  added x:/1" in project.xt("diff", "@~1", "@", "--only", "facts").out.decode()
    for page in (project.xt("diff", "@~2", "@~1", "--format", name).out for name in ("markdown", "html")):
        assert b"flags" in page


def test_a_section_of_facts_that_no_run_has_is_empty(project):
    assert project.run("-q", "true").code == 0
    assert project.run("-q", "true").code == 0
    done = project.xt("diff", "@~1", "@", "--only", "facts", "--exit-code")
    assert (done.code, done.err) == (0, "")


def test_a_repeat_has_the_same_ones_whatever_the_project_says_now(project):
    project.write("xt.toml", '[facts]\nlabelling = "v3"\n')
    assert project.run("-q", "--fact", 'digits="7"', "true").code == 0
    before = project.record()["snapshot"]
    project.write("xt.toml", '[facts]\nlabelling = "v9"\n')
    assert project.xt("rerun", "@", "-q").code == 0
    after = project.record()["snapshot"]
    assert after["facts"] == before["facts"]
    assert after["recipe"] == before["recipe"]


def test_secrets_are_masked(project):
    ran = project.run(
        *("-q", "--fact", "api_token=s3cr3tvalue01", "--fact", "url=https://u:hunter2x@h/x", "true"),
    )
    assert ran.code == 0
    assert facts(project)[0] == ("api_token", "***", "--fact")
    stored = project.stored_bytes()
    assert b"s3cr3tvalue01" not in stored
    assert b"hunter2x" not in stored


def test_secrets_inside_of_json_are_masked(project):
    plain, secret = '{"a": [1, {"rate":0.10}]}', '{"a": [1, {"password": "hunter22222", "rate": 2}]}'
    ran = project.run(
        "-q", "--fact", f"plain={plain}", "--fact", f"deep={secret}", "-p", f"deep={secret}", "true"
    )
    assert ran.code == 0
    masked = '{"a":[1,{"password":"***","rate":2}]}'
    assert facts(project) == [("deep", masked, "--fact"), ("plain", plain, "--fact")]
    assert [param["value"] for param in project.record()["snapshot"]["params"]] == [masked]
    assert b"hunter22222" not in project.stored_bytes()


def test_what_is_no_fact_is_wrong_usage_with_its_line_in_the_file(project):
    for text, said in (("labelling", "not KEY=VALUE"), ("=x", "no usable name"), ("a b=1", "no usable name")):
        done = project.run("--fact", text, "touch", "started")
        assert done.code == 2
        assert said in done.err
        assert "Traceback" not in done.err
    project.write("xt.toml", '[facts]\nfine = 1\n"a b" = 2\n')
    done = project.run("touch", "started")
    assert done.code == 125
    assert "xt.toml:3: fact `a b` has no usable name" in done.err
    project.write("xt.toml", "[task.t]\ncommand = 'true'\n[task.t.facts]\nx = [{a = 1}]\n")
    assert "xt.toml:4: fact `x`: expected a value or a list of values" in project.run("true").err
    assert not (project.path / "started").exists()
