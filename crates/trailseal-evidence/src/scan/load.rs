//! Reading a file whole, if it can be held.

use std::io::{self, Read as _, Seek as _};

use trailseal_archive::open::OpenFile;

use super::MAX_WHOLE;

/// Bytes by which the buffer for files grows: no more memory is touched than the largest of them needs.
const GROWTH: usize = 64 << 10;

/// Reads a file into a buffer, which is kept for all files, and says how many bytes it has; `None` when they are more than can
/// be held, and the file is at its beginning again.
pub(crate) fn load(file: &mut OpenFile, buffer: &mut Vec<u8>) -> io::Result<Option<usize>> {
    if file.length() > MAX_WHOLE as u64 {
        return Ok(None);
    }
    let mut loaded = 0;
    loop {
        // one byte more than it should have shows its end
        let wanted = (file.length() as usize + 1).max(loaded + 1);
        if buffer.len() < wanted {
            buffer.resize(wanted.next_multiple_of(GROWTH), 0);
        }
        match file.read(&mut buffer[loaded..]) {
            Ok(0) => return Ok(Some(loaded)),
            Ok(read) => {
                loaded += read;
                // there was room for more than it had
                if loaded as u64 == file.length() && loaded < buffer.len() {
                    return Ok(Some(loaded));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if loaded > MAX_WHOLE {
            file.rewind()?;
            return Ok(None);
        }
    }
}
