"""Everything bad that can be sent to the page, by families.

- paths: files by absolute paths, `..` in a dozen spellings, links, `/proc`, on every route that might give a file
  (advisories for Gradio: CVE-2023-51449, CVE-2024-1561, CVE-2024-12217, CVE-2024-47164, CVE-2024-47166, CVE-2025-23042)
- unknown: monitoring, deep links, tokens, recordings, editors, run history, schemas, `.git`, and odd methods
  (CVE-2024-47168)
- origins and hosts: foreign ones, `null`, other ports, look-alikes; no header may let a stranger read
  (CVE-2024-1727, CVE-2024-47084, CVE-2024-47165, CVE-2025-5320; DNS rebinding)
- lengths, deep JSON, content types: too large, lying, deep, broken, not what they say
  (CVE-2024-8966, CVE-2024-10569, CVE-2024-10624, CVE-2025-0187)
- sessions: those of others, events of others, functions that are not offered, methods of components
  (CVE-2024-1561, CVE-2024-34510)
- files: FileData that was never uploaded, of other places and of other machines, in place of texts, too; nothing is
  fetched (CVE-2024-1183, CVE-2024-1728, CVE-2024-2206, CVE-2024-4325, CVE-2024-47167, CVE-2024-51751, CVE-2024-8021)
- uploads: names that lead out, archives with links and `..`, what is uploaded is given to nobody, floods
  (CVE-2024-47872, CVE-2025-48889)
- bytes: smuggling, two hosts, endless headers, half requests, other protocols
- entrance: with `--auth` nothing is open without a password, guessing is slowed down, `--host` asks for one
  (CVE-2024-47869)
"""

from __future__ import annotations

import hashlib
import secrets as chance
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from tests.battery import web_tries as tries
from tests.battery.service import NAME, Service, served
from tests.battery.trials import Trials
from tests.battery.web_entrance import entrance
from tests.battery.web_files import (
    NAMES,
    Adding,
    Canary,
    canary,
    declared,
    file_data,
    hostile_archive,
    reveals,
    shown,
)
from tests.battery.web_raw import raw, sent, statuses
from tests.battery.web_tries import REFUSED, Try

BARE = ("Internal Server Error", '{"error":')
"""How an error of the server may begin: its one line, or that of an error for the user."""

USED = ("tmp/", "answers.jsonl", "terminal.txt")
"""What the server writes to always."""

POLITE = frozenset({501, 503, 507})
"""Statuses of a server that is well and does not do that."""


def http(trials: Trials) -> None:
    """`count` requests of each family of single requests, a fourth of that of the others."""
    with served(trials.place / "app", trials.count) as service, canary() as bird:
        attack = _Attack(trials, service, bird)
        before = attack.listing()
        attack.requests()
        attack.files()
        attack.uploads()
        attack.bytes()
        trials.figures["errors of the server, said in one line"] = attack.bare
        with trials.trial("all as before"):
            now = attack.listing()
            changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
            assert not changed, f"expected the disk as it was, but {changed[:9]} changed"
            assert not bird.calls, f"expected no call to another server, got {bird.calls[:9]}"
            assert service.call("ask", "What does the forget gate do?", None)[0] == "complete", "expected an answer"
    entrance(trials)


