"""Changes of the uploads of a store: what goes wrong is undone, and the build runs in another process."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_stores import GATES, OWLS, build_store
from upload_samples import rebuild

from index.uploads import uploads_folder
from tutor.ui.rebuilding import LibraryError, build_apart, changing


def test_a_folder_where_a_file_should_go_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    (folder / "Birds" / "owls.md").mkdir(parents=True)
    (folder / "Birds" / "owls.md" / "a.md").write_text("x", encoding="utf-8")
    (folder / "Birds" / "file").write_text("x", encoding="utf-8")

    def put(name: str) -> None:
        with changing(folder) as change:
            (change.incoming / name).parent.mkdir(exist_ok=True)
            (change.incoming / name).write_text("new", encoding="utf-8")
            change.put("Birds", name)

    for name in ("owls.md", "file/a.md"):
        with pytest.raises(LibraryError, match="rename"):
            put(name)
    assert not list(folder.glob(".change-*"))


def test_what_a_killed_change_left_is_tidied_up(tmp_path: Path) -> None:
    (tmp_path / ".change-x").mkdir()
    (tmp_path / ".change-x" / "old-0").write_text("x", encoding="utf-8")
    with changing(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_progress_comes_from_the_other_process(tmp_path: Path) -> None:
    store = build_store(tmp_path, GATES)
    folder = uploads_folder(store) / "Birds"
    folder.mkdir(parents=True)
    (folder / "owls.md").write_text(OWLS, encoding="utf-8")
    seen: list[tuple[str, int, int]] = []
    build_apart(rebuild, store, (), lambda *step: seen.append(step))
    stages = [*dict.fromkeys(stage for stage, _, _ in seen)]
    assert stages == ["reading", "loading the embedder", "embedding passages", "embedding sentences"]
    assert all(0 <= done <= total for _, done, total in seen)
