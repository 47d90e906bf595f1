"""Recurrent stacks against torch's modules, and the encoder-decoder against its equations."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from lm_samples import draw, same
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lm.attention import additive
from lm.body import Record
from lm.config import RECURRENT, ModelConfig
from lm.model import LanguageModel
from lm.recurrent import Recurrent, RecurrentBody

_TORCH = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
_BATCH, _TIME, _INPUTS, _HIDDEN = 3, 7, 5, 3
_SHAPES = pytest.mark.parametrize(
    ("kind", "layers", "both"), [(kind, layers, both) for kind in RECURRENT for layers in (1, 3) for both in (0, 1)]
)


def _pair(kind: str, layers: int, both: int) -> tuple[Recurrent, nn.RNNBase, Tensor, tuple[Tensor, ...]]:
    """A stack of ours, torch's with the same weights, an input and a memory to start from."""
    torch.manual_seed(5)
    ours = draw(Recurrent(kind, _INPUTS, _HIDDEN, layers, both=bool(both)))
    theirs = _TORCH[kind](_INPUTS, _HIDDEN, layers, batch_first=True, bidirectional=bool(both)).double()
    for (name, to), (other, of) in zip(theirs.named_parameters(), ours.fused.named_parameters(), strict=True):
        assert name == other
        to.data.copy_(of.data)
    x = torch.randn(_BATCH, _TIME, _INPUTS, dtype=torch.float64, requires_grad=True)
    memory = tuple(
        torch.randn(layers * (1 + both), _BATCH, _HIDDEN, dtype=torch.float64, requires_grad=True)
        for _ in range(2 if kind == "lstm" else 1)
    )
    return ours, theirs, x, memory


