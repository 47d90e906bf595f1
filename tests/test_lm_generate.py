from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from lm_samples import FAMILIES, TEXTS, same, small_model, small_tokenizer
from torch import Tensor

from lm.generate import Generated, generate, generate_batch
from lm.model import LanguageModel
from lm.reading import Piece, Prompt, build_prompt, text_prompt
from lm.sampling import Decoding
from lm.state import Mark, State
from lm.static import StaticState
from lm.tokenizer import END, NONE, SPECIAL

_FAMILIES = pytest.mark.parametrize("shape", FAMILIES.values(), ids=FAMILIES)
# A sentence that says a thing twice is not copied on where no two tokens may follow one another again.
_GREEDY = Decoding(longest=30, may_refuse=False, no_repeat=2)
_DRAWN = Decoding(longest=30, may_refuse=False, temperature=0.9, top_p=0.95, repetition=1.05, seed=7)
_DECODINGS = pytest.mark.parametrize("decoding", [_GREEDY, _DRAWN], ids=["greedy", "drawn"])


class _Counting(LanguageModel):
    """A model that notes how many tokens each call reads and how many of a guess are kept."""

    reads: list[int]
    kept: list[int]

    def step(self, token: int | Tensor, state: State, *, record: bool = False) -> Tensor:
        self.reads.append(torch.as_tensor(token).numel())
        return super().step(token, state, record=record)

    def keep(self, state: State, mark: Mark, tokens: Tensor, count: int) -> None:
        self.kept.append(count)
        reads = list(self.reads)
        super().keep(state, mark, tokens, count)
        self.reads = reads


def _model(seed: int = 0, **shape: Any) -> _Counting:
    """A model that mostly copies, so that there is something to guess, and not always what comes next."""
    plain = small_model(seed=seed, std=0.3, **shape)
    model = _Counting(plain.config).double().eval()
    model.load_state_dict(plain.state_dict())
    model.requires_grad_(False)
    model.copy.gate.bias.fill_(2.5)
    model.copy.bias.copy_(2.0 * torch.arange(1, plain.config.ngram + 1))
    model.reads, model.kept = [], []
    return model


def _prompt() -> Prompt:
    pieces = [[Piece(text=TEXTS[0], rank=1)], [Piece(text="A stack.", rank=2), Piece(text="A queue.", gap=True)]]
    return build_prompt(small_tokenizer(), "Who returns?", pieces)


def _tokens(
    decoding: Decoding, model: LanguageModel | None = None, prompt: Prompt | None = None, **settings: Any
) -> list[Generated]:
    return list(generate(model or _model(), prompt or _prompt(), decoding, **settings))


def _ids(generated: Sequence[Generated]) -> list[int]:
    return [one.token for one in generated]


def _same(found: Sequence[Generated], expected: Sequence[Generated]) -> None:
    """Equal token for token and record for record; arrays are fp32."""
    assert _ids(found) == _ids(expected)
    for one, other in zip(found, expected, strict=True):
        for name in ("probability", "p_copy", "p_none"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), rel=0, abs=1e-10)
        assert [token for token, _ in one.alternatives] == [token for token, _ in other.alternatives]
        np.testing.assert_allclose(
            [value for _, value in one.alternatives], [value for _, value in other.alternatives], rtol=0, atol=1e-10
        )
        np.testing.assert_allclose(one.copy, other.copy, rtol=0, atol=1e-6)
        assert (one.attention is None) == (other.attention is None) == (one.gates is None) == (other.gates is None)
        if one.attention is None or other.attention is None or one.gates is None or other.gates is None:
            continue
        assert one.attention.shape == other.attention.shape
        np.testing.assert_allclose(one.attention, other.attention, rtol=0, atol=1e-6)
        assert one.gates.keys() == other.gates.keys()
        for name, gate in one.gates.items():
            np.testing.assert_allclose(gate, other.gates[name], rtol=0, atol=1e-6)


@_FAMILIES
@_DECODINGS
@pytest.mark.parametrize("trace", [False, True])
def test_guessing_changes_no_token_and_no_record(shape: dict[str, Any], decoding: Decoding, trace: bool) -> None:
    for lookup in (1, 3, 12):
        longest, right, wrong = 0, False, False
        for seed in range(4):
            model = _model(seed, **shape)
            plain = _tokens(replace(decoding, lookup=0), model, trace=trace)
            assert model.reads == [1] * (len(plain) - 1)
            assert not model.kept
            model.reads = []
            _same(_tokens(replace(decoding, lookup=lookup), model, trace=trace), plain)
            longest = max(longest, *model.reads)
            right |= len(model.reads) < len(plain) - 1
            wrong |= bool(model.kept)
        assert longest == lookup + 1
        assert right, "no guess was right"
        assert wrong, "no guess was wrong"


