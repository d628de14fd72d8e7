"""A fingerprint of the draft rows of each catalogue, computed by the database in one query.

Equal fingerprints mean equal drafts. Different ones may belong to equal drafts too: a file that is loaded again makes
new rows with the same content.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.db import connection

from carriers import models as carrier_rows
from catalogue import models as draft_rows


def draft_fingerprints(catalogue_ids: Iterable[int]) -> dict[int, str]:
    """Return the fingerprint of the draft of each of these catalogues."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, [list(catalogue_ids)])
        return dict(cursor.fetchall())


def _hashes() -> Iterator[str]:
    """Yield the expression of the hash of each draft table's rows of one catalogue."""
    model: Any
    for model in (carrier_rows.Carrier, carrier_rows.CarrierProduct, carrier_rows.SurplusRule):
        yield _hash(model, "r.catalogue = c.code")
    for model in (
        draft_rows.ChoiceList,
        draft_rows.QuestionSet,
        draft_rows.Question,
        draft_rows.DerivedValue,
        draft_rows.FormRule,
        draft_rows.LineOfBusiness,
    ):
        yield _hash(model, "r.catalogue_id = c.id")
    lists = _table(draft_rows.ChoiceList)
    yield _hash(draft_rows.Choice, f"r.choice_list_id IN (SELECT id FROM {lists} WHERE catalogue_id = c.id)")  # noqa: S608
    products = f"SELECT id FROM {_table(carrier_rows.CarrierProduct)} WHERE catalogue = c.code"  # noqa: S608
    for model in (
        carrier_rows.RateTerm,
        carrier_rows.RateTable,
        carrier_rows.RateFactor,
        carrier_rows.ProductRule,
        carrier_rows.PayloadField,
    ):
        yield _hash(model, f"r.product_id IN ({products})")
    tables = f"SELECT id FROM {_table(carrier_rows.RateTable)} WHERE product_id IN ({products})"  # noqa: S608
    yield _hash(carrier_rows.RateEntry, f"r.table_id IN ({tables})")


def _hash(model: Any, condition: str) -> str:
    table = _table(model)
    return f"(SELECT md5(string_agg(md5(r::text), '' ORDER BY r.id)) FROM {table} r WHERE {condition})"  # noqa: S608


def _table(model: Any) -> str:
    return str(model._meta.db_table)


#: The names of tables and columns are our own.
_QUERY: Final = f"""
SELECT c.id, md5(concat_ws('.', md5(c::text), {", ".join(f"coalesce({one}, '')" for one in _hashes())}))
  FROM {_table(draft_rows.Catalogue)} c
 WHERE c.id = ANY(%s)"""  # noqa: S608
