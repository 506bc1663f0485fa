"""Keys, envelopes and allowed signers, against OpenSSH and OpenSSL as they are installed."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("cryptography", reason="the extra `sign` is not installed")
if shutil.which("ssh-keygen") is None or shutil.which("openssl") is None:
    pytest.skip("ssh-keygen or openssl is not installed", allow_module_level=True)

from tests import builders
from xt import codec
from xt.errors import KeyFaultError
from xt.exchange.signing import dsse, keys, signers, wire
from xt.exchange.statements import record_statement
from xt.model.event import Envelope, Signature
from xt.store.store import sealed


def generate(folder, name, *options, kind="ed25519", phrase=""):
    path = folder / name
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", phrase, "-C", "you", "-f", str(path), *options], check=True
    )
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of keys: a, b (OpenSSH), pem, and those that do not sign."""
    folder = tmp_path_factory.mktemp("keys")
    generate(folder, "a")
    generate(folder, "b")
    generate(folder, "locked", "-a", "1", phrase="secret")
    generate(folder, "ecdsa", kind="ecdsa")
    openssl = ["openssl", "genpkey", "-algorithm", "ed25519", "-out"]
    subprocess.run([*openssl, str(folder / "pem")], check=True)
    subprocess.run([*openssl, str(folder / "pem-locked"), "-aes128", "-pass", "pass:secret"], check=True)
    subprocess.run(
        ["openssl", "pkey", "-in", folder / "pem", "-pubout", "-out", folder / "pem.pub"], check=True
    )
    (folder / "empty").write_text("")
    (folder / "noise").write_bytes(os.urandom(2000))
    (folder / "short.pub").write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==")
    return folder


@pytest.fixture
def agent(tmp_path):
    """A real ssh-agent; its socket."""
    place = str(tmp_path / "agent")
    running = subprocess.Popen(["ssh-agent", "-D", "-a", place], stdout=subprocess.DEVNULL)
    while not os.path.exists(place):
        assert running.poll() is None
    yield place
    running.send_signal(signal.SIGTERM)
    running.wait()


def signer(path, **environ):
    return keys.signer(str(path), path.name, environ)


def public(path):
    return keys.public(str(path), path.name)


