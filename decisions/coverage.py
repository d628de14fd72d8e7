"""The coverage of a draft by its golden cases, by the book of open copies, and by recorded decisions.

The book and the traffic are read up to a limit, the newest first: the report stays a matter of seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import msgspec
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from catalogue.golden_answers import document_of, without_sensitive
from catalogue.golden_cases import document_in, latest_id
from catalogue.models import Catalogue
from copies.codec import UnreadableDocument, decode
from copies.history import evaluations
from copies.models import Copy, CopyRevision
from decisions.shadow import shadow_state
from decisions.stored_copies import read_waiting
from decisions.waiting import list_databases, today_at
from encryption.envelope import DecryptionFailed
from encryption.key_ring import KeyServiceUnavailable
from forms.models import ApplicationForm
from rules.coverage import Coverage, ItemCoverage, joined
from rules.definition.model import CompiledCatalogue
from rules.definition.renames import renames_of
from rules.flow.evaluation import Evaluation
from rules.flow.shown_questions import decide
from rules.flow.state import State
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant

#: Open copies, and recorded decisions, that a report reads unless another number is requested.
MOST_READ: Final = 300
#: Traffic is what was recorded in so many days.
DAYS: Final = 30
GOLDEN, BOOK, TRAFFIC = "golden cases", "open copies", "recorded decisions"
_FAULTS: Final = (UnreadableDocument, DecryptionFailed, KeyServiceUnavailable, msgspec.MsgspecError)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A compiled draft, as ``shadow_state`` reads a release."""

    id: int
    compiled: CompiledCatalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageReport:
    """The items of a draft with the counts of each source, the uncovered first, and the decisions that were read."""

    items: list[ItemCoverage]
    decisions: dict[str, int]
    most: int

    @property
    def untouched(self) -> list[ItemCoverage]:
        """Return the items that no source made true, or used."""
        return [item for item in self.items if item.is_untouched]


def coverage_of(catalogue: Catalogue, compiled: CompiledCatalogue, *, most: int = MOST_READ) -> CoverageReport:
    """Return the coverage of the draft ``compiled`` of ``catalogue``; open copies and recorded decisions are read up to
    ``most`` each.
    """
    sources = {name: Coverage(compiled) for name in (GOLDEN, BOOK, TRAFFIC)}
    _add_cases(sources[GOLDEN], catalogue, compiled)
    for alias in list_databases():
        _add_book(sources[BOOK], alias, catalogue.code, compiled, most=most - sources[BOOK].decisions)
        _add_traffic(sources[TRAFFIC], alias, catalogue.code, most=most - sources[TRAFFIC].decisions)
    decisions = {name: source.decisions for name, source in sources.items()}
    return CoverageReport(items=joined(sources), decisions=decisions, most=most)


def _add_cases(coverage: Coverage, catalogue: Catalogue, compiled: CompiledCatalogue) -> None:
    latest = latest_id(catalogue)
    for case in catalogue.golden_cases.all():
        document = document_of(without_sensitive(compiled, document_in(case, compiled, latest=latest)))
        state = State(compiled, document, as_of=case.as_of, reveal=lambda path, answer: answer.value)
        decide(state)
        coverage.add(state)


def _add_book(coverage: Coverage, alias: str, code: str, compiled: CompiledCatalogue, *, most: int) -> None:
    draft, renames = _Draft(0, compiled), renames_of(compiled.definition)
    for tenant, ids in _open_copies(alias, code, most=most).items():
        with use_tenant(tenant):
            found = read_waiting(Q(pk__in=ids), tenant=tenant, today=today_at(tenant), limit=len(ids))
        for waiting in found:
            copy = msgspec.structs.replace(waiting.copy, renames=(*waiting.copy.renames, renames))
            with suppress(*_FAULTS):
                coverage.add(shadow_state(copy, draft))


def _open_copies(alias: str, code: str, *, most: int) -> dict[Tenant, list[Any]]:
    """Return the ids of the open copies that were touched last, by tenant."""
    with across_tenants(using=alias):
        copies = Copy.objects.using(alias).filter(
            locked_at=None, deleted_at=None, application_form_id__in=_forms(alias, code)
        )
        newest = copies.order_by(F("last_touched_by_user_at").desc(nulls_last=True))
        found = list(newest.values_list("tenant_id", "pk")[: max(most, 0)])
        tenants = {tenant.pk: tenant for tenant in Tenant.objects.filter(pk__in={one for one, _ in found})}
    ids: dict[Tenant, list[Any]] = {}
    for tenant_id, copy_id in found:
        if tenant_id in tenants:
            ids.setdefault(tenants[tenant_id], []).append(copy_id)
    return ids


def _forms(alias: str, code: str) -> QuerySet[Any]:
    forms: QuerySet[Any] = ApplicationForm.objects.using(alias).filter(catalogue=code, deleted_at=None, is_test=False)
    return forms.order_by().values("pk")


def _add_traffic(coverage: Coverage, alias: str, code: str, *, most: int) -> None:
    for evaluation in _recorded(alias, code, most=most):
        coverage.add_recorded(evaluation)


def _recorded(alias: str, code: str, *, most: int) -> Iterator[Evaluation]:
    """Yield the decisions of the versions that were saved last, each copy's from its oldest of them on."""
    since = timezone.now() - timedelta(days=DAYS)
    with across_tenants(using=alias):
        copies = Copy.objects.using(alias).filter(application_form_id__in=_forms(alias, code)).order_by().values("pk")
        newest = CopyRevision.objects.using(alias).filter(created_at__gte=since, copy_id__in=copies).order_by("-id")
        versions: dict[Any, list[int]] = {}
        for copy_id, version in newest.values_list("copy_id", "version")[: max(most, 0)]:
            versions.setdefault(copy_id, []).append(version)
        for copy_id, own in versions.items():
            for content in evaluations(copy_id, first=min(own), last=max(own)).values():
                with suppress(*_FAULTS):
                    yield decode(content, Evaluation)
