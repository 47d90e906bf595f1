"""How far back a model remembers: the gradient that arrives k tokens back, and copying over a distance.

    python -m lm.memory gradients --output memory
    python -m lm.memory copy --output memory

`gradients`. A recurrent state h_T depends on an input x_(T-k) only through a product of k Jacobians,

    dh_T / dx_(T-k) = (dh_T / dh_(T-1)) ... (dh_(T-k+1) / dh_(T-k)) (dh_(T-k) / dx_(T-k)),
    dh_t / dh_(t-1) = diag(1 - h_t^2) U     for the vanilla network h_t = tanh(W x_t + U h_(t-1) + b),

so its norm falls or grows geometrically in k (Bengio et al. 1994; Pascanu et al. 2013, equations 4 and 5). An LSTM's
cell hands the gradient on times its forget gate, a GRU's state times its update gate, and both can learn to hold
theirs at 1; a Transformer has a path of one step to every token. Measured is the norm of the gradient of v . h_T, v a
random vector for each sequence, with respect to the embedded input k tokens back; the mean of its square is the
square of the Jacobian's Frobenius norm.

`copy`. Random symbols, as many blanks as `--distance` says, a marker; then the symbols have to be repeated (after
Hochreiter and Schmidhuber 1997, section 5, and Arjovsky et al. 2016, section 4.1). Guessing scores 1 / alphabet.
Every architecture is trained for every distance with the same number of weights, the same data and steps, and the
same learning rates to choose from. Batches hold all distances up to the one tested: fresh gates stand half open (0.73
at the forget bias of 1 of Jozefowicz et al. 2015) and lose a gradient too, so near symbols have to teach them first.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from lm.config import ModelConfig
    from lm.copy_task import CopyTask
    from lm.model import LanguageModel

FORMAT = 1
_SHOWN = (1, 2, 5, 10, 20, 50, 100)


def gradient_norms(model: LanguageModel, tokens: Tensor, generator: Generator) -> list[float]:
    """Mean norm of the gradient of v . h_T with respect to the embedded input k tokens back, for k = 0 ... T - 1.

    `tokens` [B, T]; v is drawn from a standard normal distribution for each of the B sequences.
    """
    import torch

    x = model.embed(tokens)[0].detach().requires_grad_()
    last = model.body(x)[:, -1]
    v = torch.randn(last.shape, generator=generator, dtype=last.dtype)
    (gradient,) = torch.autograd.grad((v * last).sum(), x)
    return [float(norm) for norm in gradient.norm(dim=-1).mean(dim=0).flip(0)]


def per_token(norms: Sequence[float]) -> float:
    """The factor by which the norm changes per token, on average from k = 1 to the last; 0 where it reached 0."""
    return float((norms[-1] / norms[1]) ** (1 / (len(norms) - 2))) if norms[1] else 0.0


def draw_zeros(model: LanguageModel, seed: int) -> None:
    """Draw the matrices of the body that training starts at zero, with std 1/sqrt(fan-in).

    With them at zero a Transformer starts as a function of the last token alone, and there is nothing to see.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    for parameter in model.body.parameters():
        if parameter.dim() == 2 and not parameter.any():
            torch.nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5, generator=generator)


def _measured_models(arguments: argparse.Namespace) -> Iterable[tuple[str, int, LanguageModel]]:
    """Name, number of weights and model of what the `gradients` command measures."""
    if arguments.model:
        from lm.checkpoint import load

        for checkpoint in map(load, arguments.model):
            yield checkpoint.name, checkpoint.model.parameters_count(), checkpoint.model
        return
    from lm.sizing import equals, fresh_model, weights_in_use

    configs = equals(vocabulary=256, width=arguments.width, context=arguments.tokens, weights=arguments.weights)
    for name, config in configs.items():
        model = fresh_model(config, arguments.seed)
        draw_zeros(model, arguments.seed)
        yield name, weights_in_use(config), model


