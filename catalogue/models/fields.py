"""Names, codes and the parent's catalogue: parts that the models of draft rows share."""

from __future__ import annotations

from typing import Any, Final

from django.core.validators import RegexValidator
from django.db import models

NAME: Final = RegexValidator(
    r"\A[A-Za-z_][A-Za-z0-9_]*\Z",
    "Use letters, digits and underscores, starting with a letter: conditions use this name.",
)
CODE: Final = RegexValidator(
    r"\A[A-Za-z0-9_][A-Za-z0-9_.-]*\Z", "Use letters, digits, underscores, periods and hyphens, starting with a letter."
)
POSITION_HELP: Final = "The order in lists, lowest first."
WAS_HELP: Final = "The code in earlier releases, if it was renamed: stored answers then follow to the new code."


def once(
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
