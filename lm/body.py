"""What every architecture has in common: embedded tokens in, hidden vectors out, and a state to go on with.

A body reads x [B, T, D], embedded tokens that follow what its state has seen, and gives hidden vectors [B, T, D];
the t-th predicts the token after the t-th. `prefix` [B] says how many tokens, from the very first, are a prompt that
may be read in both directions: a transformer lets them see one another, a recurrent model reads them with a
bidirectional encoder whose states its decoder attends to. Without a prefix the body is a causal language model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor, nn

from lm.config import RECURRENT, ModelConfig


@dataclass
class Record:
    """Intermediates of one call of a body, filled in by its explicit path.

    `attention`: weights [B, H, T, S] of each layer (transformer), or one [B, 1, T, S] over the S prompt tokens
    (recurrent). `gates`: named gates and states [B, L, T, H] of the recurrent layers over the T tokens of the call;
    `encoder` the same over the S prompt tokens, [B, 2 L, S, H / 2], forward and backward of each layer in turn.
    """

    attention: list[Tensor] = field(default_factory=list)
    gates: dict[str, Tensor] = field(default_factory=dict)
    encoder: dict[str, Tensor] = field(default_factory=dict)


class BodyState(Protocol):
    """What a body keeps of the tokens it has seen."""

    length: int
    """Tokens seen."""

    def select(self, rows: Tensor) -> None:
        """Keep the named rows of the batch, in that order; a row may be taken several times."""

    def mark(self) -> Any:
        """A mark to come back to with `rewind`."""

    def rewind(self, mark: Any, keep: int) -> int:
        """Forget all but the first `keep` tokens read since `mark`; of those, the last so many must be read again."""


class Body(Protocol):
    """The part of a model that differs between architectures."""

    def start(self, batch: int, like: Tensor) -> BodyState:
        """A state that has seen nothing, on the device and in the type of `like`."""

    def __call__(
        self,
        x: Tensor,
        *,
        prefix: Tensor | None = None,
        state: Any = None,
        record: Record | None = None,
    ) -> Tensor:
        """Hidden vectors [B, T, D] of embedded tokens [B, T, D]; `state` is updated. See the module's text."""


def make_body(config: ModelConfig) -> nn.Module:
    """The body that `config.architecture` names."""
    if config.architecture in RECURRENT:
        from lm.recurrent import RecurrentBody

        return RecurrentBody(config)
    if config.architecture == "window":
        from lm.window import WindowBody

        return WindowBody(config)
    from lm.transformer import TransformerBody

    return TransformerBody(config)
