"""Moments for tests of decisions: a catalogue that depends on the day, its next releases, and a tenant's next day."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone
from msgspec.structs import replace

from actions import relay
from rules.definition.catalogue import CatalogueDefinition, ProductRule, Question
from tenants.models import Tenant
from tests.harness.kennel_catalogue import ANSWERS, KENNELS

#: The clocks of these two are 25 hours apart, so it is never the same day there.
EARLY_ZONE, LATE_ZONE = "Pacific/Pago_Pago", "Pacific/Kiritimati"


def first_day() -> date:
    """Return the day of a tenant in the early zone."""
    return timezone.now().astimezone(ZoneInfo(EARLY_ZONE)).date()


def dated_answers() -> dict[str, object]:
    """Return answers with which PA-CARE is eligible on the first day, and no longer on the next."""
    return {**ANSWERS, "start_date": first_day().isoformat()}


def with_question(question: Question, base: CatalogueDefinition = KENNELS) -> CatalogueDefinition:
    """Return ``base`` with one more question in its first set."""
    first, *others = base.question_sets
    return replace(base, question_sets=(replace(first, questions=(*first.questions, question)), *others))


#: The kennel catalogue without surplus lines, and with a start date that must not be in the past.
DATED = with_question(
    Question(code="start_date", label="Start", type="date", required="quote", validate=("not_before:as_of",)),
    replace(KENNELS, products=KENNELS.products[:1]),
)


def declining(base: CatalogueDefinition = DATED, *, when: str = 'state == "TX"') -> CatalogueDefinition:
    """Return ``base`` with a rule of PA-CARE that declines ``when``."""
    return with_rule(base, ProductRule(id="P9", when=when, then="decline", why="Not written any more"))


def with_rule(base: CatalogueDefinition, rule: ProductRule) -> CatalogueDefinition:
    """Return ``base`` with one more rule of its first product."""
    first, *others = base.products
    return replace(base, products=(replace(first, rules=(*first.rules, rule)), *others))


def let_a_day_begin(tenant: Tenant) -> date:
    """Move ``tenant`` from the early to the late zone, where it is at least the next day; return that day."""
    assert tenant.time_zone == EARLY_ZONE
    tenant.time_zone = LATE_ZONE
    tenant.save()
    return datetime.now(ZoneInfo(LATE_ZONE)).date()


def run_actions(alias: str = "default") -> relay.Drained:
    """Run the due actions of a database until none is left."""
    return relay.drain(alias, seconds=120.0)
