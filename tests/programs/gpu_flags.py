"""Multiplies with shortened floats, as GPUs do unless they are told not to (TF32).

Source: a flag. Plain repeats: identical. `--vary gpu` changes it.
"""

import os
import struct
from pathlib import Path


def shortened(value: float) -> float:
    """Keep 10 bits of the mantissa."""
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    return struct.unpack("<f", struct.pack("<I", bits & ~0x1FFF))[0]


exact = os.environ.get("NVIDIA_TF32_OVERRIDE") == "0"
total = 0.0
for number in range(1, 1000):
    value = 1 / number
    total += (value if exact else shortened(value)) ** 2
Path("out.txt").write_text(f"{total!r}\n")
