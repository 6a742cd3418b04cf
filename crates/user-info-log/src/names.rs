//! What the topics are called in the log at hand, and what may be the name of one, or of a group. The contract's names
//! are the default; a cluster shared by many may need others.

use user_info_core::Topic;

use crate::error::LogError;

/// Kafka's own limit for topics, and plenty for groups.
const NAME_BYTES_MAX: usize = 249;

/// The name of each topic in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicNames([String; Topic::ALL.len()]);

impl Default for TopicNames {
    /// The names of the contract.
    fn default() -> Self {
        Self(Topic::ALL.map(|topic| topic.name().to_owned()))
    }
}

impl TopicNames {
    /// The same names, each with `prefix` before it.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &str) -> Self {
        for name in &mut self.0 {
            name.insert_str(0, prefix);
        }
        self
    }

    /// The same names, but for one topic.
    #[must_use]
    pub fn with_name(mut self, topic: Topic, name: impl Into<String>) -> Self {
        self.0[topic_index(topic)] = name.into();
        self
    }

    /// The name of a topic in the log.
    pub fn name(&self, topic: Topic) -> String {
        self.as_str(topic).to_owned()
    }

    /// The topic with this name in the log.
    pub fn topic(&self, name: &str) -> Option<Topic> {
        Topic::ALL.into_iter().find(|&topic| self.as_str(topic) == name)
    }

    pub(crate) fn as_str(&self, topic: Topic) -> &str {
        &self.0[topic_index(topic)]
    }

    /// Refuses names that Kafka would refuse, and two topics of one name.
    pub(crate) fn check(&self) -> Result<(), LogError> {
        let invalid = |reason: String| Err(LogError::InvalidOption { name: "topic name".into(), reason });
        for (index, name) in self.0.iter().enumerate() {
            check_name(name).or_else(invalid)?;
            if self.0[..index].contains(name) {
                return invalid(format!("two topics are called {name:?}"));
            }
        }
        Ok(())
    }
}

/// Refuses a name of a consumer group that is none. Kafka takes any text; what holds for topics keeps it readable in
/// tools and access rules.
pub(crate) fn check_group(group: &str) -> Result<(), LogError> {
    check_name(group).map_err(|reason| LogError::InvalidOption { name: "group name".into(), reason })
}

fn check_name(name: &str) -> Result<(), String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() || name.len() > NAME_BYTES_MAX || matches!(name, "." | "..") || !name.bytes().all(legal) {
        return Err(format!("{name:?} must be 1 to {NAME_BYTES_MAX} of the characters a-z A-Z 0-9 . _ -"));
    }
    Ok(())
}

/// Where the topic stands in tables of all topics.
pub(crate) fn topic_index(topic: Topic) -> usize {
    usize::from(topic.number()) - 1
}
