# shellcheck shell=bash
# Which database Pimm uses: a server that the settings name, or the private cluster with its two roles.
# pimm_owner owns the tables and runs the migrations; pimm_app reads and writes rows and makes no tables.

# load_database_settings: exports the connection strings that are known. The environment comes first, then
# .pimm/server.env (written by hand), then .pimm/env (written here).
load_database_settings() {
  if [ -z "${Database__ConnectionString:-}" ] && [ -r "$pimm_state/server.env" ]; then
    set -a
    # shellcheck source=/dev/null
    . "$pimm_state/server.env"
    set +a
  fi
  if [ -n "${Database__ConnectionString:-}" ]; then
    database_is_private=no
    export Database__ConnectionString
    export Database__OwnerConnectionString="${Database__OwnerConnectionString:-$Database__ConnectionString}"
    return
  fi
  database_is_private=yes
  if [ -r "$pimm_state/env" ]; then
    # shellcheck source=/dev/null
    . "$pimm_state/env"
  elif [ -e "$pimm_state/env" ]; then
    fail "$pimm_state/env belongs to $(stat -c %U "$pimm_state/env"): run as that user, or as root."
  fi
}

new_password() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }

write_private_settings() {
  (
    umask 077
    cat >"$pimm_state/env.new" <<ENV
# Written by ./pimm: where its private PostgreSQL listens, and the passwords of its two roles.
PIMM_DATABASE_PORT=$1
PIMM_OWNER_PASSWORD='$PIMM_OWNER_PASSWORD'
PIMM_APP_PASSWORD='$PIMM_APP_PASSWORD'
export Database__ConnectionString='Host=127.0.0.1;Port=$1;Database=pimm;Username=pimm_app;Password=$PIMM_APP_PASSWORD'
export Database__OwnerConnectionString='Host=127.0.0.1;Port=$1;Database=pimm;Username=pimm_owner;Password=$PIMM_OWNER_PASSWORD'
ENV
  )
  [ "$(id -u)" -ne 0 ] || chown --reference="$pimm_state" "$pimm_state/env.new"
  mv "$pimm_state/env.new" "$pimm_state/env"
}

# Can be repeated: whatever an interrupted first start left undone is done by the next.
make_roles_and_database() {
  as_superuser postgres >/dev/null <<SQL
set client_min_messages = warning;
do \$\$ begin create role pimm_owner login; exception when duplicate_object then null; end \$\$;
do \$\$ begin create role pimm_app login; exception when duplicate_object then null; end \$\$;
alter role pimm_owner createdb password '$PIMM_OWNER_PASSWORD';
alter role pimm_app password '$PIMM_APP_PASSWORD';
select 'create database pimm owner pimm_owner' where not exists (select from pg_database where datname = 'pimm') \gexec
revoke all on database pimm from public;
grant connect, temporary on database pimm to pimm_app;
SQL
  # What pimm_app may do with which table is granted by the migrations.
  echo 'revoke create on schema public from public' | as_superuser pimm
}

# ensure_cluster: the private cluster runs and .pimm/env says where. Costs nothing when it runs already.
ensure_cluster() {
  [ "$database_is_private" = yes ] || return 0
  locate_cluster cluster
  # Workers look whether its disk has room.
  export Disk__DatabaseFolder="${Disk__DatabaseFolder:-$cluster_data}"
  if [ -n "${Database__ConnectionString:-}" ] && cluster_runs; then
    return
  fi
  with_lock cluster 300 bring_cluster_up
}

bring_cluster_up() {
  locate_cluster cluster
  [ -e "$cluster_data/PG_VERSION" ] || say "Setting up a private PostgreSQL cluster in $cluster_home."
  make_cluster
  if cluster_runs; then
    adopt_running_cluster
  else
    start_cluster "${PIMM_DATABASE_PORT:-$((15432 + $(cksum <<<"$pimm_root" | cut -d' ' -f1) % 1000))}"
    say "PostgreSQL $(cluster_version) is running on port $cluster_port."
  fi
  : "${PIMM_OWNER_PASSWORD:=$(new_password)}" "${PIMM_APP_PASSWORD:=$(new_password)}"
  write_private_settings "$cluster_port"
  make_roles_and_database
  # shellcheck source=/dev/null
  . "$pimm_state/env"
}

# What `up` hands on to `migrate`.
migrate_options=()

# ensure_migrated: applies the migrations unless this very set was applied to this very database before. A database that
# is in use gets a backup first.
ensure_migrated() {
  local applied
  applied=$( (
    printf '%s\n' "$Database__OwnerConnectionString"
    find "$pimm_root/migrations" -name '*.sql' -exec sha256sum {} + | LC_ALL=C sort
  ) | sha256sum | cut -c1-64)
  [ "$(cat "$pimm_state/migrated" 2>/dev/null)" != "$applied" ] || return 0
  say "Applying the migrations."
  "$(program_of Pimm.Jobs)" migrate "${migrate_options[@]}" >&2 || fail "The migrations could not be applied; the reason is above."
  printf '%s\n' "$applied" >"$pimm_state/migrated"
}

# ensure_parts WORD…: the packages that these parts need; a database of the user's own needs no server here.
ensure_parts() {
  local word words=()
  for word in "$@"; do
    [ "$word" = database ] && [ "$database_is_private" = no ] || words+=("$word")
  done
  ensure_packages "${words[@]}"
}

# prepare_database: for a verb that talks to the database; Pimm.Jobs is built already.
prepare_database() {
  ensure_parts database
  ensure_cluster
  ensure_migrated
}
