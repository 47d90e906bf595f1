from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lm.copy_head import CopyHead, continuation, mixture_log_probability


def _head(order: int = 2) -> CopyHead:
    head = CopyHead(5, order).double()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return head


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
    written = [recent, recent[::-1]]
    counts = continuation(torch.tensor(prompts), torch.tensor([written, written]), order)
    expected = [[[_slow_count(row, last[:order], s) for s in range(6)] for last in written] for row in prompts]
    assert counts.tolist() == expected


@torch.no_grad()
def test_weights_are_the_equation_on_copyable_tokens_and_zero_elsewhere() -> None:
    head = _head()
    hidden = torch.randn(2, 3, 5, dtype=torch.float64)
    memory = torch.randn(2, 7, 5, dtype=torch.float64)
    copyable = torch.tensor([[0, 1, 1, 0, 1, 1, 0], [1, 1, 1, 1, 1, 1, 1]], dtype=torch.bool)
    matches = torch.randint(0, 3, (2, 3, 7))
    scores = head(hidden, head.key(memory), copyable, matches)
    torch.testing.assert_close(scores.weights.sum(-1), torch.ones(2, 3, dtype=torch.float64), rtol=0, atol=1e-12)
    assert not scores.weights[~copyable[:, None].expand(-1, 3, -1)].any()
    assert (scores.weights[copyable[:, None].expand(-1, 3, -1)] > 0).all()
    bias = [0.0, *head.bias.tolist()]
    raw = {
        s: math.exp(float(head.query(hidden[0, 1]) @ head.key(memory[0, s])) / math.sqrt(5) + bias[matches[0, 1, s]])
        for s in range(7)
        if copyable[0, s]
    }
    for s, value in raw.items():
        assert float(scores.weights[0, 1, s]) == pytest.approx(value / sum(raw.values()), abs=1e-12)
    torch.testing.assert_close(
        scores.log_copy.exp() + scores.log_write.exp(), torch.ones(2, 3, dtype=torch.float64), rtol=0, atol=1e-12
    )


def test_where_nothing_may_be_copied_nothing_is() -> None:
    head = _head()
    hidden = torch.randn(2, 3, 5, dtype=torch.float64)
    memory = torch.randn(2, 4, 5, dtype=torch.float64, requires_grad=True)
    copyable = torch.tensor([[False] * 4, [True] * 4])
    scores = head(hidden, head.key(memory), copyable, torch.zeros(2, 3, 4, dtype=torch.long))
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
