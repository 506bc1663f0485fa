"""Reports how long the training took.

Source: time that was measured, on a monotonic clock. Plain repeats: divergent. Diagnosis: clock; no
variation of the wall clock reaches it.
"""

import json
import time
from pathlib import Path

begin = time.perf_counter()
total = sum(number * number for number in range(10_000))
time.sleep(0.01)
Path("out.json").write_text(json.dumps({"total": total, "seconds": time.perf_counter() - begin}))
