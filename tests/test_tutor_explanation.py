"""Copy mass beside removal effects, tokens with their sources, and heads, on values made by hand and on a toy tutor."""

import json

import numpy as np
import pytest
from fake_tutor import PASSAGES, answer_for
from small_stores import ZOBLIN_FILES, ignorant, open_store

from index.store import Store
from lm.generate import generate
from lm.sampling import Decoding
from tutor import Answer, Tutor
from tutor.explanation import PassageWorth, disagreement, explanation_of
from tutor.faithfulness import prompt_of, written

QUESTION = "What does the forget gate do?"


def worths(*values: tuple[float, float | None], cited: int = 9) -> list[PassageWorth]:
    """Passages of (mass, effect), the first `cited` of them with numbers from 1."""
    return [
        PassageWorth(passage=place, number=place + 1 if place < cited else None, mass=mass, effect=effect)
        for place, (mass, effect) in enumerate(values)
    ]


def test_a_disagreement_is_one_sentence() -> None:
    assert disagreement(worths((0.7, 0.2), (0.2, 1.4), (0.0, 0.0))) == (
        "Most words were copied from [1], but taking [2] away costs the answer more: 1.40 against 0.20 nats per token."
    )
    assert disagreement(worths((0.5, 3.0), (0.3, 0.1), (0.1, 0.9))) == (
        "More words were copied from [2] than from [3], but taking [3] away costs the answer more: "
        "0.90 against 0.10 nats per token."
    )
    assert "taking passage 2 of the search away" in disagreement(worths((0.7, 0.2), (0.2, 1.4), cited=1))


@pytest.mark.parametrize(
    "values",
    [
        [(0.7, 2.0), (0.2, 0.5), (0.1, 0.1)],
        [(0.5, 1.0), (0.48, 2.0)],
        [(0.7, 1.0), (0.2, 1.04)],
        [(0.7, 1.0), (0.3, None)],
        [(0.7, 1.0)],
        [],
    ],
    ids=["agree", "equal mass", "equal effect", "not read", "alone", "none"],
)
def test_where_they_agree_or_nearly_so_nothing_is_said(values: list) -> None:
    assert disagreement(worths(*values)) == ""


def test_tokens_name_their_source_as_the_passage_spells_it() -> None:
    answer = answer_for(QUESTION)
    found = explanation_of(answer, {0: 0.2, 1: 1.4})
    assert [one.number for one in found.passages] == [1, 2, None]
    assert [one.effect for one in found.passages] == [0.2, 1.4, None]
    assert answer.trace is not None
    assert [one.mass for one in found.passages] == pytest.approx(answer.trace.passage_mass(3).tolist())
    copied = [token for token in found.tokens if token.p_copy > 0.5]
    assert len(copied) > 10
    for token in copied:
        assert token.passage == 0
        assert token.span is not None
        assert PASSAGES[0].text[slice(*token.span)].strip(".") == token.text.strip().strip(".")
        assert answer.text[token.start : token.end] == token.text.strip()


def test_the_json_holds_all_of_it() -> None:
    data = json.loads(json.dumps(explanation_of(answer_for(QUESTION), {0: 0.2, 1: 1.4}).to_json()))
    assert [set(one) for one in data["passages"]] == [{"passage", "number", "copy_mass", "removal_effect"}] * 3
    assert data["note"].startswith("Most words were copied from [1]")
    sources = [one["source"] for one in data["tokens"]]
    assert all(set(one) == {"passage", "number", "start", "end", "weight"} for one in sources if one)


def test_a_refusal_has_nothing_to_explain() -> None:
    found = explanation_of(answer_for("How do I cook pasta?"), {})
    assert found.tokens == ()
    assert found.note == ""
    assert [one.effect for one in found.passages] == [None, None, None]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(tmp_path_factory.mktemp("zoblins"), ZOBLIN_FILES)


def toy(store: Store, architecture: str = "transformer") -> Tutor:
    """A tutor whose model knows nothing and always copies."""
    return Tutor(store, ignorant(ZOBLIN_FILES.values(), architecture=architecture, gate=20.0))


@pytest.fixture(scope="module")
def answer(store: Store) -> Answer:
    found = toy(store).ask("Who built the purple machine?")
    assert not found.refused
    return found


def test_the_heads_are_those_that_write_the_answer(store: Store, answer: Answer) -> None:
    """The rows are those of a generation that is made to write the answer as it stands."""
    tutor = toy(store)
    found = tutor.heads(answer)
    assert answer.trace is not None
    size = len(answer.trace.prompt)
    assert (found.raw.shape[:2], found.raw.shape[3]) == ((2, 2), size + len(found.tokens) - 1)
    prompt, ids = (
        prompt_of(tutor, answer, answer.trace.read),
        tutor.checkpoint.tokenizer.encode(" " + written(answer)).ids,
    )
    steps = list(generate(tutor.checkpoint.model, prompt, Decoding(), trace=True, forced=ids))
    assert len(steps) == len(found.tokens)
    for number, step in enumerate(steps):
        assert step.attention is not None
        assert np.abs(found.raw[:, :, number, : size + number] - step.attention).max() < 1e-5
    assert found.rollout.shape == found.raw.shape[:1] + found.raw.shape[2:]
    assert found.norms.shape == found.raw.shape[:2] + found.raw.shape[3:]
    assert "".join(found.tokens).split() == [word for word in answer.text.split() if not word.startswith("[")]


def test_the_tutor_explains_its_answer(store: Store, answer: Answer) -> None:
    found = toy(store).explain(answer)
    effects = [one.effect for one in found.passages]
    assert len(effects) == 3
    assert max(effect for effect in effects if effect is not None) > 1.0


def test_only_a_transformer_has_heads(store: Store, answer: Answer) -> None:
    with pytest.raises(ValueError, match="only a transformer"):
        toy(store, "gru").heads(answer)
    with pytest.raises(ValueError, match="nothing to read again"):
        toy(store).heads(answer_for("How do I cook pasta?"))
