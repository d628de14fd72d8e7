"""Drop the tables of waffle's own flags, which the model of this project replaces.

waffle makes them all the same, and a table that refers to users cannot be left out when test databases are emptied
(django-waffle#317). Not part of 0001: waffle's first migration needs our users.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial"), ("waffle", "0004_update_everyone_nullbooleanfield")]

    operations = [
        migrations.RunSQL(
            [f"DROP TABLE IF EXISTS {table}" for table in ("waffle_flag_users", "waffle_flag_groups", "waffle_flag")],
            migrations.RunSQL.noop,
        ),
    ]
