# shellcheck shell=bash
# A private PostgreSQL cluster: its folder, its owner, start and stop. Nothing here knows what is stored in it.
# The server never runs as root. Started as root, the cluster belongs to the user postgres and lies outside the clone,
# because a clone under a home of mode 700 is out of that user's reach.

# locate_cluster NAME: sets cluster_home, cluster_data, cluster_socket and cluster_user. .pimm/NAME is the cluster's
# folder or, made as root, points to it.
locate_cluster() {
  local name=$1 key
  key=$(printf '%s' "$pimm_root" | sha256sum | cut -c1-16)
  cluster_link=$pimm_state/$name
  cluster_is_throwaway=no
  if [ -e "$cluster_link" ]; then
    cluster_home=$(readlink -f "$cluster_link")
    cluster_user=$(stat -c %U "$cluster_home")
  elif [ "$(id -u)" -eq 0 ]; then
    cluster_home=/var/lib/pimm/$key/$name
    cluster_user=postgres
  else
    cluster_home=$cluster_link
    cluster_user=$(id -un)
  fi
  cluster_data=$cluster_home/data
  cluster_socket=$(socket_folder "$name" "$key")
}

# The path of a socket must stay under 107 bytes.
socket_folder() {
  local near=$cluster_home/run
  if [ "$(id -u)" -eq 0 ]; then
    echo "/run/pimm/$2/$1"
  elif [ ${#near} -le 80 ]; then
    echo "$near"
  else
    echo "/tmp/pimm-$(id -u)-$2-$1"
  fi
}

# as_cluster_user COMMAND…: runs it as the user who owns the cluster, from a folder that everybody can enter.
as_cluster_user() {
  if [ "$(id -un)" = "$cluster_user" ]; then
    (cd / && "$@")
  elif [ "$(id -u)" -eq 0 ]; then
    (cd / && runuser -u "$cluster_user" -- "$@")
  else
    fail "The database in $cluster_home belongs to $cluster_user: run as that user or as root, or use another clone."
  fi
}

make_cluster_folder() {
  [ "$cluster_user" != root ] || fail "$cluster_home belongs to root, and PostgreSQL does not run as root: chown it to postgres, or delete $cluster_link to begin anew."
  if [ "$(id -u)" -eq 0 ]; then
    mkdir -p "$(dirname "$cluster_home")"
    install -d -o "$cluster_user" -m 700 "$cluster_home"
    [ -e "$cluster_link" ] || ln -sfn "$cluster_home" "$cluster_link"
  else
    mkdir -p "$cluster_home"
    chmod 700 "$cluster_home"
  fi
}

# Another user may have made a folder of that name in /tmp first.
make_socket_folder() {
  if [ "$(id -u)" -eq 0 ]; then
    mkdir -p "$(dirname "$cluster_socket")"
    install -d -o "$cluster_user" -m 700 "$cluster_socket"
  else
    mkdir -p "$cluster_socket"
    chmod 700 "$cluster_socket" 2>/dev/null || fail "$cluster_socket belongs to $(stat -c %U "$cluster_socket"): remove it, then run the same command again."
  fi
}

# The folder is renamed into place when it is complete and on disk, so that an interrupted initdb leaves nothing
# half-made behind.
make_cluster() {
  local bin
  [ ! -e "$cluster_data/PG_VERSION" ] || return 0
  bin=$(postgres_bin)
  make_cluster_folder
  as_cluster_user rm -rf "$cluster_data.new"
  as_cluster_user "$bin/initdb" --pgdata="$cluster_data.new" --data-checksums --encoding=UTF8 --locale=C.UTF-8 \
    --username="$cluster_user" --auth-local=peer --auth-host=scram-sha-256 --no-sync >"$pimm_log/initdb.log" 2>&1 ||
    { cat "$pimm_log/initdb.log" >&2; fail "initdb failed; its messages are above."; }
  [ "$cluster_is_throwaway" = yes ] || as_cluster_user "$bin/initdb" --sync-only --pgdata="$cluster_data.new" >/dev/null
  # shellcheck disable=SC2016 # the inner shell fills them in
  as_cluster_user sh -c 'echo "include '"'pimm.conf'"'" >>"$1.new/postgresql.conf" && mv "$1.new" "$1"' sh "$cluster_data"
}

# cluster_pid: process of the running server, which works in the data folder. A postmaster.pid left behind by a crash
# may name a process that is gone or, after a restart of the machine, somebody else's.
cluster_pid() {
  local pid
  pid=$(head -n 1 "$cluster_data/postmaster.pid" 2>/dev/null) || return 1
  [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$cluster_data" ] || return 1
  printf '%s\n' "$pid"
}

cluster_runs() { cluster_pid >/dev/null; }

# adopt_running_cluster: port and socket of the server that runs, whoever started it.
adopt_running_cluster() {
  cluster_port=$(sed -n 4p "$cluster_data/postmaster.pid")
  cluster_socket=$(sed -n 5p "$cluster_data/postmaster.pid")
}

cluster_version() { as_cluster_user cat "$cluster_data/PG_VERSION"; }

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port FIRST: the first port from there that nobody listens on.
free_port() {
  local port
  for ((port = $1; port < $1 + 1000; port++)); do
    port_is_taken "$port" || { printf '%s\n' "$port"; return; }
  done
  fail "No free port between $1 and $(($1 + 999)) on 127.0.0.1."
}

write_cluster_settings() {
  as_cluster_user tee "$cluster_data/pimm.conf" >/dev/null <<SETTINGS
# Written by ./pimm at each start; settings of your own go to the end of postgresql.conf.
listen_addresses = '127.0.0.1'
port = $1
unix_socket_directories = '$cluster_socket'
max_connections = 100
shared_buffers = 256MB
maintenance_work_mem = 128MB
max_wal_size = 4GB
wal_compression = on
tcp_keepalives_idle = 30
log_line_prefix = '%m [%p] %u@%d '
$([ "$cluster_is_throwaway" = no ] || printf '%s = off\n' fsync synchronous_commit full_page_writes)
SETTINGS
}

# server_processes: every process that works in the data folder, the server's own and those that outlived it.
server_processes() {
  local folder
  for folder in /proc/[0-9]*; do
    [ "$(readlink "$folder/cwd" 2>/dev/null)" != "$cluster_data" ] || printf '%s\n' "${folder#/proc/}"
  done
}

# clear_after_crash: lock files whose process id went to somebody else keep PostgreSQL from starting. They guard the data
# against processes that outlived their server, so they are removed only when there are none.
clear_after_crash() {
  local try
  for ((try = 0; try < 100; try++)); do
    if [ -z "$(server_processes)" ]; then
      as_cluster_user rm -f "$cluster_data/postmaster.pid"
      as_cluster_user find "$cluster_socket" -name '.s.PGSQL.*' -delete
      return
    fi
    sleep 0.1
  done
  fail "Processes of a PostgreSQL that crashed still work in $cluster_data: $(server_processes | paste -sd' '). End them, then run the same command again."
}

# start_cluster PORT: starts the server there, or on the next free port when somebody took it since; sets cluster_port.
start_cluster() {
  local bin version try
  version=$(cluster_version)
  bin=$(postgres_bin "$version") || fail "The database in $cluster_home was made by PostgreSQL $version, which is not installed: install postgresql-$version."
  make_socket_folder
  cluster_port=$1
  clear_after_crash
  for try in 1 2 3; do
    cluster_port=$(free_port "$cluster_port")
    write_cluster_settings "$cluster_port"
    if without_locks as_cluster_user "$bin/pg_ctl" start --wait --silent --timeout=120 --pgdata="$cluster_data" \
      --log="$cluster_home/postgres.log" </dev/null >/dev/null 2>&1; then
      return
    fi
    port_is_taken "$cluster_port" || break
  done
  as_cluster_user tail -n 20 "$cluster_home/postgres.log" >&2 || true
  fail "PostgreSQL did not start after $try tries; the end of $cluster_home/postgres.log is above."
}

# stop_cluster MODE: fast closes connections and rolls back, immediate is for data that nobody needs again.
stop_cluster() {
  local bin
  cluster_runs || return 0
  bin=$(postgres_bin "$(cluster_version)")
  as_cluster_user "$bin/pg_ctl" stop --wait --silent --mode="$1" --timeout=120 --pgdata="$cluster_data" >&2
}

# as_superuser DATABASE: runs the SQL on stdin through the socket, as which only the cluster's own user may come.
as_superuser() {
  local bin
  bin=$(postgres_bin "$(cluster_version)")
  as_cluster_user "$bin/psql" --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 \
    --host="$cluster_socket" --port="$cluster_port" --username="$cluster_user" --dbname="$1"
}
