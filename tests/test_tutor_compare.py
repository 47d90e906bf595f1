"""Several models on one question: what is the same for all, and what is measured of each."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_embedder import FakeEmbedder
from fake_tutor import PASSAGES
from lm_samples import small_model
from small_stores import ZOBLINS, build_store, ignorant

from index.store import Store
from lm.checkpoint import Checkpoint, save
from lm.config import ARCHITECTURES
from lm.evaluate import evaluate_text
from lm.memory import gradient_norms
from lm.reading import Piece, build_prompt
from lm.tokenizer import NONE
from tutor import Answer, Tutor, TutorError, compare
from tutor.answer import Citation, Ranked
from tutor.compare import Side, ground, numbered
from tutor.measures import DRAWS, forced_likelihood, gradient, text_likelihood, write

QUESTION = "Who built the zoblin?"


def checkpoint(architecture: str) -> Checkpoint:
    """A model that knows nothing."""
    return ignorant([ZOBLINS], architecture=architecture, context=512)


class CountingStore(Store):
    searches = 0

    def search(self, *args, **how):
        type(self).searches += 1
        return super().search(*args, **how)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    path = build_store(tmp_path_factory.mktemp("zoblins"), {"notes.md": ZOBLINS})
    return CountingStore.open(path, embedder=FakeEmbedder())


@pytest.fixture(scope="module")
def sides(store: Store) -> dict[str, Side]:
    tutors = [(name, Tutor(store, checkpoint(name))) for name in ARCHITECTURES]
    given = ground(tutors[0][1], QUESTION)
    CountingStore.searches = 0
    return {one.model: one for one in compare.compare(tutors, given)}


def test_the_store_is_searched_once_and_all_get_the_same_passages(sides: dict[str, Side]) -> None:
    assert CountingStore.searches == 0
    assert list(sides) == list(ARCHITECTURES)
    assert len({tuple(hit.passage.passage_id for hit in one.answer.passages) for one in sides.values()}) == 1


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_is_measured(sides: dict[str, Side], architecture: str) -> None:
    found = sides[architecture]
    assert found.architecture == architecture
    assert found.parameters > 0
    assert found.writing.tokens > 0
    assert found.writing.tokens_per_second > 0
    assert found.reference is not None
    assert found.reference.log_p < 0
    # Of an untrained model little can be expected, and no worse than a blind guess by much.
    assert found.passages is not None
    assert found.passages.log_p == pytest.approx(-math.log(400), rel=0.35)
    assert found.gradient[0] == 1.0
    assert all(math.isfinite(norm) for norm in found.gradient)
    assert json.loads(json.dumps(found.to_json()))["architecture"] == architecture


def test_the_reference_is_a_sentence_of_a_passage(store: Store) -> None:
    given = ground(Tutor(store, checkpoint("gru")), QUESTION)
    reference = given.reference
    assert reference is not None
    assert given.passages[reference.number - 1].text[reference.start : reference.end] == reference.text
    assert json.loads(json.dumps(given.to_json()))["reference"]["text"] == reference.text


def test_the_likelihood_of_a_text_is_the_product_over_its_tokens() -> None:
    found = checkpoint("transformer")
    prompt = build_prompt(found.tokenizer, QUESTION, [[Piece(text="It was built by Quarnell in 1987.")]])
    measured = forced_likelihood(found, prompt, "It was built by Quarnell.")
    ids = found.tokenizer.encode(" It was built by Quarnell.").ids
    total, state = 0.0, None
    with torch.inference_mode():
        hidden, state = found.model.prefill(
            torch.tensor([prompt.tokens]), torch.tensor([prompt.features]), prefix=prompt.prefix
        )
        for token in ids:
            log_p, _ = found.model.next_tokens(hidden, state)
            total += float(log_p[0, token])
            hidden = found.model.step(torch.tensor([[token]]), state)
    assert measured is not None
    assert measured.tokens == len(ids)
    assert measured.log_p == pytest.approx(total / len(ids), rel=1e-4)
    assert measured.bits_per_byte == pytest.approx(-total / math.log(2) / 26, rel=1e-4)


def test_a_text_that_does_not_fit_or_is_empty_has_no_likelihood() -> None:
    found = checkpoint("gru")
    prompt = build_prompt(found.tokenizer, QUESTION, [[Piece(text="It hums.")]])
    assert forced_likelihood(found, prompt, "hum " * 500) is None
    assert text_likelihood(found, "") is None


def test_plain_text_is_measured_as_the_command_does_it(capsys: pytest.CaptureFixture[str]) -> None:
    found = checkpoint("lstm")
    measured = text_likelihood(found, ZOBLINS)
    assert capsys.readouterr().err == ""
    assert measured is not None
    assert measured.bits_per_byte == evaluate_text(found, ZOBLINS)["bits_per_byte"]


def test_the_gradient_is_that_of_the_memory_experiment_and_leaves_the_model_alone() -> None:
    model, tokens = small_model(architecture="rnn", dtype=torch.float32), list(range(20, 60))
    norms = gradient_norms(
        small_model(architecture="rnn"), torch.tensor([tokens]).expand(DRAWS, -1), torch.Generator().manual_seed(0)
    )
    found = gradient(model, tokens)
    np.testing.assert_allclose(found, np.array(norms) / norms[0], rtol=1e-4)
    assert model.embedding.weight.dtype == torch.float32
    assert gradient(model, tokens) is found


def test_a_model_that_declines_says_so_and_writes_all_the_same() -> None:
    found = checkpoint("transformer")
    prompt = build_prompt(found.tokenizer, QUESTION, [[Piece(text="It hums.")]])
    assert not write(found, prompt).declined
    with torch.no_grad():
        hidden, _ = found.model.prefill(
            torch.tensor([prompt.tokens]), torch.tensor([prompt.features]), prefix=prompt.prefix
        )
        found.model.embedding.weight[NONE] = 10 * hidden.flatten()
        found.model.copy.gate.bias.fill_(-20.0)
    own = write(found, prompt)
    assert own.declined
    assert own.tokens > 1


def cited_answer(text: str, spans: dict[int, tuple[tuple[int, int], ...]]) -> Answer:
    ranked = tuple(Ranked(passage=one, score=1.0) for one in PASSAGES)
    citations = tuple(
        Citation(number=number, passage=PASSAGES[rank], answer_spans=found, passage_spans=((0, 3),), weight=0.5)
        for (number, found), rank in zip(spans.items(), (2, 0), strict=False)
    )
    return Answer(question="?", text=text, refused=False, citations=citations, passages=ranked, trace=None)


def test_markers_name_the_passages_by_their_rank_and_words_in_brackets_stay() -> None:
    text = "See a[1] and b[2]. [1] And c. [2][1]"
    answer = cited_answer(text, {1: ((0, 18),), 2: ((23, 29),)})
    assert numbered(answer) == ("See a[1] and b[2]. [3] And c. [1][3]", (3, 1))


def test_an_answer_without_citations_keeps_its_text() -> None:
    answer = cited_answer("Nothing [1] here.", {})
    assert numbered(answer) == ("Nothing [1] here.", ())


@pytest.mark.parametrize(("question", "k"), [("", 5), ("x" * 3000, 5), ("fine", 0)])
def test_what_cannot_be_asked_is_one_line(store: Store, question: str, k: int) -> None:
    with pytest.raises(TutorError):
        ground(Tutor(store, checkpoint("gru")), question, k)


def test_the_command_prints_text_and_json(
    course_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = checkpoint("gru")
    save(tmp_path / "gru", other.model, other.tokenizer, training={})
    command = [QUESTION, "--store", str(course_store), "--models", "mini", str(tmp_path / "gru"), "--device", "cpu"]
    assert compare.main(command) == 0
    text = capsys.readouterr().out
    assert "== mini: transformer" in text
    assert "gru, " in text
    assert compare.main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["architecture"] for one in found["models"]] == ["transformer", "gru"]
    assert len(found["passages"]) == 5


@pytest.mark.parametrize("arguments", [["  "], ["fine", "--models", "no-such-model"]])
def test_a_wrong_command_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("tutor.compare: ")
    assert captured.err.count("\n") == 1
