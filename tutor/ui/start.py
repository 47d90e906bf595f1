"""Starts the page: what can be checked cheaply first, then the server, then the model behind it."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from index.errors import StoreError
from tutor.ui.checks import (
    CannotStart,
    allows_uploads,
    check_entrance,
    check_log,
    check_model,
    check_port,
    check_store,
    is_local,
    read_root_path,
    read_users,
)
from tutor.ui.entrance import Entrance
from tutor.ui.guard import HEALTH, LARGEST_REQUEST, LOOPBACK, Guard, PublicAddress
from tutor.ui.health import answer_health
from tutor.ui.loading import Loading, Tutoring
from tutor.ui.log import AnswerLog
from tutor.ui.models import model_folders, what_is
from tutor.ui.outside import stay_inside
from tutor.ui.room import Room


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Checked settings of a server. `users` are (name, password) pairs; empty lets everybody in. `uploads` says whether
    the lectures may be changed from the page. `log` is the file that tells of every answer, with the text of its
    question if `log_questions` says so. `public` is where a reverse proxy shows the page."""

    store: Path
    model: str | None
    device: str | None
    host: str
    port: int
    users: tuple[tuple[str, str], ...]
    mcp: bool
    uploads: bool = False
    log: Path | None = None
    log_questions: bool = False
    public: PublicAddress = field(default_factory=PublicAddress)


def prepare(
    *,
    store: Path | None,
    model: str | None,
    device: str | None,
    host: str,
    port: int,
    auth: Path | None,
    mcp: bool,
    uploads: bool | None,
    everybody: bool = False,
    log: Path | None = None,
    log_questions: bool = False,
    root_path: str = "",
) -> Settings:
    """Check what can be checked before the heavy imports, the quickest first, and build the default store if there
    is none. `uploads`: see `allows_uploads`; `everybody`: see `check_entrance`. Raises CannotStart."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    users = read_users(auth) if auth is not None else ()
    public = read_root_path(root_path)
    check_entrance(host, public, bool(users), everybody, mcp)
    check_log(log, log_questions)
    if mcp and importlib.util.find_spec("mcp") is None:
        raise CannotStart("--mcp needs the mcp package; install it with: pip install 'mcp>=1.21,<2'")
    check_port(host, port)
    if store is not None:
        check_store(store)
    check_model(model)
    path = ready_store() if store is None else store
    return Settings(
        store=path,
        model=model,
        device=device,
        host=host,
        port=port,
        users=users,
        mcp=mcp,
        uploads=allows_uploads(host, public, uploads),
        log=log,
        log_questions=log_questions,
        public=public,
    )


def ready_store() -> Path:
    """The default store, built from the shipped notes if there is none yet. Raises CannotStart."""
    from index.build import build_shipped
    from index.paths import default_store

    store = default_store()
    try:
        build_shipped(store)
    except StoreError as fault:
        raise CannotStart(str(fault)) from None
    except OSError as fault:
        raise CannotStart(f"cannot write {store} ({fault.strerror or fault}); name another --store") from None
    return store


def serve(settings: Settings) -> None:
    """Serve the page and load the model behind it, until Ctrl+C or SIGTERM. Raises CannotStart."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stay_inside({settings.host, socket.gethostname()})
    with tempfile.TemporaryDirectory(prefix="glassbox-") as scratch:
        os.environ["GRADIO_TEMP_DIR"] = scratch
        loading = loader(settings)
        page = launch(settings, loading)
        loading.start()
        for line in notice(settings):
            print(line, file=sys.stderr)
        at = f"http://{settings.host}:{settings.port}"
        if settings.public.path or settings.public.origin:
            at += f", shown at {settings.public.origin}{settings.public.path}/"
        print(f"Glassbox is at {at} (Ctrl+C ends it)", flush=True)
        page.block_thread()


