//! What one node of a cluster believes about all of them: its answer to `CLUSTER NODES`.

use anyhow::{Context, Result};

/// All members, in the order of their ids, so that equal views compare as equal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct View {
    pub(super) members: Vec<Member>,
}

/// One node as another one sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) port: u16,
    /// The id of its master, if it is a replica.
    pub(super) master: Option<String>,
    /// Ranges, in order; without slots that are just being moved.
    pub(super) slots: Vec<String>,
}

impl View {
    pub(super) fn parse(nodes: &str) -> Result<Self> {
        let mut members = nodes.lines().map(Member::parse).collect::<Result<Vec<_>>>()?;
        members.sort();
        Ok(Self { members })
    }

    /// Those that own slots, whether they live or not.
    pub(super) fn owners(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| !member.slots.is_empty())
    }

    pub(super) fn on_port(&self, port: u16) -> Result<&Member> {
        let found = self.members.iter().find(|member| member.port == port);
        found.with_context(|| format!("no node on port {port} is known to the cluster"))
    }
}

impl Member {
    /// A line `id 127.0.0.1:port@bus-port flags master-or-dash ping pong epoch link slots…`.
    fn parse(line: &str) -> Result<Self> {
        let unexpected = || format!("an unexpected line in CLUSTER NODES: {line}");
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [id, address, _flags, master, _ping, _pong, _epoch, _link, slots @ ..] = &fields[..] else {
            return Err(anyhow::anyhow!(unexpected()));
        };
        let port = address.split(['@', ':']).nth(1).and_then(|port| port.parse().ok()).with_context(unexpected)?;
        let slots = slots.iter().filter(|slots| !slots.starts_with('[')).map(|&slots| slots.to_owned()).collect();
        Ok(Self { id: (*id).to_owned(), port, master: (*master != "-").then(|| (*master).to_owned()), slots })
    }
}
