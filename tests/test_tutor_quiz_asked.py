"""Short answers to questions on the course: what names the asked fact is right, and what only looks like it is not."""

from functools import cache
from typing import Any

import pytest
from fake_embedder import FakeEmbedder
from quiz_samples import gold

from index.paths import shipped_lectures
from tutor.course_questions import train_records
from tutor.quiz_asked import asked_of
from tutor.quiz_facts import Rarity, key_facts, numbers_in, rarity_of
from tutor.quiz_formula import Formulas, plain_formula
from tutor.quiz_grading import Grade, Remark, Verdict, grade


@cache
def rarity() -> Rarity:
    """Of the sections of the lectures."""
    lectures = (path.read_text(encoding="utf-8") for path in shipped_lectures().glob("*.md"))
    return rarity_of([section for text in lectures for section in text.split("\n## ")])


@cache
def questions() -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in train_records(shipped_lectures().parent)}


def graded(question: str, sentence: str, answer: str) -> Grade:
    facts, asked = key_facts(sentence, question, rarity()), asked_of(question, sentence, rarity())
    return grade(facts, question, gold(sentence), answer, FakeEmbedder().encode, asked=asked)


def on_the_course(name: str, answer: str) -> Grade:
    """What an answer to a question of the course is worth, by its evidence."""
    one = questions()[name]
    return graded(one["question"], one["gold"][0]["quote"], answer)


RIGHT = """
glass-046: 43
window-042: 14
align-006: 2000
rnn-018: 98560
bptt-042: 32.5 steps
expl-047: 11.7 percent
expl-047: in 11.7 % of all cases
self-008: 1,048,576
bptt-039: 5050 terms
pos-048: 21
deconly-007: 1024
scale-053: about 20
rag-052: 100 words
glass-049: thirty percent
eval-044: four times as many
init-040: Le, Jaitly and Hinton
text-051: Spärck Jones, 1972
gru-101: Cho and co-workers, 2014
tok-038: Viterbi
tok-038: the Viterbi algorithm
transformer-109: the answer tokens
attention-111: m*n
attention-111: m times n
emb-025: k + 2
window-043: 10^20
ffn-060: (n+1)m
lstm-019: how much of the old cell state is kept
lstm-028: decides how much new content is written
self-026: only itself
vec-039: crossing the space quickly
rnn-008: a vector that summarises what was read so far
attention-098: that input and output run in the same order
"""

NOT_RIGHT = """
glass-046: 42
window-042: 2,800
align-006: 1,000
rnn-018: 128
self-008: 1,024
pos-048: 32
scale-053: about 200
rag-052: 1000 words
glass-049: 60 per cent
eval-044: twice as many
init-040: Bengio
init-040: Hinton
gru-101: 2015
gru-101: Hochreiter and Schmidhuber, 1997
tok-038: the greedy algorithm
transformer-109: the prompt tokens
attention-111: m + n
emb-025: 2k
window-043: 10^5
ffn-060: n m
lstm-019: how much new content is written
lstm-019: The input gate decides how much of the old cell state is kept.
lstm-028: how much of the old cell state is kept
vec-039: holding all vectors
attention-098: that the order is reversed
self-026: not only itself
transformer-109: not the answer tokens
glass-046: not 43
tok-038: not the Viterbi algorithm
attention-098: not the same order
glass-046: 41, 42, 43 or 44
pos-048: 21 or 22 or 32
rag-052: 10, 100, 1000 or 10000 words
align-006: 1,000 or 2,000
tok-038: Viterbi, greedy, beam search, BPE, Dijkstra
init-040: Hinton, Bengio, LeCun, Schmidhuber, Le, Jaitly, Cho, Vaswani
transformer-109: prompt tokens and answer tokens and source tokens
transformer-027: three
"""


def cases(lines: str) -> list[list[str]]:
    return [line.split(": ", 1) for line in lines.strip().splitlines()]


@pytest.mark.parametrize(("name", "answer"), cases(RIGHT))
def test_a_short_answer_that_names_what_is_asked_is_right(name: str, answer: str) -> None:
    assert on_the_course(name, answer).verdict is Verdict.RIGHT