def run_gradients(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure; a JSON-ready dictionary."""
    import torch

    results = []
    for name, weights, model in _measured_models(arguments):
        config, generator = model.config, torch.Generator().manual_seed(arguments.seed)
        if arguments.tokens > config.context:
            raise ValueError(f"{name} reads {config.context} tokens at most; lower --tokens")
        first = min(16, config.vocabulary - 1)
        shape = (arguments.sequences, arguments.tokens)
        tokens = torch.randint(first, config.vocabulary, shape, generator=generator)
        norms = gradient_norms(model.double().eval(), tokens, generator)
        results.append({"name": name, "architecture": config.architecture, "weights": weights} | _profile(norms))
        print(f"measured {name}", file=sys.stderr)
    return {"results": results}


def _profile(norms: list[float]) -> dict[str, Any]:
    return {"norms": norms, "relative": [norm / norms[0] for norm in norms], "per_token": per_token(norms)}


def show_gradients(results: Sequence[dict[str, Any]]) -> str:
    """The table of relative norms."""
    shown = [k for k in _SHOWN if k < min(len(one["norms"]) for one in results)]
    rows = [["gradient, k tokens back", *(f"k = {k}" for k in shown), "per token"]]
    for one in results:
        name = f"{one['name']} ({one['weights']:,} weights)"
        rows.append([name, *(f"{one['relative'][k]:.1e}" for k in shown), f"x {one['per_token']:.3f}"])
    return _table(rows)


def draw_gradients(results: Sequence[dict[str, Any]], title: str) -> str:
    """The chart of relative norms."""
    from lm.plot import Series, line_chart

    series = [Series(one["name"], range(len(one["relative"])), one["relative"]) for one in results]
    x_label, y_label = "k, tokens back", "gradient norm relative to k = 0"
    return line_chart(series, title=title, x_label=x_label, y_label=y_label, log_y=True)


@dataclass(frozen=True, kw_only=True)
class CopyJob:
    """One architecture to train for one distance, at each of `rates`."""

    config: ModelConfig
    task: CopyTask
    distance: int
    rates: tuple[float, ...]
    steps: int
    seed: int

    def run(self) -> dict[str, Any]:
        """Train at each rate, keep what does best on validation sequences, test it on others; JSON-ready."""
        import torch

        from lm.copy_task import BATCH, learn, recall
        from lm.fast import one_core
        from lm.sizing import fresh_model, weights_in_use

        name, tried = self.config.architecture, {}
        with one_core():
            for rate in self.rates:
                model = fresh_model(self.config, self.seed)
                learn(model, self.task, self.distance, rate=rate, steps=self.steps, seed=self.seed)
                loss, share = recall(model, self.task, self.distance, self.seed + 1)
                tried[rate] = (loss, model)
                note = f"{name} over {self.distance}, rate {rate:g}: loss {loss:.3f}, {share:.1%} of symbols"
                print(note, file=sys.stderr, flush=True)
            rate = min(tried, key=lambda rate: tried[rate][0])
            loss, model = tried[rate]
            _, accuracy = recall(model, self.task, self.distance, self.seed + 2)
            generator = torch.Generator().manual_seed(self.seed)
            read = self.task.batch(BATCH, self.distance, generator)[:, : -self.task.symbols]
            after = gradient_norms(model.double(), read, generator)
        validation = {f"{rate:g}": loss for rate, (loss, _) in tried.items()}
        about = {"name": name, "weights": weights_in_use(self.config), "hidden": self.config.hidden}
        score = {"distance": self.distance, "accuracy": accuracy, "rate": rate, "validation_loss": validation}
        return about | score | {"gradient": _profile(after)}


def run_copy(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train and test all; a JSON-ready dictionary."""
    from lm.copy_task import CopyTask
    from lm.sizing import equals

    task = CopyTask(symbols=arguments.symbols, alphabet=arguments.alphabet)
    context = max(arguments.distance) + 2 * task.symbols + 1
    configs = equals(vocabulary=task.vocabulary, width=arguments.width, context=context, weights=arguments.weights)
    chosen = {"task": task, "rates": tuple(arguments.rates), "steps": arguments.steps, "seed": arguments.seed}
    # The longest first, so that no process is left alone with a long one at the end.
    distances = sorted(set(arguments.distance), reverse=True)
    jobs = [CopyJob(config=configs[name], distance=d, **chosen) for d in distances for name in reversed(configs)]
    if arguments.jobs == 1:
        results = [job.run() for job in jobs]
    else:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
            results = list(pool.map(CopyJob.run, jobs))
    return {"chance": 1 / task.alphabet, "results": results[::-1]}


def show_copy(found: dict[str, Any]) -> str:
    """The table of recalled symbols."""
    distances = sorted({one["distance"] for one in found["results"]})
    rows = [["symbols recalled", *(f"over {distance}" for distance in distances)]]
    for name in dict.fromkeys(one["name"] for one in found["results"]):
        mine = {one["distance"]: one for one in found["results"] if one["name"] == name}
        title = f"{name} ({mine[distances[0]]['weights']:,} weights)"
        rows.append([title, *(f"{mine[distance]['accuracy']:.1%}" for distance in distances)])
    return _table([*rows, ["chance", *[f"{found['chance']:.1%}"] * len(distances)]])


def draw_copy(found: dict[str, Any]) -> str:
    """The chart of recalled symbols."""
    from lm.plot import Series, line_chart

    distances = sorted({one["distance"] for one in found["results"]})
    series = []
    for name in dict.fromkeys(one["name"] for one in found["results"]):
        mine = {one["distance"]: one["accuracy"] for one in found["results"] if one["name"] == name}
        series.append(Series(name, distances, [mine[distance] for distance in distances]))
    series.append(Series("chance", distances, [found["chance"]] * len(distances)))
    x_label, y_label = "distance in tokens", "share of symbols recalled"
    return line_chart(series, title="Copying over a distance", x_label=x_label, y_label=y_label, log_x=True)


def write(folder: Path, found: dict[str, Any]) -> None:
    """Write the JSON and the charts of a command to `folder`."""
    from lm.checkpoint import write_atomically
    from lm.plot import save_chart

    command = found["settings"]["command"]
    folder.mkdir(parents=True, exist_ok=True)
    if command == "gradients":
        title = "Gradient that arrives k tokens back"
        save_chart(folder / "gradients.svg", draw_gradients(found["results"], title))
    else:
        save_chart(folder / "copy.svg", draw_copy(found))
        longest = max(one["distance"] for one in found["results"])
        trained = [{"name": one["name"]} | one["gradient"] for one in found["results"] if one["distance"] == longest]
        title = f"Gradient after learning to copy over {longest} tokens"
        save_chart(folder / "copy-gradients.svg", draw_gradients(trained, title))
    write_atomically(folder / f"{command}.json", (json.dumps(found, indent=1) + "\n").encode())


def _table(rows: Sequence[Sequence[str]]) -> str:
    first, width = max(len(row[0]) for row in rows), 2 + max(len(cell) for row in rows for cell in row[1:])
    return "\n".join(f"{row[0]:{first}}" + "".join(f"{cell:>{width}}" for cell in row[1:]) for row in rows)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m lm.memory", description="Measure how far back models remember.")
    commands = cli.add_subparsers(dest="command", required=True)
    gradients = commands.add_parser("gradients", help="the norm of the gradient k tokens back")
    gradients.add_argument("--model", action="append", help="checkpoint to measure (repeat) instead of fresh weights")
    gradients.add_argument("--tokens", type=_at_least(3), default=101, help="length of the sequences")
    gradients.add_argument("--sequences", type=_at_least(1), default=32, help="random sequences to average over")
    gradients.add_argument("--width", type=_at_least(4), default=64, help="width of the fresh models")
    gradients.add_argument("--weights", type=_at_least(1), default=100_000, help="weights of each fresh model")
    copy = commands.add_parser("copy", help="train to repeat symbols over a distance")
    copy.add_argument("--symbols", type=_at_least(1), default=4, help="symbols to repeat")
    copy.add_argument("--alphabet", type=_at_least(2), default=8, help="kinds of symbols")
    copy.add_argument("--distance", type=_at_least(1), nargs="+", default=[3, 10, 30, 100], help="blanks before recall")
    copy.add_argument("--steps", type=_at_least(1), default=1500, help="updates of each training")
    copy.add_argument(
        "--rates", type=_rate, nargs="+", default=[3e-4, 1e-3, 3e-3], help="learning rates to choose from"
    )
    copy.add_argument("--width", type=_at_least(4), default=32, help="width of the models")
    copy.add_argument("--weights", type=_at_least(1), default=20_000, help="weights of each model")
    copy.add_argument("--jobs", type=_at_least(1), default=os.cpu_count() or 1, help="processes; each uses one core")
    for command in (gradients, copy):
        command.add_argument("--seed", type=_at_least(0), default=1)
        command.add_argument("--output", type=Path, required=True, help="folder for the charts and the JSON")
    return cli


def _at_least(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is below {least}")
        return int(text)

    return whole


def _rate(text: str) -> float:
    if not 0 < float(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return float(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    arguments = parser().parse_args(argv)
    settings = {name: value for name, value in vars(arguments).items() if name not in ("output", "jobs")}
    try:
        found = run_gradients(arguments) if arguments.command == "gradients" else run_copy(arguments)
        write(arguments.output, {"format": FORMAT, "settings": settings} | found)
    except (ValueError, OSError) as fault:
        print(f"lm.memory: {fault}", file=sys.stderr)
        return 1
    print(show_gradients(found["results"]) if arguments.command == "gradients" else show_copy(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
