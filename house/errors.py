"""Why a command of the house ends early."""


class HouseError(Exception):
    """A reason to stop, shown to the person at the terminal as one sentence that names the remedy."""


class Stopped(Exception):
    """Somebody asked for the end: Ctrl-C, SIGTERM, or the terminal was closed.

    `signal_number` is the signal that said so.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by signal {signal_number}")
        self.signal_number = signal_number
