"""`xt run --reuse`: what an equal run gave is put in place, and nothing is run; when in doubt it is run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from tests.conftest import SOURCE
from tests.test_startup import HEAVY, loaded
from xt.model.event import Verified
from xt.store import Store, events

JOB = """\
echo run >> ../ran
echo "made of $1" > out.txt
echo "to stdout"
echo "to stderr" >&2
"""


@pytest.fixture
def job(project):
    """A project with a program that leaves a mark whenever it is run."""
    project.write("job.sh", JOB)
    return project


def times(project):
    """How often the program was run."""
    mark = project.path.parent / "ran"
    return mark.read_text().count("run") if mark.exists() else 0


def go(project, *options, argument="one", **more):
    return project.run(*options, "-o", "out.txt", "--", "sh", "job.sh", argument, **more)


def runs(project):
    return json.loads(project.xt("ls", "--json").out)


def reused(project):
    return events.every(str(project.path / ".xt"), events.Reused)


def objects(project):
    return Store.open(str(project.path / ".xt")).objects


def path_of(project, digest):
    """The file of an object that is stored as it is."""
    return objects(project).name(digest)


def damage(path):
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        file.write(b"X")


def output(project, reference="@"):
    return project.record(reference)["result"]["outputs"][0]["digest"]


def test_a_hit_restores_prints_and_runs_nothing(job):
    first = go(job, "-m", "why")
    assert times(job) == 1
    (job.path / "out.txt").unlink()
    hit = go(job, "--reuse", "-m", "again")
    assert (times(job), hit.code) == (1, 0)
    assert (job.path / "out.txt").read_text() == "made of one\n"
    assert hit.out == first.out == b"to stdout\n"
    run = job.record()["id"]
    short = run[:4]
    last = f"xt: {short} reused in [0-9.]+ m?s · 1 output restored · xt show {short}\n"
    assert re.fullmatch("to stderr\n" + last, hit.err)
    assert len(runs(job)) == 1
    (event,) = reused(job)
    assert (event.run, event.restored, event.purpose) == (run, 1, "again")
    assert event.recipe == job.record()["snapshot"]["recipe"]
    assert os.listdir(job.path / ".xt/live") == os.listdir(job.path / ".xt/tmp") == []
    shown = job.xt("show").out.decode()
    assert "reused once, " in shown
    go(job, "--reuse")
    assert "reused 2 times, last " in job.xt("show").out.decode()


def test_what_is_in_place_is_left(job):
    go(job)
    before = os.stat(job.path / "out.txt")
    hit = go(job, "--reuse")
    assert "outputs in place" in hit.err
    after = os.stat(job.path / "out.txt")
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert reused(job)[0].restored == 0


def test_a_changed_output_is_replaced(job):
    go(job)
    job.write("out.txt", "spoilt, by one\n"[:12])
    assert "1 output restored" in go(job, "--reuse").err
    assert (job.path / "out.txt").read_text() == "made of one\n"
    assert times(job) == 1


def test_quiet_prints_the_logs_alone(job):
    go(job)
    hit = go(job, "--reuse", "-q")
    assert (hit.out, hit.err, times(job)) == (b"to stdout\n", "to stderr\n", 1)


def test_the_first_time_it_is_run_and_that_is_said(job):
    ran = go(job, "--reuse")
    assert times(job) == 1
    first = "xt: nothing to reuse: this is the first run\n"
    assert re.fullmatch(first + r"to stderr\nxt: [k-z]{4} ok in .* · xt show [k-z]{4}\n", ran.err)
    assert reused(job) == []
    assert go(job, "--reuse", "-q", argument="two").err == "to stderr\n"
    said = job.run("--reuse", "--", "true").err
    assert said.startswith("xt: nothing to reuse: no recent run of this command\n")


@pytest.mark.parametrize(
    ("options", "change", "env", "differs"),
    [
        ([], lambda job: job.write("job.sh", JOB + "# changed\n"), {}, "code"),
        ([], lambda job: job.write("data/x.csv", "3,4\n"), {}, "code, inputs"),
        (["-p", "lr=0.2"], None, {}, "lr"),
        (["--seed", "8"], None, {}, "seed"),
        ([], None, {"OMP_NUM_THREADS": "3"}, "environment"),
        ([], None, {"LC_ALL": "POSIX", "LANG": "C"}, "environment"),
    ],
    ids=["code", "data", "param", "seed", "threads", "locale"],
)
def test_another_cause_is_another_run(job, options, change, env, differs):
    job.write("data/x.csv", "1,2\n")
    same = ["-i", "data", *(["-p", "lr=0.1"] if "-p" not in options else [])]
    same += [] if "--seed" in options else ["--seed", "7"]
    first = ["-i", "data", "-p", "lr=0.1", "--seed", "7"]
    go(job, *first)
    go(job, *first, "--reuse")
    assert times(job) == 1
    if change:
        change(job)
    ran = go(job, *same, *options, "--reuse", env=env)
    assert times(job) == 2
    assert " ok in " in ran.err
    assert "not reused" not in ran.err
    assert ran.err.startswith(f"xt: nothing to reuse: {job.record('@~1')['id'][:4]} differs in {differs}\n")


def test_another_word_of_the_command_is_another_run(job):
    go(job)
    go(job, "--reuse", argument="two")
    assert times(job) == 2
    assert (job.path / "out.txt").read_text() == "made of two\n"


def test_other_packages_are_another_run(project, tmp_path):
    """The interpreter's packages are part of the fingerprint."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    site = next((tmp_path / "env" / "lib").iterdir()) / "site-packages"
    python = str(tmp_path / "env/bin/python")
    project.write("job.py", "open('../ran', 'a').write('run\\n')\n")
    for version, expected in (("1.0", 1), ("1.0", 1), ("1.1", 2)):
        info = site / f"thing-{version}.dist-info"
        for old in site.glob("thing-*"):
            if old != info:
                (old / "METADATA").unlink()
                old.rmdir()
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: thing\nVersion: {version}\n")
        assert project.run("--reuse", "--", python, "job.py").code == 0
        assert times(project) == expected


