"""`xt deploy` and `xt observe`: what went live, known by its content, and what was measured of it."""

from __future__ import annotations

import json
import os
import sys

import pytest

from tests.production import IDS, Site
from xt import codec
from xt.model.event import Deployed, Removed, Verified
from xt.ops.statements import standing
from xt.store.events import LARGEST


@pytest.fixture
def site(folder):
    return Site(folder)


def live(site, to="prod"):
    place = standing(site.store).places.get(to)
    return None if place is None else place.live


def refused(site, *words):
    done = site.xt(*words)
    assert done.code != 0, done.out
    assert "a bug" not in done.err
    assert done.out == b""
    return done.err


def test_a_file_is_known_by_its_content_wherever_it_lies(site):
    run = site.run(0)
    site.project.write("downloads/copy of.bin", "weights 0")
    done = site.xt("deploy", "downloads/copy of.bin", "--to", "prod", "-m", "the first")
    assert (done.code, done.err) == (0, "")
    event = live(site)
    assert (event.run, event.output, event.reason) == (run, "model.bin", "the first")
    assert event.digest == codec.digest(b"weights 0")
    assert event.path == str(site.project.path / "downloads/copy of.bin")
    assert event.prompts is not None and event.policy is None
    assert event.config == {} and event.lacking == [] and event.despite == []
    page = done.out.decode()
    assert "prod is kkkk  model.bin" in page and "prompts@" in page and "the first there" in page


def test_it_works_on_what_a_command_really_made(project):
    project.run("-q", "-m", "why", "-o", "model:out", "--", "sh", "-c", "mkdir out; echo w > out/w.bin")
    project.sh("cp -r out elsewhere && chmod 600 elsewhere/w.bin && mkdir sub")
    for path, output in (("../elsewhere", "out"), ("../out/w.bin", "out/w.bin")):
        done = project.xt("deploy", path, "--to", "prod", "--json", cwd=project.path / "sub")
        assert done.code == 0, done.err
        assert json.loads(done.out)["output"] == output
    assert "no run made" in project.xt("deploy", "train.py", "--to", "prod").err


@pytest.mark.parametrize(
    "named", ["kkkk:model.bin", "@:model", "kkkk:./model.bin", "@:bin", "kkkk:out/deep/x.bin", "@:x.bin"]
)
def test_an_output_is_named_by_path_role_or_end(site, named):
    tree = site.tree({"deep/x.bin": "x"}, role="artifact")
    site.run(0)
    site.run(1)
    first = site.store.record(IDS[0]).result.outputs[0]
    from msgspec.structs import replace

    site.run(2, outputs=[replace(first, path="models/model.bin", declared="models/model.bin"), tree])
    named = named.replace("kkkk", "mmmm")
    done = site.xt("deploy", named, "--to", "prod")
    if named.endswith((":bin", ":x.bin")):
        assert (done.code, live(site)) == (1, None)
        assert "has no output" in done.err
    else:
        assert done.code == 0, done.err
        assert live(site).run == IDS[2]
        assert live(site).output == ("out/deep/x.bin" if "deep" in named else "models/model.bin")


def test_of_several_makers_the_newest_that_is_ok_is_taken_and_the_others_are_said(site):
    for number, status in enumerate(["ok", "ok", "ok", "failed"]):
        site.run(number, "same", status=status)
    site.event(Removed, 1, run=IDS[2], reason=None)
    site.project.write("m", "same")
    done = site.xt("deploy", "m", "--to", "prod")
    assert live(site).run == IDS[1]
    assert "the same content: kkkk" in done.out.decode()
    assert site.xt("deploy", "kkkk:model", "--to", "prod").code == 0
    assert live(site).run == IDS[0]


def test_content_that_no_run_made_is_refused_even_by_force(site):
    site.run(0)
    site.project.write("model.bin", "edited")
    said = refused(site, "deploy", "model.bin", "--to", "prod", "--force", "-m", "now")
    assert "no run made this content of `model.bin`" in said
    assert "kkkk made that file with another content" in said
    assert live(site) is None


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"purpose": None}, "its evidence is incomplete: no purpose, no ticket"),
        ({"status": "failed"}, "the run is `failed`"),
        ({"status": "incomplete"}, "the run is `incomplete`"),
    ],
)
def test_what_speaks_against_it_is_passed_by_force_and_recorded(site, made, said):
    site.run(0, **made)
    site.project.write("m", "weights 0")
    if "purpose" in made:
        site.project.write("xt.toml", '[evidence]\nrequired = ["purpose", "params", "ticket"]\n')
    assert said in refused(site, "deploy", "m", "--to", "prod")
    assert "needs a reason" in refused(site, "deploy", "m", "--to", "prod", "--force")
    assert live(site) is None
    done = site.xt("deploy", "m", "--to", "prod", "--force", "-m", "the house burns")
    assert done.code == 0, done.err
    assert live(site).lacking == (["purpose", "ticket"] if "purpose" in made else [])
    assert bool(live(site).despite) == ("status" in made)
    for page in (done.out, site.xt("prod", "prod").out):
        assert (
            b"incomplete evidence: no purpose, no ticket" if "purpose" in made else b"in spite of"
        ) in page


