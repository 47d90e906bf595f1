"""An `Answer` as the JSON that the panel beside the chat draws.

Passages are untrusted text, so they travel as data alone: the page builds its elements with `textContent`. Text is
cut into runs here rather than marked by offsets, because a browser counts UTF-16 units where Python counts
characters.
"""

from __future__ import annotations

import base64
import itertools
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.document import Passage
from tutor.answer import Answer, Citation, PromptToken, Step, Trace
from tutor.ui.drawing import inert_json
from tutor.ui.layout import DRAWN, parts
from tutor.ui.markers import put_by_tutor

VERSION = 3

COPY_BYTES = 12_000
"""Most bytes for copy weights, before base64."""

_ENTRY_BYTES = 3
"""A weight as sent: its prompt position as uint16 and itself as uint8."""

_FEWEST = 8
"""So many weights of a token are sent at least; fewer say too little."""

_STRONG, _CLEAR = 0.5, 0.15
"""Shares of the largest weight in a passage from which a copied word counts as level 3 and level 2."""

_FEW_WORDS = 6

Run = tuple[str, int, str]
"""A piece of a text, its level and its kind."""


def panel_json(answer: Answer, turn: int, key: str = "") -> str:
    """The panel's payload as a JSON string; `turn` is the position of the answer in the chat, from 0, and `key` finds
    the answer again when the page asks for more of it (`tutor.ui.workings`)."""
    return inert_json(payload(answer, turn, key))


def failure_json(turn: int) -> str:
    """The panel's payload where an error took the place of an answer."""
    return inert_json({"version": VERSION, "turn": turn, "failed": True})


def payload(answer: Answer, turn: int, key: str = "") -> dict[str, Any]:
    """The panel's payload: passages in rank order with their marked runs, and the trace where there is one."""
    cited = {citation.passage.passage_id: citation for citation in answer.citations}
    trace = answer.trace
    passages = []
    for position, (hit, name) in enumerate(zip(answer.passages, names(answer), strict=True)):
        citation = cited.get(hit.passage.passage_id)
        passages.append(
            {
                "number": citation.number if citation else None,
                "title": visible(hit.passage.document),
                "name": visible(name),
                "course": visible(hit.passage.course),
                "place": visible(hit.passage.locator.describe()),
                "page": hit.passage.locator.page,
                "last": hit.passage.locator.last,
                "score": round(float(hit.score), 4),
                "weight": round(float(citation.weight), 4) if citation else 0.0,
                "runs": runs(hit.passage, levels(hit.passage.text, citation, trace, position)),
            }
        )
    return {
        "version": VERSION,
        "turn": turn,
        "key": key,
        "refused": answer.refused,
        "extractive": answer.extractive,
        "overview": answer.overview,
        "quoted": round(sum(end - start for start, end in answer.quoted) / max(len(answer.text), 1), 4),
        "model": visible(answer.model),
        "seconds": round(answer.timings.get("total", 0.0), 3),
        "markers": put_by_tutor(answer),
        "passages": passages,
        "trace": trace_payload(trace, answer) if trace is not None and trace.steps else None,
    }


def names(answer: Answer) -> list[str]:
    """What the passages are called beside their numbers, all differently: by their innermost heading, and where that is
    not enough by their lecture, page, first words or rank."""
    passages = [hit.passage for hit in answer.passages]
    found = [one.locator.headings[-1] if one.locator.headings else one.document for one in passages]
    ranks = [f"{number} by rank" for number in range(1, len(passages) + 1)]
    for told in (
        [one.document for one in passages],
        list(map(_page, passages)),
        list(map(_first_words, passages)),
        ranks,
    ):
        said: dict[str, set[str]] = {}
        for name, more in zip(found, told, strict=True):
            said.setdefault(name, set()).add(more)
        found = [
            f"{name} ({more})" if len(said[name]) > 1 and more else name for name, more in zip(found, told, strict=True)
        ]
    return found


def _page(passage: Passage) -> str:
    place = passage.locator
    return f"page {place.page}" if place.page else f"slide {place.slide}" if place.slide else ""


def _first_words(passage: Passage) -> str:
    words = re.sub(r"^#.*$", "", passage.text, flags=re.MULTILINE).split()
    return "“" + " ".join(words[:_FEW_WORDS]) + (" …”" if len(words) > _FEW_WORDS else "”") if words else ""


def visible(text: str) -> str:
    """`text` with the control characters that a browser swallows shown as a replacement character."""
    return "".join("\ufffd" if ord(c) < 32 and c not in "\t\n\r" else c for c in text)


def levels(text: str, citation: Citation | None, trace: Trace | None, position: int) -> NDArray[np.int8]:
    """Per character of a passage: 0 unused, 1 used, 2 and 3 used with more and most copy weight on it."""
    level = np.zeros(len(text), dtype=np.int8)
    if citation is None:
        return level
    for start, end in citation.passage_spans:
        level[start:end] = 1
    if trace is None or not trace.steps:
        return level
    weight = np.zeros(len(text), dtype=np.float64)
    total = sum(step.p_copy * step.copy.astype(np.float64) for step in trace.steps)
    for token, mass in zip(trace.prompt, np.asarray(total), strict=True):
        if token.passage == position:
            weight[token.start : token.end] += mass
    share = weight / max(float(weight.max(initial=0.0)), 1e-9)
    level[(level > 0) & (share >= _CLEAR)] = 2
    level[(level > 0) & (share >= _STRONG)] = 3
    return _by_word(text, level)


