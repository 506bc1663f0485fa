"""Rules for secrets: what must be caught, and what must be left alone."""

from __future__ import annotations

import subprocess
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xt import redact

H40 = "0123456789abcdef0123456789abcdef01234567"
GHP = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nabcdef\n-----END RSA PRIVATE KEY-----"


def words(text: str) -> list[str]:
    return text.split()


SECRET_NAMES = words(
    """
    HF_TOKEN FOO_TOKEN MYSQL_PWD GH_PAT DATABASE_URL SSH_AUTH_SOCK AWS_SECRET_ACCESS_KEY
    WANDB_API_KEY OPENAI_API_KEY aws_session_token GITHUB_TOKEN GITLAB_TOKENS npm_config__authToken
    DB_PASSWORD PGPASSWORD db_passwd GPG_PASSPHRASE APIKEY STRIPE_APIKEY SIGNING_PRIVATE_KEY
    ENCRYPTION_KEY GOOGLE_APPLICATION_CREDENTIALS HTTP_AUTHORIZATION OAUTH_CLIENT SESSION_COOKIE
    PHPSESSION_ID SLURM_JWT X_BEARER AZURE_CONNECTION_STRING SENTRY_DSN MY_DATABASE_URL NETRC
    KRB5CCNAME GPG_AGENT_INFO SMTP_PASS SLACK_WEBHOOK_URL REDIS_URL SAS_SIGNATURE Api-Key
    client.secret --password TF_TOKEN_app_terraform_io CI_JOB_TOKEN HF_TOKEN_PROD AWS_ACCESS_KEY_ID
    accessKey BOT_OTP SSHPASS OTP ID_TOKEN ACTIONS_ID_TOKEN_REQUEST_TOKEN DB_CREDS ROOT_PW WIFI_PSK PASSCODE
    """
)
INNOCENT_NAMES = words(
    """
    PWD OLDPWD PATH PYTHONPATH TOKENIZERS_PARALLELISM KEYBOARD AUTHOR GIT_AUTHOR_NAME
    GIT_AUTHOR_EMAIL AUTHORS MONKEY HOTKEY KEYTIMEOUT LESSKEY XAUTHORITY MAX_TOKENS max_new_tokens
    NUM_TOKENS pad_token_id eos_token model.token_dim tokens_per_batch sort_key primary-key
    image_key cache_key monitor_key public_key HF_TOKEN_PATH PASSWORD_STORE_DIR COMPASS BYPASS
    first_pass SSH_ASKPASS XDG_SESSION_ID XDG_SESSION_TYPE DESKTOP_SESSION DBUS_SESSION_BUS_ADDRESS
    TERM_SESSION_ID CUDA_VISIBLE_DEVICES OMP_NUM_THREADS LANG HOME USER PATTERN DISPATCH tokenizer
    TOKENIZER_NAME learning_rate seed PGPASSFILE GIT_ASKPASS PASSTHROUGH NUM_PASSES PASS_RATE PIN_MEMORY
    """
)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_secret_names(name: str) -> None:
    assert redact.secret_name(name)
    assert redact.secret_name(name.lower())
    assert redact.secret_name(name.upper())


@pytest.mark.parametrize("name", INNOCENT_NAMES)
def test_innocent_names(name: str) -> None:
    assert not redact.secret_name(name)
    assert not redact.secret_name(name.upper())


def test_the_tables_are_as_long_as_they_should_be() -> None:
    assert len(SECRET_NAMES) >= 40
    assert len(INNOCENT_NAMES) >= 40
    assert len(SECRET_TEXTS) >= 40
    assert len(INNOCENT_TEXTS) >= 40


