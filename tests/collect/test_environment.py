"""The environment: tiers of variables, machine, accelerators, container, lock files, fingerprint."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from ast import literal_eval
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collect.worlds import KEY, capture, install, site, venv
from xt import codec
from xt.collect import container, environment, gpus, locks, machine, variables
from xt.config import EnvSettings
from xt.model.environment import Environment, Gpu, Gpus
from xt.model.text import Raw, from_text

PATH = {"PATH": "/usr/bin:/bin", "HOME": "/home/nobody"}

SECRETS = {
    "FOO_TOKEN": "canary-foo-1",
    "AWS_SECRET_ACCESS_KEY": "canary-aws-2",
    "DATABASE_URL": "postgres://u:canary-db-3@h/d",
    "MYSQL_PWD": "canary-mysql-4",
    "HF_TOKEN": "canary-hf-5",
    "WANDB_API_KEY": "canary-wandb-6",
    "GH_PAT": "canary-pat-7",
    "SSH_AUTH_SOCK": "/tmp/canary-ssh-8/agent",
    "https_proxy": "http://u:canary-proxy-9@h",
    "LD_LIBRARY_PATH": "/lib:https://u:canary-ld-10@h/x",
    "CFLAGS": "-DTOKEN=ghp_canary11canary11canary11canary11abcd",
    "BUILD": "canary-tier2-12",
    "MY_JWT": "canary-jwt-13",
}


def hidden(root: Path, environ: dict[str, str], **more: Any) -> dict[str, str]:
    return variables.collect(capture(root, environ=environ, **more)).hidden


def test_no_secret_is_in_the_record(tmp_path: Path) -> None:
    seen = environment.collect(capture(tmp_path, environ=PATH | SECRETS))
    data = codec.encode(seen)
    assert b"canary" not in data
    assert {name for name, value in seen.hidden.items() if value == "secret"} == {
        "FOO_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "DATABASE_URL",
        "MYSQL_PWD",
        "HF_TOKEN",
        "WANDB_API_KEY",
        "GH_PAT",
        "SSH_AUTH_SOCK",
        "MY_JWT",
    }
    assert seen.variables["LD_LIBRARY_PATH"] == "/lib:https://u:***@h/x"
    assert codec.decode(data, Environment, "it") == seen


def test_the_three_tiers(tmp_path: Path) -> None:
    environ = {
        "OMP_NUM_THREADS": "4",
        "LC_ALL": "C",
        "EDITOR": "vi",
        "API_TOKEN": "x",
        "TF_VAR_db": "mine",
        "CUDA_HOME": "/c",
    }
    seen = variables.collect(capture(tmp_path, environ=environ))
    assert seen.values == {"OMP_NUM_THREADS": "4", "LC_ALL": "C", "CUDA_HOME": "/c"}
    assert seen.hidden.keys() == {"EDITOR", "API_TOKEN", "TF_VAR_db"}
    assert seen.hidden["API_TOKEN"] == "secret"
    assert len(seen.hidden["EDITOR"]) == 16


def test_what_changes_results_is_recorded(tmp_path: Path) -> None:
    environ = PATH | {"LD_PRELOAD": "/x.so", "PYTHONSTARTUP": "/s.py", "PYTHONPATH": "/p"}
    seen = environment.collect(capture(tmp_path, environ=environ))
    for name, value in environ.items():
        if name != "HOME":
            assert seen.variables[name] == value
    prints = {seen.fingerprint}
    for name in ("LD_PRELOAD", "PYTHONSTARTUP", "PYTHONPATH"):
        prints.add(environment.collect(capture(tmp_path, environ=environ | {name: "/other"})).fingerprint)
    assert len(prints) == 4


def test_a_digest_shows_change_and_needs_the_key(tmp_path: Path) -> None:
    one = hidden(tmp_path, {"EDITOR": "1234"})["EDITOR"]
    assert hidden(tmp_path, {"EDITOR": "1234"})["EDITOR"] == one
    assert hidden(tmp_path, {"EDITOR": "1235"})["EDITOR"] != one
    assert hidden(tmp_path, {"PAGER": "1234"})["PAGER"] != one
    assert hidden(tmp_path, {"EDITOR": "1234"}, key=b"another key")["EDITOR"] != one
    plain = {codec.digest(data)[7:23] for data in (b"1234", b"EDITOR\x001234", b"EDITOR=1234")}
    assert one not in plain
    assert one == variables.keyed(KEY, "EDITOR", "1234")


def test_settings_add_values_but_never_secrets(tmp_path: Path) -> None:
    taken = capture(
        tmp_path,
        environ={"MY_A": "1", "MY_B": "2", "OTHER": "3", "MY_TOKEN": "4", "CUSTOM": "5"},
        env=EnvSettings(record=["MY_*", "OTHER", "MY_TOKEN"], secrets=["CUSTOM"]),
    )
    seen = variables.collect(taken)
    assert seen.values == {"MY_A": "1", "MY_B": "2", "OTHER": "3"}
    assert seen.hidden == {"MY_TOKEN": "secret", "CUSTOM": "secret"}
    assert [problem.message for problem in taken.problems if "MY_TOKEN" in problem.message]


def test_odd_names_and_values_survive(tmp_path: Path) -> None:
    environ = {
        os.fsdecode(b"PYTHON\xff"): os.fsdecode(b"\xfe=\n"),
        os.fsdecode(b"ODD\xff"): "x",
        "PYTHONPATH": "a\nb=c\x1b[0m",
        "LC_ALL": os.fsdecode(b"\xff"),
        "LD_PRELOAD": "x" * 131_072,
        "": "no name",
        "BASH_FUNC_f%%": "() { :\n}",
    }
    taken = capture(tmp_path, environ=PATH | environ)
    seen = environment.collect(taken)
    assert codec.decode(codec.encode(seen), Environment, "it") == seen
    value = seen.variables["PYTHON\\xff"]
    assert isinstance(value, Raw)
    assert os.fsencode(from_text(value)) == b"\xfe=\n"
    assert seen.variables["PYTHONPATH"] == "a\nb=c\x1b[0m"
    assert "ODD\\xff" in seen.hidden
    assert len(seen.hidden["LD_PRELOAD"]) == 16
    assert any("LD_PRELOAD" in problem.message for problem in taken.problems)


def test_ten_thousand_variables(tmp_path: Path) -> None:
    seen = variables.collect(capture(tmp_path, environ={f"V{i}": str(i) for i in range(10_000)}))
    assert len(set(seen.hidden.values())) == 10_000


@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="=\0"), min_size=1),
        st.text(st.characters(exclude_characters="\0")),
    )
)
def test_any_variables_can_be_recorded(environ: dict[str, str]) -> None:
    raw = {
        os.fsdecode(k.encode("utf-8", "replace")): os.fsdecode(v.encode("utf-8", "replace"))
        for k, v in environ.items()
    }
    seen = variables.collect(capture(Path("/nowhere"), environ=raw))
    assert len(seen.values) + len(seen.hidden) == len(raw)
    codec.encode([seen.values, seen.hidden])


def test_determinism_locale_time_zone_and_umask(tmp_path: Path) -> None:
    environ = PATH | {"PYTHONHASHSEED": "0", "LANG": "de_DE.UTF-8", "LC_ALL": "C", "TZ": "Europe/Berlin"}
    seen = environment.collect(capture(tmp_path, environ=environ, umask=0o027))
    assert seen.determinism["PYTHONHASHSEED"] == "0"
    assert seen.determinism["CUBLAS_WORKSPACE_CONFIG"] is None
    assert seen.locale == {"LANG": "de_DE.UTF-8", "LC_ALL": "C"}
    assert (seen.timezone, seen.umask) == ("Europe/Berlin", "027")


def test_the_time_zone_of_the_system(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/Asia/Tokyo")
    assert variables.timezone(None, str(link)) == "Asia/Tokyo"
    assert variables.timezone("", str(link)) == "UTC"
    link.unlink()
    assert variables.timezone(None, str(link)) == "UTC"
    link.write_bytes(b"TZif2")
    assert variables.timezone(None, str(link)) is None
    (tmp_path / "timezone").write_text("Asia/Seoul\n")
    assert variables.timezone(None, str(link)) == "Asia/Seoul"


def test_limits_are_those_of_the_process() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 128));"
        "hard = resource.getrlimit(resource.RLIMIT_CORE)[1];"
        "resource.setrlimit(resource.RLIMIT_CORE, (0, hard));"
        "from xt.collect import variables; print(variables.limits())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'nofile': [64, 128]" in done.stdout
    assert str(2**63 - 1) not in done.stdout


def test_the_machine_is_this_one() -> None:
    seen = machine.collect()
    assert (seen.system, seen.kernel, seen.architecture) == (
        platform.system(),
        platform.release(),
        platform.machine(),
    )
    assert seen.cpus == os.cpu_count()
    assert seen.memory_bytes
    assert seen.memory_bytes > 64 << 20
    if platform.libc_ver()[0]:
        assert seen.libc == " ".join(platform.libc_ver())
    if sys.platform == "linux":
        assert seen.usable_cpus == len(os.sched_getaffinity(0))
        meminfo = Path("/proc/meminfo").read_text().split()
        assert abs(seen.memory_bytes - int(meminfo[1]) * 1024) < 1 << 20


def test_processors_of_other_makers() -> None:
    arm = (
        "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\nprocessor\t: 1\n"
    )
    assert machine.linux_cpu(arm) == ("ARM implementer 0x41 part 0xd0c", ["fp", "asimd"])
    assert machine.linux_cpu("") == (None, [])


def test_the_distribution(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text('NAME="X"\nPRETTY_NAME="X Linux 1 (One)"\n')
    assert machine.distribution(str(tmp_path / "os-release")) == "X Linux 1 (One)"


def test_without_a_driver_there_is_no_accelerator_and_nothing_is_imported(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    seen = gpus.none_or_unknown((missing,), missing)
    assert seen is not None
    if sys.platform == "linux":
        assert (seen.status, seen.reason) == ("none", None)
    (tmp_path / "kfd").write_text("")
    other = gpus.none_or_unknown((missing,), str(tmp_path / "kfd"))
    assert other is not None
    assert other.status == "unknown"
    assert "AMD" in (other.reason or "")
    assert gpus.none_or_unknown((str(tmp_path / "kfd"),), missing) is None


def with_pynvml(tmp_path: Path, module: str, code: str) -> str:
    """Run code where `pynvml` is the module given."""
    (tmp_path / "pynvml.py").write_text(module)
    environ = os.environ | {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ, timeout=60
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_a_driver_that_hangs_does_not_hang_the_start(tmp_path: Path) -> None:
    before = time.monotonic()
    out = with_pynvml(
        tmp_path,
        "import time\nclass NVMLError(Exception): pass\ndef nvmlInit(): time.sleep(99)\n",
        "from xt.collect import gpus; seen = gpus.Asking(0.2).answer(); print(seen.status, seen.reason)",
    )
    assert out == "unknown NVML did not answer within 0.2 s"
    assert time.monotonic() - before < 60  # that is: xt ended although the call did not


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (
            "class NVMLError(Exception): pass\ndef nvmlInit(): raise NVMLError('Driver Not Loaded')",
            "NVML: Driver Not Loaded",
        ),
        ("raise ImportError('broken')", "`pynvml` cannot be imported: broken"),
        (
            "class NVMLError(Exception): pass\ndef nvmlInit(): raise RuntimeError('crash')",
            "NVML failed: RuntimeError: crash",
        ),
    ],
)
def test_a_driver_that_fails_is_unknown(tmp_path: Path, module: str, said: str) -> None:
    code = "from xt.collect import gpus; seen = gpus.Asking().answer(); print(seen.status, seen.reason)"
    assert with_pynvml(tmp_path, module, code) == f"unknown {said}"


NVML = """
class NVMLError(Exception): pass
class M: total = 80 << 30
def nvmlInit(): pass
def nvmlShutdown(): pass
def nvmlSystemGetDriverVersion(): return b"550.54"
def nvmlSystemGetCudaDriverVersion_v2(): return 12040
def nvmlDeviceGetCount(): return 2
def nvmlDeviceGetHandleByIndex(i): return i
def nvmlDeviceGetName(h): return "NVIDIA H100"
def nvmlDeviceGetUUID(h): return f"GPU-{h}"
def nvmlDeviceGetMemoryInfo(h):
    if h: raise NVMLError("Unknown Error")
    return M
