//! Which history of data a master carries, and whether positions that it keeps still hold. Pure.
//!
//! A position says "everything before me is in this master's data". That stays true for whoever inherits the data as one
//! stream: the same node after a restart, or the replica that was promoted in its place, whose copy of the position is as
//! old as its copy of the data. It is not true after slots moved: a slot's keys come from another master, which may have
//! lost some on the way, and the hash with the positions may itself have come along. So positions name the lineage they
//! were written under.
//!
//! Sources: Redis' documentation of replication (a promoted replica keeps its master's replication id as the second one)
//! and of the cluster specification (a node's configuration epoch grows with each failover and each slot it imports).

/// The lineage of a master: replication id, node id, configuration epoch and slots. The last three are `-` outside of a
/// cluster, where nothing moves between servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lineage(String);

/// What became of positions since they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Validity {
    /// None were written.
    Absent,
    /// They hold for the data of this master.
    Valid,
    /// They were true of other data.
    Void,
}

impl Lineage {
    /// From the text of the scripts.
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn replication_id(&self) -> &str {
        self.part(0)
    }

    fn node(&self) -> &str {
        self.part(1)
    }

    fn epoch(&self) -> &str {
        self.part(2)
    }

    /// The slots, those on the move in brackets.
    pub(super) fn slots(&self) -> &str {
        self.part(3)
    }

    /// How many slots it has; one that is leaving is still its own, one that is arriving is not yet.
    pub(super) fn slot_count(&self) -> u32 {
        let count = |range: &str| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some(last.parse::<u32>().ok()? + 1 - first.parse::<u32>().ok()?)
        };
        self.slots().split(',').filter(|range| !range.starts_with('[')).filter_map(count).sum()
    }

    /// Whether a slot is leaving or arriving.
    pub(super) fn is_moving(&self) -> bool {
        self.slots().contains('[')
    }

    fn part(&self, index: usize) -> &str {
        self.0.split(' ').nth(index).unwrap_or_default()
    }

    /// Whether positions that name `stored` hold for a master of this lineage, whose replication id was `former` before.
    pub(super) fn judge(&self, stored: &str, former: &str) -> Validity {
        if stored.is_empty() {
            return Validity::Absent;
        }
        let stored = Self(stored.to_owned());
        let same_node = stored.node() == self.node() && stored.epoch() == self.epoch();
        let promoted = stored.node() != self.node() && stored.replication_id() == former;
        let same_slots = stored.slots() == self.slots() && !self.is_moving();
        if same_slots && (same_node || promoted) { Validity::Valid } else { Validity::Void }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(stored: &str, now: &str, former: &str) -> Validity {
        Lineage::new(now.to_owned()).judge(stored, former)
    }

    #[test]
    fn nothing_moves_outside_of_a_cluster() {
        assert_eq!(judge("", "r1 - - -", "0"), Validity::Absent);
        assert_eq!(judge("r1 - - -", "r1 - - -", "0"), Validity::Valid);
        assert_eq!(judge("r1 - - -", "r9 - - -", "0"), Validity::Valid, "a restart, or a promoted replica");
    }

    #[test]
    fn a_node_keeps_its_positions_over_a_restart() {
        assert_eq!(judge("r1 a 1 0-99", "r2 a 1 0-99", "0"), Validity::Valid);
    }

    #[test]
    fn a_promoted_replica_inherits_the_positions_of_its_master_and_of_nobody_else() {
        assert_eq!(judge("r1 a 1 0-99", "r2 b 7 0-99", "r1"), Validity::Valid);
        assert_eq!(judge("r1 a 1 0-99", "r2 b 7 0-99", "r0"), Validity::Void);
    }

    #[test]
    fn positions_are_void_when_slots_left_arrived_or_are_on_their_way() {
        for now in ["r1 a 1 1-99", "r1 a 1 0-99,200", "r1 a 1 0-99,[93->-x]", "r1 a 1 0-99,[200-<-x]"] {
            assert_eq!(judge("r1 a 1 0-99", now, "0"), Validity::Void, "{now}");
        }
        let moving = "r1 a 1 0-99,[93->-x]";
        assert_eq!(judge(moving, moving, "0"), Validity::Void);
    }

    #[test]
    fn slots_are_counted_where_they_are() {
        for (slots, count) in [("-", 0), ("0-99", 100), ("0-99,200", 101), ("7,[93->-x]", 1), ("0-1,5-6,[7-<-x]", 4)] {
            assert_eq!(Lineage::new(format!("r a 1 {slots}")).slot_count(), count, "{slots}");
        }
    }

    #[test]
    fn a_slot_that_left_and_came_back_makes_them_void_because_the_epoch_grew() {
        assert_eq!(judge("r1 a 1 0-99", "r1 a 3 0-99", "0"), Validity::Void);
    }
}
