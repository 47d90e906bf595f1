"""Typing errors are mended by the words of the material, and nothing else is."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from fake_embedder import FakeEmbedder

from index.build import build
from index.spelling import mended, slips, vocabulary
from index.store import Store

WORDS = vocabulary(
    [
        "The attention weights of the transformer",
        "attention, alignment and perplexity",
        "the alignments",
        "LSTM gate",
        "multiplied",
        "initialised languages",
        "language",
    ]
)


def similar(word: str, edits: int) -> Iterable[tuple[str, int]]:
    return [(one, count) for one, count in WORDS.items() if one[0] == word[0] and abs(len(one) - len(word)) <= edits]


def known(word: str) -> bool:
    return word in {"attentive", "performer", "transform"}


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("Aligment and atention?", "alignment and attention?"),
        ("what are attenton wieghts", "what are attention weights"),
        ("define PERPLEXTIY", "define perplexity"),
        ("transfromer", "transformer"),
        ("alignmemts", "alignments"),
        ("alignmen", "alignment"),
        ("it multiplies", "it multiplies"),
        ("it multiplyed", "it multiplied"),
        ("initialise them", "initialise them"),
        ("languag", "language"),
        ("attentive students", "attentive students"),
        ("What is an xLSTM?", "What is an xLSTM?"),
        ("a performer, a reformer and a conformer", "a performer, a reformer and a conformer"),
        ("lsmt gtae", "lstm gate"),
        ("lstn gte gatt", "lstn gte gatt"),
        ("$\\alpha_{tj}$ of wieghtings", "$\\alpha_{tj}$ of wieghtings"),
        ("q" * 1000, "q" * 1000),
        ("Ωmega 注意力 vetor", "Ωmega 注意力 vetor"),
    ],
)
def test_errors_are_mended_and_other_words_kept(asked: str, read: str) -> None:
    assert mended(asked, similar, known) == read


def test_of_two_equally_near_words_the_more_frequent_is_taken() -> None:
    counts = {"gates": 2, "gated": 5, "rates": 9}
    assert (
        mended("gatee", lambda word, edits: [(one, n) for one, n in counts.items() if one[0] == "g"], known) == "gated"
    )


TERMS = """
    hypertension hypotension, nitrite nitrate, nitrites nitrates, sulfite sulfate, ethane ethene, butene butane,
    ethanol ethenol, butanal butanol, retinal retinol, amylose amylase, stalagmite stalactite, adduction abduction,
    intercellular intracellular, mitosis meiosis, endothermic exothermic, anaerobic aerobic, macroscopic microscopic,
    adsorption absorption, convection conduction, creatine creatinine, adenosine adenine, phosphites phosphates,
    chlorine chloride, hominid hominin, perfusion profusion, nucleolus nucleus
"""


@pytest.mark.parametrize("pair", TERMS.split(","))
def test_of_two_terms_neither_is_an_error_for_the_other(pair: str) -> None:
    one, other = pair.split()
    assert slips(one, other, 2) == slips(other, one, 2) == 0
    asked = f"What is {one}?"
    assert mended(asked, lambda word, edits: [(other, 9)] if word[0] == other[0] else [], known) == asked


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("hypotenson", "hypotension"),
        ("hypotnesion", "hypotension"),
        ("nirtate", "nitrate"),
        ("nittrate", "nitrate"),
        ("nitratr", "nitrate"),
        ("seperate", "separate"),
        ("definately", "definitely"),
        ("gradiant", "gradient"),
        ("kernal", "kernel"),
        ("copyed", "copied"),
        ("replase", "replace"),
        ("otput", "output"),
        ("stalagtmites", "stalagmites"),
    ],
)
def test_what_fingers_and_ears_do_is_an_error(typed: str, meant: str) -> None:
    assert slips(typed, meant, 1) == 1


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("Who is Jacobi?", "Who is Jacobi?"),
        ("who is jacobi?", "who is jacovi?"),
        ("Is a CIDEr good?", "Is a CIDEr good?"),
        ("What does Bahdnaau say?", "What does bahdanau say?"),
        ("JACOBI", "jacovi"),
    ],
)
def test_names_are_mended_less_readily(asked: str, read: str) -> None:
    words = {"jacovi": 2, "coder": 3, "bahdanau": 4}
    assert mended(asked, lambda word, edits: [one for one in words.items() if one[0][0] == word[0]], known) == read


def test_a_word_stands_once_for_a_text_and_numbers_are_no_words() -> None:
    assert vocabulary(["Gate gate 2024 x2y gates", "gate"]) == {"gate": 2, "gates": 1}


class Spelling(FakeEmbedder):
    """An embedder whose vocabulary has few whole words."""

    def count_tokens(self, text: str) -> int:
        return super().count_tokens(text) + sum(word not in {"a", "what", "does"} for word in text.split())


def test_a_store_finds_what_was_meant(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "gates.md").write_text("# Gates\n\nThe forget gate decides what the memory keeps.\n", encoding="utf-8")
    (notes / "food.md").write_text("# Food\n\nA sourdough needs a starter and patience.\n", encoding="utf-8")
    embedder = Spelling()
    build([notes], tmp_path / "store", embedder=embedder)
    with Store.open(tmp_path / "store", embedder=embedder) as store:
        assert store.mended("what does sourdogh need") == "what does sourdough need"
        assert store.search("sourdogh startr", k=1)[0].passage.locator.source == "food.md"
        assert store.search("forgte", k=1)[0].passage.locator.source == "gates.md"
