//! The broker's configuration files: small, quick, and only on 127.0.0.1.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Result;

use super::security::Credentials;

/// In the broker's directory, which is also where it runs.
pub(super) const FILE_NAME: &str = "server.properties";
pub(super) const LOGGING_FILE_NAME: &str = "log4j2.properties";

/// The ports of 127.0.0.1 that a broker keeps for its whole life.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) client: u16,
    /// What the broker says to itself (transaction markers), without credentials. Only with [`super::Security::SaslSsl`].
    pub(super) internal: u16,
    pub(super) controller: u16,
}

/// Everything that does not depend on ports and credentials.
const PROPERTIES: &[(&str, &str)] = &[
    ("process.roles", "broker,controller"),
    ("node.id", "1"),
    ("controller.listener.names", "CONTROLLER"),
    ("log.dirs", "data"),
    // Tests create their topics, with the partitions they mean.
    ("auto.create.topics.enable", "false"),
    // Room for tests with records of 10 MB.
    ("message.max.bytes", "16777216"),
    // One node can hold one replica, and Kafka's own topics need one partition.
    ("offsets.topic.num.partitions", "1"),
    ("offsets.topic.replication.factor", "1"),
    ("transaction.state.log.num.partitions", "1"),
    ("transaction.state.log.replication.factor", "1"),
    ("transaction.state.log.min.isr", "1"),
    ("share.coordinator.state.topic.num.partitions", "1"),
    ("share.coordinator.state.topic.replication.factor", "1"),
    ("share.coordinator.state.topic.min.isr", "1"),
    // A group of one test has all its members at once.
    ("group.initial.rebalance.delay.ms", "0"),
    // A killed broker may come back only when the controller, which was killed with it, has given up its old session.
    ("broker.session.timeout.ms", "2000"),
    ("broker.heartbeat.interval.ms", "200"),
    // The default would take a quarter of the heap.
    ("log.cleaner.dedupe.buffer.size", "8388608"),
    ("log.cleaner.backoff.ms", "200"),
    ("num.network.threads", "2"),
    ("num.io.threads", "2"),
    ("background.threads", "2"),
];

/// To standard output, without the pages of settings that each component prints.
const LOGGING: &str = "\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss.SSS} %p %c{1} %m%n
logger.config.name = org.apache.kafka.common.config
logger.config.level = warn
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
";

/// Writes both files into `dir`. `extra` wins over everything else.
pub(super) fn write(
    dir: &Path,
    ports: &Ports,
    credentials: Option<&Credentials>,
    extra: &[(String, String)],
) -> Result<()> {
    let mut properties: BTreeMap<String, String> =
        PROPERTIES.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    properties.extend(listeners(ports, credentials.is_some()));
    properties.extend(credentials.map(Credentials::properties).unwrap_or_default());
    properties.extend(extra.iter().cloned());

    let mut text = String::new();
    for (name, value) in &properties {
        writeln!(text, "{name}={value}")?;
    }
    fs::write(dir.join(FILE_NAME), text)?;
    fs::write(dir.join(LOGGING_FILE_NAME), LOGGING)?;
    Ok(())
}

fn listeners(ports: &Ports, secure: bool) -> Vec<(String, String)> {
    let Ports { client, internal, controller } = ports;
    let (client_protocol, inter_broker) = if secure { ("SASL_SSL", "INTERNAL") } else { ("PLAINTEXT", "CLIENT") };
    let mut advertised = format!("CLIENT://127.0.0.1:{client}");
    if secure {
        advertised += &format!(",INTERNAL://127.0.0.1:{internal}");
    }
    let protocols = format!("CLIENT:{client_protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT");
    [
        ("listeners", format!("{advertised},CONTROLLER://127.0.0.1:{controller}")),
        ("advertised.listeners", advertised),
        ("listener.security.protocol.map", protocols),
        ("inter.broker.listener.name", inter_broker.to_owned()),
        ("controller.quorum.bootstrap.servers", format!("127.0.0.1:{controller}")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}
