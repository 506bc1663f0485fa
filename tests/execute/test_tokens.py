"""Secrets nobody told xt of: found by their shape, however a stream is cut, and nothing else touched."""

from __future__ import annotations

import base64
import hashlib
import random
import uuid
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.test_redact_scan import ABC, TOKENS
from xt import redact_shapes as shapes
from xt.execute import tokens
from xt.execute.looks import LONGEST
from xt.execute.tokens import BURST, Tokens
from xt.redact_shapes import HEADER

GITHUB = "ghp" + "_" + ABC
LINE = base64.b64encode(random.Random(1).randbytes(48)).decode()
BEGIN, END = "-----BEGIN RSA PRIVATE " + "KEY-----", "-----END RSA PRIVATE " + "KEY-----"
KEY = "\n".join([BEGIN, *[LINE] * 5, "Ab3=", END])
PUTTY = "\n".join(
    [
        "PuTTY" + "-User-Key-File-3: ssh-rsa",
        *("Encryption: none", "Comment: me", "Public-Lines: 2", LINE, "Ab3=", "Private-Lines: 1", LINE),
        "Private-MAC: 0123456789abcdef",
    ]
)
#: Those that begin with something telling; not the others, such as values of a name.
SOUGHT = {HEADER.what, *(shape.what for shape in shapes.ISSUED if shape.begins)}
ISSUED = [
    (what, one) for what, all_ in TOKENS.items() if what in SOUGHT for one in all_ if "anaconda" not in one
]


def masked(*chunks: str | bytes) -> tuple[bytes, dict[str, int]]:
    seeker = Tokens()
    parts = [bytes(seeker.feed(one if isinstance(one, bytes) else one.encode())) for one in chunks]
    return b"".join([*parts, seeker.feed(b"", final=True)]), seeker.found


