"""URLs of remotes: what is a place, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xt.errors import UsageError
from xt.store.remote.address import Address, masked, parse


@pytest.mark.parametrize(
    ("url", "address", "shown"),
    [
        ("s3://team-runs", Address("s3", "team-runs", ""), "s3://team-runs"),
        ("s3://b//a//c/", Address("s3", "b", "a/c"), "s3://b/a/c"),
        ("gs://b/a b", Address("gs", "b", "a b"), "gs://b/a b"),
        ("az://c/x", Address("az", "c", "x"), "az://c/x"),
        ("ssh://Here/data", Address("ssh", "Here", "/data"), "ssh://Here/data"),
        ("ssh://me@h:2222/~/runs/", Address("ssh", "h", "runs", "me", 2222), "ssh://me@h:2222/~/runs"),
        ("ssh://h/~", Address("ssh", "h", ""), "ssh://h/~"),
        ("ssh://[::1]:22/x", Address("ssh", "::1", "/x", None, 22), "ssh://[::1]:22/x"),
        ("file:///mnt/a%20b", Address("file", "", "/mnt/a b"), "/mnt/a b"),
        ("/mnt/x/", Address("file", "", "/mnt/x"), "/mnt/x"),
        ("../store", Address("file", "", "/home/store"), "/home/store"),
    ],
)
def test_a_place(url, address, shown):
    found = parse(url, "/home/me")
    assert found == address
    assert found.shown == shown
    assert parse(shown, "/elsewhere") == found


@pytest.mark.parametrize(
    "url",
    [
        *("", "-x", "--upload-pack=sh", "ext::sh -c id", "fd::3", "file::x", "~/runs", "a\nb", "\x1b[2J"),
        *("http://host/x", "S3://b", "git+ssh://h/x", "s3:x://b", "javascript://x"),
        *("ssh://-oProxyCommand=id/x", "ssh://h", "ssh://h/", "ssh:///x", "ssh://h/a/../b", "ssh://h/%0a"),
        *("ssh://-l@h/x", "ssh://h:-1/x", "ssh://h:99999/x", "ssh://h x/y", "ssh://h;id/x", "ssh://$(id)/x"),
        *(
            "ssh://u:p@h/x",
            "me@h:/srv/runs",
            "h:runs",
            "s3://k:s@b",
            "s3://k@b",
            "az://c@account/x",
            "s3://b?sig=x",
            "s3://b#x",
            "s3://b:80/x",
        ),
        *(
            "s3://",
            "s3://..",
            "s3:///x",
            "s3://b/../c",
            "s3://-b",
            "s3://b/a\\b",
            "file://host/x",
            "x" * 3000,
        ),
    ],
)
def test_no_place(url):
    with pytest.raises(UsageError) as caught:
        parse(url, "/home/me")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "ssh://u:hunter2@h/x",
        "u:hunter2@h:/x",
        "s3://AKIA:hunter2@b/x",
        "az://hunter2@b",
        "gs://a:hunter2@b?x",
    ],
)
def test_credentials_are_refused_and_not_repeated(url):
    assert "hunter2" not in masked(url)
    with pytest.raises(UsageError) as caught:
        parse(url, "/")
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


@settings(max_examples=60)
@given(st.one_of(st.text(), st.from_regex(r"(ssh|s3|gs|az|file)://[ -~]*")))
def test_whatever_is_written_is_a_plain_place_or_refused(url):
    try:
        found = parse(url, "/home/me")
    except UsageError:
        return
    assert found.shown.isprintable()
    assert not found.host.startswith("-")
    assert not (found.user or "").startswith("-")
    assert ".." not in found.path.split("/")
    assert found.scheme != "file" or found.path.startswith("/")
    assert parse(found.shown, "/") == found
