import gc
import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from fake_tutor import FakeTutor, answer_for, with_gates
from pdf_samples import make_pdf

from corpus.files import hash_file
from index.paths import shipped_lectures
from lm.config import SCORES as SCORE_NAMES
from tutor.answer import Answer
from tutor.ui.api import endpoints
from tutor.ui.chat import respond
from tutor.ui.gates import GATES, SCORES, kind_of
from tutor.ui.loading import Loading
from tutor.ui.workings import BUG, GONE, KEPT, Kept, Workings

QUESTION = "What does the forget gate do?"


class Asked:
    """An answer that is kept, and the functions that the page calls for it."""

    def __init__(self, answer: Answer | None = None, tutor: FakeTutor | None = None) -> None:
        self.workings = Workings()
        self.kept: Kept | None = self.workings.keep(answer or answer_for(QUESTION), tutor or FakeTutor())
        self.key = self.kept.key
        self.functions = {one.__name__: one for one in self.workings.functions()}

    def __call__(self, name: str, **details: object) -> dict:
        return self.functions[name]({"key": self.key, **details})


def test_the_page_may_ask_five_things() -> None:
    assert list(Asked().functions) == ["effects", "heads", "head", "gates", "picture"]


def test_effects_stand_beside_the_mass() -> None:
    found = Asked()("effects")
    assert [one["removal_effect"] for one in found["passages"]] == [0.2, 1.4, -0.01]
    assert [one["number"] for one in found["passages"]] == [1, 2, None]
    assert found["note"].startswith("Most words were copied from [1], but taking [2] away")


def test_effects_are_computed_once() -> None:
    asked = Asked()
    first = asked("effects")
    assert asked.kept is not None
    asked.kept.tutor.explain = None
    assert asked("effects") == first


@pytest.mark.parametrize(("kind", "heads"), [("raw", 4), ("value_weighted", 4), ("rollout", 1)])
def test_heads_in_small_and_one_large(kind: str, heads: int) -> None:
    asked = Asked()
    found = asked("heads", kind=kind)
    assert (found["layers"], found["heads"], found["kind"]) == (3, heads, kind)
    assert set(found["rest"]) == {"weight", "moved", "length"}
    large = asked("head", kind=kind, layer=2, head=heads - 1)
    assert large["rows"] == len(large["tokens"]) == len(found["tokens"])
    assert large["groups"][-1] == -3
    assert asked("head", kind=kind, layer=2, head=heads)["error"].startswith("head must be")


def test_a_recurrent_model_shows_its_gates_and_the_attention_of_its_decoder() -> None:
    asked = Asked(with_gates(answer_for(QUESTION)), FakeTutor("gru"))
    found = asked("gates", layer=1)
    assert [one["title"] for one in found["gates"]] == ["reset gate r", "update gate z", "candidate", "hidden state h"]
    assert found["gates"][1]["lecture"] == {"source": "15-gru.md", "heading": "The update gate"}
    attention = asked("heads", kind="raw")
    assert (attention["layers"], attention["heads"]) == (1, 1)
    assert attention["score"]["title"] == "scaled dot product"
    assert attention["score"]["lecture"] is None, "the store has no lecture on attention"
    assert "as it is" in asked("heads", kind="rollout")["error"]
    assert asked("gates", layer=2)["error"].startswith("layer must be")


def test_a_transformer_has_no_gates() -> None:
    assert Asked()("gates", layer=0) == {"error": "This model has no gates."}


@pytest.mark.parametrize("name", ["heads", "head", "gates"])
def test_a_refusal_has_nothing_to_show(name: str) -> None:
    assert "nothing to show" in Asked(answer_for("How do I cook pasta?"))(name, kind="raw", layer=0, head=0)["error"]


@pytest.mark.parametrize("request_", [None, 7, "key", [], {}, {"key": None}, {"key": "guess"}, {"key": ["x"]}])
def test_no_other_answer_can_be_reached(request_: object) -> None:
    asked = Asked()
    for function in asked.functions.values():
        assert function(request_) == {"error": GONE}


@pytest.mark.parametrize("value", [-1, 99, "0", None, 1.0, True, [0], {}, float("nan")])
def test_odd_requests_are_one_line(value: object) -> None:
    asked = Asked()
    for found in (
        asked("head", kind="raw", layer=value, head=0),
        asked("head", kind=value, layer=0, head=0),
        asked("heads", kind=value),
        asked("picture", passage=value, number=0),
    ):
        assert "must be" in found["error"]


