package userinfo.streams;

import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import userinfo.streams.Options.TopologyKind;
import userinfo.streams.fact.BadRecords;
import userinfo.streams.http.HttpServer;
import userinfo.streams.query.DslView;
import userinfo.streams.query.ProcessorView;
import userinfo.streams.query.UserView;
import userinfo.streams.topology.DslTopology;
import userinfo.streams.topology.ProcessorTopology;

/** Reads the topics with Kafka Streams and answers who a user is, until SIGTERM. */
public final class Main {
    private static final Logger LOG = LoggerFactory.getLogger(Main.class);

    /** Closing writes all memtables. */
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(30);

    private static final int FAILED = 1;
    private static final int WRONG_USAGE = 2;

    private Main() {}

    /** Runs with {@link Options}. */
    public static void main(String[] arguments) throws InterruptedException {
        try {
            run(Options.parse(arguments));
        } catch (IllegalArgumentException wrong) {
            System.err.println(wrong.getMessage() + "\nusage: " + Options.USAGE);
            System.exit(WRONG_USAGE);
        } catch (ExecutionException failed) {
            System.err.println("the topics cannot be read: " + failed.getCause());
            System.exit(FAILED);
        }
    }

    private static void run(Options options) throws ExecutionException, InterruptedException {
        BadRecords badRecords = new BadRecords();
        Properties settings = Settings.of(options);
        Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, options.bootstrapServers()));
        Map<String, Integer> partitions = partitions(admin, options.topics());
        KafkaStreams streams = new KafkaStreams(topology(options, badRecords, settings), settings);
        Operator operator =
            new Operator(new Progress(streams, admin, options.applicationId(), sources(partitions)), badRecords);
        HttpServer server = new HttpServer(
            options.httpPort(), options.httpThreads(), view(options, streams, partitions), operator::isComplete, operator);
        System.out.println("listening on 127.0.0.1:" + server.port());

        CountDownLatch ended = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(error -> {
            LOG.error("processing failed", error);
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.setStateListener((state, before) -> {
            if (state == KafkaStreams.State.ERROR) {
                ended.countDown();
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            server.close();
            streams.close(CLOSE_LIMIT);
            admin.close();
            // The Java machine calls an end by SIGTERM a failure; here it is how to stop.
            Runtime.getRuntime().halt(ended.getCount() == 0 ? FAILED : 0);
        }));
        streams.start();
        operator.watch();
        ended.await();
        System.exit(FAILED);
    }

    private static Topology topology(Options options, BadRecords badRecords, Properties settings) {
        return options.topology() == TopologyKind.DSL
            ? DslTopology.build(options.topics(), badRecords, settings)
            : ProcessorTopology.build(
                options.topics(), badRecords, options.tuned(), options.recordCacheMebibytes() > 0);
    }

    private static UserView view(Options options, KafkaStreams streams, Map<String, Integer> partitions) {
        Topics topics = options.topics();
        int userPartitions = partitions.get(topics.users());
        int pairPartitions = topics.all().stream()
            .filter(topic -> !topic.equals(topics.users()))
            .mapToInt(partitions::get)
            .max()
            .orElseThrow();
        // Stale reads: answer from what there is while partitions are assigned and restored.
        return options.topology() == TopologyKind.DSL
            ? new DslView(streams, userPartitions, options.tuned())
            : new ProcessorView(streams, userPartitions, pairPartitions, options.tuned());
    }

    private static Map<String, Integer> partitions(Admin admin, Topics topics) throws ExecutionException, InterruptedException {
        return admin.describeTopics(topics.all()).allTopicNames().get().entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, topic -> topic.getValue().partitions().size()));
    }

    private static Set<TopicPartition> sources(Map<String, Integer> partitions) {
        return partitions.entrySet().stream()
            .flatMap(topic -> IntStream.range(0, topic.getValue()).mapToObj(it -> new TopicPartition(topic.getKey(), it)))
            .collect(Collectors.toSet());
    }
}
