"""Make a trained transformer deeper, so that a larger model starts from what a smaller one has learned.

    python -m lm.grow mini runs/grown --layers 16

Layers are stacked as in Gong et al. 2019: each is followed by copies of itself. A copy adds nothing to the residual
stream at first, since what it writes with is zero (as in a fresh model), so the grown model answers exactly as the old
one until it is trained (Chen et al. 2016, "Net2Net"). Special tokens that a tokenizer of an older version lacks
are added to it; their embeddings start as the mean of all.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lm.model import LanguageModel
    from lm.tokenizer import Tokenizer


def with_special_tokens(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer with all special tokens of this version; the pieces of text move behind them, in their order."""
    from tokenizers import Tokenizer as Backend

    from lm.tokenizer import SPECIAL, Tokenizer

    fields: dict[str, Any] = json.loads(tokenizer.to_json())
    added = [token for token in SPECIAL if token not in fields["model"]["vocab"]]
    pieces = sorted(fields["model"]["vocab"], key=fields["model"]["vocab"].__getitem__)
    text = [piece for piece in pieces if piece not in SPECIAL]
    fields["model"]["vocab"] = {piece: number for number, piece in enumerate((*SPECIAL, *text))}
    pattern = fields["added_tokens"][0]
    fields["added_tokens"] += [pattern | {"id": SPECIAL.index(token), "content": token} for token in added]
    return Tokenizer(Backend.from_str(json.dumps(fields)))


def grown(model: LanguageModel, *, layers: int, added: int, special: int) -> LanguageModel:
    """A model of `layers` layers that computes what `model` does, with embeddings for `added` more special tokens, the
    last of the first `special` ids. ValueError for another architecture, fewer layers or untied weights."""
    import torch

    from lm.model import LanguageModel

    old = model.config
    if old.architecture != "transformer" or not old.tied:
        raise ValueError(
            f"a {'tied ' if old.tied else 'untied '}{old.architecture} cannot grow; give a tied transformer"
        )
    if layers < old.layers:
        raise ValueError(f"layers is {layers}; it must be at least the {old.layers} of the model")
    larger = LanguageModel(replace(old, layers=layers, vocabulary=old.vocabulary + added, special=special))
    source = [number * old.layers // layers for number in range(layers)]
    state = model.state_dict()
    weights: dict[str, torch.Tensor] = {}
    for name, fresh in larger.state_dict().items():
        parts = name.split(".")
        if parts[:2] == ["body", "blocks"]:
            number = int(parts[2])
            copied = number > 0 and source[number] == source[number - 1]
            weight = state[".".join(("body", "blocks", str(source[number]), *parts[3:]))]
            silent = copied and name.endswith(("out.weight", "down.weight"))
            weights[name] = torch.zeros_like(fresh) if silent else weight
        elif name == "embedding.weight":
            weight, first = state[name], special - added
            new = weight.mean(dim=0, keepdim=True).expand(added, -1)
            weights[name] = torch.cat((weight[:first], new, weight[first:]))
        else:
            weights[name] = state[name]
    larger.load_state_dict(weights)
    return larger


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m lm.grow", description="Make a trained transformer deeper.")
    cli.add_argument("model", help="checkpoint name or directory")
    cli.add_argument("output", type=Path, help="directory to write")
    cli.add_argument("--layers", type=int, required=True, help="layers of the new model")
    return cli


def _grow(arguments: argparse.Namespace) -> None:
    from lm.checkpoint import load, save
    from lm.tokenizer import SPECIAL

    checkpoint = load(arguments.model)
    tokenizer = with_special_tokens(checkpoint.tokenizer)
    added = tokenizer.size - checkpoint.tokenizer.size
    model = grown(checkpoint.model, layers=arguments.layers, added=added, special=len(SPECIAL))
    training = {"grown_from": checkpoint.name, "layers_before": checkpoint.model.config.layers}
    save(arguments.output, model, tokenizer, training=training)
    print(f"{arguments.output}: {model.config.layers} layers, {model.parameters_count():,} parameters")


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    arguments = parser().parse_args(argv)
    try:
        _grow(arguments)
    except (ValueError, OSError) as fault:
        print(f"lm.grow: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
