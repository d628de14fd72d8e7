"""The runs that decide a tenant's open copies anew, and the results of shadow rules, as staff see them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tenants.managers import TenantModel


class DecisionRun(TenantModel):
    """One run over the open copies of a tenant whose decisions are of an older release or day.

    Its work is in the copies themselves, which carry what they were decided with: a run that was killed goes on where
    it stopped. All times are the database's.
    """

    class Cause(models.TextChoices):
        """The reason for the run."""

        RELEASE = "release", "A release was published"
        DAY = "day", "A new day began"

    id = models.UUIDField(primary_key=True, editable=False)
    cause = models.CharField(max_length=10, choices=Cause)
    release_id = models.IntegerField("release", null=True)
    total = models.PositiveIntegerField(default=0, help_text="The copies that wait at its start.")
    decided = models.PositiveIntegerField(default=0, help_text="The copies that were decided so far.")
    changed = models.PositiveIntegerField(default=0, help_text="Those of them whose decision changed, as a version.")
    failed = models.PositiveIntegerField(default=0, help_text="The copies that could not be decided; see the log.")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-started_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id"], condition=models.Q(finished_at=None), name="decision_run_one_at_a_time"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["tenant_id", "-started_at"], name="decision_run_started")]

    def __str__(self) -> str:
        return f"{self.get_cause_display()}: {self.decided} of {self.total}"


class ShadowRecord(TenantModel):
    """The results of the shadow rules of one release for one copy, as it was at ``version``. No caller sees it."""

    copy_id = models.UUIDField()
    release_id = models.IntegerField("release")
    version = models.PositiveIntegerField()
    results = models.JSONField(default=dict, help_text="fired, not_fired or unknown, by the name of the rule.")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-recorded_at"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["copy_id", "release_id"], name="shadow_record_once")]
        indexes: ClassVar = [models.Index(fields=["tenant_id", "release_id"], name="shadow_record_release")]

    def __str__(self) -> str:
        return f"Shadow rules of release {self.release_id} for copy {self.copy_id}"
