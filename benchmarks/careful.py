"""The second opponent: the best careful Django, with answers as rows.

One transaction: the form locked by ``select_for_update``, all answers loaded by one query, our own rule engine once on
them (so that only writing is compared), changed rows written by ``bulk_update``, one revision with the changes and
the same outbox rows as ours by ``bulk_create``, a hint ``on_commit`` (one Redis command). In its favor it stores no
whole document per version, no list and search columns, and has no row-level security.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec
from django.db import models, transaction
from django.utils import timezone
from django_redis import get_redis_connection
from uuid_utils.compat import uuid4

from batch.changes.records import CopyRecord, FormRecord, Loaded, SaveResult
from batch.changes.snapshots import CopyFields
from batch.effects.actions_of_save import actions_of_save
from copies.changes import Cause, Change
from copies.document import Answer, AnsweredBy, Document, DocumentQuestionSet, PoolRow, walk_answers
from rules.definition.model import CompiledCatalogue
from rules.flow import check_flow
from rules.flow.evaluation import Evaluation, FlowResult, ProductOutcome
from rules.types.cleaning import clean

WRITTEN: Final = ["value", "active", "required", "answered_by", "updated_at"]
CAUSE: Final = Cause("user", "7")


class CarefulForm(models.Model):
    """A form with the last results of the rules."""

    id = models.UUIDField(primary_key=True)
    version = models.PositiveIntegerField(default=1)
    question_sets = models.JSONField(default=list)
    evaluation = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "benchmarks"


class CarefulAnswer(models.Model):
    """One answer."""

    form = models.ForeignKey(CarefulForm, on_delete=models.CASCADE, related_name="answers")
    path = models.CharField(max_length=300)
    value = models.JSONField(null=True)
    active = models.BooleanField(default=True)
    required = models.CharField(max_length=10, blank=True)
    answered_by = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        app_label = "benchmarks"
        constraints: ClassVar = [models.UniqueConstraint(fields=["form", "path"], name="careful_answer_once")]


class CarefulRevision(models.Model):
    """The changes of one save."""

    form = models.ForeignKey(CarefulForm, on_delete=models.CASCADE)
    version = models.PositiveIntegerField()
    changes = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        app_label = "benchmarks"
        constraints: ClassVar = [models.UniqueConstraint(fields=["form", "version"], name="careful_revision_once")]


class CarefulOutbox(models.Model):
    """A deferred action."""

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=64)
    target = models.CharField(max_length=200)
    payload = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        app_label = "benchmarks"
        indexes: ClassVar = [models.Index(fields=["created_at"], name="careful_outbox_due")]


MODELS: Final = (CarefulForm, CarefulAnswer, CarefulRevision, CarefulOutbox)


class Work:
    """One form in memory: rows, the document that the rules read, and which rows differ from the database."""

    def __init__(self, form: CarefulForm, rows: list[CarefulAnswer], catalogue: CompiledCatalogue) -> None:
        self.form = form
        self.catalogue = catalogue
        self.rows = {row.path: row for row in rows}
        self.document = _document(form, rows)
        self.answers = dict(walk_answers(self.document))
        self.before: dict[str, Any] = {}
        self.now = timezone.now()

    def apply(self, changes: Mapping[str, Any]) -> None:
        """Clean and take ``changes`` (path -> value)."""
        for path, value in changes.items():
            question = self.catalogue.questions[path.rpartition("/")[2]].question
            cleaned = clean(self.catalogue, question, value)
            answer = self.answers[path]
            if cleaned != answer.value:
                self.before[path] = answer.value
                answer.value, answer.updated_at = cleaned, self.now
                self.rows[path].answered_by = "user/7/api"

    def decide(self) -> FlowResult:
        """Run the rules once and apply their states."""
        result = check_flow.run(
            self.catalogue, self.document, as_of=date(2026, 6, 1), release=1, reveal=lambda path, answer: answer.value
        )
        for state in result.states:
            if state.path in self.answers:
                answer = self.answers[state.path]
                self.before.setdefault(state.path, answer.value)
                answer.active, answer.required = state.active, state.required
        return result

    def changed_rows(self) -> Iterator[CarefulAnswer]:
        """Yield the rows that differ, with their new values."""
        for path in self.before:
            row, answer = self.rows[path], self.answers[path]
            row.value, row.active, row.required, row.updated_at = answer.value, answer.active, answer.required, self.now
            yield row

    def changes(self) -> list[Change]:
        """Return the changes of this save."""
        return [Change(path, before, self.answers[path].value, CAUSE) for path, before in self.before.items()]


def store(form_id: UUID, document: Document) -> None:
    """Store ``document`` as rows."""
    form = CarefulForm.objects.create(id=form_id, question_sets=[part.code for part in document.question_sets])
    now = timezone.now()
    CarefulAnswer.objects.bulk_create(
        CarefulAnswer(
            form=form,
            path=path,
            value=answer.value,
            active=answer.active,
            required=answer.required,
            created_at=now,
            updated_at=now,
        )
        for path, answer in walk_answers(document)
    )


def save(
    form_id: UUID,
    changes: Mapping[str, Any],
    catalogue: CompiledCatalogue,
    *,
    using: str = "default",
    upsert: bool = False,
) -> int:
    """Load, change and save in one transaction; return the number of written rows.

    ``upsert`` writes the rows by ``INSERT ... ON CONFLICT`` instead of ``bulk_update``.
    """
    with transaction.atomic(using=using):
        form = CarefulForm.objects.using(using).select_for_update().get(pk=form_id)
        work = Work(form, list(form.answers.order_by("pk")), catalogue)
        work.apply(changes)
        result = work.decide()
        rows = list(work.changed_rows())
        answers = CarefulAnswer.objects.using(using)
        if upsert:
            answers.bulk_create(rows, update_conflicts=True, update_fields=WRITTEN, unique_fields=["form", "path"])
        else:
            answers.bulk_update(rows, WRITTEN)
        _write_beside(work, result.evaluation, using)
        transaction.on_commit(_hint, using=using)
    return len(rows)


def _write_beside(work: Work, evaluation: Evaluation, using: str) -> None:
    form, changes = work.form, work.changes()
    moved: dict[str, ProductOutcome | None] = {
        code: outcome
        for code, outcome in evaluation.eligibility.items()
        if form.evaluation.get("eligibility", {}).get(code) != msgspec.to_builtins(outcome)
    }
    form.version += 1
    form.evaluation = msgspec.to_builtins(evaluation)
    form.save(using=using, update_fields=["version", "evaluation", "updated_at"])
    revision = CarefulRevision(
        form=form, version=form.version, changes=msgspec.to_builtins(changes), created_at=work.now
    )
    CarefulRevision.objects.using(using).bulk_create([revision])
    loaded = Loaded(
        FormRecord(form.pk, "", None, work.now),
        CopyRecord(form.pk, form.pk, form.version - 1, CopyFields(), work.now, work.now),
    )
    result = SaveResult(
        version=form.version,
        loaded_version=form.version - 1,
        changes=changes,
        document=Document(),
        before=evaluation,
        evaluation=evaluation,
        moved=moved,
        written=True,
    )
    actions = actions_of_save(result, loaded=loaded, catalogue=work.catalogue)
    CarefulOutbox.objects.using(using).bulk_create(
        CarefulOutbox(id=uuid4(), kind=action.kind, target=action.target, payload=action.payload(), created_at=work.now)
        for action in actions
    )


def _hint() -> None:
    get_redis_connection("default").publish("benchmarks", "due")


def _document(form: CarefulForm, rows: list[CarefulAnswer]) -> Document:
    document = Document(question_sets=[_question_set(code) for code in form.question_sets])
    pool_rows: dict[str, PoolRow] = {}
    for row in rows:
        prefix, _, code = row.path.rpartition("/")
        answer = Answer(
            value=row.value,
            active=row.active,
            required=row.required,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        if not prefix:
            document.answers[code] = answer
            continue
        if prefix not in pool_rows:
            pool, _, row_id = prefix.partition("/")
            pool_rows[prefix] = PoolRow(id=row_id)
            document.answer_pools.setdefault(pool, []).append(pool_rows[prefix])
        pool_rows[prefix].answers[code] = answer
    return document


def _question_set(code: str) -> DocumentQuestionSet:
    return DocumentQuestionSet(code=code, added_by=AnsweredBy("rule", code))
