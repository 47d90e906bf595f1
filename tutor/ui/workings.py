"""What the page asks for after an answer: effects of taking passages away, heads, gates, pictures of pages.

An answer is kept with its tutor as long as its conversation holds it and it is one of the latest of all, and found
again by a key that nobody can guess, so that a page reaches its own answers alone. Everything is computed when it is
asked for, one at a time.
"""

from __future__ import annotations

import base64
import secrets
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from tutor.answer import Answer, Trace
from tutor.explanation import HeadWeights
from tutor.ui.gates import GATES, SCORES, kind_of
from tutor.ui.payload import owner_of, visible
from tutor.ui.strips import gate_strips, one_head, overview, owners_of

KEPT = 5
"""Of the answers of a conversation, so many of the latest can be looked into."""

MOST = 100
"""Of the answers of all conversations; each takes some hundred kilobytes."""

KINDS = ("raw", "value_weighted", "rollout")

_PATIENCE = 30.0
"""Seconds that a request waits for the one before it."""

GONE = "The workings of this answer are no longer kept; ask again to see them."
BUSY = "The tutor is busy with other workings; try again in a moment."
BUG = "Something went wrong inside the program; the reason stands in the terminal that runs it."


class Missing(Exception):
    """What was asked for is not there; the message is one line for the reader."""


@dataclass(kw_only=True, eq=False)
class Kept:
    """An answer with the tutor that gave it; `found` are the replies that are worth keeping, by what they answer."""

    key: str
    answer: Answer
    tutor: Any
    found: dict[str, Any] = field(default_factory=dict)

    def forget(self) -> None:
        """Keep of the answer what the chat shows alone."""
        self.answer = replace(self.answer, trace=None)
        self.found.clear()


Answering = Callable[[Kept, Mapping[str, Any]], dict[str, Any]]


