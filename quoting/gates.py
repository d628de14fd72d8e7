"""The gates of a copy's products: where the tenant has no producer license or carrier appointment.

Read beside a decision and never part of it, so an earlier decision stays as it was when a license ends. One query.
"""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

import msgspec
from django.db import connections

from batch import service as batch
from batch.context import BatchContext
from batch.storage.heads import head_plan
from copies.document import Document
from quoting.models import CarrierAppointment, ProducerLicense
from quoting.permissions import Appointment, Gate, License, Permissions, Sale, gate_of
from rules.definition.model import CompiledCatalogue
from rules.flow.evaluation import Evaluation
from rules.states_concerned import states_by_line
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

_LICENSE: Final = "license"
#: A license of another user: it allows nothing here, but shows that the tenant records licenses.
_FOREIGN: Final = "foreign license"
#: Every save of the form page reads them, and Django would take five times as long to compose the statement as
#: PostgreSQL to execute it.
_PERMISSIONS: Final = f"""
SELECT '{_LICENSE}' AS kind, state AS name, lines, '{{}}'::varchar[] AS states, '{{}}'::varchar[] AS products,
       valid_from, valid_until
  FROM {ProducerLicense._meta.db_table} WHERE tenant_id = %(tenant)s AND (user_id IS NULL OR user_id = %(user)s)
UNION ALL (SELECT '{_FOREIGN}', state, lines, '{{}}'::varchar[], '{{}}'::varchar[], valid_from, valid_until
  FROM {ProducerLicense._meta.db_table}
 WHERE tenant_id = %(tenant)s AND user_id IS NOT NULL AND user_id IS DISTINCT FROM %(user)s LIMIT 1)
UNION ALL SELECT 'appointment', carrier, lines, states, products, valid_from, valid_until
  FROM {CarrierAppointment._meta.db_table} WHERE tenant_id = %(tenant)s"""  # noqa: S608 - names of our own tables
#: The same as one text, for a statement that reads something else too.
_PERMISSIONS_TEXT: Final = f"(SELECT json_agg(p)::text FROM ({_PERMISSIONS}) p)"  # noqa: S608 - as above
#: The load of a copy's head with the licenses and appointments.
COPY_HEAD: Final = head_plan("quoting_head", more=_PERMISSIONS_TEXT, parameters={"user": "uuid"})


class _Row(msgspec.Struct, frozen=True, gc=False):
    """A license or an appointment; ``name`` is its state or its carrier."""

    kind: str
    name: str
    lines: frozenset[str]
    states: frozenset[str]
    products: frozenset[str]
    valid_from: date
    valid_until: date | None


_ROWS: Final = msgspec.json.Decoder(list[_Row])


def gates_of(context: BatchContext) -> dict[str, Gate]:
    """Return the gates of the products of ``context``'s copy for its actor, as it was loaded or saved last."""
    changeset, evaluation = context.current_view()
    actor = context.save_context.actor
    return gates_for(context.scope, changeset.catalogue, changeset.document, evaluation, actor=actor)


def gates_for(
    tenant: Tenant, catalogue: CompiledCatalogue, document: Document, evaluation: Evaluation, *, actor: Actor
) -> dict[str, Gate]:  # fmt: skip
    """Return the gates by product, of the products in ``evaluation`` alone.

    A sale needs license and appointment on the day of the decision and on the day on which the policy begins. A
    tenant that records no licenses, or no appointments, is not gated by them; licenses of a user count where that user
    is ``actor``. ``document`` must be as the check flow left it when it returned ``evaluation`` under ``catalogue``.
    """
    return gates_by(permissions_of(tenant, actor=actor), catalogue, document, evaluation)


def gates_by(
    permissions: Permissions, catalogue: CompiledCatalogue, document: Document, evaluation: Evaluation
) -> dict[str, Gate]:  # fmt: skip
    """Return the gates by product as ``gates_for``, by ``permissions`` that were read before."""
    if permissions.gate_nothing:
        return {}
    carriers = {carrier.code: carrier.name for carrier in catalogue.definition.carriers}
    lines = {line.code: line.label for line in catalogue.definition.lines}
    states = states_by_line(catalogue, document, evaluation, products=evaluation.eligibility)
    days = _days(catalogue, document, evaluation)
    counting = permissions.within(set().union(*states.values()))
    gates = {}
    for code in evaluation.eligibility:
        product = catalogue.products[code].product
        sale = Sale(
            product=code,
            line=product.line,
            line_label=lines[product.line],
            carrier=product.carrier,
            carrier_name=carriers[product.carrier],
            states=states[product.line],
            days=days,
        )
        if gate := gate_of(sale, counting):
            gates[code] = gate
    return gates


def permissions_for(context: BatchContext, *, actor: Actor) -> Permissions:
    """Return the licenses and appointments that gate the context's copy now; none gate an earlier version."""
    return Permissions() if context.loaded.is_past else permissions_of(context.scope, actor=actor)


def permissions_of(tenant: Tenant, *, actor: Actor) -> Permissions:
    """Return the licenses and appointments that count for ``actor`` of ``tenant``."""
    with use_tenant(tenant), connections[tenant.database_alias].cursor() as cursor:
        cursor.execute(f"SELECT {_PERMISSIONS_TEXT}", {"tenant": tenant.id, "user": _user_id(actor)})
        (text,) = cursor.fetchone()
    return _permissions(text)


def find_head(copy_id: UUID, *, scope: Tenant, actor: Actor) -> tuple[BatchContext, Permissions]:
    """Return the head of a copy, which has no answers (``batch.service.find_head``), and the licenses and appointments
    that gate it now, in one round trip. Raises ``NotFound``.
    """
    context, text = batch.find_head(COPY_HEAD, copy_id, scope=scope, actor=actor, parameters={"user": _user_id(actor)})
    return context, _permissions(text)


def _user_id(actor: Actor) -> UUID | None:
    return UUID(actor.id) if actor.type == "user" else None


def _permissions(text: str | None) -> Permissions:
    rows = _ROWS.decode(text) if text is not None else []
    licenses = [
        License(row.name, row.lines, row.valid_from, row.valid_until or date.max)
        for row in rows
        if row.kind == _LICENSE
    ]
    appointments = [
        Appointment(row.name, row.states, row.lines, row.products, row.valid_from, row.valid_until or date.max)
        for row in rows
        if row.kind not in (_LICENSE, _FOREIGN)
    ]
    has_licenses = any(row.kind in (_LICENSE, _FOREIGN) for row in rows)
    return Permissions(licenses=licenses if has_licenses else None, appointments=appointments or None)


def _days(catalogue: CompiledCatalogue, document: Document, evaluation: Evaluation) -> frozenset[date]:
    """Return the day of the decision and the day on which the policy begins, as far as it is answered."""
    answer = document.answers.get(catalogue.definition.effective_date_question)
    if answer is None or not answer.active or not isinstance(answer.value, str):
        return frozenset((evaluation.as_of,))
    try:
        return frozenset((evaluation.as_of, date.fromisoformat(answer.value)))
    except ValueError:
        return frozenset((evaluation.as_of,))
