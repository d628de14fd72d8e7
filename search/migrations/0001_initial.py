import django.db.models.manager
from django.db import migrations, models

from tenants.row_level_security import row_level_security


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="IndustryPattern",
            fields=[
                (
                    "zip_code",
                    models.CharField(max_length=5, primary_key=True, serialize=False, verbose_name="ZIP code"),
                ),
                (
                    "counts",
                    models.JSONField(help_text="Size class -> industry code -> number of businesses."),
                ),
            ],
            options={"ordering": ["zip_code"]},
        ),
        migrations.CreateModel(
            name="IndustryPatternFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("zip_codes", models.PositiveIntegerField(verbose_name="ZIP codes")),
                ("loaded_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={"ordering": ["-id"]},
        ),
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("copy_id", models.UUIDField(editable=False, primary_key=True, serialize=False, verbose_name="copy")),
                ("version", models.PositiveIntegerField()),
                ("release_id", models.IntegerField(verbose_name="release")),
                (
                    "format",
                    models.PositiveSmallIntegerField(
                        help_text="The version of the indexing rules that the entry was made with."
                    ),
                ),
                ("indexed_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "search entries",
                "ordering": ["copy_id"],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="SearchSpelling",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("trigram", models.CharField(db_collation="C", max_length=3)),
                ("word", models.CharField(db_collation="C", max_length=40)),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "trigram", "word"), name="search_spelling_once")
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="SearchWord",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                ("word", models.CharField(db_collation="C", max_length=40)),
                ("weight", models.PositiveSmallIntegerField()),
                ("is_personal", models.BooleanField()),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(
                        fields=["tenant_id", "word"],
                        include=("copy_id", "weight", "is_personal"),
                        name="search_word_found",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("copy_id", "word"), name="search_word_once")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        row_level_security("search_searchentry"),
        row_level_security("search_searchword"),
        row_level_security("search_searchspelling"),
    ]
