"""A tenant with its own database is served like any other; its forms are stored nowhere else."""

from __future__ import annotations

import pytest

from catalogue.demo import Sample
from catalogue.models import Release
from copies.models import Copy
from forms.models import ApplicationForm
from tenants.current_tenant import across_tenants
from tenants.models import ApiClient, Tenant, every_right
from tests.harness.api_client import Api, assert_problem

pytestmark = pytest.mark.django_db(databases=["default", "summit_db"])


def test_all_steps_of_a_form(demo: Release, api: Api, summit_apart: Tenant, s1: Sample) -> None:
    apart = Api(
        ApiClient.objects.create(
            client_id="apart",
            name="Apart",
            allowed_scopes=every_right(),
            tenant=summit_apart,
        )
    )

    copy = apart.start(s1, Idempotency_Key="k")

    url = f"/copies/{copy['id']}"
    assert apart.start(s1, Idempotency_Key="k") == copy
    assert copy["eligibility"]["QM-BOP"]["premium"] == 2451
    assert apart.patch(f"{url}/answers", {"answers": {"mqs_gl_limit": "l2m"}}, If_Match='"1"').json()["version"] == 2
    assert [found["id"] for found in apart.get("/application_forms?q=kettle").json()["results"]] == [copy["id"]]
    assert len(apart.get(f"{url}/history").json()["results"]) == 2
    assert apart.get(f"{url}/changes?since=1").json()["version"] == 2
    assert_problem(api.get(url), 404, "not_found")
    assert api.get("/application_forms").json()["results"] == []
    with across_tenants(using="default"):
        assert not ApplicationForm.objects.exists()
        assert not Copy.objects.exists()
