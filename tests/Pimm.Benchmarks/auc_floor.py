#!/usr/bin/env python3
"""Compares what auc-floor.sh left in a folder: a table on stderr, JSON on stdout, exit code 1 where a task is below the floor.

    auc_floor.py FOLDER SEEDS SET [SET ...]
"""
import json
import os
import statistics
import sys

# How far a task may be below the peer: the larger of this and one standard error of the mean difference over seeds.
TOLERANCE = 0.01


def read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


def compare(folder, name, seeds):
    ours = [read(folder, f"{name}-{seed}.ours.json") for seed in seeds]
    peers = [read(folder, f"{name}-{seed}.peer.json") for seed in seeds]
    for place, task in enumerate(ours[0]["tasks"]):
        auc = [one["tasks"][place]["auc"] for one in ours]
        peer = [next(t["auc"] for t in one["tasks"] if t["name"] == task["name"]) for one in peers]
        differences = [a - b for a, b in zip(auc, peer)]
        error = statistics.stdev(differences) / len(differences) ** 0.5 if len(differences) > 1 else None
        difference = statistics.mean(differences)
        yield {
            "set": name,
            "task": task["name"],
            "auc": statistics.mean(auc),
            "peer": statistics.mean(peer),
            "difference": difference,
            "standardError": error,
            "holds": difference >= -max(TOLERANCE, error or 0),
            "aucBySeed": auc,
            "peerBySeed": peer,
            "calibration": statistics.mean(one["tasks"][place]["calibration"] for one in ours),
            "samplesPerSecond": statistics.mean(one["samplesPerSecond"] for one in ours),
        }


def main():
    folder, seeds, names = sys.argv[1], range(1, int(sys.argv[2]) + 1), sys.argv[3:]
    results = [row for name in names for row in compare(folder, name, seeds)]
    line = "{:<18}{:<18}{:>8}{:>8}{:>9}{:>8}{:>8}{:>8}"
    print(line.format("set", "task", "AUC", "peer", "differ.", "s.e.", "pred/obs", "holds"), file=sys.stderr)
    for row in results:
        error = "" if row["standardError"] is None else f"{row['standardError']:.4f}"
        print(line.format(
            row["set"], row["task"], f"{row['auc']:.4f}", f"{row['peer']:.4f}", f"{row['difference']:+.4f}", error,
            f"{row['calibration']:.3f}", "yes" if row["holds"] else "NO"), file=sys.stderr)
    print(json.dumps({"bench": "auc-floor", "seeds": len(seeds), "peer": "scikit-learn logistic regression", "results": results}, indent=2))
    sys.exit(0 if all(row["holds"] for row in results) else 1)


if __name__ == "__main__":
    main()
