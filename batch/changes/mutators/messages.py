"""Messages of people, carriers and processes about a copy. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, Literal, TypeAlias, get_args

import msgspec

from batch.changes.attached import AttachedRecord, ClonedCopy, RecordEvent, RecordKind, WhileUnset
from batch.changes.free_texts import clean_paragraphs
from batch.changes.record_mutator import RecordCollection, RecordMutator
from batch.errors import WrongValue
from webhooks.event_types import CopyEvent, EventType

About: TypeAlias = Literal["application_form", "answer", "real_time_eligibility", "quote_request", "process"]
Severity: TypeAlias = Literal["info", "warning", "error", "task"]
MAX_TEXT: Final = 2_000


class MessageRow(AttachedRecord, frozen=True, kw_only=True):
    """One message. ``path`` is the path of its answer, ``metadata`` names other objects that it is about."""

    kind: str
    severity: str
    text: str
    author_type: str
    author_id: str = ""
    author_label: str = ""
    path: str = ""
    metadata: dict[str, Any] = {}
    dismissed_at: datetime | None = None


class MessageEvent(CopyEvent, frozen=True, kw_only=True):
    """One message; ``text`` is sent only when it is added."""

    id: str
    kind: str
    severity: str
    path: str
    text: str = ""


def _emit(before: MessageRow | None, after: MessageRow) -> Iterator[RecordEvent]:
    name = "added" if before is None else "dismissed"
    data = {"id": str(after.id), "kind": after.kind, "severity": after.severity, "path": after.path}
    yield name, {**data, "text": after.text} if before is None else data


def _cloned(row: MessageRow, clone: ClonedCopy) -> MessageRow | None:
    """Return a message about the application or an answer; what is about a carrier or a process stays."""
    if row.kind not in ("application_form", "answer"):
        return None
    return msgspec.structs.replace(row, id=clone.new_id, path=clone.place(row.path))


MESSAGES: Final = RecordKind(
    name="messages",
    struct=MessageRow,
    model="forms.Message",
    shown=lambda row: None if row.dismissed_at else row.text[:200],
    events=EventType(
        family="message", names=("added", "dismissed"), data=MessageEvent, when="a message was added, dismissed"
    ),
    emit=_emit,
    in_force=WhileUnset("dismissed_at"),
    cloned=_cloned,
)


class MessageMutator(RecordMutator[MessageRow]):
    """One message."""

    kind: ClassVar = MESSAGES

    def dismiss(self) -> None:
        """Dismiss the message; the first time counts."""
        self._change(dismissed_at=self.row.dismissed_at or self._tracker.now)


class Messages(RecordCollection[MessageRow, MessageMutator]):
    """The messages of a copy that were not dismissed."""

    mutator: ClassVar = MessageMutator

    def add(
        self,
        text: str,
        *,
        kind: About = "application_form",
        severity: Severity = "info",
        path: str = "",
        metadata: Mapping[str, Any] | None = None,
    ) -> MessageMutator:
        """Add a message with ``text`` (at most 2,000 characters, nothing sensitive).

        Raises ``WrongValue``, ``LooksSensitive``.
        """
        cleaned = clean_paragraphs(text, field="text", most=MAX_TEXT)
        if not cleaned:
            raise WrongValue("text", f"a message must have 1 to {MAX_TEXT} characters")
        if kind not in get_args(About) or severity not in get_args(Severity):
            raise WrongValue("kind", f"it must be one of {', '.join(get_args(About))}")
        by, label = self._tracker.by, self._tracker.context.actor.label
        return self._put(
            MessageRow(
                id=self._tracker.new_id(),
                created_at=self._tracker.now,
                kind=kind,
                severity=severity,
                text=cleaned,
                path=path,
                metadata=dict(metadata or {}),
                author_type=by.type,
                author_id=by.id,
                author_label=label,
            )
        )