@pytest.mark.parametrize(("name", "answer"), cases(NOT_RIGHT))
def test_what_is_wrong_near_denied_or_stuffed_is_not(name: str, answer: str) -> None:
    assert on_the_course(name, answer).verdict is not Verdict.RIGHT


def test_one_of_two_questions_is_answered_partly() -> None:
    found = on_the_course("transformer-027", "three")
    assert found.verdict is Verdict.PARTLY
    assert "three" in found.present


@pytest.mark.parametrize(("name", "answer", "remark"), [
    ("align-006", "1,000 or 2,000", Remark.CHOICE),
    ("glass-046", "not 43", Remark.NEGATED),
    ("lstm-019", "The input gate decides how much of the old cell state is kept.", Remark.OTHER),
    ("init-040", "Hinton, Bengio, LeCun, Schmidhuber, Le, Jaitly, Cho, Vaswani", Remark.LONG),
])  # fmt: skip
def test_the_reader_is_told_why(name: str, answer: str, remark: Remark) -> None:
    assert on_the_course(name, answer).remark is remark


@pytest.mark.parametrize(("question", "sentence", "asked"), [
    ("How many gates does a GRU have?", "A GRU keeps its state with two gates, update and reset.", ["two"]),
    ("How many tokens did it read?", "With 70 billion parameters it read 1.4 trillion tokens.", ["1.4", "trillion"]),
    ("Which gate decides what is kept?", "The forget gate decides what is kept of the old state.", ["forget"]),
    ("Which gates does an LSTM have?", "An LSTM has an input gate and an output gate.", ["input", "output"]),
    ("Who proposed it?", "Sepp Hochreiter and Jürgen Schmidhuber proposed it.", ["Hochreiter", "Schmidhuber"]),
    ("Who proposed it and when?", "Shazeer proposed it in 2019, at some cost.", ["Shazeer", "2019"]),
    ("What do we call words that occur once?", "A word that occurs once is called a hapax legomenon.",
     ["hapax legomenon"]),
    ("What is the formula for the gate?", "The gate is $g = \\sigma(Wx)$.", ["$g = \\sigma(Wx)$"]),
])  # fmt: skip
def test_the_form_of_a_question_says_what_is_asked(question: str, sentence: str, asked: list[str]) -> None:
    found = asked_of(question, sentence, rarity())
    assert found is not None
    assert found.exact
    assert [fact.text for fact in found.facts] == asked


@pytest.mark.parametrize(("question", "sentence", "part"), [
    ("Why does it fail?", "It fails on long texts, because the sum has to be computed anew.",
     " the sum has to be computed anew."),
    ("What is the input gate for?", "The input gate decides what is written, and the output gate what is shown.",
     "decides what is written, "),
    ("What is the classic slip of gradients by hand?", "Forgetting a path is the classic slip of gradients by hand.",
     "Forgetting a path "),
])  # fmt: skip
def test_else_it_is_the_part_that_the_question_does_not_tell(question: str, sentence: str, part: str) -> None:
    found = asked_of(question, sentence, rarity())
    assert found is not None
    assert not found.exact
    assert found.within == part


@pytest.mark.parametrize(("answer", "formula"), [
    ("1/sqrt(d_k)", r"$\frac{1}{\sqrt{d_k}}$"),
    ("by one over the square root of d_k, that is 1 / √d_k", r"$1 / \sqrt{d_k}$"),
    ("h_(t-1) times W", r"$h_{t-1} \cdot W$"),
    ("It is C = L + P * N/L comparisons.", r"$$ C = L + P \cdot \frac{N}{L} $$"),
    ("σ(W x)", r"$g = \sigma\left(W x\right)$"),
])  # fmt: skip
def test_formulas_may_be_typed_as_one_likes(answer: str, formula: str) -> None:
    assert Formulas(answer).say(plain_formula(formula))


def test_a_short_formula_inside_of_another_is_not_said() -> None:
    assert not Formulas("2k + 20").say(plain_formula("$k + 2$"))
    assert not Formulas("common sense").say(plain_formula(r"$m \cdot n$"))


def test_numbers_are_read_in_words() -> None:
    assert numbers_in("ten thousand words, thirty of them twice, one in 1,048,576") == {
        "10", "1000", "10000", "30", "1048576",
    }  # fmt: skip
