"""The mutator of the products that were excluded from a document, or kept by an agent. Pure."""

from __future__ import annotations

from batch.changes.tracker import ChangeTracker
from batch.errors import UnknownProduct
from copies.paths import BYPASSED, EXCLUDED, join_path


class ExclusionsMutator:
    """Excluded products (``force_exclude``) and products that the agent bypassed (``bypass``).

    Stale after the save.
    """

    def __init__(self, tracker: ChangeTracker) -> None:
        """Made by ``Changeset.exclusions``."""
        self._tracker = tracker

    def force_exclude(self, product: str) -> None:
        """Exclude ``product`` from the evaluation. Raises ``UnknownProduct``."""
        self._add(product, self._tracker.document.forced_excluded_products, EXCLUDED)

    def include(self, product: str) -> None:
        """Include ``product`` in the evaluation again. Raises ``UnknownProduct``."""
        self._remove(product, self._tracker.document.forced_excluded_products, EXCLUDED)

    def bypass(self, product: str) -> None:
        """Record that the agent bypasses ``product``. Raises ``UnknownProduct``."""
        self._add(product, self._tracker.document.agent_bypassed_products, BYPASSED)

    def take_up(self, product: str) -> None:
        """Record that the agent considers ``product`` again. Raises ``UnknownProduct``."""
        self._remove(product, self._tracker.document.agent_bypassed_products, BYPASSED)

    def _add(self, product: str, products: list[str], name: str) -> None:
        self._require(product)
        self._tracker.touch_exclusion(join_path(name, product))
        if product not in products:
            products.append(product)

    def _remove(self, product: str, products: list[str], name: str) -> None:
        self._require(product)
        self._tracker.touch_exclusion(join_path(name, product))
        if product in products:
            products.remove(product)

    def _require(self, product: str) -> None:
        self._tracker.require_writable()
        if product not in self._tracker.catalogue.products:
            raise UnknownProduct(product)
