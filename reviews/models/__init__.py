"""The tables of reviews, one family a file."""

from reviews.models.decisions import AtOnce, Decision
from reviews.models.deliveries import Delivery, Endpoint
from reviews.models.items import Capacity, Item, Note, Queue, Seat, Skip
from reviews.models.measures import Shown
from reviews.models.precedents import Precedent
from reviews.models.searches import SavedSearch

__all__ = [
    "AtOnce", "Capacity", "Decision", "Delivery", "Endpoint", "Item", "Note", "Precedent", "Queue",
    "SavedSearch", "Seat", "Shown",
    "Skip",
]  # fmt: skip
