//! Commands that are told to be run: words that a POSIX shell takes as they are meant.

/// A word for a POSIX shell that is no option either.
pub(crate) fn shell_word(text: &str) -> String {
    let text = if text.starts_with('-') { format!("./{text}") } else { text.to_owned() };
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/+=@%,:".contains(c));
    if is_plain && !text.is_empty() { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_safe_in_a_shell() {
        for (text, word) in [
            ("a/b-1.tgz", "a/b-1.tgz"),
            ("my evidence.zip", "'my evidence.zip'"),
            ("it's", r"'it'\''s'"),
            ("-d.zip", "./-d.zip"),
            ("$(x)", "'$(x)'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(text), word);
        }
    }
}
