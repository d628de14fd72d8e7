"""Erases a person from the forms of a tenant: whole forms, and their answers in forms that must stay.

The certificate names the forms that stay and why, and nothing of the person.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db.models import Q

from actions.models import OutboxAction
from batch.errors import BatchError
from forms.models import ApplicationForm
from operations.erasure import certificates, traces
from operations.erasure.certificates import ErasureRefused, ErasureUnderWay, FormHeld, UnknownForm
from operations.erasure.form_erasure import erase_form, form_parameters
from operations.erasure.form_purge import bound_forms
from operations.erasure.legal_holds import held_forms
from operations.models import BatchOperation, Erasure
from operations.persons.answers_over_time import answers_over_time, needles_of, places_in
from operations.persons.form_columns import erase_mentions
from operations.persons.identity import Person
from operations.persons.needles import Needles
from operations.persons.search import FoundForm
from operations.persons.version_rewriting import Subject, erase_from_copy
from redis_locks.job_mutex import JobMutex
from search.index import forget_unused_spellings, remove_entries
from search.indexer import index_copies
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.managers import TenantModel
from tenants.models import AccountMail, Tenant
from webhooks.models import WebhookPayload

#: A save between the versions and the other rows may repeat a value; the next round finds it.
_ROUNDS: Final = 3

#: The most characters of a title in the admin's log.
_TITLE: Final = 200

#: Tables with rows of no form that may name a person, such as the title of an operation: columns, and which rows.
_OF_NO_FORM: Final[tuple[tuple[type[TenantModel], tuple[str, ...], dict[str, Any]], ...]] = (
    (BatchOperation, ("title", "query", "rejections", "options"), {}),
    (OutboxAction, ("payload",), {"copy_id": None}),
    (WebhookPayload, ("body",), {"copy_id": None}),
)
#: What tenants share, such as the mails of all their accounts: only the product and its staff search it.
SHARED: Final = {AccountMail._meta.db_table: "mails about accounts", LogEntry._meta.db_table: "the admin's log"}

log = structlog.get_logger(__name__)


class Fate(StrEnum):
    """What an erasure does with a form."""

    ERASED = "erased"
    ANSWERS = "answers erased"
    STAYS = "stays"


_PLANS: Final = {
    Fate.ERASED: "will be erased",
    Fate.ANSWERS: "only the person's answers will be erased",
    Fate.STAYS: "stays as it is",
}
#: Why a form stays, in the words of the certificate.
HELD: Final = "legal hold"
BOUND: Final = "bound: its records must be kept"
OTHERS: Final = "the form of somebody else, who names the person"
ON_REQUEST: Final = "kept on request"


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A form, what happens to it, and why it stays if it does."""

    form: FoundForm
    fate: Fate
    reason: str = ""

    @property
    def plan(self) -> str:
        """Return what is to happen and why, for lists before an erasure."""
        return f"{_PLANS[self.fate]} ({self.reason})" if self.reason else _PLANS[self.fate]


@dataclass(kw_only=True, slots=True)
class Outcome:
    """The certificate of the erasure, and the forms that something works on: the same order again erases them."""

    certificate: Erasure
    left: dict[UUID, str] = field(default_factory=dict)


def plan_erasure(
    forms: Sequence[FoundForm], *, keep: Collection[UUID] = (), answers_only: bool = False
) -> list[Planned]:  # fmt: skip
    """Return what an erasure does with each form; those in ``keep`` are another person's and stay untouched."""
    return [_planned(form, answers_only=answers_only) for form in forms if form.id not in keep]


def _planned(form: FoundForm, *, answers_only: bool) -> Planned:
    if form.is_held:
        return Planned(form=form, fate=Fate.STAYS, reason=HELD)
    if form.is_bound:
        return Planned(form=form, fate=Fate.ANSWERS, reason=BOUND)
    if not form.is_main:
        return Planned(form=form, fate=Fate.ANSWERS, reason=OTHERS)
    if answers_only:
        return Planned(form=form, fate=Fate.ANSWERS, reason=ON_REQUEST)
    return Planned(form=form, fate=Fate.ERASED)


