from django.db import migrations

from forms.selectors import CATALOGUES

#: The function that it creates. A test compares it with that of the program: a changed text needs a migration.
FUNCTIONS = ["forms_catalogues_2a9d004e75fb"]


class Migration(migrations.Migration):
    dependencies = [("forms", "0001_initial")]

    operations = [CATALOGUES.migration()]
