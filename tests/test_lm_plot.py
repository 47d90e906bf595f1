from __future__ import annotations

import math
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.plot import HEIGHT, WIDTH, Series, line_chart, save_chart

SVG = "{http://www.w3.org/2000/svg}"


def chart(*series: Series, **options: bool) -> ElementTree.Element:
    return ElementTree.fromstring(line_chart(series, title="Title", x_label="step", y_label="loss", **options))


def polylines(root: ElementTree.Element) -> list[list[tuple[float, float]]]:
    points = [line.attrib["points"].split() for line in root.iter(f"{SVG}polyline")]
    return [[(float(x), float(y)) for x, y in (point.split(",") for point in line)] for line in points]


def marks(root: ElementTree.Element) -> int:
    return sum(len(group.findall(f"{SVG}path")) for group in root.iter(f"{SVG}g") if group.get("class") == "series")


def ticks(root: ElementTree.Element, axis: str) -> list[tuple[float, str]]:
    """Place in pixels and label of the ticks of axis x or y."""
    group = next(group for group in root.iter(f"{SVG}g") if group.get("class") == f"{axis}-ticks")
    return [(float(text.attrib[axis]) - 4 * (axis == "y"), text.text or "") for text in group]


def area(root: ElementTree.Element) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the plot, from its axes."""
    axes = next(path.attrib["d"] for path in root.iter(f"{SVG}path") if path.get("class") == "axes")
    left, top, bottom, right = (float(number) for number in re.findall(r"[\d.]+", axes))
    return left, top, right, bottom


def test_points_stand_where_the_ticks_say() -> None:
    root = chart(Series("a", [0, 10, 20], [0.0, 0.5, 1.0]), Series("b", [0, 20], [1.0, 0.0]))
    first, second = polylines(root)
    x, y = {label: at for at, label in ticks(root, "x")}, {label: at for at, label in ticks(root, "y")}
    assert list(y) == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert first[0] == (x["0"], y["0"])
    assert first[1][0] == x["10"]
    assert first[1][1] == pytest.approx((y["0.4"] + y["0.6"]) / 2, abs=0.1)
    assert first[2] == (x["20"], y["1"])
    assert second == [(x["0"], y["1"]), (x["20"], y["0"])]
    assert x["0"] < x["20"]
    assert y["0"] > y["1"]


def test_logarithmic_axes() -> None:
    root = chart(Series("a", [1, 10, 100], [1e-8, 1e-4, 1.0]), log_x=True, log_y=True)
    y = {label: at for at, label in ticks(root, "y")}
    assert list(y) == ["10⁻⁸", "10⁻⁷", "10⁻⁶", "10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "10⁰"]
    assert [label for _, label in ticks(root, "x")] == ["1", "2", "5", "10", "20", "50", "100"]
    (low, middle, high) = polylines(root)[0]
    assert (low[1], middle[1], high[1]) == (y["10⁻⁸"], y["10⁻⁴"], y["10⁰"])
    assert middle[0] == pytest.approx((low[0] + high[0]) / 2, abs=0.11)


def test_values_a_logarithm_cannot_take_leave_a_gap() -> None:
    root = chart(Series("a", [1, 2, 3, 4, 5], [1.0, 2.0, 0.0, 4.0, 5.0]), log_y=True)
    assert [len(line) for line in polylines(root)] == [2, 2]


def test_points_that_are_not_finite_leave_a_gap() -> None:
    y = [1.0, 2.0, math.nan, 3.0, math.inf, 4.0, 5.0, -math.inf]
    svg = line_chart([Series("a", range(8), y)], title="t", x_label="x", y_label="y")
    root = ElementTree.fromstring(svg)
    assert [len(line) for line in polylines(root)] == [2, 2]
    assert marks(root) == 5, "the point between two gaps shows as a marker"
    assert not re.search("nan|inf", svg)


def test_a_lone_point_of_a_long_series_shows_as_a_marker() -> None:
    y = [1.0] * 60
    y[24] = y[26] = math.nan
    y[25] = 9.0
    root = chart(Series("a", range(60), y))
    assert len(polylines(root)) == 2
    top = dict((label, at) for at, label in ticks(root, "y"))["8"]
    group = next(group for group in root.iter(f"{SVG}g") if group.get("class") == "series")
    places = [path.attrib["transform"] for path in group.findall(f"{SVG}path")]
    assert 2 < len(places) < 20
    assert sum(float(place.rstrip(")").split()[1]) < top for place in places) == 1


def test_a_series_without_a_drawable_point_is_only_named() -> None:
    root = chart(Series("works", [0, 1], [1, 2]), Series("diverged", [0, 1], [math.nan, math.inf]))
    assert len(polylines(root)) == 1
    assert "diverged: no values" in (root.findtext(f"{SVG}desc") or "")
    assert "diverged" in [text.text for text in root.iter(f"{SVG}text")]


def test_markup_in_names_stays_text() -> None:
    name = "<script>alert('1')</script> & \"x\"\x00\ud800"
    svg = line_chart([Series(name[:24], [0, 1], [0, 1])], title=name, x_label=name, y_label=name)
    root = ElementTree.fromstring(svg.encode())
    assert "<script" not in svg
    assert root.findtext(f"{SVG}title") == name[:-2] + "��"
    assert name[:24] in [text.text for text in root.iter(f"{SVG}text")]


def test_many_points_are_thinned_and_keep_their_peaks() -> None:
    count = 100_000
    y = [math.sin(number) for number in range(count)]
    y[54_321], y[777] = 30.0, -30.0
    x = [-count, *range(1, count - 1), 2 * count]
    root = chart(Series("a", x, y))
    (line,) = polylines(root)
    at = {label: place for place, label in ticks(root, "y")}
    assert 500 <= len(line) <= 1010
    assert [x for x, _ in line] == sorted(x for x, _ in line)
    left, _, right, _ = area(root)
    ends = {label: place for place, label in ticks(root, "x")}
    assert (line[0][0], line[-1][0]) == (left, right) == (ends["−100,000"], ends["200,000"])
    unit = (at["−20"] - at["20"]) / 40
    assert min(y for _, y in line) == pytest.approx(at["0"] - 30 * unit, abs=0.2)
    assert max(y for _, y in line) == pytest.approx(at["0"] + 30 * unit, abs=0.2)


def test_a_gap_survives_thinning() -> None:
    y = [1.0 * number for number in range(50_000)]
    y[20_000] = math.nan
    y[30_000:35_000] = [math.nan] * 5000
    root = chart(Series("a", range(50_000), y))
    assert len(polylines(root)) == 3
    assert sum(map(len, polylines(root))) < 1010


@pytest.mark.parametrize("value", [0, 7, -3.5, 1e-12, 2e9, 1e199])
def test_one_point_and_constant_lines(value: float) -> None:
    root = chart(Series("a", [value], [value]))
    assert marks(root) == 1
    flat = polylines(chart(Series("a", [1, 2], [value, value])))[0]
    assert flat[0][1] == flat[1][1]


def test_ticks_tell_close_values_apart() -> None:
    labels = [label for _, label in ticks(chart(Series("a", [0, 1], [1_000_001, 1_000_003])), "y")]
    assert len(set(labels)) == len(labels) >= 3


def test_up_to_eight_lines_differ_without_colour() -> None:
    root = chart(*(Series(str(number), [0, 1], [number, number]) for number in range(8)))
    lines = list(root.iter(f"{SVG}polyline"))
    assert len({line.get("stroke-dasharray") for line in lines}) == 8
    groups = [group for group in root.iter(f"{SVG}g") if group.get("class") == "series"]
    assert len({group[-1].get("d") for group in groups}) == 8
    assert len({group.get("stroke") for group in groups}) == 8


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ([], "0 series"),
        ([Series("a", [], [])], "'a' has 0 x"),
        ([Series("a", [1, 2], [1])], "2 x and 1 y"),
        ([Series("a", [1, 2, 1], [1, 1, 1])], "x of series 'a' falls"),
        ([Series("a", [1], [math.nan])], "no point"),
        ([Series(str(n), [1], [1]) for n in range(9)], "9 series"),
    ],
)
def test_what_cannot_be_drawn_is_refused(series: list[Series], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        line_chart(series, title="t", x_label="x", y_label="y")


NUMBER = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=40), st.booleans(), st.booleans(), st.text(max_size=90))
def test_any_numbers_and_text_give_a_chart(
    points: list[tuple[float, float]], log_x: bool, log_y: bool, text: str
) -> None:
    points = sorted(points, key=lambda point: -math.inf if math.isnan(point[0]) else point[0])
    series = [Series(text, [x for x, _ in points], [y for _, y in points]), Series("drawn", [1], [1])]
    svg = line_chart(series, title=text, x_label=text, y_label=text, log_x=log_x, log_y=log_y)
    root = ElementTree.fromstring(svg.encode())
    left, top, right, bottom = area(root)
    assert 0 < left < right < WIDTH
    assert 0 < top < bottom < HEIGHT
    for line in polylines(root):
        assert all(left <= x <= right and top <= y <= bottom for x, y in line)
        assert [x for x, _ in line] == sorted(x for x, _ in line)
    for axis in "xy":
        places = [at for at, _ in ticks(root, axis)]
        assert len(places) >= 2
        assert len({label for _, label in ticks(root, axis)}) == len(places)
        assert sorted(places, reverse=axis == "y") == places


def test_screen_readers_get_a_description() -> None:
    root = chart(Series("rnn", [0, 1], [1, 0.25]))
    assert root.get("role") == "img"
    assert root.get("viewBox") == "0 0 720 420"
    named = [part.get("id") for part in (root[0], root[1])]
    assert root.get("aria-labelledby") == " ".join(map(str, named))
    assert root.findtext(f"{SVG}desc") == "loss over step. rnn: from 1 to 0.25."
    assert root[2].get("fill") == "#fff"


def test_the_same_input_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        svg = line_chart([Series("a", [0, 1], [0, 1])], title="t", x_label="x", y_label="y")
        save_chart(tmp_path / "new" / f"{name}.svg", svg)
    assert [path.name for path in sorted((tmp_path / "new").iterdir())] == ["one.svg", "two.svg"]
    assert (tmp_path / "new/one.svg").read_bytes() == (tmp_path / "new/two.svg").read_bytes() == svg.encode()
