"""`xt prod`, `xt blame`, `xt rollback`: how it did, what it coincides with, and the way back."""

from __future__ import annotations

import json
import random

import pytest

from tests.cli.test_deploy import live, refused
from tests.production import IDS, Site
from xt.ops.production.lookups import own_bundle

TOML = """\
[metrics.rate]
goal = "min"
[metrics.acc]
goal = "max"
[metrics.latency]
unit = "s"
abs = 1
"""


@pytest.fixture
def site(folder):
    made = Site(folder)
    folder.write("xt.toml", TOML)
    return made


def prompts(site, number):
    return own_bundle(site.store, site.store.record(IDS[number]), "prompts")


@pytest.fixture
def spiking(site):
    """Three deployments; with the last, and with its prompts, the rate goes up."""
    for number, (lr, said) in enumerate([(0.1, "be kind"), (0.2, "be kind"), (0.2, "be careful")]):
        site.run(number, lr=lr, prompts=said, acc=0.9 + number / 100)
    for number, hours in enumerate([60, 40, 10]):
        site.deployed(number, hours, prompts=prompts(site, number), reason=f"roll-out {number}")
    chance = random.Random(7)
    hours = list(range(80, 0, -2))
    site.observed("rate", {h: 0.03 + chance.gauss(0, 0.004) + 0.06 * (h <= 10) for h in hours})
    site.observed("latency", {h: 0.5 + chance.gauss(0, 0.02) + 2 * (h <= 26) for h in hours})
    site.observed("calm", {h: chance.gauss(0, 1) for h in hours})
    site.observed("acc", dict.fromkeys((30, 20), 0.8))
    return site


def test_the_history_has_observations_beside_what_was_measured_offline(spiking):
    (found,) = spiking.json("prod", "prod")["environments"]
    assert [one["run"] for one in found["deployments"]] == IDS[2::-1]
    newest, before, first = found["deployments"]
    assert (newest["until"], before["until"]) == (None, newest["since"])
    assert {one["name"]: one["n"] for one in newest["seen"]} == {"rate": 5, "latency": 5, "calm": 5}
    assert {one["name"]: one["n"] for one in before["seen"]} == {
        "acc": 2,
        "rate": 15,
        "latency": 15,
        "calm": 15,
    }
    assert before["offline"][0] == {"name": "acc", "value": 0.91, "goal": "max", "run": IDS[1], "shown": 4}
    assert sum(one["n"] for one in found["before"]) == 30
    assert first["reason"] == "roll-out 0"
    page = spiking.xt("prod", "prod").out.decode()
    assert page.index("mmmm") < page.index("llll") < page.index("kkkk")
    (row,) = [line for line in page.splitlines() if line.split()[:3] == ["acc", "0.91", "0.8"]]
    assert row.split() == ["acc", "0.91", "0.8", "0.8", "2"]
    short = spiking.xt("prod").out.decode()
    assert "mmmm" in short and "llll" not in short
    assert "and 2 older deployments: xt prod prod" in short


def test_a_movement_coincides_with_the_deployment_that_it_came_with(spiking):
    found = spiking.json("blame", "prod", "rate")
    assert found["schema"] == "xt.blame/1"
    words = [place["word"] for place in found["places"]]
    assert words == ["did not move", "did not move", "moved"]
    moved = found["places"][-1]
    assert [one["run"] for one in found["deployments"] if one["event"] in moved["deployments"]] == [IDS[2]]
    assert moved["direction"] == "worse"
    assert moved["delta"] == pytest.approx(0.06, abs=0.01)
    assert moved["p"] < moved["level"] < 0.035
    assert moved["changes"]["prompts"][0] != moved["changes"]["prompts"][1]
    changed = {part["path"]: part["relation"] for part in moved["changes"]["causes"]["children"]}
    assert (changed["params"], changed["inputs"]) == ("same", "changed")
    page = spiking.xt("blame", "prod", "rate").out.decode()
    assert "moved for the worse ▼, which coincides with the deployment of mmmm" in page
    assert "-be kind" in page and "+be careful" in page
    assert "need not be the cause" in page and "caused" not in page


def test_a_movement_while_nothing_was_deployed_is_no_deployments(spiking):
    found = spiking.json("blame", "prod", "latency")
    (moved,) = [place for place in found["places"] if place["word"] == "moved"]
    assert "deployments" not in moved
    assert "llll" in moved["reason"]
    assert (moved["before"]["n"], moved["after"]["n"]) == (7, 8)
    page = spiking.xt("blame", "prod", "latency").out.decode()
    assert "moved while nothing was deployed" in page
    # Held against what the stretch had become by then, the next deployment moved nothing.
    assert found["places"][-1]["word"] == "did not move"


