"""The export of a person's data: as JSON for programs, and as text for the person. It contains opened answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec
import structlog
from django.utils import timezone

from copies.document import AnswerValue
from copies.models import CopyRevision
from copies.paths import Path, split_path
from operations.erasure.certificates import author_of
from operations.erasure.form_erasure import form_parameters
from operations.persons.answers_over_time import answers_over_time, needles_of, places_in
from operations.persons.form_columns import mentions
from operations.persons.identity import Person
from operations.persons.places import Places
from operations.persons.search import FoundForm
from presentation.formats import reading_text
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

log = structlog.get_logger(__name__)


class ExportedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A value that an answer had ``since`` a moment: as it is stored, and as people read it."""

    path: str
    label: str
    value: AnswerValue
    text: str
    since: datetime
    version: int


class ExportedMention(msgspec.Struct, frozen=True, kw_only=True):
    """A text that names the person: the kind of its record, the field, and the text itself."""

    record: str
    field: str
    text: Any


class ExportedForm(msgspec.Struct, frozen=True, kw_only=True):
    """A form that concerns the person, ``by`` what they gave."""

    id: str
    title: str
    created_at: datetime
    is_deleted: bool
    is_bound: bool
    by: list[str]
    answers: list[ExportedAnswer]
    mentions: list[ExportedMention]


class PersonExport(msgspec.Struct, frozen=True, kw_only=True):
    """All that a tenant has about a person."""

    partner: str
    exported_at: datetime
    forms: list[ExportedForm]

    def as_json(self) -> bytes:
        """Return the export for programs."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)

    def as_text(self) -> str:
        """Return the export for the person."""
        return "\n".join(_lines(self)) + "\n"


def export_person(person: Person, forms: Iterable[FoundForm], *, tenant: Tenant, actor: Actor) -> PersonExport:
    """Return what ``forms`` contain of the person. Callers check that ``actor`` may; the export is logged."""
    with use_tenant(tenant):
        exported = [_form(form, person, tenant) for form in forms]
    log.info("audit.person_exported", tenant=tenant.code, actor=author_of(actor), forms=len(exported))
    return PersonExport(partner=tenant.name, exported_at=timezone.now(), forms=exported)


def _form(form: FoundForm, person: Person, tenant: Tenant) -> ExportedForm:
    places = places_in(form, tenant)
    values = list(answers_over_time(form, places, tenant))
    needles = needles_of(person, iter(values), places)
    moments = {
        (copy_id, version): at
        for copy_id, version, at in CopyRevision.objects.filter(copy_id__in=form.copies).values_list(
            "copy_id", "version", "created_at"
        )
    }
    answers = [
        ExportedAnswer(
            path=answer.path,
            label=_label(answer.path, places),
            value=answer.value,
            text=_text(answer.path, answer.value, places),
            since=moments[answer.copy_id, answer.version],
            version=answer.version,
        )
        for answer in values
    ]
    named = [
        ExportedMention(
            record=str(mention.table.model._meta.verbose_name), field=mention.column, text=mention.value
        )
        for mention in mentions(form_parameters(form.id, tenant), needles, tenant=tenant)
    ]  # fmt: skip
    return ExportedForm(
        id=str(form.id),
        title=form.title,
        created_at=form.created_at,
        is_deleted=form.deleted_at is not None,
        is_bound=form.is_bound,
        by=form.how,
        answers=answers,
        mentions=named,
    )


def _label(path: str, places: Places) -> str:
    """Return the question, and for an answer in a row its pool."""
    part = places.catalogue.questions.get(split_path(path)[1])
    label = part.question.label if part is not None else split_path(path)[1]
    pool = Path(path).pool
    return f"{label} ({pool})" if pool else label


def _text(path: str, value: AnswerValue, places: Places) -> str:
    part = places.catalogue.questions.get(split_path(path)[1])
    if value in (None, "", []):
        return "no answer"
    if part is None:
        return str(value)
    labels = places.catalogue.choices(part.question) if part.question.choices else {}
    return reading_text(part.question.type, value, labels)


def _lines(export: PersonExport) -> Iterator[str]:
    yield f"What {export.partner} has stored about you"
    yield f"As of {export.exported_at:%B %d, %Y}."
    if not export.forms:
        yield "\nNothing."
    for form in export.forms:
        state = " (deleted)" if form.is_deleted else " (bound)" if form.is_bound else ""
        yield f"\n{form.title}{state}"
        yield f"Application form {form.id}, begun on {form.created_at:%B %d, %Y}."
        for answer in form.answers:
            yield f"  {answer.label}: {answer.text}  (since {answer.since:%Y-%m-%d %H:%M} UTC)"
        for mention in form.mentions:
            yield f"  {mention.record.capitalize()}, {mention.field.replace('_', ' ')}: {mention.text}"
