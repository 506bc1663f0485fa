"""`xt restore`: what a run has comes back as it was, never over what differs, never outside the target."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import msgspec
import pytest

from tests import builders
from tests.schemas import validator
from xt import codec
from xt.model.files import Entry, Input, Manifest, Output
from xt.model.text import to_text
from xt.store import Store


@pytest.fixture
def ran(project):
    """A run with outputs of every kind, inputs stored and not, code and logs; everything it made is gone."""
    project.write("prompts/a.md", "Answer.\n")
    project.write("data.csv", "1,2\n")
    project.write(".gitignore", "data.csv\nout/\nmodel.bin\nlatest\nprompts/\nreports/\n")
    project.sh("git add -A && git commit -qm more")
    project.write("job.sh", JOB)
    words = [
        *("-i", "prompts:prompts", "-i", "data.csv"),
        *("-o", "model:model.bin", "-o", "out/", "-o", "latest", "-o", "report:reports/*.txt"),
    ]
    done = project.run("-q", *words, "--", "sh", "job.sh")
    assert done.code == 0, done.err
    project.sh("chmod -R u+w out; rm -r out model.bin latest reports")
    return project


JOB = """\
umask 022
mkdir -p out/empty out/sub reports
printf '%4000s' x > model.bin; chmod 640 model.bin
echo one > out/one; echo two > out/sub/two; chmod 755 out/sub/two
ln -s sub/two out/link
ln -s model.bin latest
echo r > reports/r.txt; echo other > reports/other.csv
chmod 700 out/empty; chmod 750 out
echo said; echo moaned >&2
"""


def tree(folder: Path) -> dict[str, tuple[str, object]]:
    """Every path below a folder: what it is, and its content."""
    found: dict[str, tuple[str, object]] = {}
    for path in sorted(folder.rglob("*")):
        name = os.fsdecode(os.fsencode(path.relative_to(folder)))
        if name.split("/")[0] in (".xt", ".git"):
            continue
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            found[name] = ("link", os.readlink(path))
        elif stat.S_ISDIR(mode):
            found[name] = ("folder", oct(stat.S_IMODE(mode)))
        else:
            found[name] = (oct(stat.S_IMODE(mode)), path.read_bytes())
    return found


def stamps(folder: Path) -> dict[str, tuple[int, int, int]]:
    """What changes when a path below a folder is written or replaced."""
    return {
        str(path): (info.st_ino, info.st_mtime_ns, info.st_ctime_ns)
        for path in folder.rglob("*")
        if ".xt" not in path.parts
        for info in [path.lstat()]
    }


def states(project, *words) -> dict[str, str]:
    """State of each path by the JSON."""
    done = project.xt("restore", *words, "--json")
    return {item["path"]: item["state"] for item in json.loads(done.out)["paths"]}


def test_outputs_come_back_as_they_were(ran):
    done = ran.xt("restore", "@")
    assert (done.code, done.err) == (0, "")
    found = tree(ran.path)
    assert found["model.bin"] == ("0o640", b"%4000s" % b"x")
    assert found["out"] == ("folder", "0o750")
    assert found["out/empty"] == ("folder", "0o700")
    assert found["out/one"] == ("0o644", b"one\n")
    assert found["out/sub/two"] == ("0o755", b"two\n")
    assert found["out/link"] == ("link", "sub/two")
    assert found["latest"] == ("link", "model.bin")
    assert found["reports/r.txt"] == ("0o644", b"r\n")
    assert "reports/other.csv" not in found, "it was no output"
    assert not [name for name in found if name.endswith((".tmp", ".log"))]


def test_what_is_there_unchanged_is_left_alone(ran):
    assert ran.xt("restore", "@").code == 0
    before = stamps(ran.path)
    done = ran.xt("restore", "@", "--force")
    assert done.code == 0
    assert stamps(ran.path) == before
    assert set(states(ran, "@")) > {"model.bin", "out/one", "out/link", "latest"}
    assert set(states(ran, "@").values()) == {"unchanged", "absent"}


def test_what_differs_is_listed_and_nothing_is_written(ran):
    ran.write("out/one", "mine\n")
    ran.sh("mkdir model.bin; ln -s elsewhere latest")
    before = tree(ran.path)
    done = ran.xt("restore", "@")
    assert done.code == 1
    shown = done.out.decode()
    for name in ("out/one", "model.bin", "latest"):
        assert [line for line in shown.splitlines() if line.startswith("differs") and name in line], name
    assert "xt: error: nothing was written: 3 paths differ" in done.err
    assert "`--force`" in done.err
    assert tree(ran.path) == before
    assert states(ran, "@")["reports/r.txt"] == "pending"


def test_force_replaces_what_differs_but_no_folder(ran):
    ran.write("out/one", "mine\n")
    ran.sh("mkdir model.bin; touch model.bin/precious; ln -s data.csv latest")
    ran.sh("mkdir reports; mkfifo reports/r.txt")
    done = ran.xt("restore", "@", "-f")
    assert done.code == 1
    assert "`model.bin` is a folder" in done.out.decode()
    assert "xt: error: 1 of" in done.err
    found = tree(ran.path)
    assert found["out/one"] == ("0o644", b"one\n")
    assert found["latest"] == ("link", "model.bin")
    assert found["reports/r.txt"] == ("0o644", b"r\n")
    assert "model.bin/precious" in found
    assert found["data.csv"][1] == b"1,2\n", "nothing is written through a link"


def test_another_mode_alone_is_no_conflict(ran):
    assert ran.xt("restore", "@").code == 0
    (ran.path / "model.bin").chmod(0o600)
    done = ran.xt("restore", "@", "model.bin")
    assert (done.code, stat.S_IMODE((ran.path / "model.bin").stat().st_mode)) == (0, 0o600)
    assert "its mode is 600, recorded is 640" in done.out.decode()
    assert ran.xt("restore", "@", "model.bin", "--force").code == 0
    assert stat.S_IMODE((ran.path / "model.bin").stat().st_mode) == 0o640


def test_stored_inputs_come_back_and_others_are_named(ran):
    ran.sh("rm -r prompts data.csv")
    done = ran.xt("restore", "@")
    assert done.code == 0, "an input that is not stored is no error"
    assert (ran.path / "prompts/a.md").read_text() == "Answer.\n"
    assert "not stored  inputs" in done.out.decode()
    named = ran.xt("restore", "@", "data.csv")
    assert named.code == 1
    assert "not to be had: `data.csv`" in named.err
    ran.write("data.csv", "1,2\n")
    assert ran.xt("restore", "@", "data.csv").code == 0, "it is there as it was"


def test_everything_goes_to_another_folder(ran, tmp_path):
    ran.sh("chmod +x train.py; rm job.sh")
    run = ran.record()["id"]
    target = tmp_path / "new" / "place"
    done = ran.xt("restore", "@", "--to", str(target))
    assert done.code == 0, done.err
    found = tree(target)
    assert found["train.py"] == ("0o644", b"print('training')\n"), "the code is as it ran"
    assert found["job.sh"][1] == JOB.encode()
    assert found["out/sub/two"] == ("0o755", b"two\n")
    assert found["prompts/a.md"][1] == b"Answer.\n"
    assert found[f"{run}.stdout.log"] == ("0o644", b"said\n")
    assert found[f"{run}.stderr.log"] == ("0o644", b"moaned\n")
    assert not (ran.path / "out").exists()
    assert ran.xt("restore", "@", "--to", str(target)).code == 0
    assert set(states(ran, "@", "--to", str(target)).values()) == {"unchanged", "absent"}


def test_only_some_sorts(ran, tmp_path):
    assert ran.xt("restore", "@", "--to", str(tmp_path / "a"), "--only", "code").code == 0
    assert set(tree(tmp_path / "a")) == {"train.py", "job.sh", ".gitignore"}
    words = ("restore", "@", "--to", "b", "--only", "logs", "--only", "inputs")
    assert ran.xt(*words, cwd=tmp_path, env={"XT_STORE": str(ran.path / ".xt")}).code == 0
    assert {name.split(".", 1)[1] for name in tree(tmp_path / "b") if "/" not in name and "." in name} == {
        "stdout.log",
        "stderr.log",
    }
    wrong = ran.xt("restore", "@", "--only", "output")
    assert wrong.code == 2
    assert "did you mean `outputs`?" in wrong.err


PATHS = [
    (["out"], {"out/one", "out/link", "out/sub/two", "out/empty", "out/sub", "out"}),
    (["out/"], {"out/one", "out/link", "out/sub/two", "out/empty", "out/sub", "out"}),
    (["out/sub/two"], {"out/sub/two", "out/sub", "out"}),
    (["out/*"], {"out/one", "out/link", "out/sub/two", "out/empty", "out/sub", "out"}),
    (["*.bin", "**/two"], {"model.bin", "out/sub/two", "out/sub", "out"}),
    (["./out/../model.bin"], {"model.bin"}),
    (["job.sh"], {"job.sh"}),
]


@pytest.mark.parametrize(("paths", "expected"), PATHS, ids=[" ".join(paths) for paths, _ in PATHS])
def test_paths_narrow(ran, paths, expected):
    (ran.path / "job.sh").unlink()
    before = set(tree(ran.path))
    done = ran.xt("restore", "@", *paths)
    assert done.code == 0, done.err
    assert set(tree(ran.path)) - before == expected


def test_paths_are_relative_to_where_one_is_or_to_the_root_or_as_recorded(ran):
    sub = ran.path / "sub"
    sub.mkdir()
    for words in (("../out/one",), ("out/one",), (str(ran.path / "out/one"),)):
        assert ran.xt("restore", "@", *words, cwd=sub).code == 0, words
        (ran.path / "out/one").unlink()
    assert ran.xt("restore", "@", ".", cwd=ran.path).code == 0


def test_a_path_that_matches_nothing_names_the_nearest(ran):
    for named, near in (("out/on", "out/one"), ("two", "out/sub/two"), ("mdoel.bin", "model.bin")):
        done = ran.xt("restore", "@", named)
        assert done.code == 1
        assert f"has nothing at `{named}`" in done.err
        assert f"did you mean `{near}`?" in done.err
    before = tree(ran.path)
    assert ran.xt("restore", "@", "model.bin", "nothing-like-it-at-all-42").code == 1
    assert tree(ran.path) == before, "an error before anything is written"
    assert ran.xt("restore", "@", "").code == 2


def test_an_output_goes_before_the_code_of_its_name(project):
    project.write("result.txt", "old\n")
    project.sh("git add -A; git commit -qm r")
    assert (
        project.run(
            "-q", "-i", "result.txt", "-o", "result.txt", "--", "sh", "-c", "echo new > result.txt"
        ).code
        == 0
    )
    (project.path / "result.txt").unlink()
    done = project.xt("restore", "@", "result.txt", env={"COLUMNS": "200"})
    assert done.code == 0
    assert (project.path / "result.txt").read_text() == "new\n"
    assert "`--only inputs` brings this one" in done.out.decode()
    for only in ("inputs", "code"):
        assert project.xt("restore", "@", "result.txt", "--only", only, "-f").code == 0
        assert (project.path / "result.txt").read_text() == "old\n"
        (project.path / "result.txt").write_text("mine\n")


def test_code_that_was_left_out_is_named(project, tmp_path):
    project.write("id_rsa", "secret\n")
    assert project.run("-q", "--", "true").code == 0
    (left,) = project.record()["snapshot"]["code"]["left_out"]
    found = json.loads(project.xt("restore", "@", "--to", str(tmp_path / "to"), "--json").out)["paths"]
    (said,) = (item for item in found if item["path"] == "id_rsa")
    assert (said["state"], said["reason"]) == ("absent", left["reason"])


def test_code_whose_objects_are_gone_fails_alone(project, tmp_path):
    project.write("new.py", "new\n")
    assert project.run("-q", "-o", "x", "--", "touch", "x").code == 0
    oid = project.sh("git hash-object new.py").strip()
    (project.path / ".xt/code.git/objects" / oid[:2] / oid[2:]).unlink()
    done = project.xt("restore", "@", "--to", str(tmp_path / "to"))
    assert done.code == 1
    assert any(line.startswith("failed") and "new.py" in line for line in done.out.decode().splitlines())
    assert {"x", "train.py"} <= set(tree(tmp_path / "to"))
    shutil.rmtree(project.path / ".xt/code.git")
    done = project.xt("restore", "@", "--to", str(tmp_path / "again"))
    assert done.code == 1
    assert "the code as it ran cannot be read" in done.out.decode()
    assert "x" in tree(tmp_path / "again")


def test_submodules_links_and_empty_folders_of_the_code(project, tmp_path):
    project.sh("mkdir inner && cd inner && git init -q && echo i > a && git add a && git commit -qm i")
    project.sh("mkdir -p empty/deep; ln -s train.py link; printf 'x\\r\\n' > raw.txt; chmod +x raw.txt")
    assert project.run("-q", "--", "true").code == 0
    assert project.xt("restore", "@", "--to", str(tmp_path / "to"), "--only", "code").code == 0
    found = tree(tmp_path / "to")
    assert found["inner/a"][1] == b"i\n"
    assert found["link"] == ("link", "train.py")
    assert found["raw.txt"] == ("0o755", b"x\r\n")
    assert found["empty/deep"][0] == "folder"


def test_a_damaged_object_is_named_and_the_others_come_back(ran):
    item = next(item for item in ran.record()["result"]["outputs"] if item["path"] == "model.bin")
    hexed = item["digest"].removeprefix("blake3:")
    (stored,) = (ran.path / ".xt/objects" / hexed[:2]).glob(hexed + "*")
    stored.chmod(0o644)
    stored.unlink()
    # Not compressed, so that only its digest shows the damage, after the last piece.
    (ran.path / ".xt/objects" / hexed[:2] / hexed).write_bytes(b"y" * 4000)
    done = ran.xt("restore", "@")
    assert done.code == 1
    (line,) = (line for line in done.out.decode().splitlines() if line.startswith("failed"))
    assert "model.bin" in line
    assert "damaged" in line
    found = tree(ran.path)
    assert "model.bin" not in found
    assert "out/one" in found
    assert not [name for name in found if name.endswith(".tmp")]
    ran.write("model.bin", "mine")
    assert ran.xt("restore", "@", "--force").code == 1
    assert (ran.path / "model.bin").read_text() == "mine", "what is there is not given up for it"
    (ran.path / ".xt/objects" / hexed[:2] / hexed).unlink()
    gone = ran.xt("restore", "@", "model.bin")
    assert gone.code == 1
    assert "not in this store" in gone.out.decode()


def test_a_damaged_manifest_fails_its_tree_alone(ran):
    item = next(item for item in ran.record()["result"]["outputs"] if item["kind"] == "tree")
    hexed = item["digest"].removeprefix("blake3:")
    for stored in (ran.path / ".xt/objects" / hexed[:2]).glob(hexed + "*"):
        stored.chmod(0o644)
        stored.write_bytes(b"{}")
    done = ran.xt("restore", "@")
    assert done.code == 1
    assert any(line.startswith("failed") and "out/" in line for line in done.out.decode().splitlines())
    assert "model.bin" in tree(ran.path)
    assert "out" not in tree(ran.path)


def test_outputs_that_were_not_stored_are_named(project):
    script = "mkdir out; mkfifo out/pipe; echo x > out/x"
    assert project.run("-q", "-o", "out", "-o", "never.bin", "--", "sh", "-c", script).code == 0
    project.sh("rm -r out")
    done = project.xt("restore", "@")
    assert done.code == 0
    assert "fifo" in done.out.decode()
    assert "never.bin" in done.out.decode()
    assert set(os.listdir(project.path / "out")) == {"x"}


def test_a_run_without_a_record(project, tmp_path):
    project.write("prompts.md", "p\n")
    script = "echo begun; touch ready; sleep 60"
    words = project.command("run", "-q", "-i", "prompts:prompts.md", "-o", "x", "--", "sh", "-c", script)
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    running = subprocess.Popen(
        words, cwd=project.path, env=environ, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        until = time.monotonic() + 50
        while not (project.path / "ready").exists() and time.monotonic() < until:
            time.sleep(0.02)
        for state in ("running", "lost"):
            done = project.xt("restore", "@", "--to", str(tmp_path / state))
            assert done.code == 0, done.err
            assert f"it is {state}" in done.out.decode()
            found = tree(tmp_path / state)
            assert found["train.py"][1] == b"print('training')\n"
            assert found["prompts.md"][1] == b"p\n"
            if state == "running":
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()
        (log,) = (content for name, (_, content) in found.items() if name.endswith("stdout.log"))
        assert log == b"begun\n"
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def test_names_of_every_kind_go_round(project):
    names = [
        b"n" * 255,
        b"line\nend",
        b"\xff\xfe",
        b"-rf",
        b"*",
        b" ",
        b"a\tb",
        b"\x1b[31m",
        b"Case",
        b"case",
    ]
    folder = os.fsencode(project.path / "out")
    os.mkdir(folder)
    for name in names:
        Path(os.fsdecode(folder + b"/" + name)).write_bytes(name)
    assert project.run("-q", "-o", "out", "--", "touch", "out").code == 0
    shutil.rmtree(project.path / "out")
    done = project.xt("restore", "@")
    assert done.code == 0, done.err
    assert sorted(os.listdir(folder)) == sorted(names)
    assert all(Path(os.fsdecode(folder + b"/" + name)).read_bytes() == name for name in names)
    assert b"\x1b" not in done.out
    named = project.xt("restore", "@", "--json", "out/\udcff\udcfe")
    assert named.code == 0
    (found,) = json.loads(named.out)["paths"]
    assert found["state"] == "unchanged"
    assert list(found["path"]) == ["b64"]


def test_a_folder_that_is_a_link_is_not_written_through(ran, tmp_path):
    (tmp_path / "disk").mkdir()
    os.symlink(tmp_path / "disk", ran.path / "out")
    done = ran.xt("restore", "@")
    assert done.code == 1
    assert list((tmp_path / "disk").iterdir()) == []
    assert "is a link and not a folder" in done.out.decode()
    assert "model.bin" in tree(ran.path), "the others come back"
    (tmp_path / "disk" / "one").write_text("one\n")
    assert states(ran, "@", "out/one")["out/one"] == "unchanged", "what is behind the link counts"


def test_what_was_outside_the_project(project, tmp_path):
    away = tmp_path / "away" / "result.bin"
    away.parent.mkdir()
    words = ("-q", "-o", str(away), "-o", "in.txt", "--", "sh", "-c", f"echo a > '{away}'; echo b > in.txt")
    assert project.run(*words).code == 0
    assert project.xt("restore", "@").code == 0, "it is there as it was"
    away.unlink()
    (project.path / "in.txt").unlink()
    done = project.xt("restore", "@")
    assert done.code == 1
    assert "outside the project" in done.out.decode()
    assert not away.exists()
    assert (project.path / "in.txt").read_text() == "b\n"
    assert project.xt("restore", "@", str(away), "--to", "copy").code == 0
    assert (project.path / f"copy/outside{away}").read_text() == "a\n"


def test_a_target_that_is_none(ran):
    for target, said in ((".xt/objects", "the store itself"), ("data.csv", "is not a folder")):
        done = ran.xt("restore", "@", "--to", target)
        assert done.code == 2
        assert said in done.err


def test_another_place_of_the_project(ran, tmp_path):
    ran.path.rename(tmp_path / "moved")
    done = ran.xt("restore", "@", cwd=tmp_path / "moved")
    assert done.code == 0, done.err
    assert (tmp_path / "moved/out/one").read_text() == "one\n"
    assert not ran.path.exists()


def test_the_json_is_as_its_schema_says(ran):
    for words in ((), ("--only", "code"), ("--only", "logs"), ("data.csv",)):
        found = json.loads(ran.xt("restore", "@", *words, "--json").out)
        validator("restore").validate(found)
        assert found["run"] == ran.record()["id"]
        assert found["paths"]


def test_many_paths_are_summed_up(project):
    script = "mkdir out; for i in $(seq 40); do echo $i > out/$i; done"
    assert project.run("-q", "-o", "out", "--", "sh", "-c", script).code == 0
    project.sh("rm -r out")
    done = project.xt("restore", "@")
    shown = done.out.decode().splitlines()
    assert len(shown) == 2, shown
    assert "40 paths" in shown[0]
    assert "40 restored" in shown[1]
    assert len(os.listdir(project.path / "out")) == 40
    project.sh("for i in $(seq 40); do echo x > out/$i; done")
    conflicts = project.xt("restore", "@").out.decode().splitlines()
    assert sum(line.startswith("differs") for line in conflicts) == 40, "every conflict is named"


def test_an_interruption_leaves_whole_files_only(project):
    script = "mkdir out; for i in $(seq 300); do head -c 300000 /dev/zero > out/$i; echo $i >> out/$i; done"
    assert project.run("-q", "-o", "out", "--", "sh", "-c", script).code == 0
    whole = tree(project.path / "out")
    project.sh("rm -r out")
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    going = subprocess.Popen(
        project.command("restore", "@"),
        cwd=project.path,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    until = time.monotonic() + 50
    while not (project.path / "out").exists() and going.poll() is None and time.monotonic() < until:
        time.sleep(0.001)
    os.killpg(going.pid, signal.SIGINT)
    going.communicate(timeout=50)
    assert going.returncode in (130, 0), "0 when it was done already"
    for name, found in tree(project.path / "out").items():
        assert found == whole[name]
    assert project.xt("restore", "@").code == 0
    assert tree(project.path / "out") == whole


# --- records that lie ---------------------------------------------------------------------------------


@pytest.fixture
def forge(project, tmp_path):
    """Seals a run whose outputs are at given paths; each is a file of the text `evil`."""
    (tmp_path / "x").write_text("precious")
    assert project.run("-q", "--", "true").code == 0
    store = Store.open(f"{project.path}/.xt")
    evil = store.objects.put_bytes(b"evil")

    def seal(outputs=(), inputs=(), entries=None, project_path=None):
        whole = builders.record()
        made = [
            Output("artifact", to_text(path), "file", "stored", to_text(path), evil, 4, 1, 0o6777)
            for path in outputs
        ]
        read = [
            Input("config", to_text(path), "file", "verified", to_text(path), evil, 4, 1) for path in inputs
        ]
        if entries is not None:
            digest = store.objects.put_bytes(
                codec.encode(
                    Manifest(
                        [
                            Entry(path, "file", 0o6777, 4, evil)
                            if target is None
                            else Entry(path, "link", 0o777, target=target)
                            for path, target in entries
                        ]
                    )
                )
            )
            made.append(Output("artifact", "t", "tree", "stored", "t", digest, 4, len(entries), 0o7777))
        context = msgspec.structs.replace(
            whole.snapshot.context, project=str(project_path or project.path), name=None, tags=[]
        )
        snapshot = msgspec.structs.replace(
            whole.snapshot,
            code=msgspec.structs.replace(
                whole.snapshot.code, status="none", tree=None, repositories=[], left_out=[]
            ),
            inputs=read,
            context=context,
        )
        logs = msgspec.structs.replace(whole.result.logs, streams=[], timing=None)
        result = msgspec.structs.replace(whole.result, outputs=made, metrics=[], logs=logs)
        record = msgspec.structs.replace(whole, snapshot=snapshot, result=result)
        live = store.begin(record.id)
        store.seal(live, record)
        live.end()
        return record.id

    project.forge = seal
    project.around = tmp_path
    return project


EVIL = [
    "../x",
    "/etc/x",
    "a/../../x",
    "a/../../../x",
    "..",
    "/",
    ".git/hooks/pre-commit",
    "a/.XT/format",
    ".xt/key",
]


def untouched(project) -> bool:
    """Whether all around the project, and its repository and store, are as they were."""
    git = project.path / ".git/hooks/pre-commit"
    return (
        (project.around / "x").read_text() == "precious"
        and not git.exists()
        and not Path("/etc/x").exists()
        and (project.path / ".xt/key").read_bytes() != b"evil"
        and (project.path / ".xt/format").read_bytes() != b"evil"
    )


@pytest.mark.parametrize("path", [*EVIL, "nul\0byte", ""], ids=ascii)
@pytest.mark.parametrize("to", [None, "target"])
def test_a_path_that_leads_out_is_refused(forge, path, to):
    run = forge.forge(outputs=[path, "good"], inputs=[path])
    around = set(os.listdir(forge.around))
    words = ["--to", to] if to else []
    done = forge.xt("restore", run, "--force", *words)
    assert untouched(forge)
    assert set(os.listdir(forge.around)) == around
    target = forge.path / (to or ".")
    assert (target / "good").read_bytes() == b"evil"
    assert stat.S_IMODE((target / "good").stat().st_mode) == 0o777, "never set-user-id"
    if to is None:
        assert done.code == 1
        assert "refused" in done.out.decode()
    else:
        for folder, _, names in os.walk(target):
            for name in names:
                assert os.path.realpath(os.path.join(folder, name)).startswith(f"{target}/")
        assert not [name for name in tree(target) if name.startswith("..")]


def test_a_tree_that_goes_through_its_own_link_is_refused(forge):
    link = [
        ("way", str(forge.around)),
        ("way/x", None),
        ("way/deep/x", None),
        ("up", ".."),
        ("up/../../x", None),
    ]
    run = forge.forge(entries=link)
    for words in ([], ["--to", "target"]):
        done = forge.xt("restore", run, "--force", *words)
        assert untouched(forge)
        assert not (forge.around / "deep").exists()
        assert done.code == 1
        assert os.readlink(forge.path / (words[1] if words else ".") / "t/way") == str(forge.around)


def test_a_link_that_is_there_already_is_not_followed(forge):
    os.symlink(forge.around, forge.path / "t")
    run = forge.forge(entries=[("x", None)], outputs=["t/x"])
    assert forge.xt("restore", run, "--force").code == 1
    assert untouched(forge)


@pytest.mark.parametrize("root", ["/", "relative", "", "/etc", "/../.."])
def test_a_recorded_root_that_lies_changes_nothing(forge, root):
    run = forge.forge(outputs=["/etc/x", "../x", "good"], project_path=root or " ")
    for words in ([], ["--to", "target"]):
        forge.xt("restore", run, "--force", *words)
        assert untouched(forge)
