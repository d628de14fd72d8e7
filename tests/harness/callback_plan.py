"""A plan of callbacks, the same for each seed: repeated, out of order, and some of them too old."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from uuid import UUID

import msgspec
from standardwebhooks import Webhook

from quoting.callbacks import Callback
from tests.harness.carrier_links import CALLBACK_SECRET


@dataclass(frozen=True, kw_only=True)
class Post:
    """One callback about the request of this index; ``is_old`` ones are signed ten minutes ago."""

    request: int
    sequence: int
    is_old: bool = False

    @property
    def message_id(self) -> str:
        """Return the same id for each repetition."""
        return f"msg_{self.request}_{self.sequence}{'_old' * self.is_old}"

    @property
    def premium(self) -> int:
        """Return the premium that this message reports."""
        return 1_000 + self.sequence

    def signed(self, *, link_id: UUID, copy_id: UUID, token: str) -> Callback:
        """Return the callback as the carrier sends it now."""
        quote = {
            "reference": f"Q-{self.request}", "request_token": token, "product": "PA-CARE", "status": "quoted",
            "sequence": self.sequence, "premium": {"amount": self.premium, "currency": "USD"}, "is_bindable": True,
            "updated_at": "2026-01-05T10:00:00Z",
        }  # fmt: skip
        body = msgspec.json.encode({"type": "quote.updated", "data": quote})
        at = datetime.now(UTC) - timedelta(minutes=10 * self.is_old)
        headers = {
            "webhook-id": self.message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(CALLBACK_SECRET).sign(self.message_id, at, body.decode()),
        }
        return Callback(link_id=link_id, copy_id=copy_id, headers=headers, body=body)


@dataclass(frozen=True, kw_only=True)
class CallbackPlan:
    """``total`` posts about ``requests`` quote requests."""

    seed: int
    total: int
    requests: int
    repeated: float = 0.3
    reordered: float = 0.2
    old: float = 0.05

    @cached_property
    def posts(self) -> list[Post]:
        """Return the posts in the order in which they arrive."""
        chance, posts = random.Random(self.seed), list[Post]()
        sequences = [0] * self.requests
        while len(posts) < self.total:
            kind = chance.random()
            if posts and kind < self.repeated:
                posts.append(chance.choice(posts))
                continue
            request = chance.randrange(self.requests)
            sequences[request] += 1
            posts.append(Post(request=request, sequence=sequences[request], is_old=kind > 1 - self.old))
        for number in range(self.total):
            if chance.random() < self.reordered:
                other = min(self.total - 1, number + chance.randrange(1, 20))
                posts[number], posts[other] = posts[other], posts[number]
        return posts

    @property
    def valid(self) -> set[Post]:
        """Return the distinct posts that must have an effect."""
        return {post for post in self.posts if not post.is_old}
