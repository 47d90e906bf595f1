from __future__ import annotations

import itertools
import math
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from lm_samples import small_model, small_tokenizer
from torch import Tensor, nn

from lm.beam import Hypothesis, beam_search, length_normaliser
from lm.config import ARCHITECTURES
from lm.generate import generate
from lm.model import LanguageModel
from lm.reading import Piece, Prompt, build_prompt
from lm.sampling import Decoding, penalise_repetition
from lm.tokenizer import END, NONE, SPECIAL, TEXT

A, B, C = WORDS = range(len(SPECIAL), len(SPECIAL) + 3)
VOCABULARY = WORDS.stop
START = Prompt(tokens=[TEXT], features=[0], places=[], prefix=1)


class _State:
    """The tokens written by each row, [B, T], the only thing a table is looked up by."""

    def __init__(self) -> None:
        self.written = torch.zeros(1, 0, dtype=torch.long)

    def select(self, rows: Tensor) -> None:
        self.written = self.written[rows]


class _Table(nn.Module):
    """A language model with a fixed distribution for every way to begin: as given, else drawn from the seed."""

    def __init__(self, seed: int = 0, given: dict[tuple[int, ...], dict[int, float]] | None = None) -> None:
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(1))
        self.config = SimpleNamespace(context=64, special=WORDS.start)
        self.seed, self.given, self.steps = seed, given or {}, 0

    def after(self, written: tuple[int, ...]) -> Tensor:
        """Log-probabilities [V]."""
        if written in self.given:
            probabilities = torch.zeros(VOCABULARY, dtype=torch.float64)
            for token, probability in self.given[written].items():
                probabilities[token] = probability
            return probabilities.log()
        number = self.seed
        for token in written:
            number = number * VOCABULARY + token
        generator = torch.Generator().manual_seed(number)
        logits = torch.randn(VOCABULARY, generator=generator, dtype=torch.float64).mul(2.5)
        # Forbidden tokens hold some probability and the ends not too much, so that answers of all lengths win.
        logits[: WORDS.start] -= 2.0
        return logits.log_softmax(-1)

    def prefill(self, tokens: Tensor, features: Tensor, *, prefix: int) -> tuple[Tensor, _State]:
        assert tokens.tolist() == [START.tokens]
        assert features.tolist() == [START.features]
        assert prefix == START.prefix
        return torch.zeros(1, 1, 2), _State()

    def next_tokens(self, hidden: Tensor, state: _State) -> tuple[Tensor, None]:
        assert hidden.shape[0] == state.written.shape[0]
        return torch.stack([self.after(tuple(row)) for row in state.written.tolist()]), None

    def step(self, tokens: Tensor, state: _State) -> Tensor:
        self.steps += 1
        state.written = torch.cat((state.written, tokens[:, None]), dim=1)
        return torch.zeros(len(tokens), 1, 2)


def _search(table: _Table, decoding: Decoding) -> list[Hypothesis]:
    return beam_search(cast(LanguageModel, table), START, decoding)


def _all_answers(table: _Table, decoding: Decoding) -> list[Hypothesis]:
    """Every answer the rules of writing allow, by exhaustive search: word by word, best score first."""
    answers = []
    for length in range(1, decoding.longest + 1):
        for words in itertools.product(WORDS, repeat=length - 1):
            last = [END] if words else [NONE] if decoding.may_refuse else []
            for token in last + (list(WORDS) if length == decoding.longest else []):
                tokens = (*words, token)
                log_probability = sum(float(table.after(tokens[:place])[tokens[place]]) for place in range(length))
                score = log_probability / ((5 + length) / 6) ** decoding.length_penalty
                answers.append(Hypothesis(tokens=tokens, log_probability=log_probability, score=score))
    return sorted(answers, key=lambda one: -one.score)


