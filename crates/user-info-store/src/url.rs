//! How a store is named on the command line: `rocksdb:./data`, `redis://localhost:6379`, `redis-cluster://a:7001,b:7002` or
//! `memory:`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use crate::error::StoreError;

const ROCKSDB_SCHEME: &str = "rocksdb:";
const MEMORY: &str = "memory:";

/// Where Redis listens unless told otherwise.
const REDIS_PORT: u16 = 6379;

/// The schemes of Redis, whether each is a cluster and whether it is reached by TLS.
const REDIS_SCHEMES: [(&str, bool, bool); 4] = [
    ("redis://", false, false),
    ("rediss://", false, true),
    ("redis-cluster://", true, false),
    ("rediss-cluster://", true, true),
];

/// Which store, and where. [`fmt::Display`] leaves passwords out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// RocksDB inside the process: `rocksdb:DIR`.
    RocksDb {
        /// The directory of the store.
        path: PathBuf,
    },
    /// A Redis server or cluster, shared by many processes.
    Redis(RedisUrl),
    /// Inside the process and gone with it: `memory:`.
    Memory,
}

/// Where Redis is: `redis://[user:password@]host[:port][/database]`, `redis-cluster://[user:password@]host:port,host:port`,
/// and both with `rediss` for TLS.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    /// Whether the nodes are members of a Redis Cluster. Without it there is one node.
    pub cluster: bool,
    /// Whether connections use TLS.
    pub tls: bool,
    /// The user, for access control lists; `None` for Redis' default user.
    pub username: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// Hosts and ports; of a cluster, the nodes to ask first.
    pub nodes: Vec<(String, u16)>,
    /// The number of the database; a cluster has only 0.
    pub database: i64,
}

impl FromStr for StoreUrl {
    type Err = StoreError;

    fn from_str(url: &str) -> Result<Self, StoreError> {
        let invalid = |reason| StoreError::InvalidUrl { url: without_password(url), reason };
        if url == MEMORY {
            return Ok(Self::Memory);
        }
        for (scheme, cluster, tls) in REDIS_SCHEMES {
            if let Some(rest) = url.strip_prefix(scheme) {
                return RedisUrl::parse(rest, cluster, tls).map(Self::Redis).map_err(invalid);
            }
        }
        match url.strip_prefix(ROCKSDB_SCHEME) {
            Some("") => Err(invalid("a directory must follow, as in rocksdb:./data")),
            Some(path) if path.starts_with("//") => {
                Err(invalid("a directory follows without slashes, as in rocksdb:./data"))
            }
            Some(path) => Ok(Self::RocksDb { path: path.into() }),
            None => Err(invalid("expected rocksdb:DIR, redis://HOST:PORT, redis-cluster://HOST:PORT,… or memory:")),
        }
    }
}

impl RedisUrl {
    /// Reads what follows the scheme.
    fn parse(rest: &str, cluster: bool, tls: bool) -> Result<Self, &'static str> {
        let (account, places) = rest.rsplit_once('@').map_or((None, rest), |(account, places)| (Some(account), places));
        let (username, password) = account.map(parse_account).transpose()?.unwrap_or_default();
        let (nodes, database) = places.split_once('/').unwrap_or((places, ""));
        let database = if database.is_empty() { Ok(0) } else { parse_database(database, cluster) }?;
        let nodes: Vec<_> = nodes.split(',').map(parse_node).collect::<Result<_, _>>()?;
        if !cluster && nodes.len() > 1 {
            return Err("one server has one host: several are a cluster, redis-cluster://HOST:PORT,HOST:PORT");
        }
        Ok(Self { cluster, tls, username, password, nodes, database })
    }

    fn scheme(&self) -> &'static str {
        let is_ours = |(_, cluster, tls): &&(&str, bool, bool)| (*cluster, *tls) == (self.cluster, self.tls);
        REDIS_SCHEMES.iter().find(is_ours).expect("each combination has a scheme").0
    }
}

/// A user's name and password.
type Account = (Option<String>, Option<String>);

/// `user:password` or `:password`, percent-encoded.
fn parse_account(account: &str) -> Result<Account, &'static str> {
    let decode = |text: &str| -> Result<Option<String>, &'static str> {
        let decoded = percent_decode_str(text).decode_utf8().map_err(|_| "user and password must be UTF-8")?;
        Ok((!decoded.is_empty()).then(|| decoded.into_owned()))
    };
    let (username, password) = account.split_once(':').unwrap_or((account, ""));
    let (username, password) = (decode(username)?, decode(password)?);
    if username.is_some() && password.is_none() {
        // Redis logs nobody in by a name alone; without this the default user's rights would be used.
        return Err("a user needs a password, as in redis://user:password@host; an account without one takes any");
    }
    Ok((username, password))
}

fn parse_database(text: &str, cluster: bool) -> Result<i64, &'static str> {
    match text.parse() {
        Ok(0) => Ok(0),
        Ok(_) if cluster => Err("a cluster has only database 0"),
        Ok(database @ 1..) => Ok(database),
        Ok(_) | Err(_) => Err("the number of a database follows the host, as in redis://localhost:6379/1"),
    }
}

fn parse_node(node: &str) -> Result<(String, u16), &'static str> {
    // The port follows the last colon, unless that belongs to an IPv6 address.
    let (host, port) = match node.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (node, None),
    };
    if host.is_empty() || host.chars().any(|it| it.is_whitespace() || matches!(it, '?' | '#')) {
        return Err(
            "each node needs a host, as in redis://localhost:6379 or redis-cluster://10.0.0.1:7001,10.0.0.2:7001",
        );
    }
    let port = match port {
        None => REDIS_PORT,
        Some(port) => port.parse().ok().filter(|&port| port > 0).ok_or("a port is a number from 1 to 65535")?,
    };
    Ok((host.trim_start_matches('[').trim_end_matches(']').to_owned(), port))
}

/// A text that names a store, or was meant to, without what may be a password.
pub fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 < at => format!("{}…{}", &url[..scheme + 3], &url[at..]),
        _ => url.to_owned(),
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RocksDb { path } => write!(formatter, "{ROCKSDB_SCHEME}{}", path.display()),
            Self::Redis(url) => url.fmt(formatter),
            Self::Memory => formatter.write_str(MEMORY),
        }
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.scheme())?;
        for (index, (host, port)) in self.nodes.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            if host.contains(':') {
                write!(formatter, "{separator}[{host}]:{port}")?;
            } else {
                write!(formatter, "{separator}{host}:{port}")?;
            }
        }
        if self.database != 0 {
            write!(formatter, "/{}", self.database)?;
        }
        Ok(())
    }
}

impl fmt::Debug for RedisUrl {
    /// Without the password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RedisUrl({self})")
    }
}
