"""Records of plain text of lecture files."""

import gzip
import json
from pathlib import Path

import pytest

from corpus.texts import main, text_records

SLIDES = "# The cell\n\nIt keeps a sum.\n\n- one gate\n- another gate\n\n# The end\n\nThanks."


def _lectures(folder: Path, count: int = 1) -> Path:
    for number in range(count):
        path = folder / "lectures" / "slides" / f"{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SLIDES, encoding="utf-8")
    return folder / "lectures"


def _written(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_a_record_holds_what_the_index_reads_of_a_file(tmp_path: Path) -> None:
    output = tmp_path / "texts.jsonl.gz"
    arguments = [str(_lectures(tmp_path)), "--source", "a/b", "--licence", "MIT", "--output", str(output)]
    assert main(arguments) == 0
    (record,) = _written(output)
    assert {name: record[name] for name in ("source", "path", "licence")} == {
        "source": "a/b",
        "path": "slides/0.md",
        "licence": "MIT",
    }
    lines = record["text"].replace("## ", "").split("\n\n")
    assert (lines[0], lines[1], lines[-1]) == ("The cell", "It keeps a sum.", "Thanks.")


def test_headings_are_marked_in_some_files_and_in_each_one_the_same_way_again(tmp_path: Path) -> None:
    folder = _lectures(tmp_path, count=20)
    texts = [record["text"] for record in text_records(folder, source="a/b", licence="MIT")]
    assert {text.count("## ") for text in texts} == {0, 2}
    assert texts == [record["text"] for record in text_records(folder, source="c/d", licence="MIT")]


def test_only_the_named_files_are_read_and_what_cannot_be_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _lectures(tmp_path)
    (folder / "other.md").write_text("Else.", encoding="utf-8")
    (folder / "slides" / "broken.pdf").write_bytes(b"no pages")
    (folder / "slides" / "empty.html").write_text("<html><body><script>1</script></body></html>", encoding="utf-8")
    paths = [record["path"] for record in text_records(folder, source="a/b", licence="MIT", only="slides/*")]
    assert paths == ["slides/0.md"]
    told = capsys.readouterr().err
    assert "slides/broken.pdf: " in told
    assert "slides/empty.html: holds no text" in told


def test_a_missing_folder_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "texts.jsonl.gz"
    arguments = [str(tmp_path / "gone"), "--source", "a/b", "--licence", "MIT", "--output", str(output)]
    assert main(arguments) == 1
    assert "gone: no such file or folder" in capsys.readouterr().err
    assert not output.exists()
