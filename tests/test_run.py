"""`xt run` as a user meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import SOURCE
from xt.model.runid import is_id


class TestTheCommand:
    def test_it_behaves_as_without_xt(self, project):
        ran = project.run("--", "sh", "-c", "echo out; echo err >&2; exit 7")
        assert (ran.code, ran.out) == (7, b"out\n")
        assert ran.err.startswith("err\n")

    @pytest.mark.parametrize("words", [["true"], ["--", "true"], ["-q", "true"], ["-m", "why", "--", "true"]])
    def test_the_double_dash_may_be_left_out(self, project, words):
        assert project.run(*words).code == 0
        assert project.record()["snapshot"]["command"]["argv"] == ["true"]

    def test_options_after_the_command_are_its_own(self, project):
        ran = project.run("-n", "a", "--", "echo", "-n", "--help", "--", "-m")
        assert ran.out == b"--help -- -m"

    def test_it_reads_standard_input(self, project):
        assert project.run("cat", input=b"\x00\xff bytes").out == b"\x00\xff bytes"

    def test_arguments_arrive_byte_for_byte(self, project):
        words = ["", "a b", "new\nline", os.fsdecode(b"\xff\xfe"), "é"]
        ran = project.run("--", "printf", "%s|", *words)
        assert ran.out == b"".join(os.fsencode(word) + b"|" for word in words)
        argv = project.record()["snapshot"]["command"]["argv"]
        assert argv[5] == {"b64": "//4="}

    def test_only_three_variables_are_added(self, project):
        bare = dict(line.split("=", 1) for line in project.sh("env").splitlines() if "=" in line)
        ran = project.run("--seed", "3", "--", "env")
        wrapped = dict(line.split("=", 1) for line in ran.out.decode().splitlines() if "=" in line)
        assert set(wrapped) - set(bare) - {"PYTHONPATH"} == {"XT_RUN_ID", "XT_METRICS", "XT_SEED"}
        assert is_id(wrapped["XT_RUN_ID"])
        assert wrapped["XT_SEED"] == "3"

    @pytest.mark.parametrize(
        ("name", "content", "mode", "code"),
        [("missing", None, 0, 127), ("plain", "text\n", 0o644, 126), ("bad", "#!/no/such\n", 0o755, 127)],
    )
    def test_what_cannot_start_is_recorded_as_such(self, project, name, content, mode, code):
        if content is not None:
            project.write(name, content).chmod(mode)
        ran = project.run("--", f"./{name}")
        assert ran.code == code
        assert name in ran.err
        result = project.record()["result"]
        assert (result["status"], result["xt_exit"]) == ("not-started", code)

    def test_no_command_is_wrong_usage(self, project):
        ran = project.run()
        assert ran.code == 2
        assert "no command" in ran.err
        assert not (project.path / ".xt").exists()

    def test_it_runs_where_it_is_told(self, project):
        (project.path / "sub").mkdir()
        assert project.run("-C", "sub", "--", "pwd").out.strip().endswith(b"/project/sub")
        assert project.record()["snapshot"]["command"]["cwd"] == "sub"

    def test_a_folder_that_is_not_there_is_said(self, project):
        ran = project.run("-C", "nowhere", "--", "true")
        assert ran.code == 125
        assert "nowhere" in ran.err

    def test_in_a_deleted_working_directory_it_runs_without_a_record(self, project):
        script = 'mkdir gone; cd gone; rmdir ../gone; exec "$@"'
        for words, status in ((["run"], 3), (["run", "--strict"], 125)):
            done = subprocess.run(
                ["sh", "-c", script, "sh", *project.command(*words, "--", "sh", "-c", "exit 3")],
                cwd=project.path,
                capture_output=True,
                env={**os.environ, "PYTHONPATH": SOURCE},
            )
            assert done.returncode == status
            assert (b"this run is not recorded" in done.stderr) == (status == 3)
            assert b"cannot run in `the working directory`" in done.stderr
            assert b"Traceback" not in done.stderr


class TestTheRecord:
    def test_it_holds_causes_and_effects(self, project):
        project.write("new.py", "x = 1\n")
        ran = project.run(
            "-m", "why", "-n", "first", "-t", "a", "-t", "b", "--ticket", "T-1", "--", "echo", "hi"
        )
        assert ran.code == 0
        record = project.record()
        context = record["snapshot"]["context"]
        assert record["schema"] == "xt.run/1"
        assert (context["purpose"], context["name"], context["tags"], context["ticket"]) == (
            "why",
            "first",
            ["a", "b"],
            "T-1",
        )
        code = record["snapshot"]["code"]
        assert code["head"] == project.sh("git rev-parse HEAD").strip()
        assert code["changed"] == [{"path": "new.py", "change": "untracked"}]
        assert record["result"]["status"] == "ok"
        assert record["result"]["logs"]["streams"][0]["size"] == 3
        assert (project.path / f".xt/runs/{record['id'][:2]}/{record['id']}.json").exists()
        assert os.listdir(project.path / ".xt/live") == []
        assert os.listdir(project.path / ".xt/tmp") == []

    def test_outputs_are_stored_and_a_missing_one_makes_it_incomplete(self, project):
        ran = project.run("-o", "a.txt", "-o", "model:b.bin", "--", "sh", "-c", "echo a > a.txt")
        assert ran.code == 0
        assert "b.bin" in ran.err
        result = project.record()["result"]
        assert result["status"] == "incomplete"
        assert [output["status"] for output in result["outputs"]] == ["stored", "missing"]

    def test_outputs_of_the_run_before_are_not_causes_of_the_next(self, project):
        for _ in range(2):
            ran = project.run("-o", "a.txt", "--", "sh", "-c", "echo a > a.txt")
        first, second = project.record("@~1"), project.record("@")
        assert first["snapshot"]["recipe"] == second["snapshot"]["recipe"]
        assert f"repeats {first['id'][:4]}" in ran.err

    def test_a_changed_file_is_another_recipe(self, project):
        project.run("true")
        project.write("train.py", "print('other')\n")
        assert "repeats" not in project.run("true").err

    def test_metrics_come_from_files_logs_and_points(self, project):
        project.write("m.json", "")
        script = (
            "echo '{\"val\": {\"acc\": 0.9}}' > m.json; echo 'loss 0.5'; echo 'loss 0.25';"
            'echo \'{"name": "lr", "value": 0.1, "step": 1}\' >> "$XT_METRICS"'
        )
        project.run("-o", "metrics:m.json", "--metric", "loss=log:loss ([0-9.]+)", "--", "sh", "-c", script)
        found = {metric["name"]: metric["value"] for metric in project.record()["result"]["metrics"]}
        assert found == {"val/acc": 0.9, "loss": 0.25, "lr": 0.1}

    def test_inputs_are_identified_and_a_missing_one_prevents_the_start(self, project):
        project.write("data/x.csv", "1,2\n")
        project.run("-i", "data", "-i", "config:data/x.csv", "--", "true")
        inputs = project.record()["snapshot"]["inputs"]
        assert [(item["role"], item["kind"], item["status"]) for item in inputs] == [
            ("data", "tree", "verified"),
            ("config", "file", "verified"),
        ]
        ran = project.run("-i", "nowhere", "--", "touch", "started")
        assert ran.code == 125
        assert "nowhere" in ran.err
        assert not (project.path / "started").exists()
        assert os.listdir(project.path / ".xt/live") == []

    def test_a_drawn_seed_is_the_one_the_command_gets(self, project):
        ran = project.run("--seed", "auto", "--", "sh", "-c", 'echo "$XT_SEED"')
        seed = project.record()["snapshot"]["seed"]
        assert (str(seed["value"]), seed["source"]) == (ran.out.decode().strip(), "drawn")

    def test_a_run_inside_a_run_knows_its_parent(self, project):
        inner = " ".join(project.command("run", "-n", "inner", "true"))
        project.run("-n", "outer", "--", "sh", "-c", inner)
        assert project.record("inner")["snapshot"]["context"]["parent"] == project.record("outer")["id"]

    def test_the_start_is_on_disk_before_the_command_runs(self, project):
        ran = project.run("--", "sh", "-c", "cat .xt/live/$XT_RUN_ID/start.json")
        assert json.loads(ran.out)["snapshot"]["command"]["argv"][0] == "sh"


class TestSignals:
    def start(self, project, *words):
        return subprocess.Popen(
            project.command("run", "--", *words),
            cwd=project.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": SOURCE},
        )

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
    def test_a_signal_reaches_the_command_and_the_run_is_sealed(self, project, number):
        process = self.start(project, "sh", "-c", "echo up; sleep 60 & wait")
        assert process.stdout.readline() == b"up\n"
        process.send_signal(number)
        process.communicate(timeout=100)
        assert process.returncode == 128 + number
        result = project.record()["result"]
        assert (result["status"], result["signal"], result["received"]) == ("interrupted", number, [number])

    def test_a_failure_after_a_signal_that_asks_for_something_else_is_a_failure(self, project):
        program = (
            "import signal,sys,time\nsignal.signal(signal.SIGUSR1, lambda *a: sys.exit(3))\n"
            "print('up',flush=True)\ntime.sleep(60)"
        )
        process = self.start(project, sys.executable, "-c", program)
        assert process.stdout.readline() == b"up\n"
        process.send_signal(signal.SIGUSR1)
        process.communicate(timeout=100)
        assert process.returncode == 3
        result = project.record()["result"]
        assert (result["status"], result["received"]) == ("failed", [signal.SIGUSR1])

    def test_a_command_that_handles_the_signal_decides(self, project):
        program = (
            "import signal,sys,time\nsignal.signal(15, lambda *a: sys.exit(3))\n"
            "print('up',flush=True)\ntime.sleep(60)"
        )
        process = self.start(project, sys.executable, "-c", program)
        assert process.stdout.readline() == b"up\n"
        process.terminate()
        process.communicate(timeout=100)
        assert process.returncode == 3

    def test_a_killed_xt_leaves_a_lost_run_with_its_log(self, project):
        # Its own number: other tests, which run beside this one, sleep too.
        process = self.start(project, "sh", "-c", "echo up; exec sleep 59.125")
        assert process.stdout.readline() == b"up\n"
        listed = json.loads(project.xt("ls", "--json").out)
        assert listed[0]["status"] == "running"
        time.sleep(0.1)
        process.kill()
        process.communicate(timeout=100)
        subprocess.run(["pkill", "-f", "sleep 59.125"], check=False)
        listed = json.loads(project.xt("ls", "--json").out)
        assert listed[0]["status"] == "lost"
        assert project.xt("logs", "@").out == b"up\n"

    def test_a_reader_that_leaves_ends_the_command_as_without_xt(self, project):
        line = " ".join(project.command("run", "-q", "--", "yes"))
        done = subprocess.run(
            ["bash", "-c", f"{line} | head -1; echo ${{PIPESTATUS[0]}}"],
            cwd=project.path,
            capture_output=True,
            env={**os.environ, "PYTHONPATH": SOURCE},
        )
        assert done.stdout == b"y\n141\n"


class TestWhereItCannotRecord:
    def test_without_git_the_folder_is_the_snapshot(self, folder):
        folder.write("train.sh", "echo training\n")
        assert folder.run("sh", "train.sh").out == b"training\n"
        code = folder.record()["snapshot"]["code"]
        assert (code["status"], code["vcs"]) == ("recorded", None)
        assert folder.xt("show", "--code", "train.sh").out == b"echo training\n"

    def test_without_the_git_program_the_rest_is_recorded(self, folder, tmp_path):
        tools = tmp_path / "tools"
        tools.mkdir()
        for name in ("sh", "echo"):
            (tools / name).symlink_to(f"/bin/{name}")
        ran = folder.run("sh", "-c", "echo hi", env={"PATH": str(tools)})
        assert (ran.code, ran.out) == (0, b"hi\n")
        assert ran.err.count("git not found") == 1
        assert folder.record()["snapshot"]["code"]["reason"] == "git not found"

    def test_a_store_that_cannot_be_written_does_not_stop_the_command(self, folder):
        (folder.path / ".xt").write_text("not a folder")
        ran = folder.run("sh", "-c", "echo hi; exit 4")
        assert (ran.code, ran.out) == (4, b"hi\n")
        assert f"not recorded: `{folder.path}/.xt` is in the way: it is no folder" in ran.err
        strict = folder.run("--strict", "touch", "started")
        assert strict.code == 125
        assert not (folder.path / "started").exists()

    def test_an_empty_folder_is_enough(self, folder):
        assert folder.run("true").code == 0

    def test_closed_streams_stay_closed_and_nothing_lands_on_them(self, project):
        done = subprocess.run(
            [
                "sh",
                "-c",
                'exec "$@" <&- >&- 2>&-',
                "sh",
                *project.command("run", "sh", "-c", "ls -l /proc/self/fd > fds"),
            ],
            cwd=project.path,
            env={**os.environ, "PYTHONPATH": SOURCE},
        )
        assert done.returncode == 0
        streams = project.record()["snapshot"]["command"]
        assert (streams["stdin"], streams["stdout"], streams["stderr"]) == ("closed", "closed", "closed")


class TestConfiguration:
    def test_a_wrong_key_names_its_line_and_nothing_starts(self, project):
        project.write("xt.toml", '[task.train]\ncommand = "true"\ninptus = []\n')
        ran = project.run("touch", "started")
        assert ran.code == 125
        assert "xt.toml:3:" in ran.err
        assert "inputs" in ran.err
        assert not (project.path / "started").exists()

    def test_a_task_declares_what_the_command_line_does_not(self, project):
        project.write(
            "xt.toml", '[task.t]\ncommand = "sh train.sh"\npurpose = "file"\noutputs = ["o.txt"]\nseed = 5\n'
        )
        project.write("train.sh", "echo $XT_SEED > o.txt\n")
        project.run("sh", "train.sh")
        record = project.record()
        assert record["snapshot"]["context"]["task"] == "t"
        assert record["snapshot"]["context"]["purpose"] == "file"
        assert record["snapshot"]["seed"]["value"] == 5
        project.run("-m", "line", "--seed", "6", "--as", "t")
        record = project.record()
        assert (record["snapshot"]["context"]["purpose"], record["snapshot"]["seed"]["value"]) == ("line", 6)

    def test_an_unknown_task_is_wrong_usage(self, project):
        project.write("xt.toml", '[task.train]\ncommand = "true"\n')
        ran = project.run("--as", "trian", "true")
        assert ran.code == 2
        assert "did you mean `train`" in ran.err

    def test_required_evidence_is_warned_about_and_refused_under_strict(self, project):
        project.write("xt.toml", '[evidence]\nrequired = ["purpose", "seed"]\n')
        ran = project.run("true")
        assert ran.code == 0
        assert "not evidence: no purpose, no seed (" in ran.err
        strict = project.run("--strict", "touch", "started")
        assert strict.code == 125
        assert not (project.path / "started").exists()
        assert project.run("--strict", "-m", "why", "--seed", "1", "true").code == 0

    def test_pyproject_serves_too(self, project):
        project.write("pyproject.toml", "[tool.xt.run]\nquiet = true\n")
        assert project.run("true").err == ""


class TestSecrets:
    def test_no_secret_enters_the_store(self, project):
        secret = "s3cr3tvalue0123456789"
        project.sh(f"git remote add origin https://user:{secret}@example.org/x.git")
        project.write(".env", f"TOKEN={secret}\n")
        script = (
            "echo $API_TOKEN; printf %s $API_TOKEN | base64; sleep 0; printf s3cr3tval; printf ue0123456789"
        )
        ran = project.run(
            *("--", "sh", "-c", script, "--token", secret, f"--password={secret}"), env={"API_TOKEN": secret}
        )
        assert ran.out.decode().count(secret) == 2
        stored = project.stored_bytes()
        assert secret.encode() not in stored
        import base64

        assert base64.b64encode(secret.encode()) not in stored
        assert b"example.org/x.git" in stored
        assert project.record()["result"]["logs"]["streams"][0]["masked"] >= 3


class TestAStoreThatWasTidiedUp:
    @pytest.mark.parametrize("gone", ["key", "tmp", "cache", "live", "events", "objects"])
    def test_what_is_missing_is_made_again(self, project, gone):
        import shutil

        project.run("true")
        path = project.path / ".xt" / gone
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        project.write("new.py", "x = 1\n")
        ran = project.run("-o", "o", "--", "sh", "-c", "echo hi > o")
        assert ran.code == 0
        assert "warning" not in ran.err
        assert project.record()["snapshot"]["code"]["status"] == "recorded"

    def test_a_damaged_key_is_replaced(self, project):
        project.run("true")
        (project.path / ".xt" / "key").write_bytes(b"short")
        assert project.run("true").err.count("warning") == 0
        assert (project.path / ".xt" / "key").stat().st_size == 32


def test_a_secret_of_the_command_line_is_masked_in_the_log_too(project):
    ran = project.run("--", "sh", "-c", "echo $0; echo $1", "--password=hunter2-hunter2", "x")
    assert b"hunter2-hunter2" in ran.out
    assert b"hunter2-hunter2" not in project.stored_bytes()


def test_an_output_of_an_earlier_run_is_not_counted_as_of_this(project):
    project.run("-o", "o", "--", "sh", "-c", "echo hi > o")
    project.settle()
    assert "1 output" not in project.run("-o", "o", "--", "false").err
    assert project.record()["result"]["outputs"][0]["written"] is False


def test_a_secret_too_short_to_mask_is_named(project):
    ran = project.run("true", env={"API_TOKEN": "abc"})
    assert "API_TOKEN" in ran.err


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(project):
    project.run("true")
    import shutil

    shutil.rmtree(project.path / ".xt" / "cache")
    (project.path / ".xt" / "cache").write_text("in the way")
    project.write("new.py", "x = 1\n")
    ran = project.run("-i", "train.py", "-o", "o", "--", "sh", "-c", "echo hi > o; exit 3")
    assert ran.code == 3
    record = project.record()
    assert record["snapshot"]["code"]["status"] == "recorded"
    assert record["result"]["outputs"][0]["status"] == "stored"


@pytest.mark.parametrize(
    "secret", ["stdout", "metrics", "snapshot", "problems", "failed", "verified", "digest"]
)
def test_a_secret_that_is_a_word_of_the_record_does_no_harm(project, secret):
    ran = project.run(
        "-m",
        f"say {secret}!",
        "-i",
        "train.py",
        "--",
        "sh",
        "-c",
        "echo hi; exit 3",
        env={"API_TOKEN": secret},
    )
    assert (ran.code, ran.out) == (3, b"hi\n")
    assert "bug" not in ran.err
    record = project.record()
    assert record["snapshot"]["context"]["purpose"] == "say ***!"
    assert record["result"]["logs"]["streams"][0]["name"] == "stdout"


def test_an_error_of_ours_after_the_end_keeps_exit_code_and_record(project):
    program = (
        "import sys\nfrom xt.ops import effects\n"
        "def broken(*_): raise RuntimeError('here')\n"
        "effects.result = broken\nfrom xt.cli.main import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "run", "--", "sh", "-c", "exit 9"],
        cwd=project.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
    )
    assert done.returncode == 9
    result = project.record()["result"]
    assert (result["status"], result["exit_code"]) == ("failed", 9)
    assert "RuntimeError" in result["problems"][0]["message"]


def test_a_record_whose_folder_cannot_be_flushed_is_recorded_with_a_warning(project):
    program = (
        "import errno, os, stat\nreal = os.fsync\n"
        "def fsync(fd):\n"
        "    if stat.S_ISDIR(os.fstat(fd).st_mode): raise OSError(errno.EIO, 'Input/output error')\n"
        "    real(fd)\n"
        "from xt.store import Store\nStore.create('.xt')\n"
        "os.fsync = fsync\nfrom xt.cli.main import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "run", "--", "sh", "-c", "exit 9"],
        cwd=project.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 9
    warned, line = done.stderr.splitlines()
    assert warned == (
        "xt: warning: the record: written, but a power failure may take it away: Input/output error"
    )
    assert "exit 9" in line
    assert project.record()["result"]["exit_code"] == 9


def test_a_store_elsewhere_is_found_from_where_it_was_named(project):
    env = {"XT_STORE": "../elsewhere"}
    ran = project.run(
        "--", "sh", "-c", 'cd / && echo \'{"name": "a", "value": 1}\' >> "$XT_METRICS"', env=env
    )
    assert ran.code == 0
    assert not (project.path / ".xt").exists()
    shown = json.loads(project.xt("show", "--json", env=env).out)
    assert shown["result"]["metrics"][0]["value"] == 1


def test_the_command_needs_no_dashes_before_it_and_keeps_its_options(folder):
    done = folder.run("-q", "-t", "exp", "echo", "-q", "--tag", "x", "--", "-m")
    assert (done.code, done.out) == (0, b"-q --tag x -- -m\n")
    assert folder.record()["snapshot"]["command"]["argv"][1:] == ["-q", "--tag", "x", "--", "-m"]
    refused = folder.run("-q", "--lr", "0.1", "echo")
    assert refused.code == 2
    assert "`xt run` has no option `--lr`" in refused.err
    assert "`xt run COMMAND --lr`" in refused.err


UNLUCKY = """\
import os, threading, time
run, waitid = threading.Thread._bootstrap_inner, os.waitid
def lingers(thread):
    run(thread)
    time.sleep(1.5)
def looks_away(*how):
    news = waitid(*how)
    if news is None:
        time.sleep(0.3)
    return news
threading.Thread._bootstrap_inner, os.waitid = lingers, looks_away
"""


def test_a_thread_that_is_slow_to_go_does_not_take_the_end_of_the_command_away(folder):
    # A machine that is busy enough does both by itself, now and then; and xt waited for ever.
    folder.write("slow/sitecustomize.py", UNLUCKY)
    path = f"{folder.path / 'slow'}:{SOURCE}"
    argv = [sys.executable, "-m", "xt", "run", "--", "true"]
    done = subprocess.run(
        argv, cwd=folder.path, env={**os.environ, "PYTHONPATH": path}, timeout=100, check=False
    )
    assert done.returncode == 0