def erase_person(person: Person, planned: Sequence[Planned], *, tenant: Tenant, actor: Actor) -> Outcome:
    """Erase the person as ``planned``, for good; return the certificate and what is left.

    Callers check that ``actor`` may. Each form is erased by itself: one that is in use is left, and the certificate
    stays open until the same order has erased it. An API client reaches nothing that tenants share; the certificate
    names it. Raises ``ErasureUnderWay`` while another process erases the same person.
    """
    with JobMutex(f"erase person {_working_id(person, tenant)}", must_be_alone=True) as is_ours:
        if not is_ours:
            raise ErasureUnderWay
        return _erase_alone(person, planned, tenant, actor)


def is_begun(person: Person, *, tenant: Tenant) -> bool:
    """Return whether an erasure of the person was begun and has not finished."""
    subject, subject_id = Erasure.Subject.PERSON, _working_id(person, tenant)
    return Erasure.objects.filter(subject=subject, subject_id=subject_id, finished_at=None).exists()


def _erase_alone(person: Person, planned: Sequence[Planned], tenant: Tenant, actor: Actor) -> Outcome:
    certificate = certificates.begin(
        Erasure.Subject.PERSON, _working_id(person, tenant), tenant=tenant, actor=actor, count=dict
    )
    outcome = Outcome(certificate=certificate)
    for one in planned:
        try:
            _add(certificate, _erase(one, person, tenant=tenant, actor=actor))
        except UnknownForm:
            # Another erasure took it away since the search.
            continue
        except (ErasureRefused, BatchError) as refused:
            _withdraw(one.form.id, tenant=tenant, actor=actor)
            outcome.left[one.form.id] = str(refused)
    _add(certificate, _erase_elsewhere(person, tenant))
    is_client = actor.type == "api_client"
    if not is_client:
        _add(certificate, _erase_from_shared(person))
    certificate.left_to_staff = sorted(SHARED.values()) if is_client else []
    certificate.stays = [{"form": str(one.form.id), "why": one.reason} for one in planned if one.reason]
    if not outcome.left:
        # Not even we can find out again whom it was about.
        certificate.subject_id = uuid4()
        certificates.finish(certificate)
    certificate.save(update_fields=["counts", "stays", "left_to_staff", "subject_id"])
    log.info(
        "audit.person_erased",
        certificate=str(certificate.pk),
        tenant=tenant.code,
        actor=certificates.author_of(actor),
        forms=len(planned),
        left=len(outcome.left),
    )
    return outcome


def _withdraw(form_id: UUID, *, tenant: Tenant, actor: Actor) -> None:
    """Delete the certificate of a form whose erasure was refused before anything was erased."""
    with use_tenant(tenant):
        is_there = ApplicationForm.objects.filter(pk=form_id).exists()
    if is_there:
        certificates.withdraw(form_id, actor=actor)


def _working_id(person: Person, tenant: Tenant) -> UUID:
    """Return the id under which an interrupted erasure is found again."""
    said = "\0".join((str(tenant.pk), *person.texts)).encode()
    return UUID(bytes=hmac.digest(settings.SECRET_KEY.encode(), b"person\0" + said, sha256)[:16])


def _add(certificate: Erasure, counts: Mapping[str, int]) -> None:
    for name, number in counts.items():
        certificate.counts[name] = certificate.counts.get(name, 0) + number


def _erase(planned: Planned, person: Person, *, tenant: Tenant, actor: Actor) -> dict[str, int]:
    if planned.fate is Fate.STAYS:
        return {"forms that stay": 1}
    if planned.fate is Fate.ERASED:

        def is_due() -> bool:
            # The search takes its time: a form that was bound meanwhile has a duty to be kept.
            return not bound_forms().filter(pk=planned.form.id).exists()

        counts = erase_form(planned.form.id, tenant=tenant, actor=actor, is_due=is_due).counts
        return {"forms erased": 1, **counts}
    return {"forms without the person": 1, **_erase_answers(planned.form, person, tenant=tenant, actor=actor)}


