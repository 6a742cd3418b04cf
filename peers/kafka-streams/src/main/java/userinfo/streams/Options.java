package userinfo.streams;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The command line.
 *
 * @param topology which of the two implementations
 * @param bootstrapServers where Kafka is
 * @param topics the names of the topics
 * @param applicationId also the consumer group and the prefix of internal topics
 * @param stateDirectory where the stores are
 * @param httpPort 0 for any free one
 * @param httpThreads threads that answer requests
 * @param streamThreads threads that process records
 * @param tuned whether to run with the settings that suit the job, or with those that Kafka Streams comes with
 * @param transactionalStores whether stores keep their content after a crash (KIP-892)
 * @param blockCacheMebibytes of all stores together, when tuned
 * @param recordCacheMebibytes 0 for none; -1 for what the other settings say
 */
record Options(
    TopologyKind topology,
    String bootstrapServers,
    Topics topics,
    String applicationId,
    String stateDirectory,
    int httpPort,
    int httpThreads,
    int streamThreads,
    boolean tuned,
    boolean transactionalStores,
    int blockCacheMebibytes,
    int recordCacheMebibytes) {

    /** Which implementation of the job. */
    enum TopologyKind {
        DSL,
        PROCESSOR
    }

    static final String USAGE = """
        --topology dsl|processor --bootstrap-servers HOST:PORT --state-directory DIR
            [--tuned | --defaults]            settings that suit the job (the default), or Kafka Streams' own
            [--application-id user-info-streams]
            [--users-topic users] [--tweets-topic tweets] [--follows-topic follows] [--likes-topic likes] [--lists-topic lists]
            [--http-port 0] [--http-threads 2] [--stream-threads 2]
            [--transactional-stores]          keep the stores after a crash (needs Kafka Streams 4.4)
            [--block-cache-mebibytes 512]     of RocksDB, with --tuned
            [--record-cache-mebibytes N]      instead of none (--tuned) or Kafka Streams' own 10 (--defaults)""";

    private static final Set<String> FLAGS = Set.of("tuned", "defaults", "transactional-stores");

    /** Reads the command line; what is wrong with it is in the message of an {@link IllegalArgumentException}. */
    static Options parse(String[] arguments) {
        Arguments given = new Arguments(arguments);
        boolean defaults = given.flag("defaults");
        if (given.flag("tuned") && defaults) {
            throw new IllegalArgumentException("--tuned and --defaults exclude each other");
        }
        Options options = new Options(
            TopologyKind.valueOf(given.text("topology", null).toUpperCase(java.util.Locale.ROOT)),
            given.text("bootstrap-servers", null),
            new Topics(
                given.text("users-topic", "users"),
                given.text("tweets-topic", "tweets"),
                given.text("follows-topic", "follows"),
                given.text("likes-topic", "likes"),
                given.text("lists-topic", "lists")),
            given.text("application-id", "user-info-streams"),
            given.text("state-directory", null),
            given.number("http-port", 0),
            given.number("http-threads", 2),
            given.number("stream-threads", 2),
            !defaults,
            given.flag("transactional-stores"),
            given.number("block-cache-mebibytes", 512),
            given.number("record-cache-mebibytes", -1));
        given.requireNothingLeft();
        return options;
    }

    /** What was given, each name once. */
    private static final class Arguments {
        private final Map<String, String> values = new HashMap<>();
        private final Set<String> flags = new HashSet<>();

        Arguments(String[] arguments) {
            for (int index = 0; index < arguments.length; index++) {
                if (!arguments[index].startsWith("--")) {
                    throw new IllegalArgumentException("unexpected " + arguments[index]);
                }
                String name = arguments[index].substring(2);
                if (FLAGS.contains(name)) {
                    flags.add(name);
                } else if (++index < arguments.length) {
                    values.put(name, arguments[index]);
                } else {
                    throw new IllegalArgumentException("--" + name + " needs a value");
                }
            }
        }

        boolean flag(String name) {
            return flags.remove(name);
        }

        String text(String name, String otherwise) {
            String value = values.remove(name);
            if (value == null && otherwise == null) {
                throw new IllegalArgumentException("--" + name + " is missing");
            }
            return value == null ? otherwise : value;
        }

        int number(String name, int otherwise) {
            return Integer.parseInt(text(name, Integer.toString(otherwise)));
        }

        void requireNothingLeft() {
            if (!values.isEmpty()) {
                throw new IllegalArgumentException("unknown options " + values.keySet());
            }
        }
    }
}
