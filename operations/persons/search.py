"""Finds the forms of a tenant that concern a person: in every version of every copy, sealed answers too.

A telephone number is searched in questions of that type, and in answers to unknown questions that are not sealed: else
a caller who may search could try out other numbers, such as those of social security.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from django.db.models import OuterRef, Subquery

from batch.storage.rewritten_versions import earlier_versions
from catalogue import releases
from copies.codec import decode_document, store_document
from copies.document import Answer, AnswerValue, walk_containers
from copies.models import Copy
from copies.paths import join_path
from copies.sealed_answers import Sealer
from encryption.envelope import DecryptionFailed
from encryption.wrapped_key import WrappedKey
from forms.models import ApplicationForm
from operations.erasure.form_purge import bound_forms
from operations.erasure.legal_holds import held_forms
from operations.persons.identity import Person
from rules.definition.model import CompiledCatalogue
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

log = structlog.get_logger(__name__)


@dataclass(kw_only=True, slots=True)
class FoundForm:
    """A form that concerns the person. ``matches`` maps prefixes of places to what matched there and its codes."""

    id: UUID
    title: str
    catalogue: str
    created_at: datetime
    deleted_at: datetime | None
    copies: list[UUID]
    is_bound: bool = False
    is_held: bool = False
    matches: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    @property
    def is_main(self) -> bool:
        """Return whether the form is the person's own: they are at its top, not only in a row of a list."""
        return "" in self.matches

    @property
    def how(self) -> list[str]:
        """Return what matched: ``email``, ``phone``, ``name and date of birth``."""
        return sorted({how for found in self.matches.values() for how in found})


def find_forms(person: Person, *, tenant: Tenant, actor: Actor, opens_sealed: bool = True) -> list[FoundForm]:
    """Return the forms of ``tenant`` that concern ``person``, deleted ones too, the oldest first.

    Callers check that ``actor`` may, and whether sealed answers count (``opens_sealed``). The search is logged, without
    the person. Raises ``KeyServiceUnavailable``.
    """
    with use_tenant(tenant):
        matches: dict[UUID, dict[str, dict[str, set[str]]]] = defaultdict(dict)
        catalogues: dict[str, CompiledCatalogue] = {}
        catalogue = ApplicationForm.objects.filter(pk=OuterRef("application_form_id")).values("catalogue")[:1]
        for copy in Copy.objects.annotate(catalogue=Subquery(catalogue)).order_by("pk").iterator(chunk_size=100):
            compiled = catalogues.get(copy.catalogue) or releases.current(copy.catalogue, tenant_id=tenant.pk).compiled
            catalogues[copy.catalogue] = compiled
            answers = OpenAnswers(copy, tenant, opens_sealed=opens_sealed)
            for prefix, found in _matches(copy.pk, person, answers, compiled):
                place = matches[copy.application_form_id].setdefault(prefix, {})
                for how, codes in found.items():
                    place.setdefault(how, set()).update(codes)
        found_forms = _described(matches)
    log.info(
        "audit.person_searched",
        tenant=tenant.code,
        actor=f"{actor.type}:{actor.id}",
        by=[name for name in ("email", "phone", "name") if getattr(person, name)],
        forms=len(found_forms),
    )
    return found_forms


def _matches(
    copy_id: UUID, person: Person, answers: OpenAnswers, catalogue: CompiledCatalogue
) -> Iterator[tuple[str, dict[str, frozenset[str]]]]:
    """Yield prefix and matches of each place in each version of the copy."""
    for *_, version in earlier_versions(copy_id):
        document = decode_document(store_document(version.content.document))
        for prefix, container in walk_containers(document):
            phones = {code for code, answer in container.answers.items() if _may_be_phone(code, answer, catalogue)}
            for values in answers.of_place(prefix, container.answers):
                if found := person.matches(values, phones=phones):
                    yield prefix, found


def _may_be_phone(code: str, answer: Answer, catalogue: CompiledCatalogue) -> bool:
    part = catalogue.questions.get(code)
    return answer.sealed is None if part is None else part.question.type == "phone"


class OpenAnswers:
    """Opens the sealed answers of one copy; those whose key was erased have no value. Never logged.

    Without ``opens_sealed`` no sealed answer has a value.
    """

    def __init__(self, copy: Copy, tenant: Tenant, *, opens_sealed: bool = True) -> None:
        """Take the copy with its key."""
        self._opens_sealed = opens_sealed
        key = None
        if copy.wrapped_key is not None:
            key = WrappedKey.from_stored(bytes(copy.wrapped_key), key_id=copy.key_id, version=copy.key_version)
        self._sealer = Sealer(tenant_id=tenant.pk, copy_id=copy.pk, key=key)
        self._opened: dict[tuple[str, bytes], AnswerValue] = {}

    def of_place(self, prefix: str, answers: Mapping[str, Answer]) -> Iterator[dict[str, AnswerValue]]:
        """Yield the values of the ``answers`` of one place by code, then the proposed ones. Raises
        ``KeyServiceUnavailable``.
        """
        yield {code: self.value(join_path(prefix, code), answer) for code, answer in answers.items()}
        proposed = {code: answer.proposed.value for code, answer in answers.items() if answer.proposed}
        if proposed:
            yield proposed

    def value(self, path: str, answer: Answer) -> AnswerValue:
        """Return the value of ``answer``, opened. Raises ``KeyServiceUnavailable``."""
        if answer.sealed is None:
            return answer.value
        if not self._opens_sealed:
            return None
        place = path, answer.sealed or b""
        if place not in self._opened:
            try:
                self._opened[place] = self._sealer.reveal(path, answer)
            except DecryptionFailed:
                self._opened[place] = None
        return self._opened[place]


def _described(matches: dict[UUID, dict[str, dict[str, set[str]]]]) -> list[FoundForm]:
    forms = ApplicationForm.objects.filter(pk__in=matches).order_by("created_at", "pk")
    bound = set(bound_forms().filter(pk__in=matches).values_list("pk", flat=True))
    held = set(held_forms().filter(application_form_id__in=matches).values_list("application_form_id", flat=True))
    copies = list(Copy.objects.filter(application_form_id__in=matches).order_by("created_at", "pk"))
    found = []
    for form in forms:
        of_form = [copy for copy in copies if copy.application_form_id == form.pk]
        title = next((copy.title for copy in of_form if copy.title), "")
        found.append(
            FoundForm(
                id=form.pk,
                title=title or form.reference or str(form.pk),
                catalogue=form.catalogue,
                created_at=form.created_at,
                deleted_at=form.deleted_at,
                copies=[copy.pk for copy in of_form],
                is_bound=form.pk in bound,
                is_held=form.pk in held,
                matches=matches[form.pk],
            )
        )
    return found
