# Sourced by every step: where things are, and how to ask for what is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
export CARGO_TERM_COLOR=never
export CI_CACHE="${CI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/meeting-ci}"
# sshd, nginx and the like are in sbin, which a plain user's PATH may lack.
export PATH="$CI_CACHE/venv/bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin"
for folder in /usr/lib/postgresql/*/bin; do
  if [ -d "$folder" ]; then PATH="$PATH:$folder"; fi
done
mkdir -p "$CI_CACHE"

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# packages <Debian package>...
packages() {
  if [ ! -e "$CI_CACHE/apt-updated" ] || [ -n "$(find "$CI_CACHE/apt-updated" -mmin +60)" ]; then
    as_root apt-get update -qq >/dev/null
    touch "$CI_CACHE/apt-updated"
  fi
  echo "installing: $*"
  DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  hash -r
}

# install <command> <Debian package>...: installs the packages unless the command is there.
install() {
  local command=$1
  shift
  if command -v "$command" >/dev/null; then return 0; fi
  packages "$@"
  command -v "$command" >/dev/null || { echo "error: $command is still missing after installing $*"; return 1; }
}
