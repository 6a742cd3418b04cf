//! Writing: first what the facts say, each applied only if it is newer; when all of that is acknowledged, those who wait for
//! changes are told; then the positions move, each master's only if it is still the one that the data went to.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use redis::{Cmd, FromRedisValue, Value};
use user_info_core::profile::folded_username;
use user_info_core::{Id, StoredProfile};

use super::keyspace::{Keyspace, Side};
use super::lineage::{Lineage, Validity};
use super::link::{Call, Lane};
use super::scripts::{Scripts, evalsha};
use super::standing::{Standing, field, lowest, text};
use super::topology::slot_of;
use super::work::{Hint, Mark, UserWork, hints_of, users_of};
use super::{RedisStore, failed, record, unexpected};
use crate::batch::{Batch, Cleared, DeadLetter, Origin, Position, Taint, TaintedKey};
use crate::error::StoreError;
use crate::values;

/// Members of one set in one run of the script. A run of this length blocks Redis for half a millisecond, and Lua takes a
/// few thousand arguments at most.
const MEMBERS_PER_RUN_MAX: usize = 500;

/// How long slots must have stayed where they are before everything is read again. Tools move them one by one, a few each
/// second; a pause of this length means that they are done.
const SETTLED_AFTER: Duration = Duration::from_secs(3);

/// What the writer knows of the masters.
#[derive(Debug, Default)]
pub(super) enum Writer {
    /// Nothing yet.
    #[default]
    Fresh,
    /// Positions may be others than the caller thinks: it must take them up again.
    Lost,
    /// The positions of every master, as they were read or written last.
    Taken(Vec<Standing>),
    /// Slots are on the move: positions stay where they are until the masters have been like this for a while.
    Unsettled { seen: Vec<Lineage>, since: Instant },
}

/// Whether positions could be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    Yes,
    /// A master is not the one any more that the data went to.
    LineageChanged,
    /// Somebody else moved them.
    Conflict,
}

impl RedisStore {
    /// See [`crate::Store::apply`]. What this batch says may be visible although it failed: it can be applied again.
    pub fn apply(&self, batch: &Batch) -> Result<(), StoreError> {
        if self.0.read_only {
            return Err(StoreError::ReadOnly);
        }
        let written = self.write(batch);
        let failure = written.as_ref().err().filter(|error| error.is_passing()).map(ToString::to_string);
        *self.0.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
        written
    }

    fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*writer, Writer::Fresh) {
            self.read_positions(&mut writer)?;
        }
        if matches!(*writer, Writer::Lost) {
            return Err(rewound("the positions were not taken up again"));
        }
        self.block_on(self.apply_data(batch))?;
        self.move_positions(&mut writer, &batch.positions)
    }

    /// See [`crate::Store::take_up`].
    pub fn take_up(&self) -> Result<Vec<Position>, StoreError> {
        let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.follow_generation()?;
        self.read_positions(&mut writer)
    }

    fn read_positions(&self, writer: &mut Writer) -> Result<Vec<Position>, StoreError> {
        let standings = self.block_on(self.observe())?;
        let positions = lowest(&standings)?;
        *writer = if standings.iter().any(|standing| standing.lineage.is_moving()) {
            Writer::Unsettled { seen: lineages(&standings), since: Instant::now() }
        } else {
            Writer::Taken(standings)
        };
        Ok(positions)
    }

    /// See [`crate::Store::check`].
    pub fn check(&self) -> Result<Vec<Position>, StoreError> {
        let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if self.follow_generation()? {
            *writer = Writer::Lost;
            return Err(rewound("a rebuild was swapped in"));
        }
        let standings = self.block_on(self.observe())?;
        compare(&mut writer, lineages(&standings))?;
        lowest(&standings)
    }

    /// Takes the current generation for ours. Returns whether it is another one than before.
    pub(super) fn follow_generation(&self) -> Result<bool, StoreError> {
        if self.0.fixed {
            return Ok(false);
        }
        let known = self.generation().number;
        let current = self
            .block_on(async { if known == 0 { self.first_look().await } else { self.current_generation().await } })?;
        let changed = current.number != known;
        if changed {
            tracing::info!("generation {} of the store is current", current.number);
            self.0.generation.store(Arc::new(current));
        }
        Ok(changed)
    }

    fn move_positions(&self, writer: &mut Writer, positions: &[Position]) -> Result<(), StoreError> {
        let Writer::Taken(standings) = writer else { return Ok(()) };
        if positions.is_empty() {
            return Ok(());
        }
        let keys = self.generation();
        let moves = standings.iter().map(|standing| Move::plan(standing, positions));
        let moves = moves.collect::<Result<Vec<_>, StoreError>>()?;
        let calls = standings.iter().zip(&moves).map(|(standing, it)| Call {
            slot: standing.anchor,
            command: it.command(self.0.link.scripts(), &keys.keys, standing, self.kind()),
        });
        let replies = self.block_on(self.run_all(calls.collect(), "move the positions"))?;
        let replies = replies.iter().map(parse_moved).collect::<Result<Vec<_>, _>>()?;
        for ((standing, it), moved) in standings.iter_mut().zip(moves).zip(&replies) {
            if *moved == Moved::Yes {
                it.note(standing);
            }
        }
        if replies.contains(&Moved::Conflict) {
            *writer = Writer::Lost;
            return Err(rewound(
                "positions are not as this instance left them: another one moved them, a master lost them, or a write that was \
                 given up went through",
            ));
        }
        if replies.contains(&Moved::LineageChanged) {
            return compare(writer, lineages(&self.block_on(self.observe())?));
        }
        Ok(())
    }

    pub(super) async fn run_all(&self, calls: Vec<Call>, operation: &'static str) -> Result<Vec<Value>, StoreError> {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        self.0.link.run_all(calls).await.map_err(failed(operation))
    }

    /// Everything but the positions.
    async fn apply_data(&self, batch: &Batch) -> Result<(), StoreError> {
        let generation = self.generation();
        let say = Say { keys: &generation.keys, scripts: self.0.link.scripts() };
        let users = users_of(&batch.changes);
        let hints = hints_of(&users);
        let mut calls: Vec<Call> = hints.iter().map(|hint| say.hint(hint)).collect();
        calls.extend(batch.dead_letters.iter().map(|letter| say.dead_letter(letter)));
        calls.extend(batch.cleared.iter().map(|cleared| say.cleared(cleared)));
        calls.extend(batch.tainted.iter().map(|taint| say.taint(taint)));
        let mut profiles = Vec::new();
        for (user, work) in &users {
            if work.profile.is_some() {
                profiles.push((calls.len(), *user, work));
            }
            calls.extend(say.user(user, work));
        }
        let replies = self.run_all(calls, "apply a batch").await?;
        let mut outdated = Vec::new();
        for (index, user, work) in profiles {
            outdated.extend(losing_hint(user, work, &replies[index])?);
        }
        let calls = outdated.iter().map(|hint| say.hint(hint)).collect();
        self.run_all(calls, "forget names").await?;
        self.publish(&generation.keys, users.keys().copied()).await
    }

    /// See [`crate::Store::sent`].
    pub fn sent(&self, origins: &[Origin]) -> Result<(), StoreError> {
        if self.0.read_only {
            return Err(StoreError::ReadOnly);
        }
        if origins.is_empty() {
            return Ok(());
        }
        let mut forget = redis::cmd("HDEL");
        forget.arg(self.generation().keys.outbox());
        forget.arg(origins.iter().map(Origin::to_string).collect::<Vec<_>>());
        let forget = async {
            self.0.link.send(Lane::Writes, &forget).await.map_err(failed("forget sent dead letters")).map(drop)
        };
        self.block_on(forget)
    }

    /// See [`crate::Store::flush`]. When Redis writes to disk is its own business.
    pub fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Compares the masters with what the writer knows of them.
fn compare(writer: &mut Writer, now: Vec<Lineage>) -> Result<(), StoreError> {
    let known = match writer {
        Writer::Fresh | Writer::Lost => return Ok(()),
        Writer::Taken(standings) => lineages(standings),
        Writer::Unsettled { seen, .. } => seen.clone(),
    };
    let moving = now.iter().any(Lineage::is_moving);
    match writer {
        Writer::Taken(_) if now == known && !moving => Ok(()),
        Writer::Taken(_) if slots(&now) == slots(&known) && !moving => {
            *writer = Writer::Lost;
            Err(rewound("a master was replaced or restarted"))
        }
        Writer::Unsettled { since, .. } if now == known && !moving && since.elapsed() >= SETTLED_AFTER => {
            *writer = Writer::Lost;
            Err(rewound("hash slots moved, what came with them is read again"))
        }
        Writer::Unsettled { .. } if now == known => Ok(()),
        Writer::Fresh | Writer::Lost | Writer::Taken(_) | Writer::Unsettled { .. } => {
            tracing::info!("hash slots are on the move: positions wait until they lie still");
            *writer = Writer::Unsettled { seen: now, since: Instant::now() };
            Ok(())
        }
    }
}

