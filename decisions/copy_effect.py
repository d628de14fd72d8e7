"""Decides one copy under a supposition, and returns what would be different from its present decision. Pure.

Where only products differ, a copy is first read as it was decided: a product with equal outcome and reasons can change
nothing else, so that only copies with other reasons are decided in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Final, Literal, NamedTuple, TypeAlias
from uuid import UUID

import msgspec
from msgspec.structs import replace

from copies.codec import decode, decode_narrow_document
from copies.document import Answer, AnswerValue, Container, Document, walk_answers, walk_containers
from copies.narrow_document import NarrowAnswer
from copies.paths import Path, join_path, split_path
from copies.sealed_answers import Sealer
from decisions.closed_parts import Closed
from decisions.decide_many import FAULTS, DecidingRelease, StoredCopy
from decisions.supposition import Supposition
from presentation.visibility import NOBODY, PUBLIC, Visibility
from rules.definition.model import CompiledCatalogue
from rules.definition.renames import Renames
from rules.flow import check_flow
from rules.flow.eligibility import mark_bindable, redecide_product
from rules.flow.evaluation import Evaluation, FlowResult, ProductOutcome, Reason
from rules.flow.followed_renames import follow_renames
from rules.incremental import partial_run
from rules.incremental.decided_state import DecidedState
from rules.incremental.formula_change import FormulaValues, formula_values, split_by_part
from rules.incremental.shapley import in_whole_units
from rules.payload import DecidedPayloads, fields_hash

#: The groups of copies without exactly one state, and of those whose state or industry is not open to all readers.
SEVERAL, NONE, CLOSED = "several", "none", "not shown"
#: What a premium that appears or disappears is put under if no rule is the reason.
MISSING, LOCK, CATALOGUE, REQUEST = "missing answers", "surplus lock", "product added or removed", "requested lines"
_WORD: Final = re.compile(r"\w+")
_OPEN: Final = frozenset({"eligible", "refer"})
#: How a copy was treated: not concerned, looked at in part, or decided in full.
Work: TypeAlias = Literal["none", "part", "full"]


class SentQuote(NamedTuple):
    """A quote request that a carrier has, with the hash of what was sent and its token."""

    product: str
    payload_hash: str
    token: str


class BookCopy(msgspec.Struct, frozen=True, kw_only=True):
    """An open copy of the book at ``version``; ``is_present`` states that its stored evaluation is that of the present
    release.
    """

    copy: StoredCopy
    form_id: UUID
    is_present: bool
    version: int = 0
    lines: tuple[str, ...] = ()
    quotes: tuple[SentQuote, ...] = ()


class ProductEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What is different for one product of a copy. An outcome of "" means that the product is not requested.

    ``causes`` split the difference of the premiums in whole units of the currency: by part of the formula where both
    are known, else by the rules that open or close the product. ``reasons`` are those of the present decision that
    would go (``-``) and those that would come (``+``), by rule id.
    """

    product: str
    before: str
    after: str
    premium_before: int | None
    premium_after: int | None
    state: str
    industry: str
    causes: dict[str, int] = {}
    reasons: tuple[str, ...] = ()

    @property
    def moved(self) -> int:
        """Return the difference of the premiums; a missing one counts 0."""
        return (self.premium_after or 0) - (self.premium_before or 0)

    @property
    def is_open_again(self) -> bool:
        """Return whether the product would be offered and is not now."""
        return self.after in _OPEN and self.before not in _OPEN

    @property
    def is_cheaper(self) -> bool:
        """Return whether the product is offered before and after, with a lower premium."""
        if self.premium_before is None or self.premium_after is None:
            return False
        return self.before in _OPEN and self.after in _OPEN and self.moved < 0


class CopyEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What a supposition changes for one copy. ``error`` names the fault of an undecidable copy. ``hidden`` and
    ``shown`` are the codes of answered questions that would be hidden, and of questions that would be asked anew;
    ``stale`` are the products of the quotes that would be stale. ``closed`` are the decided products that are left out
    because they depend on answers that the reader may not see. ``is_asked`` is False where the copy asks none of the
    questions whose answers are supposed.
    """

    id: UUID
    tenant_id: UUID
    form_id: UUID
    work: Work = "full"
    error: str = ""
    is_asked: bool = True
    products: tuple[ProductEffect, ...] = ()
    hidden: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Return whether anything would be different."""
        return bool(self.products or self.hidden or self.shown or self.stale)


class _RefusedAnswer(Exception):
    """The supposed answer could not be saved in this copy: a validator refuses it, or people may not change it.

    Where a validator compares it with an answer that the reader may not see, it is refused in any case.
    """


class _Side:
    """A decided document under a release."""

    def __init__(
        self, release: DecidingRelease, document: Document, evaluation: Evaluation, sealer: Sealer
    ) -> None:  # fmt: skip
        self.catalogue = release.compiled
        self.document = document
        self.evaluation = evaluation
        self._sealer = sealer

    @cached_property
    def state(self) -> DecidedState:
        """Return the decided values."""
        return DecidedState(self.catalogue, self.document, self.evaluation, reveal=self._sealer.reveal)

    @cached_property
    def payloads(self) -> DecidedPayloads:
        return DecidedPayloads(self.catalogue, self.document, self.evaluation)

    def is_stale(self, quote: SentQuote) -> bool:
        """Return whether the carrier of a quote would now be sent something else."""
        if quote.product not in self.catalogue.products:
            return True
        return fields_hash(self.payloads.fields(quote.product), quote.token) != quote.payload_hash


def effect_of(one: BookCopy, *, supposition: Supposition) -> CopyEffect:
    """Return what ``supposition`` changes for a copy."""
    known = CopyEffect(id=one.copy.id, tenant_id=one.copy.tenant_id, form_id=one.form_id)
    lines = supposition.lines
    if lines is not None and one.is_present and lines.isdisjoint(one.lines):
        return replace(known, work="none")
    judge = _Judge(one, supposition)
    try:
        found = judge.in_part() if _is_quick(one, supposition) else None
        return found or judge.in_full()
    except _RefusedAnswer as error:
        return replace(known, error=str(error))
    except FAULTS as error:
        return replace(known, error=type(error).__name__)


def _is_quick(one: BookCopy, supposition: Supposition) -> bool:
    return supposition.is_quick and one.is_present and not one.copy.renames and not supposition.renames


