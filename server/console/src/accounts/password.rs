//! Passwords: which are taken, and how they are hashed. Hashing runs apart from the async threads, a few at a time:
//! each takes 46 MiB, and a flood of logins must not become one of memory.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::PasswordError;
use crate::{Failure, secret};

/// KiB of memory of one hash (OWASP's second choice, one pass).
const MEMORY_KIB: u32 = 46 * 1024;
/// Bytes of salt (RFC 9106 section 3.1 recommends 16).
const SALT: usize = 16;
/// Hashes computed at the same time.
const AT_ONCE: usize = 2;
/// Characters at least and at most.
const SHORTEST: usize = 12;
const LONGEST: usize = 256;

/// Words that begin the passwords everybody tries; digits and signs around them do not make them better.
const COMMON: [&str; 40] = [
    "password",
    "passwort",
    "passw0rd",
    "p4ssword",
    "pass",
    "passphrase",
    "letmein",
    "iloveyou",
    "welcome",
    "admin",
    "administrator",
    "changeme",
    "default",
    "secret",
    "topsecret",
    "master",
    "monkey",
    "dragon",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "batman",
    "starwars",
    "trustno",
    "whatever",
    "computer",
    "internet",
    "login",
    "root",
    "toor",
    "guest",
    "test",
    "testing",
    "temp",
    "temporary",
    "summer",
    "winter",
    "correcthorsebatterystaple",
];

/// Runs of neighbouring keys.
const RUNS: [&str; 8] = [
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1q2w3e4r5t6y7u8i9o0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1qaz2wsx3edc4rfv5tgb6yhn",
    "abcdefghijklmnopqrstuvwxyz",
    "12345678901234567890",
];

/// Words of this place.
const CONTEXT: [&str; 9] =
    ["caribe", "piranha", "loadbalancer", "balancer", "console", "director", "cluster", "ipvs", "lvs"];

/// Whether a password may be taken for that user.
pub(crate) fn check(user: &str, password: &str) -> Result<(), PasswordError> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(PasswordError::TooShort);
    }
    if length > LONGEST {
        return Err(PasswordError::TooLong);
    }
    let core: String = password.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let mut distinct: Vec<char> = core.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() <= 4 {
        return Err(PasswordError::Common);
    }
    let letters = core.trim_matches(|c: char| c.is_ascii_digit());
    if COMMON.iter().any(|word| only(letters, word))
        || RUNS.iter().any(|run| is_run(&core, run) || is_run(letters, run))
    {
        return Err(PasswordError::Common);
    }
    let user = user.to_lowercase();
    let user: String = user.chars().filter(|c| c.is_alphanumeric()).collect();
    let mut rest = core;
    for word in CONTEXT.iter().copied().chain([user.as_str()]).filter(|word| word.chars().count() >= 3) {
        rest = rest.replace(word, "");
    }
    if rest.trim_matches(|c: char| c.is_ascii_digit()).chars().count() < 4 && rest.chars().count() < 8 {
        return Err(PasswordError::Context);
    }
    Ok(())
}

/// Whether a text is nothing but one word, once or more.
fn only(text: &str, word: &str) -> bool {
    !text.is_empty() && text.replace(word, "").is_empty()
}

/// Whether a text is a piece of a run, or pieces of it (at most three) of four characters or more.
fn is_run(text: &str, run: &str) -> bool {
    let reversed: String = run.chars().rev().collect();
    let characters: Vec<char> = text.chars().collect();
    if characters.len() < 6 {
        return false;
    }
    let (mut at, mut pieces) = (0, 0);
    while at < characters.len() {
        let rest = characters.get(at..).unwrap_or_default();
        let longest = (1..=rest.len())
            .rev()
            .find(|n| {
                let piece: String = rest.iter().take(*n).collect();
                run.contains(&piece) || reversed.contains(&piece)
            })
            .unwrap_or(0);
        if longest < 4.min(rest.len()) || longest == 0 {
            return false;
        }
        at += longest;
        pieces += 1;
    }
    pieces <= 3
}

/// The bounded place where hashes are computed.
#[derive(Clone, Debug)]
pub(crate) struct Hasher {
    seats: Arc<Semaphore>,
    /// The hash of nobody's password, so that an unknown user costs the same time as a known one.
    nobody: Arc<str>,
}

/// What comparing a password with a hash gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    /// Another password.
    Different,
    /// The password.
    Same,
    /// The password, and the hash is weaker than today's: this one should take its place.
    SameRehashed(String),
}

