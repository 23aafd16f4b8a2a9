# shellcheck shell=bash
# What the launcher says. All of it goes to stderr: stdout belongs to the program that is launched.

say() { printf '%s\n' "$*" >&2; }

# The work failed: one sentence that says what to do.
fail() {
  printf 'pimm: %s\n' "$*" >&2
  exit 1
}

# Wrong arguments.
refuse() {
  printf 'pimm: %s\n' "$*" >&2
  exit 2
}

# A folder of our own that nobody else may read.
make_state_folder() {
  mkdir -p "$pimm_state" "$pimm_log" 2>/dev/null || true
  chmod 700 "$pimm_state" 2>/dev/null || true
  if ! [ -w "$pimm_state" ] || ! [ -w "$pimm_log" ]; then
    fail "$pimm_state cannot be written by $(id -un), but belongs to $(stat -c %U "$pimm_state" 2>/dev/null || stat -c %U "$pimm_root"): run as that user, or clone the repository anew."
  fi
}

# with_lock NAME SECONDS COMMAND…: runs the command while no other launcher holds the lock of that name. The lock `up`
# may be held round the others, so it has a descriptor of its own.
with_lock() {
  local name=$1 seconds=$2 descriptor=9
  shift 2
  [ "$name" != up ] || descriptor=8
  make_state_folder
  eval "exec $descriptor>\"\$pimm_state/\$name.lock\""
  if ! flock -n "$descriptor"; then
    say "Another ./pimm is at work here ($name); waiting for it."
    flock -w "$seconds" "$descriptor" || fail "Waited $seconds s for another ./pimm ($name) and gave up; end it, then try again."
  fi
  "$@"
  eval "exec $descriptor>&-"
}

# without_locks COMMAND…: for programs that live on; one that inherited a lock would hold it as long as it lives.
without_locks() { "$@" 8>&- 9>&-; }
