"""From the columns of a file to the questions of the catalogue: suggested, checked and read. Pure.

A target is ``title``, ``reference``, ``external_id``, the code of a question, or a question of a numbered row of a
pool: ``locations[1].mqs_loc_zip``, ``locations[1].buildings[2].mqs_bld_desc``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os.path import commonprefix
from typing import Final, Literal

from operations.imports.errors import FileTooLarge, InvalidMapping
from operations.imports.limits import MOST_COLUMNS
from rules.definition.model import CompiledCatalogue
from rules.nearest import nearest

#: The fields of a form that are no answers.
TITLE: Final = "title"
REFERENCE: Final = "reference"
EXTERNAL_ID: Final = "external_id"
_LABELS: Final[Mapping[str, str]] = {TITLE: "Title", REFERENCE: "Reference", EXTERNAL_ID: "External ID"}
_FIELDS: Final[Mapping[str, str]] = {
    "title": TITLE,
    "formtitle": TITLE,
    "reference": REFERENCE,
    "externalreference": REFERENCE,
    "yourreference": REFERENCE,
    "policynumber": REFERENCE,
    "externalid": EXTERNAL_ID,
}
#: How many columns of one label are listed.
_MOST_CANDIDATES: Final = 10
_STEP: Final = re.compile(r"([a-z][a-z0-9_]{0,63})\[([1-9][0-9]{0,3})\]\.")
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
#: A number inside of a header: ``Location 2 ZIP``, ``locations[2].zip``.
_NUMBER: Final = re.compile(r"\s*[\[(#.\s_-]?\s*([0-9]{1,4})\s*[\])]?[\s._/:-]*")
_PLAIN: Final = re.compile(r"[\W_]+")

How = Literal["code", "label", "name", "similar", ""]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a column's cells go: the pools around it with the row's number from 1, and the question or field."""

    code: str
    rows: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        return "".join(f"{pool}[{number}]." for pool, number in self.rows) + self.code

    @property
    def is_field(self) -> bool:
        """Return whether it is a field of the form and no answer."""
        return not self.rows and self.code in _LABELS


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a column probably is. ``how`` says why; ``candidates`` are several targets of the same name."""

    column: str
    target: Target | None
    how: How = ""
    candidates: tuple[Target, ...] = ()


class Targets:
    """The targets of one catalogue."""

    def __init__(self, catalogue: CompiledCatalogue) -> None:
        """Read the names of the catalogue's questions and pools."""
        self._catalogue = catalogue

    def read(self, text: str) -> Target | None:
        """Return the target that ``text`` writes, None for an unknown one."""
        rows, place = [], 0
        while step := _STEP.match(text, place):
            rows.append((step[1], int(step[2])))
            place = step.end()
        code = text[place:]
        target = Target(code, tuple(rows))
        if not rows and code in _LABELS:
            return target
        return target if _CODE.fullmatch(code) and self._exists(target) else None

    def nearest_to(self, text: str) -> str:
        """Return the known target that is most similar to ``text``, "" without one."""
        return nearest(text, self._everywhere)

    def label(self, target: Target) -> str:
        """Return the label of ``target`` with the rows around it: "Locations 1: ZIP"."""
        if target.is_field:
            return _LABELS[target.code]
        around = ", ".join(f"{self._title(pool)} {number}" for pool, number in target.rows)
        label = self._catalogue.questions[target.code].question.label
        return f"{around}: {label}" if around else label

    def suggest(self, column: str) -> Suggestion:
        """Return what ``column`` probably is, from its name alone."""
        exact = self.read(column.strip())
        if exact is not None:
            return Suggestion(column, exact, "code")
        return self._in_rows(column) or self._plain(column)

    # Columns of rows

    def _in_rows(self, column: str) -> Suggestion | None:
        """Return the suggestion for a name that begins with a pool, such as ``Location 2 building 1 year built``."""
        rows: list[tuple[str, int]] = []
        rest, parent = column.strip(), ""
        while found := self._pool_at(rest, parent):
            pool, number, rest = found
            rows.append((pool, number))
            parent = pool
            if not rest:
                return None
        if not rows:
            return None
        codes, how = self._names(parent).find(rest)
        if not codes and (code := nearest(rest, self._codes(parent), labels=self._labels(parent))):
            codes, how = (code,), "similar"
        return _suggestion(column, [Target(code, tuple(rows)) for code in codes], how)

    def _pool_at(self, text: str, parent: str) -> tuple[str, int, str] | None:
        """Return the pool below ``parent`` that ``text`` begins with, the row's number, and the rest."""
        for number in _NUMBER.finditer(text):
            if pool := self._pools(parent).get(_folded(text[: number.start()])):
                return (pool, int(number[1]), text[number.end() :]) if int(number[1]) else None
        head, dot, rest = text.partition(".")
        pool = self._pools(parent).get(_folded(head)) if dot else None
        return (pool, 1, rest) if pool else None

    def _pools(self, parent: str) -> Mapping[str, str]:
        """Return the pools directly below ``parent`` by their names, in the singular too."""
        names: dict[str, str] = {}
        for code, pool in self._catalogue.pools.items():
            if pool.pool.parent == parent:
                for name in (_folded(code), _folded(self._title(code))):
                    names.setdefault(name, code)
                    names.setdefault(name.removesuffix("s"), code)
        names.pop("", None)
        return names

    # Other columns

    def _plain(self, column: str) -> Suggestion:
        codes, how = self._names("").find(column)
        if codes:
            return _suggestion(column, [Target(code) for code in codes], how)
        field = _FIELDS.get(_folded(column))
        if field:
            return Suggestion(column, Target(field), "name")
        in_pools = [
            (Target(code, self._first_rows(pool)), how)
            for pool in self._catalogue.pools
            for codes, how in [self._names(pool).find(column)]
            for code in codes
        ]
        if in_pools:
            return _suggestion(column, [target for target, _ in in_pools], in_pools[0][1])
        similar = nearest(column, self._codes(""), labels=self._labels(""))
        return Suggestion(column, Target(similar) if similar else None, "similar" if similar else "")

    def _first_rows(self, pool: str) -> tuple[tuple[str, int], ...]:
        return tuple((code, 1) for code in (*self._catalogue.pools[pool].ancestors, pool))

    # Names

    def _exists(self, target: Target) -> bool:
        parent = ""
        for pool, number in target.rows:
            compiled = self._catalogue.pools.get(pool)
            if compiled is None or compiled.pool.parent != parent or number > compiled.pool.max:
                return False
            parent = pool
        return target.code in self._catalogue.codes.get(parent, ())

    def _title(self, pool: str) -> str:
        return self._catalogue.sets[self._catalogue.pools[pool].set_code].question_set.title

    def _codes(self, pool: str) -> list[str]:
        return sorted(self._catalogue.codes.get(pool, ()))

    def _labels(self, pool: str) -> Mapping[str, str]:
        return {code: self._catalogue.questions[code].question.label for code in self._codes(pool)}

    def _names(self, pool: str) -> _Names:
        return self._all_names[pool]

    @cached_property
    def _all_names(self) -> Mapping[str, _Names]:
        return {pool: _Names(self._labels(pool)) for pool in ("", *self._catalogue.pools)}

    @cached_property
    def _everywhere(self) -> tuple[str, ...]:
        rows = [
            str(Target(code, self._first_rows(pool))) for pool in self._catalogue.pools for code in self._codes(pool)
        ]
        return (*_LABELS, *self._codes(""), *rows)


