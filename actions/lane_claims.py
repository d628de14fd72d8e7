"""The claims of a lane: due rows of a lane's kinds, no more per group than the group has room for.

A lane's actions wait for other systems, and a group is one of these systems: the payload's field ``carrier``. A group
without room is skipped, so its waiting rows hide no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from actions.claims import CLAIM_COLUMNS, DUE_CONDITIONS, TABLE, Claims, LeasedAction

#: Due rows that one claim looks at, so that its time does not grow with the backlog.
_LOOKED_AT: Final = 1_000
_GROUP: Final = "COALESCE(o.payload->>'carrier', '')"
_CLAIM: Final = f"""
WITH known AS (
    SELECT * FROM unnest(%(kinds)s::text[], %(newest)s::int[], %(fresh)s::bool[]) AS k (kind, newest, is_fresh)),
room AS (
    SELECT * FROM unnest(%(groups)s::text[], %(rooms)s::int[]) AS r (name, places)),
due AS (
    SELECT o.id, {_GROUP} AS grp, o.next_attempt_at
      FROM {TABLE} o JOIN known k ON k.kind = o.kind AND o.payload_version <= k.newest
      LEFT JOIN room r ON r.name = {_GROUP}
     WHERE o.state = 'waiting' AND {{standing}} AND o.id <> ALL(%(running)s::uuid[])
       AND COALESCE(r.places, %(usual)s) > 0
       AND {DUE_CONDITIONS}
     ORDER BY o.next_attempt_at LIMIT {{looked_at}}),
placed AS (
    SELECT d.id, row_number() OVER (PARTITION BY d.grp ORDER BY d.next_attempt_at, d.id)
               <= COALESCE(r.places, %(usual)s) AS has_place
      FROM due d LEFT JOIN room r ON r.name = d.grp),
chosen AS (
    SELECT o.id FROM {TABLE} o JOIN placed p ON p.id = o.id AND p.has_place
     WHERE o.state = 'waiting' AND {{standing}}
     ORDER BY o.next_attempt_at LIMIT %(limit)s FOR UPDATE OF o SKIP LOCKED)
UPDATE {TABLE} o
   SET lease_token = %(token)s, leased_until = clock_timestamp() + make_interval(secs => %(lease)s),
       attempts = o.attempts + 1, crashes = o.crashes + (o.lease_token IS NOT NULL)::int
  FROM chosen WHERE o.id = chosen.id
RETURNING {CLAIM_COLUMNS}"""  # noqa: S608 - names of our own table and columns, here and below
_NEW: Final = _CLAIM.format(
    standing="o.lease_token IS NULL AND o.next_attempt_at <= statement_timestamp()", looked_at=_LOOKED_AT
)
#: Stops at the first rows that it finds; with fewer it reads all due rows (``LeftSearch``).
_LEFT: Final = _CLAIM.format(
    standing="o.lease_token IS NOT NULL AND o.leased_until < statement_timestamp()"
    " AND o.next_attempt_at <= statement_timestamp()",
    looked_at="%(limit)s",
)


@dataclass(frozen=True, kw_only=True)
class Room:
    """The free places of the groups that are known, and the ``usual`` number of any other group."""

    places: Mapping[str, int]
    usual: int


class LaneClaims(Claims):
    """The leases of one worker of a lane.

    Claims leave the rows out that are ``running`` in this worker, whatever has become of them: one is due again before
    its attempt is over when its delay ends soon, and when another worker took it over and left it.
    """

    def claim_with_room(self, room: Room, *, limit: int, running: Iterable[UUID] = ()) -> list[LeasedAction]:
        """Lease up to ``limit`` due rows that no worker has started, the longest due first."""
        return self._claim(_NEW, limit, **_parameters(room, running))

    def claim_left_with_room(self, room: Room, *, limit: int, running: Iterable[UUID] = ()) -> list[LeasedAction]:
        """Lease up to ``limit`` rows whose workers let their leases expire."""
        return self._claim(_LEFT, limit, **_parameters(room, running))


def _parameters(room: Room, running: Iterable[UUID]) -> dict[str, Any]:
    places = room.places
    return {"groups": list(places), "rooms": list(places.values()), "usual": room.usual, "running": list(running)}
