//! Programs that break one promise, built from a copy of the sources with a patch.
//!
//! They are built with the profile and into the target directory of this test, so that the dependencies, RocksDB above all,
//! are there already. In the copy the crates lie in another folder and the program has another name: to cargo they are other
//! packages, and nothing of the real build is touched.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use user_info_testkit::Process;

use crate::support::program::{Program, run};

/// Building a mutant takes about a minute on two cores.
const BUILD_LIMIT: Duration = Duration::from_secs(900);

/// What a build needs of the workspace.
const SOURCES: [&str; 5] = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo", "crates"];

/// Where the crates are in the copy.
const FOLDER: &str = "mutated";

/// What the program is called in the copy, and the empty test that stands for all of its tests.
const MUTANT: &str = "user-info-mutant";

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

/// The patches in a folder of `tests`, in the order of their names.
pub(crate) fn patches_in(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut patches: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|it| it == "patch")).collect();
    patches.sort();
    patches
}

/// The sources in another place, where cargo takes them for other packages. The mutants built from it go with it.
pub(crate) struct Copy(TempDir);

impl Copy {
    pub(crate) fn of_the_workspace() -> Self {
        let copy = tempfile::tempdir().unwrap();
        for name in SOURCES {
            copy_all(&workspace().join(name), &copy.path().join(name));
        }
        let root = copy.path().join("Cargo.toml");
        rewrite(&root, |manifest| manifest.replace("crates/", &format!("{FOLDER}/")));
        let program = copy.path().join("crates/user-info");
        rewrite(&program.join("Cargo.toml"), |manifest| {
            let named = format!("[[bin]]\nname = \"{MUTANT}\"\npath = \"src/main.rs\"\n");
            format!("{}\n{named}", manifest.replacen("[package]", "[package]\nautobins = false", 1))
        });
        fs::remove_dir_all(program.join("tests")).unwrap();
        fs::create_dir(program.join("tests")).unwrap();
        fs::write(program.join("tests").join(format!("{MUTANT}.rs")), "//! Nothing.\n").unwrap();
        Self(copy)
    }

    /// The program with this patch; the next one is built without it.
    pub(crate) fn mutant(&self, patch: &Path) -> Program {
        self.apply(patch, &[]);
        let began = Instant::now();
        let mutant = self.build(patch);
        eprintln!("{}: built in {:.1?}", patch.display(), began.elapsed());
        self.apply(patch, &["--reverse"]);
        mutant
    }

    /// Applies a patch to the crates, which the patch looks for where they are in the workspace.
    fn apply(&self, patch: &Path, options: &[&str]) {
        let (here, there) = (self.0.path().join(FOLDER), self.0.path().join("crates"));
        if here.exists() {
            fs::rename(&here, &there).unwrap();
        }
        let mut command = Command::new("git");
        command.current_dir(self.0.path()).env("GIT_CEILING_DIRECTORIES", self.0.path());
        run(command.arg("apply").args(options).arg(patch)).with_status(0);
        fs::rename(there, here).unwrap();
    }

    /// Builds the program, and takes it out of the shared directory.
    fn build(&self, patch: &Path) -> Program {
        let built = Program::under_test();
        let directory = built.path().parent().unwrap();
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(self.0.path()).env("CARGO_TARGET_DIR", directory.parent().unwrap());
        command.args(["build", "--offline", "--locked", "--profile", profile(directory), "--workspace"]);
        // With a test among the targets, dependencies are resolved as they are for all tests of the workspace, and so are
        // the ones that were compiled already.
        command.args(["--bin", MUTANT, "--test", MUTANT]).args(self.unoptimized());
        let mut cargo = Process::spawn(&command).unwrap();
        let status = cargo.wait(BUILD_LIMIT).unwrap();
        assert!(status.success(), "{status}\n{}", cargo.tail());
        let program = self.0.path().join(patch.file_stem().unwrap());
        fs::copy(directory.join(MUTANT), &program).unwrap();
        Program::at(&program)
    }

    /// The mutated crates need not be fast, but soon there.
    fn unoptimized(&self) -> Vec<String> {
        let built = Program::under_test();
        let profile = profile(built.path().parent().unwrap()).to_owned();
        let crates = fs::read_dir(self.0.path().join(FOLDER)).unwrap();
        let names = crates.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let options =
            names.map(|name| ["--config".to_owned(), format!("profile.{profile}.package.{name}.opt-level=0")]);
        options.flatten().collect()
    }
}

/// The profile whose results are in a directory.
fn profile(directory: &Path) -> &str {
    match directory.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        name => name,
    }
}

fn rewrite(path: &Path, change: impl FnOnce(&str) -> String) {
    let text = fs::read_to_string(path).unwrap();
    fs::write(path, change(&text)).unwrap();
}

/// Copies a file, or a folder with everything in it, as new files: what is older than an earlier build passes for built.
fn copy_all(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != "target") {
        copy_all(&entry.path(), &to.join(entry.file_name()));
    }
}
