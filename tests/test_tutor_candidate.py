"""What a sentence is on its page."""

import pytest

from corpus.document import Locator, Passage
from corpus.sentences import sentence_spans
from index.hits import Hit, SentenceScore
from tutor.candidate import Candidate, Kind, candidate, connected, folded
from tutor.odds import log_odds, read_hits, sigmoid


def of(text: str, part: str, headings: frozenset[str] = frozenset()) -> Candidate | None:
    start = text.index(part)
    return candidate(0, text, start, start + len(part), 0.5, headings)


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("- ▶ a gate closes", "a gate closes"),
        ("2) the second step", "the second step"),
        ("## Forget gate", None),
        ("---", None),
        ("| | |", None),
        ("-5 is negative", "-5 is negative"),
        ("$$x = 1$$", "$$x = 1$$"),
        ("![](gate.svg)", None),
        ("[![a gate](gate.svg)](gates.html) ![](b.png)", None),
        (
            "![a gate that shuts when the bird has flown](gate.svg)",
            "![a gate that shuts when the bird has flown](gate.svg)",
        ),
        ("![](gate.svg) A gate.", "![](gate.svg) A gate."),
        ("![" + 4000 * "a", "![" + 4000 * "a"),
    ],
)
def test_markers_go_and_headings_answer_nothing(line: str, kept: str | None) -> None:
    text = "before " + line
    found = candidate(0, text, 7, len(text), 0.5)
    assert (found.text if found else None) == kept
    if found:
        assert text[found.start : found.end] == found.text


def test_tex_commands_that_frame_text_answer_nothing() -> None:
    for line in ("\\section{Gates}", "\\begin{itemize}", "\\end{itemize}"):
        assert candidate(0, line, 0, len(line), 0.5) is None
    equation = "\\begin{equation} a = b \\end{equation}"
    assert candidate(0, equation, 0, len(equation), 0.5) is not None
    item = candidate(0, "\\item A gate closes.", 0, 20, 0.5)
    assert item is not None
    assert (item.text, item.kind) == ("A gate closes.", Kind.ITEM)


SLIDE = """Types of gates

- reset
- update

Three steps:

A gate closes. Then it opens.
Gates (again)
$x = 1$
the gate of a cell that is opened by the one before it
A gate is closed after the birds have flown through it by

Step 2: close it
"""


@pytest.mark.parametrize(
    ("part", "kind", "leads"),
    [
        ("Types of gates", Kind.TITLE, True),
        ("- reset", Kind.ITEM, False),
        ("Three steps:", Kind.TEXT, True),
        ("Step 2: close it", Kind.ITEM, False),
        ("A gate closes.", Kind.TEXT, False),
        ("Then it opens.", Kind.TEXT, False),
        ("Gates (again)", Kind.TITLE, True),
        ("$x = 1$", Kind.TEXT, False),
        ("the gate of a cell that is opened by the one before it", Kind.TEXT, False),
        ("A gate is closed after the birds have flown through it by", Kind.TEXT, True),
    ],
)
def test_titles_items_and_leads_are_told_from_text(part: str, kind: Kind, leads: bool) -> None:
    found = of(SLIDE, part)
    assert found is not None
    assert (found.kind, found.leads) == (kind, leads)


def test_a_heading_of_the_passage_is_one() -> None:
    found = of("Forget  Gate\n\nIt forgets.", "Forget  Gate", frozenset({folded("Forget gate")}))
    assert found is not None
    assert found.kind is Kind.HEADING


def test_log_odds_and_back() -> None:
    assert log_odds(0.5) == 0
    assert sigmoid(log_odds(0.137)) == pytest.approx(0.137)
    assert log_odds(0.0) == pytest.approx(-log_odds(1.0))


def test_the_search_moves_what_the_ranker_says_of_a_sentence() -> None:
    def hit(searched: float, *sentences: SentenceScore) -> Hit:
        locator = Locator(source="gates.md", start=0, end=10)
        passage = Passage(passage_id="1", document="Gates", text="Gates shut", locator=locator)
        return Hit(passage=passage, score=0.9, searched=searched, dense=0.5, lexical=0.0, sentences=sentences)

    def said(score: float) -> SentenceScore:
        return SentenceScore(start=0, end=10, score=score, answers=0.5)

    near, far, behind = (one.score for one in read_hits([hit(0.8, said(0.7), said(0.2)), hit(0.7, said(0.7))], ""))
    assert near > 0.5 > far
    assert near > behind > 0
    (unread,) = read_hits([hit(0.8, SentenceScore(start=0, end=10, score=0.3))], "")
    assert unread.score == 0.3
    (told,) = read_hits([hit(0.8, said(0.7))], "", told="As you know,\n\\(gates\\)  shut.")
    (new,) = read_hits([hit(0.8, said(0.7))], "", told="Gates open.")
    assert told.score < new.score == near


