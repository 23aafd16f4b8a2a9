#!/bin/bash
# Builds libpimmtorch.so incrementally: build.sh <output folder> [torch home]
# The torch home is an unpacked libtorch (include/, lib/); without one, Debian's libtorch-dev is used.
set -euo pipefail
sources=$(cd "$(dirname "$0")" && pwd)
output=$1
home=${2:-}
cxx=${CXX:-g++}

missing() {
  echo "error PIMM1: $1" >&2
  exit 1
}

command -v "$cxx" >/dev/null || missing "$cxx is missing: run ./pimm doctor, or apt-get install g++."
if [[ -n $home ]]; then
  include=$home/include
  lib=$home/lib
else
  include=/usr/include
  lib=/usr/lib/$("$cxx" -print-multiarch)
fi
api=$include/torch/csrc/api/include
advice="libtorch-dev is missing: run ./pimm doctor, or apt-get install libtorch-dev, or set TORCH_HOME"
[[ -n $home ]] && advice="TORCH_HOME=$home is no unpacked libtorch"
[[ -f $api/torch/version.h ]] || missing "$advice ($api/torch/version.h was not found)."
[[ -f $lib/libtorch_cpu.so ]] || missing "$advice ($lib/libtorch_cpu.so was not found)."

mkdir -p "$output"
exec 9>"$output/lock"
flock 9

# Old wheels were built with the other std::string; the headers must be told.
abi=1
# No pipe into grep -q: it ends at the first hit, and nm's broken pipe would count as none.
[[ $(nm -DC "$lib/libc10.so") == *__cxx11::basic_string* ]] || abi=0
# ATen's parallel_for is a header: without OpenMP here it runs on one thread. Its library is the one that libtorch has loaded, so it is
# not linked again.
flags="-std=c++17 -O3 -fopenmp -fno-math-errno -ffp-contract=off -fPIC -fvisibility=hidden -Wall -Wno-sign-compare -D_GLIBCXX_USE_CXX11_ABI=$abi -isystem $api"
[[ -n $home ]] && flags+=" -isystem $include"

# Recording steps (graph.cpp) needs the headers of CUDA, which libtorch does not bring; without them it says so when it is asked for.
cuda=
if [[ -f $lib/libtorch_cuda.so ]]; then
  toolkit=${CUDA_HOME:-/usr/local/cuda}
  cuda="-ltorch_cuda -lc10_cuda"
  if [[ -f $toolkit/include/cuda_runtime_api.h ]]; then
    flags+=" -DPIMM_CUDA -isystem $toolkit/include"
  else
    echo "CUDA's headers were not found in $toolkit/include, so training steps cannot be recorded as CUDA graphs: set CUDA_HOME to a CUDA toolkit." >&2
  fi
fi

# Everything is linked that lies there: objects of sources that are gone, or made for another libtorch's parts, must not.
[[ "$(cat "$output/flags" 2>/dev/null)" == "$flags" ]] || rm -f "$output"/*.o
printf '%s\n' "$flags" >"$output/flags"
for object in "$output"/*.o; do
  [[ -f $sources/$(basename "$object" .o).cpp ]] || rm -f "$object"
done

jobs=()
objects=()
for source in "$sources"/*.cpp; do
  object=$output/$(basename "$source" .cpp).o
  objects+=("$object")  # what a source that is gone left behind is not linked
  stale=$(find "$source" "$sources"/*.h "$sources/build.sh" "$api/torch/version.h" -newer "$object" 2>/dev/null || echo all)
  [[ -f $object && -z $stale ]] && continue
  # shellcheck disable=SC2086
  { "$cxx" $flags -c "$source" -o "$object.part" && mv "$object.part" "$object"; } 9>&- &
  jobs+=($!)
done
for job in "${jobs[@]}"; do wait "$job"; done

# Nothing names libtorch_cuda's symbols; without --no-as-needed the linker would drop it and CUDA would seem absent.
"$cxx" -shared -o "$output/libpimmtorch.so.part" "${objects[@]}" -L"$lib" -Wl,-rpath,"$lib" \
  -Wl,--no-as-needed -ltorch_cpu -lc10 $cuda -ldl
mv "$output/libpimmtorch.so.part" "$output/libpimmtorch.so"
