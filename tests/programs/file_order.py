"""Puts the files of a folder together in the order in which the system lists them.

Source: the order of a folder. Plain repeats: identical, mostly. `--vary fileorder` changes it.
"""

import os
from pathlib import Path

names = os.listdir("parts")
Path("out.txt").write_text("".join(Path("parts", name).read_text() for name in names))
