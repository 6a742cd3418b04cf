package userinfo.streams.http;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import java.util.concurrent.Executor;
import org.apache.kafka.streams.errors.InvalidStateStoreException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers requests. Users are read on the thread of the connection: a read takes microseconds, less than handing it to
 * another thread. Bodies of requests are ignored.
 */
@Sharable
final class RequestHandler extends SimpleChannelInboundHandler<HttpObject> {
    private static final Logger LOG = LoggerFactory.getLogger(RequestHandler.class);

    private final Users users;
    private final Operations operations;
    private final Executor slow;

    RequestHandler(Users users, Operations operations, Executor slow) {
        this.users = users;
        this.operations = operations;
        this.slow = slow;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, HttpObject part) {
        if (!(part instanceof HttpRequest head)) {
            return;
        }
        boolean keepAlive = head.decoderResult().isSuccess() && HttpUtil.isKeepAlive(head);
        try {
            if (!head.decoderResult().isSuccess() || !head.method().equals(HttpMethod.GET)) {
                throw new IllegalArgumentException("Ask with GET.");
            }
            answer(context, Request.read(head.uri()), keepAlive);
        } catch (IllegalArgumentException nonsense) {
            send(context, keepAlive, Users.problem(context.alloc(), HttpResponseStatus.BAD_REQUEST,
                "bad-request", "Bad request", nonsense.getMessage()));
        }
    }

    private void answer(ChannelHandlerContext context, Request asked, boolean keepAlive) {
        ByteBufAllocator allocator = context.alloc();
        if (asked instanceof Request.One one) {
            send(context, keepAlive, read(allocator, () -> users.one(allocator, one.userId())));
        } else if (asked instanceof Request.Many many) {
            send(context, keepAlive, read(allocator, () -> users.many(allocator, many.userIds())));
        } else if (asked instanceof Request.Unknown) {
            send(context, keepAlive, Users.problem(allocator, HttpResponseStatus.NOT_FOUND,
                "no-such-path", "No such path", "Ask for /users/{user_id} or /users?ids=a,b."));
        } else {
            slow.execute(() -> {
                send(context, keepAlive, operate(allocator, asked));
                context.flush();
            });
        }
    }

    private interface Reading {
        Answer read();
    }

    private static Answer read(ByteBufAllocator allocator, Reading reading) {
        try {
            return reading.read();
        } catch (InvalidStateStoreException away) {
            return Users.unavailable(allocator);
        }
    }

    private Answer operate(ByteBufAllocator allocator, Request asked) {
        if (asked instanceof Request.Ready) {
            boolean ready = operations.isReady();
            return Answer.json(
                ready ? HttpResponseStatus.OK : HttpResponseStatus.SERVICE_UNAVAILABLE,
                Bodies.ascii(allocator, "{\"ready\":" + ready + "}"));
        }
        return Answer.json(Bodies.ascii(allocator, operations.status()));
    }

    private static void send(ChannelHandlerContext context, boolean keepAlive, Answer answer) {
        FullHttpResponse response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, answer.status(), answer.body());
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, answer.contentType());
        response.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, answer.body().readableBytes());
        if (answer.status().equals(HttpResponseStatus.SERVICE_UNAVAILABLE)) {
            response.headers().setInt(HttpHeaderNames.RETRY_AFTER, 1);
        }
        if (!keepAlive) {
            response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        }
        ChannelFuture written = context.write(response);
        if (!keepAlive) {
            written.addListener(ChannelFutureListener.CLOSE);
        }
    }

    /** Once for all requests that came together. */
    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        context.flush();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable error) {
        if (!(error instanceof java.io.IOException)) {
            LOG.error("a request could not be answered", error);
        }
        context.close();
    }
}
