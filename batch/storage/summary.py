"""The summary of a copy for lists and search, which do not open its document. Pure; nothing sensitive."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from copies.document import Document, walk_containers
from forms.states import standing_of
from forms.status_order import status_place
from presentation.best_premiums import PricedRequest, listed_premium
from presentation.needed_counts import needed_counts
from presentation.visibility import NOBODY, PERSONAL, PUBLIC, Confidentiality, Visibility
from rules.definition.catalogue import Question
from rules.definition.compiler import CompiledCatalogue
from rules.flow.evaluation import Evaluation
from rules.types.registry import type_of
from rules.zip_codes import place_of


def summarise(catalogue: CompiledCatalogue, document: Document, evaluation: Evaluation) -> dict[str, Any]:
    """Return ``{insured, trade, city, us_state, starts_on, lines, needed, needed_counts, standing, outcomes, premiums,
    missing_for_price, priced_by_carrier}``: name, NAICS code, place by the first ZIP code, start of the cover (ISO),
    line codes, the numbers of paths needed, state, outcome and premium per product, the number of paths that each
    premium still needs, and the products without a formula.
    """
    lines = document.answers.get(catalogue.definition.lines_question)
    needed = len(evaluation.needed.quote)
    outcomes: dict[str, str] = {code: outcome.outcome for code, outcome in evaluation.eligibility.items()}
    return {
        **_business(catalogue, document),
        "lines": list(lines.value) if lines and isinstance(lines.value, list) else [],
        "needed": needed,
        "needed_counts": msgspec.structs.asdict(needed_counts(evaluation)),
        "standing": standing_of(needed=needed, outcomes=outcomes.values(), has_products=bool(catalogue.products)),
        "outcomes": outcomes,
        "premiums": {
            code: outcome.premium for code, outcome in evaluation.eligibility.items() if outcome.premium is not None
        },
        "missing_for_price": {
            code: len(outcome.missing_for_price)
            for code, outcome in evaluation.eligibility.items()
            if outcome.missing_for_price
        },
        "priced_by_carrier": [code for code, outcome in evaluation.eligibility.items() if outcome.priced_by_carrier],
    }


def listed_summary(
    catalogue: CompiledCatalogue,
    document: Document,
    evaluation: Evaluation,
    *,
    requests: Collection[PricedRequest],
    is_locked: bool,
) -> dict[str, Any]:
    """Return the summary that is stored: that of ``summarise``, and the premium (``best_premium``) and the place of the
    ``status`` by which lists order the copy with these quote requests.
    """
    summary = summarise(catalogue, document, evaluation)
    states = {found.state for found in requests}
    return {
        **summary,
        "best_premium": listed_premium(catalogue, summary, requests),
        "status": status_place(states, is_locked=is_locked, standing=summary["standing"]),
    }


def _business(catalogue: CompiledCatalogue, document: Document) -> dict[str, str | None]:
    """Return name, trade, place and start of the cover, as far as these answers are public."""
    definition, visibility = catalogue.definition, Visibility(catalogue, NOBODY)

    def public(code: str) -> str | None:
        answer = document.answers.get(code)
        if answer is None or not answer.active or visibility.of(code, answer) is not PUBLIC:
            return None
        return str(answer.value) if answer.value else None

    zip_code = next(filter(None, map(public, definition.zip_questions)), None)
    place = place_of(zip_code[:5]) if zip_code else None
    insured = document.answers.get(definition.title_question)
    is_named_openly = visibility.of(definition.title_question, insured) is PUBLIC
    return {
        "insured": insured.value if insured and is_named_openly else None,  # type: ignore[dict-item]  # a text question
        "trade": public(definition.industry_question),
        "city": place.city or None if place else None,
        "us_state": place.states[0] if place else None,
        "starts_on": public(definition.effective_date_question),
    }


def search_texts(catalogue: CompiledCatalogue, document: Document) -> tuple[str, str]:
    """Return the indexed answers as text, choices by their labels and abbreviations: those that are neither personal
    nor sensitive, and the personal (``pii``) ones. Sensitive (``spi``) ones are in neither.
    """
    visibility, indexed = Visibility(catalogue, NOBODY), catalogue.indexed
    words: dict[Confidentiality, list[str]] = {PUBLIC: [], PERSONAL: []}
    for _, container in walk_containers(document):
        for code in [code for code in container.answers if code in indexed]:
            answer = container.answers[code]
            if not answer.active:
                continue
            question, level = catalogue.questions[code].question, visibility.of(code, answer)
            if level not in words:
                continue
            values = answer.value if isinstance(answer.value, list) else [answer.value]
            labels = catalogue.choices(question) if question.choices else {}
            found = (str(value) for value in values if value not in (None, ""))
            words[level].extend(_words(question, value, labels) for value in found)
    return " ".join(dict.fromkeys(words[PUBLIC])), " ".join(dict.fromkeys(words[PERSONAL]))


def _words(question: Question, value: str, labels: Mapping[str, str]) -> str:
    """Return the label of a choice, with a code in capital letters (``TX``) beside it because people search by both;
    any other value as its type is searched.
    """
    label = labels.get(value)
    if label is None:
        return type_of(question.type).search_text(value)
    return f"{label} {value}" if label != value and value.isalpha() and value.isupper() else label
