"""What a course holds, in figures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from statistics import mean

from corpus.course import Course
from corpus.overlap import words


def report(course: Course, alike: dict[str, float]) -> str:
    """Counts by kind and split, lengths and reading level; `alike`: the highest likeness across splits by measure."""
    single = [one.values for one in course.questions if "dialogue" not in one.values]
    turns = [one.values for one in course.questions if "dialogue" in one.values]
    prose = [lecture.prose() for lecture in course.lectures.values()]
    lengths = [len(text.split()) for text in prose]
    lines = [
        f"{len(prose)} lectures, {sum(lengths):,} words ({min(lengths):,} to {max(lengths):,}), "
        f"reading ease {mean(map(reading_ease, prose)):.0f} (Flesch), {len(course.numbers)} numbers recomputed",
        f"{len(single):,} questions, {sum(not one['answerable'] for one in single)} not answerable; "
        f"{len({one['dialogue'] for one in turns})} dialogues of {len(turns)} turns",
        *_by_kind([*single, *turns]),
    ]
    if course.reading:
        texts = [one.values["text"] for one in course.reading]
        asked = sum(len(one.values["questions"]) for one in course.reading)
        lines.append(
            f"{len(texts)} reading passages, {mean(len(text.split()) for text in texts):.0f} words each, "
            f"reading ease {mean(map(reading_ease, texts)):.0f}, {asked:,} questions, "
            f"{len({one.values['topic'] for one in course.reading})} topics"
        )
    if course.note_questions:
        noted = {(one.values["source"], one.values["path"], *one.values["part"]) for one in course.note_questions}
        lines.append(f"{len(course.note_questions):,} questions on {len(noted)} parts of open course notes and slides")
    lines += [f"nearest questions across splits by {kind}: {value:.2f}" for kind, value in alike.items()]
    return "\n".join(lines)


def reading_ease(text: str) -> float:
    """Flesch's reading ease: about 60 is plain English, 30 a scientific paper (Flesch 1948).

    206.835 - 1.015 words per sentence - 84.6 syllables per word; syllables are counted as groups of vowels.
    """
    bare = re.sub(r"\$[^$]*\$|`[^`]*`|[*#|]", " ", text)
    found = [word for word in words(bare) if word.isalpha()]
    sentences = max(1, len(re.findall(r"[.!?](?=\s|$)", bare)))
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"e$", "", word)))) for word in found)
    return 206.835 - 1.015 * len(found) / sentences - 84.6 * syllables / max(1, len(found))


def _by_kind(questions: Sequence[dict[str, object]]) -> list[str]:
    splits = ("train", "dev", "test")
    rows = [f"{'kind':<12}{'train':>7}{'dev':>7}{'test':>7}{'words asked':>13}{'answered':>10}"]
    for kind in [*sorted({str(one["kind"]) for one in questions}), "all"]:
        members = [one for one in questions if kind in (one["kind"], "all")]
        asked = mean(len(str(one["question"]).split()) for one in members)
        answered = mean(len(str(one["reference"]).split()) for one in members if one["answerable"] or kind != "all")
        by_split = Counter(str(one["split"]) for one in members)
        columns = "".join(f"{by_split[split]:>7}" for split in splits)
        rows.append(f"{kind:<12}{columns}{asked:>13.1f}{answered:>10.1f}")
    return rows
