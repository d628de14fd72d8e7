from django.db import migrations

from quoting.gates import COPY_HEAD

#: The function that it creates. A test compares it with that of the program: a changed text needs a migration.
FUNCTIONS = ["quoting_head_33947da686d4"]


class Migration(migrations.Migration):
    dependencies = [("quoting", "0001_initial")]

    operations = [COPY_HEAD.migration()]
