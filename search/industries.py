"""Counts how often an industry occurs, by place and size, to rank the results of the industry search: at the tenant,
and among all businesses of the ZIP code.

Of tenants only the caller's forms and choices are counted; the result shows nothing but an order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from django.db.models import Count

from forms.models import NaicsSearch
from rules.definition.model import CompiledCatalogue
from rules.industries import Industry, find_industries
from rules.zip_codes import states_of_zip
from search.industry_patterns import SIZES, businesses_near, size_of
from search.models import SearchWord
from search.words import words_of

#: One form of the tenant has the weight of more businesses than any ZIP code has.
_OWN: Final = 1_000_000


def search_industries(
    query: str, catalogue: CompiledCatalogue, *, zip_code: str = "", employees: int | None = None
) -> list[Industry]:
    """Return the industries that match ``query``, best first. Equal matches are ordered by how often the current tenant
    met them in the state of the ZIP, or chose them at about that size; then by how many such businesses the ZIP has.
    """
    if not zip_code and employees is None:
        return find_industries(query)
    found = find_industries(query, most=None)
    return find_industries(query, common=common_industries(found, catalogue, zip_code=zip_code, employees=employees))


def common_industries(
    found: Iterable[Industry], catalogue: CompiledCatalogue, *, zip_code: str = "", employees: int | None = None
) -> Mapping[str, int]:
    """Return the weight of each of the ``found`` industries that is met: at the current tenant, in forms of the ZIP's
    state (named by ``catalogue``'s choices) and as the choice in searches at about that size; and, with less weight
    than one such form, as a business in the ZIP of about that size.
    """
    codes = [industry.code for industry in found]
    met: Counter[str] = Counter()
    labels = {
        labels[state]
        for state in states_of_zip(zip_code)
        for labels in catalogue.choice_lists.values()
        if state in labels
    }
    for label in labels:
        met.update(_in_state(codes, label))
    if employees is not None:
        met.update(_at_size(codes, employees))
    near = businesses_near(zip_code, employees=employees)
    return {code: met[code] * _OWN + near.get(code, 0) for code in codes if met[code] or code in near}


def _in_state(codes: list[str], label: str) -> dict[str, int]:
    """Return how many copies have both the code and every word of the state's name among their indexed answers."""
    rows = SearchWord.objects.filter(word__in=codes)
    for word in words_of(label):
        there = SearchWord.objects.filter(word=word, is_personal=False).order_by().values("copy_id")
        rows = rows.filter(copy_id__in=there)
    return dict(rows.order_by().values("word").annotate(amount=Count("copy_id")).values_list("word", "amount"))


def _at_size(codes: list[str], employees: int) -> dict[str, int]:
    first = size_of(employees)
    last = next((size for size in SIZES if size > employees), None)
    searches = NaicsSearch.objects.filter(chosen__in=codes, employees__gte=first)
    if last is not None:
        searches = searches.filter(employees__lt=last)
    return dict(searches.order_by().values("chosen").annotate(amount=Count("pk")).values_list("chosen", "amount"))
