#!/usr/bin/env python3
"""The parts of gradient-boosting.sh that are not a training.

    gradient_boosting.py draw --trials N                models of `pimm compare`, settings drawn at random
    gradient_boosting.py finalists TUNING.json          the defaults and the best of the others by validation loss
    gradient_boosting.py choose TUNING.json OTHER.json… the better of the two over these splits, refitted, and the defaults refitted
    gradient_boosting.py report SPLITS RUN…       a run: its files begin with this path
"""
import json
import os
import random
import statistics
import sys

# Student's t with nine and other degrees of freedom comes from scipy, which scikit-learn brings.
from scipy import stats

MARGIN = -0.01
# Not 1, which a failure has too.
MISSED = 3


def draw(trials):
    chance = random.Random(7)
    # All validation rows choose, as they do for the peer.
    models = ["pimm:wholeValidation=true"]
    while len(models) < trials:
        towers, shares = chance.choice([("64/32", 2), ("128/64/32", 3), ("64/16", 2)])
        first, later = chance.choice([(0.1, 0.3), (0.3, 0.3), (0.5, 0.5), (0.1, 0.1), (0.3, 0.5)])
        settings = {
            "embedding": chance.choice([4, 8, 16]),
            "towers": towers,
            "dropout": "/".join(str(first if place == 0 else later) for place in range(shares)),
            "l2": f"{10 ** chance.uniform(-5, -2.5):.7f}",
            "lr": chance.choice([0.0005, 0.001, 0.002]),
            "batch": chance.choice([256, 512, 1024]),
            "wholeValidation": "true",
        }
        models.append("pimm:" + ":".join(f"{key}={value}" for key, value in settings.items()))
    return ",".join(models)


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def finalists(path):
    defaults, *others = read(path)["models"]
    return f"{defaults['model']},{min(others, key=lambda model: model['validationLossMean'])['model']}"


def choose(first, *others):
    drawn = {model["model"]: model for model in read(first)["models"]}
    second = [read(path)["models"] for path in others]
    runs = [[drawn[models[0]["model"]], *models] for models in zip(*second, strict=True)]
    gains = [a["validationLossMean"] - b["validationLossMean"] for a, b in zip(*runs, strict=True)]
    # Settings that were the best of many by luck are as good as the defaults: they replace them when the gain exceeds its error.
    better = statistics.mean(gains) > statistics.stdev(gains) / len(gains) ** 0.5
    defaults, other = (f"{models[0]['model']}:epochs={round(statistics.mean(one['bestEpochMean'] for one in models))}:refit=true" for models in runs)
    # The defaults beside it show what tuning was worth.
    return f"{other},{defaults}" if better else f"{defaults},shared-bottom"


def compare(run, splits):
    final, tuned = read(f"{run}.final.json"), read(f"{run}.peer.json")
    peers = [read(f"{run}.final.peer-{split:02d}.json") for split in range(1, splits + 1)]
    name = os.path.basename(run).split("-")[0]
    ratio = final["rows"]["test"] / (final["rows"]["train"] + final["rows"]["validation"] + final["rows"]["calibration"])
    for place, task in enumerate(final["tasks"]):
        ours, defaults = (model["tasks"][place]["auc"] for model in final["models"][:2])
        peer = [one["tasks"][place]["auc"] for one in peers]
        differences = [a - b for a, b in zip(ours, peer, strict=True)]
        mean, deviation = statistics.mean(differences), statistics.stdev(differences)
        # Nadeau and Bengio 2003.
        error = ((1 / splits + ratio) ** 0.5) * deviation
        half = stats.t.ppf(0.975, splits - 1) * error
        yield {
            "set": name, "task": task, "last": place == len(final["tasks"]) - 1, "pimm": final["models"][0]["model"],
            "auc": statistics.mean(ours), "otherModel": final["models"][1]["model"], "otherAuc": statistics.mean(defaults),
            "peer": statistics.mean(peer), "difference": mean, "standardError": error, "lower": mean - half, "upper": mean + half,
            "aucBySplit": ours, "peerBySplit": peer, "peerSettings": tuned["tasks"][place]["settings"],
        }


def report(splits, runs):
    rows = [row for run in runs for row in compare(run, splits)]
    line = "{:<18}{:<18}{:>8}{:>8}{:>9}{:>18}{:>10}"
    print(line.format("set", "task", "PIMM", "boosting", "differ.", "95 %, corrected", "other"), file=sys.stderr)
    for row in rows:
        print(line.format(
            row["set"], row["task"], f"{row['auc']:.4f}", f"{row['peer']:.4f}", f"{row['difference']:+.4f}",
            f"{row['lower']:+.4f} {row['upper']:+.4f}", f"{row['otherAuc']:.4f}"), file=sys.stderr)
    print(json.dumps({"bench": "gradient-boosting", "splits": splits, "peer": "scikit-learn HistGradientBoostingClassifier, one a task", "results": rows}, indent=2))
    return all(row["lower"] > MARGIN for row in rows if row["last"])


def main():
    verb, arguments = sys.argv[1], sys.argv[2:]
    if verb == "draw":
        print(draw(int(arguments[1])))
    elif verb == "finalists":
        print(finalists(arguments[0]))
    elif verb == "choose":
        print(choose(*arguments))
    else:
        sys.exit(0 if report(int(arguments[0]), arguments[1:]) else MISSED)


if __name__ == "__main__":
    main()
