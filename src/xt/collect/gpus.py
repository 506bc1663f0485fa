"""Accelerators, through NVML; a driver that hangs costs the start at most two seconds."""

from __future__ import annotations

import os

from xt.context import deaf
from xt.model.environment import Gpu, Gpus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Any of these says that there may be an NVIDIA driver (the last one: under WSL).
NVIDIA = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg")
AMD = "/dev/kfd"
#: Seconds.
LIMIT = 2.0


def none_or_unknown(nvidia: tuple[str, ...] = NVIDIA, amd: str = AMD) -> Gpus | None:
    """Answer without asking a driver, or None when there is one to ask.

    Args:
        nvidia: paths that show an NVIDIA driver.
        amd: path that shows an AMD one.
    """
    if any(os.path.exists(path) for path in nvidia):
        return None
    if os.path.exists(amd):
        return _unknown("an AMD accelerator is there; only NVIDIA's are described")
    if os.uname().sysname == "Darwin":
        return _unknown("accelerators of macOS are not described")
    return Gpus("none", None, None, None, [])


def _unknown(reason: str) -> Gpus:
    return Gpus("unknown", reason, None, None, [])


class Asking:
    """A question to the driver that is under way in a thread, so that other work can go on."""

    def __init__(self, limit: float = LIMIT) -> None:
        """Begin to ask.

        Args:
            limit: seconds until `answer` gives up.
        """
        import threading
        import time

        self._answers: list[Gpus] = []
        self._clock = time.monotonic
        self._until = time.monotonic() + limit
        self._limit = limit
        # A daemon: a call that never returns does not keep xt from ending.
        self._thread = threading.Thread(target=self._ask, name="xt-nvml", daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        deaf()
        try:
            self._answers.append(ask())
        except Exception as error:  # whatever a driver's binding raises is a reason, never a traceback
            self._answers.append(_unknown(f"NVML failed: {type(error).__name__}: {error}"))

    def answer(self) -> Gpus:
        """Wait for the answer, or say that there was none in time."""
        self._thread.join(max(self._until - self._clock(), 0))
        if self._answers:
            return self._answers[0]
        return _unknown(f"NVML did not answer within {self._limit:g} s")


def ask() -> Gpus:
    """Describe what NVML shows; every call may fail by itself."""
    try:
        import pynvml
    except ImportError as error:
        return _unknown(f"`pynvml` cannot be imported: {error}")
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return _unknown(f"NVML: {error}")
    try:
        return _describe(pynvml)
    finally:
        _try(pynvml, pynvml.nvmlShutdown)


def _describe(nvml: Any) -> Gpus:
    missing: list[str] = []

    def get(function: str, *arguments: Any) -> Any:
        return _try(nvml, getattr(nvml, function, None), *arguments, missing=missing)

    driver = get("nvmlSystemGetDriverVersion")
    cuda = get("nvmlSystemGetCudaDriverVersion_v2")
    count = get("nvmlDeviceGetCount")
    devices = []
    for index in range(count or 0):
        handle = get("nvmlDeviceGetHandleByIndex", index)
        if handle is None:
            continue
        memory = get("nvmlDeviceGetMemoryInfo", handle)
        capability = get("nvmlDeviceGetCudaComputeCapability", handle)
        # Not every device has these; that they are not supported is no news.
        ecc = _try(nvml, nvml.nvmlDeviceGetEccMode, handle)
        mig = _try(nvml, nvml.nvmlDeviceGetMigMode, handle)
        devices.append(
            Gpu(
                name=_text(get("nvmlDeviceGetName", handle)) or "unknown",
                uuid=_text(get("nvmlDeviceGetUUID", handle)) or "unknown",
                memory_bytes=int(memory.total) if memory is not None else None,
                compute_capability=f"{capability[0]}.{capability[1]}" if capability else None,
                ecc=bool(ecc[0]) if ecc else None,
                mig=bool(mig[0]) if mig else None,
            )
        )
    return Gpus(
        status="unknown" if count is None else "found" if devices else "none",
        reason="; ".join(dict.fromkeys(missing)) or None,
        driver=_text(driver),
        cuda=f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None,
        devices=devices,
    )


def _try(
    nvml: Any, call: Callable[..., Any] | None, *arguments: Any, missing: list[str] | None = None
) -> Any:
    """Call NVML; None when it fails, and then `missing` says what."""
    if call is None:
        return None
    try:
        return call(*arguments)
    except nvml.NVMLError as error:
        if missing is not None:
            missing.append(f"`{getattr(call, '__name__', 'NVML')}`: {error}")
        return None


def _text(value: bytes | str | None) -> str | None:
    """Older versions of pynvml give bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
