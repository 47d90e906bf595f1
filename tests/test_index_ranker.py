from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from index import training
from index.average import grown
from index.average import main as average
from index.embedder import load_embedder
from index.errors import StoreError
from index.ranker import (
    SHIPPED,
    LowRank,
    Ranker,
    Shape,
    fresh_cross_encoder,
    merge,
    read_ranker,
    sequenced,
    trained_weights,
)
from index.scoring import Readable
from index.train import main
from index.trained_files import CONFIG, WEIGHTS, write_trained
from index.training import batches, loss_of, read_groups
from index.validate import main as validate

TEXT = "Otters sleep on their backs. They hold hands so that they do not drift apart. Their fur is dense."
SPANS = [(0, 28), (29, 77), (78, 97)]


def _readable(text: str = TEXT, spans: list[tuple[int, int]] = SPANS, context: str = "Animals > Otters") -> Readable:
    return Readable(context=context, text=text, sentences=spans)


def test_pieces_belong_to_the_sentences_they_stand_in() -> None:
    tokenizer = load_embedder().pieces()
    found = sequenced(tokenizer, "Why do otters hold hands?", _readable())
    assert found.ids[0] == tokenizer.token_to_id("[CLS]")
    assert found.ids.count(tokenizer.token_to_id("[SEP]")) == 3
    assert len(found.ids) == len(found.segments) == len(found.owners)
    words = {
        number: tokenizer.decode([one for one, owner in zip(found.ids, found.owners, strict=True) if owner == number])
        for number in range(3)
    }
    assert words[0].startswith("otters sleep")
    assert words[1].startswith("they hold hands")
    assert words[2].startswith("their fur")
    question_end = found.ids.index(tokenizer.token_to_id("[SEP]")) + 1
    assert found.segments == [0] * question_end + [1] * (len(found.ids) - question_end)


def test_long_texts_are_cut_to_what_the_encoder_reads() -> None:
    text = "otter " * 3000
    found = sequenced(load_embedder().pieces(), "why " * 500, _readable(text, [(0, len(text))], "head " * 500))
    assert len(found.ids) <= 400
    assert found.owners.count(0) > 200


def test_low_rank_updates_start_at_nothing_and_merge_into_the_weights() -> None:
    generator = torch.Generator().manual_seed(0)
    base = torch.nn.Linear(5, 7).double()
    adapted = LowRank(base, rank=2, scale=1.5).double()
    x = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(adapted(x), base(x))
    torch.nn.init.normal_(adapted.b, generator=generator)
    expected = x @ (base.weight + 1.5 * adapted.b @ adapted.a).T + base.bias
    torch.testing.assert_close(adapted(x), expected, rtol=0, atol=1e-10)
    parent = torch.nn.Sequential(adapted)
    merge(parent)
    assert parent[0] is base
    torch.testing.assert_close(parent(x), expected, rtol=0, atol=1e-10)


def test_sentences_are_scored_alike_alone_and_in_a_batch() -> None:
    torch.manual_seed(0)
    embedder = load_embedder()
    model = fresh_cross_encoder(embedder.directory, Shape(rank=2, scale=1.0, layers=1)).eval()
    ranker = Ranker(model, embedder.pieces())
    short = _readable("Moles dig.", [(0, 10)], "")
    together = ranker.scores("Why do otters hold hands?", [_readable(), short, _readable()])
    alone = ranker.scores("Why do otters hold hands?", [short])
    assert [len(one) for one in together] == [3, 1, 3]
    np.testing.assert_allclose(together[1], alone[0], atol=1e-4)
    np.testing.assert_allclose(together[0], together[2], atol=1e-4)
    assert len(set(together[0].tolist())) == 3
    assert ranker.scores("Anything?", []) == []


