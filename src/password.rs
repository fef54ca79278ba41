//! Is this the password? And: what may be one?
//!
//! A new password keeps the rules of [`NewPassword`]; a stored one is checked by [`Hasher`] on threads of its own, so
//! that no flood of logins delays a request. Every "no" takes the time of the dearest hash, whatever its cause.

mod bcrypt_hash;
#[cfg(fuzzing)]
mod fuzz;
mod hasher;
mod policy;
mod work;

#[cfg(fuzzing)]
#[doc(hidden)]
pub use fuzz::ReadHash;
pub use hasher::{HashPlace, Hasher, HasherSettings, Overloaded};
pub use policy::{NewPassword, PasswordHash, PasswordRule};