class _Judge:
    """The decisions on one copy."""

    def __init__(self, one: BookCopy, supposition: Supposition) -> None:
        self._one = one
        self._supposition = supposition
        copy = one.copy
        self._sealer = Sealer(tenant_id=copy.tenant_id, copy_id=copy.id, key=copy.key)

    def in_part(self) -> CopyEffect | None:
        """Return the effect where the changed products keep their reasons; None if the copy must be decided in full."""
        supposition, before = self._supposition, self._stored()
        supposed, outcomes = supposition.supposed, dict(before.evaluation.eligibility)
        after = _Side(supposed, before.document, before.evaluation, self._sealer)
        for code in supposition.products or ():
            old, new = (release.compiled.products.get(code) for release in (supposition.present, supposed))
            line = (new or old).product.line  # type: ignore[union-attr]
            if old is None or new is None or old.product.line != new.product.line:
                if after.state.is_wanted(line) or (old is not None and after.state.is_wanted(old.product.line)):
                    return None
                continue
            known = outcomes.get(code)
            if known is None:
                # Neither requested nor decided, but an excluded rival may open others.
                if after.state.is_wanted(line):
                    return None
                continue
            if old.product.rate_type != new.product.rate_type or old.product.carrier != new.product.carrier:
                return None
            if not (old.has_unique_reasons and new.has_unique_reasons):
                return None
            if known.outcome == "locked":
                continue
            parts = supposition.parts[code]
            decided = redecide_product(after.state, new, before=known, parts=parts) if parts else known
            if (decided.outcome, decided.reasons) != (known.outcome, known.reasons):
                return None
            outcomes[code] = decided
        evaluation = replace(
            before.evaluation,
            eligibility=mark_bindable(supposed.compiled, outcomes, before.evaluation.needed),
        )
        after.evaluation = evaluation
        return self._effect(before, after, work="part")

    def in_full(self) -> CopyEffect:
        """Return the effect by the decisions before and after."""
        supposition, one = self._supposition, self._one
        document = self._read(*one.copy.renames, *supposition.renames)
        # Before an answer is replaced: what the copy has now may be hidden, too.
        closed = None if supposition.closed is None else supposition.closed.of(document)
        paths = self._suppose(document)
        if supposition.answers and not paths:
            return CopyEffect(
                id=one.copy.id, tenant_id=one.copy.tenant_id, form_id=one.form_id, is_asked=False, work="part"
            )
        result = self._run(document, supposition.supposed, changed=paths)
        refused = [refusal for refusal in result.refusals if refusal.path in paths]
        if refused:
            raise _RefusedAnswer(f"refused: {Path(refused[0].path).code} ({refused[0].code})")
        is_shared = one.is_present and not paths and not (result.states or result.dropped or supposition.renames)
        if is_shared:
            before = self._side_of_stored(document)
        else:
            before = self._stored() if one.is_present else self._decided_now()
            apply_states(document, result)
        after = _Side(supposition.supposed, document, result.evaluation, self._sealer)
        effect = self._effect(before, after, work="full")
        return effect if closed is None else _without_closed(effect, closed, before.evaluation)

    def _run(self, document: Document, release: DecidingRelease, *, changed: frozenset[str]) -> FlowResult:
        as_of, reveal = self._one.copy.as_of, self._sealer.reveal
        if changed and self._one.is_present:
            return partial_run.rerun(
                release.compiled,
                document,
                before=self._evaluation(),
                changed=changed,
                as_of=as_of,
                release=release.id,
                reveal=reveal,
            )
        return check_flow.run(release.compiled, document, as_of=as_of, release=release.id, reveal=reveal)

    def _suppose(self, document: Document) -> frozenset[str]:
        """Put the supposed answers where their questions are asked; return the paths. Raises ``_RefusedAnswer``."""
        answers = self._supposition.answers
        if not answers:
            return frozenset()
        if not self._one.is_present:
            # The questions are asked that the present release asks today.
            release = self._supposition.present
            apply_states(document, self._run(document, release, changed=frozenset()))
        paths, closed = set(), self._supposition.closed
        for path, answer in _asked(document, answers):
            if closed is not None and closed.compares(Path(path).code, document):
                raise _RefusedAnswer(CLOSED)
            if answer.readonly:
                raise _RefusedAnswer(f"refused: {Path(path).code} (read_only)")
            answer.value, answer.sealed, answer.mask, answer.tag = answers[Path(path).code], None, "", ""
            answer.confirmed, answer.proposed = (), None
            paths.add(path)
        return frozenset(paths)

    def _stored(self) -> _Side:
        return self._side_of_stored(self._read(*self._one.copy.renames))

    def _side_of_stored(self, document: Document) -> _Side:
        return _Side(self._supposition.present, document, self._evaluation(), self._sealer)

    def _evaluation(self) -> Evaluation:
        """Return the stored evaluation as that of the present release and day, under which nothing is different."""
        copy = self._one.copy
        stored = decode(copy.evaluation, Evaluation)
        return replace(stored, release=self._supposition.present.id, as_of=copy.as_of)

    def _decided_now(self) -> _Side:
        document = self._read(*self._one.copy.renames)
        result = self._run(document, self._supposition.present, changed=frozenset())
        apply_states(document, result)
        return _Side(self._supposition.present, document, result.evaluation, self._sealer)

    def _read(self, *renames: object) -> Document:
        document = decode_narrow_document(self._one.copy.document)
        follow_renames(document, renames, sealing=self._sealer)  # type: ignore[arg-type]
        return document

    def _effect(self, before: _Side, after: _Side, *, work: Work) -> CopyEffect:
        one, renames = self._one, self._supposition.renames
        products = tuple(_product_effects(before, after, renames))
        stale = tuple(
            quote.product
            for quote in one.quotes
            if after.is_stale(quote) and (one.is_present or not before.is_stale(quote))
        )
        # A renamed question is neither hidden nor asked anew. Nothing reads the document before after this.
        follow_renames(before.document, renames)
        hidden, shown = _visibility_changes(before.document, after.document)
        return CopyEffect(
            id=one.copy.id,
            tenant_id=one.copy.tenant_id,
            form_id=one.form_id,
            work=work,
            products=products,
            hidden=hidden,
            shown=shown,
            stale=stale,
        )


