"""Values and rules over answers: derived values, form rules, and lines of business."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from catalogue.checks import check_row
from catalogue.models.catalogues import Catalogue
from catalogue.models.fields import CODE, NAME, POSITION_HELP, once


class DerivedValue(models.Model):
    """A named value computed from answers; rules read it like an answer."""

    catalogue = models.ForeignKey(Catalogue, on_delete=models.CASCADE, related_name="derived_values")
    position = models.PositiveIntegerField(default=0, help_text=POSITION_HELP)
    code = models.CharField(max_length=64, validators=[NAME])
    value = models.TextField(help_text="A CEL expression.")
    label = models.CharField(max_length=300, blank=True)
    show = models.BooleanField(default=False, help_text="Shows the value on the page and in the API.")

    class Meta:
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [
            once("catalogue", "code", name="derived_code_once", what="derived value with this code")
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
    position = models.PositiveIntegerField(default=0, help_text=POSITION_HELP)
    code = models.CharField("ID", max_length=64, validators=[CODE])
    when = models.TextField("condition", help_text="A CEL condition.")
    then = models.CharField("effect", max_length=20, choices=Effect)
    at = models.CharField("shown at", max_length=64, help_text="Code of the question or pool that shows the message.")
    say = models.CharField("message", max_length=500)
    shadow = models.BooleanField(default=False, help_text="Decided and counted, without any effect on forms.")

    class Meta:
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [once("catalogue", "code", name="form_rule_code_once", what="form rule with this ID")]

    def __str__(self) -> str:
        return f"{self.code}: {self.say}"

    def clean(self) -> None:
        """Refuse a faulty condition. Raises ``ValidationError``."""
        check_row(self)


class LineOfBusiness(models.Model):
    """A line of business, with the expressions that the base checks of its products read."""

    catalogue = models.ForeignKey(Catalogue, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField(default=0, help_text=POSITION_HELP)
    code = models.CharField(max_length=64, validators=[CODE], help_text="A choice of the question for the lines.")
    label = models.CharField(max_length=300)
    states = models.TextField(
        help_text="The states that the base check tests: a CEL expression whose value is a list of state codes."
    )
    industry = models.TextField(help_text="The industry code: a CEL expression whose value is a text.")

    class Meta:
        verbose_name = "line of business"
        verbose_name_plural = "lines of business"
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [once("catalogue", "code", name="line_code_once", what="line with this code")]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        """Refuse faulty expressions. Raises ``ValidationError``."""
        check_row(self)
