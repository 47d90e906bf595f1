"""A reading language model: embeddings, a body, the output layer and the copy head.

Shapes: B batch, T tokens, S prompt tokens, A answer positions, D width, V vocabulary, N order of the continuation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lm.config import ModelConfig
from lm.copy_head import CopyHead, CopyScores, continuation, mixture_log_probability
from lm.reading import FIRST_SOURCE_FEATURE
from lm.transformer import KVCache, TransformerBody, at_least_float32

_SOFTCAP = 20.0
"""Logits are squashed to +-20 by tanh (Gemma 2, 2024), which keeps a small model from runaway confidence."""


@dataclass(kw_only=True)
class State:
    """What a model keeps between calls while it writes answers to prompts of one length S.

    `source` [B, S] are the prompts, `keys` [B, S, D] the copy head's view of them, `copyable` [B, S] what may be
    copied, `recent` [B, N] the last tokens, latest first, and `attention` the weights [B, H, 1, S + t] of the last
    position, layer by layer, where they were recorded.
    """

    caches: list[KVCache]
    last_embedding: Tensor
    source: Tensor
    keys: Tensor
    copyable: Tensor
    recent: Tensor
    attention: list[Tensor] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Negative log-likelihood per answer token [B, A], its mask, and the pointer loss (a mean over known sources)."""

    nll: Tensor
    mask: Tensor
    pointer: Tensor


