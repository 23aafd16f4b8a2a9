# shellcheck shell=bash
# The processes that `up` starts: recorded by process id and start time, so that a number which the system gave to
# somebody else since is never taken for one of ours, and nothing is ever ended by its name.

process_record() { printf '%s/run/%s.pid\n' "$pimm_state" "$1"; }

# start_time PID: in clock ticks since boot; empty when there is no such process or only its zombie.
start_time() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  stat=${stat##*) }
  [ "${stat%% *}" = Z ] || cut -d' ' -f20 <<<"$stat"
}

# process_runs NAME: sets process_id.
process_runs() {
  local started
  read -r process_id started 2>/dev/null <"$(process_record "$1")" || return 1
  [ -n "$started" ] && [ "$(start_time "$process_id")" = "$started" ]
}

# start_process NAME COMMAND…: in a session of its own, so that Ctrl-C reaches the launcher only, which then stops its
# processes in order; output goes to .pimm/log/NAME.log, the one before is kept as NAME.log.1. It is appended, so that logrotate
# may cut the file while the process writes.
start_process() {
  local name=$1 log=$pimm_log/$1.log
  shift
  mkdir -p "$pimm_state/run"
  [ ! -e "$log" ] || mv "$log" "$log.1"
  # Not without_locks: a function in the background would be a shell of its own round the program.
  setsid "$@" </dev/null >>"$log" 2>&1 8>&- 9>&- &
  process_id=$!
  disown "$process_id"
  printf '%s %s\n' "$process_id" "$(start_time "$process_id")" >"$(process_record "$name")"
}

# stop_process NAME SECONDS: asks, waits, and after that time ends it with everything it started.
stop_process() {
  local name=$1 waited
  if process_runs "$name"; then
    say "Stopping $name ..."
    kill -TERM "$process_id" 2>/dev/null || true
    for ((waited = 0; waited < $2 * 10; waited++)); do
      process_runs "$name" || break
      sleep 0.1
    done
    if process_runs "$name"; then
      say "$name did not stop within $2 s and is ended."
      kill -KILL -- "-$process_id" 2>/dev/null || true
    fi
  fi
  rm -f "$(process_record "$name")"
}

# http_status PORT PATH: the status code of a GET on this machine; nothing when nobody answers.
http_status() {
  local version status rest
  {
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 0
    printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1:%s\r\n\r\n' "$2" "$1" >&3
    # shellcheck disable=SC2034 # the other words of the status line
    read -r -t 5 version status rest <&3 || true
    exec 3>&-
  } 2>/dev/null
  printf '%s\n' "${status:-}"
}
