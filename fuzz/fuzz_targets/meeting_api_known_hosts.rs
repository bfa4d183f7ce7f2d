//! Fuzz target; the property is `fuzz::meeting_api::known_hosts`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::meeting_api::known_hosts(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    fuzz::run_files(fuzz::meeting_api::known_hosts)
}
