//! As much DER as an RSA public key needs.

/// An RSA public key in its bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RsaPublicKey<'a> {
    /// The `RSAPublicKey` structure.
    pub(crate) pkcs1: &'a [u8],
    /// Whether it was wrapped in a `SubjectPublicKeyInfo`.
    pub(crate) is_spki: bool,
    /// Big-endian, without leading zeros.
    pub(crate) modulus: &'a [u8],
    /// Big-endian, without leading zeros.
    pub(crate) exponent: &'a [u8],
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
/// `AlgorithmIdentifier { rsaEncryption, NULL }`, the content of its SEQUENCE.
const RSA_ENCRYPTION: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

impl<'a> RsaPublicKey<'a> {
    /// Parses either encoding; the error says what does not fit.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let (content, rest) = element(bytes, SEQUENCE)?;
        if !rest.is_empty() {
            return Err("bytes after the key");
        }
        if content.first() != Some(&SEQUENCE) {
            return Self::pkcs1(bytes, content, false);
        }
        let (algorithm, rest) = element(content, SEQUENCE)?;
        if algorithm != RSA_ENCRYPTION {
            return Err("the algorithm is not rsaEncryption");
        }
        let (bits, rest) = element(rest, BIT_STRING)?;
        let (unused, inner) = bits.split_first().ok_or("an empty BIT STRING")?;
        if *unused != 0 || !rest.is_empty() {
            return Err("a malformed BIT STRING");
        }
        let (content, rest) = element(inner, SEQUENCE)?;
        if rest.is_empty() { Self::pkcs1(inner, content, true) } else { Err("bytes after the key") }
    }

    fn pkcs1(pkcs1: &'a [u8], content: &'a [u8], is_spki: bool) -> Result<Self, &'static str> {
        let (modulus, rest) = unsigned(content)?;
        let (exponent, rest) = unsigned(rest)?;
        if rest.is_empty() {
            Ok(Self { pkcs1, is_spki, modulus, exponent })
        } else {
            Err("more than modulus and exponent")
        }
    }

    /// Bits of the modulus.
    pub(crate) fn bits(&self) -> u32 {
        let leading = self.modulus.first().map_or(0, |byte| byte.leading_zeros());
        (self.modulus.len() as u32).saturating_mul(8).saturating_sub(leading)
    }
}

/// Wraps a PKCS#1 key into a `SubjectPublicKeyInfo`.
pub(crate) fn spki(pkcs1: &[u8]) -> Vec<u8> {
    let mut bits = vec![0];
    bits.extend_from_slice(pkcs1);
    let mut content = wrap(SEQUENCE, RSA_ENCRYPTION);
    content.extend(wrap(BIT_STRING, &bits));
    wrap(SEQUENCE, &content)
}

fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
        out.push(0x80 + significant.len() as u8);
        out.extend_from_slice(significant);
    }
    out.extend_from_slice(content);
    out
}

/// The content of the element at the front, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Result<(&[u8], &[u8]), &'static str> {
    let [found, first, rest @ ..] = bytes else { return Err("too short") };
    if *found != tag {
        return Err("not the expected structure");
    }
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 || rest.len() < count {
            return Err("a malformed length");
        }
        let (length, rest) = rest.split_at(count);
        (length.iter().fold(0, |sum, byte| (sum << 8) + usize::from(*byte)), rest)
    };
    if length <= rest.len() { Ok(rest.split_at(length)) } else { Err("cut short") }
}

fn unsigned(bytes: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let (value, rest) = element(bytes, INTEGER)?;
    match value {
        [] => Err("an empty INTEGER"),
        [0, magnitude @ ..] if !magnitude.is_empty() => Ok((magnitude, rest)),
        [first, ..] if *first >= 0x80 => Err("a negative INTEGER"),
        _ => Ok((value, rest)),
    }
}

#[cfg(test)]
mod tests;
