from __future__ import annotations

import math

import pytest
import torch
from lm_samples import TEXTS, small_model, small_tokenizer

from lm.data import Batch, collate, reading_example, text_examples
from lm.model import LanguageModel
from lm.reading import FIRST_SOURCE_FEATURE
from lm.tokenizer import END

_RECORDS = [
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


def _batch(records: list[dict[str, object]] | None = None) -> Batch:
    examples = [reading_example(small_tokenizer(), record) for record in records or _RECORDS]
    return collate(examples, torch.device("cpu"))


@torch.no_grad()
def _losses(model: LanguageModel, batch: Batch) -> torch.Tensor:
    return model.losses(batch.tokens, batch.features, batch.prompt, batch.answer, batch.pointers).nll


@pytest.mark.parametrize("ngram", [0, 1, 3])
@pytest.mark.parametrize("record", [False, True])
def test_prefill_and_steps_equal_the_whole_pass(ngram: int, record: bool) -> None:
    model = small_model(ngram=ngram)
    for number, source in enumerate(_RECORDS):
        example = reading_example(small_tokenizer(), source)
        whole = _losses(model, _batch())[number]
        tokens, features = torch.tensor([example.prompt]), torch.tensor([example.features])
        hidden, state = model.prefill(tokens, features, record=record)
        for place, token in enumerate(example.answer):
            log_probabilities, copied = model.next_token(hidden, state)
            assert float(-log_probabilities[token]) == pytest.approx(float(whole[place]), abs=1e-10)
            assert float(log_probabilities.exp().sum()) == pytest.approx(1.0, abs=1e-5)
            assert float(copied.weights.sum()) == pytest.approx(1.0, abs=1e-12)
            assert len(state.attention) == (2 if record else 0)
            for layer in state.attention:
                assert layer.shape == (1, 3, 1, len(example.prompt) + place)
                assert torch.allclose(layer.sum(-1), torch.ones(1, dtype=torch.float64))
            hidden = model.step(token, state, record=record)


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
            assert float(-log_probabilities[ids[place]]) == pytest.approx(float(whole[place]), abs=1e-10)
            assert float(copied.log_copy.exp()) < 1e-8
            hidden = model.step(ids[place], state)


def test_a_batch_of_equal_lengths_equals_each_alone() -> None:
    model = small_model()
    generator = torch.Generator().manual_seed(3)
    tokens = torch.randint(9, small_tokenizer().size, (3, 11), generator=generator)
    features = torch.randint(0, 9, (3, 11), generator=generator)
    answers = torch.randint(9, small_tokenizer().size, (3, 4), generator=generator)
    hidden, state = model.prefill(tokens, features)
    alone = [model.prefill(tokens[row : row + 1], features[row : row + 1]) for row in range(3)]
    for place in range(4):
        together, _ = model.next_tokens(hidden, state)
        for row, (one, its_state) in enumerate(alone):
            torch.testing.assert_close(together[row], model.next_token(one, its_state)[0], rtol=0, atol=1e-10)
            alone[row] = (model.step(int(answers[row, place]), its_state), its_state)
        hidden = model.step(answers[:, place], state)


def test_padding_changes_no_loss() -> None:
    model = small_model()
    both = _losses(model, _batch())
    for row, record in enumerate(_RECORDS):
        alone = _losses(model, _batch([record]))[0]
        torch.testing.assert_close(both[row, : len(alone)], alone, rtol=0, atol=1e-10)


@torch.no_grad()
def test_copied_probability_is_the_mixture_by_hand() -> None:
    model = small_model()
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
def test_logits_never_pass_the_softcap() -> None:
    model = small_model(std=3.0)
    logits = model.write_logits(torch.randn(4, 30, dtype=torch.float64) * 50)
    assert float(logits.abs().max()) <= 20.0


def test_untrained_loss_on_text_is_that_of_a_guess() -> None:
    model = small_model(std=None, context=256)
    batch = collate(list(text_examples(small_tokenizer(), " ".join(TEXTS))), torch.device("cpu"))
    with torch.no_grad():
        losses = model.losses(batch.tokens, batch.features, batch.prompt, batch.answer, batch.pointers)
    mean = float(losses.nll[losses.mask].mean())
    assert mean == pytest.approx(math.log(small_tokenizer().size), rel=0.05)


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