def cut(data: bytes, points: list[int]) -> list[bytes]:
    edges = [0, *sorted({p % (len(data) + 1) for p in points}), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize(("what", "token"), ISSUED)
def test_tokens_of_all_issuers_are_masked(what: str, token: str) -> None:
    for before, after in (
        ("x ", " y\n"),
        ("", ""),
        ("{'k': '", "'}\n"),
        ("k=", "\r\n"),
        ("\x1b[1m", "\x1b[0m"),
    ):
        out, found = masked(before + token + after)
        assert b"***" in out
        assert token[-16:].encode() not in out
        assert out.startswith(before.encode())
        assert out.endswith(after.encode())
        assert found == {what.partition(" ")[2]: 1}


@pytest.mark.parametrize(
    ("text", "left", "kind"),
    [
        (f"a {KEY}\nb", "a ***\nb", "private key"),
        (f"a {PUTTY}\nb", "a ***\nb", "private key"),
        ('{"k": "' + KEY.replace("\n", "\\n") + '\\n", "b": 1}', '{"k": "***\\n", "b": 1}', "private key"),
        (KEY.replace("\n", " ") + " b", "*** b", "private key"),
        (KEY.replace("\n", "\n12:00:01 | INFO | ") + "\nb", "***\nb", "private key"),
        (KEY.replace("\n", "\r\n") + "\r\nb", "***\r\nb", "private key"),
        # Not closed: no further than what looks like one.
        (f"{BEGIN}\n{LINE}\n{LINE}\nloading the model\n{'more ' * 50}\n", None, "private key"),
        ("> Authorization: Bearer abcd1234efgh5678\n", "> Authorization: Bearer ***\n", None),
        ("{'Authorization': 'Basic dXNlcjpwYXNz'}", "{'Authorization': 'Basic ***'}", None),
        ('{\\"X\\": \\"Bearer abcd1234efgh5678\\"}', '{\\"X\\": \\"Bearer ***\\"}', None),
        ("(Bearer abcd1234efgh5678.)", "(Bearer ***.)", None),
        ("pull https://me:hunter2@h.org/x.git", "pull https://me:***@h.org/x.git", "password in a URL"),
        ("postgresql://me:ab@cd@db:5432/x", "postgresql://me:***@db:5432/x", "password in a URL"),
        ("redis://:hunter2@[::1]:6379", "redis://:***@[::1]:6379", "password in a URL"),
        (f"https://{GITHUB}@github.com/x", "https://***@github.com/x", "GitHub token"),
        (f"\x1b[01;31m\x1b[Kghp_\x1b[m\x1b[K{ABC} x", "\x1b[01;31m\x1b[K***\x1b[m\x1b[K x", "GitHub token"),
        (f"\x1b[36mAuthorization\x1b[39m: \x1b[33mBearer {ABC}\x1b[0m", None, None),
    ],
)
def test_what_is_masked_and_what_stays_around_it(text: str, left: str | None, kind: str | None) -> None:
    out, found = masked(text)
    for secret in (LINE, "abcd1234efgh5678", "hunter2", ABC):
        assert secret.encode() not in out
    if left is not None:
        assert out.decode() == left
    assert found == {kind or "header that authorises": 1}
    byte_by_byte = masked(*(bytes((byte,)) for byte in text.encode()))
    assert byte_by_byte == (out, found)


def test_a_key_that_is_not_closed_takes_nothing_else_with_it() -> None:
    rest = "loading the model\nepoch 1\n"
    assert masked(f"{BEGIN}\n{LINE}\n{rest}")[0].decode() == f"***\n{rest}"
    # Not even lines of code without end.
    out, _ = masked(f"{BEGIN}\n" + f"{LINE}\n" * 5000)
    assert out.count(LINE.encode()) > 3900


def test_a_token_of_any_length_is_masked_up_to_a_bound() -> None:
    out, found = masked("a ghp_" + "a1" * LONGEST + " b")
    assert out.startswith(b"a ***")
    assert len(out) < 2 * LONGEST
    assert found == {"GitHub token": 1}


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn sk-learn-random-forest-v2-2024 sk-learn-experiment20240101 task-20240101-abcdef-ghijkl",
        "from huggingface_hub import hf_hub_download, hf_api_endpoint_resolution_helper",
        f"commit {hashlib.sha1(b'x').hexdigest()} {hashlib.sha256(b'x').hexdigest()} {uuid.UUID(int=7)}",
        "npm_config_user_agent_and_so_on_for_long npm_package_dependencies_something_or_other",
        "data:image/png;base64," + base64.b64encode(random.Random(2).randbytes(20_000)).decode(),
        base64.encodebytes(random.Random(3).randbytes(20_000)).decode(),
        "https://example.org:8080/a@b git@github.com:x/y.git docker://python:3.11@sha256:" + "ab" * 32,
        "http://localhost:8888/lab?x=1 user@example.org http://[::1]:80/ me@h see https://example.org/u:p",
        "https://user:password@host https://me:${PASSWORD}@h https://me:***@h https://<user>:<token>@h",
        "Authorization: Bearer <token>  Authorization: required  authorization = self.authorize(request)",
        "Authorization: Bearer ***  authorization: token  bearer certificate-authorities-and-tokens",
        "The bearer of internationalization; headers.authorization=None",
        "expected -----BEGIN PRIVATE " + "KEY----- in key.pem, found -----BEGIN CERTIFICATE-----",
        f"-----BEGIN CERTIFICATE-----\n{LINE}\n{LINE}\n-----END CERTIFICATE-----\n",
        f"-----BEGIN PUBLIC KEY-----\n{LINE}\n-----END PUBLIC KEY-----\n",
        "ghp_ ghp_short github_pat_x AKIA AKIALOWERCASEnotone AIza eyJ eyJhbGci glpat-x xoxb-1 SK SKIPPED",
        "is_live_stream_of_something_or_other mask_test_loss_of_the_second_best_model_in_the_row",
        "xai-explanations-of-resnet50-and-others pplx-perplexity-of-all-models gsk_glaxosmithkline_study",
        "/t/tk- dapi dapik8s-deployment hvs. ya29. pypi-publish-workflow-of-the-project.yml",
        "-" * 200 + "\n" + "=" * 200 + "\n" + "_" * 200,
        "2024-01-02T12:00:01.123456+00:00 /usr/lib/python3/site-packages/torch_geometric/nn/conv_layer.py",
    ],
)
def test_what_only_resembles_one_stays(text: str) -> None:
    for whole in (text, text.upper(), text + "\n"):
        assert masked(whole) == (whole.encode(), {})


PIECES = st.sampled_from(
    [
        *(token for _, token in ISSUED),
        *("ghp_", "sk-", "eyJ", "AKIA", "hf_", "glpat-", "/t/tk-", "hooks.slack.com/", "dapi", "SK", "hvs."),
        *(ABC, ABC * 3, LINE, "x" * 40, KEY, BEGIN, END, "-----BEGIN ", PUTTY[:30], "Authorization: Bearer "),
        *("bearer ", "https://me:pw1234", "://", "@h", ":", "/", "-", "_", ".", "a", "Z", "0", "===", "é"),
        *(" ", "\n", "\r\n", "\\n", '"', "'", ",", "\x1b[1m", "\x1b[?25l", "\x1b[", "\x1b", "\0", "\t"),
    ]
)
TEXTS = st.lists(PIECES, max_size=12).map(lambda pieces: "".join(pieces).encode())
POINTS = st.lists(st.integers(0, 4000), max_size=8)


