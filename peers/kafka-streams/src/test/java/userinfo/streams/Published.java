package userinfo.streams;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A record as it was published.
 *
 * @param topic the contract's name of the topic
 * @param key the key
 * @param value the value, or null
 * @param bad why nobody may apply it, or null if it is good
 */
record Published(String topic, String key, JsonNode value, String bad) {}
