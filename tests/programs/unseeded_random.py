"""Draws numbers from a generator that nothing seeds.

Source: the system's entropy. Plain repeats: divergent. Diagnosis: seed.
"""

import random
from pathlib import Path

Path("out.txt").write_text("\n".join(f"{random.gauss(0, 1):.6f}" for _ in range(5)) + "\n")
