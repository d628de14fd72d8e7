import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
import simple_history.models
import uuid_utils.compat
from django.db import migrations, models

import tenants.history
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
                ("leased_until", models.DateTimeField(help_text="Set while a process sends it.", null=True)),
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
                ("is_test", models.BooleanField(default=False, help_text="The event is of a test form.")),
                ("body", models.TextField()),
                ("correlation_id", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField(db_index=True)),
                ("position", models.BigIntegerField(null=True)),
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
                ("excerpt", models.TextField(blank=True, help_text="The beginning of the response, at most 1 KiB.")),
                ("duration", models.PositiveIntegerField(help_text="In milliseconds.")),
                ("created_at", models.DateTimeField()),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="log", to="webhooks.webhookdelivery"
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
                (
                    "has_test_forms",
                    models.BooleanField(
                        default=True,
                        help_text="Whether events of test forms are sent too.",
                        verbose_name="events of test forms",
                    ),
                ),
                ("secret", models.BinaryField()),
                (
                    "previous_secret",
                    models.BinaryField(help_text="Also signs events until the rotation ends.", null=True),
                ),
                ("previous_secret_until", models.DateTimeField(null=True)),
                ("disabled_at", models.DateTimeField(null=True)),
                (
                    "disabled_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("by_hand", "turned off by hand"),
                            ("gone", "the endpoint responded with 410 Gone"),
                            ("failing", "every attempt failed for 120 hours"),
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
                    models.DateTimeField(help_text="No events are sent before this time.", null=True),
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
                on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="webhooks.webhookendpoint"
            ),
        ),
        migrations.AddField(
            model_name="webhookdelivery",
            name="payload",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="webhooks.webhookpayload"
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
            model_name="webhookpayload",
            constraint=models.UniqueConstraint(fields=("tenant_id", "position"), name="webhook_payload_position"),
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
            name="HistoricalWebhookEndpoint",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("actor_type", models.CharField(default=tenants.history.actor_type, max_length=20)),
                ("actor_label", models.CharField(blank=True, default=tenants.history.actor_label, max_length=200)),
                ("source", models.CharField(default=tenants.history.actor_source, max_length=10)),
                ("id", models.UUIDField(db_index=True, default=uuid_utils.compat.uuid7, editable=False)),
                ("url", models.CharField(max_length=2000)),
                ("description", models.CharField(blank=True, max_length=200)),
                (
                    "event_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), help_text='["*"] means all.', size=None
                    ),
                ),
                (
                    "has_test_forms",
                    models.BooleanField(
                        default=True,
                        help_text="Whether events of test forms are sent too.",
                        verbose_name="events of test forms",
                    ),
                ),
                ("disabled_at", models.DateTimeField(null=True)),
                (
                    "disabled_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("by_hand", "turned off by hand"),
                            ("gone", "the endpoint responded with 410 Gone"),
                            ("failing", "every attempt failed for 120 hours"),
                        ],
                        max_length=16,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(max_length=200)),
                ("history_user_id", models.CharField(blank=True, default=tenants.history.actor_id, max_length=64)),
                (
                    "history_id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
            ],
            options={
                "verbose_name": "historical webhook endpoint",
                "verbose_name_plural": "historical webhook endpoints",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        row_level_security("webhooks_historicalwebhookendpoint"),
    ]
