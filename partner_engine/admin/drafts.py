"""Base classes of the admin for draft rows of a catalogue, with inputs and checks for their expressions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import AutocompleteMixin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from carriers.models import Carrier, CarrierProduct
from catalogue.checks import check_row
from catalogue.models import Catalogue
from partner_engine.admin.change_notes import change_note
from partner_engine.draft_state import draft_state

#: Scripts that derive slugs from titles, which no form of ours does; the largest loads tables of letters.
_SLUG_SCRIPTS: Final = ("urlify", "prepopulate", "xregexp")
#: Fields that hold CEL.
EXPRESSIONS: Final = frozenset(
    {"when", "quote_when", "bind_when", "value", "of", "rate_by", "amount", "times", "states", "industry"}
)


class PlainDecimalField(forms.DecimalField):
    """A decimal number that is shown without trailing zeros."""

    def prepare_value(self, value: Any) -> Any:
        """Return ``value`` without trailing zeros."""
        return f"{value.normalize():f}" if isinstance(value, Decimal) else value


class DraftFields:
    """Selects the inputs for fields of draft rows. Choices are loaded once for all rows of a page."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Return the form field, with a small monospace text box for an expression."""
        if isinstance(db_field, ArrayField):
            options["widget"] = UnfoldAdminTextInputWidget()
        elif isinstance(db_field, models.DecimalField):
            options["form_class"] = PlainDecimalField
        elif isinstance(db_field, models.TextField) and db_field.name in EXPRESSIONS:
            options["widget"] = UnfoldAdminTextareaWidget({"rows": 2, "class": "staff-code", "spellcheck": "false"})
        return super().formfield_for_dbfield(db_field, request, **options)  # type: ignore[misc]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Return the form field. Its choices are a list, so that a page of rows queries them once."""
        field = super().formfield_for_foreignkey(db_field, request, **options)  # type: ignore[misc]
        if isinstance(field, forms.ModelChoiceField) and not isinstance(field.widget, AutocompleteMixin):
            offered: Any = field.choices
            field.choices = list(offered)
        return field


class DraftAdmin(DraftFields, ModelAdmin):
    """The admin of draft rows of one kind, which have no effect until the catalogue is published."""

    warn_unsaved_form = True
    compressed_fields = False
    list_per_page = 100
    show_full_result_count = False
    actions = None

    @property
    def media(self) -> forms.Media:
        """Return the styles and scripts of a page, without scripts for slugs."""
        usual = super().media
        scripts = [name for name in usual._js if not any(part in str(name) for part in _SLUG_SCRIPTS)]
        return forms.Media(css=usual._css, js=scripts)

    def construct_change_message(
        self, request: HttpRequest, form: forms.ModelForm, formsets: Any, add: bool = False
    ) -> Any:
        """Return the note for the row's history: each changed field before and after."""
        usual = super().construct_change_message(request, form, formsets, add)
        return usual if add else change_note(form, formsets or ()) or usual

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Note that the draft is not published, and what it contains."""
        note_unpublished(request, obj)
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Note that the draft is not published, and what it contains."""
        note_unpublished(request, obj)
        return super().response_change(request, obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete the row, and note that this is not published."""
        catalogue = catalogue_of(obj)
        super().delete_model(request, obj)
        if catalogue is not None and catalogue.pk is not None:
            note_unpublished(request, catalogue)


def note_unpublished(request: HttpRequest, row: Any) -> None:
    """Add a message with the state of the draft of the catalogue of ``row``, and a link to publish it."""
    catalogue = catalogue_of(row)
    if catalogue is None:
        return
    state = draft_state(catalogue)
    if state.is_published:
        text = format_html("{} now equals its current release: there is nothing to publish.", catalogue.title)
    else:
        address = reverse("admin:catalogue_catalogue_publish", args=(catalogue.pk,))
        text = format_html(
            'Nothing is published yet. {}: {}. <a class="staff-link" href="{}">Look at it and publish</a>',
            catalogue.title,
            state.text,
            address,
        )
    messages.info(request, text)


def catalogue_of(row: Any) -> Catalogue | None:
    """Return the catalogue that the draft row ``row`` belongs to, None if it does not exist."""
    if isinstance(row, Catalogue):
        return row
    for parent in ("question_set", "product"):
        if (found := getattr(row, parent, None)) is not None:
            return catalogue_of(found)
    named = getattr(row, "catalogue", None)
    return Catalogue.objects.filter(code=named).first() if isinstance(named, str) else named


class DraftRows(DraftFields, TabularInline):
    """Draft rows below their parent, one line each."""

    extra = 0
    ordering_field = "position"
    hide_ordering_field = True

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Return the form field, labeled for screen readers."""
        field = super().formfield_for_dbfield(db_field, request, **options)
        if field is not None:
            field.widget.attrs["aria-label"] = str(db_field.verbose_name).capitalize()
        return field


class DraftBlocks(DraftFields, StackedInline):
    """Draft rows below their parent, one collapsible block each."""

    extra = 0
    collapsible = True
    ordering_field = "position"
    hide_ordering_field = True


class CheckedForm(forms.ModelForm):
    """The form of a carrier's draft row. It checks expressions, because ``carriers`` must not import the catalogue."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            check_row(self.instance)
        except ValidationError as error:
            self._update_errors(error)  # type: ignore[attr-defined]


class InCatalogueForm(forms.ModelForm):
    """The form of a row that refers to its catalogue by code. It offers the existing catalogues."""

    catalogue = forms.ChoiceField(widget=UnfoldAdminSelectWidget())

    class Meta:
        model: ClassVar[Any] = Carrier
        fields = "__all__"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields.get("catalogue")
        if field is not None:
            field.choices = list(Catalogue.objects.values_list("code", "title"))


class ProductForm(InCatalogueForm):
    """The form of a product, whose carrier and line must belong to its catalogue."""

    class Meta:
        model = CarrierProduct
        fields = "__all__"

    def clean(self) -> dict[str, Any]:
        """Check carrier and line against the catalogue."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        code, carrier, line = given.get("catalogue"), given.get("carrier"), given.get("line")
        if code and carrier and carrier.catalogue != code:
            self.add_error(
                "carrier", f"This carrier belongs to catalogue {carrier.catalogue}. Choose a carrier of {code}."
            )
        catalogue = Catalogue.objects.filter(code=code).first()
        if catalogue and line and not catalogue.lines.filter(code=line).exists():
            known = ", ".join(catalogue.lines.values_list("code", flat=True)) or "none yet"
            self.add_error("line", f"There is no line {line!r} in this catalogue. Its lines are: {known}.")
        return given
