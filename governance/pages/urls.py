"""The routes of governance's pages. One line a route; the door is in the file of its noun."""

from django.urls import URLPattern, URLResolver, path

from governance.pages import (
    drafting,
    evidence,
    halting,
    incidents,
    keys,
    models,
    people,
    policies,
    systems,
    trials,
    tuning,
    tuning_start,
)  # fmt: skip

urlpatterns: list[URLPattern | URLResolver] = [
    path("systems/", systems.index, name="systems"),
    path("systems/<slug:slug>/", systems.show, name="system"),
    path("systems/<slug:slug>/contract/", systems.contract, name="contract"),
    path("systems/<slug:slug>/models/", models.show, name="models"),
    path("systems/<slug:slug>/policy/", policies.in_force, name="policy"),
    path("systems/<slug:slug>/policy/draft/", drafting.edit, name="policy-draft"),
    path("systems/<slug:slug>/policy/<int:number>/", policies.version, name="policy-version"),
    path("systems/<slug:slug>/trial/", trials.show, name="trial"),
    path("systems/<slug:slug>/halt/", halting.show, name="halt"),
    path("systems/<slug:slug>/proposals/", policies.proposals, name="proposals"),
    path("systems/<slug:slug>/proposals/<int:number>/", policies.proposal, name="proposal"),
    path("systems/<slug:slug>/proposals/<int:number>/flips/", policies.flips, name="flips"),
    path("systems/<slug:slug>/tuning/", tuning.show, name="tuning"),
    path("systems/<slug:slug>/tuning/table.csv", tuning.table, name="tuning-table"),
    path("systems/<slug:slug>/tuning/start/", tuning_start.start, name="tuning-start"),
    path("systems/<slug:slug>/tuning/propose/", tuning.propose, name="tuning-propose"),
    path("incidents/", incidents.index, name="incidents"),
    path("incidents/<uuid:id>/", incidents.show, name="incident"),
    path("evidence/", evidence.index, name="evidence"),
    path("evidence/<uuid:id>/", evidence.show, name="entry"),
    path("people/", people.index, name="people"),
    path("people/<uuid:id>/", people.show, name="person"),
    path("keys/", keys.index, name="keys"),
    path("keys/<uuid:id>/revoke/", keys.revoke, name="key-revoke"),
]
