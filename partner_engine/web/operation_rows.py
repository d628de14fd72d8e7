"""Operations as several pages find, name and offer them, among them the one that another one waits for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from django.http import Http404, QueryDict

from operations.errors import OperationNotFound
from operations.kinds.registry import KINDS
from operations.models import BatchOperation
from operations.submission.selectors import access_operation, list_operations
from partner_engine.web.access import Agent
from partner_engine.web.pages.operation_fields import FieldFault

#: The open operations that a page offers, newest first.
_MOST_OFFERED: Final = 50


def find_operation(operation_id: UUID) -> BatchOperation:
    """Return the tenant's operation with this id. Raises ``Http404``."""
    try:
        return access_operation(operation_id)
    except OperationNotFound:
        raise Http404 from None


def title_of_row(operation: BatchOperation) -> str:
    """Return what people call ``operation``: its title, or that of its kind."""
    kind = KINDS.get(operation.kind)
    return operation.title or (kind.title if kind else operation.kind)


def open_choices() -> list[Mapping[str, str]]:
    """Return id and title of the tenant's open operations, newest first."""
    found = list_operations(is_open=True).order_by("-created_at", "-id")[:_MOST_OFFERED]
    return [_choice(operation) for operation in found]


def open_names(ids: Iterable[UUID | None]) -> dict[UUID | None, Mapping[str, str]]:
    """Return id and title of those of ``ids`` that have not ended, in one query, or none for no ids."""
    wanted = {one for one in ids if one is not None}
    if not wanted:
        return {}
    return {one.pk: _choice(one) for one in list_operations(is_open=True).filter(pk__in=wanted)}


def chosen_operation(sent: QueryDict) -> UUID | None:
    """Return the operation chosen in the field ``after``, None for none. Raises ``FieldFault``."""
    text = sent.get("after", "")
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise FieldFault("after", "Choose an operation of the list, or none.") from None


def is_own(operation: BatchOperation, agent: Agent) -> bool:
    """Return whether ``agent`` started ``operation``, so that their own channel reports it."""
    return (operation.created_by_type, operation.created_by_id) == (agent.actor.type, str(agent.actor.id))


def _choice(operation: BatchOperation) -> Mapping[str, str]:
    return {"id": str(operation.pk), "title": title_of_row(operation)}
