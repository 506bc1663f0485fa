"""What differs around the code: causes apart from context."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests import builders
from xt.model.environment import Lock, Package
from xt.ops.diff import environment
from xt.ops.diff.packages import _order

TIMES = ("2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z")


def other(**changes):
    return builders.snapshot(environment=builders.environment(fingerprint=builders.digest("a"), **changes))


def packages(*found):
    return replace(builders.environment().python, packages=list(found))


def test_the_same_fingerprint_is_the_same_without_a_look():
    assert environment.compare(builders.snapshot(), builders.snapshot()).relation == "same"


def test_packages_go_up_down_come_and_go():
    right = packages(
        Package("numpy", "2.5.0rc1"),
        Package("pillow", "9.9"),
        Package("zstd", "1"),
        Package("torch", "2.10.0", url="file:///x"),
    )
    found = environment.compare(builders.snapshot(), other(python=right))
    shown = {
        child.path.rpartition("/")[2]: (child.change, child.left, child.right) for child in found.children
    }
    assert shown == {
        "numpy": ("up", "2.4.6", "2.5.0rc1"),
        "pillow": ("down", "12.0.0", "9.9"),
        "scikit-learn": ("removed", "1.8.1", None),
        "zstd": ("added", None, "1"),
        "torch": ("changed", "2.10.0", "2.10.0"),
    }


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.9", "1.10"),
        ("1.0rc1", "1.0"),
        ("1.0", "1.0.1"),
        ("1.0", "1.0.post1"),
        ("1.0.dev3", "1.0rc1"),
        ("2024.1", "2024.10"),
        ("1.0a2", "1.0b1"),
    ],
)
def test_versions_are_ordered_as_people_expect(older, newer):
    assert _order(older) < _order(newer)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"machine": replace(builders.environment().machine, cpu="Other")}, "environment/system/cpu"),
        (
            {"machine": replace(builders.environment().machine, usable_cpus=4)},
            "environment/threads/usable CPUs",
        ),
        ({"gpus": builders.gpus(2)}, "environment/gpu/devices"),
        ({"timezone": "UTC"}, "environment/settings/timezone"),
        (
            {"determinism": {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": None}},
            "environment/settings/PYTHONHASHSEED",
        ),
        ({"locale": {"LC_ALL": "de_DE.UTF-8"}}, "environment/locale/LC_NUMERIC"),
        (
            {"container": replace(builders.environment().container, image="sha256:1")},
            "environment/container/image",
        ),
        ({"variables": {"LD_PRELOAD": "/x.so"}}, "environment/variables/LD_PRELOAD"),
        ({"python": replace(builders.environment().python, version="3.12.1")}, "environment/python/version"),
        ({"python": None}, "environment/python/interpreter"),
    ],
)
def test_every_part_of_the_fingerprint_is_told(change, path):
    found = environment.compare(builders.snapshot(), other(**change))
    assert path in {child.path for child in found.children}
    assert found.relation == "changed"


def test_a_fingerprint_that_differs_in_nothing_known_is_unknown_and_not_the_same():
    found = environment.compare(builders.snapshot(), other())
    assert found.relation == "unknown"


def test_context_is_told_and_never_counted():
    right = builders.snapshot(
        context=builders.context(user="me", host="b"),
        environment=builders.environment(
            machine=replace(builders.environment().machine, kernel="6.19"),
            locks=[Lock("uv.lock", builders.digest("1"))],
            hidden={"EDITOR": builders.digest("2"), "SHLVL": builders.digest("3")},
            variables={"PATH": "/bin", "LANG": "C.UTF-8"},
        ),
    )
    found = environment.context(builders.snapshot(), right, TIMES)
    assert {child.path.removeprefix("context/") for child in found.children} == {
        "started",
        "user",
        "host",
        "kernel",
        "lock uv.lock",
        "PATH",
        "variables",
    }
    assert not any(child.counted for child in [found, *found.children])
    assert "EDITOR" in found.children[-1].note
    assert "SHLVL" not in found.children[-1].note
