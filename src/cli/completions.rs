//! `helpline completions`: what a shell reads so that it completes commands, options and file names.

use std::process::ExitCode;

use clap_complete::{Shell, generate};

use super::listing::print;

/// What `helpline completions` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// For which shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints what the shell reads.
///
/// # Errors
/// It could not be written.
pub fn run(arguments: &Arguments, mut line: clap::Command) -> anyhow::Result<ExitCode> {
    print(&written(arguments.shell, &mut line))?;
    Ok(ExitCode::SUCCESS)
}

/// The completions of a command line for a shell.
fn written(shell: Shell, line: &mut clap::Command) -> String {
    let name = line.get_name().to_owned();
    let mut text = Vec::new();
    generate(shell, line, name, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use clap::CommandFactory;

    use super::*;
    use crate::cli::CommandLine;

    /// Bash itself reads them, and completes what an operator has begun to type.
    #[test]
    fn bash_completes_commands_options_and_words() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("helpline.bash");
        std::fs::write(&file, written(Shell::Bash, &mut CommandLine::command())).expect("written");
        let check = |typed: &[&str], expected: &[&str]| {
            let asked = r#"source "$1" && complete -p helpline > /dev/null && shift && COMP_WORDS=("$@") &&
                COMP_CWORD=$(($# - 1)) && _helpline helpline "${@: -1}" "${@: -2:1}"; printf '%s\n' "${COMPREPLY[@]}""#;
            let output = Command::new("bash")
                .args(["--norc", "-c", asked, "bash"])
                .arg(&file)
                .args(typed)
                .output()
                .expect("bash runs");
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{typed:?}");
            let offered = String::from_utf8_lossy(&output.stdout).into_owned();
            let offered: Vec<&str> = offered.lines().collect();
            assert_eq!(offered, expected, "{typed:?}");
        };
        check(&["helpline", "ch"], &["check"]);
        check(&["helpline", "check", "--for"], &["--format"]);
        check(&["helpline", "check", "--format", "j"], &["json", "junit"]);
        check(&["helpline", "completions", "z"], &["zsh"]);
    }

    /// Every command is known to every shell.
    #[test]
    fn no_command_is_left_out() {
        let line = CommandLine::command();
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let text = written(shell, &mut CommandLine::command());
            for command in line.get_subcommands() {
                assert!(text.contains(command.get_name()), "{shell} does not know {}", command.get_name());
            }
        }
    }
}
