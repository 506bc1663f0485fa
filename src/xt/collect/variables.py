"""Variables and settings of the process: by value only what is known to be harmless and to matter.

Three tiers: names on the allow-list with their value (after a scan for secrets); all others with a keyed
digest, which shows whether a value changed and lets nobody guess it without the store's key; those named
like secrets by name alone.
"""

from __future__ import annotations

import os

from blake3 import blake3

from xt import redact
from xt.collect import Capture
from xt.model.text import Text, to_shown, to_text

#: Settings known to decide whether a result repeats.
DETERMINISM = (
    *("PYTHONHASHSEED", "PYTHONOPTIMIZE", "SOURCE_DATE_EPOCH"),
    *("OMP_NUM_THREADS", "OMP_DYNAMIC", "OMP_SCHEDULE", "MKL_NUM_THREADS", "MKL_DYNAMIC", "MKL_CBWR"),
    *("OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
    *("NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS", "NPY_DISABLE_CPU_FEATURES"),
    *("CUBLAS_WORKSPACE_CONFIG", "CUDA_LAUNCH_BLOCKING", "CUDA_VISIBLE_DEVICES", "NVIDIA_TF32_OVERRIDE"),
    *("CUDNN_DETERMINISTIC", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "TORCH_CUDNN_V8_API_DISABLED"),
    *("TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC", "TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS"),
    *("TF_NUM_INTEROP_THREADS", "XLA_FLAGS", "JAX_ENABLE_X64", "JAX_DEFAULT_MATMUL_PRECISION"),
    *("JAX_DEFAULT_PRNG_IMPL", "JAX_THREEFRY_PARTITIONABLE", "NCCL_ALGO", "NCCL_PROTO", "FLAX_PROFILE"),
)
#: Recorded by value, besides the above.
_NAME_WORDS = """
PATH LANG LANGUAGE TZ SHELL TERM VIRTUAL_ENV CONDA_DEFAULT_ENV CC CXX FC CFLAGS CXXFLAGS LDFLAGS
LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT LD_BIND_NOW MALLOC_ARENA_MAX KMP_AFFINITY KMP_BLOCKTIME GOMP_CPU_AFFINITY
RANK WORLD_SIZE LOCAL_RANK LOCAL_WORLD_SIZE NODE_RANK MASTER_ADDR MASTER_PORT
GROUP_RANK GROUP_WORLD_SIZE ROLE_NAME ROLE_RANK ROLE_WORLD_SIZE
CI GITHUB_SHA GITHUB_RUN_ID GITHUB_REF CI_COMMIT_SHA CI_JOB_ID CI_PIPELINE_ID
HF_HOME HF_HUB_OFFLINE HF_DATASETS_OFFLINE TRANSFORMERS_OFFLINE TRANSFORMERS_CACHE TOKENIZERS_PARALLELISM
NVIDIA_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES HIP_VISIBLE_DEVICES
NODE_ENV NODE_OPTIONS RUSTFLAGS GOFLAGS GOMAXPROCS JULIA_NUM_THREADS R_LIBS R_LIBS_USER NO_COLOR COLUMNS LINES
"""
_NAMES = frozenset((*_NAME_WORDS.split(), *DETERMINISM))
#: Not all of `TF_` and `LD_`: Terraform's and LaunchDarkly's are named so too.
_PREFIX_WORDS = """
LC_ PYTHON CONDA_PREFIX DYLD_ OMP_ MKL_ OPENBLAS_ NUMEXPR_ BLIS_ VECLIB_ NUMBA_ CUDA_ CUBLAS_ CUDNN_ NCCL_
TORCH_ PYTORCH_ XLA_ JAX_ TF_ENABLE_ TF_DISABLE_ TF_CUDNN_ TF_XLA_ TF_GPU_ TF_FORCE_ TF_NUM_ TF_USE_ TF_CPP_
SLURM_ PBS_ LSB_ TORCHELASTIC_ OMPI_COMM_WORLD_ XT_
"""
_PREFIXES = tuple(_PREFIX_WORDS.split())
#: Bytes; a longer value is recorded by its digest.
LONGEST = 32_768


class Variables:
    """The variables by tier."""

    def __init__(self) -> None:
        """Start empty."""
        self.values: dict[str, Text] = {}
        self.hidden: dict[str, str] = {}


def collect(capture: Capture) -> Variables:
    """Sort the variables into their tiers."""
    found = Variables()
    wanted = capture.settings.env.record
    globs = [pattern for pattern in wanted if any(char in "*?[" for char in pattern)]
    key = capture.key if len(capture.key) == 32 else blake3(capture.key).digest()
    for name, value in capture.outside.environ.items():
        shown = to_shown(name)
        if redact.secret_name(name) or name in capture.settings.env.secrets:
            found.hidden[shown] = "secret"
            if name in wanted:
                capture.problem(
                    "environment",
                    f"the value of `{shown}` is not recorded although `env.record` names it: it is secret",
                )
        elif by_value(name) or name in wanted or _fits(name, globs):
            if len(value) <= LONGEST:
                found.values[shown] = to_text(_without_secrets(value))
                continue
            found.hidden[shown] = keyed(key, name, value)
            capture.problem(
                "environment", f"the value of `{shown}` is recorded as a digest: over {LONGEST} characters"
            )
        else:
            found.hidden[shown] = keyed(key, name, value)
    return found


def _without_secrets(value: str) -> str:
    """Clean a value; one that sets something, as a job's comment `token=x` does, like a word of a command."""
    if "=" in value and any(word in value.lower() for word in redact.NAMED_WORDS):
        value = redact.clean_argv([value])[0][0]
    return redact.clean(value)


def by_value(name: str) -> bool:
    """Whether a variable is on the list of those that are recorded with their value."""
    return name in _NAMES or name.startswith(_PREFIXES)


def _fits(name: str, globs: list[str]) -> bool:
    if not globs:
        return False
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, pattern) for pattern in globs)


