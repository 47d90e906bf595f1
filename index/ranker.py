"""Says which sentences of the passages found answer a question: a cross-encoder that reads both together.

The encoder of the embedder (all-MiniLM-L6-v2) reads question and passage as one text (Nogueira and Cho 2019) and a
linear layer scores every sentence of the passage, each with the rest of it in view. Its weights are adapted to that by
low-rank updates (LoRA, Hu et al. 2021), W + s B A, trained in this repository by `index.train`; only the updates ship.

Shapes: B sequences, T word pieces, N sentences, D width of the encoder.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from index.device import CPU, Placed
from index.embedder import load_embedder
from index.scoring import Readable
from index.trained_files import WEIGHTS, Trained, Weights, misfit, read_trained

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SHIPPED = Path(__file__).parent / "checkpoints" / "ranker"

_QUESTION, _CONTEXT, _LONGEST = 80, 40, 400
"""Word pieces: of a question and of a passage's headings that are read, and of a whole sequence."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Rank and factor of the low-rank updates, and how many of the last layers have them."""

    rank: int
    scale: float
    layers: int


@dataclass(frozen=True, kw_only=True)
class Sequenced:
    """Word pieces of a question and a passage: ids, segments (0 question, 1 passage), and to which sentence each
    belongs (-1: none)."""

    ids: list[int]
    segments: list[int]
    owners: list[int]


class LowRank(nn.Module):
    """A frozen linear layer with a low-rank update: y = W x + b + s B A x (Hu et al. 2021, equation 3)."""

    def __init__(self, base: nn.Linear, rank: int, scale: float) -> None:
        super().__init__()
        self.base, self.scale = base, scale
        self.a = nn.Parameter(torch.randn(rank, base.in_features) / base.in_features**0.5)
        self.b = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] to [..., out]."""
        y: Tensor = self.base(x)
        return y + self.scale * (x @ self.a.T) @ self.b.T


class CrossEncoder(nn.Module):
    """Scores of sentences in view of a question."""

    def __init__(self, encoder: nn.Module, width: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.score = nn.Linear(3 * width, 1)

    def forward(self, ids: Tensor, segments: Tensor, mask: Tensor, owners: Tensor, sentences: int) -> Tensor:
        """Log-odds [N] that a sentence answers. ids, segments, mask, owners: [B, T]; `owners` numbers the sentences of
        the whole batch from 0, -1 for none. A sentence without a word piece gets what an empty one would."""
        states: Tensor = self.encoder(input_ids=ids, token_type_ids=segments, attention_mask=mask).last_hidden_state
        states = states.float()
        inside = owners >= 0
        owner, held = owners[inside], states[inside]
        counts = torch.zeros(sentences, device=ids.device).index_add(0, owner, torch.ones_like(held[:, 0]))
        zero = torch.zeros(sentences, states.shape[-1], device=ids.device)
        mean = zero.index_add(0, owner, held) / counts.clamp_min(1).unsqueeze(-1)
        most = zero.scatter_reduce(0, owner.unsqueeze(-1).expand_as(held), held, "amax", include_self=False)
        row = torch.arange(len(ids), device=ids.device).unsqueeze(-1).expand_as(owners)[inside]
        home = torch.zeros(sentences, dtype=torch.long, device=ids.device).scatter(0, owner, row)
        whole = states[home, 0]
        scores: Tensor = self.score(torch.cat([mean, most, whole], dim=-1)).squeeze(-1)
        return scores


def fresh_cross_encoder(directory: Path, shape: Shape) -> CrossEncoder:
    """The encoder at `directory` with low-rank updates in its last layers that change nothing yet; only these and the
    scoring can be trained."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # the pooling layer is left out on purpose
    # On a CPU the plain products are a quarter faster than torch's fused attention at these lengths.
    encoder = AutoModel.from_pretrained(
        directory, local_files_only=True, add_pooling_layer=False, attn_implementation="eager"
    )
    logging.set_verbosity(verbosity)
    encoder.requires_grad_(False)
    for module in list(encoder.encoder.layer[-shape.layers :].modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Linear):
                setattr(module, name, LowRank(child, shape.rank, shape.scale))
    return CrossEncoder(encoder, encoder.config.hidden_size)


def merge(module: nn.Module) -> None:
    """Add the low-rank updates to the weights that they change."""
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LowRank):
                with torch.no_grad():
                    child.base.weight += child.scale * child.b @ child.a
                setattr(parent, name, child.base)


