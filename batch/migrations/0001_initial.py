import django.db.models.manager
from django.db import migrations, models

from batch.storage.load import LOAD_ONE
from batch.storage.statement import KEPT_SAVES
from tenants.row_level_security import row_level_security

#: The functions that it creates. A test compares them with those of the program: a changed text needs a migration.
FUNCTIONS = ["batch_load_8051119097b5", "batch_save_580476cd9d4e", "batch_save_d62d0a2f326b"]


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
                        help_text="Type and ID of the actor. Two clients may use the same key.", max_length=100
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        help_text="With the index of the entry, if the request is a list.", max_length=260
                    ),
                ),
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
        row_level_security("batch_idempotencyrecord"),
        # Their tables need not exist yet: PostgreSQL resolves the names in a function when it is called first.
        *(plan.migration() for plan in (LOAD_ONE, *KEPT_SAVES.values())),
    ]
