"""Questions that ask what something is, and the sentences that say it."""

import pytest

from index.defining import BELOW, asked_terms, defines, defining, explained_terms, surest


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("What is attention?", {"attention"}),
        ("so, what's an RNN", {"rnn"}),
        ("What are residual connections", {"residual connection"}),
        ("What is rotary position embedding (RoPE)?", {"rotary position embedding", "rope"}),
        ("What does LSTM stand for?", {"lstm"}),
        ("Explain layer normalization in one sentence.", {"layer normalisation"}),
        ("self-attention", {"self attention"}),
        ("What does the forget gate do?", set()),
        ("Why is a gate shut?", set()),
        ("How is it trained?", set()),
        ("What is it that the gate of an LSTM lets through when it opens?", set()),
        ("", set()),
        ("?!", set()),
    ],
)
def test_what_is_asked_to_be_defined(question: str, terms: set[str]) -> None:
    assert asked_terms(question) == terms


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("How does attention work?", {"attention"}),
        ("Can you explain how an LSTM works?", {"lstm"}),
        ("how do recurrent neural networks function", {"recurrent neural network"}),
        ("What is the main idea behind word2vec?", {"word2vec"}),
        ("What is attention?", {"attention"}),
        ("How does it all work together when the gate of an LSTM is open work?", set()),
        ("How does what you said work?", set()),
        ("How is attention computed?", set()),
        ("Why does attention work?", set()),
    ],
)
def test_what_is_asked_to_be_explained(question: str, terms: set[str]) -> None:
    assert explained_terms(question) == terms


@pytest.mark.parametrize(
    ("question", "sentence", "says"),
    [
        ("What is attention?", "Attention is a differentiable lookup.", True),
        ("What is attention?", "- **Attention**: an average of values.", True),
        ("What is attention?", "2. Attention = softmax(QK)V", True),
        ("What is attention?", "Attention – an average of values", True),
        ("What is attention?", "An attention weight is a share.", False),
        ("What is attention?", "Attention is computed in three steps.", False),
        ("What is attention?", "Attention is not a probability.", False),
        ("What is attention?", "Attention is useful because a state is small.", False),
        ("What is attention?", "Attention is from Bahdanau and others (2015).", False),
        ("What is attention?", "Attention is simply an average.", True),
        ("What are gates?", "Gates are sigmoids of a sum.", True),
        ("What is attention?", "What is attention?", False),
        ("What is an LSTM?", "Long short-term memory, abbreviated LSTM, is a recurrent network.", True),
        ("What are residual connections?", "A residual connection is defined as a sum.", True),
        ("What is batch normalization?", "Batch normalisation means that each feature is rescaled.", True),
        ("Why attention?", "Attention is a differentiable lookup.", False),
    ],
)
def test_what_defines(question: str, sentence: str, says: bool) -> None:
    assert defines(asked_terms(question), sentence) is says


def test_a_long_question_is_read_in_no_time() -> None:
    assert asked_terms("what is " + "a (b), " * 20_000) == frozenset()
    assert not defines(frozenset({"a"}), "a, " * 50_000)


SLIDE = [
    "## AdaGrad",
    "![](ada.png)",
    "- Divide each step by what it has seen.",
    "- Simple.",
    "## RMSProp",
    "Same as AdaGrad.",
]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What is AdaGrad?", [0, 0, BELOW, 0, 0, -1]),
        ("What is RMSProp?", [0, 0, 0, 0, 0, BELOW]),
        ("Why AdaGrad?", [0, 0, 0, 0, 0, 0]),
    ],
)
def test_what_stands_first_below_the_heading_that_is_the_term_says_what_it_is(
    question: str, found: list[float]
) -> None:
    assert defining(asked_terms(question), SLIDE, []) == found


def test_below_a_plain_or_counted_heading_as_well() -> None:
    lines = ["Forget Gate (2/3)", "It decides what the cell keeps."]
    assert defining(asked_terms("What is the forget gate?"), lines, lines[:1]) == [0, BELOW]
    assert defining(asked_terms("What is the forget gate?"), lines, []) == [0, 0]
    assert defining(asked_terms("What is the forget gate?"), ["# 3.1 Forget gates", lines[1]], []) == [0, BELOW]


def test_headings_count_only_where_nothing_defines_the_term_outright() -> None:
    assert surest({1: [0, BELOW], 2: [0, -1]}) == {1: [0, BELOW], 2: [0, -1]}
    assert surest({1: [0, BELOW], 2: [1, -1]}) == {1: [0, 0], 2: [1, -1]}


def test_long_lines_are_looked_at_in_no_time() -> None:
    asked = asked_terms("What is a gate?")
    assert defining(asked, ["# " + " " * 50_000 + "x", "## gate", "same as " + "a" * 50_000], []) == [0, 0, BELOW]
