"""Heads and gates packed for the page: bytes that a canvas draws, a row at a time.

A weight w is sent as round(255 sqrt(w)), which is finer for small ones. Wide maps are narrowed by the largest weight of
each bin, so that no bright spot gets lost; the units of a gate are averaged.

Shapes: L layers, H heads, A answer tokens, N tokens of prompt and answer, G owners, U units.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tutor.answer import Trace

ANSWER = -3
"""Owner of the answer's own tokens; see `owner_of` for the others."""

HEAD_BYTES = 20_000
"""Most bytes of one head before base64, which adds a third, so that the whole reply stays below 32 KB."""

OVERVIEW_BYTES = 60_000
"""Most bytes of all heads together before base64."""

GATES_BYTES = 48_000
"""Most bytes of the gates of a layer before base64."""

_BINS = 48
_ROWS = 32
_UNITS = 64
_UNBOUNDED = "cell"
_SIGMOID = frozenset({"input", "forget", "output", "reset", "update"})


def owners_of(prompt: Sequence[int], total: int) -> list[int]:
    """Owners of all N tokens: those of the prompt, then the answer itself."""
    return [*prompt, *[ANSWER] * (total - len(prompt))]


def overview(weights: NDArray[np.float32], owners: Sequence[int]) -> dict[str, Any]:
    """All heads [L, H, A, N] as small maps, and for each the mean share of every owner in its rows, in thousandths."""
    layers, heads, rows, _ = weights.shape
    height = min(rows, _ROWS)
    width = max(8, min(_BINS, OVERVIEW_BYTES // (layers * heads * height)))
    edges, small = narrowed(narrowed(weights, height, axis=2)[1], width, axis=3)
    groups = list(dict.fromkeys(owners))
    shares = np.rint(1000 * group_sums(weights, owners, groups).mean(axis=2)).astype(int)
    return {
        "layers": layers,
        "heads": heads,
        "rows": small.shape[2],
        "columns": small.shape[3],
        "pixels": encoded(root_bytes(small)),
        "cuts": cuts(owners, edges),
        "groups": groups,
        "shares": shares.tolist(),
    }


def one_head(weights: NDArray[np.float32], owners: Sequence[int]) -> dict[str, Any]:
    """One head [A, N] as fine as `HEAD_BYTES` allow: column c holds the tokens from edges[c] to edges[c + 1].

    `sums` [A, G] are the shares of the owners in each row, as 255 times the share.
    """
    rows = len(weights)
    edges, fine = narrowed(weights, max(8, HEAD_BYTES // (rows + 1)), axis=1)
    groups = list(dict.fromkeys(owners))
    sums = np.rint(255 * np.clip(group_sums(weights, owners, groups), 0, 1)).astype(np.uint8)
    return {
        "rows": rows,
        "columns": fine.shape[1],
        "edges": edges.tolist(),
        "cuts": cuts(owners, edges),
        "pixels": encoded(root_bytes(fine)),
        "groups": groups,
        "sums": encoded(sums),
    }


def gate_strips(trace: Trace, layer: int) -> dict[str, Any]:
    """Every gate and state of a layer: its units over the answer tokens as a map, and their mean.

    A pixel p is the value low + p / 255 (high - low). Gates lie between 0 and 1, states between -1 and 1, and the cell,
    which has no bound, between the largest magnitude and its negative.
    """
    steps = trace.steps
    names = list(steps[0].gates)
    rows = max(8, min(_UNITS, GATES_BYTES // (len(names) * len(steps))))
    found = []
    for name in names:
        values = np.stack([step.gates[name][layer] for step in steps], axis=1).astype(np.float32)
        most = max(float(np.abs(values).max(initial=0.0)), 1e-6) if name == _UNBOUNDED else 1.0
        low = 0.0 if name in _SIGMOID else -most
        mean = averaged(values, rows)
        pixels = np.rint(255 * np.clip((mean - low) / (most - low), 0, 1)).astype(np.uint8)
        found.append(
            {
                "name": name,
                "low": round(low, 3),
                "high": round(most, 3),
                "units": len(values),
                "rows": len(mean),
                "pixels": encoded(pixels),
                "mean": [round(float(one), 3) for one in values.mean(axis=0)],
            }
        )
    return {"layer": layer, "layers": len(steps[0].gates[names[0]]), "gates": found}


def narrowed(weights: NDArray[np.float32], most: int, axis: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """At most `most` bins along an axis, each the largest of its weights, and the edges of the bins."""
    size = weights.shape[axis]
    edges = np.linspace(0, size, min(size, most) + 1).astype(np.int64)
    return edges, np.maximum.reduceat(weights, edges[:-1], axis=axis)


def averaged(values: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """Units [U, A] in at most `most` bins of neighbours, each the mean of its units."""
    edges = np.linspace(0, len(values), min(len(values), most) + 1).astype(np.int64)
    sums = np.add.reduceat(values, edges[:-1], axis=0)
    return (sums / np.diff(edges)[:, None]).astype(np.float32)


def group_sums(weights: NDArray[np.float32], owners: Sequence[int], groups: Sequence[int]) -> NDArray[np.float32]:
    """Weights [..., N] summed by owner, [..., G]."""
    belongs = np.array([[owner == group for group in groups] for owner in owners], dtype=np.float32)
    sums: NDArray[np.float32] = weights @ belongs
    return sums


def cuts(owners: Sequence[int], edges: NDArray[np.int64]) -> list[tuple[int, int]]:
    """(first column, owner) of every stretch of columns that begin in one owner's tokens."""
    of_columns = [owners[start] for start in edges[:-1]]
    return [(place, owner) for place, owner in enumerate(of_columns) if place == 0 or of_columns[place - 1] != owner]


def root_bytes(weights: NDArray[np.float32]) -> NDArray[np.uint8]:
    """round(255 sqrt(w)) of weights from 0 to 1."""
    scaled: NDArray[np.uint8] = np.rint(255 * np.sqrt(np.clip(weights, 0.0, 1.0))).astype(np.uint8)
    return scaled


def encoded(values: NDArray[Any]) -> str:
    """The bytes of an array, row by row, in base64."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
