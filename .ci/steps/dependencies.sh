#!/usr/bin/env bash
# What a vendor takes in: counts the third-party crates at run time, and holds tunnel-frame's default build to none.
source "$(dirname "$0")/../environment.sh"

third_party() {
  cargo tree --edges normal --prefix none --format '{p}' "$@" | sed 's/ (\*)$//' | sort -u | grep -vc "$PWD" || true
}

own=$(third_party -p tunnel-frame)
echo "note: tunnel-frame, default features: $own third-party crates"
for set in handshake mux client server; do
  echo "note: tunnel-frame, $set: $(third_party -p tunnel-frame --features "$set")"
done
for set in "" ssh-keys client tls server sqlite postgres; do
  echo "note: meeting-api, ${set:-default features}: $(third_party -p meeting-api --features "$set")"
done
for set in "" meshcore net client tls server sqlite postgres; do
  echo "note: checkin-api, ${set:-default features}: $(third_party -p checkin-api --features "$set")"
done
for set in "" client server wallet; do
  echo "note: iframe-messages, ${set:-default features}: $(third_party -p iframe-messages --features "$set")"
done
for set in "" client tls system power schedule server sqlite postgres; do
  echo "note: ipwatch-mqtt, ${set:-default features}: $(third_party -p ipwatch-mqtt --features "$set")"
done
if [ "$own" != 0 ]; then
  cargo tree --edges normal -p tunnel-frame
  echo "error: tunnel-frame's default build must have no third-party crate"
  exit 1
fi
