//! Whatever is put into whatever packings comes out again: the same list.

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

use super::archives::{Files, Packing, pack, replay, tar};

/// Something on a disk.
#[derive(Clone, Debug)]
enum Tree {
    File(Content),
    Directory(Vec<Tree>),
}

/// What is in a file.
#[derive(Clone, Debug)]
enum Content {
    Text(Vec<Line>),
    Packed { packing: Packing, members: usize, content: Box<Content> },
    Tar { long_names: bool, entries: Vec<Content> },
}

#[derive(Clone, Debug)]
struct Line {
    message: String,
    end: &'static str,
}

impl Content {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(lines) => {
                let text: String = lines.iter().map(|line| line.message.clone() + line.end).collect();
                text.into_bytes()
            }
            Self::Packed { packing, members, content } => {
                let content = content.bytes();
                let parts = content.chunks((content.len() / members).max(1));
                let packed: Vec<u8> = parts.flat_map(|part| pack(*packing, part)).collect();
                if content.is_empty() { pack(*packing, b"") } else { packed }
            }
            Self::Tar { long_names, entries } => {
                let name = |number: usize| "x".repeat(if *long_names { 300 } else { 3 }) + &number.to_string();
                let entries: Vec<_> =
                    entries.iter().enumerate().map(|(number, entry)| (name(number), entry.bytes())).collect();
                tar(entries.iter().map(|(name, bytes)| (&name[..], &bytes[..])))
            }
        }
    }

    fn messages(&self) -> Vec<&str> {
        match self {
            Self::Text(lines) => lines.iter().map(|line| &line.message[..]).collect(),
            Self::Packed { content, .. } => content.messages(),
            Self::Tar { entries, .. } => entries.iter().flat_map(Self::messages).collect(),
        }
    }
}

impl Tree {
    fn write(&self, path: &Path) {
        match self {
            Self::File(content) => std::fs::write(path, content.bytes()).unwrap(),
            Self::Directory(trees) => {
                std::fs::create_dir(path).unwrap();
                // The last is made first, so that the order of names is not that of making.
                for (number, tree) in trees.iter().enumerate().rev() {
                    tree.write(&path.join(format!("{number:03}")));
                }
            }
        }
    }

    fn messages(&self) -> Vec<&str> {
        match self {
            Self::File(content) => content.messages(),
            Self::Directory(trees) => trees.iter().flat_map(Self::messages).collect(),
        }
    }
}

fn message() -> impl Strategy<Value = String> {
    let long = (1_usize..400_000).prop_map(|length| "long ".repeat(length / 5));
    let text = prop_oneof![50 => any::<String>(), 1 => long];
    let odd =
        prop_oneof![Just(r#" { "a" : [ ] } "#), Just("{}"), Just(r#"{"a":"\ud83d"}"#), Just("\t{\"a\":{\"b\":1e400}}")];
    prop_oneof![
        8 => (any::<u64>(), text).prop_map(|(id, text)| serde_json::json!({"id": id, "text": text}).to_string()),
        1 => odd.prop_map(str::to_owned),
    ]
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let end = prop_oneof![4 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\n\n"), 1 => Just("\r\n \n\r\n")];
    let line = (message(), end).prop_map(|(message, end)| Line { message, end });
    (vec(line, 0..20), any::<bool>()).prop_map(|(mut lines, is_ended)| {
        if let Some(last) = lines.last_mut()
            && !is_ended
        {
            last.end = "";
        }
        lines
    })
}

fn content() -> impl Strategy<Value = Content> {
    lines().prop_map(Content::Text).prop_recursive(4, 12, 3, |inner| {
        let packing = prop_oneof![Just(Packing::Gzip), Just(Packing::Bzip2), Just(Packing::Zstd)];
        prop_oneof![
            (packing, 1_usize..4, inner.clone()).prop_map(|(packing, members, content)| {
                Content::Packed { packing, members, content: Box::new(content) }
            }),
            (any::<bool>(), vec(inner, 0..4)).prop_map(|(long_names, entries)| Content::Tar { long_names, entries }),
        ]
    })
}

fn tree() -> impl Strategy<Value = Tree> {
    content().prop_map(Tree::File).prop_recursive(3, 8, 4, |inner| vec(inner, 0..4).prop_map(Tree::Directory))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_messages_in_any_packings_come_back(trees in vec(tree(), 1..3)) {
        let files = Files::new();
        // There is always something to replay.
        let mut paths = vec![files.write("empty", b"")];
        for (number, tree) in trees.iter().enumerate() {
            paths.push(files.path(&number.to_string()));
            tree.write(&paths[number + 1]);
        }
        let replayed = replay(&paths);
        let expected: Vec<_> = trees.iter().flat_map(Tree::messages).collect();
        let got: Vec<_> = replayed.messages.iter().map(|message| std::str::from_utf8(message).unwrap()).collect();
        prop_assert_eq!(got, expected);
        prop_assert_eq!(replayed.faults(&files.root()), Vec::<String>::new());
    }
}
