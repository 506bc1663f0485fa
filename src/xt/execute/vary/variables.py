"""Variations and pins that are nothing but variables of the environment."""

from __future__ import annotations

import os
import sys

from xt.execute.vary import Around, ImpossibleError

#: How libraries and languages are told how many threads to use; each documents its own.
THREADS = (
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "BLIS_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS"),
    *("POLARS_MAX_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "JULIA_NUM_THREADS"),
)
#: What makes operations on NVIDIA's GPUs repeat: cuBLAS (its documentation, "Results Reproducibility"),
#: TensorFlow, and no shortened floats (TF32).
DETERMINISTIC = {
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "TF_DETERMINISTIC_OPS": "1",
    "TF_CUDNN_DETERMINISTIC": "1",
    "NVIDIA_TF32_OVERRIDE": "0",
}
#: Bytes; enough to move the stack by a page or more.
PADDING = 5000


def hashseed(around: Around) -> str:
    """Give Python another seed for its string hashes than the recorded one."""
    seed = "1" if around.environ.get("PYTHONHASHSEED") != "1" else "2"
    around.environ["PYTHONHASHSEED"] = seed
    return f"PYTHONHASHSEED={seed}"


def pin_hashseed(around: Around) -> str:
    """Switch the randomisation of Python's string hashes off."""
    around.environ["PYTHONHASHSEED"] = "0"
    return "PYTHONHASHSEED=0"


def threads(around: Around) -> str:
    """Ask for half as many threads as recorded, or as there are processors; for 2 instead of 1."""
    count = _count(around.environ.get("OMP_NUM_THREADS")) or usable()
    other = count // 2 if count > 1 else 2
    around.environ.update(dict.fromkeys(THREADS, str(other)))
    return f"OMP_NUM_THREADS={other} and the like, instead of {count}"


def pin_threads(around: Around) -> str:
    """Ask for one thread."""
    around.environ.update(dict.fromkeys(THREADS, "1"))
    return "OMP_NUM_THREADS=1 and the like"


def timezone(around: Around) -> str:
    """Move to a timezone where it is, for most of the day, another date."""
    # Without the database of zones only the form without a slash is understood (tzset(3)).
    prefix = "Etc/" if os.path.exists("/usr/share/zoneinfo/Etc/GMT-14") else ""
    zone = prefix + ("GMT-14" if "GMT-14" not in around.environ.get("TZ", "") else "GMT+12")
    around.environ["TZ"] = zone
    return f"TZ={zone}"


def home(around: Around) -> str:
    """Give the home folder another path.

    It is a link to the recorded one: without what is there (caches of models, packages of the user) many
    programs would fail, and that says nothing about their results.

    Raises:
        ImpossibleError: there is no home folder to link to.
    """
    old = around.environ.get("HOME")
    if not old or not os.path.isdir(old):
        raise ImpossibleError("HOME names no folder")
    new = os.path.join(around.scratch, "another-home")
    os.symlink(os.path.abspath(old), new)
    around.environ["HOME"] = new
    return "HOME is a link to the home folder"


def environment(around: Around) -> str:
    """Add a variable that nobody reads; what lies behind the variables in memory moves."""
    around.environ["UNUSED_PADDING"] = "x" * PADDING
    return f"{PADDING} bytes of an unused variable"


def gpu(around: Around) -> str:
    """Switch the flags for deterministic GPU operations on; off when they were on in the run.

    They are variables that programs and libraries read, with or without a GPU.
    """
    if any(around.environ.get(name) == value for name, value in DETERMINISTIC.items()):
        for name in DETERMINISTIC:
            around.environ.pop(name, None)
        return "without " + ", ".join(DETERMINISTIC)
    return pin_gpu(around)


def pin_gpu(around: Around) -> str:
    """Switch the flags for deterministic GPU operations on."""
    around.environ.update(DETERMINISTIC)
    return " ".join(f"{name}={value}" for name, value in DETERMINISTIC.items())


def nogpu(around: Around) -> str:
    """Hide the GPUs, so that the program does without, if it can.

    Raises:
        ImpossibleError: there is none, and the run named none.
    """
    there = any(os.path.exists(path) for path in ("/dev/nvidiactl", "/proc/driver/nvidia/version"))
    if not there and not around.environ.get("CUDA_VISIBLE_DEVICES"):
        raise ImpossibleError("there is no GPU to hide")
    around.environ["CUDA_VISIBLE_DEVICES"] = ""
    return "CUDA_VISIBLE_DEVICES is empty"


def memory(around: Around) -> str:
    """Fill memory with other bytes before a program gets it, and after it gave it back (mallopt(3)).

    Raises:
        ImpossibleError: nothing is known that does it on this system.
    """
    return _perturb(around, 0x5A)


def pin_memory(around: Around) -> str:
    """Fill memory with the same bytes before a program gets it, and after it gave it back.

    Only what malloc gives out: not the stack, and not what a program keeps and hands out itself.

    Raises:
        ImpossibleError: nothing is known that does it on this system.
    """
    return _perturb(around, 0xA5)


def _perturb(around: Around, byte: int) -> str:
    if sys.platform == "darwin":
        around.environ.update(MallocPreScribble="1", MallocScribble="1")
        return "MallocPreScribble=1 MallocScribble=1"
    if not sys.platform.startswith("linux"):
        raise ImpossibleError("only on Linux and macOS")
    # glibc's caches of small pieces, one for each thread, give them out as they are: without them.
    tunables = (around.environ.get("GLIBC_TUNABLES"), "glibc.malloc.tcache_count=0")
    around.environ["GLIBC_TUNABLES"] = ":".join(filter(None, tunables))
    around.environ["MALLOC_PERTURB_"] = str(byte)
    return f"MALLOC_PERTURB_={byte} GLIBC_TUNABLES=glibc.malloc.tcache_count=0"


def usable() -> int:
    """Processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _count(text: str | None) -> int | None:
    """Read a number of threads; OpenMP allows one for each level of nesting, `4,2`."""
    first = (text or "").partition(",")[0].strip()
    return int(first) if first.isascii() and first.isdigit() and int(first) > 0 else None
