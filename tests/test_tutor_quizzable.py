"""Which sentences can be asked about, and the questions that rules make of them."""

from collections.abc import Iterator

import pytest
from quiz_samples import COLOUR, COUNT, PIPES, gold, opened

from index.store import Store
from tutor.quizzable import askable, defines, gaps, terms_of


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with opened(tmp_path_factory.mktemp("quiz")) as found:
        yield found


def test_sentences_that_lean_or_stand_apart_are_not_asked_about(store: Store) -> None:
    found = [one.text for passage in store.passages() for one in askable(passage)]
    assert COLOUR in found
    assert PIPES in found
    assert not [text for text in found if "This is why" in text or "isconception" in text or "green animal" in text]


@pytest.mark.parametrize("sentence", [
    "This is the reason why a gate is a vector and no matrix at all.",
    "It keeps the cell state as it was for as long as the gate is open.",
    "The gate opens when the example above has been read by the network.",
    "A gate that never closes, as the code `gate(x)` shows, is no gate at all.",
    "A gate is a vector",
    "A gate <img src=x onerror=alert(1)> is a vector that multiplies another one.",
    "A gate (a vector is multiplied with another vector of the same length.",
])  # fmt: skip
def test_what_does_not_stand_alone_is_left_out(sentence: str) -> None:
    assert askable(gold(sentence).passage) == ()


@pytest.mark.parametrize(("sentence", "question"), [
    ("A gate is a vector that lets another vector pass.", "What is a gate?"),
    ("Pooling is the step that turns many vectors into one.", "What is pooling?"),
    ("SwiGLU is a gated sublayer in which one projection is multiplied.", "What is SwiGLU?"),
    ("T5 is an encoder-decoder transformer for every task there is.", "What is T5?"),
    ("The coverage loss measures how much attention falls on one position.", "What does the coverage loss measure?"),
    ("**Peephole**: a connection through which a gate sees the cell state.", "What does “Peephole” mean?"),
    ("The remedy is to hold incomplete bytes back until they are complete.", ""),
    ("A common mistake is the choice of a rate that is far too large.", ""),
    ("The raw index is a poor encoding, because a large value swamps it.", ""),
    ("Gates open and close.", ""),
])  # fmt: skip
def test_definitions_become_questions(sentence: str, question: str) -> None:
    found = defines(sentence)
    assert (found[0] if found else "") == question


def test_gaps_are_terms_of_the_lecture_or_numbers_of_something(store: Store) -> None:
    passages = [one for one in store.passages() if one.document == "Zoblins"]
    terms = terms_of(passages)
    assert {"zoblin", "copper basin"} <= terms
    found = {
        one.text: [one.text[slice(*gap)] for gap in gaps(one, terms)]
        for passage in passages
        for one in askable(passage)
    }
    assert found[PIPES] == ["copper basin"], "what the title of the lecture says is no gap"
    assert found[COUNT] == ["14"]
    stop = {"the", "of", "a", "and", "one", "each"}
    assert not stop & {gap for many in found.values() for gap in many}


@pytest.mark.parametrize("sentence", [
    "With a window of five words the large model has 24 more parameters than the small one.",
    "A relative encoding describes the offset of two positions in a text, such as 3 tokens earlier.",
    "The final share is a tenth of the peak, and in most runs the warm-up takes 2 to 5 per cent of the steps.",
    "In the last run the network of the winners had $n = 14$ layers of cells in every single column.",
])  # fmt: skip
def test_numbers_of_examples_are_no_gaps(sentence: str) -> None:
    assert list(gaps(gold(sentence), frozenset())) == []
