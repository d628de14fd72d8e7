from decimal import Decimal

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import oauth2_provider.generators
import oauth2_provider.models
import simple_history.models
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

import tenants.access
import tenants.history
import tenants.models
from tenants.limits.scopes import SCOPES


def add_rate_limits(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Add the row of each scope with its default, for staff to change."""
    model = apps.get_model("tenants", "RateLimit")
    for scope in SCOPES.values():
        default = scope.default
        model.objects.create(
            scope=scope.name, amount=default.amount, window=default.window, per_address=default.per_address
        )


def add_histories_of_rate_limits(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Begin the history of each rate limit with its default, so that the first change has a value before."""
    model = apps.get_model("tenants", "HistoricalRateLimit")
    for row in apps.get_model("tenants", "RateLimit").objects.all():
        numbers = {"amount": row.amount, "window": row.window, "per_address": row.per_address}
        model.objects.create(
            scope=row.scope, is_on=row.is_on, note=row.note, **numbers, history_type="+", history_date=row.modified
        )


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tenant",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tenants.models.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("code", models.SlugField(help_text="A short name, used in addresses and exports.", unique=True)),
                ("name", models.CharField(max_length=200)),
                (
                    "time_zone",
                    models.CharField(
                        default="America/New_York", max_length=64, validators=[tenants.models.validate_time_zone]
                    ),
                ),
                (
                    "database",
                    models.CharField(
                        blank=True,
                        help_text="The alias of its own database, if any.",
                        max_length=64,
                        validators=[tenants.models.validate_database],
                    ),
                ),
                (
                    "moves",
                    models.PositiveIntegerField(
                        default=0, editable=False, help_text="How often it was moved to another database."
                    ),
                ),
                (
                    "catalogue",
                    models.CharField(
                        blank=True, help_text="The code of the catalogue that its new forms use.", max_length=64
                    ),
                ),
                (
                    "quotes_staleness",
                    models.BooleanField(
                        default=False,
                        help_text="A copy that is submitted to a carrier makes this carrier's quotes in the form's other copies stale.",
                        verbose_name="one current quote per form and carrier",
                    ),
                ),
                (
                    "weight",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="Its share of the workers while several tenants have work waiting, relative to the others' weights.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                (
                    "phone",
                    models.CharField(blank=True, help_text="Guests and customers see it.", max_length=40),
                ),
                (
                    "email",
                    models.EmailField(blank=True, help_text="Guests and customers see it.", max_length=254),
                ),
                (
                    "form_retention_years",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Forms that nobody has changed for so many years are erased for good. Empty: never.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                (
                    "logo_id",
                    models.UUIDField(editable=False, help_text="The id of its logo, new with each picture.", null=True),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Logo",
            fields=[
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="tenants.tenant",
                    ),
                ),
                ("code", models.UUIDField(unique=True)),
                ("picture", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "id",
                    models.UUIDField(default=tenants.models.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("email", models.EmailField(max_length=254)),
                ("full_name", models.CharField(blank=True, max_length=200)),
                (
                    "role",
                    models.CharField(
                        choices=[("agent", "Agent"), ("tenant_admin", "Tenant admin"), ("staff", "Staff")],
                        max_length=20,
                    ),
                ),
                (
                    "is_staff",
                    models.BooleanField(default=False, help_text="Whether the user can sign in to the admin."),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("date_joined", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "session_generation",
                    models.CharField(
                        blank=True,
                        default="",
                        editable=False,
                        help_text="Sessions of earlier generations are refused.",
                        max_length=32,
                    ),
                ),
                (
                    "theme",
                    models.CharField(
                        blank=True,
                        choices=[("system", "System"), ("light", "Light"), ("dark", "Dark")],
                        default="",
                        editable=False,
                        help_text="Without a choice, that of the browser.",
                        max_length=6,
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="users",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ["email"],
                "permissions": [("view_as_user", "Can view the product as an agent, without changes")],
            },
        ),
        migrations.CreateModel(
            name="ApiClient",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "client_id",
                    models.CharField(
                        db_index=True,
                        default=oauth2_provider.generators.generate_client_id,
                        max_length=255,
                        unique=True,
                        verbose_name="client ID",
                    ),
                ),
                (
                    "redirect_uris",
                    models.TextField(
                        blank=True, help_text="Allowed URIs list, space separated", verbose_name="redirect URIs"
                    ),
                ),
                (
                    "post_logout_redirect_uris",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="Allowed Post Logout URIs list, space separated",
                        verbose_name="post logout redirect URIs",
                    ),
                ),
                (
                    "client_secret",
                    oauth2_provider.models.ClientSecretField(
                        blank=True,
                        db_index=True,
                        default=oauth2_provider.generators.generate_client_secret,
                        help_text="Client secret for authentication",
                        max_length=255,
                        verbose_name="client secret",
                    ),
                ),
                ("hash_client_secret", models.BooleanField(default=True, verbose_name="hash client secret")),
                ("name", models.CharField(blank=True, max_length=255, verbose_name="name")),
                ("skip_authorization", models.BooleanField(default=False, verbose_name="skip authorization")),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated", models.DateTimeField(auto_now=True, verbose_name="updated")),
                (
                    "algorithm",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "No OIDC support"),
                            ("RS256", "RSA with SHA-2 256"),
                            ("HS256", "HMAC with SHA-2 256"),
                        ],
                        default="",
                        max_length=5,
                        verbose_name="algorithm",
                    ),
                ),
                (
                    "allowed_origins",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="Allowed origins list to enable CORS, space separated",
                        verbose_name="allowed origins",
                    ),
                ),
                (
                    "registration_source",
                    models.CharField(
                        choices=[
                            ("manual", "Manual"),
                            ("dcr", "Dynamic Client Registration"),
                            ("cimd", "Client ID Metadata Document"),
                        ],
                        default="manual",
                        help_text="How this application was registered (manual, DCR per RFC 7591, or CIMD)",
                        max_length=32,
                        verbose_name="registration source",
                    ),
                ),
                (
                    "cimd_expires_at",
                    models.DateTimeField(
                        blank=True,
                        default=None,
                        help_text="When the cached Client ID Metadata Document should be re-fetched",
                        null=True,
                        verbose_name="CIMD expires at",
                    ),
                ),
                (
                    "client_type",
                    models.CharField(choices=[("confidential", "Confidential")], default="confidential", max_length=32),
                ),
                (
                    "authorization_grant_type",
                    models.CharField(
                        choices=[("client-credentials", "Client credentials")],
                        default="client-credentials",
                        max_length=44,
                    ),
                ),
                (
                    "allowed_scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("forms:read", "Read application forms and copies"),
                                ("forms:write", "Start, answer, lock and delete application forms and copies"),
                                ("forms:as_of", "Choose the evaluation date of a new application form"),
                                ("answers:pii", "Read personal answers unmasked"),
                                ("answers:reveal", "Reveal a sensitive answer, with a reason that is recorded"),
                                ("catalogue:read", "Read the catalogue"),
                                ("webhooks:manage", "Add, change, test and replay webhook endpoints"),
                                ("forms:clone_to_tenants", "Clone a copy into another tenant"),
                                ("quotes:bind", "Record consent, bind quotes and ask for help with it"),
                                ("agency:manage", "Change the agency's name, logo, phone and email"),
                                ("persons:manage", "Find, export and erase the data of one person"),
                                ("mcp:read", "For AI agents at /mcp: read application forms and the catalogue"),
                                (
                                    "mcp:propose",
                                    "For AI agents at /mcp: start application forms, propose answers and prepare quote "
                                    "requests",
                                ),
                                ("mcp:write", "For AI agents at /mcp: write answers without a person's confirmation"),
                            ],
                            max_length=64,
                        ),
                        default=tenants.models.least_scopes,
                        help_text="The most that its tokens are allowed to do.",
                        size=None,
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Without it its tokens are refused, and its running operations stop.",
                        verbose_name="active",
                    ),
                ),
                (
                    "is_sandbox",
                    models.BooleanField(
                        default=False,
                        help_text="Forms that it starts are test forms, and it changes no others. They are in no report, reach only carriers that are marked as a simulator, and are erased after some days.",
                        verbose_name="sandbox",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="%(app_label)s_%(class)s",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="api_clients", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "verbose_name": "API client",
                "ordering": ["name"],
                "abstract": False,
            },
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower("email"), name="user_email_once"),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("role", tenants.access.Role["STAFF"]), ("tenant", None)),
                    models.Q(
                        models.Q(("role", tenants.access.Role["STAFF"]), _negated=True),
                        models.Q(("tenant", None), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="user_has_tenant_unless_staff",
                violation_error_message="Agents and tenant administrators need a tenant. Staff must not have one.",
            ),
        ),
        migrations.CreateModel(
            name="Flag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        help_text="The human/computer readable name.", max_length=100, unique=True, verbose_name="Name"
                    ),
                ),
                (
                    "created",
                    models.DateTimeField(
                        db_index=True,
                        default=django.utils.timezone.now,
                        help_text="Date when this Flag was created.",
                        verbose_name="Created",
                    ),
                ),
                (
                    "modified",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="Date when this Flag was last modified.",
                        verbose_name="Modified",
                    ),
                ),
                (
                    "is_on",
                    models.BooleanField(
                        default=True,
                        help_text="The off switch: without it nobody gets the feature, whatever is below.",
                        verbose_name="switched on",
                    ),
                ),
                (
                    "everyone",
                    models.BooleanField(
                        blank=True,
                        help_text="Yes or no for all who are on no list above. Unknown leaves it to the percentage.",
                        null=True,
                    ),
                ),
                ("note", models.TextField(blank=True, help_text="Why it is set like this, for the next person.")),
                (
                    "percent",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        default=Decimal("0"),
                        help_text="The share of all other users and API clients that gets the feature, 0 to 100. A larger share takes nobody out.",
                        max_digits=5,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                (
                    "denied_tenants",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Nobody of these tenants ever gets the feature.",
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
                (
                    "denied_users",
                    models.ManyToManyField(
                        blank=True,
                        help_text="They never get the feature, even if they are on another list.",
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True, help_text="Groups of users on the allow list.", related_name="+", to="auth.group"
                    ),
                ),
                (
                    "tenants",
                    models.ManyToManyField(
                        blank=True,
                        help_text="All users and API clients of these tenants get the feature.",
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
                (
                    "users",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The allow list: they get the feature, whatever their tenant.",
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "Flag",
                "verbose_name_plural": "Flags",
                "ordering": ["name"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Backup",
            fields=[
                (
                    "database",
                    models.CharField(
                        help_text="The alias of the database.", max_length=64, primary_key=True, serialize=False
                    ),
                ),
                ("finished_at", models.DateTimeField()),
            ],
            options={"ordering": ["database"]},
        ),
        migrations.CreateModel(
            name="AccountMail",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("reset", "Password reset"),
                            ("invitation", "Invitation"),
                            ("changed", "Change by staff"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "email",
                    models.EmailField(
                        help_text="The address, whether or not it has an account.",
                        max_length=254,
                    ),
                ),
                (
                    "origin",
                    models.CharField(blank=True, help_text="The address of the product, for the link.", max_length=300),
                ),
                ("change", models.CharField(blank=True, help_text="What was changed, in words.", max_length=200)),
                ("created_at", models.DateTimeField()),
                ("next_attempt_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "ordering": ["created_at"],
                "indexes": [models.Index(fields=["next_attempt_at"], name="account_mail_due")],
            },
        ),
        migrations.CreateModel(
            name="UserSession",
            fields=[
                ("session_key", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("started_at", models.DateTimeField()),
                (
                    "address",
                    models.CharField(blank=True, help_text="The network address of the sign-in.", max_length=64),
                ),
                ("user_agent", models.CharField(blank=True, help_text="The browser's own words.", max_length=200)),
                (
                    "company_checked_at",
                    models.DateTimeField(
                        help_text="When the issuer of the company last vouched for the user; empty for other sign-ins.",
                        null=True,
                    ),
                ),
                ("company_proof", models.BinaryField(help_text="What the issuer said, sealed.", null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={"ordering": ["-started_at"]},
        ),
        migrations.CreateModel(
            name="RateLimit",
            fields=[
                (
                    "is_on",
                    models.BooleanField(
                        default=True, help_text="Without it nothing is counted or refused.", verbose_name="switched on"
                    ),
                ),
                (
                    "amount",
                    models.PositiveIntegerField(
                        help_text="The most uses of one caller in any window.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "window",
                    models.PositiveIntegerField(
                        help_text="60 is a minute, 3600 an hour, 86400 a day.",
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="window in seconds",
                    ),
                ),
                (
                    "per_address",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="The most uses of all callers of one network address together. Empty: addresses are not counted.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                ("note", models.TextField(blank=True, help_text="Why it is set like this, for the next person.")),
                ("modified", models.DateTimeField(auto_now=True)),
                ("scope", models.CharField(max_length=40, primary_key=True, serialize=False)),
            ],
            options={
                "verbose_name": "rate limit",
                "ordering": ["scope"],
            },
        ),
        migrations.RunPython(add_rate_limits, migrations.RunPython.noop),
        migrations.CreateModel(
            name="OwnRateLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "is_on",
                    models.BooleanField(
                        default=True, help_text="Without it nothing is counted or refused.", verbose_name="switched on"
                    ),
                ),
                (
                    "amount",
                    models.PositiveIntegerField(
                        help_text="The most uses of one caller in any window.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "window",
                    models.PositiveIntegerField(
                        help_text="60 is a minute, 3600 an hour, 86400 a day.",
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="window in seconds",
                    ),
                ),
                (
                    "per_address",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="The most uses of all callers of one network address together. Empty: addresses are not counted.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                ("note", models.TextField(blank=True, help_text="Why it is set like this, for the next person.")),
                ("modified", models.DateTimeField(auto_now=True)),
                ("scope", models.CharField(max_length=40)),
                (
                    "api_client",
                    models.ForeignKey(
                        blank=True,
                        help_text="This API client gets the limit, whatever its tenant has.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
                        verbose_name="API client",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        help_text="Each user and API client of this tenant gets the limit.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "own rate limit",
                "ordering": ["scope", "pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("scope", "tenant"), name="own_limit_once_per_tenant"),
                    models.UniqueConstraint(fields=("scope", "api_client"), name="own_limit_once_per_client"),
                    models.CheckConstraint(
                        condition=models.Q(("tenant", None), ("api_client", None), _connector="XOR"),
                        name="own_limit_of_tenant_or_client",
                        violation_error_message="Choose a tenant or an API client, not both.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalFlag",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("actor_type", models.CharField(default=tenants.history.actor_type, max_length=20)),
                ("actor_label", models.CharField(blank=True, default=tenants.history.actor_label, max_length=200)),
                ("source", models.CharField(default=tenants.history.actor_source, max_length=10)),
                (
                    "name",
                    models.CharField(
                        db_index=True,
                        help_text="The human/computer readable name.",
                        max_length=100,
                        verbose_name="Name",
                    ),
                ),
                (
                    "is_on",
                    models.BooleanField(
                        default=True,
                        help_text="The off switch: without it nobody gets the feature, whatever is below.",
                        verbose_name="switched on",
                    ),
                ),
                (
                    "everyone",
                    models.BooleanField(
                        blank=True,
                        help_text="Yes or no for all who are on no list above. Unknown leaves it to the percentage.",
                        null=True,
                    ),
                ),
                ("note", models.TextField(blank=True, help_text="Why it is set like this, for the next person.")),
                (
                    "percent",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        default=Decimal("0"),
                        help_text="The share of all other users and API clients that gets the feature, 0 to 100. A larger share takes nobody out.",
                        max_digits=5,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                ("history_user_id", models.CharField(blank=True, default=tenants.history.actor_id, max_length=64)),
                (
                    "history_id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
            ],
            options={
                "verbose_name": "historical Flag",
                "verbose_name_plural": "historical Flags",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalRateLimit",
            fields=[
                ("actor_type", models.CharField(default=tenants.history.actor_type, max_length=20)),
                ("actor_label", models.CharField(blank=True, default=tenants.history.actor_label, max_length=200)),
                ("source", models.CharField(default=tenants.history.actor_source, max_length=10)),
                (
                    "is_on",
                    models.BooleanField(
                        default=True, help_text="Without it nothing is counted or refused.", verbose_name="switched on"
                    ),
                ),
                (
                    "amount",
                    models.PositiveIntegerField(
                        help_text="The most uses of one caller in any window.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "window",
                    models.PositiveIntegerField(
                        help_text="60 is a minute, 3600 an hour, 86400 a day.",
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="window in seconds",
                    ),
                ),
                (
                    "per_address",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="The most uses of all callers of one network address together. Empty: addresses are not counted.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                ("note", models.TextField(blank=True, help_text="Why it is set like this, for the next person.")),
                ("scope", models.CharField(db_index=True, max_length=40)),
                ("history_user_id", models.CharField(blank=True, default=tenants.history.actor_id, max_length=64)),
                (
                    "history_id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
            ],
            options={
                "verbose_name": "historical rate limit",
                "verbose_name_plural": "historical rate limits",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalTenant",
            fields=[
                ("actor_type", models.CharField(default=tenants.history.actor_type, max_length=20)),
                ("actor_label", models.CharField(blank=True, default=tenants.history.actor_label, max_length=200)),
                ("source", models.CharField(default=tenants.history.actor_source, max_length=10)),
                ("id", models.UUIDField(db_index=True, default=tenants.models.new_id, editable=False)),
                ("code", models.SlugField(help_text="A short name, used in addresses and exports.")),
                ("name", models.CharField(max_length=200)),
                (
                    "time_zone",
                    models.CharField(
                        default="America/New_York", max_length=64, validators=[tenants.models.validate_time_zone]
                    ),
                ),
                (
                    "database",
                    models.CharField(
                        blank=True,
                        help_text="The alias of its own database, if any.",
                        max_length=64,
                        validators=[tenants.models.validate_database],
                    ),
                ),
                (
                    "catalogue",
                    models.CharField(
                        blank=True, help_text="The code of the catalogue that its new forms use.", max_length=64
                    ),
                ),
                (
                    "quotes_staleness",
                    models.BooleanField(
                        default=False,
                        help_text="A copy that is submitted to a carrier makes this carrier's quotes in the form's other copies stale.",
                        verbose_name="one current quote per form and carrier",
                    ),
                ),
                (
                    "weight",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="Its share of the workers while several tenants have work waiting, relative to the others' weights.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                ("phone", models.CharField(blank=True, help_text="Guests and customers see it.", max_length=40)),
                (
                    "email",
                    models.EmailField(blank=True, help_text="Guests and customers see it.", max_length=254),
                ),
                (
                    "form_retention_years",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Forms that nobody has changed for so many years are erased for good. Empty: never.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                (
                    "logo_id",
                    models.UUIDField(editable=False, help_text="The id of its logo, new with each picture.", null=True),
                ),
                ("created_at", models.DateTimeField(blank=True, editable=False)),
                ("history_user_id", models.CharField(blank=True, default=tenants.history.actor_id, max_length=64)),
                (
                    "history_id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
            ],
            options={
                "verbose_name": "historical tenant",
                "verbose_name_plural": "historical tenants",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalApiClient",
            fields=[
                ("actor_type", models.CharField(default=tenants.history.actor_type, max_length=20)),
                ("actor_label", models.CharField(blank=True, default=tenants.history.actor_label, max_length=200)),
                ("source", models.CharField(default=tenants.history.actor_source, max_length=10)),
                ("id", models.BigIntegerField(blank=True, db_index=True)),
                (
                    "client_id",
                    models.CharField(
                        db_index=True,
                        default=oauth2_provider.generators.generate_client_id,
                        max_length=255,
                        verbose_name="client ID",
                    ),
                ),
                (
                    "redirect_uris",
                    models.TextField(
                        blank=True, help_text="Allowed URIs list, space separated", verbose_name="redirect URIs"
                    ),
                ),
                (
                    "post_logout_redirect_uris",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="Allowed Post Logout URIs list, space separated",
                        verbose_name="post logout redirect URIs",
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=255, verbose_name="name")),
                ("skip_authorization", models.BooleanField(default=False, verbose_name="skip authorization")),
                (
                    "algorithm",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "No OIDC support"),
                            ("RS256", "RSA with SHA-2 256"),
                            ("HS256", "HMAC with SHA-2 256"),
                        ],
                        default="",
                        max_length=5,
                        verbose_name="algorithm",
                    ),
                ),
                (
                    "allowed_origins",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="Allowed origins list to enable CORS, space separated",
                        verbose_name="allowed origins",
                    ),
                ),
                (
                    "registration_source",
                    models.CharField(
                        choices=[
                            ("manual", "Manual"),
                            ("dcr", "Dynamic Client Registration"),
                            ("cimd", "Client ID Metadata Document"),
                        ],
                        default="manual",
                        help_text="How this application was registered (manual, DCR per RFC 7591, or CIMD)",
                        max_length=32,
                        verbose_name="registration source",
                    ),
                ),
                (
                    "cimd_expires_at",
                    models.DateTimeField(
                        blank=True,
                        default=None,
                        help_text="When the cached Client ID Metadata Document should be re-fetched",
                        null=True,
                        verbose_name="CIMD expires at",
                    ),
                ),
                (
                    "client_type",
                    models.CharField(choices=[("confidential", "Confidential")], default="confidential", max_length=32),
                ),
                (
                    "authorization_grant_type",
                    models.CharField(
                        choices=[("client-credentials", "Client credentials")],
                        default="client-credentials",
                        max_length=44,
                    ),
                ),
                (
                    "allowed_scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("forms:read", "Read application forms and copies"),
                                ("forms:write", "Start, answer, lock and delete application forms and copies"),
                                ("forms:as_of", "Choose the evaluation date of a new application form"),
                                ("answers:pii", "Read personal answers unmasked"),
                                ("answers:reveal", "Reveal a sensitive answer, with a reason that is recorded"),
                                ("catalogue:read", "Read the catalogue"),
                                ("webhooks:manage", "Add, change, test and replay webhook endpoints"),
                                ("forms:clone_to_tenants", "Clone a copy into another tenant"),
                                ("quotes:bind", "Record consent, bind quotes and ask for help with it"),
                                ("agency:manage", "Change the agency's name, logo, phone and email"),
                                ("persons:manage", "Find, export and erase the data of one person"),
                                ("mcp:read", "For AI agents at /mcp: read application forms and the catalogue"),
                                (
                                    "mcp:propose",
                                    "For AI agents at /mcp: start application forms, propose answers and prepare quote "
                                    "requests",
                                ),
                                ("mcp:write", "For AI agents at /mcp: write answers without a person's confirmation"),
                            ],
                            max_length=64,
                        ),
                        default=tenants.models.least_scopes,
                        help_text="The most that its tokens are allowed to do.",
                        size=None,
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Without it its tokens are refused, and its running operations stop.",
                        verbose_name="active",
                    ),
                ),
                (
                    "is_sandbox",
                    models.BooleanField(
                        default=False,
                        help_text="Forms that it starts are test forms, and it changes no others. They are in no report, reach only carriers that are marked as a simulator, and are erased after some days.",
                        verbose_name="sandbox",
                    ),
                ),
                ("history_user_id", models.CharField(blank=True, default=tenants.history.actor_id, max_length=64)),
                (
                    "history_id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical API client",
                "verbose_name_plural": "historical API clients",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalOwnRateLimit",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("actor_type", models.CharField(default=tenants.history.actor_type, max_length=20)),
                ("actor_label", models.CharField(blank=True, default=tenants.history.actor_label, max_length=200)),
                ("source", models.CharField(default=tenants.history.actor_source, max_length=10)),
                (
                    "is_on",
                    models.BooleanField(
                        default=True, help_text="Without it nothing is counted or refused.", verbose_name="switched on"
                    ),
                ),
                (
                    "amount",
                    models.PositiveIntegerField(
                        help_text="The most uses of one caller in any window.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "window",
                    models.PositiveIntegerField(
                        help_text="60 is a minute, 3600 an hour, 86400 a day.",
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="window in seconds",
                    ),
                ),
                (
                    "per_address",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="The most uses of all callers of one network address together. Empty: addresses are not counted.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                ("note", models.TextField(blank=True, help_text="Why it is set like this, for the next person.")),
                ("scope", models.CharField(max_length=40)),
                ("history_user_id", models.CharField(blank=True, default=tenants.history.actor_id, max_length=64)),
                (
                    "history_id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "api_client",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="This API client gets the limit, whatever its tenant has.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
                        verbose_name="API client",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Each user and API client of this tenant gets the limit.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical own rate limit",
                "verbose_name_plural": "historical own rate limits",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalUser",
            fields=[
                ("actor_type", models.CharField(default=tenants.history.actor_type, max_length=20)),
                ("actor_label", models.CharField(blank=True, default=tenants.history.actor_label, max_length=200)),
                ("source", models.CharField(default=tenants.history.actor_source, max_length=10)),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("id", models.UUIDField(db_index=True, default=tenants.models.new_id, editable=False)),
                ("email", models.EmailField(max_length=254)),
                ("full_name", models.CharField(blank=True, max_length=200)),
                (
                    "role",
                    models.CharField(
                        choices=[("agent", "Agent"), ("tenant_admin", "Tenant admin"), ("staff", "Staff")],
                        max_length=20,
                    ),
                ),
                (
                    "is_staff",
                    models.BooleanField(default=False, help_text="Whether the user can sign in to the admin."),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("date_joined", models.DateTimeField(default=django.utils.timezone.now)),
                ("history_user_id", models.CharField(blank=True, default=tenants.history.actor_id, max_length=64)),
                (
                    "history_id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical user",
                "verbose_name_plural": "historical users",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="CompanySignIn",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "issuer",
                    models.CharField(
                        help_text="Such as https://login.example.com/tenant, without a slash.", max_length=500
                    ),
                ),
                ("client_id", models.CharField(max_length=200, verbose_name="client ID")),
                ("client_secret", models.BinaryField(null=True)),
                (
                    "mail_domains",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=253),
                        help_text="The domains of the tenant's addresses, separated by commas. Others are refused.",
                        size=None,
                    ),
                ),
                ("is_enabled", models.BooleanField(default=False, help_text="Whether the sign-in page offers it.")),
                (
                    "is_required",
                    models.BooleanField(
                        default=False,
                        help_text="Users of the tenant cannot sign in with a password.",
                        verbose_name="only this way",
                    ),
                ),
                (
                    "adds_accounts",
                    models.BooleanField(
                        default=False,
                        help_text="Somebody without an account gets one at the first sign-in, as an agent.",
                    ),
                ),
                (
                    "session_minutes",
                    models.PositiveSmallIntegerField(
                        default=15,
                        help_text="After so many minutes the issuer is asked whether the account still exists, by its refresh "
                        "token. Without one the user signs in again.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(720),
                        ],
                        verbose_name="minutes until the next check",
                    ),
                ),
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="company_sign_in", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "ordering": ["tenant__name"],
            },
        ),
        migrations.CreateModel(
            name="HistoricalCompanySignIn",
            fields=[
                ("actor_type", models.CharField(default=tenants.history.actor_type, max_length=20)),
                ("actor_label", models.CharField(blank=True, default=tenants.history.actor_label, max_length=200)),
                ("source", models.CharField(default=tenants.history.actor_source, max_length=10)),
                ("id", models.UUIDField(db_index=True, default=uuid_utils.compat.uuid7, editable=False)),
                (
                    "issuer",
                    models.CharField(
                        help_text="Such as https://login.example.com/tenant, without a slash.", max_length=500
                    ),
                ),
                ("client_id", models.CharField(max_length=200, verbose_name="client ID")),
                (
                    "mail_domains",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=253),
                        help_text="The domains of the tenant's addresses, separated by commas. Others are refused.",
                        size=None,
                    ),
                ),
                ("is_enabled", models.BooleanField(default=False, help_text="Whether the sign-in page offers it.")),
                (
                    "is_required",
                    models.BooleanField(
                        default=False,
                        help_text="Users of the tenant cannot sign in with a password.",
                        verbose_name="only this way",
                    ),
                ),
                (
                    "adds_accounts",
                    models.BooleanField(
                        default=False,
                        help_text="Somebody without an account gets one at the first sign-in, as an agent.",
                    ),
                ),
                (
                    "session_minutes",
                    models.PositiveSmallIntegerField(
                        default=15,
                        help_text="After so many minutes the issuer is asked whether the account still exists, by its refresh "
                        "token. Without one the user signs in again.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(720),
                        ],
                        verbose_name="minutes until the next check",
                    ),
                ),
                ("history_user_id", models.CharField(blank=True, default=tenants.history.actor_id, max_length=64)),
                (
                    "history_id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical company sign in",
                "verbose_name_plural": "historical company sign ins",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.RunPython(add_histories_of_rate_limits, migrations.RunPython.noop),
    ]
