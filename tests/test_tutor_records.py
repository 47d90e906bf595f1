"""Drafts and records: fair, aligned, with and without the answer, ranked or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prepare_samples import CONTEXTS, reading_file, small_pieces

from lm.data import reading_example
from lm.tokenizer import NONE
from tutor.items import Item, Paragraphs, read_items
from tutor.mixture import Prompts
from tutor.records import Draft, Found, Maker, align


def maker(folder: Path, seed: int = 0, **settings: Any) -> tuple[Maker, list[Item]]:
    paragraphs = Paragraphs()
    items = list(read_items(reading_file(folder), paragraphs))
    return Maker(paragraphs, small_pieces(), Prompts(**settings), seed), items


def scores(made: Maker, draft: Draft) -> list[np.ndarray[Any, Any]]:
    """Made up; the first sentence of each passage is the best."""
    return [-np.arange(len(made.paragraphs.sentences[number]), dtype=np.float32) for number in draft.passages]


def test_answers_stand_where_the_spans_say(tmp_path: Path) -> None:
    made, items = maker(tmp_path)
    kinds = set()
    for _ in range(60):
        for item in items:
            draft = made.draft(item)
            assert draft is not None
            one = made.record(draft, scores(made, draft) if draft.ranked else None)
            assert one is not None
            kinds.add((one["mode"], one["answer"] is None))
            pieces = [piece[0] for source in one["sources"] for piece in source]
            assert item.gold is not None
            if one["answer"] is None:
                said = made.paragraphs.texts[item.context][slice(*item.gold)]
                assert not any(said in piece for piece in pieces)
                continue
            for start, end, source, piece, offset in one["spans"]:
                text = one["sources"][source][piece][0]
                assert text[offset : offset + end - start] == one["answer"][start:end]
            example = reading_example(made.tokenizer, one)
            assert all(
                example.prompt[pointer] == token
                for token, pointer in zip(example.answer, example.pointers, strict=True)
                if pointer >= 0
            )
            assert max(example.pointers) >= 0
    assert {mode for mode, _ in kinds} == {"short", "full"}
    assert {True, False} == {none for _, none in kinds}


def test_an_unanswerable_record_asks_for_the_no_answer_token(tmp_path: Path) -> None:
    made, items = maker(tmp_path)
    drafts = [draft for _ in range(200) if (draft := made.draft(items[0]))]
    without = [draft for draft in drafts if draft.answer is None and not draft.quote]
    assert 0.1 < len(without) / 200 < 0.3
    record = made.record(without[0], None)
    assert record
    assert reading_example(made.tokenizer, record).answer == [NONE]


def test_shares_of_the_settings_are_kept(tmp_path: Path) -> None:
    made, items = maker(tmp_path, no_answer=0.0, short=1.0, unranked=0.4, budgets=(64,), distractors=(0.0, 0.0, 1.0))
    drafts = [draft for _ in range(300) if (draft := made.draft(items[0]))]
    assert {len(draft.passages) for draft in drafts} == {3}
    assert {(draft.mode, draft.budget, draft.quote) for draft in drafts} == {("short", 64, True)}
    assert 0.3 < sum(not draft.ranked for draft in drafts) / 300 < 0.5
    unranked = [made.draft(items[0], unranked=1.0) for _ in range(50)]
    assert not any(draft.ranked for draft in unranked if draft)
    places = [draft.passages.index(items[0].context) for draft in drafts]
    assert min(places.count(place) for place in range(3)) > 60


def test_without_scores_the_prompt_is_filled_around_the_answer_and_not_ranked() -> None:
    paragraphs = Paragraphs()
    text = " ".join(f"Sentence number {number} says a little of its own." for number in range(40))
    start = text.index("Sentence number 23")
    place = paragraphs.add("long", "a", text)
    item = Item(source="long", title="a", context=place, question="Which?", gold=(start, start + 18), answer=None)
    made = Maker(paragraphs, small_pieces(), Prompts(no_answer=0.0, distractors=(1.0,), budgets=(120,)), 0)
    draft = made.draft(item, unranked=1.0)
    assert draft is not None
    record = made.record(draft, None)
    assert record is not None
    (pieces,) = record["sources"]
    assert {rank for _, rank, _ in pieces} == {0}
    assert not any(gap for _, _, gap in pieces)
    shown = [int(piece[0].split()[2]) for piece in pieces]
    assert 23 in shown
    assert max(shown) - min(shown) == len(shown) - 1 < 12


def test_drawn_scores_put_what_answers_ahead_by_the_gain(tmp_path: Path) -> None:
    made, items = maker(tmp_path, no_answer=0.0, distractors=(0.0, 1.0))
    first = {}
    for gain in (0.0, 2.4, 9.0):
        best = []
        for _ in range(300):
            draft = made.draft(items[0])
            assert draft is not None
            scores = made.drawn_scores(draft, gain)
            assert all(bool(((part > 0) & (part < 1)).all()) for part in scores)
            flat = [(float(score), number, at) for number, part in zip(draft.passages, scores, strict=True)
                    for at, score in enumerate(part)]  # fmt: skip
            best.append(max(flat)[1:] == (items[0].context, 0))
        first[gain] = sum(best) / len(best)
    # Six sentences, one of which answers.
    assert 0.08 < first[0.0] < 0.26
    assert 0.75 < first[2.4] < 0.95
    assert first[9.0] == 1.0


def test_an_answer_in_other_words_has_what_it_rests_on_in_its_prompt(tmp_path: Path) -> None:
    paragraphs = Paragraphs()
    filler = "A sentence of no importance stands here. " * 30
    said = "Yeast makes the dough rise slowly. "
    place = paragraphs.add("free", "a", filler + said + filler)
    item = Item(
        source="free", title="a", context=place, question="Why?", gold=None,
        also=((len(filler), len(filler) + 30),), answer="Because yeast makes the dough rise.",
    )  # fmt: skip
    made = Maker(paragraphs, small_pieces(), Prompts(no_answer=0.0, budgets=(60,)), 0)
    draft = made.draft(item)
    assert draft is not None
    record = made.record(draft, scores(made, draft))
    assert record is not None
    assert said.strip() in [piece[0] for source in record["sources"] for piece in source]
    assert record["answer"] == item.answer
    assert [record["answer"][a:b] for a, b, *_ in record["spans"]] == ["east makes the dough rise"]
    assert made.draft(Item(**(vars(item) | {"also": ()}))) is None


@pytest.fixture
def found() -> tuple[Paragraphs, Found]:
    paragraphs = Paragraphs()
    numbers = tuple(paragraphs.add("course", "l", f"Passage {word}. More on it.") for word in "abcdefg")
    places = ((numbers[6], (0, 10)), (numbers[1], (0, 10)))
    return paragraphs, Found(
        source="course", title="l", question="Who?", passages=numbers[:5], places=places,
        answer="Passage b says it.", facts=("says",), answerable=True,
    )  # fmt: skip


def test_course_questions_keep_the_order_of_the_search_with_an_answer_among_them(
    found: tuple[Paragraphs, Found],
) -> None:
    paragraphs, one = found
    made = Maker(paragraphs, small_pieces(), Prompts(no_answer=0.3), 0)
    kinds = set()
    for _ in range(100):
        draft = made.draft(one)
        assert draft is not None
        golden = {1, 6} & set(draft.passages)
        kinds.add((draft.answer is None, bool(golden)))
        assert {number for number, _ in draft.places} == (golden if draft.answer else set())
        if 6 not in draft.passages:
            assert list(draft.passages) == sorted(draft.passages)
    assert kinds == {(True, False), (False, True)}


def test_a_question_that_the_other_passages_answer_too_is_no_unanswerable_one(
    found: tuple[Paragraphs, Found],
) -> None:
    paragraphs, one = found
    made = Maker(paragraphs, small_pieces(), Prompts(no_answer=1.0), 0)
    assert made.draft(one) is not None
    assert made.draft(Found(**(vars(one) | {"facts": ("PASSAGE", "more")}))) is None
    assert made.draft(Found(**(vars(one) | {"facts": (), "places": (), "answerable": False}))) is not None


def test_align_finds_the_parts_of_a_free_answer() -> None:
    piece = "The forget gate decides what is kept, and that is all."
    answer = "Here the forget gate decides what is kept."
    spans = align(answer, [["Something else."], [piece]])
    assert [answer[a:b] for a, b, *_ in spans] == ["he forget gate decides what is kept"]
    start, end, source, number, offset = spans[0]
    assert (source, number) == (1, 0)
    assert piece[offset : offset + end - start] == answer[start:end]


def test_every_record_of_the_samples_can_be_packed(tmp_path: Path) -> None:
    made, items = maker(tmp_path)
    for item in items * 10:
        draft = made.draft(item)
        assert draft
        record = made.record(draft, scores(made, draft))
        assert record
        ranks = [rank for source in record["sources"] for _, rank, _ in source]
        assert sorted(ranks) == (list(range(1, len(ranks) + 1)) if draft.ranked else [0] * len(ranks))
    assert len(CONTEXTS) == len(items)
