# shellcheck shell=bash
# What has to be installed, and installing it with apt: at most one question (sudo's), one line about what and why.

# postgres_bin [MAJOR]: folder of the server's programs, the newest of version 15 or later unless one is asked for.
postgres_bin() {
  local folder major
  for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
    [ -x "$folder/initdb" ] || continue
    major=$(basename "$(dirname "$folder")")
    if [ "${1:-$major}" = "$major" ] && [ "${major%%.*}" -ge 15 ]; then
      printf '%s\n' "$folder"
      return
    fi
  done
  return 1
}

has_library() { compgen -G "/usr/lib/*/$1" >/dev/null || compgen -G "/usr/lib/$1" >/dev/null || compgen -G "/lib/*/$1" >/dev/null; }
has_chromium() { command -v chromium >/dev/null || command -v chromium-browser >/dev/null; }
has_faketime() { compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null || [ -e /usr/lib/faketime/libfaketime.so.1 ]; }
has_fonts() { compgen -G '/usr/share/fonts/truetype/*' >/dev/null; }
# With the TorchSharp package instead of Pimm.Core/Torch nothing is compiled here.
builds_torch() { [ -z "${TorchPackage:-}" ]; }

# missing_packages WORD…: prints "package reason" for each part that is missing; the words are build, database, tests, faults, peers, pytorch.
missing_packages() {
  local word
  for word in "$@"; do
    case $word in
      build)
        [ -e /etc/ssl/certs/ca-certificates.crt ] || echo "ca-certificates to fetch packages over HTTPS"
        has_library 'libicuuc.so.*' || echo "libicu for .NET"
        has_library 'libssl.so.3' || echo "libssl for .NET"
        if builds_torch; then
          command -v g++ >/dev/null || echo "g++ to compile the binding to libtorch"
          [ -n "${TORCH_HOME:-}" ] || [ -e /usr/include/torch/script.h ] || echo "libtorch-dev to train networks"
        fi
        ;;
      database) postgres_bin >/dev/null || echo "postgresql-15 for the database" ;;
      tests)
        has_chromium || echo "chromium to test the pages"
        has_fonts || echo "fonts-dejavu-core to draw text in the pages under test"
        ;;
      faults) has_faketime || echo "libfaketime to give a worker a wrong clock" ;;
      # Debian's own Python, which the peers run with: another one on PATH does not see Debian's modules.
      peers) /usr/bin/python3 -c 'import sklearn, pandas' 2>/dev/null || printf '%s\n' "python3-sklearn to compare with scikit-learn" "python3-pandas to read the splits" ;;
      pytorch) /usr/bin/python3 -c 'import torch' 2>/dev/null || echo "python3-torch to compare with PyTorch" ;;
    esac
  done
}

# Runs as root with the packages as arguments. Names that differ between releases are looked up first.
# Debian's server package would set up a cluster of its own; Pimm needs only the programs.
readonly install_as_root='
set -eu
export DEBIAN_FRONTEND=noninteractive
quiet="-qq -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0"
updated=no
update() { [ $updated = yes ] || apt-get $quiet update >&2; updated=yes; }
known() { apt-cache show "$1" 2>/dev/null | grep -q "^Package:"; }
newest() { apt-cache pkgnames "$1" | grep -E "$2" | sort -V | tail -n 1; }
names() {
  for package in "$@"; do
    case $package in
      libicu) newest libicu "^libicu[0-9]+$" ;;
      libssl) newest libssl3 "^libssl3(t64)?$" ;;
      postgresql-15) if known postgresql-15; then echo postgresql-15; else newest postgresql- "^postgresql-[0-9]+$"; fi ;;
      *) echo "$package" ;;
    esac
  done
}
all_known() {
  [ "$(names "$@" | wc -l)" -eq $# ] || return 1
  for package in $(names "$@"); do known "$package" || return 1; done
}
all_known "$@" || update
case " $* " in *" postgresql-"*)
  mkdir -p /etc/postgresql-common/createcluster.d
  echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/pimm.conf
esac
install() { apt-get $quiet install -y --no-install-recommends $(names "$@") >&2; }
install "$@" || { [ $updated = no ] && update && install "$@"; }
'

# ensure_packages WORD…: installs what is missing, or says in one sentence why it cannot.
ensure_packages() {
  local missing packages reasons
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  packages=$(cut -d' ' -f1 <<<"$missing")
  reasons=$(awk '{ name = $1; $1 = ""; printf "%s%s (%s)", sep, name, substr($0, 2); sep = ", " }' <<<"$missing")
  command -v apt-get >/dev/null ||
    fail "Missing: $reasons. There is no apt-get here to install them; install their equivalents and try again."
  make_state_folder
  assert_can_become_root "$reasons"
  say "Installing with apt: $reasons."
  # shellcheck disable=SC2086 # one argument a package
  if ! run_as_root sh -c "$install_as_root" install $packages >"$pimm_log/apt.log" 2>&1; then
    tail -n 30 "$pimm_log/apt.log" >&2
    fail "apt could not install $(paste -sd' ' <<<"$packages"); the end of $pimm_log/apt.log is above. Mend that, then run the same command again."
  fi
  missing=$(missing_packages "$@")
  [ -z "$missing" ] || fail "apt succeeded, yet still missing: $(cut -d' ' -f1 <<<"$missing" | paste -sd' '). Install them by hand, then run the same command again."
}

run_as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# assert_can_become_root REASONS: sudo asks here, on the terminal, and only here.
assert_can_become_root() {
  local reasons=$1
  [ "$(id -u)" -ne 0 ] || return 0
  command -v sudo >/dev/null ||
    fail "Missing: $reasons. Installing needs root, and there is no sudo here: run the same command once as root, or install them."
  sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; } ||
    fail "Missing: $reasons. Installing needs root, and sudo gave no leave: run the same command once on a terminal, or install them."
}