# Text, and the part of it that must be gone.
SECRET_TEXTS = [
    (GHP, GHP),
    (f"using {GHP}.", GHP),
    ("gho_" + GHP[4:], GHP[4:]),
    ("ghs_" + GHP[4:], GHP[4:]),
    ("github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz", "mnopqrstuvwxyz"),
    ("glpat-abcdefghij0123456789", "abcdefghij0123456789"),
    ("hf_abcdefghijklmnopqrstuvwxyzABCDEFGH", "hf_abc"),
    ("sk-proj4bC9xYz0Qw7LmN2pRt5VsK8uJ1", "4bC9xYz0"),
    ("sk-ant-api03-4bC9xYz0Qw7LmN2pRt5VsK8uJ1", "4bC9xYz0"),
    ("xoxb-123456789012-abcdefghijkl", "abcdefghijkl"),
    ("xapp-1-A02-123456-abcdef", "abcdef"),
    ("key AKIAIOSFODNN7EXAMPLE here", "AKIAIOSFODNN7EXAMPLE"),
    ("ASIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"),
    ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "SyA1234567890"),
    ("ya29.a0AfH6SMBx1234567890abcdef", "a0AfH6SMBx"),
    ("npm_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijkl"),
    ("pypi-AgEIcHlwaS5vcmcCJDU3ZjM4YmE4LWNmMDAtNDdmMC1iNDc4LTE2", "AgEIcHlwaS5"),
    ("dop_v1_" + "a1" * 32, "a1a1a1"),
    ("dckr_pat_abcdefghijklmnopqrstuvwxy", "abcdefghijkl"),
    ("nvapi-abcdefghijklmnopqrstuvwxyz012345", "abcdefghijkl"),
    ("SG.abcdefghijklmnopqrstuv.abcdefghijklmnopqrstuvwxyz0123456789abcdefg", "abcdefghijkl"),
    ("shpat_" + "0a" * 16, "0a0a0a"),
    ("sk_live_abcdefghijklmnop12", "abcdefghijkl"),
    ("dapi" + "0f" * 16, "0f0f0f"),
    (JWT, "eyJzdWIi"),
    (PEM, "MIIEowIBAAKCAQEA"),
    ("before\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r", "b3BlbnNzaC1r"),
    ("Authorization: Bearer abcdef123456", "abcdef123456"),
    ("authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    ('{"Authorization": "token abc123def456"}', "abc123def456"),
    ("curl with bearer abcdef123456ABCDEF7890", "abcdef123456ABCDEF7890"),
    ("https://user:hunter22@host/path", "hunter22"),
    (f"https://{GHP}@github.com/o/r.git", GHP),
    ("clone https://x-access-token:abcdef@github.com/o/r", "abcdef"),
    ("postgres://app:s3cr3t@db:5432/app", "s3cr3t"),
    ("redis://:s3cr3t@cache/0", "s3cr3t"),
    ("https://b.s3.amazonaws.com/k?X-Amz-Signature=abcdef0123456789&X-Amz-Date=1", "abcdef0123456789"),
    ("https://h/x?access_token=abcdef0123&page=2", "abcdef0123"),
    ("https://a.blob.core.windows.net/c?sv=1&sig=aBcDeF%3D", "aBcDeF"),
    ("https://hooks.slack.com/services/T000000/B000000/abcdefghijkl", "abcdefghijkl"),
    ("api_key=4bC9xYz0Qw7LmN2p", "4bC9xYz0Qw7LmN2p"),
    ("db.password: 4bC9xYz0Qw7LmN2p", "4bC9xYz0Qw7LmN2p"),
    ('"client_secret": "4bC9xYz0Qw7LmN2p"', "4bC9xYz0Qw7LmN2p"),
    (f"wandb login {H40}", H40),
    ("the password: hunter2xQ9", "hunter2xQ9"),
    ("nightly: train --db-password hunter2xQ9 --lr 1", "hunter2xQ9"),
    ("Command '['train', '--db-password', 'hunter2xQ9']' failed", "hunter2xQ9"),
    ("mssql+pyodbc:///?odbc_connect=DRIVER%3D%7BX%7D%3BPWD%3Dhunter2xQ9", "hunter2xQ9"),
]
# As text, no secret by their shape; as a word of a command line, the name before `=` or `:` decides.
NAMED = [
    "use --token instead, and --max-tokens 512 and --key name2",
    "key: value",
    "password: see the vault",
    "token=aaaaaaaaaaaaaaaa",
]
INNOCENT_TEXTS = [
    H40,
    "blake3:" + "0f" * 32,
    "sha256=" + "0f" * 32,
    str(uuid.UUID(int=0x1234567890ABCDEF1234567890ABCDEF)),
    "d41d8cd98f00b204e9800998ecf8427e",
    "/usr/lib/python3.11/site-packages/numpy/core",
    "data/train-2024-01-01/part-00000.parquet",
    "https://github.com/org/repo.git",
    "git@github.com:org/repo.git",
    "ssh://git@github.com:22/org/repo",
    "http://localhost:8080/path@2x.png",
    "s3://bucket/key/with/parts",
    "https://example.org/x?page=2&sort_key=name",
    "python train.py --lr 0.1",
    "lr=0.0001",
    "optimizer.betas=[0.9,0.999]",
    "max_tokens=512",
    "model.token_dim=1024",
    "sort_key=created_at_then_name",
    "cache_key=sha256-0f0f0f0f0f",
    "tokenizer: bert-base-uncased-whole-word",
    "author: Jane Q. Public 1234567890",
    "key: value",
    "keyboard=qwertyuiop-asdfghjkl",
    "password: see the vault",
    "token=aaaaaaaaaaaaaaaa",
    "authentication failed",
    NAMED[0],
    "python:3.12@sha256:" + "0f" * 32,
    "the bearer of this",
    "sk-learn",
    "models/sk-learn-random-forest-v2-2024",
    "xai-explanations-of-resnet50-v2",
    "gsk_clinical_trial_results_2024",
    "task-20240101-abcdef-ghijkl-0123",
    "disk-usage-2024-report-final-version",
    "hf_hub_download_with_progress_and_cache",
    "npm_config_cache=/home/u/.npm",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "1234567890123456789012345678901234567890",
    "3.14159265358979323846",
    "2024-01-01T00:00:00.000000Z",
    "mail to someone@example.org: hello",
    "eyJ is how base64 of an object begins",
    "AKIA is a prefix",
    "x = y ? a : b",
    "CUDA_VISIBLE_DEVICES=0,1,2,3",
    "/tmp/key=value/file",
    "",
]


