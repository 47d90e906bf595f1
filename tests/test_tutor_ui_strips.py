import base64
import json

import numpy as np
import pytest
from fake_tutor import answer_for, with_gates

from tutor.ui.strips import (
    ANSWER,
    averaged,
    cuts,
    gate_strips,
    group_sums,
    narrowed,
    one_head,
    overview,
    owners_of,
)


def attention(layers: int, heads: int, rows: int, size: int) -> np.ndarray:
    weights = np.random.default_rng(0).random((layers, heads, rows, size)).astype(np.float32) ** 6
    return weights / weights.sum(axis=-1, keepdims=True)


def pixels(text: str, *shape: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape)


def test_bins_keep_the_brightest() -> None:
    edges, small = narrowed(np.array([[0.1, 0.9, 0.2, 0.3, 0.4]], dtype=np.float32), 2, axis=1)
    assert edges.tolist() == [0, 2, 5]
    assert small.tolist() == [[pytest.approx(0.9), pytest.approx(0.4)]]
    assert narrowed(np.eye(3, dtype=np.float32), 9, axis=1)[0].tolist() == [0, 1, 2, 3]


def test_units_are_averaged() -> None:
    values = np.arange(10, dtype=np.float32).reshape(5, 2)
    assert averaged(values, 2).tolist() == [[1, 2], [6, 7]]
    assert averaged(values, 64).tolist() == values.tolist()


def test_a_head_comes_back_within_a_hundredth() -> None:
    weights = attention(1, 1, 20, 90)[0, 0]
    owners = owners_of([-2, -1] + [0] * 50 + [2] * 20, 90)
    assert owners[72:] == [ANSWER] * 18
    found = one_head(weights, owners)
    back = (pixels(found["pixels"], 20, 90) / 255) ** 2
    assert found["edges"] == list(range(91))
    assert np.abs(back - weights).max() < 0.01
    assert found["groups"] == [-2, -1, 0, 2, ANSWER]
    sums = pixels(found["sums"], 20, 5) / 255
    assert np.abs(sums.sum(axis=1) - 1).max() < 0.02
    assert np.abs(sums - group_sums(weights, owners, found["groups"])).max() < 0.003
    assert found["cuts"] == [(0, -2), (1, -1), (2, 0), (52, 2), (72, ANSWER)]


@pytest.mark.parametrize(("rows", "size"), [(1, 3), (60, 400), (200, 1023), (800, 1024)])
def test_a_head_is_at_most_32_kilobytes(rows: int, size: int) -> None:
    found = one_head(attention(1, 1, rows, size)[0, 0], [0] * size)
    assert len(json.dumps(found)) <= 32_000
    assert found["columns"] == len(found["edges"]) - 1


@pytest.mark.parametrize(("layers", "heads", "rows", "size"), [(6, 6, 80, 350), (12, 12, 200, 1000), (1, 1, 1, 4)])
def test_all_heads_fit_in_a_small_reply(layers: int, heads: int, rows: int, size: int) -> None:
    found = overview(attention(layers, heads, rows, size), [0] * (size // 2) + [-1] * (size - size // 2))
    assert len(json.dumps(found)) < 100_000
    small = pixels(found["pixels"], layers, heads, found["rows"], found["columns"])
    assert small.max() > 0
    assert np.array(found["shares"]).sum(axis=-1) == pytest.approx(1000, abs=2)


def test_cuts_are_where_owners_change() -> None:
    assert cuts([-2, -1, -1, 0, 0, 0], np.array([0, 2, 4, 6])) == [(0, -2), (1, -1), (2, 0)]


def test_gates_come_back_within_a_hundredth() -> None:
    trace = with_gates(answer_for("What does the forget gate do?")).trace
    assert trace is not None
    found = gate_strips(trace, 1)
    steps = len(trace.steps)
    assert found["layers"] == 2
    assert [(one["name"], one["low"], one["high"]) for one in found["gates"]] == [
        ("reset", 0, 1), ("update", 0, 1), ("candidate", -1, 1), ("hidden", -1, 1),
    ]  # fmt: skip
    for one in found["gates"]:
        given = np.stack([step.gates[one["name"]][1] for step in trace.steps], axis=1)
        back = one["low"] + pixels(one["pixels"], one["rows"], steps) / 255 * (one["high"] - one["low"])
        assert np.abs(back - averaged(given, 64)).max() < 0.01
        assert one["mean"] == pytest.approx(given.mean(axis=0), abs=0.001)
        assert one["units"] == 100


def test_the_cell_has_bounds_of_its_own() -> None:
    trace = with_gates(answer_for("What does the forget gate do?")).trace
    assert trace is not None
    for step in trace.steps:
        step.gates["cell"] = np.full((2, 100), -3.0, dtype=np.float32)
    (cell,) = [one for one in gate_strips(trace, 0)["gates"] if one["name"] == "cell"]
    assert (cell["low"], cell["high"]) == (-3.0, 3.0)
    assert not pixels(cell["pixels"], cell["rows"], len(trace.steps)).any()
