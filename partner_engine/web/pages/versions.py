"""One version of a copy in its history. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from copies.changes import Cause, Change
from copies.paths import Path
from partner_engine.web.pages.links import link_to
from partner_engine.web.pages.reading import Reading
from partner_engine.web.pages.record_sentences import sentence_of
from presentation.formats import money
from presentation.product_names import product_name
from presentation.visibility import UNKNOWN, Visibility
from rules.definition.model import CompiledCatalogue
from rules.flow.evaluation import Evaluation, ProductOutcome

#: The number of changes that are listed for a version.
LISTED: Final = 12
_NOBODY: Final = {"system": "The system", "guest": "A guest", "api_client": "A program"}
_OUTCOMES: Final = {
    "eligible": "eligible",
    "refer": "to be referred",
    "need_info": "open so far",
    "decline": "declined",
    "locked": "locked",
}


@dataclass(frozen=True)
class ChangeLine:
    """One change of a version."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Effect:
    """What a version, or a session, did to one product: its outcome and premium before and after, in words.

    ``before`` is empty where the copy was not decided before.
    """

    product: str
    before: str
    after: str


@dataclass(frozen=True)
class Version:
    """One saved version with what people changed in it. ``cause`` is a sentence where the author does not say why."""

    number: int
    who: tuple[str, str]
    by: str
    source: str
    cause: str
    saved_at: datetime
    at: str
    changes: tuple[ChangeLine, ...]
    paths: frozenset[str]
    more: int
    effects: tuple[Effect, ...]


class Saved(NamedTuple):
    """A revision as the page reads it: its columns, its changes, and the evaluations before and after it."""

    number: int
    who: tuple[str, str]
    by: str
    source: str
    cause: Cause
    release_number: int | None
    saved_at: datetime
    changes: list[Change]
    before: Evaluation | None
    after: Evaluation | None


def name_of(actor_type: str, label: str) -> str:
    """Return the name of an author: the recorded one, else what kind of author it was."""
    return label or _NOBODY.get(actor_type, "Somebody")


def build_version(reading: Reading, saved: Saved, *, visibility: Visibility) -> Version:
    """Return a version with what people changed in it; what rules made of that is left out. ``visibility`` is the
    reader's for the values of that time.
    """
    shown = [change for change in saved.changes if change.cause.type != "rule"]
    lines = [(change.path, line) for change in shown if (line := _line(reading, change, visibility))]
    return Version(
        number=saved.number,
        who=saved.who,
        by=saved.by,
        source=saved.source,
        cause=_cause(saved),
        saved_at=saved.saved_at,
        at=f"{saved.saved_at.astimezone(reading.reader.zone):%H:%M:%S}",
        changes=tuple(line for _, line in lines[:LISTED]),
        paths=frozenset(path for path, _ in lines if Path(path).is_in_document),
        more=max(0, len(lines) - LISTED),
        effects=effects(reading.catalogue, saved.before, saved.after),
    )


def effects(
    catalogue: CompiledCatalogue, before: Evaluation | None, after: Evaluation | None
) -> tuple[Effect, ...]:  # fmt: skip
    """Return the products whose outcome or premium differs between two evaluations."""
    earlier = before.eligibility if before else {}
    later = after.eligibility if after else {}
    found = []
    for code in dict.fromkeys([*later, *earlier]):
        texts = _standing(catalogue, earlier.get(code)) if before else "", _standing(catalogue, later.get(code))
        if texts[0] != texts[1]:
            found.append(Effect(product_name(catalogue, code), *texts))
    return tuple(found)


def _standing(catalogue: CompiledCatalogue, outcome: ProductOutcome | None) -> str:
    if outcome is None:
        return "not requested"
    word = _OUTCOMES.get(outcome.outcome, outcome.outcome)
    if outcome.premium is None:
        return word
    return f"{word} {money(outcome.premium, catalogue.definition.currency)}"


def _cause(saved: Saved) -> str:
    match saved.cause.type:
        case "release":
            return f"Decided again under release {saved.release_number or ''}".rstrip()
        case "day":
            return "Decided again on a new day"
        case "merge":
            return "Answers taken over from another copy"
        case "undo_merge":
            return f"The merge of version {saved.cause.id} taken back"
        case "revert":
            return f"Taken back to version {saved.cause.id}"
        case "operation":
            return "Changed with many others by an operation"
        case "undo_operation":
            return "An operation taken back"
        case "undo_save":
            return f"Version {saved.cause.id} undone"
        case "process":
            return "Saved by a process"
    return "Started" if saved.number == 1 else ""


def _line(reading: Reading, change: Change, visibility: Visibility) -> ChangeLine | None:
    path = Path(change.path)
    if change.confirmed and change.before == change.after:
        return ChangeLine(link_to(reading, change.path).text, "", "confirmed as right")
    if change.proposed is not None and change.before == change.after:
        text = f"proposed by {change.proposed}" if change.proposed else "proposal dismissed"
        return ChangeLine(link_to(reading, change.path).text, "", text)
    # A sensitive answer that was given again is listed: its absence would tell that it is the same.
    if change.before == change.after and not change.tag:
        return None
    if not path.is_answer and not path.is_row:
        requested = {quote.id: quote.product for quote in reading.quotes}
        text = sentence_of(change, reading.catalogue, requested=requested)
        return ChangeLine(text, "", "") if text else None
    known = reading.catalogue.questions.get(path.code)
    if known is None and visibility.of(path) is UNKNOWN:
        label = reading.past_labels().questions.get(path.code, "A question that is no longer asked")
        return ChangeLine(label, *visibility.change_texts(change))
    if known is None:
        pool = reading.catalogue.pools.get(path.pool) if path.is_row else None
        title = reading.catalogue.sets[pool.set_code].question_set.title if pool else "A row that is no longer asked"
        return ChangeLine(title, "", "row removed" if change.after is None else "row added")
    before, after = visibility.change_texts(change)
    return ChangeLine(link_to(reading, change.path).text, "" if change.before in (None, "", []) else before, after)