def test_standard_input_counts(job, tmp_path):
    job.write("job.sh", JOB + "cat\n")
    for text, expected in (("a\n", 1), ("a\n", 1), ("b\n", 2)):
        (tmp_path / "in").write_text(text)
        with open(tmp_path / "in", "rb") as file:
            ran = go(job, "--reuse", stdin=file)
        assert ran.out == b"to stdout\n" + text.encode()
        assert times(job) == expected


def test_standard_input_that_is_not_known_is_run_and_said(job):
    go(job)
    ours, theirs = os.pipe()
    ran = go(job, "--reuse", stdin=ours)
    os.close(ours)
    os.close(theirs)
    assert times(job) == 2
    assert (
        "xt: warning: not reused, but run: what standard input holds is not known: "
        "still being written when the command started" in ran.err
    )
    # And that run is none to be taken for one whose input is known.
    for record in (job.path / ".xt/runs").rglob("*.json"):
        if json.loads(record.read_bytes())["snapshot"]["command"]["stdin"] == "null":
            record.unlink()
    go(job, "--reuse")
    assert times(job) == 3


def test_a_failed_run_never(job):
    job.write("job.sh", JOB + "exit 3\n")
    assert go(job).code == 3
    ran = go(job, "--reuse")
    assert (ran.code, times(job)) == (3, 2)
    assert ran.err.startswith(f"xt: nothing to reuse: {job.record('@~1')['id'][:4]} failed\n")


def test_a_lost_run_never(job):
    """Nor is what it left known by anybody: that it wrote it to the end is not known."""
    job.write("job.sh", JOB + "[ -e ../again ] || kill -9 $PPID\n")
    assert go(job).code == -9
    job.path.with_name("again").touch()
    assert [run["status"] for run in runs(job)] == ["lost"]
    for words in (["trace", "out.txt"], ["deploy", "out.txt", "--to", "prod"]):
        done = job.xt(*words)
        assert done.code == 1
        assert re.search("no (recorded )?run made", done.err + done.out.decode()), words
    assert go(job, "--reuse").code == 0
    assert times(job) == 2


