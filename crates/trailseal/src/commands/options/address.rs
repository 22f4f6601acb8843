//! Addresses.

use std::net::IpAddr;

/// Whether a word is an address, or begins with one as networks and ranges do.
pub(crate) fn is_address(word: &str) -> bool {
    word.split(['/', '-']).next().is_some_and(|first| first.parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_ranges_begin_with_an_address() {
        for word in ["192.0.2.66", "10.0.0.0/8", "10.0.0.1-10.0.0.9", "2001:db8::1", "2001:db8::/32"] {
            assert!(is_address(word), "{word}");
        }
        for word in ["AKIA1", "1.2.3.999", "i-0abc", ""] {
            assert!(!is_address(word), "{word}");
        }
    }
}
