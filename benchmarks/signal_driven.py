"""The first opponent: signal-driven models as a team would write them first.

A row per answer, saved one by one; a ``post_save`` receiver evaluates the rules that read the answer, loads for that
only the answers which those rules read, writes only outcomes that changed, and sends a webhook task to Celery.
Conditions that a change turns show or hide the questions behind them, whose saves fire the receiver again. In its favour
it keeps no history, and does without rules over rows of pools, derived values and premiums.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import date
from functools import cache
from typing import Any, ClassVar, Final, NamedTuple
from uuid import UUID

from celery import shared_task
from django.db import models, transaction
from django.db.models.signals import post_save
from django.utils import timezone

from copies.document import Document, walk_answers
from forms.rules.compiled import CompiledCatalogue
from forms.rules.expressions import Expression
from forms.rules.truth import NOTHING
from partner_engine.celery import app

QUEUE: Final = "benchmarks"


class SignalForm(models.Model):
    """A form."""

    id = models.UUIDField(primary_key=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "benchmarks"


class SignalAnswer(models.Model):
    """One answer."""

    form = models.ForeignKey(SignalForm, on_delete=models.CASCADE, related_name="answers")
    path = models.CharField(max_length=300)
    value = models.JSONField(null=True)
    active = models.BooleanField(default=True)
    answered_by = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "benchmarks"
        constraints: ClassVar = [models.UniqueConstraint(fields=["form", "path"], name="signal_answer_once")]


class SignalHit(models.Model):
    """A rule that speaks on a form."""

    form = models.ForeignKey(SignalForm, on_delete=models.CASCADE, related_name="hits")
    rule = models.CharField(max_length=64)

    class Meta:
        app_label = "benchmarks"
        constraints: ClassVar = [models.UniqueConstraint(fields=["form", "rule"], name="signal_hit_once")]


MODELS: Final = (SignalForm, SignalAnswer, SignalHit)


class Rule(NamedTuple):
    """A condition and what it is for: the question that it shows, or itself as a hit."""

    id: str
    when: Expression
    shows: str


@shared_task(name="benchmarks.publish_webhook", queue=QUEUE, ignore_result=True)
def publish_webhook(form_id: str, path: str) -> None:
    """Stand for the delivery: only the sending is measured."""


class Rules:
    """The rules of a catalogue by the answers that they read."""

    def __init__(self, catalogue: CompiledCatalogue) -> None:
        self.catalogue = catalogue
        self._by_code: dict[str, list[Rule]] = {}
        for rule in self._all():
            # Over rows of pools and derived values it would have to load everything each time.
            if all(code in catalogue.questions and not catalogue.questions[code].pool for code in rule.when.reads):
                for code in rule.when.reads:
                    self._by_code.setdefault(code, []).append(rule)

    def reading(self, code: str) -> list[Rule]:
        """Return the rules that read the answer ``code``."""
        return self._by_code.get(code, [])

    def is_true(self, rule: Rule, answers: Mapping[str, Any]) -> bool:
        """Decide ``rule`` by plain ``answers``."""
        root: list[Any] = [NOTHING] * self.catalogue.width
        root[0] = date(2026, 6, 1)
        for code in rule.when.reads:
            question = self.catalogue.questions[code]
            if answers.get(code) not in (None, "", []):
                root[question.slot] = question.read(answers[code])
        return rule.when.evaluate(root) is True

    def _all(self) -> list[Rule]:
        found = [
            Rule(question.question.code, question.when, question.question.code)
            for question in self.catalogue.questions.values()
            if question.when is not None and not question.pool
        ]
        found += [Rule(rule.rule.id, rule.when, "") for rule in self.catalogue.form_rules if not rule.pool]
        for product in self.catalogue.products.values():
            found += [Rule(f"{product.product.code}.{rule.rule.id}", rule.when, "") for rule in product.rules]
        return found


#: The rules of each form's catalogue; a team would have them in settings or a cached query.
rules_of: dict[UUID, Rules] = {}


def on_answer_saved(sender: type[SignalAnswer], instance: SignalAnswer, using: str, **kwargs: Any) -> None:
    """Fire the rules that read the saved answer, keep what they say, tell the partner."""
    rules = rules_of[instance.form_id]
    reading = rules.reading(instance.path)
    if reading:
        needed = {code for rule in reading for code in rule.when.reads}
        answers = SignalAnswer.objects.using(using).filter(form_id=instance.form_id)
        known = dict(answers.filter(path__in=needed, active=True).values_list("path", "value"))
        truths = {rule: rules.is_true(rule, known) for rule in reading}
        _keep_hits(instance.form_id, {rule.id: true for rule, true in truths.items() if not rule.shows}, using)
        for rule, true in truths.items():
            if rule.shows:
                _show(answers, rule.shows, true, using)
    publish_webhook.delay(str(instance.form_id), instance.path)


def _keep_hits(form_id: UUID, truths: dict[str, bool], using: str) -> None:
    hits = SignalHit.objects.using(using)
    known = set(hits.filter(form_id=form_id, rule__in=truths).values_list("rule", flat=True)) if truths else set()
    for rule, true in truths.items():
        if true and rule not in known:
            hits.create(form_id=form_id, rule=rule)
        elif not true and rule in known:
            hits.filter(form_id=form_id, rule=rule).delete()


def _show(answers: models.QuerySet[SignalAnswer], path: str, shown: bool, using: str) -> None:
    answer = answers.filter(path=path).first()
    if answer is not None and answer.active is not shown:
        answer.active = shown
        answer.save(using=using)


@cache
def connect() -> None:
    """Connect the receiver, once."""
    post_save.connect(on_answer_saved, sender=SignalAnswer, dispatch_uid="benchmarks")


def store(form_id: UUID, document: Document, catalogue: CompiledCatalogue) -> None:
    """Store ``document`` as rows, without firing anything."""
    connect()
    rules_of[form_id] = Rules(catalogue)
    form = SignalForm.objects.create(id=form_id)
    SignalAnswer.objects.bulk_create(
        SignalAnswer(form=form, path=path, value=answer.value, active=answer.active)
        for path, answer in walk_answers(document)
    )


def save(form_id: UUID, changes: Mapping[str, Any], *, using: str = "default", in_one: bool = False) -> None:
    """Save ``changes`` (path -> value) as a view would: one by one, each its own transaction unless ``in_one``."""
    with transaction.atomic(using=using) if in_one else nullcontext():
        form = SignalForm.objects.using(using).get(pk=form_id)
        for path, value in changes.items():
            answer = SignalAnswer.objects.using(using).get(form=form, path=path)
            answer.value = value
            answer.answered_by = "user"
            answer.updated_at = timezone.now()
            answer.save(using=using)
        form.save(using=using)


def forget_tasks() -> None:
    """Throw away the messages that nobody is there to take."""
    with app.connection_for_write() as connection:
        connection.default_channel.queue_purge(QUEUE)
