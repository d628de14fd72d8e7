import django.db.models.manager
from django.db import migrations, models

from tenants.row_level_security import row_level_security


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="IdempotencyRecord",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "client",
                    models.CharField(
                        help_text="Type and id of the actor: two clients may use the same key.", max_length=100
                    ),
                ),
                ("key", models.CharField(max_length=255)),
                ("fingerprint", models.BinaryField(help_text="HMAC of method, path and body.")),
                ("status", models.PositiveSmallIntegerField()),
                ("headers", models.JSONField(default=dict)),
                ("body", models.BinaryField()),
                ("created_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "client", "key"), name="idempotency_key_once")
                ],
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
                ("step", models.CharField(blank=True, help_text="Where it goes on when it is resumed.", max_length=60)),
                ("details", models.JSONField(default=dict, help_text="What it needs to go on; nothing sensitive.")),
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
        row_level_security("forms_process"),
        row_level_security("batch_idempotencyrecord"),
    ]
