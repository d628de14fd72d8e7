"""The records that a load fills, a unit of work passes from step to step, and a save returns or writes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Protocol, TypeAlias
from uuid import UUID

import msgspec

from actions.kinds import DeferredAction
from batch.changes.attached import AttachedRecord
from batch.changes.snapshots import CopyFields, FormFields
from batch.idempotency import KeyedResponse, StoredResponse
from copies.changes import ANEW, Cause, Change
from copies.document import AnsweredBy, Document
from encryption.wrapped_key import WrappedKey
from rules.definition.model import CompiledCatalogue
from rules.definition.renames import Renames
from rules.flow.evaluation import EDITION, Evaluation, ProductOutcome
from tenants.access import Actor

#: The disposition of a bound form.
BOUND: Final = "bound"
#: Actors whose work counts as a person's touch, unless a job does it for them.
PEOPLE: Final = frozenset({"user", "guest", "api_client"})
#: The columns of one row and their plain values.
Row: TypeAlias = Mapping[str, Any]


def is_touch(actor: Actor) -> bool:
    """Return whether a save by ``actor`` moves the mark of the copy last touched: people do, and the programs of
    partners; never jobs, even in a person's name, decision runs, imports and callbacks.
    """
    return actor.type in PEOPLE and actor.source != "job"


class Release(Protocol):
    """A published release, as far as a unit of work reads it."""

    @property
    def id(self) -> int:
        """Return the id, unique over all catalogues."""

    @property
    def number(self) -> int:
        """Return its number among the releases of its catalogue."""

    @property
    def compiled(self) -> CompiledCatalogue:
        """Return the compiled catalogue."""


class DecisionMark(msgspec.Struct, frozen=True):
    """The release, day and edition of the program that lead to a stored decision.

    ``day`` is None where the decision is the same on every day, or the form has an evaluation date of its own.
    ``release_id`` is None for a bound copy, which keeps its decision.
    """

    release_id: int | None = None
    day: date | None = None
    edition: int = 0

    def is_of(self, release_id: int, day: date) -> bool:
        """Return whether a decision with this release on this day would be the same."""
        return (self.release_id, self.edition) == (release_id, EDITION) and self.day in (None, day)


class FormRecord(msgspec.Struct, frozen=True):
    """The application form as loaded. ``version`` counts the changes of the fields that all its copies share. A test
    form (``is_test``) is one from its start on, and for ever.

    Made by ``load`` and ``new_copies``, and by the context after a save; read by the steps of a save and by views.
    """

    id: UUID
    catalogue: str
    as_of: date | None
    created_at: datetime
    fields: FormFields = FormFields()
    version: int = 1
    is_test: bool = False

    @property
    def deleted_at(self) -> datetime | None:
        """Return when the form was archived, None while it is active."""
        return self.fields.deleted_at


class CopyRecord(msgspec.Struct, frozen=True):
    """The copy's row as loaded; ``document`` and ``evaluation`` are in their stored form.

    Made by ``load`` and ``new_copies``, and by the context after a save; read by the steps of a save and by views.
    """

    id: UUID
    application_form_id: UUID
    version: int
    fields: CopyFields
    created_at: datetime
    updated_at: datetime
    last_touched_by_user_at: datetime | None = None
    release_id: int | None = None
    document: bytes = b""
    evaluation: bytes = b""
    key: WrappedKey | None = None
    decided: DecisionMark = DecisionMark()
    #: The last link of the copy's chain of versions (``copies.chain``).
    chain: bytes = b""
    #: The copy and version that it was made from, None for one that was started without answers.
    copied_from_id: UUID | None = None
    copied_from_version: int | None = None


class BusySibling(msgspec.Struct, frozen=True):
    """Another copy of the loaded form that is locked, or whose quote a carrier is binding (``is_binding``)."""

    title: str
    locked_at: datetime | None = None
    locked_by_label: str = ""
    lock_reason: str = ""
    is_binding: bool = False


class Loaded(msgspec.Struct, frozen=True):
    """One copy with its form and attached records (those in force, by kind).

    Made by ``load`` and ``new_copies``, and by the context after a save; read by the context, the changeset and the
    steps of a save. ``is_last`` marks the form's only copy that is not deleted; ``held`` names the process that works
    on the copy, with the end of its hold; ``is_past`` marks an earlier version. ``busy_siblings`` are the copies beside
    it because of which the form is not archived.
    """

    form: FormRecord
    copy: CopyRecord
    attached: Mapping[str, tuple[AttachedRecord, ...]] = {}
    is_last: bool = True
    stored_response: StoredResponse | None = None
    held: tuple[str, datetime] | None = None
    #: The database's time of the load, which the unit of work uses: clocks of processes may differ.
    now: datetime | None = None
    is_past: bool = False
    busy_siblings: tuple[BusySibling, ...] = ()

    @property
    def is_new(self) -> bool:
        """Return whether the copy was never saved."""
        return self.copy.version == 0

    @property
    def keeps_decision(self) -> bool:
        """Return whether the copy keeps its decision: it is an earlier version, locked, deleted or bound."""
        fields = self.copy.fields
        is_ended = fields.locked_at is not None or fields.deleted_at is not None or self.form.deleted_at is not None
        return self.is_past or ((is_ended or self.is_bound) and not self.is_new)

    @property
    def is_base(self) -> bool:
        """Return whether the copy is the one with which the form's other copies are compared."""
        return self.copy.id == (self.form.fields.base_copy_id or self.form.id)

    @property
    def is_bound(self) -> bool:
        """Return whether the latest disposition of the form is that it was bound."""
        given = self.attached.get("dispositions", ())
        return bool(given) and getattr(given[-1], "code", "") == BOUND

    @property
    def creates(self) -> str:
        """Return what the first save creates: "form" (with its default copy, whose id is the form's) or "copy"; "" for
        a copy that was saved before.
        """
        if not self.is_new:
            return ""
        return "form" if self.copy.id == self.form.id else "copy"


