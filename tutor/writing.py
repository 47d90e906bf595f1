"""Writing with a model whose device may fail: the CPU goes on after the last token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lm.generate import Generated, generate
from lm.sampling import Decoding

if TYPE_CHECKING:
    from index.device import Placed
    from lm.checkpoint import Checkpoint
    from lm.reading import Prompt


def write(
    placed: Placed[Checkpoint],
    prompt: Prompt,
    decoding: Decoding,
    *,
    trace: bool = False,
    forced: Sequence[int] | None = None,
) -> Iterator[Generated]:
    """`lm.generate.generate` by the model as it is placed; no token comes twice or is taken back."""
    written: list[int] = []
    checkpoint = placed.what
    while True:
        try:
            for one in generate(checkpoint.model, prompt, decoding, trace=trace, forced=forced, begun=tuple(written)):
                written.append(one.token)
                yield one
            return
        except RuntimeError as fault:
            checkpoint = placed.instead(checkpoint, fault)
