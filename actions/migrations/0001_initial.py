import django.db.models.manager
from django.db import migrations, models

from actions.claims import KEPT
from tenants.row_level_security import row_level_security

#: The functions that it creates. A test compares them with those of the program: a changed text needs a migration.
FUNCTIONS = [
    "actions_waiting_4599bf21393b",
    "actions_claim_e3e35c4d20ae",
    "actions_claim_064a106df25e",
    "actions_claim_left_388b2e9bb1bc",
    "actions_done_f7fe75325ed3",
]


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
                        help_text="What the action is done to. Actions of one kind with one target in one save are merged.",
                        max_length=200,
                    ),
                ),
                ("payload", models.JSONField()),
                ("payload_version", models.PositiveSmallIntegerField(default=1)),
                ("copy_id", models.UUIDField(null=True, verbose_name="copy")),
                (
                    "version",
                    models.PositiveIntegerField(
                        help_text="The version of the copy whose save created the action.", null=True
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
                        default=0, help_text="How often a worker stopped before it reported the result of an attempt."
                    ),
                ),
                ("next_attempt_at", models.DateTimeField()),
                ("lease_token", models.UUIDField(editable=False, null=True)),
                ("leased_until", models.DateTimeField(null=True)),
                (
                    "last_error",
                    models.CharField(
                        blank=True, help_text="The kind and place of the failure, without values.", max_length=300
                    ),
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
                        fields=["tenant_id", "next_attempt_at"],
                        name="outbox_due_by_tenant",
                    ),
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["copy_id", "kind", "version"],
                        name="outbox_order",
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
        # Rows come and go all day: what they leave is swept up long before a fifth of the table is dead. Half of each page
        # stays free for the claims of its rows.
        migrations.RunSQL(
            "ALTER TABLE actions_outboxaction SET"
            " (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, fillfactor = 50)",
            reverse_sql="ALTER TABLE actions_outboxaction RESET"
            " (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, fillfactor)",
            hints={"tenant": True},
        ),
        *(plan.migration() for plan in KEPT.values()),
    ]
