"""What sent quote requests cost a save: none of them, some that the change does not concern, some whose payloads are
built and compared.
"""

from __future__ import annotations

from typing import Any, Final

from batch import service as batch
from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.forms import ACTOR, SavedForm, Size, save_form, value_at
from benchmarks.rounds import Contender, interleave, ratios
from rules.payload import payload_hash, quote_payload

SIZE: Final = Size(answers=500, rules=200)
#: The changes of one save.
CHANGES: Final = 20
#: Arguments of ``measure`` for a run that only shows that everything works.
QUICK: Final = {"size": Size(answers=60, rules=20), "changes": 2}


def measure(rounds: int, *, size: Size = SIZE, changes: int = CHANGES) -> list[Figure]:
    """Return the times of a save without and with sent quote requests, and their ratios."""
    bare = save_form(size)
    published = (bare.tenant.catalogue, bare.compiled)
    quoted, moved = (_with_quotes(save_form(size, published=published)) for _ in range(2))
    sent = frozenset().union(*(product.payload.quote.reads for product in bare.compiled.products.values()))
    others = [code for code in bare.compiled.codes[""] if code.startswith("q") and code not in sent][:changes]
    names = ("no quotes", "quotes, other answers", "quotes, answers of their payloads")
    read = others[:-1] + sorted(code for code in sent if code.startswith("q"))[:1]
    contenders = [
        _contender(names[0], bare, others),
        _contender(names[1], quoted, others),
        _contender(names[2], moved, read),
    ]
    times = interleave(contenders, rounds=rounds)
    what = f"save {len(others)} of {size.answers} answers, {len(bare.compiled.products)} products"
    figures = [figure(f"{what}: {name}", "ms", milliseconds(times[name])) for name in names]
    for name, goal in zip(names[1:], ("<= 1.05", ""), strict=True):
        figures.append(figure(f"{what}: {name} / no quotes", "times", ratios(times[name], times[names[0]]), goal=goal))
    return figures


def _with_quotes(form: SavedForm) -> SavedForm:
    """Return ``form`` with a sent quote request for each of its products."""
    with batch.find_and_lock(form.id, scope=form.tenant, actor=ACTOR) as context:
        for product in form.compiled.products:
            context.changeset.quote_requests.request(product).queue()
        context.save()
        changeset, evaluation = context.changeset, context.evaluation
        for request in changeset.quote_requests:
            payload = quote_payload(form.compiled, changeset.document, request.row.product, evaluation=evaluation)
            request.submit(payload_hash=payload_hash(payload, request.row.request_token), asked=payload.asked)
        context.save()
    return form


def _contender(name: str, form: SavedForm, codes: list[str]) -> Contender:
    values: list[dict[str, Any]] = [{code: value_at(code, variant=turn) for code in codes} for turn in (1, 0)]
    return Contender(name=name, run=lambda call: _save(form, values[call % 2]), repeats=11, warm_up=4)


def _save(form: SavedForm, answers: dict[str, Any]) -> int:
    with batch.find_and_lock(form.id, scope=form.tenant, actor=ACTOR) as context:
        context.changeset.apply_answers(answers, {})
        return context.save().version
