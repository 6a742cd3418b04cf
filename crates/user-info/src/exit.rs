//! Exit statuses, a contract that scripts rely on: 0 success, 1 a check failed, 2 wrong usage or configuration, 3
//! something the command depends on is missing.

use std::process::ExitCode;

use user_info_audit::AuditError;
use user_info_log::LogError;
use user_info_service::ServiceError;
use user_info_service::tls::TlsError;
use user_info_store::StoreError;
use user_info_upstream::UpstreamError;
use user_info_upstream::replay::ReplayError;

/// A check failed, or what ran came to an end that it should not.
pub(crate) const CHECK_FAILED: u8 = 1;
/// Wrong usage or configuration.
pub(crate) const WRONG_USAGE: u8 = 2;
/// Something the command depends on is missing: a broker, a topic, a directory, an address.
pub(crate) const MISSING: u8 = 3;

/// Why a command ends without success.
#[derive(Debug)]
pub(crate) struct Failure {
    status: u8,
    error: anyhow::Error,
}

impl Failure {
    pub(crate) fn check(error: impl Into<anyhow::Error>) -> Self {
        Self { status: CHECK_FAILED, error: error.into() }
    }

    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { status: WRONG_USAGE, error: error.into() }
    }

    pub(crate) fn missing(error: impl Into<anyhow::Error>) -> Self {
        Self { status: MISSING, error: error.into() }
    }
}

/// Prints why on stderr and gives the status.
pub(crate) fn report(failure: &Failure) -> ExitCode {
    use std::io::Write;
    // Nobody reads stderr any more when this fails; the status still tells.
    let _ = writeln!(std::io::stderr(), "user-info: {:#}", failure.error);
    ExitCode::from(failure.status)
}

fn status_of_log(error: &LogError) -> u8 {
    match error {
        LogError::InvalidUrl { .. } | LogError::InvalidOption { .. } => WRONG_USAGE,
        LogError::Unavailable { .. } | LogError::TopicMissing { .. } | LogError::InUse { .. } => MISSING,
        LogError::Fenced { .. }
        | LogError::PartitionMissing { .. }
        | LogError::NegativeOffset { .. }
        | LogError::RecordTooLarge { .. }
        | LogError::RecordRefused { .. }
        | LogError::ProducerBroken { .. }
        | LogError::Kafka { .. }
        | LogError::NewerFormat { .. }
        | LogError::Damaged { .. }
        | LogError::Poisoned { .. }
        | LogError::Io { .. }
        | LogError::Storage { .. } => CHECK_FAILED,
    }
}

fn status_of_store(error: &StoreError) -> u8 {
    match error {
        StoreError::InvalidUrl { .. }
        | StoreError::NewerFormat { .. }
        | StoreError::Certificate { .. }
        | StoreError::Evicts { .. }
        | StoreError::Refused { .. } => WRONG_USAGE,
        StoreError::Locked { .. }
        | StoreError::Missing { .. }
        | StoreError::MissingRedis { .. }
        | StoreError::Unavailable { .. } => MISSING,
        StoreError::RebuildRunning { .. }
        | StoreError::RebuildOvertaken
        | StoreError::Rewound { .. }
        | StoreError::MemoryIsPrivate
        | StoreError::Damaged { .. }
        | StoreError::Incomplete { .. }
        | StoreError::Drift(_)
        | StoreError::ReadOnly
        | StoreError::Poisoned { .. }
        | StoreError::Io { .. }
        | StoreError::RocksDb { .. } => CHECK_FAILED,
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        Self { status: status_of_log(&error), error: error.into() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { status: status_of_store(&error), error: error.into() }
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let status = match &error {
            ServiceError::Log(log) => status_of_log(log),
            ServiceError::Store(store) => status_of_store(store),
            ServiceError::Thread { .. }
            | ServiceError::Halted { .. }
            | ServiceError::Stopped
            | ServiceError::StopDeadline { .. } => CHECK_FAILED,
        };
        Self { status, error: error.into() }
    }
}

impl From<TlsError> for Failure {
    fn from(error: TlsError) -> Self {
        Self::usage(error)
    }
}

impl From<UpstreamError> for Failure {
    fn from(error: UpstreamError) -> Self {
        let status = match &error {
            UpstreamError::StreamRefused { status: 404 | 410, .. } => MISSING,
            UpstreamError::InvalidStream { .. }
            | UpstreamError::StreamRefused { .. }
            | UpstreamError::InvalidConfig { .. }
            | UpstreamError::TooManyFacts { .. } => WRONG_USAGE,
            UpstreamError::TopicMissing { .. } | UpstreamError::Listen(_) => MISSING,
            UpstreamError::Log(log) => status_of_log(log),
            UpstreamError::TopicChanged { .. } => CHECK_FAILED,
        };
        Self { status, error: error.into() }
    }
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        let status = match &error {
            ReplayError::Unreadable { .. } | ReplayError::NoFiles => MISSING,
            ReplayError::NotAFile { .. } | ReplayError::TooManyFiles { .. } | ReplayError::NoPace => WRONG_USAGE,
        };
        Self { status, error: error.into() }
    }
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        let status = match &error {
            AuditError::InvalidServer { .. } => WRONG_USAGE,
            AuditError::Log(log) => status_of_log(log),
            AuditError::Store(store) => status_of_store(store),
            AuditError::TopicMissing { .. }
            | AuditError::LogStalled { .. }
            | AuditError::LogLost { .. }
            | AuditError::Unreachable { .. }
            | AuditError::NotReady { .. }
            | AuditError::Answer { .. }
            | AuditError::Client(_) => MISSING,
        };
        Self { status, error: error.into() }
    }
}