def test_an_incomplete_run_never(job):
    for _ in range(2):
        ran = job.run("--reuse", "-o", "out.txt", "-o", "never", "--", "sh", "job.sh", "one")
        assert "incomplete" in ran.err
    assert times(job) == 2


def test_an_older_run_that_ended_well_is_taken(job):
    """Whether it fails is decided by what is no cause."""
    job.write("job.sh", JOB + "test ! -e ../fail\n")
    go(job)
    (job.path.parent / "fail").touch()
    assert go(job).code == 1
    hit = go(job, "--reuse")
    assert (hit.code, times(job)) == (0, 2)
    assert job.record("@~1")["id"][:4] in hit.err


def test_a_content_that_is_gone_is_said_and_it_is_run(job):
    go(job)
    os.unlink(path_of(job, output(job)))
    ran = go(job, "--reuse")
    assert times(job) == 2
    assert "not reused, but run: " in ran.err
    assert "the content of `out.txt`" in ran.err
    go(job, "--reuse")
    assert times(job) == 2, "that run stored it anew"


def test_a_damaged_content_is_not_put_in_place(job):
    go(job)
    damage(path_of(job, output(job)))
    (job.path / "out.txt").unlink()
    ran = go(job, "--reuse")
    assert times(job) == 2
    assert re.search(r"not reused, but run: [k-z]{4}: object blake3:\w+… is damaged", ran.err)
    assert (job.path / "out.txt").read_text() == "made of one\n"


def test_a_damaged_log_is_not_printed(job):
    go(job)
    damage(path_of(job, job.record()["result"]["logs"]["streams"][0]["digest"]))
    ran = go(job, "--reuse")
    assert (ran.out, times(job)) == (b"to stdout\n", 2)
    assert "is damaged" in ran.err


def test_a_damaged_record_is_none(job):
    go(job)
    (record,) = (job.path / ".xt/runs").rglob("*.json")
    damage(record)
    ran = go(job, "--reuse")
    assert times(job) == 2
    assert "not what was sealed" in ran.err


def verify(project, level, required="identical", reference="@"):
    """Say that the run was verified, as `xt verify` does."""
    run = project.record(reference)["id"]
    number = len(events.every(str(project.path / ".xt"), Verified))
    at = f"2026-11-23T09:30:{number:02}.000000Z"
    event = Verified(events.event_id(at, b"1234"), at, "me", run, level, required, [], None, {}, "said")
    events.append(str(project.path / ".xt"), event)


def test_only_a_verified_run_if_that_is_asked(job):
    go(job)
    go(job, "--reuse=verified")
    assert times(job) == 2
    for level, required, expected in (
        ("consistent", "identical", 3),
        ("equivalent", "consistent", 3),
        ("divergent", "consistent", 4),
    ):
        verify(job, level, required)
        ran = go(job, "--reuse=verified")
        assert times(job) == expected
        if level == "equivalent":
            assert job.record()["id"][:4] in ran.err
    assert " reused in " in go(job, "--reuse=any").err


def test_that_none_is_verified_is_a_reason(job):
    assert "not reused" not in go(job, "--reuse=verified").err  # there is none at all
    first = job.record()["id"]
    assert f"not reused, but run: {first[:4]}: it was not verified" in go(job, "--reuse=verified").err
    verify(job, "divergent", "identical")
    second = job.record()["id"]
    said = f"not reused, but run: {second[:4]}: as last verified, it did not reach its level"
    assert said in go(job, "--reuse=verified").err
    assert times(job) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-n", "best"), "the name given is"),
        (("-t", "gold", "-t", "paper"), "the tags given are"),
        (("-n", "best", "-t", "gold", "-q"), "the name and tags given are"),
        ((), None),
        (("-m", "why"), None),
    ],
)
def test_what_of_the_request_is_recorded_nowhere_is_said(job, words, said):
    job.write("xt.toml", '[task.one]\ncommand = "sh job.sh one"\ntags = ["daily"]\n')
    go(job)
    ran = go(job, "--reuse", *words)
    assert times(job) == 1
    warnings = [line for line in ran.err.splitlines() if "no run was made" in line]
    assert warnings == ([f"xt: warning: no run was made: {said} not recorded"] if said else [])


