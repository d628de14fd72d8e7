import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models
from django.db.migrations import RunSQL

import catalogue.models
from tenants.row_level_security import row_level_security


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Catalogue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "code",
                    models.CharField(
                        max_length=64,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9_][A-Za-z0-9_.-]*\\Z",
                                "Use letters, digits, underscores, dots and hyphens; begin with a letter.",
                            )
                        ],
                    ),
                ),
                ("title", models.CharField(max_length=300)),
                ("currency", models.CharField(default="USD", max_length=3)),
                (
                    "allow_test_identities",
                    models.BooleanField(
                        default=False,
                        help_text="Lets made-up tax ids, Social Security and phone numbers pass: only for demos and tests.",
                    ),
                ),
                (
                    "lines_question",
                    models.CharField(
                        blank=True,
                        help_text="Code of the multiple choice whose choices are the lines of business that are wanted.",
                        max_length=64,
                    ),
                ),
                (
                    "title_question",
                    models.CharField(
                        blank=True, help_text="Code of the question that names the insured.", max_length=64
                    ),
                ),
                (
                    "employees_questions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="Codes of the questions whose numbers add up to the number of employees, divided by commas.",
                        size=None,
                    ),
                ),
            ],
            options={
                "ordering": ["code"],
            },
        ),
        migrations.CreateModel(
            name="ApplicationForm",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("reference", models.CharField(blank=True, help_text="The partner's own name for it.", max_length=200)),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=1, help_text="Counts changes of the form's own rows, whichever copy they came with."
                    ),
                ),
                ("catalogue", models.CharField(help_text="Code of the catalogue that it is asked by.", max_length=64)),
                (
                    "as_of",
                    models.DateField(
                        blank=True, help_text="Evaluation date; empty means today at the tenant.", null=True
                    ),
                ),
                ("created_by_type", models.CharField(max_length=20)),
                ("created_by_id", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField()),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-created_at"],
                "indexes": [models.Index(fields=["tenant_id", "-created_at"], name="form_created")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ChoiceList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                    "catalogue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="choice_lists", to="catalogue"
                    ),
                ),
            ],
            options={
                "ordering": ["catalogue", "position", "code"],
            },
        ),
        migrations.CreateModel(
            name="Choice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0, help_text="Order in lists, lowest first.")),
                ("code", models.CharField(max_length=64)),
                ("label", models.CharField(max_length=300)),
                (
                    "choice_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="choices", to="forms.choicelist"
                    ),
                ),
            ],
            options={
                "ordering": ["choice_list", "position", "id"],
            },
        ),
        migrations.CreateModel(
            name="Declination",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                ("version", models.PositiveIntegerField(help_text="The copy's version that opened the product.")),
                ("product", models.CharField(help_text="The surplus product that opened.", max_length=64)),
                ("line", models.CharField(max_length=64)),
                ("release_id", models.IntegerField(verbose_name="release")),
                ("declines", models.JSONField(help_text="Each admitted product with its reasons (rule and text).")),
                (
                    "inputs",
                    models.JSONField(
                        help_text="Path and value of every answer that those rules read; sensitive ones masked."
                    ),
                ),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-created_at"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("copy_id", "version", "product"), name="declination_once_per_opening"
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="DerivedValue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0, help_text="Order in lists, lowest first.")),
                (
                    "code",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z_][A-Za-z0-9_]*\\Z",
                                "Use letters, digits and underscores; begin with a letter: conditions read it by this name.",
                            )
                        ],
                    ),
                ),
                ("value", models.TextField(help_text="An expression in CEL.")),
                ("label", models.CharField(blank=True, max_length=300)),
                (
                    "catalogue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="derived_values", to="catalogue"
                    ),
                ),
            ],
            options={
                "ordering": ["catalogue", "position", "code"],
            },
        ),
        migrations.CreateModel(
            name="FormRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                        verbose_name="id",
                    ),
                ),
                ("when", models.TextField(help_text="A condition in CEL.")),
                (
                    "then",
                    models.CharField(
                        choices=[("error", "Error"), ("warn", "Warning"), ("message", "Message"), ("task", "Task")],
                        max_length=20,
                    ),
                ),
                ("at", models.CharField(help_text="Code of the question or pool where it is said.", max_length=64)),
                ("say", models.CharField(max_length=500)),
                (
                    "catalogue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="form_rules", to="catalogue"
                    ),
                ),
            ],
            options={
                "ordering": ["catalogue", "position", "code"],
            },
        ),
        migrations.CreateModel(
            name="LineOfBusiness",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0, help_text="Order in lists, lowest first.")),
                (
                    "code",
                    models.CharField(
                        help_text="A choice of the question that asks for the lines.",
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9_][A-Za-z0-9_.-]*\\Z",
                                "Use letters, digits, underscores, dots and hyphens; begin with a letter.",
                            )
                        ],
                    ),
                ),
                ("label", models.CharField(max_length=300)),
                (
                    "states",
                    models.TextField(
                        help_text="The states concerned: an expression in CEL that gives a list of state codes."
                    ),
                ),
                ("industry", models.TextField(help_text="The industry code: an expression in CEL that gives a text.")),
                (
                    "catalogue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="catalogue"
                    ),
                ),
            ],
            options={
                "verbose_name": "line of business",
                "verbose_name_plural": "lines of business",
                "ordering": ["catalogue", "position", "code"],
            },
        ),
        migrations.CreateModel(
            name="QuestionSet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0, help_text="Order in lists, lowest first.")),
                (
                    "code",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z_][A-Za-z0-9_]*\\Z",
                                "Use letters, digits and underscores; begin with a letter: conditions read it by this name.",
                            )
                        ],
                    ),
                ),
                ("title", models.CharField(max_length=300)),
                (
                    "when",
                    models.TextField(
                        blank=True, help_text="Shown while this condition (CEL) is true; empty means always."
                    ),
                ),
                (
                    "pool_code",
                    models.CharField(
                        blank=True,
                        help_text="Empty: asked once, no rows.",
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z_][A-Za-z0-9_]*\\Z",
                                "Use letters, digits and underscores; begin with a letter: conditions read it by this name.",
                            )
                        ],
                        verbose_name="pool",
                    ),
                ),
                (
                    "pool_parent",
                    models.CharField(
                        blank=True,
                        help_text="Code of another pool, for rows within its rows.",
                        max_length=64,
                        verbose_name="within the rows of",
                    ),
                ),
                ("pool_min", models.PositiveIntegerField(default=0, verbose_name="fewest rows")),
                ("pool_max", models.PositiveIntegerField(default=1000, verbose_name="most rows")),
                (
                    "pool_key",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="Questions, divided by commas, that tell which rows of two copies are the same.",
                        size=None,
                        verbose_name="row key",
                    ),
                ),
                (
                    "catalogue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="question_sets", to="catalogue"
                    ),
                ),
            ],
            options={
                "ordering": ["catalogue", "position", "code"],
            },
        ),
        migrations.CreateModel(
            name="Question",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0, help_text="Order in lists, lowest first.")),
                (
                    "code",
                    models.CharField(
                        help_text="Unique in the whole catalogue; conditions read the answer by it.",
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z_][A-Za-z0-9_]*\\Z",
                                "Use letters, digits and underscores; begin with a letter: conditions read it by this name.",
                            )
                        ],
                    ),
                ),
                ("label", models.CharField(max_length=300)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("text", "Text"),
                            ("long_text", "Long text"),
                            ("choice", "Choice"),
                            ("multi_choice", "Multi choice"),
                            ("boolean", "Boolean"),
                            ("integer", "Integer"),
                            ("number", "Number"),
                            ("decimal", "Decimal"),
                            ("money", "Money"),
                            ("percent", "Percent"),
                            ("date", "Date"),
                            ("year", "Year"),
                            ("zip", "Zip"),
                            ("email", "Email"),
                            ("phone", "Phone"),
                            ("url", "Url"),
                            ("fein", "Fein"),
                            ("ssn", "Ssn"),
                            ("vin", "Vin"),
                            ("naics", "Naics"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "required",
                    models.CharField(
                        choices=[("quote", "Before a quote"), ("bind", "Before binding"), ("optional", "Never")],
                        default="optional",
                        max_length=20,
                    ),
                ),
                (
                    "when",
                    models.TextField(
                        blank=True, help_text="Shown while this condition (CEL) is true; empty means always."
                    ),
                ),
                (
                    "validate",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300),
                        blank=True,
                        default=list,
                        help_text="Divided by commas, as min:0, max:as_of.",
                        size=None,
                        verbose_name="validators",
                    ),
                ),
                (
                    "products",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="A carrier question: asked only while one of these products (codes, divided by commas) is open.",
                        size=None,
                    ),
                ),
                (
                    "sensitivity",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Not sensitive"),
                            ("pii", "Personal: masked without the right to see it (pii)"),
                            ("spi", "Secret: encrypted, never shown in full (spi)"),
                        ],
                        default="",
                        max_length=20,
                    ),
                ),
                (
                    "indexed",
                    models.BooleanField(
                        default=False, help_text="Forms are found by this answer; never for a secret one."
                    ),
                ),
                ("help", models.CharField(blank=True, max_length=500)),
                (
                    "prefill",
                    models.CharField(
                        blank=True, help_text="Where a first answer may come from, as vin.", max_length=64
                    ),
                ),
                (
                    "catalogue",
                    catalogue.models.InheritedCatalogueField(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent="question_set",
                        related_name="+",
                        to="catalogue",
                    ),
                ),
                (
                    "choices",
                    models.ForeignKey(
                        blank=True,
                        help_text="Only for choice and multi choice.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="questions",
                        to="forms.choicelist",
                    ),
                ),
                (
                    "question_set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="questions", to="forms.questionset"
                    ),
                ),
            ],
            options={
                "ordering": ["question_set", "position", "code"],
            },
        ),
        migrations.CreateModel(
            name="Release",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "number",
                    models.PositiveIntegerField(editable=False, help_text="Counts the releases of one catalogue."),
                ),
                ("content", models.BinaryField(help_text="The whole definition: compressed JSON.")),
                ("checksum", models.CharField(editable=False, help_text="SHA-256 of the definition.", max_length=64)),
                ("notes", models.TextField(blank=True, editable=False)),
                ("published_at", models.DateTimeField(auto_now_add=True)),
                ("published_by_id", models.CharField(editable=False, max_length=64, verbose_name="published by")),
                (
                    "catalogue",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="releases",
                        to="catalogue",
                    ),
                ),
            ],
            options={
                "ordering": ["catalogue", "-number"],
            },
        ),
        migrations.AddConstraint(
            model_name="choicelist",
            constraint=models.UniqueConstraint(
                fields=("catalogue", "code"),
                name="choice_list_code_once",
                violation_error_message="This catalogue has a choice list of this code already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="choice",
            constraint=models.UniqueConstraint(
                fields=("choice_list", "code"),
                name="choice_code_once",
                violation_error_message="This list has a choice of this code already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="derivedvalue",
            constraint=models.UniqueConstraint(
                fields=("catalogue", "code"),
                name="derived_code_once",
                violation_error_message="This catalogue has a derived value of this code already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="formrule",
            constraint=models.UniqueConstraint(
                fields=("catalogue", "code"),
                name="form_rule_code_once",
                violation_error_message="This catalogue has a form rule of this id already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="lineofbusiness",
            constraint=models.UniqueConstraint(
                fields=("catalogue", "code"),
                name="line_code_once",
                violation_error_message="This catalogue has a line of this code already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="questionset",
            constraint=models.UniqueConstraint(
                fields=("catalogue", "code"),
                name="question_set_code_once",
                violation_error_message="This catalogue has a question set of this code already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="questionset",
            constraint=models.UniqueConstraint(
                condition=models.Q(("pool_code", ""), _negated=True),
                fields=("catalogue", "pool_code"),
                name="pool_code_once",
                violation_error_message="This catalogue has a pool of this code already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="questionset",
            constraint=models.CheckConstraint(
                condition=models.Q(("pool_min__lte", models.F("pool_max"))),
                name="pool_min_to_max",
                violation_error_message="The fewest rows are more than the most.",
            ),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.UniqueConstraint(
                fields=("catalogue", "code"),
                name="question_code_once",
                violation_error_message="This catalogue has a question of this code already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="release",
            constraint=models.UniqueConstraint(fields=("catalogue", "number"), name="release_number_once"),
        ),
        migrations.CreateModel(
            name="Disposition",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("application_form_id", models.UUIDField(verbose_name="application form")),
                ("created_at", models.DateTimeField()),
                ("code", models.CharField(max_length=40)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("given_by_type", models.CharField(max_length=20)),
                ("given_by_id", models.CharField(blank=True, max_length=64)),
                ("withdrawn_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [models.Index(fields=["application_form_id", "created_at"], name="disposition_form")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="EligibilityResult",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                ("created_at", models.DateTimeField()),
                ("product", models.CharField(max_length=64)),
                (
                    "question_set",
                    models.CharField(blank=True, help_text="The set that it was asked for, if one.", max_length=64),
                ),
                ("outcome", models.CharField(max_length=20)),
                ("reasons", models.JSONField(default=list)),
                (
                    "asked_version",
                    models.PositiveIntegerField(help_text="The copy's version that was told to the carrier."),
                ),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["created_at", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("copy_id", "product", "question_set"), name="eligibility_result_once"
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                ("created_at", models.DateTimeField()),
                ("kind", models.CharField(max_length=60)),
                ("details", models.JSONField(default=dict)),
                ("actor_type", models.CharField(max_length=20)),
                ("actor_id", models.CharField(blank=True, max_length=64)),
                ("actor_label", models.CharField(blank=True, max_length=200)),
                ("source", models.CharField(blank=True, max_length=20)),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [models.Index(fields=["copy_id", "created_at"], name="event_copy")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("copy_id", models.UUIDField(verbose_name="copy")),
                ("created_at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        help_text="What it is about: the form, an answer, a quote request, ...", max_length=40
                    ),
                ),
                ("severity", models.CharField(max_length=20)),
                (
                    "path",
                    models.CharField(
                        blank=True, help_text="Path of the answer that it is about, if any.", max_length=300
                    ),
                ),
                ("text", models.TextField()),
                ("metadata", models.JSONField(default=dict)),
                ("author_type", models.CharField(max_length=20)),
                ("author_id", models.CharField(blank=True, max_length=64)),
                ("author_label", models.CharField(blank=True, max_length=200)),
                ("dismissed_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [models.Index(fields=["copy_id", "created_at"], name="message_copy")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="NaicsSearch",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("application_form_id", models.UUIDField(verbose_name="application form")),
                ("created_at", models.DateTimeField()),
                ("query", models.CharField(max_length=200)),
                ("zip_code", models.CharField(blank=True, max_length=10)),
                ("employees", models.PositiveIntegerField(null=True)),
                ("found", models.JSONField(default=list, help_text="Codes in the order shown.")),
                ("chosen", models.CharField(blank=True, max_length=6)),
                ("searched_by_type", models.CharField(max_length=20)),
                ("searched_by_id", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [models.Index(fields=["application_form_id"], name="naics_search_form")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="PaymentMethod",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, verbose_name="tenant")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("application_form_id", models.UUIDField(verbose_name="application form")),
                ("created_at", models.DateTimeField()),
                ("kind", models.CharField(max_length=20)),
                ("token", models.CharField(help_text="The payment provider's name for it.", max_length=200)),
                ("label", models.CharField(max_length=100)),
                ("is_default", models.BooleanField(default=False)),
                ("removed_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [models.Index(fields=["application_form_id"], name="payment_method_form")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped_objects", django.db.models.manager.Manager()),
            ],
        ),
        row_level_security("forms_disposition"),
        row_level_security("forms_eligibilityresult"),
        row_level_security("forms_event"),
        row_level_security("forms_message"),
        row_level_security("forms_naicssearch"),
        row_level_security("forms_paymentmethod"),
        row_level_security("forms_applicationform"),
        row_level_security("forms_declination"),
        RunSQL(
            # A release never changes, whoever asks.
            sql=[
                """
                CREATE FUNCTION catalogue_release_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'A release never changes; publish a new one.' USING ERRCODE = 'restrict_violation'; END $$
                """,
                """
                CREATE TRIGGER release_is_immutable BEFORE UPDATE OR DELETE ON catalogue_release
                FOR EACH ROW EXECUTE FUNCTION catalogue_release_is_immutable()
                """,
            ],
            reverse_sql=[
                "DROP TRIGGER release_is_immutable ON catalogue_release",
                "DROP FUNCTION catalogue_release_is_immutable()",
            ],
        ),
    ]
