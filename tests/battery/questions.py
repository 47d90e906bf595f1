"""The row `questions`: fuzzed questions and histories to `Tutor.ask` and `Tutor.stream`."""

from __future__ import annotations

import statistics
import time
import unicodedata
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from tests.battery.answers import QUESTIONS, check_answer, mini, open_quick, quick_store, shipped_ranker
from tests.battery.hostile_texts import MAKERS, mixed, mutated
from tests.battery.trials import Trials
from tutor import Answer, Tutor, TutorError
from tutor.answer import History
from tutor.choices import Choices
from tutor.tutor import LONGEST_QUESTION

LONGEST_ANSWER = 1000
"""Characters; the notes hold about as many."""
SLOWEST = 20.0
"""Seconds for one question, on a machine that has other things to do."""
READ_AGAIN, ASKED_TWICE = 0.25, 0.1
"""Shares of the trials in which the ranker reads along, and in which the same is asked once more as a whole."""

LEANING = (
    "And why is that?",
    "And the other one?",
    "So which of these?",
    "Tell me more about it",
    "it",
    "Are you sure?",
)
"""Questions that lean on the ones before."""

KINDS: dict[str, Callable[[Random], str]] = {
    **MAKERS,
    "questions with changes": lambda random: mutated(random, random.choice(QUESTIONS)),
    "hostile texts with changes": lambda random: mutated(random, mixed(random, QUESTIONS, 400)),
    "mixtures": lambda random: mixed(random, QUESTIONS),
    "hostile histories": lambda random: random.choice(LEANING),
}


def questions(trials: Trials) -> None:
    """`count` questions of all kinds in turn, a third of them after a history, with and without the ranker."""
    store = quick_store(trials.place)
    seconds = []
    plain = open_quick(store)
    read = open_quick(store, shipped_ranker()) if trials.count * READ_AGAIN >= 1 else plain
    kinds = list(KINDS)
    for number in range(trials.count):
        random, kind = trials.random, kinds[number % len(kinds)]
        question = KINDS[kind](random)
        history = hostile_history(random) if kind == "hostile histories" or random.random() < 0.25 else []
        choices = Choices(threshold=random.choice([Choices().threshold, 0.0]))
        tutor = Tutor(read if random.random() < READ_AGAIN else plain, mini(), choices)
        how = {"k": random.choice([1, 2, 5, 100]), "trace": random.random() < 0.3}
        twice = random.random() < ASKED_TWICE
        with trials.trial(kind, number=number, question=question[:4000], history=told(history), **how):
            started = time.perf_counter()
            try_question(tutor, question, history, twice=twice, **how)
            seconds.append(time.perf_counter() - started)
            assert seconds[-1] < SLOWEST, f"a question takes less than {SLOWEST:.0f} s, not {seconds[-1]:.1f}"
    trials.figures["median seconds"] = round(statistics.median(seconds), 3)
    trials.figures["slowest seconds"] = round(max(seconds), 2)


def try_question(tutor: Tutor, question: str, history: History, *, twice: bool, k: int, trace: bool) -> None:
    """An answer, a refusal, or the one line that is right for this question; the stream is the answer."""
    wrong = what_is_wrong(question)
    try:
        stream = tutor.stream(question, history, k, trace=trace)
        text = "".join(stream)
    except TutorError as fault:
        said = str(fault)
        assert wrong, f"this question can be asked, but: {said[:200]}"
        assert wrong in said, f"the line says {wrong!r}, not {said[:200]!r}"
        assert "\n" not in said, "the line is one line"
        assert len(said) < 300, f"the line is short, not {len(said):,} characters"
        return
    assert not wrong, f"this question is {wrong} and must be declined with a line"
    answer = stream.answer
    assert text == answer.text, f"the stream gives the text of the answer, not {text[:200]!r}"
    check_answer(answer, k=k, longest=LONGEST_ANSWER)
    if twice:
        again = tutor.ask(question, history, k, trace=trace)
        assert essence(again) == essence(answer), "asked again as a whole, the answer is the same"


def essence(answer: Answer) -> tuple[object, ...]:
    """What of an answer is the same each time."""
    cited = [(one.number, one.passage, one.answer_spans, one.passage_spans) for one in answer.citations]
    return answer.text, answer.refused, cited, [hit.passage for hit in answer.passages]


def what_is_wrong(question: str) -> str:
    """ "" for a question that can be asked, else a word of the line that says why not."""
    if len(question) > LONGEST_QUESTION:
        return "characters"
    # A half character is shown as a question mark; other characters that stand for nothing are left out.
    seen = any(unicodedata.category(c)[0] not in "CZ" or unicodedata.category(c) == "Cs" for c in question)
    return "" if seen else "empty"


def hostile_history(random: Random) -> list[tuple[str, str]]:
    """A few turns of hostile texts, or very many, or a few huge ones."""
    how = random.random()
    if how < 0.04:
        return [(random.choice(QUESTIONS), "yes")] * 20_000
    if how < 0.08:
        return [(MAKERS["far too long"](random), MAKERS["far too long"](random))]
    return [(_said(random), _said(random)) for _ in range(random.randint(1, 4))]


def _said(random: Random) -> str:
    return random.choice([*KINDS.values()])(random) if random.random() < 0.7 else random.choice(QUESTIONS)


def told(history: Sequence[tuple[str, str]]) -> list[Any]:
    """A history as it is kept with a failure: how many turns, and the first ones, cut."""
    return [len(history), *([question[:500], answer[:500]] for question, answer in history[:4])]
