"""Hugging Face's Trainer: the `log_history` of a `trainer_state.json`."""

from __future__ import annotations

from xt.exchange.importers import MalformedError, Sink
from xt.exchange.importers.documents import json_document

_WHEN = ("step", "epoch")
#: What the state repeats of the arguments.
_SETTINGS = ("num_train_epochs", "max_steps", "train_batch_size", "logging_steps", "eval_steps", "save_steps")


def read(path: str, sink: Sink) -> None:
    """Read a state; see `xt.exchange.importers`.

    Raises:
        MalformedError: it is none.
        OSError: it cannot be read.
    """
    state = json_document(path)
    history = state.get("log_history")
    if not isinstance(history, list):
        raise MalformedError("it has no list `log_history`")
    for entry in history:
        if isinstance(entry, dict):
            for name, value in entry.items():
                if name not in _WHEN and value is not None:
                    sink.point(name, value, entry.get("step"))
    best = state.get("best_metric")
    if best is not None:
        sink.point("best_metric", best, state.get("best_global_step"))
    for name in _SETTINGS:
        if state.get(name) is not None:
            sink.setting(name, state[name])
    trial = state.get("trial_params")
    if isinstance(trial, dict):
        sink.setting("trial", trial)
