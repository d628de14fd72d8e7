"""The order of a batch operation as a caller submits it, and the result of its submission. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from forms.states import State
from forms.status_order import QuoteStep
from operations.batch_models import BatchOperation
from presentation.faults import Fault

#: The most items of one order: in a list, and found by a query.
MOST_ITEMS: Final = 10_000
MOST_FOUND: Final = 100_000
#: The first rejections are stored and shown; the others are only counted.
MOST_REJECTIONS: Final = 1_000


class ItemQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A query that chooses copies, with the words and filters of the list of forms.

    ``quotes`` is how far the furthest quote is. ``every_copy`` takes all copies that match, else only the one of each
    form that a user touched last.
    """

    q: Annotated[str, Meta(max_length=200)] = ""
    state: State | None = None
    quotes: QuoteStep | None = None
    line: Annotated[str, Meta(max_length=64)] = ""
    owner: Annotated[str, Meta(max_length=64)] = ""
    updated_since: Annotated[datetime, Meta(tz=True)] | None = None
    every_copy: bool = False


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an operation runs.

    ``dry_run`` changes no form and makes a plan. ``force`` does work that would change nothing too, as far as the kind
    knows it. Of one tenant's operations those of a higher ``priority`` run first. The rest is cancelled once more than
    ``stop_after_failures_percent`` of the items have failed.
    """

    dry_run: bool = False
    force: bool = False
    priority: Annotated[int, Meta(ge=-10, le=10)] = 0
    stop_after_failures_percent: Annotated[int, Meta(ge=1, le=100)] | None = None


class NewOperation(msgspec.Struct, frozen=True, kw_only=True):
    """An order: a kind with ``items`` or a ``query``, or the ``plan`` (the id of a dry run) to carry out.

    ``items`` are JSON values, or structs of the kind's item type. ``most_items`` is the most of a list; a file may have
    more. A ``plan`` needs its ``plan_hash``.

    ``id`` is that of the operation to be, where the caller chose it so that a repeated order is the same operation.
    """

    kind: str = ""
    items: Iterable[Any] | None = None
    query: ItemQuery | None = None
    arguments: Mapping[str, Any] = {}
    options: Options = Options()
    title: str = ""
    depends_on: UUID | None = None
    plan: UUID | None = None
    plan_hash: str = ""
    id: UUID | None = None
    most_items: int = MOST_ITEMS


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """An item that was refused at submission: its ``index`` in the input, from 0, and why."""

    index: int
    code: str
    detail: str
    errors: list[Fault] = []


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """A stored operation and the first of its rejections."""

    operation: BatchOperation
    rejections: list[Rejection]


ResultFormat = Literal["ndjson", "csv"]