def test_a_calm_series_is_calm_and_a_tolerance_is_kept(spiking):
    assert {place["word"] for place in spiking.json("blame", "prod", "calm")["places"]} == {"did not move"}
    spiking.project.write("xt.toml", TOML.replace('goal = "min"', 'goal = "min"\nabs = 0.5'))
    found = spiking.json("blame", "prod", "rate")
    assert found["places"][-1]["word"] == "within tolerance"
    page = spiking.xt("blame", "prod", "rate").out.decode()
    assert "moved only within the declared tolerance (abs 0.5)" in page


def test_too_little_to_tell(site):
    site.run(0)
    site.run(1)
    site.deployed(0, 50)
    site.deployed(1, 10)
    site.observed("rate", {20: 0.1, 15: 0.5, 12: 0.3, 5: 0.9, 4: 0.4})
    (place,) = site.json("blame", "prod", "rate")["places"]
    assert (place["word"], place["reason"]) == ("cannot tell", "2 measurements since, 3 are the least")
    site.observed("rate", {3: 0.7})
    (place,) = site.json("blame", "prod", "rate")["places"]
    assert place["word"] == "cannot tell"
    assert "3 against 3 measurements are too few" in place["reason"]
    assert "cannot tell: too little was measured" in site.xt("blame", "prod", "rate").out.decode()
    since = site.json("blame", "prod", "rate", "--since", "-270min")
    assert site.json("blame", "prod", "rate", "--since", "270min")["n"] == since["n"]
    assert since["n"] == 2


def test_deployments_in_quick_succession_cannot_be_told_apart(site):
    for number in range(3):
        site.run(number, lr=number)
    for number, hours in enumerate([50, 20, 19]):
        site.deployed(number, hours)
    chance = random.Random(3)
    site.observed(
        "rate", {h: chance.random() + 2 * (h < 20) for h in [*range(40, 20, -1), 19.5, *range(18, 0, -1)]}
    )
    found = site.json("blame", "prod", "rate")
    (place,) = [place for place in found["places"] if place["word"] == "moved"]
    assert len(place["deployments"]) == 2
    assert any("in quick succession" in note for note in found["notes"])
    params = next(part for part in place["changes"]["causes"]["children"] if part["path"] == "params")
    assert (params["children"][0]["left"], params["children"][0]["right"]) == (0, 2)
    assert "2 deployments, close together, of llll, mmmm" in site.xt("blame", "prod", "rate").out.decode()
    # The same run once more is another deployment and no other run.
    site.deployed(2, 18.9)
    said = " ".join(site.xt("blame", "prod", "rate").out.decode().split())
    assert "3 deployments, close together, of llll, mmmm" in said and "mmmm, mmmm" not in said


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["blame", "pord", "rate"], 1, "did you mean `prod`"),
        (["blame", "prod", "rates"], 1, "did you mean `rate`"),
        (["blame", "prod", "rate", "--since", "soon"], 2, "is no time"),
        (["blame", "prod", "rate", "--since", "now"], 1, "was not measured in `prod` since"),
        (["prod", "pord"], 1, "did you mean `prod`"),
        (["rollback", "pord"], 1, "did you mean `prod`"),
        (["rollback", "prod", "--to", "mmmm"], 1, "is live in `prod` already"),
        (["rollback", "prod", "--to", "nnnn"], 1, "was never live in `prod`"),
        (["rollback", "prod", "--to", "nobody"], 1, "is neither a deployment to `prod` nor a run"),
        (["rollback", "prod", "-m", "why"], 2, "without --to nothing is rolled back"),
    ],
)
def test_what_is_not_there(spiking, words, code, said):
    spiking.run(3)
    done = spiking.xt(*words)
    assert (done.code, done.out) == (code, b"")
    assert said in done.err


def test_candidates_with_what_each_would_undo_and_cost(spiking):
    found = spiking.json("rollback", "prod")
    assert found["schema"] == "xt.rollback/1"
    assert found["live"]["run"] == IDS[2]
    assert [one["deployment"]["run"] for one in found["candidates"]] == [IDS[1], IDS[0]]
    near, far = found["candidates"]
    assert near["changes"]["prompts"] is not None
    rows = {(row["name"], row["where"]): row for row in near["tradeoff"]}
    assert rows["acc", "offline"]["direction"] == "worse"
    assert rows["rate", "production"]["direction"] == "better"
    assert rows["rate", "production"]["n"] == [5, 15]
    assert "direction" not in rows["latency", "production"]
    page = spiking.xt("rollback", "prod").out.decode()
    assert "params lr 0.2 → 0.1" in page
    assert "xt rollback prod --to llll -m WHY" in page
    assert {
        part["path"] for part in far["changes"]["causes"]["children"] if part["relation"] == "changed"
    } >= {"params"}


