from __future__ import annotations

from typing import Any

import pytest
import torch
from lm_samples import SHAPES, same, small_model

from lm.attention import masked_softmax, scaled_dot
from lm.body import Record
from lm.transformer import SHORT, KVCache, RMSNorm, TransformerBody, prefix_mask

_TRANSFORMERS = {name: shape for name, shape in SHAPES.items() if "architecture" not in shape}
_SHAPES = pytest.mark.parametrize("shape", _TRANSFORMERS.values(), ids=_TRANSFORMERS)


def _body(tokens: int = 7, batch: int = 2, **shape: Any) -> tuple[TransformerBody, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(batch, tokens, 30, dtype=torch.float64, generator=generator)
    body = small_model(**shape).body
    assert isinstance(body, TransformerBody)
    return body, x


def test_rms_norm_is_its_equation() -> None:
    norm = RMSNorm(5).double()
    torch.nn.init.normal_(norm.gain)
    x = torch.randn(3, 5, dtype=torch.float64)
    expected = x / (x.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt() * norm.gain
    torch.testing.assert_close(norm(x), expected, rtol=0, atol=1e-12)


@_SHAPES
def test_the_body_is_its_equations(shape: dict[str, Any]) -> None:
    body, x = _body(**shape)
    mask = prefix_mask(torch.tensor([3, 5]), 7)
    found = body(x, prefix=torch.tensor([3, 5]))
    y, angles = x, None
    if shape["positions"] == "rotary":
        angles = body.cosines[:7], body.sines[:7]
    else:
        y = y + (body.places if shape["positions"] == "sinusoidal" else body.place.weight)[:7]
    for block in body.blocks:
        y = y + block.attention(block.attention_norm(y), angles, mask, None, None)
        inner = block.feed_norm(y)
        if shape["feed_forward"] == "swiglu":
            gate, up = inner @ block.up.weight[:44].T, inner @ block.up.weight[44:].T
            y = y + (gate * gate.sigmoid() * up) @ block.down.weight.T
        else:
            up = inner @ block.up.weight.T
            y = y + (up * up * (up > 0)) @ block.down.weight.T
    same(found, body.norm(y))


def test_prefix_mask_by_hand() -> None:
    mask = prefix_mask(torch.tensor([2, 0]), 3)[:, 0]
    assert mask.tolist() == [
        [[True, True, False], [True, True, False], [True, True, True]],
        [[True, False, False], [True, True, False], [True, True, True]],
    ]
    assert prefix_mask(torch.tensor([0]), 2, 1)[0, 0].tolist() == [[True, True, False], [True, True, True]]


@_SHAPES
def test_attention_rows_sum_to_one_and_respect_the_mask(shape: dict[str, Any]) -> None:
    body, x = _body(**shape)
    record = Record()
    prefix = torch.tensor([3, 5])
    same(body(x, prefix=prefix, record=record), body(x, prefix=prefix))
    assert not record.gates
    assert [layer.shape for layer in record.attention] == [(2, 3, 7, 7)] * 2
    for layer in record.attention:
        torch.testing.assert_close(layer.sum(-1), torch.ones(2, 3, 7, dtype=torch.float64), rtol=0, atol=1e-12)
        assert float(layer[0, :, 0, 2].min()) > 0
        assert not layer[0, :, 0, 3:].any()
        assert not layer[1, :, 5, 6].any()


def test_attention_weights_are_their_equation() -> None:
    q, k = torch.randn(1, 2, 3, 4, dtype=torch.float64), torch.randn(1, 2, 5, 4, dtype=torch.float64)
    raw = torch.einsum("bhtk,bhsk->bhts", q, k).div(2.0).exp()
    same(masked_softmax(scaled_dot(q, k)), raw / raw.sum(-1, keepdim=True), atol=1e-12)


@_SHAPES
def test_a_later_token_changes_nothing_before_it(shape: dict[str, Any]) -> None:
    body, x = _body(**shape)
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


@_SHAPES
def test_the_order_of_tokens_makes_a_difference(shape: dict[str, Any]) -> None:
    body, x = _body(**shape)
    turned = x[:, [1, 0, 2, 3, 4, 5, 6]]
    assert float((body(x)[:, 6] - body(turned)[:, 6]).abs().max()) > 1e-3


@_SHAPES
@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("cuts", [(7,), (3, 4), (3, 1, 1, 1, 1), (4, 3), (5, 1, 1)])
def test_in_chunks_with_a_cache_equals_whole(shape: dict[str, Any], fast: bool, cuts: tuple[int, ...]) -> None:
    body, x = _body(batch=3, **shape)
    first = min(3, cuts[0])
    prefix = torch.tensor([first] * 3)
    record = Record()
    whole = body(x, prefix=prefix, record=record)
    for traced in (False, True):
        with torch.inference_mode(fast):
            state = body.start(3, x)
            assert (state.fast is not None) == fast
            at = 0
            for size in cuts:
                noted = Record() if traced else None
                part = body(x[:, at : at + size], prefix=None if at else prefix, state=state, record=noted)
                same(part, whole[:, at : at + size])
                if noted is not None:
                    expected = [layer[:, :, at : at + size, : at + size] for layer in record.attention]
                    same(noted.attention, expected)
                at += size
                assert state.length == at


@_SHAPES
def test_the_fast_path_is_the_slow_one(shape: dict[str, Any]) -> None:
    """Prompts of every length about the limit of the fast path, and chunks of five after them."""
    body, x = _body(tokens=60, batch=3, **shape)
    for first in (1, 2, SHORT, SHORT + 1):
        prefix = torch.tensor([1, first, first])
        slow = body.start(3, x)
        with torch.inference_mode():
            fast = body.start(3, x)
            same(body(x[:, :first], prefix=prefix, state=fast), body(x[:, :first], prefix=prefix, state=slow))
            for at in range(first, first + 20, 5):
                chunk = x[:, at : at + 5]
                same(body(chunk, state=fast), body(chunk, state=slow))
    assert slow.fast is None


@pytest.mark.parametrize("shape", [_TRANSFORMERS["rotary-relu2-norm"], _TRANSFORMERS["learned-swiglu-plain"]])
def test_the_fast_path_notices_changed_weights(shape: dict[str, Any]) -> None:
    body, x = _body(**shape)
    body.requires_grad_()
    said: list[torch.Tensor] = []

    def unlike_before(x: torch.Tensor) -> None:
        with torch.inference_mode():
            found = body(x, state=body.start(2, x))
        same(found, body(x).detach(), atol=1e-10 if x.dtype == torch.float64 else 1e-4)
        assert all((found - other).abs().max() > 1e-6 for other in said if other.dtype == found.dtype)
        said.append(found)

    unlike_before(x)
    assert body.fast() is body.fast()
    optimizer = torch.optim.AdamW(body.parameters(), lr=0.01)
    body(x).square().sum().backward()
    optimizer.step()
    unlike_before(x)
    body.load_state_dict(small_model(seed=1, **shape).body.state_dict())
    unlike_before(x)
    with torch.inference_mode():
        body.blocks[1].up.weight.mul_(1.5)
    unlike_before(x)
    with torch.no_grad():
        body.blocks[0].attention.qkv.weight.mul_(1.5)
    unlike_before(x)
    body.float()
    unlike_before(x.float())
    body.blocks[0].feed_norm.gain.data = body.blocks[0].feed_norm.gain.data + 1
    unlike_before(x.float())
    body.double()
    with torch.inference_mode():
        same(body(x, state=body.start(2, x)), body(x).detach())


def test_cache_grows_and_keeps_what_it_held() -> None:
    cache = KVCache.empty(1, 2, 3, torch.zeros(1, dtype=torch.float64), room=4)
    keys = torch.randn(1, 2, 11, 3, dtype=torch.float64)
    for start, end in ((0, 3), (3, 4), (4, 5), (5, 11)):
        seen, values = cache.append(keys[:, :, start:end], -keys[:, :, start:end])
        assert torch.equal(seen, keys[:, :, :end])
        assert torch.equal(values, -keys[:, :, :end])
    assert cache.length == 11
    assert cache.store.shape[3] == 16


@_SHAPES
def test_too_many_tokens_are_refused(shape: dict[str, Any]) -> None:
    body, _ = _body(**shape)
    with pytest.raises(ValueError, match="161 tokens exceed the model's context of 160"):
        body(torch.zeros(1, 161, 30, dtype=torch.float64))
    state = body.start(1, torch.zeros(1, dtype=torch.float64))
    body(torch.zeros(1, 158, 30, dtype=torch.float64), state=state)
    with pytest.raises(ValueError, match="162 tokens exceed the model's context of 160"):
        body(torch.zeros(1, 4, 30, dtype=torch.float64), state=state)