@_FAMILIES
@_DECODINGS
def test_tracing_changes_no_output_and_records_rows_that_sum_to_one(shape: dict[str, Any], decoding: Decoding) -> None:
    prompt, model = _prompt(), _model(**shape)
    plain, traced = _tokens(decoding, model), _tokens(decoding, model, trace=True)
    _same([replace(one, attention=None, gates=None) for one in traced], plain)
    copyable = np.array([place.source >= 0 for place in prompt.places])
    for place, one in enumerate(traced):
        assert one.attention is not None
        assert one.gates is not None
        if model.config.architecture == "transformer":
            assert one.attention.shape == (2, 3, len(prompt.tokens) + place)
        else:
            assert one.attention.shape == (int(bool(one.gates)), 1, len(prompt.tokens))
        np.testing.assert_allclose(one.attention.sum(-1), 1.0, atol=1e-5)
        assert {gate.shape for gate in one.gates.values()} <= {(2, 44)}
        assert one.copy.shape == (len(prompt.tokens),)
        assert float(one.copy.sum()) == pytest.approx(1.0, abs=1e-5)
        assert not one.copy[~copyable].any()
        assert 0 < one.p_copy < 1


@_FAMILIES
@pytest.mark.parametrize("text", [False, True])
def test_forced_tokens_have_the_records_of_chosen_ones(shape: dict[str, Any], text: bool) -> None:
    model, prompt = _model(**shape), text_prompt(small_tokenizer(), "A queue returns") if text else _prompt()
    chosen = _tokens(replace(_DRAWN, longest=40), model, prompt, trace=True)
    model.reads = []
    _same(_tokens(Decoding(longest=1), model, prompt, trace=True, forced=_ids(chosen)), chosen)
    assert len(model.reads) <= 3, "tokens that are known are read many at a time"
    odd = [END, NONE, *_ids(chosen)[:3], END]
    assert _ids(_tokens(Decoding(), model, prompt, forced=odd)) == odd
    assert _tokens(Decoding(), model, prompt, forced=[]) == []


@_FAMILIES
@pytest.mark.parametrize("text", [False, True])
def test_what_was_begun_goes_on_as_if_it_had_been_written_at_once(shape: dict[str, Any], text: bool) -> None:
    model, prompt = _model(**shape), text_prompt(small_tokenizer(), "A queue returns") if text else _prompt()
    whole = _tokens(_GREEDY, model, prompt, trace=True)
    for count in (0, 1, 2, 7, len(whole) - 1, len(whole)):
        begun = _ids(whole)[:count]
        _same(_tokens(_GREEDY, model, prompt, trace=True, begun=begun), whole[count:])
        _same(_tokens(_GREEDY, model, prompt, trace=True, begun=begun, forced=_ids(whole)), whole[count:])


def test_greedy_is_deterministic_and_takes_the_likeliest() -> None:
    first, second = _tokens(Decoding(longest=20)), _tokens(Decoding(longest=20, seed=5))
    assert _ids(first) == _ids(second)
    for one in first:
        assert len(one.alternatives) == 5
        assert [probability for _, probability in one.alternatives] == sorted(
            (probability for _, probability in one.alternatives), reverse=True
        )
        if one.alternatives[0][0] >= len(SPECIAL):
            assert one.alternatives[0] == (one.token, pytest.approx(one.probability))


