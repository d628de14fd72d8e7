"""The texts that an agent sends to a guest, ready to be copied: the invitation with its link, and a reminder. Pure.

A reminder has no link: its secret is stored nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from presentation.formats import counted


@dataclass(frozen=True)
class Sender:
    """Who sends the text: the agent, the agency, and how to reach it. ``business`` is what it is about, or ""."""

    agent: str
    agency: str
    phone: str
    business: str

    @property
    def about(self) -> str:
        """Return what the text is about."""
        return self.business or "your insurance application"

    @property
    def signature(self) -> str:
        """Return the last lines of the text."""
        return "\n".join(filter(None, (self.agent, self.agency, self.phone)))


@dataclass(frozen=True)
class ReadyText:
    """A text, and the address that opens it in the agent's mail program."""

    subject: str
    text: str

    @property
    def mail_address(self) -> str:
        """Return the ``mailto`` address without a receiver."""
        return f"mailto:?subject={quote(self.subject)}&body={quote(self.text)}"


def invitation(sender: Sender, *, name: str, address: str, days: int) -> ReadyText:
    """Return the text with a new link, which is valid for ``days``."""
    return ReadyText(
        f"Questions about {sender.about}",
        f"{_greeting(name)}\n\nPlease answer some questions about {sender.about}. What you answer is saved by itself."
        f" If you do not know an answer, say so and go on.\n\n{address}\n\nThe link opens once, in one browser, and is"
        f" valid for {counted(days, 'day')}.\n\n{sender.signature}",
    )


def reminder(sender: Sender, *, name: str, left: int, until: str) -> ReadyText:
    """Return the text for a guest of a link that is valid ``until``, while ``left`` answers are needed."""
    needs = f"still needs {counted(left, 'answer')}" if left else "would like you to finish your answers"
    return ReadyText(
        f"Reminder: questions about {sender.about}",
        f"{_greeting(name)}\n\n{sender.agency} {needs} about {sender.about}. Please open the link that I sent you,"
        f" in the browser in which you opened it first. It is valid until {until}. If you cannot find it,"
        f" ask me for a new one.\n\n{sender.signature}",
    )


def _greeting(name: str) -> str:
    return f"Hello {name}," if name else "Hello,"
