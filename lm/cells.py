"""One step of a recurrent cell, from its equations, with every intermediate.

Symbols: x [B, D] input, h [B, H] state before the step, W [G H, D] input weights, U [G H, H] recurrent weights,
b and c [G H] their biases; G gates are stacked in the order in which torch stacks them. sigma is the logistic
function and * the product of elements.

    RNN   h' = tanh(W x + b + U h + c)                                             (Elman 1990)

    LSTM  i = sigma(W_i x + b_i + U_i h + c_i)          input gate                 (Hochreiter and Schmidhuber 1997,
          f = sigma(W_f x + b_f + U_f h + c_f)          forget gate                 with the forget gate of
          g = tanh(W_g x + b_g + U_g h + c_g)           candidate                   Gers et al. 2000)
          o = sigma(W_o x + b_o + U_o h + c_o)          output gate
          s' = f * s + i * g                            cell
          h' = o * tanh(s')

    GRU   r = sigma(W_r x + b_r + U_r h + c_r)          reset gate                 (Cho et al. 2014)
          z = sigma(W_z x + b_z + U_z h + c_z)          update gate
          n = tanh(W_n x + b_n + r * (U_n h + c_n))     candidate, reset after the product
          h' = (1 - z) * n + z * h

Cho et al. apply the reset gate before the product, n = tanh(W_n x + b_n + U_n (r * h) + c_n), and textbooks follow
them; torch and cuDNN apply it after, which lets all products with h be one. The two are different functions.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Gates = dict[str, Tensor]
"""Named intermediates of a step, each [B, H]; `hidden` is the new state, `cell` the new cell of an LSTM."""

Weights = tuple[Tensor, Tensor, Tensor, Tensor]
"""W [G H, D], U [G H, H], b [G H], c [G H]."""

Memory = tuple[Tensor, ...]
"""What a cell carries from step to step: (h,) or, for an LSTM, (h, s)."""


def rnn(x: Tensor, memory: Memory, weights: Weights) -> Gates:
    """One step of a vanilla recurrent network; keys: hidden."""
    (h,), (w, u, b, c) = memory, weights
    return {"hidden": torch.tanh(x @ w.T + b + h @ u.T + c)}


def lstm(x: Tensor, memory: Memory, weights: Weights) -> Gates:
    """One step of an LSTM; keys: input, forget, candidate, output, cell, hidden."""
    (h, s), (w, u, b, c) = memory, weights
    a_i, a_f, a_g, a_o = (x @ w.T + b + h @ u.T + c).chunk(4, dim=-1)
    i = torch.sigmoid(a_i)
    f = torch.sigmoid(a_f)
    g = torch.tanh(a_g)
    o = torch.sigmoid(a_o)
    s = f * s + i * g
    h = o * torch.tanh(s)
    return {"input": i, "forget": f, "candidate": g, "output": o, "cell": s, "hidden": h}


def gru(x: Tensor, memory: Memory, weights: Weights) -> Gates:
    """One step of a GRU that resets after the product, as torch does; keys: reset, update, candidate, hidden."""
    (h,), (w, u, b, c) = memory, weights
    x_r, x_z, x_n = (x @ w.T + b).chunk(3, dim=-1)
    h_r, h_z, h_n = (h @ u.T + c).chunk(3, dim=-1)
    r = torch.sigmoid(x_r + h_r)
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    h = (1 - z) * n + z * h
    return {"reset": r, "update": z, "candidate": n, "hidden": h}


def gru_reset_before(x: Tensor, memory: Memory, weights: Weights) -> Gates:
    """One step of the GRU of Cho et al. 2014, which resets the state before the product; keys as for `gru`."""
    (h,), (w, u, b, c) = memory, weights
    x_r, x_z, x_n = (x @ w.T + b).chunk(3, dim=-1)
    u_r, u_z, u_n = u.chunk(3, dim=0)
    c_r, c_z, c_n = c.chunk(3)
    r = torch.sigmoid(x_r + h @ u_r.T + c_r)
    z = torch.sigmoid(x_z + h @ u_z.T + c_z)
    n = torch.tanh(x_n + (r * h) @ u_n.T + c_n)
    h = (1 - z) * n + z * h
    return {"reset": r, "update": z, "candidate": n, "hidden": h}


CELLS: dict[str, Callable[[Tensor, Memory, Weights], Gates]] = {"rnn": rnn, "lstm": lstm, "gru": gru}
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
"""How many gates G a cell stacks in its weights."""


def unroll(kind: str, x: Tensor, memory: Memory, weights: Weights) -> tuple[dict[str, Tensor], Memory]:
    """Steps of one cell over x [B, T, D]: every intermediate as [B, T, H], and what is carried on."""
    steps = []
    for t in range(x.shape[1]):
        gates = CELLS[kind](x[:, t], memory, weights)
        memory = (gates["hidden"], gates["cell"]) if kind == "lstm" else (gates["hidden"],)
        steps.append(gates)
    return {name: torch.stack([gates[name] for gates in steps], dim=1) for name in steps[0]}, memory
