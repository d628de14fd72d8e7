"""``/persons/...``: the data of one person at the tenant, exported and erased."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from hashlib import sha256
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

import msgspec
from django.conf import settings
from django.http import HttpResponse
from msgspec import Meta
from rest_framework.request import Request

from batch.errors import NotATestForm
from batch.idempotency import StoredResponse
from operations.erasure.certificates import ErasureUnderWay
from operations.persons.identity import Person, UnclearPerson
from operations.persons.person_erasure import (
    SHARED,
    Fate,
    Outcome,
    Planned,
    erase_person,
    is_begun,
    plan_erasure,
)
from operations.persons.person_export import PersonExport, export_person
from operations.persons.search import FoundForm, find_forms
from partner_engine.api.bodies import DryRunQuery
from partner_engine.api.http.endpoint import Endpoint, http_response, plain_response
from partner_engine.api.http.idempotency import respond_once_done
from partner_engine.api.http.input import Body
from partner_engine.api.http.schema import documented
from partner_engine.problems import Fault, Refused
from redis_locks.job_mutex import JobMutex
from tenants.access import Right
from tenants.limits.scopes import EXPORT

_MOST_KEPT: Final = 1_000
_FATES: Final[dict[Fate, Literal["erased", "answers_erased", "stays"]]] = {
    Fate.ERASED: "erased",
    Fate.ANSWERS: "answers_erased",
    Fate.STAYS: "stays",
}

Text = Annotated[str, Meta(max_length=300)]


class PersonInput(Body, frozen=True, kw_only=True):
    """A person: an ``email``, a ``phone``, or a ``name`` with the date of birth (``born``). One of them is enough."""

    email: Text = ""
    phone: Text = ""
    name: Text = ""
    born: date | None = None


class PersonErasureInput(PersonInput, frozen=True, kw_only=True):
    """The person to erase. ``keep`` are forms that concern another person, ``answers_only`` erases no whole form.
    ``plan`` is that of the dry run whose erasure is carried out.
    """

    keep: Annotated[list[UUID], Meta(max_length=_MOST_KEPT)] = []
    answers_only: bool = False
    plan: Annotated[str, Meta(max_length=64)] = ""


class PlannedForm(msgspec.Struct, frozen=True, kw_only=True):
    """A form that concerns the person, ``by`` what was sent (email, phone, name and date of birth). It is erased as a
    whole, only the person's answers are, or it stays as it is, for the ``reason``.
    """

    application_form_id: str
    by: list[str]
    fate: Literal["erased", "answers_erased", "stays"]
    reason: str


class PersonPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What an erasure would do. Send ``plan`` to carry out exactly that. ``sealed_answers_searched`` is false without
    the right to reveal them: forms that concern the person by sealed answers alone are missing.
    """

    dry_run: Literal[True]
    plan: str
    sealed_answers_searched: bool
    forms: list[PlannedForm]


class RemainingForm(msgspec.Struct, frozen=True, kw_only=True):
    """A form that stays or is left, with the reason."""

    application_form_id: str
    reason: str


class PersonErasure(msgspec.Struct, frozen=True, kw_only=True):
    """The certificate of an erasure: the numbers of what was erased, and the forms that stay. While something works on
    a form it is ``left``, and ``finished_at`` is null: a new dry run and its erasure go on. ``left_to_staff`` is what
    all tenants share, where only the staff of the product erase a person. ``sealed_answers_searched`` is that of the
    plan.
    """

    certificate: str
    started_at: datetime
    finished_at: datetime | None
    counts: dict[str, int]
    stays: list[RemainingForm]
    left: list[RemainingForm]
    left_to_staff: list[str]
    sealed_answers_searched: bool


class ExportPerson(Endpoint):
    """The export of a person's data."""

    rights: ClassVar = {"POST": Right.MANAGE_PERSONS}
    limits: ClassVar = {"POST": EXPORT}

    @documented(
        "Export a person's data",
        "Returns all that the tenant's forms contain of one person: each answer with its time, sensitive ones opened, "
        "and the texts that name the person. Needs the right `answers:reveal` too. The response is never stored, so an "
        "`Idempotency-Key` is refused. One search of a tenant runs at a time (409 `person_busy`). Limited by the scope "
        "`export` (429).",
        body=PersonInput,
        responses={200: PersonExport},
        write=True,
        keyed=False,
    )
    def post(self, request: Request, *, body: PersonInput) -> HttpResponse:
        self.actor.require(Right.REVEAL_SENSITIVE)
        person, forms = _found(self, body)
        return self.respond_with_status(200, export_person(person, forms, tenant=self.tenant, actor=self.actor))


