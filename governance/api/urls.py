"""The routes of the API's governance side, below `/api/v1/`. One line a route; the door is in the file of its noun."""

from django.urls import URLPattern, URLResolver, path

from governance.api import (
    docs,
    evidence,
    halting,
    incidents,
    models,
    outcomes,
    policies,
    replays,
    systems,
    tiers,
    tuning,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("openapi.json", docs.Description.as_view(), name="api-openapi"),
    path("docs/", docs.Page.as_view(), name="api-docs"),
    path("outcomes/", outcomes.Outcomes.as_view(), name="api-outcomes"),
    path("incidents/", incidents.Incidents.as_view(), name="api-incidents"),
    path("incidents/<uuid:id>/", incidents.OneIncident.as_view(), name="api-incident"),
    path("systems/", systems.Systems.as_view(), name="api-systems"),
    path("systems/<slug:slug>/", systems.OneSystem.as_view(), name="api-system"),
    path("systems/<slug:slug>/models/", models.Models.as_view(), name="api-models"),
    path("systems/<slug:slug>/models/<uuid:id>/admit/", models.Admit.as_view(), name="api-model-admit"),
    path("systems/<slug:slug>/models/<uuid:id>/bar/", models.Bar.as_view(), name="api-model-bar"),
    path("systems/<slug:slug>/policies/", policies.Policies.as_view(), name="api-policies"),
    path("systems/<slug:slug>/policies/<int:number>/", policies.OnePolicy.as_view(), name="api-policy"),
    path("systems/<slug:slug>/policies/<int:number>/approve/", policies.Approve.as_view(), name="api-policy-approve"),
    path("systems/<slug:slug>/policies/<int:number>/decline/", policies.Decline.as_view(), name="api-policy-decline"),
    path(
        "systems/<slug:slug>/policies/<int:number>/activate/", policies.Activate.as_view(), name="api-policy-activate"
    ),
    path(
        "systems/<slug:slug>/policies/<int:number>/rollback/", policies.Rollback.as_view(), name="api-policy-rollback"
    ),
    path("systems/<slug:slug>/replay/", replays.Replays.as_view(), name="api-replay"),
    path("systems/<slug:slug>/policies/<int:number>/replay/", replays.Attached.as_view(), name="api-policy-replay"),
    path("systems/<slug:slug>/policies/<int:number>/schedule/", replays.Schedule.as_view(), name="api-policy-schedule"),
    path("systems/<slug:slug>/policies/<int:number>/rebase/", replays.Rebase.as_view(), name="api-policy-rebase"),
    path("systems/<slug:slug>/policies/<int:number>/ask/", replays.Ask.as_view(), name="api-policy-ask"),
    path("systems/<slug:slug>/policies/<int:number>/shadow/", replays.Shadow.as_view(), name="api-policy-shadow"),
    path("systems/<slug:slug>/policies/<int:number>/canary/", replays.Canary.as_view(), name="api-policy-canary"),
    path("systems/<slug:slug>/policies/<int:number>/stop/", replays.EndTrial.as_view(), name="api-policy-stop"),
    path("systems/<slug:slug>/tier/", tiers.Tier.as_view(), name="api-tier"),
    path("systems/<slug:slug>/tier/sign/", tiers.SignTier.as_view(), name="api-tier-sign"),
    path("systems/<slug:slug>/tier/decline/", tiers.DeclineTier.as_view(), name="api-tier-decline"),
    path("systems/<slug:slug>/halt/", halting.Stop.as_view(), name="api-halt"),
    path("systems/<slug:slug>/lift/", halting.Lift.as_view(), name="api-lift"),
    path("systems/<slug:slug>/tuning/", tuning.Tuning.as_view(), name="api-tuning"),
    path("evidence/checkpoint", evidence.Checkpoint.as_view(), name="api-checkpoint"),
    path("evidence/tile/<int:level>/<path:at>", evidence.Tile.as_view(), name="api-tile"),
    path("evidence/tile/entries/<path:at>", evidence.EntryBundle.as_view(), name="api-entry-bundle"),
    path("evidence/entries/", evidence.Entries.as_view(), name="api-entries"),
    path("evidence/entries/<uuid:id>/", evidence.OneEntry.as_view(), name="api-entry"),
]
