"""How many questions each question set shows, and which sets of a long form the page draws. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from copies.document import Container, Document, PoolRow, Proposal, walk_containers
from copies.paths import Path, join_path, split_first
from rules.definition.model import CompiledCatalogue

#: A pool with more rows than this, nested rows included, shows lines instead of questions.
LONG_POOL: Final = 10
#: A form with more questions than this draws only the sets that are opened.
LONG_FORM: Final = 300
#: The first sets of a long form are drawn up to this number of questions.
DRAWN_FIRST: Final = 60


def is_long(rows: Sequence[PoolRow]) -> bool:
    """Return whether a pool with ``rows`` shows lines instead of questions."""
    return sum(1 + _nested(row) for row in rows) > LONG_POOL


def count_questions(catalogue: CompiledCatalogue, document: Document) -> Counter[str]:
    """Return the number of questions on the page by the set that shows them; rows of long pools are lines."""
    found = Counter(
        catalogue.questions[code].set_code
        for code, answer in document.answers.items()
        if answer.active and code in catalogue.questions
    )
    for code, rows in document.answer_pools.items():
        if code in catalogue.pools and not is_long(rows):
            found[catalogue.pools[code].set_code] += sum(_in_row(row) for row in rows)
    return found


def top_set_of(catalogue: CompiledCatalogue, path: str) -> str:
    """Return the code of the set whose card shows the question at ``path``, "" for one that is no longer asked."""
    question = catalogue.questions.get(Path(path).code)
    if question is None:
        return ""
    pool = catalogue.pools.get(split_first(path)[0])
    return pool.set_code if pool is not None and question.pool else question.set_code


def count_proposed(
    catalogue: CompiledCatalogue, document: Document, *, is_shown: Callable[[str, Proposal], bool]
) -> Counter[str]:  # fmt: skip
    """Return the number of proposed answers that ``is_shown`` accepts, by the set whose card shows them."""
    proposed = (
        path
        for prefix, container in walk_containers(document)
        for code, answer in container.answers.items()
        if answer.proposed and is_shown(path := join_path(prefix, code), answer.proposed)
    )
    return Counter(filter(None, (top_set_of(catalogue, path) for path in proposed)))


def first_sets(counts: Counter[str], visible: Iterable[str]) -> frozenset[str]:
    """Return the first of the ``visible`` sets, as many as ``DRAWN_FIRST`` questions allow and at least one."""
    found: list[str] = []
    for code in visible:
        if found and sum(counts[other] for other in (*found, code)) > DRAWN_FIRST:
            break
        found.append(code)
    return frozenset(found)


def _in_row(row: Container) -> int:
    shown = sum(answer.active for answer in row.answers.values())
    return shown + sum(_in_row(inner) for rows in row.answer_pools.values() for inner in rows)


def _nested(row: PoolRow) -> int:
    return sum(1 + _nested(inner) for rows in row.answer_pools.values() for inner in rows)
