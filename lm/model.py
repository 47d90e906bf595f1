"""A language model: embeddings, a body, the output layer and the copy head. The body is what architectures differ in.

All models have one interface. `forward(tokens, state)` gives the log-probabilities of the token after each one and the
state to go on with, whether the tokens are plain text or a prompt to answer. `losses` and `text_losses` train them;
`prefill`, `step` and `next_tokens` serve them.

Shapes: B batch, T tokens, S prompt tokens, A answer positions, D width, V vocabulary, N order of the continuation.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from lm.body import BodyState, Record, make_body
from lm.config import ModelConfig
from lm.copy_head import CopyHead, CopyScores, continuation, mixture_log_probability, mixture_over_vocabulary, preceding
from lm.fast import Product, one_core
from lm.fused import cross_entropy
from lm.reading import FIRST_SOURCE_FEATURE
from lm.recurrent import RecurrentBody
from lm.state import Mark, State
from lm.static import StaticState
from lm.transformer import SHORT, TransformerBody, TransformerState, at_least_float32


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Negative log-likelihood per answer token [B, A], its mask, and the pointer loss (a mean over known sources)."""

    nll: Tensor
    mask: Tensor
    pointer: Tensor


class LanguageModel(nn.Module):
    """Continues text, and answers prompts by vocabulary and by copying; see `lm.copy_head` for the distribution."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.feature = nn.Embedding(config.features, config.width)
        if config.shift:
            # Token shift: each token also carries the one before it; "what followed this word" then needs one layer.
            self.shift = nn.Parameter(torch.full((config.width,), 0.3))
        self.body = make_body(config)
        if not config.tied:
            self.output = nn.Linear(config.width, config.vocabulary, bias=False)
        self._output: tuple[tuple[int, int], Product] | None = None
        self.copy = CopyHead(config.score, config.width, config.ngram)
        self.reset()

    @torch.no_grad()
    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw fresh weights: std 1/sqrt(fan-in), zero for biases and for what writes to a residual stream,
        orthogonal gates for recurrent weights (Saxe et al. 2014)."""
        for name, parameter in self.named_parameters():
            if (name.endswith(".bias") and name != "copy.bias") or ".bias_" in name:
                parameter.zero_()
            elif ".weight_hh_" in name:
                for gate in torch.split(parameter, parameter.shape[1]):
                    nn.init.orthogonal_(gate, generator=generator)
            elif parameter.dim() < 2:
                continue
            elif name.endswith(("out.weight", "down.weight")):
                parameter.zero_()
            elif name.startswith(("embedding", "feature", "output", "body.place")):
                parameter.normal_(std=0.5 / math.sqrt(self.config.width), generator=generator)
            else:
                parameter.normal_(std=1.0 / math.sqrt(parameter.shape[1]), generator=generator)
        if isinstance(self.body, RecurrentBody):
            self.body.reset()

    def parameters_count(self) -> int:
        """Number of weights."""
        return sum(parameter.numel() for parameter in self.parameters())

    def embed(
        self, tokens: Tensor, features: Tensor | None = None, before: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Inputs of the body [B, T, D] and the plain embeddings; `before` [B, 1, D] is that of the token before.

        Without `features` all tokens are ordinary ones (feature 0).
        """
        plain = self.embedding(tokens)
        x = plain + (self.feature.weight[0] if features is None else self.feature(features))
        if self.config.shift:
            previous = torch.zeros_like(plain[:, :1]) if before is None else before
            shifted = previous if tokens.shape[1] == 1 else torch.cat((previous, plain[:, :-1]), dim=1)
            x = torch.addcmul(x, self.shift, shifted)
        return x * math.sqrt(self.config.width), plain

    def write_logits(self, hidden: Tensor, output: Product | None = None) -> Tensor:
        """Vocabulary logits [..., V] in fp32 of hidden vectors [..., D], within +-softcap (Gemma 2, 2024).

        `output` is the output layer made ready for few vectors, where that was done.
        """
        if output is None or hidden.shape[:-1].numel() > SHORT:
            logits = at_least_float32(hidden @ self.vocabulary_weight.T)
        else:
            logits = output(hidden.flatten(0, -2)).view(*hidden.shape[:-1], -1)
        cap = self.config.softcap
        return cap * torch.tanh(logits / cap) if cap else logits

    def ready_output(self) -> Product | None:
        """The output layer made ready for few vectors, anew when it has changed; None if a gradient may be wanted."""
        if not torch.is_inference_mode_enabled():
            return None
        weight = self.vocabulary_weight
        signature = (weight.data_ptr(), weight._version)
        if self._output is None or self._output[0] != signature:
            self._output = signature, Product(weight)
        return self._output[1]

    def write_losses(self, hidden: Tensor, target: Tensor) -> Tensor:
        """Negative log-likelihood [N] under the vocabulary of targets [N], by hidden vectors [N, D]."""
        return cross_entropy(at_least_float32(hidden @ self.vocabulary_weight.T), target, self.config.softcap)

    @property
    def vocabulary_weight(self) -> Tensor:
        """The output layer [V, D]."""
        return self.embedding.weight if self.config.tied else self.output.weight

    def losses(self, tokens: Tensor, features: Tensor, prompt: Tensor, answer: Tensor, pointers: Tensor) -> Losses:
        """Losses of whole examples.

        `tokens` [B, T] are prompt then answer, `features` [B, T], `prompt` [B] prompt lengths, `answer` [B, A]
        the tokens to predict (-1 beyond the end), the a-th at position prompt + a; `pointers` [B, A] the prompt
        position the token stands at in the source, -1 where not known.
        """
        x, _ = self.embed(tokens, features)
        width = int(prompt.max())
        # A prompt of one token looks both ways at nothing but itself, and a causal mask has a faster kernel.
        hidden = self.body(x, prefix=prompt if width > 1 else None)
        rows = torch.arange(answer.shape[1], device=tokens.device)[None, :] + prompt[:, None] - 1
        rows = rows.clamp_max(tokens.shape[1] - 1)
        at_answer = hidden.gather(1, rows[..., None].expand(-1, -1, hidden.shape[-1]))
        positions = torch.arange(width, device=tokens.device)[None, :]
        copyable = (features[:, :width] >= FIRST_SOURCE_FEATURE) & (positions < prompt[:, None])
        source = tokens[:, :width]
        recent = preceding(tokens, self.config.ngram + 1)[:, :, : self.config.ngram]
        recent = torch.cat((tokens[..., None], recent), dim=-1)[..., : self.config.ngram]
        recent = recent.gather(1, rows[..., None].expand(-1, -1, recent.shape[-1]))
        matches = continuation(preceding(source, self.config.ngram), recent)
        copied = self.copy(at_answer, self.copy.keys(hidden[:, :width]), copyable, matches)
        mask = answer >= 0
        target = answer.clamp_min(0)
        log_written = torch.zeros_like(copied.log_copy)
        log_written[mask] = -self.write_losses(at_answer[mask], target[mask])
        same = source[:, None, :] == target[..., None]
        nll = -mixture_log_probability(log_written, (copied.weights * same).sum(-1), copied.log_copy, copied.log_write)
        known = mask & (pointers >= 0)
        pointed = copied.weights.gather(2, pointers.clamp(0, width - 1)[..., None]).squeeze(-1)
        pointer = -(pointed.clamp_min(1e-6).log() * known).sum() / known.sum().clamp_min(1)
        return Losses(nll=nll, mask=mask, pointer=pointer)

    def text_losses(self, tokens: Tensor, state: BodyState | None = None, before: Tensor | None = None) -> Tensor:
        """Negative log-likelihood [B, T] of plain text [B, T + 1], each token after those before it.

        `state` is that of the text before, for bodies that can carry it on, and `before` [B, 1] the last token of
        that text; the state is updated.
        """
        x, _ = self.embed(tokens[:, :-1], before=None if before is None else self.embedding(before))
        hidden = self.body(x, state=state)
        return self.write_losses(hidden.flatten(0, 1), tokens[:, 1:].flatten()).view(hidden.shape[:2])

    def forward(
        self,
        tokens: Tensor,
        state: State | None = None,
        *,
        features: Tensor | None = None,
        prefix: int | None = None,
        record: bool = False,
    ) -> tuple[Tensor, State]:
        """Logits [B, T, V] (normalised: log-probabilities) of the token after each of [B, T], and the state after them.

        Without a state the tokens are the beginning: of a text, or with `prefix` of a prompt whose first so many
        tokens are read in both directions, `features` [B, T] telling what of it may be copied.
        """
        if state is None:
            hidden, state = self.read(tokens, features, prefix=prefix, record=record)
        else:
            hidden = self.read_on(tokens, state, record=record)
        return self.distribution(hidden, state)[0], state

    def read(
        self, tokens: Tensor, features: Tensor | None = None, *, prefix: int | None = None, record: bool = False
    ) -> tuple[Tensor, State]:
        """Hidden vectors [B, T, D] of a beginning, and the state after it; arguments as for `forward`."""
        batch = tokens.shape[0]
        x, plain = self.embed(tokens, features)
        noted = Record() if record else None
        both_ways = None if prefix is None else torch.full((batch,), prefix, device=tokens.device)
        body: Any = self.body
        state = body.start(batch, x)
        hidden = body(x, prefix=both_ways, state=state, record=noted)
        order = self.config.ngram
        none = torch.zeros(tokens.shape, dtype=torch.bool, device=tokens.device)
        return hidden, State(
            body=state,
            last_embedding=plain[:, -1:],
            source=tokens,
            before=preceding(tokens, order),
            keys=self.copy.keys(hidden),
            copyable=none if features is None else features >= FIRST_SOURCE_FEATURE,
            recent=torch.cat((tokens[..., None], preceding(tokens, order)), dim=-1)[..., :order],
            output=self.ready_output(),
            record=noted,
        )

    def read_on(self, tokens: Tensor, state: State, *, record: bool = False) -> Tensor:
        """Hidden vectors [B, T, D] of tokens [B, T] that follow what the state has seen."""
        order = self.config.ngram
        x, plain = self.embed(tokens, before=state.last_embedding)
        earlier = state.recent[:, -1]
        if tokens.shape[1] == 1:
            state.recent = torch.cat((tokens, earlier), dim=1)[:, None, :order]
        elif order:
            sequence = torch.cat((earlier.flip(-1), tokens), dim=1)
            state.recent = sequence.unfold(1, order, 1)[:, 1:].flip(-1)
        else:
            state.recent = earlier[:, None].expand(-1, tokens.shape[1], -1)
        state.last_embedding = plain[:, -1:]
        state.record = Record() if record else None
        return torch.as_tensor(self.body(x, state=state.body, record=state.record))

    def distribution(self, hidden: Tensor, state: State) -> tuple[Tensor, CopyScores]:
        """Log-probabilities [B, T, V] after the tokens read last, and the copy scores they were mixed from."""
        copied = self.copy(hidden, state.keys, state.copyable, continuation(state.before, state.recent))
        written = self.write_logits(hidden, state.output).softmax(-1)
        return mixture_over_vocabulary(written, state.source, copied), copied

    @torch.inference_mode()
    def prefill(
        self, tokens: Tensor, features: Tensor, *, prefix: int | None = None, record: bool = False
    ) -> tuple[Tensor, State]:
        """Read prompts [B, S] of one length, the first `prefix` tokens (all by default) in both directions.

        Returns the hidden vectors [B, 1, D] that the first answer tokens are drawn from, and the state to go on with.
        """
        hidden, state = self.read(tokens, features, prefix=tokens.shape[1] if prefix is None else prefix, record=record)
        state.recent = state.recent[:, -1:]
        if state.record is not None:
            # The last prompt token asks for the first word, so its row is the only one of the prompt kept.
            state.record = replace(
                state.record,
                attention=[layer[:, :, -1:] for layer in state.record.attention],
                gates={name: value[:, :, -1:] for name, value in state.record.gates.items()},
            )
        return hidden[:, -1:], state

    @torch.inference_mode()
    def step(self, token: int | Tensor, state: State, *, record: bool = False) -> Tensor:
        """Append an answer token, or one for each of the batch [B], or several [B, T]; hidden vectors [B, T, D]."""
        tokens = torch.as_tensor(token, device=state.source.device)
        tokens = tokens if tokens.dim() == 2 else tokens.reshape(-1, 1)
        with self._briefly(tokens):
            return self.read_on(tokens, state, record=record)

    @torch.inference_mode()
    def next_tokens(self, hidden: Tensor, state: State) -> tuple[Tensor, CopyScores]:
        """Log-probabilities [B, V] of the next tokens and the copy scores they were mixed from."""
        with self._briefly(hidden):
            log_probabilities, copied = self.distribution(hidden, state)
        return log_probabilities[:, -1], copied

    @torch.inference_mode()
    def every_next(self, hidden: Tensor, state: State) -> tuple[Tensor, CopyScores]:
        """`distribution` without a gradient: log-probabilities [B, T, V] after each of the tokens read last."""
        with self._briefly(hidden):
            return self.distribution(hidden, state)

    def next_token(self, hidden: Tensor, state: State) -> tuple[Tensor, CopyScores]:
        """`next_tokens` of a batch of one: log-probabilities [V] and the copy scores."""
        log_probabilities, copied = self.next_tokens(hidden, state)
        return log_probabilities[0], copied

    @torch.inference_mode()
    def fix_shapes(self, state: State, longest: int) -> None:
        """Go on with compiled steps of fixed shapes for `longest` more tokens; only a Transformer has them."""
        if isinstance(self.body, TransformerBody) and isinstance(state.body, TransformerState):
            state.body = StaticState(state.body, self.body.fast(), longest)

    def mark(self, state: State) -> Mark:
        """The place that `keep` goes back to."""
        return Mark(body=state.body.mark(), last_embedding=state.last_embedding, recent=state.recent)

    @torch.inference_mode()
    def keep(self, state: State, mark: Mark, tokens: Tensor, count: int) -> None:
        """Undo a step of tokens [1, T] made since the mark but for the first `count` (at least 1) of them."""
        if state.body.rewind(mark.body, count):
            state.last_embedding, state.recent = mark.last_embedding, mark.recent
            self.step(tokens[:, :count], state)
        else:
            state.last_embedding = self.embedding(tokens[:, count - 1 : count])
            state.recent = state.recent[:, count - 1 : count]

    def _briefly(self, work: Tensor) -> Any:
        """One core for a few tokens on a CPU."""
        return one_core() if work.device.type == "cpu" and work.shape[0] * work.shape[1] <= SHORT else nullcontext()
