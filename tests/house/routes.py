# ruff: noqa: E501
"""Every route of the product and who gets what there: one line a route and method. A route that is not here fails the
build.

The columns are the status for: nobody signed in, somebody without a role, reviewer, lead, owner, approver, auditor,
engineer, admin. Each role holds in every system; the person has just signed in with her browser. `sample` names the
function of `samples.py` that gives the address its arguments; `body` is what a POST sends.
"""

from typing import Any, NamedTuple

WHO = ("anonymous", "nobody", "reviewer", "lead", "owner", "approver", "auditor", "engineer", "admin")


class Route(NamedTuple):
    method: str
    pattern: str
    sample: str
    expected: str
    body: Any = None


ROUTES = (
    # the house itself
    Route("GET", "healthz", "none", "200 200 200 200 200 200 200 200 200"),
    Route("GET", "metrics", "none", "200 200 200 200 200 200 200 200 200"),
    Route("GET", "favicon.ico", "none", "302 302 302 302 302 302 302 302 302"),
    Route("GET", "account/login/", "none", "200 302 302 302 302 302 302 302 302"),
    Route("GET", "account/logout/", "none", "302 200 200 200 200 200 200 200 200"),
    Route("GET", "account/inactive/", "none", "200 200 200 200 200 200 200 200 200"),
    Route("GET", "account/signup/", "none", "200 302 302 302 302 302 302 302 302"),
    Route("GET", "account/reauthenticate/", "none", "302 200 200 200 200 200 200 200 200"),
    Route("GET", "account/password/change/", "none", "302 200 200 200 200 200 200 200 200"),
    # systems and their policies
    Route("GET", "systems/", "none", "302 404 200 200 200 200 200 200 200"),
    Route("GET", "systems/<slug:slug>/", "system", "302 404 200 200 200 200 200 200 200"),
    Route("GET", "systems/<slug:slug>/contract/", "system", "302 404 200 200 200 200 200 200 200"),
    Route("GET", "systems/<slug:slug>/policy/", "system", "302 404 200 200 200 200 200 200 200"),
    Route("POST", "systems/<slug:slug>/policy/", "two_policies", "302 404 403 302 302 302 403 403 403"),
    Route("GET", "systems/<slug:slug>/policy/<int:number>/", "version", "302 404 200 200 200 200 200 200 200"),
    Route("GET", "systems/<slug:slug>/proposals/", "system", "302 404 200 200 200 200 200 200 200"),
    Route("GET", "systems/<slug:slug>/proposals/<int:number>/", "proposal", "302 404 200 200 200 200 200 200 200"),
    Route("POST", "systems/<slug:slug>/proposals/<int:number>/", "proposal", "302 404 403 403 403 302 403 403 403", "signed"),
    Route("GET", "systems/<slug:slug>/halt/", "system", "302 404 200 200 200 200 200 200 200"),
    Route("POST", "systems/<slug:slug>/halt/", "system", "302 404 403 302 302 302 403 302 302", "halt"),
    # people and keys
    Route("GET", "people/", "none", "302 404 404 404 404 404 404 404 200"),
    Route("POST", "people/", "none", "302 404 404 404 404 404 404 404 201", "person"),
    Route("GET", "people/<uuid:id>/", "person", "302 404 404 404 404 404 404 404 200"),
    Route("POST", "people/<uuid:id>/", "person", "302 404 404 404 404 404 404 404 302", "role"),
    Route("GET", "keys/", "none", "302 404 404 404 404 404 404 200 200"),
    Route("POST", "keys/", "system_unnamed", "302 404 404 404 404 404 404 201 201", "key"),
    Route("GET", "keys/<uuid:id>/revoke/", "key", "302 404 404 404 404 404 404 200 200"),
    Route("POST", "keys/<uuid:id>/revoke/", "key", "302 404 404 404 404 404 404 302 302"),
    # the API's governance side
    Route("GET", "api/v1/openapi.json", "none", "200 200 200 200 200 200 200 200 200"),
    Route("GET", "api/v1/docs/", "none", "200 200 200 200 200 200 200 200 200"),
    Route("GET", "api/v1/systems/", "none", "401 200 200 200 200 200 200 200 200"),
    Route("GET", "api/v1/systems/<slug:slug>/", "system", "401 404 200 200 200 200 200 200 200"),
    Route("GET", "api/v1/systems/<slug:slug>/policies/", "system", "401 404 200 200 200 200 200 200 200"),
    Route("POST", "api/v1/systems/<slug:slug>/policies/", "system", "401 404 403 403 201 403 403 403 403", "policy"),
    Route("GET", "api/v1/systems/<slug:slug>/policies/<int:number>/", "version", "401 404 200 200 200 200 200 200 200"),
    Route("POST", "api/v1/systems/<slug:slug>/policies/<int:number>/approve/", "proposal", "401 404 403 403 403 200 403 403 403", "signature"),
    Route("POST", "api/v1/systems/<slug:slug>/policies/<int:number>/decline/", "proposal", "401 404 403 403 200 200 403 403 403", "signature"),
    Route("POST", "api/v1/systems/<slug:slug>/policies/<int:number>/activate/", "approved", "401 404 403 403 200 200 403 403 403", "nothing"),
    Route("POST", "api/v1/systems/<slug:slug>/policies/<int:number>/rollback/", "two_policies_numbered", "401 404 403 200 200 200 403 403 403", "nothing"),
    # the log; heads and hashes are open to everybody who watches it
    Route("GET", "api/v1/evidence/checkpoint", "sealed", "200 200 200 200 200 200 200 200 200"),
    Route("GET", "api/v1/evidence/tile/<int:level>/<path:at>", "sealed_tile", "200 200 200 200 200 200 200 200 200"),
    Route("GET", "api/v1/evidence/tile/entries/<path:at>", "sealed_bundle", "401 404 404 404 200 200 200 404 200"),
    Route("GET", "api/v1/evidence/entries/", "system_unnamed", "401 200 200 200 200 200 200 200 200"),
    Route("GET", "api/v1/evidence/entries/<uuid:id>/", "entry", "401 404 404 404 200 200 200 404 200"),
    Route("POST", "api/v1/systems/<slug:slug>/halt/", "system", "401 404 403 201 201 201 403 201 201", "stop"),
    Route("POST", "api/v1/systems/<slug:slug>/lift/", "halted", "401 404 403 403 403 200 403 403 403", "nothing"),
    # outputs, reviews and decisions; the item in hand is Alice's, the reviewer
    Route("GET", "api/v1/systems/<slug:slug>/tuning/", "system", "401 404 403 200 200 200 200 403 403"),
    Route("POST", "api/v1/outputs/", "system_unnamed", "401 403 403 403 403 403 403 403 403", "output"),
    Route("GET", "api/v1/outputs/", "system_unnamed", "401 200 200 200 200 200 200 200 200"),
    Route("POST", "api/v1/outputs/batch/", "system_unnamed", "401 403 403 403 403 403 403 403 403", "output"),
    Route("GET", "api/v1/outputs/<uuid:id>/", "output", "401 404 200 200 200 200 200 200 404"),
    Route("GET", "api/v1/outputs/<uuid:id>/trace/", "output", "401 404 200 200 200 200 200 200 404"),
    Route("POST", "api/v1/reviews/next/", "waiting_unnamed", "401 403 200 200 403 403 403 403 403", "nothing"),
    Route("POST", "api/v1/reviews/<uuid:id>/claim/", "waiting", "401 403 200 200 403 403 403 403 403", "nothing"),
    Route("POST", "api/v1/reviews/<uuid:id>/renew/", "in_hand", "401 403 200 409 403 403 403 403 403", "claim"),
    Route("POST", "api/v1/reviews/<uuid:id>/release/", "in_hand", "401 403 204 409 403 403 403 403 403", "claim"),
    Route("POST", "api/v1/reviews/<uuid:id>/skip/", "in_hand", "401 403 204 409 403 403 403 403 403", "skip"),
    Route("POST", "api/v1/reviews/<uuid:id>/escalate/", "in_hand", "401 403 204 409 403 403 403 403 403", "skip"),
    Route("POST", "api/v1/reviews/<uuid:id>/hold/", "in_hand", "401 403 204 409 403 403 403 403 403", "hold"),
    Route("POST", "api/v1/reviews/<uuid:id>/decide/", "in_hand", "401 403 200 409 403 403 403 403 403", "decision"),
    Route("GET", "api/v1/decisions/", "system_unnamed", "401 403 200 200 200 200 200 403 200"),
    Route("POST", "api/v1/decisions/<uuid:id>/undo/", "decision", "401 403 200 403 403 403 403 403 403", "nothing"),
    Route("POST", "api/v1/decisions/<uuid:id>/supersede/", "final_decision", "401 403 201 201 403 403 403 403 403", "reject"),
    Route("GET", "api/v1/webhooks/", "system_unnamed", "401 200 200 200 200 200 200 200 200"),
    Route("POST", "api/v1/webhooks/", "system_unnamed", "401 404 403 403 403 403 403 201 201", "webhook"),
    Route("GET", "api/v1/webhooks/<uuid:id>/", "endpoint", "401 404 404 404 404 404 404 200 200"),
    Route("PATCH", "api/v1/webhooks/<uuid:id>/", "endpoint", "401 404 404 404 404 404 404 200 200", "events"),
    Route("DELETE", "api/v1/webhooks/<uuid:id>/", "endpoint", "401 404 404 404 404 404 404 204 204"),
    Route("POST", "api/v1/webhooks/<uuid:id>/test/", "endpoint", "401 404 404 404 404 404 404 202 202", "nothing"),
    Route("POST", "api/v1/webhooks/<uuid:id>/rotate/", "endpoint", "401 404 404 404 404 404 404 200 200", "nothing"),
    Route("POST", "api/v1/webhooks/<uuid:id>/replay/", "endpoint", "401 404 404 404 404 404 404 409 409", "nothing"),
    # webhooks
    Route("GET", "webhooks/", "none", "302 404 404 404 404 404 404 200 200"),
    Route("POST", "webhooks/", "system_unnamed", "302 404 404 404 404 404 404 201 201", "webhook"),
    Route("GET", "webhooks/<uuid:id>/test/", "endpoint", "302 404 404 404 404 404 404 302 302"),
    Route("GET", "webhooks/<uuid:id>/replay/", "endpoint", "302 404 404 404 404 404 404 302 302"),
    Route("GET", "webhooks/<uuid:id>/switch/", "endpoint", "302 404 404 404 404 404 404 302 302"),
    Route("GET", "webhooks/<uuid:id>/rotate/", "endpoint", "302 404 404 404 404 404 404 200 200"),
    Route("GET", "webhooks/<uuid:id>/remove/", "endpoint", "302 404 404 404 404 404 404 200 200"),
    Route("POST", "webhooks/<uuid:id>/test/", "endpoint", "302 404 404 404 404 404 404 302 302"),
    Route("POST", "webhooks/<uuid:id>/replay/", "endpoint", "302 404 404 404 404 404 404 409 409"),
    Route("POST", "webhooks/<uuid:id>/switch/", "endpoint", "302 404 404 404 404 404 404 302 302"),
    Route("POST", "webhooks/<uuid:id>/rotate/", "endpoint", "302 404 404 404 404 404 404 200 200"),
    Route("POST", "webhooks/<uuid:id>/remove/", "endpoint", "302 404 404 404 404 404 404 302 302"),
    Route("POST", "webhooks/<uuid:id>/replay/<uuid:delivery>/", "delivery", "302 404 404 404 404 404 404 409 409"),
    Route("GET", "webhooks/<uuid:id>/replay/<uuid:delivery>/", "delivery", "302 404 404 404 404 404 404 302 302"),
    # pages of tuning, history, the queue and the workbench
    Route("GET", "systems/<slug:slug>/tuning/", "system", "302 404 403 200 200 200 200 403 403"),
    Route("GET", "systems/<slug:slug>/tuning/table.csv", "system", "302 404 403 200 200 200 200 403 403"),
    Route("GET", "systems/<slug:slug>/tuning/propose/", "system", "302 404 403 403 200 403 403 403 403"),
    Route("POST", "systems/<slug:slug>/tuning/propose/", "system", "302 404 403 403 409 403 403 403 403"),
    Route("GET", "", "none", "302 200 200 200 200 200 200 200 200"),
    Route("GET", "history/", "system_unnamed", "302 404 200 200 200 200 200 404 200"),
    Route("GET", "history/sums/", "system_unnamed", "302 404 200 200 200 200 200 404 200"),
    Route("GET", "history/export.csv", "system_unnamed", "302 404 200 200 200 200 200 404 200"),
    Route("GET", "outputs/<uuid:id>/", "output", "302 404 200 200 200 200 200 200 404"),
    Route("GET", "queue/", "waiting_unnamed", "302 404 200 200 200 404 404 404 404"),
    Route("GET", "queue/hours/", "none", "302 404 200 200 404 404 404 404 404"),
    Route("POST", "queue/hours/", "none", "302 404 302 302 404 404 404 404 404", "pause"),
    Route("GET", "queue/<uuid:id>/", "led_queue", "302 404 403 200 403 404 404 404 404"),
    Route("POST", "queue/<uuid:id>/", "led_queue", "302 404 403 302 403 404 404 404 404", "pause"),
    Route("GET", "review/<uuid:id>/who/", "waiting", "302 404 403 200 403 404 404 404 404"),
    Route("POST", "review/<uuid:id>/who/", "waiting", "302 404 403 302 403 404 404 404 404", "give"),
    Route("GET", "queue/next/", "waiting_unnamed", "302 404 302 302 404 404 404 404 404"),
    Route("POST", "queue/next/", "waiting_unnamed", "302 404 302 302 404 404 404 404 404"),
    Route("GET", "queue/keys/", "none", "302 404 200 200 404 404 404 404 404"),
    Route("POST", "queue/keys/", "none", "302 404 422 422 404 404 404 404 404"),
    Route("GET", "queue/summary/", "waiting_unnamed", "302 404 200 200 404 404 404 404 404"),
    Route("GET", "review/ahead/", "waiting_unnamed", "302 404 302 302 404 404 404 404 404"),
    Route("POST", "review/ahead/", "waiting_unnamed", "302 404 200 200 404 404 404 404 404"),
    Route("GET", "review/<uuid:id>/", "waiting", "302 404 200 200 404 404 404 404 404"),
    Route("GET", "review/<uuid:id>/", "in_hand", "302 404 200 200 404 404 404 404 404"),
    Route("GET", "review/<uuid:id>/take/", "waiting", "302 404 302 302 404 404 404 404 404"),
    Route("POST", "review/<uuid:id>/take/", "waiting", "302 404 302 302 404 404 404 404 404"),
    Route("GET", "review/<uuid:id>/decide/", "in_hand", "302 404 302 302 404 404 404 404 404"),
    Route("GET", "review/<uuid:id>/renew/", "in_hand", "302 404 302 302 404 404 404 404 404"),
    Route("GET", "review/<uuid:id>/release/", "in_hand", "302 404 302 302 404 404 404 404 404"),
    Route("GET", "review/<uuid:id>/skip/", "in_hand", "302 404 302 302 404 404 404 404 404"),
    Route("GET", "review/<uuid:id>/hold/", "in_hand", "302 404 302 302 404 404 404 404 404"),
    Route("GET", "review/<uuid:id>/escalate/", "in_hand", "302 404 302 302 404 404 404 404 404"),
    Route("GET", "review/decisions/<uuid:decision>/undo/", "decision_named", "302 404 302 302 404 404 404 404 404"),
    Route("POST", "review/decisions/<uuid:decision>/undo/", "decision_named", "302 404 302 403 404 404 404 404 404"),
    Route("GET", "decisions/<uuid:id>/correct/", "final_decision", "302 404 200 200 404 404 404 404 404"),
    Route("POST", "decisions/<uuid:id>/correct/", "final_decision", "302 404 302 302 404 404 404 404 404", "reject"),
    Route("POST", "review/<uuid:id>/decide/", "in_hand", "302 404 302 409 404 404 404 404 404", "in_hand"),
    Route("POST", "review/<uuid:id>/renew/", "in_hand", "302 404 302 409 404 404 404 404 404", "in_hand"),
    Route("POST", "review/<uuid:id>/release/", "in_hand", "302 404 302 409 404 404 404 404 404", "in_hand"),
    Route("POST", "review/<uuid:id>/skip/", "in_hand", "302 404 302 409 404 404 404 404 404", "in_hand"),
    Route("POST", "review/<uuid:id>/hold/", "in_hand", "302 404 302 409 404 404 404 404 404", "in_hand"),
    Route("POST", "review/<uuid:id>/escalate/", "in_hand", "302 404 302 409 404 404 404 404 404", "in_hand"),
    # incidents, and the truth that comes later
    Route("POST", "api/v1/outcomes/", "system_unnamed", "401 403 403 403 403 403 403 403 403", "outcome"),
    Route("GET", "incidents/", "system_unnamed", "302 404 404 200 200 200 200 200 404"),
    Route("POST", "incidents/", "system_unnamed", "302 404 404 302 302 302 302 302 404", "incident"),
    Route("GET", "incidents/<uuid:id>/", "incident", "302 404 404 200 200 200 200 200 404"),
    Route("POST", "incidents/<uuid:id>/", "incident", "302 404 404 302 302 403 403 403 404", "containment"),
    # the log
    Route("GET", "evidence/", "system_unnamed", "302 404 404 404 200 200 200 404 200"),
    Route("GET", "evidence/<uuid:id>/", "entry", "302 404 404 404 200 200 200 404 200"),
)  # fmt: skip
