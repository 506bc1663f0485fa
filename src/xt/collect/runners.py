"""Project runners (`uv run`, `poetry run`, `conda run`, …): which environment they choose."""

from __future__ import annotations

import os
import re

from xt.collect.interpreter import Found, NoPython, follow, upward

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Options that take the next word. Taken from the tools' `--help`.
_UV = frozenset(
    (
        *(
            "--extra",
            "--group",
            "--no-group",
            "--only-group",
            "--env-file",
            "--with",
            "-w",
            "--with-editable",
        ),
        *("--with-requirements", "--package", "--python", "-p", "--directory", "--project", "--index", "-i"),
        *(
            "--default-index",
            "--index-url",
            "--extra-index-url",
            "--find-links",
            "-f",
            "--no-extra",
            "--config-file",
        ),
        *(
            "--upgrade-package",
            "-P",
            "--cache-dir",
            "--color",
            "--prerelease",
            "--resolution",
            "--exclude-newer",
        ),
        *(
            "--link-mode",
            "--reinstall-package",
            "--no-binary-package",
            "--no-build-package",
            "-C",
            "--config-setting",
        ),
        *(
            "--refresh-package",
            "--allow-insecure-host",
            "--index-strategy",
            "--keyring-provider",
            "--python-platform",
        ),
    )
)


def _split(words: list[str], with_value: frozenset[str]) -> tuple[dict[str, str], list[str]]:
    """Separate leading options (value '' for a switch) from the command."""
    options: dict[str, str] = {}
    at = 0
    while at < len(words) and words[at].startswith("-"):
        name, equals, value = words[at].partition("=")
        at += 1
        if name == "--":
            break
        if not equals and name in with_value and at < len(words):
            value = words[at]
            at += 1
        options[name] = value
    return options, words[at:]


def _inside(prefix: str, words: list[str], cwd: str, environ: Mapping[str, str], way: list[str]) -> Found:
    """Follow the command with an environment active."""
    changed = dict(environ)
    changed["PATH"] = os.path.join(prefix, "bin") + ":" + environ.get("PATH", os.defpath)
    if os.path.isdir(os.path.join(prefix, "conda-meta")):
        changed["CONDA_PREFIX"] = prefix
    else:
        changed["VIRTUAL_ENV"] = prefix
    return follow(words, cwd, changed, way)


def _exists(prefix: str, tool: str) -> str:
    if not os.path.isdir(os.path.join(prefix, "bin")):
        raise NoPython(f"`{tool}` will use `{prefix}`, which is not there yet")
    return prefix


def _uv(words: list[str], cwd: str, environ: Mapping[str, str], way: list[str]) -> Found:
    options, rest = _split(words[1:], _UV)
    if rest[:1] != ["run"]:
        raise NoPython("`uv` without `run` starts no Python of the project")
    more, rest = _split(rest[1:], _UV)
    options.update(more)
    if "--isolated" in options or "--script" in options:
        raise NoPython("`uv run` makes a temporary environment for this command")
    cwd = os.path.join(cwd, options.get("--directory", ""))
    script = "-m" in options or "--module" in options
    if script:
        rest = ["python", "-m", *rest]
    elif rest and rest[0].endswith((".py", ".pyw")):
        if _inline_metadata(os.path.join(cwd, rest[0])):
            raise NoPython(f"`uv run` makes an environment for the inline metadata of `{rest[0]}` (PEP 723)")
        rest = ["python", *rest]
    start = os.path.join(cwd, options.get("--project", environ.get("UV_PROJECT", "")))
    found = _inside(_uv_environment(start, options, environ), rest, cwd, environ, [*way, "uv run"])
    if options.keys() & {"--with", "-w", "--with-editable", "--with-requirements"}:
        found.notes.append("packages that `uv run --with` adds are not listed")
    if not options.keys() & {"--no-sync", "--no-project"} and not environ.get("UV_NO_SYNC"):
        found.notes.append(
            "`uv run` may still change packages before it starts the command; `--no-sync` prevents that"
        )
    return found


def _uv_environment(start: str, options: dict[str, str], environ: Mapping[str, str]) -> str:
    active = environ.get("VIRTUAL_ENV")
    if "--active" in options and active:
        return _exists(active, "uv run --active")
    project = None if "--no-project" in options else _holder(start, "pyproject.toml")
    if project:
        # A workspace has one environment, at its root: the outermost project that declares one.
        for folder in upward(project):
            try:
                with open(os.path.join(folder, "pyproject.toml"), "rb") as file:
                    if b"[tool.uv.workspace]" in file.read():
                        project = folder
            except OSError:
                continue
        return _exists(os.path.join(project, environ.get("UV_PROJECT_ENVIRONMENT") or ".venv"), "uv run")
    if active:
        return _exists(active, "uv run")
    venv = _holder(start, ".venv/pyvenv.cfg")
    if venv:
        return os.path.join(venv, ".venv")
    raise NoPython("`uv run` finds no project and no `.venv`, and chooses a Python when it runs")


