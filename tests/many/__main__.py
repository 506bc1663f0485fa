"""`python -m tests.many --seconds 60`: a crowd in one store for a while; then everything is looked at."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from tests.many.crowd import Crowd, for_long


def main() -> int:
    """Let them run, check, and say how many there were."""
    parser = argparse.ArgumentParser(prog="python -m tests.many", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--width", type=int, default=50, help="processes at a time (default: 50)")
    parser.add_argument("--seed", type=int, default=0, help="of what is called when (default: 0)")
    parser.add_argument("--dir", help="where, such as a file system of interest (default: TMPDIR)")
    parser.add_argument("--keep", action="store_true", help="leave the folder, to look at it")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="xt-many-", dir=asked.dir))
    try:
        crowd = Crowd(folder)
        for number in for_long(crowd, asked.seconds, asked.width, asked.seed):
            print(f"{number} processes so far", flush=True)
        crowd.check()
        print(f"{len(crowd.calls)} processes, and everything is as it must be")
    except AssertionError:
        print(f"see {folder}")
        asked.keep = True
        raise
    finally:
        if not asked.keep:
            shutil.rmtree(folder)
    return 0


raise SystemExit(main())
