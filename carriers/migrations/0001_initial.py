import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.manager
import simple_history.models
import uuid_utils.compat
from django.db import migrations, models

import carriers.models
import tenants.history
from tenants.row_level_security import row_level_security


class Migration(migrations.Migration):
    initial = True

    dependencies = [("tenants", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Carrier",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("catalogue", models.CharField(help_text="The code of its catalogue.", max_length=64)),
                ("position", models.PositiveIntegerField(default=0, help_text="The order in lists, lowest first.")),
                (
                    "code",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9_][A-Za-z0-9_.-]*\\Z",
                                "Use letters, digits, underscores, dots, and hyphens. Do not begin with a dot or a hyphen.",
                            )
                        ],
                    ),
                ),
                ("name", models.CharField(max_length=300)),
                (
                    "admitted",
                    models.BooleanField(
                        default=True,
                        help_text="Products of other carriers are locked until the surplus rule of their state is met.",
                    ),
                ),
                (
                    "link_mode",
                    models.CharField(
                        choices=[
                            ("sync", "Immediately (sync)"),
                            ("poll", "Accepts, then is polled (poll)"),
                            ("callback", "Accepts, then calls back (callback)"),
                            ("manual", "By hand (manual)"),
                        ],
                        default="sync",
                        max_length=20,
                        verbose_name="link",
                    ),
                ),
                (
                    "p50_seconds",
                    models.FloatField(
                        default=1,
                        help_text="Half of the responses are faster.",
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="usual response time (s)",
                    ),
                ),
                (
                    "p95_seconds",
                    models.FloatField(
                        default=1,
                        help_text="95 percent of the responses are faster.",
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="slow response time (s)",
                    ),
                ),
                (
                    "fail_percent",
                    models.FloatField(
                        default=0,
                        help_text="How many of one hundred requests fail.",
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("per_minute", models.PositiveIntegerField(default=60, verbose_name="requests per minute")),
                (
                    "real_time",
                    models.BooleanField(
                        default=False,
                        help_text="Ask the carrier about a risk while the form is filled in.",
                        verbose_name="real-time eligibility",
                    ),
                ),
                (
                    "quirk",
                    models.CharField(
                        blank=True, help_text="What is unusual about this carrier's link.", max_length=300
                    ),
                ),
            ],
            options={
                "ordering": ["catalogue", "position", "code"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("catalogue", "code"),
                        name="carrier_code_once",
                        violation_error_message="This catalogue already has a carrier with this code.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CarrierProduct",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("catalogue", models.CharField(help_text="The code of its catalogue.", max_length=64)),
                ("position", models.PositiveIntegerField(default=0, help_text="The order in lists, lowest first.")),
                (
                    "code",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9_][A-Za-z0-9_.-]*\\Z",
                                "Use letters, digits, underscores, dots, and hyphens. Do not begin with a dot or a hyphen.",
                            )
                        ],
                    ),
                ),
                (
                    "line",
                    models.CharField(
                        help_text="The code of a line of business in the catalogue.",
                        max_length=64,
                        verbose_name="line of business",
                    ),
                ),
                (
                    "rate_type",
                    models.CharField(
                        choices=[("bindable", "Bindable"), ("indication", "Indication")],
                        default="indication",
                        max_length=20,
                    ),
                ),
                ("label", models.CharField(blank=True, max_length=300)),
                (
                    "states",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="The states where it is sold, separated by commas. Leave empty for all.",
                        size=None,
                    ),
                ),
                (
                    "industries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="What the industry code may begin with, separated by commas. Leave empty for all.",
                        size=None,
                    ),
                ),
                (
                    "minimum",
                    carriers.models.Decimal6Field(
                        decimal_places=6,
                        default=0,
                        max_digits=18,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="minimum premium",
                    ),
                ),
                (
                    "asked",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="Codes of the questions that lists of quotes show as what was asked, separated by commas.",
                        size=None,
                    ),
                ),
                (
                    "carrier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="products", to="carriers.carrier"
                    ),
                ),
            ],
            options={
                "ordering": ["catalogue", "position", "code"],
            },
        ),
        migrations.CreateModel(
            name="ProductRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0)),
                (
                    "code",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9_][A-Za-z0-9_.-]*\\Z",
                                "Use letters, digits, underscores, dots, and hyphens. Do not begin with a dot or a hyphen.",
                            )
                        ],
                        verbose_name="ID",
                    ),
                ),
                ("when", models.TextField(help_text="A CEL condition.", verbose_name="condition")),
                (
                    "then",
                    models.CharField(
                        choices=[("decline", "Decline"), ("refer", "Refer"), ("adjust", "Rate other values (adjust)")],
                        max_length=20,
                        verbose_name="effect",
                    ),
                ),
                (
                    "why",
                    models.CharField(help_text="The reason that agents see.", max_length=300, verbose_name="reason"),
                ),
                (
                    "set",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text='For the effect "adjust": question codes and values to rate, such as {"limit": "l500"}.',
                        verbose_name="values to rate",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rules", to="carriers.carrierproduct"
                    ),
                ),
                (
                    "shadow",
                    models.BooleanField(default=False, help_text="Decided and counted, without any effect on forms."),
                ),
            ],
            options={
                "ordering": ["product", "position", "id"],
            },
        ),
        migrations.CreateModel(
            name="RateFactor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0)),
                (
                    "code",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9_][A-Za-z0-9_.-]*\\Z",
                                "Use letters, digits, underscores, dots, and hyphens. Do not begin with a dot or a hyphen.",
                            )
                        ],
                        verbose_name="ID",
                    ),
                ),
                ("when", models.TextField(help_text="A CEL condition.", verbose_name="condition")),
                ("times", carriers.models.Decimal6Field(decimal_places=6, max_digits=18, verbose_name="factor")),
                (
                    "label",
                    models.CharField(
                        blank=True,
                        help_text="The name that people see. By default the label of the question that it reads.",
                        max_length=300,
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="factors",
                        to="carriers.carrierproduct",
                    ),
                ),
            ],
            options={
                "ordering": ["product", "position", "id"],
            },
        ),
        migrations.CreateModel(
            name="RateTable",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0)),
                ("pool", models.CharField(help_text="The code of the pool whose rows are rated.", max_length=64)),
                (
                    "rate_by",
                    models.TextField(
                        help_text="A CEL expression, evaluated in the row, that returns the code of its rate."
                    ),
                ),
                (
                    "amount",
                    models.TextField(
                        blank=True,
                        help_text="A CEL expression, evaluated in the row: the amount to rate. Leave empty to count rows.",
                    ),
                ),
                (
                    "per",
                    carriers.models.Decimal6Field(
                        decimal_places=6,
                        default=1,
                        help_text="The rate applies to this many units of the amount.",
                        max_digits=18,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "times",
                    models.TextField(
                        blank=True, help_text="A CEL expression. If it returns a number, the sum is multiplied by it."
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        help_text="The ID of the rule that declines a code without a rate. Leave empty to rate such rows at zero.",
                        max_length=64,
                    ),
                ),
                (
                    "label",
                    models.CharField(
                        blank=True,
                        help_text="The name that people see. By default the label of the question that it reads.",
                        max_length=300,
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tables", to="carriers.carrierproduct"
                    ),
                ),
            ],
            options={
                "ordering": ["product", "position", "id"],
            },
        ),
        migrations.CreateModel(
            name="RateEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0)),
                ("code", models.CharField(max_length=64)),
                ("rate", carriers.models.Decimal6Field(decimal_places=6, max_digits=18)),
                (
                    "table",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="entries", to="carriers.ratetable"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "rate entries",
                "ordering": ["table", "position", "id"],
            },
        ),
        migrations.CreateModel(
            name="RateTerm",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0)),
                (
                    "rate",
                    carriers.models.Decimal6Field(decimal_places=6, help_text="Dollars per year ...", max_digits=18),
                ),
                (
                    "per",
                    carriers.models.Decimal6Field(
                        decimal_places=6,
                        default=1,
                        help_text="... for every this many units ...",
                        max_digits=18,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "of",
                    models.TextField(
                        help_text="... of this value: a CEL expression that returns a number.", verbose_name="value"
                    ),
                ),
                (
                    "label",
                    models.CharField(
                        blank=True,
                        help_text="The name that people see. By default the label of the question that it reads.",
                        max_length=300,
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="terms", to="carriers.carrierproduct"
                    ),
                ),
            ],
            options={
                "ordering": ["product", "position", "id"],
            },
        ),
        migrations.CreateModel(
            name="SurplusRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("catalogue", models.CharField(help_text="The code of its catalogue.", max_length=64)),
                ("position", models.PositiveIntegerField(default=0, help_text="The order in lists, lowest first.")),
                (
                    "code",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9_][A-Za-z0-9_.-]*\\Z",
                                "Use letters, digits, underscores, dots, and hyphens. Do not begin with a dot or a hyphen.",
                            )
                        ],
                        verbose_name="ID",
                    ),
                ),
                (
                    "states",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="Separated by commas. Leave empty for all states without a rule of their own.",
                        size=None,
                    ),
                ),
                (
                    "lines",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="Codes of lines of business, separated by commas. Leave empty for all.",
                        size=None,
                    ),
                ),
                (
                    "since",
                    models.DateField(
                        blank=True, help_text="The first day. Leave empty for any.", null=True, verbose_name="from"
                    ),
                ),
                ("until", models.DateField(blank=True, help_text="The last day. Leave empty for any.", null=True)),
                (
                    "needs",
                    models.CharField(
                        choices=[
                            ("all_admitted_decline", "Every admitted product of the line declines"),
                            ("declines", "A number of admitted products decline"),
                            ("none", "Nothing: no search is needed"),
                        ],
                        default="all_admitted_decline",
                        max_length=30,
                    ),
                ),
                ("declines", models.PositiveIntegerField(blank=True, null=True, verbose_name="number of declines")),
                (
                    "disclosure",
                    models.TextField(
                        blank=True, help_text="The text that must be shown with such a product.", max_length=2000
                    ),
                ),
            ],
            options={
                "ordering": ["catalogue", "position", "code"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("catalogue", "code"),
                        name="surplus_rule_code_once",
                        violation_error_message="This catalogue already has a surplus rule with this ID.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PayloadField",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0)),
                (
                    "purpose",
                    models.CharField(
                        choices=[("quote", "Quote request"), ("bind", "Binding")],
                        default="quote",
                        max_length=20,
                        verbose_name="sent with",
                    ),
                ),
                (
                    "name",
                    models.CharField(help_text="The name that the carrier knows; in rows “rows.name”.", max_length=200),
                ),
                (
                    "value",
                    models.TextField(
                        blank=True, help_text="A CEL expression, such as the code of a question. Empty for rows."
                    ),
                ),
                (
                    "pool",
                    models.CharField(blank=True, help_text="The code of the pool whose rows are sent.", max_length=64),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="payload_fields",
                        to="carriers.carrierproduct",
                    ),
                ),
            ],
            options={
                "ordering": ["product", "position", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("product", "purpose", "name"),
                        name="payload_field_once",
                        violation_error_message="This product already has a field with this name.",
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="carrierproduct",
            constraint=models.UniqueConstraint(
                fields=("catalogue", "code"),
                name="product_code_once",
                violation_error_message="This catalogue already has a product with this code.",
            ),
        ),
        migrations.AddConstraint(
            model_name="productrule",
            constraint=models.UniqueConstraint(
                fields=("product", "code"),
                name="product_rule_code_once",
                violation_error_message="This product already has a rule with this ID.",
            ),
        ),
        migrations.AddConstraint(
            model_name="ratefactor",
            constraint=models.UniqueConstraint(
                fields=("product", "code"),
                name="factor_code_once",
                violation_error_message="This product already has a factor with this ID.",
            ),
        ),
        migrations.AddConstraint(
            model_name="rateentry",
            constraint=models.UniqueConstraint(
                fields=("table", "code"),
                name="rate_code_once",
                violation_error_message="This table already has a rate with this code.",
            ),
        ),
        migrations.CreateModel(
            name="CarrierCall",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("link_id", models.UUIDField()),
                ("catalogue", models.CharField(max_length=64)),
                ("carrier", models.CharField(max_length=64)),
                ("operation", models.CharField(max_length=20)),
                (
                    "status",
                    models.PositiveSmallIntegerField(help_text="The HTTP status, empty without a response.", null=True),
                ),
                ("error", models.CharField(blank=True, help_text="The reason of a failure.", max_length=20)),
                ("detail", models.CharField(blank=True, max_length=100)),
                ("duration", models.PositiveIntegerField(help_text="In milliseconds.")),
                ("copy_id", models.UUIDField(null=True, verbose_name="copy")),
                ("request_id", models.UUIDField(null=True, verbose_name="quote request")),
                ("correlation_id", models.CharField(blank=True, max_length=64)),
                ("body", models.JSONField(help_text="The request with personal values masked.", null=True)),
                (
                    "reply",
                    models.JSONField(help_text="The known fields of the response, without its texts.", null=True),
                ),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(fields=["-created_at", "-id"], name="carrier_call_log"),
                    models.Index(fields=["carrier", "-created_at"], name="carrier_call_by_carrier"),
                    models.Index(
                        condition=models.Q(("copy_id__isnull", False)),
                        fields=["copy_id", "-created_at"],
                        name="carrier_call_by_copy",
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="CarrierLink",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("catalogue", models.CharField(help_text="The code of its catalogue.", max_length=64)),
                ("carrier", models.CharField(help_text="The code of the carrier in that catalogue.", max_length=64)),
                ("is_enabled", models.BooleanField(default=True, verbose_name="turned on")),
                (
                    "mode",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "As the carrier states"),
                            ("sync", "Immediately (sync)"),
                            ("poll", "Accepts, then is polled (poll)"),
                            ("callback", "Accepts, then calls back (callback)"),
                            ("manual", "By hand (manual)"),
                        ],
                        default="",
                        max_length=20,
                    ),
                ),
                (
                    "base_url",
                    models.CharField(
                        help_text="Such as https://quotes.carrier.example/api.", max_length=500, verbose_name="address"
                    ),
                ),
                (
                    "portal_url",
                    models.CharField(
                        blank=True,
                        help_text="Where agents go on at the carrier itself. Leave empty if the carrier has no such pages.",
                        max_length=500,
                        validators=[django.core.validators.URLValidator(schemes=["https"])],
                        verbose_name="carrier's own pages",
                    ),
                ),
                (
                    "is_simulator",
                    models.BooleanField(
                        default=False,
                        help_text="The carrier's test system: quotes of test forms are requested only there.",
                        verbose_name="simulator",
                    ),
                ),
                ("client_id", models.CharField(max_length=200, verbose_name="client ID")),
                ("client_secret", models.BinaryField(null=True)),
                ("callback_secret", models.BinaryField(null=True)),
                ("previous_callback_secret", models.BinaryField(null=True)),
                ("previous_callback_secret_until", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "timeout_seconds",
                    models.FloatField(
                        default=15,
                        validators=[
                            django.core.validators.MinValueValidator(0.1),
                            django.core.validators.MaxValueValidator(120),
                        ],
                        verbose_name="time limit of a call (s)",
                    ),
                ),
                (
                    "connect_seconds",
                    models.FloatField(
                        default=3,
                        validators=[
                            django.core.validators.MinValueValidator(0.1),
                            django.core.validators.MaxValueValidator(120),
                        ],
                        verbose_name="time limit to connect (s)",
                    ),
                ),
                (
                    "slow_seconds",
                    models.FloatField(
                        default=10,
                        help_text="A call that takes longer counts as failed.",
                        validators=[
                            django.core.validators.MinValueValidator(0.1),
                            django.core.validators.MaxValueValidator(120),
                        ],
                        verbose_name="slow call (s)",
                    ),
                ),
                (
                    "per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Leave empty for the number that the carrier states.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(60000),
                        ],
                        verbose_name="requests per minute",
                    ),
                ),
                (
                    "most_in_flight",
                    models.PositiveIntegerField(
                        default=10,
                        help_text="Of all processes together.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(200),
                        ],
                        verbose_name="calls at the same time",
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        help_text="Leave empty for the settings of all tenants.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ["catalogue", "carrier", "tenant"],
                "permissions": [
                    ("test_carrierlink", "Can make a test call"),
                    ("reset_breaker", "Can close a carrier's circuit breaker"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("catalogue", "carrier", "tenant"),
                        name="carrier_link_once_per_tenant",
                        nulls_distinct=False,
                        violation_error_message="This carrier already has link settings for this tenant.",
                    )
                ],
            },
        ),
        row_level_security("carriers_carriercall"),
        migrations.CreateModel(
            name="HistoricalCarrierLink",
            fields=[
                ("actor_type", models.CharField(default=tenants.history.actor_type, max_length=20)),
                ("actor_label", models.CharField(blank=True, default=tenants.history.actor_label, max_length=200)),
                ("source", models.CharField(default=tenants.history.actor_source, max_length=10)),
                ("id", models.UUIDField(db_index=True, default=uuid_utils.compat.uuid7, editable=False)),
                ("catalogue", models.CharField(help_text="The code of its catalogue.", max_length=64)),
                ("carrier", models.CharField(help_text="The code of the carrier in that catalogue.", max_length=64)),
                ("is_enabled", models.BooleanField(default=True, verbose_name="turned on")),
                (
                    "mode",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "As the carrier states"),
                            ("sync", "Immediately (sync)"),
                            ("poll", "Accepts, then is polled (poll)"),
                            ("callback", "Accepts, then calls back (callback)"),
                            ("manual", "By hand (manual)"),
                        ],
                        default="",
                        max_length=20,
                    ),
                ),
                (
                    "base_url",
                    models.CharField(
                        help_text="Such as https://quotes.carrier.example/api.", max_length=500, verbose_name="address"
                    ),
                ),
                (
                    "portal_url",
                    models.CharField(
                        blank=True,
                        help_text="Where agents go on at the carrier itself. Leave empty if the carrier has no such pages.",
                        max_length=500,
                        validators=[django.core.validators.URLValidator(schemes=["https"])],
                        verbose_name="carrier's own pages",
                    ),
                ),
                (
                    "is_simulator",
                    models.BooleanField(
                        default=False,
                        help_text="The carrier's test system: quotes of test forms are requested only there.",
                        verbose_name="simulator",
                    ),
                ),
                ("client_id", models.CharField(max_length=200, verbose_name="client ID")),
                (
                    "timeout_seconds",
                    models.FloatField(
                        default=15,
                        validators=[
                            django.core.validators.MinValueValidator(0.1),
                            django.core.validators.MaxValueValidator(120),
                        ],
                        verbose_name="time limit of a call (s)",
                    ),
                ),
                (
                    "connect_seconds",
                    models.FloatField(
                        default=3,
                        validators=[
                            django.core.validators.MinValueValidator(0.1),
                            django.core.validators.MaxValueValidator(120),
                        ],
                        verbose_name="time limit to connect (s)",
                    ),
                ),
                (
                    "slow_seconds",
                    models.FloatField(
                        default=10,
                        help_text="A call that takes longer counts as failed.",
                        validators=[
                            django.core.validators.MinValueValidator(0.1),
                            django.core.validators.MaxValueValidator(120),
                        ],
                        verbose_name="slow call (s)",
                    ),
                ),
                (
                    "per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Leave empty for the number that the carrier states.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(60000),
                        ],
                        verbose_name="requests per minute",
                    ),
                ),
                (
                    "most_in_flight",
                    models.PositiveIntegerField(
                        default=10,
                        help_text="Of all processes together.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(200),
                        ],
                        verbose_name="calls at the same time",
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
                        help_text="Leave empty for the settings of all tenants.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical carrier link",
                "verbose_name_plural": "historical carrier links",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
    ]
