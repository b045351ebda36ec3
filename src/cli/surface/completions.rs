//! `dlmc completions`: what a shell needs to complete commands and flags.
use super::super::Failure;
use super::super::output::Output;
use clap::Args;
use clap_complete::Shell;

/// What `dlmc completions` is asked.
#[derive(Args)]
pub struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the completions to standard output.
pub fn completions(arguments: &Arguments) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::command(), "dlmc", &mut bytes);
    let output = Output::new(super::super::Appearance::default());
    output.line(String::from_utf8_lossy(&bytes).trim_end())
}
