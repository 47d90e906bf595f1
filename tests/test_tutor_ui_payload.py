import base64
import json
from dataclasses import replace

import numpy as np
import pytest
from fake_tutor import HOSTILE, PASSAGES, SENTENCE, answer_for, passage, with_gates

from tutor.answer import Answer, Citation, PromptToken, Ranked, Step, Trace
from tutor.ui.payload import pack, panel_json, payload, prompt_texts, runs, visible

QUESTION = "What does the forget gate do?"


def unpack(packed):
    """The weights as the page reads them, [T, S] with zeros for what was not sent."""
    shape = (packed["steps"], packed["keep"])
    positions = np.frombuffer(base64.b64decode(packed["positions"]), "<u2").reshape(shape).astype(np.int64)
    weights = (np.frombuffer(base64.b64decode(packed["weights"]), np.uint8).reshape(shape) / 255) ** 2
    full = np.zeros((shape[0], int(positions.max()) + 1))
    np.put_along_axis(full, positions, weights, axis=-1)
    return full


def marked(found, lowest=1):
    return "".join(text for text, level, _ in found if level >= lowest)


def test_runs_are_the_passage_and_mark_the_cited_words() -> None:
    found = payload(answer_for(QUESTION), 0)["passages"][0]
    assert "".join(text for text, *_ in found["runs"]) == PASSAGES[0].text.replace("\x00", "\ufffd")
    assert marked(found["runs"]) == SENTENCE
    assert found["number"] == 1


def test_marks_survive_characters_outside_the_basic_plane() -> None:
    """A browser counts 𝑥 as two units; cut in Python, the mark still starts at the right word."""
    text = "𝑥𝑥𝑥 gate"
    level = np.array([0] * 4 + [1] * 4, dtype=np.int8)
    assert runs(passage(1, text), level) == [("𝑥𝑥𝑥 ", 0, ""), ("gate", 1, "")]


def test_a_formula_is_one_piece_of_its_highest_level_and_a_heading_is_told_from_text() -> None:
    text = "## Part $p$\n\n# Part 1\n$a$$b_t$ for $5 and $6, `$c$` \\(d\\)\n$$\ne\n$$"
    level = np.zeros(len(text), dtype=np.int8)
    level[text.index("b_t") + 1] = 3
    found = runs(passage(1, text), level)
    assert "".join(piece for piece, *_ in found) == text
    assert [one for one in found if one[2]] == [
        ("## ", 0, "sign"),
        ("Part ", 0, "headline"),
        ("$p$", 0, "formula"),
        ("# ", 0, "sign"),
        ("Part 1", 0, "headline"),
        ("$a$", 0, "formula"),
        ("$b_t$", 3, "formula"),
        ("`", 0, "sign"),
        ("$c$", 0, "code"),
        ("`", 0, "sign"),
        ("\\(d\\)", 0, "formula"),
        ("$$\ne\n$$", 0, "formula"),
    ]


def test_marks_reach_into_cells_and_code() -> None:
    text = "| gate | role |\n|---|---|\n| forget | keeps |\n\n```python\nkeep = 1\n```\n"
    level = np.zeros(len(text), dtype=np.int8)
    level[text.index("forget") : text.index("keep = ") + 4] = 2
    found = runs(passage(1, text), level)
    assert "".join(piece for piece, *_ in found) == text
    assert [one for one in found if one[1]] == [
        ("forget", 2, ""), ("keeps", 2, ""), ("\n", 2, ""), ("keep", 2, ""),
    ]  # fmt: skip


def test_passages_have_names_that_tell_them_apart() -> None:
    one, page = PASSAGES[1], replace(PASSAGES[1].locator, page=3)
    other = replace(one, document="Gates")
    paged = replace(one, locator=page)
    said = replace(one, text="Other words.")

    def named(*passages):
        ranked = tuple(Ranked(passage=each, score=1.0) for each in passages)
        return [
            each["name"] for each in payload(replace(answer_for(QUESTION), passages=ranked, trace=None), 0)["passages"]
        ]

    assert named(one, PASSAGES[2]) == ["Part 2", "Part 3"]
    assert named(one, other) == ["Part 2 (Long short-term memory)", "Part 2 (Gates)"]
    assert named(one, paged) == ["Part 2", "Part 2 (page 3)"]
    assert named(one, said) == ["Part 2 (“A gate is a vector of …”)", "Part 2 (“Other words.”)"]
    assert named(one, one, PASSAGES[0]) == ["Part 2 (1 by rank)", "Part 2 (2 by rank)", "Part 1"]


def test_marks_are_stronger_where_more_was_copied_and_whole_words_share_a_level() -> None:
    one = passage(7, "alpha beta gamma")
    tokens = [("alpha", 0, 5), ("be", 6, 8), ("ta", 8, 10), ("gamma", 11, 16)]
    prompt = tuple(PromptToken(text=text, passage=0, start=start, end=end) for text, start, end in tokens)
    copy = np.array([0.05, 0.7, 0.0, 0.25], dtype=np.float32)
    answer = cited(one, ((0, 16),), prompt, copy)
    assert payload(answer, 0)["passages"][0]["runs"] == [("alpha ", 1, ""), ("beta", 3, ""), (" gamma", 2, "")]


def cited(one, spans, prompt, copy, heads=1):
    step = Step(
        text=" beta", probability=1.0, p_copy=1.0, copy=copy, attention=np.ones((1, heads, len(copy)), np.float32),
        alternatives=(), start=0, end=4,
    )  # fmt: skip
    citation = Citation(number=1, passage=one, answer_spans=(), passage_spans=spans, weight=1.0)
    trace = Trace(prompt=prompt, steps=(step,))
    return Answer(question="q", text="beta", refused=False, citations=(citation,),
                  passages=(Ranked(passage=one, score=1.0),), trace=trace)  # fmt: skip