class Workings:
    """The answers that can be looked into, and what the page may ask about them. Safe for several threads."""

    def __init__(self) -> None:
        self._kept: WeakValueDictionary[str, Kept] = WeakValueDictionary()
        self._keeping = threading.Lock()
        self._reader, self._painter = threading.Lock(), threading.Lock()
        self._read: tuple[str, HeadWeights] | None = None

    def keep(self, answer: Answer, tutor: Any) -> Kept:
        """Makes an answer reachable for as long as the caller holds what is returned, and no MOST others came after."""
        kept = Kept(key=secrets.token_urlsafe(18), answer=_light(answer), tutor=tutor)
        with self._keeping:
            self._kept[kept.key] = kept
            for oldest in list(self._kept.values())[:-MOST]:
                del self._kept[oldest.key]
                oldest.forget()
        return kept

    def functions(self) -> list[Callable[[Any], dict[str, Any]]]:
        """The functions for the page, as `gr.HTML` takes them. Each takes one object with the `key` of an answer, and
        returns what was asked for, or {"error": a line}."""
        reading = [self._offered(one, self._reader) for one in (self.effects, self.heads, self.head, self.gates)]
        return [*reading, self._offered(self.picture, self._painter)]

    def _offered(self, answering: Answering, lock: threading.Lock) -> Callable[[Any], dict[str, Any]]:
        def answered(request: Any) -> dict[str, Any]:
            if not isinstance(request, dict) or not isinstance(request.get("key"), str):
                return {"error": GONE}
            kept = self._kept.get(request["key"])
            if kept is None:
                return {"error": GONE}
            if not lock.acquire(timeout=_PATIENCE):
                return {"error": BUSY}
            try:
                return answering(kept, request)
            except Missing as reason:
                return {"error": str(reason)}
            except Exception:
                # The border to the page, as in the chat: the reader gets a sentence, the terminal the reason.
                traceback.print_exc()
                return {"error": BUG}
            finally:
                lock.release()

        answered.__name__ = answering.__name__
        return answered

    def effects(self, kept: Kept, request: Mapping[str, Any]) -> dict[str, Any]:
        """What each passage gave and what its absence costs; see `tutor.explanation`."""
        del request
        if "effects" not in kept.found:
            found = kept.tutor.explain(kept.answer).to_json()
            kept.found["effects"] = {"passages": found["passages"], "note": found["note"]}
        reply: dict[str, Any] = kept.found["effects"]
        return reply

    def heads(self, kept: Kept, request: Mapping[str, Any]) -> dict[str, Any]:
        """All heads in small, as one of `KINDS`."""
        kind = _one_of(request, "kind", KINDS)
        weights, tokens, owners = self._weights(kept, kind)
        reply = {"kind": kind, "tokens": tokens, **overview(weights, owners)}
        if _trace(kept).steps[0].gates:
            score = SCORES[kept.tutor.config.score]
            return {**reply, "score": score.to_json(_sources(kept))}
        return {**reply, "rest": self._rest(kept)}

    def head(self, kept: Kept, request: Mapping[str, Any]) -> dict[str, Any]:
        """One head at full size."""
        kind = _one_of(request, "kind", KINDS)
        weights, tokens, owners = self._weights(kept, kind)
        layer, head = (
            _below(request, name, size) for name, size in zip(("layer", "head"), weights.shape[:2], strict=True)
        )
        return {"kind": kind, "layer": layer, "head": head, "tokens": tokens, **one_head(weights[layer, head], owners)}

    def gates(self, kept: Kept, request: Mapping[str, Any]) -> dict[str, Any]:
        """Gates and states of one layer of a recurrent decoder over the answer."""
        trace = _trace(kept)
        gates = trace.steps[0].gates
        if not gates:
            raise Missing("This model has no gates.")
        layer = _below(request, "layer", len(next(iter(gates.values()))))
        named, sources = GATES[kind_of(gates)], _sources(kept)
        reply = gate_strips(trace, layer)
        for one in reply["gates"]:
            one.update(named[one["name"]].to_json(sources))
        return {**reply, "tokens": [visible(step.text) for step in trace.steps]}

    def picture(self, kept: Kept, request: Mapping[str, Any]) -> dict[str, Any]:
        """A page of the PDF that a passage stands in, the `number`-th (from 0) of those it touches, as a data URL, and
        the boxes of the passage's lines on it."""
        from corpus.picture import PictureError, page_picture

        position = _below(request, "passage", len(kept.answer.passages))
        passage = kept.answer.passages[position].passage
        first, last = passage.locator.page, passage.locator.last
        if first is None:
            raise Missing("This passage stands on no page of a PDF.")
        page = first + _below(request, "number", (last or first) - first + 1)
        original = kept.tutor.store.original(passage)
        if original is None:
            raise Missing("The file is no longer where it was when it was indexed.")
        path, sha256 = original
        try:
            found = page_picture(path, sha256=sha256, page=page, text=passage.text)
        except PictureError as reason:
            raise Missing(f"There is no picture: {reason}.") from None
        image = "data:image/png;base64," + base64.b64encode(found.png).decode("ascii")
        boxes = [[round(side, 5) for side in box] for box in found.boxes]
        return {"page": page, "image": image, "width": found.width, "height": found.height, "boxes": boxes}

    def _weights(self, kept: Kept, kind: str) -> tuple[NDArray[np.float32], list[str], list[int]]:
        """Weights [L, H, A, N] of one kind, the answer tokens, and the owners of the N tokens."""
        trace = _trace(kept)
        prompt = [owner_of(token) for token in trace.prompt]
        if trace.steps[0].attention.shape[0] == 0:
            raise Missing("This model has no attention but the copy weights above.")
        if trace.steps[0].gates:
            if kind != "raw":
                raise Missing("The attention of a recurrent model is shown as it is.")
            weights = np.stack([step.attention for step in trace.steps], axis=2)
            return weights, [visible(step.text) for step in trace.steps], prompt
        read = self._reading(kept)
        weights = {"raw": read.raw, "value_weighted": read.value_weighted, "rollout": read.rollout[:, None]}[kind]
        return weights, [visible(token) for token in read.tokens], owners_of(prompt, weights.shape[-1])

    def _reading(self, kept: Kept) -> HeadWeights:
        """The heads of an answer; those of the latest one that was looked at are at hand."""
        if self._read is None or self._read[0] != kept.key:
            self._read = None
            self._read = kept.key, kept.tutor.heads(kept.answer)
        return self._read[1]

    def _rest(self, kept: Kept) -> dict[str, float]:
        """How much attention rests on markers, how much of what heads move comes from there, and how long the values
        of markers are beside those of words."""
        read = self._reading(kept)
        marker = np.array([owner_of(token) == -2 for token in _trace(kept).prompt])
        norms = read.norms[..., : len(marker)]
        return {
            "weight": _share(read.raw[..., : len(marker)][..., marker]),
            "moved": _share(read.value_weighted[..., : len(marker)][..., marker]),
            "length": round(float(norms[..., marker].mean() / norms[..., ~marker].mean()), 2),
        }


def _light(answer: Answer) -> Answer:
    """The answer without the attention of a Transformer, megabytes that `heads` reads anew when somebody looks."""
    trace = answer.trace
    if trace is None or not trace.steps or trace.steps[0].gates:
        return answer
    steps = tuple(replace(step, attention=step.attention[..., :0].copy()) for step in trace.steps)
    return replace(answer, trace=replace(trace, steps=steps))


def _share(weights: NDArray[np.float32]) -> float:
    return round(float(weights.sum(axis=-1).mean()), 3)


def _trace(kept: Kept) -> Trace:
    if kept.answer.trace is None or not kept.answer.trace.steps:
        raise Missing("No word of this answer was written by the model, so there is nothing to show.")
    return kept.answer.trace


def _sources(kept: Kept) -> set[str]:
    return {one.source for one in kept.tutor.store.sources() if one.passages}


def _one_of(request: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = request.get(name)
    if not isinstance(value, str) or value not in choices:
        raise Missing(f"{name} must be one of {', '.join(choices)}.")
    return value


def _below(request: Mapping[str, Any], name: str, size: int) -> int:
    value = request.get(name)
    if type(value) is not int or not 0 <= value < size:
        raise Missing(f"{name} must be a whole number from 0 to {size - 1}.")
    return value