class SaveContext(msgspec.Struct, frozen=True):
    """The surroundings of one load: tenant, actor, moment, evaluation date and release. ``today`` is the day at the
    tenant, whatever the evaluation date is.

    Made by ``save_context_for`` with every load; read by mutators, callbacks and all steps of a save.
    """

    tenant_id: UUID
    actor: Actor
    now: datetime
    as_of: date
    today: date
    release: Release
    correlation_id: str = ""
    #: The renames since the release under which the copy was saved last.
    renames: tuple[Renames, ...] = ()

    @property
    def answered_by(self) -> AnsweredBy:
        """Return the actor as answers store it."""
        return AnsweredBy(self.actor.type, self.actor.id, self.actor.source)

    @property
    def cause(self) -> Cause:
        """Return the actor as the cause of a change; of a decision anew it is the release or the day."""
        return Cause(self.actor.source if self._decides_anew else self.actor.type, self.actor.id)

    def cause_of_rule(self, code: str) -> Cause:
        """Return the cause of what the rules change at ``code``: the rule, unless a release or a day changed it."""
        return self.cause if self._decides_anew else Cause("rule", code)

    @property
    def _decides_anew(self) -> bool:
        return self.actor.type == "system" and self.actor.source in ANEW


class SaveResult(msgspec.Struct, frozen=True, kw_only=True):
    """The effect of a save, or of a dry run. ``moved`` holds the products whose outcome or premium changed, None for
    one that is no longer offered; ``is_decision_kept`` marks a save of a copy that keeps its decision. ``document`` is
    the decided one, for reading.

    Made by ``save``; read by the steps after the comparison, by the caller and by the builder of the response.
    """

    version: int
    loaded_version: int
    changes: list[Change]
    document: Document
    before: Evaluation
    evaluation: Evaluation
    moved: dict[str, ProductOutcome | None]
    actions: list[DeferredAction] = []
    written: bool
    is_decision_kept: bool = False
    #: The paths of new rows by the names that the caller gave them.
    refs: Mapping[str, str] = {}


class SaveRows(msgspec.Struct, frozen=True, kw_only=True):
    """All rows that one save writes. ``delta`` is what the revision keeps of document and evaluation, None where it
    keeps them whole. ``form`` holds the changed fields that all copies share, and ``form_version`` the
    version they were loaded with; ``new_form`` comes with the first copy of a new form.

    Made by ``rows_of_save``; read by ``write`` and by the context, which keeps the stored document.
    """

    copy_id: UUID
    application_form_id: UUID
    loaded_version: int
    copy: Row
    document: bytes
    evaluation: bytes
    decided: DecisionMark
    changes: bytes
    chain: bytes
    wrapped_key: bytes | None
    revision: Row
    delta: tuple[bytes, bytes] | None = None
    outbox: Sequence[Row] = ()
    declinations: Sequence[Row] = ()
    attached: Mapping[str, Sequence[Row]] = {}
    new_form: Row | None = None
    form: Row | None = None
    form_version: int = 0


class PlannedSave(msgspec.Struct, frozen=True):
    """One copy's save, decided and ready to be written; ``rows`` is None where nothing changed.

    Made by ``save``; read by ``write``, by the context that moves on to the new version, and after the commit by the
    publisher of live updates.
    """

    loaded: Loaded
    context: SaveContext
    result: SaveResult
    rows: SaveRows | None
    keyed: KeyedResponse | None = None
