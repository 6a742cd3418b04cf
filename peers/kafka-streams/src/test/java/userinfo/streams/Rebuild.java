package userinfo.streams;

import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;

/**
 * Measures how long the peer takes to read topics from the beginning, and leaves it running to be asked until Enter is
 * pressed.
 *
 * <p>Arguments: bootstrap servers, prefix of topic names, number of users, number of facts to publish first (0 if the topics
 * are there from an earlier run), then options of the peer.
 */
final class Rebuild {
    /** Hardly any pair comes back: what is measured is mostly new members. */
    private static final int MEMBERS = 1_000_000_000;

    private static final int BATCH = 10_000;

    private Rebuild() {}

    public static void main(String[] arguments) throws Exception {
        int users = Integer.parseInt(arguments[2]);
        int facts = Integer.parseInt(arguments[3]);
        try (Log log = new Log(arguments[0], arguments[1], facts > 0)) {
            World world = new World(9, users, MEMBERS, false);
            for (int published = 0; published < facts; published += BATCH) {
                log.publish(world.draw(BATCH));
            }
            List<String> options = new ArrayList<>(List.of(arguments).subList(4, arguments.length));
            options.addAll(log.options());
            options.addAll(List.of(
                "--bootstrap-servers", arguments[0],
                "--application-id", "rebuild-" + System.nanoTime(),
                "--state-directory", Files.createTempDirectory("rebuild").toString()));
            measure(options);
        }
    }

    private static void measure(List<String> options) throws Exception {
        long began = System.nanoTime();
        try (Peer peer = new Peer(options)) {
            peer.awaitReady();
            double seconds = (System.nanoTime() - began) / 1e9;
            System.out.printf("%s%nready after %.1f s, %.1f s of processor time, %s%n",
                peer.address(), seconds, peer.cpu().toMillis() / 1e3, peer.get("/status").body());
            System.in.read();
            peer.stop();
        }
    }
}
