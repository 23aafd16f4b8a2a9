# shellcheck shell=bash
# `doctor`: each line OK or what to do. Looks, and changes nothing.

doctor() {
  doctor_problems=0
  doctor_sdk
  doctor_packages
  doctor_disk
  doctor_cluster
  doctor_processes
  local jobs
  jobs=$(program_of Pimm.Jobs)
  if [ -x "$jobs" ]; then
    "$jobs" doctor "$@" || doctor_problems=$((doctor_problems + 1))
  else
    todo "build" "Pimm is not built yet: ./pimm up builds it."
  fi
  [ "$doctor_problems" -eq 0 ]
}

ok() { printf 'OK    %-12s %s\n' "$1" "$2" >&2; }
todo() {
  printf 'TODO  %-12s %s\n' "$1" "$2" >&2
  doctor_problems=$((doctor_problems + 1))
}

doctor_sdk() {
  if (find_dotnet) 2>/dev/null; then
    find_dotnet
    ok ".NET" "SDK $(dotnet --version)"
  else
    todo ".NET" "no .NET 10 SDK: install it from https://dotnet.microsoft.com/download/dotnet/10.0."
  fi
}

doctor_packages() {
  local missing package reason
  missing=$(missing_packages build database)
  [ -n "$missing" ] || ok "packages" "all that Pimm needs"
  while read -r package reason; do
    [ -z "$package" ] || todo "packages" "$package is missing ($reason): ./pimm up installs it."
  done <<<"$missing"
  while read -r package reason; do
    [ -z "$package" ] || ok "packages" "$package is not installed ($reason); ./pimm test or bench installs it"
  done <<<"$(missing_packages tests faults peers)"
}

doctor_disk() {
  local free_megabytes
  free_megabytes=$(df -Pm "$pimm_root" | awk 'NR == 2 { print $4 }')
  if [ "$free_megabytes" -ge 5000 ]; then
    ok "disk" "$free_megabytes MB free"
  else
    todo "disk" "$free_megabytes MB free where $pimm_root lies: make room for 5000 MB."
  fi
}

doctor_cluster() {
  load_database_settings
  if [ "$database_is_private" = no ]; then
    ok "database" "a server of your own (Database__ConnectionString)"
    return
  fi
  locate_cluster cluster
  export Disk__DatabaseFolder="${Disk__DatabaseFolder:-$cluster_data}"
  if cluster_runs; then
    adopt_running_cluster
    ok "database" "private PostgreSQL $(cluster_version) on port $cluster_port, in $cluster_home"
  elif [ -e "$cluster_data/PG_VERSION" ]; then
    todo "database" "the private PostgreSQL is set up and not running: ./pimm up starts it."
  else
    todo "database" "not set up yet: ./pimm up does it."
  fi
}

doctor_processes() {
  local name
  for name in $(process_names); do
    if process_runs "$name"; then
      ok "$name" "running$([ "$name" != web ] || echo " on $(web_address)")"
    else
      todo "$name" "not running: ./pimm up starts it."
    fi
  done
  if ! process_runs web && port_is_taken "$default_web_port"; then
    ok "ports" "$default_web_port is taken by another program; ./pimm up will use the next free one"
  fi
}
