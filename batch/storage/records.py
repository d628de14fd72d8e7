"""What surrounds a unit of work (whose, by whom, when, under which release) and what comes of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

import msgspec

from actions.kinds import DeferredAction
from batch.changes.tracker import Origin
from catalogue.releases import CompiledRelease
from copies.changes import Change
from copies.document import AnsweredBy
from rules.flow.evaluation import Evaluation, ProductOutcome
from tenants.access import Actor
from tenants.models import Tenant

#: Actors whose work counts as a person's touch.
PEOPLE: Final = frozenset({"user", "guest", "api_client"})


class Setting(msgspec.Struct, frozen=True):
    """What surrounds a unit of work: whose, by whom, when, under which release and correlation id."""

    scope: Tenant
    actor: Actor
    now: datetime
    as_of: date
    release: CompiledRelease
    correlation_id: str = ""
    created: str = ""

    @property
    def actor_as_answerer(self) -> AnsweredBy:
        """Return the actor as answers keep it."""
        return AnsweredBy(self.actor.type, self.actor.id, self.actor.source)

    @property
    def origin(self) -> Origin:
        """Return who makes the changes and when."""
        return Origin(by=self.actor_as_answerer, now=self.now, label=self.actor.label)


class SaveResult(msgspec.Struct, frozen=True):
    """What a save did, or a dry run would do: ``moved`` holds the products whose outcome or premium changed, None for
    one no longer asked for.
    """

    version: int
    changes: list[Change]
    evaluation: Evaluation
    moved: dict[str, ProductOutcome | None]
    actions: list[DeferredAction]
    written: bool
