# shellcheck shell=bash
# Builds what is stale. A target is stale when the names, sizes and times of its sources differ from those of its last
# build; looking costs milliseconds, so every verb looks.

readonly shared_sources=(Pimm.Core migrations appsettings.json Directory.Build.props Directory.Packages.props
  .editorconfig BannedSymbols.txt global.json)

# sources_of TARGET: what the target is built from.
sources_of() {
  case $1 in
    jobs) printf '%s\n' "${shared_sources[@]}" Pimm.Jobs ;;
    web) printf '%s\n' "${shared_sources[@]}" Pimm.Web ;;
    bench) printf '%s\n' "${shared_sources[@]}" Pimm.Jobs tests/Pimm.Benchmarks tests/Pimm.Testing tests/Pimm.Jobs.Tests tests/Pimm.FaultyWorker tests/Directory.Build.props ;;
    tests) printf '%s\n' "${shared_sources[@]}" Pimm.Jobs Pimm.Web tests Pimm.sln ;;
  esac
}

project_of() {
  case $1 in
    jobs) echo Pimm.Jobs/Pimm.Jobs.csproj ;;
    web) echo Pimm.Web/Pimm.Web.csproj ;;
    bench) echo tests/Pimm.Benchmarks/Pimm.Benchmarks.csproj ;;
    tests) echo Pimm.sln ;;
  esac
}

# program_of PROJECT: the program that a project builds.
program_of() { printf '%s/artifacts/bin/%s/release/%s\n' "$pimm_root" "$1" "$1"; }

built_program_of() {
  case $1 in
    jobs) program_of Pimm.Jobs ;;
    web) program_of Pimm.Web ;;
    bench) program_of Pimm.Benchmarks ;;
    tests) program_of Pimm.Core.Tests ;;
  esac
}

fingerprint_of() {
  local path sources=()
  while read -r path; do
    [ ! -e "$pimm_root/$path" ] || sources+=("$path")
  done < <(sources_of "$1")
  (
    cd "$pimm_root" || exit
    printf 'torch %s %s, sdk %s\n' "${TORCH_HOME:-}" "${TorchPackage:-}" "$(printf '%s ' "$DOTNET_ROOT"/sdk/*)"
    find "${sources[@]}" \( -name bin -o -name obj -o -path Pimm.Web/wwwroot/_framework \) -prune \
      -o -type f -printf '%p %s %T@\n' | LC_ALL=C sort
  ) | sha256sum | cut -c1-64
}

is_stale() {
  local target=$1 fingerprint=$2
  [ ! -x "$(built_program_of "$target")" ] || [ "$(cat "$pimm_state/built.$target" 2>/dev/null)" != "$fingerprint" ]
}

# find_dotnet: sets DOTNET_ROOT and PATH, or says where the SDK comes from.
find_dotnet() {
  local candidate
  for candidate in "$(command -v dotnet || true)" "${DOTNET_ROOT:-/nowhere}/dotnet" "${HOME:-/nowhere}/.dotnet/dotnet" \
    /usr/share/dotnet/dotnet /usr/lib/dotnet/dotnet; do
    [ -x "$candidate" ] || continue
    DOTNET_ROOT=$(dirname "$(readlink -f "$candidate")")
    compgen -G "$DOTNET_ROOT/sdk/10.*" >/dev/null || continue
    PATH=$DOTNET_ROOT:$PATH
    export DOTNET_ROOT PATH DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_USE_MSBUILD_SERVER=0
    [ -n "${HOME:-}" ] || export HOME=$pimm_state DOTNET_CLI_HOME=$pimm_state
    return
  done
  fail "Pimm is built with the .NET 10 SDK, which was not found on PATH, in DOTNET_ROOT or in ~/.dotnet: install it from https://dotnet.microsoft.com/download/dotnet/10.0, then run the same command again."
}

# require_sdk_and_build TARGET…: the SDK, the packages that building needs, and every target that is stale.
require_sdk_and_build() {
  local target stale=()
  find_dotnet
  for target in "$@"; do
    ! is_stale "$target" "$(fingerprint_of "$target")" || stale+=("$target")
  done
  [ ${#stale[@]} -gt 0 ] || return 0
  with_lock build 1800 build_targets "${stale[@]}"
}

build_targets() {
  local target
  ensure_packages build
  [ ! -d "$pimm_root/artifacts" ] || [ -w "$pimm_root/artifacts" ] ||
    fail "$pimm_root/artifacts cannot be written by $(id -un): it was made by $(stat -c %U "$pimm_root/artifacts"); run as that user, or delete the folder."
  for target in "$@"; do
    build_target "$target"
  done
}

# What the solution contains needs no build of its own. The arguments are the fingerprints of jobs, web and bench.
mark_whole_solution_built() {
  local target
  for target in jobs web bench; do
    printf '%s\n' "$1" >"$pimm_state/built.$target"
    shift
  done
}

# The fingerprint is taken before the build: a file saved while it runs makes the next look find it stale.
build_target() {
  local target=$1 fingerprint log=$pimm_log/build.$1.log started=$SECONDS
  fingerprint=$(fingerprint_of "$target")
  is_stale "$target" "$fingerprint" || return 0
  local parts=("$(fingerprint_of jobs)" "$(fingerprint_of web)" "$(fingerprint_of bench)")
  say "Building $(project_of "$target") ..."
  if ! without_locks dotnet build "$pimm_root/$(project_of "$target")" -c Release -v quiet --nologo -nodeReuse:false >"$log" 2>&1; then
    cat "$log" >&2
    fail "The build failed; its messages are above. Mend them, then run the same command again."
  fi
  printf '%s\n' "$fingerprint" >"$pimm_state/built.$target"
  [ "$target" != tests ] || mark_whole_solution_built "${parts[@]}"
  say "Built in $((SECONDS - started)) s."
}
