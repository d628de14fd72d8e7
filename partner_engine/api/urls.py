"""The routes of the API below ``/api/v1/``. Each is named without a trailing slash and works with one too."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final

from django.urls import URLPattern, URLResolver, include, path, re_path
from rest_framework.views import APIView

from partner_engine.api.answers import Answers
from partner_engine.api.appetite import Appetites, AppetiteTable
from partner_engine.api.application_form import ApplicationForm, RestoreForm
from partner_engine.api.application_forms import ApplicationForms, FormCopies
from partner_engine.api.batch_imports import FailedItemsFile, ImportPreview, Imports
from partner_engine.api.batch_operations import (
    BatchOperations,
    CancelOperation,
    OneBatchOperation,
    OperationItems,
    OperationResults,
    PauseOperation,
    ResumeOperation,
    RetryOperation,
    UndoOperation,
)
from partner_engine.api.bindings import BindAssistance, Binding, ConsentToBind
from partner_engine.api.catalogue import Catalogue, CatalogueJsonSchema
from partner_engine.api.clones import CloneForm
from partner_engine.api.compare import Compare
from partner_engine.api.confirmations import Confirmations
from partner_engine.api.copies import Copy, LockCopy, MakeBase, RestoreCopy, UnlockCopy
from partner_engine.api.declines import Declines, DeclinesExport, SigningKeys
from partner_engine.api.docs import Description, Docs
from partner_engine.api.event_feed import Events as AllEvents
from partner_engine.api.events import Events
from partner_engine.api.explain import Explain
from partner_engine.api.form_aliases import ALIAS_ROUTES
from partner_engine.api.guest_links import GuestLink, GuestLinks, GuestLinkSentBack
from partner_engine.api.history import Changes, Decision, History, HistoryHead
from partner_engine.api.http.not_found import UnknownRoute
from partner_engine.api.import_mappings import ImportMappingEndpoint, ImportMappings
from partner_engine.api.me import Me
from partner_engine.api.merges import Merge, UndoMerge
from partner_engine.api.messages import Message, Messages
from partner_engine.api.naics import Naics
from partner_engine.api.needed import Needed
from partner_engine.api.persons import ErasePerson, ExportPerson
from partner_engine.api.processes import Processes
from partner_engine.api.proposals import AcceptProposals, DismissProposals, Proposals
from partner_engine.api.question_sets import QuestionSet, QuestionSets
from partner_engine.api.quote_requests import (
    AskAgain,
    BridgeQuote,
    CopyQuoteRequests,
    DeselectQuote,
    EnterQuote,
    QuoteRequest,
    QuoteRequests,
    RealTimeEligibility,
    SelectQuote,
    SubjectivityDone,
    WithdrawQuote,
)
from partner_engine.api.reveal import Reveal
from partner_engine.api.revert import Revert
from partner_engine.api.search import Search
from partner_engine.api.tickets import Tickets
from partner_engine.api.users import Users
from partner_engine.api.webhooks import (
    ReplayWebhooks,
    RotateWebhookSecret,
    TestWebhook,
    WebhookDeliveries,
    WebhookEndpoint,
    WebhookEndpoints,
    WebhookEventSchema,
)
from partner_engine.api.what_if import WhatIf
from partner_engine.id_converter import IdConverter

app_name: Final = "api"
#: Imported above for its registration as the converter ``id``.
_CONVERTER: Final = IdConverter

ROUTES: Final[dict[str, tuple[str, type[APIView]]]] = {
    "application_forms": ("application_forms", ApplicationForms),
    "application_form": ("application_forms/<id:id>", ApplicationForm),
    "restore_form": ("application_forms/<id:id>/restore", RestoreForm),
    "form_copies": ("application_forms/<id:id>/copies", FormCopies),
    "clone_form": ("application_forms/<id:id>/clone", CloneForm),
    **ALIAS_ROUTES,
    "copy": ("copies/<id:id>", Copy),
    "restore_copy": ("copies/<id:id>/restore", RestoreCopy),
    "lock_copy": ("copies/<id:id>/lock", LockCopy),
    "unlock_copy": ("copies/<id:id>/unlock", UnlockCopy),
    "make_base": ("copies/<id:id>/make_base", MakeBase),
    "answers": ("copies/<id:id>/answers", Answers),
    "confirmations": ("copies/<id:id>/confirmations", Confirmations),
    "proposals": ("copies/<id:id>/proposals", Proposals),
    "accept_proposals": ("copies/<id:id>/proposals/accept", AcceptProposals),
    "dismiss_proposals": ("copies/<id:id>/proposals/dismiss", DismissProposals),
    "changes": ("copies/<id:id>/changes", Changes),
    "history": ("copies/<id:id>/history", History),
    "compare": ("copies/<id:id>/compare", Compare),
    "history_head": ("copies/<id:id>/history/head", HistoryHead),
    "decision": ("copies/<id:id>/decision", Decision),
    "declines": ("copies/<id:id>/declines", Declines),
    "declines_export": ("copies/<id:id>/declines/export", DeclinesExport),
    "revert": ("copies/<id:id>/revert", Revert),
    "explain": ("copies/<id:id>/explain", Explain),
    "reveal": ("copies/<id:id>/reveal", Reveal),
    "guest_links": ("copies/<id:id>/guest_links", GuestLinks),
    "guest_link_sent_back": ("copies/<id:id>/guest_links/<id:link_id>/send_back", GuestLinkSentBack),
    "guest_link": ("copies/<id:id>/guest_links/<id:link_id>", GuestLink),
    "needed": ("copies/<id:id>/needed", Needed),
    "merge": ("copies/<id:id>/merge", Merge),
    "undo_merge": ("copies/<id:id>/merge/undo", UndoMerge),
    "messages": ("copies/<id:id>/messages", Messages),
    "message": ("copies/<id:id>/messages/<id:message_id>", Message),
    "question_sets": ("copies/<id:id>/question_sets", QuestionSets),
    "question_set": ("copies/<id:id>/question_sets/<slug:code>", QuestionSet),
    "events": ("copies/<id:id>/events", Events),
    "processes": ("copies/<id:id>/processes", Processes),
    "copy_quote_requests": ("copies/<id:id>/quote_requests", CopyQuoteRequests),
    "real_time_eligibility": ("copies/<id:id>/real_time_eligibility", RealTimeEligibility),
    "quote_requests": ("quote_requests", QuoteRequests),
    "quote_request": ("quote_requests/<id:id>", QuoteRequest),
    "select_quote": ("quote_requests/<id:id>/select", SelectQuote),
    "deselect_quote": ("quote_requests/<id:id>/deselect", DeselectQuote),
    "withdraw_quote": ("quote_requests/<id:id>/withdraw", WithdrawQuote),
    "ask_again": ("quote_requests/<id:id>/ask_again", AskAgain),
    "enter_quote": ("quote_requests/<id:id>/answer", EnterQuote),
    "bridge_quote": ("quote_requests/<id:id>/bridge", BridgeQuote),
    "subjectivity_done": (
        "quote_requests/<id:id>/subjectivities/<id:subjectivity_id>/done",
        SubjectivityDone,
    ),
    "binding": ("quote_requests/<id:id>/binding", Binding),
    "consent": ("quote_requests/<id:id>/consent", ConsentToBind),
    "bind_assistance": ("quote_requests/<id:id>/assistance", BindAssistance),
    "batch_operations": ("batch_operations", BatchOperations),
    "preview_import": ("batch_operations/imports/preview", ImportPreview),
    "imports": ("batch_operations/imports", Imports),
    "import_mappings": ("batch_operations/imports/mappings", ImportMappings),
    "import_mapping": ("batch_operations/imports/mappings/<id:id>", ImportMappingEndpoint),
    "failed_items": ("batch_operations/<id:id>/failed.csv", FailedItemsFile),
    "batch_operation": ("batch_operations/<id:id>", OneBatchOperation),
    "operation_items": ("batch_operations/<id:id>/items", OperationItems),
    "operation_results": ("batch_operations/<id:id>/results", OperationResults),
    "retry_operation": ("batch_operations/<id:id>/retry", RetryOperation),
    "pause_operation": ("batch_operations/<id:id>/pause", PauseOperation),
    "resume_operation": ("batch_operations/<id:id>/resume", ResumeOperation),
    "cancel_operation": ("batch_operations/<id:id>/cancel", CancelOperation),
    "undo_operation": ("batch_operations/<id:id>/undo", UndoOperation),
    "search": ("search", Search),
    "what_if": ("what_if", WhatIf),
    "export_person": ("persons/export", ExportPerson),
    "erase_person": ("persons/erasure", ErasePerson),
    "naics": ("naics", Naics),
    "appetite": ("appetite", Appetites),
    "appetite_table": ("appetite/table", AppetiteTable),
    "catalogue": ("catalogue", Catalogue),
    "catalogue_json_schema": ("catalogue/json_schema", CatalogueJsonSchema),
    "webhook_endpoints": ("webhook_endpoints", WebhookEndpoints),
    "webhook_endpoint": ("webhook_endpoints/<id:id>", WebhookEndpoint),
    "webhook_deliveries": ("webhook_endpoints/<id:id>/deliveries", WebhookDeliveries),
    "rotate_webhook_secret": ("webhook_endpoints/<id:id>/rotate_secret", RotateWebhookSecret),
    "replay_webhooks": ("webhook_endpoints/<id:id>/replay", ReplayWebhooks),
    "test_webhook": ("webhook_endpoints/<id:id>/test", TestWebhook),
    "all_events": ("events", AllEvents),
    "webhook_event_schema": ("webhook_event_schema", WebhookEventSchema),
    "signing_keys": ("signing_keys", SigningKeys),
    "me": ("me", Me),
    "users": ("users", Users),
    "tickets": ("tickets", Tickets),
    "schema": ("schema", Description),
    "docs": ("docs", Docs),
}


def _patterns() -> list[URLPattern | URLResolver]:
    """Return the patterns of all routes, grouped by the first part of their paths: Django tries one after the other, so
    a request passes the other groups by.
    """
    groups: dict[str, list[tuple[str, str, type[APIView]]]] = {}
    for name, (route, view) in ROUTES.items():
        first, *rest = PurePosixPath(route).parts
        groups.setdefault(first, []).append((name, "/".join(rest), view))
    patterns: list[URLPattern | URLResolver] = []
    for first, members in groups.items():
        patterns += [path(first, view.as_view(), name=name) for name, rest, view in members if not rest]
        patterns.append(path(f"{first}/", include(_below(members))))
    return patterns


def _below(members: Iterable[tuple[str, str, type[APIView]]]) -> list[URLPattern]:
    """Return the patterns of the ``members`` of a group: name, rest of the path, view."""
    patterns: list[URLPattern] = []
    for name, rest, view in members:
        if rest:
            patterns.append(path(rest, view.as_view(), name=name))
        patterns.append(path(f"{rest}/" if rest else "", view.as_view()))
    return patterns


#: Last: unknown routes below ``/api/`` respond in JSON too.
urlpatterns = [*_patterns(), re_path(r"", UnknownRoute.as_view(), name="unknown")]
