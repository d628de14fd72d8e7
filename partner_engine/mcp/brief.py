"""The responses of the API in the few words that a model needs: it pays for each of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

#: So many choices of a question are listed, so many changes and messages of a save.
MOST_CHOICES: Final = 40
MOST_CHANGES: Final = 50

Shape = Mapping[str, Any]


def answers_in(answers: Shape) -> dict[str, Any]:
    """Return the values of the answered, visible questions by code; sensitive ones as the masks that they are."""
    return {
        code: answer["value"]
        for code, answer in answers.items()
        if answer["active"] and answer["value"] not in (None, "", [])
    }


def outcomes_in(eligibility: Shape) -> dict[str, Any]:
    """Return outcome, premium and reasons of each product; None where it is no longer requested."""
    return {
        product: outcome
        and {
            "outcome": outcome["outcome"],
            "premium": outcome["premium"],
            "reasons": [reason["text"] for reason in outcome["reasons"]],
            "missing": outcome["missing"],
        }
        for product, outcome in eligibility.items()
    }


def effects_of(saved: Shape) -> dict[str, Any]:
    """Return what a save or dry run changed: answers, products that moved, what is still needed, messages."""
    changes = [one for one in saved.get("changes", ()) if one["cause"]["type"] != "rule"]
    told: dict[str, Any] = {
        "version": saved["version"],
        "changes": [
            {name: one[name] for name in ("path", "before", "after", "proposed") if name in one}
            for one in changes[:MOST_CHANGES]
        ],
        "outcomes": outcomes_in(saved.get("eligibility", {})),
        "needed_counts": saved.get("needed_counts"),
        "messages": [
            {name: one[name] for name in ("kind", "path", "text") if name in one}
            for one in list(saved.get("messages", ()))[:MOST_CHANGES]
        ],
    }
    if len(changes) > MOST_CHANGES:
        told["more_changes"] = len(changes) - MOST_CHANGES
    if "refs" in saved:
        told["refs"] = saved["refs"]
    return told


def row_of_quote(row: Shape) -> dict[str, Any]:
    """Return one quote request: product, state, premium and reasons."""
    names = ("id", "product", "carrier", "state", "premium", "is_bindable", "valid_until")
    return {name: row[name] for name in names} | {
        "reasons": [reason.get("text", "") for reason in row["reasons"]],
        "open_subjectivities": sum(1 for one in row["subjectivities"] if not one.get("done_at")),
    }


def questions_of(catalogue: Shape) -> dict[str, dict[str, Any]]:
    """Return what a model needs to answer each question, by code."""
    return {question["code"]: _question(question, set_) for set_, question in _walk(catalogue)}


def found_questions(catalogue: Shape, words: str) -> list[dict[str, Any]]:
    """Return the questions that have all ``words`` in code, label, help or choices, those of the label first."""
    wanted = words.casefold().split()
    found: list[tuple[bool, dict[str, Any]]] = []
    for set_, question in _walk(catalogue):
        label = question["label"].casefold()
        choices = (choice["label"] for choice in question["choices"])
        text = " ".join([question["code"], question["label"], question["help"], *choices]).casefold()
        if all(word in text for word in wanted):
            entry = {"code": question["code"], **_question(question, set_)}
            found.append((not all(word in label for word in wanted), entry))
    return [entry for _, entry in sorted(found, key=lambda one: one[0])]


def _walk(catalogue: Shape) -> Iterator[tuple[Shape, Shape]]:
    for set_ in catalogue["question_sets"]:
        for question in set_["questions"]:
            yield set_, question


def _question(question: Shape, set_: Shape) -> dict[str, Any]:
    told: dict[str, Any] = {"label": question["label"], "type": question["type"], "required": question["required"]}
    choices = [f"{choice['code']}: {choice['label']}" for choice in question["choices"]]
    if choices:
        told["choices"] = choices[:MOST_CHOICES]
        if len(choices) > MOST_CHOICES:
            told["more_choices"] = len(choices) - MOST_CHOICES
    if question["help"]:
        told["help"] = question["help"]
    if question["sensitivity"] == "spi":
        told["secret"] = True
    if set_["pool"]:
        told["pool"] = set_["pool"]["code"]
    return told
