import pytest
import torch
from lm_samples import FAMILIES, SHAPES, TEXTS, same, small_model, small_tokenizer

from lm.generate import generate
from lm.heads import read_heads, rollout, value_norms, value_weighted
from lm.reading import Piece, Prompt, build_prompt
from lm.sampling import Decoding

ANSWER = [40, 61, 75, 52, 40]


def prompt() -> Prompt:
    return build_prompt(small_tokenizer(), TEXTS[3], [[Piece(text=TEXTS[1])]])


def test_rows_are_those_the_tokens_were_chosen_by() -> None:
    """The one reading shows what the record of a generation shows, token by token."""
    model = small_model()
    found = read_heads(model, prompt(), ANSWER)
    size = len(prompt().tokens)
    written = generate(model, prompt(), Decoding(), trace=True, forced=ANSWER)
    for number, one in enumerate(written):
        assert one.attention is not None
        same(found.raw[:, :, number, : size + number].float(), torch.from_numpy(one.attention), atol=1e-6)
        assert not found.raw[:, :, number, size + number :].any()


@pytest.mark.parametrize("shape", [name for name in SHAPES if name not in FAMILIES])
def test_rows_sum_to_one(shape: str) -> None:
    found = read_heads(small_model(**SHAPES[shape]), prompt(), ANSWER)
    for rows in (found.raw, found.value_weighted, found.rollout):
        same(rows.sum(-1), torch.ones(rows.shape[:-1], dtype=rows.dtype))
    assert found.raw.shape == found.value_weighted.shape == (2, 3, 5, len(prompt().tokens) + 4)
    assert found.rollout.shape == (2, 5, len(prompt().tokens) + 4)


def test_norms_are_of_what_each_head_adds() -> None:
    """The output projection of all heads side by side is the sum over heads of v_j W_O."""
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(3, 7, 4, generator=generator, dtype=torch.float64)
    out = torch.randn(12, 12, generator=generator, dtype=torch.float64)
    added = [values[head] @ out[:, 4 * head : 4 * head + 4].T for head in range(3)]
    same(sum(added), values.transpose(0, 1).flatten(1) @ out.T)
    same(value_norms(values, out), torch.stack([one.norm(dim=-1) for one in added]))


def test_a_sink_with_a_small_value_loses_its_share() -> None:
    attention = torch.tensor([[[0.8, 0.1, 0.1]]])
    same(value_weighted(attention, torch.tensor([[0.1, 1.0, 3.0]])), torch.tensor([[[1 / 6, 5 / 24, 15 / 24]]]), 1e-6)


def test_rollout_by_hand() -> None:
    """Two layers of one head over two tokens; the second token sees both."""
    first = torch.tensor([[[1.0, 0.0], [0.5, 0.5]]])
    second = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
    expected = torch.tensor([[[1.0, 0.0], [0.25, 0.75]], [[1.0, 0.0], [0.625, 0.375]]])
    same(rollout(torch.stack([first, second])), expected)


def test_rollout_takes_the_mean_of_the_heads() -> None:
    heads = torch.rand(1, 4, 5, 5, generator=torch.Generator().manual_seed(1))
    same(rollout(heads), rollout(heads.mean(1, keepdim=True)))


@pytest.mark.parametrize(
    ("overrides", "answer", "reason"),
    [
        ({"architecture": "gru"}, ANSWER, "only a transformer"),
        ({}, [], "no token"),
        ({"context": 60}, ANSWER * 20, "at most"),
    ],
)
def test_what_cannot_be_shown_is_said(overrides: dict, answer: list[int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_heads(small_model(**overrides), prompt(), answer)
