"""The fields of an agency's profile, checked alike on the agents' page and in the admin."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile

from rules.types.phone import phone_text, read_phone
from rules.types.text_input import InvalidValue
from tenants.agency_profile import MOST_BYTES, AgencyProfile, LogoRefused, read_logo


def clean_phone(typed: str) -> str:
    """Return a US phone number as it is read, such as ``(614) 555-2368``. Raises ``ValidationError``."""
    try:
        return phone_text(read_phone(typed)) if typed else ""
    except InvalidValue as error:
        raise forms.ValidationError(error.text) from error


def clean_logo(uploaded: UploadedFile | None) -> bytes | None:
    """Return a new logo as it is stored, None without one. Raises ``ValidationError``."""
    if uploaded is None:
        return None
    try:
        # A byte more than allowed is enough to refuse a larger file.
        return read_logo(uploaded.read(MOST_BYTES + 1))
    except LogoRefused as error:
        raise forms.ValidationError(str(error)) from error


class AgencyFields(forms.Form):
    """Name, phone, email and logo. Without a new logo the present one stays, unless ``remove_logo`` is ticked."""

    name = forms.CharField(max_length=200)
    phone = forms.CharField(max_length=40, required=False)
    email = forms.EmailField(required=False)
    logo = forms.FileField(required=False)
    remove_logo = forms.BooleanField(required=False)

    def clean_name(self) -> str:
        """Return the name in one line."""
        return " ".join(self.cleaned_data["name"].split())

    def clean_phone(self) -> str:
        """Return the phone number as it is read."""
        return clean_phone(self.cleaned_data["phone"])

    def clean_logo(self) -> bytes | None:
        """Return the new logo as it is stored."""
        return clean_logo(self.cleaned_data["logo"])


def profile_of(cleaned: dict[str, Any]) -> AgencyProfile:
    """Return the profile of the cleaned fields of a form."""
    logo = cast("bytes | None", cleaned["logo"])
    if logo is None and cleaned["remove_logo"]:
        logo = b""
    return AgencyProfile(name=cleaned["name"], phone=cleaned["phone"], email=cleaned["email"], logo=logo)
