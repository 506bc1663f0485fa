"""The interpreter that will really run a command, and its packages, against what it says itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.collect.worlds import executable, install, site, venv
from xt.collect import python
from xt.model.environment import Python

ASK = """
import importlib.metadata as m, json, platform, re, sys
found = {}
for d in m.distributions():
    name = re.sub(r"[-_.]+", "-", d.metadata["Name"]).lower()
    found.setdefault(name, d.version)
print(json.dumps([found, platform.python_version(), sys.prefix, sys.base_prefix]))
"""


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prefix = venv(tmp_path_factory.mktemp("shared") / "env")
    install(site(prefix), "alpha", "1.0")
    install(site(prefix), "Zope.Interface_X", "6.1.post1+cu118")
    return prefix


def home(tmp_path: Path, **variables: str) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "home"), **variables}


def find(command: list[str], cwd: Path, environ: dict[str, str]) -> Python:
    found, reason = python.collect(command, str(cwd), environ, str(cwd / "cache"))
    assert reason is None
    assert found is not None
    return found


def why_not(command: list[str], cwd: Path, environ: dict[str, str]) -> str:
    found, reason = python.collect(command, str(cwd), environ, str(cwd / "cache"))
    assert found is None
    assert reason
    return reason


def listed(found: Python) -> dict[str, str]:
    return {
        package.name: package.version for package in found.packages if not package.name.startswith("conda:")
    }


def truth(found: Python, environ: dict[str, str], *options: str) -> tuple[dict[str, str], str, str, str]:
    """Ask the interpreter itself."""
    command = [str(found.executable), *options, "-c", ASK]
    done = subprocess.run(command, env=environ, cwd="/", capture_output=True, text=True, check=True)
    packages, version, prefix, base = json.loads(done.stdout)
    return packages, version, prefix, base


def agrees(found: Python, environ: dict[str, str], *options: str) -> None:
    packages, version, prefix, base = truth(found, environ, *options)
    assert listed(found) == packages
    assert found.version == version
    if "-S" not in options:  # before 3.14, `site` finds the prefix
        assert [found.prefix, found.base_prefix] == [prefix, base]


def test_a_virtual_environment_by_its_path(env: Path, tmp_path: Path) -> None:
    environ = home(tmp_path)
    found = find([str(env / "bin" / "python"), "train.py"], tmp_path, environ)
    assert found.found_by == "argv"
    assert found.executable == str(env / "bin" / "python")
    assert found.implementation == sys.implementation.name
    assert listed(found)["zope-interface-x"] == "6.1.post1+cu118"
    assert "alpha" in listed(found)
    agrees(found, environ)


def test_a_relative_path_starts_from_the_working_directory(env: Path, tmp_path: Path) -> None:
    (tmp_path / "venv").symlink_to(env)
    assert "alpha" in listed(find(["venv/bin/python"], tmp_path, home(tmp_path)))


@pytest.mark.parametrize("name", ["python", "python3"])
def test_the_one_on_path_and_what_leads_there(env: Path, tmp_path: Path, name: str) -> None:
    environ = home(tmp_path, PATH=f"{env / 'bin'}:/usr/bin:/bin", VIRTUAL_ENV=str(env))
    found = find([name, "-m", "pkg"], tmp_path, environ)
    assert found.found_by == "VIRTUAL_ENV"
    agrees(found, environ)
    del environ["VIRTUAL_ENV"]
    assert find([name], tmp_path, environ).found_by == "PATH"


def test_an_active_environment_that_path_does_not_lead_to_is_not_believed(env: Path, tmp_path: Path) -> None:
    other = executable(tmp_path / "bin" / "python", "")
    other.unlink()
    other.symlink_to(os.path.realpath(sys.executable))
    found = find(["python"], tmp_path, home(tmp_path, PATH=str(other.parent), VIRTUAL_ENV=str(env)))
    assert found.found_by == "PATH"
    assert "alpha" not in listed(found)


def test_a_link_to_the_python_of_an_environment_is_outside_of_it(env: Path, tmp_path: Path) -> None:
    link = tmp_path / "bin" / "python"
    link.parent.mkdir()
    link.symlink_to(env / "bin" / "python")
    environ = home(tmp_path)
    found = find([str(link)], tmp_path, environ)
    assert "alpha" not in listed(found)
    agrees(found, environ)


def test_system_site_packages_and_the_users_own(tmp_path: Path) -> None:
    prefix = venv(tmp_path / "env", "--system-site-packages")
    install(site(prefix), "pip", "0.0.1")  # shadows the one below, if there is one
    environ = home(tmp_path)
    version = site(prefix).parent.name
    install(tmp_path / "home" / ".local" / "lib" / version / "site-packages", "mine", "3")
    install(tmp_path / "home" / ".local" / "lib" / version / "site-packages", "pip", "9")
    found = find([str(prefix / "bin" / "python")], tmp_path, environ)
    assert listed(found)["mine"] == "3"
    assert listed(found)["pip"] == "0.0.1"
    agrees(found, environ)
    for option in ("-s", "-I"):
        quiet = find([str(prefix / "bin" / "python"), option, "x.py"], tmp_path, environ)
        assert "mine" not in listed(quiet)
        agrees(quiet, environ, option)
    environ["PYTHONNOUSERSITE"] = "1"
    assert "mine" not in listed(find([str(prefix / "bin" / "python")], tmp_path, environ))


def test_without_system_site_packages_the_users_own_are_out(env: Path, tmp_path: Path) -> None:
    version = site(env).parent.name
    install(tmp_path / "home" / ".local" / "lib" / version / "site-packages", "mine", "3")
    assert "mine" not in listed(find([str(env / "bin" / "python")], tmp_path, home(tmp_path)))


@pytest.mark.parametrize("option", [None, "-E", "-I", "-S"])
def test_pythonpath_comes_first_unless_it_is_ignored(tmp_path: Path, option: str | None) -> None:
    prefix = venv(tmp_path / "env")
    install(site(prefix), "alpha", "1.0")
    install(tmp_path / "extra", "alpha", "2.0")
    environ = home(tmp_path, PYTHONPATH=str(tmp_path / "extra"))
    found = find([str(prefix / "bin" / "python"), *([option] if option else []), "x.py"], tmp_path, environ)
    agrees(found, environ, *([option] if option else []))
    assert listed(found).get("alpha") == ("2.0" if option in (None, "-S") else "1.0")


def test_folders_of_pth_files_count_and_their_code_is_not_run(tmp_path: Path) -> None:
    prefix = venv(tmp_path / "env")
    install(tmp_path / "extra", "beta", "2")
    (site(prefix) / "extra.pth").write_text(
        f"# a comment\nimport os; os.mkdir({str(tmp_path / 'pwned')!r}) if 'XT' in os.environ else None\n"
        f"{tmp_path / 'extra'}\n/nowhere\n"
    )
    found = find([str(prefix / "bin" / "python")], tmp_path, home(tmp_path, XT="1"))
    assert listed(found)["beta"] == "2"
    assert not (tmp_path / "pwned").exists()
    agrees(found, home(tmp_path))


def test_where_packages_came_from(tmp_path: Path) -> None:
    prefix = venv(tmp_path / "env")
    folder = site(prefix)
    source = tmp_path / "my source"
    url = source.as_uri()
    install(folder, "edit", "1", {"url": url, "dir_info": {"editable": True}})
    install(folder, "local", "1", {"url": url, "dir_info": {}})
    install(
        folder,
        "vcs",
        "1",
        {"url": "https://u:tok@github.com/o/r", "vcs_info": {"vcs": "git", "commit_id": "f" * 40}},
    )
    install(folder, "broken", "1", {})
    (source / "old.egg-info").mkdir(parents=True)
    (source / "old.egg-info" / "PKG-INFO").write_text(
        "Metadata-Version: 1.0\nName: Old_Thing\nVersion: 0.1\n"
    )
    (folder / "easy-install.pth").write_text(f"{source}\n")
    found = find([str(prefix / "bin" / "python")], tmp_path, home(tmp_path))
    packages = {package.name: package for package in found.packages}
    assert packages["edit"].editable == str(source)
    assert packages["local"].editable is None
    assert packages["local"].url == url
    assert packages["vcs"].url == "https://u:***@github.com/o/r"
    assert packages["vcs"].revision == "f" * 40
    assert packages["old-thing"].version == "0.1"
    assert packages["old-thing"].editable == str(source)
    assert "broken" in packages
    assert "broken" in (found.reason or "")


def test_odd_metadata_folders(tmp_path: Path) -> None:
    prefix = venv(tmp_path / "env")
    folder = site(prefix)
    (folder / "PyGObject-3.42.2.egg-info").write_text(
        "Metadata-Version: 1.1\nName: PyGObject\nVersion: 3.42.2\n"
    )
    (folder / "lib_x-1.2-py3.11.egg-info").mkdir()
    (folder / "~lpha-1.0.dist-info").mkdir()
    (folder / "nothing.dist-info").mkdir()
    install(folder, "two", "1.0")
    install(folder, "two", "2.0")
    found = find([str(prefix / "bin" / "python")], tmp_path, home(tmp_path))
    assert [(p.name, p.version) for p in found.packages] == [
        ("lib-x", "1.2"),
        ("pygobject", "3.42.2"),
        ("two", "1.0"),
        ("two", "2.0"),
    ]
    assert "nothing.dist-info" in (found.reason or "")
    assert "`two` is installed more than once" in (found.reason or "")


def test_a_package_that_is_replaced_is_noticed(tmp_path: Path) -> None:
    prefix = venv(tmp_path / "env")
    info = install(site(prefix), "alpha", "1.0")
    command = [str(prefix / "bin" / "python")]
    assert listed(find(command, tmp_path, home(tmp_path))) == {"alpha": "1.0"}
    info.rename(site(prefix) / "alpha-2.0.dist-info")
    assert listed(find(command, tmp_path, home(tmp_path))) == {"alpha": "2.0"}
    (site(prefix) / "alpha-2.0.dist-info" / "direct_url.json").write_text(
        json.dumps({"url": "file:///s", "dir_info": {"editable": True}})
    )
    assert find(command, tmp_path, home(tmp_path)).packages[0].editable == "/s"


@pytest.mark.parametrize(
    ("line", "how"),
    [
        ("#!{python}\n", "shebang"),
        ("#! {python} -s\n", "shebang"),
        ("#!/usr/bin/env python\n", "shebang, VIRTUAL_ENV"),
        ("#!/usr/bin/env -S python -u\n", "shebang, VIRTUAL_ENV"),
        ("#!/usr/bin/env -S A=1 python -u\n", "shebang, VIRTUAL_ENV"),
        ("#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n", "shebang"),
        ("#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"\n' '''\n", "shebang"),
    ],
)
def test_scripts_are_followed_by_their_first_line(env: Path, tmp_path: Path, line: str, how: str) -> None:
    script = executable(tmp_path / "train", line.format(python=env / "bin" / "python") + "print(1)\n")
    environ = home(tmp_path, PATH=f"{env / 'bin'}:/usr/bin:/bin", VIRTUAL_ENV=str(env))
    found = find([str(script), "--lr", "1"], tmp_path, environ)
    assert found.found_by == how
    assert "alpha" in listed(found)


def test_a_relocatable_script_of_uv(env: Path, tmp_path: Path) -> None:
    prefix = venv(tmp_path / "env")
    install(site(prefix), "here", "1")
    text = "#!/bin/sh\n'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/'python' \"$0\" \"$@\"\n' '''\n"
    script = executable(prefix / "bin" / "tool", text)
    assert listed(find([str(script)], tmp_path, home(tmp_path))) == {"here": "1"}


def test_a_console_script_on_path(env: Path, tmp_path: Path) -> None:
    prefix = venv(tmp_path / "env")
    install(site(prefix), "tool", "1")
    executable(prefix / "bin" / "tool", f"#!{prefix / 'bin' / 'python'}\n")
    found = find(["tool"], tmp_path, home(tmp_path, PATH=f"{prefix / 'bin'}:/usr/bin:/bin"))
    assert (found.found_by, listed(found)) == ("shebang", {"tool": "1"})


@pytest.mark.parametrize(
    ("before", "how"),
    [
        (["env", "A=1"], "env, VIRTUAL_ENV"),
        (["env", "-u", "VIRTUAL_ENV"], "env, PATH"),
        (["timeout", "-s", "INT", "5"], "timeout, VIRTUAL_ENV"),
        (["nice", "-n", "5"], "nice, VIRTUAL_ENV"),
        (["nohup"], "nohup, VIRTUAL_ENV"),
        (["nice", "env", "--"], "nice, env, VIRTUAL_ENV"),
    ],
)
def test_wrappers_are_looked_through(env: Path, tmp_path: Path, before: list[str], how: str) -> None:
    environ = home(tmp_path, PATH=f"{env / 'bin'}:/usr/bin:/bin", VIRTUAL_ENV=str(env))
    found = find([*before, "python", "train.py"], tmp_path, environ)
    assert found.found_by == how
    assert "alpha" in listed(found)


@pytest.mark.parametrize(
    "text",
    [
        "python train.py",
        "X=1 python train.py | tee log",
        "cd sub && ../venv/bin/python x.py",
        ". venv/bin/activate && python x.py",
        "export PATH={bin}:/usr/bin\npython x.py",
        "if true; then\n  exec python x.py\nfi",
        'echo "an open quote\nor two"; python x.py',
        "for i in 1 2; do python x.py $i; done",
        "(python x.py)",
    ],
)
@pytest.mark.parametrize("as_file", [False, True])
def test_shell_text_is_a_guess_and_says_so(env: Path, tmp_path: Path, text: str, as_file: bool) -> None:
    (tmp_path / "venv").symlink_to(env)
    text = text.format(bin=env / "bin")
    active = text.startswith((".", "export", "cd"))
    environ = home(tmp_path, PATH="/usr/bin:/bin" if active else f"{env / 'bin'}:/usr/bin:/bin")
    if as_file:
        (tmp_path / "job.sh").write_text(text)
    found = find(["sh", "job.sh"] if as_file else ["bash", "-euc", text], tmp_path, environ)
    assert "(guess)" in found.found_by
    assert "alpha" in listed(found)


def test_uv_run(env: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "sub").mkdir(parents=True)
    (project / "pyproject.toml").write_text("[project]\nname='x'\n")
    executable(tmp_path / "bin" / "uv", "#!/bin/sh\n")
    environ = home(tmp_path, PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert "not there yet" in why_not(["uv", "run", "train.py"], project, environ)
    (project / ".venv").symlink_to(env)
    for words in (
        ["train.py"],
        ["--no-sync", "python", "t.py"],
        ["-m", "pkg"],
        ["--extra", "gpu", "--", "python"],
    ):
        found = find(["uv", "run", *words], project / "sub", environ)
        assert found.found_by == "uv run, VIRTUAL_ENV"
        assert "alpha" in listed(found)
    assert "may still change packages" in (find(["uv", "run", "t.py"], project, environ).reason or "")
    assert find(["uv", "run", "--no-sync", "t.py"], project, environ).reason is None
    assert "--with" in (find(["uv", "run", "--with", "x", "t.py"], project, environ).reason or "")
    assert "alpha" in listed(find(["uv", "run", "--project", str(project), "t.py"], tmp_path, environ))
    (project / "solo.py").write_text("# /// script\n# dependencies = []\n# ///\n")
    assert "PEP 723" in why_not(["uv", "run", "solo.py"], project, environ)
    assert "`uv` without `run`" in why_not(["uv", "pip", "list"], project, environ)


def test_poetry_run(env: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text("[tool.poetry]\nname='my-app'\n")
    executable(tmp_path / "bin" / "poetry", "#!/bin/sh\n")
    environ = home(
        tmp_path, PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin", POETRY_CACHE_DIR=str(tmp_path / "cache")
    )
    assert "0 environments" in why_not(["poetry", "run", "python", "t.py"], project, environ)
    from base64 import urlsafe_b64encode
    from hashlib import sha256

    key = urlsafe_b64encode(sha256(os.fsencode(project.resolve())).digest()).decode()[:8]
    (tmp_path / "cache" / "virtualenvs").mkdir(parents=True)
    (tmp_path / "cache" / "virtualenvs" / f"my-app-{key}-py3.11").symlink_to(env)
    found = find(["poetry", "run", "python", "t.py"], project, environ)
    assert found.found_by == "poetry run, VIRTUAL_ENV"
    assert "alpha" in listed(found)
    prefix = venv(project / ".venv")
    assert find(["poetry", "run", "python"], project, environ).prefix == str(prefix)


def test_conda_run(tmp_path: Path) -> None:
    root = tmp_path / "conda"
    prefix = venv(root / "envs" / "ml")
    (prefix / "conda-meta").mkdir()
    (prefix / "conda-meta" / "libblas-3.9.0-22_linux64_mkl.json").write_text("{}")
    (prefix / "conda-meta" / "history").write_text("")
    install(site(prefix), "numpy", "1.26.4")
    executable(root / "bin" / "conda", "#!/bin/sh\n")
    environ = home(tmp_path, PATH=f"{root / 'bin'}:/usr/bin:/bin")
    for words in (["-n", "ml"], ["--name=ml"], ["-p", str(prefix)], ["--no-capture-output", "-n", "ml"]):
        found = find(["conda", "run", *words, "python", "t.py"], tmp_path, environ)
        assert found.found_by == "conda run, CONDA_PREFIX"
        assert [(p.name, p.version) for p in found.packages] == [
            ("conda:libblas", "3.9.0=22_linux64_mkl"),
            ("numpy", "1.26.4"),
        ]
    assert "was not found" in why_not(["conda", "run", "-n", "other", "python"], tmp_path, environ)


def test_a_shim_of_pyenv(tmp_path: Path) -> None:
    root = tmp_path / "pyenv"
    for version in ("3.11.2", "3.11.10", "3.9.1"):
        (root / "versions" / version / "bin").mkdir(parents=True)
        (root / "versions" / version / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    shim = '#!/usr/bin/env bash\nprogram="${0##*/}"\nexec "/x/libexec/pyenv" exec "$program" "$@"\n'
    executable(root / "shims" / "python", shim)
    (root / "version").write_text("3.9.1\n")
    environ = home(tmp_path, PATH=f"{root / 'shims'}:/usr/bin:/bin")
    versions = root / "versions"
    assert find(["python"], tmp_path, environ).executable == str(versions / "3.9.1" / "bin" / "python")
    (tmp_path / ".python-version").write_text("3.11\n")
    assert find(["python"], tmp_path, environ).executable == str(versions / "3.11.10" / "bin" / "python")
    environ["PYENV_VERSION"] = "3.11.2"
    assert find(["python"], tmp_path, environ).executable == str(versions / "3.11.2" / "bin" / "python")
    environ["PYENV_VERSION"] = "3.99"
    assert "no version" in why_not(["python"], tmp_path, environ)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["/bin/ls"], "a program of its own"),
        (["no-such-command"], "was not found"),
        ([""], "is empty"),
        (["env"], "no command"),
        (["sh"], "from its input"),
        (["sh", "-c", "ls; $CMD x"], "could be followed"),
        (["./perl"], "which is not Python"),
        (["./gone"], "which is not there"),
        (["./plain"], "no `#!` line"),
        (["./loop"], "launchers"),
        (["tox"], "when it runs"),
    ],
)
def test_what_is_not_python_is_said(tmp_path: Path, command: list[str], reason: str) -> None:
    executable(tmp_path / "perl", "#!/usr/bin/perl\n")
    executable(tmp_path / "gone", "#!/nowhere/python3\n")
    executable(tmp_path / "plain", "text\n")
    executable(tmp_path / "loop", f"#!/usr/bin/env {tmp_path / 'loop'}\n")
    executable(tmp_path / "bin" / "tox", "#!/usr/bin/python3\n")
    assert reason in why_not(command, tmp_path, home(tmp_path, PATH=f"/usr/bin:/bin:{tmp_path / 'bin'}"))


def test_a_fifo_in_place_of_a_script_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "train.sh")
    assert why_not(["sh", "train.sh"], tmp_path, home(tmp_path))


def test_a_foreign_version_is_read_from_its_header_or_its_binary(tmp_path: Path) -> None:
    """A made-up installation: a library folder, a binary with the version in it, then also a header."""
    base = tmp_path / "base"
    (base / "lib" / "python3.9").mkdir(parents=True)
    (base / "lib" / "python3.9" / "os.py").write_text("")
    binary = executable(base / "bin" / "python3.9", "")
    binary.write_bytes(b"\x7fELF\0\0" + b"3.9\0" + b"3.9.17\0" + b"3.10.1\0")
    command = [str(binary)]
    found = find(command, tmp_path, home(tmp_path))
    assert (found.version, found.implementation, found.reason) == ("3.9.17", "cpython", None)
    binary.write_bytes(b"\x7fELF\0\0\0" + b"3.9\0" + b"3.9.18\0")
    assert find(command, tmp_path, home(tmp_path)).version == "3.9.18"
    (tmp_path / "cache" / "python-version.json").write_text("not JSON")
    assert find(command, tmp_path, home(tmp_path)).version == "3.9.18"
    binary.write_bytes(b"\x7fELF nothing to see")
    unknown = find(command, tmp_path, home(tmp_path))
    assert unknown.version == "3.9"
    assert "patch level" in (unknown.reason or "")
    header = base / "include" / "python3.9" / "patchlevel.h"
    header.parent.mkdir(parents=True)
    header.write_text('#define PY_VERSION      "3.9.19"\n')
    assert find(command, tmp_path, home(tmp_path)).version == "3.9.19"


def test_an_interpreter_without_its_library_is_unknown_not_guessed(tmp_path: Path) -> None:
    binary = executable(tmp_path / "bin" / "python3", "")
    binary.write_bytes(b"\x7fELF")
    found = find([str(binary)], tmp_path, home(tmp_path))
    assert found.version is None
    assert found.packages == []
    assert "standard library was not found" in (found.reason or "")


@pytest.mark.skipif(not os.path.exists("/usr/bin/python3"), reason="no Python of the system")
def test_the_systems_python(tmp_path: Path) -> None:
    environ = home(tmp_path)
    found = find(["/usr/bin/python3"], tmp_path, environ)
    packages, version, prefix, base = truth(found, environ)
    assert listed(found) == packages
    assert (found.version, found.prefix, found.base_prefix) == (version, prefix, base)


def test_an_environment_with_copies_instead_of_links(tmp_path: Path) -> None:
    prefix = venv(tmp_path / "env", "--copies")
    install(site(prefix), "alpha", "1.0")
    environ = home(tmp_path)
    agrees(find([str(prefix / "bin" / "python")], tmp_path, environ), environ)


def test_a_moved_environment_is_described_where_it_is(tmp_path: Path) -> None:
    prefix = venv(tmp_path / "env")
    install(site(prefix), "alpha", "1.0")
    shutil.move(prefix, tmp_path / "moved")
    environ = home(tmp_path)
    agrees(find([str(tmp_path / "moved" / "bin" / "python")], tmp_path, environ), environ)
