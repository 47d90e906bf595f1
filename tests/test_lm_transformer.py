from __future__ import annotations

import pytest
import torch
from lm_samples import small_model

from lm.config import ModelConfig
from lm.transformer import KVCache, RMSNorm, Rotary, TransformerBody, attention_weights, prefix_mask, rotate


def _body(tokens: int = 7, batch: int = 2) -> tuple[TransformerBody, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(batch, tokens, 30, dtype=torch.float64, generator=generator)
    return small_model().body, x


def test_rms_norm_is_its_equation() -> None:
    norm = RMSNorm(5).double()
    torch.nn.init.normal_(norm.gain)
    x = torch.randn(3, 5, dtype=torch.float64)
    expected = x / (x.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt() * norm.gain
    torch.testing.assert_close(norm(x), expected, rtol=0, atol=1e-12)


def test_prefix_mask_by_hand() -> None:
    mask = prefix_mask(torch.tensor([2, 0]), 3)[:, 0]
    assert mask.tolist() == [
        [[True, True, False], [True, True, False], [True, True, True]],
        [[True, False, False], [True, True, False], [True, True, True]],
    ]
    assert prefix_mask(torch.tensor([0]), 2, 1)[0, 0].tolist() == [[True, True, False], [True, True, True]]


def test_attention_rows_sum_to_one_and_respect_the_mask() -> None:
    body, x = _body()
    record: list[torch.Tensor] = []
    body(x, prefix=torch.tensor([3, 5]), record=record)
    assert [layer.shape for layer in record] == [(2, 3, 7, 7)] * 2
    for layer in record:
        torch.testing.assert_close(layer.sum(-1), torch.ones(2, 3, 7, dtype=torch.float64), rtol=0, atol=1e-12)
        assert float(layer[0, :, 0, 2].min()) > 0
        assert not layer[0, :, 0, 3:].any()
        assert not layer[1, :, 5, 6].any()


def test_explicit_attention_equals_the_fused_path() -> None:
    body, x = _body()
    prefix = torch.tensor([3, 7])
    torch.testing.assert_close(body(x, prefix=prefix, record=[]), body(x, prefix=prefix), rtol=0, atol=1e-10)


def test_attention_weights_are_their_equation() -> None:
    q, k = torch.randn(1, 2, 3, 4, dtype=torch.float64), torch.randn(1, 2, 5, 4, dtype=torch.float64)
    raw = torch.einsum("bhtk,bhsk->bhts", q, k).div(2.0).exp()
    torch.testing.assert_close(attention_weights(q, k, None), raw / raw.sum(-1, keepdim=True), rtol=0, atol=1e-12)


def test_a_later_token_changes_nothing_before_it() -> None:
    body, x = _body()
    other = x.clone()
    other[:, 5] += 1.0
    prefix = torch.tensor([3, 3])
    before, after = body(x, prefix=prefix), body(other, prefix=prefix)
    assert torch.equal(before[:, :5], after[:, :5])
    assert (before[:, 5:] != after[:, 5:]).any(dim=-1).all()


def test_prefix_tokens_see_one_another_both_ways() -> None:
    body, x = _body()
    other = x.clone()
    other[:, 2] += 1.0
    assert (body(x, prefix=torch.tensor([3, 3]))[:, 0] != body(other, prefix=torch.tensor([3, 3]))[:, 0]).any()
    assert torch.equal(body(x)[:, :2], body(other)[:, :2])


@pytest.mark.parametrize("cuts", [(7,), (3, 4), (3, 1, 1, 1, 1), (4, 3), (5, 1, 1)])
def test_in_chunks_with_a_cache_equals_whole(cuts: tuple[int, ...]) -> None:
    body, x = _body()
    first = min(3, cuts[0])
    prefix = torch.tensor([first, first])
    whole = body(x, prefix=prefix)
    caches = body.start(2, x)
    parts, position = [], 0
    for size in cuts:
        chunk = x[:, position : position + size]
        parts.append(body(chunk, prefix=prefix if position == 0 else None, caches=caches))
        position += size
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-10)


def test_cache_grows_and_keeps_what_it_held() -> None:
    cache = KVCache.empty(1, 2, 3, torch.zeros(1, dtype=torch.float64), room=4)
    keys = torch.randn(1, 2, 11, 3, dtype=torch.float64)
    for start, end in ((0, 3), (3, 4), (4, 5), (5, 11)):
        seen, values = cache.append(keys[:, :, start:end], -keys[:, :, start:end])
        assert torch.equal(seen, keys[:, :, :end])
        assert torch.equal(values, -keys[:, :, :end])
    assert cache.length == 11
    assert cache.keys.shape[2] == 16


def test_rotary_scores_depend_on_the_distance_only() -> None:
    # The tables are fp32, so products of two rotations agree to about 1e-6.
    rotary = Rotary(8, 10_000.0, 100)
    q, k = torch.randn(1, 1, 1, 8, dtype=torch.float64), torch.randn(1, 1, 1, 8, dtype=torch.float64)

    def score(query_at: int, key_at: int) -> float:
        return float((rotate(q, rotary(query_at, 1)) * rotate(k, rotary(key_at, 1))).sum())

    assert score(7, 3) == pytest.approx(score(64, 60), abs=1e-5)
    assert abs(score(7, 3) - score(7, 4)) > 1e-3


def test_rotary_is_its_equation() -> None:
    rotary = Rotary(6, 100.0, 10)
    x = torch.randn(1, 1, 4, 6, dtype=torch.float64)
    frequencies = torch.tensor([100.0 ** (-2 * n / 6) for n in range(3)], dtype=torch.float64)
    angles = torch.arange(2, 6, dtype=torch.float64)[:, None] * frequencies
    pairs = torch.complex(x[..., :3], x[..., 3:]) * torch.polar(torch.ones_like(angles), angles)
    torch.testing.assert_close(rotate(x, rotary(2, 4)), torch.cat((pairs.real, pairs.imag), -1), rtol=0, atol=1e-6)


def test_too_many_tokens_are_refused() -> None:
    body, _ = _body()
    with pytest.raises(ValueError, match="161 tokens exceed the model's context of 160"):
        body(torch.zeros(1, 161, 30, dtype=torch.float64))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "width is 0"),
        ({"width": 31}, "width 31 over 3 heads"),
        ({"architecture": "mlp"}, "architecture is 'mlp'"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"ngram": 9}, "ngram is 9"),
        ({"depth": 3}, "unknown model setting 'depth'"),
    ],
)
def test_a_bad_configuration_names_its_field(change: dict[str, object], message: str) -> None:
    fields = small_model().config.to_json() | change
    with pytest.raises(ValueError, match=message):
        ModelConfig.from_json(fields)
