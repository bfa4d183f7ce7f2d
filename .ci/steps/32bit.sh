#!/usr/bin/env bash
# Runs the tests of tunnel-frame's codec and session on a 32-bit machine (ARMv7 under qemu), where
# nine bytes of header plus a length of up to 4 GiB no longer fit a usize.
#
# Debian ships a recent compiler together with the sources of its standard library; they are unpacked
# into a folder of their own, so that nothing here touches the machine's own Rust.
set -euo pipefail
cd "$(dirname "$0")/../.."
cache=${CI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/meeting-ci}/rust-web
sudo=$([ "$(id -u)" = 0 ] || echo sudo)

need=()
for package in gcc-arm-linux-gnueabihf libc6-dev-armhf-cross qemu-user-static; do
  dpkg -s "$package" >/dev/null 2>&1 || need+=("$package")
done
if [ ${#need[@]} -gt 0 ]; then
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
fi

if [ ! -x "$cache/usr/bin/rustc" ]; then
  mkdir -p "$cache.new"
  (
    cd "$cache.new"
    library=$(apt-cache depends libstd-rust-web-dev | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\)$/\1/p')
    llvm=$(apt-cache depends "$library" | sed -n 's/.*Depends: \(libllvm[0-9]*\)$/\1/p')
    apt-get download -qq rustc-web rust-web-src "$library" libstd-rust-web-dev "$llvm" 2>/dev/null
    for package in *.deb; do dpkg-deb -x "$package" .; done
    rm -- *.deb
  )
  rm -rf "$cache"
  mv "$cache.new" "$cache"
fi

export RUSTC="$cache/usr/bin/rustc" RUSTDOC="$cache/usr/bin/rustdoc"
export LD_LIBRARY_PATH="$cache/usr/lib/x86_64-linux-gnu"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/32bit"
export RUSTC_BOOTSTRAP=1
export CARGO_TARGET_ARMV7_UNKNOWN_LINUX_GNUEABIHF_LINKER=arm-linux-gnueabihf-gcc
export CARGO_TARGET_ARMV7_UNKNOWN_LINUX_GNUEABIHF_RUNNER="qemu-arm-static -L /usr/arm-linux-gnueabihf"
cargo test -Zbuild-std=std,panic_unwind,test --target armv7-unknown-linux-gnueabihf \
  -p tunnel-frame --lib --features handshake,mux

# What a page and its iframe run. Only built: nothing here calls the browser.
cargo build -Zbuild-std=std,panic_abort --target wasm32-unknown-unknown -p iframe-messages --lib --features client,wallet
echo "note: iframe-messages builds for wasm32"
