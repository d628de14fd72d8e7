"""URLs of the agents' pages."""

from __future__ import annotations

from django.urls import path

from partner_engine.id_converter import IdConverter
from partner_engine.web import (
    all_quotes,
    application_forms,
    binding,
    catch_up,
    clones,
    compare,
    copies,
    copy_orders,
    declines,
    guest_links,
    history,
    lookups,
    merge,
    messages,
    operation_effects,
    operation_import,
    operation_start,
    operations,
    proposals,
    quote_orders,
    quotes,
    webhooks,
)
from partner_engine.web.sign_in import SignIn, SignOut

app_name = "web"
#: Imported above for its registration as the converter ``id``.
_CONVERTER = IdConverter

urlpatterns = [
    path("sign-in", SignIn.as_view(), name="sign-in"),
    path("sign-out", SignOut.as_view(), name="sign-out"),
    path("", application_forms.index, name="forms"),
    path("forms", application_forms.start, name="start"),
    path("forms/<id:copy_id>", copies.show, name="copy"),
    path("forms/<id:copy_id>/answers", copies.answer, name="answers"),
    path("forms/<id:copy_id>/rows", copies.order_rows, name="rows"),
    path("forms/<id:copy_id>/row", copies.show_row, name="row"),
    path("forms/<id:copy_id>/parts", catch_up.catch_up, name="parts"),
    path("forms/<id:copy_id>/tabs", copy_orders.tabs, name="tabs"),
    path("forms/<id:copy_id>/copies", copy_orders.add, name="new-copy"),
    path("forms/<id:copy_id>/copies/order", copy_orders.order, name="order-copy"),
    path("forms/<id:copy_id>/clone", clones.clone, name="clone"),
    path("forms/<id:copy_id>/messages", messages.order, name="messages"),
    path("forms/<id:copy_id>/why", copies.why, name="why"),
    path("forms/<id:copy_id>/industries", lookups.industries, name="industries"),
    path("forms/<id:copy_id>/quotes", quotes.index, name="quotes"),
    path("forms/<id:copy_id>/quotes/order", quote_orders.order, name="order-quotes"),
    path("forms/<id:copy_id>/quotes/<id:request_id>", quotes.show, name="quote"),
    path("forms/<id:copy_id>/quotes/<id:request_id>/answer", quote_orders.enter_answer, name="answer-quote"),
    path("forms/<id:copy_id>/proposal", proposals.show, name="proposal"),
    path("forms/<id:copy_id>/proposal/links", proposals.issue, name="issue-proposal"),
    path("forms/<id:copy_id>/proposal/links/<id:link_id>/revoke", proposals.revoke, name="revoke-proposal"),
    path("forms/<id:copy_id>/compare", compare.index, name="compare"),
    path("forms/<id:copy_id>/compare.csv", compare.download, name="compare-csv"),
    path("forms/<id:copy_id>/declines", declines.index, name="declines"),
    path("forms/<id:copy_id>/declines/export", declines.export, name="export-declines"),
    path("forms/<id:copy_id>/history", history.index, name="history"),
    path("forms/<id:copy_id>/history/<int:version>", history.show_version, name="version"),
    path("forms/<id:copy_id>/history/restore", history.restore, name="restore"),
    path("forms/<id:copy_id>/merge/preview", merge.preview, name="preview-merge"),
    path("forms/<id:copy_id>/merge", merge.save, name="merge"),
    path("forms/<id:copy_id>/merge/undo", merge.undo, name="undo-merge"),
    path("forms/<id:copy_id>/guest-links", guest_links.index, name="guest-links"),
    path("forms/<id:copy_id>/guest-links/new", guest_links.issue, name="issue-guest-link"),
    path("forms/<id:copy_id>/guest-links/<id:link_id>/revoke", guest_links.revoke, name="revoke-guest-link"),
    path("forms/<id:copy_id>/guest-links/<id:link_id>/send-back", guest_links.send_back, name="send-back-guest-link"),
    path("forms/<id:copy_id>/bind/<id:quote_id>", binding.show, name="bind"),
    path("forms/<id:copy_id>/bind/<id:quote_id>/answers", binding.answer, name="bind-answers"),
    path("forms/<id:copy_id>/bind/<id:quote_id>/parts", binding.catch_up, name="bind-parts"),
    path("forms/<id:copy_id>/bind/<id:quote_id>/order", binding.order, name="bind-order"),
    path("quotes", all_quotes.index, name="all-quotes"),
    path("operations", operations.index, name="operations"),
    path("operations/new", operation_start.new, name="new-operation"),
    path("operations/new/fields", operation_start.fields, name="new-operation-fields"),
    path("operations/import", operation_import.new, name="import-forms"),
    path("operations/<id:operation_id>", operations.show, name="operation"),
    path("operations/<id:operation_id>/what-would-change", operation_effects.show, name="operation-effects"),
    path(
        "operations/<id:operation_id>/what-would-change.csv", operation_effects.download, name="operation-effects-file"
    ),
    path("operations/<id:operation_id>/order", operations.order, name="order-operation"),
    path("operations/<id:operation_id>/results.csv", operations.results, name="operation-results"),
    path("operations/<id:operation_id>/failed.csv", operation_import.failed_rows, name="operation-failed"),
    path("operations/<id:operation_id>/corrected", operation_import.corrected_rows, name="operation-corrected"),
    path("settings/webhooks", webhooks.index, name="webhooks"),
    path("settings/webhooks/add", webhooks.add, name="add-webhook"),
    path("settings/webhooks/<id:endpoint_id>", webhooks.show, name="webhook"),
    path("settings/webhooks/<id:endpoint_id>/order", webhooks.order, name="order-webhook"),
]