def test_bfloat16_moves_probabilities_little(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for able in (False, True):
        monkeypatch.setattr("index.ranker.multiplies_bfloat16", lambda able=able: able)
        (scores,) = Ranker.load().scores("Why do otters hold hands?", [_readable()])
        found.append(1 / (1 + np.exp(-scores)))
    assert 0 < np.abs(found[0] - found[1]).max() < 0.03


def test_a_passage_without_sentences_has_no_scores() -> None:
    embedder = load_embedder()
    model = fresh_cross_encoder(embedder.directory, Shape(rank=2, scale=1.0, layers=1))
    found = Ranker(model, embedder.pieces()).scores("What?", [_readable("", [], ""), _readable()])
    assert [len(one) for one in found] == [0, 3]
    assert np.isfinite(found[1]).all()


def _group(question: str, answering: int) -> dict[str, object]:
    passage = {"context": "", "text": TEXT, "sentences": SPANS, "gold": [answering] if answering >= 0 else []}
    return {"question": question, "source": "otters", "passages": [passage]}


def _write(path: Path) -> Path:
    asked = [
        "How do otters sleep?",
        "Why do otters hold hands?",
        "What is the fur of an otter like?",
        "Who eats moles?",
    ]
    with gzip.open(path, "wt") as file:
        file.writelines(
            json.dumps(_group(question, number % 4 - 4 * (number == 3))) + "\n" for number, question in enumerate(asked)
        )
    return path


def test_every_group_is_in_a_batch_once_an_epoch(tmp_path: Path) -> None:
    groups = read_groups([_write(tmp_path / "groups.jsonl.gz")], load_embedder().pieces())
    assert [group.answers for group in groups][3] == (False, False, False)
    plan = batches(groups, tokens=100, epochs=2, seed=1)
    assert sorted(number for batch in plan for number in batch) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert batches(groups, tokens=100, epochs=2, seed=1) == plan


def test_the_loss_is_that_of_its_equations() -> None:
    class _Group:
        answers = (True, False, False)
        judged = (True, True, False)

    said = torch.tensor([1.0, -2.0, 5.0], dtype=torch.float64)
    logits = said[:2]
    p = torch.sigmoid(logits)
    share = torch.log_softmax(torch.tensor([1.0, -2.0, 0.0], dtype=torch.float64), 0)
    expected = -(p[0].log() + (1 - p[1]).log()) / 8 - share[0]
    torch.testing.assert_close(loss_of([said], [_Group()]).double(), expected, rtol=0, atol=1e-6)  # type: ignore[list-item]
    _Group.answers = (False, False, False)
    expected = -(1 - p).log().sum() / 8 - share[2]
    torch.testing.assert_close(loss_of([said], [_Group()]).double(), expected, rtol=0, atol=1e-6)  # type: ignore[list-item]


def test_training_learns_resumes_and_ships(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = _write(tmp_path / "groups.jsonl.gz")
    common = ["--data", str(data), "--held-out", str(data), "--layers", "2", "--rank", "8", "--batch-tokens", "400"]
    run = tmp_path / "run"
    assert main([*common, "--output", str(run), "--epochs", "80", "--lr", "5e-3"]) == 0
    shipped = json.loads((run / CONFIG).read_text())["training"]
    assert (shipped["validation"]["first"], shipped["validation"]["told"]) == (1.0, 1.0)
    ranker = Ranker.load(run)
    scores = ranker.scores("Why do otters hold hands?", [_readable(context="")])[0]
    assert scores.argmax() == 1
    nothing = ranker.scores("Who eats moles?", [_readable(context="")])[0]
    assert nothing.max() < scores.max()
    # The run is over; the same command finds nothing left to do.
    weights = (run / WEIGHTS).read_bytes()
    assert main([*common, "--output", str(run), "--epochs", "80", "--lr", "5e-3"]) == 0
    assert "resuming at step" in capsys.readouterr().err
    assert (run / WEIGHTS).read_bytes() == weights
    # Another run that begins with these weights knows what they know.
    more = ["--init", str(run), "--lr", "0", "--epochs", "1", "--count", "otters", "6"]
    assert main([*common, "--output", str(tmp_path / "more"), *more]) == 0
    assert json.loads((tmp_path / "more" / CONFIG).read_text())["training"]["groups"] == 6
    assert (tmp_path / "more" / WEIGHTS).read_bytes() == weights
    # So does one of higher rank and in more layers.
    assert main([*common, *more, "--layers", "3", "--rank", "9", "--output", str(tmp_path / "grown")]) == 0
    grown = Ranker.load(tmp_path / "grown").scores("Why do otters hold hands?", [_readable(context="")])[0]
    np.testing.assert_allclose(grown, scores, atol=0.02)
    assert main([*common, "--rank", "4", "--output", str(tmp_path / "other"), "--init", str(run)]) == 1
    assert "does not fit" in capsys.readouterr().err
    assert main([*common, "--output", str(tmp_path / "other"), "--count", "owls", "2"]) == 1
    assert "['otters']" in capsys.readouterr().err


def test_the_weights_with_the_lowest_loss_ship(tmp_path: Path) -> None:
    data = _write(tmp_path / "groups.jsonl.gz")
    common = ["--data", str(data), "--held-out", str(data), "--layers", "1", "--rank", "2", "--batch-tokens", "60"]
    # A rate that spoils what it finds; looked at every twenty steps and at the end.
    assert main([*common, "--output", str(tmp_path), "--epochs", "12", "--lr", "0.05", "--save-minutes", "0"]) == 0
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = {line["step"]: line["validation"]["loss"] for line in lines if "validation" in line}
    assert len(losses) > 1
    shipped = json.loads((tmp_path / CONFIG).read_text())["training"]
    assert shipped["step"] == min(losses, key=losses.__getitem__)
    assert shipped["validation"]["loss"] == min(losses.values())


def test_rankers_are_averaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shape = Shape(rank=2, scale=1.0, layers=1)
    weights = trained_weights(fresh_cross_encoder(load_embedder().directory, shape))
    folders = [tmp_path / name for name in "abc"]
    for number, folder in enumerate(folders):
        folder.mkdir()
        moved = {name: np.full_like(weight, number) for name, weight in weights.items()}
        write_trained(folder, moved, Shape(rank=2, scale=1.0 + number // 2, layers=1), {"seed": number})
    a, b, c = map(str, folders)
    mean = tmp_path / "mean"
    assert average([a, b, "--output", str(mean)]) == 0
    found = read_ranker(mean)
    assert found.weights.keys() == weights.keys()
    assert all((weight == 0.5).all() for weight in found.weights.values())
    assert found.training == {"averaged": [{"seed": 0}, {"seed": 1}]}
    assert Ranker.load(mean).scores("Why?", [_readable()])[0].shape == (3,)
    for wrong, said in ((c, "does not fit into"), (str(tmp_path / "d"), "cannot read")):
        assert average([a, wrong, "--output", str(tmp_path / "e")]) == 1
        assert said in capsys.readouterr().err
    assert not (tmp_path / "e").exists()


def test_a_smaller_ranker_is_averaged_in_the_shape_of_a_larger_one(tmp_path: Path) -> None:
    torch.manual_seed(1)
    for name, shape in (("small", Shape(rank=2, scale=2.0, layers=1)), ("large", Shape(rank=3, scale=2.0, layers=2))):
        model = fresh_cross_encoder(load_embedder().directory, shape)
        weights = {key: weight + 0.01 for key, weight in trained_weights(model).items()}
        (tmp_path / name).mkdir()
        write_trained(tmp_path / name, weights, shape, {})
    small, large = (read_ranker(tmp_path / name) for name in ("small", "large"))
    like = grown(small.weights, large.weights)
    assert {name: weight.shape for name, weight in like.items()} == {
        name: weight.shape for name, weight in large.weights.items()
    }
    (tmp_path / "grown").mkdir()
    write_trained(tmp_path / "grown", like, large.settings, {})
    scores = {
        name: Ranker.load(tmp_path / name, dtype=torch.float32).scores("Why?", [_readable()])[0]
        for name in ("small", "large", "grown")
    }
    np.testing.assert_allclose(scores["grown"], scores["small"], atol=1e-4)
    assert np.abs(scores["large"] - scores["small"]).max() > 1e-3
    assert average([str(tmp_path / "small"), str(tmp_path / "large"), "--output", str(tmp_path / "mean")]) == 0
    found = read_ranker(tmp_path / "mean")
    assert found.settings == large.settings
    for name, weight in found.weights.items():
        np.testing.assert_allclose(weight, (like[name] + large.weights[name]) / 2, atol=1e-3)


def test_how_well_an_answer_is_told_from_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    groups = read_groups([_write(tmp_path / "groups.jsonl.gz")], load_embedder().pieces())
    best = iter([3.0, 1.0, 2.0, 2.0])
    monkeypatch.setattr(training, "scores", lambda model, some: [torch.tensor([next(best), -1.0, -2.0])])
    figures = training.validate(torch.nn.Module(), groups)  # type: ignore[arg-type]
    assert [any(group.answers) for group in groups] == [True, True, True, False]
    assert figures["told"] == pytest.approx((1 + 0 + 0.5) / 3)


def test_rankers_are_measured_source_by_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "groups.jsonl"
    asked = [("How do otters sleep?", 0, "otters"), ("Who eats moles?", -1, "otters unanswered"), ("Fur?", 2, "fur")]
    groups = [_group(question, answering) | {"source": source} for question, answering, source in asked]
    data.write_text("\n".join(map(json.dumps, groups)), encoding="utf-8")
    assert validate([str(SHIPPED), "--data", str(data)]) == 0
    fur, otters = capsys.readouterr().out.splitlines()
    assert fur.startswith(f"{SHIPPED}  fur: 1 groups, loss ")
    assert "tells what has an answer 0.500" in fur
    assert otters.startswith(f"{SHIPPED}  otters: 2 groups, loss ")
    assert validate(["--data", str(data)]) == 0
    assert capsys.readouterr().out.splitlines() == [fur, otters]
    assert validate([str(tmp_path / "none"), "--data", str(data)]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_faults_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path / "none"), "--held-out", "x", "--output", str(tmp_path / "run")]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    with pytest.raises(StoreError, match="restore it"):
        Ranker.load(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"scale": 2.0', '"scale": 3.0', "is damaged"),
        ('"training"', '"trainings"', "is damaged"),
        ('"format": 1', '"format": 2', "format 2"),
        ("{", "[", "cannot read the ranker"),
        ('"rank"', '"rang"', "cannot read the ranker"),
    ],
)
def test_a_changed_configuration_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = (SHIPPED / CONFIG).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / CONFIG).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(StoreError, match=said):
        Ranker.load(tmp_path)


def test_the_shipped_ranker_tells_answers_from_neighbours() -> None:
    text = (
        "The library closes at nine on weekdays. On Saturdays it closes at four. The reading room holds sixty chairs. "
        "Books can be kept for three weeks."
    )
    spans = [(0, 39), (40, 71), (72, 108), (109, 144)]
    ranker = Ranker.load()
    for question, place in {
        "How long may I borrow a book?": 3,
        "When does the library shut on Saturday?": 1,
        "How many seats are there for readers?": 2,
    }.items():
        scores = ranker.scores(question, [Readable(context="", text=text, sentences=spans)])[0]
        assert scores.argmax() == place, question
        assert (
            scores.max()
            > ranker.scores("Who designed the roof?", [Readable(context="", text=text, sentences=spans)])[0].max()
        )