def _without_closed(effect: CopyEffect, closed: Closed, evaluation: Evaluation) -> CopyEffect:
    return replace(
        effect,
        products=tuple(part for part in effect.products if part.product not in closed.products),
        hidden=tuple(code for code in effect.hidden if code not in closed.values),
        shown=tuple(code for code in effect.shown if code not in closed.values),
        stale=tuple(product for product in effect.stale if product not in closed.quotes),
        closed=tuple(product for product in evaluation.eligibility if product in closed.products),
    )


def apply_states(document: Document, result: FlowResult) -> None:
    """Set in ``document``, which is never stored, what ``result`` states about visibility."""
    containers: dict[str, Container] = dict(walk_containers(document))
    for state in result.states:
        prefix, code = split_path(state.path)
        # A narrow document has narrow answers.
        answer = containers[prefix].answers.setdefault(code, NarrowAnswer())  # type: ignore[arg-type]
        answer.active, answer.required, answer.readonly = state.active, state.required, state.readonly
    for path in result.dropped:
        prefix, code = split_path(path)
        containers[prefix].answers.pop(code, None)


def _asked(document: Document, answers: Mapping[str, AnswerValue]) -> Iterator[tuple[str, Answer]]:
    for prefix, container in walk_containers(document):
        for code in answers:
            answer = container.answers.get(code)
            if answer is not None and answer.active:
                yield join_path(prefix, code), answer


