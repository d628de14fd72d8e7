"""Golden cases: saved answers with the outcomes that every release of the catalogue must give them."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from django.core.exceptions import ValidationError
from django.db import models

from catalogue.golden_answers import check_answers
from catalogue.packages.contents import Expected

__all__ = ["AcceptedResult", "GoldenCase"]


class GoldenCase(models.Model):
    """Answers without personal data, the day on which they are decided, and the expected outcome of each product.

    Codes are those of ``release``; without one, of the draft, until it is published. A case names neither the copy nor
    the tenant that it was made from.
    """

    catalogue = models.ForeignKey("catalogue.Catalogue", on_delete=models.CASCADE, related_name="golden_cases")
    release = models.ForeignKey(
        "catalogue.Release",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        editable=False,
        help_text="The release whose codes the answers have; none for those of the draft.",
    )
    name = models.CharField(max_length=200)
    note = models.TextField(blank=True, help_text="What the case proves.")
    as_of = models.DateField("evaluation date", help_text="The case is decided as of this day, in every release.")
    answers = models.JSONField(default=dict, blank=True, help_text="Answers by question code, as in the API.")
    answer_pools = models.JSONField(
        default=dict, blank=True, help_text="Lists of rows by pool code: answers and answer_pools of each row."
    )
    excluded = models.JSONField(default=list, blank=True, help_text="Codes of products that were excluded by force.")
    left_out = models.JSONField(default=list, editable=False, help_text="Questions whose answers were left out.")
    expected = models.JSONField(default=dict, editable=False, help_text="Outcome, premium and reasons by product.")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by_id = models.CharField("created by", max_length=64, editable=False)

    class Meta:
        ordering: ClassVar = ["catalogue", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["catalogue", "name"],
                name="golden_case_name_once",
                violation_error_message="This catalogue already has a golden case with this name.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse answers that are no answers, and those of sensitive questions. Raises ``ValidationError``."""
        problems = check_answers(self.answers, self.answer_pools, self.excluded)
        if problems:
            raise ValidationError(problems)

    @property
    def expectations(self) -> dict[str, Expected]:
        """Return the expected outcome of each product."""
        return msgspec.convert(self.expected, dict[str, Expected])


class AcceptedResult(models.Model):
    """The order to expect a new result of a case. Never altered."""

    case = models.ForeignKey(GoldenCase, on_delete=models.CASCADE, related_name="accepted_results", editable=False)
    before: Any = models.JSONField(editable=False)
    after: Any = models.JSONField(editable=False)
    accepted_at = models.DateTimeField(auto_now_add=True)
    accepted_by_id = models.CharField("accepted by", max_length=64, editable=False)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"New result of {self.case}"
