//! `caribe passwd` and `caribe token`: what the administrator of the console's machine may always do, whether the
//! console runs or not.

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, bail};
use console::{Actor, Console, PasswordSet, Role, SecondFactorError};

use crate::cli;
use crate::settings::Serve;

/// Creates an account, or gives an existing one a new password; takes its second factor away where that is asked for.
pub(crate) async fn passwd(arguments: cli::Passwd, settings: Serve) -> anyhow::Result<()> {
    let console = open(arguments.data, settings).await?;
    let password = read_password()?;
    let set = console.set_password(&Actor::local(), &arguments.user, &password, Role::Admin).await?;
    match set {
        PasswordSet::Created => println!("account {} created", arguments.user),
        PasswordSet::Changed => println!("password of {} changed; its sessions have ended", arguments.user),
    }
    if arguments.remove_second_factor {
        match console.remove_second_factor(&Actor::local(), &arguments.user).await {
            Ok(()) => println!("its second factor is removed; the password alone is asked for"),
            Err(SecondFactorError::Off) => println!("it has no second factor"),
            Err(error) => return Err(error.into()),
        }
    } else if console.account(&Actor::local(), &arguments.user).await?.second_factor {
        println!(
            "its second factor stays: a code is asked for as well; --remove-second-factor takes it away"
        );
    }
    console.stop().await;
    Ok(())
}

/// Makes an API token and prints it.
pub(crate) async fn create_token(arguments: cli::TokenCreate, settings: Serve) -> anyhow::Result<()> {
    let role = role_of(&arguments.scopes)?;
    let console = open(arguments.data, settings).await?;
    let token = console.create_token(&Actor::local(), &arguments.name, role, None).await?;
    println!("{}", token.secret);
    console.stop().await;
    Ok(())
}

/// The console in a folder, which may run at the same time.
pub(crate) async fn open(data: Option<std::path::PathBuf>, settings: Serve) -> anyhow::Result<Console> {
    let data = data.unwrap_or(settings.data);
    let host_names = settings.names;
    // A mistyped folder must not become a second, empty console.
    if !Console::is_there(&data) {
        bail!(
            "there is no console in {}; say with --data which folder caribe serve uses (it makes one at its first start)",
            data.display()
        );
    }
    Ok(Console::open(console::Settings { data, host_names, ..console::Settings::default() }).await?)
}

/// From the terminal twice without echo, or one line of standard input.
fn read_password() -> anyhow::Result<String> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        let mut line = String::new();
        input.lock().read_line(&mut line).context("cannot read the password from standard input")?;
        let password = line.trim_end_matches(['\r', '\n']);
        if password.is_empty() {
            bail!("standard input holds no password");
        }
        return Ok(password.to_owned());
    }
    let password = rpassword::prompt_password("New password: ")?;
    if rpassword::prompt_password("Again: ")? != password {
        bail!("the two passwords are not the same; nothing was changed");
    }
    Ok(password)
}

/// What a token may do, as the least role that includes every scope named.
fn role_of(scopes: &[String]) -> anyhow::Result<Role> {
    let mut role = None;
    for scope in scopes {
        let one = match scope.as_str() {
            "read" => Role::Viewer,
            "runtime:write" => Role::Operator,
            "config:write" => Role::Editor,
            "config:activate" => Role::Approver,
            "admin" => Role::Admin,
            other => bail!(
                "unknown scope {other:?}; scopes are read, runtime:write, config:write, config:activate, admin"
            ),
        };
        role = role.max(Some(one));
    }
    Ok(role.unwrap_or(Role::Admin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_without_a_console_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mistyped = folder.path().join("nope");
        let token =
            cli::TokenCreate { data: Some(mistyped.clone()), name: "ci".to_owned(), scopes: Vec::new() };
        let said = create_token(token, Serve::default()).await.unwrap_err().to_string();
        assert!(said.contains("no console in") && said.contains("--data"), "{said}");
        assert!(!mistyped.exists());
        let passwd = cli::Passwd {
            data: Some(folder.path().to_owned()),
            user: "admin".to_owned(),
            remove_second_factor: false,
        };
        assert!(self::passwd(passwd, Serve::default()).await.is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn every_scope_of_the_help_is_known() {
        for scope in cli::SCOPES {
            assert!(role_of(&[scope.to_owned()]).is_ok(), "{scope}");
        }
    }

    #[test]
    fn a_token_gets_the_least_role_that_includes_its_scopes() {
        let of = |scopes: &[&str]| role_of(&scopes.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["read"]).unwrap(), Role::Viewer);
        assert_eq!(of(&["config:write", "read"]).unwrap(), Role::Editor);
        assert_eq!(of(&[]).unwrap(), Role::Admin);
        assert!(of(&["root"]).unwrap_err().to_string().contains("scopes are read"));
    }
}
