"""Measures the import of a carrier's quote against a save of the same copy, both with lock and load."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Final

from batch import service as batch
from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.forms import ACTOR, SavedForm, Size, save_form
from benchmarks.rounds import Contender, interleave, ratios
from benchmarks.saving import save_ours
from carriers.links.wire import Premium, Quote, QuoteStatus
from quoting.importing import import_quote

SIZE: Final = Size(answers=500, rules=200)
CHANGES: Final = 100
#: Arguments of ``measure`` for a run that only shows that everything works.
QUICK: Final = {"size": Size(answers=60, rules=20), "changes": 5}
SAVE: Final = "a save"
SMALL: Final = "a save of one answer"
IMPORT: Final = "an import"
_sequences = count(1)


def measure(rounds: int, *, size: Size = SIZE, changes: int = CHANGES) -> list[Figure]:
    """Return the times of a save and of an import, and the ratio that has a goal."""
    form = save_form(size)
    one, many = ([form.changes(number, variant=variant) for variant in (1, 0)] for number in (1, changes))
    token = _submit(form)
    contenders = [
        Contender(name=SAVE, run=lambda call: save_ours(form, many[call % 2]), repeats=11, warm_up=4),
        Contender(name=SMALL, run=lambda call: save_ours(form, one[call % 2]), repeats=11, warm_up=4),
        Contender(name=IMPORT, run=lambda _: _import(form, token), repeats=11, warm_up=4),
    ]
    times = interleave(contenders, rounds=rounds)
    what = f"quote of a copy of {size.answers} answers, {size.rules} rules"
    return [
        figure(f"{what}: save of {changes} answers", "ms", milliseconds(times[SAVE])),
        figure(f"{what}: import", "ms", milliseconds(times[IMPORT])),
        figure(f"{what}: import / save", "times", ratios(times[IMPORT], times[SAVE]), goal="<= 1"),
        figure(f"{what}: import / save of one answer", "times", ratios(times[IMPORT], times[SMALL])),
    ]


def _submit(form: SavedForm) -> str:
    """Record a quote request as submitted; return its token."""
    product = next(iter(form.compiled.products))
    with batch.find_and_lock(form.id, scope=form.tenant, actor=ACTOR) as context:
        request = context.changeset.quote_requests.request(product)
        request.queue()
        context.save()
    with batch.find_and_lock(form.id, scope=form.tenant, actor=ACTOR) as context:
        request = next(iter(context.changeset.quote_requests))
        token = request.row.request_token
        # Without a hash it is never compared: what staleness costs is measured by itself.
        request.submit(payload_hash="")
        context.save()
    return token


def _import(form: SavedForm, token: str) -> None:
    number = next(_sequences)
    with batch.find_and_lock(form.id, scope=form.tenant, actor=ACTOR) as context:
        request = next(iter(context.changeset.quote_requests))
        quote = Quote(
            reference="Q-1",
            request_token=token,
            product=request.row.product,
            status=QuoteStatus.QUOTED,
            updated_at=datetime.now(UTC),
            sequence=number,
            premium=Premium(amount=1_000 + number),
            is_bindable=True,
        )
        import_quote(context, request, quote)
        context.save()
