from django.db import migrations

from tenants.caller_rows import TOKENS, USERS

#: The functions that it creates. A test compares them with those of the program: a changed text needs a migration.
FUNCTIONS = ["tenants_user_1a41703e6467", "tenants_token_b98e959b5dda"]


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_revoked_tokens")]

    operations = [USERS.plan.migration(), TOKENS.plan.migration()]