def test_a_rollback_is_a_deployment_that_says_what_it_takes_back(spiking):
    spiking.project.write("xt.toml", "[deploy.prod]\nhook = \"sh -c 'cat $XT_DEPLOY_PATH > moved'\"\n")
    taken = live(spiking)
    done = spiking.xt("rollback", "prod", "--to", "llll", "-m", "refusals")
    assert done.code == 0, done.err
    assert "xt: hook: sh -c" in done.err
    assert (spiking.project.path / "moved").read_text() == "weights 1"
    now = live(spiking)
    assert (now.run, now.takes_back, now.reason) == (IDS[1], taken.id, "refusals")
    assert now.prompts == prompts(spiking, 1)
    page = spiking.xt("prod", "prod").out.decode()
    assert "a rollback" in page and "was rolled back" in page
    # And back again, by the name of the deployment.
    (again, *_) = spiking.json("rollback", "prod")["candidates"]
    assert (again["deployment"]["run"], again["deployment"]["taken_back"]) == (IDS[2], True)
    event = json.loads(
        spiking.xt("rollback", "prod", "--to", again["deployment"]["short"], "--no-hook", "--json").out
    )
    assert (event["run"], event["takes_back"]) == (IDS[2], now.id)


def test_the_same_run_with_other_prompts_is_another_deployment(site):
    site.run(0)
    first = site.deployed(0, 5, prompts="blake3:" + "1" * 64)
    site.deployed(0, 3, prompts="blake3:" + "2" * 64)
    found = site.json("rollback", "prod")
    (one,) = found["candidates"]
    assert one["changes"]["same_run"] is True
    assert one["changes"]["prompts"] == ["prompts@222222", "prompts@111111"]
    assert site.xt("rollback", "prod", "--to", first.id[-8:]).code == 0
    assert live(site).prompts == "blake3:" + "1" * 64


def test_evidence_and_damage_hold_for_a_rollback_too(site):
    site.project.write("xt.toml", '[evidence]\nrequired = ["purpose"]\n')
    site.run(0, purpose=None)
    site.run(1)
    site.deployed(0, 5, lacking=["purpose"])
    site.deployed(1, 3)
    assert "no purpose" in refused(site, "rollback", "prod", "--to", "kkkk")
    page = site.xt("rollback", "prod").out.decode()
    assert "only with --force: no purpose" in page and "--to kkkk --force -m WHY" in page
    assert site.xt("rollback", "prod", "--to", "kkkk", "--force", "-m", "worse otherwise").code == 0
    assert live(site).lacking == ["purpose"]
    site.damage(site.deployed(1, 1))
    assert "not certain" in refused(site, "rollback", "prod", "--to", "llll")
    for words in (["rollback", "prod"], ["prod"]):
        assert "not certain: 1 event cannot be read" in site.xt(*words).out.decode()


def test_measurements_that_cannot_be_read_are_not_called_none(spiking):
    (path,) = [
        p for p in spiking.project.path.glob(".xt/events/*/*/*.observed.json") if b"rate" in p.read_bytes()
    ]
    path.chmod(0o600)
    path.write_text("{")
    assert "1 event that cannot be read says so" in refused(spiking, "blame", "prod", "rate")


def test_an_event_whose_digest_is_none_is_one_that_cannot_be_read(spiking):
    (path,) = [
        p
        for p in spiking.project.path.glob(".xt/events/*/*/*.deployed.json")
        if b"roll-out 1" in p.read_bytes()
    ]
    path.chmod(0o600)
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "digest": "none"}))
    for words in (["prod", "prod"], ["rollback", "prod"], ["blame", "prod", "rate"]):
        assert "not certain: 1 event cannot be read" in spiking.xt(*words).out.decode()


def test_too_few_measurements_are_not_said_to_be_still(site):
    site.run(0)
    site.observed("rate", {4: 1.0, 3: 2.0})
    assert "cannot tell: too little" in site.xt("blame", "prod", "rate").out.decode()


def test_a_rollback_is_named_by_what_it_went_back_to(spiking):
    assert spiking.xt("rollback", "prod", "--to", "kkkk").code == 0
    assert "the rollback to kkkk: cannot tell" in spiking.xt("blame", "prod", "rate").out.decode()


def test_a_drift_is_not_put_down_to_a_deployment_alone(site):
    site.run(0)
    site.run(1)
    site.deployed(0, 90)
    site.deployed(1, 30)
    chance = random.Random(0)
    site.observed("rate", {h: 90 - h + chance.gauss(0, 9) for h in range(85, 0, -1)})
    places = site.json("blame", "prod", "rate")["places"]
    (at,) = [one for one in places if one.get("deployments") and one["word"] == "moved"]
    assert "it may be a drift" in at["reason"]
    assert "it may be a drift" in " ".join(site.xt("blame", "prod", "rate").out.decode().split())
    site.observed("latency", {h: float(90 - h) for h in range(85, 0, -1)})
    (note,) = site.json("blame", "prod", "latency")["notes"]
    assert note.startswith("neighbouring measurements are alike by 0.9")


