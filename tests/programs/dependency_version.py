"""Scores with a package, `scorekit`, of which 1.0 and 1.1 round differently.

Source: the version of a dependency. With the same version repeats are identical; after a downgrade they are
divergent, and the drift names the package. Diagnosis: environment.
"""

from pathlib import Path

import scorekit

Path("out.txt").write_text(f"{scorekit.score(2, 3)}\n")