fn rewound(reason: &str) -> StoreError {
    StoreError::Rewound { reason: reason.to_owned() }
}

/// In the order of the masters' first slots.
fn lineages(standings: &[Standing]) -> Vec<Lineage> {
    standings.iter().map(|standing| standing.lineage.clone()).collect()
}

fn slots(lineages: &[Lineage]) -> Vec<&str> {
    lineages.iter().map(Lineage::slots).collect()
}

fn parse_moved(reply: &Value) -> Result<Moved, StoreError> {
    match text(reply) {
        Some("ok") => Ok(Moved::Yes),
        Some("moved") => Ok(Moved::LineageChanged),
        Some("conflict") => Ok(Moved::Conflict),
        Some(_) | None => Err(unexpected("the script that moves positions")),
    }
}

/// What is to be moved on one master: of each position its field, its value before (empty: none) and its new value.
struct Move {
    forget: bool,
    fields: Vec<(String, Vec<u8>, Vec<u8>)>,
}

impl Move {
    /// A master that is ahead already, because reading began again for another one's sake, keeps its position.
    fn plan(standing: &Standing, positions: &[Position]) -> Result<Self, StoreError> {
        let forget = standing.validity == Validity::Void;
        let mut fields = Vec::with_capacity(positions.len());
        for position in positions {
            let name = field(position.topic, position.partition);
            let before = if forget { None } else { standing.positions.get(&name) };
            let decode = |value: &Vec<u8>| values::decode_position(position.topic, position.partition, value);
            let ahead = before.map(decode).transpose()?.is_some_and(|before| {
                before.topic_id == position.topic_id && before.next_offset > position.next_offset
            });
            if !ahead {
                fields.push((name, before.cloned().unwrap_or_default(), values::encode_position(position)));
            }
        }
        Ok(Self { forget, fields })
    }

    fn command(&self, scripts: &Scripts, keys: &Keyspace, standing: &Standing, kind: &str) -> Cmd {
        let mut command = evalsha(&scripts.move_positions, &[keys.positions(&standing.tag)]);
        command.arg(kind).arg(standing.lineage.as_str()).arg(&standing.stored_lineage);
        command.arg(if self.forget { "1" } else { "0" });
        for (name, before, after) in &self.fields {
            command.arg(name).arg(before).arg(after);
        }
        command
    }

    fn note(self, standing: &mut Standing) {
        if self.forget {
            standing.positions.clear();
        }
        standing.validity = Validity::Valid;
        standing.stored_lineage = standing.lineage.as_str().to_owned();
        standing.positions.extend(self.fields.into_iter().map(|(name, _, after)| (name, after)));
    }
}

/// The commands that say what a batch says.
struct Say<'store> {
    keys: &'store Keyspace,
    scripts: &'store Scripts,
}

