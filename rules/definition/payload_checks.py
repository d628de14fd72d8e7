"""Checks the names and references of payloads before their texts are compiled. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from rules.definition.catalogue import CatalogueDefinition, Payload, PayloadRows
from rules.definition.faults import CatalogueFault, closest

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


def payload_faults(definition: CatalogueDefinition, payload: Payload, where: str) -> Iterator[CatalogueFault]:
    """Yield the faults in the names, pools and asked codes of ``payload``, which is at ``where``."""
    pools = {part.pool.code: part.pool.parent for part in definition.question_sets if part.pool}
    if not payload.quote:
        text = "No field says what a quote request sends."
        yield CatalogueFault("missing_value", f"{where}.quote", text, "Add fields: {name_on_the_wire: question}.")
    yield from _field_faults(payload.quote, f"{where}.quote", "", pools)
    yield from _field_faults(payload.bind, f"{where}.bind", "", pools)
    yield from _asked_faults(definition, payload, f"{where}.asked")


def _field_faults(
    fields: Mapping[str, str | PayloadRows], where: str, pool: str, pools: Mapping[str, str]
) -> Iterator[CatalogueFault]:  # fmt: skip
    for name, value in fields.items():
        place = f"{where}[{name}]"
        if not _NAME.fullmatch(name):
            remedy = "Use up to 63 letters, digits and underscores, starting with a letter."
            yield CatalogueFault("bad_code", place, f"{name!r} is not a valid name of a field.", remedy)
        if isinstance(value, PayloadRows):
            yield from _rows_faults(value, place, pool, pools)
        elif not value.strip():
            yield CatalogueFault("missing_value", place, "The field has no value.", "Write one, or remove the field.")


def _rows_faults(rows: PayloadRows, where: str, pool: str, pools: Mapping[str, str]) -> Iterator[CatalogueFault]:
    if rows.pool not in pools:
        text = f"There is no pool {rows.pool!r}."
        yield CatalogueFault("unknown_pool", f"{where}.pool", text, closest(rows.pool, pools, "pool"))
        return
    if pools[rows.pool] != pool:
        around = f"in the rows of {pools[rows.pool]!r}" if pools[rows.pool] else "in no other rows"
        text = f"The rows of {rows.pool!r} are {around}."
        remedy = "Put its fields into those of the pool around it." if pools[rows.pool] else "Move it to the top."
        yield CatalogueFault("wrong_place", f"{where}.pool", text, remedy)
        return
    if not rows.fields:
        yield CatalogueFault("missing_value", f"{where}.fields", "The rows have no fields.", "Add one.")
    yield from _field_faults(rows.fields, f"{where}.fields", rows.pool, pools)


def _asked_faults(definition: CatalogueDefinition, payload: Payload, where: str) -> Iterator[CatalogueFault]:
    questions = {item.code: item for part in definition.question_sets for item in part.questions}
    of_rows = {item.code for part in definition.question_sets if part.pool for item in part.questions}
    known = [*questions, *(part.code for part in definition.derived)]
    for number, code in enumerate(payload.asked):
        if code in payload.asked[:number]:
            yield CatalogueFault("duplicate_code", where, f"{code!r} is in this list twice.", "Remove one of the two.")
        elif code not in known:
            yield CatalogueFault(
                "unknown_question", where, f"There is no question {code!r}.", closest(code, known, "question")
            )
        elif code in of_rows:
            text = f"{code!r} is a question of a pool."
            yield CatalogueFault("wrong_place", where, text, "Name a question that is asked only once.")
        elif code in questions and questions[code].sensitivity:
            text = f"{code!r} is sensitive, and lists of quotes show what was asked to everybody."
            yield CatalogueFault("sensitive", where, text, "Name another question.")
