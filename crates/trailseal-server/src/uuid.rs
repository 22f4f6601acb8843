//! Numbers of requests and events.

use ring::rand::{SecureRandom as _, SystemRandom};

/// A random UUID, version 4.
pub(crate) fn random() -> String {
    let mut bytes = [0; 16];
    // without randomness ids repeat, which confuses nobody but readers of logs
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_random_uuids() {
        let (one, other) = (random(), random());
        assert_ne!(one, other);
        let shape: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(shape, [8, 4, 4, 4, 12]);
        assert_eq!(&one[14..15], "4");
    }
}
