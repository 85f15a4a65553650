"""The routes of reviews' pages. One line a route; the door is in the file of its noun."""

from django.urls import URLPattern, URLResolver, path

from reviews.pages import bindings, correcting, history, home, hours, leading, queue, webhooks, why, workbench

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.show, name="home"),
    path("decisions/<uuid:id>/correct/", correcting.page, name="decision-correct"),
    path("history/", history.index, name="history"),
    path("history/sums/", history.sums, name="history-sums"),
    path("history/export.csv", history.export_csv, name="history-export"),
    path("outputs/<uuid:id>/", why.show, name="why"),
    path("queue/", queue.index, name="queue"),
    path("queue/hours/", hours.page, name="queue-hours"),
    path("queue/next/", queue.take_next, name="queue-next"),
    path("queue/keys/", bindings.page, name="queue-keys"),
    path("queue/summary/", queue.show_summary, name="queue-summary"),
    path("queue/<uuid:id>/", leading.page, name="queue-lead"),
    path("review/<uuid:id>/who/", leading.who, name="review-who"),
    path("review/ahead/", workbench.ahead, name="review-ahead"),
    path("review/decisions/<uuid:decision>/undo/", workbench.undo, name="review-undo"),
    path("review/<uuid:id>/", workbench.page, name="review"),
    path("review/<uuid:id>/take/", workbench.take, name="review-take"),
    path("review/<uuid:id>/decide/", workbench.decide, name="review-decide"),
    path("review/<uuid:id>/renew/", workbench.renew, name="review-renew"),
    path("review/<uuid:id>/release/", workbench.put_off, {"how": "release"}, name="review-release"),
    path("review/<uuid:id>/skip/", workbench.put_off, {"how": "skip"}, name="review-skip"),
    path("review/<uuid:id>/hold/", workbench.put_off, {"how": "hold"}, name="review-hold"),
    path("review/<uuid:id>/escalate/", workbench.put_off, {"how": "escalate"}, name="review-escalate"),
    path("webhooks/", webhooks.index, name="webhooks"),
    path("webhooks/<uuid:id>/test/", webhooks.test, name="webhook-test"),
    path("webhooks/<uuid:id>/replay/", webhooks.replay, name="webhook-replay"),
    path("webhooks/<uuid:id>/replay/<uuid:delivery>/", webhooks.replay, name="webhook-replay-one"),
    path("webhooks/<uuid:id>/switch/", webhooks.switch, name="webhook-switch"),
    path("webhooks/<uuid:id>/rotate/", webhooks.rotate, name="webhook-rotate"),
    path("webhooks/<uuid:id>/remove/", webhooks.remove, name="webhook-remove"),
]
