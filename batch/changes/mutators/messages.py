"""Messages: what people, carriers and processes say about a copy. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, Literal, TypeAlias, get_args

from batch.changes.attached import AttachedRecord, RecordCollection, RecordKind, RecordMutator, Told
from batch.changes.pii_guard import refuse_private_numbers
from batch.errors import WrongValue

About: TypeAlias = Literal["application_form", "answer", "real_time_eligibility", "quote_request", "process"]
Severity: TypeAlias = Literal["info", "warning", "error", "task"]
MAX_TEXT: Final = 2_000


class MessageRow(AttachedRecord, frozen=True, kw_only=True):
    """One message. ``path`` is that of the answer it is about, ``metadata`` names what else it is about."""

    kind: str
    severity: str
    text: str
    author_type: str
    author_id: str = ""
    author_label: str = ""
    path: str = ""
    metadata: dict[str, Any] = {}
    dismissed_at: datetime | None = None


def _tell(before: MessageRow | None, after: MessageRow) -> Iterator[Told]:
    name = "message.added" if before is None else "message.dismissed"
    told = {"id": str(after.id), "kind": after.kind, "severity": after.severity, "path": after.path}
    yield name, {**told, "text": after.text} if before is None else told


MESSAGES: Final = RecordKind(
    name="messages",
    struct=MessageRow,
    shown=lambda row: None if row.dismissed_at else row.text[:200],
    tell=_tell,
    is_in_force=lambda row: row.dismissed_at is None,
)


class MessageMutator(RecordMutator[MessageRow]):
    """One message."""

    kind: ClassVar = MESSAGES

    def dismiss(self) -> None:
        """Take the message away; one that is gone stays gone."""
        self._change(dismissed_at=self.row.dismissed_at or self._ledger.now)


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
        """Say ``text`` (at most 2,000 characters, nothing sensitive). Raises ``WrongValue``, ``LooksSensitive``."""
        if not 0 < len(text.strip()) <= MAX_TEXT:
            raise WrongValue("text", f"a message must have 1 to {MAX_TEXT} characters")
        if kind not in get_args(About) or severity not in get_args(Severity):
            raise WrongValue("kind", f"it must be one of {', '.join(get_args(About))}")
        refuse_private_numbers(text, field="text")
        origin = self._ledger.origin
        return self._put(
            MessageRow(
                id=self._ledger.new_id(),
                created_at=self._ledger.now,
                kind=kind,
                severity=severity,
                text=text.strip(),
                path=path,
                metadata=dict(metadata or {}),
                author_type=origin.by.type,
                author_id=origin.by.id,
                author_label=origin.label,
            )
        )
