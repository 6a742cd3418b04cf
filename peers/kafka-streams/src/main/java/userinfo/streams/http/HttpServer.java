package userinfo.streams.http;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import java.net.InetSocketAddress;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BooleanSupplier;
import userinfo.streams.query.UserView;

/** An HTTP/1.1 server on 127.0.0.1. */
public final class HttpServer implements AutoCloseable {
    private static final int BACKLOG = 1024;

    private final EventLoopGroup threads;
    private final ExecutorService slow;
    private final Channel listening;

    /** Listens at once. */
    public HttpServer(int port, int threadCount, UserView view, BooleanSupplier complete, Operations operations)
        throws InterruptedException {
        IoHandlerFactory handlers = Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
        Class<? extends ServerChannel> channel =
            Epoll.isAvailable() ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
        threads = new MultiThreadIoEventLoopGroup(threadCount, handlers);
        slow = Executors.newSingleThreadExecutor();
        RequestHandler handler = new RequestHandler(new Users(view, complete), operations, slow);
        listening = new ServerBootstrap()
            .group(threads)
            .channel(channel)
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(new ChannelInitializer<Channel>() {
                @Override
                protected void initChannel(Channel connection) {
                    connection.pipeline().addLast(new HttpServerCodec(), handler);
                }
            })
            .bind(new InetSocketAddress("127.0.0.1", port))
            .sync()
            .channel();
    }

    /** The port that was bound. */
    public int port() {
        return ((InetSocketAddress) listening.localAddress()).getPort();
    }

    @Override
    public void close() {
        listening.close();
        slow.shutdownNow();
        threads.shutdownGracefully(0, 1, java.util.concurrent.TimeUnit.SECONDS).syncUninterruptibly();
    }
}
