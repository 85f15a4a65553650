"""An installation with a mail server."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.governance.notices.post import Post


@pytest.fixture(autouse=True)
def _sends_mail(settings: Any) -> None:
    settings.SENDS_MAIL = True
    settings.PUBLIC_URL = "https://countersign.example"


@pytest.fixture
def by_smtp(settings: Any) -> Callable[[Post], None]:
    """Turns Django's own sender to a post office."""

    def turn(post: Post) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", post.port

    return turn
