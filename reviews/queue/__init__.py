"""The queue: who has which item in hand, under a lease that ends by itself."""

from reviews.queue.claims import Claim
from reviews.queue.keeping import escalate, hold, release, renew, skip
from reviews.queue.taking import claim_held, claim_item, claim_next

__all__ = ["Claim", "claim_held", "claim_item", "claim_next", "escalate", "hold", "release", "renew", "skip"]
