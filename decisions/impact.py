"""What a release changes for stored decisions, by what the decisions read; the counts read the databases.

Decisions under two releases are equal where the definitions differ in nothing that decides; where they differ in
products alone, only copies that request one of those products' lines can have another decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from batch.changes.mutators.quote_requests import ANSWERED
from catalogue.publish_work import Impact
from copies.codec import UnreadableDocument, decode_narrow_document
from copies.document import Document
from copies.models import Copy
from copies.paths import Path, join_path
from decisions.supposition import changed_products, decisive_parts
from decisions.waiting import list_databases
from forms.models import ApplicationForm, QuoteRequest
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from rules.definition.renames import renames_of
from rules.flow.followed_renames import follow_renames
from rules.flow.refused_answers import refused
from tenants.current_tenant import across_tenants

#: Documents that are read to count refused answers; the report stays a matter of seconds.
MOST_READ: Final = 5_000


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
    earlier, later = decisive_parts(before), decisive_parts(after)
    if earlier == later:
        return NOTHING
    codes = changed_products(before, after)
    if codes is None:
        return EVERYTHING
    products = [product for one in (earlier, later) for product in one.products if product.code in codes]
    return Reach(frozenset(product.line for product in products))


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


def count_refusing(draft: CatalogueDefinition, current: CatalogueDefinition | None) -> list[Impact]:
    """Return how many open copies hold answers that ``draft`` would refuse and ``current`` does not, of the
    ``MOST_READ`` touched last. Raises ``CatalogueErrors`` for a faulty draft.
    """
    if current is None or reach_of(current, draft) != EVERYTHING:
        return []
    compiled, before, renames = compile_catalogue(draft), compile_catalogue(current), renames_of(draft)
    codes = {old: moved.code for old, moved in (*renames.questions.items(), *renames.pools.items())}
    count = read = 0
    for alias in list_databases():
        with across_tenants(using=alias):
            for document, as_of in _documents(alias, draft.code, most=MOST_READ - read):
                read += 1
                known = {_renamed(path, codes) for path in refused(before, document, as_of=as_of)}
                # The mask of a sealed answer is enough: it is not opened.
                follow_renames(document, (renames,))
                count += not known.issuperset(refused(compiled, document, as_of=as_of))
    noun = "open copy holds" if count == 1 else "open copies hold"
    among = f" (among the {read:,} touched last)" if read == MOST_READ else ""
    return [Impact(count, f"{count:,} {noun} answers that the new release refuses{among}")]


def _renamed(path: str, codes: Mapping[str, str]) -> str:
    """Return ``path`` with the new ``codes`` by old ones."""
    first, *others = (codes.get(step, step) for step in Path(path).steps)
    return join_path("", first, *others)


def count_remapped(draft: CatalogueDefinition, current: CatalogueDefinition | None) -> list[Impact]:
    """Return how many open copies have sent quotes of products that ``draft`` maps in another way, or no longer has."""
    if current is None:
        return []
    mapped = {product.code: product.payload for product in draft.products}
    moved = [
        product.code
        for product in current.products
        if product.code not in mapped or mapped[product.code] != product.payload
    ]
    count = sum(_count_quoted(alias, draft.code, moved) for alias in list_databases()) if moved else 0
    noun = "open copy has" if count == 1 else "open copies have"
    return [Impact(count, f"{count:,} {noun} quotes of products whose carriers are sent something else")]


def _count_quoted(alias: str, catalogue: str, products: Sequence[str]) -> int:
    with across_tenants(using=alias):
        sent = QuoteRequest.objects.using(alias).filter(product__in=products, state__in=ANSWERED)
        copies = _open_copies(alias, catalogue).filter(
            pk__in=sent.exclude(payload_hash="").order_by().values("copy_id")
        )
        return copies.count()


def _documents(alias: str, catalogue: str, *, most: int) -> Iterator[tuple[Document, date]]:
    """Yield open copies with their evaluation dates, those first that people touched last."""
    latest = _open_copies(alias, catalogue).order_by(F("last_touched_by_user_at").desc(nulls_last=True))
    today = timezone.now().date()
    dated = _forms(alias, catalogue).exclude(as_of=None).values_list("pk", "as_of")
    own_days = {form_id: day for form_id, day in dated if day is not None}
    for content, form_id in latest.values_list("document", "application_form_id")[:most].iterator(chunk_size=200):
        with suppress(UnreadableDocument):
            yield decode_narrow_document(bytes(content)), own_days.get(form_id, today)


def _open_copies(alias: str, catalogue: str) -> QuerySet[Copy]:
    return Copy.objects.using(alias).filter(
        locked_at=None, deleted_at=None, application_form_id__in=_forms(alias, catalogue).values("pk")
    )


def _forms(alias: str, catalogue: str) -> QuerySet[ApplicationForm]:
    forms: QuerySet[ApplicationForm] = ApplicationForm.objects.using(alias).filter(
        catalogue=catalogue, deleted_at=None, is_test=False
    )
    return forms.order_by()


def _count(alias: str, catalogue: str, reach: Reach) -> int:
    with across_tenants(using=alias):
        copies = _open_copies(alias, catalogue)
        if reach.lines is not None:
            has_line = Q()
            for line in reach.lines:
                has_line |= Q(summary__lines__contains=[line])
            copies = copies.filter(has_line)
        return copies.count()
