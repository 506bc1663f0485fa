"""Adds up on "the GPU" in blocks, and one after another on the processor when there is none.

Source: whether a GPU can be seen; what CUDA_VISIBLE_DEVICES names stands for it, so that it can be tried on
every machine. Plain repeats: identical. `--vary nogpu` changes it.
"""

import math
import os
from pathlib import Path

numbers = [math.sin(i) * 10 ** (i % 13) for i in range(4096)]
if os.environ.get("CUDA_VISIBLE_DEVICES"):
    total = 0.0
    for begin in range(0, len(numbers), 64):
        block = 0.0
        for number in numbers[begin : begin + 64]:
            block += number
        total += block
else:
    total = 0.0
    for number in numbers:
        total += number
Path("out.txt").write_text(f"{total!r}\n")
