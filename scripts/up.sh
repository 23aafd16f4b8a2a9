# shellcheck shell=bash
# `up` and `down`: PostgreSQL, the workers and the web app, in that order, and back.

readonly default_web_port=5080
# Above the time that one checkpoint of a training run takes.
readonly worker_stop_seconds=60
readonly web_stop_seconds=20

# Trainings take hours and every core; a worker of their own keeps the night's lists from waiting behind them. Settings
# that say which kinds a worker takes are followed instead, by one worker.
trainer_is_wanted() { [ -z "$(compgen -v Queueing__Kinds)$(compgen -v Queueing__NotKinds)" ]; }

# process_names: what `up` keeps running, in the order of its start.
process_names() {
  echo worker
  ! trainer_is_wanted || echo trainer
  echo web
}

all_run() {
  local name
  for name in $(process_names); do process_runs "$name" || return 1; done
}

up() {
  local with_demo=yes port='' detach=no
  migrate_options=()
  while [ $# -gt 0 ]; do
    case $1 in
      --no-demo) with_demo=no ;;
      --detach) detach=yes ;;
      --no-backup) migrate_options=(--no-backup) ;;
      --port) port=${2:-nothing} && shift ;;
      --port=*) port=${1#*=} ;;
      --help | -h) print_help && return ;;
      *) refuse "up does not know '$1': it takes --no-demo, --port P, --detach and --no-backup." ;;
    esac
    [ $# -eq 0 ] || shift
  done
  [ -z "$port" ] || { [[ $port =~ ^[0-9]{1,5}$ ]] && [ "$port" -ge 1 ] && [ "$port" -le 65535 ]; } ||
    refuse "--port $port is not a port: give a number from 1 to 65535."

  if [ "$detach" = no ]; then
    trap 'stopped_by_signal 130' INT
    trap 'stopped_by_signal 143' TERM HUP
  fi
  was_running=no
  with_lock up 1800 bring_up "$with_demo" "$port"
  [ "$was_running" = no ] || return 0
  if [ "$detach" = yes ]; then
    echo "It runs on in the background; ./pimm down stops it. Logs: $pimm_log"
  else
    echo "Ctrl-C stops it. Logs: $pimm_log"
    watch_until_stopped
  fi
}

# bring_up WITH_DEMO PORT
bring_up() {
  local jobs
  if all_run; then
    was_running=yes
    echo "Pimm is running already: $(web_address)"
    return
  fi
  local port=$2
  [ -z "$port" ] || process_runs web || ! port_is_taken "$port" || fail "Port $port is taken on 127.0.0.1: choose another with --port."
  load_database_settings
  ensure_parts build database
  require_sdk_and_build jobs web
  ensure_cluster
  rm -f "$pimm_state/migrated"
  ensure_migrated
  jobs=$(program_of Pimm.Jobs)
  start_workers "$jobs"
  process_runs web || start_web "$port"
  wait_until_ready
  [ "$1" = no ] || process_runs demo || start_process demo "$jobs" demo all --if-empty
  echo "Pimm is ready: $(web_address)"
  ! process_runs demo || say "The simulated demo is loaded where it is not there yet: a minute or two until the first lift report, a few more for the rest; the pages show each step."
  # Last, because the password of the first administrator is shown once.
  "$jobs" users first-run || say "No administrator was made; the reason is above. ./pimm users first-run tries again."
}

# start_workers PROGRAM: one of them fires the schedules.
start_workers() {
  if ! trainer_is_wanted; then
    process_runs worker || start_process worker "$1" work
    return
  fi
  process_runs worker || start_process worker "$1" work --not-kinds train
  process_runs trainer || start_process trainer "$1" work --kinds train --no-schedule
}

web_address() { echo "http://127.0.0.1:$(cat "$pimm_state/run/web.port")"; }

# start_web PORT: on that port or, none given, the first free one from 5080.
start_web() {
  local port=$1
  if [ -z "$port" ]; then
    port=$(free_port "$default_web_port")
    [ "$port" = "$default_web_port" ] || say "Port $default_web_port is taken; using $port."
  fi
  mkdir -p "$pimm_state/run"
  echo "$port" >"$pimm_state/run/web.port"
  start_process web env --chdir="$pimm_root/Pimm.Web" "ASPNETCORE_URLS=http://127.0.0.1:$port" "$(program_of Pimm.Web)"
}

wait_until_ready() {
  local port tenths
  port=$(cat "$pimm_state/run/web.port")
  for ((tenths = 0; tenths < 1200; tenths++)); do
    [ "$(http_status "$port" /health/ready)" != 200 ] || return 0
    assert_all_run
    sleep 0.1
  done
  tail -n 20 "$pimm_log/web.log" >&2
  bring_down
  fail "The web app did not become ready within 120 s; the end of $pimm_log/web.log is above."
}

# assert_runs NAME: otherwise shows the end of its log and stops the rest.
assert_runs() {
  process_runs "$1" && return
  tail -n 20 "$pimm_log/$1.log" >&2
  bring_down
  fail "The $1 stopped by itself; the end of $pimm_log/$1.log is above."
}

assert_all_run() {
  local name
  for name in $(process_names); do assert_runs "$name"; done
}

watch_until_stopped() {
  local demo_runs=no
  ! process_runs demo || demo_runs=yes
  while true; do
    sleep 1 &
    wait $! || true
    assert_all_run
    if [ "$demo_runs" = yes ] && ! process_runs demo; then
      demo_runs=no
      tail -n 3 "$pimm_log/demo.log"
    fi
  done
}

# Stops everything even when nobody is left to read what is said about it.
stopped_by_signal() {
  trap '' INT TERM HUP PIPE
  set +e
  say ""
  bring_down
  exit "$1"
}

bring_down() {
  stop_process web "$web_stop_seconds"
  stop_process demo "$worker_stop_seconds"
  stop_process trainer "$worker_stop_seconds"
  stop_process worker "$worker_stop_seconds"
  locate_cluster cluster
  if cluster_runs; then
    say "Stopping PostgreSQL ..."
    stop_cluster fast
  fi
}

down() {
  [ $# -eq 0 ] || refuse "down takes no arguments, but got '$1'."
  locate_cluster cluster
  if ! process_runs web && ! process_runs worker && ! process_runs trainer && ! process_runs demo && ! cluster_runs; then
    say "Nothing is running."
    return
  fi
  with_lock up 1800 bring_down
  say "Stopped."
}
