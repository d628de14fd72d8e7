"""The outbox: deferred actions stored in the transaction of the save that emitted them. The row is the job."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tenants.managers import TenantModel


class ActionState(models.TextChoices):
    """The state of an action in the outbox."""

    WAITING = "waiting", "Waiting"
    DEAD = "dead", "Dead letter"


_WAITING = models.Q(state=ActionState.WAITING)


class OutboxAction(TenantModel):
    """One deferred action, deleted when done. Per copy and kind, the order follows the version.

    All times are the database's. While a worker runs it, ``lease_token`` names the lease and ``leased_until`` its end;
    an expired lease means that the worker died or hung (``crashes``).
    """

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=64)
    target = models.CharField(
        max_length=200,
        help_text="What the action is done to. Actions of one kind with one target in one save are merged.",
    )
    payload = models.JSONField()
    payload_version = models.PositiveSmallIntegerField(default=1)
    copy_id = models.UUIDField("copy", null=True)
    version = models.PositiveIntegerField(null=True, help_text="The version of the copy whose save created the action.")
    correlation_id = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=8, choices=ActionState.choices, default=ActionState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    crashes = models.PositiveSmallIntegerField(
        default=0, help_text="How often a worker stopped before it reported the result of an attempt."
    )
    next_attempt_at = models.DateTimeField()
    lease_token = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True)
    last_error = models.CharField(
        max_length=300, blank=True, help_text="The kind and place of the failure, without values."
    )
    died_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["next_attempt_at"], name="outbox_due", condition=_WAITING),
            # The tenants with waiting rows, and the oldest rows of each.
            models.Index(fields=["tenant_id", "next_attempt_at"], name="outbox_due_by_tenant", condition=_WAITING),
            models.Index(fields=["copy_id", "kind", "version"], name="outbox_order", condition=_WAITING),
            # None on a column that a claim sets: it updates rows in place (heap-only tuples), with no index entries.
            models.Index(fields=["died_at"], name="outbox_dead", condition=models.Q(state=ActionState.DEAD)),
        ]
        permissions: ClassVar = [("requeue_action", "Can requeue and drop deferred actions")]

    def __str__(self) -> str:
        return f"{self.kind} for {self.target}"
