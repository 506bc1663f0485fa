"""A gateway that refuses, breaks off, lies or is none: one line each, in bounded time."""

from __future__ import annotations

import io
import shutil
import ssl
import subprocess

import pytest

from tests.places.faulty import PAGE, serving, slowly
from tests.services.fixtures import s3_variables
from xt.errors import RemoteError

pytest.importorskip("obstore")

ERROR = '<?xml version="1.0"?><Error><Code>{}</Code><Message>as it is</Message></Error>'
TAG = {"ETag": '"1"'}


@pytest.fixture
def at(opened):
    """A place at a faulty server."""

    def open_at(server, **variables):
        facts = {"url": server.url, "key": "testing-key", "secret": "testing-secret"}
        return opened("s3://bucket/pre", **{**s3_variables(facts), "XT_REMOTE_TIMEOUT": "1", **variables})

    return open_at


def told(act) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        act()
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400
    return caught.value


def ask(place):
    """All there is to ask, one after the other."""
    yield lambda: list(place.entries("runs/"))
    yield lambda: place.size("runs/a")
    yield lambda: place.read("runs/a", 1000)
    yield lambda: place.fetch("runs/a", io.BytesIO(), 1000)
    yield lambda: place.create("runs/a", b"1")


def refusing(status: int, code: str = ""):
    """A genuine store says of a name nobody has that there is nothing; then it refuses."""

    def act(handler):
        if "/probe/" in handler.path and handler.command == "HEAD":
            handler.say(404)
        else:
            handler.say(status, ERROR.format(code).encode() if code else b"")

    return act


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (403, "RequestTimeTooSkewed", "the clock here and the clock there differ too much"),
        (400, "ExpiredToken", "the credentials have expired"),
        (403, "InvalidAccessKeyId", "the access key is not known"),
        (403, "SignatureDoesNotMatch", "the secret of the access key is wrong"),
        (403, "AccessDenied", "not allowed to do that (403)"),
        (404, "NoSuchBucket", "there is no such bucket"),
        (400, "AuthorizationHeaderMalformed", "the bucket is in another region"),
        (418, "Teapot", "as it is"),
    ],
)
def test_what_a_store_refuses_is_said_in_words(at, status, code, message):
    with serving(refusing(status, code)) as server:
        place = at(server)
        error = told(lambda: place.create("runs/a", b"1"))
        assert message in error.message
        assert "s3://bucket/pre" in error.message
        assert "testing-secret" not in str(error) + str(error.hint)


@pytest.mark.parametrize(
    ("status", "message"), [(503, "asked too much"), (429, "asked too much"), (500, "trouble")]
)
def test_a_store_in_trouble_is_asked_again_a_few_times(at, status, message):
    with serving(refusing(status)) as server:
        place = at(server, XT_REMOTE_TIMEOUT="3")
        assert message in told(lambda: place.read("runs/a", 10)).message
        asked = [path for _, path in server.asked if path.endswith("/runs/a")]
        assert 2 <= len(asked) <= 6


def test_a_page_to_log_in_is_not_an_empty_store(at):
    with serving(lambda handler: handler.say(200, PAGE)) as server:
        for act in ask(at(server)):
            assert "no such store" in told(act).message


def test_a_redirect_does_not_make_a_store_of_another_host(at):
    with serving(lambda handler: handler.say(200, b"secret")) as other:

        def act(handler):
            handler.say(307, Location=f"{other.url}/latest/meta-data/")

        with serving(act) as server:
            for ask_for in ask(at(server)):
                told(ask_for)
            # What is written, and the signature it is written with, stays with the host that was named.
            assert {method for method, _ in other.asked} <= {"GET", "HEAD"}


def test_a_write_is_not_sent_to_where_it_is_redirected(at):
    with serving(lambda handler: handler.say(200, **TAG)) as other:

        def act(handler):
            if handler.command == "HEAD":
                handler.say(404)
            else:
                handler.say(307, Location=f"{other.url}/x")

        with serving(act) as server:
            assert "elsewhere" in told(lambda: at(server).create("runs/a", b"private")).message
        assert other.asked == []


