"""Draft rows of a catalogue, as staff edit them, and the releases that were published from them.

Rows are shared by all tenants. A draft decides nothing: forms are decided by releases, which never change.
"""

from __future__ import annotations

from typing import Any, ClassVar, get_args

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from catalogue.checks import check_row, pool_circle
from rules.definition.catalogue import QuestionType

_NAME = RegexValidator(
    r"\A[A-Za-z_][A-Za-z0-9_]*\Z",
    "Use letters, digits and underscores; begin with a letter: conditions read it by this name.",
)
_CODE = RegexValidator(
    r"\A[A-Za-z0-9_][A-Za-z0-9_.-]*\Z", "Use letters, digits, underscores, dots and hyphens; begin with a letter."
)
_POSITION_HELP = "Order in lists, lowest first."


def _once(
    parent: str, field: str, *, name: str, what: str, condition: models.Q | None = None
) -> models.UniqueConstraint:
    """Return the rule that a ``field`` is there once in each ``parent``; ``what`` names it: "carrier of this code"."""
    where = parent.rpartition("_")[2]
    article = "an" if what[0] in "aeiou" else "a"
    message = f"This {where} has {article} {what} already."
    return models.UniqueConstraint(
        fields=[parent, field], name=name, condition=condition, violation_error_message=message
    )


class InheritedCatalogueField(models.ForeignKey):
    """The catalogue of a row's parent, written along with the row so that codes can be unique in a whole catalogue.

    ``parent`` names the foreign key that leads there. Nobody sets this field: it is filled whenever the row is written.
    """

    def __init__(self, *, parent: str, **options: Any) -> None:
        self.parent = parent
        options = {
            "to": "forms.Catalogue",
            "on_delete": models.CASCADE,
            "editable": False,
            "related_name": "+",
            **options,
        }
        super().__init__(**options)

    def deconstruct(self) -> tuple[str, str, Any, dict[str, Any]]:
        """Name ``parent`` in migrations too."""
        name, path, args, options = super().deconstruct()
        return name, path, args, {**options, "parent": self.parent}

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Take the parent's catalogue."""
        catalogue_id = getattr(model_instance, self.parent).catalogue_id
        setattr(model_instance, self.attname, catalogue_id)
        return catalogue_id


class Catalogue(models.Model):
    """One catalogue: what is asked and how it is decided. Its parts are drafts until they are published."""

    code = models.CharField(max_length=64, unique=True, validators=[_CODE])
    title = models.CharField(max_length=300)
    currency = models.CharField(max_length=3, default="USD")
    allow_test_identities = models.BooleanField(
        default=False,
        help_text="Lets made-up tax ids, Social Security and phone numbers pass: only for demos and tests.",
    )
    lines_question = models.CharField(
        max_length=64,
        blank=True,
        help_text="Code of the multiple choice whose choices are the lines of business that are wanted.",
    )
    title_question = models.CharField(
        max_length=64, blank=True, help_text="Code of the question that names the insured."
    )
    employees_questions = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text="Codes of the questions whose numbers add up to the number of employees, divided by commas.",
    )

    class Meta:
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.title


class ChoiceList(models.Model):
    """A list of choices that questions share."""

    catalogue = models.ForeignKey(Catalogue, on_delete=models.CASCADE, related_name="choice_lists")
    position = models.PositiveIntegerField(default=0, help_text=_POSITION_HELP)
    code = models.CharField(max_length=64, validators=[_CODE])

    class Meta:
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [
            _once("catalogue", "code", name="choice_list_code_once", what="choice list of this code")
        ]

    def __str__(self) -> str:
        return self.code


class Choice(models.Model):
    """One choice of a list: answers hold its code, people see its label."""

    choice_list = models.ForeignKey(ChoiceList, on_delete=models.CASCADE, related_name="choices")
    position = models.PositiveIntegerField(default=0, help_text=_POSITION_HELP)
    code = models.CharField(max_length=64)
    label = models.CharField(max_length=300)

    class Meta:
        ordering: ClassVar = ["choice_list", "position", "id"]
        constraints: ClassVar = [_once("choice_list", "code", name="choice_code_once", what="choice of this code")]

    def __str__(self) -> str:
        return self.label


