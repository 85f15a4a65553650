"""The WSGI application that Granian serves: Django behind the door that lets clients wait."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.project.settings")

django_application = get_wsgi_application()

from django.conf import settings
from django.urls import get_resolver

from governance.project.waiting import Door

application = Door(django_application, slots=4, waiters=500, streams=4, largest_body=settings.MAX_BATCH_BYTES + 65_536)

# What is loaded stays: a full collection that walks it too would stop every request for a tenth of a second.
get_resolver().url_patterns  # noqa: B018  Django would load the pages with the first request
gc.collect()
gc.freeze()
# A batch makes tens of thousands of objects that die by themselves; the collector need not come for them each time.
gc.set_threshold(50_000, 20, 20)
