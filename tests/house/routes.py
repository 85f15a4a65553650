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
)  # fmt: skip
