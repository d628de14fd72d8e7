"""Reasons for which a command ends early."""


class HouseError(Exception):
    """A failure, shown at the terminal as one sentence that names the remedy."""


class Stopped(Exception):
    """The user ended the command: Ctrl-C, SIGTERM, or a closed terminal."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by signal {signal_number}")
        self.signal_number = signal_number
