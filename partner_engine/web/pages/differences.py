"""The parts of the form page that a save changes, and the announcement of the save. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from copies.changes import Change
from copies.paths import Path, is_below, is_in_document
from partner_engine.web.pages.dependants import names_of_shown
from partner_engine.web.pages.reading import Reading, opening_answers
from partner_engine.web.pages.same_as import offers_changed
from presentation.formats import listed, money
from presentation.product_names import product_name
from rules.flow.evaluation import Evaluation, ProductOutcome

#: With more changed rows of one pool than this, the whole card is sent instead.
MANY_ROWS: Final = 8
#: The number of groups and questions that an announcement names.
NAMED: Final = 3
_WORDS: Final = {
    "eligible": "eligible",
    "refer": "referred",
    "need_info": "needs answers",
    "decline": "declined",
    "locked": "locked",
}


@dataclass(frozen=True)
class Parts:
    """The codes of the cards and the paths of the top-level rows to render again; ``heads`` are the paths of rows whose
    head alone is rendered, ``feet`` of pools whose foot is, ``fields`` of answers whose field alone is.
    """

    sets: tuple[str, ...]
    rows: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    feet: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    def with_set(self, code: str) -> Parts:
        """Return the parts extended by the whole card of the set ``code``."""
        return replace(self, sets=tuple(sorted({*self.sets, code})))

    def with_row(self, path: str) -> Parts:
        """Return the parts extended by the row at ``path``, the heads of the rows around it, and its pool's foot."""
        around = tuple(found for found in Path(path).rows_around() if found not in self.rows)
        return replace(
            self, rows=(*self.rows, path), heads=(*self.heads, *around), feet=(*self.feet, Path(path).parent)
        )


def changed_parts(reading: Reading, before: Evaluation, changes: Iterable[Change], *, besides: str = "") -> Parts:
    """Return the parts of ``reading`` that look different from ``before``, after ``changes``.

    Leave out what changed within the row at ``besides``, and its pool's foot.
    """
    changes = list(changes)
    # The card counts the proposed answers, also those in its rows; guests do not see them.
    proposed = () if reading.reader.is_guest else [change.path for change in changes if change.proposed is not None]
    sets = {reading.top_set(path) for path in proposed}
    rows: dict[str, set[str]] = {}
    for path in touched_paths(reading, before, changes):
        place = Path(path)
        if besides and (path in (besides, Path(besides).parent) or is_below(path, besides)):
            continue
        if place.is_question_set:
            sets.add(shown_in(reading, place.code))
            continue
        around = next(place.rows_around(), None)
        if around is None:
            sets.add(reading.top_set(path))
        else:
            rows.setdefault(reading.top_set(path), set()).add(around)
    sets |= {code for code, found in rows.items() if len(found) > MANY_ROWS}
    return Parts(
        tuple(sorted(sets - {""})),
        tuple(sorted(row for code, found in rows.items() if code not in sets for row in found)),
    )


def sentence(
    reading: Reading, changes: Iterable[Change], moved: Mapping[str, ProductOutcome | None], *, opening: str = "Saved."
) -> str:
    """Return the announcement of a save for screen readers.

    It consists of ``opening``, the groups and questions that appeared or disappeared, and the products that changed.
    """
    sentences = [opening]
    for names, verb in zip(names_of_shown(reading, reading.asked(changes)), ("appeared", "disappeared"), strict=True):
        if names:
            sentences.append(f"{_some(names)} {verb}.")
    for code, outcome in moved.items():
        if outcome is not None:
            words = f"{_WORDS[outcome.outcome]}{_moved_price(reading, code, outcome)}"
            sentences.append(f"{product_name(reading.catalogue, code)}: {words}.")
    return " ".join(sentences)


def _some(names: list[str]) -> str:
    """Return the first ``NAMED`` of ``names`` and the number of the others, as the beginning of a sentence."""
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    text = listed([*names[:NAMED], *more])
    return text[0].upper() + text[1:]


def _moved_price(reading: Reading, code: str, outcome: ProductOutcome) -> str:
    """Return the premium and the one before the save: `` $2,553, was $2,451``."""
    currency, before = reading.catalogue.definition.currency, reading.premiums_before.get(code)
    now = "" if outcome.premium is None else f" {money(outcome.premium, currency)}"
    if before is None or before == outcome.premium:
        return now
    return f"{now}, was {money(before, currency)}"


def touched_paths(reading: Reading, before: Evaluation, changes: Iterable[Change]) -> set[str]:
    """Return the paths whose appearance changed."""
    after = reading.evaluation
    changes = list(changes)
    paths = {change.path for change in changes if is_in_document(change.path)}
    paths.update(offers_changed(reading, changes))
    paths |= {message.path for message in set(before.messages) ^ set(after.messages)}
    paths |= set(before.needed.quote) ^ set(after.needed.quote)
    paths |= set(before.needed.bind) ^ set(after.needed.bind)
    for code in before.eligibility.keys() | after.eligibility.keys():
        was, now = (found.eligibility.get(code) for found in (before, after))
        if was != now:
            paths |= {path for outcome in (was, now) if outcome is not None for path in opening_answers(outcome)}
    return paths


def shown_in(reading: Reading, set_code: str) -> str:
    """Return the code of the set whose card contains ``set_code``: itself, or that of the outermost pool."""
    known = reading.catalogue.sets.get(set_code)
    if known is None:
        return ""
    if not known.pool:
        return set_code
    ancestors = reading.catalogue.pools[known.pool].ancestors
    return reading.catalogue.pools[ancestors[0]].set_code if ancestors else set_code
