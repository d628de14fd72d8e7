"""A tenant's application forms and the records attached to a form or copy. Written by the batch alone."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from copies.guarded_models import BatchWrittenModel
from forms.binding_models import Binding
from forms.quote_models import QuoteRequest, Subjectivity
from tenants.access import GUEST_RIGHTS, Actor

__all__ = [
    "ApplicationForm",
    "Binding",
    "Declination",
    "Disposition",
    "EligibilityResult",
    "Event",
    "Message",
    "GuestLink",
    "NaicsSearch",
    "PaymentMethod",
    "Process",
    "QuoteRequest",
    "Subjectivity",
]


class ApplicationForm(BatchWrittenModel):
    """One insured's application at one tenant. Its state is derived from its copies, never stored."""

    batch_call: ClassVar = "context.changeset.application_form.refer_as(reference)"

    id = models.UUIDField(primary_key=True, editable=False)
    version = models.PositiveIntegerField(
        default=1, help_text="The number of changes to the form's own rows, from any copy."
    )
    reference = models.CharField(max_length=200, blank=True, help_text="The partner's own reference for the form.")
    external_id = models.CharField(
        max_length=200, blank=True, help_text="The form's id in the partner's system, unique within the tenant."
    )
    metadata = models.JSONField(default=dict, blank=True, help_text="The partner's own texts by key.")
    catalogue = models.CharField(max_length=64, help_text="The code of the form's catalogue.")
    as_of = models.DateField(
        null=True, blank=True, help_text="The evaluation date. Empty means today in the tenant's time zone."
    )
    base_copy_id = models.UUIDField(
        "base copy",
        null=True,
        blank=True,
        help_text="The copy with which the others are compared. Empty means the default copy, whose id is the form's.",
    )
    is_test = models.BooleanField(
        "test form",
        default=False,
        db_default=False,
        help_text="Started by a sandbox client, or copied from such a form.",
    )
    created_by_type = models.CharField(max_length=20)
    created_by_id = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "created_at"], name="form_test", condition=models.Q(is_test=True)),
            models.Index(fields=["tenant_id", "-created_at"], name="form_created"),
            models.Index(fields=["tenant_id", "deleted_at"], name="form_deleted", condition=~models.Q(deleted_at=None)),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "external_id"], condition=~models.Q(external_id=""), name="form_external_id_once"
            )
        ]

    def __str__(self) -> str:
        return f"Application form {self.id}"


class Declination(BatchWrittenModel):
    """Proof of a lawful use of surplus lines: the declining admitted products, their rules, inputs and time, and the
    surplus lines rules in force.

    Written when somebody requests a quote of the surplus product, queues, selects or binds it, or exports the declines,
    never while a form is filled.
    """

    class Act(models.TextChoices):
        """The act that made the record necessary."""

        REQUESTED = "requested", "Requested"
        QUEUED = "queued", "Sent to the carrier"
        SELECTED = "selected", "Selected"
        BOUND = "bound", "Bound"
        EXPORTED = "exported", "Exported"

    batch_call: ClassVar = "context.changeset.quote_requests.request(product)"

    id = models.UUIDField(primary_key=True, editable=False)
    copy_id = models.UUIDField("copy")
    version = models.PositiveIntegerField(help_text="The version of the copy that the act led to.")
    act = models.CharField(max_length=20, choices=Act, default=Act.REQUESTED)
    product = models.CharField(max_length=64, help_text="The surplus lines product.")
    line = models.CharField(max_length=64)
    release_id = models.IntegerField("release")
    as_of = models.DateField("evaluation date")
    states = models.JSONField(default=list, help_text="The states that concern the line.")
    declines = models.JSONField(
        help_text="Each admitted product with its reasons, at most four (rule, text, effect and the paths read)."
    )
    carriers = models.JSONField(
        default=dict, help_text="Each admitted product that its carrier declined itself, with the carrier's words."
    )
    inputs = models.JSONField(
        help_text="The path and value of every answer that those rules read. Sensitive values are masked."
    )
    tags = models.JSONField(default=dict, help_text="The sensitivity under which an answer was given, by its path.")
    surplus = models.JSONField(
        default=dict, help_text="Whether the condition was met, by which rules, and the texts that must be shown."
    )
    actor_type = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["copy_id", "version", "product"], name="declination_once_per_version")
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.act} on {self.copy_id}"


