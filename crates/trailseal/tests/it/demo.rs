//! A copy of the demo archive, and the command run beside it.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// The folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// `archive` and `keys` in a temporary folder, in which the command runs: so paths are the same everywhere.
pub(crate) struct Demo {
    folder: TempDir,
}

/// What a run said.
#[derive(Debug)]
pub(crate) struct Run {
    command: String,
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Demo {
    pub(crate) fn new() -> Self {
        let demo = Self { folder: tempfile::tempdir().unwrap() };
        copy(&workspace().join("testdata/demo"), demo.folder.path());
        demo
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The command, to be run in the folder without what colours or widens its output.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("trailseal"));
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "TERM", "RUST_BACKTRACE", "TMPDIR"]
        {
            command.env_remove(name);
        }
        // indexes of whoever runs the tests are none of theirs
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Run {
        let words: Vec<&str> = arguments.split(' ').filter(|word| !word.is_empty()).collect();
        Run::new(arguments, &self.command(&words).output().unwrap())
    }

    /// `verify archive --keys keys` and more.
    pub(crate) fn verify(&self, more: &str) -> Run {
        self.run(format!("verify archive --keys keys {more}").trim_end())
    }

    /// The files below `archive` whose paths hold `part`, in order.
    pub(crate) fn files(&self, part: &str) -> Vec<PathBuf> {
        let mut files = Vec::new();
        list(&self.path("archive"), &mut files);
        files.retain(|file| {
            file.to_string_lossy().contains(part) && !file.to_string_lossy().ends_with(".metadata.json")
        });
        files.sort();
        files
    }

    /// A log file in the middle of a chain.
    pub(crate) fn a_log(&self) -> PathBuf {
        self.files("/111122223333/CloudTrail/us-east-1/")[20].clone()
    }

    /// A digest file in the middle of the same chain.
    pub(crate) fn a_digest(&self) -> PathBuf {
        self.files("/111122223333/CloudTrail-Digest/us-east-1/")[6].clone()
    }
}

impl Run {
    pub(crate) fn new(command: &str, output: &Output) -> Self {
        Self {
            command: command.to_owned(),
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// Stdout as one JSON document.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// Stdout as JSON lines.
    pub(crate) fn lines(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, status, stdout, stderr } = self;
        write!(f, "$ trailseal {command}\n{stdout}")?;
        if !stderr.is_empty() {
            write!(f, "--- stderr\n{stderr}")?;
        }
        write!(f, "--- exit status {}", status.map_or("none".to_owned(), |status| status.to_string()))
    }
}

/// The files below a folder whose names have this ending.
pub(crate) fn list_of(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    list(folder, &mut files);
    files.retain(|file| file.to_string_lossy().ends_with(ending));
    files
}

/// Flips every bit of one byte.
pub(crate) fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0xff;
    fs::write(path, bytes).unwrap();
}

/// All files below a folder.
pub(crate) fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { list(&path, files) } else { files.push(path) }
    }
}

fn copy(from: &Path, to: &Path) {
    let mut files = Vec::new();
    list(from, &mut files);
    for file in files {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}
