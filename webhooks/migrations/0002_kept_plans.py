from django.db import migrations

from webhooks.feed import ENDPOINTS, STORE

#: The functions that it creates. A test compares them with those of the program: a changed text needs a migration.
FUNCTIONS = ["webhooks_endpoints_f696653d5468", "webhooks_store_b19cbd902412"]


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial")]

    operations = [plan.migration() for plan in (ENDPOINTS, STORE)]
