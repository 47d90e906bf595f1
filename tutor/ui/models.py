"""The models that a page offers: their folders, and a few words on what they are."""

from __future__ import annotations

import json
from pathlib import Path


def model_folders(model: str | None) -> dict[str, Path]:
    """The models to choose from: the started one, by its last two folders if it does not ship, then the others.

    Raises CheckpointError for a model that is not there.
    """
    from lm.checkpoint import CONFIG, SHIPPED, resolve

    folder = resolve(model).resolve()
    shipped = {path.parent.name: path.parent for path in sorted(SHIPPED.glob(f"*/{CONFIG}"))}
    first = folder.name if folder.parent == SHIPPED.resolve() else "/".join(folder.parts[-2:])
    return {first: folder} | {name: path for name, path in shipped.items() if name != first}


def what_is(folder: Path) -> str:
    """A few words on the model in a folder, as `Transformer, 3.5 million weights`; "" where its file is damaged."""
    from lm.checkpoint import CONFIG

    try:
        fields = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        architecture, weights = fields["model"]["architecture"], fields["training"].get("parameters")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""
    kind = {"transformer": "Transformer", "rnn": "vanilla RNN", "lstm": "LSTM", "gru": "GRU"}.get(architecture)
    size = f", {weights / 1e6:.1f} million weights" if isinstance(weights, int) else ""
    return f"{kind or architecture}{size}"
