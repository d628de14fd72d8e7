"""The main job of a partner's program with the generated client (``partner_api``): start a form, answer what is
needed, request quotes, and wait for the premiums. mypy checks it together with the client, as strict.

Arguments: the address of the API, a token, the day of the decision, and a file with answers and rows of a form.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from pathlib import Path
from uuid import UUID

from partner_api import AuthenticatedClient
from partner_api.api.application_forms import start_an_application_form
from partner_api.api.copies import (
    change_answers,
    list_a_copy_s_quote_requests,
    read_a_copy,
    read_what_is_needed,
    request_quotes,
)
from partner_api.models import (
    AnswersChange,
    AnswersChangeAnswers,
    ChangesShape,
    CopyShape,
    NeededShape,
    NewForm,
    NewFormAnswerPools,
    NewFormAnswers,
    NewQuoteRequests,
    Problem,
    QuoteRequestPage,
    RequestedShape,
)

LATER, VALUE = "mqs_gl_limit", "l2m"
SECONDS = 120


def main(address: str, token: str, as_of: date, sample: dict[str, dict[str, object]]) -> None:
    """Do the job; raise ``AssertionError`` where a response is another than a program expects."""
    client = AuthenticatedClient(base_url=address, token=token)
    answers = {code: value for code, value in sample["answers"].items() if code != LATER}
    body = NewForm(
        title="Copper Kettle",
        as_of=as_of,
        answers=NewFormAnswers.from_dict(answers),
        answer_pools=NewFormAnswerPools.from_dict(sample["answer_pools"]),
    )
    copy = start_an_application_form.sync(client=client, body=body, idempotency_key="job")
    assert isinstance(copy, CopyShape), copy
    copy_id = UUID(copy.id)
    assert LATER not in copy.answers.additional_properties or copy.answers[LATER].value is None

    change = AnswersChange(answers=AnswersChangeAnswers.from_dict({LATER: VALUE}))
    changed = change_answers.sync(copy_id, client=client, body=change, if_match=f'"{copy.version}"')
    assert isinstance(changed, ChangesShape) and changed.version == copy.version + 1, changed
    stale = change_answers.sync(copy_id, client=client, body=change, if_match=f'"{copy.version}"')
    assert isinstance(stale, Problem) and stale.type_.endswith(":version_mismatch"), stale
    needed = read_what_is_needed.sync(copy_id, client=client)
    assert isinstance(needed, NeededShape) and needed.needed.quote == [], needed

    read = read_a_copy.sync(copy_id, client=client)
    assert isinstance(read, CopyShape), read
    outcomes = read.eligibility.additional_properties
    open_products = [code for code, outcome in outcomes.items() if outcome.outcome == "eligible"]
    asked = request_quotes.sync(copy_id, client=client, body=NewQuoteRequests(products=open_products))
    assert isinstance(asked, RequestedShape) and asked.requested, asked
    _wait_for_a_premium(client, copy_id)


def _wait_for_a_premium(client: AuthenticatedClient, copy_id: UUID) -> None:
    ends = time.monotonic() + SECONDS
    while True:
        page = list_a_copy_s_quote_requests.sync(copy_id, client=client)
        assert isinstance(page, QuoteRequestPage), page
        if any(request.state == "quoted" and request.premium for request in page.results):
            return
        assert time.monotonic() < ends, [request.state for request in page.results]
        time.sleep(0.2)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], date.fromisoformat(sys.argv[3]), json.loads(Path(sys.argv[4]).read_text("utf-8")))
