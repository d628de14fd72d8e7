"""The first words of a guest's page: who asks, about which business, and how long it takes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Final

from partner_engine.web.pages.cards import Card, PoolView, build_cards
from partner_engine.web.pages.fields import Field
from partner_engine.web.pages.form_page import insured_name
from partner_engine.web.pages.reading import Reading
from presentation.formats import counted

#: A guest answers about four questions a minute.
_SECONDS: Final = 15


@dataclass(frozen=True)
class Welcome:
    """The words. ``asker`` is the agent's name, "" where a program made the link; ``business`` is "" while it has no
    name, ``time`` if nothing is open.
    """

    asker: str
    agency: str
    business: str = ""
    time: str = ""
    is_part: bool = False

    @property
    def title(self) -> str:
        """Return who asks about which business, in one sentence."""
        by = f"{self.asker}, {self.agency}," if self.asker else self.agency
        return f"{by} asks you about {self.business}" if self.business else f"{by} asks you for answers"


def build_welcome(reading: Reading, *, asker: str, agency: str) -> Welcome:
    """Return the words for the guest who reads, asked by ``asker`` of ``agency``."""
    open_fields = sum(not field.answered and not field.readonly for field in _fields(build_cards(reading)))
    minutes = ceil(open_fields * _SECONDS / 60)
    return Welcome(
        asker=asker,
        agency=agency,
        business=insured_name(reading),
        time=f"about {counted(minutes, 'minute')}" if minutes else "",
        is_part=not reading.reader.scope.is_whole,
    )


def _fields(cards: Iterable[Card]) -> Iterable[Field]:
    for card in cards:
        yield from card.fields
        yield from _of_pools([card.pool] if card.pool else [])


def _of_pools(pools: Iterable[PoolView]) -> Iterable[Field]:
    for pool in pools:
        for row in pool.rows:
            yield from row.fields
            yield from _of_pools(row.pools)
