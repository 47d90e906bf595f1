"""Agreement of copy mass and leave-one-out: on rankings and weights made by hand, on a toy that copies, and on the
model that ships."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_stores import ZOBLIN_FILES, ignorant, open_store

from index.store import Store
from lm.reading import build_prompt
from tutor import Answer, Tutor
from tutor.answer import PromptToken, Step, Trace
from tutor.faithfulness import (
    Examined,
    examine,
    interval,
    main,
    ranks,
    removal_effects,
    report,
    same_top,
    shuffled_mass,
    spearman,
    written,
)
from tutor.questions import Question, plain

QUESTION = "Who built the purple machine?"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(tmp_path_factory.mktemp("zoblins"), ZOBLIN_FILES)


def toy(store: Store, gate: float) -> Tutor:
    """A tutor whose model knows nothing and always copies (`gate` far above 0) or never (far below)."""
    return Tutor(store, ignorant(ZOBLIN_FILES.values(), gate=gate))


@pytest.fixture(scope="module")
def copier(store: Store) -> Tutor:
    return toy(store, 20.0)


@pytest.fixture(scope="module")
def answer(copier: Tutor) -> Answer:
    """An answer copied from one passage for the most part, with the other two beside it in the prompt."""
    found = copier.ask(QUESTION)
    assert found.trace is not None
    assert len(found.trace.read) == 3
    assert found.trace.passage_mass(3).max() > 0.5
    return found


def most_copied(answer: Answer) -> int:
    """The position of the passage that most was copied from."""
    assert answer.trace is not None
    return int(answer.trace.passage_mass(3).argmax())


def test_taking_the_copied_passage_away_costs_most(copier: Tutor, answer: Answer) -> None:
    effects = removal_effects(copier, answer)
    copied = most_copied(answer)
    assert sorted(effects) == [0, 1, 2]
    assert effects[copied] > 1.0
    assert all(effect < effects[copied] for number, effect in effects.items() if number != copied)


def test_an_effect_is_the_difference_of_two_scores(copier: Tutor, answer: Answer) -> None:
    """Scored here by one call of the model over prompt and answer."""
    assert answer.trace is not None
    tokenizer, model = copier.checkpoint.tokenizer, copier.checkpoint.model
    ids = tokenizer.encode(" " + written(answer)).ids
    gone = most_copied(answer)

    def score(numbers: list[int]) -> float:
        pieces = [group.pieces for group in answer.trace.read if group.passage in numbers] if answer.trace else []
        prompt = build_prompt(tokenizer, answer.question, pieces)
        with torch.inference_mode():
            first, state = model(
                torch.tensor([prompt.tokens]), features=torch.tensor([prompt.features]), prefix=prompt.prefix
            )
            rest, _ = model(torch.tensor([ids[:-1]]), state)
        log_p = torch.cat((first[0, -1:], rest[0]))
        return float(log_p[torch.arange(len(ids)), torch.tensor(ids)].mean())

    expected = score([0, 1, 2]) - score([number for number in (0, 1, 2) if number != gone])
    assert removal_effects(copier, answer)[gone] == pytest.approx(expected, abs=1e-4)


def test_the_only_passage_can_be_taken_away(copier: Tutor) -> None:
    effects = removal_effects(copier, copier.ask(QUESTION, k=1))
    assert list(effects) == [0]
    assert effects[0] > 1.0


def test_effects_go_by_the_place_among_the_passages(copier: Tutor, answer: Answer) -> None:
    """Also where a passage that was found has no sentence in the prompt."""
    assert answer.trace is not None
    later = replace(answer, trace=replace(answer.trace, read=answer.trace.read[1:]))
    assert list(removal_effects(copier, later)) == [1, 2]


def test_a_quotation_has_effects(store: Store) -> None:
    tutor = toy(store, -20.0)
    quoted = tutor.ask(QUESTION)
    assert quoted.extractive
    assert sorted(removal_effects(tutor, quoted)) == [0, 1, 2]


def test_nothing_is_changed_by_looking(copier: Tutor, answer: Answer) -> None:
    assert removal_effects(copier, answer) == removal_effects(copier, answer)


def test_without_a_trace_there_are_no_effects(copier: Tutor, answer: Answer) -> None:
    assert removal_effects(copier, replace(answer, trace=None)) == {}
    assert written(replace(answer, trace=None)) == ""


def test_the_words_are_those_of_the_answer_without_markers(answer: Answer) -> None:
    assert written(answer) == plain(answer.text)
    text = "One x[0]. [1][2] Two."
    steps = tuple(step(start, end) for start, end in ((0, 3), (3, 9), (17, 20), (20, 21)))
    assert written(replace(answer, text=text, trace=Trace(prompt=(), steps=steps))) == "One x[0]. Two."


def step(start: int = 0, end: int = 0, copy: np.ndarray | None = None) -> Step:
    """A token that was copied altogether."""
    return Step(
        text="",
        probability=1.0,
        p_copy=1.0,
        copy=np.zeros(0, dtype=np.float32) if copy is None else copy,
        attention=np.zeros((0, 1, 0), dtype=np.float32),
        alternatives=(),
        start=start,
        end=end,
    )


def test_ranks_share_ties() -> None:
    assert ranks(np.array([3.0, 1.0, 3.0, 7.0])).tolist() == [2.5, 1.0, 2.5, 4.0]


def test_agreement_of_known_rankings() -> None:
    mass = np.array([0.7, 0.1, 0.2, 0.0])
    assert spearman(mass, mass**3) == pytest.approx(1.0)
    assert spearman(mass, -mass) == pytest.approx(-1.0)
    assert spearman(np.array([1, 2, 3, 4, 5]), np.array([2, 1, 4, 3, 5])) == pytest.approx(1 - 6 * 4 / (5 * 24))
    assert spearman(np.array([1, 2, 2, 3]), np.array([1, 2, 3, 4])) == pytest.approx(0.9 / np.sqrt(0.9))
    assert spearman(np.zeros(4), mass) == 0.0
    assert same_top(mass, mass**3) == 1.0
    assert same_top(mass, -mass) == 0.0
    assert same_top(np.array([1, 1, 0]), np.array([5, 0, 0])) == 0.5


def made_up(generator: np.random.Generator) -> tuple[Trace, np.ndarray]:
    """Three passages of eight tokens after two of the question; most is copied from one. And the mass of each."""
    mass = generator.permutation([0.6, 0.25, 0.05])
    owners = [None, None, *(number for number in range(3) for _ in range(8))]
    prompt = tuple(PromptToken(text="", passage=owner, start=0, end=1, in_question=owner is None) for owner in owners)
    copy = np.zeros(26, dtype=np.float32)
    copy[0] = 0.1
    for number in range(3):
        copy[2 + 8 * number + generator.integers(8)] = mass[number]
    return Trace(prompt=prompt, steps=(step(copy=copy),)), mass


def test_a_shuffle_moves_the_weights_of_the_sources_alone() -> None:
    generator = np.random.default_rng(0)
    trace, mass = made_up(generator)
    assert np.allclose(trace.passage_mass(3), mass)
    shuffled = [shuffled_mass(trace, 3, generator) for _ in range(20)]
    assert np.allclose([one.sum() for one in shuffled], 0.9)
    assert len({tuple(one.round(3)) for one in shuffled}) > 5


def test_shuffled_weights_agree_no_more_than_chance() -> None:
    """Where the passages are of one length nothing but chance is left, and weights at their places agree."""
    generator = np.random.default_rng(1)
    pairs = [(trace, mass) for trace, mass in (made_up(generator) for _ in range(300))]
    assert all(spearman(trace.passage_mass(3), mass) > 0.99 for trace, mass in pairs)
    shuffled = [(shuffled_mass(trace, 3, generator), mass) for trace, mass in pairs]
    assert abs(np.mean([spearman(one, mass) for one, mass in shuffled])) < 0.12
    assert np.mean([same_top(one, mass) for one, mass in shuffled]) == pytest.approx(1 / 3, abs=0.1)


def test_the_interval_holds_the_mean_and_narrows() -> None:
    values = np.random.default_rng(2).normal(3.0, 1.0, 400)
    mean, low, high = interval(values.tolist(), np.random.default_rng(0)) or (0, 0, 0)
    assert mean == pytest.approx(values.mean())
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)
    assert low < mean < high
    assert interval(values.tolist(), np.random.default_rng(0)) == (mean, low, high)
    assert interval([], np.random.default_rng(0)) is None


def examined(effects: list[float], mass: list[float], right: tuple[bool, ...], *, answerable: bool = True) -> Examined:
    gold = ("x",) if answerable else ()
    return Examined(
        question=Question(id="q", question="?", answerable=answerable, gold=gold, reference="", key_facts=(), split=""),
        effects=np.array(effects),
        mass=np.array(mass, dtype=np.float32),
        shuffled=np.array([mass, mass[::-1]], dtype=np.float32),
        length=np.array([5] * len(mass)),
        cited=np.array(mass) == max(mass),
        right=right,
        seconds=0.5,
    )


def test_report_on_known_answers() -> None:
    agreeing, contrary, alone, uncovered = (
        examined([2.0, 0.5, 0.1], [0.9, 0.3, 0.2], (True,)),
        examined([-0.2, 0.5, 0.9], [0.9, 0.3, 0.2], (False, True, False)),
        examined([3.0], [0.9], (False,)),
        examined([0.0, 1.0], [0.1, 0.9], (False,), answerable=False),
    )
    found = report([agreeing, contrary, alone, uncovered], 6, np.random.default_rng(0))
    means = {name: value[0] for name, value in found.items() if isinstance(value, tuple)}
    assert (found["questions"], found["answered"], found["several_passages"]) == (6, 4, 3)
    assert means["spearman (copy mass)"] == pytest.approx(1 / 3)
    assert means["spearman (order of search)"] == pytest.approx(-1 / 3)
    assert means["spearman (length)"] == 0.0
    assert means["spearman (shuffled)"] == pytest.approx(0.0)
    assert means["same_top (copy mass)"] == pytest.approx(2 / 3)
    assert means["same_top (length)"] == found["same_top (random)"] == pytest.approx((1 / 3 + 1 / 3 + 1 / 2) / 3)
    assert means["effect (cited)"] == pytest.approx((2.0 - 0.2 + 1.0) / 3)
    assert means["effect (read, not cited)"] == pytest.approx((0.3 + 0.7 + 0.0) / 3)
    assert means["costliest_cited"] == pytest.approx(2 / 3)
    assert means["citation_precision"] == pytest.approx(2 / 5)
    assert means["citation_recall"] == pytest.approx(2 / 3)
    assert found["seconds_effects"] == 0.5


def test_nothing_answered_is_nothing_measured() -> None:
    found = report([], 3, np.random.default_rng(0))
    assert found["answered"] == 0
    assert found["spearman (copy mass)"] is found["citation_precision"] is found["seconds_effects"] is None


def test_an_answer_is_examined_by_the_passages_of_its_prompt(copier: Tutor, answer: Answer) -> None:
    question = Question(
        id="q",
        question=QUESTION,
        answerable=True,
        gold=(answer.passages[most_copied(answer)].passage.text,),
        reference="",
        key_facts=(),
        split="",
    )
    found = examine(copier, question, np.random.default_rng(0))
    assert found is not None
    assert found.effects.shape == found.mass.shape == found.length.shape == found.cited.shape == (3,)
    assert found.shuffled.shape[1] == 3
    assert found.mass.argmax() == found.effects.argmax() == found.cited.argmax()
    assert found.cited.sum() == len(found.right)
    assert found.right.count(True) == 1
    assert found.seconds > 0


def test_the_shipped_model_loses_what_it_cites(
    course_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "questions.jsonl"
    asked = ["What does the forget gate of the LSTM decide?", "What is attention?", "What is perplexity?"]
    lines = [{"id": str(number), "question": one, "answerable": True} for number, one in enumerate(asked)]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert main([str(path), "--store", str(course_store), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["questions"] == 3
    assert found["several_passages"] >= 2
    assert found["effect (cited)"][0] > 1.0 > found["effect (read, not cited)"][2]
    assert found["same_top (copy mass)"][0] == 1.0


@pytest.mark.parametrize("arguments", [["--limit", "0"], ["missing.jsonl"]])
def test_faults_of_input_are_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert said.startswith("tutor.faithfulness: ")
    assert said.count("\n") == 1
