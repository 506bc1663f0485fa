"""What a run did with the machine's NVIDIA devices, through NVML (its API reference names each call)."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class GpuMeter:
    """What the samples of all devices add up to; all of it None on a machine without any."""

    def __init__(self) -> None:
        """Open NVML when there is an NVIDIA driver; without one nothing is loaded."""
        self.peak_memory: int | None = None
        """Bytes in use on all devices together, by whomever, at the sample where it was most."""
        self.energy_j: float | None = None
        self.problem: str | None = None
        self._busy = 0.0
        self._count = 0
        self._nvml: Any = None
        if not os.path.exists("/proc/driver/nvidia/version") and not os.path.exists("/dev/nvidiactl"):
            return
        import pynvml

        try:
            pynvml.nvmlInit()
            self._nvml = pynvml
            count = pynvml.nvmlDeviceGetCount()
            self._devices = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(count)]
        except pynvml.NVMLError as error:
            self._nvml = None
            self.problem = f"GPU: {error}"
            return
        self._energy = [self._millijoules(device) for device in self._devices]

    @property
    def utilisation(self) -> float | None:
        """Mean over samples and devices, 0 to 1; None without samples."""
        return round(self._busy / self._count, 4) if self._count else None

    def sample(self) -> None:
        """Look at every device."""
        if self._nvml is None:
            return
        try:
            memory = 0
            for device in self._devices:
                self._busy += self._nvml.nvmlDeviceGetUtilizationRates(device).gpu / 100
                self._count += 1
                memory += self._nvml.nvmlDeviceGetMemoryInfo(device).used
            if self._devices:
                self.peak_memory = max(self.peak_memory or 0, memory)
        except self._nvml.NVMLError as error:
            self.problem = f"GPU: {error}"

    def close(self) -> None:
        """Read the energy counters once more, and let go of NVML."""
        if self._nvml is None:
            return
        spent = [
            after - before
            for before, after in zip(self._energy, map(self._millijoules, self._devices), strict=True)
            if before is not None and after is not None
        ]
        if spent:
            self.energy_j = sum(spent) / 1000
        try:
            self._nvml.nvmlShutdown()
        except self._nvml.NVMLError as error:
            self.problem = f"GPU: {error}"

    def _millijoules(self, device: Any) -> int | None:
        """Spent since the driver was loaded; None for devices that do not count it."""
        try:
            return int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(device))
        except self._nvml.NVMLError:
            return None
