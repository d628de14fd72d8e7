"""Draft rows of carriers (products, rates and appetite rules, as staff edit them); the tables of links are imported.

Drafts are shared by all tenants and name their catalogue by its code: this app does not know the catalogue's own rows.
The published release is in force, never these rows.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models

from carriers.link_models import CarrierCall as CarrierCall
from carriers.link_models import CarrierLink as CarrierLink

_CODE = RegexValidator(
    r"\A[A-Za-z0-9_][A-Za-z0-9_.-]*\Z",
    "Use letters, digits, underscores, dots, and hyphens. Do not begin with a dot or a hyphen.",
)

_LABEL_HELP = "The name that people see. By default the label of the question that it reads."


class Decimal6Field(models.DecimalField):
    """A rate, factor or amount: up to 12 digits before the point and 6 after it, stored exactly."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options = {"max_digits": 18, "decimal_places": 6, **options}
        super().__init__(*args, **options)


class Carrier(models.Model):
    """A carrier and its link."""

    class Mode(models.TextChoices):
        """The way in which the carrier responds to a quote request."""

        SYNC = "sync", "Immediately (sync)"
        POLL = "poll", "Accepts, then is polled (poll)"
        CALLBACK = "callback", "Accepts, then calls back (callback)"
        MANUAL = "manual", "By hand (manual)"

    catalogue = models.CharField(max_length=64, help_text="The code of its catalogue.")
    position = models.PositiveIntegerField(default=0, help_text="The order in lists, lowest first.")
    code = models.CharField(max_length=64, validators=[_CODE])
    name = models.CharField(max_length=300)
    admitted = models.BooleanField(
        default=True,
        help_text="Products of other carriers are locked until the surplus rule of their state is met.",
    )
    link_mode = models.CharField("link", max_length=20, choices=Mode, default=Mode.SYNC)
    p50_seconds = models.FloatField(
        "usual response time (s)",
        default=1,
        validators=[MinValueValidator(0)],
        help_text="Half of the responses are faster.",
    )
    p95_seconds = models.FloatField(
        "slow response time (s)",
        default=1,
        validators=[MinValueValidator(0)],
        help_text="95 percent of the responses are faster.",
    )
    fail_percent = models.FloatField(
        default=0, validators=[MinValueValidator(0)], help_text="How many of one hundred requests fail."
    )
    per_minute = models.PositiveIntegerField("requests per minute", default=60)
    real_time = models.BooleanField(
        "real-time eligibility",
        default=False,
        help_text="Ask the carrier about a risk while the form is filled in.",
    )
    quirk = models.CharField(max_length=300, blank=True, help_text="What is unusual about this carrier's link.")

    class Meta:
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["catalogue", "code"],
                name="carrier_code_once",
                violation_error_message="This catalogue already has a carrier with this code.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class CarrierProduct(models.Model):
    """A carrier's product of one line, with its states and industries."""

    class RateType(models.TextChoices):
        """The worth of its premium."""

        BINDABLE = "bindable", "Bindable"
        INDICATION = "indication", "Indication"

    catalogue = models.CharField(max_length=64, help_text="The code of its catalogue.")
    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="products")
    position = models.PositiveIntegerField(default=0, help_text="The order in lists, lowest first.")
    code = models.CharField(max_length=64, validators=[_CODE])
    line = models.CharField(
        "line of business", max_length=64, help_text="The code of a line of business in the catalogue."
    )
    rate_type = models.CharField(max_length=20, choices=RateType, default=RateType.INDICATION)
    label = models.CharField(max_length=300, blank=True)
    states = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text="The states where it is sold, separated by commas. Leave empty for all.",
    )
    industries = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text="What the industry code may begin with, separated by commas. Leave empty for all.",
    )
    minimum = Decimal6Field("minimum premium", default=0, validators=[MinValueValidator(0)])
    asked = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text="Codes of the questions that lists of quotes show as what was asked, separated by commas.",
    )

    class Meta:
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["catalogue", "code"],
                name="product_code_once",
                violation_error_message="This catalogue already has a product with this code.",
            )
        ]

    def __str__(self) -> str:
        return self.code


