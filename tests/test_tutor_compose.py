"""From tokens and copy weights to sentences, markers and citations."""

from dataclasses import replace

import numpy as np
import pytest

from corpus.document import Locator, Passage
from lm.generate import Generated
from lm.reading import Piece, Prompt, build_prompt
from lm.tokenizer import Tokenizer
from tutor.answer import Ranked
from tutor.candidate import Candidate, Kind
from tutor.compose import QUOTED, Draft, complete_sentences, intact, merge
from tutor.evidence import Evidence, Word
from tutor.selection import Chosen

TEXTS = ["- The gate forgets.", "Some owls fly at night."]


def ranked(text: str) -> Ranked:
    place = Locator(source="a.md", start=0, end=len(text))
    return Ranked(passage=Passage(passage_id="0", document="A", text=text, locator=place), score=1.0)


def chosen() -> list[Chosen]:
    gate = Candidate(passage=1, start=2, end=19, text=TEXTS[0][2:], score=1.0)
    owls = Candidate(passage=0, start=0, end=23, text=TEXTS[1], score=0.5)
    return [Chosen(passage=one.passage, pieces=(Piece(text=one.text),), candidates=(one,)) for one in (gate, owls)]


def test_evidence_points_into_the_passage_and_not_the_piece() -> None:
    tokenizer = Tokenizer.train(TEXTS, vocabulary=300)
    groups = chosen()
    prompt = build_prompt(tokenizer, "What forgets?", [one.pieces for one in groups])
    evidence = Evidence(prompt, groups)
    texts = {1: TEXTS[0], 0: TEXTS[1]}
    for passage, piece in ((1, TEXTS[0][2:]), (0, TEXTS[1])):
        spans = [span for owner, span in zip(evidence.owner, evidence.spans, strict=True) if owner == passage]
        assert merge(spans, texts[passage]) == ((texts[passage].index(piece), len(texts[passage])),)


def copied(prompt: Prompt, *positions: int) -> list[Word]:
    """Words copied from prompt positions, each with nine tenths of the weight, the rest on the last position."""
    words = []
    for number, position in enumerate(positions):
        copy = np.zeros(len(prompt.tokens), dtype=np.float32)
        copy[-2] += 0.1
        copy[position] += 0.9
        made = Generated(
            token=prompt.tokens[position],
            probability=0.9,
            p_copy=1.0,
            copy=copy,
            attention=None,
            gates=None,
            alternatives=(),
            p_none=0.0,
        )
        words.append(Word(generated=made, start=number, end=number + 1))
    return words


@pytest.fixture
def read() -> tuple[Prompt, Evidence, list[int], list[int]]:
    """A prompt of two sentences, its evidence, and the positions of the first sentence and of the second."""
    groups = chosen()
    prompt = build_prompt(Tokenizer.train(TEXTS, vocabulary=300), "What forgets?", [one.pieces for one in groups])
    evidence = Evidence(prompt, groups)
    first, second = ([at for at, owner in enumerate(evidence.owner) if owner == passage] for passage in (1, 0))
    return prompt, evidence, first, second


def test_a_sentence_is_cited_to_the_passage_it_was_copied_from(
    read: tuple[Prompt, Evidence, list[int], list[int]],
) -> None:
    prompt, evidence, first, _ = read
    words = copied(prompt, *first)
    cited, used = evidence.of(words)
    assert list(cited) == [1]
    assert merge(used[1], TEXTS[0]) == ((2, 19),)
    assert [one.text for one in evidence.origins(words)] == [TEXTS[0][2:]]


def test_the_origins_of_a_sentence_are_those_that_gave_enough_of_it(
    read: tuple[Prompt, Evidence, list[int], list[int]],
) -> None:
    prompt, evidence, first, second = read
    assert [one.text for one in evidence.origins(copied(prompt, *second, *first))] == [TEXTS[1], TEXTS[0][2:]]
    assert [one.text for one in evidence.origins(copied(prompt, *second, *second, first[0]))] == [TEXTS[1]]
    assert evidence.origins([]) == []


def test_weaving_is_a_jump_from_midst_to_midst(read: tuple[Prompt, Evidence, list[int], list[int]]) -> None:
    prompt, evidence, first, second = read
    assert not evidence.woven(copied(prompt, *first))
    assert not evidence.woven(copied(prompt, *first, *second))
    assert not evidence.woven(copied(prompt, first[0], *first[3:]))
    assert evidence.woven(copied(prompt, *first[:3], *second[3:]))
    assert evidence.woven(copied(prompt, *first, *second[3:]))


