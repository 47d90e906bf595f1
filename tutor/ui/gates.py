"""What the gates, states and scoring functions of a recurrent model are: equation, a sentence, and their lecture.

The equations are those of `lm.cells` and `lm.attention`, which the models here compute; the letters are the lectures'.
`_x` and `_{...}` stand for subscripts.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Named:
    """A gate, a state or a scoring function. `source` and `heading` name the place in the shipped lectures."""

    title: str
    equation: str
    says: str
    source: str
    heading: str

    def to_json(self, sources: Collection[str]) -> dict[str, Any]:
        """For the page; the lecture only where it is among the `sources` of the store."""
        lecture = {"source": self.source, "heading": self.heading} if self.source in sources else None
        return {"title": self.title, "equation": self.equation, "says": self.says, "lecture": lecture}


_RNN, _LSTM, _GRU = "11-recurrent-networks.md", "14-lstm.md", "15-gru.md"
_ATTENTION, _SCORES = "19-attention.md", "21-scoring-functions.md"

GATES: dict[str, dict[str, Named]] = {
    "rnn": {
        "hidden": Named(
            title="hidden state h",
            equation="h_t = tanh(W x_t + U h_{t−1} + b)",
            says="All that the network knows of what it has read.",
            source=_RNN,
            heading="The recurrence equation",
        ),
    },
    "lstm": {
        "input": Named(
            title="input gate i",
            equation="i_t = σ(W_i x_t + U_i h_{t−1} + b_i)",
            says="How much of the candidate is written to the cell: 1 all of it, 0 nothing.",
            source=_LSTM,
            heading="The input gate and the candidate",
        ),
        "forget": Named(
            title="forget gate f",
            equation="f_t = σ(W_f x_t + U_f h_{t−1} + b_f)",
            says="How much of the old cell is kept: 1 all of it, 0 nothing.",
            source=_LSTM,
            heading="The forget gate",
        ),
        "candidate": Named(
            title="candidate",
            equation="c̃_t = tanh(W_c x_t + U_c h_{t−1} + b_c)",
            says="What could be written to the cell.",
            source=_LSTM,
            heading="The input gate and the candidate",
        ),
        "output": Named(
            title="output gate o",
            equation="o_t = σ(W_o x_t + U_o h_{t−1} + b_o)",
            says="How much of the cell is shown in the hidden state: 1 all of it, 0 nothing.",
            source=_LSTM,
            heading="The output gate",
        ),
        "cell": Named(
            title="cell state c",
            equation="c_t = f_t ⊙ c_{t−1} + i_t ⊙ c̃_t",
            says="The long-term memory; it has no bound.",
            source=_LSTM,
            heading="The cell state update",
        ),
        "hidden": Named(
            title="hidden state h",
            equation="h_t = o_t ⊙ tanh(c_t)",
            says="What the cell shows to the attention, the next layer and the next step.",
            source=_LSTM,
            heading="The output gate",
        ),
    },
    "gru": {
        "reset": Named(
            title="reset gate r",
            equation="r_t = σ(W_r x_t + U_r h_{t−1} + b_r)",
            says="How much of the old state the candidate is made with: 1 all of it, 0 nothing.",
            source=_GRU,
            heading="The reset gate",
        ),
        "update": Named(
            title="update gate z",
            equation="z_t = σ(W_z x_t + U_z h_{t−1} + b_z)",
            says="How much of the old state stays: 1 all of it, 0 makes room for the candidate.",
            source=_GRU,
            heading="The update gate",
        ),
        "candidate": Named(
            title="candidate",
            equation="h̃_t = tanh(W_h x_t + b_h + r_t ⊙ (U_h h_{t−1} + d_h))",
            says="What the state could become. This model resets after the matrix product.",
            source=_GRU,
            heading="Reset before or after the matrix product",
        ),
        "hidden": Named(
            title="hidden state h",
            equation="h_t = z_t ⊙ h_{t−1} + (1 − z_t) ⊙ h̃_t",
            says="The mean of the old state and the candidate, weighted by the update gate.",
            source=_GRU,
            heading="The state update",
        ),
    },
}

SCORES: dict[str, Named] = {
    "dot": Named(
        title="dot product",
        equation="score(d, e) = d · e",
        says="",
        source=_SCORES,
        heading="The dot product and its variance",
    ),
    "scaled_dot": Named(
        title="scaled dot product",
        equation="score(d, e) = (W_Q d) · (W_K e) / √k",
        says="",
        source=_ATTENTION,
        heading="Scaled dot-product attention and the square root",
    ),
    "bilinear": Named(
        title="bilinear score",
        equation="score(d, e) = dᵀ W e",
        says="",
        source=_SCORES,
        heading="The bilinear score",
    ),
    "low_rank": Named(
        title="low-rank score",
        equation="score(d, e) = (A d) · (B e)",
        says="",
        source=_SCORES,
        heading="The low-rank score and its projections",
    ),
    "additive": Named(
        title="additive score",
        equation="score(d, e) = v · tanh(W d + U e)",
        says="",
        source=_SCORES,
        heading="The additive score",
    ),
    "cosine": Named(
        title="cosine score",
        equation="score(d, e) = β d · e / (|d| |e|)",
        says="",
        source=_SCORES,
        heading="The cosine score",
    ),
}


def kind_of(names: Collection[str]) -> str:
    """The cell whose gates and states have these names. ValueError for names of none."""
    for kind, gates in GATES.items():
        if set(gates) == set(names):
            return kind
    raise ValueError(f"no cell has the gates {', '.join(sorted(names))}")