def _inline_metadata(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return re.search(rb"(?m)^# /// script\s*$", file.read(65536)) is not None
    except OSError:
        return False


def _holder(start: str, name: str) -> str | None:
    """Nearest folder upward that holds a file."""
    return next(
        (folder for folder in upward(os.path.normpath(start)) if os.path.exists(os.path.join(folder, name))),
        None,
    )


def _poetry(words: list[str], cwd: str, environ: Mapping[str, str], way: list[str]) -> Found:
    options, rest = _split(words[1:], frozenset(("-C", "--directory", "-P", "--project")))
    if rest[:1] != ["run"]:
        raise NoPython("`poetry` without `run` starts no Python of the project")
    start = os.path.join(cwd, options.get("-C") or options.get("--directory") or "")
    project = _holder(start, "pyproject.toml")
    if project is None:
        raise NoPython("`poetry run` finds no `pyproject.toml`")
    way = [*way, "poetry run"]
    active = environ.get("VIRTUAL_ENV")
    if active:
        return _inside(_exists(active, "poetry run"), rest[1:], start, environ, way)
    if os.path.isdir(os.path.join(project, ".venv", "bin")):
        return _inside(os.path.join(project, ".venv"), rest[1:], start, environ, way)
    from base64 import urlsafe_b64encode
    from hashlib import sha256

    # The name poetry gives: EnvManager.generate_env_name.
    key = urlsafe_b64encode(sha256(os.fsencode(os.path.realpath(project))).digest()).decode()[:8]
    folder = _poetry_folder(environ)
    try:
        names = [name for name in os.listdir(folder) if f"-{key}-py" in name]
    except OSError:
        names = []
    if len(names) != 1:
        raise NoPython(f"`poetry run` has {len(names)} environments for this project in `{folder}`")
    return _inside(os.path.join(folder, names[0]), rest[1:], start, environ, way)


def _poetry_folder(environ: Mapping[str, str]) -> str:
    if environ.get("POETRY_VIRTUALENVS_PATH"):
        return environ["POETRY_VIRTUALENVS_PATH"]
    home = environ.get("HOME", "/")
    cache = environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    if os.uname().sysname == "Darwin":
        cache = os.path.join(home, "Library", "Caches")
    return os.path.join(environ.get("POETRY_CACHE_DIR") or os.path.join(cache, "pypoetry"), "virtualenvs")


def _in_project(
    tool: str, place: str, marker: str
) -> Callable[[list[str], str, Mapping[str, str], list[str]], Found]:
    """Make a rule for a runner that keeps its environment in the project."""

    def run(words: list[str], cwd: str, environ: Mapping[str, str], way: list[str]) -> Found:
        values = frozenset(("-p", "--project", "-e", "--environment", "--manifest-path"))
        _, rest = _split(words[1:], values)
        if rest[:1] != ["run"]:
            raise NoPython(f"`{tool}` without `run` starts no Python of the project")
        options, rest = _split(rest[1:], values)
        project = _holder(cwd, marker)
        if project is None:
            raise NoPython(f"`{tool} run` finds no `{marker}`")
        name = options.get("-e") or options.get("--environment") or "default"
        prefix = _exists(os.path.join(project, place.replace("NAME", name)), f"{tool} run")
        return _inside(prefix, rest, cwd, environ, [*way, f"{tool} run"])

    return run


def _conda(words: list[str], cwd: str, environ: Mapping[str, str], way: list[str]) -> Found:
    tool = os.path.basename(words[0])
    values = frozenset(
        ("-n", "--name", "-p", "--prefix", "--cwd", "-r", "--root-prefix", "-a", "--attach", "-e", "--env")
    )
    options, rest = _split(words[1:], values)
    if rest[:1] != ["run"]:
        raise NoPython(f"`{tool}` without `run` starts no Python of the project")
    more, rest = _split(rest[1:], values)
    options.update(more)
    name = options.get("-n") or options.get("--name")
    prefix = options.get("-p") or options.get("--prefix")
    if not prefix and not name and environ.get("CONDA_PREFIX"):
        prefix = environ["CONDA_PREFIX"]
    if not prefix:
        prefix = _conda_prefix(name or "base", tool, words[0], cwd, environ)
    folder = os.path.join(cwd, options.get("--cwd", ""))
    return _inside(
        _exists(os.path.join(cwd, prefix), f"{tool} run"), rest, folder, environ, [*way, f"{tool} run"]
    )


def _conda_prefix(name: str, tool: str, word: str, cwd: str, environ: Mapping[str, str]) -> str:
    from xt.collect.interpreter import which

    program = environ.get("CONDA_EXE") or which(word, cwd, environ)
    roots = [
        environ.get("MAMBA_ROOT_PREFIX"),
        program and os.path.dirname(os.path.dirname(os.path.realpath(program))),
    ]
    homes = (environ.get("CONDA_ENVS_PATH") or environ.get("CONDA_ENVS_DIRS") or "").split(":")
    candidates = [os.path.join(home, name) for home in homes if home]
    for root in roots:
        if root:
            candidates.append(root if name == "base" else os.path.join(root, "envs", name))
    candidates.append(os.path.join(environ.get("HOME", "/"), ".conda", "envs", name))
    for prefix in candidates:
        if os.path.isdir(os.path.join(prefix, "conda-meta")):
            return prefix
    raise NoPython(f"the environment `{name}` of `{tool} run` was not found")


def _chooses_later(words: list[str], cwd: str, environ: Mapping[str, str], way: list[str]) -> Found:
    raise NoPython(f"`{os.path.basename(words[0])}` chooses or makes an environment when it runs")


#: By name; `xt.collect.interpreter.RUNNERS` names the same.
RULES: dict[str, Callable[[list[str], str, Mapping[str, str], list[str]], Found]] = {
    "uv": _uv,
    "poetry": _poetry,
    "pdm": _in_project("pdm", ".venv", "pyproject.toml"),
    "pipenv": _in_project("pipenv", ".venv", "Pipfile"),
    "rye": _in_project("rye", ".venv", "pyproject.toml"),
    "pixi": _in_project("pixi", ".pixi/envs/NAME", "pixi.toml"),
    "conda": _conda,
    "mamba": _conda,
    "micromamba": _conda,
    "uvx": _chooses_later,
    "pipx": _chooses_later,
    "hatch": _chooses_later,
    "tox": _chooses_later,
    "nox": _chooses_later,
}
