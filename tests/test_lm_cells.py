"""One step of each cell against its equation in loops over single numbers, and against torch's cells."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from lm_samples import same
from numpy.typing import NDArray
from torch import Tensor, nn

from lm.cells import CELLS, GATES, Gates, Memory, Weights, gru, gru_reset_before, lstm, rnn, unroll

Array = NDArray[np.float64]
_TORCH = {"rnn": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}
_BATCH, _TIME, _INPUTS, _HIDDEN = 2, 7, 5, 3


def _drawn(*shape: int, std: float = 0.2) -> Tensor:
    return (std * torch.randn(shape, dtype=torch.float64)).requires_grad_()


def _step(kind: str) -> tuple[Tensor, Memory, Weights]:
    torch.manual_seed(3)
    rows = GATES[kind] * _HIDDEN
    weights = _drawn(rows, _INPUTS), _drawn(rows, _HIDDEN), _drawn(rows), _drawn(rows)
    memory = tuple(_drawn(_BATCH, _HIDDEN, std=1.0) for _ in range(2 if kind == "lstm" else 1))
    return _drawn(_BATCH, _INPUTS, std=1.0), memory, weights


def _loops(kind: str, x: Array, memory: tuple[Array, ...], weights: tuple[Array, ...]) -> dict[str, list[float]]:
    """The equations for one vector x [D], number by number."""
    w, u, b, c = weights
    h, size = memory[0], len(memory[0])

    def read(gate: int, n: int) -> float:
        row = gate * size + n
        return sum(w[row, d] * x[d] for d in range(len(x))) + b[row]

    def recall(gate: int, n: int, state: list[float] | Array) -> float:
        row = gate * size + n
        return sum(u[row, m] * state[m] for m in range(size)) + c[row]

    def sigma(value: float) -> float:
        return 1 / (1 + math.exp(-value))

    def gate(number: int) -> list[float]:
        return [sigma(read(number, n) + recall(number, n, h)) for n in range(size)]

    if kind == "rnn":
        return {"hidden": [math.tanh(read(0, n) + recall(0, n, h)) for n in range(size)]}
    if kind == "lstm":
        i, f, o = gate(0), gate(1), gate(3)
        g = [math.tanh(read(2, n) + recall(2, n, h)) for n in range(size)]
        s = [f[n] * memory[1][n] + i[n] * g[n] for n in range(size)]
        hidden = [o[n] * math.tanh(s[n]) for n in range(size)]
        return {"input": i, "forget": f, "candidate": g, "output": o, "cell": s, "hidden": hidden}
    r, z = gate(0), gate(1)
    if kind == "gru":
        candidate = [math.tanh(read(2, n) + r[n] * recall(2, n, h)) for n in range(size)]
    else:
        reset = [r[n] * h[n] for n in range(size)]
        candidate = [math.tanh(read(2, n) + recall(2, n, reset)) for n in range(size)]
    hidden = [(1 - z[n]) * candidate[n] + z[n] * h[n] for n in range(size)]
    return {"reset": r, "update": z, "candidate": candidate, "hidden": hidden}


@pytest.mark.parametrize(
    ("kind", "cell"), [("rnn", rnn), ("lstm", lstm), ("gru", gru), ("gru_reset_before", gru_reset_before)]
)
def test_a_step_is_its_equation_number_by_number(kind: str, cell: object) -> None:
    x, memory, weights = _step("gru" if kind == "gru_reset_before" else kind)
    found: Gates = cell(x, memory, weights)  # type: ignore[operator]
    for row in range(_BATCH):
        expected = _loops(
            kind,
            x[row].detach().numpy(),
            tuple(part[row].detach().numpy() for part in memory),
            tuple(weight.detach().numpy() for weight in weights),
        )
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            same(found[name][row].detach(), torch.tensor(values, dtype=torch.float64))


@pytest.mark.parametrize("kind", CELLS)
def test_a_step_and_its_gradients_are_those_of_torch(kind: str) -> None:
    x, memory, weights = _step(kind)
    reference = _TORCH[kind](_INPUTS, _HIDDEN).double()
    theirs = (reference.weight_ih, reference.weight_hh, reference.bias_ih, reference.bias_hh)
    with torch.no_grad():
        for to, of in zip(theirs, weights, strict=True):
            to.copy_(of)
    gates = CELLS[kind](x, memory, weights)
    found = [gates["hidden"], gates["cell"]] if kind == "lstm" else [gates["hidden"]]
    made = reference(x, memory if kind == "lstm" else memory[0])
    expected = list(made) if kind == "lstm" else [made]
    asked = [_drawn(_BATCH, _HIDDEN, std=1.0).detach() for _ in found]
    same(found, expected)
    same(
        torch.autograd.grad(found, [x, *memory, *weights], asked),
        torch.autograd.grad(expected, [x, *memory, *theirs], asked),
    )


def test_resetting_before_the_product_is_another_function() -> None:
    _, _, weights = _step("gru")
    w, u, b, c = (3 * weight.detach() for weight in weights)
    x, h = torch.randn(64, _INPUTS, dtype=torch.float64), torch.randn(64, _HIDDEN, dtype=torch.float64)
    after, before = gru(x, (h,), (w, u, b, c)), gru_reset_before(x, (h,), (w, u, b, c))
    same([after["reset"], after["update"]], [before["reset"], before["update"]])
    assert float((after["hidden"] - before["hidden"]).abs().max()) > 0.1
    # An open reset gate changes nothing, wherever it stands.
    b[:_HIDDEN] += 100.0
    same(gru(x, (h,), (w, u, b, c)), gru_reset_before(x, (h,), (w, u, b, c)))


@pytest.mark.parametrize("kind", CELLS)
def test_unrolled_gates_keep_their_ranges_and_make_the_states(kind: str) -> None:
    _, memory, weights = _step(kind)
    memory, weights = tuple(part.detach().tanh() for part in memory), tuple(one.detach() for one in weights)
    x = 4 * torch.randn(_BATCH, _TIME, _INPUTS, dtype=torch.float64)
    gates, last = unroll(kind, x, memory, weights)
    for name, value in gates.items():
        assert value.shape == (_BATCH, _TIME, _HIDDEN)
        least, most = float(value.min()), float(value.max())
        if name in ("input", "forget", "output", "reset", "update"):
            assert 0 < least < 0.4 < 0.6 < most < 1, name
        elif name != "cell":
            assert -1 < least < 0 < most < 1, name
    past = torch.cat((memory[0][:, None], gates["hidden"][:, :-1]), dim=1)
    if kind == "lstm":
        cells = torch.cat((memory[1][:, None], gates["cell"][:, :-1]), dim=1)
        same(gates["cell"], gates["forget"] * cells + gates["input"] * gates["candidate"])
        same(gates["hidden"], gates["output"] * gates["cell"].tanh())
        same(last[1], gates["cell"][:, -1])
    elif kind == "gru":
        same(gates["hidden"], (1 - gates["update"]) * gates["candidate"] + gates["update"] * past)
    same(last[0], gates["hidden"][:, -1])
    for step in range(_TIME):
        carried = (past[:, step],) if kind != "lstm" else (past[:, step], cells[:, step])
        same(CELLS[kind](x[:, step], carried, weights), {name: value[:, step] for name, value in gates.items()})
