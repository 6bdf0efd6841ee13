// The peer program on JeroMQ; ../../README.md has its lines.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.zeromq.SocketType;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;
import org.zeromq.ZMQException;
import zmq.Msg;
import zmq.ZError;

public final class Peer {
    private static final int OCTETS_SIZE = 1024 * 1024 + 65536;
    private static final byte[] OCTETS = octets();

    /** The library does not have it. */
    private static final class No extends Exception {
        No(String text) { super(text); }
    }

    /** It did not happen in time. */
    private static final class Late extends Exception {
        Late(String text) { super(text); }
    }

    private ZContext context;
    private ZMQ.Socket socket;
    private SocketType kind;
    private final List<List<String>> options = new ArrayList<>();
    private int timeout;
    private List<byte[]> kept;
    private int routingId;
    private int connects;

    private Peer() { reset(); }

    private static byte[] octets() {
        final byte[] out = new byte[OCTETS_SIZE];
        int x = 1;
        for (int i = 0; i < out.length; i++) {
            x = x * 1664525 + 1013904223;
            out[i] = (byte) (x >>> 24);
        }
        return out;
    }

    private void reset() {
        context = null;
        socket = null;
        options.clear();
        timeout = 10000;
        kept = List.of();
        routingId = 0;
    }

    private static byte[] hex(String text) {
        final byte[] out = new byte[text.length() / 2];
        for (int i = 0; i < out.length; i++)
            out[i] = (byte) Integer.parseInt(text.substring(2 * i, 2 * i + 2), 16);
        return out;
    }

    /** The parts that words mean; * and ** stand for what was kept. */
    private List<byte[]> parts(List<String> words) {
        final List<byte[]> out = new ArrayList<>();
        for (String word : words) {
            if (word.startsWith("*")) {
                out.addAll(kept);
            } else if (word.startsWith("=")) {
                out.add(hex(word.substring(1)));
            } else {
                final String[] both = word.split(":");
                final int seed = Integer.parseInt(both[0]);
                out.add(Arrays.copyOfRange(OCTETS, seed, seed + Integer.parseInt(both[1])));
            }
        }
        return out;
    }

    /** *: keeps the first part. **: keeps all parts up to the first empty one. */
    private void keep(List<byte[]> message, String word) {
        int count = 1;
        if (word.equals("**"))
            while (count < message.size() && message.get(count - 1).length > 0) count++;
        kept = new ArrayList<>(message.subList(0, count));
    }

