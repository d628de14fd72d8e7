"""Note each access token that is deleted before it expires.

Not part of 0001: the first migration of the tokens needs our clients.
"""

from django.db import migrations, models

_CREATE = [
    """
    CREATE FUNCTION tenants_note_revoked_token() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.expires > clock_timestamp() THEN
            INSERT INTO tenants_revokedtoken (token_id, revoked_at) VALUES (OLD.id, clock_timestamp())
            ON CONFLICT DO NOTHING;
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER tenants_revoked_token AFTER DELETE ON oauth2_provider_accesstoken
    FOR EACH ROW EXECUTE FUNCTION tenants_note_revoked_token()
    """,
]
_DROP = [
    "DROP TRIGGER tenants_revoked_token ON oauth2_provider_accesstoken",
    "DROP FUNCTION tenants_note_revoked_token()",
]


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_drop_waffle_flags"), ("oauth2_provider", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="apiclient",
            name="tokens_revoked_at",
            field=models.DateTimeField(
                editable=False, help_text="What was begun with tokens that had expired by then is stopped.", null=True
            ),
        ),
        migrations.CreateModel(
            name="RevokedToken",
            fields=[
                ("token_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("revoked_at", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(_CREATE, _DROP),
    ]
