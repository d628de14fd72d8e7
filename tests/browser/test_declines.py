"""The page of declines in a browser: reached from the answers, readable in every look, exported as a verified file."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from batch import service as batch
from catalogue.demo import read_samples
from encryption.signatures import public_keys
from tenants.models import User
from tests.harness.form_driver import Driver
from verify_export import fault_in

pytestmark = pytest.mark.browser
S4 = next(sample for sample in read_samples() if sample.id == "S4")


def test_declines_are_read_and_exported(driver: Driver, server: str, agent: User) -> None:
    assert agent.tenant is not None
    actor, page = agent.as_actor(source="web"), driver.page
    with batch.build_context(scope=agent.tenant, actor=actor, title=S4.title, as_of=S4.as_of) as context:
        context.changeset.apply_answers(S4.answers, S4.answer_pools)
        context.save()
        copy_id = context.copy.id
    driver.open(copy_id)

    page.get_by_role("link", name="Declines on record").click()

    expect(page.get_by_role("heading", name="Declines", exact=True)).to_be_visible()
    expect(page.get_by_text("Roofing above 20 feet (TG1)")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export signed file").click()
    assert fault_in(Path(download.value.path()).read_bytes(), public_keys()) == ""
    page.reload()
    expect(page.get_by_role("heading", name="Exported: Owl Hollow Specialty")).to_be_visible()
    driver.check_in_every_look("declines", at="main")
