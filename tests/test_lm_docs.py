"""The pages of lm say what is so: their code lines stand in the files, their links lead somewhere, their commands and
their Python run."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from lm import generate

_ROOT = Path(__file__).resolve().parent.parent
_LM = _ROOT / "lm"
_TEXT = "\n".join((_LM / name).read_text(encoding="utf-8") for name in ("README.md", "MEASURED.md"))
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^]]*\]\(([^)]+)\)")
_QUOTED = re.compile(r"\[[^]]*\]\(([^)]+\.py)\): (.+)")
_CODE = re.compile(r"`([^`]+)`")
_COMMAND = re.compile(r"python -m (lm\.\w+)(.*)", re.DOTALL)

_SHORT = {
    "lm.train": "--steps 2 --validate-every 2 --batch-tokens 512 --device cpu",
    "lm.benchmark": "--device cpu",
    "lm.memory gradients": "--tokens 8",
    "lm.memory copy": "--distance 2 --steps 2 --rates 0.001 --jobs 1",
}
"""What is added to a command of the README so that it takes seconds; the last of two equal options counts."""


def quotations(text: str) -> list[tuple[str, str]]:
    """File and code line of every quotation in a table: a cell is a link to the file, a colon, and code."""
    found = []
    for row in (line for line in text.splitlines() if line.startswith("|")):
        for cell in re.split(r"(?<!\\)\|", row):
            if match := _QUOTED.fullmatch(cell.strip()):
                found += [(match[1], code.replace("\\|", "|")) for code in _CODE.findall(match[2])]
    return found


def wrong(text: str) -> list[tuple[str, str]]:
    """The quotations that stand in no line of their file."""
    lines = {
        name: {line.strip() for line in (_LM / name).read_text(encoding="utf-8").splitlines()}
        for name in {name for name, _ in quotations(text)}
    }
    return [(name, code) for name, code in quotations(text) if code.strip() not in lines[name]]


def commands(text: str) -> list[str]:
    """Every shell command of the fenced blocks and every `python -m lm.` of the prose, without comments."""
    blocks = [block.replace("\\\n", " ") for kind, block in _FENCE.findall(text) if not kind]
    shell = [line for block in blocks for line in block.splitlines() if line.strip()]
    return shell + [code for code in _CODE.findall(_FENCE.sub("", text)) if code.startswith("python -m lm.")]


def library_commands(text: str) -> list[tuple[str, list[str]]]:
    """Module and arguments of every command of lm, the launcher of parallel runs left out."""
    found = []
    for command in commands(text):
        plain = re.sub(r"^torchrun\b.*? -m ", "python -m ", command)
        if match := _COMMAND.match(plain):
            found.append((match[1], shlex.split(match[2], comments=True)))
    return found


def test_every_code_line_stands_in_its_file() -> None:
    assert len(quotations(_TEXT)) >= 60
    assert wrong(_TEXT) == []


def test_a_code_line_that_is_nowhere_is_found() -> None:
    """The check above can fail."""
    planted = _TEXT.replace("`s = f * s + i * g`", "`s = f * s + g`")
    assert wrong(planted) == [("cells.py", "s = f * s + g")]
    assert wrong(_TEXT.replace("`o = torch.sigmoid(a_o)`", "`o = torch.sigmoid(a_o`")) != []


def test_every_cell_of_a_code_column_is_a_quotation() -> None:
    """A cell that is written another way would not be checked."""
    rows = [line for line in _TEXT.splitlines() if re.match(r"\| .*\$.*\| .*`", line)]
    assert len(rows) >= 40
    assert [row for row in rows if not quotations(row)] == []


def test_every_link_leads_somewhere_and_every_file_is_on_the_map() -> None:
    links = {link for link in _LINK.findall(_FENCE.sub("", _TEXT)) if "://" not in link}
    assert [link for link in sorted(links) if not (_LM / link.split("#")[0]).is_file()] == []
    assert {path.name for path in _LM.glob("*.py")} - {"__init__.py"} <= links


def test_every_command_parses() -> None:
    assert len(library_commands(_TEXT)) >= 30
    # Blocks of a named language need files or machines that not everybody has; their commands parse all the same.
    for module, arguments in library_commands(_TEXT.replace("```sh\n", "```\n")):
        importlib.import_module(module).parser().parse_args(arguments)


def test_every_module_with_a_command_line_and_every_flag_of_generate_is_shown() -> None:
    shown = library_commands(_TEXT)
    with_parser = {f"lm.{path.stem}" for path in _LM.glob("*.py") if "\ndef parser(" in path.read_text("utf-8")}
    assert {module for module, _ in shown} == with_parser
    given = {word for module, arguments in shown if module == "lm.generate" for word in arguments}
    flags = {option for action in generate.parser()._actions for option in action.option_strings}
    assert flags - {"-h", "--help"} <= given


def test_the_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """All blocks one after another in one fresh namespace, as a reader types them."""
    blocks = [block for kind, block in _FENCE.findall(_TEXT) if kind == "python"]
    assert len(blocks) == 3
    space: dict[str, Any] = {"__name__": "readme"}
    for block in blocks:
        exec(compile(block, "lm/README.md", "exec", dont_inherit=True), space)
    printed = capsys.readouterr().out
    answer = space["tokenizer"].decode([one.token for one in space["written"]])
    assert answer.strip() == "The salt is raked at dawn."
    assert "' raked'" in printed or "' ra'" in printed
    assert {one.attention.shape[0] for one in space["written"]} == {6}
    with torch.inference_mode():
        whole, state = space["mean_model"](space["tokens"])
        first, begun = space["mean_model"](space["tokens"][:, :2])
        rest, _ = space["mean_model"](space["tokens"][:, 2:], begun)
    torch.testing.assert_close(torch.cat((first, rest), dim=1), whole)
    assert state.body.length == space["tokens"].shape[1]


@pytest.mark.slow
def test_every_command_runs(tmp_path: Path) -> None:
    """In the order of the README, the long ones made short."""
    (tmp_path / "corpus").symlink_to(_ROOT / "corpus")
    python, environment = shlex.quote(sys.executable), os.environ | {"PYTHONPATH": str(_ROOT), "OMP_NUM_THREADS": "1"}
    for command in commands(_FENCE.sub(lambda block: "" if block[1] else block[0], _TEXT)):
        plain = command.split("   #")[0].strip()
        for start, more in _SHORT.items():
            if f" {start} " in f"{plain} ":
                plain += " " + more
        plain = re.sub(r"^torchrun ", f"{python} -m torch.distributed.run ", re.sub(r"^python ", f"{python} ", plain))
        done = subprocess.run(
            plain, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