fn argon2() -> Result<Argon2<'static>, Failure> {
    let params = Params::new(MEMORY_KIB, 1, 1, None).map_err(|e| Failure::of("argon2", e))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &str) -> Result<String, Failure> {
    let salt = secret::random::<SALT>()?;
    let hash = argon2()?.hash_password_with_salt(password.as_bytes(), &salt);
    Ok(hash.map_err(|e| Failure::of("argon2", e))?.to_string())
}

fn compare_now(password: &str, stored: &str) -> Result<Compared, Failure> {
    let hash = PasswordHash::new(stored).map_err(|e| Failure::of("stored password hash", e))?;
    match argon2()?.verify_password(password.as_bytes(), &hash) {
        Ok(()) => {}
        Err(argon2::password_hash::Error::PasswordInvalid) => return Ok(Compared::Different),
        Err(error) => return Err(Failure::of("argon2", error)),
    }
    let params = Params::try_from(&hash).map_err(|e| Failure::of("stored password hash", e))?;
    if params.m_cost() < MEMORY_KIB {
        Ok(Compared::SameRehashed(hash_now(password)?))
    } else {
        Ok(Compared::Same)
    }
}

impl Hasher {
    pub(crate) async fn new() -> Result<Self, Failure> {
        let nobody = crate::secret::token()?;
        let nobody = tokio::task::spawn_blocking(move || hash_now(&nobody))
            .await
            .map_err(|e| Failure::of("argon2", e))??;
        Ok(Hasher { seats: Arc::new(Semaphore::new(AT_ONCE)), nobody: nobody.into() })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let seat = Arc::clone(&self.seats).acquire_owned().await.map_err(|e| Failure::of("argon2", e))?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(seat);
            result
        })
        .await
        .map_err(|e| Failure::of("argon2", e))?
    }

    /// The argon2id hash of a password, as a PHC string.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, Failure> {
        let password = password.to_owned();
        self.run(move || hash_now(&password)).await
    }

    /// Whether `password` is the one `stored` was made of. Without a stored one it takes as long and is different.
    pub(crate) async fn compare(&self, password: &str, stored: Option<&str>) -> Result<Compared, Failure> {
        let known = stored.is_some();
        let stored = stored.unwrap_or(&self.nobody).to_owned();
        // Nobody has a longer one, and hashing megabytes would be a favour to a flood.
        let password: String = password.chars().take(LONGEST + 1).collect();
        let compared = self.run(move || compare_now(&password, &stored)).await?;
        Ok(if known { compared } else { Compared::Different })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_that_are_tried_first_are_refused() {
        for (password, why) in [
            ("short", PasswordError::TooShort),
            ("elevenchars", PasswordError::TooShort),
            ("password1234", PasswordError::Common),
            ("Password!2026", PasswordError::Common),
            ("passwordpassword", PasswordError::Common),
            ("123456789012", PasswordError::Common),
            ("qwertyuiop12", PasswordError::Common),
            ("1q2w3e4r5t6y", PasswordError::Common),
            ("aaaaaaaaaaaa", PasswordError::Common),
            ("correct-horse-battery-staple", PasswordError::Common),
            ("caribe-piranha", PasswordError::Context),
            ("alice-alice-1", PasswordError::Context),
            ("Alice.Director2026", PasswordError::Context),
        ] {
            assert_eq!(check("alice", password), Err(why), "{password}");
        }
        assert_eq!(check("alice", &"x1y2".repeat(65)), Err(PasswordError::TooLong));
        for password in [
            "violet harbour kettle",
            "caribe needs rain",
            "tR8#nn-20-velvet",
            "пароль из пяти слов",
            "a23456789bcdefghij",
        ] {
            assert_eq!(check("alice", password), Ok(()), "{password}");
        }
    }

    #[tokio::test]
    async fn hashes_are_argon2id_with_today_s_cost_and_compare() {
        let hasher = Hasher::new().await.unwrap();
        let hash = hasher.hash("violet harbour kettle").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"), "{hash}");
        assert_eq!(hasher.compare("violet harbour kettle", Some(&hash)).await.unwrap(), Compared::Same);
        assert_eq!(hasher.compare("violet harbour kettles", Some(&hash)).await.unwrap(), Compared::Different);
        assert_eq!(hasher.compare("violet harbour kettle", None).await.unwrap(), Compared::Different);
    }

    #[tokio::test]
    async fn a_weaker_hash_is_replaced_when_its_password_is_shown() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8192, 1, 1, None).unwrap());
        let weak = weak.hash_password(b"violet harbour kettle").unwrap().to_string();
        let hasher = Hasher::new().await.unwrap();
        match hasher.compare("violet harbour kettle", Some(&weak)).await.unwrap() {
            Compared::SameRehashed(hash) => assert!(hash.contains("m=47104"), "{hash}"),
            other => panic!("{other:?}"),
        }
    }
}