@pytest.mark.parametrize("length_penalty", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("may_refuse", [True, False])
def test_a_wide_beam_finds_the_best_of_all_answers(length_penalty: float, may_refuse: bool) -> None:
    lengths = set()
    for seed in range(25):
        table = _Table(seed)
        decoding = Decoding(longest=4, beams=200, length_penalty=length_penalty, may_refuse=may_refuse)
        (best, *_), found = _all_answers(table, decoding), _search(table, decoding)
        assert found[0].tokens == best.tokens
        assert found[0].log_probability == pytest.approx(best.log_probability, abs=1e-12)
        assert found[0].score == pytest.approx(best.score, abs=1e-12)
        lengths.add(len(best.tokens))
    assert len(lengths) > 2


def test_every_answer_found_has_its_own_score_and_the_best_comes_first() -> None:
    sizes = set()
    for seed, beams in itertools.product(range(15), (2, 3, 5)):
        table, decoding = _Table(seed), Decoding(longest=5, beams=beams, length_penalty=0.7)
        known = {one.tokens: one for one in _all_answers(table, decoding)}
        found = _search(table, decoding)
        assert len({one.tokens for one in found}) == len(found)
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        for one in found:
            assert one.score == pytest.approx(known[one.tokens].score, abs=1e-12)
            assert one.log_probability == pytest.approx(known[one.tokens].log_probability, abs=1e-12)
        sizes.add((beams, len(found)))
    assert {(2, 2), (3, 3), (5, 5)} < sizes
    assert all(size <= beams for beams, size in sizes)


GARDEN_PATH = {
    (): {A: 0.5, B: 0.4, C: 0.1},
    (A,): {A: 0.35, B: 0.35, END: 0.3},
    (B,): {C: 0.9, END: 0.1},
    (B, C): {END: 1.0},
}


def test_three_beams_find_what_greedy_search_walks_past() -> None:
    table = _Table(given=GARDEN_PATH)
    (greedy,) = _search(table, Decoding(longest=3, beams=1))
    best, *_ = _search(table, Decoding(longest=3, beams=3))
    assert greedy.tokens[0] == A
    assert best.tokens == (B, C, END)
    assert best.log_probability == pytest.approx(math.log(0.36))
    assert best.log_probability > greedy.log_probability


def _greedy(table: _Table, decoding: Decoding) -> list[int]:
    written: list[int] = []
    while len(written) < decoding.longest and not {END, NONE} & set(written):
        log_p = table.after(tuple(written)).tolist()
        allowed = [*WORDS, END] if written else [*WORDS, NONE] if decoding.may_refuse else [*WORDS]
        written.append(max(allowed, key=lambda token: log_p[token]))
    return written


def test_one_beam_is_greedy_search() -> None:
    ends = set()
    for seed in range(60):
        for may_refuse in (True, False):
            table, decoding = _Table(seed), Decoding(longest=7, may_refuse=may_refuse)
            (found,) = _search(table, decoding)
            assert list(found.tokens) == _greedy(table, decoding)
            ends.add(found.tokens[-1])
    assert {END, NONE} < ends


def test_equal_hypotheses_are_told_apart_by_the_lower_id() -> None:
    table = _Table(given={(): {A: 0.25, B: 0.25, C: 0.25, NONE: 0.25}, (A,): {END: 1.0}, (B,): {END: 1.0}})
    assert [one.tokens for one in _search(table, Decoding(beams=3, length_penalty=0.0))] == [(NONE,)]
    decoding = Decoding(beams=2, may_refuse=False, length_penalty=0.0, longest=2)
    assert [one.tokens for one in _search(table, decoding)] == [(A, END), (B, END)]


def test_length_normalisation_is_that_of_the_paper_and_lets_longer_answers_win() -> None:
    assert length_normaliser(1, 0.6) == 1.0
    assert length_normaliser(7, 0.5) == pytest.approx(math.sqrt(2.0))
    assert length_normaliser(7, 0.0) == 1.0
    given = {(): {NONE: 0.52, A: 0.48}, (A,): {B: 1.0}, (A, B): {C: 1.0}, (A, B, C): {END: 1.0}}
    assert _search(_Table(given=given), Decoding(beams=2, length_penalty=0.0))[0].tokens == (NONE,)
    # The score of (A,) is below that of (NONE,), yet three sure tokens lift it: the search must not stop before.
    best, second = _search(_Table(given=given), Decoding(beams=2, length_penalty=1.0))
    assert best.tokens == (A, B, C, END)
    assert best.score == pytest.approx(math.log(0.48) / (9 / 6))
    assert second.tokens == (NONE,)


def test_the_search_stops_as_soon_as_the_best_answer_cannot_be_beaten() -> None:
    sure = {(): {A: 0.9, B: 0.1}, (A,): {END: 1.0}, (B,): {A: 0.5, C: 0.5}}
    table = _Table(given=sure)
    # log 0.1 / lp(n) exceeds log 0.9 / lp(2) for no n up to 100: one step to (A, END), and no other.
    assert _search(table, Decoding(beams=3, longest=63))[0].tokens == (A, END)
    assert table.steps == 1
    table = _Table(given={(): {NONE: 1.0}})
    assert _search(table, Decoding(beams=3))[0].tokens == (NONE,)
    assert table.steps == 0


def test_the_room_in_the_context_and_longest_bound_the_answer() -> None:
    table = _Table(given={(): {A: 1.0}})
    assert [len(one.tokens) for one in _search(table, Decoding(beams=2, longest=1))] == [1]
    assert table.steps == 0
    forever = {(A,) * length: {A: 1.0} for length in range(9)}
    table = _Table(given=forever)
    table.config.context = 5
    assert [one.tokens for one in _search(table, Decoding(beams=2))] == [(A,) * 4]
    table.config.context = 1
    with pytest.raises(ValueError, match="the prompt has 1 tokens; the model reads 1 at most"):
        _search(table, Decoding())


def test_random_choice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"temperature is 0\.5; .* must be 0"):
        _search(_Table(), Decoding(temperature=0.5))


