import django.db.models.manager
from django.db import migrations, models

from tenants.row_level_security import row_level_security


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="CarrierMessage",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("link_id", models.UUIDField(verbose_name="link")),
                ("carrier", models.CharField(max_length=64)),
                ("copy_id", models.UUIDField(db_index=True, verbose_name="copy")),
                ("message_id", models.CharField(help_text="The webhook-id of the callback.", max_length=128)),
                ("body", models.TextField()),
                ("received_at", models.DateTimeField(db_index=True)),
                ("imported_at", models.DateTimeField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        blank=True, help_text="What the import did: applied, older or unknown.", max_length=20
                    ),
                ),
            ],
            options={
                "ordering": ["-received_at", "-id"],
                "constraints": [models.UniqueConstraint(fields=("link_id", "message_id"), name="carrier_message_once")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        row_level_security("quoting_carriermessage"),
    ]
