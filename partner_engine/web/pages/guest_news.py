"""What guests did since the version that an agent's open page shows: for a notice and a badge on that page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from copies.changes import Change
from copies.paths import Path
from partner_engine.web.pages.reading import Reading
from presentation.formats import counted

GUEST: Final = "guest"
#: The state in which the change of a link shows that its guest is done.
_FINISHED: Final = "finished"


@dataclass(frozen=True)
class GuestNews:
    """The news of one guest: the number of their ``answers``, whether they are done, and a sentence."""

    link: str
    who: str
    answers: int
    is_done: bool
    text: str


def build_guest_news(
    reading: Reading, changes: Iterable[Change], names: Mapping[str, str]
) -> tuple[GuestNews, ...]:  # fmt: skip
    """Return the news among ``changes``; ``names`` are those of the guests by the id of their link."""
    answers: dict[str, int] = {}
    done: dict[str, bool] = {}
    for change in changes:
        if change.cause.type != GUEST:
            continue
        link, path = change.cause.id, Path(change.path)
        if path.is_answer and reading.asks(change.path) and change.before != change.after:
            answers[link] = answers.get(link, 0) + 1
        elif path.kind == "guest_links" and change.after == _FINISHED:
            done[link] = True
    return tuple(
        _news(reading, link, names.get(link) or "A guest", answers.get(link, 0), link in done)
        for link in answers | done
    )


def _news(reading: Reading, link: str, who: str, answers: int, is_done: bool) -> GuestNews:
    if not is_done:
        return GuestNews(link, who, answers, is_done, f"{who} answered {counted(answers, 'question')}.")
    left = len(reading.left_to_quote)
    rest = f"{counted(left, 'answer is', 'answers are')} left for you." if left else "Everything is answered."
    return GuestNews(link, who, answers, is_done, f"{who} is done. {rest}")
