"""Rows of the copies app: the copy with its document, its revisions, and the shared index from copies to tenants.

Only the batch writes copies.
"""

from __future__ import annotations

from typing import ClassVar, Final

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Left, Lower

from copies.guarded_models import BatchWrittenModel
from tenants.managers import TenantModel

#: What lists order copies by, from their summaries: lower-case name (as much as an index entry takes), start of the
#: cover (ISO), premium, and the place of the status (``forms.status_order``).
INSURED: Final = Lower(Left(KT("summary__insured"), 80))
STARTS_ON: Final = KT("summary__starts_on")
STATUS: Final = Cast(KT("summary__status"), models.IntegerField())
BEST_PREMIUM: Final = Cast(KT("summary__best_premium"), models.BigIntegerField())


class Copy(BatchWrittenModel):
    """One scenario of an application form: a document with a version. A form's default copy has the form's id."""

    batch_call: ClassVar = "context.changeset.copy.rename(title), or find_answer(path).apply(value)"

    id = models.UUIDField(primary_key=True, editable=False)
    application_form_id = models.UUIDField("application form", editable=False)
    title = models.CharField(max_length=200, blank=True)
    version = models.PositiveIntegerField(
        default=1, help_text="The number of saves. An update must name the version that it is based on."
    )
    owner_id = models.UUIDField("owner", null=True, blank=True)
    locked_at = models.DateTimeField(
        null=True, blank=True, help_text="A locked copy cannot be changed until it is unlocked."
    )
    locked_by_id = models.CharField("locked by", max_length=64, blank=True)
    locked_by_label = models.CharField("locked by (name)", max_length=200, blank=True)
    lock_reason = models.CharField(max_length=200, blank=True)
    copied_from_id = models.UUIDField(
        "copied from", null=True, editable=False, help_text="Empty for a copy that was started without answers."
    )
    copied_from_version = models.PositiveIntegerField(null=True, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True)
    last_touched_by_user_at = models.DateTimeField(null=True, blank=True, help_text="Not changed by jobs.")
    release_id = models.IntegerField(
        "release", null=True, help_text="The catalogue release that it was last evaluated with."
    )
    decided_release_id = models.IntegerField(
        "decided with release",
        null=True,
        help_text="The release that leads to the stored decision; empty for a bound copy, which keeps its decision.",
    )
    decided_on = models.DateField(
        null=True, help_text="The day of the stored decision; empty if it is the same on every day."
    )
    decided_edition = models.PositiveSmallIntegerField(
        default=0, help_text="The edition of the program that leads to the stored decision."
    )
    document = models.BinaryField()
    evaluation = models.BinaryField()
    chain = models.BinaryField(default=b"", help_text="The last link of the chain of its versions.")
    wrapped_key = models.BinaryField(
        null=True, help_text="The copy's data keys, wrapped by the key service; empty once they are erased."
    )
    key_id = models.CharField(max_length=200, blank=True, help_text="The key that wraps the newest data key.")
    key_version = models.PositiveIntegerField(default=1)
    summary = models.JSONField(
        default=dict, help_text="What lists show: the insured, lines, missing answers, and outcomes. Nothing sensitive."
    )
    search_text = models.TextField(blank=True, help_text="Indexed answers that are neither personal nor sensitive.")
    search_personal = models.TextField(
        blank=True, help_text="Indexed personal answers, searched only for users who may read them."
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "copies"
        ordering: ClassVar = ["-updated_at"]
        permissions: ClassVar = [
            ("read_personal", "Can read personal answers unmasked"),
            ("reveal_sensitive", "Can reveal sensitive answers, with a reason that is recorded"),
            ("erase_sensitive", "Can erase the keys of a form's sensitive answers for ever"),
            ("release_lock", "Can release the lock of a copy whose save is stuck"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "application_form_id"], name="copy_form"),
            models.Index(fields=["tenant_id", "-last_touched_by_user_at", "-id"], name="copy_last_touched"),
            models.Index(
                fields=["tenant_id", "decided_release_id", "decided_edition", "decided_on", "id"],
                name="copy_open_decision",
                condition=models.Q(locked_at=None, deleted_at=None),
            ),
            models.Index(fields=["tenant_id", "updated_at", "id"], name="copy_updated"),
            # The orders of the worklist (forms/worklist.py), the first for an agent's own forms
            models.Index(fields=["tenant_id", "owner_id", "-last_touched_by_user_at", "-id"], name="copy_of_owner"),
            models.Index("tenant_id", INSURED, "id", name="copy_insured"),
            models.Index("tenant_id", STARTS_ON, "id", name="copy_starts_on"),
            models.Index("tenant_id", BEST_PREMIUM, "id", name="copy_best_premium"),
            models.Index("tenant_id", STATUS, "id", name="copy_status"),
        ]

    def __str__(self) -> str:
        return self.title or f"Copy {self.id}"


