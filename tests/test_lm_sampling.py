from __future__ import annotations

import itertools
import math
import re
import subprocess
import sys
from typing import Any, cast

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lm.sampling import (
    Decoding,
    choose,
    constrain,
    forbid_repeats,
    forbid_special,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    penalise_repetition,
)
from lm.tokenizer import END, NONE, SPECIAL

OUT = -math.inf
WORDS = len(SPECIAL)


def _open(log_p: Tensor) -> list[set[int]]:
    """The tokens left in each row."""
    return [set((row > OUT).nonzero()[:, 0].tolist()) for row in log_p.reshape(-1, log_p.shape[-1])]


def _row(*probabilities: float) -> Tensor:
    return torch.tensor(probabilities, dtype=torch.float64).log()


def _rows(seed: int, *, rows: int = 3, vocabulary: int = 14) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, vocabulary, generator=generator, dtype=torch.float64).mul(2).log_softmax(-1)


def _seeded(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_special_tokens_are_ruled_out_but_for_a_first_refusal_and_a_later_end() -> None:
    scores = torch.zeros(2, 20)
    words = set(range(WORDS, 20))
    for first, may_refuse, special in (
        (True, True, {NONE}),
        (True, False, set()),
        (False, True, {END}),
        (False, False, {END}),
    ):
        assert _open(forbid_special(scores, WORDS, first=first, may_refuse=may_refuse)) == [words | special] * 2
    assert _open(forbid_special(scores, 9, first=False, may_refuse=True)) == [{*range(9, 20), END}] * 2
    assert bool(scores.isfinite().all())


def test_top_k_keeps_exactly_so_many_and_of_equal_ones_the_lower_ids() -> None:
    log_p = _row(0.1, 0.3, 0.1, 0.3, 0.1, 0.1)
    for top_k, kept in ((1, {1}), (2, {1, 3}), (3, {0, 1, 3}), (4, {0, 1, 2, 3}), (5, {0, 1, 2, 3, 4})):
        assert _open(keep_top_k(log_p, top_k)) == [kept]
    for top_k in (0, 6, 7):
        assert torch.equal(keep_top_k(log_p, top_k), log_p)
    assert _open(keep_top_k(torch.zeros(3, 900), 450)) == [set(range(450))] * 3


@pytest.mark.parametrize(
    ("top_p", "kept"), [(1e-9, {1}), (0.05, {1}), (0.39, {1}), (0.41, {1, 3}), (0.69, {1, 3}), (0.71, {1, 2, 3})]
)
def test_top_p_keeps_the_smallest_set_with_that_much(top_p: float, kept: set[int]) -> None:
    assert _open(keep_top_p(_row(0.1, 0.4, 0.2, 0.3), top_p)) == [kept]
    # Of log-probabilities that sum to less the share is of what is left.
    assert _open(keep_top_p(_row(0.1, 0.4, 0.2, 0.3) - 7.0, top_p)) == [kept]


def test_top_p_drops_a_token_where_those_before_it_hold_exactly_that_much() -> None:
    log_p = torch.tensor([0.25, 0.5, 0.125, 0.125], dtype=torch.float64).log()
    assert _open(keep_top_p(log_p, 0.5)) == [{1}]
    assert _open(keep_top_p(log_p, 0.75)) == [{0, 1}]
    assert _open(keep_top_p(log_p, 0.76)) == [{0, 1, 2}]
    assert torch.equal(keep_top_p(log_p, 1.0), log_p)


def test_min_p_is_a_share_of_the_best() -> None:
    log_p = _row(0.1, 0.4, 0.2, 0.3)
    for min_p, kept in ((0.24, {0, 1, 2, 3}), (0.26, {1, 2, 3}), (0.49, {1, 2, 3}), (0.51, {1, 3}), (1.0, {1})):
        assert _open(keep_min_p(log_p, min_p)) == [kept]
    assert torch.equal(keep_min_p(log_p, 0.0), log_p)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 14), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_truncations_agree_with_a_plain_reading_of_their_rules(seed: int, k: int, top_p: float, min_p: float) -> None:
    log_p = _rows(seed)
    log_p[:, seed % 14] = OUT
    for row, by_k, by_p, by_min in zip(
        log_p.tolist(),
        _open(keep_top_k(log_p, k)),
        _open(keep_top_p(log_p, top_p)),
        _open(keep_min_p(log_p, min_p)),
        strict=True,
    ):
        shares = {token: math.exp(value) for token, value in enumerate(row) if value > OUT}
        order = sorted(shares, key=lambda token: -shares[token])
        assert by_k == set(order[:k])
        nucleus, held = set(), 0.0
        for token in order:
            if held >= top_p * sum(shares.values()):
                break
            nucleus.add(token)
            held += shares[token]
        assert by_p == nucleus
        assert by_min == {token for token in shares if shares[token] >= min_p * shares[order[0]]}


