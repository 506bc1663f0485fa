"""`xt run --sign`, `xt sign`, `xt audit --signature` and `xt export --to in-toto`, as users meet them."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

pytest.importorskip("cryptography", reason="the extra `sign` is not installed")
if shutil.which("ssh-keygen") is None or shutil.which("ssh-agent") is None:
    pytest.skip("OpenSSH is not installed", allow_module_level=True)

from tests import builders
from tests.conftest import Project
from tests.exchange import stored
from xt import codec
from xt.context import Outside
from xt.errors import DamagedError
from xt.exchange.signing import signers
from xt.model.event import Signature, Signed
from xt.model.result import Derived, Logs, Metric, Rank, Record, Stream
from xt.ops.signature import Trust, check
from xt.ops.signing import sign, signer
from xt.store import Store, events
from xt.store.store import sealed

TRAIN = "echo loss 0.5; mkdir -p plots; echo model > model.bin; echo a > plots/a.svg\n"


def generate(path: Path, phrase: str = "") -> Path:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-a", "1", "-N", phrase, "-f", str(path)], check=True
    )
    return path


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return generate(folder / "mine"), generate(folder / "other")


@pytest.fixture(scope="module")
def signed(tmp_path_factory, keys):
    """Two runs, both signed; tests take copies of it."""
    made = Project(tmp_path_factory.mktemp("signed"))
    made.write("train.sh", TRAIN)
    for _ in range(2):
        words = ["--sign", str(keys[0]), "-m", "why", "-o", "model:model.bin", "-o", "plots"]
        done = made.run(*words, "sh", "train.sh")
        assert (done.code, "warning" in done.err) == (0, False)
    return made


class Copy:
    """A copy of the signed runs, to do harm to."""

    def __init__(self, project: Project, key: Path) -> None:
        self.project = project
        self.store = Store.open(str(project.path / ".xt"))
        self.key = key
        self.files = sorted((project.path / ".xt" / "events").rglob("*.signed.json"))
        self.runs = [self.event(number).run for number in range(2)]

    def event(self, number: int) -> Signed:
        return codec.decode(self.files[number].read_bytes(), Signed, "it")

    def write(self, number: int, event: Signed) -> None:
        os.chmod(self.files[number], 0o600)
        self.files[number].write_bytes(codec.encode(event))

    def record(self) -> Path:
        return self.project.path / ".xt" / "runs" / self.runs[0][:2] / f"{self.runs[0]}.json"

    def rewrite(self, path: Path, data: bytes) -> None:
        os.chmod(path, 0o600)
        path.write_bytes(data)

    def object(self, content: bytes) -> Path:
        return Path(self.store.objects.name(codec.digest(content)))

    def check(self, *trusted: Path):
        known = [signers.one(f"{key}.pub", key.name) for key in trusted or (self.key,)]
        outside = Outside(str(self.project.path), dict(os.environ))
        return check(self.store, self.runs[0], Trust(known, [], True), outside)


@pytest.fixture
def copy(signed, keys, tmp_path):
    shutil.copytree(signed.path, tmp_path / "copy")
    return Copy(Project(tmp_path / "copy"), keys[0])


def changed(event: Signed, **fields) -> Signed:
    return msgspec.structs.replace(event, envelope=msgspec.structs.replace(event.envelope, **fields))


def statement(event: Signed) -> dict:
    return json.loads(base64.b64decode(event.envelope.payload))


def payload(told: dict) -> str:
    return base64.b64encode(json.dumps(told).encode()).decode()


# --- what is signed holds ------------------------------------------------------------------------------


def test_a_signature_is_valid_for_those_who_trust_the_signer_and_for_nobody_else(copy, keys, tmp_path):
    project, run = copy.project, copy.runs[0]
    mine = (keys[0].parent / "mine.pub").read_text()
    allowed = tmp_path / "allowed"
    allowed.write_text(f"# of the team\nyou@example.org {mine}ann ssh-rsa AAAA\n")
    for words, code, why in (
        (["--key", f"{keys[0]}.pub"], 0, "valid: signed by SHA256:"),
        (["--allowed-signers", str(allowed)], 0, "valid: signed by you@example.org"),
        (["--key", f"{keys[1]}.pub"], 1, "not valid: nobody that is trusted signed it"),
        ([], 3, "cannot tell: nothing says whom to trust"),
    ):
        done = project.xt("audit", run, "--signature", *words)
        assert (done.code, done.err) == (code, "")
        assert done.out.decode().splitlines()[1].startswith(why)
    told = json.loads(
        project.xt("audit", run, "--signature", "--allowed-signers", str(allowed), "--json").out
    )
    assert told["schema"] == "xt.signature/1"
    assert told["valid"] is True
    assert told["whole"]["outputs"] == 2
    assert "line 3" in told["notes"][0]
    assert told["signatures"][0]["verdict"] == "valid"


def test_a_key_whose_time_is_over_does_not_count(copy, keys, tmp_path):
    allowed = tmp_path / "allowed"
    allowed.write_text(f'you valid-before="20200101Z" {keys[0].with_suffix(".pub").read_text()}')
    done = copy.project.xt("audit", copy.runs[0], "--signature", "--allowed-signers", str(allowed))
    assert done.code == 1
    assert "its key was not trusted at that time" in done.out.decode()


def test_what_others_wrote_reaches_no_terminal_as_it_is_and_lines_fit(copy, keys, tmp_path):
    allowed = tmp_path / "allowed"
    allowed.write_text(f'"you\x1b]0;x\x07" {keys[0].with_suffix(".pub").read_text()}' + "nobody\n" * 1000)
    event = copy.event(1)
    copy.write(1, changed(event, signatures=[Signature("AAAA", "SHA256:\x1b[2J" + "x" * 80)]))
    for run in copy.runs:
        words = ("audit", run, "--signature", "--allowed-signers", str(allowed))
        page = copy.project.xt(*words, env={"COLUMNS": "40"}).out.decode()
        assert "\x1b" not in page
        assert "\x07" not in page
        assert max(map(len, page.splitlines())) <= 40
        assert "and 992 notes more (--json)" in page


# --- what was done to it is seen -----------------------------------------------------------------------


def test_a_record_that_was_changed_is_no_record(copy):
    path = copy.record()
    copy.rewrite(path, path.read_bytes().replace(b'"why"', b'"wha"'))
    with pytest.raises(DamagedError, match="not what was sealed"):
        copy.check()
    done = copy.project.xt("audit", copy.runs[0], "--signature", "--key", f"{copy.key}.pub")
    assert done.code == 1


def test_a_record_that_was_changed_and_sealed_again_is_not_the_one_that_was_signed(copy):
    path = copy.record()
    record = codec.decode(path.read_bytes(), Record, "it")
    result = msgspec.structs.replace(record.result, exit_code=7)
    copy.rewrite(path, sealed(msgspec.structs.replace(record, result=result))[0])
    found = copy.check()
    assert found.valid is False
    assert "the record is not the one that was signed" in found.why


def test_content_that_was_changed_is_not_what_was_signed(copy):
    for content in (b"model\n", b"loss 0.5\n"):
        path = copy.object(content)
        copy.rewrite(path, content.upper())
        found = copy.check()
        assert found.valid is False
        assert [item.state for item in found.lost] == ["damaged"]
        copy.rewrite(path, content)
    assert copy.check().valid is True


def test_what_has_no_path_of_its_own_is_read_too(tmp_path, keys):
    store = Store.create(str(tmp_path / ".xt"))
    kept = [store.objects.put_bytes(content) for content in (b"row\n", b"of rank 1\n", b"0.1 stdout 3\n")]
    table, log, times = kept
    streams = [Stream("stdout", "pipe", 10, log, 10)]
    result = builders.result(
        outputs=[],
        metrics=[],
        logs=Logs([], times, False),
        derived=[Derived("cases", "lm-eval", "out", table, 3, 1)],
        ranks=[Rank(1, "ended", logs=Logs(streams, None, False))],
    )
    record = builders.record(res=result)
    store.seal(store.begin(record.id), record)
    outside = Outside(str(tmp_path), {})
    sign(store, record.id, signer(str(keys[0]), outside), outside)
    trusted = Trust([signers.one(f"{keys[0]}.pub", "mine")], [], True)
    assert check(store, record.id, trusted, outside).valid is True
    for digest in kept:
        path = Path(store.objects.name(digest))
        content = path.read_bytes()
        path.chmod(0o600)
        path.write_bytes(content.upper())
        assert check(store, record.id, trusted, outside).valid is False
        path.write_bytes(content)


@pytest.mark.parametrize("lost", ["file", "list"])
def test_content_that_is_not_here_cannot_be_told(copy, lost):
    outputs = copy.store.record(copy.runs[0]).result.outputs
    digest = codec.digest(b"a\n") if lost == "file" else next(o.digest for o in outputs if o.kind == "tree")
    os.unlink(copy.store.objects.name(digest))
    found = copy.check()
    assert found.valid is None
    assert [item.state for item in found.lost] == ["missing"]
    done = copy.project.xt("audit", copy.runs[0], "--signature", "--key", f"{copy.key}.pub")
    assert done.code == 3


def forged(copy, keys, how):
    """A signature of the first run, changed in one way."""
    first, second = copy.event(0), copy.event(1)
    (one,) = first.envelope.signatures
    told = statement(first)
    if how == "signature":
        data = bytearray(base64.b64decode(one.sig))
        data[5] ^= 1
        return changed(first, signatures=[Signature(base64.b64encode(data).decode(), one.keyid)])
    if how == "key id":
        return changed(first, signatures=[Signature(one.sig, signers.one(f"{keys[1]}.pub", "x").keyid)])
    if how == "payload of another run":
        return changed(first, payload=second.envelope.payload)
    if how == "envelope of another run":
        return msgspec.structs.replace(second, run=first.run, id=first.id)
    if how == "another type":
        return changed(first, payload_type="text/plain")
    if how == "no statement":
        return changed(first, payload=payload({"_type": "x"}))
    if how == "no base64":
        return changed(first, payload="\x1b[2J")
    if how == "no signature":
        return changed(first, signatures=[])
    if how == "status":
        told["predicate"]["status"] = "failed"
    elif how == "subject":
        told["subject"][0]["digest"]["sha256"] = "0" * 64
    elif how == "two subjects":
        told["subject"].append({"digest": {"sha256": "0" * 64}})
    return changed(first, payload=payload(told))


@pytest.mark.parametrize(
    "how",
    [
        *("signature", "key id", "payload of another run", "envelope of another run", "another type"),
        *("no statement", "no base64", "no signature", "status", "subject", "two subjects"),
    ],
)
def test_a_signature_that_was_tampered_with_is_refused(copy, keys, how):
    copy.write(0, forged(copy, keys, how))
    found = copy.check(keys[0], keys[1])
    assert found.valid is False
    (one,) = found.signatures
    assert one.verdict == ("unknown" if how == "no signature" else "refused")
    if how == "no signature":
        return
    # One that is good beside it counts all the same: anybody can put a bad one into a store.
    outside = Outside(str(copy.project.path), dict(os.environ))
    sign(copy.store, copy.runs[0], signer(str(keys[0]), outside), outside)
    found = copy.check()
    assert found.valid is True
    assert sorted(one.verdict for one in found.signatures) == ["refused", "valid"]


def test_a_signature_that_cannot_be_read_is_said_and_is_no_proof(copy):
    copy.rewrite(copy.files[0], b"{")
    found = copy.check()
    assert found.valid is None
    assert str(copy.files[0]) in found.notes[-1]
    os.unlink(copy.files[0])
    found = copy.check()
    assert (found.valid, found.why) == (False, "it is not signed")


def test_a_run_is_signed_later_by_another_one(copy, keys):
    done = copy.project.xt("sign", copy.runs[1], "--key", str(keys[1]))
    assert done.out.decode().startswith(f"{copy.runs[1][:4]} signed with SHA256:")
    assert copy.project.xt("audit", copy.runs[1], "--signature", "--key", f"{keys[1]}.pub").code == 0


def test_a_run_of_thousands_of_outputs_is_signed_too_and_the_statement_says_what_it_does_not_list(
    tmp_path, keys
):
    store = Store.create(str(tmp_path / ".xt"))
    many = [stored.output(f"{number:04}" + "x" * 200, b"same") for number in range(3000)]
    series = codec.encode({"value": 1, "step": 0})
    metric = Metric("loss", 1, "m", count=2, series=codec.digest(series))
    logs = builders.logs(streams=[], timing=None)
    result = builders.result(outputs=many, metrics=[metric], logs=logs)
    record = stored.put(store, builders.record(res=result), b"same", series)
    outside = stored.outside(tmp_path)
    event = sign(store, record.id, signer(str(keys[0]), outside), outside)
    told = statement(event)["predicate"]
    assert told["leftOut"] == 3000 - len(told["products"]) > 0
    assert len(codec.encode(event)) < events.LARGEST
    trust = Trust([signers.one(f"{keys[0]}.pub", "x")], [], True)
    found = check(store, record.id, trust, outside)
    assert (found.valid, found.whole) == (True, {"outputs": 3000, "logs": 0, "metrics": 1})
    os.unlink(store.objects.name(metric.series))
    found = check(store, record.id, trust, outside)
    assert (found.valid, found.lost[0].what) == (None, "metrics")


def test_what_makes_no_sense_together_is_a_usage_error(copy):
    for words in (["--signature", "--all"], ["--signature", "--format", "junit"], ["--key", "x"]):
        assert copy.project.xt("audit", *words).code == 2
    done = copy.project.xt("audit", "--signature", "--key", "none.pub")
    assert done.code == 1
    assert "`none.pub` cannot be read: No such file" in done.err
    assert copy.project.xt("sign", "@").code == 2


# --- signing at once -----------------------------------------------------------------------------------


def test_a_key_that_was_asked_for_and_cannot_sign_keeps_the_command_from_starting(folder, keys):
    done = folder.run("--sign", "none", "touch", "started")
    assert done.code == 125
    assert "the key `none` cannot be read" in done.err
    assert not (folder.path / "started").exists()
    assert not (folder.path / ".xt").exists()


def test_a_key_of_the_settings_that_cannot_sign_is_warned_of_and_with_strict_nothing_starts(folder):
    folder.write("xt.toml", '[seal]\nkey = "keys/team"\n')
    done = folder.run("-q", "sh", "-c", "exit 3")
    assert done.code == 3
    assert "xt: warning: this run will not be signed: the key `keys/team` cannot be read" in done.err
    assert folder.run("-q", "--strict", "touch", "started").code == 125
    assert not (folder.path / "started").exists()


def test_the_key_of_the_settings_signs_and_enters_no_snapshot(project, keys):
    (project.path / "team").mkdir()
    key = shutil.copy(keys[0], project.path / "team" / "us")
    project.write("xt.toml", '[seal]\nkey = "team/us"\n')
    (project.path / "below").mkdir()
    assert project.run("-q", "true", cwd=project.path / "below").code == 0
    done = project.xt("audit", "--signature", "--key", f"{keys[0]}.pub")
    assert done.code == 0
    secret = Path(key).read_bytes().splitlines()[2]
    assert secret not in project.stored_bytes()
    left = {entry["path"]: entry["reason"] for entry in project.record()["snapshot"]["code"]["left_out"]}
    assert left == {"team/us": "the key that signs"}
    project.sh("git add team/us")
    assert "in commit" not in project.run("true").err
    assert secret not in project.stored_bytes()
    project.sh("git commit -qm mistake")
    assert "the key that signs is in commit" in project.run("true").err


def test_an_agent_that_goes_away_meanwhile_costs_the_signature_and_not_the_run(folder, keys, tmp_path):
    place = str(tmp_path / "agent")
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", place], stdout=subprocess.DEVNULL)
    try:
        while not os.path.exists(place):
            time.sleep(0.01)
        world = {"SSH_AUTH_SOCK": place}
        subprocess.run(["ssh-add", "-q", keys[0]], env={**os.environ, **world}, check=True)
        assert folder.run("-q", "--sign", f"{keys[0]}.pub", "true", env=world).code == 0
        assert folder.xt("audit", "--signature", "--key", f"{keys[0]}.pub").code == 0
        done = folder.run(
            "-q", "--sign", f"{keys[0]}.pub", "sh", "-c", f"kill {agent.pid}; exit 5", env=world
        )
    finally:
        agent.kill()
        agent.wait()
    assert done.code == 5
    assert "xt: warning: this run is not signed: the ssh-agent does not answer" in done.err
    assert folder.xt("audit", "--signature", "--key", f"{keys[0]}.pub").code == 1


def test_without_the_package_it_says_what_to_install_and_runs_are_as_before(folder, keys):
    """A package that Python was told not to import stands for one that is not installed."""
    without = "import sys; sys.modules['cryptography'] = None; from xt.cli.main import main; main()"
    command = [sys.executable, "-c", without, "run", "-q", "--sign", str(keys[0]), "true"]
    world = {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    done = subprocess.run(
        command, cwd=folder.path, env={**os.environ, **world}, capture_output=True, text=True
    )
    assert done.returncode == 125
    assert "pip install 'xt[sign]'" in done.stderr


# --- handing it on -------------------------------------------------------------------------------------


def lines(project, *words):
    done = project.xt("export", *words, "--to", "in-toto", "-o", "-")
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()], done.err


def test_what_is_exported_is_what_others_read_and_openssl_verifies(copy, keys, tmp_path):
    attestation = pytest.importorskip(
        "in_toto_attestation.v1.statement", reason="in-toto-attestation is missing"
    )
    from google.protobuf.json_format import Parse, ParseDict
    from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance

    from xt.exchange.signing import dsse

    run = copy.runs[0]
    (slsa, record), _ = lines(copy.project, run, "--sign", str(keys[0]))
    assert lines(copy.project, run, "--sign", str(keys[0]))[0] == [slsa, record], "the same bytes again"
    statements = []
    for envelope in (slsa, record):
        data = base64.b64decode(envelope["payload"])
        (tmp_path / "data").write_bytes(dsse.encoding(envelope["payloadType"], data))
        (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
        raw = bytes.fromhex("302a300506032b6570032100") + signers.one(f"{keys[0]}.pub", "x").key.public
        (tmp_path / "key").write_bytes(raw)
        words = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key", "-rawin", "-in", "data"]
        subprocess.run([*words, "-sigfile", "sig"], cwd=tmp_path, check=True, capture_output=True)
        parsed = attestation.Statement([], "", {})
        Parse(data, parsed.pb)
        parsed.validate()
        statements.append(json.loads(data))
    provenance = ParseDict(statements[0]["predicate"], Provenance())
    assert provenance.run_details.metadata.invocation_id == f"urn:xt:run:{run}"
    subjects = {one["name"]: one["digest"]["sha256"] for one in statements[0]["subject"]}
    told = subprocess.check_output(
        ["sha256sum", "model.bin", "plots/a.svg"], cwd=copy.project.path, text=True
    )
    assert subjects == {line.split()[1]: line.split()[0] for line in told.splitlines()}
    assert (
        statements[1]["subject"][0]["digest"]["sha256"]
        == (subprocess.check_output(["sha256sum", copy.record()], text=True).split()[0])
    )


def test_without_a_key_it_is_bare_statements_and_gaps_are_said(copy):
    os.unlink(copy.object(b"model\n"))
    done = copy.project.xt("export", copy.runs[0], "--to", "in-toto", "-o", "it.jsonl")
    assert done.code == 1, "an output is lost"
    assert "lost: outputs model.bin" in done.err
    slsa, record = map(json.loads, (copy.project.path / "it.jsonl").read_text().splitlines())
    assert [one["name"] for one in slsa["subject"]] == ["plots/a.svg"]
    assert record["predicateType"] == "urn:xt:record:1"
    assert str(copy.project.path) not in json.dumps([slsa, record])


def test_a_run_without_outputs_has_nothing_to_attest_but_its_record(folder):
    folder.run("-q", "true")
    (record,), said = lines(folder, "@")
    assert record["predicateType"] == "urn:xt:record:1"
    assert "no output is attested" in said
    done = folder.xt("export", "@", "--to", "json", "-o", "-", "--sign", "key")
    assert done.code == 2
    assert "json is not signed" in done.err


def test_signatures_are_events_like_all_others(copy):
    assert len(events.everything(copy.store.path).events) == 2
    shown = copy.project.xt("show", copy.runs[0]).out.decode()
    assert f"signed, not checked here: xt audit {copy.runs[0][:4]}" in shown
