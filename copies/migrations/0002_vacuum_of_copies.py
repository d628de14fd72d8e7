"""Sweep up what saves leave in the copies before a fifth of the table is dead.

Each save writes its copy's row anew, with all that TOAST holds of it. Measured in docs/scaling.md.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("copies", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE copies_copy SET"
            " (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,"
            " toast.autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_threshold = 1000)",
            reverse_sql="ALTER TABLE copies_copy RESET"
            " (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,"
            " toast.autovacuum_vacuum_scale_factor, toast.autovacuum_vacuum_threshold)",
            hints={"tenant": True},
        ),
    ]
