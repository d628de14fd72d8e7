"""Draft rows of a catalogue, edited by staff, and the releases that were published from them.

Rows are shared by all tenants. Forms are decided by releases, which never change; drafts decide nothing.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from catalogue.checks import check_row, pool_circle
from catalogue.golden_models import AcceptedResult, GoldenCase
from catalogue.roll_out_models import RollOut, RollOutOrder, RollOutPart, RollOutTenant
from rules.types.registry import QUESTION_TYPES

__all__ = [
    "AcceptedResult",
    "Catalogue",
    "Choice",
    "ChoiceList",
    "DerivedValue",
    "FormRule",
    "GoldenCase",
    "LineOfBusiness",
    "PackageImport",
    "PackagePublisher",
    "Question",
    "QuestionSet",
    "Release",
    "RollOut",
    "RollOutOrder",
    "RollOutPart",
    "RollOutTenant",
]

_NAME = RegexValidator(
    r"\A[A-Za-z_][A-Za-z0-9_]*\Z",
    "Use letters, digits and underscores, starting with a letter: conditions use this name.",
)
_CODE = RegexValidator(
    r"\A[A-Za-z0-9_][A-Za-z0-9_.-]*\Z", "Use letters, digits, underscores, periods and hyphens, starting with a letter."
)
_POSITION_HELP = "The order in lists, lowest first."
_WAS_HELP = "The code in earlier releases, if it was renamed: stored answers then follow to the new code."


def check_public_key(text: str) -> None:
    """Raise ``ValidationError`` unless ``text`` is base64 of the 32 bytes of an Ed25519 public key."""
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise ValidationError("Enter the publisher's public key: 44 characters, such as AbCd…=.") from error


def _once(
    parent: str, field: str, *, name: str, what: str, condition: models.Q | None = None
) -> models.UniqueConstraint:
    """Return the constraint that ``field`` is unique in each ``parent``; ``what`` names the row: "carrier with this
    code".
    """
    where = parent.rpartition("_")[2]
    article = "an" if what[0] in "aeiou" else "a"
    message = f"This {where} already has {article} {what}."
    return models.UniqueConstraint(
        fields=[parent, field], name=name, condition=condition, violation_error_message=message
    )


def question_type_choices() -> list[tuple[str, str]]:
    """Return the codes of the question types with their labels, for forms of the admin."""
    return [(code, code.replace("_", " ").capitalize()) for code in QUESTION_TYPES]


class InheritedCatalogueField(models.ForeignKey):
    """The catalogue of a row's parent, copied into the row so that codes can be unique in a whole catalogue.

    ``parent`` names the foreign key to the parent. The field is filled on every save and cannot be edited.
    """

    def __init__(self, *, parent: str, **options: Any) -> None:
        self.parent = parent
        options = {
            "to": "catalogue.Catalogue",
            "on_delete": models.CASCADE,
            "editable": False,
            "related_name": "+",
            **options,
        }
        super().__init__(**options)

    def deconstruct(self) -> tuple[str, str, Any, dict[str, Any]]:
        """Include ``parent`` in migrations."""
        name, path, args, options = super().deconstruct()
        return name, path, args, {**options, "parent": self.parent}

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Copy the parent's catalogue."""
        catalogue_id = getattr(model_instance, self.parent).catalogue_id
        setattr(model_instance, self.attname, catalogue_id)
        return catalogue_id


class Catalogue(models.Model):
    """One catalogue: its questions and rules. The parts are drafts until they are published."""

    code = models.CharField(max_length=64, unique=True, validators=[_CODE])
    title = models.CharField(max_length=300)
    currency = models.CharField(max_length=3, default="USD")
    allow_test_identities = models.BooleanField(
        default=False,
        help_text="Accepts made-up tax IDs, Social Security numbers and phone numbers. For demos and tests only.",
    )
    lines_question = models.CharField(
        max_length=64,
        blank=True,
        help_text="Code of the multi choice question whose choices are the lines of business that can be requested.",
    )
    title_question = models.CharField(
        max_length=64, blank=True, help_text="The code of the question that names the insured."
    )
    employees_questions = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text="Codes of the questions whose numbers add up to the number of employees, divided by commas.",
    )
    industry_question = models.CharField(
        max_length=64, blank=True, help_text="The code of the question for the industry (type naics)."
    )
    effective_date_question = models.CharField(
        max_length=64, blank=True, help_text="The code of the question for the day on which the cover begins."
    )
    payment_plan_question = models.CharField(
        max_length=64, blank=True, help_text="The code of the choice question for the payment plan of a bound policy."
    )
    zip_questions = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text="Codes of the questions for the ZIP code of the business, the best first, divided by commas.",
    )
    start_questions = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text="Codes of the questions on the page that starts a form, in their order, divided by commas.",
    )

    class Meta:
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.title


