//! Fuzz target; the property is `fuzz::meeting_api::heartbeat`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::meeting_api::heartbeat(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    fuzz::run_files(fuzz::meeting_api::heartbeat)
}
