"""Clauses about the environment; every snapshot gets the fingerprint that its parts have."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests import builders
from xt.collect import fingerprint
from xt.model.environment import Container, Gpus, Package
from xt.model.snapshot import Snapshot
from xt.ops.drift import LONGEST, MOST, drift


def snapshot(**changes) -> Snapshot:
    """The snapshot of `builders` with other parts of the environment; `python` and `machine` by field."""
    whole = builders.environment()
    if "python" in changes:
        changes["python"] = changes["python"] and replace(whole.python, **changes["python"])
    if "machine" in changes:
        changes["machine"] = replace(whole.machine, **changes["machine"])
    whole = replace(whole, **changes)
    names = ("python", "machine", "gpus", "container", "locale", "timezone", "determinism", "variables")
    parts = {name: getattr(whole, name) for name in names}
    return builders.snapshot(
        environment=replace(whole, fingerprint=fingerprint.of(**parts, root="/home/you/digits"))
    )


def told(**changes) -> list[str]:
    return drift(snapshot(), snapshot(**changes))


def with_packages(*packages: Package) -> Snapshot:
    return snapshot(python={"packages": list(packages)})


def test_nothing_is_said_of_the_same_environment():
    assert drift(snapshot(), snapshot()) == []
    assert told(umask="077", hidden={}) == []


@pytest.mark.parametrize(
    ("changes", "clause"),
    [
        ({"python": {"version": "3.11.9"}}, "python 3.11.7 → 3.11.9"),
        ({"python": {"implementation": "pypy"}}, "python implementation CPython → pypy"),
        ({"python": None}, "python 3.11.7 → not known"),
        ({"machine": {"libc": "glibc 2.41"}}, "glibc 2.36 → 2.41"),
        ({"machine": {"libc": "musl 1.2"}}, "C library glibc 2.36 → musl 1.2"),
        ({"machine": {"libc": None}}, "C library glibc 2.36 → not known"),
        ({"machine": {"cpu": "Other"}}, "processor AMD EPYC 7B13 → Other"),
        ({"machine": {"cpu_flags": builders.digest("1")}}, "the processor's vector instructions differ"),
        ({"machine": {"cpu_flags": None}}, "the processor's vector instructions are not known"),
        ({"machine": {"usable_cpus": 2}}, "usable CPUs 16 → 2"),
        ({"determinism": {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "4"}}, "OMP_NUM_THREADS not set → 4"),
        ({"determinism": {"PYTHONHASHSEED": "", "OMP_NUM_THREADS": None}}, "PYTHONHASHSEED 0 → empty"),
        ({"timezone": "UTC"}, "time zone Europe/Vienna → UTC"),
        ({"locale": {"LC_ALL": "de_AT.UTF-8"}}, "locale C.UTF-8 → de_AT.UTF-8"),
        ({"locale": {"LANG": "C.UTF-8", "LC_TIME": "C"}}, "LC_TIME C.UTF-8 → C"),
        ({"container": Container(True, "docker", "1", "img:2", None)}, "container image not known → img:2"),
        ({"variables": {"PYTHONPATH": "/home/you/digits/src"}}, "PYTHONPATH not set → ./src"),
    ],
)
def test_one_thing(changes, clause):
    assert clause in told(**changes)


def test_accelerators():
    assert told(gpus=builders.gpus()) == [
        "GPU driver not known → 570.124",
        "CUDA not known → 12.8",
        "GPUs none → 8× NVIDIA H200, 151 GB",
    ]
    unknown = Gpus("unknown", "the driver does not answer", None, None, [])
    assert told(gpus=unknown) == ["GPUs none → unknown"]


def test_packages_another_version_first_then_gone_then_new():
    left = with_packages(Package("a", "1.0"), Package("b", "1.0"), Package("z", "2.4.6"))
    right = with_packages(Package("b", "1.0", editable="/x"), Package("c", "0.1"), Package("z", "2.4.5"))
    assert drift(left, right) == [
        "b 1.0 is the same version from elsewhere: an index → an editable folder",
        "z 2.4.6 → 2.4.5",
        "a is gone",
        "c 0.1 is new",
    ]


@pytest.mark.parametrize("count", [MOST, MOST + 1, 700])
def test_many_packages_are_summed_up(count):
    left = with_packages(*(Package(f"p{at:04}", "1") for at in range(count)))
    clauses = drift(left, with_packages())
    assert len(clauses) == min(count, MOST) + (count > MOST)
    if count > MOST:
        assert clauses[-1] == f"and {count - MOST} more packages"


def test_the_most_telling_comes_first():
    clauses = told(
        timezone="UTC",
        machine={"libc": "glibc 2.41"},
        python={"version": "3.12.0", "packages": [Package("numpy", "2.4.5")]},
    )
    heads = ["python 3.11.7", "numpy 2.4.6", "pillow is", "scikit-learn is", "torch is", "glibc", "time zone"]
    assert [clause.startswith(head) for clause, head in zip(clauses, heads, strict=True)] == [True] * 7


def test_a_long_value_is_cut():
    (clause,) = told(variables={"LD_LIBRARY_PATH": "/x" * 500})
    assert clause.endswith("…") and len(clause) < LONGEST + 40


def test_a_difference_that_is_not_shown_is_still_one():
    left = snapshot()
    environment = replace(left.environment, fingerprint=builders.digest("a"))
    (clause,) = drift(left, replace(left, environment=environment))
    assert "not shown" in clause
