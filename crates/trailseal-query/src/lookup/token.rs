//! `NextToken`: where a page ended, bound to the request and to the data set.

use trailseal_archive::Timestamp;

use super::page::{Position, RecordPlace, RowIdentity};

/// The first byte of every token; changes with their form.
const VERSION: u8 = 1;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// A digest of the request's parameters.
    pub parameters: u64,
    /// A fingerprint of the data set.
    pub fingerprint: u64,
    /// The last row of the page before.
    pub after: Position,
}

/// The text is no token, or was damaged, or belongs to another request or data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token is damaged")]
pub struct InvalidToken;

impl Token {
    /// The token as opaque text.
    pub fn encode(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.parameters.to_be_bytes());
        bytes.extend(self.fingerprint.to_be_bytes());
        match self.after.time() {
            None => bytes.push(0),
            Some(time) => {
                bytes.push(1);
                bytes.extend(time.epoch().to_be_bytes());
            }
        }
        match self.after.identity() {
            RowIdentity::Event(id) => {
                bytes.push(0);
                bytes.extend(id.as_bytes());
            }
            RowIdentity::Place(place) => {
                bytes.push(1);
                bytes.extend(place.file.to_be_bytes());
                bytes.extend(place.number.to_be_bytes());
            }
        }
        bytes.extend(digest(&bytes).to_be_bytes());
        encode_text(&bytes)
    }

    /// Reads a token.
    ///
    /// # Errors
    /// [`InvalidToken`] for every text that [`encode`](Self::encode) did not make.
    pub fn decode(text: &str) -> Result<Self, InvalidToken> {
        let bytes = decode_text(text).ok_or(InvalidToken)?;
        let (body, checksum) = bytes.split_last_chunk::<8>().ok_or(InvalidToken)?;
        if u64::from_be_bytes(*checksum) != digest(body) {
            return Err(InvalidToken);
        }
        let mut rest = body;
        if take::<1>(&mut rest)? != [VERSION] {
            return Err(InvalidToken);
        }
        let parameters = u64::from_be_bytes(take(&mut rest)?);
        let fingerprint = u64::from_be_bytes(take(&mut rest)?);
        let time = match take(&mut rest)? {
            [0] => None,
            [1] => Some(Timestamp::from_epoch(i64::from_be_bytes(take(&mut rest)?)).ok_or(InvalidToken)?),
            _ => return Err(InvalidToken),
        };
        let identity = match take(&mut rest)? {
            [0] => RowIdentity::Event(std::str::from_utf8(rest).map_err(|_| InvalidToken)?.into()),
            [1] => {
                let file = u64::from_be_bytes(take(&mut rest)?);
                let number = u64::from_be_bytes(take(&mut rest)?);
                if !rest.is_empty() {
                    return Err(InvalidToken);
                }
                RowIdentity::Place(RecordPlace { file, number })
            }
            _ => return Err(InvalidToken),
        };
        Ok(Self { parameters, fingerprint, after: Position::from_parts(time, identity) })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], InvalidToken> {
    let (taken, after) = rest.split_first_chunk::<N>().ok_or(InvalidToken)?;
    *rest = after;
    Ok(*taken)
}

/// 64 bits that differ when the bytes do, the same in every build; no protection against those who compute them.
pub(super) fn digest(bytes: &[u8]) -> u64 {
    // FNV-1a, and the finalizer of MurmurHash3 so that every bit counts for every other.
    let mut hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// Base64 (RFC 4648, section 5) without padding.
fn encode_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * at)) as usize & 63]));
        }
    }
    text
}

fn decode_text(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for chunk in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for (at, letter) in chunk.iter().enumerate() {
            let value = ALPHABET.iter().position(|known| known == letter)?;
            bits |= (value as u32) << (18 - 6 * at);
        }
        bytes.extend(&bits.to_be_bytes()[1..chunk.len()]);
    }
    // One letter alone, or bits that stand for nothing: another text for the same bytes.
    (encode_text(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_token() -> impl Strategy<Value = Token> {
        let time = proptest::option::of(-62_000_000_000_i64..253_000_000_000);
        let id = proptest::option::of(".{0,40}");
        (any::<(u64, u64)>(), time, id, any::<(u64, u64)>()).prop_map(
            |((parameters, fingerprint), time, id, place)| {
                let place = RecordPlace { file: place.0, number: place.1 };
                let after = Position::new(time.and_then(Timestamp::from_epoch), id.as_deref(), place);
                Token { parameters, fingerprint, after }
            },
        )
    }

    #[test]
    fn what_is_no_token_is_rejected() {
        for text in ["", "A", "AQ", "==", "é", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "not a token"] {
            assert_eq!(Token::decode(text), Err(InvalidToken), "{text}");
        }
    }

    proptest! {
        #[test]
        fn tokens_say_what_they_were_made_from(token in any_token()) {
            let text = token.encode();
            prop_assert!(text.bytes().all(|byte| ALPHABET.contains(&byte)));
            prop_assert_eq!(Token::decode(&text), Ok(token));
        }

        #[test]
        fn damaged_tokens_are_rejected(token in any_token(), at in any::<prop::sample::Index>(), letter in 0..64_usize) {
            let text = token.encode();
            let mut damaged = text.clone().into_bytes();
            let at = at.index(damaged.len());
            damaged[at] = ALPHABET[letter];
            let damaged = String::from_utf8(damaged).unwrap();
            prop_assert_eq!(Token::decode(&damaged).is_ok(), damaged == text);
            prop_assert_eq!(Token::decode(&text[..at]), Err(InvalidToken));
            prop_assert_eq!(Token::decode(&format!("{text}{}", &text[..at])).is_ok(), at == 0);
        }

        #[test]
        fn bytes_survive_their_text(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(decode_text(&encode_text(&bytes)), Some(bytes));
        }
    }
}
