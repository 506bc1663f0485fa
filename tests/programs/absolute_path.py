"""Writes down the absolute path of its configuration.

Source: the working path. Plain repeats: divergent, for they are made in a folder of their own. Diagnosis:
path; `--vary path` changes it too.
"""

import json
from pathlib import Path

Path("out.json").write_text(json.dumps({"config": str(Path("config.yaml").absolute()), "loss": 0.5}))
