//! The page around the pictures.

use std::fmt::Write as _;

use user_info_upstream::simulator::BYTES_PER_USER;
use user_info_upstream::simulator::frequencies as stated;

use crate::graph::GraphFigures;
use crate::stream::StreamFigures;

/// What is stated about each kind of message, per [`stated::PER`] statuses.
const KINDS: [(&str, u32); 17] = [
    ("retweet", stated::RETWEET),
    ("reply", stated::REPLY),
    ("quote", stated::QUOTE),
    ("truncated", stated::LONG * (100 - stated::RETWEET * 100 / stated::PER) / 100),
    ("delete", stated::DELETION + stated::DELETION_BEFORE_STATUS),
    ("delete before its status", stated::DELETION_BEFORE_STATUS),
    ("scrub_geo", stated::SCRUB_GEO),
    ("status_withheld", stated::STATUS_WITHHELD),
    ("user_withheld", stated::USER_WITHHELD),
    ("user_suspend", stated::USER_SUSPEND),
    ("user_unsuspend", stated::USER_SUSPEND),
    ("user_delete", stated::USER_DELETE),
    ("user_undelete", stated::USER_DELETE * stated::RETURNING_PERCENT / 100),
    ("user_delete, permanent", stated::USER_DELETE * (100 - stated::RETURNING_PERCENT) / 100),
    ("repetition", stated::REPETITION),
    ("counts unknown", stated::COUNTS_UNKNOWN),
    ("bare line feed", stated::BARE_LINE_FEED),
];

pub(crate) fn page(graph: &GraphFigures, stream: &StreamFigures) -> String {
    let mut page = String::from(
        "# The simulated world\n\n\
         What the upstream simulator makes up, measured. This page and its pictures are written by\n\n    \
         cargo run --release -p user-info-upstream --example simulation_report\n\n\
         which writes the same bytes again as long as the simulator says the same. \
         `crates/user-info-upstream/tests/it/society.rs`, `accounts.rs` and `message_kinds.rs` keep the figures within bounds.\n",
    );
    page.push_str(&follows(graph));
    page.push_str(&people(stream));
    page.push_str(&messages(stream));
    page.push_str(&costs());
    page
}

fn follows(graph: &GraphFigures) -> String {
    let share = |share: f64| format!("{:.1} %", share * 100.0);
    let most = graph.followers.iter().max().copied().unwrap_or_default();
    let mean = f64::from(graph.followers.iter().sum::<u32>()) / f64::from(graph.users);
    format!(
        "\n## Who follows whom\n\n\
         {} users, each following {mean:.1} on average. Towns of about a hundred users make friends and clusters; popularity, \
         in the region and in the world, makes the tail.\n\n\
         ![followers and followed](simulation/degrees.svg)\n\n\
         | | |\n|---|---|\n\
         | exponent of the followers' tail (Hill, most popular hundredth) | {:.2} |\n\
         | most followers | {most} |\n\
         | follows that are mutual | {} |\n\
         | follows within a town | {} |\n\
         | follows within a region | {} |\n\
         | two who are followed by one: one follows the other | {} |\n\
         | the same by chance alone | {} |\n\n\
         The graph is a function of the seed and takes no memory. It does not change; a service that simulates follows starts \
         from it or goes its own way.\n",
        graph.users,
        graph.tail_exponent,
        share(graph.mutual),
        share(graph.same_town),
        share(graph.same_region),
        share(graph.clustering),
        share(2.0 * mean / f64::from(graph.users)),
    )
}

fn people(stream: &StreamFigures) -> String {
    let stated = f64::from(stated::EDIT) / f64::from(stated::PER) * stated::STATUSES_PER_USER_AND_DAY as f64;
    format!(
        "\n## What people do\n\n\
         {} users for {} days, {} statuses.\n\n\
         ![share of the busiest](simulation/activity.svg)\n\n\
         Everybody sleeps. A region's curve is flatter or steeper than the stated one because the stream sends as many \
         statuses at every hour: who is awake writes for those who sleep.\n\n\
         ![statuses by hour](simulation/hours.svg)\n\n\
         Profiles were seen to be edited {:.3} times per user and day; {stated:.3} are stated, some of which choose what was \
         there before or are undone before the user writes.\n\n\
         Accounts are suspended for up to 20 days, or deactivated, which Twitter's compliance stream calls `user_delete`; of \
         those most come back within 30 days (`user_undelete`), the others are then deleted. That is told by a second \
         `user_delete` with `\"permanent\": true`, an addition to Twitter's message, and by a `delete` for each status that \
         could still be reacted to. A twentieth of all accounts is deleted at most.\n\n\
         ![accounts that are away](simulation/lives.svg)\n",
        stream.users, stream.days, stream.statuses, stream.edits_per_user_and_day,
    )
}

fn messages(stream: &StreamFigures) -> String {
    let mut page = format!(
        "\n## What the stream brings\n\n\
         Per {} statuses, of the same {} days. Deletions are fewer than stated because who is away deletes nothing, and more \
         because accounts are deleted.\n\n\
         | kind | stated | counted |\n|---|--:|--:|\n",
        stated::PER,
        stream.days,
    );
    for (kind, frequency) in KINDS {
        let counted = stream.kinds.get(kind).copied().unwrap_or_default();
        let counted = f64::from(counted) * f64::from(stated::PER) / stream.statuses as f64;
        writeln!(page, "| {kind} | {frequency} | {counted:.0} |").expect("a String takes all");
    }
    page
}

/// Measured by hand; the page would not stay the same if it measured times.
fn costs() -> String {
    format!(
        "\n## What it takes\n\n\
         A user takes at most {BYTES_PER_USER} bytes: the size of what is kept, by construction. Besides, a world keeps the \
         4,096 newest statuses.\n\n\
         Measured with `time cargo run --release -p user-info-upstream --example simulation_speed -- 1000000 1000000`, on a \
         machine with 2 cores (AMD EPYC) that others used at the same time, hence in processor time of the one thread: a \
         million users after 1.7 s, 23 bytes of resident memory each; then 6.9 µs and 3,187 bytes for a status, which is \
         145,000 statuses or 460 MB a second. By the clock it was 91,000 a second, with a load of 4.5 on the machine. By \
         `perf`, 18 % of the time goes into escaping JSON strings and 9 % into copying bytes; nothing else takes more than \
         4 %.\n"
    )
}
