package userinfo.streams;

import java.util.Map;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;

/**
 * RocksDB for point reads: one large block cache for all stores instead of a small one for each, and filters that spare the
 * reads of pairs that are not there, which is most of them while topics are read for the first time. Kafka Streams makes one
 * for each store.
 */
public final class RocksDbTuning implements RocksDBConfigSetter {
    /** The setting that holds the size of the cache. */
    static final String BLOCK_CACHE_BYTES_SETTING = "peer.block.cache.bytes";

    private static final double FILTER_BITS_PER_KEY = 10;
    private static final double MEMTABLE_FILTER_RATIO = 0.02;
    private static final long MEMTABLE_BYTES = 32 * 1024 * 1024;

    private static Cache sharedCache;

    private BloomFilter filter;

    @Override
    public void setConfig(String storeName, Options options, Map<String, Object> settings) {
        filter = new BloomFilter(FILTER_BITS_PER_KEY);
        BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
        table.setBlockCache(sharedCache((Long) settings.get(BLOCK_CACHE_BYTES_SETTING)));
        table.setFilterPolicy(filter);
        table.setCacheIndexAndFilterBlocks(true);
        table.setPinL0FilterAndIndexBlocksInCache(true);
        options.setTableFormatConfig(table);
        options.setWriteBufferSize(MEMTABLE_BYTES);
        options.setMemtableWholeKeyFiltering(true);
        options.setMemtablePrefixBloomSizeRatio(MEMTABLE_FILTER_RATIO);
    }

    @Override
    public void close(String storeName, Options options) {
        filter.close();
    }

    /** Lives as long as the process: stores come and go with their tasks. */
    private static synchronized Cache sharedCache(long bytes) {
        if (sharedCache == null) {
            sharedCache = new LRUCache(bytes);
        }
        return sharedCache;
    }
}
