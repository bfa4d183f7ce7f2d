//! The `agent` program: see `agent --help`.

fn main() -> std::process::ExitCode {
    agent::cli::main()
}