def test_a_clock_that_was_ahead_does_not_hide_what_goes_live_now(spiking):
    # Another machine's deployment, dated in two hours.
    ahead = spiking.deployed(0, -2)
    assert live(spiking).id == ahead.id
    done = spiking.xt("rollback", "prod", "--to", "llll")
    page = " ".join(done.out.decode().split())
    assert page.startswith("prod is llll") and "a clock was wrong" in page
    assert live(spiking).run == IDS[1]
    assert spiking.xt("deploy", "kkkk:model", "--to", "prod").code == 0
    assert live(spiking).run == IDS[0]


def test_nothing_to_go_back_to(site):
    site.run(0)
    assert "nothing was deployed" in refused(site, "rollback", "prod")
    site.observed("rate", {1: 1.0})
    assert "nothing is live in `prod`" in refused(site, "rollback", "prod", "--to", "kkkk")
    site.deployed(0, 2)
    assert "nothing else was ever live" in refused(site, "rollback", "prod")


def test_a_run_that_cannot_be_read_is_said_and_the_rest_is_shown(spiking):
    for run in IDS[:3:2]:
        (path,) = spiking.project.path.glob(f".xt/runs/*/{run}.json")
        path.chmod(0o600)
        path.write_text("{}")
    page = spiking.xt("prod", "prod").out.decode()
    assert page.count("its run cannot be read") == 2 and "try 1" in page
    page = spiking.xt("rollback", "prod").out.decode()
    assert "causes not known" in page and "--to kkkk" not in page
    done = spiking.xt("blame", "prod", "rate")
    assert done.code == 0
    assert "is not what was sealed" in done.out.decode()
    assert "is not what was sealed" in refused(spiking, "rollback", "prod", "--to", "kkkk")


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_pages_fit_and_are_harmless(site, columns):
    nasty = "\x1b]0;t\x07\u202egnp"
    for number in range(3):
        site.run(number, lr=number)
        site.deployed(number, 30 - 10 * number, reason=nasty * 9, to="prod", lacking=[nasty], despite=[nasty])
    site.observed(nasty, {h: 1e300 * (h < 10) for h in range(40, 0, -1)})
    site.observed("漢字" * 30, {h: -1e308 if h % 2 else 1e308 for h in range(40, 0, -1)})
    for words in (["prod"], ["prod", "prod"], ["blame", "prod", nasty], ["rollback", "prod"]):
        done = site.xt(*words, env={"COLUMNS": str(columns)})
        assert done.code == 0, done.err
        page = done.out.decode()
        assert "\x1b" not in page and "\x07" not in page and "\u202e" not in page
        from rich.cells import cell_len

        assert max(map(cell_len, page.splitlines())) <= columns, page
        # The number of a deployment stands behind a headline, or below it and as far in as all the rest.
        assert not any(line.startswith("deployment ") for line in page.splitlines()), page
    json.loads(site.xt("prod", "prod", "--json").out)


def test_evaluations_that_read_the_artefact_are_what_was_measured_offline(folder):
    """The trainer measures little; who evaluates its very model, with the prompts that went live, does."""
    folder.write("prompts/a.md", "one\n")
    train = "echo weights > m.bin; echo 'loss 0.5'"
    options = ("-q", "-o", "model:m.bin", "--metric", "loss=log:loss (.*)", "--")
    assert folder.run(*options, "sh", "-c", train).code == 0
    options = ("-q", "-i", "model:m.bin", "-i", "prompts:prompts/", "--metric", "acc=log:acc (.*)", "--")
    assert folder.run(*options, "sh", "-c", "cat m.bin; echo acc 0.7").code == 0
    good = folder.record("@")["id"]
    assert folder.xt("deploy", "m.bin", "--to", "prod", "--prompts", "prompts/").code == 0
    folder.write("prompts/a.md", "two\n")
    assert folder.run(*options, "sh", "-c", "cat m.bin; echo acc 0.1").code == 0
    done = json.loads(folder.xt("prod", "prod", "--json").out)
    offline = done["environments"][0]["deployments"][0]["offline"]
    assert [(one["name"], one["value"], one["run"] == good) for one in offline] == [
        ("loss", 0.5, False),
        ("acc", 0.7, True),
    ]
    assert f"offline: also by {good[:4]}, which read it" in folder.xt("prod", "prod").out.decode()
    assert folder.xt("deploy", "m.bin", "--to", "prod", "--prompts", "prompts/").code == 0
    back = json.loads(folder.xt("rollback", "prod", "--json").out)
    tradeoff = back["candidates"][0]["tradeoff"]
    assert [(one["name"], one["now"], one["then"]) for one in tradeoff] == [("acc", 0.1, 0.7)]
