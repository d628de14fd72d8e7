"""Choices that several questions can use."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from catalogue.models.catalogues import Catalogue
from catalogue.models.fields import CODE, POSITION_HELP, WAS_HELP, once


class ChoiceList(models.Model):
    """A list of choices that several questions can use."""

    catalogue = models.ForeignKey(Catalogue, on_delete=models.CASCADE, related_name="choice_lists")
    position = models.PositiveIntegerField(default=0, help_text=POSITION_HELP)
    code = models.CharField(max_length=64, validators=[CODE])

    class Meta:
        ordering: ClassVar = ["catalogue", "position", "code"]
        constraints: ClassVar = [
            once("catalogue", "code", name="choice_list_code_once", what="choice list with this code")
        ]

    def __str__(self) -> str:
        return self.code


class Choice(models.Model):
    """One choice of a list: answers hold its code, pages show its label."""

    choice_list = models.ForeignKey(ChoiceList, on_delete=models.CASCADE, related_name="choices")
    position = models.PositiveIntegerField(default=0, help_text=POSITION_HELP)
    code = models.CharField(max_length=64)
    label = models.CharField(max_length=300)
    was = models.CharField("earlier code", max_length=64, blank=True, help_text=WAS_HELP)

    class Meta:
        ordering: ClassVar = ["choice_list", "position", "id"]
        constraints: ClassVar = [once("choice_list", "code", name="choice_code_once", what="choice with this code")]

    def __str__(self) -> str:
        return self.label