def _by_word(text: str, level: NDArray[np.int8]) -> NDArray[np.int8]:
    """One level for the used part of a word, its highest; white space inside a mark takes the lower neighbour."""
    for match in re.finditer(r"\S+", text):
        word = level[match.start() : match.end()]
        word[word > 0] = word.max()
    for match in re.finditer(r"\s+", text):
        before, after = match.start() - 1, match.end()
        gap = level[match.start() : match.end()]
        if before >= 0 and after < len(text):
            gap[gap > 0] = min(level[before], level[after]) or 1
    return level


def runs(passage: Passage, level: NDArray[np.int8]) -> list[Run]:
    """The text of a passage cut where the level or the kind (`tutor.ui.layout`) changes: (piece, level, kind), the
    pieces laid end to end being the text. A formula has its highest level as a whole, a sign none."""
    text, at = passage.text, 0
    found: list[Run] = []
    for start, end, kind in [*parts(text, passage.locator.headings), (len(text), len(text), "")]:
        found += _by_level(text, at, start, "", level)
        if kind in DRAWN and kind != "formula":
            found += _by_level(text, start, end, kind, level)
        else:
            found.append((visible(text[start:end]), int(level[start:end].max()) if kind == "formula" else 0, kind))
        at = end
    return found


def _by_level(text: str, start: int, end: int, kind: str, level: NDArray[np.int8]) -> list[Run]:
    """Characters [start, end) of one kind, cut where the level changes."""
    changes = start + 1 + np.flatnonzero(np.diff(level[start:end]))
    cuts = [start, *changes.tolist(), end] if start < end else []
    return [(visible(text[a:b]), int(level[a]), kind) for a, b in itertools.pairwise(cuts)]


def runs_marked(passage: Passage, start: int, end: int) -> list[Run]:
    """`runs` with one stretch of the text marked."""
    level = np.zeros(len(passage.text), dtype=np.int8)
    level[start:end] = 2
    return runs(passage, level)


def trace_payload(trace: Trace, answer: Answer) -> dict[str, Any]:
    """Prompt tokens with their owners, one entry per answer token, the copy weights packed, and what else there is to
    ask for: layers and heads of attention, gates by name."""
    copy = np.stack([step.copy for step in trace.steps]).astype(np.float32)
    mass = trace.passage_mass(len(answer.passages))
    owners = [owner_of(token) for token in trace.prompt]
    question = np.array([owner == -1 for owner in owners])
    p_copy = np.array([step.p_copy for step in trace.steps])
    return {
        "owners": owners,
        "tokens": prompt_texts(trace.prompt, [hit.passage.text for hit in answer.passages]),
        "steps": [step_payload(step, answer) for step in trace.steps],
        "mass": [round(float(share), 4) for share in mass],
        "question": round(float((p_copy * copy[:, question].sum(axis=1)).mean()), 4),
        "vocabulary": round(float((1 - p_copy).mean()), 4),
        "copy": pack(copy, COPY_BYTES),
        "layers": trace.steps[0].attention.shape[0],
        "heads": trace.steps[0].attention.shape[1],
        "gates": list(trace.steps[0].gates),
    }


def owner_of(token: PromptToken) -> int:
    """Position of the token's passage, -1 for the question, -2 for a token that is neither."""
    if token.passage is not None:
        return token.passage
    return -1 if token.in_question else -2


def prompt_texts(prompt: tuple[PromptToken, ...], passages: list[str]) -> list[tuple[str, str]]:
    """(gap before, text) of every prompt token as the passage spells it; a gap of left-out text is an ellipsis."""
    texts = []
    previous: tuple[int | None, int] = (None, 0)
    for token in prompt:
        if token.passage is None or token.end <= token.start:
            text, gap = token.text.strip(), " " if token.text[:1].isspace() else ""
        else:
            source = passages[token.passage]
            text = source[token.start : token.end]
            skipped = source[previous[1] : token.start] if previous[0] == token.passage else ""
            gap = " … " if skipped.strip() or token.start < previous[1] == previous[0] else skipped
            gap, text = gap + text[: len(text) - len(text.lstrip())], text.strip()
        previous = (token.passage, token.end)
        texts.append((visible(gap), visible(text)))
    return texts


def step_payload(step: Step, answer: Answer) -> dict[str, Any]:
    """One answer token; `kept` is false for a word that was written and does not stand in the answer's text, `quoted`
    holds where the tutor put it in word for word."""
    text = answer.text
    return {
        "text": visible(step.text),
        "kept": step.start == step.end or text[step.start : step.end].strip() == step.text.strip(),
        "quoted": any(start <= step.start < end for start, end in answer.quoted),
        "p": round(step.probability, 4),
        "copy": round(step.p_copy, 4),
        "others": [(visible(token), round(float(p), 4)) for token, p in step.alternatives],
    }


def pack(weights: NDArray[np.float32], budget: int) -> dict[str, Any]:
    """The largest weights of each answer token, [T, S], in about `budget` bytes before base64.

    A weight w is sent as round(255 sqrt(w)), which is finer for small ones; `keep` weights per token in the order
    [T, keep].
    """
    steps, size = weights.shape
    keep = min(size, max(_FEWEST, budget // (_ENTRY_BYTES * steps)))
    order = np.argpartition(-weights, keep - 1, axis=-1)[:, :keep]
    largest = np.take_along_axis(weights, order, axis=-1)
    scaled = np.rint(255 * np.sqrt(np.clip(largest, 0.0, 1.0))).astype(np.uint8)
    return {
        "steps": steps,
        "keep": int(keep),
        "positions": _base64(order.astype("<u2")),
        "weights": _base64(scaled),
    }


def _base64(values: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
