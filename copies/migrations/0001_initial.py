import django.contrib.postgres.indexes
import django.db.models.fields.json
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.db.models.manager
from django.db import migrations, models

from tenants.row_level_security import row_level_security


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="CopyIndex",
            fields=[
                ("copy_id", models.UUIDField(primary_key=True, serialize=False)),
                ("application_form_id", models.UUIDField(db_index=True)),
                ("tenant_id", models.UUIDField(db_index=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name_plural": "copy index",
            },
        ),
        migrations.CreateModel(
            name="Copy",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("application_form_id", models.UUIDField(editable=False, verbose_name="application form")),
                ("title", models.CharField(blank=True, max_length=200)),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=1, help_text="The number of saves. An update must name the version that it is based on."
                    ),
                ),
                ("owner_id", models.UUIDField(blank=True, null=True, verbose_name="owner")),
                (
                    "locked_at",
                    models.DateTimeField(
                        blank=True, help_text="A locked copy cannot be changed until it is unlocked.", null=True
                    ),
                ),
                ("locked_by_id", models.CharField(blank=True, max_length=64, verbose_name="locked by")),
                ("locked_by_label", models.CharField(blank=True, max_length=200, verbose_name="locked by (name)")),
                ("lock_reason", models.CharField(blank=True, max_length=200)),
                (
                    "copied_from_id",
                    models.UUIDField(
                        editable=False,
                        help_text="Empty for a copy that was started without answers.",
                        null=True,
                        verbose_name="copied from",
                    ),
                ),
                ("copied_from_version", models.PositiveIntegerField(editable=False, null=True)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "last_touched_by_user_at",
                    models.DateTimeField(blank=True, help_text="Not changed by jobs.", null=True),
                ),
                (
                    "release_id",
                    models.IntegerField(
                        help_text="The catalogue release that it was last evaluated with.",
                        null=True,
                        verbose_name="release",
                    ),
                ),
                (
                    "decided_release_id",
                    models.IntegerField(
                        help_text="The release that leads to the stored decision; empty for a bound copy, which keeps its decision.",
                        null=True,
                        verbose_name="decided with release",
                    ),
                ),
                (
                    "decided_on",
                    models.DateField(
                        help_text="The day of the stored decision; empty if it is the same on every day.", null=True
                    ),
                ),
                (
                    "decided_edition",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="The edition of the program that leads to the stored decision."
                    ),
                ),
                ("document", models.BinaryField()),
                ("evaluation", models.BinaryField()),
                (
                    "chain",
                    models.BinaryField(default=b"", help_text="The last link of the chain of its versions."),
                ),
                (
                    "wrapped_key",
                    models.BinaryField(
                        help_text="The copy's data keys, wrapped by the key service; empty once they are erased.",
                        null=True,
                    ),
                ),
                (
                    "key_id",
                    models.CharField(blank=True, help_text="The key that wraps the newest data key.", max_length=200),
                ),
                ("key_version", models.PositiveIntegerField(default=1)),
                (
                    "summary",
                    models.JSONField(
                        default=dict,
                        help_text="What lists show: the insured, lines, missing answers, and outcomes. Nothing sensitive.",
                    ),
                ),
                (
                    "search_text",
                    models.TextField(blank=True, help_text="Indexed answers that are neither personal nor sensitive."),
                ),
                (
                    "search_personal",
                    models.TextField(
                        blank=True, help_text="Indexed personal answers, searched only for users who may read them."
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "copies",
                "ordering": ["-updated_at"],
                "permissions": [
                    ("read_personal", "Can read personal answers unmasked"),
                    ("reveal_sensitive", "Can reveal sensitive answers, with a reason that is recorded"),
                    ("erase_sensitive", "Can erase the keys of a form's sensitive answers for ever"),
                    ("release_lock", "Can release the lock of a copy whose save is stuck"),
                ],
                "indexes": [
                    models.Index(fields=["tenant_id", "application_form_id"], name="copy_form"),
                    models.Index(fields=["tenant_id", "-last_touched_by_user_at", "-id"], name="copy_last_touched"),
                    models.Index(
                        condition=models.Q(("deleted_at", None), ("locked_at", None)),
                        fields=["tenant_id", "decided_release_id", "decided_edition", "decided_on", "id"],
                        name="copy_open_decision",
                    ),
                    models.Index(fields=["tenant_id", "updated_at", "id"], name="copy_updated"),
                    models.Index(
                        fields=["tenant_id", "owner_id", "-last_touched_by_user_at", "-id"], name="copy_of_owner"
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        django.db.models.functions.text.Lower(
                            django.db.models.functions.text.Left(
                                django.db.models.fields.json.KeyTextTransform("insured", "summary"), 80
                            )
                        ),
                        models.F("id"),
                        name="copy_insured",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        django.db.models.fields.json.KeyTextTransform("starts_on", "summary"),
                        models.F("id"),
                        name="copy_starts_on",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        django.db.models.functions.comparison.Cast(
                            django.db.models.fields.json.KeyTextTransform("best_premium", "summary"),
                            models.BigIntegerField(),
                        ),
                        models.F("id"),
                        name="copy_best_premium",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        django.db.models.functions.comparison.Cast(
                            django.db.models.fields.json.KeyTextTransform("status", "summary"), models.IntegerField()
                        ),
                        models.F("id"),
                        name="copy_status",
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="CopyRevision",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                ("version", models.PositiveIntegerField()),
                ("actor_type", models.CharField(max_length=20)),
                ("actor_id", models.CharField(max_length=64)),
                ("actor_label", models.CharField(blank=True, max_length=200)),
                ("source", models.CharField(max_length=20)),
                ("correlation_id", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField()),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("document", models.BinaryField()),
                ("evaluation", models.BinaryField()),
                ("changes", models.BinaryField()),
                (
                    "is_whole",
                    models.BooleanField(
                        default=True, help_text="Document and evaluation are kept whole, not as a difference."
                    ),
                ),
                (
                    "chain",
                    models.BinaryField(
                        default=b"", help_text="The link of this version: a hash of it and of the link before."
                    ),
                ),
                (
                    "amends",
                    models.BinaryField(
                        default=b"", help_text="The earlier versions that were rewritten with this one."
                    ),
                ),
                (
                    "cause_type",
                    models.CharField(
                        blank=True,
                        help_text="Why, where the actor does not say it: merge, revert, operation.",
                        max_length=20,
                    ),
                ),
                ("cause_id", models.CharField(blank=True, max_length=64)),
                ("release_id", models.IntegerField(null=True, verbose_name="release")),
            ],
            options={
                "ordering": ["copy_id", "-version"],
                "indexes": [
                    django.contrib.postgres.indexes.BrinIndex(
                        autosummarize=True, fields=["created_at"], name="revision_saved"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("copy_id", "version"), name="revision_once_per_version")
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="SensitiveReveal",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                ("version", models.PositiveIntegerField()),
                ("actor_type", models.CharField(max_length=20)),
                ("actor_id", models.CharField(max_length=64)),
                ("actor_label", models.CharField(blank=True, max_length=200)),
                ("source", models.CharField(max_length=20)),
                ("correlation_id", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField()),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("path", models.CharField(max_length=300)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("carrier", "A carrier asks for it"),
                            ("insured", "The insured asks for it"),
                            ("correction", "To check or correct the answer"),
                            ("claim", "To handle a claim"),
                            ("audit", "For an audit"),
                            ("legal", "A court or regulator asks for it"),
                            ("support", "To solve a support case"),
                        ],
                        max_length=20,
                    ),
                ),
                ("reason", models.CharField(max_length=500)),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(fields=["copy_id", "-created_at"], name="reveal_copy"),
                    models.Index(fields=["tenant_id", "-created_at"], name="reveal_tenant"),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        # What is compressed already is not compressed again: TOAST keeps these columns as they come.
        migrations.RunSQL(
            [
                f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL"
                for table, columns in (
                    ("copies_copy", ("document", "evaluation")),
                    ("copies_copyrevision", ("document", "evaluation", "changes")),
                )
                for column in columns
            ],
            migrations.RunSQL.noop,
            hints={"tenant": True},
        ),
        row_level_security("copies_copy"),
        row_level_security("copies_copyrevision"),
        row_level_security("copies_sensitivereveal"),
    ]
