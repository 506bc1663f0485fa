"""What every place does alike (`xt.store.remote.Remote`)."""

from __future__ import annotations

import io
import os
import threading

import pytest

from xt.errors import NotWrittenError, RemoteError
from xt.store.remote.probing import WRITERS, probe

SORTS = ["folder", "ssh", "moto", "rclone", "azurite"]
#: Larger than what a bucket takes at once, and than a window of what is read.
LARGE = (17 << 20) + 3

pytestmark = pytest.mark.parametrize("place", SORTS, indirect=True)


def names(place, prefix):
    return sorted(entry.name for entry in place.entries(prefix))


def test_what_is_created_can_be_read_listed_and_measured(place):
    assert list(place.entries("runs/")) == []
    assert place.create("runs/kn/knzx.json", b'{"a": 1}\n')
    assert place.create("events/2026/11/x.json", b"")
    assert place.read("runs/kn/knzx.json", 9) == b'{"a": 1}\n'
    assert place.read("events/2026/11/x.json", 0) == b""
    assert place.size("runs/kn/knzx.json") == 9
    assert [tuple(entry) for entry in place.entries("runs/")] == [("runs/kn/knzx.json", 9)]
    assert names(place, "runs/kn/") == ["runs/kn/knzx.json"]
    assert names(place, "events/2026/") == ["events/2026/11/x.json"]
    assert names(place, "objects/") == []


def test_a_name_that_is_taken_keeps_what_it_has(place, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"second")
    assert place.create("objects/3f/3f9a", b"first")
    assert place.create("objects/3f/3f9a", b"second") is False
    assert place.create("objects/3f/3f9a", str(other)) is False
    assert place.read("objects/3f/3f9a", 100) == b"first"


def test_what_is_not_there_is_told_from_what_is_empty(place):
    assert place.size("runs/kn/none.json") is None
    with pytest.raises(FileNotFoundError):
        place.read("runs/kn/none.json", 10)
    with pytest.raises(FileNotFoundError):
        place.fetch("runs/kn/none.json", io.BytesIO(), 10)


def test_more_than_the_limit_is_not_read(place):
    place.create("a/b", b"12345")
    for get in (lambda: place.read("a/b", 4), lambda: place.fetch("a/b", io.BytesIO(), 4)):
        with pytest.raises(RemoteError, match="4"):
            get()
    target = io.BytesIO()
    assert place.fetch("a/b", target, 5) == 5
    assert target.getvalue() == b"12345"


def test_a_large_file_arrives_as_it_was(place, tmp_path):
    source = tmp_path / "large"
    content = os.urandom(1 << 20) * (LARGE >> 20) + b"end"
    source.write_bytes(content)
    assert place.create("objects/aa/large", str(source))
    assert place.create("objects/aa/large", str(source)) is False
    assert place.size("objects/aa/large") == len(content)
    with open(tmp_path / "back", "wb") as target:
        assert place.fetch("objects/aa/large", target, len(content)) == len(content)
    assert (tmp_path / "back").read_bytes() == content


def test_no_name_leads_out_of_the_place(place):
    for name in ("../x", "a/../../x", "/etc/passwd", "a//b", "a/./b"):
        with pytest.raises((RemoteError, FileNotFoundError)):
            place.read(name, 10)
        if name.startswith(".."):
            with pytest.raises((RemoteError, NotWrittenError)):
                place.create(name, b"x")


def test_many_threads_may_use_it_at_once(place):
    done = []

    def work(number):
        for turn in range(3):
            name = f"objects/{number:02x}/{turn}"
            assert place.create(name, name.encode())
            assert place.read(name, 100) == name.encode()
        done.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(8))
    assert len(names(place, "objects/")) == 24


def test_one_of_many_writers_of_a_name_wins_where_the_place_can_see_to_it(place, request):
    found = probe(place, "unique")
    assert found.unlisted is None
    if "rclone" in request.node.callspec.id:
        assert not found.exclusive, "it takes no notice of the condition"
        assert place.exclusive is False
        # For one writer at a time it is good enough.
        assert place.create("runs/kn/a.json", b"1")
        assert place.create("runs/kn/a.json", b"2") is False
    else:
        assert (found.won, found.refused, found.kept) == (1, True, True)
        assert place.exclusive is True
    assert names(place, "probe/") in (["probe/unique"], ["probe/exclusive", "probe/unique"])
    assert 1 <= found.won <= WRITERS
