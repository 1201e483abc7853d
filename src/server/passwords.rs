//! The passwords of agents' phones: those that are configured, and those that are generated once and kept in the data
//! folder.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::flow::AgentSpec;
use crate::telephony::{AgentAccount, AgentSecret};

/// The file in the data folder: a line for each agent, extension and password with a space between.
const FILE: &str = "agent-passwords";
/// A file that is larger is not ours, in octets.
const FILE_MAX: u64 = 16 * 1024 * 1024;
/// Characters that nobody mistakes for others; 32 of them, so that an octet chooses evenly.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Groups of letters in a password ...
const GROUPS: usize = 4;
/// ... and letters in each: 100 bits in all.
const LETTERS_IN_GROUP: usize = 5;

/// Why the passwords cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}", path = path.display())]
pub struct PasswordsError {
    path: PathBuf,
    reason: io::Error,
}

/// The passwords that were generated, by extension.
#[derive(Default)]
pub struct Passwords {
    folder: PathBuf,
    generated: BTreeMap<String, String>,
}

impl Passwords {
    /// Reads those that were generated before. A folder that is not there holds none.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn read(folder: &Path) -> Result<Passwords, PasswordsError> {
        let path = folder.join(FILE);
        let failed = |reason| PasswordsError { path: path.clone(), reason };
        let mut text = String::new();
        match File::open(&path) {
            Ok(file) => {
                file.take(FILE_MAX).read_to_string(&mut text).map_err(failed)?;
            }
            Err(reason) if reason.kind() == io::ErrorKind::NotFound => {}
            Err(reason) => return Err(failed(reason)),
        }
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        let generated = lines.map(|(extension, password)| (extension.to_owned(), password.to_owned())).collect();
        Ok(Passwords { folder: folder.to_owned(), generated })
    }

    /// The password of an agent: the configured one, or the one that was generated.
    pub fn of<'a>(&'a self, agent: &'a AgentSpec) -> Option<&'a str> {
        let generated = || self.generated.get(&*agent.extension).map(String::as_str);
        agent.password.as_deref().or_else(generated)
    }

    /// What signalling has to know of each agent. Who has no password yet is given one, which is kept before it is used.
    ///
    /// # Errors
    /// What was generated cannot be written.
    pub fn accounts(&mut self, agents: &[AgentSpec]) -> Result<Vec<AgentAccount>, PasswordsError> {
        let without: Vec<&AgentSpec> = agents.iter().filter(|agent| self.of(agent).is_none()).collect();
        if !without.is_empty() {
            let path = self.folder.join(FILE);
            let failed = |reason| PasswordsError { path: path.clone(), reason };
            for agent in without {
                self.generated.insert(agent.extension.to_string(), generate().map_err(failed)?);
            }
            self.write(&path).map_err(failed)?;
        }
        let account = |agent: &AgentSpec| {
            let password = self.of(agent).unwrap_or_default().to_owned();
            AgentAccount { extension: agent.extension.to_string(), secret: AgentSecret::Password(password) }
        };
        Ok(agents.iter().map(account).collect())
    }

    /// Nobody else may read it, and it is never half written.
    fn write(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let new = path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        for (extension, password) in &self.generated {
            writeln!(file, "{extension} {password}")?;
        }
        file.sync_all()?;
        fs::rename(&new, path)
    }
}

/// Random octets of the operating system's, which nobody outside can know.
///
/// # Errors
/// What the operating system says.
pub fn entropy<const N: usize>() -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut octets)?;
    Ok(octets)
}

fn generate() -> io::Result<String> {
    let octets = entropy::<{ GROUPS * LETTERS_IN_GROUP }>()?;
    let letters: Vec<u8> = octets.iter().map(|octet| LETTERS[usize::from(octet % 32)]).collect();
    let groups: Vec<String> =
        letters.chunks(LETTERS_IN_GROUP).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    Ok(groups.join("-"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn agent(extension: &str, password: Option<&str>) -> AgentSpec {
        AgentSpec {
            language: "en".into(),
            extension: extension.into(),
            name: "Ada".into(),
            password: password.map(Arc::from),
            skills: Vec::new(),
        }
    }

    fn password(account: &AgentAccount) -> &str {
        match &account.secret {
            AgentSecret::Password(password) => password,
            AgentSecret::Hashes { .. } => panic!("a password was wanted"),
        }
    }

    #[test]
    fn a_password_is_generated_once_and_kept() {
        let folder = std::env::temp_dir().join(format!("helpline-passwords-{}", std::process::id()));
        let agents = [agent("1001", Some("chosen")), agent("1002", None), agent("1003", None)];
        let mut passwords = Passwords::read(&folder).expect("there is none yet");
        let first = passwords.accounts(&agents).expect("the folder can be written");
        assert_eq!(password(&first[0]), "chosen");
        assert_eq!(password(&first[1]).len(), GROUPS * (LETTERS_IN_GROUP + 1) - 1);
        assert_ne!(password(&first[1]), password(&first[2]));
        let mut again = Passwords::read(&folder).expect("it can be read");
        assert_eq!(again.accounts(&agents).expect("nothing is to be written"), first);
        assert_eq!(again.of(&agents[0]), Some("chosen"));
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(folder.join(FILE)).expect("it is there").permissions(),
        );
        assert_eq!(mode & 0o777, 0o600, "others could read it");
        fs::remove_dir_all(&folder).expect("it is ours");
    }
}