def test_any_other_word_is_wrong_usage(job):
    ran = go(job, "--reuse=all")
    assert (ran.code, times(job)) == (2, 0)
    assert "--reuse=all" in ran.err


def test_what_was_not_declared_then_is_not_reused(job):
    job.run("--", "sh", "job.sh", "one")
    go(job, "--reuse")
    assert times(job) == 2
    said = job.run("--reuse", "-o", "report:out.txt", "--", "sh", "job.sh", "one").err
    assert times(job) == 3
    assert re.match("xt: nothing to reuse: [k-z]{4} had not declared the output `out.txt`\n", said)
    job.run("--reuse", "-o", "out.txt", "--metric", "n=log:(x)", "--", "sh", "job.sh", "one")
    assert times(job) == 4
    (job.path / "out.txt").unlink()
    # Less than was declared: the outputs are the command's all the same.
    job.run("--reuse", "--", "sh", "job.sh", "one")
    assert times(job) == 4
    assert (job.path / "out.txt").exists()


TREE = """\
echo run >> ../ran
mkdir -p out/deep out/empty; echo a > out/a; echo b > out/deep/b; ln -sf deep/b out/link; chmod 755 out/a
"""


def test_a_tree_is_put_in_place_and_what_is_not_of_it_left(project):
    project.write("job.sh", TREE)
    words = ["--reuse", "-o", "out", "--", "sh", "job.sh"]
    project.run(*words)
    assert "outputs in place" in project.run(*words).err
    (project.path / "out/a").unlink()
    (project.path / "out/link").unlink()
    (project.path / "out/empty").rmdir()
    project.write("out/deep/b", "B")
    project.write("out/mine", "mine")
    hit = project.run(*words)
    assert times(project) == 1
    assert "`out`: left alone a file there that the run did not leave" in hit.err
    assert (project.path / "out/a").read_text() == "a\n"
    assert (project.path / "out/a").stat().st_mode & 0o777 == 0o755
    assert (project.path / "out/deep/b").read_text() == "b\n"
    assert os.readlink(project.path / "out/link") == "deep/b"
    assert (project.path / "out/empty").is_dir()
    assert (project.path / "out/mine").read_text() == "mine"
    project.sh("rm -r out")
    assert "1 output restored" in project.run(*words).err
    assert sorted(os.listdir(project.path / "out")) == ["a", "deep", "empty", "link"]
    assert times(project) == 1


def test_a_glob_and_a_link_are_put_in_place(project):
    project.write("job.sh", "echo run >> ../ran; echo 1 > r1.json; echo 2 > r2.json; ln -sf r1.json best\n")
    words = ["--reuse", "-o", "r*.json", "-o", "best", "--", "sh", "job.sh"]
    project.run(*words)
    project.sh("rm r1.json best; echo x > r2.json")
    assert "2 outputs restored" in project.run(*words).err
    assert (project.path / "r1.json").read_text() == "1\n"
    assert (project.path / "r2.json").read_text() == "2\n"
    assert os.readlink(project.path / "best") == "r1.json"
    project.sh("rm r1.json r2.json")
    assert "1 output restored" in project.run(*words).err, "also when the pattern matches nothing"
    assert times(project) == 1