class OfCopy(BatchWrittenModel):
    """A record attached to one copy."""

    id = models.UUIDField(primary_key=True, editable=False)
    copy_id = models.UUIDField("copy")
    created_at = models.DateTimeField()

    class Meta:
        abstract = True


class OfForm(BatchWrittenModel):
    """A record attached to a form, for all its copies."""

    id = models.UUIDField(primary_key=True, editable=False)
    application_form_id = models.UUIDField("application form")
    created_at = models.DateTimeField()

    class Meta:
        abstract = True


class Message(OfCopy):
    """A message about a copy from a person, carrier or process. Messages of rules are in the evaluation instead."""

    batch_call: ClassVar = "context.changeset.messages.add(...)"

    kind = models.CharField(max_length=40, help_text="What it is about: the form, an answer, a quote request, ...")
    severity = models.CharField(max_length=20)
    path = models.CharField(max_length=300, blank=True, help_text="The path of the answer that it is about, if any.")
    text = models.TextField()
    metadata = models.JSONField(default=dict)
    author_type = models.CharField(max_length=20)
    author_id = models.CharField(max_length=64, blank=True)
    author_label = models.CharField(max_length=200, blank=True)
    dismissed_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [models.Index(fields=["copy_id", "created_at"], name="message_copy")]

    def __str__(self) -> str:
        return self.text[:80]


class Event(OfCopy):
    """An event of a copy: a quote was selected, a mail was sent. Never altered."""

    batch_call: ClassVar = "context.changeset.events.add(kind)"

    kind = models.CharField(max_length=60)
    details = models.JSONField(default=dict)
    actor_type = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=20, blank=True)

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [models.Index(fields=["copy_id", "created_at"], name="event_copy")]

    def __str__(self) -> str:
        return self.kind


class EligibilityResult(OfCopy):
    """A carrier's own decision on a product's eligibility (real-time eligibility); the outcome of the rules is in the
    evaluation.
    """

    batch_call: ClassVar = "context.changeset.eligibility_results.record(...)"

    product = models.CharField(max_length=64)
    question_set = models.CharField(
        max_length=64, blank=True, help_text="The question set that it was requested for, if any."
    )
    outcome = models.CharField(max_length=20)
    reasons = models.JSONField(default=list, help_text="The carrier's reasons: code and text.")
    messages = models.JSONField(default=list, help_text="The carrier's messages: kind and text.")
    payload_hash = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of what was sent. With another payload the result is outdated."
    )
    asked_version = models.PositiveIntegerField(help_text="The version of the copy that was sent to the carrier.")
    checked_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["copy_id", "product", "question_set"], name="eligibility_result_once")
        ]

    def __str__(self) -> str:
        return f"{self.product}: {self.outcome}"


