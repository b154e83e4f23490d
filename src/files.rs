//! Files that are there as a whole or not at all.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Writes a file beside its place (`NAME.partial-...`) and, once all of it is on the
/// disk, moves it there. If that fails, or the machine stops, what was there before stays.
pub(crate) fn replace_file(path: &Path, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let failed = |source| Error::Io { path: path.to_owned(), source };
    let partial = partial_path(path);
    let mut file = File::create_new(&partial).map_err(failed)?;
    let written = write(&mut file)
        .and_then(|()| file.sync_all().map_err(failed))
        .and_then(|()| fs::rename(&partial, path).map_err(failed));
    if written.is_err() {
        // What could not be finished is of no use; that it stays is the lesser fault.
        let _ = fs::remove_file(&partial);
    }
    written
}

/// A path in the same folder that no other writer uses.
fn partial_path(path: &Path) -> PathBuf {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().map(OsStr::to_owned).unwrap_or_default();
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    name.push(format!(".partial-{}-{number}", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_is_replaced_as_a_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let write = |text: &'static str, then: Result<()>| {
            replace_file(&path, move |file| {
                file.write_all(text.as_bytes()).unwrap();
                then
            })
        };
        write("one", Ok(())).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        assert!(matches!(write("two", Err(Error::NoStates)), Err(Error::NoStates)));
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        write("three", Ok(())).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "three");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
        let nowhere = folder.path().join("no folder").join("file");
        assert!(matches!(replace_file(&nowhere, |_| Ok(())), Err(Error::Io { .. })));
    }
}