def genuine(act):
    """Something that is a store at first."""

    def both(handler):
        if "/probe/" in handler.path and handler.command == "HEAD":
            handler.say(404)
        else:
            act(handler)

    return both


@pytest.mark.parametrize("arrives", [0, 1, 5, 9])
def test_what_breaks_off_is_never_taken_for_the_whole(at, arrives):
    def act(handler):
        if handler.headers.get("range"):
            handler.say(206, b"", length="9", **TAG)
        else:
            handler.say(200, b"123456789"[:arrives], length="10", **TAG)

    with serving(genuine(act)) as server:
        place = at(server)
        told(lambda: place.read("runs/a", 1000))
        told(lambda: place.fetch("runs/a", io.BytesIO(), 1000))


def test_a_server_that_hangs_up(at):
    def act(handler):
        handler.connection.close()
        handler.close_connection = True

    with serving(genuine(act)) as server:
        assert "broke off" in told(lambda: at(server).read("runs/a", 10)).message


def test_a_server_that_gives_a_byte_now_and_then_is_given_up(at):
    with serving(genuine(lambda handler: slowly(handler, b"x" * 100))) as server:
        told(lambda: at(server).read("runs/a", 1000))


def test_a_size_that_is_not_true_fills_no_memory(at):
    def act(handler):
        handler.say(200, b"", length=str(1 << 60), **TAG)

    with serving(genuine(act)) as server:
        place = at(server)
        assert "more than" in told(lambda: place.read("runs/a", 1000)).message
        assert "more than" in told(lambda: place.fetch("runs/a", io.BytesIO(), 1 << 40)).message


def test_nobody_listens(at):
    with serving(genuine(lambda _: None)) as server:
        gone = server
    assert "nobody listens" in told(lambda: at(gone).read("a", 1)).message


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_certificate_that_nobody_vouches_for(at, tmp_path):
    """Nothing is asked of a host that shows one, and no setting of ours makes it pass."""
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=here"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    key, certificate = str(tmp_path / "key"), str(tmp_path / "certificate")
    subprocess.run(["openssl", *words, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(genuine(lambda handler: handler.say(200, b"1", **TAG)), context) as server:
        error = told(lambda: at(server).read("runs/a", 10))
        assert "its certificate is not trusted" in error.message
        assert server.asked == []


def test_no_credentials(opened):
    """Then the machine is asked for a role of its own, which it does not have."""
    with serving(refusing(404)) as server:
        place = opened("s3://bucket", AWS_ENDPOINT_URL=server.url, AWS_METADATA_ENDPOINT=server.url)
        error = told(lambda: place.read("a", 1))
    assert "no credentials" in error.message
    assert "AWS_ACCESS_KEY_ID" in error.hint


def test_credentials_of_a_profile(opened, hermetic):
    folder = hermetic / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(
        "[team]\naws_access_key_id = KEYOFTEAM\naws_secret_access_key = s%3cret\n"
    )
    with serving(genuine(lambda handler: handler.say(200, b"1", **TAG))) as server:
        (folder / "config").write_text(f"[profile team]\nendpoint_url = {server.url}\nregion = eu-west-1\n")
        seen = []
        server.act = lambda handler: (
            seen.append(handler.headers["authorization"]),
            genuine(lambda one: one.say(200, b"1", **TAG))(handler),
        )
        assert opened("s3://bucket", AWS_PROFILE="team").read("a", 1) == b"1"
    assert all("KEYOFTEAM" in one and "/eu-west-1/s3/" in one for one in seen)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[default]\naws_access_key_id = A\n", "no profile `team`"),
        ("[team]\nsecret without a sign\n", "cannot be read as profiles"),
    ],
)
def test_a_profile_that_cannot_be_used(opened, hermetic, text, message):
    (hermetic / ".aws").mkdir()
    (hermetic / ".aws" / "credentials").write_text(text)
    with pytest.raises(RemoteError, match=message) as caught:
        opened("s3://bucket", AWS_PROFILE="team")
    assert "secret" not in str(caught.value)
