//! `--allow`.

use trailseal_verify::{Code, Severity};

/// A code whose findings may be notes.
pub(super) fn allowed_code(text: &str) -> Result<Code, String> {
    let code: Code = text.parse().map_err(|error| format!("{error}; known are: {}", allowable()))?;
    match code.severity() {
        Severity::Violation => Err(format!("a violation cannot be allowed; what can be: {}", allowable())),
        Severity::Unproven | Severity::Note => Ok(code),
    }
}

fn allowable() -> String {
    let codes = Code::ALL.iter().filter(|code| code.severity() == Severity::Unproven);
    codes.map(|code| code.text()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_cannot_be_allowed() {
        assert_eq!(allowed_code("gap"), Ok(Code::Gap));
        assert!(allowed_code("log_altered").unwrap_err().contains("cannot be allowed"));
        assert!(allowed_code("gpa").unwrap_err().contains("head_stale"));
    }
}
