"""The catalogue of a product, the parent of all draft rows."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from catalogue.models.fields import CODE


class Catalogue(models.Model):
    """One catalogue: its questions and rules. The parts are drafts until they are published."""

    code = models.CharField(max_length=64, unique=True, validators=[CODE])
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
    translations = models.JSONField(
        default=dict,
        blank=True,
        help_text="The texts that guests read in other languages, by language and text.",
    )

    class Meta:
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.title
