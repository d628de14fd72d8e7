"""What a release changes for stored decisions, by what the decisions read. Pure, but for the counts.

Decisions under two releases are equal where the definitions differ in nothing that decides; where they differ in
products alone, only copies that request one of those products' lines can have another decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Q
from msgspec.structs import replace

from catalogue.publish_hooks import Impact
from copies.models import Copy
from decisions.waiting import list_databases
from forms.models import ApplicationForm
from rules.definition.catalogue import CatalogueDefinition
from tenants.current_tenant import across_tenants


@dataclass(frozen=True, slots=True)
class Reach:
    """The copies that a new release may decide in another way: all (``lines`` None), or those with one of ``lines``."""

    lines: frozenset[str] | None

    def concerns(self, lines: Sequence[str]) -> bool:
        """Return whether a copy that requests ``lines`` is concerned."""
        return self.lines is None or not self.lines.isdisjoint(lines)


EVERYTHING: Final = Reach(None)
NOTHING: Final = Reach(frozenset())


def reach_of(before: CatalogueDefinition, after: CatalogueDefinition) -> Reach:
    """Return which copies the step from ``before`` to ``after`` concerns."""
    earlier, later = _deciding(before), _deciding(after)
    if earlier == later:
        return NOTHING
    if replace(earlier, products=()) != replace(later, products=()):
        return EVERYTHING
    old, new = ({product.code: product for product in one.products} for one in (earlier, later))
    moved = [old.get(code) or new[code] for code in old.keys() | new.keys() if old.get(code) != new.get(code)]
    moved += [new[product.code] for product in moved if product.code in new]
    # The order of products is the order of the decision.
    is_ordered_anew = [code for code in old if code in new] != [code for code in new if code in old]
    return EVERYTHING if is_ordered_anew else Reach(frozenset(product.line for product in moved))


def _deciding(definition: CatalogueDefinition) -> CatalogueDefinition:
    """Return ``definition`` without the texts that neither decide nor are part of a decision or of the search."""
    sets = tuple(
        replace(
            part,
            title="",
            questions=tuple(replace(question, label="", help="") for question in part.questions),
        )
        for part in definition.question_sets
    )
    return replace(
        definition,
        title="",
        question_sets=sets,
        derived=tuple(replace(part, label="") for part in definition.derived),
        lines=tuple(replace(line, label="") for line in definition.lines),
        products=tuple(replace(product, label="") for product in definition.products),
    )


def count_concerned(draft: CatalogueDefinition, current: CatalogueDefinition | None) -> list[Impact]:
    """Return how many open copies of all tenants a publish of ``draft`` decides anew."""
    if current is None:
        return []
    reach = reach_of(current, draft)
    if reach == NOTHING:
        return []
    count = sum(_count(alias, draft.code, reach) for alias in list_databases())
    noun = "open copy is" if count == 1 else "open copies are"
    return [Impact(count, f"{count:,} {noun} decided anew")]


def _count(alias: str, catalogue: str, reach: Reach) -> int:
    with across_tenants(using=alias):
        forms = ApplicationForm.objects.using(alias).filter(catalogue=catalogue, deleted_at=None)
        copies = Copy.objects.using(alias).filter(
            locked_at=None, deleted_at=None, application_form_id__in=forms.order_by().values("pk")
        )
        if reach.lines is not None:
            has_line = Q()
            for line in reach.lines:
                has_line |= Q(summary__lines__contains=[line])
            copies = copies.filter(has_line)
        return copies.count()
