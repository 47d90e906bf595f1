"""Overviews: questions about whole lectures are told from other ones, and answered from the beginning to the end."""

from pathlib import Path

import pytest
from small_stores import ignorant, open_store
from test_tutor_tutor import well_formed

from index.store import Store
from tutor import Tutor
from tutor.overview import overview

ROME = """# The Roman Republic

Lecture 3

## What we cover today

1. Two consuls and the senate
2. The tribunes of the plebs
3. Slavery

## Consuls

Two consuls governed the republic for a year, and each could forbid what the other did. They led the legions, too.

## Tribunes

The tribunes of the plebs protected the common people against the magistrates of the republic.

## Slavery

Slaves of the Roman republic worked in mines, on estates and in houses without any rights.
"""
FILES = {
    "lecture03_rome.md": ROME,
    "lecture04_greece.md": "# Athens\n\n## Council\n\nThe council of Athens had five hundred members chosen by lot.\n",
    "lecture05_carthage.md": "# Carthage\n\nThe harbour of Carthage held two hundred warships in a ring of docks.\n",
    "notes.md": "# Owls\n\nAn owl turns its head because its eyes do not move in their sockets.\n",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(tmp_path_factory.mktemp("history"), FILES)


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("Summarise lecture 3", "lecture03_rome.md"),
        ("could you please give me a short summary of Lecture 3?", "lecture03_rome.md"),
        ("What are the main points of the lecture on the Roman republic?", "lecture03_rome.md"),
        ("what is the Athens lecture about", "lecture04_greece.md"),
        ("tl;dr notes.md", "notes.md"),
        ("Sum up", ""),
        ("What does lecture 3 say about consuls?", ""),
        ("What is slavery about?", ""),
        ("Which lecture covers owls?", ""),
        ("What are the topics that the senate discussed in lecture 3?", ""),
        ("Give me an overview of the tribunes", ""),
        ("Compare lecture 3 and lecture 4", ""),
    ],
)
def test_a_document_is_meant_where_nothing_else_is_asked(store: Store, question: str, source: str) -> None:
    found = overview(question, store)
    assert {hit.passage.locator.source for hit in found.hits} == {source} if found else not source


def test_points_are_sentences_of_the_parts_in_their_order(store: Store) -> None:
    found = overview("Summarise lecture 3", store)
    assert found is not None
    said = [one.text for one in found.points]
    assert [text.split()[0] for text in said] == ["Two", "The", "Slaves"]
    for one in found.points:
        assert found.hits[one.passage].passage.text[one.start : one.end] == one.text
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)


def test_the_agenda_says_what_is_covered(store: Store) -> None:
    found = overview("What topics does lecture 3 cover?", store)
    assert found is not None
    assert [one.text for one in found.points] == [
        "Two consuls and the senate",
        "The tribunes of the plebs",
        "Slavery",
    ]


def test_as_many_points_as_are_asked_for(store: Store) -> None:
    found = overview("Summarise lecture 3 in two sentences", store)
    assert found is not None
    assert len(found.points) == 2


@pytest.mark.parametrize("question", ["What does this course cover?", "Give me an overview", "summarise all lectures"])
def test_many_documents_are_listed_by_their_titles(store: Store, question: str) -> None:
    found = overview(question, store)
    assert found is not None
    assert found.titles
    assert [one.text for one in found.points] == [
        "The Roman Republic (lecture03_rome.md)",
        "Athens (lecture04_greece.md)",
        "Carthage (lecture05_carthage.md)",
        "Owls (notes.md)",
    ]


def test_filters_keep_to_a_document_and_what_is_not_there_is_said(store: Store) -> None:
    found = overview("Summarise the slides", store, documents=["lecture04_greece.md"])
    assert found is not None
    assert [one.text for one in found.points] == ["The council of Athens had five hundred members chosen by lot."]
    missing = overview("Summarise lecture 9", store)
    assert missing is not None
    assert missing.head == "There is no such document. There are 4 documents:"


def test_this_lecture_is_the_one_that_was_spoken_of_and_the_next_one_is_asked_alike(store: Store) -> None:
    tutor = Tutor(store, ignorant([ROME]))
    first = tutor.ask("How many members did the council of Athens have?")
    turns = [("How many members did the council of Athens have?", first.text)]
    this = tutor.ask("Summarise this lecture", history=turns)
    well_formed(this)
    assert this.text.startswith("Athens (lecture04_greece.md) in short:\n\n- The council of Athens")
    other = tutor.ask("And lecture 3?", history=[*turns, ("Summarise this lecture", this.text)])
    assert other.text.startswith("The Roman Republic (lecture03_rome.md) in short:\n\n- ")
    assert overview("In short?", store, spoken_of=lambda: None) is None


