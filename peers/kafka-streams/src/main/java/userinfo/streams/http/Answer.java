package userinfo.streams.http;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpResponseStatus;

/**
 * An answer before its headers.
 *
 * @param status the HTTP status
 * @param contentType the type of the body
 * @param body the body, which whoever sends it releases
 */
record Answer(HttpResponseStatus status, String contentType, ByteBuf body) {
    private static final String JSON = "application/json";
    private static final String PROBLEM_JSON = "application/problem+json";

    static Answer json(ByteBuf body) {
        return new Answer(HttpResponseStatus.OK, JSON, body);
    }

    static Answer json(HttpResponseStatus status, ByteBuf body) {
        return new Answer(status, JSON, body);
    }

    static Answer problem(HttpResponseStatus status, ByteBuf body) {
        return new Answer(status, PROBLEM_JSON, body);
    }
}
