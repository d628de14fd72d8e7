import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.manager
import uuid_utils.compat
from django.db import migrations, models

from tenants.row_level_security import row_level_security


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="CarrierAppointment",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("valid_from", models.DateField(help_text="The first day.", verbose_name="from")),
                (
                    "valid_until",
                    models.DateField(
                        blank=True, help_text="The last day. Leave empty for no end.", null=True, verbose_name="until"
                    ),
                ),
                ("carrier", models.CharField(help_text="The carrier's code.", max_length=64)),
                (
                    "states",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            max_length=64,
                            validators=[
                                django.core.validators.RegexValidator(
                                    "\\A[A-Z]{2}\\Z", "Use the two capital letters of a state, such as OH."
                                )
                            ],
                        ),
                        blank=True,
                        default=list,
                        help_text="Such as OH, TX. Leave empty for all.",
                        size=None,
                        verbose_name="states",
                    ),
                ),
                (
                    "lines",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="Codes, separated by commas. Leave empty for all.",
                        size=None,
                        verbose_name="lines of business",
                    ),
                ),
                (
                    "products",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="Codes, separated by commas. Leave empty for all.",
                        size=None,
                        verbose_name="products",
                    ),
                ),
                (
                    "producer_code",
                    models.CharField(help_text="The code by which the carrier knows the agency.", max_length=60),
                ),
            ],
            options={
                "verbose_name": "carrier appointment",
                "ordering": ["carrier", "producer_code", "id"],
                "abstract": False,
                "base_manager_name": "unscoped_objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_until", None), ("valid_until__gte", models.F("valid_from")), _connector="OR"
                        ),
                        name="appointment_ends_after_its_begin",
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ProducerLicense",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("valid_from", models.DateField(help_text="The first day.", verbose_name="from")),
                (
                    "valid_until",
                    models.DateField(
                        blank=True, help_text="The last day. Leave empty for no end.", null=True, verbose_name="until"
                    ),
                ),
                (
                    "user_id",
                    models.UUIDField(
                        blank=True,
                        help_text="The user who holds it. Leave empty for the whole agency.",
                        null=True,
                        verbose_name="user",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Z]{2}\\Z", "Use the two capital letters of a state, such as OH."
                            )
                        ],
                    ),
                ),
                (
                    "lines",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="Codes, separated by commas. Leave empty for all.",
                        size=None,
                        verbose_name="lines of business",
                    ),
                ),
                ("number", models.CharField(help_text="The number that the state issued.", max_length=60)),
            ],
            options={
                "verbose_name": "producer license",
                "ordering": ["state", "number", "id"],
                "abstract": False,
                "base_manager_name": "unscoped_objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_until", None), ("valid_until__gte", models.F("valid_from")), _connector="OR"
                        ),
                        name="license_ends_after_its_begin",
                    ),
                    models.UniqueConstraint(
                        fields=("tenant_id", "user_id", "state", "number", "valid_from"),
                        name="license_once",
                        nulls_distinct=False,
                        violation_error_message="This license is already recorded with this first day.",
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ProposalLink",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                (
                    "version",
                    models.PositiveIntegerField(help_text="The version of the copy that the proposal is about."),
                ),
                (
                    "secret_hash",
                    models.CharField(
                        help_text="SHA-256 of the secret, as hexadecimal text.", max_length=64, unique=True
                    ),
                ),
                (
                    "content",
                    models.JSONField(help_text="The proposal as it was, with personal values masked."),
                ),
                ("expires_at", models.DateTimeField(help_text="When the link ends.")),
                ("revoked_at", models.DateTimeField(null=True)),
                ("opened_at", models.DateTimeField(help_text="When the link was opened last.", null=True)),
                ("made_by_id", models.CharField(max_length=64)),
                ("made_by_label", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "abstract": False,
                "base_manager_name": "unscoped_objects",
                "indexes": [models.Index(fields=["copy_id", "-created_at"], name="proposal_link_copy")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="CarrierMessage",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("link_id", models.UUIDField(verbose_name="link")),
                ("carrier", models.CharField(max_length=64)),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                ("message_id", models.CharField(help_text="The webhook-id of the callback.", max_length=128)),
                ("body", models.TextField()),
                ("correlation_id", models.CharField(blank=True, max_length=64)),
                ("received_at", models.DateTimeField()),
                (
                    "queued_at",
                    models.DateTimeField(help_text="When its import was put into the outbox.", null=True),
                ),
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
                "indexes": [
                    django.contrib.postgres.indexes.BrinIndex(fields=["received_at"], name="carrier_message_received"),
                    models.Index(
                        condition=models.Q(("queued_at", None)),
                        fields=["received_at"],
                        name="carrier_message_waiting",
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        row_level_security("quoting_producerlicense"),
        row_level_security("quoting_carrierappointment"),
        row_level_security("quoting_carriermessage"),
        row_level_security("quoting_proposallink"),
    ]
