from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from lm_samples import TEXTS, small_model, small_tokenizer

from lm.generate import Decoding, Generated, choose, forbid, generate, greedy_batch
from lm.model import LanguageModel
from lm.reading import Piece, Prompt, build_prompt, text_prompt
from lm.tokenizer import END, NONE, SPECIAL


def _model() -> LanguageModel:
    return small_model(std=0.3)


def _prompt() -> Prompt:
    return build_prompt(small_tokenizer(), "Who returns?", [[Piece(text="A queue.")], [Piece(text="A stack.")]])


def _tokens(decoding: Decoding, *, trace: bool = False, prompt: Prompt | None = None) -> list[Generated]:
    return list(generate(_model(), prompt or _prompt(), decoding, trace=trace))


def test_greedy_is_deterministic_and_takes_the_likeliest() -> None:
    first, second = _tokens(Decoding(longest=20)), _tokens(Decoding(longest=20, seed=5))
    assert [one.token for one in first] == [one.token for one in second]
    for one in first:
        assert len(one.alternatives) == 5
        assert [probability for _, probability in one.alternatives] == sorted(
            (probability for _, probability in one.alternatives), reverse=True
        )
        if one.alternatives[0][0] >= len(SPECIAL):
            assert one.alternatives[0] == (one.token, pytest.approx(one.probability))


def test_tracing_changes_no_output_and_records_rows_that_sum_to_one() -> None:
    prompt = _prompt()
    plain, traced = _tokens(Decoding(longest=8)), _tokens(Decoding(longest=8), trace=True)
    assert [one.token for one in plain] == [one.token for one in traced]
    for place, (one, other) in enumerate(zip(plain, traced, strict=True)):
        assert one.attention is None
        assert other.attention is not None
        assert one.probability == pytest.approx(other.probability, abs=1e-10)
        assert other.attention.shape == (2, 3, len(prompt.tokens) + place)
        np.testing.assert_allclose(other.attention.sum(-1), 1.0, atol=1e-5)
        assert other.copy.shape == (len(prompt.tokens),)
        assert float(other.copy.sum()) == pytest.approx(1.0, abs=1e-5)
        copyable = np.array([place.source >= 0 for place in prompt.places])
        assert not other.copy[~copyable].any()
        assert 0 < other.p_copy < 1