class ChoiceList(models.Model):
    """A list of choices that several questions can use."""

    catalogue = models.ForeignKey(Catalogue, on_delete=models.CASCADE, related_name="choice_lists")
    position = models.PositiveIntegerField(default=0, help_text=_POSITION_HELP)
    code = models.CharField(max_length=64, validators=[_CODE])

    class Meta:
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [
            _once("catalogue", "code", name="choice_list_code_once", what="choice list with this code")
        ]

    def __str__(self) -> str:
        return self.code


class Choice(models.Model):
    """One choice of a list: answers hold its code, pages show its label."""

    choice_list = models.ForeignKey(ChoiceList, on_delete=models.CASCADE, related_name="choices")
    position = models.PositiveIntegerField(default=0, help_text=_POSITION_HELP)
    code = models.CharField(max_length=64)
    label = models.CharField(max_length=300)
    was = models.CharField("earlier code", max_length=64, blank=True, help_text=_WAS_HELP)

    class Meta:
        ordering: ClassVar = ["choice_list", "position", "id"]
        constraints: ClassVar = [_once("choice_list", "code", name="choice_code_once", what="choice with this code")]

    def __str__(self) -> str:
        return self.label


class QuestionSet(models.Model):
    """Questions that belong together; with a pool code they repeat in each row."""

    catalogue = models.ForeignKey(Catalogue, on_delete=models.CASCADE, related_name="question_sets")
    position = models.PositiveIntegerField(default=0, help_text=_POSITION_HELP)
    code = models.CharField(max_length=64, validators=[_NAME])
    title = models.CharField(max_length=300)
    when = models.TextField(
        "condition", blank=True, help_text="Shown while this CEL condition is true. Leave empty to show it always."
    )
    pool_code = models.CharField(
        "pool",
        max_length=64,
        blank=True,
        validators=[_NAME],
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
    was = models.CharField("earlier code", max_length=64, blank=True, help_text=_WAS_HELP)
    pool_was = models.CharField("earlier pool code", max_length=64, blank=True, help_text=_WAS_HELP)

    class Meta:
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [
            _once("catalogue", "code", name="question_set_code_once", what="question set with this code"),
            _once(
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
    position = models.PositiveIntegerField(default=0, help_text=_POSITION_HELP)
    code = models.CharField(
        max_length=64,
        validators=[_NAME],
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
    was = models.CharField("earlier code", max_length=64, blank=True, help_text=_WAS_HELP)

    class Meta:
        ordering: ClassVar = ["question_set", "position", "code"]
        constraints: ClassVar = [
            _once("catalogue", "code", name="question_code_once", what="question with this code"),
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


class DerivedValue(models.Model):
    """A named value computed from answers; rules read it like an answer."""

    catalogue = models.ForeignKey(Catalogue, on_delete=models.CASCADE, related_name="derived_values")
    position = models.PositiveIntegerField(default=0, help_text=_POSITION_HELP)
    code = models.CharField(max_length=64, validators=[_NAME])
    value = models.TextField(help_text="A CEL expression.")
    label = models.CharField(max_length=300, blank=True)
    show = models.BooleanField(default=False, help_text="Shows the value on the page and in the API.")

    class Meta:
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [
            _once("catalogue", "code", name="derived_code_once", what="derived value with this code")
        ]

    def __str__(self) -> str:
        return self.label or self.code

    def clean(self) -> None:
        """Refuse a faulty expression. Raises ``ValidationError``."""
        check_row(self)


class FormRule(models.Model):
    """A rule about the form: while it is true, a question or pool shows its message."""

    class Effect(models.TextChoices):
        """The kind of a matching rule's message."""

        ERROR = "error", "Error"
        WARN = "warn", "Warning"
        MESSAGE = "message", "Message"
        TASK = "task", "Task"

    catalogue = models.ForeignKey(Catalogue, on_delete=models.CASCADE, related_name="form_rules")
    position = models.PositiveIntegerField(default=0, help_text=_POSITION_HELP)
    code = models.CharField("ID", max_length=64, validators=[_CODE])
    when = models.TextField("condition", help_text="A CEL condition.")
    then = models.CharField("effect", max_length=20, choices=Effect)
    at = models.CharField("shown at", max_length=64, help_text="Code of the question or pool that shows the message.")
    say = models.CharField("message", max_length=500)
    shadow = models.BooleanField(default=False, help_text="Decided and counted, without any effect on forms.")

    class Meta:
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [_once("catalogue", "code", name="form_rule_code_once", what="form rule with this ID")]

    def __str__(self) -> str:
        return f"{self.code}: {self.say}"

    def clean(self) -> None:
        """Refuse a faulty condition. Raises ``ValidationError``."""
        check_row(self)


class LineOfBusiness(models.Model):
    """A line of business, with the expressions that the base checks of its products read."""

    catalogue = models.ForeignKey(Catalogue, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField(default=0, help_text=_POSITION_HELP)
    code = models.CharField(max_length=64, validators=[_CODE], help_text="A choice of the question for the lines.")
    label = models.CharField(max_length=300)
    states = models.TextField(
        help_text="The states that the base check tests: a CEL expression whose value is a list of state codes."
    )
    industry = models.TextField(help_text="The industry code: a CEL expression whose value is a text.")

    class Meta:
        verbose_name = "line of business"
        verbose_name_plural = "lines of business"
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [_once("catalogue", "code", name="line_code_once", what="line with this code")]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        """Refuse faulty expressions. Raises ``ValidationError``."""
        check_row(self)


class Release(models.Model):
    """One published catalogue. The database refuses every change and deletion of these rows."""

    id = models.AutoField(primary_key=True)
    catalogue = models.ForeignKey(Catalogue, on_delete=models.PROTECT, related_name="releases", editable=False)
    number = models.PositiveIntegerField(editable=False, help_text="The number of the release within its catalogue.")
    content = models.BinaryField(help_text="The whole definition as compressed JSON.")
    checksum = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the definition.")
    notes = models.TextField(blank=True, editable=False)
    published_at = models.DateTimeField(auto_now_add=True)
    published_by_id = models.CharField("published by", max_length=64, editable=False)

    #: Sentences for the person who has just published it; not stored.
    notices: tuple[str, ...] = ()

    class Meta:
        ordering: ClassVar = ["catalogue", "-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["catalogue", "number"], name="release_number_once")]

    def __str__(self) -> str:
        return f"Release {self.number} of {self.catalogue}"


class PackagePublisher(models.Model):
    """A publisher whose carrier packages may be imported, by its public key (Ed25519)."""

    name = models.CharField(max_length=100, unique=True)
    public_key = models.CharField(max_length=44, validators=[check_public_key], help_text="32 bytes in base64.")

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class PackageImport(models.Model):
    """An import of a carrier package into a catalogue's draft. Never altered."""

    catalogue = models.ForeignKey(Catalogue, on_delete=models.CASCADE, related_name="package_imports", editable=False)
    carrier = models.CharField(max_length=64, editable=False, help_text="The code of the carrier.")
    version = models.PositiveIntegerField(editable=False, help_text="The version of the package.")
    publisher = models.CharField(max_length=100, editable=False)
    signed_by = models.CharField(max_length=64, editable=False, help_text="The id of the key that signed the package.")
    checksum = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the signed content.")
    imported_at = models.DateTimeField(auto_now_add=True)
    imported_by_id = models.CharField("imported by", max_length=64, editable=False)

    class Meta:
        verbose_name = "carrier package"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.carrier} version {self.version}"
