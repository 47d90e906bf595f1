"""Things that do not belong together are refused, with what mends it; where that is a command, it is run."""

from __future__ import annotations

import re
import shlex
import shutil
from functools import partial
from pathlib import Path

from index.build import build
from index.check import faults
from index.errors import StoreError
from index.store import Store
from tests.battery.alien_models import MODELS
from tests.battery.alien_stores import PASSAGES, STORES, TRAITS, Fitted, other_fitted, reseal
from tests.battery.children import Order, built
from tests.battery.editions import COURSE, Editions, edition_of
from tests.battery.trials import Trials

OTHERS = "others"
"""A second course in the store, which has to stay."""

_COMMAND = re.compile(r"run: python -m index\.build (.+)")


def mismatch(trials: Trials) -> None:
    """`count` trials of each kind: a store asked with another embedder; a store whose files are whole but do not belong
    together; checkpoints, rankers, embedders and packed data of another kind, tokenizer, shape or format."""
    ready = _ready(trials.place)
    for _ in range(trials.count):
        for trait in TRAITS:
            _other_embedder(trials, ready, trait)
        for kind in STORES:
            _mixed_store(trials, ready, kind)
        for kind in MODELS:
            _alien_model(trials, kind)


def _ready(place: Path) -> Path:
    """A store of two courses, edition 1 of the one and a single file of the other."""
    editions, others, store = Editions(place), place / OTHERS, place / "ready"
    others.mkdir()
    (others / "owl.md").write_text("# Owls\n\nAn owl turns its head because its eyes do not move.\n", encoding="utf-8")
    build([others], store, embedder=Fitted())
    for edition in range(2):
        editions.write(edition)
        build([editions.folder], store, embedder=Fitted())
    return store


def _other_embedder(trials: Trials, ready: Path, trait: str) -> None:
    store, embedder = shutil.copytree(ready, trials.place / "store"), other_fitted(trait, trials.random)
    with trials.trial(f"embedder: {trait}", store=store, embedder=embedder.fingerprint()):
        _follow(_refused(store, embedder), store, embedder)
        _sound(store, embedder)
    shutil.rmtree(store)


def _mixed_store(trials: Trials, ready: Path, kind: str) -> None:
    store = shutil.copytree(ready, trials.place / "store")
    reseal(store, partial(STORES[kind], trials.random))
    with trials.trial(f"store: {kind}", store=store):
        _follow(_refused(store, Fitted()), store, Fitted())
        _sound(store, Fitted(), whole=kind != PASSAGES)
    shutil.rmtree(store)


def _alien_model(trials: Trials, kind: str) -> None:
    place = trials.place / "alien"
    place.mkdir()
    attempt, remedy = MODELS[kind]
    with trials.trial(f"model: {kind}", place=place):
        said = ""
        try:
            attempt(trials.random, place)
        except (StoreError, ValueError) as refusal:
            said = str(refusal)
        assert said, "expected a refusal, it was taken"
        assert "\n" not in said, f"expected one line, got {said!r}"
        assert re.search(remedy, said), f"expected {remedy!r} in {said!r}"
    shutil.rmtree(place)


def _refused(store: Path, embedder: Fitted) -> str:
    """What is said to whoever opens the store."""
    said = ""
    try:
        Store.open(store, embedder=embedder).close()
    except StoreError as refusal:
        said = str(refusal)
    assert said, "expected a refusal, the store was opened"
    assert "\n" not in said, f"expected one line, got {said!r}"
    assert str(store) in said, f"expected {store} to be named, got {said}"
    return said


def _follow(said: str, store: Path, embedder: Fitted) -> None:
    """Runs the command that was said. Where that finds nothing to build from, it says to name the lectures; then it is
    run with them."""
    command = _COMMAND.search(said)
    assert command, f"expected a command that mends the store, got {said}"
    ended = built(Order(source=store, store=store, arguments=tuple(shlex.split(command[1])), embedder=embedder))
    if "name its lectures and --force" in ended.said:
        ended = built(Order(source=store.with_name(COURSE), store=store, force=True, embedder=embedder))
    assert ended.code == 0, f"expected the command to mend the store, it said {ended.said}"


def _sound(store: Path, embedder: Fitted, *, whole: bool = True) -> None:
    """Nothing is wrong with the store, and where nobody took passages out of it, `whole`, none of them are lost."""
    assert not (found := list(faults(store, embedder=embedder))), f"expected a sound store, got {found}"
    with Store.open(store, embedder=embedder) as opened:
        assert opened.courses() == (COURSE, OTHERS), f"expected the two courses to stay, got {opened.courses()}"
        assert not whole or edition_of(opened) == 1, "expected the edition that stood in the store"
