from django.db import migrations

from quoting.callbacks import STORE

#: The function that it creates. A test compares it with that of the program: a changed text needs a migration.
FUNCTIONS = ["quoting_store_message_e03509b545a3"]


class Migration(migrations.Migration):
    dependencies = [("quoting", "0002_copy_head")]

    operations = [STORE.migration()]
