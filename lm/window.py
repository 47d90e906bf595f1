"""The fixed-window neural language model (Bengio et al. 2003, equation 1), the baseline before recurrence.

    x_t = (e_{t-n+1}, ..., e_t)            the embeddings of the last n tokens side by side, [n D]
    h_t = W x_t + U tanh(H x_t + d)        direct connections W, and a tanh layer between H and U

The output layer is that of all models here. What lies further back than n tokens does not exist for it; only the
copy head, which compares windows of the prompt with the window before the answer token, reaches over the whole prompt.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lm.body import Record
from lm.config import ModelConfig
from lm.transformer import RMSNorm


@dataclass
class WindowState:
    """The last n - 1 embedded tokens [B, n - 1, D]."""

    recent: Tensor
    length: int = 0

    def select(self, rows: Tensor) -> None:
        """Keep the named rows of the batch."""
        self.recent = self.recent[rows]

    def detach(self) -> None:
        """Let no gradient flow back to what was read before."""
        self.recent = self.recent.detach()

    def mark(self) -> tuple[Tensor, int]:
        """The tokens seen last."""
        return self.recent, self.length

    def rewind(self, mark: tuple[Tensor, int], keep: int) -> int:
        """Back to the mark; the tokens to keep must be read again."""
        self.recent, self.length = mark
        return keep


class WindowBody(nn.Module):
    """Embedded tokens in, hidden vectors out, each from its window alone."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.direct = nn.Linear(config.window * config.width, config.width, bias=False)
        self.inner = nn.Linear(config.window * config.width, config.hidden)
        self.outer = nn.Linear(config.hidden, config.width, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        self.norm = RMSNorm(config.width)

    def start(self, batch: int, like: Tensor) -> WindowState:
        """Nothing seen: zeros stand before the first token."""
        return WindowState(recent=like.new_zeros((batch, self.config.window - 1, self.config.width)))

    def forward(
        self,
        x: Tensor,
        *,
        prefix: Tensor | None = None,
        state: WindowState | None = None,
        record: Record | None = None,
    ) -> Tensor:
        """Hidden vectors [B, T, D]; a window looks back only, so `prefix` makes no difference, and there is no
        attention or gate to record."""
        state = self.start(x.shape[0], x) if state is None else state
        seen = torch.cat((state.recent, x), dim=1)
        state.recent, state.length = seen[:, x.shape[1] :], state.length + x.shape[1]
        windows = seen.unfold(1, self.config.window, 1).transpose(2, 3).flatten(2)
        inner = self.dropout(torch.tanh(self.inner(windows)))
        return torch.as_tensor(self.norm(self.direct(windows) + self.outer(inner)))