def sequenced(tokenizer: Tokenizer, question: str, passage: Readable) -> Sequenced:
    """The word pieces `[CLS] question [SEP] headings [SEP] text [SEP]`, cut to what the encoder reads."""
    first, last = tokenizer.encode("").ids  # [CLS] and [SEP]
    asked = tokenizer.encode(question, add_special_tokens=False).ids[:_QUESTION]
    ids, segments = [first, *asked, last], [0] * (len(asked) + 2)
    if passage.context:
        context = tokenizer.encode(passage.context, add_special_tokens=False).ids[-_CONTEXT:]
        ids += [*context, last]
    owners = [-1] * len(ids)
    said = tokenizer.encode(passage.text, add_special_tokens=False)
    room = _LONGEST - len(ids) - 1
    starts = np.array([start for start, _ in passage.sentences], dtype=np.int64)
    ends = np.array([end for _, end in passage.sentences], dtype=np.int64)
    for piece, (start, _) in zip(said.ids[:room], said.offsets[:room], strict=True):
        at = int(np.searchsorted(starts, start, side="right")) - 1
        owners.append(at if at >= 0 and start < ends[at] else -1)
        ids.append(piece)
    ids.append(last)
    owners.append(-1)
    segments += [1] * (len(ids) - len(segments))
    return Sequenced(ids=ids, segments=segments, owners=owners)


def padded(sequences: Sequence[Sequenced], counts: Sequence[int]) -> dict[str, Tensor]:
    """Tensors of `CrossEncoder.forward` for sequences of `counts` sentences each."""
    longest = max(len(one.ids) for one in sequences)
    shape = (len(sequences), longest)
    ids, segments, mask = (torch.zeros(shape, dtype=torch.long) for _ in range(3))
    owners = torch.full(shape, -1)
    base = 0
    for row, (one, count) in enumerate(zip(sequences, counts, strict=True)):
        size = len(one.ids)
        ids[row, :size] = torch.tensor(one.ids)
        segments[row, :size] = torch.tensor(one.segments)
        mask[row, :size] = 1
        owners[row, :size] = torch.tensor([base + owner if owner >= 0 else -1 for owner in one.owners])
        base += count
    return {"ids": ids, "segments": segments, "mask": mask, "owners": owners}


class Ranker:
    """Scores sentences; loaded once, safe to use from several threads."""

    def __init__(self, model: CrossEncoder | Placed[CrossEncoder], tokenizer: Tokenizer) -> None:
        self.placed = model if isinstance(model, Placed) else Placed(lambda device: model.eval())
        self.tokenizer = tokenizer
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: Path | None = None, device: str = "cpu", dtype: torch.dtype | None = None) -> Ranker:
        """The ranker in `folder` (None: the one that ships), reading in `dtype` (None: bfloat16 on a CPU that has
        instructions for it, else float32). Raises StoreError where a file is missing or damaged."""
        return cls(Placed(partial(_trained, folder or SHIPPED, dtype), device), load_embedder().pieces())

    @torch.inference_mode()
    def scores(self, question: str, passages: Sequence[Readable]) -> list[NDArray[np.float32]]:
        """Log-odds that each sentence of each passage answers the question, float32 [number of its sentences]."""
        if not passages:
            return []
        sequences = [sequenced(self.tokenizer, question, one) for one in passages]
        counts = [len(one.sentences) for one in passages]
        tensors = padded(sequences, counts)

        def read(model: CrossEncoder) -> NDArray[np.float32]:
            device = next(model.parameters()).device
            placed = {name: value.to(device) for name, value in tensors.items()}
            return np.asarray(model(**placed, sentences=sum(counts)).float().cpu(), dtype=np.float32)

        with self._lock:
            found = self.placed.run(read)
        return np.split(found, np.cumsum(counts)[:-1])


def read_ranker(folder: Path) -> Trained[Shape]:
    """The files of the ranker in `folder`. Raises StoreError where one is missing or damaged."""
    return read_trained(folder, "ranker", Shape)


def _trained(folder: Path, dtype: torch.dtype | None, device: str) -> CrossEncoder:
    """The model in `folder` on a device, its updates merged."""
    found = read_ranker(folder)
    model = fresh_cross_encoder(load_embedder().directory, found.settings)
    try:
        missing = take_weights(model, found.weights)
    except RuntimeError as fault:
        raise misfit(folder / WEIGHTS, fault) from None
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    if missing.unexpected_keys or trained & set(missing.missing_keys):
        raise misfit(folder / WEIGHTS, "a weight is missing or unknown")
    merge(model.encoder)
    able = device == CPU and multiplies_bfloat16()
    model.encoder.to(dtype or (torch.bfloat16 if able else torch.float32))
    return model.eval().to(device)


def multiplies_bfloat16() -> bool:
    """Whether this CPU has instructions for products in bfloat16; without them it is slower than float32.
    `python -m index.rank_benchmark` measures what it gains and how far the probabilities move."""
    able = getattr(torch.cpu, "get_capabilities", dict[str, Any])()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def trained_weights(model: CrossEncoder) -> dict[str, NDArray[np.float32]]:
    """A copy of the weights that training changes, by name."""
    return {
        name: one.detach().float().cpu().numpy().copy() for name, one in model.named_parameters() if one.requires_grad
    }


def take_weights(model: CrossEncoder, weights: Weights) -> Any:
    """Put weights in place of those of the same names; returns what `Module.load_state_dict` says is missing."""
    return model.load_state_dict({name: torch.from_numpy(weight) for name, weight in weights.items()}, strict=False)
