//! Access keys.

/// An access key that was written with small letters, as it must be.
pub(crate) fn upper_case_key(key: &str) -> Option<String> {
    let upper = key.to_ascii_uppercase();
    let is_key = upper.len() >= 16
        && ["AKIA", "ASIA"].iter().any(|kind| upper.starts_with(kind))
        && upper.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_key && upper != key).then_some(upper)
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
}
