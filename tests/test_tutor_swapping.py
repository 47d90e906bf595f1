"""Follow-ups that name something else are the earlier question, asked of that."""

import pytest

from tutor.dialogue import standalone
from tutor.swapping import named, swapped

FORGET = "What does the forget gate do?"


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("And the input gate?", "input gate"),
        ("no, I meant the input gate", "input gate"),
        ("ok, and what about GRUs then?", "GRUs"),
        ("No, the reset gate.", "reset gate"),
        ("And in an LSTM?", "LSTM"),
        ("same for the output gate please", "output gate"),
        ("The input gate?", ""),
        ("And why is that?", ""),
        ("And how does the input gate work?", ""),
        ("And the formula?", ""),
        ("And an example?", ""),
        ("what about it", ""),
        ("and twice the window?", ""),
        ("And now something that has rather many words in it?", ""),
        ("and?", ""),
        ("", ""),
    ],
)
def test_what_a_follow_up_names(question: str, name: str) -> None:
    assert named(question) == name


@pytest.mark.parametrize(
    ("earlier", "question", "found"),
    [
        (FORGET, "And the input gate?", "What does the input gate do?"),
        ("Where is additive attention used?", "and dot-product attention?", "Where is dot-product attention used?"),
        ("Why do gradients vanish in an RNN?", "and in an LSTM?", "Why do gradients vanish in an LSTM?"),
        ("What does BM25 do?", "and FAISS?", "What does FAISS do?"),
        ("How do an RNN and an LSTM differ?", "and a GRU?", "What is GRU?"),
        ("How do RNN and LSTM differ?", "and dropout?", ""),
        ("What is beam search?", "and greedy decoding?", "What is greedy decoding?"),
        ("How does beam search work?", "and nucleus sampling?", "How does nucleus sampling work?"),
        ("What is the time complexity of self-attention?", "and memory?", ""),
        ("Why is dropout used?", "and layer normalisation?", ""),
        ("What is the GDP of France?", "And the UK?", "What is the GDP of UK?"),
        ("what is the derivative of the sigmoid", "and of tanh?", "what is the derivative of the tanh"),
        ("Explain DNA replication.", "And RNA transcription?", "Explain RNA transcription"),
        ("What are the two kinds?", "And the second?", ""),
        (FORGET, "And why?", ""),
    ],
)
def test_it_takes_the_place_of_what_is_of_its_kind(earlier: str, question: str, found: str) -> None:
    assert swapped(question, earlier) == found


def test_one_name_after_another_is_asked_of_the_first_question() -> None:
    history = [(FORGET, "a"), ("And the input gate?", "b")]
    assert standalone("no, I meant the output gate", history, lambda text: 0.7, bool) == "What does the output gate do?"
    assert standalone("and layer normalisation?", [("Why is dropout used?", "a")], lambda text: 0.7, bool) == (
        "Why is dropout used? and layer normalisation?"
    )
    assert standalone("no, layer normalisation", [("Why is dropout used?", "a")], lambda text: 0.7, bool) == (
        "no, layer normalisation"
    )
