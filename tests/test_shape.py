"""The layers of docs/design.md: imports point downward, never sideways between families."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src" / "xt"
FAMILIES = {"collect", "execute", "compare", "store", "exchange"}
#: What each layer may import of xt, besides itself.
MAY = {
    "cli": {"ops", "render", "ground", "store"},
    # What `import xt` offers to programs; it stands beside cli.
    "api": {"ops", "ground", "store"},
    "ops": {"ground", *FAMILIES},
    "render": {"ground"},
    **{family: {"ground"} for family in FAMILIES},
    "ground": set(),
}
MOST_LINES = 400
BANNED_NAMES = {"utils", "util", "helpers", "common", "manager", "core", "base", "misc"}
#: Heavy packages and the only places that may import them.
LEAVES = {
    "rich": {"render"},
    # The second is MLflow's own database, which is read alone.
    "sqlite3": {"store/index", "exchange/importers/mlflow_database.py"},
    "typer": {"cli"},
    "docker": {"collect", "execute"},
    "pynvml": {"collect", "execute"},
    "psutil": {"execute"},
    "git": {"ops", "compare"},
    "numpy": {"compare"},
    "pyarrow": {"compare/parquet.py", "exchange/export/parquet.py"},
    "PIL": {"compare/images.py", "compare/pixels.py", "render/plot_png.py"},
    "plotille": {"render/plot_cells.py"},
    "polars": {"api"},
    "pandas": {"api"},
    "cryptography": {"exchange/signing/keys.py"},
}

FILES = sorted(SOURCE.rglob("*.py"))


def layer(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0].replace("__main__.py", "cli").replace("__init__.py", "api")
    return first if first in MAY else "ground"


def statements(body):
    """All statements, those within others too; expressions hold none, and are most of a tree."""
    for node in body:
        yield node
        for inner in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from statements(getattr(node, inner, ()))


@functools.cache
def imported(path: Path) -> set[str]:
    found = set()
    for node in statements(ast.parse(path.read_text()).body):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@functools.cache
def module_file(name: str) -> Path | None:
    path = SOURCE.parent.joinpath(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.exists():
            return candidate
    return None


def test_imports_point_downward() -> None:
    wrong = []
    for path in FILES:
        own = layer(path)
        for name in imported(path):
            if name == "xt" or not name.startswith("xt."):
                continue
            target = module_file(name)
            if target is None:
                continue  # a name inside a module, whose module is in the list too
            other = layer(target)
            if other != own and other not in MAY[own]:
                wrong.append(f"{path.relative_to(SOURCE)} ({own}) imports {name}")
    assert wrong == []


def test_values_do_no_input_or_output() -> None:
    for path in (SOURCE / "model").glob("*.py"):
        assert not imported(path) & {"os", "sys", "io", "subprocess", "pathlib"}, path.name


def test_files_stay_small_and_well_named() -> None:
    assert [path for path in FILES if len(path.read_text().splitlines()) > MOST_LINES] == []
    assert [path for path in FILES if path.stem in BANNED_NAMES or path.stem.endswith("_impl")] == []


def test_heavy_packages_have_one_home() -> None:
    for path in FILES:
        where = str(path.relative_to(SOURCE))
        for name in imported(path):
            homes = LEAVES.get(name.partition(".")[0])
            if homes is not None:
                assert any(where == home or where.startswith(home + "/") for home in homes), (
                    f"{where}: {name}"
                )


def test_only_the_outside_asks_for_variables_and_prints() -> None:
    """Nothing below cli and render prints; only the ground's context reads the environment."""
    environment = re.compile(r"os\.environ\b|os\.getenv\b")
    for path in FILES:
        text = path.read_text()
        if layer(path) not in ("cli", "render"):
            assert "print(" not in text, path
        # The child of mapped.py gets ours as they are: nothing is read from them.
        if layer(path) not in ("cli", "api") and path.name not in ("context.py", "mapped.py"):
            assert not environment.search(text), path
