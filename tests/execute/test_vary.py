"""Variations and pins on real programs: what should change an output does, and what should hold it holds."""

from __future__ import annotations

import glob
import http.server
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests import programs
from tests.conftest import SOURCE
from tests.programs import PROGRAMS, Program
from xt.execute.vary import PINS, VARIATIONS, Around, ImpossibleError

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="namespaces and the shim: Linux only"
)

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="cc is not installed")

DRIVER = str(Path(__file__).parent / "surrounded.py")
DIFFER = [program for program in PROGRAMS if program.level == "divergent" and program.changes is None]
#: One for each pin; that the others are held too is what their diagnosis shows (`tests/test_programs.py`).
HELD = list({program.held_by: program for program in DIFFER}.values())
AGREE = [program for program in PROGRAMS if program.level == "identical"]


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def locales(tmp_path_factory):
    """A folder with an Estonian locale, in which z sorts before t; None where it cannot be made."""
    folder = tmp_path_factory.mktemp("locales")
    command = ["localedef", "-i", "et_EE", "-f", "UTF-8", str(folder / "et_EE.UTF-8")]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return str(folder)


@pytest.fixture
def url():
    """A server that answers something else each time."""
    numbers = itertools.count()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"price %d\n" % next(numbers))

        def log_message(self, *words):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class Lab:
    """One program made ready, to be run with something in force."""

    def __init__(self, program: Program, project: Path, cache: str, locales: str | None, url: str) -> None:
        project.mkdir()
        programs.prepare(program, project)
        self.program, self.project, self.cache = program, project, cache
        self.argv = [word.replace("{url}", url) for word in program.command]
        self.environ = {**program.environ, **({"LOCPATH": locales} if locales else {})}

    def trials(self, table: str, *trials: list[str], prefix: tuple[str, ...] = (), **more: int) -> list:
        wanted = {
            "table": table,
            "trials": trials,
            "project": str(self.project),
            "cache": self.cache,
            "argv": self.argv,
            "output": self.program.output,
            "environ": self.environ,
            **more,
        }
        done = subprocess.run(
            [*prefix, sys.executable, DRIVER, json.dumps(wanted)],
            env={**os.environ, "PYTHONPATH": SOURCE},
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def __call__(self, table: str, *names: str) -> dict:
        return self.trials(table, list(names))[0]


@pytest.fixture
def lab(request, tmp_path, cache, url):
    program = request.param
    reason = programs.missing(program)
    locales = request.getfixturevalue("locales") if "locale" in program.needs else None
    if reason is None and "locale" in program.needs and locales is None:
        reason = "localedef and its sources are not installed: no locale with an order of its own"
    if reason:
        pytest.skip(reason)
    return Lab(program, tmp_path / "project", cache, locales, url)


def allowed(done: dict) -> dict:
    """What was run; skips where the kernel lets nobody do it."""
    if done["impossible"]:
        pytest.skip(str(done["impossible"]))
    assert done["code"] == 0 and done["output"] is not None
    return done


@pytest.mark.parametrize("lab", HELD, indirect=True, ids=lambda program: program.name)
def test_a_pin_of_the_source_makes_repeats_agree_and_none_before_it_does(lab):
    """As a diagnosis goes: through the pins in order, to the first with which two runs agree."""
    names = [row.name for row in PINS]
    names = names[: names.index(lab.program.held_by) + 1]
    plain, *held = lab.trials("pins", [], *([name] for name in names), times=3)
    assert len({done["output"] for done in plain}) > 1, "it does not differ by itself"
    agree = [name for name, done in zip(names, held, strict=True) if _agree(done)]
    if impossible := held[-1][0]["impossible"]:
        pytest.skip(str(impossible))
    assert agree == [lab.program.held_by]
    assert held[-1][0]["code"] == 0 and held[-1][0]["output"]


def _agree(done: list[dict]) -> bool:
    """Whether what was run under a pin came out the same, if it could be run."""
    return not done[0]["impossible"] and len({each["output"] for each in done}) == 1


@pytest.mark.parametrize("lab", AGREE, indirect=True, ids=lambda program: program.name)
def test_what_repeats_is_changed_by_its_variations_alone(lab):
    """Each of its own changes it, and all others at once do not; a few that have none are tried with each."""
    own = list(lab.program.vary)
    others = [row.name for row in VARIATIONS if row.name not in own]
    at_once = own or lab.program.needs  # what needs a library takes a tenth of a second to start
    wanted = [*([name] for name in own), others] if at_once else [[name] for name in others]
    first, second, *varied = lab.trials("variations", [], [], *wanted)
    assert first == second and first["output"]
    changed = set()
    for names, done in zip(wanted, varied, strict=True):
        if done["impossible"] and names != others:
            if names[0] in own:
                pytest.skip(str(done["impossible"]))
            continue
        assert done["code"] == 0
        if done["output"] != first["output"]:
            changed.update(names)
    assert changed == set(own)


@pytest.mark.parametrize(
    "lab", [program for program in AGREE if not program.vary], indirect=True, ids=lambda program: program.name
)
def test_all_variations_and_all_pins_together_leave_a_deterministic_program(lab):
    plain = lab("variations")["output"]
    for table in (VARIATIONS, PINS):
        done = lab(f"{table.family}s", *(row.name for row in table))
        assert (done["code"], done["output"]) == (0, plain), done


class Shell(Lab):
    """A line of shell, whose standard output is the output."""

    def __init__(self, project: Path, cache: str, line: str, python: bool = False) -> None:
        project.mkdir(exist_ok=True)
        for name in ("one", "two", "three"):
            (project / name).write_text(name)
        (project / "sub").mkdir(exist_ok=True)
        self.program = Program("line", [], "out", "identical")
        self.project, self.cache, self.environ = project, cache, {}
        if python:
            (project / "line.py").write_text(line)
            line = f"'{sys.executable}' line.py"
        self.argv = ["sh", "-c", f"{{ {line}\n}} >out 2>&1"]

    def text(self, table: str, *names: str) -> str:
        return bytes.fromhex(allowed(self(table, *names))["output"]).decode()


@pytest.fixture
def shell(tmp_path, cache):
    def make(line: str, python: bool = False) -> Shell:
        return Shell(tmp_path / "project", cache, line, python)

    return make


def test_variables_are_set(shell):
    said = shell("env").text("variations", "hashseed", "threads", "environment", "gpu", "memory", "timezone")
    lines = dict(line.partition("=")[::2] for line in said.splitlines())
    assert lines["PYTHONHASHSEED"] == "1"
    assert lines["OMP_NUM_THREADS"] == lines["RAYON_NUM_THREADS"] != str(len(os.sched_getaffinity(0)))
    assert len(lines["UNUSED_PADDING"]) == 5000
    assert lines["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert lines["MALLOC_PERTURB_"] == "90"
    assert lines["TZ"].endswith("GMT-14")


def test_what_is_recorded_is_not_the_variation():
    """Each gives something else than what the run had, were it the value it would give first."""
    for name, variable in [
        ("hashseed", "PYTHONHASHSEED"),
        ("threads", "OMP_NUM_THREADS"),
        ("timezone", "TZ"),
    ]:
        first = Around({}, "/nowhere")
        VARIATIONS.get(name)(first)
        second = Around(dict(first.environ), "/nowhere")
        VARIATIONS.get(name)(second)
        assert second.environ[variable] != first.environ[variable]
    flags = Around({}, "/nowhere")
    VARIATIONS.get("gpu")(flags)
    VARIATIONS.get("gpu")(flags)
    assert "CUBLAS_WORKSPACE_CONFIG" not in flags.environ
    for old in (0o022, 0o027, 0o077):
        around = Around({}, "/nowhere")
        around.umask = old
        VARIATIONS.get("umask")(around)
        assert around.umask != old


def test_the_reference_names_them_all_in_order():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "variations.md").read_text()
    tables = [
        [line.split("`")[1] for line in part.splitlines() if line.startswith("| `")]
        for part in page.split("## ")
    ]
    assert [row.name for row in VARIATIONS] in tables
    assert [row.name for row in PINS] in tables


def test_a_variation_that_cannot_be_done_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    for name in ("hostname", "network", "addresses", "fileorder", "clock"):
        with pytest.raises(ImpossibleError, match="only on Linux"):
            VARIATIONS.get(name)(Around({}, str(tmp_path)))
    for name in ("seed", "clock", "pid", "path"):
        with pytest.raises(ImpossibleError, match="only on Linux"):
            PINS.get(name)(Around({}, str(tmp_path)))


def test_without_a_compiler_it_is_said(tmp_path):
    with pytest.raises(ImpossibleError, match="no C compiler"):
        PINS.get("seed")(Around({"PATH": str(tmp_path)}, str(tmp_path)))
    (tmp_path / "cc").write_text("#!/bin/sh\necho 'shim.c:1: error: no headers' >&2\nexit 1\n")
    (tmp_path / "cc").chmod(0o755)
    with pytest.raises(ImpossibleError, match="error: no headers"):
        PINS.get("seed")(Around({"PATH": f"{tmp_path}:{os.defpath}"}, str(tmp_path)))
    assert not [path for path in tmp_path.iterdir() if path.name != "cc"]


@needs_compiler
def test_the_shim_is_compiled_once_and_found_through_awkward_paths(tmp_path):
    awkward = tmp_path / "a b:c"
    awkward.mkdir()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    path = os.environ["PATH"]
    first = Around({"PATH": path, "LD_PRELOAD": "/lib/there.so"}, str(scratch), str(awkward))
    PINS.get("seed")(first)
    PINS.get("fileorder")(first)
    (built,) = awkward.iterdir()
    before = built.stat()
    second = Around({"PATH": path}, str(scratch), str(awkward))
    PINS.get("seed")(second)
    assert built.stat() == before
    assert first.added["LD_PRELOAD"] == f"/lib/there.so:{scratch / built.name}"
    assert os.path.samefile(scratch / built.name, built)
    assert "LD_PRELOAD" not in first.environ.keys() - {"LD_PRELOAD"}
    with pytest.raises(ImpossibleError, match="space or colon"):
        PINS.get("seed")(Around({"PATH": path}, str(awkward), str(awkward)))


@pytest.mark.parametrize(
    "command", ["ls -U", "find . -mindepth 1", 'python3 -c "import os; print(*os.listdir(), sep=chr(10))"']
)
def test_folders_are_listed_in_the_order_asked_for(shell, command):
    run = shell(command.replace("python3", sys.executable))
    plain = run.text("pins").split()
    assert run.text("variations", "fileorder").split() == plain[::-1]
    assert run.text("pins", "fileorder").split() == sorted(plain)
    assert {"one", "two", "three", "sub"} <= {Path(name).name for name in plain}


LISTING = r"""
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
int main(void) {
    DIR *d = opendir("."); struct dirent *e; struct dirent64 *e64;
    e = readdir(d); long second = telldir(d);
    char name[256]; e = readdir(d); snprintf(name, 256, "%s", e->d_name);
    seekdir(d, second); e = readdir(d); printf("%d ", !__builtin_strcmp(name, e->d_name));
    rewinddir(d); int n = 0, m = 0;
    while (readdir(d)) n++;
    rewinddir(d); while ((e64 = readdir64(d))) m++;
    closedir(d);
    struct dirent **names; int k = scandir(".", &names, NULL, alphasort);
    printf("%d %d %s %s", n == m, n == k, names[0]->d_name, names[1]->d_name);
}
"""


@needs_compiler
def test_a_folder_can_be_read_again_and_anywhere_in_it(shell):
    run = shell("./listing")
    (run.project / "listing.c").write_text(LISTING)
    subprocess.run(["cc", "-o", "listing", "listing.c"], cwd=run.project, check=True)
    for names in (["variations"], ["variations", "fileorder"], ["pins", "fileorder"]):
        assert run.text(*names) == "1 1 1 . .."


WAITING = """
import asyncio, threading, time, subprocess, select
begin = time.time(), time.monotonic()
time.sleep(0.02)
print(threading.Event().wait(0.02), threading.Lock().acquire(timeout=0.02))
print(select.select([], [], [], 0.02))
asyncio.run(asyncio.sleep(0.02))
try:
    subprocess.run(["sleep", "20"], timeout=0.05)
except subprocess.TimeoutExpired:
    print("timed out")
until = time.time() + 0.5
while time.time() < until:
    pass
condition = threading.Condition()
done = []
def later():
    time.sleep(0.05)
    with condition:
        done.append(1)
        condition.notify()
threading.Thread(target=later).start()
with condition:
    print(condition.wait_for(lambda: bool(done), timeout=30))
print(time.time() - begin[0] < 20)
"""


def test_a_counted_clock_does_not_hang_what_waits(shell):
    run = shell(WAITING, python=True)
    plain = run.text("pins")
    assert plain == "False True\n([], [], [])\ntimed out\nTrue\nTrue\n"
    assert run.text("pins", "clock") == plain
    assert run.text("variations", "clock") == plain


def test_a_counted_clock_begins_when_the_run_did_and_goes_on_by_what_is_slept(shell):
    line = "import time; a = time.time(); time.sleep(0.5); print(int(a), round(time.time() - a, 3))"
    assert shell(line, python=True).text("pins", "clock") == "1700000000 0.5\n"


def test_another_date(shell):
    run = shell("date +%s")
    assert 400 * 86400 <= int(run.text("variations", "clock")) - time.time() < 401 * 86400


def test_libfaketime_serves_where_there_is_no_compiler_unless_it_breaks_sleeping(tmp_path, monkeypatch):
    from xt.execute.vary import preloads

    around = Around({"PATH": str(tmp_path)}, str(tmp_path))
    if (found := next((path for pattern in preloads.FAKETIME for path in glob.glob(pattern)), None)) is None:
        pytest.skip("libfaketime is not installed")
    settings = {"FAKETIME": "+34578000", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
    sleep = [sys.executable, "-c", "import time; time.sleep(0.001)"]
    if subprocess.run(sleep, env={"LD_PRELOAD": found, **settings}, capture_output=True).returncode:
        with pytest.raises(ImpossibleError, match="breaks programs that sleep"):
            VARIATIONS.get("clock")(around)
        monkeypatch.setattr(preloads, "_can_sleep", lambda *_: True)
    assert VARIATIONS.get("clock")(around) == "400 days later (libfaketime)"
    said = subprocess.run(
        ["date", "+%s"], env={**os.environ, **around.added}, capture_output=True, check=True
    )
    assert 400 * 86400 <= int(said.stdout) - time.time() < 401 * 86400
    monkeypatch.setattr(preloads, "FAKETIME", ())
    with pytest.raises(ImpossibleError, match=r"no C compiler is installed .*, and no libfaketime is"):
        VARIATIONS.get("clock")(Around({"PATH": str(tmp_path)}, str(tmp_path)))


def test_entropy_is_held_wherever_it_is_taken_from(shell):
    run = shell(
        "import os, random, secrets, uuid, tempfile\n"
        "print(os.urandom(4), secrets.token_hex(4), uuid.uuid4(), random.random(), tempfile.mktemp())\n"
        "for name in ('/dev/urandom', '/dev/random'):\n"
        "    with open(name, 'rb') as file: print(file.read(5))\n",
        python=True,
    )
    assert run.text("pins") != run.text("pins")
    assert run.text("pins", "seed") == run.text("pins", "seed")


@pytest.mark.skipif(shutil.which("c++") is None, reason="c++ is not installed")
def test_entropy_of_cpp_is_held_too_and_left_alone_by_other_settings(shell):
    run = shell("./chance")
    (run.project / "chance.cc").write_text(
        '#include <random>\n#include <cstdio>\nint main() { std::random_device d; std::printf("%u", d()); }\n'
    )
    subprocess.run(["c++", "-o", "chance", "chance.cc"], cwd=run.project, check=True)
    assert run.text("pins", "seed") == run.text("pins", "seed")
    assert len({run.text("pins"), run.text("pins", "fileorder"), run.text("pins", "fileorder")}) == 3


def test_the_machine_is_another_to_the_command_alone(shell):
    here = os.uname().nodename
    assert shell("uname -n").text("variations", "hostname") == "another-host\n"
    assert os.uname().nodename == here


def test_without_network_the_loopback_is_there(shell):
    run = shell(
        "import socket\n"
        "names = [name for _, name in socket.if_nameindex()]\n"
        "print('lo' in names, [name for name in names if name.startswith(('eth', 'en', 'wl'))])\n"
        "with socket.create_server(('127.0.0.1', 0)) as server: \n"
        "    socket.create_connection(server.getsockname()).close(); print('reached')\n"
        "try: socket.create_connection(('192.0.2.1', 9), timeout=5)\n"
        "except OSError as error: print(error.strerror)\n",
        python=True,
    )
    assert run.text("variations", "network") == "True []\nreached\nNetwork is unreachable\n"


def test_the_command_is_process_1_and_what_comes_after_it_is_not(shell):
    run = shell("echo $$; sh -c 'echo $$'")
    assert run.text("pins", "pid") == "1\n2\n"
    # The next process of the same parent is among all others again: `start` goes back.
    script = (
        "import os\nfrom xt.execute.spawn import start\nfrom xt.execute.namespaces import own_pids\n"
        "for own in (True, False, True):\n"
        "    pid = start(['sh', '-c', 'test $$ = 1'], dict(os.environ), {}, [], own)\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
    )
    if "not permitted" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.stdout == "0\n1\n0\n", done.stderr


def test_the_executor_carries_the_streams_of_process_1(tmp_path):
    """Threads, meters and later processes of xt's own are as ever."""
    script = (
        "import os, subprocess, sys\nfrom xt.execute import Job\nfrom xt.execute.local import run\n"
        "argv = ['sh', '-c', 'echo $$; sleep 0.1; echo $$ >&2; exit 3']\n"
        "ended = run(Job(argv, dict(os.environ), sys.argv[1], {}, 1.0, 1.0, 10000, own_pids=True))\n"
        "print(ended.started, ended.exit_code, ended.reason, ended.usage.user_s is not None)\n"
        "sys.exit(subprocess.run(['sh', '-c', 'test $$ != 1']).returncode)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path],
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        timeout=60,
    )
    if "not permitted" in done.stdout:
        pytest.skip(done.stdout.strip())
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\nTrue 3 None True\n", "1\n")
    assert (tmp_path / "stdout").read_text() == "1\n"


def test_without_rights_of_root_a_namespace_of_ones_own_is_made(shell):
    """Run without CAP_SYS_ADMIN: as an ordinary user is."""
    if os.geteuid() == 0 and subprocess.run(["setpriv", "--bounding-set=-sys_admin", "true"]).returncode:
        pytest.skip("setpriv cannot take the right away")
    run = shell("uname -n; wc -l </proc/net/dev")
    prefix = ("setpriv", "--bounding-set=-sys_admin") if os.geteuid() == 0 else ()
    (done,) = run.trials("variations", ["hostname", "network"], prefix=prefix)
    assert bytes.fromhex(allowed(done)["output"]).decode().startswith("another-host\n")
    (refused,) = run.trials("pins", ["pid"], prefix=prefix)
    assert refused["impossible"] == {"enter": "a pid namespace of its own takes root's rights"}