class _Attack:
    """One server, and secrets beside it."""

    def __init__(self, trials: Trials, service: Service, bird: Canary) -> None:
        self.trials, self.service, self.bird = trials, service, bird
        self.bare = 0
        self.secret = f"TOP-{chance.token_hex(8)}"
        place = service.place
        self.secrets = [place / "secret.txt", place / "work" / "secret.txt", place / "home" / ".ssh_key"]
        for path in self.secrets:
            path.write_text(self.secret, encoding="utf-8")
        scratch = next((place / "tmp").glob("glassbox-*"), place / "tmp")
        (scratch / "link.txt").symlink_to(self.secrets[0])
        self.secrets += [scratch / "link.txt", place / "store" / "CURRENT", place / "terminal.txt"]

    def listing(self) -> dict[str, str]:
        """Every file that the server may write to but for what it writes always, with its hash."""
        place = self.service.place
        found = {}
        for path in sorted(place.rglob("*")):
            name = str(path.relative_to(place))
            if path.is_file() and not name.startswith(USED) and path.name != ".lock":
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def requests(self) -> None:
        """Single requests."""
        port = self.service.port
        families: dict[str, Callable[[Random], Iterator[Try]]] = {
            "paths": lambda random: tries.traversal(random, self.secrets),
            "unknown": tries.unknown,
            "origins": lambda random: tries.origins(random, port),
            "hosts": lambda random: tries.hosts(random, port),
            "lengths": tries.lengths,
            "deep JSON": tries.deep_json,
            "content types": tries.content_types,
            "sessions": tries.sessions,
        }
        for family, made in families.items():
            for one in islice(made(self.trials.random), self.trials.count):
                told = shown([one.method, one.path, dict(one.headers), (one.body or b"")[:300]])
                with self.trials.trial(family, request=told):
                    self.check(one, told)

    def check(self, one: Try, told: str) -> None:
        """The status is as expected, nothing is revealed, and no stranger may read it. A request that makes no sense
        may end in the one line of an error of the server, which is counted."""
        how: Any = {"method": one.method, "body": one.body, "headers": one.headers}
        reply = self.service.ask_for(one.path, **how, patience=60.0)
        status = reply.status
        if status == 500 and one.expected != REFUSED and reply.text.startswith(BARE):
            self.bare += 1
        else:
            fault = f"expected no fault of the server, got {status}: {reply.text[:200]}"
            assert status < 500 or status in POLITE, fault
        assert one.expected != REFUSED or status >= 400, f"expected to be refused, got {status}: {reply.text[:200]}"
        allowed = {name.lower(): value for name, value in reply.headers.items()}.get("access-control-allow-origin")
        assert allowed in (None, f"http://{NAME}:{self.service.port}"), f"expected strangers not to read, got {allowed}"
        self.quiet(reply.text, told)

    def quiet(self, text: str, told: str) -> None:
        """A reply reveals nothing."""
        leak = reveals(text, told, self.service.place, self.secret)
        assert not leak, f"expected a reply without {leak!r}, got {text[:300]}"

    def files(self) -> None:
        """FileData that was never uploaded, and URLs to fetch."""
        adding, random = Adding(self.service), self.trials.random
        for _ in range(max(1, self.trials.count // 4)):
            data = file_data(random, self.secrets, self.bird)
            with self.trials.trial("files", data=data):
                said = adding.add([data])
                assert "checking the files" not in said, f"expected the file not to be taken, got {said[:300]}"
                self.quiet(said, shown(data))
            with self.trials.trial("files in place of a text", data=data):
                event, said = self.service.call("ask", data, [[data, data]])
                assert event in ("error", "busy"), f"expected no answer, got {event}"
                self.quiet(shown(said), shown(data))
            address = f"{self.bird.address}/{random.getrandbits(32):x}"
            with self.trials.trial("addresses to fetch", address=address):
                for route in ("/gradio_api/file=", "/gradio_api/proxy=", "/proxy=", "/file="):
                    self.check(Try(path=route + address, headers={"X-Direct-Url": address}), address)

    def uploads(self) -> None:
        """Names that lead out, archives that do, and floods."""
        adding, random, count = Adding(self.service), self.trials.random, max(1, self.trials.count // 4)
        for name in [random.choice(NAMES) for _ in range(count)]:
            with self.trials.trial("names of uploads", name=name):
                reply = adding.upload(name, self.secret.encode())
                assert reply.status < 500, f"expected the name to be mended or refused, got {reply.status}"
                if reply.status == 200:
                    path = Path(reply.json()[0])
                    inside = path.resolve().is_relative_to((self.service.place / "tmp").resolve())
                    assert inside, f"expected the file among the uploads, got {path}"
                    told = f"/gradio_api/file={path}"
                    self.check(Try(path=told.replace(" ", "%20").encode("ascii", "ignore").decode()), told)
        for _ in range(count):
            with self.trials.trial("hostile archives"):
                said = adding.upload_and_add("pack.zip", hostile_archive(random))
                self.quiet(said.replace(str(self.service.place / "tmp"), ""), "")
        with self.trials.trial("a flood of uploads"):
            found = declared(self.service, [100_000_000] * 12)
            assert found == 507, f"expected that at last there is no room, got {found}"
        with self.trials.trial("an upload that is too large"):
            found = declared(self.service, [200_000_000])
            assert found == 413, f"expected to be told that it is too large, got {found}"

    def bytes(self) -> None:
        """What no client sends."""
        made = raw(self.trials.random, self.service.port)
        for data in islice(made, max(1, self.trials.count // 4)):
            with self.trials.trial("bytes", data=repr(data[:300])):
                reply = sent(self.service, data)
                faults = [status for status in statuses(reply) if status >= 500 and status not in POLITE]
                assert not faults, f"expected no fault of the server, got {reply[:300]!r}"
                self.quiet(reply.decode("latin-1"), repr(data))
                assert b"root:x:" not in reply, "expected no file of this machine"
                assert self.service.ask_for("/health").status == 200, "expected the server to be well"
