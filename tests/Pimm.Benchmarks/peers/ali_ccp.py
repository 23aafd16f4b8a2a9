#!/usr/bin/env python3
"""Joins and encodes a training file of Ali-CCP the plain way: one split a line, dictionaries, two passes. Prints JSON.

    ali_ccp.py SKELETON COMMON OUT
"""
import json
import resource
import sys
import time

FIELDS = ["101", "121", "122", "124", "125", "126", "127", "128", "129",
          "205", "206", "207", "216", "508", "509", "702", "853", "301"]
KEPT = set(FIELDS)
MIN_COUNT = 12


def read_list(features):
    ids = {}
    for feature in features.split("\x01"):
        field, rest = feature.split("\x02")
        if field in KEPT:
            ids[field] = rest.split("\x03")[0]
    return ids


def read_common(path):
    with open(path, encoding="ascii") as file:
        rows = (line.rstrip("\n").split(",") for line in file)
        return {index: read_list(features) for index, _, features in rows}


def joined(path, common):
    with open(path, encoding="ascii") as file:
        for line in file:
            _, click, purchase, index, _, features = line.rstrip("\n").split(",")
            if click == "0" and purchase == "1":
                continue
            ids = read_list(features)
            ids.update(common[index])
            yield click, purchase, [ids.get(field, "0") for field in FIELDS]


def main():
    skeleton, common_path, out = sys.argv[1:]
    started = time.perf_counter()
    common = read_common(common_path)
    counts = [{} for _ in FIELDS]
    for _, _, ids in joined(skeleton, common):
        for count, one in zip(counts, ids):
            count[one] = count.get(one, 0) + 1
    numbers = []
    for count in counts:
        frequent = sorted(int(one) for one, times in count.items() if times >= MIN_COUNT and one != "0")
        numbers.append({str(one): str(place + 1) for place, one in enumerate(frequent)})
    with open(out, "w", encoding="ascii") as file:
        file.write("click,purchase," + ",".join(FIELDS) + "\n")
        for click, purchase, ids in joined(skeleton, common):
            encoded = [number.get(one, "0") for number, one in zip(numbers, ids)]
            file.write(click + "," + purchase + "," + ",".join(encoded) + "\n")
    seconds = time.perf_counter() - started
    print(json.dumps({
        "seconds": seconds,
        "processorSeconds": time.process_time(),
        "peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }))


if __name__ == "__main__":
    main()