class AuditFields(TenantModel):
    """The audit fields of a change or a read: actor, entry point, request and time. Never altered."""

    copy_id = models.UUIDField("copy")
    version = models.PositiveIntegerField()
    actor_type = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=64)
    actor_label = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=20)
    correlation_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        abstract = True


class CopyRevision(BatchWrittenModel, AuditFields):
    """One saved version of a copy: its document and evaluation, its changes, their author and cause. Never altered,
    except by the sealing run, which says so in the chain.

    Only ``copies.history`` reads document and evaluation: most versions keep their difference from the version before.
    """

    batch_call: ClassVar = "change the copy; its revision is written with the save"

    id = models.BigAutoField(primary_key=True)
    document = models.BinaryField()
    evaluation = models.BinaryField()
    changes = models.BinaryField()
    is_whole = models.BooleanField(
        default=True, help_text="Document and evaluation are kept whole, not as a difference."
    )
    chain = models.BinaryField(default=b"", help_text="The link of this version: a hash of it and of the link before.")
    amends = models.BinaryField(default=b"", help_text="The earlier versions that were rewritten with this one.")
    cause_type = models.CharField(
        max_length=20, blank=True, help_text="Why, where the actor does not say it: merge, revert, operation."
    )
    cause_id = models.CharField(max_length=64, blank=True)
    release_id = models.IntegerField("release", null=True)

    class Meta:
        ordering: ClassVar = ["copy_id", "-version"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["copy_id", "version"], name="revision_once_per_version")
        ]
        # Rows come in the order of time, so this costs next to nothing and finds those of the last hours.
        indexes: ClassVar = [BrinIndex(fields=["created_at"], name="revision_saved", autosummarize=True)]

    def __str__(self) -> str:
        return f"Version {self.version} of {self.copy_id}"


class CopyIndex(models.Model):
    """The tenant of a copy: written to the shared database before the tenant's own row, repaired by maintenance."""

    copy_id = models.UUIDField(primary_key=True)
    application_form_id = models.UUIDField(db_index=True)
    tenant_id = models.UUIDField(db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "copy index"

    def __str__(self) -> str:
        return f"{self.copy_id} at {self.tenant_id}"


class RevealPurpose(models.TextChoices):
    """The purposes for which a sensitive answer may be revealed."""

    CARRIER = "carrier", "A carrier asks for it"
    INSURED = "insured", "The insured asks for it"
    CORRECTION = "correction", "To check or correct the answer"
    CLAIM = "claim", "To handle a claim"
    AUDIT = "audit", "For an audit"
    LEGAL = "legal", "A court or regulator asks for it"
    SUPPORT = "support", "To solve a support case"


class SensitiveReveal(AuditFields):
    """Proof of the reveal of a sensitive answer: actor, path, purpose and reason. Never altered."""

    id = models.BigAutoField(primary_key=True)
    path = models.CharField(max_length=300)
    purpose = models.CharField(max_length=20, choices=RevealPurpose.choices)
    reason = models.CharField(max_length=500)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["copy_id", "-created_at"], name="reveal_copy"),
            models.Index(fields=["tenant_id", "-created_at"], name="reveal_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.path} of {self.copy_id}"