def keyed(key: bytes, name: str, value: str) -> str:
    """Digest a value so that only the holder of the key can compare it: keyed BLAKE3, 64 bits in hex.

    Args:
        key: 32 bytes, of the store.
        name: of the variable; the same value under two names looks different.
        value: as `os.fsdecode` gives it.
    """
    text = f"{name}\0{value}".encode("utf-8", "surrogateescape")
    return blake3(text, key=key).hexdigest(length=8)


def determinism(values: dict[str, Text]) -> dict[str, str | None]:
    """Pick the settings that decide whether a result repeats; None is `not set`."""
    return {name: _plain(values[name]) if name in values else None for name in DETERMINISM}


def locale(values: dict[str, Text]) -> dict[str, str]:
    """Pick the locale's variables."""
    return {
        name: _plain(value)
        for name, value in values.items()
        if name in ("LANG", "LANGUAGE") or name[:3] == "LC_"
    }


def _plain(value: Text) -> str:
    return value if isinstance(value, str) else f"base64:{value.b64}"


def timezone(environ_tz: str | None, localtime: str = "/etc/localtime") -> str | None:
    """Name the time zone: `TZ`, else what the system's link points to.

    Args:
        environ_tz: `TZ`, None when it is not set; set and empty means UTC (tzset(3)).
        localtime: path of the link.
    """
    if environ_tz is not None:
        return to_shown(environ_tz) or "UTC"
    try:
        target = os.readlink(localtime)
    except OSError:
        target = ""
    if "zoneinfo/" in target:
        return to_shown(target.partition("zoneinfo/")[2])
    try:
        with open(
            os.path.join(os.path.dirname(localtime), "timezone"), encoding="utf-8", errors="replace"
        ) as file:
            return file.read(256).strip() or None
    except OSError:
        return None if os.path.exists(localtime) else "UTC"


def limits() -> dict[str, list[int]]:
    """List the resource limits that are not infinite: name → [soft, hard], -1 for infinite."""
    import resource

    found = {}
    for name in dir(resource):
        if name.startswith("RLIMIT_"):
            soft, hard = resource.getrlimit(getattr(resource, name))
            if soft != resource.RLIM_INFINITY or hard != resource.RLIM_INFINITY:
                found[name[7:].lower()] = [-1 if n == resource.RLIM_INFINITY else n for n in (soft, hard)]
    return found
