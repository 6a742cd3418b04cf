//! From the topics into tables: reads each topic, keeps the last fact of each key of a batch, and writes what follows from it and
//! how far it read in one transaction, so that nothing is lost or doubled over a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::runtime::Handle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Transaction};
use user_info_core::fold::Plan;
use user_info_core::{Change, Id, Pair, Relation, Stamp, StoredProfile, Topic, decode};
use user_info_log::{Consumer, Log, LogConfig, LogUrl, PollLimits, Polled, Record, Start, TopicNames};

use super::pool::Database;
use super::schema::{self, Table, relation, table};

/// Records of one transaction: enough that its costs vanish, few enough that none lasts long.
const POLL_LIMITS: PollLimits = PollLimits { records: 5_000, bytes: 16 * 1024 * 1024 };

/// How long one poll waits; what comes ends the wait.
const POLL_WAIT: Duration = Duration::from_millis(100);

/// Whether everything that the topics held was read, as far as anybody knows.
#[derive(Clone, Debug)]
pub(super) struct Standing(Arc<AtomicUsize>);

impl Standing {
    /// Whether every topic stands at its end.
    pub(super) fn is_at_end(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// Reads these topics for ever, each on a thread of its own. A feed that fails ends the process: its answers would be old.
pub(super) async fn start(bootstrap: &str, database: &Database, topics: &[Topic]) -> Result<Standing> {
    schema::create(&database.connect().await?, topics).await?;
    let url = LogUrl::Kafka { bootstrap: bootstrap.to_owned() };
    let names = TopicNames::default();
    let config = LogConfig { url, topic_names: names, kafka_options: vec![], client_id: "peer".into() };
    let behind = Standing(Arc::new(AtomicUsize::new(topics.len())));
    for topic in topics {
        let mut feed = Feed::open(&Log::open(&config)?, *topic, database.connect().await?, behind.clone()).await?;
        let runtime = Handle::current();
        thread::Builder::new().name(format!("feed of {topic}")).spawn(move || {
            let error = feed.run(&runtime);
            end(&error)
        })?;
    }
    Ok(behind)
}

#[expect(clippy::print_stderr, reason = "it is the last that this process says")]
fn end(result: &Result<()>) {
    eprintln!("the feed ended: {result:#?}");
    std::process::exit(1);
}

struct Feed {
    topic: Topic,
    consumer: Consumer,
    client: Client,
    /// Partitions that are not at their ends.
    open: BTreeSet<i32>,
    behind: Standing,
}

impl Feed {
    async fn open(log: &Log, topic: Topic, client: Client, behind: Standing) -> Result<Self> {
        let description = log.describe(topic)?.with_context(|| format!("there is no topic {topic}"))?;
        let rows = client.query("SELECT part, next_offset FROM positions WHERE topic = $1", &[&topic.name()]).await?;
        let read: BTreeMap<i32, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let offset = |partition| read.get(&partition).copied().unwrap_or_default();
        let open: BTreeSet<i32> = (0..description.partitions).collect();
        let starts: Vec<Start> =
            open.iter().map(|&partition| Start { topic, partition, offset: offset(partition) }).collect();
        let mut consumer = log.consumer()?;
        consumer.assign(&starts)?;
        Ok(Self { topic, consumer, client, open, behind })
    }

    fn run(&mut self, runtime: &Handle) -> Result<()> {
        loop {
            let polled = self.consumer.poll(POLL_LIMITS, POLL_WAIT)?;
            if let Some(problem) = polled.problems.first() {
                bail!("{problem:?}");
            }
            if !polled.records.is_empty() {
                runtime.block_on(write(&mut self.client, self.topic, &polled.records))?;
            }
            self.note(&polled);
        }
    }

    /// Written first, then said.
    fn note(&mut self, polled: &Polled) {
        let was_open = !self.open.is_empty();
        self.open.extend(polled.records.iter().map(|record| record.partition));
        for end in &polled.ends {
            self.open.remove(&end.partition);
        }
        match (was_open, !self.open.is_empty()) {
            (true, false) => drop(self.behind.0.fetch_sub(1, Ordering::Relaxed)),
            (false, true) => drop(self.behind.0.fetch_add(1, Ordering::Relaxed)),
            (true, true) | (false, false) => {}
        }
    }
}

async fn write(client: &mut Client, topic: Topic, records: &[Record]) -> Result<()> {
    let changes: Vec<Change> = records.iter().filter_map(change).collect();
    let plan = Plan::of(&changes);
    let transaction = client.transaction().await?;
    match relation(topic) {
        None => write_profiles(&transaction, &plan.profiles).await?,
        Some(relation) => write_members(&transaction, relation, &plan.pairs).await?,
    }
    write_positions(&transaction, topic, records).await?;
    Ok(transaction.commit().await?)
}

/// What a record changes; nothing, if it is bad: the service skips it, too.
fn change(record: &Record) -> Option<Change> {
    let stamp = Stamp { timestamp_ms: record.timestamp_ms, offset: record.offset };
    let decoded = decode(record.topic, record.key.as_deref(), record.value.as_deref()).ok()?;
    Some(decoded.into_change(stamp))
}

async fn write_members(transaction: &Transaction<'_>, relation: Relation, pairs: &[(&Pair, bool)]) -> Result<()> {
    let Table { name, owner, member } = table(relation);
    let columns = |wanted: bool| -> (Vec<&str>, Vec<&str>) {
        let pairs = pairs.iter().filter(|(_, is_member)| *is_member == wanted);
        pairs.map(|(pair, _)| (pair.owner.as_str(), pair.member.as_str())).unzip()
    };
    let (owners, members) = columns(true);
    if !owners.is_empty() {
        let insert = format!("INSERT INTO {name} SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING");
        transaction.execute(&insert, &[&owners, &members]).await?;
    }
    let (owners, members) = columns(false);
    if !owners.is_empty() {
        let delete = format!(
            "DELETE FROM {name} USING unnest($1::text[], $2::text[]) AS gone (owner, member)
             WHERE {name}.{owner} = gone.owner AND {name}.{member} = gone.member"
        );
        transaction.execute(&delete, &[&owners, &members]).await?;
    }
    Ok(())
}

const UPSERT_USERS: &str = "
    INSERT INTO users SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::bigint[], $6::text[],
                                           $7::text[], $8::text[], $9::text[], $10::text[])
    ON CONFLICT (user_id) DO UPDATE SET
        username = excluded.username, name = excluded.name, state = excluded.state, joined_at = excluded.joined_at,
        bio = excluded.bio, location = excluded.location, url = excluded.url,
        profile_image_url = excluded.profile_image_url, background_image_url = excluded.background_image_url";

async fn write_profiles(transaction: &Transaction<'_>, profiles: &[(&Id, Option<&StoredProfile>)]) -> Result<()> {
    let gone: Vec<&str> = profiles.iter().filter(|(_, it)| it.is_none()).map(|(user, _)| user.as_str()).collect();
    if !gone.is_empty() {
        transaction.execute("DELETE FROM users WHERE user_id = ANY ($1::text[])", &[&gone]).await?;
    }
    let there: Vec<_> = profiles.iter().filter_map(|(user, it)| Some((user.as_str(), &it.as_ref()?.profile))).collect();
    if there.is_empty() {
        return Ok(());
    }
    let users: Vec<&str> = there.iter().map(|(user, _)| *user).collect();
    let states: Vec<i16> = there.iter().map(|(_, it)| i16::from(it.state.number())).collect();
    let joined: Vec<i64> = there.iter().map(|(_, it)| it.joined_at.as_millis()).collect();
    let usernames: Vec<&str> = there.iter().map(|(_, it)| it.username.as_str()).collect();
    let names: Vec<&str> = there.iter().map(|(_, it)| it.name.as_str()).collect();
    let bios: Vec<Option<&str>> = there.iter().map(|(_, it)| it.bio.as_deref()).collect();
    let locations: Vec<Option<&str>> = there.iter().map(|(_, it)| it.location.as_deref()).collect();
    let urls: Vec<Option<&str>> = there.iter().map(|(_, it)| it.url.as_deref()).collect();
    let images: Vec<Option<&str>> = there.iter().map(|(_, it)| it.profile_image_url.as_deref()).collect();
    let backgrounds: Vec<Option<&str>> = there.iter().map(|(_, it)| it.background_image_url.as_deref()).collect();
    let columns: [&(dyn ToSql + Sync); 10] =
        [&users, &usernames, &names, &states, &joined, &bios, &locations, &urls, &images, &backgrounds];
    transaction.execute(UPSERT_USERS, &columns).await?;
    Ok(())
}

async fn write_positions(transaction: &Transaction<'_>, topic: Topic, records: &[Record]) -> Result<()> {
    let next: BTreeMap<i32, i64> = records.iter().map(|record| (record.partition, record.offset + 1)).collect();
    let (partitions, offsets): (Vec<i32>, Vec<i64>) = next.into_iter().unzip();
    let upsert = "INSERT INTO positions SELECT $1::text, * FROM unnest($2::int[], $3::bigint[])
                  ON CONFLICT (topic, part) DO UPDATE SET next_offset = excluded.next_offset";
    transaction.execute(upsert, &[&topic.name(), &partitions, &offsets]).await?;
    Ok(())
}
