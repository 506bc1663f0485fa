"""Means a column of a declared input.

Source: the data. With the same data repeats are identical; when the file was changed since, and its old
content is not in the store, the run is unverifiable and the file is named. Diagnosis: input.
"""

from pathlib import Path

values = [float(line) for line in Path("data.csv").read_text().split()[1:]]
Path("out.txt").write_text(f"{sum(values) / len(values)}\n")
