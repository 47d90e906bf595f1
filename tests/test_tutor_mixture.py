"""Mixtures: what ships can be read, and what is wrong is named in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

import tutor.mixture
from tutor.mixture import MixtureError, Scores, read_mixture

SHIPPED = sorted((Path(tutor.mixture.__file__).parent / "mixtures").glob("*.toml"))
GOOD = """
seed = 3
[tokenizer]
pieces = 400
[prompt]
budgets = [64]
[scores]
by = "none"
[text]
"a.jsonl.xz" = 2
[outputs.train]
text = 0.1
[outputs.more]
[[source]]
kind = "reading"
file = "q.jsonl.gz"
examples = { train = 5, more = 7 }
unranked = 0.5
[[source]]
kind = "ask"
of = "course"
examples = 4
"""


def test_what_ships_can_be_read() -> None:
    assert [path.name for path in SHIPPED] == ["base.toml", "reading.toml", "small.toml"]
    base, reading, small = map(read_mixture, SHIPPED)
    assert list(small.outputs) == list(reading.outputs) == ["train"]
    assert {source.kind for source in reading.sources} == {"reading"}
    assert list(base.outputs) == ["pretraining", "finishing"]
    assert base.tokenizer.pieces == 8192
    kinds = {source.kind for source in small.sources}
    assert kinds == {source.kind for source in base.sources} == set(tutor.mixture.SOURCES)


def test_settings_are_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text(GOOD, encoding="utf-8")
    mixture = read_mixture(path)
    assert (mixture.seed, mixture.longest, mixture.tokenizer.pieces) == (3, 512, 400)
    assert mixture.outputs == {"train": 0.1, "more": 0.0}
    assert mixture.prompt.budgets == (64,)
    assert mixture.scores == Scores(by="none")
    reading, ask = mixture.sources
    assert (reading.examples, reading.most, reading.unranked) == ({"train": 5, "more": 7}, 7, 0.5)
    assert (ask.examples, ask.name, ask.inputs) == ({"train": 4, "more": 4}, "ask course", ())
    assert mixture.inputs == ("a.jsonl.xz", "q.jsonl.gz")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed = 3", "seed = true", "seed is True"),
        ("seed = 3", "sead = 3", "unknown setting 'sead'; known are held_out"),
        ("seed = 3", "seed = -1", "seed is -1; it must be at least 0"),
        ("seed = 3", "longest = 5", "longest is 5; it must be at least 16 and at most 32767"),
        ("seed = 3", "held_out = 0.7", "held_out is 0.7"),
        ("seed = 3", "seed = ", "Invalid value"),
        ("pieces = 400", "pieces = 4.5", "tokenizer.pieces is 4.5; it must be a whole number"),
        ("pieces = 400", "pieces = 20", "pieces is 20; it must be at least 300"),
        ("pieces = 400", "size = 400", "unknown setting tokenizer.size; known are characters, file, pieces"),
        ("budgets = [64]", "budgets = []", "prompt.budgets must be a list"),
        ("budgets = [64]", "budgets = 64", "prompt.budgets is 64; it must be a list"),
        ("budgets = [64]", "distractors = [0.5, 0.4]", "chances that add up to 1"),
        ("budgets = [64]", "no_answer = 1.5", "no_answer is 1.5; it must be at least 0 and at most 1"),
        ('by = "none"', 'by = "luck"', "scores.by is 'luck'; it must be one of ranker, embedder, drawn, none"),
        ('by = "none"', 'by = "none"\nnoise = 1.0', "go with by = 'ranker'"),
        ('by = "none"', 'by = "drawn"\ngain = -1', "gain is -1; it must be at least 0"),
        ('"a.jsonl.xz" = 2', '"a.jsonl.xz" = 0', "each with a weight above 0"),
        ('"a.jsonl.xz" = 2', '"a.jsonl.xz" = "2"', "text.a.jsonl.xz is '2'; it must be a number"),
        ('"a.jsonl.xz" = 2', "", "must name the files of plain text"),
        ("text = 0.1", "text = 1.0", "outputs.train.text is 1.0; it must be at least 0 and below 1"),
        ("text = 0.1", "share = 0.1", "outputs.train must be a table with no other setting than 'text'"),
        ("[outputs.more]", "[outputs.held-out]", "outputs.held-out is no name for a file"),
        ('kind = "reading"', 'kind = "writing"', "source.kind is 'writing'; it must be one of course"),
        ('kind = "reading"', "", "source.kind is missing"),
        ('file = "q.jsonl.gz"', "", "a source of kind reading needs 'file'"),
        ('of = "course"', 'of = "course"\nfile = "x"', "a source of kind ask has no 'file'"),
        ('of = "course"', 'of = "course"\nunranked = 0.1', "a source of kind ask has no 'unranked'"),
        ("more = 7", "other = 7", "it must be a whole number, or one for each of train, more"),
        ("examples = 4", "examples = 4.5", "source.examples is 4.5"),
        ("examples = 4", "", "source.examples is None"),
    ],
)
def test_a_wrong_setting_is_named_with_the_file(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "m.toml"
    assert GOOD.count(old) == 1
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(MixtureError) as fault:
        read_mixture(path)
    assert message in str(fault.value)
    assert str(path) in str(fault.value)
    assert "\n" not in str(fault.value)


def test_a_source_named_twice_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    again = '[[source]]\nkind = "ask"\nof = "course"\nexamples = 1\n'
    path.write_text(GOOD + again, encoding="utf-8")
    with pytest.raises(MixtureError, match="two sources read the same"):
        read_mixture(path)
    with pytest.raises(MixtureError, match=r"cannot read .*none\.toml"):
        read_mixture(tmp_path / "none.toml")