def _visibility_changes(before: Document, after: Document) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the codes of the answered questions that are hidden in ``after`` alone, and of those asked there alone."""
    if before is after:
        return (), ()
    old, new = _visible(before), _visible(after)
    hidden = {Path(path).code for path, is_answered in old.items() if is_answered and path not in new}
    shown = {Path(path).code for path in new if path not in old}
    return tuple(sorted(hidden)), tuple(sorted(shown))


def _visible(document: Document) -> dict[str, bool]:
    return {path: answer.is_answered for path, answer in walk_answers(document) if answer.active}


def _product_effects(before: _Side, after: _Side, renames: Sequence[Renames]) -> Iterator[ProductEffect]:
    old, new = before.evaluation.eligibility, after.evaluation.eligibility
    for code in {**old, **new}:
        was, now = old.get(code), new.get(code)
        if _brief(was) != _brief(now):
            causes = _causes(code, was, now, before, after, renames)
            yield _product_effect(code, was, now, before, after, causes)


def _brief(outcome: ProductOutcome | None) -> tuple[str, int | None]:
    return ("", None) if outcome is None else (outcome.outcome, outcome.premium)


def _product_effect(  # noqa: PLR0913 - a product under two releases
    code: str,
    was: ProductOutcome | None,
    now: ProductOutcome | None,
    before: _Side,
    after: _Side,
    causes: dict[str, int],
) -> ProductEffect:
    side = after if code in after.catalogue.products else before
    state, industry = _place(side, code)
    return ProductEffect(
        product=code,
        before=was.outcome if was else "",
        after=now.outcome if now else "",
        premium_before=was.premium if was else None,
        premium_after=now.premium if now else None,
        state=state,
        industry=industry,
        causes=causes,
        reasons=(
            *(f"-{reason.rule}" for reason in _only_in(was, now)),
            *(f"+{reason.rule}" for reason in _only_in(now, was)),
        ),
    )


def _causes(  # noqa: PLR0913 - a product under two releases
    code: str,
    was: ProductOutcome | None,
    now: ProductOutcome | None,
    before: _Side,
    after: _Side,
    renames: Sequence[Renames],
) -> dict[str, int]:
    old, new = (one.premium if one else None for one in (was, now))
    if old is not None and new is not None:
        if old == new:
            return {}
        values = [formula_values(side.state, side.catalogue.products[code]) for side in (before, after)]
        return split_by_part(_with_new_codes(values[0], renames), values[1], premiums=(old, new))
    moved = (new or 0) - (old or 0)
    if not moved:
        return {}
    # Each reason alone closes the product, so that all have the same share.
    closed, opened = (now, was) if new is None else (was, now)
    rules = [f"rule {reason.rule}" for reason in _only_in(closed, opened) if reason.effect in ("decline", "base")]
    if rules:
        unique = list(dict.fromkeys(rules))
        return dict(zip(unique, in_whole_units([Fraction(moved, len(unique))] * len(unique), moved), strict=True))
    if closed is None:
        known = code in before.catalogue.products and code in after.catalogue.products
        return {REQUEST if known else CATALOGUE: moved}
    return {LOCK if closed.outcome == "locked" else MISSING: moved}


def _with_new_codes(values: FormulaValues | None, renames: Sequence[Renames]) -> FormulaValues | None:
    """Return ``values`` with the names that their parts have after ``renames``, so that equal parts are one cause."""
    if values is None or not renames:
        return values
    codes = {old: moved.code for one in renames for old, moved in (*one.questions.items(), *one.pools.items())}
    amounts = {_WORD.sub(lambda word: codes.get(word[0], word[0]), name): one for name, one in values.amounts.items()}
    return replace(values, amounts=amounts)


def _only_in(one: ProductOutcome | None, other: ProductOutcome | None) -> list[Reason]:
    known = {reason.rule for reason in other.reasons} if other else set()
    return [reason for reason in (one.reasons if one else ()) if reason.rule not in known]


def _place(side: _Side, code: str) -> tuple[str, str]:
    """Return the groups of a product: its state and its industry."""
    line = side.catalogue.products[code].line
    states = line.states.evaluate(side.state.root)
    industry = line.industry.evaluate(side.state.root)
    named = sorted({item for item in states if isinstance(item, str)}) if isinstance(states, list) else []
    state = NONE if not named else named[0] if len(named) == 1 else SEVERAL
    return (
        CLOSED if _is_closed(side, line.states.reads) else state,
        CLOSED if _is_closed(side, line.industry.reads) else _text(industry),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) and value else NONE


def _is_closed(side: _Side, reads: frozenset[str]) -> bool:
    """Return whether an answer behind ``reads`` is not public, now or when it was given."""
    visibility, codes = Visibility(side.catalogue, NOBODY), _questions_behind(side.catalogue, reads)
    if any(visibility.of(code) is not PUBLIC for code in codes):
        return True
    return any(
        visibility.of(code, container.answers[code]) is not PUBLIC
        for _, container in walk_containers(side.document)
        for code in codes & container.answers.keys()
    )


def _questions_behind(catalogue: CompiledCatalogue, reads: frozenset[str]) -> frozenset[str]:
    """Return the codes of the questions that ``reads``, directly or by derived values, are made of."""
    found = reads & catalogue.questions.keys()
    for code in reads & catalogue.derived.keys():
        found |= _questions_behind(catalogue, catalogue.derived[code].value.reads)
    return found