def _torch(
    theirs: nn.RNNBase, x: Tensor, memory: tuple[Tensor, ...], lengths: Tensor | None = None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    given: Any = memory if len(memory) == 2 else memory[0]
    read: Any = x if lengths is None else pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    y, last = theirs(read, given)
    if lengths is not None:
        y, _ = pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
    return y, last if isinstance(last, tuple) else (last,)


def _gradients(stack: nn.Module, x: Tensor, memory: tuple[Tensor, ...], outputs: list[Tensor]) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    asked = [torch.randn(one.shape, dtype=one.dtype, generator=generator) for one in outputs]
    return torch.autograd.grad(outputs, [x, *memory, *stack.parameters()], asked)


@_SHAPES
def test_the_equations_give_what_torch_gives_and_its_gradients(kind: str, layers: int, both: int) -> None:
    ours, theirs, x, memory = _pair(kind, layers, both)
    y, last, gates = ours.explicit(x, memory)
    expected, expected_last = _torch(theirs, x, memory)
    same(y, expected)
    same(last, expected_last)
    same(_gradients(ours, x, memory, [y, *last]), _gradients(theirs, x, memory, [expected, *expected_last]))
    assert {value.shape for value in gates.values()} == {(_BATCH, layers * (1 + both), _TIME, _HIDDEN)}
    same(torch.cat(gates["hidden"][:, layers * (1 + both) - 1 - both :].unbind(1), dim=-1), y)
    same(ours(x, memory), (expected, expected_last))


@_SHAPES
def test_padded_rows_are_as_each_row_alone(kind: str, layers: int, both: int) -> None:
    ours, theirs, x, memory = _pair(kind, layers, both)
    lengths = torch.tensor([4, 7, 1])
    y, last = ours(x, memory, lengths)
    expected, expected_last = _torch(theirs, x, memory, lengths)
    same((y, last), (expected, expected_last))
    same(_gradients(ours, x, memory, [y, *last]), _gradients(theirs, x, memory, [expected, *expected_last]))
    for row, length in enumerate(lengths.tolist()):
        alone, after, _ = ours.explicit(x[row : row + 1, :length], tuple(part[:, row : row + 1] for part in memory))
        same(y[row, :length], alone[0])
        same([part[:, row] for part in last], [part[:, 0] for part in after])
        assert not y[row, length:].any()


def _body(kind: str, **overrides: Any) -> tuple[RecurrentBody, Tensor]:
    torch.manual_seed(6)
    shape: dict[str, Any] = {"width": 5, "hidden": 6, "layers": 2, "vocabulary": 30, "features": 3} | overrides
    body = draw(RecurrentBody(ModelConfig(architecture=kind, **shape)), std=0.4)
    return body, torch.randn(2, 9, 5, dtype=torch.float64)


@pytest.mark.parametrize("kind", RECURRENT)
def test_the_body_is_its_equations(kind: str) -> None:
    """Every symbol of the module's text, one vector at a time."""
    body, x = _body(kind, score="additive")
    prompt = 4
    hidden = body(x, prefix=torch.tensor([prompt, prompt]))
    encoded, last, _ = body.encoder.explicit(x[:, :prompt], body.encoder.start(2, x))
    # The last states of both directions of a layer, side by side, are where that layer of the decoder starts.
    memory = tuple(torch.stack([torch.cat((part[2 * n], part[2 * n + 1]), dim=-1) for n in range(2)]) for part in last)
    steps, _, _ = body.decoder.explicit(x[:, prompt - 1 :], memory)
    scorer = body.score
    for row in range(2):
        for t in range(prompt - 1):
            same(hidden[row, t], body.norm(body.read.weight @ encoded[row, t]))
        for t, d in enumerate(steps[row]):
            scores = additive(d[None], encoded[row], scorer.query.weight, scorer.key.weight, scorer.v)[0].tolist()
            total = sum(math.exp(score) for score in scores)
            c = sum(math.exp(score) / total * e for score, e in zip(scores, encoded[row], strict=True))
            h = torch.tanh(body.combine.weight @ torch.cat((c, d)))
            same(hidden[row, prompt - 1 + t], body.norm(h))
    plain, _, _ = body.decoder.explicit(x, body.decoder.start(2, x))
    nothing = torch.zeros_like(plain)
    same(body(x), body.norm(torch.tanh(torch.cat((nothing, plain), dim=-1) @ body.combine.weight.T)))


@pytest.mark.parametrize("kind", RECURRENT)
@pytest.mark.parametrize("prompt", [None, 1, 4, 9])
def test_recorded_equals_fused_with_its_gradients(kind: str, prompt: int | None) -> None:
    body, x = _body(kind)
    x.requires_grad_()
    body.requires_grad_()
    prefix = None if prompt is None else torch.full((2,), prompt)
    record, state = Record(), body.start(2, x)
    fused, told = body(x, prefix=prefix), body(x, prefix=prefix, state=state, record=record)
    same(fused, told)
    asked, inputs = torch.randn_like(fused), [x, *body.parameters()]
    same(
        torch.autograd.grad(fused, inputs, asked, allow_unused=True, materialize_grads=True),
        torch.autograd.grad(told, inputs, asked, allow_unused=True, materialize_grads=True),
    )
    steps = 9 if prompt is None else 9 - prompt + 1
    assert {value.shape for value in record.gates.values()} == {(2, 2, steps, 6)}
    same(record.gates["hidden"][:, :, -1], state.memory[0].transpose(0, 1))
    if prompt is None:
        assert not record.attention
        assert not record.encoder
    else:
        assert [layer.shape for layer in record.attention] == [(2, 1, steps, prompt)]
        same(record.attention[0].sum(-1), torch.ones(2, 1, steps, dtype=torch.float64))
        assert {value.shape for value in record.encoder.values()} == {(2, 4, prompt, 3)}


@pytest.mark.parametrize("kind", RECURRENT)
def test_padding_changes_nothing_and_is_not_attended_to(kind: str) -> None:
    body, x = _body(kind)
    prefix = torch.tensor([3, 6])
    together = body(x, prefix=prefix)
    for row in range(2):
        alone = body(x[row : row + 1], prefix=prefix[row : row + 1])
        same(together[row], alone[0])
    noise = x.clone()
    noise[0, 5:] += 1.0
    same(body(noise, prefix=prefix)[0, :5], together[0, :5])
    state = body.start(2, x)
    body(x, prefix=prefix, state=state)
    assert state.mask is not None
    assert state.mask[:, 0].tolist() == [[True] * 3 + [False] * 3, [True] * 6]
    record = Record()
    body.decode(x[:, :2], state, record)
    assert not record.attention[0][0, :, :, 3:].any()
    assert (record.attention[0][0, :, :, :3] > 0).all()
    with pytest.raises(ValueError, match="of one length"):
        body(x, prefix=prefix, record=Record())


@pytest.mark.parametrize("kind", RECURRENT)
@pytest.mark.parametrize("prompt", [None, 2])
@pytest.mark.parametrize("cuts", [(9,), (2, 7), (4, 5), (3, 1, 1, 4), (2, 1, 1, 1, 1, 1, 1, 1)])
def test_in_chunks_equals_whole(kind: str, prompt: int | None, cuts: tuple[int, ...]) -> None:
    body, x = _body(kind)
    prefix = None if prompt is None else torch.full((2,), prompt)
    state = body.start(2, x)
    parts, at = [], 0
    for size in cuts:
        parts.append(body(x[:, at : at + size], prefix=None if at else prefix, state=state))
        at += size
        assert state.length == at
    same(torch.cat(parts, dim=1), body(x, prefix=prefix))


@pytest.mark.parametrize("kind", RECURRENT)
def test_text_is_read_forwards_only_and_a_prompt_both_ways(kind: str) -> None:
    body, x = _body(kind)
    other = x.clone()
    other[:, 5] += 1.0
    before, after = body(x), body(other)
    same(before[:, :5], after[:, :5])
    assert (before[:, 5:] != after[:, 5:]).any(-1).all()
    prompt = torch.tensor([6, 6])
    assert (body(x, prefix=prompt) != body(other, prefix=prompt)).any(-1).all()
    same(body(x, prefix=torch.tensor([4, 4]))[:, :5], body(other, prefix=torch.tensor([4, 4]))[:, :5])


def test_a_fresh_lstm_forgets_nothing_and_has_no_other_bias() -> None:
    model = LanguageModel(
        ModelConfig(architecture="lstm", width=5, hidden=6, layers=2, vocabulary=30, features=3, ngram=1)
    )
    draw(model)
    model.reset()
    biases = {name: value for name, value in model.body.named_parameters() if ".bias_" in name}
    assert len(biases) == 2 * (2 * 2 + 2)
    for name, bias in biases.items():
        gates = bias.view(4, -1)
        assert (gates[1] == ("bias_ih" in name)).all(), name
        assert not gates[[0, 2, 3]].any(), name
