"""Surroundings that are hardly ever met: the command runs, and the record says what it does not know."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest

from tests.conftest import SOURCE, Project

#: Starts a program with variables that no mapping can hold.
RAW = """
import ctypes, os, sys
words = [os.fsencode(word) for word in sys.argv[1:]]
given = [b"PATH=" + os.environb[b"PATH"], b"PYTHONPATH=" + os.environb[b"PYTHONPATH"], b"LC_ALL=C.UTF-8"]
given += [b"=nameless", b"no sign", b"TWICE=first", b"TWICE=second"]
array = lambda items: (ctypes.c_char_p * (len(items) + 1))(*items, None)
ctypes.CDLL(None).execve(words[0], array(words), array(given))
"""


def test_variables_without_a_name_or_twice(project):
    project.write("new.py", "not committed\n")
    words = project.command("run", "--", "/bin/cat", "/proc/self/environ")
    done = subprocess.run(
        [sys.executable, "-c", RAW, *words],
        cwd=project.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert b"bug" not in done.stderr
    given = done.stdout.split(b"\0")
    assert [item for item in given if item.startswith(b"TWICE")] == [b"TWICE=first"]
    assert b"=nameless" not in given
    assert project.record()["snapshot"]["code"]["changed"] == [{"path": "new.py", "change": "untracked"}]


@pytest.mark.skipif(sys.platform != "linux", reason="a file that cannot be read, of `/proc`")
def test_a_disk_that_gives_an_error(project):
    """Nothing is mapped at the beginning of the memory of a process: reading there is an error of input."""
    bad = "/proc/self/mem"
    done = project.run(
        "-i", bad, "-i", "train.py", "-o", bad, "-o", "o", "--", "sh", "-c", "echo > o; exit 5"
    )
    assert done.code == 5
    assert done.err.count("EIO") == 2
    record = project.record()
    inputs = {item["path"]: item["status"] for item in record["snapshot"]["inputs"]}
    assert inputs == {bad: "unverified", "train.py": "verified"}
    assert [item["status"] for item in record["result"]["outputs"]] == ["skipped", "stored"]


@pytest.fixture
def mortal(project):
    """What makes root obey permissions, in front of a command."""
    if os.geteuid() != 0:
        return []
    powers = "-dac_override,-dac_read_search"
    words = ["setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}"]
    if shutil.which("setpriv") is None or subprocess.run([*words, "true"]).returncode:
        pytest.skip("root cannot give up its powers here")
    return words


def test_a_folder_above_that_may_not_be_listed(project, mortal):
    above = project.path.parent
    os.chmod(above, 0o311)
    try:
        done = subprocess.run(
            [*mortal, *project.command("run", "-q", "-o", "o", "--", "sh", "-c", "ls ..; echo > o; exit 3")],
            cwd=project.path,
            env={**os.environ, "PYTHONPATH": SOURCE},
            capture_output=True,
        )
    finally:
        os.chmod(above, 0o755)
    assert done.returncode == 3
    assert b"Permission denied" in done.stderr, "the folder above can be listed after all"
    record = project.record()
    assert record["snapshot"]["code"]["status"] == "recorded"
    assert record["result"]["outputs"][0]["status"] == "stored"


def test_a_folder_above_that_may_not_be_searched(project, mortal):
    """Nothing can be named by its path there, settings neither; the command is where it is all the same."""
    inner = project.path / "inner"
    inner.mkdir()
    entered = ["sh", "-c", 'cd "$0" && chmod 0 .. && exec "$@"', inner, *mortal]
    for words, status in ((["run"], 3), (["run", "--strict"], 125)):
        try:
            done = subprocess.run(
                [*entered, *project.command(*words, "--", "sh", "-c", "exit 3")],
                cwd=project.path,
                env={**os.environ, "PYTHONPATH": SOURCE},
                capture_output=True,
            )
        finally:
            project.path.chmod(0o755)
        assert done.returncode == status, done.stderr
        assert b"Permission denied" in done.stderr
        assert (b"this run is not recorded" in done.stderr) == (status == 3)


def test_a_working_directory_whose_path_is_too_long(folder):
    """No absolute path can name what is in it; relative ones can, so the command has no trouble."""
    script = 'for _ in $(seq 20); do mkdir $0 && cd $0; done; exec "$@"'
    words = folder.command("run", "--", "sh", "-c", "echo > o; ls; exit 3")
    done = subprocess.run(
        ["bash", "-c", script, "d" * 240, *words],
        cwd=folder.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
    )
    assert (done.returncode, done.stdout) == (3, b"o\n")
    assert b"not recorded: File name too long" in done.stderr


@pytest.mark.parametrize("how", ["cd ..; mv project elsewhere", "cd ..; rm -rf project"])
def test_a_project_that_goes_away_meanwhile(project, how):
    project.run("-q", "--", "true")
    done = project.run("-o", "o", "--", "sh", "-c", f"echo out; echo made > o; {how}; exit 3")
    assert (done.code, done.out) == (3, b"out\n")
    why = f"the store was moved or removed while the command ran: {project.path}/.xt"
    assert done.err == f"xt: warning: this run is not recorded: {why}\n"
    assert not (project.path / ".xt" / "runs").exists(), "nobody would look there"
    if "elsewhere" in how:
        moved = Project(project.path.with_name("elsewhere"))
        assert [run["status"] for run in json.loads(moved.xt("ls", "--json").out)] == ["lost", "ok"]
    else:
        project.path.mkdir(exist_ok=True)
        assert project.run("-q", "--", "true").code == 0
        assert len(json.loads(project.xt("ls", "--json").out)) == 1


def test_a_umask_that_takes_what_is_written_from_its_owner(project, mortal):
    words = project.command("run", "--", "sh", "-c", "umask; exit 3")
    done = subprocess.run(
        [*mortal, "sh", "-c", 'umask 377; exec "$@"', "sh", *words],
        cwd=project.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
    )
    assert (done.returncode, done.stdout) == (3, b"0377\n")
    assert b"not recorded: with the umask 377" in done.stderr
    assert not (project.path / ".xt").exists(), "a store that nobody can use"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_code_that_git_does_not_trust_is_named_where_it_is_required(project):
    project.sh("chown -R 65534 .")
    project.write("xt.toml", '[evidence]\nrequired = ["code"]\n')
    done = project.run("--", "sh", "-c", "exit 3")
    assert done.code == 3
    assert "safe.directory" in done.err
    strict = project.run("--strict", "--", "touch", "started")
    assert strict.code == 125
    assert "code: detected dubious ownership" in strict.err
    assert not (project.path / "started").exists()


@pytest.mark.parametrize("streams", ["", "<&- >&- 2>&-"])
def test_a_root_without_devices(project, streams):
    """A folder that was made the root, or a container of nothing but a program."""
    bare = ["unshare", "-m", "sh", "-c", f'mount -t tmpfs none /dev && exec "$@" {streams}', "sh"]
    if shutil.which("unshare") is None or subprocess.run([*bare, "true"], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    done = subprocess.run(
        [*bare, *project.command("run", "--", "sh", "-c", "touch ran; echo out; exit 3")],
        cwd=project.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
    )
    assert done.returncode == 3
    assert (project.path / "ran").exists()
    if not streams:
        assert done.stdout == b"out\n"
        assert done.stderr.decode().startswith("xt: warning: this run is not recorded: No such file")


def test_a_user_without_a_name_or_a_home(project):
    """As in a container that is started with a number for a user."""
    other = ["unshare", "--user", "--map-user=12345", "--map-group=12345", "env", "-u", "HOME"]
    if subprocess.run([*other, "true"], capture_output=True).returncode:
        pytest.skip("no new namespaces may be made here")
    for words in (["run", "-o", "o", "--", "sh", "-c", "id -u; echo > o; exit 3"], ["rerun", "@"]):
        done = subprocess.run(
            [*other, *project.command(*words)],
            cwd=project.path,
            env={**os.environ, "PYTHONPATH": SOURCE},
            capture_output=True,
        )
        assert (done.returncode, done.stdout) == (3, b"12345\n"), done.stderr
    assert "uid 12345" in project.record()["snapshot"]["context"]["user"]


@pytest.fixture
def plain_files(tmp_path):
    """A file system in the place of a project that has neither modes nor hard links."""
    rclone, unmount = shutil.which("rclone"), shutil.which("fusermount") or shutil.which("fusermount3")
    if rclone is None or unmount is None or not os.path.exists("/dev/fuse"):
        pytest.skip("rclone or FUSE is not installed")
    source, place = tmp_path / "source", tmp_path / "place"
    source.mkdir()
    place.mkdir()
    words = [rclone, "mount", "--config=", "--vfs-cache-mode=writes", f"--cache-dir={tmp_path / 'cache'}"]
    with subprocess.Popen([*words, str(source), str(place)], stderr=subprocess.PIPE) as server:
        while not os.path.ismount(place):
            if server.poll() is not None:
                pytest.skip(f"nothing can be mounted here: {server.stderr.read()!r}")
            time.sleep(0.02)
        yield Project(place)
        subprocess.run([unmount, "-uz", str(place)], check=True)
        server.terminate()


def test_a_file_system_without_modes_and_hard_links(plain_files):
    plain_files.write("a.py", "print(1)\n").chmod(0o600)
    assert plain_files.path.joinpath("a.py").stat().st_mode & 0o777 != 0o600
    with pytest.raises(OSError):
        os.link(plain_files.path / "a.py", plain_files.path / "b.py")
    done = plain_files.run("-o", "o", "--", "sh", "-c", "echo out; echo made > o; exit 3")
    assert (done.code, done.out) == (3, b"out\n")
    assert "warning" not in done.err
    again = plain_files.xt("rerun", "@")
    assert (again.code, again.out) == (3, b"out\n")
    assert "repeats" in again.err
    assert plain_files.record()["result"]["outputs"][0]["status"] == "stored"


def test_modules_of_the_project_with_names_of_the_library(project):
    """What xt loads is not looked for where the command is to look."""
    names = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    # Not those of other systems, which are tried and missed: they would be found there by any program.
    others = {name for name in sys.stdlib_module_names if find_spec(name)} | {"msgspec", "blake3", "typer"}
    for name in others - set(names.stdout.split()):
        project.write(f"src/{name}.py", "raise SystemExit('not the one that was meant')\n")
    project.sh("git add -A; git commit -qm modules")
    env = {**os.environ, "PYTHONPATH": f"{project.path / 'src'}{os.pathsep}{SOURCE}"}
    # As the script that is installed does; `-m` would look for modules before xt is there.
    script = [sys.executable, "-P", "-c", "from xt.cli.main import main; main()"]
    for words, code in ((["run", "--", "sh", "-c", "echo $PYTHONPATH; exit 3"], 3), (["show"], 0)):
        done = subprocess.run([*script, *words], cwd=project.path, env=env, capture_output=True, text=True)
        assert (done.returncode, "meant" in done.stderr) == (code, False), done.stderr
        assert (done.stdout == f"{env['PYTHONPATH']}\n") == (code == 3)


@pytest.fixture
def small_disk(tmp_path):
    """A project on a file system of 3 MB."""
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "xt-test", place]).returncode:
        pytest.skip("no file system can be mounted here")
    yield Project(place)
    subprocess.run(["umount", place], check=True)


def test_a_disk_without_room_for_a_repeat(small_disk):
    small_disk.path.joinpath("data").write_bytes(os.urandom(500_000))
    small_disk.sh("git init -q && git add -A && git commit -qm first")
    assert small_disk.run("-q", "-o", "o", "--", "cp", "data", "o").code == 0
    small_disk.path.joinpath("o").unlink()
    used = os.statvfs(small_disk.path).f_bavail * 4096
    small_disk.path.joinpath("fill").write_bytes(b"x" * (used - 200_000))
    again = small_disk.xt("rerun", "@")
    assert again.code == 3
    assert "is there room left" in again.err
    assert [name for name in os.listdir(small_disk.path / ".xt/work") if not name.endswith(".lock")] == []
    back = small_disk.xt("restore", "@", "--only", "outputs")
    assert back.code == 1
    assert b"No space left" in back.out
    assert not (small_disk.path / "o").exists(), "half a file"
