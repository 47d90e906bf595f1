"""Every architecture behind the one interface: all ways of reading the same tokens give the same distributions."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from lm_samples import FAMILIES, SHAPES, TEXTS, same, small_model, small_tokenizer
from torch import Tensor

from lm.config import ARCHITECTURES, SCORES, ModelConfig, preset
from lm.data import Batch, collate, reading_example, text_examples
from lm.model import LanguageModel
from lm.reading import FEATURES, FIRST_SOURCE_FEATURE
from lm.sizing import matched
from lm.state import State
from lm.tokenizer import END

_RECORDS: list[dict[str, Any]] = [
    {
        "question": "Who returns the oldest item?",
        "sources": [[["A queue returns the oldest item.", 1, 0]], [["Water boils.", 2, 0], ["It is hot.", 0, 1]]],
        "mode": "short",
        "answer": "A queue",
        "spans": [[0, 7, 0, 0, 0]],
    },
    {
        "question": "Where?",
        "sources": [[["At the root of the heap.", 0, 0]]],
        "mode": "full",
        "answer": "the root of the heap",
        "spans": [[0, 20, 0, 0, 3]],
    },
]
_SHAPES = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
_FAMILIES = pytest.mark.parametrize("shape", FAMILIES.values(), ids=FAMILIES)


def _batch(records: list[dict[str, Any]] | None = None) -> Batch:
    examples = [reading_example(small_tokenizer(), record) for record in records or _RECORDS]
    return collate(examples, torch.device("cpu"))


@torch.no_grad()
def _losses(model: LanguageModel, batch: Batch) -> Tensor:
    return model.losses(batch.tokens, batch.features, batch.prompt, batch.answer, batch.pointers).nll


def _random(tokens: int, batch: int = 3, seed: int = 3) -> tuple[Tensor, Tensor]:
    """Tokens [B, T] with many repeats, and features of which most may be copied."""
    generator = torch.Generator().manual_seed(seed)
    vocabulary = torch.randint(9, 20, (batch, tokens), generator=generator)
    return vocabulary, torch.randint(0, 9, (batch, tokens), generator=generator)


_CUTS = [(6, 5, 1, 4), (6,) + (1,) * 10, (8, 8)]


@_SHAPES
def test_a_prompt_read_in_any_way_has_the_same_distributions(shape: dict[str, Any]) -> None:
    """Whole, in chunks, token by token, traced, by prefill and steps, and in training."""
    model, prompt, answer = small_model(**shape), 6, 10
    tokens, features = _random(prompt + answer)
    features[:, prompt:] = 0
    whole, state = model(tokens, features=features, prefix=prompt)
    same(whole.exp().sum(-1), torch.ones(3, prompt + answer, dtype=torch.float64), atol=1e-6)
    same(model(tokens, features=features, prefix=prompt, record=True)[0], whole)
    assert state.body.length == prompt + answer
    for cuts in _CUTS:
        for record in (False, True):
            for fast in (False, True):
                with torch.inference_mode(fast):
                    parts = [model(tokens[:, : cuts[0]], features=features[:, : cuts[0]], prefix=prompt, record=record)]
                    at, state = cuts[0], parts[0][1]
                    for size in cuts[1:]:
                        parts.append(model(tokens[:, at : at + size], state, record=record))
                        at += size
                        assert (state.record is not None) == record
                    same(torch.cat([part for part, _ in parts], dim=1), whole)
    for record in (False, True):
        hidden, state = model.prefill(tokens[:, :prompt], features[:, :prompt], record=record)
        for place in range(prompt - 1, prompt + answer - 1):
            same(model.next_tokens(hidden, state)[0], whole[:, place])
            hidden = model.step(tokens[:, place + 1], state, record=record)
    chosen = whole[:, prompt - 1 : -1].gather(2, tokens[:, prompt:, None]).squeeze(2)
    lengths, pointers = torch.full((3,), prompt), torch.full((3, answer), -1)
    with torch.no_grad():
        same(-model.losses(tokens[:, :-1], features[:, :-1], lengths, tokens[:, prompt:], pointers).nll, chosen)


@_SHAPES
def test_a_text_read_in_any_way_has_the_same_distributions(shape: dict[str, Any]) -> None:
    model = small_model(**shape)
    tokens, _ = _random(16)
    whole, _ = model(tokens)
    same(model(tokens, record=True)[0], whole)
    same(model(tokens, prefix=1)[0][:, 0], model(tokens[:, :1], prefix=1)[0][:, 0])
    for cuts in _CUTS:
        state: State | None = None
        parts, at = [], 0
        for size in cuts:
            part, state = model(tokens[:, at : at + size], state)
            parts.append(part)
            at += size
        same(torch.cat(parts, dim=1), whole)
    nll = model.text_losses(tokens)
    same(-nll, whole[:, :-1].gather(2, tokens[:, 1:, None]).squeeze(2))
    other = tokens.clone()
    other[:, 9] += 1
    changed = model(other)[0]
    same(changed[:, :9], whole[:, :9], atol=0)
    assert (changed[:, 9:] != whole[:, 9:]).any(-1).all()


@_SHAPES
def test_text_losses_in_two_stretches_with_a_state_are_those_of_one(shape: dict[str, Any]) -> None:
    model = small_model(**shape, shift=False)
    tokens, _ = _random(17)
    state = model.body.start(3, model.embedding.weight)
    first = model.text_losses(tokens[:, :9], state)
    same(torch.cat((first, model.text_losses(tokens[:, 8:], state)), dim=1), model.text_losses(tokens))
    assert state.length == 16


@pytest.mark.parametrize("ngram", [0, 1, 3])
@pytest.mark.parametrize("record", [False, True])
@_FAMILIES
def test_prefill_and_steps_equal_the_whole_pass(shape: dict[str, Any], ngram: int, record: bool) -> None:
    model = small_model(ngram=ngram, **shape)
    for number, source in enumerate(_RECORDS):
        example = reading_example(small_tokenizer(), source)
        whole = _losses(model, _batch())[number]
        tokens, features = torch.tensor([example.prompt]), torch.tensor([example.features])
        hidden, state = model.prefill(tokens, features, record=record)
        for place, token in enumerate(example.answer):
            log_probabilities, copied = model.next_token(hidden, state)
            assert float(-log_probabilities[token]) == pytest.approx(float(whole[place]), rel=0, abs=1e-10)
            assert float(log_probabilities.exp().sum()) == pytest.approx(1.0, abs=1e-5)
            assert float(copied.weights.sum()) == pytest.approx(1.0, abs=1e-12)
            assert (state.record is not None) == record
            if state.record is not None:
                _check_record(model.config, state, len(example.prompt), place)
            hidden = model.step(token, state, record=record)


def _check_record(config: ModelConfig, state: State, prompt: int, written: int) -> None:
    assert state.record is not None
    if config.architecture == "transformer":
        shapes = [(1, 3, 1, prompt + written)] * 2
    else:
        shapes = [] if config.architecture == "window" else [(1, 1, 1, prompt)]
    assert [layer.shape for layer in state.record.attention] == shapes
    for layer in state.record.attention:
        same(layer.sum(-1), torch.ones(layer.shape[:-1], dtype=torch.float64))
    gates = {"rnn": ["hidden"], "gru": ["candidate", "hidden", "reset", "update"]}
    gates["lstm"] = ["candidate", "cell", "forget", "hidden", "input", "output"]
    assert sorted(state.record.gates) == gates.get(config.architecture, [])
    assert all(gate.shape == (1, 2, 1, 44) for gate in state.record.gates.values())
    assert bool(state.record.encoder) == (bool(state.record.gates) and not written)


def test_a_causal_prompt_equals_the_whole_pass() -> None:
    model = small_model()
    ids = small_tokenizer().encode(TEXTS[0]).ids[:40]
    example = next(text_examples(small_tokenizer(), TEXTS[0]))
    whole = _losses(model, collate([example], torch.device("cpu")))[0]
    for known in (0, 1, 2, 5):
        tokens = torch.tensor([[*example.prompt, *ids[:known]]])
        hidden, state = model.prefill(tokens, torch.zeros_like(tokens), prefix=1)
        for place in range(known, known + 6):
            log_probabilities, copied = model.next_token(hidden, state)
            assert float(-log_probabilities[ids[place]]) == pytest.approx(float(whole[place]), rel=0, abs=1e-10)
            assert float(copied.log_copy.exp()) < 1e-8
            hidden = model.step(ids[place], state)


@_SHAPES
def test_a_batch_of_equal_lengths_equals_each_alone(shape: dict[str, Any]) -> None:
    model = small_model(**shape)
    tokens, features = _random(11)
    answers, _ = _random(4, seed=4)
    hidden, state = model.prefill(tokens, features)
    alone = [model.prefill(tokens[row : row + 1], features[row : row + 1]) for row in range(3)]
    for place in range(4):
        together, _ = model.next_tokens(hidden, state)
        for row, (one, its_state) in enumerate(alone):
            same(together[row], model.next_token(one, its_state)[0])
            alone[row] = (model.step(int(answers[row, place]), its_state), its_state)
        hidden = model.step(answers[:, place], state)


@_SHAPES
@pytest.mark.parametrize("rows", [[1, 2, 0], [2, 0, 0, 2]])
def test_selected_rows_of_different_prompts_go_on_as_each_alone(shape: dict[str, Any], rows: list[int]) -> None:
    model = small_model(**shape)
    tokens, features = _random(11)
    # Each row repeats a stretch of its own prompt, so that its own continuation bias counts.
    answers = tokens[:, 2:7]
    hidden, state = model.prefill(tokens, features)
    hidden = model.step(answers[:, :3], state)
    state.select(torch.tensor(rows))
    hidden = hidden[rows]
    for place in (3, 4, None):
        together, copied = model.next_tokens(hidden, state)
        for at, row in enumerate(rows):
            one, its_state = model.prefill(tokens[row : row + 1], features[row : row + 1])
            for token in answers[row, :place]:
                one = model.step(int(token), its_state)
            alone, its_copied = model.next_tokens(one, its_state)
            same(together[at], alone[0])
            same(copied.weights[at, -1], its_copied.weights[0, -1])
        if place is not None:
            hidden = model.step(answers[rows, place], state)


@_SHAPES
@pytest.mark.parametrize("ngram", [0, 4])
def test_what_is_kept_of_a_step_is_as_if_no_more_had_been_read(shape: dict[str, Any], ngram: int) -> None:
    model = small_model(ngram=ngram, **shape)
    tokens, features = _random(11, batch=1)
    read, _ = _random(6, batch=1, seed=5)
    after, _ = _random(3, batch=1, seed=6)
    for count in range(1, 7):
        _, state = model.prefill(tokens, features)
        _, plain = model.prefill(tokens, features)
        # Twice: a mark may stand after a step that was itself cut short.
        for _ in range(2):
            mark = model.mark(state)
            model.step(read, state)
            model.keep(state, mark, read, count)
            hidden = model.step(read[:, :count], plain)
            assert state.body.length == plain.body.length
            same(state.recent[:, -1], plain.recent[:, -1])
            same(state.last_embedding, plain.last_embedding)
        hidden, found = model.step(after, plain), model.step(after, state)
        same(model.every_next(found, state)[0], model.every_next(hidden, plain)[0])


@_SHAPES
def test_padding_changes_no_loss(shape: dict[str, Any]) -> None:
    model = small_model(**shape)
    both = _losses(model, _batch())
    for row, record in enumerate(_RECORDS):
        alone = _losses(model, _batch([record]))[0]
        same(both[row, : len(alone)], alone)


@pytest.mark.parametrize("score", SCORES)
@torch.no_grad()
def test_copied_probability_is_the_mixture_by_hand(score: str) -> None:
    model = small_model(score=score)
    tokens = torch.tensor([[4, 50, 60, 50, 70]])
    features = torch.tensor([[0, FIRST_SOURCE_FEATURE, FIRST_SOURCE_FEATURE, FIRST_SOURCE_FEATURE, 0]])
    hidden, state = model.prefill(tokens, features)
    log_probabilities, copied = model.next_token(hidden, state)
    weights, p = copied.weights[0, 0], float(copied.log_copy.exp())
    assert float(weights[0]) == float(weights[4]) == 0.0
    written = model.write_logits(hidden[0, 0]).softmax(-1)
    expected = (1 - p) * float(written[50]) + p * float(weights[1] + weights[3])
    assert float(log_probabilities[50].exp()) == pytest.approx(expected, abs=1e-10)
    assert float(log_probabilities[70].exp()) == pytest.approx((1 - p) * float(written[70]), abs=1e-8)


@torch.no_grad()
def test_logits_never_pass_the_softcap_and_are_free_without() -> None:
    hidden = torch.randn(4, 30, dtype=torch.float64) * 50
    assert float(small_model(std=3.0).write_logits(hidden).abs().max()) <= 20.0
    model = small_model(std=3.0, softcap=0.0, tied=False)
    same(model.write_logits(hidden), hidden @ model.output.weight.T)


@_FAMILIES
@pytest.mark.parametrize("tied", [True, False])
def test_untrained_loss_on_text_is_that_of_a_guess(shape: dict[str, Any], tied: bool) -> None:
    model = small_model(std=None, context=256, tied=tied, **shape)
    batch = collate(list(text_examples(small_tokenizer(), " ".join(TEXTS))), torch.device("cpu"))
    guess = math.log(small_tokenizer().size)
    with torch.no_grad():
        losses = model.losses(batch.tokens, batch.features, batch.prompt, batch.answer, batch.pointers)
        assert float(losses.nll[losses.mask].mean()) == pytest.approx(guess, rel=0.05)
        assert float(model.text_losses(batch.tokens).mean()) == pytest.approx(guess, rel=0.05)


@_FAMILIES
def test_every_architecture_is_driven_near_zero_on_one_batch(shape: dict[str, Any]) -> None:
    model, batch = small_model(std=None, dtype=torch.float32, **shape), _batch()
    text = torch.randint(9, 330, (2, 13), generator=torch.Generator().manual_seed(2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(70):
        losses = model.losses(batch.tokens, batch.features, batch.prompt, batch.answer, batch.pointers)
        answered, continued = losses.nll[losses.mask].mean(), model.text_losses(text).mean()
        optimizer.zero_grad()
        (answered + continued + 0.2 * losses.pointer).backward()
        optimizer.step()
    assert float(answered.detach()) < 0.02
    assert float(continued.detach()) < 0.05


@torch.no_grad()
def test_the_pointer_loss_is_the_mean_over_known_sources() -> None:
    model, batch = small_model(), _batch()
    losses = model.losses(batch.tokens, batch.features, batch.prompt, batch.answer, batch.pointers)
    assert bool((batch.answer[losses.mask] >= 0).all())
    assert int((batch.answer == END).sum()) == 2
    example = reading_example(small_tokenizer(), _RECORDS[1])
    hidden, state = model.prefill(torch.tensor([example.prompt]), torch.tensor([example.features]))
    total = []
    for token, pointer in zip(example.answer, example.pointers, strict=True):
        _, copied = model.next_token(hidden, state)
        if pointer >= 0:
            total.append(-math.log(max(1e-6, float(copied.weights[0, 0, pointer]))))
        hidden = model.step(token, state)
    alone = _batch([_RECORDS[1]])
    whole = model.losses(alone.tokens, alone.features, alone.prompt, alone.answer, alone.pointers).pointer
    assert len(total) >= 3
    assert float(whole) == pytest.approx(sum(total) / len(total), abs=1e-10)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("size", "vocabulary"), [("tiny", 600), ("mini", 4000)])
def test_matched_models_have_the_same_number_of_weights(architecture: str, size: str, vocabulary: int) -> None:
    config = preset(size, vocabulary=vocabulary, features=FEATURES)
    with torch.device("meta"):
        target = LanguageModel(config).parameters_count()
        found = matched(config, architecture, target)
        count = LanguageModel(found).parameters_count()
    assert found.architecture == architecture
    assert count == pytest.approx(target, rel=0.02)
    assert (found.width, found.vocabulary, found.score) == (config.width, vocabulary, config.score)
