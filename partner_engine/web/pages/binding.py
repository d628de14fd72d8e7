"""The page that binds one quote: what is bound, what is still needed, the consent, and the carrier's decision. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from batch.binding_errors import AnswersNeededToBind, SubjectivityIsOpen
from batch.changes.mutators.bindings import BindingRow
from batch.changes.mutators.payment_methods import PaymentMethodRow
from copies.document import PoolRow
from copies.paths import Path
from partner_engine.web.pages.cards import row_title
from partner_engine.web.pages.fields import Field, build_field
from partner_engine.web.pages.links import Link, link_to
from partner_engine.web.pages.reading import Reading
from presentation.consent_wording import ChangedTerm, ConsentTerms
from presentation.formats import counted, day, moment, money
from quoting.binding_needs import Preparation


@dataclass(frozen=True)
class BindField:
    """A question to answer before binding; ``row`` names the row that it is in, "" outside of pools."""

    field: Field
    row: str = ""


@dataclass(frozen=True)
class Obstacle:
    """A reason for which the quote cannot be bound, and the code of its remedy."""

    text: str
    remedy: str


@dataclass(frozen=True)
class Condition:
    """An open subjectivity: its text, what it asks for, its day, and the question that it is about."""

    id: str
    text: str
    kind: str
    due: str
    link: Link | None
    may_follow: bool


@dataclass(frozen=True)
class Choice:
    """A payment method of the form."""

    id: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class GivenConsent:
    """The consent in force, with its time."""

    by: str
    recorded_by: str
    at: str


@dataclass(frozen=True)
class Standing:
    """Where the binding is: ``code`` is its state, ``title`` and ``text`` say it to the reader, ``reasons`` are the
    carrier's.
    """

    code: str
    title: str
    text: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class BindPage:
    """The page of one quote. It is ``open`` while it can be agreed and requested, and ``ready`` if only the consent is
    missing.
    """

    quote_id: str
    carrier: str
    product: str
    premium: str
    reference: str
    facts: tuple[tuple[str, str], ...]
    changes: tuple[ChangedTerm, ...]
    obstacles: tuple[Obstacle, ...]
    fields: tuple[BindField, ...]
    pools: tuple[Link, ...]
    left: str
    conditions: tuple[Condition, ...]
    methods: tuple[Choice, ...]
    disclosures: tuple[str, ...]
    wording: tuple[str, ...]
    wording_hash: str
    consent: GivenConsent | None
    consent_void: str
    standing: Standing | None
    open: bool
    ready: bool
    writable: bool
    may_bind: bool

    @property
    def can_ask_again(self) -> bool:
        """Return whether the carrier can be asked again, which would help."""
        return self.writable and any(obstacle.remedy == "ask_again" for obstacle in self.obstacles)


def build_bind_page(
    reading: Reading, prepared: Preparation, *, methods: tuple[PaymentMethodRow, ...], may_bind: bool
) -> BindPage:
    """Return the page of ``prepared`` for the reader; ``methods`` are the payment methods of the form."""
    request, binding, terms = prepared.request, prepared.binding, prepared.terms
    is_decided = binding is not None and (binding.is_under_way or binding.state == "bound")
    needed, obstacles = prepared.questions.needed, () if is_decided else tuple(_obstacles(prepared))
    carrier, product = (terms.carrier, terms.product) if terms else (request.carrier, request.product)
    return BindPage(
        quote_id=str(request.id),
        carrier=carrier,
        product=product,
        premium=money(terms.premium, terms.currency) if terms else "",
        reference=request.carrier_reference,
        facts=tuple(_facts(reading, prepared)),
        changes=terms.changes if terms else (),
        obstacles=obstacles,
        fields=() if is_decided else tuple(_fields(reading, prepared)),
        pools=() if is_decided else tuple(link_to(reading, path) for path in needed if _is_elsewhere(reading, path)),
        left=counted(len(needed), "answer") if needed else "",
        conditions=tuple(_conditions(reading, prepared)),
        methods=tuple(_methods(methods, binding)),
        disclosures=terms.disclosures if terms else (),
        wording=_paragraphs(prepared, terms),
        wording_hash=prepared.wording_hash,
        consent=_consent(reading, binding),
        consent_void=binding.consent_void_reason if binding else "",
        standing=_standing(binding, carrier),
        open=not is_decided and not obstacles and terms is not None,
        ready=not prepared.before_consent and not is_decided,
        writable=reading.is_writable,
        may_bind=may_bind,
    )


def _facts(reading: Reading, prepared: Preparation) -> list[tuple[str, str]]:
    terms, request = prepared.terms, prepared.request
    facts = [("Quote", request.carrier_reference or "–")]
    if terms is not None:
        facts.insert(0, ("Insured", terms.insured))
        if terms.effective_on:
            facts.append(("Starts", day(terms.effective_on)))
        if terms.payment_plan:
            facts.append(("Payment plan", terms.payment_plan))
    if request.valid_until:
        facts.append(("Valid until", day(request.valid_until)))
    return facts


def _obstacles(prepared: Preparation) -> list[Obstacle]:
    """Return the refusals that the page does not show in a part of its own."""
    return [
        Obstacle(str(error), getattr(error, "remedy", ""))
        for error in prepared.before_consent
        if not isinstance(error, AnswersNeededToBind | SubjectivityIsOpen)
    ]


def _fields(reading: Reading, prepared: Preparation) -> list[BindField]:
    found = []
    plan = reading.catalogue.definition.payment_plan_question
    paths = dict.fromkeys([*prepared.questions.asked, *([plan] if plan in reading.catalogue.questions else [])])
    for path in paths:
        known, answer = reading.catalogue.questions.get(Path(path).code), reading.answer(path)
        if known is not None and answer is not None and answer.active and reading.asks(path):
            prefix = Path(path).parent
            found.append(BindField(build_field(reading, known.question, prefix, answer), _row(reading, prefix)))
    return found


def _row(reading: Reading, prefix: str) -> str:
    row = reading.container(f"{prefix}/x") if prefix else None
    pool = reading.catalogue.pools.get(Path(prefix).pool) if prefix else None
    return row_title(reading, pool.pool, row) if pool and isinstance(row, PoolRow) else ""


def _is_elsewhere(reading: Reading, path: str) -> bool:
    """Return whether what is needed at ``path`` cannot be answered on this page: it is a pool without rows."""
    return Path(path).code not in reading.catalogue.questions


def _conditions(reading: Reading, prepared: Preparation) -> list[Condition]:
    today = reading.reader.now.astimezone(reading.reader.zone).date()
    return [
        Condition(
            id=str(row.id),
            text=row.text,
            kind=row.kind,
            due=day(row.due_on) if row.due_on else "",
            link=link_to(reading, row.path) if row.path else None,
            may_follow=row.due_on is not None and row.due_on >= today,
        )
        for row in prepared.subjectivities
    ]


def _methods(methods: tuple[PaymentMethodRow, ...], binding: BindingRow | None) -> list[Choice]:
    chosen = binding.payment_method_id if binding else None
    default = next((row.id for row in methods if row.is_default), None)
    return [Choice(str(row.id), row.label, row.id == (chosen or default)) for row in methods]


def _paragraphs(prepared: Preparation, terms: ConsentTerms | None) -> tuple[str, ...]:
    """Return the paragraphs of the wording; the disclosures are among them."""
    return tuple(prepared.wording.split("\n\n")) if terms else ()


def _consent(reading: Reading, binding: BindingRow | None) -> GivenConsent | None:
    consent = binding.given_consent if binding else None
    if consent is None:
        return None
    at = moment(consent.accepted_at, reading.reader.zone, now=reading.reader.now)
    return GivenConsent(consent.accepted_by, consent.recorded_by, at)


def _standing(binding: BindingRow | None, carrier: str) -> Standing | None:
    if binding is None:
        return None
    reasons = tuple(reason["text"] or reason["code"] for reason in binding.reasons)
    match binding.state:
        case "requested":
            text = f"{carrier} is asked to bind. The result appears here."
            return Standing("requested", "Request sent" if binding.sent_at else "Sending the request", text)
        case "pending":
            return Standing("pending", "Waiting for the carrier", f"{carrier} has yet to decide.", reasons)
        case "bound":
            text = "The copy is locked, and the other quotes of this line are withdrawn."
            return Standing("bound", f"Bound: policy {binding.policy_number}", text)
        case "refused":
            return Standing("refused", f"{carrier} did not bind this quote", "You can try again.", reasons)
        case "help_requested":
            text = "Your administrators have been asked by mail. You can go on in the meantime."
            return Standing("help_requested", "Help is requested", text)
    return None
