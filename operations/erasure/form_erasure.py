"""Erases one form: its rows in every table, its keys with them, its words in the search, and its traces elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.db import connections, transaction

from copies.models import Copy, CopyIndex
from failpoints import failpoint
from operations.erasure import certificates, traces
from operations.erasure.certificates import ErasureRefused, FormHeld, NoLongerDue, UnknownForm
from operations.erasure.form_rows import OF_ITEM, condition, in_order_of_deletion
from operations.erasure.legal_holds import held_forms
from operations.models import BatchOperation, Erasure, OperationItem
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tenants.tables import TenantTable

#: A copy that was made while its form was erased is found by the next round.
_ROUNDS: Final = 5
#: What can work on a form, in the order of the columns below.
_ITEMS: Final = TenantTable(OperationItem)
_OPERATIONS: Final = BatchOperation._meta.db_table
_OF_ITEMS: Final = condition(_ITEMS)
#: Locks of what is looked at and then deleted, in the engine's order: copies, items, operations. A retry waits.
_LOCKS: Final = (
    "SELECT id FROM copies_copy WHERE id = ANY (%(copies)s) ORDER BY id FOR UPDATE",
    f"SELECT id FROM {_ITEMS.name} WHERE {_OF_ITEMS} ORDER BY operation_id, number FOR UPDATE",  # noqa: S608 - our own names, here and below
    f"SELECT id FROM {_OPERATIONS} WHERE id IN (SELECT operation_id FROM {_ITEMS.name} WHERE {_OF_ITEMS})"  # noqa: S608
    " ORDER BY id FOR UPDATE",
)
_WORKS: Final = ("a process", "a deferred action", "a webhook delivery", "a batch operation")
_BUSY: Final = (
    "SELECT EXISTS (SELECT FROM forms_process WHERE copy_id = ANY (%(copies)s)"  # noqa: S608 - our own names
    " AND held_until > clock_timestamp()),"
    " EXISTS (SELECT FROM actions_outboxaction WHERE copy_id = ANY (%(copies)s) AND leased_until > clock_timestamp()),"
    " EXISTS (SELECT FROM webhooks_webhookdelivery d JOIN webhooks_webhookpayload p ON p.id = d.payload_id"
    " WHERE p.copy_id = ANY (%(copies)s) AND d.leased_until > clock_timestamp()),"
    # Its counts would never add up, and what holds for all of its items is needed until it ends.
    f" EXISTS (SELECT FROM {_OPERATIONS} WHERE finished_at IS NULL"
    f" AND id IN (SELECT operation_id FROM {_ITEMS.name} WHERE {_OF_ITEMS}))"
)
#: Items that were added after the look are left for the next round, which is refused: without them their operation
#: would never end.
_HAS_ENDED: Final = (
    f" AND NOT (state IN ('queued', 'in_progress') AND EXISTS (SELECT FROM {_OPERATIONS} o WHERE o.id = operation_id))"  # noqa: S608
)
#: The kinds of operations whose arguments contain answers of all their forms.
SHARING_ANSWERS: Final = ("set_answers",)
#: Answers that an operation set in many forms are those of the form too.
_EMPTY_ARGUMENTS: Final = (
    "UPDATE operations_batchoperation SET arguments = '' WHERE kind = ANY (%(kinds)s)"  # noqa: S608 - our own names
    f" AND id IN (SELECT operation_id FROM operations_operationitem WHERE {OF_ITEM})"
)


def erase_form(form_id: UUID, *, tenant: Tenant, actor: Actor, is_due: Callable[[], bool] = lambda: True) -> Erasure:
    """Erase the form of ``tenant`` for good, or go on with its erasure; return the certificate.

    Its data keys go with its copies, so that its sensitive answers cannot be read from a backup of single columns.
    ``is_due`` is asked once no save can change the form any more. Raises ``ErasureRefused`` while something works on
    the form, ``NoLongerDue`` where it is not due, ``UnknownForm``.
    """
    with use_tenant(tenant):
        parameters = form_parameters(form_id, tenant)
        certificate = certificates.begin(
            Erasure.Subject.FORM, form_id, tenant=tenant, actor=actor, count=lambda: _counts(tenant, parameters)
        )
        failpoint("form_erasure_begun")
        ids = [form_id, *parameters["copies"]]
        for _ in range(_ROUNDS):
            _delete(tenant, parameters, is_due)
            failpoint("form_rows_erased")
            parameters = form_parameters(form_id, tenant, known=ids)
            if not any(_counts(tenant, parameters).values()):
                break
    traces.clear_admin_log(ids)
    traces.erase_keys_in_redis(ids)
    # Last: until here a repeated command finds the copies by their entries.
    traces.erase_index(application_form_id=form_id)
    certificates.finish(certificate)
    return certificate


def form_parameters(form_id: UUID, tenant: Tenant, known: list[UUID] | None = None) -> dict[str, Any]:
    """Return the parameters of the conditions. Raises ``UnknownForm``."""
    stored = Copy.objects.filter(application_form_id=form_id).values_list("id", flat=True)
    indexed = CopyIndex.objects.filter(application_form_id=form_id, tenant_id=tenant.pk).values_list(
        "copy_id", flat=True
    )
    copies = sorted({*stored, *indexed, *(known or [])})
    if not copies:
        raise UnknownForm(f"{tenant.code} has no application form {form_id}.")
    return {"form": form_id, "copies": copies, "names": [str(form_id), *map(str, copies)]}


def _counts(tenant: Tenant, parameters: dict[str, Any]) -> dict[str, int]:
    counts = {}
    with connections[tenant.database_alias].cursor() as cursor:
        for table in in_order_of_deletion():
            cursor.execute(f"SELECT count(*) FROM {table.name} WHERE {_where(table)}", _with(parameters, tenant))  # noqa: S608 - our own names, here and below
            counts[table.name] = cursor.fetchone()[0]
    return counts


def _delete(tenant: Tenant, parameters: dict[str, Any], is_due: Callable[[], bool]) -> None:
    """Delete all rows in one transaction, unless something works on the form. Raises ``ErasureRefused``,
    ``NoLongerDue``.
    """
    alias = tenant.database_alias
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        lock_rows(cursor, parameters)
        if not is_due():
            raise NoLongerDue("The form was restored or bound meanwhile.")
        if held_forms().filter(application_form_id=parameters["form"]).exists():
            raise FormHeld("The form is under a legal hold. Release it first: manage.py legal_hold <id> --release.")
        refuse_busy(cursor, parameters)
        empty_shared_arguments(cursor, parameters)
        for table in in_order_of_deletion():
            which = _where(table) + (_HAS_ENDED if table.model is OperationItem else "")
            cursor.execute(f"DELETE FROM {table.name} WHERE {which}", _with(parameters, tenant))  # noqa: S608


def lock_rows(cursor: Any, parameters: dict[str, Any]) -> None:
    """Lock what can work on the form, in the transaction of the caller."""
    for lock in _LOCKS:
        cursor.execute(lock, parameters)


def refuse_busy(cursor: Any, parameters: dict[str, Any]) -> None:
    """Raise ``ErasureRefused`` while something works on the form."""
    cursor.execute(_BUSY, parameters)
    for is_busy, name in zip(cursor.fetchone(), _WORKS, strict=True):
        if is_busy:
            raise ErasureRefused(f"The form is in use by {name}. Wait until it has ended, then repeat the command.")


def empty_shared_arguments(cursor: Any, parameters: dict[str, Any]) -> None:
    """Empty the arguments of operations that set answers in many forms, this one among them."""
    cursor.execute(_EMPTY_ARGUMENTS, {**parameters, "kinds": list(SHARING_ANSWERS)})


def _where(table: TenantTable) -> str:
    return f"tenant_id = %(tenant)s AND ({condition(table)})"


def _with(parameters: dict[str, Any], tenant: Tenant) -> dict[str, Any]:
    return {**parameters, "tenant": tenant.pk}
