import django.db.models.manager
from django.db import migrations, models

from tenants.row_level_security import row_level_security


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="DecisionRun",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                (
                    "cause",
                    models.CharField(
                        choices=[("release", "A release was published"), ("day", "A new day began")], max_length=10
                    ),
                ),
                ("release_id", models.IntegerField(null=True, verbose_name="release")),
                (
                    "total",
                    models.PositiveIntegerField(default=0, help_text="The copies that wait at its start."),
                ),
                (
                    "decided",
                    models.PositiveIntegerField(default=0, help_text="The copies that were decided so far."),
                ),
                (
                    "changed",
                    models.PositiveIntegerField(
                        default=0, help_text="Those of them whose decision changed, as a version."
                    ),
                ),
                (
                    "failed",
                    models.PositiveIntegerField(
                        default=0, help_text="The copies that could not be decided; see the log."
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-started_at"],
                "indexes": [models.Index(fields=["tenant_id", "-started_at"], name="decision_run_started")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("finished_at", None)),
                        fields=("tenant_id",),
                        name="decision_run_one_at_a_time",
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        row_level_security("decisions_decisionrun"),
        migrations.CreateModel(
            name="ShadowRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("copy_id", models.UUIDField()),
                ("release_id", models.IntegerField(verbose_name="release")),
                ("version", models.PositiveIntegerField()),
                (
                    "results",
                    models.JSONField(default=dict, help_text="fired, not_fired or unknown, by the name of the rule."),
                ),
                ("recorded_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-recorded_at"],
                "indexes": [models.Index(fields=["tenant_id", "release_id"], name="shadow_record_release")],
                "constraints": [models.UniqueConstraint(fields=("copy_id", "release_id"), name="shadow_record_once")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        row_level_security("decisions_shadowrecord"),
    ]
