"""The composition root. The Celery application is made first, so that every process publishes to the same broker."""

from governance.project.celery import app as celery_app

__all__ = ["celery_app"]
