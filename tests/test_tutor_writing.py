"""A model whose device fails while it writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from broken_device import FAULTS, OnBrokenDevice, on_broken_device, placed
from small_stores import ZOBLIN_FILES, ignorant, open_store

from index.store import Store
from lm.checkpoint import CheckpointError
from lm.reading import Piece, build_prompt
from lm.sampling import Decoding
from tutor.choices import Choices
from tutor.tutor import Tutor, usable_device
from tutor.writing import write

QUESTION = "What colour is a zoblin?"
_DECODING = Decoding(longest=12, may_refuse=False)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path, ZOBLIN_FILES)
    yield store
    store.close()


@pytest.mark.parametrize("forced", [None, list(range(40, 52))])
@pytest.mark.parametrize("at", range(0, 24, 5))
def test_the_cpu_goes_on_after_the_last_token(
    at: int, forced: list[int] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = ignorant(ZOBLIN_FILES.values(), gate=-20.0), ignorant(ZOBLIN_FILES.values(), gate=20.0)
    prompt = build_prompt(one.tokenizer, QUESTION, [[Piece(text=text)] for text in ZOBLIN_FILES.values()])
    broken = on_broken_device(one, at=at)
    both = placed(broken, other)
    found = list(write(both, prompt, _DECODING, forced=forced))
    assert isinstance(broken.model, OnBrokenDevice)
    failed = broken.model.calls > at
    assert (both.what is other) == failed
    count = next((number for number, token in enumerate(found) if token.p_copy > 0.5), len(found))
    alone = list(write(placed(one, one), prompt, _DECODING, forced=forced))
    assert [token.token for token in found[:count]] == [token.token for token in alone[:count]]
    assert len(found) == 12
    # What the other model chooses after these tokens, it chooses token by token.
    rest = list(write(placed(other, other), prompt, _DECODING, forced=[token.token for token in found]))
    for token, likeliest in zip(found[count:], rest[count:], strict=True):
        assert token.probability == pytest.approx(likeliest.probability, abs=1e-5)
        assert token.token == likeliest.alternatives[0][0] or forced is not None
    assert capsys.readouterr().err.count("\n") == failed


@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_is_whole_and_the_next_comes_from_the_cpu(
    store: Store, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = ignorant(ZOBLIN_FILES.values(), gate=20.0)
    expected = Tutor(store, whole, Choices(threshold=0.0)).ask(QUESTION)
    broken = on_broken_device(whole, at=5, fault=fault)
    tutor = Tutor(store, placed(broken, whole), Choices(threshold=0.0))
    elsewhere = tutor.with_store(store)
    stream = tutor.stream(QUESTION)
    assert "".join(stream) == stream.answer.text == expected.text
    assert isinstance(broken.model, OnBrokenDevice)
    calls = broken.model.calls
    assert elsewhere.ask(QUESTION).text == tutor.ask(QUESTION).text == expected.text
    assert (broken.model.calls, tutor.checkpoint, elsewhere.checkpoint) == (calls, whole, whole)
    said = capsys.readouterr().err
    assert said.startswith("cannot use device 'cuda' (")
    assert said.count("\n") == 1
    explained = tutor.explain(tutor.ask(QUESTION))
    assert explained.passages[0].effect is not None


def test_what_is_looked_into_later_comes_from_the_cpu_too(store: Store) -> None:
    whole = ignorant(ZOBLIN_FILES.values(), gate=20.0)
    expected = Tutor(store, whole, Choices(threshold=0.0))
    answer = expected.ask(QUESTION)
    tutor = Tutor(store, placed(on_broken_device(whole, at=0), whole), Choices(threshold=0.0))
    assert tutor.explain(answer).to_json() == expected.explain(answer).to_json()
    assert tutor.memory(QUESTION, 5) == expected.memory(QUESTION, 5)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_the_cpu_and_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert usable_device(None) == usable_device("cpu") == "cpu"
    assert capsys.readouterr().err == ""
    assert usable_device("cuda") == "cpu"
    said = capsys.readouterr().err
    assert said.startswith("cannot use device 'cuda' (")
    assert said.count("\n") == 1
    with pytest.raises(CheckpointError, match="cannot use device 'gpu7'"):
        usable_device("gpu7")
