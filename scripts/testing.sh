# shellcheck shell=bash
# `test` and `bench`: every test project against a throw-away PostgreSQL cluster, and one line that counts.

readonly test_projects=(Pimm.Core.Tests Pimm.Database.Tests Pimm.Jobs.Tests Pimm.Web.Tests)
# What Microsoft.Testing.Platform exits with when no test fits the filter.
readonly exit_no_tests=8

run_tests() {
  local filter='' long=no
  while [ $# -gt 0 ]; do
    case $1 in
      --all) long=yes ;;
      --help | -h) print_help && return ;;
      -*) refuse "test does not know '$1': it takes a part of a test's full name, and --all." ;;
      *) [ -z "$filter" ] || refuse "test takes one filter, but got '$filter' and '$1'." && filter=$1 ;;
    esac
    shift
  done
  ensure_packages build database tests faults
  require_sdk_and_build tests
  ensure_test_database
  run_projects "$filter" "$long"
}

# Tests with a database or processes wait more than they compute; so do those with a browser, which must not wait too long.
threads_of() {
  case $1 in
    Pimm.Core.Tests) echo default ;;
    Pimm.Web.Tests) echo 1.5x ;;
    *) echo 2x ;;
  esac
}

# run_projects FILTER LONG: prints "N passed, N failed" last; fails when a test failed, a project crashed or none ran.
run_projects() {
  local project options=(--no-ansi --no-progress) passed=0 failed=0 skipped=0 broken=()
  [ -z "$1" ] || options+=(--filter-method "*$1*")
  [ "$2" = yes ] || options+=(--filter-not-trait Category=Long)
  for project in "${test_projects[@]}"; do
    [ -x "$(program_of "$project")" ] || continue
    run_project "$project" "${options[@]}" --max-threads "$(threads_of "$project")"
  done
  for project in ${broken[@]+"${broken[@]}"}; do
    echo "$project ended before it had run all its tests; its messages are above."
  done
  [ $((passed + failed + ${#broken[@]})) -gt 0 ] || echo "No test fits '$1'."
  echo "$passed passed, $((failed + ${#broken[@]})) failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
  [ "$failed" -eq 0 ] && [ ${#broken[@]} -eq 0 ] && [ "$passed" -gt 0 ]
}

# run_project PROJECT OPTION…: adds to passed, failed, skipped and broken of the caller.
run_project() {
  local project=$1 log=$pimm_log/test.$1.log status=0 started=$SECONDS counts
  shift
  say "$project ..."
  "$(program_of "$project")" "$@" </dev/null 2>&1 | tee "$log" | sed -e '/^Test run summary:/,$d' -e '/^xUnit\.net v3/d' -e '/^$/d' || status=$?
  read -ra counts <<<"$(count_in "$log" succeeded) $(count_in "$log" failed) $(count_in "$log" skipped)"
  passed=$((passed + counts[0]))
  failed=$((failed + counts[1]))
  skipped=$((skipped + counts[2]))
  if [ "$status" -ne 0 ] && [ "$status" -ne "$exit_no_tests" ] && [ "${counts[1]}" -eq 0 ]; then
    tail -n 20 "$log"
    broken+=("$project")
  fi
  echo "$project: ${counts[0]} passed, ${counts[1]} failed, ${counts[2]} skipped, $((SECONDS - started)) s"
}

# count_in LOG WORD: the number after "  WORD:" in the summary at the end.
count_in() {
  local count
  count=$(sed -n "s/^ *$2: \([0-9][0-9]*\)\$/\1/p" "$1" | tail -n 1)
  echo "${count:-0}"
}

# ensure_test_database: PIMM_TEST_DATABASE, set already or for a cluster that lives as long as this run.
ensure_test_database() {
  [ -z "${PIMM_TEST_DATABASE:-}" ] || return 0
  remove_abandoned_test_clusters
  locate_cluster "test.$$"
  cluster_is_throwaway=yes
  trap remove_test_cluster EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  with_lock cluster 300 start_test_cluster
}

start_test_cluster() {
  local password
  password=$(new_password)
  make_cluster
  start_cluster $((16432 + $$ % 1000))
  echo "alter role \"$cluster_user\" password '$password'" | as_superuser postgres
  export PIMM_TEST_DATABASE="Host=127.0.0.1;Port=$cluster_port;Database=postgres;Username=$cluster_user;Password=$password"
}

remove_test_cluster() {
  stop_cluster immediate || true
  as_cluster_user rm -rf "$cluster_data" "$cluster_data.new"
  rm -rf "$cluster_home" "$cluster_link" "$cluster_socket"
}

# A run that was killed could not remove its own.
remove_abandoned_test_clusters() {
  local link
  for link in "$pimm_state"/test.*; do
    [ -e "$link/data" ] || [ -L "$link" ] || continue
    [ ! -e "/proc/${link##*.}" ] || continue
    locate_cluster "$(basename "$link")"
    remove_test_cluster
  done
}

run_bench() {
  [ $# -gt 0 ] || refuse "bench needs a name: ./pimm bench --list prints them."
  local parts=(build)
  case $1 in
    --list) ;;
    faults) parts+=(database faults) ;;
    top-n | split | copy | score-db) parts+=(database) ;;
    score) parts+=(pytorch) ;;
    pages | web) parts+=(tests) ;;
    growth) parts+=(database) ;;
    train) parts+=(pytorch) ;;
    speed) parts+=(database pytorch tests) ;;
    # Debian's PyTorch has no CUDA: the peer is asked of the python3 that has one.
    train-gpu) ;;
    *) parts+=(peers) ;;
  esac
  ensure_packages "${parts[@]}"
  require_sdk_and_build bench
  PIMM_ROOT=$pimm_root exec "$(program_of Pimm.Benchmarks)" "$@"
}
