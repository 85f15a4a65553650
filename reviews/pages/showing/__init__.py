"""What an AI was given and said, made ready for a page. Pure: hostile values become plain parts, never markup."""

from reviews.pages.showing.choosing import Shown, is_viewed, show, thumb
from reviews.pages.showing.foreign import Text, text

__all__ = ["Shown", "Text", "is_viewed", "show", "text", "thumb"]