class _Names:
    """The questions of one pool, or of the document, by code, label, and code without the prefix that all share."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        prefix = commonprefix(list(labels)) if len(labels) > 1 else ""
        prefix = prefix[: prefix.rfind("_") + 1]
        self._by: dict[How, dict[str, list[str]]] = {"code": {}, "label": {}, "name": {}}
        for code, label in labels.items():
            self._by["code"].setdefault(_folded(code), []).append(code)
            self._by["label"].setdefault(_folded(label), []).append(code)
            self._by["name"].setdefault(_folded(code[len(prefix) :]), []).append(code)

    def find(self, text: str) -> tuple[tuple[str, ...], How]:
        """Return the codes that ``text`` names, and by what."""
        name = _folded(text)
        for how, names in self._by.items():
            if name and name in names:
                return tuple(names[name]), how
        return (), ""


def suggest(columns: Iterable[str], targets: Targets) -> list[Suggestion]:
    """Return a suggestion for each column. Of several columns with one target, those that are not sure list it as a
    candidate.
    """
    suggestions = [targets.suggest(column) for column in columns]
    sure: Final = ("code", "label", "name")
    taken = Counter(one.target for one in suggestions if one.target is not None and one.how in sure)
    unsure = Counter(one.target for one in suggestions if one.target is not None and one.how not in sure)
    return [
        Suggestion(one.column, None, "", (one.target,))
        if one.target is not None
        and (taken[one.target] > 1 or (one.how not in sure and taken[one.target] + unsure[one.target] > 1))
        else one
        for one in suggestions
    ]


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """The targets of a file's columns; ``unmapped`` columns are not imported."""

    targets: Mapping[str, Target]
    unmapped: tuple[str, ...]

    def column_of(self, target: Target) -> str:
        """Return the column of ``target``, "" without one."""
        return next((column for column, found in self.targets.items() if found == target), "")


