"""Draft rows of a catalogue, edited by staff, and the releases that were published from them.

Rows are shared by all tenants. Forms are decided by releases, which never change; drafts decide nothing.
"""

from __future__ import annotations

from catalogue.models.catalogues import Catalogue
from catalogue.models.choices import Choice, ChoiceList
from catalogue.models.fields import InheritedCatalogueField
from catalogue.models.golden_cases import AcceptedResult, GoldenCase
from catalogue.models.packages import PackageImport, PackagePublisher, check_public_key
from catalogue.models.questions import Question, QuestionSet, question_type_choices
from catalogue.models.releases import Release
from catalogue.models.roll_outs import RollOut, RollOutOrder, RollOutPart, RollOutTenant
from catalogue.models.rules import DerivedValue, FormRule, LineOfBusiness

__all__ = [
    "AcceptedResult",
    "Catalogue",
    "Choice",
    "ChoiceList",
    "DerivedValue",
    "FormRule",
    "GoldenCase",
    "InheritedCatalogueField",
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
    "check_public_key",
    "question_type_choices",
]
