"""The routes of reviews' pages. One line a route; the door is in the file of its noun."""

from django.urls import URLPattern, URLResolver, path

from reviews.pages import webhooks

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks/", webhooks.index, name="webhooks"),
    path("webhooks/<uuid:id>/test/", webhooks.test, name="webhook-test"),
    path("webhooks/<uuid:id>/replay/", webhooks.replay, name="webhook-replay"),
    path("webhooks/<uuid:id>/replay/<uuid:delivery>/", webhooks.replay, name="webhook-replay-one"),
    path("webhooks/<uuid:id>/switch/", webhooks.switch, name="webhook-switch"),
    path("webhooks/<uuid:id>/rotate/", webhooks.rotate, name="webhook-rotate"),
    path("webhooks/<uuid:id>/remove/", webhooks.remove, name="webhook-remove"),
]
