"""`xt run --docker` and `xt run -- docker run`: on a real engine, as a user runs them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from tests import pages
from tests.conftest import SOURCE, Ran
from tests.execute.wrapped import Pty, until
from tests.services.docker import NAME, docker, left, make, pack
from xt import codec
from xt.store import Store

ROOT = Path(__file__).resolve().parents[2]
#: What an image with packages holds.
FILES = {
    "etc/os-release": 'NAME=x\nPRETTY_NAME="Debian \x1b[31mGNU/Linux 12"\n',
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "var/lib/dpkg/status": "Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\n\n"
    "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n",
    "usr/lib/python3.11/site-packages/NumPy_X-2.4.5.dist-info/METADATA": "Name: NumPy.X\nVersion: 2.4.5\n\n",
    "usr/include/python3.11/patchlevel.h": '#define PY_VERSION              "3.11.7"\n',
}


@pytest.fixture(scope="session")
def furnished(docker_engine, tmp_path_factory):
    """An image with packages and an entrypoint."""
    name = f"xt-furnished:{os.getpid()}"
    make(docker_engine, name, FILES, 'ENTRYPOINT ["/bin/false"]', "ENV PATH=/bin", "ENV KEPT=by-image")
    return name


#: The image of the how-to page.
PAGE = {
    "etc/os-release": 'PRETTY_NAME="Alpine Linux 3.20"',
    "lib/apk/db/installed": "P:musl\nV:1.2.5-r0\n\n",
    "usr/lib/python3.11/site-packages/numpy-2.4.5.dist-info/METADATA": "Name: numpy\nVersion: 2.4.5\n\n",
    "usr/include/python3.11/patchlevel.h": '#define PY_VERSION "3.11.7"',
}


class Docked:
    """A project whose commands run in containers of the engine."""

    def __init__(self, project, address):
        self.project, self.address = project, address

    def run(self, *words, env=None, **options):
        return self.project.run(*words, env={"DOCKER_HOST": self.address, **(env or {})}, **options)

    def xt(self, *words, env=None, **options):
        return self.project.xt(*words, env={"DOCKER_HOST": self.address, **(env or {})}, **options)

    def record(self, back=0):
        """The newest record, or one before it."""
        return newest(self.project.path, back)

    def container(self):
        return self.record()["snapshot"]["environment"]["container"]


def newest(folder, back=0):
    """A record as `xt show --json` has it, without a process for it."""
    store = Store.open(f"{folder}/.xt")
    found = sorted(map(store.record, store.ids()), key=lambda record: record.started_at)
    return json.loads(codec.encode(found[-1 - back]))


@pytest.fixture
def docked(project, docker_engine):
    made = Docked(project, docker_engine)
    yield made
    live = project.path / ".xt" / "live"
    assert [run for run in (os.listdir(live) if live.is_dir() else ()) if left(docker_engine, run)] == []


def test_it_is_as_if_it_ran_here(docked):
    docked.project.write("sub/a.txt", "here\n")
    script = "cat - a.txt; pwd; id -u; echo err >&2; echo made > made; umask; echo $HOME; exit 7"
    old = os.umask(0o027)
    try:
        done = docked.run(
            *("--docker", NAME, "--", "sh", "-c", script), input=b"in\n", cwd=docked.project.path / "sub"
        )
    finally:
        os.umask(old)
    where = docked.project.path / "sub"
    assert done.code == 7, done.err
    assert done.out.decode().splitlines() == ["in", "here", str(where), str(os.getuid()), "0027", "/tmp"]
    assert done.err.startswith("err\n") and len(done.err.splitlines()) == 2
    info = (where / "made").stat()
    assert (info.st_uid, info.st_mode & 0o777) == (os.getuid(), 0o640)
    record = docked.record()
    assert record["snapshot"]["command"]["argv"] == ["sh", "-c", script]
    assert record["result"]["status"] == "failed"
    assert record["result"]["usage"]["peak_memory_bytes"] is None
    assert left(docked.address, record["id"]) == ""


def test_the_record_has_the_image_and_what_is_in_it(docked, furnished):
    env = {"OMP_NUM_THREADS": "3", "API_TOKEN": "correct-horse-battery", "LD_LIBRARY_PATH": "/opt/x"}
    env |= {"PYTHONPATH": f"{docked.project.path}/lib", "PYTHONUSERBASE": "/home/me"}
    script = (
        "echo $KEPT $OMP_NUM_THREADS $PYTHONPATH ${API_TOKEN-no} ${LD_LIBRARY_PATH-no} ${PYTHONUSERBASE-no}"
    )
    done = docked.run("--docker", furnished, "--docker-opt", "-e A=1", "--", "sh", "-c", script, env=env)
    assert done.code == 0, done.err
    assert done.out.decode() == f"by-image 3 {docked.project.path}/lib no no no\n"
    found = docked.container()
    assert (found["started_by"], found["image"], found["options"]) == ("xt", furnished, ["-e", "A=1"])
    assert {"OMP_NUM_THREADS", "PYTHONPATH"} <= set(found["handed"])
    image = found["found"]
    assert image["id"] == docker(docked.address, "image", "inspect", "--format", "{{.Id}}", furnished)
    assert (image["tags"], image["entrypoint"], len(image["layers"])) == ([furnished], ["/bin/false"], 1)
    lists = {place["kind"]: place for place in image["installed"]}
    assert lists["deb"]["packages"] == [{"name": "libc6", "version": "2.36-9"}]
    assert lists["python"]["packages"] == [{"name": "numpy-x", "version": "2.4.5"}]
    assert lists["python"]["version"] == "3.11.7"
    assert docked.record()["snapshot"]["environment"]["python"] is None
    page = docked.xt("show").out.decode()
    for word in (f"in docker {furnished}", "1 deb package", "Python 3.11.7, 1 package", "not used", "A=1"):
        assert word in page, page
    assert "\x1b" not in page
    assert b"\n  1 run " in docked.xt("ls", "env.numpy-x>=2.4").out


def test_another_image_of_the_name_is_a_cause(docked):
    name = f"xt-moving:{os.getpid()}"
    first = make(docked.address, name, FILES)
    words = ("--docker", name, "--", "true")
    assert docked.run(*words).code == 0
    old = "usr/lib/python3.11/site-packages/NumPy_X-2.4.5.dist-info/METADATA"
    files = {path: text for path, text in FILES.items() if path != old}
    make(docked.address, name, {**files, old.replace("2.4.5", "2.4.6"): "Name: NumPy.X\nVersion: 2.4.6\n\n"})
    assert "repeats" not in docked.run(*words).err
    shown = docked.xt("diff", "@~1", "@").out.decode()
    assert "image" in shown and first[:19] in shown and "2.4.5 → 2.4.6" in shown
    assert docked.xt("stale", "@~1").code == 1
    # The repeat takes the image of the record, whatever the name means by now.
    again = docked.xt("rerun", "@~1")
    assert again.code == 0, again.err
    assert docked.container()["found"]["id"] == first
    record, repeated = docked.record(2), docked.record()
    assert repeated["snapshot"]["recipe"] == record["snapshot"]["recipe"]
    docker(docked.address, "image", "rm", "--force", first)
    for mode in (("--env", "docker"), ("--in-place",)):
        gone = docked.xt("rerun", repeated["id"], *mode)
        assert gone.code == 3, gone.err
        assert "is not here; " in gone.err and "is another one now" in gone.err


def test_what_did_not_start_is_told_from_what_ended_so(docked):
    for words, status in (
        (("sh", "-c", "exit 127"), ("failed", 127)),
        (("no-such-command",), ("not-started", 127)),
        (("/tmp",), ("not-started", 126)),
    ):
        done = docked.run("--docker", NAME, "--", *words)
        result = docked.record()["result"]
        assert (result["status"], done.code) == status, done.err
    done = docked.run("--docker", NAME, "--docker-opt", "--memory=1k", "--", "true")
    assert (done.code, docked.record()["result"]["status"]) == (125, "not-started")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--docker", "nowhere.example/x:1"), "`docker pull nowhere.example/x:1`; xt pulls none"),
        (("--docker", "Not/A:Name:"), "is not here"),
        (("--docker", "sha256:" + "a" * 64), "an id alone cannot be pulled"),
    ],
)
def test_an_image_that_is_not_here_starts_nothing(docked, words, said):
    done = docked.run(*words, "--", "touch", "made")
    assert done.code == 125 and said in done.err
    assert len(done.err.splitlines()) == 2
    assert not (docked.project.path / "made").exists()
    assert os.listdir(docked.project.path / ".xt" / "live") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--docker", ""), ""),
        (("--docker", "-x"), "no name of an image"),
        (("--docker", "a b"), "no name of an image"),
        (("--docker-opt", "--rm"), "without an image"),
        (("--docker", "x", "--docker-opt", "--name=y"), "`--name` is not for"),
        (("--docker", "x", "--docker-opt", "-d"), "`--detach` is not for"),
        (("--docker", "x", "--docker-opt", "-it"), "`--tty` is not for"),
        (("--docker", "x", "--docker-opt", "-w /"), "`-C DIR`"),
        (("--docker", "x", "--docker-opt", "--pull=always"), "xt pulls no image"),
        (("--docker", "x", "--docker-opt", "ubuntu"), "`ubuntu` is no option"),
        (("--docker", "x", "--docker-opt", "--"), "`--` is no option"),
        (("--docker", "x", "--docker-opt", "--nope x"), "is not known here"),
        (("--docker", "x", "--docker-opt", "--env"), "has no value"),
        (("--docker", "x", "--docker-opt", "'"), "no closing quotation"),
    ],
)
def test_options_that_make_no_sense(folder, words, said):
    done = folder.run(*words, "--", "true", env={"PATH": "/nowhere"})
    assert done.code == (2 if said else 127), done.err
    assert said in done.err


def test_without_docker_or_an_engine(folder, tmp_path):
    done = folder.run("--docker", "x", "--", "true", env={"PATH": "/nowhere"})
    assert done.code == 125 and "`docker` was not found" in done.err
    if not subprocess.run(["sh", "-c", "command -v docker"], capture_output=True).stdout:
        pytest.skip("docker is not installed")
    done = folder.run("--docker", "x", "--", "true", env={"DOCKER_HOST": f"unix://{tmp_path}/no"})
    assert done.code == 125 and "does not answer" in done.err and "DOCKER_HOST" in done.err


def test_declared_in_the_settings(docked):
    settings = f'[run]\ndocker = "{NAME}"\ndocker_options = ["--hostname=inside"]\n[task.out]\ndocker = ""\n'
    docked.project.write("xt.toml", settings)
    assert docked.run("--", "sh", "-c", "echo $HOSTNAME; ls /bin/busybox").out == b"inside\n/bin/busybox\n"
    assert docked.container()["declared"] == "xt.toml"
    docked.project.write("xt.toml", settings.replace("--hostname=inside", "--hostname=other"))
    stale = docked.xt("stale")
    assert stale.code == 1 and b"options of docker" in stale.out
    docked.project.write("xt.toml", settings.replace(NAME, "nowhere:1"))
    stale = docked.xt("stale")
    assert stale.code == 3 and b"`nowhere:1` is not here" in stale.out
    docked.project.write("xt.toml", settings)
    docked.run("--as", "out", "--", "true")
    assert "started_by" not in docked.container()
    docked.project.write("xt.toml", '[run]\ndocker = "x"\ndocker_options = ["--rm"]\n')
    done = docked.run("--", "true")
    assert done.code == 125 and "xt.toml:3: `--rm` is not for" in done.err


def test_a_secret_in_an_option_stays_outside_of_the_store(docked):
    secret = "correct-horse-battery"
    words = (
        "--docker",
        NAME,
        "--docker-opt",
        f"--env=API_TOKEN={secret}",
        "--",
        "sh",
        "-c",
        "echo $API_TOKEN",
    )
    done = docked.run(*words)
    assert done.out.decode() == f"{secret}\n"
    assert docked.container()["options"] == ["--env=API_TOKEN=***"]
    assert secret.encode() not in docked.project.stored_bytes()
    again = docked.xt("rerun", "@")
    assert again.code == 3 and "an option of docker holds a secret" in again.err


def test_ctrl_c_while_the_image_is_read_leaves_no_container(docked, tmp_path):
    # A `docker` that presses the key while the engine makes a container to look into.
    path = tmp_path / "bin" / "docker"
    path.parent.mkdir()
    real = shutil.which("docker")
    path.write_text(f'#!/bin/sh\n[ "$1" != create ] || kill -INT $PPID\nexec {real} "$@"\n')
    path.chmod(0o755)
    name = "xt-test:unseen"
    made = make(docked.address, name, {"etc/unseen": "1"})
    done = docked.run("--docker", name, "--", "true", env={"PATH": f"{path.parent}:{os.environ['PATH']}"})
    assert done.code in (130, -signal.SIGINT), done.err
    assert docker(docked.address, "ps", "-aq", "--filter", f"ancestor={made}") == ""


def test_ranks_are_one_run_with_a_container_each(docked):
    launch = {"TORCHELASTIC_RUN_ID": "1", "MASTER_ADDR": "here", "MASTER_PORT": "1", "WORLD_SIZE": "2"}
    script = 'echo "rank $RANK of $TORCHELASTIC_RUN_ID"; cat line >> $XT_METRICS; exit $RANK'
    docked.project.write("line", '{"name": "x", "value": 1}\n')
    words = ("--docker", NAME, "--", "sh", "-c", script)
    others: list[Ran] = []
    other = threading.Thread(target=lambda: others.append(docked.run(*words, env={**launch, "RANK": "1"})))
    other.start()
    done = docked.run(*words, env={**launch, "RANK": "0"})
    other.join()
    assert (done.code, done.out, others[0].code, others[0].out) == (0, b"rank 0 of 1\n", 1, b"rank 1 of 1\n")
    assert others[0].err == "", others[0].err
    record = docked.record()
    ranks = record["result"]["ranks"]
    assert [(rank["state"], rank["exit_code"]) for rank in ranks] == [("ended", 0), ("ended", 1)]
    assert ranks[0]["usage"]["user_s"] is ranks[1]["usage"]["user_s"] is None
    assert len(record["result"]["metrics"]) == 2
    assert docked.xt("logs", "@", "--rank", "1").out == b"rank 1 of 1\n"
    assert len(docked.xt("ls", "--json").out.splitlines()) == 1
    assert left(docked.address, record["id"]) == ""


def test_inputs_and_outputs_outside_of_the_project(docked, tmp_path):
    data = tmp_path / "data.txt"
    data.write_text("outside\n")
    out = tmp_path / "out"
    out.mkdir()
    script = f"cat {data}; echo x > {data} || echo kept; echo made > {out}/made"
    words = ("-i", str(data), "-o", str(out / "made"), "--docker", NAME, "--", "sh", "-c", script)
    done = docked.run(*words)
    assert done.out == b"outside\nkept\n", done.err
    assert data.read_text() == "outside\n" and (out / "made").read_text() == "made\n"
    assert docked.record()["result"]["outputs"][0]["status"] == "stored"


def test_a_project_that_would_hide_the_image(docked):
    done = docked.run(
        "--docker", NAME, "--", "true", cwd="/usr", env={"XT_STORE": str(docked.project.path / "s")}
    )
    assert done.code == 125 and "`/usr` cannot be mounted" in done.err


def test_what_cannot_be_recorded_runs_in_the_container_all_the_same(docked):
    (docked.project.path / ".xt").write_text("no folder")
    done = docked.run("--docker", NAME, "--", "sh", "-c", "echo $0; ls /bin/busybox; exit 5")
    assert done.code == 5 and b"/bin/busybox" in done.out and "not recorded" in done.err


def start(docked, *words, address=None, **options):
    environ = {**os.environ, "PYTHONPATH": SOURCE, "DOCKER_HOST": address or docked.address}
    command = [sys.executable, "-m", "xt", "run", *words]
    return subprocess.Popen(command, cwd=docked.project.path, env=environ, **options)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_command_and_nothing_is_left(docked, number):
    process = start(
        *(docked, "--docker", NAME, "--", "sh", "-c", "echo > here; exec sleep 60"),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    until((docked.project.path / "here").exists)
    process.send_signal(number)
    process.communicate(timeout=60)
    ended = 128 + number if number != signal.SIGINT else -number
    assert process.returncode == ended
    record = docked.record()
    assert record["result"]["status"] == "interrupted"
    assert left(docked.address, record["id"]) == ""


def test_at_a_terminal(docked):
    environ = {**os.environ, "PYTHONPATH": SOURCE, "DOCKER_HOST": docked.address, "TERM": "xterm"}
    command = [sys.executable, "-m", "xt", "run", "--docker", NAME, "--"]
    command += ["sh", "-c", "tty; read line; echo got $line; exec sleep 60"]
    with Pty(command, env=environ, cwd=docked.project.path) as pty:
        pty.expect(rb"/dev/(pts/\d+|console)")
        pty.send(b"word\r")
        pty.expect(rb"got word")
        pty.send(b"\x03")
        # As outside: a shell that loops over runs stops.
        assert pty.wait() == -signal.SIGINT
        assert pty.modes() == pty.initial
    result = docked.record()["result"]
    assert (result["status"], result["signal"]) == ("interrupted", signal.SIGINT)
    assert "one terminal" in docked.container()["adjusted"][0]


def test_docker_s_own_command_is_read(docked):
    words = ("docker", "run", "--rm", "--network=none", "-e", "A=1", NAME, "echo", "--lr", "0.1")
    done = docked.run("--", *words)
    assert done.out == b"--lr 0.1\n", done.err
    found = docked.container()
    assert (found["started_by"], found["image"]) == ("command", NAME)
    name = found["found"]["id"]
    assert name.startswith("sha256:") and "installed" not in found["found"]
    snapshot = docked.record()["snapshot"]
    assert [(param["name"], param["value"]) for param in snapshot["params"]] == [("lr", 0.1)]
    assert snapshot["recipe_doubt"] is None
    # That of the `docker` command itself would say nothing of what it started.
    usage = docked.record()["result"]["usage"]
    assert usage["user_s"] is usage["peak_memory_bytes"] is None and "not measured" in usage["reason"]
    assert "in docker" in docked.xt("show").out.decode()
    again = docked.xt("rerun", "@", "--env", "docker")
    assert (again.code, again.out) == (0, done.out), again.err
    assert docked.container()["found"]["id"] == name
    assert docked.record()["snapshot"]["recipe"] == snapshot["recipe"]


def test_an_image_that_cannot_be_known_is_unknown_with_its_reason(docked):
    for words, reason in (
        (("docker", "exec", "gone", "true"), "made before"),
        (("docker", "run", "--nope", NAME), "`--nope` is not known here"),
        (("env", "docker", "run", "nowhere:1"), "behind `env`"),
        (("docker", "run", "--rm", "nowhere:1"), "was not here before the start"),
    ):
        assert docked.run("--", *words).code != 0
        assert reason in docked.container()["reason"]
    assert "the image it runs in is not known" in docked.record()["snapshot"]["recipe_doubt"]
    assert "not known" in docked.xt("show").out.decode()
    gone = docked.xt("rerun", "@", "--env", "docker")
    assert gone.code == 3 and "image is not known" in gone.err
    docked.run("--", "docker", "--version")
    assert "started_by" not in docked.container()


def test_a_record_chooses_no_program_to_be_asked(folder, tmp_path):
    """Looking whether something is stale runs nothing of what was recorded."""
    canary = tmp_path / "canary"
    program = folder.write("docker", f"#!/bin/sh\necho > {canary}\n")
    program.chmod(0o755)
    assert folder.run("--", "./docker", "run", "img").code == 0
    assert canary.exists()
    canary.unlink()
    stale = folder.xt("stale")
    assert stale.code == 3 and b"is not asked" in stale.out
    assert not canary.exists()


def test_nothing_is_left_when_nobody_reads(docked):
    process = start(
        *(docked, "-q", "--docker", NAME, "--", "sh", "-c", "while true; do echo y; done"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout.readline() == b"y\n"
    process.stdout.close()
    assert process.wait(60) != 0
    assert left(docked.address, docked.record()["id"]) == ""


class Between(threading.Thread):
    """Stands between docker and its engine, until it is gone."""

    def __init__(self, folder, address):
        super().__init__(daemon=True)
        self.engine = address.removeprefix("unix://")
        self.address = f"unix://{folder}/b"
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(f"{folder}/b")
        self.socket.listen()
        self.open = []

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                near = self.socket.accept()[0]
                far = socket.socket(socket.AF_UNIX)
                far.connect(self.engine)
                self.open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    def carry(self, one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def gone(self):
        for connection in (self.socket, *self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


def test_an_engine_that_goes_away_midway(docked):
    with tempfile.TemporaryDirectory(prefix="xt-") as folder:
        between = Between(folder, docked.address)
        between.start()
        words = (docked, "--docker", NAME, "--", "sh", "-c", "echo > here; exec sleep 60")
        process = start(*words, address=between.address, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        until((docked.project.path / "here").exists)
        between.gone()
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 125 and b"how it ended in its container is not known" in said
    record = docked.record()
    assert record["result"]["status"] == "failed"
    docker(docked.address, "rm", "--force", f"xt-{record['id']}")


def test_podman_s_image_is_known_by_its_id(project, tmp_path):
    if not shutil.which("podman"):
        pytest.skip("podman is not installed")
    archive = tmp_path / "image.tar"
    pack(archive, {})
    made = subprocess.run(
        ["podman", "import", archive, "localhost/xt-test:1"], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"podman does not work here: {made.stderr.splitlines()[-1:]}")
    project.run("--", "podman", "run", "--rm", "--network=none", "localhost/xt-test:1", "true")
    found = project.record()["snapshot"]["environment"]["container"]
    assert (found["engine"], found["image"]) == ("podman", "localhost/xt-test:1")
    assert found["found"]["id"] == made.stdout.strip().splitlines()[-1]


def test_the_page_is_true_where_there_is_an_engine(docker_engine, tmp_path):
    text = (ROOT / "docs/how-to/containers.md").read_text()
    make(docker_engine, "tools:1", PAGE)
    newer = {name.replace("2.4.5", "2.4.6"): data.replace("2.4.5", "2.4.6") for name, data in PAGE.items()}
    make(docker_engine, "tools:2", newer)
    steps = pages.steps(text.replace("```text", "```console"))
    folder = tmp_path / "here"
    folder.mkdir()
    world = {**pages.world(tmp_path), "DOCKER_HOST": docker_engine}
    shown = pages.play([step.command for step in steps], folder, world)
    found = pages.differences(steps, shown)
    assert not found, "\n\n".join(found)


def test_xt_in_a_container_says_what_it_can_see(docked, tmp_path):
    """The interpreter and its libraries are mounted into the container, and xt runs there."""
    out = tmp_path / "inside"
    out.mkdir()
    places = [sys.base_prefix, sys.prefix, SOURCE, "/lib", "/lib64", "/usr", *sys.path]
    places = [path for path in places if os.path.isabs(path) and os.path.isdir(path)]
    mounts = [f"--volume={path}:{path}:ro" for path in dict.fromkeys(map(os.path.abspath, places))]
    words = ["run", "--rm", "--network=none", *mounts, f"--volume={out}:{out}", f"--workdir={out}"]
    words += ["--env", f"PYTHONPATH={os.pathsep.join([SOURCE, *sys.path])}", "--env", "HOME=/tmp"]

    def inside(*options):
        xt = (NAME, sys.executable, "-m", "xt")
        docker(docked.address, *words, *options, *xt, "run", "-q", "--", "/bin/true")
        return newest(out)["snapshot"]["environment"]["container"]

    seen = inside()
    assert (seen["inside"], seen["engine"], seen["image"]) == (True, "docker", None)
    assert len(seen["id"]) == 64
    assert "set `XT_IMAGE`" in seen["reason"]
    told = inside("--env", f"XT_IMAGE={NAME}")
    assert (told["image"], told["reason"]) == (NAME, None)
