package userinfo.streams.fact;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import userinfo.streams.model.Membership;
import userinfo.streams.model.Profile;

class FactsTest {
    private static final String USER = """
        {"type":"user_changed","user_id":"12","username":"ada","name":"Ada","state":"suspended","bio":null,"location":null,
        "url":null,"joined_at":"2009-02-14T00:31:30+01:00","profile_image_url":null,"background_image_url":null,"new":[{}]}""";

    @Test
    void aProfileIsTheBeginningOfItsAnswer() {
        Profile profile = Facts.profile(USER.getBytes(UTF_8));
        String expected = """
            {"user_id":"12","username":"ada","name":"Ada","bio":null,"location":null,"url":null,\
            "joined_at":"2009-02-13T23:31:30.000Z","profile_image_url":null,"background_image_url":null""";
        assertEquals(expected, new String(profile.json(), UTF_8));
        assertEquals(Profile.State.SUSPENDED, profile.state());
        assertEquals("12", profile.userId());
    }

    @ParameterizedTest
    @ValueSource(strings = {"user_id", "username", "name", "state", "bio", "joined_at"})
    void aMissingFieldIsBad(String field) {
        byte[] json = USER.replace('"' + field + '"', "\"other\"").getBytes(UTF_8);
        assertThrows(BadRecordException.class, () -> Facts.profile(json));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
        "FOLLOWS | {\"type\":\"followed\",\"follower_id\":\"1\",\"followee_id\":\"2\",\"created_at\":\"2026-11-23T08:30:00.000Z\"} | true",
        "FOLLOWS | {\"followee_id\":\"2\",\"follower_id\":\"1\",\"type\":\"unfollowed\"} | false",
        "LIKES | {\"type\":\"unliked\",\"user_id\":\"1\",\"tweet_id\":\"2\",\"text\":12} | false",
        "LISTS | {\"type\":\"list_deleted\",\"owner_id\":\"1\",\"list_id\":\"2\"} | false",
    })
    void aMembershipSaysWhoseAndWhat(Relation relation, String json, boolean present) {
        assertEquals(new Membership(present, "1/2"), Facts.membership(relation, json.getBytes(UTF_8)));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "",
        "12",
        "{\"type\":\"unfollowed\",\"follower_id\":\"1\",\"followee_id\":\"2\"",
        "{\"type\":\"unfollowed\",\"follower_id\":\"1\",\"followee_id\":\"2\"} 3",
        "{\"type\":\"unfollowed\",\"follower_id\":\"1\",\"followee_id\":\"1\",\"followee_id\":\"2\"}",
        "{\"type\":\"unfollowed\",\"follower_id\":\"1\",\"followee_id\":2}",
        "{\"type\":\"unfollowed\",\"follower_id\":\"1\",\"followee_id\":\"2/3\"}",
        "{\"type\":\"unliked\",\"follower_id\":\"1\",\"followee_id\":\"2\"}",
        "{\"type\":\"followed\",\"follower_id\":\"1\",\"followee_id\":\"2\",\"created_at\":\"yesterday\"}",
    })
    void whatDepartsFromTheContractIsBad(String json) {
        assertThrows(BadRecordException.class, () -> Facts.membership(Relation.FOLLOWS, json.getBytes(UTF_8)));
    }
}
