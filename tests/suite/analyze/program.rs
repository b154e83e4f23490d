//! Running the program.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

/// The program with a folder for its input.
pub(crate) struct Program {
    folder: TempDir,
}

impl Program {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of the folder.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs the program on a file that is fine.
    pub(crate) fn fields(&self, path: &Path, options: &[impl AsRef<OsStr>]) -> Value {
        let output = analyze(options).arg(path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty());
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs the program on a file that is not, and returns the one line that it says.
    #[track_caller]
    pub(crate) fn refused(&self, path: &Path, options: &[&str]) -> String {
        let Output { status, stdout, stderr } = analyze(options).arg(path).output().unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(2), "{path:?}: {said}");
        assert!(stdout.is_empty(), "{path:?}: nothing on standard output");
        assert!(said.ends_with('\n') && said.lines().count() == 1, "{path:?}: one line, not {said:?}");
        assert!(said.contains(path.file_name().unwrap().to_str().unwrap().trim()), "{said:?} names the file");
        said
    }
}

/// The program with options.
pub(crate) fn analyze(options: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(executable());
    command.args(options);
    command
}

/// Cargo builds examples before tests, but does not say where: beside `deps`.
fn executable() -> &'static Path {
    static EXECUTABLE: OnceLock<PathBuf> = OnceLock::new();
    EXECUTABLE.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).unwrap();
        let name = format!("analyze{}", std::env::consts::EXE_SUFFIX);
        let path = profile.join("examples").join(name);
        if !is_up_to_date(&path) {
            // `cargo test --test suite` builds no examples.
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--quiet", "--example", "analyze"]);
            build.current_dir(env!("CARGO_MANIFEST_DIR"));
            if profile.ends_with("release") {
                build.arg("--release");
            }
            build.arg("--target-dir").arg(profile.parent().unwrap());
            assert!(build.status().unwrap().success(), "the example is built");
        }
        path
    })
}

/// Whether the program is there, and newer than every file that it was made from.
fn is_up_to_date(path: &Path) -> bool {
    let modified = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified());
    let (Ok(built), Ok(rule)) = (modified(path), std::fs::read_to_string(path.with_extension("d"))) else {
        return false;
    };
    // A rule as of make: the program, a colon, the files.
    let mut files = rule.split_whitespace().skip(1);
    files.all(|file| modified(Path::new(file)).is_ok_and(|changed| changed <= built))
}
