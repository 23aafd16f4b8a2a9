#!/usr/bin/env bash
# Test AUC of a model against scikit-learn's logistic regression on the very same splits, five seeds on three real data sets.
#
#   auc-floor.sh DATA_FOLDER [--seeds N] [--out FOLDER] [-- more arguments of pimm train]
#
# DATA_FOLDER holds ecommerce_funnel, hillstrom and hotel_bookings, each with funnel.csv.gz. Prints a table on stderr and one JSON
# document on stdout; exit code 1 where a task's mean AUC is below the peer's by more than the larger of 0.01 and one standard error
# of the mean difference. Needs python3-sklearn and python3-pandas. FOLDER keeps models, splits and answers, and is read again
# where it already has them, so a run that was cut off goes on.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
data=${1:?"say where the data is: auc-floor.sh DATA_FOLDER"}
shift
seeds=5
out=
while [ $# -gt 0 ]; do
  case $1 in
    --seeds) seeds=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --) shift; break ;;
    *) echo "auc-floor.sh: $1 is unknown" >&2; exit 2 ;;
  esac
done
python=${PYTHON:-/usr/bin/python3}
out=${out:-$(mktemp -d)}
mkdir -p "$out"

. "$here/real-data.sh"
names=(ecommerce_funnel hillstrom hotel_bookings)

jobs=${PIMM_JOBS:-}
if [ -z "$jobs" ]; then
  dotnet build "$root/Pimm.Jobs" -c Release -v q --nologo >&2
  jobs=$root/artifacts/bin/Pimm.Jobs/release/Pimm.Jobs.dll
fi

for name in "${names[@]}"; do
  for seed in $(seq 1 "$seeds"); do
    at=$out/$name-$seed
    if [ ! -s "$at.ours.json" ]; then
      dotnet "$jobs" train --data "$data/$name/funnel.csv.gz" --tasks "${tasks_of[$name]}" --ignore "${ignored_of[$name]}" --seed "$seed" \
        --write-splits "$at.splits" --out "$at.model" --json "$@" > "$at.ours.part" 2> "$at.log" \
        || { cat "$at.log" >&2; exit 1; }
      mv "$at.ours.part" "$at.ours.json"
    fi
    if [ ! -s "$at.peer.json" ]; then
      "$python" "$here/peers/logistic_regression.py" "$at.splits" > "$at.peer.part"
      mv "$at.peer.part" "$at.peer.json"
    fi
    echo "$name, seed $seed of $seeds" >&2
  done
done

"$python" "$here/auc_floor.py" "$out" "$seeds" "${names[@]}"
