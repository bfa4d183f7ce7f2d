//! Fuzz target; the property is `fuzz::ipwatch_mqtt::message`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::ipwatch_mqtt::message(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    fuzz::run_files(fuzz::ipwatch_mqtt::message)
}