def test_a_list_ends_at_a_heading_and_keeps_its_numbers() -> None:
    text = "## Knives\n\n1. bread knife\n2. paring knife\n\n## Pans\n\n- frying pan"
    locator = Locator(source="kitchen.md", start=0, end=len(text))
    passage = Passage(passage_id="1", document="Kitchen", text=text, locator=locator)
    sentences = tuple(SentenceScore(start=start, end=end, score=0.5) for start, end in sentence_spans(text))
    found = read_hits([Hit(passage=passage, score=1, searched=1, dense=1, lexical=0, sentences=sentences)], "")
    assert [one.number for one in found] == ["1.", "2.", ""]
    first, second, third = (one.listing for one in found)
    assert first == second >= 0
    assert third not in (-1, first)


def test_short_lines_right_below_each_other_are_a_list() -> None:
    text = "Five mother sauces\n\nBéchamel\nVelouté\nEspagnole\n\nThickening\nwith roux\n\nA roux is flour in fat."
    locator = Locator(source="sauces.pdf", start=0, end=len(text))
    passage = Passage(passage_id="1", document="Sauces", text=text, locator=locator)
    sentences = tuple(SentenceScore(start=start, end=end, score=0.5) for start, end in sentence_spans(text))
    found = read_hits([Hit(passage=passage, score=1, searched=1, dense=1, lexical=0, sentences=sentences)], "")
    kinds = {one.text: one.kind for one in found}
    assert [text for text, kind in kinds.items() if kind is Kind.ITEM] == ["Béchamel", "Velouté", "Espagnole"]
    assert kinds["Five mother sauces"] is Kind.TITLE
    assert len({one.listing for one in found if one.kind is Kind.ITEM}) == 1


def test_what_points_back_knows_to_what() -> None:
    cold = "The Cold War began in 1947. It ended in 1991. They feared it. "
    text = cold + "The Korean War began in 1950.\n\nIts end was 1953."
    locator = Locator(source="wars.md", start=0, end=len(text))
    passage = Passage(passage_id="1", document="Wars", text=text, locator=locator)
    sentences = tuple(SentenceScore(start=start, end=end, score=0.5) for start, end in sentence_spans(text))
    found = read_hits([Hit(passage=passage, score=1, searched=1, dense=1, lexical=0, sentences=sentences)], "")
    assert [one.antecedent for one in found] == [-1, 0, 0, -1, found[3].start]


NESTED = """Swarming

- Signs to look for. They come in May.
  - queen cells
  - idle bees
- What to do
  Give room in time.
"""


def test_an_item_keeps_its_sentences_and_what_is_indented_below_it() -> None:
    read = [candidate(0, NESTED, start, end, 0.5) for start, end in sentence_spans(NESTED)]
    title, signs, queens, idle, todo = connected(read, NESTED)
    assert title.kind is Kind.TITLE
    assert (signs.text, signs.level) == ("Signs to look for. They come in May.", 0)
    assert all(NESTED[one.start : one.end] == one.text for one in (signs, todo))
    assert [signs.above(one) for one in (signs, queens, idle, todo)] == [False, True, True, False]
    assert not idle.above(queens)
    assert todo.text.endswith("Give room in time.")


HONEY = """# {title}

- Nectar is sucked up
- Enzymes split it

Bees do much else.
"""


@pytest.mark.parametrize(
    ("title", "question", "lifted"),
    [
        ("How bees make honey", "How do bees make honey?", True),
        ("Part A: Honey", "What is the honey made from?", True),
        ("Bees vs. honey", "How do bees and honey differ?", True),
        ("Honey", "How do all the bees of a hive make honey together?", False),
        ("How bees make wax and honey", "How do bees make honey?", False),
        ("How bees make honey", "When do bees make honey?", False),
    ],
)
def test_items_are_likely_below_a_title_that_is_asked(title: str, question: str, lifted: bool) -> None:
    text = HONEY.format(title=title)
    odds = {"- Nectar is sucked up": 0.8, "- Enzymes split it": 0.01, "Bees do much else.": 0.01}
    spans = [
        SentenceScore(start=a, end=b, score=0.45, answers=odds.get(text[a:b], 0.001)) for a, b in sentence_spans(text)
    ]
    locator = Locator(source="bees.md", start=0, end=len(text), headings=(title,))
    passage = Passage(passage_id="p", document="Bees", text=text, locator=locator)
    hit = Hit(passage=passage, score=1.0, searched=1.0, dense=0.5, lexical=0.5, sentences=tuple(spans))
    read = {one.text: log_odds(one.score) for one in read_hits([hit], question)}
    assert (read["Enzymes split it"] > -2) is lifted
    assert read["Bees do much else."] < -3


@pytest.mark.parametrize(("before", "title"), [("", True), ("Outline\nWhy not scan?\n", False)])
def test_the_first_line_of_a_list_without_marks_may_be_its_title(before: str, title: bool) -> None:
    text = f"{before}The inverted index\nMaps terms\nKeeps them sorted"
    sentences = tuple(SentenceScore(start=a, end=b, score=0.5) for a, b in sentence_spans(text))
    passage = Passage(
        passage_id="p", document="Search", text=text, locator=Locator(source="a.txt", start=0, end=len(text))
    )
    hit = Hit(passage=passage, score=1.0, searched=1.0, dense=0.5, lexical=0.5, sentences=sentences)
    kinds = {one.text: one.kind for one in read_hits([hit], "What is the inverted index?")}
    assert (kinds["The inverted index"] is Kind.TITLE) is title
