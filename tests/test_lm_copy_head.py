from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lm_samples import draw, same

from lm.config import SCORES
from lm.copy_head import CopyHead, continuation, mixture_log_probability, preceding


def _head(order: int = 2, name: str = "scaled_dot") -> CopyHead:
    return draw(CopyHead(name, 5, order), std=0.5)


def _slow_count(tokens: list[int], recent: list[int], place: int) -> int:
    count = 0
    while count < len(recent) and place - 1 - count >= 0 and tokens[place - 1 - count] == recent[count]:
        count += 1
    return count


@given(
    st.lists(st.lists(st.integers(0, 2), min_size=6, max_size=6), min_size=2, max_size=2),
    st.lists(st.integers(0, 2), min_size=3, max_size=3),
    st.integers(0, 3),
)
def test_continuation_counts_equal_a_slow_reference(prompts: list[list[int]], recent: list[int], order: int) -> None:
    written = torch.tensor([recent, recent[::-1]])[:, :order]
    before = preceding(torch.tensor(prompts), order)
    for row, tokens in zip(before.tolist(), prompts, strict=True):
        assert row == [[tokens[s - 1 - n] if s > n else -1 for n in range(order)] for s in range(6)]
    counts = continuation(before, torch.stack((written, written)))
    expected = [[[_slow_count(row, last, s) for s in range(6)] for last in written.tolist()] for row in prompts]
    assert counts.tolist() == expected


@pytest.mark.parametrize("name", SCORES)
def test_weights_are_the_equation_on_copyable_tokens_and_zero_elsewhere(name: str) -> None:
    torch.manual_seed(1)
    head = _head(name=name)
    hidden = torch.randn(2, 3, 5, dtype=torch.float64, requires_grad=True)
    memory = torch.randn(2, 7, 5, dtype=torch.float64, requires_grad=True)
    copyable = torch.tensor([[0, 1, 1, 0, 1, 1, 0], [1, 1, 1, 1, 1, 1, 1]], dtype=torch.bool)
    matches = torch.randint(0, 3, (2, 3, 7))
    found = head(hidden, head.keys(memory), copyable, matches)
    bias, rows = torch.cat((torch.zeros(1, dtype=torch.float64), head.bias)), []
    for row in range(2):
        for h, counts in zip(hidden[row], matches[row], strict=True):
            scores = [
                head.score(h[None], head.keys(memory[row, s : s + 1]))[0, 0] + bias[counts[s]]
                if copyable[row, s]
                else None
                for s in range(7)
            ]
            total = sum(score.exp() for score in scores if score is not None)
            rows.append(torch.stack([h.new_zeros(()) if score is None else score.exp() / total for score in scores]))
    weights = torch.stack(rows).view(2, 3, 7)
    share = torch.sigmoid((hidden * head.gate.weight[0]).sum(-1) + head.gate.bias)
    same(found.weights, weights)
    same(found.log_copy, share.log())
    same(found.log_write, (1 - share).log())
    inputs = [hidden, memory, *head.parameters()]
    asked = [torch.randn_like(one) for one in (weights, share, share)]
    same(
        torch.autograd.grad([found.weights, found.log_copy, found.log_write], inputs, asked),
        torch.autograd.grad([weights, share.log(), (1 - share).log()], inputs, asked),
    )


def test_where_nothing_may_be_copied_nothing_is() -> None:
    head = _head()
    hidden = torch.randn(2, 3, 5, dtype=torch.float64)
    memory = torch.randn(2, 4, 5, dtype=torch.float64, requires_grad=True)
    copyable = torch.tensor([[False] * 4, [True] * 4])
    scores = head(hidden, head.keys(memory), copyable, torch.zeros(2, 3, 4, dtype=torch.long))
    assert not scores.weights[0].any()
    assert float(scores.log_copy[0].detach().max().exp()) <= 1e-8
    assert not scores.log_write[0].any()
    (scores.weights[1].pow(2).sum() + scores.log_write.sum()).backward()
    assert memory.grad is not None
    assert memory.grad.isfinite().all()


def test_mixture_is_a_distribution_over_the_vocabulary() -> None:
    log_written = torch.randn(6, 11, dtype=torch.float64).log_softmax(-1)
    copied = torch.randn(6, 11, dtype=torch.float64).mul(5).softmax(-1)
    gate = torch.randn(6, 1, dtype=torch.float64)
    mixed = mixture_log_probability(
        log_written, copied, torch.nn.functional.logsigmoid(gate), torch.nn.functional.logsigmoid(-gate)
    )
    p = gate.sigmoid()
    torch.testing.assert_close(mixed.exp(), (1 - p) * log_written.exp() + p * copied, rtol=0, atol=1e-8)
    torch.testing.assert_close(mixed.exp().sum(-1), torch.ones(6, dtype=torch.float64), rtol=0, atol=1e-7)
