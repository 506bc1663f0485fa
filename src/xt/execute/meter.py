"""What a command costs: processor, memory, input and output, GPU; sampled once a second at most.

A command that ends before the first sample is metered by what the kernel kept of it, so that short
commands do not pay for the sampling of long ones.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
import time

from xt.model.result import Usage

#: Seconds between samples; the first is taken after half of it.
INTERVAL = 1.0


class Meter(threading.Thread):
    """Samples a process tree until `stop`."""

    def __init__(self, pid: int) -> None:
        """Meter the tree below our child `pid`."""
        super().__init__(name="xt-meter", daemon=True)
        self._pid = pid
        self._began = time.monotonic()
        self._own_peak = _peak(resource.getrusage(resource.RUSAGE_SELF))
        self._halt = threading.Event()
        self._peak = 0
        self._samples = 0
        self._gpu = GpuUse()
        self._problem: str | None = None

    def run(self) -> None:
        """Sample."""
        if self._halt.wait(INTERVAL / 2):
            return
        import psutil

        gpus = open_gpus()
        try:
            while True:
                before = time.monotonic()
                try:
                    self._peak = max(self._peak, _tree_memory(psutil, self._pid))
                    self._samples += 1
                except psutil.Error as error:
                    self._problem = f"memory of the tree: {error}"
                if gpus:
                    gpus.sample(self._gpu)
                # A tree of thousands of processes must not keep a core busy: at most a tenth of it.
                if self._halt.wait(max(INTERVAL, 10 * (time.monotonic() - before))):
                    return
        finally:
            if gpus:
                gpus.close(self._gpu)

    def finish(self, stopped_s: float) -> tuple[int, Usage]:
        """Stop, and reap the process, which has ended.

        Args:
            stopped_s: seconds it was stopped.

        Returns:
            Wait status (as `os.waitpid`), and what it cost.
        """
        wall = time.monotonic() - self._began - stopped_s
        self._halt.set()
        read, written, io_reason = _io(self._pid)
        _, status, used = os.wait4(self._pid, 0)
        if self.is_alive():
            self.join(timeout=2.0)
        reasons = [reason for reason in (self._problem, io_reason) if reason]
        kernel_peak = _peak(used)
        peak: int | None = max(kernel_peak, self._peak)
        if kernel_peak <= self._own_peak:
            # A new process starts as an image of its parent, and the kernel counts that as its memory.
            peak = self._peak or None
            if peak is None:
                reasons.append(f"peak memory: below {self._own_peak} bytes, not told apart from xt's own")
        if self._gpu.problem:
            reasons.append(self._gpu.problem)
        return status, Usage(
            wall_s=max(0.0, round(wall, 6)),
            stopped_s=round(stopped_s, 6),
            user_s=round(used.ru_utime, 6),
            system_s=round(used.ru_stime, 6),
            peak_memory_bytes=peak,
            read_bytes=read,
            written_bytes=written,
            gpu_utilisation=self._gpu.mean_utilisation(),
            gpu_memory_bytes=self._gpu.peak_memory,
            gpu_energy_j=self._gpu.energy_j,
            samples=self._samples,
            reason="; ".join(reasons) or None,
        )


class GpuUse:
    """What the samples of all devices add up to."""

    def __init__(self) -> None:
        self.busy = 0.0
        self.count = 0
        self.peak_memory: int | None = None
        self.energy_j: float | None = None
        self.problem: str | None = None

    def mean_utilisation(self) -> float | None:
        """Mean over samples and devices, 0 to 1; None without samples."""
        return round(self.busy / self.count, 4) if self.count else None


def open_gpus() -> _Gpus | None:
    """Open NVML when there is an NVIDIA driver; without one nothing is loaded."""
    if not os.path.exists("/proc/driver/nvidia/version") and not os.path.exists("/dev/nvidiactl"):
        return None
    import pynvml

    try:
        pynvml.nvmlInit()
        return _Gpus(pynvml)
    except pynvml.NVMLError:
        # What is wrong with it is in the snapshot's environment, where devices are listed.
        return None


class _Gpus:
    """All devices, through NVML (its API reference names each call)."""

    def __init__(self, nvml: object) -> None:
        self.nvml: object = nvml
        count = nvml.nvmlDeviceGetCount()  # type: ignore[attr-defined]
        self.devices = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(count)]  # type: ignore[attr-defined]
        self.energy = [self._energy(device) for device in self.devices]

    def sample(self, use: GpuUse) -> None:
        nvml: object = self.nvml
        try:
            memory = 0
            for device in self.devices:
                use.busy += nvml.nvmlDeviceGetUtilizationRates(device).gpu / 100  # type: ignore[attr-defined]
                use.count += 1
                memory += nvml.nvmlDeviceGetMemoryInfo(device).used  # type: ignore[attr-defined]
            use.peak_memory = max(use.peak_memory or 0, memory)
        except nvml.NVMLError as error:  # type: ignore[attr-defined]
            use.problem = f"GPU: {error}"

    def close(self, use: GpuUse) -> None:
        spent = [
            after - before
            for before, after in zip(self.energy, map(self._energy, self.devices), strict=True)
            if before is not None and after is not None
        ]
        if spent:
            use.energy_j = sum(spent) / 1000
        self.nvml.nvmlShutdown()  # type: ignore[attr-defined]

    def _energy(self, device: object) -> int | None:
        """Millijoules since the driver was loaded; None for devices that do not count them."""
        try:
            return int(self.nvml.nvmlDeviceGetTotalEnergyConsumption(device))  # type: ignore[attr-defined]
        except self.nvml.NVMLError:  # type: ignore[attr-defined]
            return None


def _tree_memory(psutil: object, pid: int) -> int:
    """Resident bytes of a process and its descendants together."""
    root = psutil.Process(pid)  # type: ignore[attr-defined]
    total = 0
    for process in [root, *root.children(recursive=True)]:
        try:
            total += process.memory_info().rss
        except psutil.Error:  # type: ignore[attr-defined]
            continue  # it ended meanwhile: nothing of it is in memory
    return total


def _peak(used: resource.struct_rusage) -> int:
    """Largest resident size in bytes; Linux counts in kibibytes, macOS in bytes (getrusage(2))."""
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _io(pid: int) -> tuple[int | None, int | None, str | None]:
    """Bytes read and written so far by a process and the children it waited for (proc(5), io)."""
    try:
        with open(f"/proc/{pid}/io", encoding="ascii") as file:
            fields = dict(line.split(": ") for line in file.read().splitlines())
        return int(fields["rchar"]), int(fields["wchar"]), None
    except (OSError, KeyError, ValueError) as error:
        return None, None, f"input and output: {error}"