def _erase_answers(form: FoundForm, person: Person, *, tenant: Tenant, actor: Actor) -> dict[str, int]:
    """Erase the person's answers in every version of the form's copies, and what its other rows say of them."""
    with use_tenant(tenant):
        if held_forms().filter(application_form_id=form.id).exists():
            raise FormHeld("The form is under a legal hold since it was found.")
        places = places_in(form, tenant)
        needles = needles_of(person, answers_over_time(form, places, tenant), places)
        parameters = form_parameters(form.id, tenant)
    subject, counts = Subject(needles=needles, places=places), {"answers": 0, "versions": 0}
    for _ in range(_ROUNDS):
        rewritten = [erase_from_copy(copy_id, subject, tenant=tenant, actor=actor) for copy_id in parameters["copies"]]
        counts["answers"] += sum(one.answers for one in rewritten)
        counts["versions"] += sum(one.versions for one in rewritten)
        with use_tenant(tenant):
            found = erase_mentions(parameters, needles, tenant=tenant)
        for name, number in found.items():
            counts[name] = counts.get(name, 0) + number
        if not found and not any(one.answers or one.versions for one in rewritten):
            break
    remove_entries(parameters["copies"], tenant=tenant)
    index_copies(parameters["copies"], tenant=tenant)
    forget_unused_spellings(tenant=tenant)
    traces.clear_admin_log([form.id, *parameters["copies"]])
    return counts


def _erase_elsewhere(person: Person, tenant: Tenant) -> dict[str, int]:
    """Erase what the tenant has beside its forms, such as searches that chose the items of operations."""
    needles, counts = Needles(person.texts), dict[str, int]()
    with use_tenant(tenant):
        for model, columns, rows in _OF_NO_FORM:
            for row in model.objects.filter(**rows).values("pk", *columns).iterator(chunk_size=100):
                erased = {name: _without(needles, row[name]) for name in columns if _names(needles, row[name])}
                if erased:
                    model.objects.filter(pk=row["pk"]).update(**erased)
                    counts[model._meta.db_table] = counts.get(model._meta.db_table, 0) + 1
    return counts


def _erase_from_shared(person: Person) -> dict[str, int]:
    """Erase mails that wait and titles in the admin's log, which are of all tenants."""
    mails = AccountMail.objects.filter(email__iexact=person.email).delete()[0] if person.email else 0
    counts = {AccountMail._meta.db_table: mails, LogEntry._meta.db_table: _erase_from_admin_log(person)}
    return {table: rows for table, rows in counts.items() if rows}


def _erase_from_admin_log(person: Person) -> int:
    """Erase the person's own words from the admin's log; return the number of entries.

    The log is of all tenants and of what staff did, so no more of an entry goes; a day alone names nobody.
    """
    names = [text for text in (person.email, person.phone, person.name) if text]
    needles, columns, texts = Needles(names), ("object_repr", "change_message"), Q()
    for text in names:
        texts |= Q(object_repr__icontains=text) | Q(change_message__icontains=text)
    changed = 0
    entries = LogEntry.objects.filter(texts).exclude(content_type__app_label="tenants")
    for entry in entries.values("pk", *columns).iterator(chunk_size=100):
        erased = {name: needles.in_text(entry[name]) for name in columns if _names(needles, entry[name])}
        if erased:
            erased["object_repr"] = erased.get("object_repr", entry["object_repr"])[:_TITLE]
            changed += LogEntry.objects.filter(pk=entry["pk"]).update(**erased)
    return changed


def _without(needles: Needles, value: Any) -> Any:
    return needles.in_text(value) if isinstance(value, str) else needles.in_json(value)


def _names(needles: Needles, value: Any) -> bool:
    return bool(_without(needles, value) != value)
