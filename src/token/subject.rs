//! What is `sub` in the tokens we issue, and by what are all of a user's tokens revoked?

use std::borrow::Cow;

use crate::identity::{BadText, Digest, LoginName, Subject, UserId};

/// What `sub` is in the tokens we issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectForm {
    /// The user's immutable id.
    Id,
    /// The login name behind a prefix, such as `username:`.
    Login {
        /// What stands before the login name; may be empty.
        prefix: String,
    },
}

impl SubjectForm {
    /// `sub` of the user with this id and login. A login and its prefix may be too long together; such a user cannot be
    /// named in a token.
    pub fn of(&self, id: &UserId, login: &LoginName) -> Result<Subject, BadText> {
        match self {
            Self::Id => Subject::parse(id.as_str()),
            Self::Login { prefix } => Subject::parse(&format!("{prefix}{login}")),
        }
    }

    /// What a user's revocation names, of whatever issuer the token is: a login in its one canonical spelling, so that it
    /// reaches tokens that spell it otherwise.
    pub fn digest(&self, issuer: &str, subject: &Subject) -> Digest {
        Digest::of_user(issuer, &self.known_as(subject))
    }

    fn known_as<'s>(&self, subject: &'s Subject) -> Cow<'s, Subject> {
        let Self::Login { prefix } = self else { return Cow::Borrowed(subject) };
        let Some(login) = subject.as_str().strip_prefix(prefix.as_str()) else {
            return Cow::Borrowed(subject);
        };
        // What cannot be a login in any spelling is known as it is.
        Subject::parse(&format!("{prefix}{}", LoginName::canonical(login)))
            .map_or(Cow::Borrowed(subject), Cow::Owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(text: &str) -> Subject {
        Subject::parse(text).unwrap()
    }

    #[test]
    fn a_login_is_known_by_one_spelling_behind_its_prefix() {
        let login = SubjectForm::Login { prefix: "u:".into() };
        let digest = |form: &SubjectForm, text: &str| form.digest("https://i", &subject(text));
        assert_eq!(digest(&login, "u:Ada"), digest(&login, "u:ada"));
        assert_ne!(digest(&login, "U:ada"), digest(&login, "u:ada"), "the prefix is nobody's spelling");
        assert_ne!(digest(&SubjectForm::Id, "u:Ada"), digest(&SubjectForm::Id, "u:ada"), "an id is no login");
        assert_eq!(digest(&SubjectForm::Id, "x"), Digest::of_user("https://i", &subject("x")));
    }

    #[test]
    fn a_subject_is_spelled_as_it_is_stored() {
        let (id, ada) = (UserId::parse("7").unwrap(), LoginName::as_stored("Ada").unwrap());
        assert_eq!(SubjectForm::Id.of(&id, &ada).unwrap(), subject("7"));
        let login = SubjectForm::Login { prefix: "username:".into() };
        assert_eq!(login.of(&id, &ada).unwrap(), subject("username:Ada"));
        assert!(SubjectForm::Login { prefix: "x".repeat(255) }.of(&id, &ada).is_err());
    }
}