def test_the_rules_leave_their_arguments_and_the_kept_values_alone() -> None:
    log_p = _rows(1)
    before = log_p.clone()
    written = torch.tensor([[9, 10, 9], [11, 11, 11], [-1, -1, 12]])
    for after in (
        forbid_special(log_p, WORDS, first=False, may_refuse=True),
        keep_top_k(log_p, 3),
        keep_top_p(log_p, 0.6),
        keep_min_p(log_p, 0.2),
        forbid_repeats(log_p, written, 1),
        forbid_repeats(log_p, written, 2),
    ):
        assert bool((after == OUT).any())
        assert torch.equal(after[after > OUT], before[after > OUT])
    penalise_repetition(log_p, written, 1.5)
    assert torch.equal(log_p, before)


def test_the_repetition_penalty_raises_the_probability_of_written_tokens_to_its_power() -> None:
    log_p = _row(0.5, 0.25, 0.125, 0.125).repeat(2, 1)
    log_p[1, 2] = OUT
    after = penalise_repetition(log_p, torch.tensor([[0, 2, 0], [-1, -1, 2]]), 2.0)
    torch.testing.assert_close(after[0].exp(), torch.tensor([0.25, 0.25, 1 / 64, 0.125], dtype=torch.float64))
    assert torch.equal(after[1], log_p[1])
    nothing = torch.zeros(2, 0, dtype=torch.long)
    assert torch.equal(penalise_repetition(log_p, nothing, 2.0), log_p)


@pytest.mark.parametrize(
    ("written", "size", "out"),
    [
        ([5, 6, 7, 5, 6], 3, {7}),
        ([5, 6, 7, 5, 6, 8, 5, 6], 3, {7, 8}),
        ([5, 6, 7, 5, 6], 2, {7}),
        ([5, 6, 7, 5, 6], 1, {5, 6, 7}),
        ([5, 6, 7, 5, 6], 4, set()),
        ([5, 6, 7, 5, 6], 6, set()),
        ([5, 5], 2, {5}),
        ([5], 2, set()),
        ([], 1, set()),
        ([5, 6, 7, 5, 6], 0, set()),
        ([-1, -1, 5], 2, set()),
        ([-1, -1, -1], 2, set()),
        ([-1, 5, 6, 5], 2, {6}),
        ([-1, 5, 6, 5], 1, {5, 6}),
    ],
)
def test_no_n_gram_is_written_twice(written: list[int], size: int, out: set[int]) -> None:
    after = forbid_repeats(torch.zeros(1, 9), torch.tensor([written], dtype=torch.long), size)
    assert _open(after) == [set(range(9)) - out]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 4))
def test_exactly_the_tokens_that_repeat_an_n_gram_are_ruled_out(written: list[int], size: int) -> None:
    known = {tuple(written[start : start + size]) for start in range(len(written) - size + 1)}
    end = len(written) - size + 1
    out = {token for token in range(4) if end >= 0 and (*written[end:], token) in known}
    (left,) = _open(forbid_repeats(torch.zeros(1, 4), torch.tensor([written], dtype=torch.long), size))
    assert left == set(range(4)) - out


def test_greedy_choice_takes_the_likeliest_after_the_rules_about_what_was_written() -> None:
    log_p = torch.log(torch.tensor([[0.0] * WORDS + [0.5, 0.3, 0.2]])).repeat(3, 1)
    rows = [[], [WORDS], [WORDS + 2, WORDS, WORDS + 1, WORDS]]
    assert choose(log_p, Decoding(), [], rows).tolist() == [WORDS] * 3
    assert choose(log_p, Decoding(repetition=4.0), [], rows).tolist() == [WORDS, WORDS + 1, WORDS]
    assert choose(log_p, Decoding(no_repeat=1), [], rows).tolist() == [WORDS, WORDS + 1, END]
    assert choose(log_p, Decoding(no_repeat=2), [], rows).tolist() == [WORDS, WORDS, WORDS]
    rows[2] = [WORDS, WORDS, WORDS + 1, WORDS]
    assert choose(log_p, Decoding(no_repeat=2), [], rows).tolist() == [WORDS, WORDS, WORDS + 2]
    assert choose(log_p * 0, Decoding(), [], rows).tolist() == [0, 0, 0]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_the_end_is_chosen_where_the_rules_leave_nothing(temperature: float) -> None:
    log_p = torch.full((2, 12), OUT)
    log_p[:, 9:] = 0.0
    rows = [[9, 10, 11], [9, 11]]
    decoding = Decoding(no_repeat=1, temperature=temperature, top_k=2, top_p=0.9, min_p=0.5, repetition=1.5)
    assert choose(log_p, decoding, _seeded(0, 1), rows).tolist() == [END, 10]
    assert constrain(log_p[:1], decoding, torch.tensor([[9, 10, 11]]))[0].exp().nonzero().tolist() == [[END]]
    assert bool((log_p[:, END] == OUT).all())
    nothing = torch.full((1, 12), OUT)
    assert choose(nothing, Decoding(temperature=temperature, repetition=1.5), _seeded(0), [[]]).tolist() == [END]
    assert bool((nothing == OUT).all())


