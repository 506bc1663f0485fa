"""What a command costs: processor, memory, input and output, GPU; sampled once a second at most.

A command that ends before the first sample is metered by what the kernel kept of it, so that short
commands do not pay for the sampling of long ones.
"""

from __future__ import annotations

import _thread
import os
import resource
import sys
import time

from xt.model.result import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.execute.gpu_meter import GpuMeter

#: Seconds before the first sample.
PATIENCE = 0.5
#: Seconds between samples.
INTERVAL = 1.0
#: Seconds that a sample under way may still take when the command has ended.
LAST_SAMPLE = 2.0


class Meter:
    """Samples a process tree from `begin` to `finish`, in a thread of its own."""

    def __init__(self, pid: int, began: float) -> None:
        """Meter the tree below our child `pid`, which was started at `began` on the monotonic clock."""
        self._pid = pid
        self._began = began
        self._own_peak = _own_peak()
        # Each is released when it is so: two locks are what is needed of `threading`.
        self._halt, self._over = _thread.allocate_lock(), _thread.allocate_lock()
        self._peak = 0
        self._samples = 0
        self._gpu: GpuMeter | None = None
        self._problem: str | None = None
        self._kills = _kills()
        self._wall = 0.0
        self._io: tuple[int | None, int | None, str | None] = (None, None, None)

    def begin(self) -> None:
        """Start to sample; without a thread to be had the kernel's own figures remain."""
        self._halt.acquire()
        self._over.acquire()
        try:
            _thread.start_new_thread(self._run, ())
        except RuntimeError as error:
            self._over.release()
            self._problem = f"nothing was sampled: {error}"

    def _run(self) -> None:
        try:
            if not self._halt.acquire(timeout=PATIENCE):
                self._sample()
        except Exception as error:  # the command must not feel it, nor its terminal show it
            self._problem = f"sampling ended: {type(error).__name__}: {error}"
        finally:
            self._over.release()

    def _sample(self) -> None:
        from xt.execute.gpu_meter import GpuMeter

        self._gpu = gpu = GpuMeter()
        try:
            while True:
                before = time.thread_time()
                self._peak = max(self._peak, _tree_memory(self._pid))
                gpu.sample()
                self._samples += 1
                # A tree of thousands of processes must not keep a core busy: at most a tenth of it.
                if self._halt.acquire(timeout=max(INTERVAL, 10 * (time.thread_time() - before))):
                    return
        finally:
            gpu.close()

    def end(self) -> None:
        """Stop: the process has ended, and is about to be reaped, after which less is known of it."""
        self._wall = time.monotonic() - self._began
        self._halt.release()
        self._io = _io(self._pid)

    def out_of_memory(self) -> bool:
        """Whether the kernel ended processes of our control group since, for want of memory."""
        now = _kills()
        return now is not None and self._kills is not None and now > self._kills

    def finish(self, used: resource.struct_rusage, stopped_s: float) -> Usage:
        """Say what the process cost.

        Args:
            used: what the kernel said when it was reaped.
            stopped_s: seconds it was stopped.
        """
        wall = self._wall - stopped_s
        read, written, io_reason = self._io
        self._over.acquire(timeout=LAST_SAMPLE)
        gpu = self._gpu
        reasons = [reason for reason in (self._problem, io_reason, gpu and gpu.problem) if reason]
        kernel_peak = _peak(used)
        peak: int | None = max(kernel_peak, self._peak)
        if kernel_peak <= self._own_peak:
            # A new process starts as an image of its parent, and the kernel counts that as its memory.
            peak = self._peak or None
            if peak is None:
                reasons.append(
                    f"peak memory: below {self._own_peak / 1e6:.0f} MB, not told apart from xt's own"
                )
        return Usage(
            wall_s=max(0.0, round(wall, 6)),
            stopped_s=round(stopped_s, 6),
            user_s=round(used.ru_utime, 6),
            system_s=round(used.ru_stime, 6),
            peak_memory_bytes=peak,
            read_bytes=read,
            written_bytes=written,
            gpu_utilisation=gpu.utilisation if gpu else None,
            gpu_memory_bytes=gpu.peak_memory if gpu else None,
            gpu_energy_j=gpu.energy_j if gpu else None,
            samples=self._samples,
            reason="; ".join(reasons) or None,
        )


def _tree_memory(pid: int) -> int:
    """Resident bytes of a process and its descendants together; 0 when it has just ended."""
    import psutil

    try:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    total = 0
    for process in tree:
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue  # it ended meanwhile: nothing of it is in memory
    return total


def _kills() -> int | None:
    """How many processes of our control group were ended for want of memory (cgroups(7)), if that is told."""
    try:
        with open("/proc/self/cgroup", "rb", buffering=0) as file:
            groups = [line.split(b":", 2) for line in file.read().splitlines()]
        for _, controllers, path in groups:
            if controllers == b"memory":
                name = b"/sys/fs/cgroup/memory" + path + b"/memory.oom_control"
            elif controllers == b"":
                name = b"/sys/fs/cgroup" + path + b"/memory.events"
            else:
                continue
            if os.path.exists(name):
                with open(name, "rb", buffering=0) as file:
                    return int(dict(line.split() for line in file.read().splitlines())[b"oom_kill"])
    except (OSError, ValueError, KeyError):
        pass
    return None


def _own_peak() -> int:
    """Largest resident size of this process so far, in bytes.

    Not `getrusage`'s, which counts as ours what whoever started us had (proc(5), status, VmHWM).
    """
    try:
        with open("/proc/self/status", "rb", buffering=0) as file:
            status = file.read()
        return int(status.partition(b"VmHWM:")[2].split(None, 1)[0]) * 1024
    except (OSError, ValueError, IndexError):
        return _peak(resource.getrusage(resource.RUSAGE_SELF))


def _peak(used: resource.struct_rusage) -> int:
    """Largest resident size in bytes; Linux counts in kibibytes, macOS in bytes (getrusage(2))."""
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _io(pid: int) -> tuple[int | None, int | None, str | None]:
    """Bytes read and written so far by a process and the children it waited for (proc(5), io)."""
    try:
        # In bytes: of the text codecs only that of UTF-8 is loaded.
        with open(f"/proc/{pid}/io", "rb", buffering=0) as file:
            fields = dict(line.split(b": ") for line in file.read().splitlines())
        return int(fields[b"rchar"]), int(fields[b"wchar"]), None
    except (OSError, KeyError, ValueError) as error:
        return None, None, f"input and output: {error}"
