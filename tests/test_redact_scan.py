"""What looks like a secret in a text, where, and what does not."""

from __future__ import annotations

import hashlib
import string
import uuid
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xt import redact
from xt.redact_scan import OVERLAP, WINDOW, Sighting, sightings
from xt.redact_shapes import AROUND, ISSUED

ABC = "4bC9xYz0Qw7LmN2pRt5VsK8uJ1aD3eF6gH"
HEX = "8f14e45fceea167a5a36dedd4bea2543"
#: Every issuer, by the beginning of its tokens; put together here, so that no scanner stops at this file.
TOKENS = {
    "a GitHub token": [f"{kind}_{ABC}" for kind in ("ghp", "gho", "ghu", "ghs", "ghr", "github_pat")],
    "a GitLab token": [f"gl{kind}-{ABC[:20]}" for kind in ("pat", "rt", "dt", "cbt", "ptt", "ft", "oas")],
    "a GitLab runner token": ["GR" + "1348941" + ABC[:20]],
    "a Hugging Face token": ["hf" + "_" + ABC, "api" + "_org_" + ABC],
    "an API key (sk-…)": [
        *(f"sk-{kind}{ABC}" for kind in ("", "proj-", "svcacct-", "ant-api03-", "or-v1-")),
        "sk" + "-lf-" + str(uuid.UUID(HEX)),
    ],
    "a Slack token": [f"{kind}-1-{ABC}" for kind in ("xoxb", "xoxp", "xapp", "xoxe.xoxp")],
    "a Slack webhook": ["https://hooks.slack" + ".com/services/T0/B0/" + ABC],
    "an AWS access key": ["AKIA" + "QWERTYUIOPASDF12", "ASIA" + "QWERTYUIOPASDF12"],
    "an AWS Bedrock key": ["ABSK" + ABC * 4],
    "a Google API key": ["AIza" + ABC + "x"],
    "a Google client secret": ["GOCSPX" + "-" + ABC[:28]],
    "a Google access token": ["ya29" + ".a0" + ABC],
    "an Azure client secret": ["abc8" + "Q~" + ABC],
    "an npm token": ["npm" + "_" + ABC + "ab"],
    "a PyPI token": ["pypi" + "-AgEIcHlwaS5vcmc" + ABC * 2],
    "a RubyGems key": ["rubygems" + "_" + HEX + HEX[:16]],
    "a DigitalOcean token": ["dop" + "_v1_" + HEX * 2, "doo" + "_v1_" + HEX * 2],
    "a Docker Hub token": ["dckr" + "_pat_" + ABC[:27], "dckr" + "_oat_" + ABC],
    "an API key": ["nvapi" + "-" + ABC, "gsk" + "_" + ABC, "xai" + "-" + ABC, "pplx" + "-" + ABC],
    "a Replicate token": ["r8" + "_" + ABC + "abc"],
    "a Weights & Biases key": ["wandb" + "_v1_" + ABC],
    "a Kaggle token": ["KGAT" + "_" + HEX],
    "a LangSmith key": ["lsv2" + "_pt_" + HEX + "_0123456789"],
    "a SendGrid key": ["SG" + "." + ABC[:22] + "." + ABC + "abcdefghi"],
    "a Shopify token": ["shpat" + "_" + HEX, "shpss" + "_" + HEX],
    "a Square token": ["sq0" + "csp-" + ABC],
    "a Stripe key": [f"{kind}_{ABC}" for kind in ("sk_live", "rk_live", "sk_test", "whsec")],
    "a Twilio key": ["SK" + HEX],
    "a Databricks token": ["dapi" + HEX],
    "a Vault token": ["hvs" + "." + ABC],
    "a Terraform token": [ABC[:14] + ".atlasv1" + "." + ABC + ABC],
    "an Atlassian token": ["ATATT3" + ABC * 2],
    "a Grafana token": ["glc" + "_" + ABC, "glsa" + "_" + ABC],
    "a Sentry token": ["sntrys" + "_" + ABC + ABC],
    "a Tailscale key": ["tskey" + "-auth-" + ABC],
    "a Linear key": ["lin" + "_api_" + ABC],
    "a Notion token": ["ntn" + "_" + ABC + ABC],
    "a New Relic key": ["NRAK" + "-" + "QWERTYUIOPASDFGHJKLZXCVBNM1"],
    "a Telegram token": ["123456789" + ":AA" + ABC[:33]],
    "a JSON web token": ["eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0.abc"],
    "a conda token": ["/t/" + "tk-" + ABC + "/c", "https://conda.anaconda" + ".org/t/" + ABC + "/c"],
    "an age key": ["AGE-SECRET" + "-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 2],
    "a private key": [
        f"-----BEGIN OPENSSH PRIVATE {'KEY'}-----\nb3Bl\n",
        "PuTTY" + "-User-Key-File-3: ssh-rsa\n",
    ],
    "a header that authorises": ["Authorization: Bearer " + ABC, "authorization: Basic dXNlcjpwYXNzMTIz"],
    "a key of a connection string": ["AccountName=a;" + "AccountKey=" + ABC + "==", "SharedAccessKey=" + ABC],
    "an AWS secret key": ["aws_secret" + "_access_key = " + "aB3/" * 10],
    "a password of a connection string": [
        "Server=h;Uid=sa;" + "Pwd=hunter2-hunter2;Encrypt=yes",
        "jdbc:oracle" + ":thin:me/hunter2-hunter2@h:1521:x",
    ],
    "a password in SQL": ["ROLE me PASSWORD 'hunter2-hunter2'", "IDENTIFIED WITH x BY 'hunter2-hunter2'"],
    "a login": ["machine h login me " + "password hunter2-hunter2"],
    "a password or token in a URL": [
        "https://me:hunter2@h/",
        "https://h/?X-Amz-Signature=" + HEX,
        "https://a.blob.core.windows.net/c?sv=1&sig=aBcD3F%3D",
    ],
    "a value of `password`": [
        "password = 'hunter2-hunter2'",
        "password=hunter2-hunter2",
        '"password": "hunter2-hunter2"',
    ],
    "a value of `WANDB_API_KEY`": ["WANDB_API_KEY=" + HEX + "01234567"],
}  # fmt: skip


def seen(text: str, **options) -> list[Sighting]:  # type: ignore[no-untyped-def]
    return sorted(sightings([text.encode()], **options))


@pytest.mark.parametrize(("what", "token"), [(what, one) for what, all_ in TOKENS.items() for one in all_])
def test_tokens_of_all_issuers_are_seen_and_masked(what: str, token: str) -> None:
    assert Sighting(2, what) in seen(f"first line\nx {token} y\n")
    cleaned = redact.clean(f"x {token} y")
    assert redact.MASK in cleaned
    assert token not in cleaned
    assert redact.clean_argv(["p", "--x", f"{token}"])[1] or what == "a private key"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('"source": ["api_key = \\"hunter2-hunter2\\"\\n"]', 1),
        ("os.environ['api_key'] = 'hunter2-hunter2'", 1),
        ("<api_key>hunter2-hunter2</api_key>", 1),
        ('<add key="api_key" value="hunter2-hunter2"/>', 1),
        ("- name: api_key\n  value: hunter2-hunter2\n", 2),
        ('{"name": "api_key", "value": "hunter2-hunter2"}', 1),
        ("FROM x\nENV api_key hunter2-hunter2\n", 2),
        ("train --api_key hunter2-hunter2", 1),
    ],
)
def test_a_value_beside_its_name_is_seen(text: str, line: int) -> None:
    assert seen(text) == [Sighting(line, "a value of `api_key`")]