def test_a_bug_is_said_without_its_inner_workings(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(FakeTutor):
        def explain(self, answer: Answer) -> None:
            raise RuntimeError("inner workings")

    asked = Asked(tutor=Broken())
    assert asked("effects") == {"error": BUG}
    assert "inner workings" in capsys.readouterr().err
    assert "error" not in asked("heads", kind="raw"), "the next one can be asked"


def test_an_answer_is_forgotten_with_its_conversation() -> None:
    asked = Asked()
    asked.kept = None
    gc.collect()
    assert asked("effects") == {"error": GONE}


def test_a_conversation_keeps_its_latest_answers() -> None:
    loading = Loading(FakeTutor)
    loading.start()
    turns: tuple = ()
    for number in range(KEPT + 2):
        turns = list(respond(loading, f"{QUESTION} {number}", turns))[-1].turns
    assert [turn.kept is not None for turn in turns] == [False] * 2 + [True] * KEPT
    kept = [turn.kept for turn in turns if turn.kept]
    assert len({one.key for one in kept}) == KEPT
    effects = next(one for one in loading.workings.functions() if one.__name__ == "effects")
    assert all("note" in effects({"key": one.key}) for one in kept)


def test_readers_take_turns() -> None:
    """Two requests at once are answered one after the other."""
    inside, most = 0, 0

    class Slow(FakeTutor):
        def explain(self, answer: Answer):
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            threading.Event().wait(0.05)
            inside -= 1
            return super().explain(answer)

    workings, tutor = Workings(), Slow()
    kept = [workings.keep(answer_for(QUESTION), tutor) for _ in range(3)]
    effects = workings.functions()[0]
    threads = [threading.Thread(target=effects, args=({"key": one.key},)) for one in kept]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def with_page(path: Path | None, sha256: str = "", page: int | None = 1) -> Asked:
    """An answer whose first passage stands on a page of the file at `path`."""
    answer = answer_for(QUESTION)
    first = answer.passages[0]
    place = replace(first.passage.locator, source="week1.pdf", page=page)
    passage = replace(first.passage, locator=place, text="The forget gate is open.")
    answer = replace(answer, passages=(replace(first, passage=passage), *answer.passages[1:]), citations=(), trace=None)
    asked = Asked(answer)
    assert asked.kept is not None
    asked.kept.tutor.store.original = lambda one: None if path is None else (path, sha256)
    return asked


def test_the_page_of_a_passage_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "week1.pdf"
    path.write_bytes(make_pdf([[(12, 700, "The forget gate is open.")]]))
    found = with_page(path, hash_file(path))("picture", passage=0, number=0)
    assert found["image"].startswith("data:image/png;base64,")
    assert len(found["image"]) < 300_000
    assert (found["page"], len(found["boxes"])) == (1, 1)
    assert "number must be" in with_page(path, hash_file(path))("picture", passage=0, number=1)["error"]
    assert "changed since it was indexed" in with_page(path, "0" * 64)("picture", passage=0, number=0)["error"]
    assert "no longer where it was" in with_page(None)("picture", passage=0, number=0)["error"]
    assert "no page of a PDF" in with_page(path, page=None)("picture", passage=0, number=0)["error"]
    assert str(tmp_path) not in with_page(path, "0" * 64)("picture", passage=0, number=0)["error"]


def test_programs_get_an_answer_with_its_explanation() -> None:
    loading = Loading(FakeTutor)
    loading.start()
    explain = next(one for one in endpoints(loading) if one.__name__ == "explain")
    found = json.loads(json.dumps(explain(QUESTION)))
    explanation = found.pop("explanation")
    assert found == json.loads(json.dumps(answer_for(QUESTION).to_json()))
    assert [one["number"] for one in explanation["passages"]] == [1, 2, None]
    assert [one["removal_effect"] for one in explanation["passages"]] == [0.2, 1.4, -0.01]
    trace = answer_for(QUESTION).trace
    assert trace is not None
    assert len(explanation["tokens"]) == len(trace.steps)
    assert explanation["note"]


def test_every_gate_and_score_has_its_lecture() -> None:
    assert set(SCORES) == set(SCORE_NAMES)
    named = [one for gates in GATES.values() for one in gates.values()] + list(SCORES.values())
    for one in named:
        text = (shipped_lectures() / one.source).read_text(encoding="utf-8")
        assert any(line.lstrip("#").strip() == one.heading for line in text.splitlines() if line.startswith("#")), one


def test_cells_are_known_by_their_gates() -> None:
    assert kind_of(["hidden"]) == "rnn"
    assert kind_of(["reset", "update", "candidate", "hidden"]) == "gru"
    assert kind_of(["input", "forget", "candidate", "output", "cell", "hidden"]) == "lstm"
    with pytest.raises(ValueError, match="no cell has the gates peephole"):
        kind_of(["peephole"])