def test_an_output_the_run_did_not_write_is_not_made_by_it(site):
    from msgspec.structs import replace

    site.run(0)
    site.run(1, outputs=[replace(site.store.record(IDS[0]).result.outputs[0], written=False)])
    site.project.write("m", "weights 0")
    assert site.xt("deploy", "m", "--to", "prod").code == 0
    assert live(site).run == IDS[0]
    assert "did not write it" in refused(site, "deploy", "@:model", "--to", "prod")


@pytest.mark.parametrize("name", ["", "two words", "@prod", "-x", "pro\x1bd", "kzkz", "hook"])
def test_names_that_cannot_be_environments(site, name):
    site.run(0)
    done = site.xt("deploy", "@:model", f"--to={name}")
    assert done.code == 2, done.err
    assert "\x1b" not in done.err
    assert site.xt("observe", "--", name, "a=1").code == 2


@pytest.mark.parametrize(
    ("target", "code", "said"),
    [
        ("gone.bin", 2, "there is no file `gone.bin`"),
        ("zzzz:model", 1, "no run has the id"),
        ("@:", 2, "there is no file"),
        ("@:modle.bin", 1, "did you mean `model.bin`"),
        ("", 2, "an empty path"),
        ("pipe", 2, "cannot be read"),
    ],
)
def test_targets_that_are_none(site, target, code, said):
    site.run(0)
    os.mkfifo(site.project.path / "pipe")
    done = site.xt("deploy", target, "--to", "prod")
    assert (done.code, done.out) == (code, b"")
    assert said in done.err


def test_a_damaged_record_is_said(site):
    site.run(0)
    site.run(1, "weights 0")
    (path,) = site.project.path.glob(f".xt/runs/*/{IDS[1]}.json")
    path.chmod(0o600)
    path.write_text("{}")
    site.project.write("m", "weights 0")
    done = site.xt("deploy", "m", "--to", "prod")
    assert "1 record cannot be read" in done.out.decode()
    site.project.write("m", "other")
    assert "1 record cannot be read" in refused(site, "deploy", "m", "--to", "prod")


def test_what_a_run_that_was_damaged_since_it_was_indexed_made_is_not_called_changed(site):
    site.run(0)
    site.project.write("model.bin", "weights 0")
    assert site.xt("deploy", "model.bin", "--to", "prod").code == 0
    (path,) = site.project.path.glob(f".xt/runs/*/{IDS[0]}.json")
    path.chmod(0o600)
    path.write_text("{}")
    said = refused(site, "deploy", "model.bin", "--to", "prod")
    assert "no run that can be read made" in said and "changed" not in said


def test_when_what_is_live_is_not_certain_only_force_deploys(site):
    site.run(0)
    site.damage(site.deployed(0, 5))
    said = refused(site, "deploy", "@:model", "--to", "prod")
    assert "what is live is not certain" in said
    assert "cannot be read" in refused(site, "prod")
    assert site.xt("deploy", "@:model", "--to", "prod", "-f", "-m", "known elsewhere").code == 0
    assert "not certain: 1 event cannot be read" in site.xt("prod").out.decode()


def test_bundles_are_named_by_version_or_run(site):
    site.run(0, prompts="one")
    site.run(1, prompts="two")
    site.run(2, prompts=None)
    digests = []
    for words in ([], ["--prompts", "kkkk"]):
        assert site.xt("deploy", "llll:model", "--to", "prod", *words).code == 0
        digests.append(live(site).prompts)
    assert len({*digests}) == 2
    version = digests[0].partition(":")[2][:6]
    assert site.xt("deploy", "mmmm:model", "--to", "prod", "--prompts", f"prompts@{version}").code == 0
    assert live(site).prompts == digests[0]
    assert site.xt("deploy", "mmmm:model", "--to", "prod").code == 0
    assert live(site).prompts is None
    assert "--prompts" in refused(site, "deploy", "@:model", "--to", "prod", "--prompts", "prompts@ffffff")
    assert "--policy" in refused(site, "deploy", "@:model", "--to", "prod", "--policy", "kkkk")