@pytest.mark.parametrize(("text", "gone"), SECRET_TEXTS)
def test_secret_texts(text: str, gone: str) -> None:
    cleaned = redact.clean(text)
    assert gone not in cleaned
    assert redact.MASK in cleaned
    assert redact.clean(cleaned) == cleaned


@pytest.mark.parametrize("text", INNOCENT_TEXTS)
def test_innocent_texts(text: str) -> None:
    assert redact.clean(text) == text
    if text not in NAMED:
        assert redact.clean_argv(["prog", text]) == (["prog", text], [])


@pytest.mark.parametrize(
    ("url", "cleaned"),
    [
        ("https://user:tok@host/r.git", "https://user:***@host/r.git"),
        ("https://x-access-token:tok@github.com/r", "https://***@github.com/r"),
        ("https://oauth2:tok@gitlab.com/r", "https://***@gitlab.com/r"),
        (f"https://{GHP}@github.com/r", "https://***@github.com/r"),
        (f"https://{H40}:x-oauth-basic@github.com/r", "https://***@github.com/r"),
        ("https://user@host/r", "https://***@host/r"),
        ("http://u:p@h:8080/x", "http://u:***@h:8080/x"),
        ("https://u:p%40q@h/x", "https://u:***@h/x"),
        ("https://u:p@q@h/x", "https://u:***@h/x"),
        ("postgres://u:p/s#s?s@h/d", "postgres://u:***@h/d"),
        ("ssh://git@host:22/r", "ssh://git@host:22/r"),
        ("/out/https:/u:p@h/x.html", "/out/https:/u:***@h/x.html"),
        ("git@host:org/r.git", "git@host:org/r.git"),
        ("user:pw@host:r.git", "user:***@host:r.git"),
        (f"{GHP}@host:r.git", "***@host:r.git"),
        ("url.https://user:tok@host/.insteadOf", "url.https://user:***@host/.insteadOf"),
        ("git+https://u:p@h/r@v1#egg=x", "git+https://u:***@h/r@v1#egg=x"),
        ("https://h/a?next=https://u:p@i/&b=1", "https://h/a?next=https://u:***@i/&b=1"),
        ("https://h/#access_token=abc&x=1", "https://h/#access_token=***&x=1"),
        ("http://[::1]:80/@x", "http://[::1]:80/@x"),
        ("../relative/path.git", "../relative/path.git"),
        ("/srv/git/r@2.git", "/srv/git/r@2.git"),
        ("a https://u:p@h b https://v:q@i c", "a https://u:***@h b https://v:***@i c"),
    ],
)
def test_urls(url: str, cleaned: str) -> None:
    assert redact.clean_url(url) == cleaned
    assert redact.clean_url(cleaned) == cleaned


