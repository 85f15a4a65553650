"""The key under which a call for the router stands outstanding: while it stands, nobody else needs to call."""

from typing import Final

CALLED: Final = "reviews.routing.called"
# A call that the broker lost is forgotten after a second.
CALL_SECONDS: Final = 1
