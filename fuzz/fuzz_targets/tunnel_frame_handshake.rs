//! Fuzz target; the property is `fuzz::tunnel_frame::handshake`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::tunnel_frame::handshake(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    fuzz::run_files(fuzz::tunnel_frame::handshake)
}