@pytest.mark.parametrize(
    ("argv", "cleaned"),
    [
        (["p", "--token", "X"], ["p", "--token", "***"]),
        (["p", "--token=X"], ["p", "--token=***"]),
        (["p", "--api-key", "1234", "--lr", "0.1"], ["p", "--api-key", "***", "--lr", "0.1"]),
        (["p", "--token", "--verbose"], ["p", "--token", "--verbose"]),
        (["p", "--token", "$TOKEN"], ["p", "--token", "$TOKEN"]),
        (["mysql", "-pX", "db"], ["mysql", "-p***", "db"]),
        (["mysql", "-p", "db"], ["mysql", "-p", "db"]),
        (["sshpass", "-pX", "ssh", "-p", "22", "h"], ["sshpass", "-p***", "ssh", "-p", "22", "h"]),
        (["sshpass", "-p", "X", "ssh", "h"], ["sshpass", "-p", "***", "ssh", "h"]),
        (["docker", "run", "--env=A_TOKEN=X", "i"], ["docker", "run", "--env=A_TOKEN=***", "i"]),
        (
            ["aws", "configure", "set", "x.secret_key", "X"],
            ["aws", "configure", "set", "x.secret_key", "***"],
        ),
        (["git", "-c", "h.x=Authorization: Basic dGVz"], ["git", "-c", "h.x=Authorization: Basic ***"]),
        (["java", "-Ddb.password=X"], ["java", "-Ddb.password=***"]),
        (["ssh", "-p2222", "host"], ["ssh", "-p2222", "host"]),
        (["docker", "run", "-p", "80:80", "img"], ["docker", "run", "-p", "80:80", "img"]),
        (["docker", "login", "-u", "me", "-p", "X"], ["docker", "login", "-u", "me", "-p", "***"]),
        (["curl", "-u", "a:b", "u"], ["curl", "-u", "a:***", "u"]),
        (["/usr/bin/curl", "-ua:b"], ["/usr/bin/curl", "-ua:***"]),
        (["curl", "--user=a:b"], ["curl", "--user=a:***"]),
        (["curl", "-H", "Authorization: Bearer X"], ["curl", "-H", "Authorization: ***"]),
        (["curl", "-HX-Api-Key: X"], ["curl", "-HX-Api-Key: ***"]),
        (["curl", "--header=PRIVATE-TOKEN: X"], ["curl", "--header=PRIVATE-TOKEN: ***"]),
        (["curl", "-H", "Accept: text/html"], ["curl", "-H", "Accept: text/html"]),
        (["env", "HF_TOKEN=X", "python", "t.py"], ["env", "HF_TOKEN=***", "python", "t.py"]),
        (["python", "t.py", "api.password=X"], ["python", "t.py", "api.password=***"]),
        (["sh", "-c", "T_TOKEN=X cmd --lr 1"], ["sh", "-c", "T_TOKEN=*** cmd --lr 1"]),
        (["bash", "-ec", "a | curl -u b:c 'http://h'"], ["bash", "-ec", "a | curl -u b:*** 'http://h'"]),
        (["sh", "-c", "p --token 'a b'; q"], ["sh", "-c", "p --token '***'; q"]),
        (["sh", "-c", "sh -c 'p --token X'"], ["sh", "-c", "sh -c 'p --token ***'"]),
        (["sh", "-c", 'p --token "$TOKEN"'], ["sh", "-c", 'p --token "$TOKEN"']),
        (["sh", "-c", "curl -H 'Authorization: Bearer X' h"], ["sh", "-c", "curl -H 'Authorization: ***' h"]),
        (["ssh", "host", "A_TOKEN=X cmd"], ["ssh", "host", "A_TOKEN=***"]),
        (["wandb", "login", H40], ["wandb", "login", "***"]),
        (["git", "clone", "https://u:p@h/r"], ["git", "clone", "https://u:***@h/r"]),
        (["p", GHP], ["p", "***"]),
        (["p", "--token-file", "x.txt"], ["p", "--token-file", "x.txt"]),
        (["p", "--max-tokens", "512"], ["p", "--max-tokens", "512"]),
        (["lm_eval", "--model_args", "m=x,api_key=plain"], ["lm_eval", "--model_args", "m=x,api_key=***"]),
        (["p", "--model_args=m=x,token=a,n=1"], ["p", "--model_args=m=x,token=***,n=1"]),
        (["p", '{"api_key": "plain", "n": 1}'], ["p", '{"api_key": "***", "n": 1}']),
        (["p", "{api_key:plain,lr:1}"], ["p", "{api_key:***,lr:1}"]),
        (["p", "host=h password=pw user=x"], ["p", "host=h password=*** user=x"]),
        (["python", "-c", "e['API_KEY']='a1'"], ["python", "-c", "e['API_KEY']='***'"]),
        (["sh", "-c", ": x; sshpass -p X ssh -p 22 h"], ["sh", "-c", ": x; sshpass -p *** ssh -p 22 h"]),
        (["p", "--map", "a:b,c:d", "t=12:30"], ["p", "--map", "a:b,c:d", "t=12:30"]),
        (["p", "--x", "max_tokens=5,sort_key=a"], ["p", "--x", "max_tokens=5,sort_key=a"]),
        (["sort", "--key", "2", "f"], ["sort", "--key", "2", "f"]),
        (["p", "--auth", "none"], ["p", "--auth", "none"]),
        (["p", "--use-auth-token", "t.py"], ["p", "--use-auth-token", "t.py"]),
        (
            ["p", "--commit", H40, "--id", str(uuid.UUID(int=7))],
            ["p", "--commit", H40, "--id", str(uuid.UUID(int=7))],
        ),
        (["p", "--data=/a/b", "--n=10", "3"], ["p", "--data=/a/b", "--n=10", "3"]),
        ([], []),
        (["p", ""], ["p", ""]),
    ],
)
def test_command_lines(argv: list[str], cleaned: list[str]) -> None:
    words, masked = redact.clean_argv(argv)
    assert words == cleaned
    assert masked == [i for i, (a, b) in enumerate(zip(argv, cleaned, strict=True)) if a != b]


