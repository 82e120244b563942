//! Profiles: consoles that the client was logged in to, with their tokens, in a file that only its owner may read.
//!
//! Tokens come from standard input, the terminal or the environment, never from an argument. Called by `ctl`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, ErrorKind, IsTerminal as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

/// Environment variable with the token.
const TOKEN: &str = "CARIBE_TOKEN";

/// A console and who one is there.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    /// `https://HOST:PORT`
    pub(super) url: String,
    /// The certificate that is believed, where no authority vouches for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) certificate: Option<String>,
    pub(super) token: String,
}

/// All profiles of this user.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profiles {
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
    #[serde(skip)]
    path: PathBuf,
}

impl Profiles {
    /// Those of the user's folder of settings; none where there is no file yet.
    pub(super) fn load() -> Result<Profiles> {
        let folder = match (std::env::var_os("XDG_CONFIG_HOME"), std::env::var_os("HOME")) {
            (Some(folder), _) if !folder.is_empty() => PathBuf::from(folder),
            (_, Some(home)) if !home.is_empty() => Path::new(&home).join(".config"),
            _ => bail!("HOME is not set, so there is no place for profiles; use CARIBE_URL and CARIBE_TOKEN"),
        };
        Profiles::at(folder.join("caribe").join("ctl.toml"))
    }

    fn at(path: PathBuf) -> Result<Profiles> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        if !text.is_empty() && fs::metadata(&path)?.permissions().mode() & 0o077 != 0 {
            bail!(
                "{} holds tokens and may be read by others; say chmod 600 {0}, and replace the tokens if others were \
                 on this machine",
                path.display()
            );
        }
        let profiles: Profiles =
            toml::from_str(&text).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(Profiles { path, ..profiles })
    }

    pub(super) fn get(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    pub(super) fn put(&mut self, name: &str, profile: Profile) -> Result<()> {
        self.profiles.insert(name.to_owned(), profile);
        self.save()
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, name: &str) -> Result<bool> {
        let was = self.profiles.remove(name).is_some();
        if was {
            self.save()?;
        }
        Ok(was)
    }

    fn save(&self) -> Result<()> {
        let about = || format!("{} cannot be written", self.path.display());
        let folder = self.path.parent().with_context(about)?;
        fs::create_dir_all(folder).with_context(about)?;
        let text = toml::to_string(self).with_context(about)?;
        // Never readable by others, not even for a moment, and never half a file.
        let new = self.path.with_extension("new");
        let _ = fs::remove_file(&new);
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).with_context(about)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(about)?;
        fs::rename(&new, &self.path).with_context(about)
    }
}

/// The token of the environment.
pub(super) fn token_of_environment() -> Option<String> {
    std::env::var(TOKEN).ok().map(|token| token.trim().to_owned()).filter(|token| !token.is_empty())
}

/// A token from the environment, the terminal without echo, or a line of standard input.
pub(super) fn ask_for_token() -> Result<String> {
    if let Some(token) = token_of_environment() {
        return Ok(token);
    }
    let token = if std::io::stdin().is_terminal() {
        rpassword::prompt_password("API token (caribe token create, or page API TOKENS): ")?
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).context("cannot read the token from standard input")?;
        line
    };
    match token.trim() {
        "" => bail!("no token was given"),
        token => Ok(token.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_kept_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("caribe/ctl.toml");
        let mut profiles = Profiles::at(path.clone()).unwrap();
        let profile = Profile { url: "https://c:3636".into(), certificate: None, token: "secret".into() };
        profiles.put("default", profile).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let mut again = Profiles::at(path.clone()).unwrap();
        assert_eq!(again.get("default").unwrap().token, "secret");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Profiles::at(path.clone()).err().unwrap().to_string().contains("chmod 600"));
        assert!(again.remove("default").unwrap() && !again.remove("default").unwrap());
        assert!(Profiles::at(path.clone()).unwrap().get("default").is_none(), "and it is private again");

        fs::write(&path, "[profiles.x]\nurl = \"u\"\ntoken = \"t\"\nwrong = 1\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let error = Profiles::at(path).err().unwrap();
        assert!(format!("{error:#}").contains("wrong"));
    }
}
