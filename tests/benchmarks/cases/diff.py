"""What it costs to compare two runs."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from tests.benchmarks.clock import paired, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import Project, World

_DIGITS = Path(__file__).resolve().parents[3] / "docs" / "examples" / "digits"
#: Named for its interpreter, because a benchmark may run under one that has no arrays.
_TENSORS = """\
import json, struct, sys
import numpy as np
size, shift, path = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
header, at, parts = {}, 0, 8
for number in range(parts):
    end = at + size // parts // 4 * 4
    header[f"layer.{number}"] = {"dtype": "F32", "shape": [(end - at) // 4], "data_offsets": [at, end]}
    at = end
head = json.dumps(header).encode()
with open(path, "wb") as file:
    file.write(struct.pack("<Q", len(head)) + head)
    for number in range(parts):
        count = header[f"layer.{number}"]["shape"][0]
        values = np.random.default_rng(number).standard_normal(count, dtype=np.float32)
        (values * np.float32(1 + shift)).tofile(file)
"""


def measure(world: World) -> list[Row]:
    """`xt diff` of the example, of many inputs and metrics, of large models."""
    return [*_digits(world), *_many(world), *_large(world)]


def _digits(world: World) -> list[Row]:
    project = world.project("digits")
    shutil.copytree(_DIGITS, project.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".xt", "*.npz"))
    project.commit()
    for rate in ("0.1", "0.02"):
        project.sh(f"{world.xt} run -q -- python train.py --epochs 3 --lr {rate}")
    found = rounds([project.xt("diff", "diff", "@~1", "@")], world.many(20))["diff"]
    project.remove()
    return [Row("`xt diff` of the example's two runs", found.wall, "ms", 250, found)]


def _many(world: World) -> list[Row]:
    project = world.project("many")
    count, metrics = world.many(10_000), world.many(1_000)
    data = f"{project.path}/data"
    program = project.program(
        "measure.py",
        "import json, sys\n"
        f"found = {{f'm{{n}}': n + float(sys.argv[1]) for n in range({metrics})}}\n"
        "json.dump(found, open('metrics.json', 'w'))\n",
    )
    project.sh("printf 'data/\\nmetrics.json\\n' > .gitignore")
    project.commit()
    for shift in ("0.25", "0.5"):
        shutil.rmtree(data, ignore_errors=True)
        _inputs(project, count, shift)
        project.sh(f"{world.xt} run -q -i data -o metrics:metrics.json -- {' '.join(program)} {shift}")
    found = rounds([project.xt("diff", "diff", "@~1", "@")], world.many(10))["diff"]
    project.remove()
    return [
        Row(
            f"`xt diff` with {count:,} changed input files and {metrics:,} metrics",
            found.wall,
            "s",
            1.0,
            found,
        ),
        Row("its memory", found.peak, "MB", 200),
    ]


def _inputs(project: Project, count: int, text: str) -> None:
    for number in range(count):
        folder = f"{project.path}/data/{number // 100:03}"
        if number % 100 == 0:
            os.makedirs(folder)
        with open(f"{folder}/f{number}.txt", "w", encoding="utf-8") as file:
            file.write(f"{number} {text}\n")


def _large(world: World) -> list[Row]:
    size = world.bytes(1_000_000_000)
    project = world.project("large")
    program = project.program("train.py", _TENSORS)
    project.write("xt.toml", '[outputs."*.safetensors"]\nrtol = 1e-3\n')
    project.sh("echo '*.safetensors' > .gitignore")
    project.commit()
    for shift in ("0", "1e-5"):
        project.sh(
            f"{world.xt} run -q -o model:m.safetensors -- {' '.join(program)} {size} {shift} m.safetensors"
        )
    diff = json.loads(project.sh(f"{world.xt} diff @~1 @ --json"))
    objects = sorted(
        (f"{folder}/{name}" for folder, _, names in os.walk(f"{project.store}/objects") for name in names),
        key=os.path.getsize,
    )[-2:]
    [output] = [part for part in diff["effects"]["children"] if part["path"] == "outputs"]
    assert output["relation"] == "within", output

    def forget() -> None:
        for path in objects:
            fd = os.open(path, os.O_RDONLY)
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)

    words = ("diff", "@~1", "@", "--only", "outputs")
    found = rounds(
        [
            project.step("cat", ["cat", *objects]),
            project.xt("diff", *words),
            project.step("cold cat", ["cat", *objects], prepare=forget),
            project.xt("cold diff", *words, prepare=forget),
        ],
        world.many(6),
    )
    project.remove()
    what = f"`xt diff` of two safetensors of {size / 1e9:.1f} GB, all numbers changed, in `cat`s of both"
    return [
        Row(
            f"{what}, from disk",
            paired(lambda diff, cat: diff / cat, found["cold diff"], found["cold cat"]),
            "×",
            2.0,
            found["cold diff"],
        ),
        Row(
            f"{what}, from memory",
            paired(lambda diff, cat: diff / cat, found["diff"], found["cat"]),
            "×",
            2.0,
            found["diff"],
            missed=f"`cat` takes {found['cat'].wall.median:.2f} s then; {size / 4e6:.0f} million pairs of "
            "numbers are still to be subtracted, divided and counted",
        ),
        Row("its memory", found["diff"].peak, "MB", 200),
    ]