def test_what_that_run_did_not_write_is_not_replaced(project):
    project.write("job.sh", "echo run >> ../ran; echo new > out/new\n")
    project.write("out/mine", "as it was\n")
    os.utime(project.path / "out/mine", (1, 1))
    project.settle()
    words = ["--reuse", "-o", "out", "--", "sh", "job.sh"]
    project.run(*words)
    project.write("out/mine", "changed since\n")
    ran = project.run(*words)
    assert times(project) == 2
    assert "1 of 2 files not written by this run" in ran.err
    assert (project.path / "out/mine").read_text() == "changed since\n"


def test_an_output_outside_of_the_project_is_run(job, tmp_path):
    for _ in range(2):
        ran = go(job, "--reuse", "-o", str(tmp_path / "ran"))
    assert times(job) == 2
    assert "is outside of the project" in ran.err


def test_a_link_in_the_place_of_a_folder_is_not_followed(project, tmp_path):
    project.write("job.sh", "echo run >> ../ran; mkdir -p deep; echo a > deep/a\n")
    words = ["--reuse", "-o", "deep/a", "--", "sh", "job.sh"]
    project.run(*words)
    project.sh("rm -r deep")
    (tmp_path / "elsewhere").mkdir()
    (project.path / "deep").symlink_to(tmp_path / "elsewhere")
    ran = project.run(*words)
    # The link makes another tree, and so another recipe.
    assert " reused in " not in ran.err
    assert times(project) == 2
    project.sh("rm deep && ln -s ../elsewhere deep && echo deep > .git/info/exclude && rm ../elsewhere/a")
    project.run(*words)
    (tmp_path / "elsewhere/a").unlink()
    ran = project.run(*words)
    assert "not reused, but run: " in ran.err
    assert "a link and not a folder" in ran.err
    assert times(project) == 4


def test_a_folder_in_the_place_of_a_file_is_said_and_it_is_run(job):
    go(job)
    job.sh("rm out.txt; mkdir out.txt")
    ran = go(job, "--reuse")
    assert times(job) == 2
    assert "not reused, but run: " in ran.err
    assert "is a dir now" in ran.err


def test_logs_are_printed_in_their_order(project):
    script = "for i in 1 2 3; do echo o$i; sleep 0.05; echo e$i >&2; sleep 0.05; done; printf '\\377end'"
    project.run("-q", "--", "sh", "-c", script)
    environ = {**os.environ, "PYTHONPATH": SOURCE}
    both = subprocess.run(
        project.command("run", "-q", "--reuse", "--", "sh", "-c", script),
        cwd=project.path,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
    ).stdout
    assert both == b"o1\ne1\no2\ne2\no3\ne3\n\xffend"
    assert len(reused(project)) == 1


def test_two_streams_in_one_log_are_not_parted_again(project):
    script = "echo out; echo err >&2"
    words = ["sh", "-c", script]
    environ = {**os.environ, "PYTHONPATH": SOURCE}

    def joined():
        return subprocess.run(
            project.command("run", "-q", "--reuse", "--", *words),
            cwd=project.path,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
        ).stdout

    assert joined() == b"out\nerr\n"
    if not sys.platform.startswith("linux"):
        pytest.skip("joined streams are told apart from two only on Linux")
    assert joined() == b"out\nerr\n"
    assert len(reused(project)) == 1
    ran = project.run("--reuse", "--", *words)
    assert ran.out == b"out\n"
    assert "in the log of its standard output" in ran.err


def test_masked_logs_are_not_what_the_command_would_write(project):
    env = {"DB_PASSWORD": "correct-horse-battery"}
    for _ in range(2):
        ran = project.run("--reuse", "--", "sh", "-c", 'echo "$DB_PASSWORD"', env=env)
        assert ran.out == b"correct-horse-battery\n"
    assert "secrets are masked" in ran.err


def test_cut_logs_are_not_all_of_it(project):
    project.write("xt.toml", "[run]\nmax_log = 10\n")
    for _ in range(2):
        ran = project.run("--reuse", "--", "echo", "0123456789abcdef")
        assert ran.out == b"0123456789abcdef\n"
    assert "is cut" in ran.err


