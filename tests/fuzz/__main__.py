"""`python -m tests.fuzz NAME --seconds 60`: fuzz one target with Atheris (libFuzzer), guided by coverage.

What makes it fail is written to `tests/fuzz/corpus/NAME/`, where the suite reads it from then on.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import hashlib
import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def main() -> int:
    """Fuzz; does not return when all went well (libFuzzer ends the process)."""
    asked = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    asked.add_argument("name", nargs="?", help="a target; all are listed without one")
    asked.add_argument("--seconds", type=int, default=60)
    asked.add_argument("--megabytes", type=int, default=1500, help="of resident memory")
    given = asked.parse_args()
    try:
        import atheris
    except ImportError:
        print("fuzz: atheris is not installed: `pip install 'xt[fuzz]'`", file=sys.stderr)
        return 3
    if given.name is None:
        from tests.fuzz.targets import TARGETS

        print("\n".join(TARGETS))
        return 0
    # Left open: what is imported late is instrumented too.
    atheris.instrument_imports(include=["xt"]).__enter__()
    from tests.fuzz.targets import TARGETS

    if given.name not in TARGETS:
        print(f"fuzz: no target `{given.name}`: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    target = TARGETS[given.name]
    known = CORPUS / given.name
    known.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for data in target.seeds:
            Path(folder, hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
            target.run(data)
        limits = [f"-max_total_time={given.seconds}", "-timeout=10", f"-rss_limit_mb={given.megabytes}"]
        words = [*limits, f"-artifact_prefix={known}/", "-print_final_stats=1", "-verbosity=0", folder]
        words += [str(known)] if any(known.iterdir()) else []
        # libFuzzer ends the process itself.
        atexit.register(_remove_if_empty, known)
        atheris.Setup([sys.argv[0], *words], target.run)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
