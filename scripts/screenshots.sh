# shellcheck shell=bash
# `screenshots [WIDTH…]`: pictures of the running installation into docs/screenshots and docs/pages.md around them, by a user that exists only meanwhile.

take_screenshots() {
  process_runs web || fail "The web app is not running: start it with ./pimm up --detach."
  ensure_packages build tests
  require_sdk_and_build tests
  load_database_settings
  prepare_database
  local jobs added
  jobs=$(program_of Pimm.Jobs)
  screenshot_user=demo-administrator
  "$jobs" users remove "$screenshot_user" 2>/dev/null || true
  added=$("$jobs" users add "$screenshot_user" --role Administrator --keep --json)
  trap '"$(program_of Pimm.Jobs)" users remove "$screenshot_user"' EXIT
  PIMM_URL=$(web_address) PIMM_USER=$screenshot_user PIMM_PASSWORD=$(sed -n 's/.*"password": "\(.*\)".*/\1/p' <<<"$added") \
    "$(program_of Pimm.Web.Tests)" screenshots "$pimm_root/docs/screenshots" "$@"
}
