"""The only code that ends an item: decide, undo, supersede."""

from reviews.decisions.deciding import Decided, decide
from reviews.decisions.superseding import supersede
from reviews.decisions.undoing import undo

__all__ = ["Decided", "decide", "supersede", "undo"]
