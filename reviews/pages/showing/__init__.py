"""What an AI was given and said, made ready for a page. Pure: hostile values become plain parts, never markup."""

from reviews.pages.showing.choosing import Shown, show, thumb
from reviews.pages.showing.foreign import Text, text

__all__ = ["Shown", "Text", "show", "text", "thumb"]