def check_mapping(given: Mapping[str, str | None], columns: Sequence[str], targets: Targets) -> ColumnMapping:
    """Return the mapping of ``columns`` that ``given`` writes; columns without a target are not imported.

    Raises ``InvalidMapping`` with all faults, ``FileTooLarge`` for too many columns.
    """
    if len(given) > MOST_COLUMNS:
        raise FileTooLarge("columns", MOST_COLUMNS)
    known = set(columns)
    found: dict[str, Target] = {}
    faults = list(_mapping_faults(given, known, targets, found))
    if faults:
        raise InvalidMapping(faults)
    return ColumnMapping(found, tuple(column for column in columns if column not in found))


def _mapping_faults(
    given: Mapping[str, str | None], known: set[str], targets: Targets, found: dict[str, Target]
) -> Iterator[tuple[str, str, str]]:
    """Yield (column, code, sentence) of each fault; put the valid targets into ``found``."""
    taken: set[Target] = set()
    for column, text in given.items():
        if column not in known:
            meant = nearest(column, sorted(known))
            hint = f" Did you mean {meant!r}?" if meant else ""
            yield column, "unknown_column", f"The file has no such column.{hint}"
            continue
        if text is None or text == "":
            continue
        target = targets.read(text)
        if target is None:
            meant = targets.nearest_to(text)
            hint = f" Did you mean {meant!r}?" if meant else ""
            yield column, "unknown_target", f"The catalogue has no question {text[:80]!r}.{hint}"
        elif target in taken:
            yield column, "target_taken", f"Another column is mapped to {text[:80]!r} too. Map one of them only."
        else:
            taken.add(target)
            found[column] = target


def suggested_mapping(columns: Sequence[str], targets: Targets) -> ColumnMapping:
    """Return the mapping that the names of ``columns`` suggest for sure; similar names are left to the sender."""
    sure = {
        one.column: one.target for one in suggest(columns, targets) if one.target is not None and one.how != "similar"
    }
    return ColumnMapping(sure, tuple(column for column in columns if column not in sure))


def _suggestion(column: str, found: Sequence[Target], how: How) -> Suggestion:
    if len(found) == 1:
        return Suggestion(column, found[0], how)
    return Suggestion(column, None, "", tuple(found[:_MOST_CANDIDATES]))


def _folded(text: str) -> str:
    return _PLAIN.sub("", text.casefold())
