"""Training in several processes, started by torchrun; without it, the same code in one.

    torchrun --nproc-per-node 2 -m lm.train ...

Every process reads its share of each batch; gradients are summed over all of them (DistributedDataParallel) so that a
step equals that of one process with the whole batch. NCCL between GPUs, gloo between CPUs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor, nn

from lm.source import Share


def share_of_this_process() -> Share:
    """Which process this is, from the variables that torchrun sets."""
    return Share(rank=int(os.environ.get("RANK", "0")), world=int(os.environ.get("WORLD_SIZE", "1")))


def own_device(device: torch.device) -> torch.device:
    """The GPU of this process where training is on GPUs, else `device`."""
    if device.type == "cuda" and "LOCAL_RANK" in os.environ:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return device


@contextmanager
def joined(share: Share, device: torch.device) -> Iterator[None]:
    """Within this context the processes of a parallel run can talk to one another."""
    if share.world == 1:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", rank=share.rank, world_size=share.world)
    try:
        yield
    finally:
        dist.destroy_process_group()


def in_parallel(module: nn.Module, share: Share, device: torch.device) -> nn.Module:
    """The module with its gradients averaged over all processes."""
    if share.world == 1:
        return module
    # A batch of plain text leaves the copy head unused.
    ids = [device.index] if device.type == "cuda" else None
    return nn.parallel.DistributedDataParallel(module, device_ids=ids, find_unused_parameters=True)


def total(value: Tensor, share: Share) -> Tensor:
    """The sum of `value` over all processes."""
    value = value.detach().clone()
    if share.world > 1:
        dist.all_reduce(value)
    return value


def agreed(value: float, share: Share, device: torch.device) -> float:
    """The value of the first process, in all of them."""
    if share.world == 1:
        return value
    return float(total(torch.tensor(value if share.rank == 0 else 0.0, device=device), share))


def wait(share: Share) -> None:
    """Go on when every process has come here."""
    if share.world > 1:
        dist.barrier()
