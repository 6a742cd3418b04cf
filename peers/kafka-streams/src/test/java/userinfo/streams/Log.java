package userinfo.streams;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Five topics under names of their own. */
final class Log implements AutoCloseable {
    private static final List<String> TOPICS = List.of("users", "tweets", "follows", "likes", "lists");
    private static final int PARTITIONS = 4;

    private final String prefix;
    private final KafkaProducer<String, String> producer;

    Log(String bootstrap, String prefix, boolean create) throws ExecutionException, InterruptedException {
        this.prefix = prefix;
        Map<String, Object> settings = Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        if (create) {
            create(settings);
        }
        producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    private void create(Map<String, Object> settings) throws ExecutionException, InterruptedException {
        Map<String, String> compacted = Map.of("cleanup.policy", "compact");
        try (Admin admin = Admin.create(settings)) {
            admin.createTopics(TOPICS.stream()
                .map(topic -> new NewTopic(prefix + topic, PARTITIONS, (short) 1).configs(compacted))
                .toList()).all().get();
        }
    }

    /** The peer's options that name the topics. */
    List<String> options() {
        return TOPICS.stream().flatMap(topic -> List.of("--" + topic + "-topic", prefix + topic).stream()).toList();
    }

    void publish(List<Published> records) {
        for (Published record : records) {
            String value = record.value() == null ? null : record.value().toString();
            producer.send(new ProducerRecord<>(prefix + record.topic(), record.key(), value));
        }
        producer.flush();
    }

    @Override
    public void close() {
        producer.close();
    }
}
