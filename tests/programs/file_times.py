"""Takes the newest file of a folder by its modification time, and says when that was.

Source: modification times, which a checkout makes anew. Plain repeats: divergent. Diagnosis: times.
"""

import os
from pathlib import Path

newest = max(Path("parts").iterdir(), key=lambda path: (os.stat(path).st_mtime_ns, path.name))
Path("out.txt").write_text(f"{newest} of {os.stat(newest).st_mtime_ns}\n")
