#!/usr/bin/env bash
# Installs what the other steps need, each only if it is missing.
source "$(dirname "$0")/../environment.sh"

install cc gcc libc6-dev
install git git
install curl curl ca-certificates
install ssh openssh-client
install sshd openssh-server
install nginx nginx-light
install iperf3 iperf3
install faketime faketime
install nft nftables
install ip iproute2
install openssl openssl
install strace strace
install node nodejs
install chromium chromium
install python3 python3
install mosquitto mosquitto
install mosquitto_pub mosquitto-clients
if ! python3 -c 'import ensurepip' 2>/dev/null; then packages python3-venv; fi
install psql postgresql-client
if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then packages postgresql; fi

if [ ! -x "$CI_CACHE/venv/bin/schemathesis" ]; then
  echo "installing: schemathesis"
  python3 -m venv "$CI_CACHE/venv"
  "$CI_CACHE/venv/bin/pip" install --quiet --disable-pip-version-check schemathesis
fi
if ! "$CI_CACHE/venv/bin/python" -c 'import meshcoredecoder' 2>/dev/null; then
  echo "installing: meshcoredecoder"
  "$CI_CACHE/venv/bin/pip" install --quiet --disable-pip-version-check meshcoredecoder
fi
if ! "$CI_CACHE/venv/bin/python" -c 'import paho.mqtt' 2>/dev/null; then
  echo "installing: paho-mqtt"
  "$CI_CACHE/venv/bin/pip" install --quiet --disable-pip-version-check paho-mqtt
fi
# npm_package <name> <version>
npm_package() {
  if ! grep -qs "\"version\": \"$2\"" "$CI_CACHE/node/node_modules/$1/package.json"; then
    install npm npm
    echo "installing: $1 $2"
    npm install --silent --no-audit --no-fund --prefix "$CI_CACHE/node" "$1@$2"
  fi
}
# The browser comes from Debian; this only drives it, and downloads none.
npm_package playwright-core 1.60.0
npm_package typescript 5.9.3
npm_package ajv 8.17.1

for tool in cargo-deny cargo-fuzz; do
  if ! command -v "$tool" >/dev/null; then
    echo "installing: $tool"
    # cargo-deny's default features bring a TLS library that it needs only for the advisories.
    CARGO_TARGET_DIR="$CI_CACHE/target" cargo install --quiet --locked --no-default-features "$tool"
  fi
done
echo "tools: $(cargo --version), $(cargo deny --version), $(ssh -V 2>&1), $(node --version)"
