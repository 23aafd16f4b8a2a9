#!/usr/bin/env python3
"""HistGradientBoosting, one model a task, on the very rows that Pimm splits: what a practitioner would pick instead.

    gradient_boosting.py tune DIR… [--trials 20] [--seed 1]
    gradient_boosting.py fit DIR CHOSEN.json

DIR holds train.csv, validation.csv, test.csv and columns.json as `pimm train --write-splits DIR` writes them. `tune` draws settings,
fits each on the training rows of the first DIR with the number of iterations chosen on its validation rows, fits the two best on
the other DIRs as well (their fits are trials too), and prints per task the better by mean validation log loss, with the mean number
of iterations: {"tasks": [{"name", "settings", "iterations", "validationLogLoss"}], "trials"}. `fit` refits them on training and validation rows
together and prints {"tasks": [{"name", "auc", "logLoss"}]} with metrics on test. Needs python3-sklearn and python3-pandas.
"""
import argparse
import json
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.preprocessing import OrdinalEncoder

MISSING_NUMBERS = {"", "na", "n/a", "nan", "null", "none", "?", "-"}
MOST_CATEGORIES = 254
MOST_ITERATIONS = 500


def read(folder):
    with open(os.path.join(folder, "columns.json"), encoding="utf-8") as file:
        columns = json.load(file)
    parts = {name: pd.read_csv(os.path.join(folder, name + ".csv"), dtype=str, keep_default_na=False)
             for name in ("train", "validation", "test")}
    return columns, parts


def numbers(column):
    known = column.where(~column.str.strip().str.lower().isin(MISSING_NUMBERS))
    return pd.to_numeric(known, errors="coerce").to_numpy(dtype=float)


class Encoder:
    """Fitted on training rows: numbers as they are, categories as codes that the booster treats as categories."""

    def __init__(self, rows, columns):
        self.numeric, self.categorical = columns["numeric"], columns["categorical"]
        self.codes = None
        if self.categorical:
            self.codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, dtype=float).fit(
                self.frequent(rows[self.categorical], rows))

    def frequent(self, values, rows):
        """The booster takes up to 255 categories: rare ones of a wide column become one."""
        if not hasattr(self, "kept"):
            self.kept = {name: set(rows[name].value_counts().index[:MOST_CATEGORIES - 1]) for name in self.categorical}
        return pd.DataFrame({name: values[name].where(values[name].isin(self.kept[name]), "(rare)") for name in self.categorical})

    def encode(self, rows):
        parts = []
        if self.categorical:
            parts.append(self.codes.transform(self.frequent(rows[self.categorical], rows)))
        parts.extend(numbers(rows[name])[:, None] for name in self.numeric)
        return np.hstack(parts)

    def most_categories(self):
        return max((len(known) for known in self.codes.categories_), default=2) if self.categorical else 2

    def categories(self):
        return [place < len(self.categorical) for place in range(len(self.categorical) + len(self.numeric))]


def draw(random):
    return {
        "learning_rate": float(10 ** random.uniform(-2.0, -0.7)),
        "max_leaf_nodes": int(random.choice([4, 8, 16, 31, 63])),
        "min_samples_leaf": int(random.choice([10, 20, 50, 100, 200])),
        "l2_regularization": float(10 ** random.uniform(-3, 1.5)),
        "max_bins": int(random.choice([32, 64, 128, 255])),
    }


def model_of(settings, iterations, encoder):
    # A category needs a bin of its own, whatever number of bins was drawn for the numbers.
    bins = max(settings["max_bins"], encoder.most_categories())
    return HistGradientBoostingClassifier(
        max_iter=iterations, early_stopping=False, categorical_features=encoder.categories(), random_state=1, **{**settings, "max_bins": bins})


def labels(rows, task):
    return rows[task].astype(float).to_numpy().astype(int)


def best_iterations(model, features, target):
    """The number of trees with the smallest validation log loss."""
    losses = [log_loss(target, p[:, 1], labels=[0, 1]) for p in model.staged_predict_proba(features)]
    best = int(np.argmin(losses))
    return best + 1, losses[best]


class TuningSplit:
    def __init__(self, folder):
        self.columns, self.parts = read(folder)
        self.encoder = Encoder(self.parts["train"], self.columns)
        self.train, self.validation = self.encoder.encode(self.parts["train"]), self.encoder.encode(self.parts["validation"])

    def trial(self, task, settings):
        """Iterations and validation log loss."""
        model = model_of(settings, MOST_ITERATIONS, self.encoder).fit(self.train, labels(self.parts["train"], task))
        return best_iterations(model, self.validation, labels(self.parts["validation"], task))


def tune(folders, trials, seed):
    first, *others = [TuningSplit(folder) for folder in folders]
    results = []
    for task in first.columns["tasks"]:
        random = np.random.default_rng(seed)
        drawn = [draw(random) for _ in range(trials - 2 * len(others))]
        tried = sorted(((first.trial(task, settings), settings) for settings in drawn), key=lambda one: one[0][1])
        best = None
        for found, settings in tried[:2]:
            iterations, losses = zip(found, *(other.trial(task, settings) for other in others))
            if best is None or np.mean(losses) < best["validationLogLoss"]:
                best = {"name": task, "settings": settings, "iterations": round(float(np.mean(iterations))), "validationLogLoss": float(np.mean(losses))}
        results.append(best)
    return {"tasks": results, "trials": trials}


def fit(folder, chosen):
    columns, parts = read(folder)
    known = pd.concat([parts["train"], parts["validation"]], ignore_index=True)
    encoder = Encoder(known, columns)
    train, test = encoder.encode(known), encoder.encode(parts["test"])
    results = []
    for task in chosen["tasks"]:
        model = model_of(task["settings"], task["iterations"], encoder).fit(train, labels(known, task["name"]))
        predicted, target = model.predict_proba(test)[:, 1], labels(parts["test"], task["name"])
        results.append({"name": task["name"], "auc": roc_auc_score(target, predicted), "logLoss": log_loss(target, predicted, labels=[0, 1])})
    return {"tasks": results}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = arguments.add_subparsers(dest="verb", required=True)
    tuning = verbs.add_parser("tune")
    tuning.add_argument("folders", nargs="+")
    tuning.add_argument("--trials", type=int, default=20)
    tuning.add_argument("--seed", type=int, default=1)
    fitting = verbs.add_parser("fit")
    fitting.add_argument("folder")
    fitting.add_argument("chosen")
    options = arguments.parse_args()
    if options.verb == "tune":
        print(json.dumps(tune(options.folders, options.trials, options.seed)))
    else:
        with open(options.chosen, encoding="utf-8") as file:
            print(json.dumps(fit(options.folder, json.load(file))))


if __name__ == "__main__":
    main()
