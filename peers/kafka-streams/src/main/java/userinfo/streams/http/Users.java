package userinfo.streams.http;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import userinfo.streams.model.Profile.State;
import userinfo.streams.model.User;
import userinfo.streams.query.UserView;

/** Answers who a user is. */
final class Users {
    private final UserView view;
    private final BooleanSupplier complete;

    /**
     * Reads from the view. A user who is not there is unknown only when the view is complete; until then the user may just
     * not have been read yet.
     */
    Users(UserView view, BooleanSupplier complete) {
        this.view = view;
        this.complete = complete;
    }

    Answer one(ByteBufAllocator allocator, String userId) {
        User user = view.find(userId);
        if (user == null) {
            return complete.getAsBoolean()
                ? problem(allocator, HttpResponseStatus.NOT_FOUND, "unknown-user", "Unknown user", "No user has the id " + userId + ".")
                : notCaughtUp(allocator);
        }
        return switch (user.profile().state()) {
            case ACTIVE -> Answer.json(Bodies.user(allocator, user));
            case SUSPENDED -> problem(allocator, HttpResponseStatus.FORBIDDEN,
                "user-suspended", "User suspended", "User " + userId + " is suspended.");
            case DEACTIVATED -> problem(allocator, HttpResponseStatus.NOT_FOUND,
                "user-deactivated", "User deactivated", "User " + userId + " deactivated the account.");
        };
    }

    Answer many(ByteBufAllocator allocator, Set<String> userIds) {
        List<User> shown = new ArrayList<>(userIds.size());
        List<String> unknown = new ArrayList<>();
        List<Bodies.Withheld> withheld = new ArrayList<>();
        for (String userId : userIds) {
            User user = view.find(userId);
            if (user == null) {
                unknown.add(userId);
            } else if (user.profile().state() == State.ACTIVE) {
                shown.add(user);
            } else {
                withheld.add(new Bodies.Withheld(userId, user.profile().state().wireName()));
            }
        }
        if (!unknown.isEmpty() && !complete.getAsBoolean()) {
            return notCaughtUp(allocator);
        }
        return Answer.json(Bodies.users(allocator, shown, unknown, withheld));
    }

    static Answer unavailable(ByteBufAllocator allocator) {
        return problem(allocator, HttpResponseStatus.SERVICE_UNAVAILABLE,
            "store-unavailable", "Store unavailable", "The store does not answer at the moment; ask again.");
    }

    static Answer problem(ByteBufAllocator allocator, HttpResponseStatus status, String kind, String title, String detail) {
        return Answer.problem(status, Bodies.problem(allocator, status.code(), kind, title, detail));
    }

    private static Answer notCaughtUp(ByteBufAllocator allocator) {
        return problem(allocator, HttpResponseStatus.SERVICE_UNAVAILABLE, "not-caught-up", "Not caught up yet",
            "The topics have not been read to their end yet, so the user may exist; ask again.");
    }
}
