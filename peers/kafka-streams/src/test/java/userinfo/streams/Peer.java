package userinfo.streams;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The peer as a process of its own. */
final class Peer implements AutoCloseable {
    private static final Duration READY_LIMIT = Duration.ofMinutes(5);
    private static final Duration STOP_LIMIT = Duration.ofMinutes(1);
    private static final String LISTENING = "listening on ";

    private final HttpClient client = HttpClient.newHttpClient();
    private final Process process;
    private final String address;

    Peer(List<String> options) throws IOException {
        List<String> command = new ArrayList<>(List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx512m", "-cp", System.getProperty("java.class.path"), "userinfo.streams.Main"));
        command.addAll(options);
        process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        BufferedReader output = process.inputReader();
        String line = output.readLine();
        if (line == null || !line.startsWith(LISTENING)) {
            throw new IOException("the peer does not listen: " + line);
        }
        address = "http://" + line.substring(LISTENING.length());
    }

    void awaitReady() throws IOException, InterruptedException {
        long began = System.nanoTime();
        while (get("/ready").statusCode() != 200) {
            if (System.nanoTime() - began > READY_LIMIT.toNanos() || !process.isAlive()) {
                throw new IOException("the peer does not get ready: " + get("/status").body());
            }
            Thread.sleep(100);
        }
    }

    /** Where it listens. */
    String address() {
        return address;
    }

    /** Processor time that it took so far. */
    Duration cpu() {
        return process.info().totalCpuDuration().orElse(Duration.ZERO);
    }

    HttpResponse<String> user(String id) throws IOException, InterruptedException {
        return get("/users/" + escaped(id));
    }

    HttpResponse<String> users(List<String> ids) throws IOException, InterruptedException {
        return get("/users?ids=" + escaped(String.join(",", ids)));
    }

    HttpResponse<String> get(String path) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(address + path)).timeout(Duration.ofSeconds(30)).build();
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    /** Ends it at once, as a crash would. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** Ends it with SIGTERM and says with which status it did. */
    int stop() throws IOException, InterruptedException {
        process.destroy();
        if (!process.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
            throw new IOException("the peer does not stop");
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }

    private static String escaped(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
