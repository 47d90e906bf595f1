"""Follow-ups are read together with the question they lean on."""

import pytest

from tutor.dialogue import leans, standalone, told_before

LSTM = ("What do the gates of an LSTM do?", "They decide what is kept.")


def near(text: str) -> float:
    """A search that finds the topics of a course, nothing in particular, or what the course does not have."""
    if "pasta" in text:
        return 0.2
    return 0.8 if any(word in text for word in ("dropout", "LSTM", "gradients", "GRU")) else 0.45


def says(word: str) -> bool:
    """A course that has every word but these."""
    return word not in ("cook", "pasta", "amendment", "protect", "Mendeleev", "entropy", "MRR")


@pytest.mark.parametrize(
    "question",
    [
        "And in practice?",
        "why?",
        "why tanh?",
        "Why is that?",
        "What does it cost?",
        "How does this work in practice?",
        "tanh?",
        "Are you sure?",
        "what about the reset gate of the other one",
        "can you show the formula",
        "why such an odd exponent?",
        "wouldn't a bigger learning rate make up for it?",
        "explain that",
    ],
)
def test_leaning_questions(question: str) -> None:
    assert leans(question, near, says)
    assert standalone(question, [LSTM], near, says) == f"{LSTM[0]} {question}"


@pytest.mark.parametrize(
    "question",
    [
        "How does multi-head attention split the model width between its heads?",
        "Which optimiser warms up its learning rate linearly over a thousand steps?",
        "What is dropout?",
        "How do I cook pasta?",
        "Explain how I cook pasta",
        "Why do gradients vanish?",
        "Which gate decides that the cell state of the recurrent network is kept through these steps?",
        "What's the problem with dropout for words that have two meanings?",
        "Show a function that counts gradients",
    ],
)
def test_questions_that_stand_alone_are_left_alone(question: str) -> None:
    assert standalone(question, [LSTM], near, says) == question


@pytest.mark.parametrize(
    "question",
    [
        "What does the First Amendment protect?",
        "Who was the first to cook pasta?",
        "Who was Mendeleev?",
        "What is entropy?",
        "How is MRR computed?",
        "What kinds of pasta are there?",
        "Does pasta need salt before I cook it?",
        "Give me an example of stuffed pasta",
        "Give me an example of a risotto",
    ],
)
def test_another_subject_stands_alone_however_little_is_found(question: str) -> None:
    assert standalone(question, [LSTM], lambda text: 0.3, says) == question


@pytest.mark.parametrize(
    "question",
    ["When was he born?", "Who taught her?", "Can you give me an example?", "An example of that?", "the second?"],
)
def test_what_points_back_leans_however_much_is_found(question: str) -> None:
    assert standalone(question, [("Who invented it?", "a")], lambda text: 0.6, says) == f"Who invented it? {question}"


def test_what_was_named_since_is_not_forgotten() -> None:
    asked = ["When did the Cold War begin?", "And the Korean War?", "When did it end?"]
    turns = [(one, "") for one in asked]
    assert standalone("Why did it end?", turns, near, says) == (
        "When did the Korean War begin? When did it end? Why did it end?"
    )
    turns = [("Why did the revolution begin?", ""), ("And the long winter?", ""), ("Who led it?", "")]
    assert "And the long winter?" in standalone("And why?", turns, near, says)


def test_a_follow_up_is_read_with_the_last_question_that_stood_alone_and_the_one_before() -> None:
    paper = "Which paper brought the GRU to machine translation in 2014?"
    history = [("What is dropout?", "a"), (paper, "b"), ("And in which year?", "c"), ("And the authors?", "d")]
    assert standalone("Why?", history, near, says) == f"{paper} And the authors? Why?"
    assert standalone("Why?", history[:2], near, says) == f"{paper} Why?"


def test_where_nothing_stands_alone_the_first_question_is_the_topic() -> None:
    assert standalone("Why?", [("Formula?", "a"), ("And the code?", "b")], near, says) == "Formula? And the code? Why?"


def test_no_history_changes_nothing() -> None:
    assert standalone("Why?", [], near, says) == "Why?"
    assert standalone("Why?", [("  ", "a")], near, says) == "Why?"


def test_answers_never_enter_the_question() -> None:
    assert "kept" not in standalone("And?", [LSTM], near, says)


def test_who_asks_on_wants_something_new_and_who_asks_again_does_not() -> None:
    history = [("What is a gate?", "A vector. [1] It opens. [2]"), ("And a cell?", "A memory. [1]")]
    assert told_before("An example?", history) == "A vector. It opens.\nA memory."
    for question in ("Say that again, please", "are you sure?", "Can you put that more simply?", "in other words?"):
        assert told_before(question, history) == ""


def test_thanks_are_no_question_and_are_passed_over_by_the_next_one() -> None:
    history = [("What do the gates of an LSTM do?", "They ..."), ("Thanks, that was helpful!", "That asks nothing.")]
    assert standalone("Ok, great!", history[:1], lambda text: 0.0, bool) == "Ok, great!"
    assert standalone("And why is that?", history, lambda text: 0.0, bool) == (
        "What do the gates of an LSTM do? And why is that?"
    )
