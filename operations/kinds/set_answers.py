"""The kind that sets answers and rows of many copies, as ``PATCH /copies/{id}/answers`` does of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import msgspec

from batch.changes.submission import submit_answers
from batch.confirmation import confirm
from batch.context import BatchContext
from copies.paths import lower_row_ids
from operations.kinds.copy_kind import CopyItem, CopyKind, Done
from operations.kinds.kind import Refusal, Work
from tenants.access import Actor
from tenants.models import Tenant


class Confirmation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A warning to confirm: the path of the answer and the code of the message, or ``proposed``."""

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class AnswersItem(CopyItem, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A copy with answers and rows of its own, which come after those of the arguments and win over them."""

    answers: dict[str, Any] = {}
    answer_pools: dict[str, Any] = {}
    confirm: list[Confirmation] = []


class AnswersArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answers and new rows that every copy gets. A null value clears the answer."""

    answers: dict[str, Any] = {}
    answer_pools: dict[str, Any] = {}
    confirm: list[Confirmation] = []


class SetAnswers(CopyKind[AnswersItem, AnswersArguments]):
    """Sets answers and rows."""

    code: ClassVar[str] = "set_answers"
    title: ClassVar[str] = "Set answers"
    description: ClassVar[str] = (
        "Sets the same answers in many copies, or others in each. Values are checked as if they were typed in: an "
        "invalid one fails its copy, and the others go on."
    )
    item_type = AnswersItem
    arguments_type = AnswersArguments

    def refusals(
        self, items: Sequence[AnswersItem], arguments: AnswersArguments, *, tenant: Tenant, actor: Actor
    ) -> list[Refusal | None]:
        """Return for each item why it is refused: it names no copy, or nothing to set."""
        found = super().refusals(items, arguments, tenant=tenant, actor=actor)
        return [refusal or _without_answers(item, arguments) for refusal, item in zip(found, items, strict=True)]

    def change(self, context: BatchContext, item: AnswersItem, work: Work[AnswersArguments]) -> Done:
        """Submit the answers, then confirm the warnings."""
        given = work.arguments
        answers = {**given.answers, **item.answers}
        pools = {code: _joined(given.answer_pools.get(code), rows) for code, rows in item.answer_pools.items()}
        submit_answers(context.changeset, answers, {**given.answer_pools, **pools})
        for one in (*given.confirm, *item.confirm):
            confirm(context, lower_row_ids(one.path), one.code)
        return Done()


def _joined(rows: Any, more: Any) -> Any:
    """Return the rows of the arguments with those of an item. What is no list is refused with its place later."""
    return [*rows, *more] if isinstance(rows, list) and isinstance(more, list) else more


def _without_answers(item: AnswersItem, arguments: AnswersArguments) -> Refusal | None:
    for given in (item, arguments):
        if given.answers or given.answer_pools or given.confirm:
            return None
    return Refusal(code="nothing_to_set", detail="Name at least one answer, row or warning to confirm.")
