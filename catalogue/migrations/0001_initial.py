import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import catalogue.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("tenants", "0001_initial")]

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
                                "Use letters, digits, underscores, periods and hyphens, starting with a letter.",
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
                        help_text="Accepts made-up tax IDs, Social Security numbers and phone numbers. For demos and tests only.",
                    ),
                ),
                (
                    "lines_question",
                    models.CharField(
                        blank=True,
                        help_text="Code of the multi choice question whose choices are the lines of business that can be requested.",
                        max_length=64,
                    ),
                ),
                (
                    "title_question",
                    models.CharField(
                        blank=True, help_text="The code of the question that names the insured.", max_length=64
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
                (
                    "industry_question",
                    models.CharField(
                        blank=True,
                        help_text="The code of the question for the industry (type naics).",
                        max_length=64,
                    ),
                ),
                (
                    "effective_date_question",
                    models.CharField(
                        blank=True,
                        help_text="The code of the question for the day on which the cover begins.",
                        max_length=64,
                    ),
                ),
                (
                    "payment_plan_question",
                    models.CharField(
                        blank=True,
                        help_text="The code of the choice question for the payment plan of a bound policy.",
                        max_length=64,
                    ),
                ),
                (
                    "zip_questions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="Codes of the questions for the ZIP code of the business, the best first, divided by commas.",
                        size=None,
                    ),
                ),
                (
                    "start_questions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="Codes of the questions on the page that starts a form, in their order, divided by commas.",
                        size=None,
                    ),
                ),
                (
                    "translations",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="The texts that guests read in other languages, by language and text.",
                    ),
                ),
            ],
            options={
                "ordering": ["code"],
            },
        ),
        migrations.CreateModel(
            name="ChoiceList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0, help_text="The order in lists, lowest first.")),
                (
                    "code",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9_][A-Za-z0-9_.-]*\\Z",
                                "Use letters, digits, underscores, periods and hyphens, starting with a letter.",
                            )
                        ],
                    ),
                ),
                (
                    "catalogue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="choice_lists",
                        to="catalogue.catalogue",
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
                ("position", models.PositiveIntegerField(default=0, help_text="The order in lists, lowest first.")),
                ("code", models.CharField(max_length=64)),
                ("label", models.CharField(max_length=300)),
                (
                    "was",
                    models.CharField(
                        blank=True,
                        help_text="The code in earlier releases, if it was renamed: stored answers then follow to the new code.",
                        max_length=64,
                        verbose_name="earlier code",
                    ),
                ),
                (
                    "choice_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="choices", to="catalogue.choicelist"
                    ),
                ),
            ],
            options={
                "ordering": ["choice_list", "position", "id"],
            },
        ),
        migrations.CreateModel(
            name="DerivedValue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0, help_text="The order in lists, lowest first.")),
                (
                    "code",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z_][A-Za-z0-9_]*\\Z",
                                "Use letters, digits and underscores, starting with a letter: conditions use this name.",
                            )
                        ],
                    ),
                ),
                ("value", models.TextField(help_text="A CEL expression.")),
                ("label", models.CharField(blank=True, max_length=300)),
                (
                    "show",
                    models.BooleanField(default=False, help_text="Shows the value on the page and in the API."),
                ),
                (
                    "catalogue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="derived_values",
                        to="catalogue.catalogue",
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
                ("position", models.PositiveIntegerField(default=0, help_text="The order in lists, lowest first.")),
                (
                    "code",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9_][A-Za-z0-9_.-]*\\Z",
                                "Use letters, digits, underscores, periods and hyphens, starting with a letter.",
                            )
                        ],
                        verbose_name="ID",
                    ),
                ),
                ("when", models.TextField(help_text="A CEL condition.", verbose_name="condition")),
                (
                    "then",
                    models.CharField(
                        choices=[("error", "Error"), ("warn", "Warning"), ("message", "Message"), ("task", "Task")],
                        max_length=20,
                        verbose_name="effect",
                    ),
                ),
                (
                    "at",
                    models.CharField(
                        help_text="Code of the question or pool that shows the message.",
                        max_length=64,
                        verbose_name="shown at",
                    ),
                ),
                ("say", models.CharField(max_length=500, verbose_name="message")),
                (
                    "catalogue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="form_rules", to="catalogue.catalogue"
                    ),
                ),
                (
                    "shadow",
                    models.BooleanField(default=False, help_text="Decided and counted, without any effect on forms."),
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
                ("position", models.PositiveIntegerField(default=0, help_text="The order in lists, lowest first.")),
                (
                    "code",
                    models.CharField(
                        help_text="A choice of the question for the lines.",
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9_][A-Za-z0-9_.-]*\\Z",
                                "Use letters, digits, underscores, periods and hyphens, starting with a letter.",
                            )
                        ],
                    ),
                ),
                ("label", models.CharField(max_length=300)),
                (
                    "states",
                    models.TextField(
                        help_text="The states that the base check tests: a CEL expression whose value is a list of state codes."
                    ),
                ),
                ("industry", models.TextField(help_text="The industry code: a CEL expression whose value is a text.")),
                (
                    "catalogue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="catalogue.catalogue"
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
                ("position", models.PositiveIntegerField(default=0, help_text="The order in lists, lowest first.")),
                (
                    "code",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z_][A-Za-z0-9_]*\\Z",
                                "Use letters, digits and underscores, starting with a letter: conditions use this name.",
                            )
                        ],
                    ),
                ),
                ("title", models.CharField(max_length=300)),
                (
                    "when",
                    models.TextField(
                        blank=True,
                        help_text="Shown while this CEL condition is true. Leave empty to show it always.",
                        verbose_name="condition",
                    ),
                ),
                (
                    "pool_code",
                    models.CharField(
                        blank=True,
                        help_text="Leave empty for questions that are asked once, without rows.",
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z_][A-Za-z0-9_]*\\Z",
                                "Use letters, digits and underscores, starting with a letter: conditions use this name.",
                            )
                        ],
                        verbose_name="pool",
                    ),
                ),
                (
                    "pool_parent",
                    models.CharField(
                        blank=True,
                        help_text="Code of another pool whose rows contain these rows.",
                        max_length=64,
                        verbose_name="parent pool",
                    ),
                ),
                ("pool_min", models.PositiveIntegerField(default=0, verbose_name="minimum rows")),
                ("pool_max", models.PositiveIntegerField(default=1000, verbose_name="maximum rows")),
                (
                    "pool_key",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="Questions that identify the same row in two copies, separated by commas.",
                        size=None,
                        verbose_name="row key",
                    ),
                ),
                (
                    "pool_noun",
                    models.CharField(
                        blank=True,
                        help_text="In the singular, such as WC class: “Add WC class”.",
                        max_length=64,
                        verbose_name="name of one row",
                    ),
                ),
                (
                    "same_as_label",
                    models.CharField(
                        blank=True,
                        help_text="Names the order that takes over the answers of the questions in “same as”.",
                        max_length=100,
                        verbose_name="text of “same as”",
                    ),
                ),
                (
                    "was",
                    models.CharField(
                        blank=True,
                        help_text="The code in earlier releases, if it was renamed: stored answers then follow to the new code.",
                        max_length=64,
                        verbose_name="earlier code",
                    ),
                ),
                (
                    "pool_was",
                    models.CharField(
                        blank=True,
                        help_text="The code in earlier releases, if it was renamed: stored answers then follow to the new code.",
                        max_length=64,
                        verbose_name="earlier pool code",
                    ),
                ),
                (
                    "catalogue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="question_sets",
                        to="catalogue.catalogue",
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
                ("position", models.PositiveIntegerField(default=0, help_text="The order in lists, lowest first.")),
                (
                    "code",
                    models.CharField(
                        help_text="Unique in the whole catalogue; conditions use it to read the answer.",
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z_][A-Za-z0-9_]*\\Z",
                                "Use letters, digits and underscores, starting with a letter: conditions use this name.",
                            )
                        ],
                    ),
                ),
                ("label", models.CharField(max_length=300)),
                ("type", models.CharField(choices=catalogue.models.question_type_choices, max_length=20)),
                (
                    "required",
                    models.CharField(
                        choices=[("quote", "Before a quote"), ("bind", "Before binding"), ("optional", "Never")],
                        default="optional",
                        max_length=20,
                    ),
                ),
                (
                    "quote_when",
                    models.TextField(
                        blank=True,
                        help_text="Needed before a quote while this CEL condition is true.",
                        verbose_name="needed before a quote while",
                    ),
                ),
                (
                    "bind_when",
                    models.TextField(
                        blank=True,
                        help_text="Needed before binding while this CEL condition is true.",
                        verbose_name="needed before binding while",
                    ),
                ),
                (
                    "when",
                    models.TextField(
                        blank=True,
                        help_text="Shown while this CEL condition is true. Leave empty to show it always.",
                        verbose_name="condition",
                    ),
                ),
                (
                    "validate",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300),
                        blank=True,
                        default=list,
                        help_text="Separated by commas, for example min:0, max:as_of.",
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
                        help_text="Makes this a carrier question: asked only while one of these products is open (codes, comma-separated).",
                        size=None,
                    ),
                ),
                (
                    "sensitivity",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Not sensitive"),
                            ("pii", "Personal: masked unless the reader may see it (pii)"),
                            ("spi", "Secret: encrypted, never shown in full (spi)"),
                        ],
                        default="",
                        max_length=20,
                    ),
                ),
                (
                    "indexed",
                    models.BooleanField(
                        default=False, help_text="Makes this answer searchable; not allowed for a secret one."
                    ),
                ),
                (
                    "valid_for",
                    models.CharField(
                        blank=True,
                        help_text="How long an answer stays valid, such as 1 year, 6 months or 90 days. A renewal only proposes an older one.",
                        max_length=64,
                    ),
                ),
                (
                    "renews_by",
                    models.CharField(
                        blank=True,
                        help_text="How far a renewal moves this date, such as 1 year or 6 months.",
                        max_length=64,
                    ),
                ),
                ("help", models.CharField(blank=True, max_length=500)),
                (
                    "width",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "As its type needs"),
                            ("third", "A third of a line"),
                            ("half", "Half a line"),
                            ("full", "A whole line"),
                        ],
                        default="",
                        max_length=20,
                    ),
                ),
                (
                    "below",
                    models.CharField(
                        blank=True,
                        help_text="The code of the question of this set that it follows. By default the one that shows it.",
                        max_length=64,
                    ),
                ),
                (
                    "address",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "None"),
                            ("street", "Street"),
                            ("city", "City"),
                            ("state", "State"),
                            ("zip", "ZIP code"),
                        ],
                        default="",
                        help_text="The ZIP code of a set fills its city and state.",
                        max_length=20,
                        verbose_name="part of an address",
                    ),
                ),
                (
                    "same_as",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="Questions whose answers can be taken over, joined by a space; codes, separated by commas.",
                        size=None,
                    ),
                ),
                (
                    "was",
                    models.CharField(
                        blank=True,
                        help_text="The code in earlier releases, if it was renamed: stored answers then follow to the new code.",
                        max_length=64,
                        verbose_name="earlier code",
                    ),
                ),
                (
                    "catalogue",
                    catalogue.models.InheritedCatalogueField(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent="question_set",
                        related_name="+",
                        to="catalogue.catalogue",
                    ),
                ),
                (
                    "choices",
                    models.ForeignKey(
                        blank=True,
                        help_text="Only for choice and multi choice questions.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="questions",
                        to="catalogue.choicelist",
                    ),
                ),
                (
                    "question_set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="questions",
                        to="catalogue.questionset",
                    ),
                ),
            ],
            options={
                "ordering": ["question_set", "position", "code"],
            },
        ),
        migrations.CreateModel(
            name="PackagePublisher",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "public_key",
                    models.CharField(
                        help_text="32 bytes in base64.",
                        max_length=44,
                        validators=[catalogue.models.check_public_key],
                    ),
                ),
            ],
            options={"ordering": ["name"]},
        ),
        migrations.CreateModel(
            name="PackageImport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "carrier",
                    models.CharField(editable=False, help_text="The code of the carrier.", max_length=64),
                ),
                (
                    "version",
                    models.PositiveIntegerField(editable=False, help_text="The version of the package."),
                ),
                ("publisher", models.CharField(editable=False, max_length=100)),
                (
                    "signed_by",
                    models.CharField(
                        editable=False, help_text="The id of the key that signed the package.", max_length=64
                    ),
                ),
                (
                    "checksum",
                    models.CharField(editable=False, help_text="SHA-256 of the signed content.", max_length=64),
                ),
                ("imported_at", models.DateTimeField(auto_now_add=True)),
                ("imported_by_id", models.CharField(editable=False, max_length=64, verbose_name="imported by")),
                (
                    "catalogue",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="package_imports",
                        to="catalogue.catalogue",
                    ),
                ),
            ],
            options={"verbose_name": "carrier package", "ordering": ["-id"]},
        ),
        migrations.CreateModel(
            name="Release",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "number",
                    models.PositiveIntegerField(
                        editable=False, help_text="The number of the release within its catalogue."
                    ),
                ),
                ("content", models.BinaryField(help_text="The whole definition as compressed JSON.")),
                ("checksum", models.CharField(editable=False, help_text="SHA-256 of the definition.", max_length=64)),
                (
                    "draft_fingerprint",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="That of the draft rows which were published.",
                        max_length=32,
                    ),
                ),
                ("notes", models.TextField(blank=True, editable=False)),
                ("published_at", models.DateTimeField(auto_now_add=True)),
                ("published_by_id", models.CharField(editable=False, max_length=64, verbose_name="published by")),
                (
                    "catalogue",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="releases",
                        to="catalogue.catalogue",
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
                violation_error_message="This catalogue already has a choice list with this code.",
            ),
        ),
        migrations.AddConstraint(
            model_name="choice",
            constraint=models.UniqueConstraint(
                fields=("choice_list", "code"),
                name="choice_code_once",
                violation_error_message="This list already has a choice with this code.",
            ),
        ),
        migrations.AddConstraint(
            model_name="derivedvalue",
            constraint=models.UniqueConstraint(
                fields=("catalogue", "code"),
                name="derived_code_once",
                violation_error_message="This catalogue already has a derived value with this code.",
            ),
        ),
        migrations.AddConstraint(
            model_name="formrule",
            constraint=models.UniqueConstraint(
                fields=("catalogue", "code"),
                name="form_rule_code_once",
                violation_error_message="This catalogue already has a form rule with this ID.",
            ),
        ),
        migrations.AddConstraint(
            model_name="lineofbusiness",
            constraint=models.UniqueConstraint(
                fields=("catalogue", "code"),
                name="line_code_once",
                violation_error_message="This catalogue already has a line with this code.",
            ),
        ),
        migrations.AddConstraint(
            model_name="questionset",
            constraint=models.UniqueConstraint(
                fields=("catalogue", "code"),
                name="question_set_code_once",
                violation_error_message="This catalogue already has a question set with this code.",
            ),
        ),
        migrations.AddConstraint(
            model_name="questionset",
            constraint=models.UniqueConstraint(
                condition=models.Q(("pool_code", ""), _negated=True),
                fields=("catalogue", "pool_code"),
                name="pool_code_once",
                violation_error_message="This catalogue already has a pool with this code.",
            ),
        ),
        migrations.AddConstraint(
            model_name="questionset",
            constraint=models.CheckConstraint(
                condition=models.Q(("pool_min__lte", models.F("pool_max"))),
                name="pool_min_to_max",
                violation_error_message="The minimum must not be greater than the maximum.",
            ),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.UniqueConstraint(
                fields=("catalogue", "code"),
                name="question_code_once",
                violation_error_message="This catalogue already has a question with this code.",
            ),
        ),
        migrations.AddConstraint(
            model_name="release",
            constraint=models.UniqueConstraint(fields=("catalogue", "number"), name="release_number_once"),
        ),
        migrations.CreateModel(
            name="GoldenCase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("note", models.TextField(blank=True, help_text="What the case proves.")),
                (
                    "as_of",
                    models.DateField(
                        help_text="The case is decided as of this day, in every release.",
                        verbose_name="evaluation date",
                    ),
                ),
                (
                    "answers",
                    models.JSONField(blank=True, default=dict, help_text="Answers by question code, as in the API."),
                ),
                (
                    "answer_pools",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Lists of rows by pool code: answers and answer_pools of each row.",
                    ),
                ),
                (
                    "excluded",
                    models.JSONField(
                        blank=True, default=list, help_text="Codes of products that were excluded by force."
                    ),
                ),
                (
                    "left_out",
                    models.JSONField(default=list, editable=False, help_text="Questions whose answers were left out."),
                ),
                (
                    "expected",
                    models.JSONField(
                        default=dict, editable=False, help_text="Outcome, premium and reasons by product."
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("created_by_id", models.CharField(editable=False, max_length=64, verbose_name="created by")),
                (
                    "catalogue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="golden_cases",
                        to="catalogue.catalogue",
                    ),
                ),
                (
                    "release",
                    models.ForeignKey(
                        editable=False,
                        help_text="The release whose codes the answers have; none for those of the draft.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalogue.release",
                    ),
                ),
            ],
            options={
                "ordering": ["catalogue", "name"],
            },
        ),
        migrations.CreateModel(
            name="AcceptedResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("before", models.JSONField(editable=False)),
                ("after", models.JSONField(editable=False)),
                ("accepted_at", models.DateTimeField(auto_now_add=True)),
                ("accepted_by_id", models.CharField(editable=False, max_length=64, verbose_name="accepted by")),
                (
                    "case",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="accepted_results",
                        to="catalogue.goldencase",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.AddConstraint(
            model_name="goldencase",
            constraint=models.UniqueConstraint(
                fields=("catalogue", "name"),
                name="golden_case_name_once",
                violation_error_message="This catalogue already has a golden case with this name.",
            ),
        ),
        migrations.CreateModel(
            name="RollOut",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Under way"),
                            ("stopped", "Stopped: outcomes left the forecast"),
                            ("done", "Done: current for all tenants"),
                            ("taken_back", "Taken back"),
                        ],
                        default="running",
                        max_length=12,
                    ),
                ),
                (
                    "following",
                    models.PositiveIntegerField(
                        default=0, help_text="The tenants of its order that follow the release."
                    ),
                ),
                ("revision", models.PositiveIntegerField(default=0)),
                (
                    "flips_percent",
                    models.DecimalField(
                        decimal_places=2,
                        help_text="The most outcomes that may differ from the forecast, in percent of a tenant's open copies.",
                        max_digits=5,
                        verbose_name="outcomes, in percent",
                    ),
                ),
                (
                    "premium_percent",
                    models.DecimalField(
                        decimal_places=2,
                        help_text="The most premium that may move beyond the forecast, in percent of a tenant's premium before.",
                        max_digits=5,
                        verbose_name="premium, in percent",
                    ),
                ),
                (
                    "is_settled",
                    models.BooleanField(
                        default=True, help_text="Its last change is known to all processes and databases."
                    ),
                ),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "catalogue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="roll_outs", to="catalogue.catalogue"
                    ),
                ),
                (
                    "former",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalogue.release"
                    ),
                ),
                (
                    "release",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="roll_out", to="catalogue.release"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="RollOutOrder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("start", "Start"),
                            ("stop", "Stop"),
                            ("continue", "Continue"),
                            ("back", "Take back"),
                            ("finish", "Finish"),
                        ],
                        max_length=10,
                    ),
                ),
                ("actor_id", models.CharField(max_length=64, verbose_name="ordered by")),
                ("detail", models.CharField(blank=True, max_length=500)),
                ("ordered_at", models.DateTimeField(auto_now_add=True)),
                (
                    "roll_out",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="orders", to="catalogue.rollout"
                    ),
                ),
            ],
            options={
                "ordering": ["roll_out", "id"],
            },
        ),
        migrations.CreateModel(
            name="RollOutTenant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waits"),
                            ("following", "Follows; its copies are decided"),
                            ("decided", "Decided as forecast"),
                            ("left_forecast", "Left the forecast"),
                            ("back", "Back at the former release"),
                        ],
                        default="waiting",
                        max_length=14,
                    ),
                ),
                (
                    "forecast",
                    models.JSONField(
                        default=dict, help_text="What the release changes for the book, before it follows."
                    ),
                ),
                (
                    "actual",
                    models.JSONField(
                        default=dict, help_text="What it changed for the same copies when they were decided."
                    ),
                ),
                ("is_forecast", models.BooleanField(default=False, help_text="The forecast is of the whole book.")),
                (
                    "is_accepted",
                    models.BooleanField(
                        default=False, help_text="Staff ordered to go on although it left the forecast."
                    ),
                ),
                ("followed_at", models.DateTimeField(null=True)),
                ("compared_at", models.DateTimeField(null=True)),
                (
                    "roll_out",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tenants", to="catalogue.rollout"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "ordering": ["roll_out", "position"],
            },
        ),
        migrations.CreateModel(
            name="RollOutPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("copies", models.JSONField(help_text="What was forecast for each copy, by its id.")),
                (
                    "of",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="catalogue.rollouttenant"
                    ),
                ),
            ],
            options={
                "ordering": ["of", "number"],
            },
        ),
        migrations.AddConstraint(
            model_name="rolloutpart",
            constraint=models.UniqueConstraint(fields=("of", "number"), name="roll_out_part_once"),
        ),
        migrations.AddConstraint(
            model_name="rollout",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("running", "stopped"))),
                fields=("catalogue",),
                name="roll_out_one_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="rollouttenant",
            constraint=models.UniqueConstraint(fields=("roll_out", "position"), name="roll_out_position_once"),
        ),
        migrations.AddConstraint(
            model_name="rollouttenant",
            constraint=models.UniqueConstraint(fields=("roll_out", "tenant"), name="roll_out_tenant_once"),
        ),
        migrations.RunSQL(
            # A release is immutable for every user.
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