@settings(max_examples=200)
@given(TEXTS, POINTS)
@example(KEY.encode() + b"\n", [len(BEGIN), len(BEGIN) + 1, 200])
@example(b"ghp_ghp_" + ABC.encode(), [4, 8, 20])
@example(b"\x1b[1mghp_\x1b[0m" + ABC.encode(), [2, 6, 9, 12])
@example(f"://me:pw1234{TOKENS['a PyPI token'][0]}\\n@h".encode(), [100])
@example(b"-----BEGIN " + TOKENS["an AWS access key"][0].encode() + b" PRIVATE KEY-----\n", [33])
@example(TOKENS["a Twilio key"][0].encode(), [2])
@example(b"Authorization: Bearer " + ABC.encode(), [1, 2, 14, 20])
def test_any_chunking_gives_what_one_chunk_gives(data: bytes, points: list[int]) -> None:
    assert masked(*cut(data, points)) == masked(data)


@given(st.binary(max_size=400), POINTS)
def test_other_bytes_pass_bit_for_bit(data: bytes, points: list[int]) -> None:
    assert masked(*cut(data, points)) == (data, {})


def test_every_byte_apart_is_the_same() -> None:
    data = f"a {GITHUB} b\n{KEY}\nAuthorization: Bearer {ABC}\nhttps://me:hunter2@h/ c".encode()
    assert masked(*(data[at : at + 1] for at in range(len(data)))) == masked(data)
    assert masked(data)[0] == b"a *** b\n***\nAuthorization: Bearer ***\nhttps://me:***@h/ c"


@pytest.mark.parametrize(
    "text", ["epoch 1\n", "prompt> ", "12% ", "....", "-> loss 0.25", "\x1b[32mok\x1b[0m"]
)
def test_nothing_is_held_back_where_nothing_can_begin(text: str) -> None:
    assert Tokens().feed(text.encode()) == text.encode()


def test_a_line_without_end_is_not_held_back_for_ever() -> None:
    seeker = Tokens()
    out = seeker.feed(b"eyJ" + b"a" * LONGEST)
    assert len(out) > LONGEST - 200


def test_what_comes_too_fast_is_passed_on_and_counted_and_later_it_is_looked_at_again() -> None:
    now = 0.0
    seeker = Tokens(lambda: now)
    secret = f"{GITHUB}\n".encode()
    line = b"epoch 1 of 10 is over\n"
    bulk = line * (BURST // len(line) // 8)
    out = [seeker.feed(bulk) for _ in range(8)]
    assert (seeker.passed, seeker.found) == (0, {})
    # What was begun is brought to its end.
    out.append(seeker.feed(secret[:20]))
    out += [seeker.feed(secret[20:] + bulk), seeker.feed(secret)]
    assert seeker.passed == 2 * len(secret) - 20 + len(bulk)
    assert seeker.found == {"GitHub token": 1}
    now += 3600
    out += [seeker.feed(secret), seeker.feed(b"", final=True)]
    assert b"".join(out) == bulk * 8 + b"***\n" + bulk + secret + b"***\n"
    assert seeker.found == {"GitHub token": 2}


def test_a_chunk_that_takes_very_long_is_given_up() -> None:
    ticks = iter(range(10**6))
    seeker = Tokens(lambda: 2 * next(ticks))
    text = f"{GITHUB} {'glpat-xxxxxxxxxxxxxxxx ' * 400}{GITHUB}\n".encode()
    assert seeker.feed(text) == text.replace(GITHUB.encode(), b"***", 1)
    assert 0 < seeker.passed < len(text)


def test_bytes_that_go_are_not_copied_where_nothing_is_looked_for() -> None:
    seeker = Tokens(lambda: 0.0)
    seeker._left = 0
    data = memoryview(b"a" * 100)
    assert seeker.feed(data) is data


def test_every_head_is_found_by_the_table_that_is_quick() -> None:
    known = tokens.heads()
    listed = [head for some in (*known.behind.values(), *known.before.values()) for head, _ in some]
    assert sorted([*listed, *known.others]) == sorted(known.shapes)
    assert len(known.others) < 5  # each is sought by itself