def test_seeds_repeat_and_differ() -> None:
    runs = [[one.token for one in _tokens(Decoding(temperature=1.5, longest=12, seed=seed))] for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_the_first_token_may_refuse_and_only_later_ones_end() -> None:
    scores = torch.zeros(2, 20)

    def open_tokens(first: bool, may_refuse: bool) -> set[int]:
        rows = [
            set(row.isfinite().nonzero()[:, 0].tolist()) for row in forbid(scores, first=first, may_refuse=may_refuse)
        ]
        assert rows[0] == rows[1]
        return rows[0] & set(range(len(SPECIAL)))

    assert open_tokens(True, True) == {NONE}
    assert open_tokens(True, False) == set()
    assert open_tokens(False, True) == open_tokens(False, False) == {END}
    assert bool(scores.isfinite().all())


@pytest.mark.parametrize("last", [END, NONE])
def test_writing_stops_after_the_end_or_the_refusal(last: int) -> None:
    model = _model()
    with torch.no_grad():
        # Rows of the other special tokens and all words point one way, `last` the other: it wins where allowed.
        model.embedding.weight.mul_(0.01)
        hidden, _ = model.prefill(torch.tensor([_prompt().tokens]), torch.tensor([_prompt().features]))
        model.copy.gate.bias.fill_(-50.0)
        model.embedding.weight[last] = 3 * hidden[0, 0].clone()
    written = [one.token for one in generate(model, _prompt(), Decoding(longest=30))]
    if last == NONE:
        assert written == [NONE]
        assert greedy_batch(model, [_prompt().tokens], [_prompt().features], longest=30) == [[NONE]]
        assert NONE not in [one.token for one in generate(model, _prompt(), Decoding(longest=9, may_refuse=False))]
    else:
        assert written[0] >= len(SPECIAL)
        assert END not in written[:-1]


def test_answers_are_bounded_by_longest_and_by_the_context() -> None:
    assert len(_tokens(Decoding(longest=1))) == 1
    long = text_prompt(small_tokenizer(), TEXTS[0] * 9)
    room = 160 - len(long.tokens[:157])
    cut = Prompt(tokens=long.tokens[:157], features=long.features[:157], places=long.places[:157], prefix=1)
    assert len(_tokens(Decoding(longest=50), prompt=cut)) <= room
    with pytest.raises(ValueError, match=r"the prompt has .* tokens; the model reads 160 at most"):
        _tokens(Decoding(), prompt=long)


def test_a_prompt_of_the_start_token_alone_can_be_continued() -> None:
    assert _tokens(Decoding(longest=3), prompt=text_prompt(small_tokenizer(), ""))


def test_greedy_batch_equals_one_by_one() -> None:
    tokenizer, model = small_tokenizer(), _model()
    prompts = [
        build_prompt(tokenizer, "Who?", [[Piece(text=text, rank=rank)]])
        for text, rank in (("A queue.", 1), ("A stack.", 2), ("A stork.", 0), ("A quiet.", 3))
    ]
    longest = max(len(prompt.tokens) for prompt in prompts)
    same = [prompt for prompt in prompts if len(prompt.tokens) == longest]
    same = same if len(same) > 1 else [prompts[0], prompts[0]]
    for may_refuse in (True, False):
        written = greedy_batch(
            model, [one.tokens for one in same], [one.features for one in same], longest=25, may_refuse=may_refuse
        )
        for prompt, tokens in zip(same, written, strict=True):
            alone = [one.token for one in generate(model, prompt, Decoding(longest=25, may_refuse=may_refuse))]
            assert tokens == (alone[:-1] if alone[-1] == END else alone)


def _shares(decoding: Decoding, probabilities: list[float], draws: int = 3000) -> dict[int, float]:
    generator = torch.Generator().manual_seed(0)
    scores = torch.tensor(probabilities).log()
    drawn = [choose(scores, decoding, generator) for _ in range(draws)]
    return {token: drawn.count(token) / draws for token in set(drawn)}


def test_temperature_zero_is_greedy_and_others_sample_by_their_law() -> None:
    probabilities = [0.1, 0.4, 0.2, 0.3]
    assert _shares(Decoding(), probabilities) == {1: 1.0}
    assert _shares(Decoding(temperature=1.0), probabilities)[3] == pytest.approx(0.3, abs=0.03)
    cold = _shares(Decoding(temperature=0.5), probabilities)
    assert cold[1] == pytest.approx(0.16 / (0.01 + 0.16 + 0.04 + 0.09), abs=0.03)


@pytest.mark.parametrize(
    ("top_p", "kept"), [(0.05, {1}), (0.4, {1}), (0.41, {1, 3}), (0.69, {1, 3}), (0.71, {1, 2, 3}), (1.0, {0, 1, 2, 3})]
)
def test_top_p_keeps_the_smallest_set_with_that_much(top_p: float, kept: set[int]) -> None:
    shares = _shares(Decoding(temperature=1.0, top_p=top_p), [0.1, 0.4, 0.2, 0.3])
    assert set(shares) == kept
    assert math.isclose(sum(shares.values()), 1.0)


def test_forbidden_tokens_are_never_drawn() -> None:
    scores = forbid(torch.zeros(12), first=False, may_refuse=True)
    generator = torch.Generator().manual_seed(0)
    drawn = {choose(scores, Decoding(temperature=2.0, top_p=0.99), generator) for _ in range(500)}
    assert drawn == {END, 9, 10, 11}


@pytest.mark.parametrize(
    ("field", "value"),
    [("temperature", -0.1), ("top_p", 0.0), ("top_p", 1.1), ("longest", 0), ("temperature", math.nan)],
)
def test_a_bad_setting_names_its_field(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field} is {value}"):
        Decoding(**{field: value})
