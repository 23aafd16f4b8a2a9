#!/usr/bin/env python3
"""Logistic regression on the very rows that Pimm trained on.

    logistic_regression.py DIR [--tasks y1,y2] [--truth p1,p2]

DIR holds train.csv, validation.csv, test.csv and columns.json as `pimm train --write-splits DIR` writes them.
One model a task: categories one-hot (frequent in training rows), numbers standardised with a missing indicator,
C chosen by validation log loss. Prints {"peer", "tasks": [{"name", "auc", "logLoss", "c"}]} with metrics on test;
auc is null where the test rows have one class. With columns of true probabilities, one a task, also "expectedAuc": the AUC expected
over labels drawn from them. Needs python3-sklearn and python3-pandas.
"""
import argparse
import json
import os

# One model at a time on small matrices: more threads only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.preprocessing import OneHotEncoder

REGULARISATION = [0.001, 0.01, 0.1, 1.0, 10.0]
MISSING_NUMBERS = {"", "na", "n/a", "nan", "null", "none", "?", "-"}


def numbers(column):
    known = column.where(~column.str.strip().str.lower().isin(MISSING_NUMBERS))
    return pd.to_numeric(known, errors="coerce")


class Encoder:
    """Fitted on training rows: one-hot categories, standardised numbers, an indicator where numbers are missing."""

    def __init__(self, train, numeric, categorical):
        self.numeric, self.categorical = numeric, categorical
        values = train[numeric].apply(numbers) if numeric else None
        self.mean = values.mean() if numeric else None
        self.deviation = values.std().replace(0, 1).fillna(1) if numeric else None
        self.one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5).fit(train[categorical]) if categorical else None

    def encode(self, rows):
        parts = []
        if self.categorical:
            parts.append(self.one_hot.transform(rows[self.categorical]))
        if self.numeric:
            values = rows[self.numeric].apply(numbers)
            parts.append(sparse.csr_matrix(((values - self.mean) / self.deviation).fillna(0).to_numpy()))
            parts.append(sparse.csr_matrix(values.isna().to_numpy(dtype=float)))
        return sparse.hstack(parts).tocsr()


def expected_auc(probabilities, scores):
    """Sum of p_i (1 - p_j) over pairs that the scores put in order, ties counted half, over the sum of all pairs."""
    order = np.argsort(scores, kind="stable")
    p, s = probabilities[order], scores[order]
    ends = np.flatnonzero(np.append(s[1:] != s[:-1], True))
    positive = np.diff(np.concatenate([[0], np.cumsum(p)[ends]]))
    negative = np.diff(np.concatenate([[0], np.cumsum(1 - p)[ends]]))
    below = np.concatenate([[0], np.cumsum(negative)[:-1]])
    return float(np.sum(positive * (below + negative / 2)) / (positive.sum() * negative.sum()))


def best_model(train, validation, train_labels, validation_labels):
    best = None
    # Newton's steps are exact and quick while the Hessian is small.
    solver = "newton-cholesky" if train.shape[1] <= 1000 else "lbfgs"
    for c in REGULARISATION:
        model = LogisticRegression(C=c, solver=solver, max_iter=2000).fit(train, train_labels)
        loss = log_loss(validation_labels, model.predict_proba(validation)[:, 1], labels=[0, 1])
        if best is None or loss < best[0]:
            best = (loss, c, model)
    return best[1], best[2]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder")
    arguments.add_argument("--tasks", help="label columns, default those of columns.json")
    arguments.add_argument("--truth", help="columns of the tasks' true probabilities")
    options = arguments.parse_args()

    with open(os.path.join(options.folder, "columns.json"), encoding="utf-8") as file:
        columns = json.load(file)
    tasks = options.tasks.split(",") if options.tasks else columns["tasks"]
    parts = [
        pd.read_csv(os.path.join(options.folder, name + ".csv"), dtype=str, keep_default_na=False)
        for name in ("train", "validation", "test")
    ]
    encoder = Encoder(parts[0], columns["numeric"], columns["categorical"])
    train, validation, test = (encoder.encode(part) for part in parts)

    truth = options.truth.split(",") if options.truth else [None] * len(tasks)
    results = []
    for task, known in zip(tasks, truth):
        train_labels, validation_labels, test_labels = (part[task].astype(float).to_numpy().astype(int) for part in parts)
        c, model = best_model(train, validation, train_labels, validation_labels)
        predicted = model.predict_proba(test)[:, 1]
        both = len(np.unique(test_labels)) == 2
        results.append({
            "name": task,
            "auc": roc_auc_score(test_labels, predicted) if both else None,
            "logLoss": log_loss(test_labels, predicted, labels=[0, 1]),
            "c": c,
            "expectedAuc": expected_auc(parts[2][known].astype(float).to_numpy(), predicted) if known else None,
        })
    print(json.dumps({"peer": "scikit-learn logistic regression", "tasks": results}))


if __name__ == "__main__":
    main()