def nvmlDeviceGetCudaComputeCapability(h): return (9, 0)
def nvmlDeviceGetEccMode(h): return [1, 1]
def nvmlDeviceGetMigMode(h): raise NVMLError("Not Supported")
"""


def test_accelerators_are_described_as_far_as_the_driver_answers(tmp_path: Path) -> None:
    code = "from xt import codec; from xt.collect.gpus import Asking; print(codec.encode(Asking().answer()))"
    seen = codec.decode(literal_eval(with_pynvml(tmp_path, NVML, code)), Gpus, "it")
    assert (seen.status, seen.driver, seen.cuda) == ("found", "550.54", "12.4")
    assert seen.devices == [
        Gpu("NVIDIA H100", "GPU-0", 80 << 30, "9.0", True, None),
        Gpu("NVIDIA H100", "GPU-1", None, "9.0", True, None),
    ]
    assert seen.reason == "`nvmlDeviceGetMemoryInfo`: Unknown Error"


def world(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return str(root)


ID = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ('{"org.opencontainers.image.version": "2\\u001b[31m", "maintainer": "me"}', 1),
        ('{"version": 3, "vcs-ref": {}, "revision": ""}', 0),
        ("[1]", 0),
        ("{" * 100_000, 0),
        ("", 0),
        ("\xff", 0),
        (str({f"org.label-schema.n{n}": "x" * 999 for n in range(99)}).replace("'", '"'), 0),
        (str({f"org.label-schema.n{n}": "x" * 399 for n in range(99)}).replace("'", '"'), 40),
    ],
)
def test_labels_that_an_image_carries(tmp_path: Path, text, labels) -> None:
    """A file that is cut off at its limit is no JSON any more: then nothing is said."""
    seen = container.collect({}, world(tmp_path, {".dockerenv": "", ".singularity.d/labels.json": text}))
    assert len(seen.labels) == labels
    assert all(len(value) <= 200 for value in seen.labels.values())


def test_containers_by_what_they_leave(tmp_path: Path) -> None:
    docker = world(
        tmp_path / "d",
        {".dockerenv": "", "proc/self/mountinfo": f"1 2 /var/lib/docker/containers/{ID}/hostname x"},
    )
    seen = container.collect({}, docker)
    assert (seen.inside, seen.engine, seen.id, seen.image) == (True, "docker", ID, None)
    assert "XT_IMAGE" in (seen.reason or "")
    assert container.collect({"XT_IMAGE": "img@sha256:1"}, docker).image == "img@sha256:1"
    text = f'engine="podman-4.9"\nid="{ID}"\nimage="docker.io/x:1"\nimageid="ff"\n'
    seen = container.collect({}, world(tmp_path / "p", {"run/.containerenv": text}))
    assert (seen.engine, seen.id, seen.image, seen.reason) == ("podman", ID, "ff", None)
    kube = world(tmp_path / "k", {"proc/self/cgroup": f"0::/kubepods/pod1/{ID}\n"})
    assert container.collect({}, kube).engine == "kubernetes"
    seen = container.collect({"APPTAINER_CONTAINER": "/i.sif"}, str(tmp_path / "none"))
    assert (seen.engine, seen.image) == ("apptainer", "/i.sif")


def test_without_a_sign_it_is_told_only_when_process_one_tells(tmp_path: Path) -> None:
    job = container.collect(
        {"CI_JOB_IMAGE": "https://u:hunter22@r.example/i:1"}, world(tmp_path / "j", {".dockerenv": ""})
    )
    assert job.image == "https://u:***@r.example/i:1" and "which one that was is not known" in job.reason
    assert (
        container.collect({"CI_JOB_IMAGE": "i:1"}, world(tmp_path / "v", {"proc/1/comm": "init\n"})).image
        is None
    )
    assert container.collect({}, world(tmp_path / "m", {"proc/1/comm": "systemd\n"})).inside is False
    seen = container.collect({}, world(tmp_path / "u", {"proc/1/comm": "sleep\n"}))
    if sys.platform == "linux":
        assert seen.inside is None
        assert "`sleep`" in (seen.reason or "")


def test_lock_files_of_the_root_and_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "uv.lock").write_text("1")
    (tmp_path / "requirements-dev.txt").write_text("2")
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "base.txt").write_text("3")
    (tmp_path / "pylock.gpu.toml").write_text("4")
    (tmp_path / "sub" / "environment.yml").write_text("5")
    (tmp_path / "sub" / "poetry.lock").symlink_to("../uv.lock")
    (tmp_path / "train.py").write_text("no")
    os.mkfifo(tmp_path / "yarn.lock")
    taken = capture(tmp_path, cwd=str(tmp_path / "sub"))
    assert [(lock.path, lock.digest) for lock in locks.collect(taken)] == [
        ("pylock.gpu.toml", codec.digest(b"4")),
        ("requirements-dev.txt", codec.digest(b"2")),
        ("requirements/base.txt", codec.digest(b"3")),
        ("sub/environment.yml", codec.digest(b"5")),
        ("sub/poetry.lock", codec.digest(b"1")),
        ("uv.lock", codec.digest(b"1")),
    ]
    assert [problem.message for problem in taken.problems] == [
        "`yarn.lock` could not be read: not a regular file"
    ]


def test_the_fingerprint_follows_what_can_change_results(tmp_path: Path) -> None:
    prefix = venv(tmp_path / "env")
    info = install(site(prefix), "alpha", "1.0")
    command = [str(prefix / "bin" / "python"), "t.py"]

    def taken(environ: dict[str, str] | None = None, root: Path = tmp_path, python: Path = prefix) -> str:
        first = str(python / "bin" / "python")
        return environment.collect(capture(root, [first, *command[1:]], PATH | (environ or {}))).fingerprint

    same = taken()
    assert taken() == same
    for harmless in (
        {"PATH": "/bin"},
        {"HOME": "/h"},
        {"SLURM_JOB_ID": "7"},
        {"GITHUB_RUN_ID": "1"},
        {"X_TOKEN": "s"},
    ):
        assert taken(harmless) == same, harmless
    for equal in ({"LANG": "C"}, {"LC_ALL": "POSIX"}):
        assert taken(equal) == same, equal
    changed = [
        taken({"PYTHONHASHSEED": "0"}),
        taken({"OMP_NUM_THREADS": "977"}),
        taken({"LC_ALL": "de_DE.UTF-8"}),
        taken({"TZ": "Asia/Tokyo"}),
        taken({"XT_IMAGE": "img@sha256:1"}),
        taken({"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}),
    ]
    assert len({same, *changed}) == 1 + len(changed)
    (tmp_path / "uv.lock").write_text("a lock says what should be, packages say what is")
    assert taken() == same
    info.rename(info.parent / "alpha-1.1.dist-info")
    assert taken() != same


def test_another_place_is_the_same_environment(tmp_path: Path) -> None:
    prints = set()
    for name in ("a", "b"):
        root = tmp_path / name
        prefix = venv(root / "env")
        install(site(prefix), "mine", "1", {"url": f"file://{root}", "dir_info": {"editable": True}})
        environ = PATH | {"PYTHONPATH": f"{root}/src", "VIRTUAL_ENV": str(prefix)}
        taken = capture(root, [str(prefix / "bin" / "python")], environ)
        prints.add(environment.collect(taken).fingerprint)
        assert taken.problems == []
    assert len(prints) == 1


def test_editable_code_outside_the_project_is_said(tmp_path: Path) -> None:
    root = tmp_path / "project"
    prefix = venv(root / "env")
    install(site(prefix), "lib", "1", {"url": f"file://{tmp_path}/elsewhere", "dir_info": {"editable": True}})
    taken = capture(root, [str(prefix / "bin" / "python")], PATH)
    environment.collect(taken)
    [problem] = taken.problems
    assert f"`{tmp_path}/elsewhere`" in problem.message
    assert problem.hint == f"declare it with `--input {tmp_path}/elsewhere`"


def test_which_of_equal_accelerators_does_not_matter_but_how_many(tmp_path: Path) -> None:
    from xt.collect import fingerprint

    seen = environment.collect(capture(tmp_path, environ=PATH))
    devices = [Gpu("A", f"GPU-{i}", 1, "9.0") for i in range(3)] + [Gpu("B", "GPU-3", 1, "9.0")]

    def of(visible: str | None) -> str:
        return fingerprint.of(
            python=None,
            machine=seen.machine,
            gpus=Gpus("found", None, "1", "12.4", devices),
            container=seen.container,
            locale={},
            timezone=None,
            determinism={"CUDA_VISIBLE_DEVICES": visible},
            variables={},
            root="/r",
        )

    assert of("0") == of("1") == of("GPU-2")
    assert of("0,1") == of("2,0") == of("0, 1")
    assert len({of("0"), of("3"), of("0,1"), of(None), of("-1")}) == 5
    assert of("-1,0") == of("") == of("-1")
    assert of("0,1,2,3") == of(None)


def test_a_command_that_is_not_python_says_so(tmp_path: Path) -> None:
    seen = environment.collect(capture(tmp_path, ["/bin/ls"], PATH))
    assert seen.python is None
    assert seen.python_reason == "`/bin/ls` is a program of its own, not a Python script"


HEAVY = (
    "threading subprocess shlex pathlib tempfile shutil importlib.metadata json socket psutil pynvml urllib"
)


def test_the_common_path_imports_nothing_heavy(tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from xt.collect import environment, context, seed
from xt.config import Settings
from xt.context import Outside
from xt.collect import Capture
from xt.model.request import RunRequest
request = RunRequest([sys.executable, "t.py", "--lr=1"], "/")
c = Capture(request, Outside.real("/"), "/nowhere", "/nowhere/.xt", Settings(), None, b"k")
before = set(sys.modules)
c.found['params'] = []
environment.collect(c), context.collect(c), seed.collect(c)
if environment.gpus.none_or_unknown() is not None:
    print(*(set(sys.modules) & set({HEAVY!r}.split())))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
