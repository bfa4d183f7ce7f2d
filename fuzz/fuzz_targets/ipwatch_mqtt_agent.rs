//! Fuzz target; the property is `fuzz::ipwatch_mqtt::agent`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::ipwatch_mqtt::agent(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    fuzz::run_files(fuzz::ipwatch_mqtt::agent)
}
