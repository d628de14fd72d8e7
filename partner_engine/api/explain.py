"""``/copies/{id}/explain``: why a question is asked, a product came out as it did, a price is what it is."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from forms.rules import trace
from partner_engine.api.audit import note_personal_read
from partner_engine.api.bodies import ExplainQuery
from partner_engine.api.conditional import version_tag
from partner_engine.api.copies import find_copy
from partner_engine.api.endpoint import Endpoint
from partner_engine.api.presenting import discretion_of
from partner_engine.api.schema import documented
from tenants.access import Right
