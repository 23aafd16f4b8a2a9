#!/usr/bin/env bash
# Test AUC of PIMM against what a practitioner would pick instead: scikit-learn's HistGradientBoosting, one model a task.
#
#   gradient-boosting.sh DATA_FOLDER [--trials N] [--splits N] [--out FOLDER] [--sets a,b]
#
# Both tune with the same number of trials on validation rows: all but eight of them draw settings for one split, the two best go
# on to four more, and their mean over the five decides, and says how long to train. Both are then fitted on training and
# validation rows together, on ten new splits that Pimm writes. DATA_FOLDER holds ecommerce_funnel, hillstrom and hotel_bookings, each with
# funnel.csv.gz. Prints a table on stderr and one JSON document on stdout; exit code 3 where the last task's corrected 95 % lower
# bound of the difference is not above -0.01. FOLDER keeps everything and is read again, so a run that was cut off goes on.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
data=${1:?"say where the data is: gradient-boosting.sh DATA_FOLDER"}
shift
trials=20 splits=10 out= wanted=ecommerce_funnel,hillstrom,hotel_bookings
while [ $# -gt 0 ]; do
  case $1 in
    --trials) trials=$2; shift 2 ;;
    --splits) splits=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --sets) wanted=$2; shift 2 ;;
    *) echo "gradient-boosting.sh: $1 is unknown" >&2; exit 2 ;;
  esac
done
python=${PYTHON:-/usr/bin/python3}
out=${out:-$(mktemp -d)}
mkdir -p "$out"
# The tuning splits have the seeds from here; the final splits those from 1.
readonly tuning_seed=1001
readonly second_splits=4
. "$here/real-data.sh"

jobs=${PIMM_JOBS:-}
if [ -z "$jobs" ]; then
  dotnet build "$root/Pimm.Jobs" -c Release -v q --nologo >&2
  jobs=$root/artifacts/bin/Pimm.Jobs/release/Pimm.Jobs
fi

# keep FILE COMMAND…: the command's stdout as FILE, made once.
keep() {
  local file=$1
  shift
  [ -s "$file" ] && return
  "$@" >"$file.part"
  mv "$file.part" "$file"
}

runs=()
for set in ${wanted//,/ }; do
  # Other trials, splits or rows are another run.
  at=$out/$set-$trials-$splits-two-rounds-$(sha256sum <"$data/$set/funnel.csv.gz" | cut -c1-8)
  runs+=("$at")
  columns=(--data "$data/$set/funnel.csv.gz" --tasks "${tasks_of[$set]}" --ignore "${ignored_of[$set]}")
  models=$("$python" "$here/gradient_boosting.py" draw --trials "$((trials - 2 * second_splits))")
  echo "$set: $trials trials of PIMM" >&2
  keep "$at.tuning.json" "$jobs" compare "${columns[@]}" --models "$models" --seeds 1 --seed $tuning_seed \
    --write-splits "$at.tuning.splits" --out "$at.tuning" --json
  finalists=$("$python" "$here/gradient_boosting.py" finalists "$at.tuning.json")
  for split in $(seq 1 $second_splits); do
    keep "$at.second-$split.json" "$jobs" compare "${columns[@]}" --models "$finalists" --seeds 1 --seed $((tuning_seed + split)) \
      --write-splits "$at.second-$split.splits" --out "$at.second-$split" --json
  done
  echo "$set: $trials trials of HistGradientBoosting" >&2
  keep "$at.peer.json" "$python" "$here/peers/gradient_boosting.py" tune "$at.tuning.splits/01" "$at".second-*.splits/01 --trials "$trials"

  chosen=$("$python" "$here/gradient_boosting.py" choose "$at.tuning.json" "$at".second-?.json)
  echo "$set: $chosen on $splits new splits" >&2
  keep "$at.final.json" "$jobs" compare "${columns[@]}" --models "$chosen" --seeds 1 --seed 1 --splits "$splits" \
    --write-splits "$at.final.splits" --out "$at.final" --json
  for split in $(seq -f %02g 1 "$splits"); do
    keep "$at.final.peer-$split.json" "$python" "$here/peers/gradient_boosting.py" fit "$at.final.splits/$split" "$at.peer.json"
  done
done

"$python" "$here/gradient_boosting.py" report "$splits" "${runs[@]}"
