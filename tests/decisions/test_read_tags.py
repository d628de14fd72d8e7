"""The entity tags of reads: no 304 hides a change, whatever moved; ``If-Match`` compares the version alone."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tenants.access import Right
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api, assert_problem
from tests.harness.later_releases import publish_release, with_sensitivity
from tests.harness.moments import DATED, EARLY_ZONE, LATE_ZONE, declining, run_actions
from tests.harness.tiers import amount, seeds

pytestmark = pytest.mark.django_db

Start = Callable[..., dict[str, Any]]
READS = ("", "/needed", "/changes?since=0", "/explain?target=product:PA-CARE", "?at_version=1", "/messages")
RELEASES = (DATED, declining(), declining(when="cat_count > 3"), with_sensitivity(DATED, state="pii"))


@pytest.fixture
def narrow(kennels: Tenant, api: Api) -> Api:
    """Return a caller without the right to personal answers."""
    return Api(ApiClient.objects.get(tenant=kennels), [Right.READ_FORMS])


class Holder:
    """Readers that hold tags, and what a 304 to each of them would have hidden."""

    def __init__(self, *readers: Api) -> None:
        self.readers = readers
        self.held: dict[tuple[str, str], bytes] = {}
        self.statuses: Counter[int] = Counter()

    def read(self, url: str, read: str) -> None:
        """Read in full with every reader, and again with each tag that is held for it."""
        for reader in self.readers:
            full = reader.get(url + read)
            assert full.status_code == 200, full.content
            for (known, tag), body in self.held.items():
                if known == read:
                    again = reader.get(url + read, if_none_match=tag)
                    self.statuses[again.status_code] += 1
                    assert again.status_code == 200 or body == full.content, (read, tag)
            self.held[read, full["ETag"]] = full.content
        self.held = dict(list(self.held.items())[-24:])


@pytest.mark.parametrize("seed", seeds(3))
def test_no_304_hides_a_change_over_random_histories(
    api: Api, narrow: Api, start: Start, kennels: Tenant, seed: int
) -> None:
    chance = random.Random(seed)
    url = f"/copies/{start(owner_phone='+15125550123')['id']}"
    holder = Holder(api, narrow)
    steps: tuple[Callable[[], object], ...] = (
        lambda: publish_release(chance.choice(RELEASES)),
        lambda: Tenant.objects.filter(pk=kennels.pk).update(time_zone=chance.choice((EARLY_ZONE, LATE_ZONE))),
        lambda: api.patch(f"{url}/answers", {"answers": {"state": chance.choice(("TX", "OH"))}}),
        lambda: api.post(f"{url}/{chance.choice(('lock', 'unlock'))}"),
        run_actions,
        lambda: None,
    )

    for _ in range(amount(8, full=12)):
        chance.choice(steps)()
        for read in READS:
            holder.read(url, read)

    assert min(holder.statuses[304], holder.statuses[200]) > 20, holder.statuses


def test_if_match_takes_the_tag_of_a_read_and_compares_its_version(api: Api, narrow: Api, start: Start) -> None:
    url = f"/copies/{start()['id']}"
    tags = [api.get(url)["ETag"], narrow.get(url)["ETag"], '"1"']
    assert len(set(tags)) == 3 and all(tag.startswith('"1') for tag in tags)
    publish_release(declining(when='state == "OH"'))

    for number, tag in enumerate(tags, 1):
        dry = api.patch(f"{url}/answers?dry_run=true", {"answers": {"state": "OH"}}, if_match=tag)
        assert (dry.status_code, number) == (200, number), dry.content
    taken = api.patch(f"{url}/answers", {"answers": {"state": "OH"}}, if_match=tags[0])
    refused = api.patch(f"{url}/answers", {"answers": {"state": "TX"}}, if_match=tags[0])

    assert (taken.status_code, taken["ETag"]) == (200, '"2"')
    assert_problem(refused, 412, "version_mismatch")


def test_a_decision_that_changed_by_itself_has_stepped_the_version(api: Api, start: Start) -> None:
    url = f"/copies/{start()['id']}"
    tag = api.get(url)["ETag"]
    publish_release(declining())
    run_actions()

    refused = api.patch(f"{url}/answers", {"answers": {"has_cats": True}}, if_match=tag)

    assert_problem(refused, 412, "version_mismatch")


@pytest.mark.parametrize("tag", ['"x"', '"-1"', '"1-"', 'W/"1-2-3"', '"12345678901"'])
def test_an_if_match_without_a_version_is_refused(api: Api, start: Start, tag: str) -> None:
    url = f"/copies/{start()['id']}"

    assert api.patch(f"{url}/answers", {"answers": {}}, if_match=tag).status_code == 412
