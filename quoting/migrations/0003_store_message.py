from django.db import migrations

from quoting.callbacks import STORE

#: The function that it creates. A test compares it with that of the program: a changed text needs a migration.
FUNCTIONS = ["quoting_store_message_ad49632b4062"]


class Migration(migrations.Migration):
    dependencies = [("quoting", "0002_copy_head")]

    operations = [STORE.migration()]
