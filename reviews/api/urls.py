"""The routes of the API's review side, below `/api/v1/`. One line a route; the door is in the file of its noun."""

from django.urls import URLPattern, URLResolver, path

from reviews.api import bulk, decisions, examples, handing, measures, outputs, proof, reviews, trace, webhooks

urlpatterns: list[URLPattern | URLResolver] = [
    path("reviews/next/", reviews.Next.as_view(), name="api-reviews-next"),
    path("reviews/<uuid:id>/decide/", reviews.Decide.as_view(), name="api-review-decide"),
    path("outputs/", outputs.Outputs.as_view(), name="api-outputs"),
    path("outputs/batch/", outputs.Batch.as_view(), name="api-outputs-batch"),
    path("outputs/<uuid:id>/", outputs.OneOutput.as_view(), name="api-output"),
    path("outputs/<uuid:id>/trace/", trace.Trace.as_view(), name="api-output-trace"),
    path("outputs/<uuid:id>/proof/", proof.Proof.as_view(), name="api-output-proof"),
    path("reviews/<uuid:id>/claim/", reviews.Claimed.as_view(), name="api-review-claim"),
    path("reviews/<uuid:id>/renew/", reviews.Renew.as_view(), name="api-review-renew"),
    path("reviews/<uuid:id>/release/", reviews.Release.as_view(), name="api-review-release"),
    path("reviews/<uuid:id>/skip/", reviews.Skip.as_view(), name="api-review-skip"),
    path("reviews/<uuid:id>/escalate/", reviews.Escalate.as_view(), name="api-review-escalate"),
    path("reviews/<uuid:id>/hand-over/", handing.HandOver.as_view(), name="api-review-hand-over"),
    path("reviews/<uuid:id>/ask/", handing.AskAColleague.as_view(), name="api-review-ask"),
    path("reviews/<uuid:id>/like/", bulk.Like.as_view(), name="api-review-like"),
    path("reviews/bulk/<uuid:id>/", bulk.AtOnce.as_view(), name="api-review-bulk"),
    path("reviews/bulk/<uuid:id>/undo/", bulk.UndoAtOnce.as_view(), name="api-review-bulk-undo"),
    path("reviews/measures/", measures.OwnMeasures.as_view(), name="api-measures"),
    path("reviews/measures/show/", measures.ShowMeasures.as_view(), name="api-measures-show"),
    path("reviews/measures/<uuid:id>/", measures.MeasuresOfOne.as_view(), name="api-measures-of"),
    path("reviews/<uuid:id>/hold/", reviews.Hold.as_view(), name="api-review-hold"),
    path("decisions/", decisions.Decisions.as_view(), name="api-decisions"),
    path("decisions/<uuid:id>/undo/", decisions.Undo.as_view(), name="api-decision-undo"),
    path("decisions/<uuid:id>/supersede/", decisions.Supersede.as_view(), name="api-decision-supersede"),
    path("outputs/<uuid:id>/example/", examples.Pin.as_view(), name="api-output-example"),
    path("systems/<slug:slug>/examples/", examples.Examples.as_view(), name="api-examples"),
    path("systems/<slug:slug>/examples/<uuid:id>/drop/", examples.Drop.as_view(), name="api-example-drop"),
    path("webhooks/", webhooks.Webhooks.as_view(), name="api-webhooks"),
    path("webhooks/<uuid:id>/", webhooks.Webhook.as_view(), name="api-webhook"),
    path("webhooks/<uuid:id>/test/", webhooks.WebhookTest.as_view(), name="api-webhook-test"),
    path("webhooks/<uuid:id>/rotate/", webhooks.WebhookRotate.as_view(), name="api-webhook-rotate"),
    path("webhooks/<uuid:id>/replay/", webhooks.WebhookReplay.as_view(), name="api-webhook-replay"),
]
