package userinfo.streams.topology;

import java.nio.charset.StandardCharsets;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import userinfo.streams.fact.BadRecordException;
import userinfo.streams.fact.BadRecords;
import userinfo.streams.fact.Facts;
import userinfo.streams.fact.Keys;
import userinfo.streams.fact.Relation;
import userinfo.streams.model.Count;
import userinfo.streams.model.Counts;
import userinfo.streams.model.Membership;

/** Folds one relation into its set of members and, if the set changed, into the counts of the users concerned. */
final class MembersProcessor implements Processor<byte[], byte[], Void, Void> {
    private static final Membership PRESENT = new Membership(true, null);

    private final Relation relation;
    private final String membersStore;
    private final BadRecords badRecords;
    private KeyValueStore<String, Membership> members;
    private KeyValueStore<String, Counts> counts;

    MembersProcessor(Relation relation, String membersStore, BadRecords badRecords) {
        this.relation = relation;
        this.membersStore = membersStore;
        this.badRecords = badRecords;
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
        members = context.getStateStore(membersStore);
        counts = context.getStateStore(ProcessorTopology.COUNTS_STORE);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        String pair = record.key() == null ? "" : new String(record.key(), StandardCharsets.UTF_8);
        try {
            apply(pair, isPresent(pair, record.value()));
        } catch (BadRecordException bad) {
            badRecords.add();
        }
    }

    private boolean isPresent(String pair, byte[] value) {
        if (value == null) {
            Keys.requirePair(pair);
            return false;
        }
        Membership membership = Facts.membership(relation, value);
        Keys.requireSame(pair, membership.key());
        return membership.present();
    }

    private void apply(String pair, boolean present) {
        Membership known = members.get(pair);
        boolean was = known != null && known.present();
        if (present && !was) {
            members.put(pair, PRESENT);
        } else if (!present && known != null) {
            members.delete(pair);
        }
        if (present != was) {
            count(pair, present ? 1 : -1);
        }
    }

    private void count(String pair, long change) {
        count(Keys.owner(pair), relation.ownerCount(), change);
        if (relation == Relation.FOLLOWS) {
            count(Keys.member(pair), Count.FOLLOWERS, change);
        }
    }

    private void count(String user, Count count, long change) {
        Counts known = counts.get(user);
        Counts changed = (known == null ? Counts.NONE : known).plus(count, change);
        counts.put(user, changed.areNone() ? null : changed);
    }
}