def test_values_worth_masking() -> None:
    values = redact.secret_values(
        {
            "HF_TOKEN": "abcdef",
            "https_proxy": "http://u:proxy-pass@h:3128",
            "DATABASE_URL": "postgres://u:database-pass@h/d",
            "PLAIN": "just a value",
            "BUILD_ARGS": f"--x {GHP}",
            "DECLARED": "declared-value",
            "EMPTY_TOKEN": "",
        },
        ["DECLARED"],
    )
    assert values == {
        "HF_TOKEN": "abcdef",
        "https_proxy (password)": "proxy-pass",
        "DATABASE_URL": "postgres://u:database-pass@h/d",
        "DATABASE_URL (password)": "database-pass",
        "BUILD_ARGS (token)": GHP,
        "DECLARED": "declared-value",
    }


def test_secrets_inside_of_settings_are_worth_masking() -> None:
    values = redact.secret_values(
        {
            "CFLAGS": "-O2 -DLICENCE_KEY=4bC9xYz0Qw7LmN2p",
            "JAVA_OPTS": "-Da=1 -Ddb.password=hunter2-hunter2",
            "CONN": "DefaultEndpointsProtocol=https;AccountKey=4bC9xYz0Qw7LmN2pRt5VsK8u==;x",
            "LS_COLORS": "di=01;34:ln=01;36:*.key=00;33",
        },
        [],
    )
    assert sorted(values.values()) == [
        "4bC9xYz0Qw7LmN2p",
        "4bC9xYz0Qw7LmN2pRt5VsK8u==",
        "hunter2-hunter2",
    ]