class QuestionSet(models.Model):
    """Questions asked together; with a pool code they repeat, once a row."""

    catalogue = models.ForeignKey(Catalogue, on_delete=models.CASCADE, related_name="question_sets")
    position = models.PositiveIntegerField(default=0, help_text=_POSITION_HELP)
    code = models.CharField(max_length=64, validators=[_NAME])
    title = models.CharField(max_length=300)
    when = models.TextField(blank=True, help_text="Shown while this condition (CEL) is true; empty means always.")
    pool_code = models.CharField(
        "pool", max_length=64, blank=True, validators=[_NAME], help_text="Empty: asked once, no rows."
    )
    pool_parent = models.CharField(
        "within the rows of", max_length=64, blank=True, help_text="Code of another pool, for rows within its rows."
    )
    pool_min = models.PositiveIntegerField("fewest rows", default=0)
    pool_max = models.PositiveIntegerField("most rows", default=1000)
    pool_key = ArrayField(
        models.CharField(max_length=64),
        verbose_name="row key",
        default=list,
        blank=True,
        help_text="Questions, divided by commas, that tell which rows of two copies are the same.",
    )

    class Meta:
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [
            _once("catalogue", "code", name="question_set_code_once", what="question set of this code"),
            _once(
                "catalogue",
                "pool_code",
                name="pool_code_once",
                what="pool of this code",
                condition=~models.Q(pool_code=""),
            ),
            models.CheckConstraint(
                condition=models.Q(pool_min__lte=models.F("pool_max")),
                name="pool_min_to_max",
                violation_error_message="The fewest rows are more than the most.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """Refuse pools within themselves or within nothing, and a faulty condition. Raises ``ValidationError``."""
        if not self.pool_code and (self.pool_parent or self.pool_key):
            raise ValidationError(
                {"pool_code": "Without a pool there are no rows: name it, or empty the fields about rows."}
            )
        if self.pool_parent and self.catalogue_id:
            others = (
                QuestionSet.objects.filter(catalogue_id=self.catalogue_id).exclude(pk=self.pk).exclude(pool_code="")
            )
            parents = dict(others.values_list("pool_code", "pool_parent"))
            if self.pool_parent not in parents and self.pool_parent != self.pool_code:
                raise ValidationError({"pool_parent": f"There is no pool {self.pool_parent!r} in this catalogue."})
            if pool_circle(self.pool_code, self.pool_parent, {**parents, self.pool_code: self.pool_parent}):
                raise ValidationError({"pool_parent": "The pool would lie within itself; choose another one."})
        check_row(self)


class Question(models.Model):
    """One question of a set."""

    class Required(models.TextChoices):
        """By when an answer is needed."""

        QUOTE = "quote", "Before a quote"
        BIND = "bind", "Before binding"
        OPTIONAL = "optional", "Never"

    class Sensitivity(models.TextChoices):
        """How an answer is guarded."""

        NONE = "", "Not sensitive"
        PII = "pii", "Personal: masked without the right to see it (pii)"
        SPI = "spi", "Secret: encrypted, never shown in full (spi)"

    question_set = models.ForeignKey(QuestionSet, on_delete=models.CASCADE, related_name="questions")
    catalogue = InheritedCatalogueField(parent="question_set")
    position = models.PositiveIntegerField(default=0, help_text=_POSITION_HELP)
    code = models.CharField(
        max_length=64, validators=[_NAME], help_text="Unique in the whole catalogue; conditions read the answer by it."
    )
    label = models.CharField(max_length=300)
    type = models.CharField(
        max_length=20, choices=[(name, name.replace("_", " ").capitalize()) for name in get_args(QuestionType)]
    )
    required = models.CharField(max_length=20, choices=Required, default=Required.OPTIONAL)
    choices = models.ForeignKey(
        ChoiceList,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="questions",
        help_text="Only for choice and multi choice.",
    )
    when = models.TextField(blank=True, help_text="Shown while this condition (CEL) is true; empty means always.")
    validate = ArrayField(
        models.CharField(max_length=300),
        verbose_name="validators",
        default=list,
        blank=True,
        help_text="Divided by commas, as min:0, max:as_of.",
    )
    products = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text="A carrier question: asked only while one of these products (codes, divided by commas) is open.",
    )
    sensitivity = models.CharField(max_length=20, choices=Sensitivity, default=Sensitivity.NONE, blank=True)
    indexed = models.BooleanField(default=False, help_text="Forms are found by this answer; never for a secret one.")
    help = models.CharField(max_length=500, blank=True)
    prefill = models.CharField(max_length=64, blank=True, help_text="Where a first answer may come from, as vin.")

    class Meta:
        ordering: ClassVar = ["question_set", "position", "code"]
        constraints: ClassVar = [
            _once("catalogue", "code", name="question_code_once", what="question of this code"),
        ]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        """Refuse a taken code, wrong choices, faulty conditions and validators. Raises ``ValidationError``."""
        if not self.question_set_id:
            return
        catalogue = self.question_set.catalogue
        if Question.objects.filter(catalogue=catalogue, code=self.code).exclude(pk=self.pk).exists():
            raise ValidationError({"code": "This catalogue has a question of this code already."})
        if self.choices and self.choices.catalogue_id != catalogue.pk:
            raise ValidationError(
                {"choices": f"This list belongs to {self.choices.catalogue}; choose one of {catalogue}."}
            )
        if (self.type in ("choice", "multi_choice")) != bool(self.choices_id):
            raise ValidationError({"choices": "A choice or multi choice needs a list, any other question has none."})
        check_row(self)


class DerivedValue(models.Model):
    """A named value computed from answers; rules read it like an answer."""

    catalogue = models.ForeignKey(Catalogue, on_delete=models.CASCADE, related_name="derived_values")
    position = models.PositiveIntegerField(default=0, help_text=_POSITION_HELP)
    code = models.CharField(max_length=64, validators=[_NAME])
    value = models.TextField(help_text="An expression in CEL.")
    label = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [
            _once("catalogue", "code", name="derived_code_once", what="derived value of this code")
        ]

    def __str__(self) -> str:
        return self.label or self.code

    def clean(self) -> None:
        """Refuse a faulty expression. Raises ``ValidationError``."""
        check_row(self)


class FormRule(models.Model):
    """A rule about the form itself: while it is true, something is said at a question or pool."""

    class Effect(models.TextChoices):
        """What a matching rule says."""

        ERROR = "error", "Error"
        WARN = "warn", "Warning"
        MESSAGE = "message", "Message"
        TASK = "task", "Task"

    catalogue = models.ForeignKey(Catalogue, on_delete=models.CASCADE, related_name="form_rules")
    position = models.PositiveIntegerField(default=0, help_text=_POSITION_HELP)
    code = models.CharField("id", max_length=64, validators=[_CODE])
    when = models.TextField(help_text="A condition in CEL.")
    then = models.CharField(max_length=20, choices=Effect)
    at = models.CharField(max_length=64, help_text="Code of the question or pool where it is said.")
    say = models.CharField(max_length=500)

    class Meta:
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [_once("catalogue", "code", name="form_rule_code_once", what="form rule of this id")]

    def __str__(self) -> str:
        return f"{self.code}: {self.say}"

    def clean(self) -> None:
        """Refuse a faulty condition. Raises ``ValidationError``."""
        check_row(self)


class LineOfBusiness(models.Model):
    """A line of business, and what the base checks of its products look at."""

    catalogue = models.ForeignKey(Catalogue, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField(default=0, help_text=_POSITION_HELP)
    code = models.CharField(
        max_length=64, validators=[_CODE], help_text="A choice of the question that asks for the lines."
    )
    label = models.CharField(max_length=300)
    states = models.TextField(help_text="The states concerned: an expression in CEL that gives a list of state codes.")
    industry = models.TextField(help_text="The industry code: an expression in CEL that gives a text.")

    class Meta:
        verbose_name = "line of business"
        verbose_name_plural = "lines of business"
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [_once("catalogue", "code", name="line_code_once", what="line of this code")]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        """Refuse faulty expressions. Raises ``ValidationError``."""
        check_row(self)


class Release(models.Model):
    """One published catalogue. The database refuses every change and removal of these rows."""

    id = models.AutoField(primary_key=True)
    catalogue = models.ForeignKey(Catalogue, on_delete=models.PROTECT, related_name="releases", editable=False)
    number = models.PositiveIntegerField(editable=False, help_text="Counts the releases of one catalogue.")
    content = models.BinaryField(help_text="The whole definition: compressed JSON.")
    checksum = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the definition.")
    notes = models.TextField(blank=True, editable=False)
    published_at = models.DateTimeField(auto_now_add=True)
    published_by_id = models.CharField("published by", max_length=64, editable=False)

    class Meta:
        ordering: ClassVar = ["catalogue", "-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["catalogue", "number"], name="release_number_once")]

    def __str__(self) -> str:
        return f"Release {self.number} of {self.catalogue}"