def test_an_uncited_passage_has_no_marks_and_no_number() -> None:
    last = payload(answer_for(QUESTION), 0)["passages"][2]
    assert last["number"] is None
    assert marked(last["runs"]) == ""


def test_hostile_text_arrives_whole_and_inert() -> None:
    text = panel_json(answer_for(f"{QUESTION} {HOSTILE} \ud800"), 3)
    assert "<" not in text
    assert "\x00" not in text
    found = json.loads(text)
    assert found["turn"] == 3
    shown = "".join(run for run, *_ in found["passages"][0]["runs"])
    assert shown.startswith(visible(HOSTILE))
    for fragment in ("</script>", "${alert(1)}", "{{value}}", "`tick`", "\\u0041"):
        assert fragment in shown


def test_copy_weights_come_back_within_a_hundredth() -> None:
    answer = answer_for(QUESTION)
    assert answer.trace is not None
    sent = unpack(payload(answer, 0)["trace"]["copy"])
    given = np.stack([step.copy for step in answer.trace.steps])
    assert np.abs(sent - given[:, : sent.shape[1]]).max() < 0.01


def test_pack_keeps_the_largest_weights_of_every_token() -> None:
    weights = np.random.default_rng(0).random((5, 100)).astype(np.float32)
    packed = pack(weights, budget=3 * 5 * 10)
    assert packed["keep"] == 10
    sent = unpack(packed)
    for number, row in enumerate(weights):
        assert set(np.flatnonzero(sent[number])) == set(np.argsort(-row)[:10])
    assert pack(weights, budget=0)["keep"] == 8
    assert pack(weights[:, :3], budget=10**6)["keep"] == 3


@pytest.mark.parametrize(("steps", "layers", "heads", "size"), [(200, 12, 12, 1500), (64, 8, 8, 512), (1, 1, 1, 3)])
def test_the_payload_stays_small(steps: int, layers: int, heads: int, size: int) -> None:
    one = passage(1, "gate " * 400)
    prompt = tuple(
        PromptToken(text=" gate", passage=0, start=5 * (n % 400), end=5 * (n % 400) + 4) for n in range(size)
    )
    step = Step(
        text=" gate",
        probability=0.9,
        p_copy=0.9,
        copy=np.full(size, 1 / size, np.float32),
        attention=np.full((layers, heads, size), 1 / size, np.float32),
        alternatives=((" gate", 0.9),) * 5,
        start=0,
        end=4,
    )
    answer = replace(cited(one, (), prompt, step.copy), trace=Trace(prompt=prompt, steps=(step,) * steps))
    assert len(panel_json(answer, 0)) < 110_000


def test_the_payload_says_what_more_there_is_to_ask_for() -> None:
    found = payload(answer_for(QUESTION), 0, "key")
    assert found["key"] == "key"
    assert (found["trace"]["layers"], found["trace"]["heads"], found["trace"]["gates"]) == (3, 4, [])
    found = payload(with_gates(answer_for(QUESTION)), 0)
    assert (found["trace"]["layers"], found["trace"]["heads"]) == (1, 1)
    assert found["trace"]["gates"] == ["reset", "update", "candidate", "hidden"]


def test_a_passage_says_where_it_stands() -> None:
    place = replace(PASSAGES[0].locator, source="week1.pdf", page=7, last=8)
    one = replace(PASSAGES[0], locator=place)
    answer = replace(answer_for(QUESTION), passages=(Ranked(passage=one, score=1.0),), citations=(), trace=None)
    (found,) = payload(answer, 0)["passages"]
    assert (found["course"], found["page"], found["last"]) == ("Sequence models", 7, 8)
    assert found["place"] == "week1.pdf, page 7-8, Long short-term memory > Part 1"


def test_shares_of_the_answer_add_up_to_one() -> None:
    trace = payload(answer_for(QUESTION), 0)["trace"]
    special = 1 - sum(trace["mass"]) - trace["question"] - trace["vocabulary"]
    assert 0 <= special < 0.03


def test_prompt_tokens_are_spelled_as_in_the_passage_with_the_gaps_between() -> None:
    text = "One two.\n\nThree four. Five"
    spans = [(0, 3), (3, 7), (7, 8), (22, 26)]
    prompt = (
        PromptToken(text="<|question|>", passage=None, start=0, end=0),
        PromptToken(text=" why", passage=None, start=0, end=3, in_question=True),
        *(PromptToken(text="?", passage=0, start=start, end=end) for start, end in spans),
    )
    assert prompt_texts(prompt, [text]) == [
        ("", "<|question|>"), (" ", "why"), ("", "One"), (" ", "two"), ("", "."), (" … ", "Five"),
    ]  # fmt: skip


def test_words_left_out_of_the_answer_are_told_apart() -> None:
    one = passage(7, "alpha beta")
    prompt = (PromptToken(text="beta", passage=0, start=6, end=10),)
    answer = cited(one, (), prompt, np.ones(1, np.float32))
    assert answer.trace is not None
    step = answer.trace.steps[0]
    steps = (step, replace(step, text=" gamma"), replace(step, text="<|end|>", start=4, end=4))
    found = payload(replace(answer, trace=Trace(prompt=prompt, steps=steps)), 0)["trace"]["steps"]
    assert [one["kept"] for one in found] == [True, False, True]


def test_a_refusal_has_passages_and_no_trace() -> None:
    found = payload(answer_for("How do I cook pasta?"), 1)
    assert found["refused"]
    assert found["trace"] is None
    assert len(found["passages"]) == 3
