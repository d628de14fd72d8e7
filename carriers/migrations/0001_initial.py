import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import carriers.models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Carrier",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("catalogue", models.CharField(help_text="Code of the catalogue that it belongs to.", max_length=64)),
                ("position", models.PositiveIntegerField(default=0, help_text="Order in lists, lowest first.")),
                (
                    "code",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9_][A-Za-z0-9_.-]*\\Z",
                                "Use letters, digits, underscores, dots and hyphens; begin with a letter.",
                            )
                        ],
                    ),
                ),
                ("name", models.CharField(max_length=300)),
                (
                    "admitted",
                    models.BooleanField(
                        default=True,
                        help_text="Others write surplus lines: locked until every admitted product of the line declines.",
                    ),
                ),
                (
                    "link_mode",
                    models.CharField(
                        choices=[
                            ("sync", "At once (sync)"),
                            ("poll", "Accepts, then is asked (poll)"),
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
                        help_text="Half come sooner.",
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="usual answer (s)",
                    ),
                ),
                (
                    "p95_seconds",
                    models.FloatField(
                        default=1,
                        help_text="95 percent come sooner.",
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="slow answer (s)",
                    ),
                ),
                (
                    "fail_percent",
                    models.FloatField(
                        default=0,
                        help_text="Failing requests of a hundred.",
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("per_minute", models.PositiveIntegerField(default=60, verbose_name="requests a minute")),
                (
                    "quirk",
                    models.CharField(
                        blank=True, help_text="What is peculiar about this carrier's link.", max_length=300
                    ),
                ),
            ],
            options={
                "ordering": ["catalogue", "position", "code"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("catalogue", "code"),
                        name="carrier_code_once",
                        violation_error_message="This catalogue has a carrier of this code already.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CarrierProduct",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("catalogue", models.CharField(help_text="Code of the catalogue that it belongs to.", max_length=64)),
                ("position", models.PositiveIntegerField(default=0, help_text="Order in lists, lowest first.")),
                (
                    "code",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9_][A-Za-z0-9_.-]*\\Z",
                                "Use letters, digits, underscores, dots and hyphens; begin with a letter.",
                            )
                        ],
                    ),
                ),
                (
                    "line",
                    models.CharField(
                        help_text="Code of a line of business of the catalogue.",
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
                        help_text="Where it is sold, divided by commas; empty means all.",
                        size=None,
                    ),
                ),
                (
                    "industries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="What the industry code may begin with, divided by commas; empty means all.",
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
                                "Use letters, digits, underscores, dots and hyphens; begin with a letter.",
                            )
                        ],
                        verbose_name="id",
                    ),
                ),
                ("when", models.TextField(help_text="A condition in CEL.")),
                (
                    "then",
                    models.CharField(
                        choices=[("decline", "Decline"), ("refer", "Refer"), ("adjust", "Rate other values (adjust)")],
                        max_length=20,
                    ),
                ),
                ("why", models.CharField(help_text="The reason as agents read it.", max_length=300)),
                (
                    "set",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text='Only to adjust: question codes and what is rated, as {"limit": "l500"}.',
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rules", to="carriers.carrierproduct"
                    ),
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
                                "Use letters, digits, underscores, dots and hyphens; begin with a letter.",
                            )
                        ],
                        verbose_name="id",
                    ),
                ),
                ("when", models.TextField(help_text="A condition in CEL.")),
                ("times", carriers.models.Decimal6Field(decimal_places=6, max_digits=18)),
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
                ("pool", models.CharField(help_text="Code of the pool whose rows are rated.", max_length=64)),
                (
                    "rate_by",
                    models.TextField(
                        help_text="The code that finds a row's rate: an expression in CEL read within the row."
                    ),
                ),
                (
                    "amount",
                    models.TextField(
                        blank=True, help_text="What the rate is for, in CEL within the row; empty counts each row once."
                    ),
                ),
                (
                    "per",
                    carriers.models.Decimal6Field(
                        decimal_places=6,
                        default=1,
                        help_text="The rate is for so many of the amount.",
                        max_digits=18,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "times",
                    models.TextField(
                        blank=True, help_text="Multiplies the sum where it is a number; an expression in CEL."
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        help_text="Rule id that declines a code without a rate; empty counts such a row nothing.",
                        max_length=64,
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
                    carriers.models.Decimal6Field(decimal_places=6, help_text="Dollars a year ...", max_digits=18),
                ),
                (
                    "per",
                    carriers.models.Decimal6Field(
                        decimal_places=6,
                        default=1,
                        help_text="... for every so many ...",
                        max_digits=18,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("of", models.TextField(help_text="... of this value: an expression in CEL that gives a number.")),
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
        migrations.AddConstraint(
            model_name="carrierproduct",
            constraint=models.UniqueConstraint(
                fields=("catalogue", "code"),
                name="product_code_once",
                violation_error_message="This catalogue has a product of this code already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="productrule",
            constraint=models.UniqueConstraint(
                fields=("product", "code"),
                name="product_rule_code_once",
                violation_error_message="This product has a rule of this id already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="ratefactor",
            constraint=models.UniqueConstraint(
                fields=("product", "code"),
                name="factor_code_once",
                violation_error_message="This product has a factor of this id already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="rateentry",
            constraint=models.UniqueConstraint(
                fields=("table", "code"),
                name="rate_code_once",
                violation_error_message="This table has a rate of this code already.",
            ),
        ),
    ]
