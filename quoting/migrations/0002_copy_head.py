from django.db import migrations

from quoting.gates import COPY_HEAD

#: The function that it creates. A test compares it with that of the program: a changed text needs a migration.
FUNCTIONS = ["quoting_head_4a967493e2cf"]


class Migration(migrations.Migration):
    dependencies = [("quoting", "0001_initial")]

    operations = [COPY_HEAD.migration()]
