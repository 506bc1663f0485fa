"""Makes the checkpoints beside it; needs torch, which the tests do not: `python make_checkpoints.py`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

HERE = Path(__file__).parent


class Canary:
    """Touches a file in the working directory when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch canary-was-here",))


def state(step: float) -> dict[str, Any]:
    """A model after a step, with tensors of every kind."""
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    model(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    with torch.no_grad():
        model.weight[2, 1] += step
    base = torch.arange(12.0).reshape(3, 4)
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": 3 if step == 0 else 4,
        "shared": [base, base[1]],
        "transposed": base.t(),
        "sliced": base[:, ::2],
        "expanded": base[:1].expand(5, 4),
        "parameter": torch.nn.Parameter(base),
        "bfloat16": (base + step).to(torch.bfloat16),
        "float8": base.to(torch.float8_e4m3fn),
        "half": base.half(),
        "complex": torch.tensor([1 + 2j]),
        "bool": torch.tensor([True, False]),
        "int64": torch.arange(3),
        "empty": torch.zeros(0, 3),
        "scalar": torch.tensor(5.0 + step),
        "size": base.size(),
        "dtype": torch.float32,
        "device": torch.device("cpu"),
        "plain": (1, 2.5, "x", b"yy", True, None, {1, 2}, 2**80),
    }


torch.save(state(0), HERE / "one.pt")
torch.save(state(0.5), HERE / "two.pt")
torch.save(torch.nn.Linear(2, 1), HERE / "module.pt")
torch.save({"weight": torch.ones(2), "evil": Canary()}, HERE / "canary.pt")
torch.save({"weight": torch.zeros(2), "evil": Canary()}, HERE / "canary_changed.pt")
torch.save({"weight": torch.ones(2), "evil": Canary()}, HERE / "old.pt", _use_new_zipfile_serialization=False)
