"""Random payloads for the products of any catalogue, from a seed."""

from __future__ import annotations

import re
from random import Random

import msgspec

from rules.definition.catalogue import CatalogueDefinition, Payload, PayloadRows, QuestionSet
from rules.definition.compiler import CatalogueErrors, compile_catalogue
from rules.definition.model import CompiledCatalogue

_STEP = re.compile(r"\[([^\]]+)\]")
Fields = dict[str, "str | PayloadRows"]


def with_random_payloads(definition: CatalogueDefinition, seed: int) -> CompiledCatalogue:
    """Return ``definition`` compiled, most of its products with random payloads; the others have none."""
    random = Random(seed)
    payloads = {
        product.code: _payload(definition, random) if random.random() < 0.8 else None for product in definition.products
    }
    while True:
        products = tuple(
            msgspec.structs.replace(product, payload=payloads[product.code]) for product in definition.products
        )
        try:
            return compile_catalogue(msgspec.structs.replace(definition, products=products))
        except CatalogueErrors as errors:
            # Secret answers, the evaluation date and whole rows cannot be sent.
            for fault in errors.faults:
                if ".payload" not in fault.where:
                    continue  # a part that always has one result is reported beside other faults
                code, *names = _STEP.findall(fault.where)
                payloads[code] = _without(payloads[code], names, is_whole=not names)


def _payload(definition: CatalogueDefinition, random: Random) -> Payload | None:
    fields = _fields(definition, "", random, most=random.choice([1, 2, 8]))
    return Payload(quote=fields) if fields else None


def _fields(definition: CatalogueDefinition, pool: str, random: Random, *, most: int) -> Fields:
    parts = [part for part in definition.question_sets if (part.pool.code if part.pool else "") == pool]
    texts = [text for part in parts for question in part.questions for text in (question.code, question.when) if text]
    if not pool:
        texts += [text for derived in definition.derived for text in (derived.code, derived.value)]
        texts += [rule.when for product in definition.products for rule in product.rules]
    chosen = random.sample(texts, min(len(texts), random.randint(1, most)))
    fields: Fields = {f"f{number}": text for number, text in enumerate(chosen)}
    for part in _pools_in(definition, pool):
        if part.pool is not None and random.random() < 0.5:
            below = _fields(definition, part.pool.code, random, most=3)
            if below:
                fields[part.pool.code] = PayloadRows(pool=part.pool.code, fields=below)
    return fields


def _pools_in(definition: CatalogueDefinition, pool: str) -> list[QuestionSet]:
    return [part for part in definition.question_sets if part.pool and part.pool.parent == pool]


def _without(payload: Payload | None, names: list[str], *, is_whole: bool) -> Payload | None:
    if payload is None or is_whole:
        return None
    left = _left(payload.quote, names)
    return Payload(quote=left) if left else None


def _left(fields: Fields, names: list[str]) -> Fields:
    name, *below = names
    found = fields.get(name)
    rest = {key: value for key, value in fields.items() if key != name}
    if below and isinstance(found, PayloadRows):
        inner = _left(found.fields, below)
        return {**rest, name: PayloadRows(pool=found.pool, fields=inner)} if inner else rest
    return rest
