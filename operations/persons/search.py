"""Finds the forms of a tenant that concern a person: in every version of every copy, sealed answers too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog

from batch.storage.rewritten_versions import earlier_versions
from copies.codec import decode_document, store_document
from copies.document import Answer, AnswerValue, Document, walk_containers
from copies.models import Copy
from copies.paths import join_path
from copies.sealed_answers import Sealer
from encryption.envelope import DecryptionFailed
from encryption.wrapped_key import WrappedKey
from forms.models import ApplicationForm
from operations.erasure.form_purge import bound_forms
from operations.erasure.legal_holds import held_forms
from operations.persons.identity import Person
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


def find_forms(person: Person, *, tenant: Tenant, actor: Actor) -> list[FoundForm]:
    """Return the forms of ``tenant`` that concern ``person``, deleted ones too, the oldest first.

    Callers check that ``actor`` may. The search is logged, without the person. Raises ``KeyServiceUnavailable``.
    """
    with use_tenant(tenant):
        matches: dict[UUID, dict[str, dict[str, set[str]]]] = defaultdict(dict)
        for copy in Copy.objects.order_by("pk").iterator(chunk_size=100):
            for prefix, found in _matches(copy, person, tenant):
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


def _matches(copy: Copy, person: Person, tenant: Tenant) -> Iterator[tuple[str, dict[str, frozenset[str]]]]:
    """Yield prefix and matches of each place in each version of the copy."""
    answers = OpenAnswers(copy, tenant)
    for *_, version in earlier_versions(copy.pk):
        document = decode_document(store_document(version.content.document))
        for prefix, values in answers.by_place(document):
            if found := person.matches(values):
                yield prefix, found


class OpenAnswers:
    """Opens the sealed answers of one copy; those whose key was erased have no value. Never logged."""

    def __init__(self, copy: Copy, tenant: Tenant) -> None:
        """Take the copy with its key."""
        key = None
        if copy.wrapped_key is not None:
            key = WrappedKey.from_stored(bytes(copy.wrapped_key), key_id=copy.key_id, version=copy.key_version)
        self._sealer = Sealer(tenant_id=tenant.pk, copy_id=copy.pk, key=key)
        self._opened: dict[tuple[str, bytes], AnswerValue] = {}

    def by_place(self, document: Document) -> Iterator[tuple[str, dict[str, AnswerValue]]]:
        """Yield the prefix of each place of ``document``, and its values by code,
        then its proposed ones. Raises ``KeyServiceUnavailable``."""
        for prefix, container in walk_containers(document):
            values = {}
            for code, answer in container.answers.items():
                path = join_path(prefix, code)
                values[code] = self.value(path, answer)
            yield prefix, values
            proposed = {code: one.proposed.value for code, one in container.answers.items() if one.proposed}
            if proposed:
                yield prefix, proposed

    def value(self, path: str, answer: Answer) -> AnswerValue:
        """Return the value of ``answer``, opened. Raises ``KeyServiceUnavailable``."""
        if answer.sealed is None:
            return answer.value
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
