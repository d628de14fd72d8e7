"""Guest links to one copy: issued, followed once, finished, sent back, revoked. Pure; secrets are stored as hashes."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import ClassVar, Final

from batch.changes.attached import AttachedRecord, RecordEvent, RecordKind, WhileUnset
from batch.changes.free_texts import clean_line, clean_paragraphs
from batch.changes.guest_scope import GuestScope
from batch.changes.record_mutator import RecordCollection, RecordMutator
from batch.changes.tracker import ChangeTracker
from batch.errors import GuestLinkInvalid, OutsideGuestLink, TooManyGuestLinks, WrongValue
from copies.document import find_container
from copies.paths import Path, split_path
from webhooks.event_types import CopyEvent, EventType

#: Bytes of a secret: 256 bits, twice what is needed against guessing.
_SECRET_BYTES: Final = 32
LONGEST: Final = timedelta(days=90)
MAX_NAME: Final = 100
#: Links of one copy that were not revoked; all are loaded with it.
MOST_LINKS: Final = 50
#: Questions that one link names, and the length of the note to each.
MOST_QUESTIONS: Final = 200
MAX_NOTE: Final = 500
_DIGITS: Final = re.compile("[0-9]{4}")


#: The questions of a link that names none.
NO_QUESTIONS: Final[Mapping[str, str]] = MappingProxyType({})


class GuestLinkRow(AttachedRecord, frozen=True, kw_only=True):
    """One guest link, with hashes of its secrets.

    It names ``question_sets`` and single ``questions`` (paths, each with the agent's note); the whole copy without
    both. ``unknown`` are the paths of the questions whose answers the guest does not know.
    """

    secret_hash: str
    expires_at: datetime
    issued_by_type: str
    issued_by_id: str = ""
    name: str = ""
    exchanged_at: datetime | None = None
    session_hash: str = ""
    #: Written apart from saves: a visit is no change.
    seen_at: datetime | None = None
    finished_at: datetime | None = None
    revoked_at: datetime | None = None
    question_sets: list[str] = []
    questions: dict[str, str] = {}
    unknown: list[str] = []
    sent_back_at: datetime | None = None
    digits_hash: str = ""
    #: Counted apart from saves, exactly however many come at once.
    wrong_digits: int = 0

    @property
    def scope(self) -> GuestScope:
        """Return the part of the copy that the link names."""
        return GuestScope.of(self.question_sets, self.questions)


class GuestLinkEvent(CopyEvent, frozen=True, kw_only=True):
    """One guest link; neither the address nor the guest's name is sent."""

    id: str
    expires_at: datetime


def _state(row: GuestLinkRow) -> str:
    if row.revoked_at:
        return "revoked"
    if row.finished_at:
        return "finished"
    if row.sent_back_at:
        return "sent_back"
    return "followed" if row.exchanged_at else "issued"


def _emit(before: GuestLinkRow | None, after: GuestLinkRow) -> Iterator[RecordEvent]:
    # A question whose answer the guest does not know is no event.
    if before is None or (_state(before), before.sent_back_at) != (_state(after), after.sent_back_at):
        yield _state(after), {"id": str(after.id), "expires_at": after.expires_at.isoformat()}


GUEST_LINKS: Final = RecordKind(
    name="guest_links",
    struct=GuestLinkRow,
    model="forms.GuestLink",
    shown=_state,
    events=EventType(
        family="guest_link",
        names=("issued", "followed", "finished", "sent_back", "revoked"),
        data=GuestLinkEvent,
        when="a guest link was issued, opened, finished by its guest, sent back to its guest, revoked",
    ),
    emit=_emit,
    in_force=WhileUnset("revoked_at"),
    unsaved_columns=frozenset({"seen_at", "wrong_digits"}),
)


class GuestLinkMutator(RecordMutator[GuestLinkRow]):
    """The mutator of one guest link."""

    kind: ClassVar = GUEST_LINKS

    def exchange(self, secret: str, *, device: str) -> str:
        """Follow the link with its ``secret`` and return the secret of the session that this opens.

        ``device`` is a random word of the requesting page. A repeated request with both returns the same session,
        should the response be lost; no other caller can make it. Raises ``GuestLinkInvalid`` where the link is wrong,
        expired or was followed on another device.
        """
        row, now = self.row, self._tracker.now
        session = hmac.new(secret.encode(errors="replace"), device.encode(errors="replace"), "sha256").hexdigest()
        fits = secrets.compare_digest(row.secret_hash, hash_of(secret))
        is_other_device = row.exchanged_at is not None and row.session_hash != hash_of(session)
        if not fits or is_other_device or row.revoked_at or row.expires_at <= now:
            raise GuestLinkInvalid
        self._change(exchanged_at=row.exchanged_at or now, session_hash=hash_of(session))
        return session

    def finish(self) -> None:
        """Record that the guest has finished; the first time counts."""
        self._change(finished_at=self.row.finished_at or self._tracker.now)

    def send_back(self, questions: Mapping[str, str]) -> None:
        """Open exactly ``questions`` (paths, each with a note) to the guest again, and nothing else.

        The link and the session that it opened stay as they are. Raises ``GuestLinkInvalid`` for an expired or revoked
        link, ``WrongValue``, ``LooksSensitive``.
        """
        if not questions:
            raise WrongValue("questions", "name the questions that are open to the guest")
        now, row = self._tracker.now, self.row
        if row.revoked_at or row.expires_at <= now:
            raise GuestLinkInvalid
        self._change(
            question_sets=[],
            questions=_cleaned_questions(self._tracker, questions),
            # What is asked again is to be answered.
            unknown=[path for path in row.unknown if path not in questions],
            finished_at=None,
            sent_back_at=now,
        )

    def mark_unknown(self, path: str, *, is_unknown: bool = True) -> None:
        """Record that the guest does not know the answer at ``path``, or take that back; repeatable.

        The rules know nothing of it. Raises ``OutsideGuestLink``.
        """
        if not self.row.scope.has_answer(self._tracker.catalogue, path):
            raise OutsideGuestLink
        others = [known for known in self.row.unknown if known != path]
        if is_unknown and len(others) >= MOST_QUESTIONS:
            raise WrongValue("unknown", f"a guest can mark at most {MOST_QUESTIONS} questions")
        self._change(unknown=[*others, path] if is_unknown else others)

    def revoke(self) -> None:
        """Revoke the link and the session that it opened."""
        self._change(revoked_at=self.row.revoked_at or self._tracker.now)


class GuestLinks(RecordCollection[GuestLinkRow, GuestLinkMutator]):
    """The links of a copy that were not revoked."""

    mutator: ClassVar = GuestLinkMutator

    def issue(
        self,
        *,
        valid_for: timedelta,
        name: str = "",
        question_sets: Iterable[str] = (),
        questions: Mapping[str, str] = NO_QUESTIONS,
        digits: str = "",
    ) -> tuple[GuestLinkMutator, str]:
        """Issue a link for ``name``; return it with its secret, which is stored nowhere and never shown again.

        It opens ``question_sets`` and ``questions`` (paths, each with a note), the whole copy without both. ``digits``
        are the last four of the guest's phone, which the guest must enter to open it.
        Raises ``WrongValue``, also for a time of 0 or more than 90 days, ``LooksSensitive``, ``TooManyGuestLinks``.
        """
        if len(self) >= MOST_LINKS:
            raise TooManyGuestLinks(MOST_LINKS)
        if digits and not _DIGITS.fullmatch(digits):
            raise WrongValue("phone_digits", "give the last four digits of the phone number")
        expires_at = self._tracker.now + _checked(valid_for)
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        by, now = self._tracker.by, self._tracker.now
        made = self._put(
            GuestLinkRow(
                id=self._tracker.new_id(),
                created_at=now,
                secret_hash=hash_of(secret),
                name=clean_line(name, field="name", most=MAX_NAME),
                expires_at=expires_at,
                question_sets=_cleaned_sets(self._tracker, question_sets),
                questions=_cleaned_questions(self._tracker, questions),
                digits_hash=hash_of_digits(secret, digits) if digits else "",
                issued_by_type=by.type,
                issued_by_id=by.id,
            )
        )
        return made, secret


def _checked(valid_for: timedelta) -> timedelta:
    if not timedelta(0) < valid_for <= LONGEST:
        raise WrongValue("valid_for", f"a link is valid for at most {LONGEST.days} days")
    return valid_for


def _cleaned_sets(tracker: ChangeTracker, question_sets: Iterable[str]) -> list[str]:
    """Return the codes in the order of the catalogue. Raises ``WrongValue`` for an unknown one."""
    named = set(question_sets)
    unknown = sorted(named - tracker.catalogue.sets.keys())
    if unknown:
        raise WrongValue("question_sets", f"there is no question set {unknown[0][:80]!r}")
    return [code for code in tracker.catalogue.sets if code in named]


def _cleaned_questions(tracker: ChangeTracker, questions: Mapping[str, str]) -> dict[str, str]:
    """Return the paths of existing places of questions, with their notes. Raises ``WrongValue``, ``LooksSensitive``."""
    if len(questions) > MOST_QUESTIONS:
        raise WrongValue("questions", f"a link names at most {MOST_QUESTIONS} questions")
    for path in questions:
        place, (row, code) = Path(path), split_path(path)
        known = tracker.catalogue.questions.get(code) if place.is_answer else None
        if known is None or known.pool != place.pool or find_container(tracker.document, row) is None:
            raise WrongValue("questions", f"there is no question at {path[:80]!r}")
    return {path: clean_paragraphs(note, field="note", most=MAX_NOTE) for path, note in questions.items()}


def hash_of_digits(secret: str, digits: str) -> str:
    """Return the stored hash of a phone's last four digits: under the secret of the link, which is stored nowhere, so
    that nobody can try all digits on a copy of the database.
    """
    return hmac.new(secret.encode(errors="replace"), b"digits:" + digits.encode(errors="replace"), "sha256").hexdigest()


def hash_of(secret: str) -> str:
    """Return the stored hash of ``secret``: SHA-256 as hexadecimal text. A secret is random and needs no salt."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
