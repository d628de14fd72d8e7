"""The shell of a form's page for a visitor: loads the form's copies and builds the page model."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from batch.context import BatchContext
from copies.models import Copy
from decisions.listing import present_rows
from forms.selectors import list_copies
from partner_engine.web.pages.reading import Reading
from partner_engine.web.pages.shell import ANSWERS, Shell, build_shell
from partner_engine.web.visitors import Visitor
from tenants.access import Right
from tenants.flags import COPIES, explain_flag


def shell_of(context: BatchContext, reading: Reading, visitor: Visitor, *, route: str = ANSWERS) -> Shell:
    """Return the shell around the view ``route`` of the context's copy, as the visitor may see it."""
    # Guests must not learn about the form's other copies.
    copies: list[Copy] = [] if visitor.guest else present_rows(list_copies(context.form.id))
    may_write = visitor.actor.may(Right.WRITE_FORMS) and not visitor.guest
    may_add = may_write and bool(explain_flag(COPIES, actor=visitor.actor, tenant=context.scope))
    shell = build_shell(reading, copies, route=route, may_add=may_add)
    return replace(shell, clone_key=uuid4().hex if may_write else "")