class RateTerm(models.Model):
    """A premium term: a rate per so many units of a value."""

    product = models.ForeignKey(CarrierProduct, on_delete=models.CASCADE, related_name="terms")
    position = models.PositiveIntegerField(default=0)
    rate = Decimal6Field(help_text="Dollars per year ...")
    per = Decimal6Field(default=1, validators=[MinValueValidator(0)], help_text="... for every this many units ...")
    of = models.TextField("value", help_text="... of this value: a CEL expression that returns a number.")
    label = models.CharField(max_length=300, blank=True, help_text=_LABEL_HELP)

    class Meta:
        ordering: ClassVar = ["product", "position", "id"]

    def __str__(self) -> str:
        return f"{self.rate.normalize():f} per {self.per.normalize():f} of {self.of}"


class RateTable(models.Model):
    """A premium term summed over the rows of a pool, with a rate for each code."""

    product = models.ForeignKey(CarrierProduct, on_delete=models.CASCADE, related_name="tables")
    position = models.PositiveIntegerField(default=0)
    pool = models.CharField(max_length=64, help_text="The code of the pool whose rows are rated.")
    rate_by = models.TextField(help_text="A CEL expression, evaluated in the row, that returns the code of its rate.")
    amount = models.TextField(
        blank=True,
        help_text="A CEL expression, evaluated in the row: the amount to rate. Leave empty to count rows.",
    )
    per = Decimal6Field(
        default=1, validators=[MinValueValidator(0)], help_text="The rate applies to this many units of the amount."
    )
    times = models.TextField(
        blank=True, help_text="A CEL expression. If it returns a number, the sum is multiplied by it."
    )
    reason = models.CharField(
        max_length=64,
        blank=True,
        help_text="The ID of the rule that declines a code without a rate. Leave empty to rate such rows at zero.",
    )
    label = models.CharField(max_length=300, blank=True, help_text=_LABEL_HELP)

    class Meta:
        ordering: ClassVar = ["product", "position", "id"]

    def __str__(self) -> str:
        return f"Rates of {self.pool} by {self.rate_by}"


