//! May this person sign in, sign up, sign out? Decides, and awaits the vaults: users, failures so far, revocations.
//!
//! Who signs in gets a token whose `sid` and version tie it to this sign-in; signing out revokes that `sid`, or all of
//! the user's. No answer tells whether a user exists, save that of a sign-up, if it may.

mod change_password;
mod email;
mod holder;
mod logins;
mod rehash;
mod sessions;
mod sign_in;
mod sign_out;
mod sign_up;

pub use change_password::{PasswordChange, PasswordChangeError};
pub use logins::Logins;
pub use sessions::SessionError;
pub use sign_in::{NotSignedIn, PasswordGrant, SignInError, SignedIn};
pub use sign_up::{SignUp, SignUpClaim, SignUpError, SignUpRules, SignedUp};

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod trial;