class LanguageModel(nn.Module):
    """Writes an answer after a prompt, by vocabulary and by copying; see `lm.copy_head` for the distribution."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.feature = nn.Embedding(config.features, config.width)
        # Token shift: each token also carries the one before it, so that "what followed this word" needs one layer.
        self.shift = nn.Parameter(torch.full((config.width,), 0.3))
        self.body = TransformerBody(config)
        self.copy = CopyHead(config.width, config.ngram)
        self.reset()

    @torch.no_grad()
    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw fresh weights: std 1/sqrt(fan-in), zero for the projections that write to the residual stream."""
        self.copy.gate.bias.zero_()
        for name, parameter in self.named_parameters():
            if parameter.dim() < 2:
                continue
            if name.endswith(("out.weight", "down.weight")):
                parameter.zero_()
            elif name.startswith(("embedding", "feature")):
                parameter.normal_(std=0.5 / math.sqrt(self.config.width), generator=generator)
            else:
                parameter.normal_(std=1.0 / math.sqrt(parameter.shape[1]), generator=generator)

    def parameters_count(self) -> int:
        """Number of weights."""
        return sum(parameter.numel() for parameter in self.parameters())

    def embed(self, tokens: Tensor, features: Tensor, before: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Inputs of the body [B, T, D] and the plain embeddings; `before` [B, 1, D] is that of the token before."""
        plain = self.embedding(tokens)
        previous = torch.zeros_like(plain[:, :1]) if before is None else before
        shifted = torch.cat((previous, plain[:, :-1]), dim=1)
        scale = math.sqrt(self.config.width)
        return (plain + self.shift * shifted + self.feature(features)) * scale, plain

    def write_logits(self, hidden: Tensor) -> Tensor:
        """Vocabulary logits [..., V] in fp32 of hidden vectors [..., D]; the embedding is the output layer."""
        logits = at_least_float32(hidden @ self.embedding.weight.T)
        return _SOFTCAP * torch.tanh(logits / _SOFTCAP)

    def losses(self, tokens: Tensor, features: Tensor, prompt: Tensor, answer: Tensor, pointers: Tensor) -> Losses:
        """Losses of whole examples.

        `tokens` [B, T] are prompt then answer, `features` [B, T], `prompt` [B] prompt lengths, `answer` [B, A]
        the tokens to predict (-1 beyond the end), the a-th at position prompt + a; `pointers` [B, A] the prompt
        position the token stands at in the source, -1 where not known.
        """
        x, _ = self.embed(tokens, features)
        hidden = self.body(x, prefix=prompt)
        rows = torch.arange(answer.shape[1], device=tokens.device)[None, :] + prompt[:, None] - 1
        rows = rows.clamp_max(tokens.shape[1] - 1)
        at_answer = hidden.gather(1, rows[..., None].expand(-1, -1, hidden.shape[-1]))
        width = int(prompt.max())
        positions = torch.arange(width, device=tokens.device)[None, :]
        copyable = (features[:, :width] >= FIRST_SOURCE_FEATURE) & (positions < prompt[:, None])
        back = torch.arange(self.config.ngram, device=tokens.device)
        earlier = (rows[..., None] - back).clamp_min(0)
        recent = tokens[:, None, :].expand(-1, rows.shape[1], -1).gather(2, earlier)
        source = tokens[:, :width]
        keys = self.copy.key(hidden[:, :width])
        copied = self.copy(at_answer, keys, copyable, continuation(source, recent, self.config.ngram))
        mask = answer >= 0
        target = answer.clamp_min(0)
        log_written = torch.zeros_like(copied.log_copy)
        logits = self.write_logits(at_answer[mask])
        log_written[mask] = logits.log_softmax(-1).gather(1, target[mask][:, None]).squeeze(1)
        same = source[:, None, :] == target[..., None]
        nll = -mixture_log_probability(log_written, (copied.weights * same).sum(-1), copied.log_copy, copied.log_write)
        known = mask & (pointers >= 0)
        pointed = copied.weights.gather(2, pointers.clamp(0, width - 1)[..., None]).squeeze(-1)
        pointer = -(pointed.clamp_min(1e-6).log() * known).sum() / known.sum().clamp_min(1)
        return Losses(nll=nll, mask=mask, pointer=pointer)

    @torch.inference_mode()
    def prefill(
        self, tokens: Tensor, features: Tensor, *, prefix: int | None = None, record: bool = False
    ) -> tuple[Tensor, State]:
        """Read prompts [B, S] of one length, the first `prefix` tokens (all by default) in both directions.

        Returns the hidden vectors [B, 1, D] that the first answer tokens are drawn from, and the state to go on with.
        """
        batch, length = tokens.shape
        x, plain = self.embed(tokens, features)
        caches = self.body.start(batch, x)
        both_ways = torch.full((batch,), length if prefix is None else prefix, device=tokens.device)
        weights: list[Tensor] | None = [] if record else None
        hidden = self.body(x, prefix=both_ways, caches=caches, record=weights)
        back = torch.arange(length - 1, length - 1 - self.config.ngram, -1, device=tokens.device)
        state = State(
            caches=caches,
            last_embedding=plain[:, -1:],
            source=tokens,
            keys=self.copy.key(hidden),
            copyable=features >= FIRST_SOURCE_FEATURE,
            recent=tokens[:, back.clamp_min(0)],
            # The last prompt token asks for the first word, so its attention is the only row of the prompt kept.
            attention=[layer[:, :, -1:] for layer in weights or []],
        )
        return hidden[:, -1:], state

    @torch.inference_mode()
    def step(self, token: int | Tensor, state: State, *, record: bool = False) -> Tensor:
        """Append an answer token, or one for each of the batch [B]; returns hidden vectors [B, 1, D] for the next."""
        tokens = torch.as_tensor(token, device=state.source.device).reshape(-1, 1)
        x, state.last_embedding = self.embed(tokens, torch.zeros_like(tokens), state.last_embedding)
        state.recent = torch.cat((tokens, state.recent), dim=1)[:, : self.config.ngram]
        weights: list[Tensor] | None = [] if record else None
        hidden = self.body(x, caches=state.caches, record=weights)
        state.attention = weights or []
        return torch.as_tensor(hidden)

    @torch.inference_mode()
    def next_tokens(self, hidden: Tensor, state: State) -> tuple[Tensor, CopyScores]:
        """Log-probabilities [B, V] of the next tokens and the copy scores they were mixed from."""
        matches = continuation(state.source, state.recent[:, None], self.config.ngram)
        copied = self.copy(hidden, state.keys, state.copyable, matches)
        log_written = self.write_logits(hidden[:, 0]).log_softmax(-1)
        by_token = torch.zeros_like(log_written).scatter_add_(1, state.source, copied.weights[:, 0])
        return mixture_log_probability(log_written, by_token, copied.log_copy, copied.log_write), copied

    def next_token(self, hidden: Tensor, state: State) -> tuple[Tensor, CopyScores]:
        """`next_tokens` of a batch of one: log-probabilities [V] and the copy scores."""
        log_probabilities, copied = self.next_tokens(hidden, state)
        return log_probabilities[0], copied
