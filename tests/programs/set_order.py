"""Numbers the words of a vocabulary in the order of a set.

Source: Python's hash seed. Plain repeats: divergent. Diagnosis: hashseed.
"""

import json
from pathlib import Path

text = "the quick brown fox jumps over a lazy dog and runs away from it all"
words = set(text.split(" "))
Path("out.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
