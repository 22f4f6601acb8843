//! Paths as text, without loss: two folders whose names differ in bytes that are no UTF-8 are two (row 64), and a
//! root of such a name is one as any other (row 75).

use std::path::{Path, PathBuf};

/// Bytes that are no UTF-8 become characters from here on, which nobody assigns; such a character in a name is
/// written byte by byte, so that no two paths have one text.
const BYTES: u32 = 0x10_FF00;

/// A path as text, for keys and for comparison with object keys.
pub(crate) fn text_of(path: &Path) -> String {
    if let Some(text) = path.to_str().filter(|text| !text.chars().any(is_byte)) {
        return text.to_owned();
    }
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_byte(character) {
                text.extend(character.encode_utf8(&mut [0; 4]).bytes().map(of_byte));
            } else {
                text.push(character);
            }
        }
        text.extend(chunk.invalid().iter().copied().map(of_byte));
    }
    text
}

/// The path that a text of [`text_of`] stands for.
pub(crate) fn path_of(text: &str) -> PathBuf {
    if !text.chars().any(is_byte) {
        return PathBuf::from(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u32::from(character).checked_sub(BYTES) {
            Some(byte) => bytes.push(byte as u8),
            None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    from_bytes(bytes)
}

#[cfg(unix)]
fn from_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn from_bytes(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn is_byte(character: char) -> bool {
    u32::from(character) >= BYTES
}

fn of_byte(byte: u8) -> char {
    char::from_u32(BYTES + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_path_has_a_text_of_its_own(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let path = Path::new(std::ffi::OsStr::from_bytes(&bytes));
            let again = path_of(&text_of(path));
            prop_assert_eq!(again.as_os_str().as_bytes(), bytes.as_slice());
        }
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        assert_eq!(text_of(Path::new("/a/Grüße")), "/a/Grüße");
        let odd = format!("/{}", of_byte(0xe0));
        assert_ne!(text_of(Path::new(&odd)), text_of(Path::new(std::ffi::OsStr::from_bytes(b"/\xe0"))));
        assert_eq!(path_of(&text_of(Path::new(&odd))), Path::new(&odd));
    }
}
