"""Checks the hash chain of one copy's stored versions, and names what was altered. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from copies import chain
from copies.chain import Amendment
from copies.codec import UnreadableDocument, content_of
from copies.stored_versions import Content, StoredVersion, read_version

#: The columns of one revision.
Row: TypeAlias = Mapping[str, Any]
#: The columns that are read from a revision, and from a copy.
REVISION_COLUMNS: Final = (
    "tenant_id", "copy_id", "version", "document", "evaluation", "changes", "is_whole", "chain", "amends", "cause_type",
    "cause_id", "release_id", "actor_type", "actor_id", "actor_label", "source", "correlation_id", "created_at",
)  # fmt: skip
COPY_COLUMNS: Final = ("id", "version", "chain", "document", "evaluation")


class Finding(NamedTuple):
    """One fault: of a ``version``, of a ``kind``, in a sentence.

    Kinds: ``missing`` (removed between others), ``cut`` (removed at the end), ``added``, ``altered``, ``order`` (it is
    earlier than the one before), ``unreadable``, ``unchecked`` (stored as the difference from a version with a
    fault), ``anchor`` (not the link that was noted), ``head`` (not the copy's last link), ``copy`` (not the copy's
    present content).
    """

    version: int
    kind: str
    text: str


def check(
    rows: Iterable[Row], copy: Row, *, amends: Iterable[Row] = (), anchors: Mapping[int, str] | None = None
) -> list[Finding]:
    """Return the faults of the versions of ``copy``, which come in their order; ``amends`` are those with amendments.

    ``anchors`` maps versions to links (hexadecimal) that were noted outside of the database.
    """
    checker = _Checker(amends, anchors or {})
    for row in rows:
        checker.take(row)
    checker.end(copy)
    return checker.findings


class _Checker:
    def __init__(self, amends: Iterable[Row], anchors: Mapping[int, str]) -> None:
        self.findings: list[Finding] = []
        self._anchors = anchors
        self._amended: dict[int, list[Amendment]] = defaultdict(list)
        for row in amends:
            for amendment in _amendments(row):
                self._amended[amendment.version].append(amendment)
        self._last: Row | None = None
        self._content: Content | None = None
        self._previous: bytes | None = chain.START
        self._is_suspect = False

    @property
    def _version(self) -> int:
        return self._last["version"] if self._last else 0

    def take(self, row: Row) -> None:
        """Check the next version."""
        version = row["version"]
        if version > self._version + 1:
            self._find(self._version + 1, "missing", f"{_versions(self._version + 1, version - 1)} removed.")
            self._content, self._previous, self._is_suspect = None, None, True
        content = self._read(row)
        if content is not None and self._previous is not None:
            self._check_link(row, content, self._previous)
        elif content is not None and row["is_whole"]:
            self._is_suspect = False
        link = bytes(row["chain"])
        if self._anchors.get(version, link.hex()) != link.hex():
            self._find(version, "anchor", f"Version {version} or an earlier one is not what it was when it was noted.")
        self._last, self._content, self._previous = row, content, link

    def end(self, copy: Row) -> None:
        """Check the end of the chain with the copy and the anchors."""
        last, version = self._version, copy["version"]
        known = max([version, *self._anchors])
        if known > last:
            self._find(last + 1, "cut", f"{_versions(last + 1, known)} removed at the end.")
        elif version < last:
            self._find(version + 1, "added", f"{_versions(version + 1, last)} added after the last save of the copy.")
        elif self._last is not None:
            if bytes(copy["chain"]) != bytes(self._last["chain"]):
                self._find(last, "head", f"The copy's last link is not the link of version {last}.")
            if self._content is not None and not self._is_suspect and self._content != _content_of(copy):
                self._find(last, "copy", f"The copy's present content is not that of version {last}.")

    def _read(self, row: Row) -> Content | None:
        stored = StoredVersion(bytes(row["document"]), bytes(row["evaluation"]), row["is_whole"])
        try:
            return read_version(stored, self._content)
        except UnreadableDocument as error:
            self._fault(row, "unreadable", f"Version {row['version']} cannot be read: {error}")
            self._is_suspect = True
            return None

    def _check_link(self, row: Row, content: Content, previous: bytes) -> None:
        try:
            digest = chain.content_digest(*content, content_of(bytes(row["changes"])))
            amendments = _amendments(row)
        except (UnreadableDocument, msgspec.MsgspecError) as error:
            self._fault(row, "unreadable", f"The changes of version {row['version']} cannot be read: {error}")
            return
        amended = self._amended.get(row["version"], [])
        computed = chain.link(previous, chain.heading(row), chain.original_digest(amended, digest), amendments)
        if chain.is_link(bytes(row["chain"]), computed, amended):
            self._is_suspect = False
            return
        version = row["version"]
        if self._last is not None and row["created_at"] < self._last["created_at"]:
            self._fault(row, "order", f"Version {version} was altered: it is earlier than version {version - 1}.")
        else:
            before = f", or version {version - 1} was altered together with its link" if version > 1 else ""
            self._fault(row, "altered", f"Version {version} was altered{before}.")
        self._is_suspect = True

    def _fault(self, row: Row, kind: str, text: str) -> None:
        """Note a fault of a version, which may only follow from a fault of the version that it is stored against."""
        version = row["version"]
        if self._is_suspect and not row["is_whole"]:
            text = f"Version {version} cannot be checked: it is stored as the difference from version {version - 1}."
            self._find(version, "unchecked", text)
        else:
            self._find(version, kind, text)

    def _find(self, version: int, kind: str, text: str) -> None:
        self.findings.append(Finding(version, kind, text))


def _amendments(row: Row) -> list[Amendment]:
    stored = bytes(row["amends"])
    return msgspec.json.decode(content_of(stored), type=list[Amendment]) if stored else []


def _content_of(copy: Row) -> Content | None:
    try:
        return Content.of(bytes(copy["document"]), bytes(copy["evaluation"]))
    except UnreadableDocument:
        return None


def _versions(first: int, last: int) -> str:
    return f"Version {first} was" if first == last else f"Versions {first} to {last} were"


def in_words(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield a line for each finding."""
    for finding in findings:
        yield f"version {finding.version}: {finding.kind}: {finding.text}"
