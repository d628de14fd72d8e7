"""The answers of a person in one form over all versions of its copies, opened: for their export, and as the values to
erase.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from batch.storage.rewritten_versions import earlier_versions
from catalogue import releases
from copies.codec import decode_document, store_document
from copies.document import Answer, AnswerValue
from copies.models import Copy
from operations.persons.identity import Person
from operations.persons.needles import ERASED, Needles
from operations.persons.places import Places, places_of
from operations.persons.search import FoundForm, OpenAnswers
from tenants.models import Tenant


@dataclass(frozen=True, kw_only=True, slots=True)
class PastAnswer:
    """A value that an answer of the person had from ``version`` of a copy on; ``mask`` is what a sealed one showed."""

    copy_id: UUID
    version: int
    path: str
    value: AnswerValue
    mask: str = ""


def places_in(form: FoundForm, tenant: Tenant) -> Places:
    """Return the person's places in the form, by the tenant's present release."""
    return places_of(form.matches, releases.current(form.catalogue, tenant_id=tenant.pk).compiled)


def answers_over_time(form: FoundForm, places: Places, tenant: Tenant) -> Iterator[PastAnswer]:
    """Yield each value of the person's answers once per copy where it changed; in the tenant's scope."""
    for copy in Copy.objects.filter(pk__in=form.copies).order_by("created_at", "pk"):
        answers, known = OpenAnswers(copy, tenant), dict[str, AnswerValue]()
        for *_, version in earlier_versions(copy.pk):
            document = decode_document(store_document(version.content.document))
            for path, answer in places.answers_in(document):
                for place, value in _values(path, answer, answers):
                    if known.get(place) != value:
                        known[place] = value
                        yield PastAnswer(
                            copy_id=copy.pk, version=version.version, path=path, value=value, mask=answer.mask
                        )


def _values(path: str, answer: Answer, answers: OpenAnswers) -> Iterator[tuple[str, AnswerValue]]:
    """Yield the value of ``answer``, and the one that is proposed, each under a name of its own."""
    yield path, answers.value(path, answer)
    if answer.proposed is not None:
        yield f"{path} (proposed)", answer.proposed.value


def needles_of(person: Person, answers: Iterator[PastAnswer], places: Places) -> Needles:
    """Return the values of the person in one form: those of the request, and those of their answers as far as they
    are words and not choices.
    """
    values = {*person.texts}
    for answer in answers:
        values.add(answer.mask if answer.mask != ERASED else "")
        if isinstance(answer.value, str) and not places.is_choice(answer.path):
            values.add(answer.value)
    return Needles(values, is_theirs=places.is_theirs)
