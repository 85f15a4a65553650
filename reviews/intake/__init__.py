"""The one door in: contract, judge, evidence, and an item or a resolution, in one transaction."""

from reviews.intake.accepting import CHUNK, Sender, Taken, accept, accept_chunks
from reviews.intake.bodies import Body, read

__all__ = ["CHUNK", "Body", "Sender", "Taken", "accept", "accept_chunks", "read"]
