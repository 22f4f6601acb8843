//! Access keys.

/// The characters of the ids that AWS gives.
pub(crate) const LENGTH: usize = 20;

/// An access key that was written with small letters, as it must be.
pub(crate) fn upper_case_key(key: &str) -> Option<String> {
    let upper = key.to_ascii_uppercase();
    (is_meant_as_key(&upper) && upper != key).then_some(upper)
}

/// Whether a word is of a kind that AWS gives, and long enough to be meant as a whole key.
pub(crate) fn is_meant_as_key(word: &str) -> bool {
    word.len() >= 16 && is_of_a_kind(word)
}

/// Whether a word begins as keys do that AWS gives, and has no other signs in it than they have.
pub(crate) fn is_of_a_kind(word: &str) -> bool {
    ["AKIA", "ASIA"].iter().any(|kind| word.starts_with(kind))
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What is odd about a text that was given as an access key: a sentence.
pub(crate) fn oddity(key: &str) -> Option<String> {
    if let Some(upper) = upper_case_key(key) {
        return Some(format!("--access-key {key}: access keys are in upper case; --access-key {upper}"));
    }
    (is_of_a_kind(key) && key.len() != LENGTH).then(|| {
        format!(
            "--access-key {key}: that is {} characters, and access keys have {LENGTH}; with * at the end it may be the \
             beginning of one",
            key.len()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_small_letters_are_known() {
        assert_eq!(upper_case_key("akiaIOSFODNN7example").as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
        for other in ["AKIAIOSFODNN7EXAMPLE", "akia1", "abcdefghijklmnopqrst", "akiaiosfodnn7e.ample"] {
            assert_eq!(upper_case_key(other), None, "{other}");
        }
    }

    #[test]
    fn keys_that_are_too_short_or_long_are_told() {
        for odd in ["AKIAIOSFODNN7EXAMPL", "ASIAIOSFODNN7EXAMPLEE", "AKIA", "akiaIOSFODNN7example"] {
            assert!(oddity(odd).is_some_and(|text| text.contains(odd)), "{odd}");
        }
        for good in ["AKIAIOSFODNN7EXAMPLE", "AKIAIOSF*", "root", "i-0abc"] {
            assert_eq!(oddity(good), None, "{good}");
        }
    }
}
