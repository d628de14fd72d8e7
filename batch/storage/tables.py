"""Which table holds which kind of neighbour, and which of its rows are in force: those are loaded with their copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from django.db import models

from batch.changes.attached import RecordKind
from batch.changes.changeset import KINDS
from batch.changes.mutators.dispositions import DISPOSITIONS
from batch.changes.mutators.eligibility_results import ELIGIBILITY_RESULTS
from batch.changes.mutators.events import EVENTS
from batch.changes.mutators.guest_links import GUEST_TOKENS
from batch.changes.mutators.messages import MESSAGES
from batch.changes.mutators.naics_searches import NAICS_SEARCHES
from batch.changes.mutators.payment_methods import PAYMENT_METHODS
from batch.changes.mutators.processes import PROCESSES
from batch.changes.mutators.quote_requests import QUOTE_REQUESTS
from forms.models import (
    Disposition,
    EligibilityResult,
    Event,
    GuestLink,
    Message,
    NaicsSearch,
    PaymentMethod,
    Process,
    QuoteRequest,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Where a kind lives. ``in_force`` is SQL over the row ``r``; ``kept`` are columns that saves leave as they are."""

    kind: RecordKind[Any]
    model: type[models.Model]
    in_force: str = "TRUE"
    kept: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Return the table's name."""
        return self.model._meta.db_table

    @property
    def owner(self) -> str:
        """Return the column that says whose row it is."""
        return "application_form_id" if self.kind.of_form else "copy_id"

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the columns that the kind's struct holds."""
        return tuple(field.encode_name for field in msgspec.structs.fields(self.kind.struct))


TABLES: Final = (
    Table(kind=QUOTE_REQUESTS, model=QuoteRequest),
    Table(kind=ELIGIBILITY_RESULTS, model=EligibilityResult),
    Table(kind=MESSAGES, model=Message, in_force="r.dismissed_at IS NULL"),
    Table(kind=EVENTS, model=Event),
    Table(
        kind=PROCESSES,
        model=Process,
        in_force="r.state <> 'completed'",
        kept=frozenset({"held_until"}),
    ),
    Table(kind=DISPOSITIONS, model=Disposition, in_force="r.withdrawn_at IS NULL"),
    Table(kind=PAYMENT_METHODS, model=PaymentMethod, in_force="r.removed_at IS NULL"),
    Table(kind=NAICS_SEARCHES, model=NaicsSearch),
    Table(kind=GUEST_TOKENS, model=GuestLink, in_force="r.revoked_at IS NULL", kept=frozenset({"seen_at"})),
)
TABLE_OF: Final = {table.kind.name: table for table in TABLES}
assert tuple(table.kind for table in TABLES) == tuple(KINDS)  # noqa: S101 - a kind without its table fails at start
