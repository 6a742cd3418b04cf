//! The scripts, and the commands that run them. Each touches keys of one hash slot only.

use redis::{Cmd, Script};

/// All scripts, known to servers by the digest of their text.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) apply_user: Script,
    pub(super) hint: Script,
    pub(super) taint: Script,
    pub(super) standing: Script,
    pub(super) move_positions: Script,
    texts: [String; 5],
}

impl Default for Scripts {
    fn default() -> Self {
        let with_lineage = |text| concat(include_str!("lineage.lua"), text);
        let texts = [
            include_str!("apply_user.lua").to_owned(),
            include_str!("hint.lua").to_owned(),
            include_str!("taint.lua").to_owned(),
            with_lineage(include_str!("standing.lua")),
            with_lineage(include_str!("move_positions.lua")),
        ];
        let [apply_user, hint, taint, standing, move_positions] = texts.each_ref().map(|text| Script::new(text));
        Self { apply_user, hint, taint, standing, move_positions, texts }
    }
}

fn concat(first: &str, second: &str) -> String {
    format!("{first}\n{second}")
}

impl Scripts {
    /// The commands that make all scripts known to a server.
    pub(super) fn load_commands(&self) -> impl Iterator<Item = Cmd> {
        self.texts.iter().map(|text| redis::cmd("SCRIPT").arg("LOAD").arg(text).to_owned())
    }
}

/// The beginning of a command that runs a script on these keys; its arguments follow.
pub(super) fn evalsha(script: &Script, keys: &[String]) -> Cmd {
    let mut command = redis::cmd("EVALSHA");
    command.arg(script.get_hash()).arg(keys.len()).arg(keys);
    command
}
