"""The five rooms and their one-way doors."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "corpus": {"corpus"},
    "lm": {"lm"},
    "index": {"index", "corpus"},
    "tutor": {"tutor", "index", "corpus", "lm"},
}
LM_NEEDS = {"torch", "numpy", "tokenizers", "safetensors", "transformers"}


def imports(path: Path) -> set[str]:
    """Top-level names of everything a file imports, wherever the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute in this project"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_imports_run_one_way(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    for path in files:
        others = imports(path) & ({*MAY_IMPORT, "app", "tests"} - MAY_IMPORT[room])
        assert not others, f"{path.relative_to(ROOT)} may not import {', '.join(sorted(others))}"


def test_app_imports_the_tutor_and_what_stands_behind_it() -> None:
    assert "tests" not in imports(ROOT / "app.py")


def test_corpus_never_imports_torch() -> None:
    """The check of the course compares questions by meaning; nothing that reads lectures imports it."""
    heavy = {"torch", "transformers", "sentence_transformers", "faiss", "gradio"}
    for path in (ROOT / "corpus").rglob("*.py"):
        allowed = {"sentence_transformers"} if path.name == "overlap.py" else set()
        assert not imports(path) & (heavy - allowed), path


def test_lm_runs_on_four_packages() -> None:
    """`transformers` is the peer that the benchmark measures against where it is installed."""
    for path in (ROOT / "lm").rglob("*.py"):
        outside = imports(path) - set(sys.stdlib_module_names) - {"lm"}
        assert outside <= LM_NEEDS, path
        assert "transformers" not in outside or path.name == "peers.py"


@pytest.mark.parametrize(
    "module",
    [
        *("index.average", "index.build", "index.search", "index.check", "index.benchmark", "index.train"),
        "index.validate",
        *("tutor.ask", "tutor.evaluate", "tutor.faithfulness", "tutor.groups", "tutor.prepare", "tutor.quiz"),
    ],
)
def test_help_does_not_wait_for_heavy_packages(module: str) -> None:
    code = (
        f"import sys, runpy; sys.argv = ['{module}', '--help']\n"
        f"try: runpy.run_module('{module}', run_name='__main__')\n"
        "except SystemExit as end: assert end.code in (0, None), end.code\n"
        "heavy = {'torch', 'faiss', 'gradio', 'sentence_transformers'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout


def test_nothing_happens_at_import() -> None:
    """Every module parses its arguments and starts its work in functions only."""
    for path in [ROOT / "app.py", *(path for room in MAY_IMPORT for path in (ROOT / room).rglob("*.py"))]:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
                raise AssertionError(f"{path.relative_to(ROOT)}:{node.lineno} runs something at import")
