"""The routes of the API below ``/api/v1/``. Each is named without a trailing slash and works with one too."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern, path, re_path
from rest_framework.views import APIView

from partner_engine.api.answers import Answers
from partner_engine.api.application_forms import ApplicationForm, ApplicationForms, FormCopies
from partner_engine.api.catalogue import Catalogue
from partner_engine.api.confirmations import Confirmations
from partner_engine.api.copies import Copy, LockCopy, RestoreCopy, UnlockCopy
from partner_engine.api.docs import Description, Docs
from partner_engine.api.events import Events
from partner_engine.api.explain import Explain
from partner_engine.api.form_answers import FormAnswers
from partner_engine.api.guest_links import GuestLink, GuestLinks
from partner_engine.api.history import Changes, History
from partner_engine.api.http.not_found import UnknownRoute
from partner_engine.api.me import Me
from partner_engine.api.messages import Message, Messages
from partner_engine.api.naics import Naics
from partner_engine.api.needed import Needed
from partner_engine.api.processes import Processes
from partner_engine.api.question_sets import QuestionSet, QuestionSets
from partner_engine.api.reveal import Reveal
from partner_engine.api.search import Search
from partner_engine.api.tickets import Tickets
from partner_engine.api.webhooks import (
    ReplayWebhooks,
    RotateWebhookSecret,
    TestWebhook,
    WebhookDeliveries,
    WebhookEndpoint,
    WebhookEndpoints,
    WebhookEventSchema,
)

app_name: Final = "api"

ROUTES: Final[dict[str, tuple[str, type[APIView]]]] = {
    "application_forms": ("application_forms", ApplicationForms),
    "application_form": ("application_forms/<uuid:id>", ApplicationForm),
    "form_copies": ("application_forms/<uuid:id>/copies", FormCopies),
    "form_answers": ("application_forms/<uuid:id>/answers", FormAnswers),
    "copy": ("copies/<uuid:id>", Copy),
    "restore_copy": ("copies/<uuid:id>/restore", RestoreCopy),
    "lock_copy": ("copies/<uuid:id>/lock", LockCopy),
    "unlock_copy": ("copies/<uuid:id>/unlock", UnlockCopy),
    "answers": ("copies/<uuid:id>/answers", Answers),
    "confirmations": ("copies/<uuid:id>/confirmations", Confirmations),
    "changes": ("copies/<uuid:id>/changes", Changes),
    "history": ("copies/<uuid:id>/history", History),
    "explain": ("copies/<uuid:id>/explain", Explain),
    "reveal": ("copies/<uuid:id>/reveal", Reveal),
    "guest_links": ("copies/<uuid:id>/guest_links", GuestLinks),
    "guest_link": ("copies/<uuid:id>/guest_links/<uuid:link_id>", GuestLink),
    "needed": ("copies/<uuid:id>/needed", Needed),
    "messages": ("copies/<uuid:id>/messages", Messages),
    "message": ("copies/<uuid:id>/messages/<uuid:message_id>", Message),
    "question_sets": ("copies/<uuid:id>/question_sets", QuestionSets),
    "question_set": ("copies/<uuid:id>/question_sets/<slug:code>", QuestionSet),
    "events": ("copies/<uuid:id>/events", Events),
    "processes": ("copies/<uuid:id>/processes", Processes),
    "search": ("search", Search),
    "naics": ("naics", Naics),
    "catalogue": ("catalogue", Catalogue),
    "webhook_endpoints": ("webhook_endpoints", WebhookEndpoints),
    "webhook_endpoint": ("webhook_endpoints/<uuid:id>", WebhookEndpoint),
    "webhook_deliveries": ("webhook_endpoints/<uuid:id>/deliveries", WebhookDeliveries),
    "rotate_webhook_secret": ("webhook_endpoints/<uuid:id>/rotate_secret", RotateWebhookSecret),
    "replay_webhooks": ("webhook_endpoints/<uuid:id>/replay", ReplayWebhooks),
    "test_webhook": ("webhook_endpoints/<uuid:id>/test", TestWebhook),
    "webhook_event_schema": ("webhook_event_schema", WebhookEventSchema),
    "me": ("me", Me),
    "tickets": ("tickets", Tickets),
    "schema": ("schema", Description),
    "docs": ("docs", Docs),
}


def _patterns() -> list[URLPattern]:
    patterns: list[URLPattern] = []
    for name, (route, view) in ROUTES.items():
        patterns.append(path(route, view.as_view(), name=name))
        patterns.append(path(f"{route}/", view.as_view()))
    return patterns


#: Last: unknown routes below ``/api/`` respond in JSON too.
urlpatterns = [*_patterns(), re_path(r"", UnknownRoute.as_view(), name="unknown")]
