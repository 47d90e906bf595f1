"""What the program is made of and what it loads: no pickle, weights as they were published, every package pinned.

Whether a pinned version has a known hole is not tried here: that takes a list of them, which only the internet has.
`pip-audit -r constraints.txt` asks for it.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from index.embedder import PACKAGE, load_embedder
from index.errors import StoreError
from index.ranker import SHIPPED as RANKER
from index.ranker import Ranker
from lm import checkpoint
from lm.checkpoint import CheckpointError
from tests.battery.service import NOTES, PATIENCE, ROOT
from tests.battery.trials import Trials

ROOMS = ("corpus", "index", "lm", "tutor")

READERS = frozenset({"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"})
"""Modules whose reading runs what they read."""

ALLOWED = {"lm/run.py: import of pickle": "for the name of an error that torch.load raises"}


def supply(trials: Trials) -> None:
    """Every module of the project, every package that it needs, and `count` files of each kind that were tampered with;
    meanwhile a process that loads and asks is watched."""
    with watched(trials.place / "watched") as process:
        code(trials)
        pins(trials)
        tampered(trials)
        with trials.trial("nothing is unpickled while loading and answering"):
            said, errors = process.communicate(timeout=4 * PATIENCE)
            assert process.returncode == 0, f"expected an answer, got {errors.decode()[-400:]}"
            found = json.loads(said.splitlines()[-1])
            assert found["answer"], "expected an answer"
            assert not found["unpickled"], f"expected nothing to be unpickled, got {found['unpickled'][:5]}"


@contextmanager
def watched(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process of `tests.battery.unpickled`, begun."""
    (folder / "notes").mkdir(parents=True)
    for name, text in NOTES.items():
        (folder / "notes" / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "tests.battery.unpickled", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def code(trials: Trials) -> None:
    """No module reads what could run."""
    for path in [*(path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))), ROOT / "app.py"]:
        name = path.relative_to(ROOT).as_posix()
        with trials.trial("modules", file=path):
            found = [f"{name}: {what}" for what in risks(ast.parse(path.read_text(encoding="utf-8")))]
            found = [one for one in found if one not in ALLOWED]
            assert not found, f"expected nothing that runs what it reads, got {found}"


def risks(tree: ast.AST) -> Iterator[str]:
    """What in a module reads data in a way that could run it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            names = [module] if module else [alias.name for alias in node.names]
            yield from (f"import of {name}" for name in names if name.partition(".")[0] in READERS)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            named = {one.arg: ast.unparse(one.value) for one in node.keywords}
            called = ast.unparse(node.func)
            if called == "torch.load" and named.get("weights_only") != "True":
                yield "torch.load without weights_only=True"
            if called == "yaml.load":
                yield "yaml.load instead of yaml.safe_load"
            if named.get("allow_pickle") == "True":
                yield f"{called} with allow_pickle=True"
            if named.get("trust_remote_code") == "True":
                yield f"{called} with trust_remote_code=True"


def pins(trials: Trials) -> None:
    """Every package that is needed here, needed by those, and so on, is pinned to the version that is installed."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if line and not line.startswith("#")]
    versions = dict(line.split("==") for line in pinned if "==" in line)
    known = {canonicalize_name(name): version for name, version in versions.items()}
    with trials.trial("pins are exact"):
        loose = [line for line in pinned if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!_-]+", line)]
        assert not loose, f"expected name==version, got {loose}"
        assert len(known) == len(pinned), "expected each package once"
    for found in needed():
        name = canonicalize_name(found.metadata["Name"])
        with trials.trial("packages", name=name):
            assert name in known, f"expected {name} in constraints.txt"
            # The version of a build for one kind of processor has a local part that no index knows.
            installed = found.version.partition("+")[0]
            assert installed == known[name], f"expected {name} {known[name]}, which is pinned, got {found.version}"


def needed() -> list[Distribution]:
    """All installed packages that the project needs in the end, those that it needs for development among them."""
    found: dict[str, Distribution] = {}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"].values()
    nothing: frozenset[str] = frozenset()
    waiting = [(line, nothing) for line in (*project["dependencies"], *itertools.chain(*optional))]
    asked: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        line, extras = waiting.pop()
        one = Requirement(line)
        applies = one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras or {""})
        key = canonicalize_name(one.name), frozenset(one.extras)
        if not applies or key in asked:
            continue
        asked.add(key)
        try:
            found[key[0]] = distribution(one.name)
        except PackageNotFoundError:
            # An extra that is not installed, or a package for another kind of machine.
            continue
        waiting += [(further, frozenset(one.extras)) for further in found[key[0]].requires or ()]
    return list(found.values())


def tampered(trials: Trials) -> None:
    """One bit of a copy is turned, or it is cut off, or made longer: it is not loaded."""
    kinds: dict[str, tuple[Path, Callable[[Path], object]]] = {}
    for name in ("mini", "gru"):
        folder = copied(checkpoint.SHIPPED / name, trials.place / name)
        for part in (checkpoint.WEIGHTS, checkpoint.TOKENIZER, checkpoint.CONFIG):
            kinds[f"{name}, {part}"] = folder / part, lambda path: checkpoint.load(path.parent)
    folder = copied(RANKER, trials.place / "ranker")
    kinds["ranker, model.safetensors"] = folder / "model.safetensors", lambda path: Ranker.load(path.parent)
    embedder = load_embedder().directory
    folder = copied(embedder, trials.place / "packages" / PACKAGE / "model").parent
    (folder / "__init__.py").touch()
    kinds["embedder, model.safetensors"] = folder / "model" / "model.safetensors", lambda path: packaged(path)
    for kind, (path, load) in kinds.items():
        whole = path.read_bytes()
        for _ in range(trials.count):
            place, bit, how = trials.random.randrange(len(whole)), trials.random.randrange(8), trials.random.random()
            with trials.trial(f"tampered: {kind}", place=place, bit=bit, how=how):
                changed = bytearray(whole)
                changed[place] ^= 1 << bit
                path.write_bytes(changed if how < 0.8 else whole[:place] if how < 0.9 else whole + b"\0")
                refused(load, path)
        path.write_bytes(whole)
        with trials.trial(f"whole: {kind}"):
            load(path)


def refused(load: Callable[[Path], object], path: Path) -> None:
    """Loading ends with one line for the user."""
    try:
        load(path)
    except (CheckpointError, StoreError) as fault:
        said = str(fault)
    else:
        raise AssertionError(f"expected {path.name} to be refused")
    assert said, "expected to be told why"
    assert "\n" not in said, f"expected one line, got {said}"


def copied(folder: Path, target: Path) -> Path:
    """A copy of a folder."""
    target.mkdir(parents=True)
    for path in (path for path in sorted(folder.rglob("*")) if path.is_file()):
        copy = target / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    return target


def packaged(path: Path) -> None:
    """What the program does with the embedder that is installed, were it this one."""
    place = str(path.parent.parent.parent)
    sys.path.insert(0, place)
    importlib.invalidate_caches()
    try:
        found = load_embedder()
        assert found.directory == path.parent, f"expected to load {path.parent}, got {found.directory}"
    finally:
        sys.path.remove(place)
        importlib.invalidate_caches()