def _shares(decoding: Decoding, probabilities: list[float], draws: int = 4000) -> list[float]:
    log_p = torch.tensor([probabilities]).log().expand(draws, -1)
    generator = torch.Generator().manual_seed(0)
    drawn = choose(log_p, decoding, [generator] * draws, [[]] * draws)
    return (drawn.bincount(minlength=len(probabilities)) / draws).tolist()


def test_samples_follow_the_tempered_distribution_that_the_rules_leave() -> None:
    probabilities = [0.1, 0.4, 0.2, 0.3]
    assert _shares(Decoding(), probabilities) == [0, 1, 0, 0]
    assert _shares(Decoding(temperature=1.0), probabilities) == pytest.approx(probabilities, abs=0.03)
    cold = [one / 0.3 for one in (0.01, 0.16, 0.04, 0.09)]
    assert _shares(Decoding(temperature=0.5), probabilities) == pytest.approx(cold, abs=0.03)
    assert _shares(Decoding(temperature=1.0, top_k=2), probabilities) == pytest.approx([0, 4 / 7, 0, 3 / 7], abs=0.03)
    # 0.4 and 0.3 are 0.7 of all, but 0.78 of the three that top k leaves.
    both = _shares(Decoding(temperature=1.0, top_k=3, top_p=0.75), probabilities)
    assert both == pytest.approx([0, 4 / 7, 0, 3 / 7], abs=0.03)
    # At temperature 0.5 token 2 has a quarter of the probability of the best, untempered half of it.
    sharp = _shares(Decoding(temperature=0.5, min_p=0.4), probabilities)
    assert sharp == pytest.approx([0, 16 / 25, 0, 9 / 25], abs=0.03)
    assert _shares(Decoding(temperature=3.0, top_p=1e-6), probabilities) == [0, 1, 0, 0]


def test_a_row_draws_the_same_whatever_its_neighbours_do() -> None:
    log_p = _rows(3, rows=4, vocabulary=50).float()
    decoding = Decoding(temperature=1.3, top_k=40, top_p=0.95, min_p=0.001, repetition=1.2, no_repeat=2)
    rows = [[9, 10, 11, 9], [], [12, 13], [14, 14, 14]]

    def drawn(which: tuple[int, ...]) -> dict[int, list[int]]:
        generators = _seeded(*which)
        log = [
            choose(log_p[list(which)], decoding, generators, [rows[row] for row in which]).tolist() for _ in range(20)
        ]
        return {row: [step[place] for step in log] for place, row in enumerate(which)}

    together = drawn((0, 1, 2, 3))
    for size in (1, 2, 3):
        for which in itertools.permutations(range(4), size):
            assert drawn(which) == {row: together[row] for row in which}
    assert len({tuple(tokens) for tokens in together.values()}) == 4


def test_as_many_generators_as_rows() -> None:
    with pytest.raises(ValueError, match="zip"):
        choose(torch.zeros(2, 12), Decoding(temperature=1.0), _seeded(0), [[], []])


def test_excluded_tokens_are_never_drawn() -> None:
    scores = forbid_special(torch.zeros(14), WORDS, first=False, may_refuse=True).expand(500, -1)
    generator = torch.Generator().manual_seed(0)
    drawn = choose(scores, Decoding(temperature=2.0, top_p=0.99), [generator] * 500, [[]] * 500)
    assert set(drawn.tolist()) == {END, 11, 12, 13}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("temperature", value) for value in (-0.1, math.nan, math.inf, 1e300, 1e-300)),
        *(("beams", value) for value in (10**9, 10_001)),
        ("lookup", 10**9),
        ("seed", 2**63),
        *(("top_k", value) for value in (-1, 1.5, math.nan, math.inf)),
        *(("top_p", value) for value in (0.0, 1.1, math.nan, math.inf)),
        *(("min_p", value) for value in (-0.1, 1.1, math.nan, math.inf)),
        *(("repetition", value) for value in (0.9, math.nan, math.inf)),
        *(("no_repeat", value) for value in (-1, math.nan)),
        *(("longest", value) for value in (0, math.inf)),
        *(("seed", value) for value in (-1, 0.5)),
        *(("beams", value) for value in (0, math.nan)),
        *(("length_penalty", value) for value in (-0.1, 1.1, math.nan, math.inf)),
    ],
)
def test_a_bad_setting_names_its_field_its_value_and_the_range(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{field} is {re.escape(str(value))}; it must be .*[01]"):
        Decoding(**cast(Any, {field: value}))


def test_beams_and_temperature_exclude_each_other() -> None:
    with pytest.raises(ValueError, match=r"beams is 2 and temperature is 0\.5; .* temperature 0 only"):
        Decoding(beams=2, temperature=0.5)
    assert Decoding(beams=2).beams == Decoding(beams=2, temperature=0.0).beams == 2


def test_importing_the_settings_loads_no_torch() -> None:
    check = "import sys, lm.sampling, lm.beam; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
