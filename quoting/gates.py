"""The gates of a copy's products: where the tenant has no producer license or carrier appointment.

Read beside a decision and never part of it, so an earlier decision stays as it was when a license ends. One query.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from django.contrib.postgres.fields import ArrayField
from django.db.models import CharField, F, Q, Value

from batch.context import BatchContext
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
_NO_CODES: Final = Value([], output_field=ArrayField(CharField()))


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
        if gate := gate_of(sale, permissions):
            gates[code] = gate
    return gates


def permissions_for(context: BatchContext, *, actor: Actor) -> Permissions:
    """Return the licenses and appointments that gate the context's copy now; none gate an earlier version."""
    return Permissions() if context.loaded.is_past else permissions_of(context.scope, actor=actor)


def permissions_of(tenant: Tenant, *, actor: Actor) -> Permissions:
    """Return the licenses and appointments that count for ``actor`` of ``tenant``."""
    user_id = actor.id if actor.type == "user" else None
    with use_tenant(tenant):
        rows: list[tuple[Any, ...]] = list(_query(user_id))
    licenses = [License(row[1], *_time(row)) for row in rows if row[0] == _LICENSE]
    appointments = [
        Appointment(row[1], frozenset(row[3]), frozenset(row[2]), frozenset(row[4]), row[5], row[6] or date.max)
        for row in rows
        if row[0] not in (_LICENSE, _FOREIGN)
    ]
    has_licenses = any(row[0] in (_LICENSE, _FOREIGN) for row in rows)
    return Permissions(licenses=licenses if has_licenses else None, appointments=appointments or None)


def _time(row: tuple[Any, ...]) -> tuple[frozenset[str], date, date]:
    return frozenset(row[2]), row[5], row[6] or date.max


def _query(user_id: str | None) -> Iterable[tuple[Any, ...]]:
    """Return rows of (kind, state or carrier, lines, states, products, from, until), all in one query."""
    own = Q(user_id=None) | Q(user_id=user_id) if user_id else Q(user_id=None)
    licenses = ProducerLicense.objects.order_by()
    held, foreign = (
        rows.values_list(_text(kind), F("state"), F("lines"), _NO_CODES, _NO_CODES, F("valid_from"), F("valid_until"))
        for kind, rows in ((_LICENSE, licenses.filter(own)), (_FOREIGN, licenses.exclude(own)[:1]))
    )
    appointments = CarrierAppointment.objects.order_by().values_list(
        _text("appointment"), F("carrier"), F("lines"), F("states"), F("products"), F("valid_from"), F("valid_until")
    )
    return held.union(foreign, appointments, all=True)


def _text(text: str) -> Value:
    return Value(text, output_field=CharField())


def _days(catalogue: CompiledCatalogue, document: Document, evaluation: Evaluation) -> frozenset[date]:
    """Return the day of the decision and the day on which the policy begins, as far as it is answered."""
    answer = document.answers.get(catalogue.definition.effective_date_question)
    if answer is None or not answer.active or not isinstance(answer.value, str):
        return frozenset((evaluation.as_of,))
    try:
        return frozenset((evaluation.as_of, date.fromisoformat(answer.value)))
    except ValueError:
        return frozenset((evaluation.as_of,))
