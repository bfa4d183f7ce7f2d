//! The `proxy` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    match daemon::cli::parse::<proxy::cli::Cli>() {
        Ok(cli) => daemon::exit::report("proxy", cli.run()),
        Err(code) => code,
    }
}
