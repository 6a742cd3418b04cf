//! Does the audit notice? Each patch in `tests/mutants` breaks one promise; the program is built with it, lives through a
//! scenario with facts that are said twice and taken back, and the program without it must find the damage.
//!
//! The mutants are built from a copy of the sources, with the profile and into the target directory of this test, so that
//! the dependencies, RocksDB above all, are there already. In the copy the crates lie in another folder and the program
//! has another name: to cargo they are other packages, and nothing of the real build is touched.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use user_info_log::NewRecord;
use user_info_testkit::Process;

use crate::support::facts::{followed, liked, tweeted, unfollowed, user};
use crate::support::program::{Program, run};
use crate::support::replica::Replica;
use crate::support::turn;
use crate::support::world::World;

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

#[test]
fn the_audit_finds_what_every_mutant_does() {
    let _turn = turn::alone();
    assert_eq!(differences_after_a_life_with(&Program::under_test()), 0, "the program itself");
    let patches = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutants")).unwrap();
    let mut patches: Vec<PathBuf> = patches.map(|entry| entry.unwrap().path()).collect();
    patches.sort();
    assert!(patches.len() >= 2, "{patches:?}");
    let copy = Copy::of_the_workspace();
    for patch in patches {
        copy.apply(&patch, &[]);
        let mutant = copy.build();
        copy.apply(&patch, &["--reverse"]);
        let differences = differences_after_a_life_with(&mutant);
        eprintln!("{}: {differences} differences", patch.display());
        assert!(differences > 0, "{} goes unnoticed", patch.display());
    }
}

/// Facts that are said twice, over a restart as well, and follows that end.
fn differences_after_a_life_with(program: &Program) -> u64 {
    let world = World::embedded();
    let mut said: Vec<NewRecord> = vec![
        user("1", "one"),
        user("2", "two"),
        tweeted("1", "t1"),
        tweeted("1", "t2"),
        liked("2", "t1"),
        followed("1", "2"),
        followed("2", "1"),
    ];
    let mut server = world.replica("store").run_by(program);
    live(&world, &mut server, &said);
    live(&world, &mut server, &said);
    said.extend(unfollowed("1", "2"));
    live(&world, &mut server, &said);

    let audit = world.audit_store("store");
    let differences = audit.json()["differences"].as_u64().unwrap();
    assert_eq!(audit.status, i32::from(differences > 0), "{audit:?}");
    differences
}

fn live(world: &World, server: &mut Replica, said: &[NewRecord]) {
    world.publish(said);
    server.start();
    server.until_caught_up();
    server.stop();
}

/// The sources in another place, where cargo takes them for other packages.
struct Copy(TempDir);

impl Copy {
    fn of_the_workspace() -> Self {
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
    fn build(&self) -> Program {
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
        let program = self.0.path().join(MUTANT);
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