def test_the_encoding_is_that_of_the_specification():
    assert dsse.encoding("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


@pytest.mark.parametrize("name", ["a", "pem"])
def test_openssl_verifies_what_is_signed_and_the_key_has_the_name_that_ssh_gives_it(made, tmp_path, name):
    envelope = dsse.seal(b'{"_type": "x"}', signer(made / name))
    (one,) = envelope.signatures
    key = made / "pem.pub"
    if name == "a":
        told = subprocess.run(
            ["ssh-keygen", "-l", "-f", made / "a"], check=True, capture_output=True, text=True
        )
        assert one.keyid == told.stdout.split()[1]
        # An ed25519 key as OpenSSL reads it: a fixed head and the 32 bytes.
        raw = bytes.fromhex("302a300506032b6570032100") + public(made / "a.pub").public
        key = tmp_path / "a.der"
        key.write_bytes(raw)
    data = dsse.encoding(envelope.payload_type, base64.b64decode(envelope.payload))
    (tmp_path / "data").write_bytes(data)
    (tmp_path / "sig").write_bytes(base64.b64decode(one.sig))
    words = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", tmp_path / "data"]
    assert b"Verified" in subprocess.check_output([*words, "-sigfile", tmp_path / "sig"])
    (tmp_path / "data").write_bytes(data + b" ")
    assert subprocess.run([*words, "-sigfile", tmp_path / "sig"], capture_output=True).returncode != 0


def test_an_agent_signs_with_a_key_that_is_encrypted_on_disk(made, agent):
    with pytest.raises(KeyFaultError, match="does not hold the key SHA256:"):
        signer(made / "a.pub", SSH_AUTH_SOCK=agent)
    subprocess.run(["ssh-add", "-q", made / "a"], env={**os.environ, "SSH_AUTH_SOCK": agent}, check=True)
    envelope = dsse.seal(b"{}", signer(made / "a.pub", SSH_AUTH_SOCK=agent))
    assert envelope == dsse.seal(b"{}", signer(made / "a"))
    held = signer(made / "a.pub", SSH_AUTH_SOCK=agent)
    subprocess.run(
        ["ssh-add", "-qD"], env={**os.environ, "SSH_AUTH_SOCK": agent}, check=True, capture_output=True
    )
    with pytest.raises(KeyFaultError, match="did not sign"):
        held.sign(b"x")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("locked", "encrypted"),
        ("pem-locked", "encrypted"),
        ("ecdsa", "another kind than ed25519"),
        ("ecdsa.pub", "another kind than ed25519: ecdsa-sha2-nistp256"),
        ("empty", "empty"),
        ("noise", "no key of OpenSSH"),
        ("short.pub", "another kind than ed25519|no ed25519"),
        ("none", "No such file"),
        (".", "not a regular file"),
        ("a.pub", "no ssh-agent"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_with_the_reason(made, name, said):
    with pytest.raises(KeyFaultError, match=said) as caught:
        signer(made / name)
    assert "secret" not in caught.value.message
    with pytest.raises(KeyFaultError, match=r"does not answer"):
        signer(made / "a.pub", SSH_AUTH_SOCK=str(made / "nowhere"))


def test_only_the_key_that_signed_verifies_whatever_the_key_id_says(made):
    known = [public(made / "a.pub"), public(made / "b.pub")]
    envelope = dsse.seal(b"{}", signer(made / "a"))
    lying = Envelope(
        envelope.payload, envelope.payload_type, [Signature(envelope.signatures[0].sig, known[1].keyid)]
    )
    assert dsse.signed_by(envelope, known) == dsse.signed_by(lying, known) == [known[0]]
    other = dsse.seal(b"{ }", signer(made / "a"))
    assert dsse.signed_by(Envelope(other.payload, envelope.payload_type, envelope.signatures), known) == []
    for broken in (
        Envelope("{}", envelope.payload_type, envelope.signatures),
        Envelope(envelope.payload, "text/plain", envelope.signatures),
        Envelope(envelope.payload, envelope.payload_type, [Signature("é")]),
    ):
        with pytest.raises(dsse.MalformedError):
            dsse.signed_by(broken, known)
    assert dsse.signed_by(Envelope(envelope.payload, envelope.payload_type, [Signature("AAAA")]), known) == []


# --- statements ----------------------------------------------------------------------------------------


def test_the_statement_about_a_record_is_one_of_in_toto():
    attestation = pytest.importorskip(
        "in_toto_attestation.v1.statement", reason="in-toto-attestation is missing"
    )
    from google.protobuf.json_format import Parse

    data, seal = sealed(builders.record())
    record = codec.decode(data, type(builders.record()), "it")
    statement = record_statement(record, data, None)
    parsed = attestation.Statement([], "", {})
    Parse(statement, parsed.pb)
    parsed.validate()
    assert parsed.pb.predicate["seal"] == seal
    assert [item["name"] for item in parsed.pb.predicate["products"]] == ["model.npz", "metrics.json"]
    assert "gitCommit" not in parsed.pb.predicate["materials"][0]["digest"], (
        "the tree is not that of the commit"
    )


# --- whom to trust -------------------------------------------------------------------------------------

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO5bXyTRn1oHBi3C7PWZgoJUL5XQ0tZ0vPHm4nQ5uLbU"


@pytest.mark.parametrize(
    ("line", "who"),
    [
        (f"you@example.org {KEY}", "you@example.org"),
        (f"you@example.org,ann {KEY} a comment with spaces", "you@example.org,ann"),
        (f'"you and ann" {KEY}', "you and ann"),
        (f'you namespaces="file,xt" {KEY}', "you"),
        (f'you namespaces="x?" {KEY}', "you"),
        (f'you valid-after="20260101",valid-before="20270101Z" {KEY}', "you"),
        (f'you namespaces="git" {KEY}', None),
        (f'you namespaces="*,!xt" {KEY}', None),
        (f"you cert-authority {KEY}", None),
        (f'you valid-after="tomorrow" {KEY}', None),
        (f'you valid-after="20269901" {KEY}', None),
        (f"you no-such-option {KEY}", None),
        ("you ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==", None),
        ("you ssh-ed25519 AAAA", None),
        ("you ssh-ed25519 !!!", None),
        (KEY, None),
        ("you", None),
        ("# you", None),
    ],
)
def test_a_line_of_allowed_signers(line, who):
    found = signers.parse(line + "\n")
    assert [one.who for one in found.trusted] == ([] if who is None else [who])
    assert len(found.passed_over) == (who is None and not line.startswith("#"))


def test_times_of_allowed_signers_bound_what_they_signed():
    (one,) = signers.parse(f'you valid-after="20260101Z",valid-before="202602011230Z" {KEY}').trusted
    assert not one.holds_at(datetime(2025, 12, 31, 23, tzinfo=UTC))
    assert one.holds_at(datetime(2026, 1, 1, tzinfo=UTC))
    assert not one.holds_at(datetime(2026, 2, 1, 12, 30, tzinfo=UTC))


@given(st.one_of(st.text(), st.builds(lambda option: f"you {option} {KEY}", st.text())))
def test_no_text_breaks_the_reader_of_allowed_signers(text):
    found = signers.parse(text)
    assert all(one.keyid.startswith("SHA256:") for one in found.trusted)


@given(st.lists(st.binary(max_size=40), max_size=4), st.binary(max_size=9))
def test_strings_of_ssh_are_read_back(parts, rest):
    data = b"".join(map(wire.string, parts)) + rest
    assert wire.strings(data, len(parts)) == (parts, rest)


@given(st.binary(max_size=80))
def test_no_bytes_break_the_reader_of_keys(data):
    with contextlib.suppress(wire.WireError):
        assert len(wire.public_of(data)) == wire.KEY_BYTES


def test_json_of_an_envelope_is_that_of_dsse(made):
    told = json.loads(codec.encode(dsse.seal(b"{}", signer(made / "a"))))
    assert set(told) == {"payload", "payloadType", "signatures"}
    assert told["payloadType"] == "application/vnd.in-toto+json"
    assert set(told["signatures"][0]) == {"keyid", "sig"}
