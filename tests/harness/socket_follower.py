"""A program that maintains its own state of a copy from the frames of its socket, as docs/live.md describes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar
from uuid import UUID

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from copies.document import Document, walk_answers
from rules.definition.model import CompiledCatalogue
from tests.harness.tiers import PATIENCE

#: value, active, required
Picture = dict[str, tuple[Any, bool, str]]
NOTHING = (None, False, "")


class Copybook:
    """Answers that are neither sensitive nor personal, rows and question sets, at ``version``."""

    def __init__(self, catalogue: CompiledCatalogue) -> None:
        self.version = 0
        self.answers: Picture = {}
        self.things: set[str] = set()
        self._questions = catalogue.questions

    def read(self, document: Document, version: int) -> Copybook:
        """Replace the state by a fresh read."""
        self.version = version
        self.answers = {
            path: (answer.value, answer.active, answer.required)
            for path, answer in walk_answers(document)
            if self._is_broadcast(path)
        }
        self.things = {f"question_sets/{found.code}" for found in document.question_sets}
        self.things |= set(_rows("", document.answer_pools))
        return self

    def apply(self, changes: Iterable[dict[str, Any]], version: int) -> None:
        """Apply changes that lead to ``version``."""
        for change in changes:
            path = change["path"]
            if path.split("/")[0] in ("copy", "application_form") or "." in path.split("/")[0]:
                continue
            if path.count("/") % 2:
                self._apply_thing(path, is_there=change["after"] is not None)
            elif self._is_broadcast(path):
                _, active, required = self.answers.get(path, NOTHING)
                self.answers[path] = (
                    change["after"],
                    change.get("active", active),
                    change.get("required", required),
                )
        self.version = version

    def picture(self) -> tuple[int, Picture, set[str]]:
        """Return the state for comparison; an answer without value that is neither visible nor required counts as
        missing.
        """
        return self.version, {path: told for path, told in self.answers.items() if told != NOTHING}, self.things

    def _apply_thing(self, path: str, *, is_there: bool) -> None:
        if is_there:
            self.things.add(path)
            return
        below = f"{path}/"
        self.things = {known for known in self.things if known != path and not known.startswith(below)}
        self.answers = {known: told for known, told in self.answers.items() if not known.startswith(below)}

    def _is_broadcast(self, path: str) -> bool:
        known = self._questions.get(path.rpartition("/")[2])
        return known is not None and not known.question.sensitivity


def _rows(prefix: str, pools: dict[str, Any]) -> Iterable[str]:
    for pool, rows in pools.items():
        for row in rows:
            yield f"{prefix}{pool}/{row.id}"
            yield from _rows(f"{prefix}{pool}/{row.id}/", row.answer_pools)


class Follower:
    """Keeps ``book`` up to date over a socket that may break; without ``notices_gaps`` it ignores missing versions."""

    #: The seconds that are waited for a version.
    patience: ClassVar = PATIENCE

    def __init__(self, address: Callable[[], str], cookie: str, book: Copybook, *, notices_gaps: bool = True) -> None:
        self.book = book
        self.connections = 0
        self._address = address
        self._cookie = cookie
        self._notices_gaps = notices_gaps
        self._wanted = 0
        self._is_asking = False
        self._task = asyncio.create_task(self._follow())

    async def reach(self, version: int, *, seconds: float | None = None) -> float:
        """Wait until the book is at ``version``; return how long that took, in seconds."""
        began = time.monotonic()
        while self.book.version < version:
            assert time.monotonic() - began < (seconds or self.patience), f"at {self.book.version}, not at {version}"
            await asyncio.sleep(0.005)
        return time.monotonic() - began

    async def connected(self) -> None:
        while not self.connections:
            await asyncio.sleep(0.005)

    async def end(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(OSError, ConnectionClosed, InvalidHandshake, TimeoutError):
                address = self._address()
                origin = address.replace("ws://", "http://").partition("/ws/")[0]
                headers = {"Cookie": f"sessionid={self._cookie}"}
                async with connect(
                    address, origin=origin, additional_headers=headers, proxy=None, open_timeout=2, close_timeout=0.2
                ) as connection:
                    async for text in connection:
                        await self._hear(connection, json.loads(text))
            await asyncio.sleep(0.1)

    async def _hear(self, connection: ClientConnection, frame: dict[str, Any]) -> None:
        if frame["type"] == "snapshot":
            self.connections += 1
            self._is_asking = False
        if frame["type"] == "changes":
            # Folded changes start exactly at the requested version.
            assert frame["since"] == self.book.version
            self.book.apply(frame["body"]["changes"], frame["body"]["version"])
            self._is_asking = False
        version = frame.get("version", 0)
        if frame["type"] == "changed" and not self._notices_gaps:
            return self.book.apply(frame["changes"] or [], version)
        if frame["type"] == "changed" and not self._is_asking and version == self.book.version + 1:
            if frame["changes"] is not None:
                self.book.apply(frame["changes"], version)
        self._wanted = max(self._wanted, version)
        if self._notices_gaps and self._wanted > self.book.version and not self._is_asking:
            self._is_asking = True
            await connection.send(json.dumps({"type": "since", "version": self.book.version}))
        return None


def address_of(port: Callable[[], int], copy_id: UUID) -> Callable[[], str]:
    """Return the address to connect to, read again at each try."""
    return lambda: f"ws://127.0.0.1:{port()}/ws/copies/{copy_id}/"