class ErasePerson(Endpoint):
    """The erasure of a person's data."""

    rights: ClassVar = {"POST": Right.MANAGE_PERSONS}
    limits: ClassVar = {"POST": EXPORT}

    @documented(
        "Erase a person's data",
        "Erases one person from the tenant's forms for good: whole forms, and their answers in forms that must stay. "
        "First send the request with `dry_run=true`: it changes nothing and returns the forms with what would happen "
        "to each, and a `plan`. The same request with this `plan` erases; without one: 422 `plan_required`; if "
        "something has changed since: 409 `plan_moved`; if it has no form: 422 `nothing_to_erase`. The response is the "
        "certificate. Forms in use are `left`. Sealed answers are searched with the right `answers:reveal` alone. One "
        "search of a tenant, and one erasure of a person, runs at a time (409 `person_busy`). Limited by the scope "
        "`export` (429).",
        query=DryRunQuery,
        body=PersonErasureInput,
        responses={200: (PersonPlan, PersonErasure)},
        write=True,
    )
    def post(self, request: Request, *, query: DryRunQuery, body: PersonErasureInput) -> HttpResponse:
        if query.dry_run:
            _, planned, plan = self._plan(body)
            searched = self.actor.may(Right.REVEAL_SENSITIVE)
            content = PersonPlan(dry_run=True, plan=plan, forms=_listed(planned), sealed_answers_searched=searched)
            return http_response(plain_response(content))
        if not body.plan:
            text = "Send the request with dry_run=true first, then with the plan that the response contains."
            raise Refused.field("/plan", text, code="plan_required")
        return respond_once_done(self, lambda: self._erase(body))

    def _plan(self, body: PersonErasureInput) -> tuple[Person, list[Planned], str]:
        """Return the person, what the erasure would do, and the name of this plan. Raises ``Refused``."""
        person, forms = _found(self, body)
        known = {form.id for form in forms}
        faults = [
            Fault(pointer=f"/keep/{place}", code="unknown_form", detail="This form does not concern the person.")
            for place, form_id in enumerate(body.keep)
            if form_id not in known
        ]
        if faults:
            raise Refused(422, "invalid_body", f"The body is invalid: {faults[0].detail}", faults=faults)
        planned = plan_erasure(forms, keep=body.keep, answers_only=body.answers_only)
        return person, planned, _name_of(planned, person, tenant_id=self.tenant.id)

    def _erase(self, body: PersonErasureInput) -> StoredResponse:
        person, planned, plan = self._plan(body)
        if not hmac.compare_digest(plan, body.plan.encode("ascii", "replace").decode()):
            raise Refused(409, "plan_moved", "Other forms are concerned since the dry run. Send a new one.")
        # An erasure that was interrupted after its last form still has to end.
        if not planned and not is_begun(person, tenant=self.tenant):
            text = "No form of the plan is to be erased: nothing of this person was found, or every form is in keep."
            raise Refused.field("/plan", text, code="nothing_to_erase")
        try:
            outcome = erase_person(person, planned, tenant=self.tenant, actor=self.actor)
        except ErasureUnderWay as refused:
            raise Refused(409, "person_busy", str(refused)) from refused
        return plain_response(_certificate(outcome, sealed_answers_searched=self.actor.may(Right.REVEAL_SENSITIVE)))


def _found(endpoint: Endpoint, body: PersonInput) -> tuple[Person, list[FoundForm]]:
    """Return the person and the forms that concern them.

    Raises ``Refused`` for a request that names nobody (422), and while another search of the tenant runs (409).
    """
    if endpoint.actor.is_sandbox:
        raise NotATestForm
    try:
        person = Person(email=body.email.strip(), phone=body.phone.strip(), name=body.name.strip(), born=body.born)
    except UnclearPerson as unclear:
        raise Refused.field("", str(unclear), code="unclear_person") from unclear
    tenant, actor = endpoint.tenant, endpoint.actor
    with _only_search(tenant.id):
        return person, find_forms(person, tenant=tenant, actor=actor, opens_sealed=actor.may(Right.REVEAL_SENSITIVE))


@contextmanager
def _only_search(tenant_id: UUID) -> Iterator[None]:
    """Refuse a second search of the tenant: each one reads every version of every form. Raises ``Refused``."""
    with JobMutex(f"person search {tenant_id}") as is_ours:
        if not is_ours:
            text = "Another search for a person is under way at this tenant. Try again in a moment."
            raise Refused(409, "person_busy", text)
        yield


def _listed(planned: Sequence[Planned]) -> list[PlannedForm]:
    return [
        PlannedForm(application_form_id=str(one.form.id), by=one.form.how, fate=_FATES[one.fate], reason=one.reason)
        for one in planned
    ]


def _name_of(planned: Sequence[Planned], person: Person, *, tenant_id: UUID) -> str:
    """Return the name of a plan: it is another one for another person, form or fate, and nobody can guess it."""
    content = msgspec.json.encode([str(tenant_id), person.texts, _listed(planned)])
    return hmac.new(settings.SECRET_KEY.encode(), b"person erasure\0" + content, sha256).hexdigest()


def _certificate(outcome: Outcome, *, sealed_answers_searched: bool) -> PersonErasure:
    """Return the certificate for a client: without what staff may have erased elsewhere under an open one."""
    row = outcome.certificate
    return PersonErasure(
        certificate=str(row.pk),
        started_at=row.started_at,
        finished_at=row.finished_at,
        counts={name: number for name, number in sorted(row.counts.items()) if name not in SHARED},
        stays=[RemainingForm(application_form_id=one["form"], reason=one["why"]) for one in row.stays],
        left=[RemainingForm(application_form_id=str(form), reason=why) for form, why in outcome.left.items()],
        left_to_staff=row.left_to_staff,
        sealed_answers_searched=sealed_answers_searched,
    )
