"""`python -m tests.benchmarks`: measure, print, and with `--write` put it into docs/performance.md."""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks import page, rows
from tests.benchmarks.cases import CASES
from tests.benchmarks.clock import FailedError
from tests.benchmarks.rows import Row
from tests.benchmarks.world import World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=CASES, help="one case; may be given many times")
    parser.add_argument("--quick", action="store_true", help="small and few: whether it runs, not how fast")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    parser.add_argument(
        "--dir", help="where to work, on the disk to be measured; needs 8 GB (default: TMPDIR)"
    )
    parser.add_argument(
        "--peers",
        action="append",
        metavar="DIR",
        help="where other tools are, as VENV/bin; repeatable",
    )
    parser.add_argument(
        "--objects",
        type=int,
        default=100_000,
        metavar="N",
        help="contents of the store that `upkeep` looks after (default: 100000)",
    )
    asked = parser.parse_args()
    if asked.write and (asked.quick or asked.only):
        parser.error("--write takes all cases at full size: the page shows one run side by side")
    folder = tempfile.mkdtemp(prefix="xt-benchmarks-", dir=asked.dir)
    try:
        return measure(
            World(folder, quick=asked.quick, peers=asked.peers, objects=asked.objects),
            asked.only or list(CASES),
            write=asked.write,
        )
    except FailedError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder)


def case(module: str, world: World) -> list[Row]:
    """Measure one case."""
    found: list[Row] = importlib.import_module(f"tests.benchmarks.cases.{module}").measure(world)
    return found


def measure(world: World, names: list[str], *, write: bool) -> int:
    """Measure cases in the order of the page."""
    where = page.machine(world.xt, world.folder)
    print(" ".join(where))
    if world.quick:
        print("--quick: these figures say nothing, and are not judged")
    sections = []
    for name, (heading, module) in CASES.items():
        if name in names:
            began = time.monotonic()
            # A process of its own: what one case keeps in memory would count as peak of all later processes.
            with multiprocessing.get_context("fork").Pool(1) as pool:
                found = pool.apply(case, (module, world))
            if world.quick:
                found = [row._replace(target=None) for row in found]
            print(page.terminal(f"\n{heading} ({time.monotonic() - began:.0f} s)", found), flush=True)
            sections.append((heading, found))
    judged = [verdict for _, found in sections for row in found if (verdict := rows.verdict(row))]
    print(f"\n{judged.count('met')} of {len(judged)} targets met")
    if write:
        PAGE.write_text(
            page.put(PAGE.read_text(encoding="utf-8"), page.markdown(sections, where)), encoding="utf-8"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
