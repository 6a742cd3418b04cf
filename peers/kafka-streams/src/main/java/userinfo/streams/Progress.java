package userinfo.streams;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.LagInfo;

/** How far processing is. Asked now and then, never by a request for a user. */
final class Progress {
    private final KafkaStreams streams;
    private final Admin admin;
    private final String group;
    private final Set<TopicPartition> sources;

    Progress(KafkaStreams streams, Admin admin, String group, Set<TopicPartition> sources) {
        this.streams = streams;
        this.admin = admin;
        this.group = group;
        this.sources = sources;
    }

    /**
     * How many records of source and repartition topics are not processed and committed, or -1 while the tasks are not
     * assigned and restored. With a long commit interval it falls to zero only with the next commit.
     */
    long lag() throws ExecutionException, InterruptedException {
        if (streams.state() != KafkaStreams.State.RUNNING) {
            return -1;
        }
        Set<TopicPartition> inputs = inputs();
        if (!inputs.containsAll(sources)) {
            return -1;
        }
        // Committed positions are asked for first: what they made tasks write to repartition topics is below the ends then.
        Map<TopicPartition, OffsetAndMetadata> committed =
            admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        Map<TopicPartition, ListOffsetsResultInfo> begins = offsets(inputs, OffsetSpec.earliest());
        Map<TopicPartition, ListOffsetsResultInfo> ends = offsets(inputs, OffsetSpec.latest());
        long lag = 0;
        for (TopicPartition input : inputs) {
            OffsetAndMetadata position = committed.get(input);
            long next = position == null ? begins.get(input).offset() : position.offset();
            lag += Math.max(0, ends.get(input).offset() - next);
        }
        return streams.state() == KafkaStreams.State.RUNNING ? lag : -1;
    }

    /** How many records stand in changelogs that stores have not been restored from yet. */
    long restoreLag() {
        return streams.allLocalStorePartitionLags().values().stream()
            .flatMap(partitions -> partitions.values().stream())
            .mapToLong(LagInfo::offsetLag)
            .sum();
    }

    /** Records that tasks processed since the start, those of repartition topics included. */
    long processed() {
        return (long) streams.metrics().values().stream()
            .filter(metric -> metric.metricName().name().equals("process-total"))
            .filter(metric -> metric.metricName().group().equals("stream-thread-metrics"))
            .map(Metric::metricValue)
            .mapToDouble(value -> (Double) value)
            .sum();
    }

    KafkaStreams.State state() {
        return streams.state();
    }

    private Set<TopicPartition> inputs() {
        Set<TopicPartition> inputs = new HashSet<>();
        streams.metadataForLocalThreads()
            .forEach(thread -> thread.activeTasks().forEach(task -> inputs.addAll(task.topicPartitions())));
        return inputs;
    }

    private Map<TopicPartition, ListOffsetsResultInfo> offsets(Set<TopicPartition> partitions, OffsetSpec which)
        throws ExecutionException, InterruptedException {
        Map<TopicPartition, OffsetSpec> wanted =
            partitions.stream().collect(Collectors.toMap(Function.identity(), partition -> which));
        return admin.listOffsets(wanted).all().get();
    }
}