class RateEntry(models.Model):
    """The rate of one code in a rate table."""

    table = models.ForeignKey(RateTable, on_delete=models.CASCADE, related_name="entries")
    position = models.PositiveIntegerField(default=0)
    code = models.CharField(max_length=64)
    rate = Decimal6Field()

    class Meta:
        verbose_name_plural = "rate entries"
        ordering: ClassVar = ["table", "position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["table", "code"],
                name="rate_code_once",
                violation_error_message="This table already has a rate with this code.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.rate.normalize():f}"


class RateFactor(models.Model):
    """Multiplies the premium while its condition is true."""

    product = models.ForeignKey(CarrierProduct, on_delete=models.CASCADE, related_name="factors")
    position = models.PositiveIntegerField(default=0)
    code = models.CharField("ID", max_length=64, validators=[_CODE])
    when = models.TextField("condition", help_text="A CEL condition.")
    times = Decimal6Field("factor")
    label = models.CharField(max_length=300, blank=True, help_text=_LABEL_HELP)

    class Meta:
        ordering: ClassVar = ["product", "position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["product", "code"],
                name="factor_code_once",
                violation_error_message="This product already has a factor with this ID.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.code}: times {self.times.normalize():f}"


class ProductRule(models.Model):
    """An appetite rule of a product."""

    class Effect(models.TextChoices):
        """The effect of a matching rule."""

        DECLINE = "decline", "Decline"
        REFER = "refer", "Refer"
        ADJUST = "adjust", "Rate other values (adjust)"

    product = models.ForeignKey(CarrierProduct, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveIntegerField(default=0)
    code = models.CharField("ID", max_length=64, validators=[_CODE])
    when = models.TextField("condition", help_text="A CEL condition.")
    then = models.CharField("effect", max_length=20, choices=Effect)
    why = models.CharField("reason", max_length=300, help_text="The reason that agents see.")
    set = models.JSONField(
        "values to rate",
        default=dict,
        blank=True,
        help_text='For the effect "adjust": question codes and values to rate, such as {"limit": "l500"}.',
    )
    shadow = models.BooleanField(default=False, help_text="Decided and counted, without any effect on forms.")

    class Meta:
        ordering: ClassVar = ["product", "position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["product", "code"],
                name="product_rule_code_once",
                violation_error_message="This product already has a rule with this ID.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.why}"

    def clean(self) -> None:
        """Refuse values to rate that are no plain values, or belong to another effect. Raises ``ValidationError``."""
        if not isinstance(self.set, dict) or not all(
            isinstance(value, str | int | float) for value in self.set.values()
        ):
            raise ValidationError({"set": 'Enter question codes with one plain value each, such as {"limit": "l500"}.'})
        if bool(self.set) != (self.then == self.Effect.ADJUST):
            raise ValidationError(
                {"set": "A rule with the effect “adjust” needs values to rate. Other rules must not have any."}
            )


class PayloadField(models.Model):
    """One field of what a product's carrier is sent. Fields of rows are named after them: ``buildings.area``."""

    class Purpose(models.TextChoices):
        """The request that contains the field."""

        QUOTE = "quote", "Quote request"
        BIND = "bind", "Binding"

    product = models.ForeignKey(CarrierProduct, on_delete=models.CASCADE, related_name="payload_fields")
    position = models.PositiveIntegerField(default=0)
    purpose = models.CharField("sent with", max_length=20, choices=Purpose, default=Purpose.QUOTE)
    name = models.CharField(max_length=200, help_text="The name that the carrier knows; in rows “rows.name”.")
    value = models.TextField(blank=True, help_text="A CEL expression, such as the code of a question. Empty for rows.")
    pool = models.CharField(max_length=64, blank=True, help_text="The code of the pool whose rows are sent.")

    class Meta:
        ordering: ClassVar = ["product", "position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["product", "purpose", "name"],
                name="payload_field_once",
                violation_error_message="This product already has a field with this name.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.value or self.pool}"

    def clean(self) -> None:
        """Refuse a field with both value and rows, or none of them. Raises ``ValidationError``."""
        if bool(self.value) == bool(self.pool):
            raise ValidationError({"value": "Enter a value, or the pool whose rows are sent."})


class SurplusRule(models.Model):
    """What opens the products of carriers that are not admitted, in some states and for some time."""

    class Needs(models.TextChoices):
        """What must have happened."""

        ALL = "all_admitted_decline", "Every admitted product of the line declines"
        DECLINES = "declines", "A number of admitted products decline"
        NONE = "none", "Nothing: no search is needed"

    catalogue = models.CharField(max_length=64, help_text="The code of its catalogue.")
    position = models.PositiveIntegerField(default=0, help_text="The order in lists, lowest first.")
    code = models.CharField("ID", max_length=64, validators=[_CODE])
    states = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text="Separated by commas. Leave empty for all states without a rule of their own.",
    )
    lines = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text="Codes of lines of business, separated by commas. Leave empty for all.",
    )
    since = models.DateField("from", null=True, blank=True, help_text="The first day. Leave empty for any.")
    until = models.DateField(null=True, blank=True, help_text="The last day. Leave empty for any.")
    needs = models.CharField(max_length=30, choices=Needs, default=Needs.ALL)
    declines = models.PositiveIntegerField("number of declines", null=True, blank=True)
    disclosure = models.TextField(
        max_length=2000, blank=True, help_text="The text that must be shown with such a product."
    )

    class Meta:
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["catalogue", "code"],
                name="surplus_rule_code_once",
                violation_error_message="This catalogue already has a surplus rule with this ID.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.get_needs_display()}"

    def clean(self) -> None:
        """Refuse a number of declines without its rule, and a time that ends before it begins. Raises
        ``ValidationError``.
        """
        if (self.needs == self.Needs.DECLINES) != bool(self.declines):
            raise ValidationError({"declines": "Enter how many, if a number of products must decline."})
        if self.since and self.until and self.until < self.since:
            raise ValidationError({"until": "The last day is before the first one."})