impl Say<'_> {
    fn hint(&self, hint: &Hint<'_>) -> Call {
        let key = self.keys.name(&hint.folded);
        let slot = slot_of(&key);
        let mut command = evalsha(&self.scripts.hint, &[key]);
        command.arg(hint.user.as_str()).arg(hint.mark.number());
        Call { slot, command }
    }

    fn dead_letter(&self, letter: &DeadLetter) -> Call {
        let key = self.keys.outbox();
        let slot = slot_of(&key);
        let mut command = redis::cmd("HSET");
        command.arg(key).arg(letter.origin.to_string()).arg(values::encode_letter(letter));
        Call { slot, command }
    }

    fn cleared(&self, Cleared { key, offset }: &Cleared) -> Call {
        self.tainted_key(key, Mark::new(*offset, false), &[])
    }

    fn taint(&self, taint: &Taint) -> Call {
        self.tainted_key(&taint.key, Mark::new(taint.origin.offset, true), &values::encode_taint(taint))
    }

    fn tainted_key(&self, tainted: &TaintedKey, mark: Mark, value: &[u8]) -> Call {
        let key = self.keys.tainted();
        let slot = slot_of(&key);
        let mut command = evalsha(&self.scripts.taint, &[key]);
        command.arg(crate::keys::tainted(tainted)).arg(mark.number()).arg(value);
        Call { slot, command }
    }

    /// The first call carries the profile.
    fn user(&self, user: &Id, work: &UserWork<'_>) -> Vec<Call> {
        let mut runs = runs_of(work);
        if runs.is_empty() {
            runs.push(Run::new());
        }
        let profile = |index| if index == 0 { work.profile } else { None };
        runs.iter().enumerate().map(|(index, run)| self.run(user, profile(index), run)).collect()
    }

    fn run(&self, user: &Id, profile: Option<(Mark, Option<&StoredProfile>)>, run: &Run<'_>) -> Call {
        let record = self.keys.record(user);
        let slot = slot_of(&record);
        let mut keys = vec![record];
        keys.extend(run.keys().map(|&side| self.keys.set(user, side)));
        let mut command = evalsha(&self.scripts.apply_user, &keys);
        match profile {
            Some((mark, profile)) => {
                command.arg(mark.number()).arg(profile.map(StoredProfile::encode).unwrap_or_default());
            }
            None => drop(command.arg("").arg("")),
        }
        for (side, members) in run {
            command.arg(side.field()).arg(members.len());
            for (member, mark) in members {
                command.arg(member.as_str()).arg(mark.number());
            }
        }
        Call { slot, command }
    }
}

/// The members that one run of the script takes, set by set.
type Run<'batch> = BTreeMap<Side, Vec<(&'batch Id, Mark)>>;

fn runs_of<'batch>(work: &UserWork<'batch>) -> Vec<Run<'batch>> {
    let mut runs = Vec::new();
    let (mut run, mut size) = (Run::new(), 0);
    for (&side, members) in &work.sets {
        for (&member, &mark) in members {
            run.entry(side).or_default().push((member, mark));
            size += 1;
            if size == MEMBERS_PER_RUN_MAX {
                runs.push(mem::take(&mut run));
                size = 0;
            }
        }
    }
    if !run.is_empty() {
        runs.push(run);
    }
    runs
}

/// The name that a user does not have any more, now that one profile won over another; `None` if they have the same.
fn losing_hint<'batch>(
    user: &'batch Id,
    work: &UserWork<'batch>,
    reply: &Value,
) -> Result<Option<Hint<'batch>>, StoreError> {
    let (mark, profile) = work.profile.expect("asked for profiles only");
    let ours = profile.map(|it| folded_username(&it.profile.username));
    let Some((won, other, other_mark)) = parse_profile_reply(reply)? else { return Ok(None) };
    let theirs = record::decode_profile(&other)?.map(|it| folded_username(&it.profile.username));
    let (winner, loser, winning_mark) = if won { (ours, theirs, Some(mark)) } else { (theirs, ours, other_mark) };
    let Some(winning_mark) = winning_mark else { return Ok(None) };
    let hint = |folded| Hint { folded, user, mark: winning_mark.gone() };
    Ok(loser.filter(|loser| winner.as_ref() != Some(loser)).map(hint))
}

/// Whether the profile was newer, the other profile, and the mark of the one in force if it was not.
type ProfileReply = Option<(bool, Vec<u8>, Option<Mark>)>;

fn parse_profile_reply(reply: &Value) -> Result<ProfileReply, StoreError> {
    let not_ours = || unexpected("the script that applies facts");
    let Value::Array(items) = reply else { return Err(not_ours()) };
    let bytes = |value: &Value| Vec::<u8>::from_redis_value(value.clone()).map_err(|_| not_ours());
    match items.as_slice() {
        [] => Ok(None),
        [Value::Int(1), other] => Ok(Some((true, bytes(other)?, None))),
        [Value::Int(0), other, mark] => {
            Ok(Some((false, bytes(other)?, Some(Mark::parse(&bytes(mark)?).ok_or_else(not_ours)?))))
        }
        _ => Err(not_ours()),
    }
}
