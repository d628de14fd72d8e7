import django.db.models.manager
from django.db import migrations, models

from tenants.security import row_level_security


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
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
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [
                    models.Index(fields=["next_attempt_at"], name="outbox_due"),
                    models.Index(fields=["copy_id", "version"], name="outbox_copy"),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        row_level_security("actions_outboxaction"),
    ]
