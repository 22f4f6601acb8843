//! Folders for temporary files: none of them may be part of what is read.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A folder, if it can be opened and lies neither in one of the inputs nor below.
pub fn outside(folder: &Path, inputs: &[PathBuf]) -> Option<PathBuf> {
    let real = fs::canonicalize(folder).ok()?;
    let is_read = |input: &PathBuf| fs::canonicalize(input).is_ok_and(|input| real.starts_with(input));
    (!inputs.iter().any(is_read)).then_some(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_an_input_is_part_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let real = fs::canonicalize(folder.path()).unwrap();
        let below = real.join("a/b");
        fs::create_dir_all(&below).unwrap();
        assert_eq!(outside(&real, std::slice::from_ref(&below)), Some(real.clone()));
        assert_eq!(outside(&below, std::slice::from_ref(&real)), None);
        assert_eq!(outside(&below, &[real.join("a/../a")]), None);
        assert_eq!(outside(&real, &[PathBuf::from("-"), real.clone()]), None);
        assert_eq!(outside(&real.join("absent"), &[]), None);
    }
}
