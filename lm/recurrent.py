"""Recurrent networks: stacks of cells, and the encoder-decoder with attention that answers from a prompt.

`Recurrent` is a stack of RNN, LSTM or GRU layers. Its weights live in torch's fused module; `Recurrent.explicit` goes
step by step through the equations of `lm.cells` with the same weights, and returns every intermediate.

`RecurrentBody` is a sequence-to-sequence model with attention (Bahdanau et al. 2015; Luong et al. 2015):

    e_1 ... e_S    states of a bidirectional encoder over the prompt
    d_t            state of the decoder, which starts from the encoder's last states, both directions side by side
    a_t = softmax_s(score(d_t, e_s)),   c_t = sum_s a_ts e_s
    h_t = tanh(W (c_t, d_t))                                              (Luong et al. 2015, equation 5)

Without a prompt there is no encoder and c_t = 0: a plain recurrent language model, whose state may be carried from one
stretch of text to the next (truncated backpropagation through time, Williams and Peng 1990).

Shapes: B batch, T decoder steps, S prompt tokens, D width, H state width, L layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lm.attention import Scorer, masked_softmax
from lm.body import Record
from lm.cells import GATES, Memory, Weights, unroll
from lm.config import ModelConfig
from lm.transformer import RMSNorm

_FUSED: dict[str, Any] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Recurrent(nn.Module):
    """`layers` recurrent layers of `kind`, each fed with the one below; in both directions where asked for."""

    def __init__(
        self, kind: str, inputs: int, hidden: int, layers: int, *, dropout: float = 0.0, both: bool = False
    ) -> None:
        super().__init__()
        self.kind, self.hidden, self.layers, self.both = kind, hidden, layers, both
        between = dropout if layers > 1 else 0.0
        self.fused = _FUSED[kind](inputs, hidden, layers, batch_first=True, dropout=between, bidirectional=both)

    @property
    def directions(self) -> int:
        """1, or 2 for a bidirectional stack."""
        return 2 if self.both else 1

    def start(self, batch: int, like: Tensor) -> Memory:
        """Zeros: h, and for an LSTM the cell too, each [L * directions, B, H]."""
        zeros = like.new_zeros((self.layers * self.directions, batch, self.hidden))
        return (zeros, zeros) if self.kind == "lstm" else (zeros,)

    def forward(self, x: Tensor, memory: Memory, lengths: Tensor | None = None) -> tuple[Tensor, Memory]:
        """Outputs [B, T, directions * H] of the top layer for x [B, T, D], and the memory after the last step.

        `lengths` [B] (on the CPU) tells how much of each padded row counts.
        """
        given: Any = memory if self.kind == "lstm" else memory[0]
        if lengths is None:
            y, last = self.fused(x, given)
        else:
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            packed, last = self.fused(packed, given)
            y, _ = pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])
        return y, last if self.kind == "lstm" else (last,)

    def weights(self, layer: int, backward: bool = False) -> Weights:
        """W, U, b, c of one layer and direction, as `lm.cells` takes them."""
        suffix = f"l{layer}" + ("_reverse" if backward else "")
        w, u, b, c = (
            getattr(self.fused, f"{name}_{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        return w, u, b, c

    def explicit(self, x: Tensor, memory: Memory) -> tuple[Tensor, Memory, dict[str, Tensor]]:
        """`forward` by the equations of `lm.cells`; also every gate and state, [B, L * directions, T, H].

        Dropout is not applied: this path explains, it does not train.
        """
        last: list[Memory] = []
        recorded: list[dict[str, Tensor]] = []
        for layer in range(self.layers):
            outputs = []
            for direction in range(self.directions):
                place = layer * self.directions + direction
                steps = x.flip(1) if direction else x
                gates, after = unroll(
                    self.kind, steps, tuple(part[place] for part in memory), self.weights(layer, direction == 1)
                )
                if direction:
                    gates = {name: value.flip(1) for name, value in gates.items()}
                outputs.append(gates["hidden"])
                recorded.append(gates)
                last.append(after)
            x = torch.cat(outputs, dim=-1)
        after = tuple(torch.stack(parts) for parts in zip(*last, strict=True))
        return x, after, {name: torch.stack([gates[name] for gates in recorded], dim=1) for name in recorded[0]}


@dataclass
class RecurrentState:
    """Memory of the decoder; and of the prompt the encoder's states [B, S, H], what the scoring function needs of
    them, and which of them are no padding [B, 1, S]."""

    memory: Memory
    length: int = 0
    source: Tensor | None = None
    keys: Tensor | None = None
    mask: Tensor | None = None

    def select(self, rows: Tensor) -> None:
        """Keep the named rows of the batch."""
        self.memory = tuple(part[:, rows] for part in self.memory)
        if self.source is not None and self.keys is not None and self.mask is not None:
            self.source, self.keys, self.mask = self.source[rows], self.keys[rows], self.mask[rows]

    def detach(self) -> None:
        """Let no gradient flow back to what was read before."""
        self.memory = tuple(part.detach() for part in self.memory)

    def mark(self) -> tuple[Memory, int]:
        """The memory as it is."""
        return self.memory, self.length

    def rewind(self, mark: tuple[Memory, int], keep: int) -> int:
        """Back to the mark; the tokens to keep must be read again."""
        self.memory, self.length = mark
        return keep


class RecurrentBody(nn.Module):
    """Encoder, decoder and the attention between them."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        kind, width, hidden = config.architecture, config.width, config.hidden
        self.encoder = Recurrent(kind, width, hidden // 2, config.layers, dropout=config.dropout, both=True)
        self.decoder = Recurrent(kind, width, hidden, config.layers, dropout=config.dropout)
        self.score = Scorer(config.score, hidden, hidden)
        self.read = nn.Linear(hidden, width, bias=False)
        self.combine = nn.Linear(2 * hidden, width, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        self.norm = RMSNorm(width)
        self.reset()

    @torch.no_grad()
    def reset(self) -> None:
        """Open the forget gates of an LSTM at the start (bias 1, Jozefowicz et al. 2015, section 2.2)."""
        if self.config.architecture != "lstm":
            return
        for name, parameter in self.named_parameters():
            if "bias_ih" in name:
                gate = parameter.shape[0] // GATES["lstm"]
                parameter[gate : 2 * gate] = 1.0

    def start(self, batch: int, like: Tensor) -> RecurrentState:
        """A decoder at rest that has no prompt."""
        return RecurrentState(memory=self.decoder.start(batch, like))

    def forward(
        self,
        x: Tensor,
        *,
        prefix: Tensor | None = None,
        state: RecurrentState | None = None,
        record: Record | None = None,
    ) -> Tensor:
        """Hidden vectors [B, T, D]: of the encoder for the prompt but its last token, of the decoder from there on.

        In a batch of prompts of several lengths the state that is left behind belongs to the longest sequence alone.
        """
        state = self.start(x.shape[0], x) if state is None else state
        fresh, state.length = state.length == 0, state.length + x.shape[1]
        if prefix is None or not fresh:
            return self.decode(x, state, record)
        encoded = self.encode(x[:, : int(prefix.max())], prefix, state, record)
        # The decoder takes over at the last token of the prompt; steps past the end of a row go to a spare place.
        steps = torch.arange(x.shape[1] - int(prefix.min()) + 1, device=x.device)
        rows = (prefix[:, None] - 1 + steps).clamp_max(x.shape[1])[..., None]
        within = rows.clamp_max(x.shape[1] - 1).expand(-1, -1, x.shape[2])
        decoded = self.decode(x.gather(1, within), state, record)
        hidden = x.new_zeros((x.shape[0], x.shape[1] + 1, x.shape[2]), dtype=decoded.dtype)
        hidden[:, : encoded.shape[1]] = encoded.to(decoded.dtype)
        return hidden.scatter(1, rows.expand(-1, -1, x.shape[2]), decoded)[:, :-1]

    def encode(self, x: Tensor, prefix: Tensor, state: RecurrentState, record: Record | None) -> Tensor:
        """Read prompts [B, S, D] of lengths [B] in both directions into the state; hidden vectors [B, S, D]."""
        batch, longest = x.shape[:2]
        memory = self.encoder.start(batch, x)
        if record is not None:
            if not bool((prefix == longest).all()):
                raise ValueError(f"recorded prompts must be of one length; theirs are {prefix.tolist()}")
            source, memory, record.encoder = self.encoder.explicit(x, memory)
        else:
            lengths = None if bool((prefix == longest).all()) else prefix.cpu()
            source, memory = self.encoder(x, memory, lengths)
        # Both directions of a layer side by side, [L 2, B, H / 2] to [L, B, H], are where its decoder layer starts.
        state.memory = tuple(
            part.unflatten(0, (self.config.layers, 2)).transpose(1, 2).flatten(2).contiguous() for part in memory
        )
        state.source, state.keys = source, self.score.keys(source)
        state.mask = (torch.arange(longest, device=x.device) < prefix[:, None])[:, None]
        return torch.as_tensor(self.norm(self.read(source)))

    def decode(self, x: Tensor, state: RecurrentState, record: Record | None) -> Tensor:
        """Hidden vectors [B, T, D] of the next decoder steps over embedded tokens [B, T, D]."""
        if record is not None:
            d, state.memory, record.gates = self.decoder.explicit(x, state.memory)
        else:
            d, state.memory = self.decoder(x, state.memory)
        if state.source is None or state.keys is None:
            c = torch.zeros_like(d)
        else:
            weights = masked_softmax(self.score.score(d, state.keys), state.mask)
            c = weights @ state.source
            if record is not None:
                record.attention.append(weights[:, None])
        h = torch.tanh(self.combine(torch.cat((c, d), dim=-1)))
        return torch.as_tensor(self.norm(self.dropout(h)))
