"""``POST /application_forms/{id}/clone``: clone a form, renew it, or clone a copy to another tenant."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from msgspec import UNSET
from rest_framework.request import Request

from batch.errors import IdempotencyReplay
from batch.idempotency import StoredResponse
from partner_engine.api.bodies import CloneInput
from partner_engine.api.clone_shapes import ClonedCopyShape, CloneShape, LeftOutShape
from partner_engine.api.http.conditional import expected_version
from partner_engine.api.http.endpoint import Endpoint, http_response
from partner_engine.api.http.idempotency import idempotency_key, replayed_response, sealed_response
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import json_response
from partner_engine.problems import Fault, Refused
from scenarios.cloning import Clone, CloneOrder, ClonePart, clone_form
from scenarios.tenant_cloning import clone_to_tenant
from tenants.access import Right
from tenants.limits.scopes import FORM_CREATION
from tenants.models import Tenant


class CloneForm(Endpoint):
    """The cloning of a form."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}
    limits: ClassVar = {"POST": FORM_CREATION}

    @documented(
        "Clone a form",
        "Makes a new form with all copies that are not deleted, unlocked, under new ids, in one transaction; the rules "
        "are evaluated anew. Rows get new ids and keep their `lineage`. Quote requests of the copy that a person "
        "changed last become drafts. With `renewal` it is a form for the next term: dates move by their question's "
        "`renews_by`, and answers older than `valid_for` are only proposed, see `POST /copies/{id}/confirmations`. "
        "With `tenant` "
        "(right `forms:clone_to_tenants`) only the copy that the id means goes to that tenant; what its catalogue does "
        "not ask is in `left_out`. While a process works on one of the copies: 409 `copy_held`. `If-Match` names the "
        "version of the copy that the id means.",
        body=CloneInput,
        responses={201: CloneShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: CloneInput) -> HttpResponse:
        target = self._target(body)

        def clone_once() -> HttpResponse:
            return self._clone(id, target, is_renewal=body.renewal)

        try:
            return clone_once()
        except IdempotencyReplay:
            # The same request won the race; its response is stored by now.
            return clone_once()

    def _target(self, body: CloneInput) -> Tenant | None:
        """Return the other tenant, None for a clone within the caller's own. Raises ``Refused``."""
        if body.tenant is None or body.tenant == self.tenant.code:
            return None
        target = Tenant.objects.filter(code=body.tenant).first()
        if target is None or not self.actor.may(Right.CLONE_TO_TENANTS):
            # Without the right no tenant is known, so that codes cannot be guessed.
            text = "There is no such tenant."
            fault = Fault(pointer="/tenant", code="unknown_tenant", detail=text)
            raise Refused(404, "unknown_tenant", text, faults=[fault])
        if body.renewal:
            raise Refused.field("/renewal", "A form is renewed within its tenant: leave out tenant or renewal.")
        return target

    def _clone(self, id: UUID, target: Tenant | None, *, is_renewal: bool) -> HttpResponse:
        key, scope = idempotency_key(self), target or self.tenant

        def respond(clone: Clone) -> StoredResponse:
            response = self._response(clone, scope)
            # The other tenant stores it, and must not read in it where the form came from.
            return sealed_response(response, key, scope) if key is not None and target is not None else response

        order = CloneOrder(
            is_renewal=is_renewal,
            expected_version=expected_version(self.request.headers.get("If-Match")),
            idempotency=key,
            respond=respond,
        )
        if target is None:
            clone = clone_form(id, order, scope=self.tenant, actor=self.actor)
        else:
            clone = clone_to_tenant(id, order, scope=self.tenant, target=target, actor=self.actor)
        if clone.earlier is not None and key is not None:
            return replayed_response(clone.earlier, key, scope)
        return http_response(self._response(clone, scope))

    def _response(self, clone: Clone, tenant: Tenant) -> StoredResponse:
        """Return the 201 response with the new form, and with its location where the caller can read it."""
        is_own = tenant == self.tenant
        reads = self.actor.may(Right.READ_FORMS)
        shape = CloneShape(
            application_form_id=str(clone.form_id),
            tenant=tenant.code,
            copies=[
                _copy(part, names_source=is_own) if reads else ClonedCopyShape(id=str(part.context.copy.id), version=1)
                for part in clone.parts
            ],
        )
        location = reverse("api:application_form", kwargs={"id": clone.form_id}) if is_own else ""
        return json_response(shape, version=1, status=201, location=location)


def _copy(part: ClonePart, *, names_source: bool) -> ClonedCopyShape:
    copy, notes = part.context.copy, part.notes
    return ClonedCopyShape(
        id=str(copy.id),
        title=copy.fields.title,
        version=1,
        cloned_from=str(part.source.copy.id) if names_source else UNSET,
        left_out=[LeftOutShape(finding.path, finding.code, finding.text) for finding in part.findings],
        proposed=notes.proposed,
        moved=notes.moved,
        asked_again=notes.asked_again,
    )
