"""Files that rot: bits that flip, files that are cut short, zeroed or swapped, of everything that is loaded."""

from __future__ import annotations

import itertools
import json
import random
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from safetensors.numpy import load_file, save_file

from corpus.files import hash_file
from index.build import build
from index.generation import GENERATIONS, current_generation
from index.manifest import FILES, MANIFEST, POINTER
from index.query_adapter import SHIPPED as ADAPTER
from index.ranker import SHIPPED as RANKER
from index.trained_files import CONFIG, SETTINGS_HASH, WEIGHTS, settings_hash
from lm.checkpoint import SHIPPED as CHECKPOINTS
from tests.battery.editions import Editions
from tests.battery.loading import DIMENSION, Loader, loading
from tests.battery.trials import Trials
from tests.fake_embedder import FakeEmbedder

EVERY_BIT = 20
"""Of a file of at most so many bits times `count` every one is flipped, of a larger file `count`."""

_PARTS = (WEIGHTS, "tokenizer.json", CONFIG)


@dataclass(frozen=True, kw_only=True)
class Victim:
    """A file of what a loader loads as `kind` from `folder`; the report calls it `name`. Where nothing holds the hash
    of it, damage that leaves its form whole cannot be noticed."""

    name: str
    kind: str
    folder: Path
    path: Path
    hashed: bool = True


def corruption(trials: Trials) -> None:
    """For each file of a store, a checkpoint, the ranker and the query adapter, and for a tokenizer by itself: every
    bit or `count` bits flipped, and a tenth of `count`, but at least one, of cuts and of stretches of zeros. Besides,
    all ways to swap files between two generations, two checkpoints, two rankers and two adapters."""
    store, generations = _stores(trials.place)
    checkpoints = _copies(trials.place / "checkpoints", {"mini": CHECKPOINTS / "mini", "gru": CHECKPOINTS / "gru"})
    trained = {kind: _trained(trials.place / kind, home) for kind, home in (("ranker", RANKER), ("adapter", ADAPTER))}
    with loading() as loader:
        for kind, folder in (("store", store), ("checkpoint", checkpoints[0])):
            with trials.trial(f"{kind}: intact"):
                found = loader.load(kind, folder)
                assert found.how == "loaded", f"expected the intact {kind} to load, it was {found.how}: {found.said}"
        for victim in _victims(store, generations[1], checkpoints[0], {kind: own[0] for kind, own in trained.items()}):
            _rot(trials, loader, victim)
            if victim.path.name != POINTER:  # without one there is no store
                _lose(trials, loader, victim)
        _swap(trials, loader, "store", store, generations, (*FILES, MANIFEST))
        _swap(trials, loader, "checkpoint", checkpoints[0], checkpoints, _PARTS)
        for kind, own in trained.items():
            _swap(trials, loader, kind, own[0], own, (WEIGHTS, CONFIG))


def _victims(store: Path, generation: Path, checkpoint: Path, trained: Mapping[str, Path]) -> Iterator[Victim]:
    yield Victim(name="pointer", kind="store", folder=store, path=store / POINTER)
    for name in (MANIFEST, *FILES):
        yield Victim(name="store", kind="store", folder=store, path=generation / name)
    for name in _PARTS:
        told = "tokenizer" if name.startswith("tokenizer") else "checkpoint"
        yield Victim(name=told, kind="checkpoint", folder=checkpoint, path=checkpoint / name)
    for kind, folder in trained.items():
        for name in (WEIGHTS, CONFIG):
            yield Victim(name=kind, kind=kind, folder=folder, path=folder / name)
    alone = checkpoint / "tokenizer.json"
    yield Victim(name="tokenizer by itself", kind="tokenizer", folder=checkpoint, path=alone, hashed=False)


def _rot(trials: Trials, loader: Loader, victim: Victim) -> None:
    """All damage to one file."""
    whole = victim.path.read_bytes()
    for how, where, damaged in _damages(whole, trials.count, trials.random):
        if _means_the_same(victim.path, damaged, whole):
            continue
        about = {"file": victim.path.name, "where": where}
        with trials.trial(f"{victim.name}: {how}", **about), _holding({victim.path: damaged}):
            _told(loader, victim, may_load=not victim.hashed)


def _lose(trials: Trials, loader: Loader, victim: Victim) -> None:
    """The file is not there at all."""
    away = victim.path.with_name("away")
    with trials.trial(f"{victim.name}: missing", file=victim.path.name):
        victim.path.rename(away)
        try:
            _told(loader, victim)
        finally:
            away.rename(victim.path)