def test_a_deployment_told_later_takes_the_place_it_had(site):
    site.run(0)
    site.run(1)
    assert site.xt("deploy", "llll:model", "--to", "prod", "--at", "-1h").code == 0
    done = site.xt("deploy", "kkkk:model", "--to", "prod", "--at", "-2h")
    assert "prod was kkkk" in done.out.decode()
    assert live(site).run == IDS[1]
    assert [one["run"] for one in site.json("prod", "prod")["environments"][0]["deployments"]] == IDS[1::-1]
    assert "is in the future" in refused(site, "deploy", "@:model", "--to", "prod", "--at", "2999-01-01")


# --- the hook ---------------------------------------------------------------------------------------------

HOOK = """\
[deploy]
hook = "sh hook.sh 'two words'"
[deploy.quiet]
hook = ""
"""


def test_the_hook_gets_the_content_and_runs_before_the_record(site):
    site.run(0)
    site.run(1, outputs=[site.tree({"a/b": "deep", "c": "flat"})])
    site.project.write("xt.toml", HOOK)
    site.project.write(
        "hook.sh",
        'echo "$1|$XT_DEPLOY_ENV|$XT_DEPLOY_RUN|$XT_DEPLOY_PREVIOUS|$(pwd)" > told\n'
        'echo "$XT_DEPLOY_DIGEST" >> told\ncp -r "$XT_DEPLOY_PATH" moved\n'
        "ls .xt/events/*/*/*.deployed.json 2>/dev/null | wc -l >> told\necho to standard output\n",
    )
    (site.project.path / "sub").mkdir()
    done = site.xt("deploy", "llll:model", "--to", "prod", "--json", cwd=site.project.path / "sub")
    assert done.code == 0, done.err
    assert json.loads(done.out)["run"] == IDS[1]
    assert done.err == "xt: hook: sh hook.sh 'two words'\nto standard output\n"
    told = (site.project.path / "told").read_text().split("\n")
    assert told[0] == f"two words|prod|{IDS[1]}||{site.project.path}"
    assert told[1] == live(site).digest
    assert told[2].strip() == "0"
    assert (site.project.path / "moved/a/b").read_text() == "deep"
    assert (site.project.path / "moved/c").read_text() == "flat"
    for words in (["--no-hook"], ["--at", "-1s"]):
        assert site.xt("deploy", "kkkk:model", "--to", "prod", *words).err == ""
    assert site.xt("deploy", "kkkk:model", "--to", "quiet").err == ""


@pytest.mark.parametrize(
    ("hook", "said"),
    [("false", "ended with 1"), ("./none", "could not be started"), ("sh -c 'kill -9 $$'", "by signal 9")],
)
def test_when_the_hook_fails_nothing_is_recorded(site, hook, said):
    site.run(0)
    site.project.write("xt.toml", f'[deploy.prod]\nhook = "{hook}"\n')
    done = site.xt("deploy", "@:model", "--to", "prod")
    assert (done.code, done.out) == (1, b"")
    assert said in done.err and "nothing was recorded" in done.err
    assert live(site) is None


def test_killed_while_the_hook_runs_what_was_live_is_live(site):
    """One file says what is live, and it comes last."""
    site.run(0)
    site.run(1)
    assert site.xt("deploy", "kkkk:model", "--to", "prod").code == 0
    site.project.write("xt.toml", "[deploy.prod]\nhook = \"sh -c 'kill -9 $PPID'\"\n")
    # In a process of its own: it is killed.
    done = site.xt("deploy", "llll:model", "--to", "prod", stdin=None)
    assert (done.code, done.out) == (-9, b"")
    assert live(site).run == IDS[0]
    assert site.xt("deploy", "llll:model", "--to", "prod", "--no-hook").code == 0
    assert live(site).run == IDS[1]


def test_a_run_that_does_not_repeat_as_is_required_is_refused(site):
    run = site.run(0)
    judged = {"required": "identical", "against": None, "varied": {}, "sentence": "s", "repeats": []}
    site.event(Verified, 1, run=run, level="divergent", **judged)
    site.project.write("xt.toml", '[evidence]\nrequired = ["level.equivalent"]\n')
    assert "no level.equivalent" in refused(site, "deploy", "@:model", "--to", "prod")
    assert live(site) is None


def test_what_is_wrong_with_a_measurement_is_said_of_its_name_or_its_value(site):
    assert "it cannot be a name" in refused(site, "observe", "prod", "a\tb=1")
    assert "`x` is no number" in refused(site, "observe", "prod", "a=x")


def test_two_who_deploy_at_once_are_told(site):
    site.run(0)
    site.run(1)
    other = f"{sys.executable} -m xt deploy kkkk:model --to prod --no-hook"
    site.project.write("xt.toml", f'[deploy.prod]\nhook = "{other}"\n')
    page = site.xt("deploy", "llll:model", "--to", "prod").out.decode()
    assert "in place of kkkk" in page and "kkkk was deployed there while the hook ran" in page


