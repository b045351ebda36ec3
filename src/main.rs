//! The command-line program.
fn main() -> std::process::ExitCode {
    dlmc::cli::main()
}
