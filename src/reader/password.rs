//! The role's password: made here, shown once, and kept nowhere but in the server, as the verifier that SCRAM compares
//! with. Neither the server nor its log ever sees the password itself.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::{digest, hmac, pbkdf2};

/// What PostgreSQL itself uses; the password is random, so more would only slow logins down.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).expect("more than none");
const SALT_BYTES: usize = 16;
/// How long a password is that somebody chose.
const CHOSEN_BYTES: std::ops::RangeInclusive<usize> = 12..=200;

/// A password that was just made, or that the settings give; empty for none. It never shows itself.
#[derive(Clone, Default, serde::Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// A new one: 256 random bits.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(random)))
    }

    /// True when there is one.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        !self.0.is_empty()
    }

    /// What is wrong with one that somebody chose, if anything. Beyond these characters, clients differ in what they send.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let is_fine = self.0.is_empty() || (CHOSEN_BYTES.contains(&self.0.len()) && self.0.bytes().all(|byte| byte.is_ascii_graphic()));
        (!is_fine).then(|| format!("must be {} to {} visible ASCII characters", CHOSEN_BYTES.start(), CHOSEN_BYTES.end()))
    }

    /// True when this is what the server keeps of it.
    #[must_use]
    pub fn is_of(&self, kept: &str) -> bool {
        let salt = kept.strip_prefix("SCRAM-SHA-256$4096:").and_then(|rest| STANDARD.decode(rest.split_once('$')?.0).ok());
        salt.is_some_and(|salt| verifier(&self.0, &salt) == kept)
    }

    /// The password, to be shown to a person once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What PostgreSQL stores of it (RFC 5803).
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn verifier(&self) -> Result<String, getrandom::Error> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt)?;
        Ok(verifier(&self.0, &salt))
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

fn verifier(password: &str, salt: &[u8]) -> String {
    let mut salted = [0; digest::SHA256_OUTPUT_LEN];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, salt, password.as_bytes(), &mut salted);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let stored = digest::digest(&digest::SHA256, hmac::sign(&key, b"Client Key").as_ref());
    let server = hmac::sign(&key, b"Server Key");
    format!("SCRAM-SHA-256${ITERATIONS}:{}${}:{}", STANDARD.encode(salt), STANDARD.encode(stored), STANDARD.encode(server))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677: its client proof and server signature follow from these keys.
    #[test]
    fn the_verifier_is_the_one_of_the_standard() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("base64");
        let made = verifier("pencil", &salt);
        assert_eq!(
            made,
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }

    #[test]
    fn no_two_passwords_are_alike_and_none_shows_itself() {
        let (one, other) = (Password::generate().expect("random"), Password::generate().expect("random"));
        assert!(one.reveal() != other.reveal() && one.reveal().len() == 43);
        assert!(!format!("{one:?}").contains(one.reveal()));
        let kept = one.verifier().expect("random");
        assert!(one.is_of(&kept) && !other.is_of(&kept) && !one.is_of("") && !one.is_of("md5abc"));
    }

    #[test]
    fn a_chosen_one_is_long_and_plain() {
        for (chosen, is_fine) in [("", true), ("short", false), ("twelve-chars", true), ("with a blank in it", false), ("ünder-the-sea-1", false)] {
            assert_eq!(Password(chosen.to_owned()).fault().is_none(), is_fine, "{chosen}");
        }
    }
}
