"""Two models, really trained and really wrong sometimes, and what they say of data they have not seen.

Both train on a seeded part of a data set that scikit-learn carries; every output is for the part held out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

SEED = 7
DIGITS_TRAINED_ON = 250
BIOPSIES_TRAINED_ON = 285


@dataclass(frozen=True, slots=True)
class Case:
    """An output as its producer sends it, and the answer that the data set says is true."""

    body: dict[str, Any]
    truth: dict[str, Any]


def digits() -> Iterator[Case]:
    """Held-out handwritten digits, five to a form, read by a kernel logistic regression."""
    pixels, truths = load_digits(return_X_y=True)
    seen, unseen, seen_truths, unseen_truths = train_test_split(
        pixels, truths, train_size=DIGITS_TRAINED_ON, random_state=SEED, stratify=truths
    )
    kernel = Nystroem(gamma=0.05, n_components=200, random_state=SEED)
    model = make_pipeline(MinMaxScaler(), kernel, LogisticRegression(C=30, max_iter=3000)).fit(seen, seen_truths)
    chances = model.predict_proba(unseen)
    for number, (scan, truth, chance) in enumerate(zip(unseen, unseen_truths, chances, strict=True)):
        best, *others = (int(k) for k in np.argsort(-chance))
        form, box = divmod(number, 5)
        yield Case(
            body={
                "external_id": f"form-{form + 1:04d}-box-{box + 1}",
                "input": {"scan": scan.astype(int).reshape(8, 8).tolist(), "form": form + 1, "box": box + 1},
                "output": {"digit": best},
                "confidence": float(chance[best]),
                "model": "digit-klr",
                "model_version": "2.4",
                "alternatives": [{"output": {"digit": k}, "confidence": float(chance[k])} for k in others[:3]],
                "attributes": {"channel": "scanner-2" if form % 3 else "scanner-1"},
            },
            truth={"digit": int(truth)},
        )


def measurement(name: str) -> str:
    """The key under which a measurement of the data set travels: `mean concave points` → `concave_points`."""
    return name.removeprefix("mean ").replace(" ", "_")


def biopsies() -> Iterator[Case]:
    """Held-out fine-needle biopsies, ten measurements each, read by a logistic regression that explains itself."""
    data = load_breast_cancer()
    values, names = data.data[:, :10], [measurement(name) for name in data.feature_names[:10]]
    seen, unseen, seen_truths, unseen_truths = train_test_split(
        values, data.target, train_size=BIOPSIES_TRAINED_ON, random_state=SEED, stratify=data.target
    )
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(seen, seen_truths)
    scaled = model[:-1].transform(unseen)
    # With standardised measurements, weight × value is what each one adds to the log-odds of "benign".
    added = scaled * model[-1].coef_[0]
    for number, (row, truth, chance, parts) in enumerate(
        zip(unseen, unseen_truths, model.predict_proba(unseen), added, strict=True)
    ):
        best = int(chance.argmax())
        yield Case(
            body={
                "external_id": f"biopsy-{number + 1:04d}",
                "input": {"measurements": {n: round(float(v), 6) for n, v in zip(names, row, strict=True)}},
                "output": {"diagnosis": str(data.target_names[best])},
                "confidence": float(chance[best]),
                "model": "triage-lr",
                "model_version": "1.2",
                "alternatives": [
                    {"output": {"diagnosis": str(data.target_names[1 - best])}, "confidence": float(chance[1 - best])}
                ],
                "explanation": _explained(names, parts if best else -parts),
                "attributes": {"clinic": ("north", "south", "harbour")[number % 3]},
            },
            truth={"diagnosis": str(data.target_names[truth])},
        )


def _explained(names: list[str], parts: np.ndarray) -> str:
    """The three largest contributions to the answer, in words."""
    strongest = np.argsort(-np.abs(parts))[:3]
    said = [f"{names[k].replace('_', ' ')} {'for' if parts[k] > 0 else 'against'} ({parts[k]:+.1f})" for k in strongest]
    return f"Largest contributions to the log-odds of this answer: {', '.join(said)}."


def ranges() -> dict[str, list[float]]:
    """Lowest, first quartile, median, third quartile and highest value of each measurement in the training part."""
    data = load_breast_cancer()
    seen, *_ = train_test_split(
        data.data[:, :10], data.target, train_size=BIOPSIES_TRAINED_ON, random_state=SEED, stratify=data.target
    )
    cuts = np.quantile(seen, [0, 0.25, 0.5, 0.75, 1], axis=0).T
    names = [measurement(name) for name in data.feature_names[:10]]
    return {name: [float(f"{value:.4g}") for value in row] for name, row in zip(names, cuts, strict=True)}
