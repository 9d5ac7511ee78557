"""What the routes of the page and the API share."""

from dataclasses import dataclass

from edge.service.auth import FailureLimit, Sessions, Token
from edge.service.daemon import Daemon
from edge.service.feed import Feed
from edge.service.store import Store


@dataclass(frozen=True, slots=True)
class Context:
    """``is_open``: the daemon listens on this machine alone and asks nobody for a token."""

    daemon: Daemon
    store: Store
    feed: Feed
    token: Token
    sessions: Sessions
    failures: FailureLimit
    is_open: bool

    def currency(self) -> str:
        """Return the currency in which a searched amount is meant."""
        currency = self.daemon.config.reading.currency
        return "USD" if currency == "auto" else currency
