"""Counts letters and writes them sorted: deterministic, whatever surrounds it."""

import json
from collections import Counter
from pathlib import Path

counts = Counter(letter for letter in Path("names.txt").read_text(encoding="utf-8") if letter.isalpha())
Path("out.json").write_text(json.dumps(counts, sort_keys=True, indent=1) + "\n")