def test_draft_numbers_passages_by_first_use_and_maps_offsets() -> None:
    draft = Draft()
    first = draft.add("The gate forgets.", 0, {3: 1.0}, {3: [(0, 4)]})
    second = draft.add("Owls fly.", 18, {0: 0.6, 3: 0.5}, {0: [(0, 4)], 3: [(5, 9)]})
    assert first + second == draft.text == "The gate forgets. [1] Owls fly. [2][1]"
    assert [draft.text[a:b] for a, b in [draft.place((18, 22)) or (0, 0), draft.place((3, 8)) or (0, 0)]] == [
        "Owls",
        " gate",
    ]
    assert draft.place((40, 44)) is None
    passages = [ranked("Owls fly by night."), ranked(""), ranked(""), ranked("The gate forgets.")]
    citations = draft.citations(passages)
    assert [(one.number, one.passage) for one in citations] == [(1, passages[3].passage), (2, passages[0].passage)]
    assert [[draft.text[a:b] for a, b in one.answer_spans] for one in citations] == [
        ["The gate forgets.", "Owls fly."],
        ["Owls fly."],
    ]
    assert sum(one.weight for one in citations) == pytest.approx(1.0)


def test_a_marker_never_stands_on_the_fence_of_a_code_block() -> None:
    draft = Draft()
    draft.add("```\nx = 1\n```", 0, {0: 1.0}, {})
    assert draft.text == "```\nx = 1\n```\n[1]"


def test_reference_numbers_of_a_lecture_are_no_citations() -> None:
    draft = Draft()
    draft.add("Salt melts ice [12].", 0, {0: 1.0}, {})
    draft.quote((sentence("[3] says so, see [4](a.md), `a[1]` and $x_{[2]}$.", start=30),))
    draft.quote((sentence("```\nx = [7]\n```", start=99),))
    assert draft.text == (
        "Salt melts ice (12). [1] (3) says so, see [4](a.md), `a[1]` and $x_{[2]}$. [1]\n\n```\nx = [7]\n```\n[1]"
    )
    assert draft.place((16, 20)) == (16, 20)


def sentence(text: str, kind: Kind = Kind.TEXT, *, passage: int = 0, start: int = 0) -> Candidate:
    return Candidate(passage=passage, start=start, end=start + len(text), text=text, score=0.5, kind=kind)


def test_a_list_is_quoted_line_by_line_with_one_marker() -> None:
    draft = Draft()
    draft.add("Gates are many.", 0, {0: 1.0}, {})
    lead = sentence("There are two kinds:", start=5)
    items = [sentence("update", Kind.ITEM, start=30), sentence("reset", Kind.ITEM, start=40)]
    assert draft.quote((lead, *items)) == " There are two kinds:\n- update\n- reset [1]"
    assert draft.quote((sentence("A gate\nis a vector."),)) == "\n\nA gate\nis a vector. [1]"
    assert draft.quote((items[0],)) == " update [1]"
    assert [draft.text[a:b] for a, b in draft.quoted] == [
        "There are two kinds:",
        "update",
        "reset",
        "A gate\nis a vector.",
        "update",
    ]
    assert draft.units == 4
    raw, last = QUOTED + 1, len("There are two kinds: update reset A gate")
    assert draft.place((raw, raw + 5)) == (draft.quoted[0][0], draft.quoted[0][0] + 5)
    assert draft.place((raw + last - 4, raw + last)) == (draft.quoted[3][0] + 2, draft.quoted[3][0] + 6)


def test_a_title_does_not_run_into_what_stands_below_it() -> None:
    title, text = sentence("Aphelion", Kind.TITLE), sentence("The farthest point of an orbit.", start=10)
    assert Draft().quote((title, text)) == "Aphelion\n\nThe farthest point of an orbit. [1]"


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        (("2.", "3."), "2. first\n3. second [1]"),
        (("2.", "4."), "- first\n- second [1]"),
        (("", "1."), "- first\n- second [1]"),
        (("1)", "2)"), "1) first\n2) second [1]"),
    ],
)
def test_items_keep_numbers_that_follow_each_other(numbers: tuple[str, str], shown: str) -> None:
    items = [
        replace(sentence(text, Kind.ITEM, start=20 * at), number=numbers[at])
        for at, text in enumerate(("first", "second"))
    ]
    assert Draft().quote(items) == shown


