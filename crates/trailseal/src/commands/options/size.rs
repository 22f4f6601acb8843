//! Numbers of bytes.

/// `4G`, `256M`, `100k`, `1GiB` or bytes; powers of 1024.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| !c.is_ascii_digit());
    let shift = match &lower[digits.len()..] {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err("a number of bytes is needed, as 500000, 64K, 256M or 4G".to_owned()),
    };
    let number: u64 =
        digits.parse().map_err(|_| "a number of bytes is needed, as 500000, 64K, 256M or 4G".to_owned())?;
    number
        .checked_mul(1 << shift)
        .filter(|size| *size > 0)
        .ok_or_else(|| "from 1 byte to 16 EiB are possible".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let good = [("1", 1), ("64K", 65_536), ("256MiB", 256 << 20), ("4g", 4 << 30), ("10b", 10)];
        for (text, expected) in good {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for text in ["", "0", "K", "-1", "1.5G", "4X", "99999999999T", "1 G"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
