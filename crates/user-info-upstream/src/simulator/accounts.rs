//! How often an account connects, and how many connections it has.
//!
//! Invariant: memory is bounded: so many accounts, so many attempts of each, and no more connections than the server has.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::simulator::authorization::Account;
use crate::simulator::departure::Departure;
use crate::simulator::notices::DisconnectCode;
use crate::simulator::refusal::Refusal;
use crate::simulator::request::StreamRequest;

/// Accounts that are remembered. When there are more, those that have no connection and did not connect lately go first.
const ACCOUNTS_MAX: usize = 10_000;

/// How often an account may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectLimit {
    /// Attempts within the window, refused ones included: who goes on trying stays out.
    pub attempts_max: usize,
    /// How far back attempts count.
    pub window: Duration,
}

/// What accounts may do.
#[derive(Clone, Copy, Debug)]
pub struct AccountLimits {
    /// How often one may connect. None: as often as it likes.
    pub connects: Option<ConnectLimit>,
    /// Connections that an account with a token may have; a further one costs it the oldest. None: any number.
    pub connections_max: Option<usize>,
}

impl Default for AccountLimits {
    /// As often as no sane client connects, and any number of connections.
    fn default() -> Self {
        let connects = ConnectLimit { attempts_max: 120, window: Duration::from_mins(1) };
        Self { connects: Some(connects), connections_max: None }
    }
}

/// Who is connected.
#[derive(Debug)]
pub(super) struct Accounts {
    limits: AccountLimits,
    rows: Mutex<HashMap<Account, Row>>,
}

#[derive(Debug, Default)]
struct Row {
    /// The newest attempts, oldest first.
    attempts: VecDeque<Instant>,
    /// Oldest first.
    connections: VecDeque<Connection>,
}

/// A stream of an account.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) request: StreamRequest,
    pub(super) address: IpAddr,
    pub(super) departure: Arc<Departure>,
}

/// A connection's place; gives it back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    accounts: Arc<Accounts>,
    account: Account,
    departure: Arc<Departure>,
}

impl Accounts {
    pub(super) fn new(limits: AccountLimits) -> Self {
        Self { limits, rows: Mutex::default() }
    }

    /// Lets a connection in, unless the account connects too often; may cost the account its oldest.
    pub(super) fn enter(
        self: Arc<Self>,
        account: Account,
        connection: Connection,
        now: Instant,
    ) -> Result<Seat, Refusal> {
        let departure = Arc::clone(&connection.departure);
        let mut rows = self.rows();
        self.make_room(&mut rows, now);
        let row = rows.entry(account).or_default();
        if self.limits.connects.is_some_and(|limit| row.is_too_often(limit, now)) {
            return Err(Refusal::TooManyConnects);
        }
        row.connections.push_back(connection);
        let connections_max = match account {
            Account::Token(_) => self.limits.connections_max.unwrap_or(usize::MAX),
            Account::Address(_) => usize::MAX,
        };
        while row.connections.len() > connections_max.max(1) {
            row.dismiss_oldest();
        }
        drop(rows);
        Ok(Seat { accounts: self, account, departure })
    }

    fn make_room(&self, rows: &mut HashMap<Account, Row>, now: Instant) {
        if rows.len() < ACCOUNTS_MAX {
            return;
        }
        let window = self.limits.connects.map_or(Duration::ZERO, |limit| limit.window);
        rows.retain(|_, row| row.is_active(window, now));
        if rows.len() >= ACCOUNTS_MAX {
            rows.retain(|_, row| !row.connections.is_empty());
        }
    }

    fn leave(&self, account: Account, departure: &Arc<Departure>) {
        let mut rows = self.rows();
        if let Some(row) = rows.get_mut(&account) {
            row.connections.retain(|connection| !Arc::ptr_eq(&connection.departure, departure));
            if row.connections.is_empty() && row.attempts.is_empty() {
                rows.remove(&account);
            }
        }
    }

    /// Nothing in here panics half way.
    fn rows(&self) -> MutexGuard<'_, HashMap<Account, Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    /// Counts this attempt. It is one too many when as many as are allowed lie within the window before it.
    fn is_too_often(&mut self, limit: ConnectLimit, now: Instant) -> bool {
        while self.attempts.front().is_some_and(|&oldest| now.saturating_duration_since(oldest) >= limit.window) {
            self.attempts.pop_front();
        }
        let too_often = self.attempts.len() >= limit.attempts_max;
        if too_often {
            self.attempts.pop_front();
        }
        self.attempts.push_back(now);
        too_often
    }

    fn is_active(&self, window: Duration, now: Instant) -> bool {
        let newest = self.attempts.back();
        !self.connections.is_empty() || newest.is_some_and(|&newest| now.saturating_duration_since(newest) < window)
    }

    /// A second stream just like the newest one, from the same place, is a client that forgot its first.
    fn dismiss_oldest(&mut self) {
        let Some(oldest) = self.connections.pop_front() else { return };
        let newest = self.connections.back();
        let is_same = newest.is_some_and(|it| it.request == oldest.request && it.address == oldest.address);
        oldest.departure.order(if is_same { DisconnectCode::DuplicateStream } else { DisconnectCode::AdminLogout });
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.accounts.leave(self.account, &self.departure);
    }
}