def loader(settings: Settings) -> Loading:
    """The tutor of these settings, not yet loading."""

    def load() -> Tutoring:
        from tutor.tutor import Tutor

        return Tutor.load(store=settings.store, model=settings.model, device=settings.device)

    folders = model_folders(settings.model)
    log = AnswerLog(settings.log, questions=settings.log_questions) if settings.log else None
    return Loading(load, tuple(folders), {name: what_is(folder) for name, folder in folders.items()}, log)


def notice(settings: Settings) -> list[str]:
    """What whoever starts the page should know about who can reach it; nothing for a page of this machine alone."""
    if is_local(settings.host, settings.public):
        return []
    way = f"--host {settings.host}" if settings.host not in LOOPBACK else f"--root-path {settings.public.origin}"
    count = len(settings.users)
    known = f"who signs in as one of {count}" if count > 1 else "who signs in with the one name"
    return [
        f"{way} opens this page to other machines:",
        f"- it lets in {f'{known} in --auth' if count else 'everybody who reaches it (--open)'};",
        f"- they can {'ask, and change the lectures (--uploads)' if settings.uploads else 'ask'};",
        "- passwords, questions and answers travel unencrypted, unless a proxy with TLS stands before it.",
    ]


@asynccontextmanager
async def guarding(guard: Callable[[Any], Guard], app: Any) -> AsyncIterator[None]:
    """Around the life of a server: the guard stands before all of it, gradio's own middleware included."""
    app.middleware_stack = guard(app.middleware_stack)
    yield


def launch(settings: Settings, loading: Loading) -> Any:
    """Start the server and return its `gradio.Blocks`. Raises CannotStart."""
    from tutor.tutor import LONGEST_QUESTION
    from tutor.ui.library import Library
    from tutor.ui.page import build_page, head, theme
    from tutor.ui.receiving import LARGEST_FILE
    from tutor.ui.sessions import Sessions
    from tutor.ui.tools import answer_in_json
    from tutor.ui.waiting import FairQueue

    library = Library(loading, settings.store, uploads=settings.uploads)
    page = build_page(loading, library, longest=LONGEST_QUESTION)
    page.queue(default_concurrency_limit=1, api_open=False)
    page._queue = FairQueue(page._queue, loading.answering)
    entrance = Entrance(lambda: page.app.tokens, lambda: page.app.cookie_id) if settings.users else None
    folder = os.environ.get("GRADIO_TEMP_DIR")
    guard = partial(
        Guard,
        hosts=LOOPBACK | {settings.host} if settings.host in LOOPBACK else None,
        upload=LARGEST_FILE + LARGEST_REQUEST if settings.uploads else 0,
        room=Room(Path(folder)) if folder else lambda size: True,
        entrance=entrance,
        mcp=settings.mcp,
        public=settings.public,
    )
    try:
        page.launch(
            server_name=settings.host,
            server_port=settings.port,
            root_path=settings.public.origin + settings.public.path,
            share=False,
            show_error=False,
            strict_cors=True,
            allowed_paths=[],
            max_file_size=LARGEST_FILE if settings.uploads else 1,
            enable_monitoring=False,
            run_history=False,
            ssr_mode=False,
            pwa=False,
            footer_links=[],
            mcp_server=settings.mcp,
            auth=list(settings.users) or None,
            app_kwargs={"lifespan": partial(guarding, guard)},
            theme=theme(),
            head=head(),
            quiet=True,
            inbrowser=False,
            prevent_thread_lock=True,
        )
    except OSError as fault:
        raise CannotStart(f"cannot serve on {settings.host}:{settings.port} ({fault}); choose another --port") from None
    if settings.mcp:
        answer_in_json(page.mcp_server_obj)
    # A connection that each page of a browser would hold open: of the six that browsers allow, none would be left.
    page.config["connect_heartbeat"] = False
    page.app.state_holder = Sessions(page)
    page.app.add_api_route(HEALTH, partial(answer_health, loading), response_model=None, include_in_schema=False)
    return page
