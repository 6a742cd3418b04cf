//! The lives of accounts: who is away is silent, who is deleted stays so, profiles change at the stated rate.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use user_info_upstream::simulator::frequencies::{EDIT, PER, RENAME_PERCENT, STATUSES_PER_USER_AND_DAY};

use crate::world::{is_status, run, statuses, values};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Active,
    Suspended,
    Deactivated,
    Deleted,
}

/// What a notice makes of an account.
fn turn(value: &Value) -> Option<(String, &'static [State], State)> {
    use State::{Active, Deactivated, Deleted, Suspended};
    let (kind, notice) = value.as_object()?.iter().next()?;
    let (before, after): (&[_], _) = match kind.as_str() {
        "user_suspend" => (&[Active], Suspended),
        "user_unsuspend" => (&[Suspended], Active),
        "user_delete" if notice["permanent"] == true => (&[Deactivated], Deleted),
        "user_delete" => (&[Active], Deactivated),
        "user_undelete" => (&[Deactivated], Active),
        _ => return None,
    };
    Some((notice["id"].to_string(), before, after))
}

/// Follows all accounts through a run; those who were away when it began are known from when they turn up.
fn check_lives(values: impl Iterator<Item = Value>) -> HashMap<String, State> {
    let mut states: HashMap<String, State> = HashMap::new();
    for value in values {
        if let Some((user, before, after)) = turn(&value) {
            let was = states.insert(user, after);
            assert!(was.is_none_or(|state| before.contains(&state)), "{was:?} before {value}");
        } else if is_status(&value) {
            let state = states.entry(value["user"]["id"].to_string()).or_insert(State::Active);
            assert_eq!(*state, State::Active, "{value}");
        }
    }
    states
}

#[test]
fn who_is_away_is_silent_until_back() {
    let states = check_lives(values(run(300, 8, 30_000)));
    for state in [State::Active, State::Suspended, State::Deactivated, State::Deleted] {
        assert!(states.values().any(|&other| other == state), "nobody is {state:?}");
    }
}

#[test]
fn a_world_does_not_die_out() {
    for users in [1, 2, 5, 40] {
        let states = check_lives(values(run(users, 8, 20_000)));
        let count = |state| states.values().filter(|&&other| other == state).count();
        assert!(count(State::Deleted) <= (users as usize).div_ceil(20), "{users} users: {states:?}");
        assert!(count(State::Active) * 2 >= states.len(), "{users} users: {states:?}");
    }
}

/// So many messages before an account is deactivated, its statuses are remembered for sure.
const REMEMBERED: usize = 3_000;

#[test]
fn with_an_account_goes_what_it_said() {
    let mut said: HashMap<String, HashMap<String, usize>> = HashMap::new();
    let mut left_behind: HashMap<String, HashSet<String>> = HashMap::new();
    let (mut deleted, mut gone_with_account) = (HashSet::new(), 0);
    let mut going: Option<(String, HashSet<String>)> = None;
    for (place, value) in values(run(400, 8, 60_000)).enumerate() {
        if let Some(status) = value.pointer("/delete/status") {
            let author = status["user_id"].to_string();
            deleted.insert(status["id"].to_string());
            if let Some((_, statuses)) = going.as_mut().filter(|(user, _)| *user == author) {
                gone_with_account += usize::from(statuses.remove(&status["id"].to_string()));
                continue;
            }
        }
        assert!(going.take().is_none_or(|(_, statuses)| statuses.is_empty()), "statuses stay, at {place}");
        if is_status(&value) {
            said.entry(value["user"]["id"].to_string()).or_default().insert(value["id"].to_string(), place);
        } else if let Some((user, _, State::Deactivated)) = turn(&value) {
            let statuses = said.get(&user).into_iter().flatten().filter(|&(_, &sent)| sent + REMEMBERED > place);
            let alive = statuses.map(|(id, _)| id.clone()).filter(|id| !deleted.contains(id));
            left_behind.insert(user, alive.collect());
        } else if let Some((user, _, State::Deleted)) = turn(&value) {
            let statuses = left_behind.remove(&user).unwrap_or_default();
            going = Some((user, statuses));
        }
    }
    assert!(gone_with_account > 10, "{gone_with_account}");
}

#[test]
fn profiles_are_edited_at_the_stated_rate() {
    const STEPS: i64 = 60_000;
    const USERS: u32 = 60;
    let mut profiles: HashMap<String, [Value; 8]> = HashMap::new();
    let (mut edits, mut renames, mut observed) = (0, 0, HashMap::new());
    for (step, status) in statuses(run(USERS, 5, STEPS)).enumerate() {
        let user = &status["user"];
        let keys = "screen_name name description location url profile_image_url profile_banner_url \
            profile_background_image_url";
        let fields: [Value; 8] = std::array::from_fn(|field| user[keys.split_whitespace().nth(field).unwrap()].clone());
        let id = user["id"].to_string();
        let (_, last) = observed.entry(id.clone()).or_insert((step, step));
        *last = step;
        if let Some(before) = profiles.insert(id, fields.clone()) {
            edits += before.iter().zip(&fields).filter(|(before, after)| before != after).count();
            renames += usize::from(before[0] != fields[0]);
        }
    }
    let steps: usize = observed.values().map(|(first, last)| last - first).sum();
    let user_days = steps as f64 / (f64::from(USERS) * STATUSES_PER_USER_AND_DAY as f64);
    let stated = f64::from(EDIT) / f64::from(PER) * STATUSES_PER_USER_AND_DAY as f64;
    // An edit may choose what was there before, or be undone by the next before anybody sees it.
    let per_user_and_day = edits as f64 / user_days;
    assert!((0.6..1.1).contains(&(per_user_and_day / stated)), "{per_user_and_day} edits, {stated} stated");
    let share = renames as f64 / edits as f64;
    assert!((0.5..2.0).contains(&(share * 100.0 / f64::from(RENAME_PERCENT))), "{share} of the edits rename");
}
