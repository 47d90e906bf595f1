"""Shared fixtures: a store over the shipped notes and the tutor that ships, made once for all tests that need them;
a folder to upload from."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from filelock import FileLock

from index.build import build
from index.paths import shipped_lectures
from tutor import Tutor

# Tensors in tests are small: threads would only wait for one another, the longer the busier the machine is.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def course_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped lectures, embedded by the packaged model: built by the first process that needs it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    path = shared / "course" / "store"
    with FileLock(shared / "course.lock"):
        if not path.exists():
            build([shipped_lectures()], path)
    return path


@pytest.fixture(scope="session")
def course_tutor(course_store: Path) -> Iterator[Tutor]:
    """The shipped model over the shipped lectures."""
    tutor = Tutor.load(course_store, device="cpu")
    yield tutor
    tutor.store.close()


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """An empty folder for files to upload."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Try a browser test up to three times: on a busy machine a page may be slower than a test is patient."""
    if item.get_closest_marker("browser") is None or not isinstance(item, pytest.Function):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for last in (False, False, True):
        item._initrequest()
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        if last or not any(report.failed for report in reports):
            for report in reports:
                item.ihook.pytest_runtest_logreport(report=report)
            break
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
