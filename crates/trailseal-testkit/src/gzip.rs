//! Contents as they are stored, and what goes wrong with them.

use std::io::{Read, Write};

use flate2::{GzBuilder, read::GzDecoder};

pub use trailseal_deliver::write::gzip as gzip_member;

/// `content` as one gzip member whose header has a name and a time, unlike those that archives are written
/// with.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    let builder = GzBuilder::new().filename("copy.json").mtime(1_709_300_000).comment("again");
    let mut writer = builder.write(Vec::new(), flate2::Compression::best());
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

/// The content of one gzip member.
pub fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut content).expect("an intact gzip member");
    content
}

/// The same with a first deflate block of the type that does not exist; the header must have 10 bytes.
pub(crate) fn corrupt_deflate(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[10] |= 0b110;
    bytes
}
