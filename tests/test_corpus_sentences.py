"""Sentences, lines, equations and code blocks as a reader takes them in."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.sentences import sentence_spans


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One is here. Two, e.g. this one. Dr. Who?", ["One is here.", "Two, e.g. this one.", "Dr. Who?"]),
        ("It is 3.5 wide. Next", ["It is 3.5 wide.", "Next"]),
        ("A value $x. Y$ stays. `a. B` too.", ["A value $x. Y$ stays.", "`a. B` too."]),
        ("- first item\n- second item", ["- first item", "- second item"]),
        ("| a | b |\n| 1 | 2 |", ["| a | b |", "| 1 | 2 |"]),
        ("layers | units\none | two", ["layers | units", "one | two"]),
        ("The posterior p(w | x) of a long\nsentence", ["The posterior p(w | x) of a long\nsentence"]),
        ("Gate\tDoes what?\tUsed\nopen\tLets in? Yes.\tGRU", ["Gate\tDoes what?\tUsed", "open\tLets in? Yes.\tGRU"]),
        (
            "Step 1: score every one of the states of the encoder by its key\nStep 2: weigh",
            ["Step 1: score every one of the states of the encoder by its key", "Step 2: weigh"],
        ),
        ("# Title\nText under it.", ["# Title", "Text under it."]),
        ("The update is\n\n$$x = 1$$\n\nwhere x is one.", ["The update is\n\n$$x = 1$$", "where x is one."]),
        ("It ends. \n\n$$x = 1$$", ["It ends.", "$$x = 1$$"]),
        ("```\na = 1. B\n\nc\n```\nAfter.", ["```\na = 1. B\n\nc\n```", "After."]),
        (
            "\\begin{itemize}\n\\item One thing. More of it.\n\\item Another\n\\end{itemize}",
            ["\\begin{itemize}", "\\item One thing.", "More of it.", "\\item Another", "\\end{itemize}"],
        ),
        ("\\begin{align}\na &= b. \\\\\nC &= d\n\\end{align}", ["\\begin{align}\na &= b. \\\\\nC &= d\n\\end{align}"]),
        (
            "This line is long enough to be wrapped by an editor at eighty\ncharacters and goes on here.",
            ["This line is long enough to be wrapped by an editor at eighty\ncharacters and goes on here."],
        ),
        (
            "\\begin{theorem}\nIt is so. That is all.\n\\end{theorem}",
            ["\\begin{theorem}", "It is so.", "That is all.", "\\end{theorem}"],
        ),
        ("```python\nx = 1\n\nAfter it. All is well.", ["```python\nx = 1", "After it.", "All is well."]),
        ("````\n```\nin. A\n```\n````\nAfter.", ["````\n```\nin. A\n```\n````", "After."]),
        ("It boils at 78 °C. Its colour is red.", ["It boils at 78 °C.", "Its colour is red."]),
        ("We need vitamin C. It helps.", ["We need vitamin C.", "It helps."]),
        ("The war began in Sept. The peace came late.", ["The war began in Sept.", "The peace came late."]),
        ("On Sept. 3 Gen. Lee and Capt. Ahab met.", ["On Sept. 3 Gen. Lee and Capt. Ahab met."]),
        ("See J. Smith, e.g. The Wall. Dr. Who?", ["See J. Smith, e.g. The Wall.", "Dr. Who?"]),
        ("Brown v. Board of Education. The end.", ["Brown v. Board of Education.", "The end."]),
        ("Take the vector v. Double it.", ["Take the vector v.", "Double it."]),
        ("Born (b. Ulm, c. 1879), see pp. 5 and p. 7.", ["Born (b. Ulm, c. 1879), see pp. 5 and p. 7."]),
        ("Acme Ltd. Its Dept. of Art. 5 is at Univ. Park.", ["Acme Ltd.", "Its Dept. of Art. 5 is at Univ. Park."]),
        ("Tiere, z. B. Hunde, d. h. Säuger. Am 3. Oktober.", ["Tiere, z. B. Hunde, d. h. Säuger.", "Am 3. Oktober."]),
        ("World War I. It ended. By K. He et al. In all.", ["World War I.", "It ended.", "By K. He et al.", "In all."]),
        ("Is it? No. Gradients flow. A. The first.", ["Is it?", "No.", "Gradients flow.", "A. The first."]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_cuts(text: str, parts: list[str]) -> None:
    assert cut(text) == parts


@given(st.text(alphabet="aB. \n$`#|-\\{}[]1é", max_size=120))
def test_nothing_is_lost_and_nothing_overlaps(text: str) -> None:
    position = 0
    for start, end in sentence_spans(text):
        assert position <= start < end <= len(text)
        assert not text[position:start].strip()
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()


SPOKEN = (
    "today we talk about volcanoes and a volcano is an opening in the crust where magma comes out okay and there are"
    " three main types the shield volcanoes which are broad and gentle then the layered ones which are steep and"
    " explosive so why do some of them explode well it depends on the $a b$ viscosity and that depends on silica"
)


def test_speech_without_marks_is_cut_into_pieces() -> None:
    assert cut(SPOKEN) == [
        "today we talk about volcanoes and a volcano is an opening in the crust where magma comes out okay",
        "and there are three main types the shield volcanoes which are broad and gentle then the layered ones which are"
        " steep and explosive",
        "so why do some of them explode well it depends on the $a b$ viscosity and that depends on silica",
    ]
    words = SPOKEN.split()
    captions = [" ".join(words[at : at + 7]) for at in range(0, len(words), 7)]
    parts = cut("\n".join(captions))
    assert [line for part in parts for line in part.split("\n")] == captions
    assert all(10 < len(part.split()) < 42 for part in parts)
    assert cut(f"- {SPOKEN}") == [f"- {SPOKEN}"]
    sentence = f"{SPOKEN}, and so on."
    assert cut(sentence) == [sentence]


def test_formulas_are_not_cut_in_speech() -> None:
    text = "and $a + b + c + d$ " * 60
    parts = cut(text)
    assert len(parts) > 10
    assert {part.count("$") % 2 for part in parts} == {0}


@pytest.mark.parametrize("mark", ["\\[ x ", "$$ ", "\\begin{align} ", "```\nx\n\n", "~~~a\n", "a A. ", "so "])
def test_the_time_grows_with_the_text(mark: str) -> None:
    def seconds(size: int) -> float:
        text = (mark * size)[:size]
        began = time.thread_time()
        sentence_spans(text)
        return time.thread_time() - began

    assert min(seconds(160_000) for _ in range(2)) < 24 * max(min(seconds(20_000) for _ in range(3)), 0.005)


def test_a_label_stays_with_what_it_labels() -> None:
    text = "**Theorem (Coase).** If trade is free, the outcome is efficient. This is **bold.** And more."
    assert [text[a:b] for a, b in sentence_spans(text)] == [
        "**Theorem (Coase).** If trade is free, the outcome is efficient.",
        "This is **bold.**",
        "And more.",
    ]


def test_a_question_in_bold_is_one_sentence() -> None:
    text = "**It does not learn. What is wrong?** Mostly the rate. Lower it."
    assert cut(text) == ["**It does not learn. What is wrong?**", "Mostly the rate.", "Lower it."]


def test_speech_is_cut_before_a_clause() -> None:
    before = "if the core of it has less than about two to three solar masses it is what they call a neutron star"
    after = (
        "that is about twenty kilometres across for it was pressed by its own weight until it had the size of a town"
    )
    more = "from which a spoonful weighs a billion tons"
    assert cut(f"{before} {after} {more}")[0] == before


def test_a_matrix_in_a_line_is_part_of_its_sentence_and_cells_stay_in_their_row() -> None:
    said = ["The matrix $\\begin{pmatrix}1 & 2\\end{pmatrix}$ turns it.", "So it does."]
    assert [" ".join(said)[a:b] for a, b in sentence_spans(" ".join(said))] == said
    row = "$\\begin{cases} x & x > 0 \\\\ 0 & x < 0 \\end{cases}$\t$\\frac{x}{2}$\t$x$"
    assert sentence_spans(row) == [(0, len(row))]
