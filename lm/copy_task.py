"""The copy task over a distance: its sequences, training on it, and how much is recalled.

Random symbols, as many blanks as the distance says, a marker; then the symbols again, which the model has to know
(after Hochreiter and Schmidhuber 1997, section 5, and Arjovsky et al. 2016, section 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from lm.model import LanguageModel

BATCH = 32
_TEST = 512


@dataclass(frozen=True, kw_only=True)
class CopyTask:
    """`symbols` symbols to repeat. Tokens 0 ... alphabet - 1 are symbols, then come the blank and the marker."""

    symbols: int
    alphabet: int

    @property
    def vocabulary(self) -> int:
        """Symbols, blank and marker."""
        return self.alphabet + 2

    def batch(self, rows: int, distance: int, generator: Generator) -> Tensor:
        """Sequences [rows, symbols + distance + 1 + symbols]: symbols, blanks, marker, the symbols again."""
        symbols = torch.randint(self.alphabet, (rows, self.symbols), generator=generator)
        blanks = torch.full((rows, distance), self.alphabet)
        marker = torch.full((rows, 1), self.alphabet + 1)
        return torch.cat((symbols, blanks, marker, symbols), dim=1)


def learn(model: LanguageModel, task: CopyTask, distance: int, *, rate: float, steps: int, seed: int) -> None:
    """Train in place by Adam on distances from 1 to `distance`: warm-up, a constant rate, then down to 0."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, betas=(0.9, 0.98))
    model.train()
    for step in range(steps):
        some = int(torch.randint(1, distance + 1, (), generator=generator))
        tokens = task.batch(BATCH, some, generator)
        loss = model.text_losses(tokens)[:, -task.symbols :].mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 50, (steps - step) / (0.3 * steps))
        optimizer.step()
    model.eval()


def recall(model: LanguageModel, task: CopyTask, distance: int, seed: int) -> tuple[float, float]:
    """Loss per symbol, and share of the symbols repeated rightly, on sequences drawn from `seed`."""
    tokens = task.batch(_TEST, distance, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        loss = float(model.text_losses(tokens)[:, -task.symbols :].mean())
        hidden = model.body(model.embed(tokens[:, :-1])[0])[:, -task.symbols :]
        right = model.write_logits(hidden).argmax(dim=-1) == tokens[:, -task.symbols :]
    return loss, float(right.double().mean())