def test_an_overview_is_traced_cited_and_streamed(course_tutor: Tutor) -> None:
    stream = course_tutor.stream("Can you summarise lecture 14?")
    assert "".join(stream) == stream.answer.text
    answer = stream.answer
    well_formed(answer)
    assert {one.passage.locator.source for one in answer.citations} == {"14-lstm.md"}
    assert len(answer.citations) > 3
    assert answer.trace is not None
    told = "".join(step.text for step in answer.trace.steps)
    assert all(answer.text[start:end] in told for start, end in answer.quoted)
    assert course_tutor.explain(answer).passages
    assert answer.overview
    assert not answer.extractive
    everything = course_tutor.ask("What does this course cover?")
    well_formed(everything)
    assert len(everything.citations) == len([one for one in course_tutor.store.sources() if one.passages])
    assert everything.trace is None


KNIVES = """# Kitchen basics

## Agenda

- Knives
- Pans

## Kinds of knives

- Bread knife
- Paring knife

## Kinds of pans

- Wok
- Grill pan

## Herbs

- basil and its little leaves
- bay

## Stocks

1. white stock
2. brown stock

## Summary

- sharpen your knives often
"""


def test_where_there_are_no_sentences_titles_and_short_items_are_told(tmp_path: Path) -> None:
    with open_store(tmp_path, {"lecture1.md": KNIVES, "lecture2.md": ROME}) as store:
        found = overview("Summarise lecture 1", store)
        assert found is not None
        said = [one.text for one in found.points]
        assert 4 <= len(said) <= 7
        assert said == sorted(said, key=KNIVES.index)
        assert {"Kinds of knives", "Kinds of pans", "Herbs", "Stocks"} <= set(said)
        assert not {"Kitchen basics", "Agenda", "Summary"} & set(said)
        for one in found.points:
            assert found.hits[one.passage].passage.text[one.start : one.end] == one.text
        prose = overview("Summarise lecture 2", store)
        assert prose is not None
        assert all(one.text.endswith(".") for one in prose.points)


def test_an_overview_of_formulas_alone_is_left_to_the_search(tmp_path: Path) -> None:
    with open_store(tmp_path, {"lecture1.md": "# Sums\n\n$$ 1 + 1 = 2 $$\n"}) as store:
        assert overview("Summarise lecture 1", store) is None


WAVES = r"""# Standing waves on a string

## The wave equation

It obeys a law.

$$ u_{tt} = c^2 u_{xx} $$

A string that is fixed at both ends has these wavelengths:

$$ \lambda_n = 2 L / n $$

## Worked example

For a string of one metre the longest one is twice as long.

$$ \lambda_1 = 2 L $$

## Speed

Its speed follows from tension and density, in this case $340 = 340$.

$$ 2 \cdot 170 = 340 $$

$$ c = \sqrt{T / \mu} $$

A repetition says it once more.

$$ u_{tt} = c^2  u_{xx} $$
"""


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> Store:
    files = {"week2.md": WAVES, "week3.md": "# Pipes\n\nA pipe is open.\n\n$$ f = v $$\n\nIt hums.\n"}
    return open_store(tmp_path_factory.mktemp("waves"), files)


def test_the_formulas_of_a_lecture_stand_in_their_order_each_with_what_opens_it(waves: Store) -> None:
    found = overview("What are the equations of standing waves on a string?", waves)
    assert found is not None
    assert found.head == "The formulas of Standing waves on a string (week2.md):"
    assert [" ".join(one.text for one in unit).split("$$")[0].strip() for unit in found.units] == [
        "It obeys a law.",
        "A string that is fixed at both ends has these wavelengths:",
        "",
    ]
    assert [unit[-1].text.split("$$")[1].strip() for unit in found.units] == [
        "u_{tt} = c^2 u_{xx}",
        r"\lambda_n = 2 L / n",
        r"c = \sqrt{T / \mu}",
    ]
    assert [one for unit in found.units for one in unit] == list(found.points)


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("equations of lecture week2.md", True),
        ("List the SWOAS equations", True),
        ("Write down the SWOAS equations", True),
        ("Please list all formulas for standing waves", True),
        ("What are the formulas of pipes?", False),
        ("What are the equations?", False),
        ("What are the equations for the speed of a wave?", False),
        ("What are the wave equations?", False),
        ("What is the equation of standing waves on a string?", False),
        ("Which lecture has the equations of standing waves?", False),
    ],
)
def test_formulas_are_asked_for_of_one_document_that_has_some(waves: Store, question: str, asked: bool) -> None:
    found = overview(question, waves)
    assert (found is not None and bool(found.units)) is asked


def test_formulas_are_told_with_a_marker_each(waves: Store) -> None:
    tutor = Tutor(waves, ignorant([WAVES]))
    answer = tutor.ask("Give me the equations of standing waves on a string")
    assert answer.overview
    assert answer.text.count("$$") == 6
    assert len(answer.citations) == len({one.passage.passage_id for one in answer.citations}) >= 1
    well_formed(answer)
