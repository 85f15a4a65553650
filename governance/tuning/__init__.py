"""Choosing a threshold with a guarantee, and watching it: pure arithmetic on counts, no framework and no tables.

Import the room: `from governance import tuning`, then `tuning.certify(...)`.
"""

from governance.tuning.bounds import (
    Corrected,
    audits_for_power,
    audits_needed,
    clopper_pearson_lower,
    clopper_pearson_upper,
    correct_for_sensitivity,
    e_value,
    most_wrong,
    spent_at_look,
)
from governance.tuning.certify import Band, Certificate, Counts, State, Step, certify
from governance.tuning.costs import (
    Prices,
    Traffic,
    daily_cost,
    pays_to_release,
    reviewers_missing,
    reviewers_needed,
    reviews_per_day,
)
from governance.tuning.curve import Point, bands_from, curve, thin
from governance.tuning.detector import Detector, SinceActivation
from governance.tuning.strata import estimate, gamma_upper_bound, p_value, upper_bound

__all__ = [
    "Band",
    "Certificate",
    "Corrected",
    "Counts",
    "Detector",
    "Point",
    "Prices",
    "SinceActivation",
    "State",
    "Step",
    "Traffic",
    "audits_for_power",
    "audits_needed",
    "bands_from",
    "certify",
    "clopper_pearson_lower",
    "clopper_pearson_upper",
    "correct_for_sensitivity",
    "curve",
    "daily_cost",
    "e_value",
    "estimate",
    "gamma_upper_bound",
    "most_wrong",
    "p_value",
    "pays_to_release",
    "reviewers_missing",
    "reviewers_needed",
    "reviews_per_day",
    "spent_at_look",
    "thin",
    "upper_bound",
]