class Disposition(OfForm):
    """The end of an application as a person decided it: bound, lost, withdrawn. The latest one in force counts."""

    batch_call: ClassVar = "context.changeset.dispositions.give(code)"

    code = models.CharField(max_length=40)
    reason = models.CharField(max_length=500, blank=True)
    given_by_type = models.CharField(max_length=20)
    given_by_id = models.CharField(max_length=64, blank=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [models.Index(fields=["application_form_id", "created_at"], name="disposition_form")]

    def __str__(self) -> str:
        return self.code


class PaymentMethod(OfForm):
    """A payment method of the insured: the payment provider's token and a label, never an account number."""

    batch_call: ClassVar = "context.changeset.payment_methods.add(...)"

    kind = models.CharField(max_length=20)
    token = models.CharField(max_length=200, help_text="The payment provider's token.")
    label = models.CharField(max_length=100)
    is_default = models.BooleanField(default=False)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [models.Index(fields=["application_form_id"], name="payment_method_form")]

    def __str__(self) -> str:
        return self.label


class NaicsSearch(OfForm):
    """A search for the industry code and the chosen result. Never altered."""

    batch_call: ClassVar = "context.changeset.naics_searches.add(query=...)"

    query = models.CharField(max_length=200)
    zip_code = models.CharField(max_length=10, blank=True)
    employees = models.PositiveIntegerField(null=True)
    found = models.JSONField(default=list, help_text="The codes, in the order shown.")
    chosen = models.CharField(max_length=6, blank=True)
    searched_by_type = models.CharField(max_length=20)
    searched_by_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [models.Index(fields=["application_form_id"], name="naics_search_form")]

    def __str__(self) -> str:
        return self.query


class Process(OfCopy):
    """Long work on one copy that calls third parties between two locks.

    Until ``held_until`` the copy is not cloned.
    """

    batch_call: ClassVar = "context.changeset.processes.start(kind)"

    kind = models.CharField(max_length=60)
    state = models.CharField(max_length=20)
    step = models.CharField(max_length=60, blank=True, help_text="The step at which it continues when it is resumed.")
    details = models.JSONField(default=dict, help_text="What it needs to continue. Nothing sensitive.")
    error = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    held_until = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "processes"
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["copy_id", "created_at"], name="process_copy"),
            models.Index(
                fields=["updated_at"], name="process_open", condition=models.Q(state__in=("running", "waiting"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"


class GuestLink(BatchWrittenModel):
    """A guest's link to one copy. Only hashes of secrets are kept: the link itself is shown once, when it is made."""

    batch_call: ClassVar = "context.changeset.guest_links.issue(...)"

    id = models.UUIDField(primary_key=True, editable=False)
    copy_id = models.UUIDField("copy")
    secret_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the secret, as hexadecimal text.")
    name = models.CharField(max_length=100, blank=True, help_text="The person that the link is for.")
    expires_at = models.DateTimeField(help_text="When the link and the session that it opened end.")
    exchanged_at = models.DateTimeField(null=True, help_text="When the link was opened. It can be opened only once.")
    session_hash = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of the session's secret, as hexadecimal text."
    )
    seen_at = models.DateTimeField(null=True, help_text="When the guest was last seen, to the minute.")
    finished_at = models.DateTimeField(null=True, help_text="When the guest marked the application as done.")
    revoked_at = models.DateTimeField(null=True)
    question_sets = models.JSONField(default=list, blank=True, help_text="The question sets that the link is for.")
    questions = models.JSONField(
        default=dict, blank=True, help_text="The paths of single questions that the link is for, each with its note."
    )
    unknown = models.JSONField(
        default=list, blank=True, help_text="The paths of the questions whose answers the guest does not know."
    )
    sent_back_at = models.DateTimeField(null=True, help_text="When the agent sent the form back to the guest.")
    digits_hash = models.CharField(
        max_length=64, blank=True, help_text="HMAC of the phone's last four digits under the secret."
    )
    wrong_digits = models.PositiveSmallIntegerField(default=0, help_text="How often wrong digits were entered.")
    issued_by_type = models.CharField(max_length=20)
    issued_by_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [models.Index(fields=["copy_id"], name="guest_link_copy")]

    def __str__(self) -> str:
        return f"Guest of {self.copy_id}"

    def as_actor(self, *, source: str) -> Actor:
        """Return the guest as an actor with the entry point ``source``."""
        label = f"{self.name} (guest)" if self.name else "Guest"
        return Actor(type="guest", id=str(self.id), source=source, label=label, rights=GUEST_RIGHTS)
