//! What requests ask the tables.

use anyhow::Result;
use deadpool_postgres::Pool;
use tokio_postgres::Row;
use user_info_core::{Counts, Id, Relation};

use super::page::{PROFILE_COLUMNS, Page, ProfileRow, SetCounts};
use super::schema::{Table, table};

/// One query over the five tables. A count is the number of a user's rows in an index that begins with the user.
pub(crate) fn joined() -> String {
    let count = |relation, by_member: bool| {
        let Table { name, owner, member } = table(relation);
        let column = if by_member { member } else { owner };
        format!("(SELECT count(*) FROM {name} WHERE {name}.{column} = users.user_id)")
    };
    format!(
        "SELECT {PROFILE_COLUMNS}, {}, {}, {}, {}, {} FROM users WHERE users.user_id = $1",
        count(Relation::Tweets, false),
        count(Relation::Follows, false),
        count(Relation::Follows, true),
        count(Relation::Likes, false),
        count(Relation::Lists, false),
    )
}

/// A user as the joined tables have it.
pub(super) async fn page(pool: &Pool, query: &str, user: &Id) -> Result<Option<Page>> {
    let client = pool.get().await?;
    let statement = client.prepare_cached(query).await?;
    let row = client.query_opt(&statement, &[&user.as_str()]).await?;
    Ok(row.and_then(|row| {
        let counts = Counts {
            tweets: number(&row, 10),
            following: number(&row, 11),
            followers: number(&row, 12),
            likes: number(&row, 13),
            lists: number(&row, 14),
        };
        ProfileRow::from(&row).with(counts)
    }))
}

/// A user's row, as the owner of the users has it.
pub(super) async fn profile(pool: &Pool, user: &str) -> Result<Option<ProfileRow>> {
    let client = pool.get().await?;
    let query = format!("SELECT {PROFILE_COLUMNS} FROM users WHERE user_id = $1");
    let statement = client.prepare_cached(&query).await?;
    Ok(client.query_opt(&statement, &[&user]).await?.map(|row| ProfileRow::from(&row)))
}

/// The sizes of a user's sets, as the owner of that relation has them.
pub(super) async fn counts(pool: &Pool, relation: Relation, user: &str) -> Result<SetCounts> {
    let Table { name, owner, member } = table(relation);
    let others = match relation {
        Relation::Follows => format!("(SELECT count(*) FROM {name} WHERE {member} = $1)"),
        Relation::Tweets | Relation::Likes | Relation::Lists => "0::bigint".to_owned(),
    };
    let client = pool.get().await?;
    let query = format!("SELECT (SELECT count(*) FROM {name} WHERE {owner} = $1), {others}");
    let statement = client.prepare_cached(&query).await?;
    let row = client.query_one(&statement, &[&user]).await?;
    Ok(SetCounts { own: number(&row, 0), others: number(&row, 1) })
}

/// PostgreSQL counts in `bigint`, which are never below zero.
fn number(row: &Row, index: usize) -> u64 {
    u64::try_from(row.get::<_, i64>(index)).unwrap_or_default()
}
