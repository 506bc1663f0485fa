"""What is installed in an image: from its files, whatever is in them, within bounds."""

from __future__ import annotations

import io
import tarfile
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xt.collect import image_files
from xt.collect.image import describe
from xt.collect.image_files import read

LATER = time.monotonic() + 3600


def archive(files: dict[str, bytes | str | None]) -> io.BytesIO:
    """A file system; None is a folder, a text what a link points to."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            if data is None:
                info.type = tarfile.DIRTYPE
            if isinstance(data, str):
                info.type, info.linkname, data = tarfile.SYMTYPE, data, None
            info.size = len(data or b"")
            tar.addfile(info, io.BytesIO(data or b""))
    target.seek(0)
    return target


def names(seen) -> dict[str, list[tuple[str, str]]]:
    return {
        f"{place.kind} {place.place}": [(package.name, package.version) for package in place.packages]
        for place in seen.installed
    }


def test_managers_and_interpreters():
    site = "opt/venv/lib/python3.12/site-packages"
    seen = read(
        archive(
            {
                "./lib/apk/db/installed": b"C:Q1\nP:musl\nV:1.2.5-r0\nF:lib\nR:x\n\nP:busybox\nV:1.36\n\n",
                "var/lib/dpkg/status.d/base": b"Package: base-files\nVersion: 12\nSection: x\n Version: no\n",
                "var/lib/dpkg/status.d/base.md5sums": b"Package: no\nVersion: 1\n",
                "var/lib/pacman/local/gcc-libs-14.1-2": None,
                "opt/conda/conda-meta/numpy-base-2.0.1-py312_0.json": b"{}",
                f"{site}/A.b_c-1.0.dist-info/METADATA": b"Name: A.b_c\nVersion: 1.0+x\n\nName: no",
                f"{site}/odd-2.dist-info/METADATA": b"\xff\xfe",
                f"{site}/vendor/v-1.dist-info/METADATA": b"Name: v\nVersion: 1\n",
                "usr/lib/python3/dist-packages/old-0.9.egg-info": b"Name: old\nVersion: 0.9\n",
                "opt/venv/include/python3.12/patchlevel.h": b'#define PY_VERSION "3.12.4"',
                "usr/lib/os-release": b"PRETTY_NAME='x'\nPRETTY_NAME=\"Alpine 3.20\"\n",
                "etc/passwd": b"root:x:0:0\nbad\nme:x:1000:1000:\n",
                "usr/lib/sysimage/rpm/rpmdb.sqlite": b"SQLite",
                "usr/bin/sh": b"",
            }
        ),
        LATER,
    )
    assert names(seen) == {
        "apk /lib/apk/db/installed": [("busybox", "1.36"), ("musl", "1.2.5-r0")],
        "conda /opt/conda/conda-meta": [("numpy-base", "2.0.1=py312_0")],
        "deb /var/lib/dpkg/status": [("base-files", "12")],
        "pacman /var/lib/pacman/local": [("gcc-libs", "14.1-2")],
        f"python /{site}": [("a-b-c", "1.0+x"), ("odd", "2")],
        "python /usr/lib/python3/dist-packages": [("old", "0.9")],
    }
    assert {place.place: place.version for place in seen.installed if place.version} == {f"/{site}": "3.12.4"}
    assert (seen.users, seen.shell, seen.broken) == ([0, 1000], True, False)
    assert "rpm" in seen.notes[0]


def test_which_python_it_is():
    files = {
        "usr/bin/python3": "python3.11",
        "usr/lib/python3/dist-packages/yaml-6.dist-info/METADATA": b"Name: yaml\nVersion: 6\n",
        "app/.venv/pyvenv.cfg": b"home = /usr/bin\nversion_info = 3.12.4\n",
        "app/.venv/lib/python3.12/site-packages/a-1.dist-info/METADATA": b"Name: a\nVersion: 1\n",
    }
    deb = b"Package: python3.11-minimal\nStatus: install ok installed\nVersion: 3.11.2-6+deb12u6\n\n"
    versions = [
        {place.place: place.version for place in read(archive(given), LATER).installed}
        for given in (files, {**files, "var/lib/dpkg/status": deb}, {**files, "usr/bin/python3": "/x/../y"})
    ]
    system = "/usr/lib/python3/dist-packages"
    assert [found[system] for found in versions] == ["3.11", "3.11.2", None]
    assert versions[0]["/app/.venv/lib/python3.12/site-packages"] == "3.12.4"


def test_an_empty_image():
    seen = read(archive({}), LATER)
    assert (seen.installed, seen.users, seen.shell, seen.notes) == ([], [], False, [])


def test_what_is_cut_off_or_too_slow_is_said():
    data = archive({"bin/sh": b"", "x": b"y" * 5000}).getvalue()
    cut = read(io.BytesIO(data[:3000]), LATER)
    assert cut.broken and "to its end" in cut.notes[0] and cut.shell and cut.users is None
    late = read(io.BytesIO(data), 0.0)
    assert late.notes == ["it is too large to be read to its end"] and late.shell is None and not late.broken


def test_a_hostile_image_is_kept_in_bounds(monkeypatch):
    monkeypatch.setattr(image_files, "MOST", 10)
    monkeypatch.setattr(image_files, "DATABASE", 2000)
    many = b"".join(b"P:p%d\nV:1\n\n" % n for n in range(99))
    seen = read(archive({"lib/apk/db/installed": many, "var/lib/dpkg/status": b"x" * 3000}), LATER)
    assert len(seen.installed[0].packages) == 10
    assert any("more than 10" in note for note in seen.notes) and any(
        "3000 bytes" in note for note in seen.notes
    )
    long = read(archive({"lib/apk/db/installed": b"P:" + b"n" * 999 + b"\nV:1\n\n"}), LATER)
    assert long.installed == []


@given(data=st.binary(max_size=2000))
def test_no_stream_breaks_it(data):
    assert read(io.BytesIO(data), LATER).installed == []


@settings(max_examples=40)
@given(text=st.text(max_size=300))
def test_no_database_breaks_it(text):
    files = {
        name: text.encode("utf-8", "replace")
        for name in ("lib/apk/db/installed", "var/lib/dpkg/status", "etc/passwd")
    }
    read(archive(files), LATER)


@pytest.mark.parametrize(
    "told", [{"Id": "ab"}, {"Id": "sha256:ab", "Config": None, "RepoTags": None, "RootFS": {}, "Created": 3}]
)
def test_what_an_engine_leaves_out(told):
    found = describe(told)
    assert found.id == "sha256:ab" and found.layers == found.tags == found.entrypoint == []


def test_what_an_engine_says():
    config = {"Entrypoint": "/run", "Cmd": ["x", "--token", "correct-horse-battery"]}
    told = {
        "Id": "sha256:ab",
        "Config": config,
        "RepoDigests": ["r@sha256:cd"],
        "Os": "linux",
        "Architecture": "arm64",
    }
    found = describe({**told, "Variant": "v8"})
    assert (found.entrypoint, found.command, found.system) == (
        ["/run"],
        ["x", "--token", "***"],
        "linux/arm64/v8",
    )
    assert found.digests == ["r@sha256:cd"]
