"""What counts as known, and what is kept of it."""

import json
from collections.abc import Iterator

import pytest
from quiz_samples import everything, opened, quiz

from index.store import Store
from tutor.quiz_grading import Verdict
from tutor.quiz_progress import MOST, TRIES, Progress


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with opened(tmp_path_factory.mktemp("quiz")) as found:
        yield found


def test_known_is_what_was_right_within_two_tries(store: Store) -> None:
    items = everything(quiz(store))[:5]
    progress = Progress()
    tries = (["right"], ["partly", "right"], ["not yet", "not yet", "right"], [], ["right", "not yet"])
    for item, verdicts in zip(items, tries, strict=True):
        progress = progress.asked(item)
        for verdict in verdicts:
            progress = progress.answered(item, Verdict(verdict))
    assert [one.known for one in progress.items.values()] == [True, True, False, False, True]
    assert progress.tries(items[2]) == TRIES
    standings = progress.standings()
    assert sum(one.asked for one in standings) == 5
    assert sum(one.known for one in standings) == 3
    assert all(0 <= one.share <= 1 for one in standings)
    assert Progress.from_json(json.loads(json.dumps(progress.to_json()))) == progress
    given_up = progress.shown(items[3]).answered(items[3], Verdict.RIGHT)
    assert not given_up.items[items[3].item_id].known


@pytest.mark.parametrize("data", [
    None, [], "x", 3, {}, {"format": 2, "items": {}}, {"format": 1, "items": [1]}, {"format": 1, "items": {"x": 1}},
    {"format": 1, "items": {"ask-" + "0" * 16 + "-0-5": ["a", "b", "c", 99, 1]}},
    {"format": 1, "items": {"ask-" + "0" * 16 + "-0-5": ["a", "b" * 999, "c", 1, 1]}},
    {"format": 1, "items": {"ask-" + "0" * 16 + "-0-5": ["a", "b", "c", 1, []]}},
])  # fmt: skip
def test_what_was_kept_elsewhere_may_come_back_as_anything(data: object) -> None:
    assert Progress.from_json(data) == Progress()


def test_the_oldest_are_forgotten_first() -> None:
    names = {f"ask-{number:016x}-0-5": ["a", "b", "c", 1, 1] for number in range(MOST + 5)}
    kept = Progress.from_json({"format": 1, "items": names})
    assert len(kept.items) == MOST
    assert f"ask-{0:016x}-0-5" not in kept.items
