"""Question sets, their pools, and questions."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models

from catalogue.checks import check_row, pool_circle
from catalogue.models.catalogues import Catalogue
from catalogue.models.choices import ChoiceList
from catalogue.models.fields import NAME, POSITION_HELP, WAS_HELP, InheritedCatalogueField, once
from rules.types.registry import QUESTION_TYPES


def question_type_choices() -> list[tuple[str, str]]:
    """Return the codes of the question types with their labels, for forms of the admin."""
    return [(code, code.replace("_", " ").capitalize()) for code in QUESTION_TYPES]


class QuestionSet(models.Model):
    """Questions that belong together; with a pool code they repeat in each row."""

    catalogue = models.ForeignKey(Catalogue, on_delete=models.CASCADE, related_name="question_sets")
    position = models.PositiveIntegerField(default=0, help_text=POSITION_HELP)
    code = models.CharField(max_length=64, validators=[NAME])
    title = models.CharField(max_length=300)
    when = models.TextField(
        "condition", blank=True, help_text="Shown while this CEL condition is true. Leave empty to show it always."
    )
    pool_code = models.CharField(
        "pool",
        max_length=64,
        blank=True,
        validators=[NAME],
        help_text="Leave empty for questions that are asked once, without rows.",
    )
    pool_parent = models.CharField(
        "parent pool", max_length=64, blank=True, help_text="Code of another pool whose rows contain these rows."
    )
    pool_min = models.PositiveIntegerField("minimum rows", default=0)
    pool_max = models.PositiveIntegerField("maximum rows", default=1000)
    pool_key = ArrayField(
        models.CharField(max_length=64),
        verbose_name="row key",
        default=list,
        blank=True,
        help_text="Questions that identify the same row in two copies, separated by commas.",
    )
    pool_noun = models.CharField(
        "name of one row", max_length=64, blank=True, help_text="In the singular, such as WC class: “Add WC class”."
    )
    same_as_label = models.CharField(
        "text of “same as”",
        max_length=100,
        blank=True,
        help_text="Names the order that takes over the answers of the questions in “same as”.",
    )
    was = models.CharField("earlier code", max_length=64, blank=True, help_text=WAS_HELP)
    pool_was = models.CharField("earlier pool code", max_length=64, blank=True, help_text=WAS_HELP)

    class Meta:
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [
            once("catalogue", "code", name="question_set_code_once", what="question set with this code"),
            once(
                "catalogue",
                "pool_code",
                name="pool_code_once",
                what="pool with this code",
                condition=~models.Q(pool_code=""),
            ),
            models.CheckConstraint(
                condition=models.Q(pool_min__lte=models.F("pool_max")),
                name="pool_min_to_max",
                violation_error_message="The minimum must not be greater than the maximum.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """Refuse a pool inside itself or an unknown one, and a faulty condition. Raises ``ValidationError``."""
        if not self.pool_code and (self.pool_parent or self.pool_key):
            raise ValidationError(
                {"pool_code": "Without a pool there are no rows: name a pool, or clear the fields about rows."}
            )
        if self.pool_parent and self.catalogue_id:
            others = (
                QuestionSet.objects.filter(catalogue_id=self.catalogue_id).exclude(pk=self.pk).exclude(pool_code="")
            )
            parents = dict(others.values_list("pool_code", "pool_parent"))
            if self.pool_parent not in parents and self.pool_parent != self.pool_code:
                raise ValidationError({"pool_parent": f"There is no pool {self.pool_parent!r} in this catalogue."})
            if pool_circle(self.pool_code, self.pool_parent, {**parents, self.pool_code: self.pool_parent}):
                raise ValidationError({"pool_parent": "The pool would contain itself; choose another one."})
        check_row(self)


class Question(models.Model):
    """One question of a set."""

    class Required(models.TextChoices):
        """The step that needs an answer."""

        QUOTE = "quote", "Before a quote"
        BIND = "bind", "Before binding"
        OPTIONAL = "optional", "Never"

    class Sensitivity(models.TextChoices):
        """The protection of an answer."""

        NONE = "", "Not sensitive"
        PII = "pii", "Personal: masked unless the reader may see it (pii)"
        SPI = "spi", "Secret: encrypted, never shown in full (spi)"

    class Width(models.TextChoices):
        """The part of a line that a question takes on the page."""

        TYPE = "", "As its type needs"
        THIRD = "third", "A third of a line"
        HALF = "half", "Half a line"
        FULL = "full", "A whole line"

    class AddressPart(models.TextChoices):
        """The part that a question has in the address of its set."""

        NONE = "", "None"
        STREET = "street", "Street"
        CITY = "city", "City"
        STATE = "state", "State"
        ZIP = "zip", "ZIP code"

    question_set = models.ForeignKey(QuestionSet, on_delete=models.CASCADE, related_name="questions")
    catalogue = InheritedCatalogueField(parent="question_set")
    position = models.PositiveIntegerField(default=0, help_text=POSITION_HELP)
    code = models.CharField(
        max_length=64,
        validators=[NAME],
        help_text="Unique in the whole catalogue; conditions use it to read the answer.",
    )
    label = models.CharField(max_length=300)
    type = models.CharField(max_length=20, choices=question_type_choices)
    required = models.CharField(max_length=20, choices=Required, default=Required.OPTIONAL)
    quote_when = models.TextField(
        "needed before a quote while",
        blank=True,
        help_text="Needed before a quote while this CEL condition is true.",
    )
    bind_when = models.TextField(
        "needed before binding while",
        blank=True,
        help_text="Needed before binding while this CEL condition is true.",
    )
    choices = models.ForeignKey(
        ChoiceList,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="questions",
        help_text="Only for choice and multi choice questions.",
    )
    when = models.TextField(
        "condition", blank=True, help_text="Shown while this CEL condition is true. Leave empty to show it always."
    )
    validate = ArrayField(
        models.CharField(max_length=300),
        verbose_name="validators",
        default=list,
        blank=True,
        help_text="Separated by commas, for example min:0, max:as_of.",
    )
    products = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text=(
            "Makes this a carrier question: asked only while one of these products is open (codes, comma-separated)."
        ),
    )
    sensitivity = models.CharField(max_length=20, choices=Sensitivity, default=Sensitivity.NONE, blank=True)
    indexed = models.BooleanField(
        default=False, help_text="Makes this answer searchable; not allowed for a secret one."
    )
    valid_for = models.CharField(
        max_length=64,
        blank=True,
        help_text=(
            "How long an answer stays valid, such as 1 year, 6 months or 90 days. A renewal only proposes an older one."
        ),
    )
    renews_by = models.CharField(
        max_length=64, blank=True, help_text="How far a renewal moves this date, such as 1 year or 6 months."
    )
    help = models.CharField(max_length=500, blank=True)
    width = models.CharField(max_length=20, choices=Width, default=Width.TYPE, blank=True)
    below = models.CharField(
        max_length=64,
        blank=True,
        help_text="The code of the question of this set that it follows. By default the one that shows it.",
    )
    address = models.CharField(
        "part of an address",
        max_length=20,
        choices=AddressPart,
        default=AddressPart.NONE,
        blank=True,
        help_text="The ZIP code of a set fills its city and state.",
    )
    same_as = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text="Questions whose answers can be taken over, joined by a space; codes, separated by commas.",
    )
    was = models.CharField("earlier code", max_length=64, blank=True, help_text=WAS_HELP)

    class Meta:
        ordering: ClassVar = ["question_set", "position", "code"]
        constraints: ClassVar = [
            once("catalogue", "code", name="question_code_once", what="question with this code"),
        ]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        """Refuse a duplicate code, invalid choices, faulty conditions and validators. Raises ``ValidationError``."""
        if not self.question_set_id:
            return
        catalogue = self.question_set.catalogue
        if Question.objects.filter(catalogue=catalogue, code=self.code).exclude(pk=self.pk).exists():
            raise ValidationError({"code": "This catalogue already has a question with this code."})
        if self.choices and self.choices.catalogue_id != catalogue.pk:
            raise ValidationError(
                {"choices": f"This list belongs to {self.choices.catalogue}. Choose one of {catalogue}."}
            )
        question_type = QUESTION_TYPES.get(self.type)
        if question_type is not None and question_type.has_choices != bool(self.choices_id):
            raise ValidationError(
                {"choices": "A choice or multi choice question needs a choice list; other questions have none."}
            )
        if (self.quote_when or self.bind_when) and self.required != self.Required.OPTIONAL:
            raise ValidationError({"required": "Choose “Never” where a condition decides, or clear the conditions."})
        check_row(self)
