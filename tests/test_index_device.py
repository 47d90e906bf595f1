"""What is placed on a device goes on on the CPU."""

from __future__ import annotations

import pytest

from index.device import Placed

_LINE = "cannot use device 'cuda' (the kettle is full); the CPU goes on, which is slower\n"


class _Kettle:
    """What fails on a device so often, and has not been told to work after that."""

    def __init__(self, device: str, failing: int = 0) -> None:
        self.device, self.failing = device, failing

    def boil(self, cups: int) -> str:
        self.failing -= 1
        if self.failing >= 0:
            raise RuntimeError("the kettle is full.\nPour some out.")
        return f"{cups} cups by {self.device}"


def test_work_is_done_where_it_is_placed(capsys: pytest.CaptureFixture[str]) -> None:
    placed = Placed(_Kettle, "cuda")
    assert placed.run(lambda kettle: kettle.boil(3)) == "3 cups by cuda"
    assert Placed(_Kettle).run(lambda kettle: kettle.boil(3)) == "3 cups by cpu"
    assert capsys.readouterr().err == ""


def test_a_device_that_fails_once_is_left_for_good_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    placed = Placed(lambda device: _Kettle(device, device == "cuda"), "cuda")
    failed = placed.what
    assert [placed.run(lambda kettle: kettle.boil(2)) for _ in range(3)] == ["2 cups by cpu"] * 3
    assert placed.device == "cpu"
    assert placed.instead(failed, RuntimeError("late")) is placed.what
    assert capsys.readouterr().err == _LINE


def test_a_device_that_takes_nothing_is_not_taken(capsys: pytest.CaptureFixture[str]) -> None:
    def full(device: str) -> _Kettle:
        if device == "cuda":
            raise RuntimeError("the kettle is full")
        return _Kettle(device)

    placed = Placed(full, "cuda")
    assert (placed.what.device, placed.device) == ("cpu", "cpu")
    assert capsys.readouterr().err == _LINE


def test_a_fault_of_our_own_comes_again_on_the_cpu(capsys: pytest.CaptureFixture[str]) -> None:
    for device, lines in (("cpu", 0), ("cuda", 1)):
        placed = Placed(lambda device: _Kettle(device, 9), device)
        with pytest.raises(RuntimeError, match="the kettle is full"):
            placed.run(lambda kettle: kettle.boil(1))
        assert capsys.readouterr().err.count("\n") == lines
    with pytest.raises(RuntimeError, match="the kettle is full"):
        Placed(lambda device: _Kettle(device, 1).boil(1))
