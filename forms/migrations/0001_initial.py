import django.db.models.manager
from django.db import migrations, models

from tenants.row_level_security import row_level_security


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ApplicationForm",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=1, help_text="The number of changes to the form's own rows, from any copy."
                    ),
                ),
                (
                    "reference",
                    models.CharField(blank=True, help_text="The partner's own reference for the form.", max_length=200),
                ),
                (
                    "external_id",
                    models.CharField(
                        blank=True,
                        help_text="The form's id in the partner's system, unique within the tenant.",
                        max_length=200,
                    ),
                ),
                ("metadata", models.JSONField(blank=True, default=dict, help_text="The partner's own texts by key.")),
                ("catalogue", models.CharField(help_text="The code of the form's catalogue.", max_length=64)),
                (
                    "as_of",
                    models.DateField(
                        blank=True,
                        help_text="The evaluation date. Empty means today in the tenant's time zone.",
                        null=True,
                    ),
                ),
                (
                    "base_copy_id",
                    models.UUIDField(
                        blank=True,
                        help_text="The copy with which the others are compared. Empty means the default copy, whose id is the form's.",
                        null=True,
                        verbose_name="base copy",
                    ),
                ),
                (
                    "is_test",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Started by a sandbox client, or copied from such a form.",
                        verbose_name="test form",
                    ),
                ),
                ("created_by_type", models.CharField(max_length=20)),
                ("created_by_id", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField()),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_test", True)), fields=["tenant_id", "created_at"], name="form_test"
                    ),
                    models.Index(fields=["tenant_id", "-created_at"], name="form_created"),
                    models.Index(
                        condition=models.Q(("deleted_at", None), _negated=True),
                        fields=["tenant_id", "deleted_at"],
                        name="form_deleted",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        fields=("tenant_id", "external_id"),
                        name="form_external_id_once",
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Declination",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                (
                    "version",
                    models.PositiveIntegerField(help_text="The version of the copy that the act led to."),
                ),
                (
                    "act",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("queued", "Sent to the carrier"),
                            ("selected", "Selected"),
                            ("bound", "Bound"),
                            ("exported", "Exported"),
                        ],
                        default="requested",
                        max_length=20,
                    ),
                ),
                ("product", models.CharField(help_text="The surplus lines product.", max_length=64)),
                ("line", models.CharField(max_length=64)),
                ("release_id", models.IntegerField(verbose_name="release")),
                ("as_of", models.DateField(verbose_name="evaluation date")),
                ("states", models.JSONField(default=list, help_text="The states that concern the line.")),
                (
                    "declines",
                    models.JSONField(
                        help_text=(
                            "Each admitted product with its reasons, at most four (rule, text, effect and the paths read)."
                        )
                    ),
                ),
                (
                    "carriers",
                    models.JSONField(
                        default=dict,
                        help_text="Each admitted product that its carrier declined itself, with the carrier's words.",
                    ),
                ),
                (
                    "inputs",
                    models.JSONField(
                        help_text="The path and value of every answer that those rules read. Sensitive values are masked."
                    ),
                ),
                (
                    "tags",
                    models.JSONField(
                        default=dict, help_text="The sensitivity under which an answer was given, by its path."
                    ),
                ),
                (
                    "surplus",
                    models.JSONField(
                        default=dict,
                        help_text="Whether the condition was met, by which rules, and the texts that must be shown.",
                    ),
                ),
                ("actor_type", models.CharField(max_length=20)),
                ("actor_id", models.CharField(blank=True, max_length=64)),
                ("actor_label", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-created_at"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("copy_id", "version", "product"), name="declination_once_per_version"
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Disposition",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("application_form_id", models.UUIDField(verbose_name="application form")),
                ("created_at", models.DateTimeField()),
                ("code", models.CharField(max_length=40)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("given_by_type", models.CharField(max_length=20)),
                ("given_by_id", models.CharField(blank=True, max_length=64)),
                ("withdrawn_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [models.Index(fields=["application_form_id", "created_at"], name="disposition_form")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="EligibilityResult",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                ("created_at", models.DateTimeField()),
                ("product", models.CharField(max_length=64)),
                (
                    "question_set",
                    models.CharField(
                        blank=True, help_text="The question set that it was requested for, if any.", max_length=64
                    ),
                ),
                ("outcome", models.CharField(max_length=20)),
                ("reasons", models.JSONField(default=list, help_text="The carrier's reasons: code and text.")),
                ("messages", models.JSONField(default=list, help_text="The carrier's messages: kind and text.")),
                (
                    "payload_hash",
                    models.CharField(
                        blank=True,
                        help_text="SHA-256 of what was sent. With another payload the result is outdated.",
                        max_length=64,
                    ),
                ),
                (
                    "asked_version",
                    models.PositiveIntegerField(help_text="The version of the copy that was sent to the carrier."),
                ),
                ("checked_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["created_at", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("copy_id", "product", "question_set"), name="eligibility_result_once"
                    )
                ],
                "indexes": [],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                ("created_at", models.DateTimeField()),
                ("kind", models.CharField(max_length=60)),
                ("details", models.JSONField(default=dict)),
                ("actor_type", models.CharField(max_length=20)),
                ("actor_id", models.CharField(blank=True, max_length=64)),
                ("actor_label", models.CharField(blank=True, max_length=200)),
                ("source", models.CharField(blank=True, max_length=20)),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [models.Index(fields=["copy_id", "created_at"], name="event_copy")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="GuestLink",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                (
                    "secret_hash",
                    models.CharField(
                        help_text="SHA-256 of the secret, as hexadecimal text.", max_length=64, unique=True
                    ),
                ),
                ("name", models.CharField(blank=True, help_text="The person that the link is for.", max_length=100)),
                (
                    "expires_at",
                    models.DateTimeField(help_text="When the link and the session that it opened end."),
                ),
                (
                    "exchanged_at",
                    models.DateTimeField(help_text="When the link was opened. It can be opened only once.", null=True),
                ),
                (
                    "session_hash",
                    models.CharField(
                        blank=True, help_text="SHA-256 of the session's secret, as hexadecimal text.", max_length=64
                    ),
                ),
                ("seen_at", models.DateTimeField(help_text="When the guest was last seen, to the minute.", null=True)),
                (
                    "finished_at",
                    models.DateTimeField(help_text="When the guest marked the application as done.", null=True),
                ),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "question_sets",
                    models.JSONField(blank=True, default=list, help_text="The question sets that the link is for."),
                ),
                (
                    "questions",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="The paths of single questions that the link is for, each with its note.",
                    ),
                ),
                (
                    "unknown",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="The paths of the questions whose answers the guest does not know.",
                    ),
                ),
                (
                    "sent_back_at",
                    models.DateTimeField(help_text="When the agent sent the form back to the guest.", null=True),
                ),
                (
                    "digits_hash",
                    models.CharField(
                        blank=True,
                        help_text="HMAC of the phone's last four digits under the secret.",
                        max_length=64,
                    ),
                ),
                (
                    "wrong_digits",
                    models.PositiveSmallIntegerField(default=0, help_text="How often wrong digits were entered."),
                ),
                ("issued_by_type", models.CharField(max_length=20)),
                ("issued_by_id", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [models.Index(fields=["copy_id"], name="guest_link_copy")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                ("created_at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        help_text="What it is about: the form, an answer, a quote request, ...", max_length=40
                    ),
                ),
                ("severity", models.CharField(max_length=20)),
                (
                    "path",
                    models.CharField(
                        blank=True, help_text="The path of the answer that it is about, if any.", max_length=300
                    ),
                ),
                ("text", models.TextField()),
                ("metadata", models.JSONField(default=dict)),
                ("author_type", models.CharField(max_length=20)),
                ("author_id", models.CharField(blank=True, max_length=64)),
                ("author_label", models.CharField(blank=True, max_length=200)),
                ("dismissed_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [models.Index(fields=["copy_id", "created_at"], name="message_copy")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="NaicsSearch",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("application_form_id", models.UUIDField(verbose_name="application form")),
                ("created_at", models.DateTimeField()),
                ("query", models.CharField(max_length=200)),
                ("zip_code", models.CharField(blank=True, max_length=10)),
                ("employees", models.PositiveIntegerField(null=True)),
                ("found", models.JSONField(default=list, help_text="The codes, in the order shown.")),
                ("chosen", models.CharField(blank=True, max_length=6)),
                ("searched_by_type", models.CharField(max_length=20)),
                ("searched_by_id", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [models.Index(fields=["application_form_id"], name="naics_search_form")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="PaymentMethod",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("application_form_id", models.UUIDField(verbose_name="application form")),
                ("created_at", models.DateTimeField()),
                ("kind", models.CharField(max_length=20)),
                ("token", models.CharField(help_text="The payment provider's token.", max_length=200)),
                ("label", models.CharField(max_length=100)),
                ("is_default", models.BooleanField(default=False)),
                ("removed_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [models.Index(fields=["application_form_id"], name="payment_method_form")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Process",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                ("created_at", models.DateTimeField()),
                ("kind", models.CharField(max_length=60)),
                ("state", models.CharField(max_length=20)),
                (
                    "step",
                    models.CharField(
                        blank=True, help_text="The step at which it continues when it is resumed.", max_length=60
                    ),
                ),
                ("details", models.JSONField(default=dict, help_text="What it needs to continue. Nothing sensitive.")),
                ("error", models.CharField(blank=True, max_length=500)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("held_until", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "processes",
                "ordering": ["created_at", "id"],
                "indexes": [
                    models.Index(fields=["copy_id", "created_at"], name="process_copy"),
                    models.Index(
                        condition=models.Q(("state__in", ("running", "waiting"))),
                        fields=["updated_at"],
                        name="process_open",
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="QuoteRequest",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                ("carrier", models.CharField(max_length=64)),
                ("product", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("queued", "Queued"),
                            ("submitted", "Submitted"),
                            ("estimated", "Estimated"),
                            ("quoted", "Quoted"),
                            ("referred", "Referred"),
                            ("declined", "Declined"),
                            ("blocked", "Blocked"),
                            ("failed", "Failed"),
                            ("stale", "Stale"),
                            ("expired", "Expired"),
                            ("selected", "Selected"),
                            ("bound", "Bound"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "carrier_state",
                    models.CharField(
                        blank=True,
                        help_text="The state by the carrier's last message. A stale quote returns to it when it is current again.",
                        max_length=20,
                    ),
                ),
                (
                    "stale_by",
                    models.CharField(
                        blank=True,
                        help_text="Why it is stale: the payload changed, or another copy was submitted.",
                        max_length=20,
                    ),
                ),
                (
                    "request_token",
                    models.CharField(
                        help_text="Identifies the request to the carrier if it is sent again.", max_length=64
                    ),
                ),
                (
                    "sequence",
                    models.PositiveIntegerField(default=0, help_text="The number of the carrier's last message."),
                ),
                (
                    "asked_version",
                    models.PositiveIntegerField(help_text="The version of the copy that was sent.", null=True),
                ),
                (
                    "release_id",
                    models.IntegerField(
                        help_text="The release that mapped what was sent.", null=True, verbose_name="release"
                    ),
                ),
                (
                    "payload_hash",
                    models.CharField(
                        blank=True, help_text="SHA-256 of what was sent, with the request token.", max_length=64
                    ),
                ),
                (
                    "asked",
                    models.JSONField(default=list, help_text="What was asked for, as shown: path, label and value."),
                ),
                (
                    "indication",
                    models.PositiveBigIntegerField(help_text="Our own premium when it was sent.", null=True),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("submitted_at", models.DateTimeField(null=True)),
                ("carrier_reference", models.CharField(blank=True, max_length=100)),
                (
                    "previous_references",
                    models.JSONField(default=list, help_text="The carrier's earlier references, oldest first."),
                ),
                (
                    "estimate",
                    models.PositiveBigIntegerField(help_text="The carrier's first, not binding premium.", null=True),
                ),
                (
                    "premium",
                    models.PositiveBigIntegerField(help_text="In whole units of the currency, per year.", null=True),
                ),
                (
                    "is_bindable",
                    models.BooleanField(
                        default=False, help_text="Whether the quote can be bound. If not, it is an indication."
                    ),
                ),
                ("valid_until", models.DateField(help_text="The last day on which the quote can be bound.", null=True)),
                ("changes", models.JSONField(default=list, help_text="What the carrier changed: asked and offered.")),
                ("reasons", models.JSONField(default=list, help_text="The carrier's reasons: code and text.")),
                ("answered_at", models.DateTimeField(help_text="When the carrier's last result came.", null=True)),
                ("firm_at", models.DateTimeField(help_text="When the first firm premium came.", null=True)),
                ("policy_number", models.CharField(blank=True, max_length=100)),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        help_text="Why it was referred or declined, failed, or became stale.",
                        max_length=500,
                    ),
                ),
                (
                    "details",
                    models.JSONField(default=dict, help_text="Further facts of the request. Nothing sensitive."),
                ),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [
                    models.Index(fields=["copy_id"], name="quote_request_copy"),
                    models.Index(fields=["tenant_id", "-updated_at", "-id"], name="quote_request_updated"),
                    models.Index(fields=["request_token"], name="quote_request_token"),
                    models.Index(
                        condition=models.Q(("state__in", ("estimated", "quoted", "referred", "selected"))),
                        fields=["valid_until"],
                        name="quote_request_valid",
                    ),
                    models.Index(
                        condition=models.Q(("state", "failed")), fields=["updated_at"], name="quote_request_failed"
                    ),
                ],
                "constraints": [],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Subjectivity",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                ("quote_request_id", models.UUIDField(verbose_name="quote request")),
                ("code", models.CharField(help_text="The carrier's code, unique in its quote.", max_length=64)),
                (
                    "kind",
                    models.CharField(
                        choices=[("pay", "Pay"), ("sign", "Sign"), ("upload", "Send a document"), ("answer", "Answer")],
                        max_length=20,
                    ),
                ),
                ("text", models.CharField(max_length=300)),
                (
                    "owner",
                    models.CharField(
                        choices=[("agent", "Agent"), ("insured", "Insured"), ("carrier", "Carrier")], max_length=20
                    ),
                ),
                ("due_on", models.DateField(null=True)),
                (
                    "path",
                    models.CharField(
                        blank=True, help_text="The path of the answer that is missing, if any.", max_length=300
                    ),
                ),
                ("done_at", models.DateTimeField(null=True)),
                ("done_by", models.CharField(blank=True, max_length=200)),
                ("closed_at", models.DateTimeField(help_text="When the carrier no longer required it.", null=True)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "subjectivities",
                "ordering": ["created_at", "id"],
                "indexes": [models.Index(fields=["copy_id"], name="subjectivity_copy")],
                "constraints": [
                    models.UniqueConstraint(fields=("quote_request_id", "code"), name="subjectivity_code_once")
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Binding",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                ("quote_request_id", models.UUIDField(verbose_name="quote request")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("help_requested", "Help requested"),
                            ("requested", "Requested"),
                            ("pending", "Pending at the carrier"),
                            ("bound", "Bound"),
                            ("refused", "Refused"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "consent",
                    models.JSONField(
                        default=dict,
                        help_text="The wording with its SHA-256, who accepted it and when, and the version of the copy. Empty without.",
                    ),
                ),
                (
                    "consent_void_reason",
                    models.CharField(blank=True, help_text="Why the last consent is void.", max_length=200),
                ),
                (
                    "payment_plan",
                    models.CharField(blank=True, help_text="The plan that the carrier was sent.", max_length=64),
                ),
                ("payment_method_id", models.UUIDField(null=True, verbose_name="payment method")),
                (
                    "bind_token",
                    models.CharField(
                        blank=True,
                        help_text="Identifies the request to the carrier if it is sent again.",
                        max_length=64,
                    ),
                ),
                (
                    "carrier_reference",
                    models.CharField(blank=True, help_text="The quote that the carrier is to bind.", max_length=100),
                ),
                ("requested_at", models.DateTimeField(null=True)),
                ("requested_by", models.CharField(blank=True, max_length=200)),
                (
                    "requested_version",
                    models.PositiveIntegerField(help_text="The version of the copy that is bound.", null=True),
                ),
                ("sent_at", models.DateTimeField(help_text="When the request was sent first.", null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("answered_at", models.DateTimeField(null=True)),
                ("policy_number", models.CharField(blank=True, max_length=100)),
                ("reasons", models.JSONField(default=list, help_text="Why it was refused: code and text.")),
                ("help_requested_at", models.DateTimeField(null=True)),
                ("help_requested_by", models.CharField(blank=True, max_length=200)),
                ("help_note", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [models.Index(fields=["copy_id"], name="binding_copy")],
                "constraints": [models.UniqueConstraint(fields=("quote_request_id",), name="binding_once_per_quote")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        row_level_security("forms_applicationform"),
        row_level_security("forms_binding"),
        row_level_security("forms_declination"),
        row_level_security("forms_disposition"),
        row_level_security("forms_eligibilityresult"),
        row_level_security("forms_event"),
        row_level_security("forms_guestlink"),
        row_level_security("forms_message"),
        row_level_security("forms_naicssearch"),
        row_level_security("forms_paymentmethod"),
        row_level_security("forms_process"),
        row_level_security("forms_quoterequest"),
        row_level_security("forms_subjectivity"),
    ]