def test_every_shape_is_tried_and_its_markers_are_known() -> None:
    shapes = {shape.what for shape in (*ISSUED, *AROUND)}
    assert shapes <= {*TOKENS}
    assert {marker for shape in ISSUED for marker in shape.markers} <= redact.MARKERS
    for shape in AROUND:
        for marker in shape.markers:
            assert any(known in marker for known in redact.AROUND_MARKERS)


@pytest.mark.parametrize(
    "text",
    [
        "password = os.environ['PASSWORD']",
        "password = getpass('for user1: ')",
        "api_key = settings.API_KEY_2",
        "token = tokens_by_user[user1]",
        "token = next_token_or_none2",
        "OAUTH_M2M = 'OAUTH_M2M'",
        "'PasswordLastUsed': '2016-09-08T21:47:36Z'",
        "API_KEY=${API_KEY_1}",
        "password: <your password 1>",
        "secret = 'changeme123'",
        "api_key = 'your-api-key-1'",
        "password_hash = '5f4dcc3b5aa765d61d8327deb882cf99'",
        "secret_sha256: " + HEX * 2,
        "token_id = 'a1b2c3d4e5f6'",
        "tokenizer = 'bert-base-uncased-v2'",
        "max_tokens = 4096, pad_token = '<|endoftext|>'",
        "sort_key = 'created_at_2024'",
        '"key": "user_123456"',
        "def login(password: str = 'none') -> None: ...",
        "authorization = self.authorization2(request)",
        "https://user:password@example.org/",
        "https://user:${TOKEN}@example.org/",
        "https://example.org/?page=2&sort_key=name",
        "git clone git@github.com:org/repo.git",
        "sha512-" + ABC * 2,
        "secret key_path: /run/secrets/token1",
        "<token>some_words</token> <key>com.example.app1</key>",
        "- name: OMP_NUM_THREADS2\n  value: hunter2-hunter2",
        "train --max-tokens 4096k2048 --key-name run-2024-a --token ${TOKEN_2024}",
        "pass  # see issue 12345678",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + ABC + " me@here",
    ],
)
def test_code_and_words_are_no_secrets(text: str) -> None:
    assert seen(text) == []


