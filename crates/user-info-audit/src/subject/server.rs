//! Audits a server through its public interface: every user by id, and usernames.
//!
//! The positions that an answer carries are a lower bound: the answer may be newer. So an answer that is not as the model
//! says is only reported once the log was read to its end and no record about that user stands behind those positions.

use std::collections::BTreeMap;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::AuditError;
use crate::http::{Answered, Client};
use crate::model::{Model, RecordAt};
use crate::page::{counts, differing, profile};
use crate::positions::Positions;
use crate::reader::Reader;
use crate::report::{About, Findings, Mismatch, shown};
use crate::subject::{Open, Wait, name_touched_after, read_to_end, stand_at, written};

/// Users in one request.
const USERS_PER_REQUEST: usize = 100;

/// Bytes of ids in one request: a request line far below what servers take, whatever the ids are.
const ID_BYTES_PER_REQUEST: usize = 4096;

/// A server that is asked.
pub(crate) struct Server {
    client: Client,
    stands: Stands,
}

/// Where a server's answers stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stands {
    /// Where each answer says.
    AsStated,
    /// At the end of the log, which does not move.
    AtTheEnd,
}

/// What a server says of a user.
#[derive(Debug)]
enum Answer {
    Page(Map<String, Value>),
    Unknown,
    Withheld(String),
}

#[derive(Deserialize)]
struct Users {
    users: Vec<Map<String, Value>>,
    unknown: Vec<String>,
    withheld: Vec<Withheld>,
}

#[derive(Deserialize)]
struct Withheld {
    user_id: String,
    state: String,
}

impl Server {
    pub(crate) fn new(url: &str, stands: Stands, patience: Duration) -> Result<Self, AuditError> {
        Ok(Self { client: Client::new(url, patience)?, stands })
    }

    pub(crate) fn reach(&self) -> Result<(), AuditError> {
        self.ask_users(&["0".to_owned()]).map(drop)
    }

    pub(crate) fn pass(&self, reader: &mut Reader, open: Open, findings: &mut Findings) -> Result<Open, AuditError> {
        let mut still = Open::default();
        for users in batches(open.users.into_keys()) {
            let (answered, answers) = self.ask_users(&users)?;
            let positions = self.positions(&answered, reader)?;
            if !stand_at(reader, &positions, findings)? {
                return Ok(Open::default());
            }
            compare_users(reader, &answers, &positions, &mut still, findings)?;
        }
        for name in open.names.into_keys() {
            let (answered, answer) = self.ask_name(written(reader.model(), &name))?;
            let positions = self.positions(&answered, reader)?;
            if !stand_at(reader, &positions, findings)? {
                return Ok(Open::default());
            }
            compare_name(reader, name, &answer, &positions, &mut still, findings)?;
        }
        Ok(still)
    }

    fn ask_users(&self, users: &[String]) -> Result<(Answered, BTreeMap<String, Answer>), AuditError> {
        let ids: Vec<String> = users.iter().map(|user| encoded(user)).collect();
        let answered = self.client.get(&format!("/users?ids={}", ids.join(",")))?;
        if answered.status != 200 {
            return Err(self.surprise(&answered, "to a request for users by id"));
        }
        let body: Users = self.read(&answered)?;
        let mut answers = BTreeMap::new();
        for (user, answer) in body.into_answers() {
            let user = user.ok_or_else(|| self.client.unexpected("a user without a user_id".into()))?;
            if !users.contains(&user) || answers.contains_key(&user) {
                let reason = format!("user {:?}, which was not asked or is answered twice", shown(&user));
                return Err(self.client.unexpected(reason));
            }
            answers.insert(user, answer);
        }
        match users.iter().find(|user| !answers.contains_key(*user)) {
            Some(user) => Err(self.client.unexpected(format!("nothing about user {user}, which was asked"))),
            None => Ok((answered, answers)),
        }
    }

    fn ask_name(&self, name: &str) -> Result<(Answered, Answer), AuditError> {
        let answered = self.client.get(&format!("/users?username={}", encoded(name)))?;
        let answer = match answered.status {
            200 => Answer::Page(self.read(&answered)?),
            403 => Answer::Withheld("hidden".into()),
            404 => Answer::Unknown,
            _ => return Err(self.surprise(&answered, "to a request for a username")),
        };
        Ok((answered, answer))
    }

    fn read<'answer, T: Deserialize<'answer>>(&self, answered: &'answer Answered) -> Result<T, AuditError> {
        serde_json::from_slice(&answered.body).map_err(|error| self.client.unexpected(format!("unknown JSON: {error}")))
    }

    fn positions(&self, answered: &Answered, reader: &Reader) -> Result<Positions, AuditError> {
        if self.stands == Stands::AtTheEnd {
            return Ok(reader.model().positions().clone());
        }
        let text = answered.positions.as_deref();
        let text = text.ok_or_else(|| self.client.unexpected("without the header user-info-positions".into()))?;
        text.parse().map_err(|error| self.client.unexpected(format!("with a header user-info-positions where {error}")))
    }

    fn surprise(&self, answered: &Answered, what: &str) -> AuditError {
        let body = String::from_utf8_lossy(&answered.body);
        self.client.unexpected(format!("status {} {what}: {:?}", answered.status, shown(&body)))
    }
}

