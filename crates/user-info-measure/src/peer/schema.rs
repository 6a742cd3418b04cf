//! The tables, as the owners of the data would have them, with the indexes that the page needs.
//!
//! A row is one member of one set, so that counts are right: `count(*)` over an index. The texts of tweets and the names of lists
//! are left out, which is in the tables' favour.

use anyhow::Result;
use tokio_postgres::Client;
use user_info_core::{Relation, Topic};

const POSITIONS: &str = "CREATE TABLE IF NOT EXISTS positions (
    topic text, part int, next_offset bigint NOT NULL, PRIMARY KEY (topic, part))";

const USERS: &str = "CREATE TABLE IF NOT EXISTS users (
    user_id text PRIMARY KEY, username text NOT NULL, name text NOT NULL, state smallint NOT NULL, joined_at bigint NOT NULL,
    bio text, location text, url text, profile_image_url text, background_image_url text)";

/// The table of a relation: who has, and what.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) owner: &'static str,
    pub(super) member: &'static str,
}

/// Where the members of a relation are.
pub(super) fn table(relation: Relation) -> Table {
    match relation {
        Relation::Tweets => Table { name: "tweets", owner: "user_id", member: "tweet_id" },
        Relation::Follows => Table { name: "follows", owner: "follower_id", member: "followee_id" },
        Relation::Likes => Table { name: "likes", owner: "user_id", member: "tweet_id" },
        Relation::Lists => Table { name: "lists", owner: "owner_id", member: "list_id" },
    }
}

/// The relation that a topic decides; `None` for the users.
pub(super) fn relation(topic: Topic) -> Option<Relation> {
    Relation::ALL.into_iter().find(|relation| relation.topic() == topic)
}

/// Makes the tables of these topics, and the one that says how far each partition was read, unless they are there.
pub(super) async fn create(client: &Client, topics: &[Topic]) -> Result<()> {
    client.batch_execute(POSITIONS).await?;
    for topic in topics {
        match relation(*topic) {
            None => client.batch_execute(USERS).await?,
            Some(relation) => client.batch_execute(&definition(relation)).await?,
        }
    }
    Ok(())
}

fn definition(relation: Relation) -> String {
    let Table { name, owner, member } = table(relation);
    let table =
        format!("CREATE TABLE IF NOT EXISTS {name} ({owner} text, {member} text, PRIMARY KEY ({owner}, {member}))");
    match relation {
        Relation::Follows => format!("{table}; CREATE INDEX IF NOT EXISTS followers ON {name} ({member})"),
        Relation::Tweets | Relation::Likes | Relation::Lists => table,
    }
}
