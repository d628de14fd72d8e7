from django.db import migrations

from tenants.caller_rows import TOKENS, USERS

#: The functions that it creates. A test compares them with those of the program: a changed text needs a migration.
FUNCTIONS = ["tenants_user_a9f15edcb3bc", "tenants_token_1e62d4e4de46"]


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_revoked_tokens")]

    operations = [plan.migration(is_shared=True) for plan in (USERS.plan, TOKENS.plan)]
