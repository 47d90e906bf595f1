"""What works on a device, and goes on on the CPU where the device is not there, too small or broken."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

CPU = "cpu"


class Placed(Generic[T]):
    """What `load` gives for a device. Once the device has failed, it is loaded anew for the CPU and stays there: after
    some failures nothing that lies on a GPU can be read any more. Safe for several threads.

    Every RuntimeError of work on another device than the CPU counts as its failure (torch has many for that); a fault
    of our own comes again on the CPU.
    """

    def __init__(self, load: Callable[[str], T], device: str = CPU) -> None:
        self._load, self.device = load, device
        self._lock = threading.Lock()
        try:
            self.what = load(device)
        except RuntimeError as fault:
            if device == CPU:
                raise
            self._to_cpu(fault)

    def run(self, work: Callable[[T], R]) -> R:
        """`work` on it, from its beginning on the CPU where the device fails."""
        what = self.what
        try:
            return work(what)
        except RuntimeError as fault:
            return work(self.instead(what, fault))

    def instead(self, failed: T, fault: RuntimeError) -> T:
        """What to go on with where `failed` met a fault; raises the fault where that was on the CPU."""
        with self._lock:
            if self.what is failed:
                if self.device == CPU:
                    raise fault
                self._to_cpu(fault)
            return self.what

    def _to_cpu(self, fault: RuntimeError) -> None:
        self.what = self._load(CPU)
        tell(self.device, fault)
        self.device = CPU


def tell(device: str, fault: BaseException) -> None:
    """One line in the log: what was to be done on a device is done on the CPU."""
    reason = (str(fault).strip() or type(fault).__name__).splitlines()[0][:120].rstrip(" .")
    print(f"cannot use device {device!r} ({reason}); the CPU goes on, which is slower", file=sys.stderr, flush=True)
