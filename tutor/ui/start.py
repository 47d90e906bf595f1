"""Starts the page: what can be checked cheaply first, then the server, then the model behind it."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import signal
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import StoreError
from tutor.ui.guard import LARGEST_REQUEST, LOOPBACK, Guard
from tutor.ui.loading import Loading, Tutoring


class CannotStart(Exception):
    """The page cannot be served; the message is one line that says what to do."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Checked settings of a server. `users` are (name, password) pairs; empty lets everybody in. `uploads` says whether
    the lectures may be changed from the page."""

    store: Path
    model: str | None
    device: str | None
    host: str
    port: int
    users: tuple[tuple[str, str], ...]
    mcp: bool
    uploads: bool = False


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
) -> Settings:
    """Check what can be checked before the heavy imports, the quickest first, and build the default store if there
    is none. `uploads`: see `allows_uploads`. Raises CannotStart."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    users = read_users(auth) if auth is not None else ()
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
        uploads=allows_uploads(host, uploads),
    )


def allows_uploads(host: str, asked: bool | None) -> bool:
    """Whether the lectures may be changed from a page on `host`: as asked for, else on this machine only."""
    return host in LOOPBACK if asked is None else asked


def read_users(path: Path) -> tuple[tuple[str, str], ...]:
    """The (name, password) pairs of a file with lines `user:password`; empty lines are skipped."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8 text"
        raise CannotStart(f"cannot read {path} ({reason}); give a file of lines user:password") from None
    users = []
    for number, line in enumerate(lines, start=1):
        name, colon, password = line.strip().partition(":")
        if not line.strip():
            continue
        if not (name and colon and password):
            raise CannotStart(f"{path}, line {number}: not user:password")
        users.append((name, password))
    if not users:
        raise CannotStart(f"{path} names nobody; write lines user:password")
    return tuple(users)


def check_port(host: str, port: int) -> None:
    """Raise CannotStart unless the address can be listened on."""
    if not 1 <= port <= 65535:
        raise CannotStart(f"port {port} is not from 1 to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as fault:
        if isinstance(fault, socket.gaierror) or fault.errno == errno.EADDRNOTAVAIL:
            raise CannotStart(f"{host!r} is not an address of this machine; leave --host out or give one") from None
        raise CannotStart(f"cannot serve on {host}:{port} ({fault.strerror}); choose another --port") from None


def check_store(store: Path) -> None:
    """Raise CannotStart unless something was published at `store`."""
    from index.generation import has_generation

    if not has_generation(store):
        raise CannotStart(f"no index at {store}; build it with: python -m index.build SOURCE --store {store}")


def check_model(model: str | None) -> None:
    """Raise CannotStart unless there is such a model."""
    from lm.checkpoint import CheckpointError, resolve

    try:
        resolve(model)
    except CheckpointError as fault:
        raise CannotStart(str(fault)) from None


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


def loader(settings: Settings) -> Loading:
    """The tutor of these settings, not yet loading."""

    def load() -> Tutoring:
        from tutor.tutor import Tutor

        return Tutor.load(store=settings.store, model=settings.model, device=settings.device)

    folders = model_folders(settings.model)
    return Loading(load, tuple(folders), {name: what_is(folder) for name, folder in folders.items()})


def model_folders(model: str | None) -> dict[str, Path]:
    """The models to choose from: the started one, by its last two folders if it does not ship, then the others.

    Raises CheckpointError for a model that is not there.
    """
    from lm.checkpoint import CONFIG, SHIPPED, resolve

    folder = resolve(model).resolve()
    shipped = {path.parent.name: path.parent for path in sorted(SHIPPED.glob(f"*/{CONFIG}"))}
    first = folder.name if folder.parent == SHIPPED.resolve() else "/".join(folder.parts[-2:])
    return {first: folder} | {name: path for name, path in shipped.items() if name != first}


def what_is(folder: Path) -> str:
    """A few words on the model in a folder, as `Transformer, 3.5 million weights`; "" where its file is damaged."""
    from lm.checkpoint import CONFIG

    try:
        fields = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        architecture, weights = fields["model"]["architecture"], fields["training"].get("parameters")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""
    kind = {"transformer": "Transformer", "rnn": "vanilla RNN", "lstm": "LSTM", "gru": "GRU"}.get(architecture)
    size = f", {weights / 1e6:.1f} million weights" if isinstance(weights, int) else ""
    return f"{kind or architecture}{size}"


def serve(settings: Settings) -> None:
    """Serve the page and load the model behind it, until Ctrl+C or SIGTERM. Raises CannotStart."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="glassbox-") as scratch:
        os.environ["GRADIO_TEMP_DIR"] = scratch
        loading = loader(settings)
        page = launch(settings, loading)
        loading.start()
        if settings.host not in LOOPBACK and not settings.users:
            may = "ask and change the lectures" if settings.uploads else "ask"
            print(f"Everybody who reaches {settings.host} can {may}; --auth FILE lets in some only.", file=sys.stderr)
        print(f"Glassbox is at http://{settings.host}:{settings.port} (Ctrl+C ends it)", flush=True)
        page.block_thread()


def launch(settings: Settings, loading: Loading) -> Any:
    """Start the server and return its `gradio.Blocks`. Raises CannotStart."""
    from starlette.middleware import Middleware

    from tutor.tutor import LONGEST_QUESTION
    from tutor.ui.library import Library
    from tutor.ui.page import build_page, head, theme
    from tutor.ui.receiving import LARGEST_FILE

    library = Library(loading, settings.store, uploads=settings.uploads)
    page = build_page(loading, library, longest=LONGEST_QUESTION)
    page.queue(max_size=32, default_concurrency_limit=1, api_open=False)
    hosts = LOOPBACK | {settings.host} if settings.host in LOOPBACK else None
    upload = LARGEST_FILE + LARGEST_REQUEST if settings.uploads else 0
    try:
        page.launch(
            server_name=settings.host,
            server_port=settings.port,
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
            app_kwargs={"middleware": [Middleware(Guard, hosts=hosts, upload=upload)]},
            theme=theme(),
            head=head(),
            quiet=True,
            inbrowser=False,
            prevent_thread_lock=True,
        )
    except OSError as fault:
        raise CannotStart(f"cannot serve on {settings.host}:{settings.port} ({fault}); choose another --port") from None
    return page
