"""The rules of a benchmark form as one decision of ``zen-engine`` (Rust), the opponent of ``benchmarks.rules``.

It evaluates the same texts over the same answers: conditions of questions, derived values, form rules, product rules
and terms of premiums. It cleans and checks no answer, has no unknown values, and decides no states, sets and products.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import zen

from benchmarks.forms import POOL
from copies.document import Container, Document
from rules.definition.catalogue import CatalogueDefinition


def make_decision(definition: CatalogueDefinition) -> zen.ZenDecision:
    """Return the texts of ``definition`` as the expressions of one decision."""
    texts = dict(_texts(definition))
    expressions = [{"id": key, "key": key, "value": text} for key, text in texts.items()]
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in"},
        {"id": "rules", "type": "expressionNode", "name": "rules", "content": {"expressions": expressions}},
        {"id": "out", "type": "outputNode", "name": "out"},
    ]
    edges = [
        {"id": f"{start} {end}", "type": "edge", "sourceId": start, "targetId": end}
        for start, end in (("in", "rules"), ("rules", "out"))
    ]
    return zen.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))


def values_of(document: Document) -> dict[str, Any]:
    """Return the answers of ``document`` by code, the rows of the pool as a list."""
    return {**_answers(document), POOL: [_answers(row) for row in document.answer_pools[POOL]]}


def _answers(container: Container) -> dict[str, Any]:
    return {code: answer.value for code, answer in container.answers.items()}


def _texts(definition: CatalogueDefinition) -> Iterator[tuple[str, str]]:
    pool_of = {question.code: part.pool for part in definition.question_sets for question in part.questions}
    for part in definition.question_sets:
        for question in part.questions:
            if question.when:
                yield f"if_{question.code}", _in_zen(question.when)
    for derived in definition.derived:
        yield derived.code, _in_zen(derived.value)
    for rule in definition.form_rules:
        text = _in_zen(rule.when)
        yield rule.id, f"filter({POOL}, {re.sub(r'u_', '#.u_', text)})" if pool_of[rule.at] else text
    for product in definition.products:
        for own in product.rules:
            yield f"{product.code}_{own.id}".replace("-", "_"), _in_zen(own.when)
        for term in product.rating.terms if product.rating else ():
            yield f"{product.code}_term".replace("-", "_"), f"{term.of} * {term.rate}"


def _in_zen(text: str) -> str:
    """Return a text of the rule language as ZEN writes it."""
    text = re.sub(r"sum\((\w+)\.map\(u, u\.(\w+)\)\)", r"sum(map(\1, #.\2))", text)
    return text.replace("&&", "and").replace("||", "or")