def test_many_at_once(job):
    go(job)
    (job.path / "out.txt").unlink()
    environ = {**os.environ, "PYTHONPATH": SOURCE}
    words = job.command("run", "--reuse", "-o", "out.txt", "--", "sh", "job.sh", "one")
    together = [
        subprocess.Popen(words, cwd=job.path, env=environ, stdin=subprocess.DEVNULL, stdout=-1, stderr=-1)
        for _ in range(4)
    ]
    assert [process.communicate(timeout=60)[0] for process in together] == [b"to stdout\n"] * 4
    assert [process.returncode for process in together] == [0] * 4
    assert (times(job), len(reused(job))) == (1, 4)
    assert (job.path / "out.txt").read_text() == "made of one\n"
    assert [name for name in os.listdir(job.path) if name.startswith(".xt-")] == []


def test_in_another_folder_and_from_a_task(job):
    job.write("sub/job.sh", JOB.replace("../ran", "../../ran"))
    job.write("xt.toml", '[task.make]\ncommand = "sh job.sh one"\noutputs = ["sub/out.txt"]\n')
    for _ in range(2):
        ran = job.run("--reuse", "-C", "sub", "--as", "make")
    assert times(job) == 1
    assert " reused in " in ran.err
    (job.path / "sub/out.txt").unlink()
    job.run("--reuse", "-C", "sub", "--as", "make")
    assert (job.path / "sub/out.txt").read_text() == "made of one\n"
    assert times(job) == 1


def test_in_a_folder_without_git(folder):
    folder.write("job.sh", JOB)
    go(folder)
    (folder.path / "out.txt").unlink()
    assert " reused in " in go(folder, "--reuse").err
    assert times(folder) == 1


def test_required_evidence_is_still_required(job):
    job.write("xt.toml", '[evidence]\nrequired = ["purpose"]\n')
    go(job)
    assert go(job, "--reuse", "--strict").code == 125
    go(job, "--reuse", "--strict", "-m", "why")
    assert times(job) == 2, "the first one is no evidence"
    assert " reused in " in go(job, "--reuse", "--strict", "-m", "why").err


def test_a_run_that_was_made_with_variations_stands_for_none(job):
    import msgspec

    from xt import codec
    from xt.model.snapshot import Repeat
    from xt.store.store import sealed

    go(job)
    store = Store.open(str(job.path / ".xt"))
    record = store.record(job.record()["id"])
    varied = msgspec.structs.replace(record.snapshot, repeat=Repeat(record.id, varied=["hashseed"]))
    data, _ = sealed(msgspec.structs.replace(record, snapshot=varied))
    path = job.path / f".xt/runs/{record.id[:2]}/{record.id}.json"
    path.chmod(0o644)
    path.write_bytes(data)
    assert codec.decode(data, type(record), "it").snapshot.repeat is not None
    go(job, "--reuse")
    assert times(job) == 2


def test_a_hit_loads_nothing_heavy_and_starts_no_command(job):
    go(job)
    names = loaded(job, "run", "--reuse", "-o", "out.txt", "--", "sh", "job.sh", "one")
    assert times(job) == 1
    assert "xt.ops.reuse" in names
    assert not names & HEAVY
    assert not names & {"xt.store.index", "xt.cli.app", "zstandard"}


def test_masked_settings_are_told_apart(folder):
    """Their values are not in the record, and still no run stands for one that had others."""

    def run(*words: str) -> str:
        done = folder.run("--reuse", "-o", "o", *words, "--", "sh", "-c", "echo 1 > o")
        assert done.code == 0
        return done.err

    run("-p", "sort=a", "-p", "split_token=a")
    assert "reused" not in run("-p", "sort=a", "-p", "split_token=b")
    assert "reused" in run("-p", "sort=a", "-p", "split_token=b")
    assert "reused" not in run("-p", "sort=a", "-p", "split_token=b", "--fact", "auth=x")
    assert "reused" not in run("-p", "sort=a", "-p", "split_token=b", "--fact", "auth=y")
