//! The `receiver` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    match daemon::cli::parse::<receiver::cli::Cli>() {
        Ok(cli) => daemon::exit::report("receiver", cli.run()),
        Err(code) => code,
    }
}
