//! What Kafka's error codes mean to us.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// The code behind an error of the safe wrapper.
pub(super) fn code_of(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    if let KafkaError::AdminOp(code) = error {
        // The wrapper's own method forgets this one.
        return Some(*code);
    }
    error.rdkafka_error_code()
}

/// Brokers are away, too slow, or busy with a change of leaders: trying again helps, or mending the network or the login.
pub(super) fn is_unavailable(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::AllBrokersDown
            | Code::Authentication
            | Code::BrokerNotAvailable
            | Code::BrokerTransportFailure
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::LeaderNotAvailable
            | Code::MessageTimedOut
            | Code::NetworkException
            | Code::NotController
            | Code::NotCoordinator
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::NotLeaderForPartition
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::Resolve
            | Code::SaslAuthenticationFailed
            | Code::SSL
            | Code::TimedOutQueue
            | Code::WaitingForCoordinator
    )
}

/// The topic, or the partition, does not exist, or is not the one that the client knew by this name.
pub(super) fn is_topic_gone(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::InvalidTopic
            | Code::UnknownPartition
            | Code::UnknownTopic
            | Code::UnknownTopicId
            | Code::UnknownTopicOrPartition
    )
}

/// The position is not in the log, or the log was truncated below it.
pub(super) fn is_out_of_range(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::AutoOffsetReset | Code::LogTruncation | Code::OffsetOutOfRange)
}

/// Another producer has the transactional id.
pub(super) fn is_fenced(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::Fenced | Code::InvalidProducerEpoch | Code::ProducerFenced)
}
