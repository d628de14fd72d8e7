"""Roll-outs, the rows of guarded releases: how far each of them is, and the orders of staff."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.db import models

__all__ = ["RollOut", "RollOutOrder", "RollOutPart", "RollOutTenant"]


class RollOut(models.Model):
    """The roll-out of one release. The first ``following`` tenants of its order follow the release, all others the
    ``former`` one. ``revision`` grows with every change, so that of two states the later one is known.
    """

    class State(models.TextChoices):
        """How far a roll-out is."""

        RUNNING = "running", "Under way"
        STOPPED = "stopped", "Stopped: outcomes left the forecast"
        DONE = "done", "Done: current for all tenants"
        TAKEN_BACK = "taken_back", "Taken back"

    release = models.OneToOneField("catalogue.Release", on_delete=models.PROTECT, related_name="roll_out")
    former = models.ForeignKey("catalogue.Release", on_delete=models.PROTECT, related_name="+")
    catalogue = models.ForeignKey("catalogue.Catalogue", on_delete=models.PROTECT, related_name="roll_outs")
    state = models.CharField(max_length=12, choices=State, default=State.RUNNING)
    following = models.PositiveIntegerField(default=0, help_text="The tenants of its order that follow the release.")
    revision = models.PositiveIntegerField(default=0)
    flips_percent = models.DecimalField(
        "outcomes, in percent",
        max_digits=5,
        decimal_places=2,
        help_text="The most outcomes that may differ from the forecast, in percent of a tenant's open copies.",
    )
    premium_percent = models.DecimalField(
        "premium, in percent",
        max_digits=5,
        decimal_places=2,
        help_text="The most premium that may move beyond the forecast, in percent of a tenant's premium before.",
    )
    is_settled = models.BooleanField(default=True, help_text="Its last change is known to all processes and databases.")
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["catalogue"],
                condition=models.Q(state__in=("running", "stopped")),
                name="roll_out_one_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"Roll-out of {self.release}"

    @property
    def is_under_way(self) -> bool:
        """Return whether two releases of the catalogue are in force at the same time."""
        return self.state in UNDER_WAY

    def tenant_at(self, position: int) -> Any:
        """Return the row of the first tenant at ``position`` or behind it, None behind the last."""
        return self.tenants.filter(position__gte=position).select_related("tenant").order_by("position").first()


#: The states in which two releases of a catalogue are in force at the same time.
UNDER_WAY: Final = frozenset({RollOut.State.RUNNING, RollOut.State.STOPPED})
#: The states in which the release is not the current one for all.
NOT_CURRENT: Final = (RollOut.State.RUNNING, RollOut.State.STOPPED, RollOut.State.TAKEN_BACK)


class RollOutTenant(models.Model):
    """One tenant of a roll-out: its place, what was forecast for its book, and what happened."""

    class State(models.TextChoices):
        """How far the tenant is."""

        WAITING = "waiting", "Waits"
        FOLLOWING = "following", "Follows; its copies are decided"
        DECIDED = "decided", "Decided as forecast"
        LEFT = "left_forecast", "Left the forecast"
        BACK = "back", "Back at the former release"

    roll_out = models.ForeignKey(RollOut, on_delete=models.CASCADE, related_name="tenants")
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    state = models.CharField(max_length=14, choices=State, default=State.WAITING)
    forecast = models.JSONField(default=dict, help_text="What the release changes for the book, before it follows.")
    actual = models.JSONField(default=dict, help_text="What it changed for the same copies when they were decided.")
    is_forecast = models.BooleanField(default=False, help_text="The forecast is of the whole book.")
    is_accepted = models.BooleanField(default=False, help_text="Staff ordered to go on although it left the forecast.")
    followed_at = models.DateTimeField(null=True)
    compared_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["roll_out", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["roll_out", "position"], name="roll_out_position_once"),
            models.UniqueConstraint(fields=["roll_out", "tenant"], name="roll_out_tenant_once"),
        ]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.get_state_display()}"


class RollOutPart(models.Model):
    """The forecast of each copy in one part of a tenant's book; deleted when the tenant is decided, or back."""

    of = models.ForeignKey(RollOutTenant, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    copies = models.JSONField(help_text="What was forecast for each copy, by its id.")

    class Meta:
        ordering: ClassVar = ["of", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["of", "number"], name="roll_out_part_once")]

    def __str__(self) -> str:
        return f"Part {self.number} of {self.of}"


class RollOutOrder(models.Model):
    """A change of a roll-out's course, by staff or by the product itself (``actor_id`` "system"). Never altered."""

    class Kind(models.TextChoices):
        """What was ordered."""

        START = "start", "Start"
        STOP = "stop", "Stop"
        CONTINUE = "continue", "Continue"
        BACK = "back", "Take back"
        FINISH = "finish", "Finish"

    roll_out = models.ForeignKey(RollOut, on_delete=models.CASCADE, related_name="orders")
    kind = models.CharField(max_length=10, choices=Kind)
    actor_id = models.CharField("ordered by", max_length=64)
    detail = models.CharField(max_length=500, blank=True)
    ordered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["roll_out", "id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.roll_out}"