def test_without_the_content_a_hook_is_not_run(site):
    site.run(0)
    site.project.write("xt.toml", '[deploy]\nhook = "touch ran"\n')
    for path in site.project.path.glob(".xt/objects/*/*"):
        if path.name.startswith(codec.digest(b"weights 0").partition(":")[2]):
            path.unlink()
    assert "the content for the hook is not to be had" in refused(site, "deploy", "@:model", "--to", "prod")
    assert not (site.project.path / "ran").exists()
    assert "is not in this store" in site.xt("deploy", "@:model", "--to", "prod", "--no-hook").out.decode()


def test_without_a_store(folder):
    for words in (
        ["deploy", "x", "--to", "prod"],
        ["observe", "prod", "a=1"],
        ["prod"],
        ["rollback", "prod"],
    ):
        done = folder.xt(*words)
        assert (done.code, done.out) == (1, b"")
        assert "no runs yet" in done.err


# --- observe ----------------------------------------------------------------------------------------------


def points(site, to="prod"):
    return [(point.name, point.value, point.at) for point in standing(site.store).places[to].observed]


def test_the_same_measurement_twice_is_one(site):
    site.project.write(
        "m.csv", "time,refusal_rate,p95\n2026-01-01T10:00:00Z,0.03,120\n2026-01-01T12:00+01:00,0.04,\n"
    )
    first = site.json("observe", "prod", "--from", "m.csv")
    assert (first["new"], first["known"], first["names"]) == (3, 0, ["p95", "refusal_rate"])
    assert first["notes"] == ["1 empty cell passed over"]
    again = site.json("observe", "prod", "--from", "m.csv")
    assert (again["new"], again["known"], again["events"]) == (0, 3, [])
    site.xt("observe", "prod", "p95=130", "--at", "2026-01-01T10:00:00Z")
    assert points(site) == [
        ("p95", 130, "2026-01-01T10:00:00.000000Z"),
        ("refusal_rate", 0.03, "2026-01-01T10:00:00.000000Z"),
        ("refusal_rate", 0.04, "2026-01-01T11:00:00.000000Z"),
    ]


def test_many_measurements_are_several_events_and_standard_input_is_a_file(site):
    rows = "".join(
        f"{1_700_000_000 + number},latency/p95 of the whole fleet,{number}\n" for number in range(15_000)
    )
    done = site.xt("observe", "prod", "--from", "-", input=b"time,name,value\n" + rows.encode())
    assert done.code == 0, done.err
    assert "15 000 measurements recorded" in done.out.decode()
    files = list(site.project.path.glob(".xt/events/*/*/*.observed.json"))
    assert len(files) > 1
    assert all(path.stat().st_size <= LARGEST for path in files)
    assert len(points(site)) == 15_000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing was measured"),
        (["a"], "is not NAME=VALUE"),
        (["=3"], "has no name"),
        (["a=nan"], "is not finite"),
        (["a=-inf"], "is not finite"),
        (["a=3%"], "is no number"),
        (["a=1", "a=2"], "measured twice"),
        (["a=1", "--at", "soon"], "is no time"),
        (["a=1", "--from", "x.csv"], "takes times and values from the file"),
        (["--from", "none.csv"], "`none.csv` cannot be read: No such file or directory"),
        (["--from", "."], "cannot be read"),
        (["--from", "bad.csv"], "bad.csv:3: `rate`: `x` is no number"),
    ],
)
def test_what_is_no_measurement_is_an_error_and_records_nothing(site, words, said):
    site.project.write("bad.csv", "time,rate\n2026-01-01,1\n2026-01-02,x\n")
    done = site.xt("observe", "prod", *words)
    assert (done.code, done.out) == (2, b"")
    assert said in done.err
    assert standing(site.store).places == {}


def test_a_name_that_nothing_was_deployed_to_is_said(site):
    site.run(0)
    site.deployed(0, 1)
    assert "did you mean `prod`" in site.xt("observe", "pord", "a=1").out.decode()
    assert "did you mean" not in site.xt("observe", "prod", "a{region=eu}=1", "--at", "-2h").out.decode()


def test_the_json_of_a_deployment_is_the_event(site):
    site.run(0)
    found = site.json("deploy", "@:model", "--to", "prod")
    assert codec.decode(json.dumps(found).encode(), Deployed, "it") == live(site)


def test_a_pattern_is_called_as_it_was_declared(folder):
    folder.write("out/a.bin", "")
    made = folder.run(
        "-q", "-o", "model:out/*.bin", "--", "sh", "-c", "echo one > out/a.bin; echo two > out/b.bin"
    )
    assert made.code == 0
    assert folder.xt("deploy", "@:model", "--to", "prod").code == 0
    assert "out/*.bin" in folder.xt("prod").out.decode()
