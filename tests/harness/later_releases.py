"""The kennel catalogue as later releases change it: parts are removed, changed or renamed, or more confidential."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from catalogue.loader import load
from catalogue.models import Release
from catalogue.releases import publish
from rules.definition.catalogue import CatalogueDefinition, Question, Sensitivity
from tests.harness.kennel_catalogue import KENNELS


def without_question(code: str, base: CatalogueDefinition = KENNELS) -> CatalogueDefinition:
    """Return ``base`` without the question ``code``."""
    return _with_questions(base, {code: None})


def with_sensitivity(base: CatalogueDefinition = KENNELS, **sensitivities: Sensitivity) -> CatalogueDefinition:
    """Return ``base`` with other ``sensitivities`` by question code."""
    known = {question.code: question for part in base.question_sets for question in part.questions}
    return _with_questions(
        base, {code: msgspec.structs.replace(known[code], sensitivity=given) for code, given in sensitivities.items()}
    )


def with_question(code: str, base: CatalogueDefinition = KENNELS, **changes: Any) -> CatalogueDefinition:
    """Return ``base`` with other attributes of the question ``code``."""
    known = {question.code: question for part in base.question_sets for question in part.questions}
    return _with_questions(base, {code: msgspec.structs.replace(known[code], **changes)})


def with_pool(code: str, base: CatalogueDefinition = KENNELS, **changes: Any) -> CatalogueDefinition:
    """Return ``base`` with other attributes of the pool ``code``."""
    sets = tuple(
        msgspec.structs.replace(part, pool=msgspec.structs.replace(part.pool, **changes))
        if part.pool and part.pool.code == code
        else part
        for part in base.question_sets
    )
    return msgspec.structs.replace(base, question_sets=sets)


def without_sets(*codes: str, base: CatalogueDefinition = KENNELS) -> CatalogueDefinition:
    """Return ``base`` without the question sets ``codes``, and without products, whose rules may read them."""
    sets = tuple(part for part in base.question_sets if part.code not in codes)
    return msgspec.structs.replace(base, question_sets=sets, products=(), form_rules=())


def renamed(new_codes: dict[str, str], base: CatalogueDefinition = KENNELS) -> CatalogueDefinition:
    """Return ``base`` with new codes (by old ones) for questions, pools, sets and choices, which name the old ones."""
    text = re.sub(r"\b\w+\b", lambda word: new_codes.get(word[0], word[0]), msgspec.json.encode(base).decode())
    plain: dict[str, Any] = json.loads(text)
    old = {new: code for code, new in new_codes.items()}
    for part in plain["question_sets"]:
        for item in (part, part.get("pool") or {}, *part["questions"]):
            if item.get("code") in old:
                item["was"] = old[item["code"]]
    were = {code: {new: old[new] for new in labels if new in old} for code, labels in plain["choices"].items()}
    plain["choices_were"] = {code: renames for code, renames in were.items() if renames}
    return msgspec.convert(plain, CatalogueDefinition)


def publish_release(definition: CatalogueDefinition) -> Release:
    """Publish ``definition`` as the current release of its catalogue."""
    return publish(load(definition), actor_id="test")


def _with_questions(base: CatalogueDefinition, changed: dict[str, Question | None]) -> CatalogueDefinition:
    sets = tuple(
        msgspec.structs.replace(
            part,
            questions=tuple(
                kept for question in part.questions if (kept := changed.get(question.code, question)) is not None
            ),
        )
        for part in base.question_sets
    )
    return msgspec.structs.replace(base, question_sets=sets)