def test_seeds_repeat_and_differ() -> None:
    runs = [_ids(_tokens(Decoding(temperature=1.5, longest=12, seed=seed))) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("last", [END, NONE])
def test_writing_stops_after_the_end_or_the_refusal(last: int) -> None:
    model = small_model(std=0.3)
    with torch.no_grad():
        # Rows of the other special tokens and all words point one way, `last` the other: it wins where allowed.
        model.embedding.weight.mul_(0.01)
        hidden, _ = model.prefill(torch.tensor([_prompt().tokens]), torch.tensor([_prompt().features]))
        model.copy.gate.bias.fill_(-50.0)
        model.embedding.weight[last] = 3 * hidden[0, 0].clone()
    written = _ids(_tokens(Decoding(longest=30), model))
    if last == NONE:
        assert written == [NONE]
        assert generate_batch(model, [_prompt().tokens], [_prompt().features], Decoding(longest=30)) == [[NONE]]
        assert NONE not in _ids(_tokens(Decoding(longest=9, may_refuse=False), model))
    else:
        assert written[0] >= len(SPECIAL)
        assert END not in written[:-1]


@pytest.mark.parametrize("lookup", [0, 3])
def test_writing_stops_after_a_token_to_stop_at(lookup: int) -> None:
    prompt, model = _prompt(), _model()
    whole = _ids(_tokens(replace(_GREEDY, lookup=lookup), model))
    for place in (0, 5, 11):
        until = replace(_GREEDY, lookup=lookup, stop=(300_000, whole[place]))
        expected = whole[: whole.index(whole[place]) + 1]
        assert _ids(_tokens(until, model)) == expected
        assert generate_batch(model, [prompt.tokens] * 2, [prompt.features] * 2, until) == [expected] * 2
    assert _ids(_tokens(replace(_GREEDY, stop=(whole[0],)), model, forced=whole[:4])) == whole[:4]


@pytest.mark.parametrize("lookup", [0, 12])
def test_answers_are_bounded_by_longest_and_by_the_context(lookup: int) -> None:
    for longest in (1, 2, 7):
        assert len(_tokens(replace(_GREEDY, longest=longest, lookup=lookup))) == longest
    prompt = _prompt()
    model = _model(context=len(prompt.tokens) + 9)
    assert len(_tokens(replace(_GREEDY, longest=50, lookup=lookup), model, prompt)) == 9
    assert len(_tokens(_GREEDY, model, prompt, forced=_ids(_tokens(_GREEDY)))) == 9
    assert len(generate_batch(model, [prompt.tokens], [prompt.features], replace(_GREEDY, longest=50))[0]) == 9
    long = text_prompt(small_tokenizer(), TEXTS[0] * 9)
    with pytest.raises(ValueError, match=r"the prompt has .* tokens; the model reads 160 at most"):
        _tokens(Decoding(), prompt=long)


def test_beams_are_not_written_one_after_another() -> None:
    with pytest.raises(ValueError, match="beams is 3; tokens come one after another with 1 beam only"):
        _tokens(Decoding(beams=3))


@_FAMILIES
def test_a_prompt_of_the_start_token_alone_can_be_continued(shape: dict[str, Any]) -> None:
    model, prompt = _model(**shape), text_prompt(small_tokenizer(), "")
    found = _tokens(Decoding(longest=3), model, prompt, trace=True)
    assert 1 <= len(found) <= 3
    assert max(one.p_copy for one in found) < 1e-8


@_FAMILIES
@pytest.mark.parametrize(
    "decoding",
    [
        Decoding(longest=25),
        replace(_GREEDY, longest=25),
        replace(_DRAWN, longest=25),
        Decoding(temperature=2.0, top_k=20, min_p=0.01, longest=25),
    ],
    ids=["greedy", "no-repeat", "drawn", "hot"],
)
def test_a_batch_equals_one_by_one(shape: dict[str, Any], decoding: Decoding) -> None:
    tokenizer, model = small_tokenizer(), _model(**shape)
    prompts = [
        build_prompt(tokenizer, "Who?", [[Piece(text=f"A {word} returns the oldest item first.", rank=rank)]])
        for word, rank in (("queue", 1), ("stack", 2), ("heap", 0), ("queue", 4))
    ]
    longest = max(len(one.tokens) for one in prompts)
    same = [prompt for prompt in prompts if len(prompt.tokens) == longest]
    assert len(same) >= 2
    written = generate_batch(model, [one.tokens for one in same], [one.features for one in same], decoding)
    assert len({tuple(row) for row in written}) > 1
    for prompt, tokens in zip(same, written, strict=True):
        alone = _ids(_tokens(decoding, model, prompt))
        assert tokens == (alone[:-1] if alone[-1] == END else alone)


@pytest.mark.parametrize("positions", ["rotary", "learned", "sinusoidal"])
def test_steps_of_fixed_shapes_equal_those_that_grow(positions: str) -> None:
    """Uncompiled, in chunks and one by one; a rewind leaves what is masked."""
    model = small_model(positions=positions, context=400)
    prompt = _prompt()
    tokens, features = torch.tensor([prompt.tokens]), torch.tensor([prompt.features])
    states = [model.prefill(tokens, features)[1] for _ in range(2)]
    model.fix_shapes(states[1], 40)
    assert isinstance(states[1].body, StaticState)
    more = torch.randint(9, small_tokenizer().size, (1, 12), generator=torch.Generator().manual_seed(2))
    for first, last, keep in ((0, 5, 2), (2, 3, 1), (3, 12, 9)):
        read, found = more[:, first:last], []
        for state in states:
            mark = model.mark(state)
            hidden = model.step(read, state, record=True)
            found.append(model.every_next(hidden, state)[0][:, :keep])
            if keep < last - first:
                model.keep(state, mark, read, keep)
        same(found[0], found[1])
    assert states[0].body.length == states[1].body.length
