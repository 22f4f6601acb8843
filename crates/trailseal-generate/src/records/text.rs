//! Small writers into a byte buffer, for texts that every record holds.

use std::io::Write as _;

use crate::random::Rng;

const HEX: &[u8; 16] = b"0123456789abcdef";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE36: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `YYYY-MM-DDTHH:MM:SSZ` of seconds since 1970 (years 1970 to 9999).
pub(super) fn time(out: &mut Vec<u8>, epoch: i64) {
    let (days, seconds) = (epoch.div_euclid(86_400), epoch.rem_euclid(86_400));
    // days to a civil date: the year is counted from March, so that leap days come last
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    two(out, year / 100);
    two(out, year % 100);
    for (before, number) in
        [(b'-', month), (b'-', day), (b'T', seconds / 3600), (b':', seconds / 60 % 60), (b':', seconds % 60)]
    {
        out.push(before);
        two(out, number);
    }
    out.push(b'Z');
}

fn two(out: &mut Vec<u8>, number: i64) {
    out.push(b'0' + (number / 10) as u8);
    out.push(b'0' + (number % 10) as u8);
}

/// A number in decimal.
pub(super) fn number(out: &mut Vec<u8>, number: i64) {
    // writing to a Vec cannot fail
    let _ = write!(out, "{number}");
}

/// A fresh version 4 UUID.
pub(super) fn uuid(out: &mut Vec<u8>, random: &mut Rng) {
    let (a, b) = (random.next(), random.next());
    let mut text = [0; 36];
    let mut at = 0;
    for (half, number) in [a, b].into_iter().enumerate() {
        for nibble in 0..16 {
            if matches!(at, 8 | 13 | 18 | 23) {
                text[at] = b'-';
                at += 1;
            }
            let mut value = (number >> (4 * nibble)) as usize & 15;
            if at == 14 {
                value = 4;
            } else if at == 19 && half == 1 {
                value = 8 | (value & 3);
            }
            text[at] = HEX[value];
            at += 1;
        }
    }
    out.extend_from_slice(&text);
}

/// The UUID that belongs to the state of a generator.
pub(super) fn uuid_text(mut random: Rng) -> String {
    let mut out = Vec::with_capacity(36);
    uuid(&mut out, &mut random);
    out.into_iter().map(char::from).collect()
}

/// The lowest `count` (at most 16) hex digits of a number.
pub(super) fn hex(out: &mut Vec<u8>, number: u64, count: u8) {
    for at in (0..u32::from(count.min(16))).rev() {
        out.push(HEX[(number >> (4 * at)) as usize & 15]);
    }
}

/// So many characters of base64, without padding.
pub(super) fn base64(out: &mut Vec<u8>, random: &mut Rng, count: u16) {
    let mut left = usize::from(count);
    while left > 0 {
        let mut bits = random.next();
        for _ in 0..left.min(10) {
            out.push(BASE64[bits as usize & 63]);
            bits >>= 6;
        }
        left -= left.min(10);
    }
}

/// 16 capital letters and digits, as S3 writes request ids.
pub(super) fn s3_request_id(out: &mut Vec<u8>, random: &mut Rng) {
    let mut bits = u128::from(random.next()) << 64 | u128::from(random.next());
    for _ in 0..16 {
        out.push(BASE36[(bits % 36) as usize]);
        bits /= 36;
    }
}

/// An access key id or a principal id: four letters and 16 characters that belong to a number.
pub(super) fn digits_of(out: &mut Vec<u8>, prefix: &str, number: u64) {
    out.extend_from_slice(prefix.as_bytes());
    let mut random = Rng::new(number);
    let mut bits = u128::from(random.next()) << 64 | u128::from(random.next());
    for _ in 0..16 {
        out.push(BASE32[bits as usize & 31]);
        bits >>= 5;
    }
}

/// [`digits_of`] as a text.
pub(super) fn base32(prefix: &str, number: u64) -> String {
    let mut out = Vec::with_capacity(20);
    digits_of(&mut out, prefix, number);
    out.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use trailseal_archive::Timestamp;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_agree_with_chrono() {
        for day in 0..40_000 {
            let epoch = day * 86_400 + day % 86_400;
            assert_eq!(written(|out| time(out, epoch)), Timestamp::from_epoch(epoch).unwrap().to_string());
        }
    }

    #[test]
    fn texts_have_their_shapes() {
        let mut random = Rng::new(1);
        for _ in 0..100 {
            let text = written(|out| uuid(out, &mut random));
            assert_eq!(text.len(), 36);
            assert_eq!(text.as_bytes()[14], b'4');
            assert!(b"89ab".contains(&text.as_bytes()[19]), "{text}");
            assert_eq!(text.bytes().filter(|c| *c == b'-').count(), 4);
        }
        assert_eq!(written(|out| hex(out, 0xabc, 4)), "0abc");
        assert_eq!(written(|out| base64(out, &mut random, 77)).len(), 77);
        assert_eq!(written(|out| s3_request_id(out, &mut random)).len(), 16);
        assert_eq!(base32("AKIA", 1).len(), 20);
        assert_eq!(written(|out| number(out, -12)), "-12");
    }
}
