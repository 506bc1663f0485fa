"""Heads a report with the moment at which it was made.

Source: the wall clock. Plain repeats: divergent. Diagnosis: clock; `--vary clock` changes it too.
"""

from datetime import UTC, datetime
from pathlib import Path

Path("out.md").write_text(f"# Report\n\nmade {datetime.now(UTC).isoformat()}\n\naccuracy 0.93\n")
