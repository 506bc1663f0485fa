"""Writes down the path of a temporary folder.

Source: the random name of it, which is the system's entropy. Plain repeats: divergent. Diagnosis: seed.
"""

import json
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    Path("out.json").write_text(json.dumps({"checkpoint": f"{folder}/model.bin", "loss": 0.25}))
