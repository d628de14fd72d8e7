"""The character NUL, which PostgreSQL cannot store, in a request does not make it fail."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import NoReverseMatch, reverse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from partner_engine.nul_characters import NulMiddleware
from tenants.models import Tenant, User
from tests.harness.api_client import NOBODY, Api, assert_problem
from tests.harness.tiers import amount
from tests.security.test_isolation import GUEST_PAGES, PAGES

pytestmark = pytest.mark.django_db

IMPORTS = "/batch_operations/imports"
#: The parameters beside an imported file that are texts, or read from a text.
TEXTS = ("mapping_name", "catalogue", "title", "depends_on", "mapping", "options")
#: Names of fields that pages read.
FIELDS = ("q", "page", "state", "person", "order", "text", "title", "name", "secret", "kind", "catalogue", "username")
ADMIN = ["/admin/", "/admin/login/", "/admin/tenants/user/", "/admin/operations/batchoperation/"]


def address(name: str) -> str:
    """Return the address of a page with the ids that it needs."""
    for args in ([], [NOBODY], [NOBODY, NOBODY], [NOBODY, 1]):
        try:
            return reverse(name, args=args)
        except NoReverseMatch:
            continue
    raise LookupError(name)


PAGE_ADDRESSES = [*(address(f"web:{name}") for name in PAGES), *(address(f"guest:{name}") for name in GUEST_PAGES)]


def test_no_page_fails_for_a_parameter_a_field_or_a_cookie_with_it(
    owner: User, sign_in: Callable[[User], Client]
) -> None:
    client = sign_in(owner)
    client.raise_request_exception = False
    for path in [*PAGE_ADDRESSES, *ADMIN]:
        fields = dict.fromkeys(FIELDS, "a\0")
        sent = [client.get(path, fields), client.post(path, fields), client.post(path, {"\0": "x"})]
        assert [response.status_code for response in sent if response.status_code >= 500] == [], path

    assert client.get("/proposals/a%00b").status_code == 404
    assert client.get("/admin/tenants/user/%00/change/").status_code == 404
    client.cookies.load('sessionid="abcdefgh\\000"')
    assert [client.get(path).status_code for path in ("/", "/admin/", "/api/v1/me")] == [400, 400, 400]


def test_a_query_with_it_is_refused_as_malformed(rf: RequestFactory) -> None:
    def query(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(Tenant.objects.filter(name=request.GET["x"]).exists()))

    middleware, request = NulMiddleware(query), rf.get("/", {"x": "a\0"})
    with pytest.raises((DataError, ValueError)) as refused:
        query(request)

    response = middleware.process_exception(request, refused.value)
    assert response is not None and response.status_code == 400
    assert middleware.process_exception(request, ValueError("another fault")) is None


def sent(api: Api, name: str, text: str) -> int:
    form = {"file": SimpleUploadedFile("x.csv", b"mqs_business_name\nAcme\n"), name: text}
    content = encode_multipart(BOUNDARY, form)
    path = f"{IMPORTS}/preview" if name in ("mapping_name", "catalogue") else IMPORTS
    return api.send("POST", path, content, content_type=MULTIPART_CONTENT).status_code


@settings(max_examples=amount(8, full=200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(TEXTS), text=st.text(st.just("\0") | st.characters(), max_size=80))
@example(name="mapping_name", text="\0")
@example(name="catalogue", text="a\0")
@example(name="catalogue", text="unpublished")
@example(name="title", text="\0a")
def test_no_text_beside_a_file_makes_a_request_fail(api: Api, name: str, text: str) -> None:
    assert sent(api, name, text) in (200, 202, 404, 409, 422)


def test_a_text_beside_a_file_with_it_is_refused_at_its_parameter(api: Api) -> None:
    for name in TEXTS:
        form = {"file": SimpleUploadedFile("x.csv", b"mqs_business_name\nAcme\n"), name: "a\0b"}
        response = api.send("POST", IMPORTS, encode_multipart(BOUNDARY, form), content_type=MULTIPART_CONTENT)

        problem = assert_problem(response, 422, "invalid_body")
        assert [fault["pointer"] for fault in problem["errors"]] == [f"/{name}"]
