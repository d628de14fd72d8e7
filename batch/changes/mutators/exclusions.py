"""The mutator of the products that were excluded from a document, or kept by an agent. Pure."""

from __future__ import annotations

from batch.changes.tracker import ChangeTracker
from batch.errors import UnknownProduct
from copies.paths import BYPASSED, EXCLUDED, join_path


class ExclusionsMutator:
    """Products left out (``force_exclude``) and products that the agent passed by (``bypass``).

    Stale after the save.
    """

    def __init__(self, ledger: ChangeTracker) -> None:
        """Made by ``Changeset.exclusions``."""
        self._ledger = ledger

    def force_exclude(self, product: str) -> None:
        """Leave ``product`` out: it is not evaluated any more. Raises ``UnknownProduct``."""
        self._add(product, self._ledger.document.forced_excluded_products, EXCLUDED)

    def include(self, product: str) -> None:
        """Take ``product`` back in. Raises ``UnknownProduct``."""
        self._remove(product, self._ledger.document.forced_excluded_products, EXCLUDED)

    def bypass(self, product: str) -> None:
        """Note that the agent passes ``product`` by. Raises ``UnknownProduct``."""
        self._add(product, self._ledger.document.agent_bypassed_products, BYPASSED)

    def take_up(self, product: str) -> None:
        """Note that the agent takes ``product`` up again. Raises ``UnknownProduct``."""
        self._remove(product, self._ledger.document.agent_bypassed_products, BYPASSED)

    def _add(self, product: str, products: list[str], name: str) -> None:
        self._require(product)
        self._ledger.touch_exclusion(join_path(name, product))
        if product not in products:
            products.append(product)

    def _remove(self, product: str, products: list[str], name: str) -> None:
        self._require(product)
        self._ledger.touch_exclusion(join_path(name, product))
        if product in products:
            products.remove(product)

    def _require(self, product: str) -> None:
        self._ledger.require_writable()
        if product not in self._ledger.catalogue.products:
            raise UnknownProduct(product)
