"""Whether randomness was controlled."""

from __future__ import annotations

from xt import redact
from xt.collect import Capture
from xt.model.snapshot import Param, Seed
from xt.model.text import to_shown

#: Last part of a parameter's name, in lower case with `_`.
_NAMES = frozenset(("seed", "seeds", "random_state", "rng", "manual_seed", "prng_key", "seed_everything"))


def collect(capture: Capture) -> Seed:
    """Decide the seed of a run; a parameter named like a seed is a hint, it does not become the seed."""
    params: list[Param] = capture.found["params"]
    known = {}
    hash_seed = capture.outside.environ.get("PYTHONHASHSEED")
    if hash_seed:
        known["PYTHONHASHSEED"] = to_shown(hash_seed)
    for param in params:
        last = param.name.lstrip("-").rpartition(".")[2].lower().replace("-", "_")
        if last in _NAMES or last.endswith("_seed") or last.startswith("seed_"):
            known[param.name] = to_shown(redact.clean(str(param.value)))
    if capture.request.seed is not None:
        return Seed(capture.request.seed, "declared", known)
    if capture.request.draw_seed:
        # 31 bits: what every library takes, also those with a signed 32-bit seed.
        return Seed(int.from_bytes(capture.outside.random_bytes(4)) & 0x7FFFFFFF, "drawn", known)
    return Seed(None, "none", known)
