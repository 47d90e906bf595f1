"""When the tutor declines, by signals made by hand."""

from pathlib import Path

import numpy as np
import pytest

from corpus.document import Locator, Passage
from index.hits import Hit, SentenceScore
from tutor.coverage import probability, signals
from tutor.fit_coverage import area, cross_validated, lines, main
from tutor.logistic import balanced, fit


def made(seed: int = 1, count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Signals [N, 2] of which the first tells whether a question is covered and the second is noise; outcomes [N]."""
    random = np.random.default_rng(seed)
    covered = (random.random(count) < 0.75).astype(np.float64)
    return np.stack([2 * covered - 1 + random.normal(0, 0.8, count), random.normal(0, 1, count)], axis=1), covered


def test_the_weight_lies_on_the_signal_that_tells() -> None:
    x, covered = made()
    weights = fit(x, covered, balanced(covered))
    assert weights[0] > 5 * abs(weights[1])
    # Both outcomes weigh the same, so the border lies half way between them and not nearer to the rarer one.
    assert abs(weights[2] / weights[0]) < 0.25


def test_what_is_fitted_on_noise_predicts_nothing() -> None:
    x, covered = made()
    assert area(cross_validated(x, covered), covered) > 0.9
    assert abs(area(cross_validated(x[:, 1:], covered), covered) - 0.5) < 0.12


def test_the_area_counts_draws_half() -> None:
    assert area(np.array([0.9, 0.5, 0.5, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])) == 3.5 / 4


def test_the_report_is_told_by_set() -> None:
    x, covered = made()
    said = list(lines(x, covered, ["a"] * 100 + ["b"] * 100))
    assert said[0].startswith("WEIGHTS = (")
    assert said[2].startswith(f"200 questions, {int((1 - covered).sum())} without an answer; area under the curve 0.9")
    half = said[-1]
    p = cross_validated(x, covered)
    refused = (p < 0.5) & (np.arange(200) < 100)
    right = covered == 0
    assert f"a {right[refused].mean():.2f} / {(refused & right).sum() / right[:100].sum():.2f}," in half
    assert "; b " in half


def test_faults_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 1
    assert main(["--on", str(tmp_path / "none"), str(tmp_path / "none.jsonl")]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 2


def test_what_is_near_to_nothing_is_not_covered_whatever_the_ranker_says() -> None:
    text = "Owls hunt at night."
    passage = Passage(passage_id="1", document="Owls", text=text, locator=Locator(source="o.md", start=0, end=19))
    near, far = (
        Hit(
            passage=passage,
            score=1.0,
            searched=1.0,
            dense=cosine - 0.1,
            lexical=1.0,
            sentences=(SentenceScore(start=0, end=19, score=cosine, answers=0.9999),),
        )
        for cosine in (0.4, 0.2)
    )
    covered, other = (probability(signals("who won the cup in summer?", [hit], lambda _: True)) for hit in (near, far))
    assert covered > 0.9
    assert other < 0.01


def test_passages_that_no_ranker_has_read_are_no_evidence() -> None:
    def hit(number: int, answers: float | None) -> Hit:
        text = f"Owls of kind {number} hunt at night."
        where = Locator(source="o.md", start=0, end=len(text))
        sentence = SentenceScore(start=0, end=len(text), score=0.5, answers=answers)
        return Hit(
            passage=Passage(passage_id=str(number), document="Owls", text=text, locator=where),
            score=1.0,
            searched=1.0,
            dense=0.5,
            lexical=1.0,
            sentences=(sentence,),
        )

    read, unread = [hit(number, 0.001) for number in range(5)], [hit(number, None) for number in range(5, 20)]
    few, many = (signals("who pays for the cup?", hits, lambda _: True) for hits in (read, [*read, *unread]))
    assert few == many
