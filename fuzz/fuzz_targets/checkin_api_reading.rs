//! Fuzz target; the property is `fuzz::checkin_api_reading::reading`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::checkin_api_reading::reading(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    fuzz::run_files(fuzz::checkin_api_reading::reading)
}
