//! Is this the password? And: what may be one?
//!
//! A new password keeps the rules of a [`PasswordPolicy`]; a stored one is checked by [`Hasher`] on threads of its own, so
//! that no flood of logins delays a request. Every check takes the work of the dearest hashes, whatever its outcome.
//!
//! | stored | verified by | at most |
//! |---|---|---|
//! | `$2a$` `$2b$` `$2y$`; `bcrypt$$2b$` (Django) | `bcrypt_hash` | cost 16 |
//! | `$bcrypt-sha256$` (passlib), `bcrypt_sha256$$2b$` (Django) | `bcrypt_hash`, of a SHA-256 | cost 16 |
//! | `$argon2id$` `$argon2i$`; `argon2$argon2id$` (Django) | `argon2_hash` | 256 MiB, 2 GiB in all iterations, 64 lanes |
//! | `$scrypt$` (passlib), `scrypt$` (Django), `scrypt:` (Werkzeug) | `scrypt_hash` | 256 MiB, N · r · p = 2²³ |
//! | `$pbkdf2$` `$pbkdf2-sha256$` `$pbkdf2-sha512$` (passlib), `pbkdf2_sha256$` `pbkdf2_sha1$` (Django), `pbkdf2:` (Werkzeug) | `pbkdf2_hash` | 4 million iterations |
//! | `$5$` `$6$` (`crypt(3)`) | `sha_crypt` | 1 million rounds |
//! | `$apr1$` (htpasswd), `$1$` (`crypt(3)`) | `md5_crypt` | |
//! | `{SHA}` (htpasswd), `{SSHA}` (LDAP) | `sha1_hash` | |
//!
//! A hash beyond its bound is malformed: nothing fits it. DES and plain text are no schemes.

mod argon2_hash;
mod bcrypt_hash;
mod breached;
#[cfg(fuzzing)]
mod fuzz;
mod hasher;
mod md5_crypt;
mod pbkdf2_hash;
mod policy;
mod recipe;
mod scheme;
mod scrypt_hash;
mod settings;
mod sha1_hash;
mod sha_crypt;
mod stored;
mod text;
mod work;

pub use breached::{BadList, Breached};
#[cfg(fuzzing)]
#[doc(hidden)]
pub use fuzz::ReadHash;
pub use hasher::{HashPlace, Hasher, Overloaded};
pub use policy::{NewPassword, PasswordHash, PasswordPolicy, PasswordRule};
pub use scheme::{Scheme, SchemeSet};
pub use settings::{HasherSettings, NewHash};