@pytest.mark.parametrize(
    ("written", "origin", "holds"),
    [
        ("The gate forgets old things.", "The gate forgets old things.", True),
        ("The gate forgets things.", "So the gate forgets old things.", True),
        ("The gate forgets.", "The gate forgets, and the cell keeps a running sum of all inputs.", False),
        ("The gate forgets cheerful owls at night.", "The gate forgets.", False),
        ("The gate $f_t$ forgets.", "The gate $f_t$ forgets.", True),
        ("The gate $f$ forgets.", "The gate $f_t$ forgets.", False),
        ("Keep ($f = 1$) or clear ($f = 0$).", "Keep ($f = 1$) or clear ($f = 0$).", True),
        ("Keep ($f = 0$) or clear ($f = 1$).", "Keep ($f = 1$) or clear ($f = 0$).", False),
        ("Keep ($f = 1$) or clear ($f = 1$).", "Keep ($f = 1$) or clear ($f = 0$).", False),
        ("The gate f_t} \\sigma forgets.", "The gate f_t} \\sigma forgets.", False),
        ("The gate $f_t forgets.", "The gate $f_t$ forgets.", False),
        ("The gate forgets and the gate forgets and the gate forgets.", "The gate forgets.", False),
        ("Myth: gates are walls.", "Myth: gates are walls.", False),
        ("With the gate the cell can only grow.", "Without the gate the cell can only grow.", False),
        ("The gate does not forget old things.", "The gate does forget old things.", False),
        ("The gate forgets old things.", "The gate doesn't forget old things.", False),
        ("Deeper nets learn richer features of images.", "Deeper nets learn richer features of images slowly.", False),
        ("The decoder reads the encoder.", "The encoder reads the decoder.", False),
        ("killed a third of Europe in four years.", "The Black Death killed a third of Europe in four years.", False),
        (
            "A mule lets a horse sleep all night long.",
            "A mule lets one work; a horse lets a horse sleep all night long.",
            False,
        ),
        (
            "Mules carry sacks of flour all day long.",
            "Mules carry sacks and horses carry sacks of flour all day long.",
            False,
        ),
        ("Mules eat hay all night long.", "Mules eat hay, horses sleep all night long.", False),
        ("A mule carries flour all day.", "A mule, which is half a horse, carries flour all day.", True),
        ("arta The Magna Carta was sealed in 1215.", "The Magna Carta was sealed in 1215.", False),
    ],
)
def test_a_written_sentence_stands_for_one_that_it_tells_whole(written: str, origin: str, holds: bool) -> None:
    assert intact(written, sentence(origin)) is holds
    assert not intact(written, sentence(origin, Kind.ITEM))


def test_the_last_sentence_may_still_grow() -> None:
    text = "One is here. Two is"
    assert [text[a:b] for a, b in complete_sentences(text, final=False)] == ["One is here."]
    assert [text[a:b] for a, b in complete_sentences(text, final=True)] == ["One is here.", "Two is"]


def test_merge_joins_over_white_space_trims_and_drops_scraps() -> None:
    assert merge([(4, 6), (0, 4), (0, 4), (11, 14)], "abc  d ef  ghi") == ((0, 6),)
    assert merge([(5, 8), (0, 4)], "abc  def gh") == ((0, 8),)
    assert merge([(9, 11), (0, 3)], "abc  def gh") == ((0, 3), (9, 11))
    assert merge([(3, 7), (10, 11)], "photosynthesis takes") == ((0, 14),), "whole words are marked"


def test_words_from_a_heading_do_not_open_a_sentence() -> None:
    title = Candidate(passage=1, start=0, end=5, text="Gates", score=1.0, kind=Kind.HEADING)
    gate = Candidate(passage=1, start=6, end=23, text="The gate forgets.", score=1.0)
    group = Chosen(passage=1, pieces=(Piece(text=title.text), Piece(text=gate.text)), candidates=(title, gate))
    prompt = build_prompt(Tokenizer.train(TEXTS, vocabulary=300), "What forgets?", [group.pieces])
    evidence = Evidence(prompt, [group])
    heading = [at for at, one in enumerate(evidence.sentences) if one == title]
    rest = [at for at, one in enumerate(evidence.sentences) if one == gate]
    words = copied(prompt, *heading, *rest)
    assert evidence.after_heading(words) == words[len(heading) :]
    assert evidence.after_heading(words[: len(heading)]) == []


def test_items_below_others_are_indented() -> None:
    draft = Draft()
    levels = (("Signs", 0), ("queen cells", 2), ("at the edge", 4), ("What to do", 0))
    draft.quote([replace(sentence(text, Kind.ITEM), level=level) for text, level in levels])
    assert draft.text == "- Signs\n   - queen cells\n      - at the edge\n- What to do [1]"
