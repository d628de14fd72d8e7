"""The databases to which tenants moved while this process was running, learned from PostgreSQL's refusals.

A process may hold a ``Tenant`` for longer than a move takes. The database that the tenant left refuses its statements
and names the new one (``tenants.moves.gate``); from then on every ``Tenant`` in this process leads there. Imports no
model, because the database backend uses it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, OperationalError

#: In the class of operator intervention (57): the request may succeed on another try.
MOVED_SQLSTATE: Final = "57PE1"


class Residence(NamedTuple):
    """The database of a tenant after its ``number``-th move."""

    alias: str
    number: int


_learned: dict[UUID, Residence] = {}


def note_refusal(error: BaseException) -> bool:
    """Return whether ``error`` says that the tenant has moved; if so remember where to."""
    cause: Any = error.__cause__
    if not isinstance(error, OperationalError) or getattr(cause, "sqlstate", None) != MOVED_SQLSTATE:
        return False
    tenant_id, alias, number = str(cause.diag.message_detail).split()
    note(UUID(tenant_id), Residence(alias, int(number)))
    return True


def note(tenant_id: UUID, residence: Residence) -> None:
    """Remember the residence of a tenant unless a later one is known."""
    known = _learned.get(tenant_id)
    if known is None or known.number < residence.number:
        _learned[tenant_id] = residence


def database_of(tenant_id: UUID, *, stored: str, moves: int) -> str:
    """Return the alias of the tenant's database: the ``stored`` one after ``moves`` moves, or one learned since."""
    learned = _learned.get(tenant_id)
    return learned.alias if learned is not None and learned.number > moves else stored or DEFAULT_DB_ALIAS


def forget() -> None:
    """Forget all that was learned; for tests."""
    _learned.clear()
