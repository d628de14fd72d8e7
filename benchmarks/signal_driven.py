"""The first opponent: signal-driven models as a team would write them at first.

A view goes through the answers and saves each by ``update_or_create``. A ``post_save`` receiver keeps the answer's
history, evaluates the rules that read it (loading only what these rules read), writes only outcomes that changed, and
sends a webhook task to Celery. A condition that changes shows or hides its answer, whose save calls the
receiver again.

In its favor it finds rules by the answers they read, stores no whole version of the form, does not compute the needed
answers, and has no lock, no list and search columns and no row-level security.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from functools import cache
from typing import Any, ClassVar, Final
from uuid import UUID

from celery import shared_task
from django.db import models, transaction
from django.db.models.signals import post_save

from benchmarks.signal_rules import Rules
from copies.document import Document, walk_answers
from partner_engine.celery import app
from rules.definition.model import CompiledCatalogue

QUEUE: Final = "benchmarks"


class SignalForm(models.Model):
    """A form."""

    id = models.UUIDField(primary_key=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "benchmarks"


class SignalAnswer(models.Model):
    """One answer, at the top of the form (``row`` empty) or in a row of a pool."""

    form = models.ForeignKey(SignalForm, on_delete=models.CASCADE, related_name="answers")
    row = models.CharField(max_length=36, blank=True)
    question = models.CharField(max_length=64)
    value = models.JSONField(null=True)
    active = models.BooleanField(default=True)
    answered_by = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "benchmarks"
        constraints: ClassVar = [models.UniqueConstraint(fields=["form", "row", "question"], name="signal_answer_once")]


class SignalHistory(models.Model):
    """An earlier value of an answer."""

    answer = models.ForeignKey(SignalAnswer, on_delete=models.CASCADE)
    value = models.JSONField(null=True)
    active = models.BooleanField()
    answered_by = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "benchmarks"


class SignalOutcome(models.Model):
    """The result of one rule on a form; no row without a result."""

    form = models.ForeignKey(SignalForm, on_delete=models.CASCADE)
    rule = models.CharField(max_length=64)
    value = models.JSONField()

    class Meta:
        app_label = "benchmarks"
        constraints: ClassVar = [models.UniqueConstraint(fields=["form", "rule"], name="signal_outcome_once")]


MODELS: Final = (SignalForm, SignalAnswer, SignalHistory, SignalOutcome)
#: The rules of each form's catalogue; a team would cache them too.
rules_of: Final[dict[UUID, Rules]] = {}


@shared_task(name="benchmarks.publish_webhook", ignore_result=True)
def publish_webhook(form_id: str, row: str, question: str) -> None:
    """Represent the delivery: only the sending is measured."""


def on_answer_saved(sender: type[SignalAnswer], instance: SignalAnswer, using: str, **kwargs: Any) -> None:
    """Store the history of the saved answer, run the rules that read it, notify the partner."""
    SignalHistory.objects.using(using).create(
        answer=instance, value=instance.value, active=instance.active, answered_by=instance.answered_by
    )
    rules = rules_of[instance.form_id]
    reading = rules.reading(instance.question)
    if reading:
        answers = SignalAnswer.objects.using(using).filter(form_id=instance.form_id)
        needed = frozenset().union(*(rule.reads for rule in reading))
        known = answers.filter(question__in=needed, active=True).order_by("pk")
        values = rules.values(known.values_list("row", "question", "value"))
        said = {rule: rule.decide(values) for rule in reading}
        _keep_outcomes(instance.form_id, {rule.id: value for rule, value in said.items() if not rule.shows}, using)
        for rule, shown in said.items():
            if rule.shows:
                _show(answers, rule.shows, shown, using)
    # The same as ``delay``, with a queue that no other code uses.
    publish_webhook.apply_async((str(instance.form_id), instance.row, instance.question), queue=QUEUE)


def _keep_outcomes(form_id: UUID, said: dict[str, Any], using: str) -> None:
    if not said:
        return
    outcomes = SignalOutcome.objects.using(using).filter(form_id=form_id)
    known = {outcome.rule: outcome for outcome in outcomes.filter(rule__in=said)}
    for rule, value in said.items():
        outcome = known.get(rule)
        if outcome is None and value is not None:
            outcomes.create(form_id=form_id, rule=rule, value=value)
        elif outcome is not None and value is None:
            outcome.delete(using=using)
        elif outcome is not None and outcome.value != value:
            outcome.value = value
            outcome.save(using=using)


def _show(answers: models.QuerySet[SignalAnswer], question: str, shown: bool, using: str) -> None:
    answer = answers.filter(row="", question=question).first()
    if answer is not None and answer.active is not shown:
        answer.active = shown
        answer.save(using=using)


@cache
def connect() -> None:
    """Connect the receiver, once."""
    post_save.connect(on_answer_saved, sender=SignalAnswer)


def store(form_id: UUID, document: Document, catalogue: CompiledCatalogue) -> None:
    """Store ``document`` as rows, without running any rule."""
    connect()
    rules_of[form_id] = Rules(catalogue)
    form = SignalForm.objects.create(id=form_id)
    SignalAnswer.objects.bulk_create(
        SignalAnswer(form=form, **_place(path), value=answer.value, active=answer.active)
        for path, answer in walk_answers(document)
    )


def save(form_id: UUID, changes: Mapping[str, Any], *, using: str = "default", in_one: bool = False) -> None:
    """Save ``changes`` (path -> value) as a view would: one by one, each its own transaction unless ``in_one``."""
    with transaction.atomic(using=using) if in_one else nullcontext():
        form = SignalForm.objects.using(using).get(pk=form_id)
        for path, value in changes.items():
            SignalAnswer.objects.using(using).update_or_create(
                form=form, **_place(path), defaults={"value": value, "answered_by": "user/7/api"}
            )
        form.save(using=using)


def forget_tasks() -> None:
    """Delete the messages, which no worker takes."""
    with app.connection_for_write() as connection:
        connection.default_channel.queue_purge(QUEUE)


def _place(path: str) -> dict[str, str]:
    prefix, _, question = path.rpartition("/")
    return {"row": prefix.partition("/")[2], "question": question}