def test_rules_about_what_was_written_hold_in_every_beam() -> None:
    for seed in range(6):
        for one in _search(_Table(seed), Decoding(beams=8, longest=6, no_repeat=1)):
            assert len(set(one.tokens)) == len(one.tokens)
    forever = {(A,) * length: {A: 0.9, B: 0.1} for length in range(9)}
    best = _search(_Table(given=forever), Decoding(beams=4, longest=3, no_repeat=2, may_refuse=False))[0]
    assert best.tokens == (A, A, B)


def test_the_repetition_penalty_counts_in_the_score_alone() -> None:
    table, penalty = _Table(5), 1.7
    for one in _search(table, Decoding(beams=5, longest=5, repetition=penalty, length_penalty=0.5)):
        plain = penalised = 0.0
        for place, token in enumerate(one.tokens):
            log_p = table.after(one.tokens[:place])
            plain += float(log_p[token])
            written = torch.tensor(one.tokens[:place], dtype=torch.long)
            penalised += float(penalise_repetition(log_p, written, penalty)[token])
        assert one.log_probability == pytest.approx(plain, abs=1e-12)
        assert one.score == pytest.approx(penalised / length_normaliser(len(one.tokens), 0.5), abs=1e-12)


def _question() -> Prompt:
    return build_prompt(small_tokenizer(), "Who returns?", [[Piece(text="A queue.")], [Piece(text="A stack.")]])


def test_one_beam_of_a_model_equals_its_greedy_answer() -> None:
    for seed in range(3):
        model = small_model(seed=seed, std=0.3)
        (found,) = beam_search(model, _question(), Decoding(longest=20))
        assert list(found.tokens) == [one.token for one in generate(model, _question(), Decoding(longest=20))]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_beam_of_a_model_keeps_a_state_of_its_own(architecture: str) -> None:
    crossed = False
    for seed in range(3):
        model = small_model(seed=seed, std=0.3, architecture=architecture)
        found = beam_search(model, _question(), Decoding(longest=10, beams=5))
        assert len(found) > 1
        for one in found:
            forced = generate(model, _question(), Decoding(longest=10), forced=one.tokens)
            log_probability = sum(math.log(token.probability) for token in forced)
            assert one.log_probability == pytest.approx(log_probability, abs=1e-9)
        greedy = beam_search(model, _question(), Decoding(longest=10))
        crossed |= found[0].tokens != greedy[0].tokens
    assert crossed


def test_a_hypothesis_ends_at_a_token_to_stop_at() -> None:
    model, tokenizer = small_model(std=0.3), small_tokenizer()
    prompt = build_prompt(tokenizer, "Who returns?", [[Piece(text="A queue.")], [Piece(text="A stack.")]])
    whole = beam_search(model, prompt, Decoding(longest=6, may_refuse=False))[0].tokens
    stopped = beam_search(model, prompt, Decoding(longest=6, may_refuse=False, stop=(whole[2],)))[0].tokens
    assert stopped == whole[: whole.index(whole[2]) + 1]
    assert len(stopped) < len(whole)