def _told(loader: Loader, victim: Victim, *, may_load: bool = False) -> None:
    """Loading is refused in one line that names the file."""
    found = loader.load(victim.kind, victim.folder)
    assert found.how != "crashed", f"expected a refusal, it crashed: {found.said}"
    assert found.how == "refused" or may_load, "expected a refusal, it loaded in silence"
    if found.how == "refused":
        assert "\n" not in found.said, f"expected one line, got {found.said!r}"
        assert victim.path.name in found.said, f"expected {victim.path.name} to be named, got {found.said}"


def _damages(whole: bytes, count: int, chance: random.Random) -> Iterator[tuple[str, list[int], bytes]]:
    """(what was done, where, the damaged bytes)."""
    bits = 8 * len(whole)
    for bit in range(bits) if bits <= EVERY_BIT * count else chance.sample(range(bits), count):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        yield "bit flip", [bit], bytes(flipped)
    few = max(1, count // 10)
    for size in (0, len(whole) - 1, *(chance.randrange(1, len(whole) - 1) for _ in range(few))):
        yield "cut short", [size], whole[:size]
    stretches = [sorted(chance.sample(range(len(whole) + 1), 2)) for _ in range(few)]
    for start, end in ([0, len(whole)], *stretches):
        if whole[start:end].strip(b"\0"):
            yield "zeros", [start, end], whole[:start] + bytes(end - start) + whole[end:]


def _swap(trials: Trials, loader: Loader, kind: str, folder: Path, homes: Iterable[Path], names: Iterable[str]) -> None:
    """Every choice of files of one home taken by those of the other; all that is not a store at once is only
    another one."""
    first, second = homes
    names = [name for name in names if (first / name).read_bytes() != (second / name).read_bytes()]
    most = len(names) if kind == "store" else len(names) - 1
    for number in range(1, most + 1):
        for chosen in itertools.combinations(names, number):
            here = {first / name: (second / name).read_bytes() for name in chosen}
            there = {second / name: (first / name).read_bytes() for name in chosen}
            with trials.trial(f"{kind}: swapped files", files=chosen), _holding(here | there):
                found = loader.load(kind, folder)
                assert found.how == "refused", f"expected a refusal, it {found.how}: {found.said}"
                assert any(name in found.said for name in names), f"expected a file to be named, got {found.said}"


def _means_the_same(path: Path, damaged: bytes, whole: bytes) -> bool:
    """Whether a JSON file says the same in other digits: 0.30000000000000001 is 0.3."""
    try:
        return path.suffix == ".json" and bool(json.loads(damaged) == json.loads(whole))
    except ValueError:
        return False


@contextmanager
def _holding(contents: Mapping[Path, bytes]) -> Iterator[None]:
    """Files with other contents for the length of the block."""
    before = {path: path.read_bytes() for path in contents}
    for path, data in contents.items():
        path.write_bytes(data)
    try:
        yield
    finally:
        for path, data in before.items():
            path.write_bytes(data)


def _stores(place: Path) -> tuple[Path, tuple[Path, Path]]:
    """A store, and its generations, the last of which answers."""
    editions, store = Editions(place), place / "store"
    for edition in range(2):
        editions.write(edition)
        build([editions.folder], store, embedder=FakeEmbedder(dimension=DIMENSION))
    current = current_generation(store).directory
    older = next(path for path in (store / GENERATIONS).iterdir() if path != current)
    return store, (older, current)


def _copies(place: Path, folders: Mapping[str, Path]) -> tuple[Path, ...]:
    return tuple(shutil.copytree(folder, place / name) for name, folder in folders.items())


def _trained(place: Path, home: Path) -> tuple[Path, ...]:
    """What ships in `home`, and the same with weights that are half of those."""
    shipped, other = _copies(place, {"shipped": home, "other": home})
    halved = {name: weight / 2 for name, weight in load_file(shipped / WEIGHTS).items()}
    save_file(halved, other / WEIGHTS)
    fields = json.loads((other / CONFIG).read_text(encoding="utf-8")) | {"sha256": hash_file(other / WEIGHTS)}
    fields[SETTINGS_HASH] = settings_hash(fields)
    (other / CONFIG).write_text(json.dumps(fields), encoding="utf-8")
    return shipped, other
