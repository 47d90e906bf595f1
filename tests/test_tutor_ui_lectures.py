"""The lecture reader puts a document together as it was, whatever was indexed beside it."""

from dataclasses import dataclass

from corpus.document import Locator, Passage
from index.catalogue import SourceInfo
from tutor.ui.lectures import choices, key, markdown, read


def passage(text: str, start: int, *, course: str = "A", source: str = "notes.md", slide: int | None = None) -> Passage:
    place = Locator(source=source, start=start, end=start + len(text), slide=slide)
    return Passage(passage_id=f"{start:016x}", document="Notes", text=text, locator=place, course=course)


def info(course: str, title: str, passages: int) -> SourceInfo:
    return SourceInfo(source="notes.md", title=title, course=course, passages=passages, sha256="")


@dataclass
class Shelf:
    found: tuple[SourceInfo, ...]
    texts: tuple[Passage, ...]

    def sources(self) -> tuple[SourceInfo, ...]:
        return self.found

    def passages(self) -> tuple[Passage, ...]:
        return self.texts


def test_documents_are_named_by_title_and_by_course_where_there_are_several() -> None:
    assert choices(Shelf((info("A", "Gates", 2), info("A", "Empty", 0)), ())) == [("Gates", "A\nnotes.md")]
    both = choices(Shelf((info("A", "Gates", 2), info("B", "Gates", 1)), ()))
    assert both == [("A: Gates", "A\nnotes.md"), ("B: Gates", "B\nnotes.md")]


def test_a_document_is_read_in_its_order_and_without_the_others() -> None:
    shelf = Shelf((), (passage("second", 50), passage("first", 0), passage("other", 0, course="B")))
    assert read(shelf, key("A", "notes.md")) == "first\n\nsecond"
    assert "no longer in the index" in read(shelf, key("A", "gone.md"))


def test_slides_are_numbered_and_keep_their_lines() -> None:
    slides = [passage("one\ntwo", 0, slide=1), passage("three", 9, slide=1), passage("$$ x\n= y $$\nend", 20, slide=2)]
    expected = "---\n\n*Slide 1*\n\none  \ntwo\n\nthree\n\n---\n\n*Slide 2*\n\n\\[ x\n= y \\]  \nend"
    assert markdown(slides) == expected
    assert markdown([passage("| a | b |\n|---|---|\n| 1 | 2 |", 0, slide=1)]).endswith(
        "| a | b |\n|---|---|\n| 1 | 2 |"
    )
    assert markdown([passage("one\ntwo", 0)]) == "one\ntwo"


def test_tags_and_images_of_a_lecture_are_text() -> None:
    told = markdown([passage("A <b>tag</b>, ![a picture](http://a.b/c.png) and `<code>`", 0)])
    assert told == "A &lt;b>tag&lt;/b>, !&#91;a picture](http://a.b/c.png) and `<code>`"