@pytest.mark.parametrize(
    ("text", "cleaned", "parts"),
    [
        ("a b c", "a b c", []),
        ("a b c", "a *** c", ["b"]),
        ("1 x 2 y 3", "1 *** 2 *** 3", ["x", "y"]),
        ("secret", "***", ["secret"]),
        ("a*** b", "a*** b", []),
        ("x y", "*** z", []),
    ],
)
def test_what_masks_stand_for(text: str, cleaned: str, parts: list[str]) -> None:
    assert redact.taken(text, cleaned) == parts


@given(st.lists(st.text(alphabet="ab=,:{}\"' ", max_size=12), min_size=1, max_size=6))
def test_what_was_taken_is_of_the_text(pieces: list[str]) -> None:
    text = "x".join(pieces)
    for part in redact.taken(text, "x".join(redact.MASK if at % 2 else p for at, p in enumerate(pieces))):
        assert part in text


def test_common_values_are_not_masked_and_named() -> None:
    environ = {
        "A_TOKEN": "a",
        "B_TOKEN": "true",
        "C_TOKEN": "1234",
        "D_PASSWORD": "docker",
        "E_SECRET": "/home/jane",
        "F_PASSWORD": "project",
        "G_TOKEN": "real-one",
        "HOME": "/home/jane",
        "PWD": "/home/jane/project",
    }
    assert redact.secret_values(environ, []) == {"G_TOKEN": "real-one"}
    assert redact.too_common(environ, []) == [
        "A_TOKEN",
        "B_TOKEN",
        "C_TOKEN",
        "D_PASSWORD",
        "E_SECRET",
        "F_PASSWORD",
    ]


@given(st.lists(st.text(max_size=30), max_size=6))
def test_any_command_line_keeps_its_length_and_stays_masked(argv: list[str]) -> None:
    words, masked = redact.clean_argv(argv)
    assert len(words) == len(argv)
    assert all(0 <= index < len(argv) for index in masked)


@given(st.text(alphabet="ab:/@?#=&. -", max_size=40))
def test_cleaning_urls_is_stable_and_never_fails(text: str) -> None:
    once = redact.clean_url(text)
    assert redact.clean_url(once) == once


@given(
    st.text(alphabet="abcdefghij0123456789", min_size=1, max_size=12),
    st.text(alphabet="abcDEF0123456789!$%&*+,;=~._-", min_size=4, max_size=20),
    st.sampled_from(["https", "postgres", "git+ssh"]),
)
def test_no_password_survives_in_a_url(user: str, password: str, scheme: str) -> None:
    cleaned = redact.clean_url(f"see {scheme}://{user}:{password}@example.org:443/path end")
    assert f":{password}@" not in cleaned
    assert cleaned.endswith("@example.org:443/path end")


def test_long_values_take_no_long_time() -> None:
    """A pattern that backtracks would take minutes here and run into the time limit of the test."""
    for text in (
        "a" * 131_072 + "=",
        "key" * 40_000 + "=",
        "://" * 40_000 + "@",
        "eyJ" * 40_000,
        "sk-" * 40_000,
    ):
        assert redact.clean(text)
    for text in ('"\\' * 60_000, "key='" * 30_000):
        assert redact.clean_argv(["python", "-c", text])[0]


def test_the_common_path_compiles_no_pattern() -> None:
    code = """
import re
compiled = []
original = re._compile
re._compile = lambda *a: (compiled.append(a[0]), original(*a))[1]
from xt import redact
redact.clean("a plain value"), redact.clean_url("https://github.com/o/r.git")
redact.clean_argv(["python", "train.py"]), [redact.secret_name(n) for n in ("PATH", "HF_TOKEN", "LANG")]
redact.secret_values({"PATH": "/usr/bin", "SSH_AUTH_SOCK": "/tmp/ssh-1/agent"}, [])
assert not compiled, compiled
"""
    subprocess.run([sys.executable, "-c", code], check=True)
