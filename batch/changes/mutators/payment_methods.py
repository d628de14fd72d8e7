"""Payment methods of the insured: a payment provider's token and a label, never an account number. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, Final, Literal, TypeAlias, get_args

from batch.changes.attached import AttachedRecord, RecordEvent, RecordKind, WhileUnset
from batch.changes.record_mutator import RecordCollection, RecordMutator
from batch.errors import LooksLikeAccountNumber, WrongState, WrongValue
from webhooks.event_types import CopyEvent, EventType

PaymentKind: TypeAlias = Literal["card", "bank_account", "invoice"]
#: Seven or more digits in a row, without spaces and hyphens, are the number of an account or a card.
_LONG_NUMBER: Final = re.compile(r"(?:\d[ -]?){7,}")


class PaymentMethodRow(AttachedRecord, frozen=True, kw_only=True):
    """One payment method of a form."""

    kind: str
    token: str
    label: str
    is_default: bool = False
    removed_at: datetime | None = None


class PaymentMethodEvent(CopyEvent, frozen=True, kw_only=True):
    """One payment method, without its numbers."""

    id: str
    kind: str


def _emit(before: PaymentMethodRow | None, after: PaymentMethodRow) -> Iterator[RecordEvent]:
    if before is None or before.removed_at != after.removed_at:
        name = "added" if before is None else "removed"
        yield name, {"id": str(after.id), "kind": after.kind}


PAYMENT_METHODS: Final = RecordKind(
    name="payment_methods",
    struct=PaymentMethodRow,
    model="forms.PaymentMethod",
    shown=lambda row: None if row.removed_at else row.label + (" (default)" if row.is_default else ""),
    events=EventType(
        family="payment_method",
        names=("added", "removed"),
        data=PaymentMethodEvent,
        when="a payment method was added, removed",
    ),
    emit=_emit,
    in_force=WhileUnset("removed_at"),
    of_form=True,
    depends_on_others=True,
)


class PaymentMethodMutator(RecordMutator[PaymentMethodRow]):
    """One payment method."""

    kind: ClassVar = PAYMENT_METHODS

    def make_default(self) -> None:
        """Make this the only default payment method. Raises ``WrongState`` after its removal."""
        self._tracker.require_writable()
        if self.row.removed_at:
            raise WrongState(self.path, now="removed", wanted="the default", possible=())
        for other in PaymentMethods(self._tracker):
            other._change(is_default=other.id == self.id)

    def remove(self) -> None:
        """Remove the payment method from the form."""
        self._change(removed_at=self.row.removed_at or self._tracker.now, is_default=False)


class PaymentMethods(RecordCollection[PaymentMethodRow, PaymentMethodMutator]):
    """The payment methods of the form."""

    mutator: ClassVar = PaymentMethodMutator

    def add(self, kind: PaymentKind, *, token: str, label: str) -> PaymentMethodMutator:
        """Add a payment method by the provider's ``token``; ``label`` is shown, such as "Visa •••• 4242".

        Raises ``LooksLikeAccountNumber`` where the label holds a long number, ``WrongValue``.
        """
        if kind not in get_args(PaymentKind):
            raise WrongValue("kind", f"it must be one of {', '.join(get_args(PaymentKind))}")
        if not 0 < len(token) <= 200 or not 0 < len(label) <= 100:
            raise WrongValue("label", "a token of at most 200 characters and a label of at most 100 are required")
        if _LONG_NUMBER.search(label) or token.replace(" ", "").replace("-", "").isdigit():
            raise LooksLikeAccountNumber
        return self._put(
            PaymentMethodRow(
                id=self._tracker.new_id(),
                created_at=self._tracker.now,
                kind=kind,
                token=token,
                label=label,
                is_default=not len(self),
            )
        )
