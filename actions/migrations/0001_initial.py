import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
import uuid_utils.compat
from django.db import migrations, models
from django.db.migrations import RunSQL

from tenants.row_level_security import row_level_security


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "Pending"), ("delivered", "Delivered"), ("failed", "Failed")],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("leased_until", models.DateTimeField(help_text="While a process sends it.", null=True)),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "webhook deliveries",
                "ordering": ["-created_at", "-id"],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="WebhookPayload",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("event_type", models.CharField(max_length=64)),
                ("copy_id", models.UUIDField(null=True, verbose_name="copy")),
                ("version", models.PositiveIntegerField(null=True)),
                ("body", models.TextField()),
                ("correlation_id", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "ordering": ["-created_at"],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="WebhookAttempt",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("error", models.CharField(blank=True, max_length=40)),
                ("excerpt", models.TextField(blank=True, help_text="The beginning of the answer, at most 1 KiB.")),
                ("duration", models.PositiveIntegerField(help_text="In milliseconds.")),
                ("created_at", models.DateTimeField()),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="log", to="actions.webhookdelivery"
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "id"],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("url", models.CharField(max_length=2000)),
                ("description", models.CharField(blank=True, max_length=200)),
                (
                    "event_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), help_text='["*"] means all.', size=None
                    ),
                ),
                ("secret", models.BinaryField()),
                ("previous_secret", models.BinaryField(help_text="Signs too until the rotation is over.", null=True)),
                ("previous_secret_until", models.DateTimeField(null=True)),
                ("disabled_at", models.DateTimeField(null=True)),
                (
                    "disabled_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("by_hand", "switched off by hand"),
                            ("gone", "the endpoint answered 410 Gone"),
                            ("failing", "nothing but failures for 120 hours"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "failures",
                    models.PositiveIntegerField(default=0, help_text="Failed attempts since the last success."),
                ),
                ("failing_since", models.DateTimeField(null=True)),
                ("last_failure_at", models.DateTimeField(null=True)),
                (
                    "paused_until",
                    models.DateTimeField(help_text="Nothing is sent before, to spare it and the others.", null=True),
                ),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(max_length=200)),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [models.Index(fields=["tenant_id"], name="webhook_endpoint_tenant")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddField(
            model_name="webhookdelivery",
            name="endpoint",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="actions.webhookendpoint"
            ),
        ),
        migrations.AddField(
            model_name="webhookdelivery",
            name="payload",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="actions.webhookpayload"
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["endpoint", "next_attempt_at"],
                name="webhook_delivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["endpoint", "-created_at", "-id"], name="webhook_delivery_log"),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.UniqueConstraint(
                fields=("payload", "endpoint"), name="webhook_delivery_once_per_endpoint"
            ),
        ),
        row_level_security("webhooks_webhookendpoint"),
        row_level_security("webhooks_webhookpayload"),
        row_level_security("webhooks_webhookdelivery"),
        row_level_security("webhooks_webhookattempt"),
        migrations.CreateModel(
            name="OutboxAction",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=64)),
                (
                    "target",
                    models.CharField(
                        help_text="What it is done to; actions of one kind and target in a save are one.",
                        max_length=200,
                    ),
                ),
                ("payload", models.JSONField()),
                ("payload_version", models.PositiveSmallIntegerField(default=1)),
                ("copy_id", models.UUIDField(null=True, verbose_name="copy")),
                (
                    "version",
                    models.PositiveIntegerField(
                        help_text="The copy's version that asked for it: its sequence number.", null=True
                    ),
                ),
                ("correlation_id", models.CharField(blank=True, max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("dead", "Dead letter")], default="waiting", max_length=8
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                (
                    "crashes",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="How often a worker was gone before it had told how the attempt ended."
                    ),
                ),
                ("next_attempt_at", models.DateTimeField()),
                ("lease_token", models.UUIDField(editable=False, null=True)),
                ("leased_until", models.DateTimeField(null=True)),
                (
                    "last_error",
                    models.CharField(blank=True, help_text="Kind and place of the failure, no values.", max_length=300),
                ),
                ("died_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["created_at", "id"],
                "permissions": [("requeue_action", "Can requeue and drop deferred actions")],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")), fields=["next_attempt_at"], name="outbox_due"
                    ),
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["copy_id", "kind", "version"],
                        name="outbox_order",
                    ),
                    models.Index(
                        condition=models.Q(("lease_token__isnull", False)),
                        fields=["leased_until"],
                        name="outbox_leased",
                    ),
                    models.Index(condition=models.Q(("state", "dead")), fields=["died_at"], name="outbox_dead"),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        row_level_security("actions_outboxaction"),
        # Rows come and go all day: what they leave is swept up long before a fifth of the table is dead.
        RunSQL(
            "ALTER TABLE actions_outboxaction SET"
            " (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000)",
            reverse_sql="ALTER TABLE actions_outboxaction RESET"
            " (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)",
            hints={"tenant": True},
        ),
    ]
