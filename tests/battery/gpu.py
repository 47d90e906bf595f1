"""GPUs that are not there, too small or break, and what a GPU writes beside what the CPU writes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from copy import deepcopy
from dataclasses import replace
from io import StringIO
from unittest.mock import patch

import torch

from index.build import build
from index.device import CPU, Placed
from index.embedder import SentenceTransformerEmbedder
from index.ranker import Ranker
from lm.checkpoint import Checkpoint
from lm.generate import Generated, generate
from lm.reading import Prompt
from lm.sampling import Decoding
from lm.tokenizer import END
from tests.battery.answers import QUESTIONS, check_answer, mini, open_quick, quick_store, shipped_ranker, write_notes
from tests.battery.service import ROOT
from tests.battery.trials import Trials
from tests.broken_device import (
    FAULTS,
    EmbedderOnBrokenDevice,
    EncoderOnBrokenDevice,
    OnBrokenDevice,
    on_broken_device,
    placed,
)
from tutor.choices import Choices
from tutor.stream import Stream
from tutor.tutor import Tutor
from tutor.writing import write

ALIKE = 0.99
"""Share of tokens that CPU and GPU must write alike."""
EVERY = Choices(threshold=0.0)
"""Answers whatever is asked."""
_LONGEST = 1000
BATCH = "index.embedder.BATCH_TOKENS"
"""With few of them the questions are several batches."""
_NOISE, _NEARLY = 0.5, 1e-3
"""Noise in weights, of their deviation; by how much less probable than the likeliest a token may be, for rounding."""
_DECODING = Decoding(longest=200, may_refuse=False)


def gpu(trials: Trials) -> None:
    """`count` answers during which a GPU fails at a random call of its model, whose weights are those of the CPU; as
    many whose weights are not, so that they write other words; and as many pairs of answers written at the same time. A
    tenth of `count`, but at least one, fail in the ranker, in the embedder and in loading; a fiftieth are asked as a
    command for a GPU that is not there. Where there is a GPU, `count` answers are written on it and on the CPU."""
    devices = _Devices(trials)
    for _ in range(trials.count):
        devices.same_weights()
        devices.other_weights()
        devices.at_once()
    for _ in range(max(1, trials.count // 10)):
        devices.ranker()
        devices.embedder()
        devices.too_large()
    if torch.cuda.is_available():
        devices.agreement()
    else:
        trials.figures["tokens alike on CPU and GPU"] = "not tried: no GPU"
        for _ in range(trials.count // 50):
            devices.absent()


class _Devices:
    """A tutor on the CPU, and others on devices that fail."""

    def __init__(self, trials: Trials) -> None:
        self.trials, self.random = trials, trials.random
        self.path = quick_store(trials.place / "quick")
        self.store = open_quick(self.path)
        self._calls: dict[str, int] = {}
        self._texts: dict[str, str] = {}

    def same_weights(self) -> None:
        """The answer is the one of the CPU, wherever the GPU fails."""
        question, fault, at = self._drawn()
        with self._trial("fails while it writes", question, fault, at) as said:
            broken = on_broken_device(mini(), at=at, fault=fault)
            tutor = Tutor(self.store, placed(broken, mini()), EVERY)
            text = whole(tutor.stream(question, trace=self.random.random() < 0.5))
            assert text == self._text(question), f"expected the answer of the CPU, got {text!r}"
            self._stays_away(tutor, broken, said)

    def other_weights(self) -> None:
        """What the GPU has written stands, and the CPU goes on after it with what is likeliest to it."""
        question, fault, at = self._drawn()
        noise = self.random.randrange(1 << 30)
        with self._trial("fails with other words on the GPU", question, fault, at, noise=noise) as said:
            other = _noisy(noise)
            broken = on_broken_device(other, at=at, fault=fault)
            tutor = Tutor(self.store, placed(broken, mini()), EVERY)
            whole(tutor.stream(question))
            self._stays_away(tutor, broken, said)
            self._goes_on(question, other, at, fault)

    def at_once(self) -> None:
        """Two answers on one GPU, word by word in turns; each is whole."""
        question, fault, at = self._drawn()
        second = self.random.choice(QUESTIONS)
        with self._trial("fails while it writes two answers", question, fault, at, second=second) as said:
            broken = on_broken_device(mini(), at=at, fault=fault)
            tutor = Tutor(self.store, placed(broken, mini()), EVERY)
            streams = [tutor.stream(question), tutor.with_store(self.store).stream(second)]
            texts, going = ["", ""], [0, 1]
            while going:
                number = self.random.choice(going)
                piece = next(streams[number], None)
                if piece is None:
                    going.remove(number)
                texts[number] += piece or ""
            expected = [self._text(question), self._text(second)]
            assert texts == expected, f"expected the answers of the CPU, got {texts}"
            self._stays_away(tutor, broken, said)

    def ranker(self) -> None:
        """The search goes on with the ranker on the CPU."""
        question, fault, _ = self._drawn()
        at = self.random.randint(0, 1)
        with self._trial("fails while it ranks", question, fault, at) as said:
            ranker = shipped_ranker()
            broken = EncoderOnBrokenDevice(ranker.placed.what, at, fault)
            stores = [open_quick(self.path, Ranker(placed(broken, ranker.placed.what), ranker.tokenizer))]
            stores.append(open_quick(self.path, ranker))
            for _ in range(3):
                found, expected = (Tutor(store, mini(), EVERY).ask(question).text for store in stores)
                assert found == expected, f"expected {expected!r}, got {found!r}"
            assert broken.calls == at + 1, f"expected no call after the failure, got {broken.calls - at - 1}"
            one_line(said)

    def embedder(self) -> None:
        """Texts are embedded on the CPU from the batch on that failed."""
        fault, at = self.random.choice(tuple(FAULTS)), self.random.randint(0, 2)
        with self._trial("fails while it embeds", "", fault, at) as said:
            with patch("sentence_transformers.util.get_device_name", lambda: "cuda"), patch(BATCH, 32):
                found = EmbedderOnBrokenDevice(at, fault).encode(QUESTIONS)
            with patch(BATCH, 32):
                expected = SentenceTransformerEmbedder().encode(QUESTIONS)
            assert (found == expected).all(), "expected the vectors of the CPU"
            one_line(said)

    def too_large(self) -> None:
        """A model that does not fit on the GPU is loaded for the CPU."""
        question, fault, _ = self._drawn()

        def load(device: str) -> Checkpoint:
            if device != CPU:
                raise FAULTS[fault]()
            return mini()

        with self._trial("fails while it is loaded", question, fault, 0) as said:
            text = whole(Tutor(self.store, Placed(load, "cuda"), EVERY).stream(question))
            assert text == self._text(question), f"expected the answer of the CPU, got {text!r}"
            one_line(said)

    def absent(self) -> None:
        """A command for a GPU that is not there answers and says so in one line; without a name it says nothing."""
        device = self.random.choice(("cuda", "cuda:3", ""))
        with self.trials.trial("there is none", device=device):
            store = self.trials.place / "real"
            if not store.exists():
                build([write_notes(self.trials.place / "notes")], store)
            command = [sys.executable, "-m", "tutor.ask", QUESTIONS[0], "--store", str(store), "--json"]
            command += ["--device", device] if device else []
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"expected an answer, got {done.stderr}"
            assert json.loads(done.stdout)["citations"], "expected an answer with citations"
            lines = done.stderr.splitlines()
            assert len(lines) == bool(device), f"expected a line where a device was named, and no other, got {lines}"
            assert not device or repr(device) in lines[0], f"expected a line on {device}, got {lines}"

    def agreement(self, device: str = "cuda") -> None:
        """Greedy answers by both, token by token."""
        on_gpu = replace(mini(), model=deepcopy(mini().model).to(device))
        alike = total = 0
        for question in QUESTIONS:
            prompt = self._prompt(question)
            one, other = ([step.token for step in _written(where, prompt)] for where in (mini(), on_gpu))
            alike += sum(a == b for a, b in zip(one, other, strict=False))
            total += max(len(one), len(other))
        self.trials.figures["tokens alike on CPU and GPU"] = f"{alike:,} of {total:,}"
        with self.trials.trial("writes what the CPU writes"):
            assert alike >= ALIKE * total, f"expected {ALIKE:.0%} of {total:,} tokens to be alike, got {alike:,}"

    def _drawn(self) -> tuple[str, str, int]:
        """A question, a fault, and a call while the question is answered."""
        question = self.random.choice(QUESTIONS)
        if question not in self._calls:
            counting = on_broken_device(mini())
            self._texts[question] = Tutor(self.store, counting, EVERY).ask(question, trace=False).text
            self._calls[question] = calls(counting)
        return question, self.random.choice(tuple(FAULTS)), self.random.randrange(self._calls[question])

    def _text(self, question: str) -> str:
        """The answer of the CPU."""
        if question not in self._texts:
            self._texts[question] = Tutor(self.store, mini(), EVERY).ask(question, trace=False).text
        return self._texts[question]

    def _prompt(self, question: str) -> Prompt:
        return Tutor(self.store, mini(), EVERY).prompt(question, self.store.search(question, k=5))[0]

    def _goes_on(self, question: str, other: Checkpoint, at: int, fault: str) -> None:
        """The first tokens are those of the GPU, and each one after them is the likeliest to the CPU."""
        prompt = self._prompt(question)
        broken = on_broken_device(other, at=at, fault=fault)
        both = placed(broken, mini())
        found, first = [], 0
        for step in write(both, prompt, _DECODING):
            found.append(step.token)
            first += not has_failed(broken)
        alone = [step.token for step in _written(other, prompt)]
        assert found[:first] == alone[:first], f"expected {alone[:first]} to stand, got {found[:first]}"
        for place, step in enumerate(_written(mini(), prompt, forced=found)):
            allowed = [p for token, p in step.alternatives if token >= mini().tokenizer.special or token == END]
            likely = place < first or step.probability >= allowed[0] - _NEARLY
            assert likely, f"expected token {place} to be the likeliest, p {allowed[0]:.3f}, got {step.probability:.3f}"

    def _stays_away(self, tutor: Tutor, broken: Checkpoint, said: StringIO) -> None:
        """Where the GPU has failed, the next answer comes from the CPU, and one line tells of it."""
        before, failed = calls(broken), has_failed(broken)
        text = whole(tutor.stream(QUESTIONS[0]))
        if failed:
            assert text == self._text(QUESTIONS[0]), f"expected the answer of the CPU, got {text!r}"
            assert calls(broken) == before, f"expected the GPU to be left alone, it was called {calls(broken) - before}"
            one_line(said)

    @contextmanager
    def _trial(self, kind: str, question: str, fault: str, at: int, **about: object) -> Iterator[StringIO]:
        """What is written to the log meanwhile."""
        said = StringIO()
        with self.trials.trial(kind, question=question, fault=fault, at=at, **about), redirect_stderr(said):
            yield said


def whole(stream: Stream) -> str:
    """The text of an answer, which is the one that came piece by piece."""
    text = "".join(stream)
    assert text == stream.answer.text, f"expected the pieces of {stream.answer.text!r}, got {text!r}"
    check_answer(stream.answer, k=5, longest=_LONGEST)
    return text


def one_line(said: StringIO) -> None:
    """The log tells of the device once."""
    lines = said.getvalue().splitlines()
    assert len(lines) == 1, f"expected one line, got {lines}"
    assert "cannot use device 'cuda'" in lines[0], f"expected a line on the device, got {lines}"


def calls(broken: Checkpoint) -> int:
    """How often the model on the device was called."""
    assert isinstance(broken.model, OnBrokenDevice)
    return broken.model.calls


def has_failed(broken: Checkpoint) -> bool:
    """Whether it was called once more than the device bears."""
    assert isinstance(broken.model, OnBrokenDevice)
    return broken.model.calls > broken.model.at


def _written(checkpoint: Checkpoint, prompt: Prompt, forced: Sequence[int] | None = None) -> list[Generated]:
    return list(generate(checkpoint.model, prompt, _DECODING, forced=forced))


def _noisy(seed: int) -> Checkpoint:
    """The model that ships with other weights, so that it writes other words."""
    model, generator = deepcopy(mini().model), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(_NOISE * weight.std(correction=0) * torch.randn(weight.shape, generator=generator))
    return replace(mini(), model=model)
