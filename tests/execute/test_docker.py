"""Commands in containers of a real engine: they behave as if they were started outside."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.execute.wrapped import Pty, Wrapper, until
from tests.services.docker import NAME
from xt.errors import UnsupportedError, UnverifiableError
from xt.execute import docker
from xt.execute.docker import Image, Place, Wrapped, find, remove, wrap
from xt.model.environment import Container


class Engine(NamedTuple):
    environ: dict[str, str]
    image: Image
    folder: Path
    scratch: Path

    def docker(self, *words: str) -> str:
        done = subprocess.run(
            ["docker", *words], env=self.environ, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def place(self, **changes) -> Place:
        name = f"xt-{os.getpid()}-{os.urandom(4).hex()}"
        plain = Place(name, str(self.folder), [str(self.folder)], [], [], False, False, str(self.scratch))
        return plain._replace(network="none")._replace(**changes)

    def wrap(self, *argv: str, given: dict[str, str] | None = None, **changes) -> Wrapped:
        return wrap(self.image, list(argv), given or {}, self.place(**changes), self.environ)

    def run(self, *argv: str, given=None, how=None, **changes) -> subprocess.CompletedProcess[str]:
        wrapped = self.wrap(*argv, given=given, **changes)
        options = {"stdin": subprocess.DEVNULL} | (how or {})
        if "input" in options:
            del options["stdin"]
        return subprocess.run(
            wrapped.argv, env=wrapped.environ, capture_output=True, text=True, timeout=90, **options
        )


def container(image: str | None, **changes) -> Container:
    return Container(
        **{"inside": True, "engine": "docker", "id": None, "image": image, "reason": None} | changes
    )


@pytest.fixture
def docked(docker_engine, tmp_path):
    folder = tmp_path / 'work space, with: "signs"'
    folder.mkdir()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "DOCKER_HOST": docker_engine}
    yield Engine(environ, find(container(NAME), environ), folder, scratch)
    words = ["docker", "ps", "-aq", "--filter", f"name=xt-{os.getpid()}-"]
    left = subprocess.run(words, env=environ, capture_output=True, text=True).stdout
    assert left == "", "a container is left"


def test_an_image_is_found_by_name_and_by_id(docked):
    assert docked.image.id.startswith("sha256:") and len(docked.image.id) == 71
    assert "which image it was is not recorded" in docked.image.remarks[0]
    for name in (docked.image.id, docked.image.id[7:], docked.image.id[7:19]):
        found = find(container(name), docked.environ)
        assert (found.id, found.remarks) == (docked.image.id, [])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nowhere.example/img:3", "`docker pull nowhere.example/img:3`"),
        ("nowhere.example/img@sha256:" + "a" * 64, "`docker pull nowhere.example/img@sha256:"),
        ("sha256:" + "a" * 64, "an id alone cannot be pulled"),
        ("--help", "docker pull"),
    ],
)
def test_an_image_that_is_not_here_is_named(docked, name, hint):
    with pytest.raises(UnverifiableError) as raised:
        find(container(name), docked.environ)
    assert f"`{name}`" in raised.value.message and hint in raised.value.hint
    assert raised.value.exit_status == 3


def test_an_image_that_is_not_recorded(tmp_path):
    for given, why in (
        (container(None, reason="it cannot be seen"), "it cannot be seen"),
        (container(None, inside=False), "not made in one"),
        (container("/x/y.sif", engine="apptainer"), "Apptainer"),
    ):
        with pytest.raises(UnverifiableError, match=why):
            find(given, {})


def test_without_docker_it_says_what_to_install(tmp_path):
    with pytest.raises(UnsupportedError) as raised:
        find(container(NAME), {"PATH": str(tmp_path)})
    assert "Docker Engine" in raised.value.hint


def test_without_an_engine_it_says_so(docked, tmp_path):
    with pytest.raises(UnsupportedError, match=r"does not answer: .*nowhere"):
        find(container(NAME), {**docked.environ, "DOCKER_HOST": f"unix://{tmp_path}/nowhere"})


def test_streams_and_exit_codes_are_the_commands(docked):
    done = docked.run("sh", "-c", "cat; echo out; echo err >&2; exit 7", stdin=True, how={"input": "in\n"})
    assert (done.returncode, done.stdout, done.stderr) == (7, "in\nout\n", "err\n")
    assert docked.run("no-such-command").returncode == 127
    assert docked.run("/tmp").returncode == 126
    assert docked.run("sh", "-c", "kill -9 $$").returncode == 128 + 9


def test_folder_and_user_are_those_outside(docked):
    done = docked.run("sh", "-c", "pwd; id -u; id -g; echo made > made; ls")
    assert done.stdout.splitlines()[:3] == [str(docked.folder), str(os.getuid()), str(os.getgid())]
    info = (docked.folder / "made").stat()
    assert (info.st_uid, info.st_gid) == (os.getuid(), os.getgid())


def test_what_is_to_be_read_cannot_be_written(docked, tmp_path):
    data = tmp_path / "data"
    data.write_text("kept\n")
    done = docked.run("sh", "-c", f"cat {data}; echo x > {data}", readable=[str(data)])
    assert done.returncode != 0 and done.stdout == "kept\n"
    assert data.read_text() == "kept\n"


def test_a_folder_that_is_not_there_is_not_made(docked, tmp_path):
    assert docked.run("true", readable=[str(tmp_path / "gone")]).returncode == 125
    assert not (tmp_path / "gone").exists()


def test_variables_are_handed_over_and_not_shown(docked):
    given = {
        "PLAIN": "a 'b' \"c\" $d é",
        "LINES_": "one\ntwo",
        "LD_LIBRARY_PATH": "/some where",
        "DOCKER_HOST": "in the container",
        "HOME": "/tmp",
        "UNNAMED": "x",
        "EMPTY": "",
    }
    names = [name for name in given if name != "UNNAMED"] + ["ABSENT"]
    words = docked.wrap("env", given=given, names=names).argv
    assert not [
        word
        for word in words
        for value in given.values()
        if value and value in (word, word.partition("=")[2])
    ]
    assert stat.S_IMODE((docked.scratch / "container-variables").stat().st_mode) == 0o600
    seen = docked.run("env", given=given, names=names).stdout
    for name in names[:-1]:
        assert f"{name}={given[name]}\n" in seen
    assert "UNNAMED" not in seen and "ABSENT" not in seen
    bad = docked.wrap("env", given={"LD_X": "a\nb"}, names=["LD_X"])
    assert bad.said == ["not set, because of a line break in it: LD_X"]


def test_the_network_is_that_outside_or_none(docked):
    count = "ls /sys/class/net"
    assert docked.run("sh", "-c", count).stdout.split() == ["lo"]
    outside = sorted(os.listdir("/sys/class/net"))
    assert sorted(docked.run("sh", "-c", count, network="host").stdout.split()) == outside


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_command(docked, xt: Wrapper, number):
    """Also one without a handler, which a first process of a container would not get."""
    wrapped = docked.wrap("sh", "-c", "echo > here; exec sleep 60")
    process = subprocess.Popen(xt.argv(*wrapped.argv), env=wrapped.environ, stdin=subprocess.DEVNULL)
    until((docked.folder / "here").exists)
    process.send_signal(number)
    process.wait(90)
    assert xt.ended()["exit_code"] == 128 + number


def test_at_a_terminal(docked, xt: Wrapper):
    # Engines before 23 tell the size only after the start.
    sized = 'until [ "$(stty size 2>&1)" = "33 77" ]; do sleep 0.05; done; stty size'
    script = f"tty; {sized}; read line; echo got $line; echo err >&2; echo > here; exec sleep 60"
    wrapped = docked.wrap(
        "sh", "-c", script, terminal=True, stdin=True, given={"TERM": "xterm"}, names=["TERM"]
    )
    assert "one terminal" in wrapped.said[0]
    with Pty(xt.argv(*wrapped.argv), env=wrapped.environ, size=(33, 77)) as pty:
        pty.expect(rb"/dev/(pts/\d+|console)")
        pty.expect(rb"33 77")
        pty.send(b"word\r")
        pty.expect(rb"got word")
        pty.expect(rb"err")
        pty.send(b"\x03")
        pty.wait()
        assert pty.modes() == pty.initial
    assert xt.ended()["exit_code"] == 130


def test_a_container_whose_docker_was_killed_can_be_removed(docked):
    place = docked.place()
    wrapped = wrap(docked.image, ["sh", "-c", "echo > here; exec sleep 60"], {}, place, docked.environ)
    process = subprocess.Popen(wrapped.argv, env=wrapped.environ, stdin=subprocess.DEVNULL)
    until((docked.folder / "here").exists)
    process.kill()
    process.wait()
    # The command may be at work before the engine calls its container running.
    until(lambda: docked.docker("ps", "-q", "--filter", f"name={place.name}") != "")
    assert remove(place.name, docked.environ)
    assert not remove(place.name, docked.environ)


def test_accelerators_are_asked_for_by_docker_s_option(docked):
    assert "--gpus" not in docked.wrap("true").argv
    words = docked.wrap("true", gpus=True).argv
    assert words[words.index("--gpus") + 1] == "all"
    assert words.index("--gpus") < words.index(docked.image.id)


def test_further_options_win(docked):
    words = docked.wrap("true", gpus=True, options=["--gpus=1", "--net", "none"], home="/x", umask=0o27).argv
    at = words.index(docked.image.id)
    assert "all" not in words and "--network" not in words and "HOME=/x" in words
    assert words[at - 3 : at + 1] == ["--gpus=1", "--net", "none", docked.image.id]
    assert words[at + 1 :] == ["/bin/sh", "-c", 'umask 027; exec "$@"', "sh", "true"]


def test_the_engine_s_own_user_is_the_caller_where_it_has_no_privileges(docked):
    place = docked.place()
    words = wrap(docked.image._replace(rootless=True), ["true"], {}, place, docked.environ).argv
    assert words[words.index("--user") + 1] == "0:0" and "--group-add" not in words


def test_nothing_heavy_is_imported_for_it():
    code = "import sys, xt.execute.docker; sys.exit('docker' in sys.modules)"
    environ = {**os.environ, "PYTHONPATH": str(Path(docker.__file__).parents[2])}
    assert subprocess.run([sys.executable, "-c", code], env=environ).returncode == 0