impl Users {
    /// Everybody who is mentioned, by id.
    fn into_answers(self) -> impl Iterator<Item = (Option<String>, Answer)> {
        let id = |page: &Map<String, Value>| page.get("user_id").and_then(Value::as_str).map(str::to_owned);
        let pages = self.users.into_iter().map(move |page| (id(&page), Answer::Page(page)));
        let unknown = self.unknown.into_iter().map(|user| (Some(user), Answer::Unknown));
        let withheld = self.withheld.into_iter().map(|it| (Some(it.user_id), Answer::Withheld(it.state)));
        pages.chain(unknown).chain(withheld)
    }
}

fn batches(users: impl Iterator<Item = String>) -> Vec<Vec<String>> {
    let mut batches = Vec::new();
    let mut batch: Vec<String> = Vec::new();
    let mut bytes = 0;
    for user in users {
        let more = encoded(&user).len() + 1;
        if batch.len() == USERS_PER_REQUEST || bytes + more > ID_BYTES_PER_REQUEST {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        bytes += more;
        batch.push(user);
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn compare_users(
    reader: &mut Reader,
    answers: &BTreeMap<String, Answer>,
    positions: &Positions,
    still: &mut Open,
    findings: &mut Findings,
) -> Result<(), AuditError> {
    let mut doubtful = Vec::new();
    for (user, answer) in answers {
        let model = reader.model();
        if let Some(at) = model.touched_after(user, positions) {
            still.users.insert(user.clone(), Some(Wait::new(at, positions)));
            continue;
        }
        let mismatches = mismatches(model, user, answer);
        if !mismatches.is_empty() {
            doubtful.push((user, mismatches));
        }
    }
    if doubtful.is_empty() {
        return Ok(());
    }
    read_to_end(reader)?;
    for (user, mismatches) in doubtful {
        if let Some(at) = reader.model().touched_after(user, positions) {
            still.users.insert(user.clone(), Some(Wait::new(at, positions)));
            continue;
        }
        for mismatch in mismatches {
            findings.add(reader.model(), About::User(user.clone()), mismatch, positions);
        }
    }
    Ok(())
}

fn mismatches(model: &Model, user: &str, answer: &Answer) -> Vec<Mismatch> {
    let Some(said) = model.profile(user) else {
        return match answer {
            Answer::Unknown => Vec::new(),
            Answer::Page(_) => vec![Mismatch::new("it is shown", "the log has no profile")],
            Answer::Withheld(_) => vec![Mismatch::new("it is withheld", "the log has no profile")],
        };
    };
    let says = format!("the log says @{} is {}", shown(&said.username), said.state);
    match answer {
        Answer::Unknown => vec![Mismatch::new("it is unknown", says)],
        Answer::Withheld(state) if *state == said.state && state != "active" => Vec::new(),
        Answer::Withheld(state) => vec![Mismatch::new(format!("it is withheld as {:?}", shown(state)), says)],
        Answer::Page(_) if said.state != "active" => vec![Mismatch::new("it is shown", says)],
        Answer::Page(page) => {
            let mut expected = profile(user, said);
            expected.extend(counts(model, user));
            differing(&expected, page)
        }
    }
}

fn compare_name(
    reader: &mut Reader,
    name: String,
    answer: &Answer,
    positions: &Positions,
    still: &mut Open,
    findings: &mut Findings,
) -> Result<(), AuditError> {
    let found = match answer {
        Answer::Page(page) => page.get("user_id").and_then(Value::as_str),
        Answer::Unknown | Answer::Withheld(_) => None,
    };
    let touched = |model: &Model| -> Option<RecordAt> { name_touched_after(model, &name, found, positions) };
    let mut at = touched(reader.model());
    let mut mismatch = name_mismatch(reader.model(), &name, answer, found);
    if at.is_none() && mismatch.is_some() {
        read_to_end(reader)?;
        at = touched(reader.model());
    }
    if let Some(at) = at {
        still.names.insert(name, Some(Wait::new(at, positions)));
    } else if let Some(mismatch) = mismatch.take() {
        findings.add(reader.model(), About::Username(name), mismatch, positions);
    }
    Ok(())
}

/// Somebody who is not active may be answered 403 or 404.
fn name_mismatch(model: &Model, name: &str, answer: &Answer, found: Option<&str>) -> Option<Mismatch> {
    let holder = model.named(name);
    let shown_holder = holder.filter(|user| model.profile(user).is_some_and(|profile| profile.state == "active"));
    let right = match answer {
        Answer::Page(_) => found.is_some() && found == shown_holder,
        Answer::Unknown => shown_holder.is_none(),
        Answer::Withheld(_) => holder.is_some() && shown_holder.is_none(),
    };
    let found = match answer {
        Answer::Page(_) => format!("it is user {}", found.map_or("without user_id".into(), shown)),
        Answer::Unknown => "it is nobody".to_owned(),
        Answer::Withheld(_) => "it is withheld".to_owned(),
    };
    let expected = match (holder, shown_holder) {
        (_, Some(user)) => format!("the log says it is user {user}"),
        (Some(user), None) => format!("the log says it is user {user}, who is not active"),
        (None, None) => "the log says it is nobody".to_owned(),
    };
    (!right).then(|| Mismatch::new(found, expected))
}
