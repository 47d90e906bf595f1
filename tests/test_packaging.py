"""What the wheel carries."""

import os
import zipfile
from pathlib import Path

from hatchling.build import build_wheel

ROOT = Path(__file__).resolve().parent.parent


def test_the_wheel_holds_code_and_data(tmp_path: Path) -> None:
    here = Path.cwd()
    try:
        os.chdir(ROOT)
        name = build_wheel(str(tmp_path))
    finally:
        os.chdir(here)
    with zipfile.ZipFile(tmp_path / name) as wheel:
        held = set(wheel.namelist())
        packed = sum(entry.file_size for entry in wheel.infolist())
    for room in ("corpus", "index", "lm", "tutor"):
        for path in (ROOT / room).rglob("*.py"):
            assert path.relative_to(ROOT).as_posix() in held
    for pattern in ("corpus/lectures/*.md", "corpus/questions/*.jsonl", "lm/checkpoints/*/*"):
        found = list(ROOT.glob(pattern))
        assert found, pattern
        assert {path.relative_to(ROOT).as_posix() for path in found} <= held
    assert "app.py" in held
    assert not [name for name in held if name.startswith(("tests/", "runs/", ".")) or "__pycache__" in name]
    assert packed < 60 * 2**20


def test_every_tracked_weight_is_small() -> None:
    sizes = [path.stat().st_size for path in (ROOT / "lm" / "checkpoints").rglob("*") if path.is_file()]
    assert sum(sizes) <= 40 * 2**20