@given(
    st.one_of(
        st.binary(min_size=1, max_size=40).map(lambda data: hashlib.sha256(data).hexdigest()),
        st.binary(min_size=1, max_size=40).map(
            lambda data: hashlib.sha1(data, usedforsecurity=False).hexdigest()
        ),
        st.binary(min_size=1, max_size=40).map(lambda data: hashlib.md5(data).hexdigest()),
        st.uuids().map(str),
        st.binary(min_size=1, max_size=40).map(lambda data: "blake3:" + hashlib.sha256(data).hexdigest()),
    ),
    st.sampled_from(
        ["{}", "commit {}", "id={}", "digest: {}", '{{"sha256": "{}"}}', "tree {}\nparent x", "https://h/{}"]
    ),
)
def test_a_digest_a_commit_or_a_uuid_alone_is_never_a_secret(value: str, around: str) -> None:
    text = around.format(value)
    assert seen(text) == []
    assert redact.clean(text) == text
    assert redact.clean_argv(["prog", text]) == (["prog", text], [])
    assert redact.secret_values({"BUILD": text}, []) == {}


def test_a_line_can_say_that_it_is_no_secret() -> None:
    token = "ghp" + "_" + ABC
    for word in ("xt: allow-secret", "gitleaks:allow", "pragma: allowlist secret"):
        text = f"a = '{token}'  # {word}\nb = '{token}'\n"
        assert [one.line for one in seen(text, allowing=True)] == [2]
        assert [one.line for one in seen(text)] == [1, 2]  # what a program prints says nothing about itself


def test_in_settings_names_decide() -> None:
    text = "a: 1\npassword: plain-words\ntoken: other-words\nuse_token: true\nport_key: 5432\n"
    assert seen(text) == []
    assert [one.line for one in seen(text, settings="sure")] == [2]
    assert [one.line for one in seen(text, settings="all")] == [2, 3]


def test_what_is_known_is_found_whatever_it_looks_like() -> None:
    found = seen("x\ny\nsay sesame\n", mask=lambda data: data.replace(b"sesame", b"***"))
    assert found == [Sighting(3, "the value of a secret variable or argument")]


def test_binary_files_are_no_texts() -> None:
    assert seen("\0" + "ghp" + "_" + ABC) == []


@pytest.mark.parametrize("at", [0, WINDOW - 20, WINDOW, WINDOW + OVERLAP, 2 * WINDOW - 3])
@pytest.mark.parametrize("filler", ["x", "some words\n"])
def test_a_token_is_found_wherever_it_is_in_a_large_text(at: int, filler: str) -> None:
    before = (filler * (at // len(filler) + 1))[:at]
    text = f"{before} {'ghp' + '_' + ABC} {filler * 10_000}".encode()
    lines = text[:at].count(b"\n")
    for size in (len(text), 65_536):
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        assert [*sightings(pieces)] == [Sighting(lines + 1, "a GitHub token")]


texts = st.lists(
    st.sampled_from(
        ["\n", " ", "x = 1", "password = 'hunter2-hunter2'", "ghp" + "_" + ABC, "https://a:hunter2@b/", "é"]
    ),
    max_size=20,
).map("".join)


@given(texts, st.lists(st.integers(0, 1000), max_size=8))
def test_any_chunking_sees_the_same(text: str, points: list[int]) -> None:
    data = text.encode()
    edges = [0, *sorted({point % (len(data) + 1) for point in points}), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]
    assert sorted(sightings(pieces)) == sorted(sightings([data]))


@given(st.text(alphabet=string.printable, max_size=200), st.booleans())
def test_any_text_is_read_without_failing(text: str, allowing: bool) -> None:
    for one in sightings([text.encode()], allowing=allowing, settings="all"):
        assert 1 <= one.line <= text.count("\n") + 1