    /** Lets in those who have the credentials (RFC 27). */
    private void judge(List<byte[]> credentials) {
        final ZMQ.Socket zap = context.createSocket(SocketType.REP);
        zap.bind("inproc://zeromq.zap.01");
        final Thread thread = new Thread(() -> {
            try {
                while (true) {
                    final List<byte[]> request = new ArrayList<>();
                    do request.add(zap.recv()); while (zap.hasReceiveMore());
                    boolean good = request.size() == 6 + credentials.size();
                    for (int i = 0; good && i < credentials.size(); i++)
                        good = Arrays.equals(credentials.get(i), request.get(6 + i));
                    zap.sendMore("1.0");
                    zap.sendMore(request.get(1));
                    zap.sendMore(good ? "200" : "400");
                    zap.sendMore(good ? "OK" : "No");
                    zap.sendMore("somebody");
                    zap.send("");
                }
            } catch (ZMQException e) {
                zap.close(); // the context ends
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private static byte[] ascii(String text) { return text.getBytes(StandardCharsets.ISO_8859_1); }

    private void secure(String mechanism, List<String> words) {
        if (mechanism.endsWith("-server")) {
            judge(mechanism.startsWith("plain") ? List.of(ascii(words.get(0)), ascii(words.get(1)))
                                                : List.of(ZMQ.Curve.z85Decode(words.get(2))));
            socket.setZAPDomain("campaign");
        }
        switch (mechanism) {
        case "plain-server":
            socket.setPlainServer(true);
            break;
        case "plain-client":
            socket.setPlainUsername(words.get(0));
            socket.setPlainPassword(words.get(1));
            break;
        case "curve-server":
        case "curve-client":
            socket.setCurvePublicKey(ascii(words.get(0)));
            socket.setCurveSecretKey(ascii(words.get(1)));
            if (mechanism.equals("curve-server"))
                socket.setCurveServer(true);
            else
                socket.setCurveServerKey(ascii(words.get(2)));
            break;
        default:
            break;
        }
    }

    private void open(List<String> words) throws No {
        try {
            kind = SocketType.valueOf(words.get(0));
        } catch (IllegalArgumentException e) {
            throw new No(words.get(0) + ": JeroMQ has no such socket");
        }
        context = new ZContext();
        socket = context.createSocket(kind);
        socket.setHWM(0);
        socket.setReconnectIVL(50);
        socket.setLinger(5000);
        if (kind == SocketType.ROUTER) socket.setRouterMandatory(true);
        for (List<String> option : options) {
            if (option.get(0).equals("routing-id")) {
                socket.setIdentity(hex(option.get(1)));
            } else {
                socket.setHeartbeatIvl(Integer.parseInt(option.get(1)));
                socket.setHeartbeatTimeout(Integer.parseInt(option.get(2)));
                socket.setHeartbeatTtl(Integer.parseInt(option.get(3)));
            }
        }
        secure(words.get(1), words.subList(2, words.size()));
        setTimeouts();
    }

    private void setTimeouts() {
        socket.setSendTimeOut(timeout);
        socket.setReceiveTimeOut(timeout);
    }

    private void option(List<String> words) throws No {
        switch (words.get(0)) {
        case "timeout":
            timeout = Integer.parseInt(words.get(1));
            if (socket != null) setTimeouts();
            break;
        case "routing-id":
        case "heartbeat":
            options.add(words);
            break;
        case "reconnect":
            break;
        default:
            throw new No("such option");
        }
    }

    private boolean numbers() { return kind == SocketType.SERVER || kind == SocketType.PEER; }

    private boolean trySend(List<byte[]> parts) {
        if (numbers() || kind == SocketType.RADIO) {
            final Msg msg = new Msg(parts.get(parts.size() - 1));
            if (numbers()) msg.setRoutingId(routingId);
            else msg.setGroup(new String(parts.get(0), StandardCharsets.ISO_8859_1));
            return socket.sendMsg(msg);
        }
        for (int i = 0; i + 1 < parts.size(); i++)
            if (!socket.sendMore(parts.get(i))) return false;
        return socket.send(parts.get(parts.size() - 1));
    }

    private void send(List<String> words) throws Exception {
        final List<byte[]> parts = parts(numbers() ? words.subList(1, words.size()) : words);
        final long end = System.currentTimeMillis() + timeout;
        while (true) {
            int error;
            try {
                if (trySend(parts)) return;
                error = socket.errno();
            } catch (ZMQException e) {
                error = e.getErrorCode();
            }
            if (error == ZError.EAGAIN || System.currentTimeMillis() > end) throw new Late("it could not be sent: " + error);
            if (error != ZError.EHOSTUNREACH) throw new Exception("send: error " + error);
            Thread.sleep(5);
        }
    }

    private List<byte[]> receive(List<String> words) throws Exception {
        final List<byte[]> message = new ArrayList<>();
        if (numbers() || kind == SocketType.DISH) {
            final Msg msg = socket.recvMsg();
            if (msg == null) throw new Late("nothing came: " + socket.errno());
            if (words.get(0).equals("*")) routingId = msg.getRoutingId();
            if (kind == SocketType.DISH) message.add(ascii(msg.getGroup()));
            message.add(msg.data());
            return message;
        }
        do {
            final byte[] part = socket.recv();
            if (part == null) throw new Late("nothing came: " + socket.errno());
            message.add(part);
        } while (socket.hasReceiveMore());
        if (words.get(0).startsWith("*")) keep(message, words.get(0));
        return message;
    }

    private void recv(List<String> words, boolean until) throws Exception {
        while (true) {
            final List<byte[]> message = receive(words), meant = parts(words);
            boolean good = message.size() == meant.size();
            for (int i = 0; good && i < meant.size(); i++) good = Arrays.equals(message.get(i), meant.get(i));
            if (good) return;
            if (until) continue;
            final List<Integer> sizes = new ArrayList<>();
            for (byte[] part : message) sizes.add(part.length);
            throw new Exception("parts of " + sizes + " octets, not " + String.join(" ", words));
        }
    }

    private void close() {
        if (context != null) {
            socket.close();
            context.close();
        }
        reset();
    }

    /**
     * JeroMQ 0.6.0 now and then neither reads nor writes on a connection that it has dialled, if the
     * system connects it at once, as over loopback; whoever listens. Then it has to dial again.
     */
    private void connect(String endpoint) throws Exception {
        final ZMQ.Socket events = context.createSocket(SocketType.PAIR);
        final String name = "inproc://events-" + connects++;
        need(socket.monitor(name, ZMQ.EVENT_HANDSHAKE_PROTOCOL), "monitor");
        events.connect(name);
        events.setReceiveTimeOut(1000);
        for (int left = 5; left > 0; left--) {
            if (kind == SocketType.PEER) routingId = socket.connectPeer(endpoint);
            else need(socket.connect(endpoint), "connect");
            if (ZMQ.Event.recv(events) != null) break;
            System.err.println("dialling again");
            socket.disconnect(endpoint);
        }
        socket.monitor(null, 0);
        events.close();
    }

    private static void refuse(String endpoint) throws No {
        if (endpoint.startsWith("ws:")) throw new No("JeroMQ has no ws");
        if (endpoint.startsWith("ipc:")) throw new No("JeroMQ's ipc is tcp on a port that follows from the path");
    }

    private static void need(boolean good, String what) throws Exception {
        if (!good) throw new Exception(what + " came to nothing");
    }

    private String act(String verb, List<String> words) throws Exception {
        switch (verb) {
        case "version":
            return "JeroMQ " + ZMQ.class.getProtectionDomain().getCodeSource().getLocation().getPath()
                    .replaceAll(".*jeromq-|[.]jar$", "");
        case "option":
            option(words);
            return "";
        case "open":
            open(words);
            return "";
        case "bind":
            refuse(words.get(0));
            need(socket.bind(words.get(0)), "bind");
            return socket.getLastEndpoint();
        case "connect":
            refuse(words.get(0));
            connect(words.get(0));
            return "";
        case "subscribe":
            need(socket.subscribe(parts(words).get(0)), verb);
            return "";
        case "join":
            need(socket.join(new String(parts(words).get(0), StandardCharsets.ISO_8859_1)), verb);
            return "";
        case "cancel":
            if (kind == SocketType.DISH)
                need(socket.leave(new String(parts(words).get(0), StandardCharsets.ISO_8859_1)), verb);
            else
                need(socket.unsubscribe(parts(words).get(0)), verb);
            return "";
        case "send":
            send(words);
            return "";
        case "recv":
        case "until":
            recv(words, verb.equals("until"));
            return "";
        case "close":
            close();
            return "";
        default:
            throw new No("such line");
        }
    }

    public static void main(String[] arguments) throws Exception {
        final BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        final PrintStream answers = System.out;
        System.setOut(System.err); // JeroMQ prints what it makes of handshakes
        final Peer peer = new Peer();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            final List<String> words = Arrays.asList(line.split(" "));
            String answer;
            try {
                answer = "ok " + peer.act(words.get(0), words.subList(1, words.size()));
            } catch (No e) {
                answer = "no " + e.getMessage();
            } catch (Late e) {
                answer = "timeout " + e.getMessage();
            } catch (Exception | AssertionError e) { // whatever it is, the driver is to hear of it
                answer = "error " + e;
            }
            answers.println(answer.replace('\n', ' ').trim());
            answers.flush();
        }
        System.exit(0);
    }
}
