import java.util.Arrays;
import org.zeromq.ZMQ;

/** As peer.py, with JeroMQ 0.3, which speaks ZMTP 2.0: Peer TYPE bind|connect ENDPOINT ROLE COUNT. */
public class Peer {
    static final int[] SIZES = {0, 1, 255, 256, 8191, 8192, 65536, 1024 * 1024};
    static final int PERIOD = 251, PARTS_MAX = 8;

    static byte[][] plan(int n) {
        final int size = SIZES[n % SIZES.length], count = n / SIZES.length % PARTS_MAX + 1;
        final byte[][] parts = new byte[count][size];
        for (int i = 0; i < count; i++)
            for (int j = 0; j < size; j++)
                parts[i][j] = (byte) (((n * 7 + i) % PERIOD + j) % PERIOD);
        return parts;
    }

    static void send(ZMQ.Socket socket, String topic, byte[][] parts) {
        if (topic != null)
            socket.sendMore(topic);
        for (int i = 0; i < parts.length; i++)
            if (!socket.send(parts[i], i + 1 < parts.length ? ZMQ.SNDMORE : 0))
                throw new IllegalStateException("send failed");
    }

    static byte[][] recv(ZMQ.Socket socket) {
        byte[][] parts = {};
        do {
            parts = Arrays.copyOf(parts, parts.length + 1);
            parts[parts.length - 1] = socket.recv(0);
        } while (socket.hasReceiveMore());
        return parts;
    }

    static void check(byte[][] message, int skip, int n) {
        if (!Arrays.deepEquals(Arrays.copyOfRange(message, skip, message.length), plan(n)))
            throw new IllegalStateException("message " + n + " is not what the plan says");
    }

    static int type(String name) throws ReflectiveOperationException {
        return ZMQ.class.getField(name).getInt(null);
    }

    public static void main(String[] args) throws Exception {
        final String role = args[3];
        final int count = Integer.parseInt(args[4]);
        final ZMQ.Socket socket = ZMQ.context(1).socket(type(args[0]));
        socket.setSndHWM(0);
        socket.setRcvHWM(0);
        if (role.equals("sink"))
            socket.subscribe("A".getBytes());
        if (args[1].equals("bind"))
            socket.bind(args[2]);
        else
            socket.connect(args[2]);
        System.out.println("ready");
        if (role.equals("source"))
            while (System.in.available() == 0) {
                send(socket, "A", new byte[][] {"hello".getBytes()});
                Thread.sleep(10);
            }
        if (role.equals("source"))
            System.in.read();
        for (int n = 0; n < count; n++) {
            if (role.equals("ask")) {
                send(socket, null, plan(n));
                check(recv(socket), 0, n);
            } else if (role.equals("source")) {
                send(socket, "B", plan(n));
                send(socket, "A", plan(n));
            } else if (role.equals("sink")) {
                final byte[][] message = recv(socket);
                if (!Arrays.equals(message[0], "A".getBytes()))
                    throw new IllegalStateException("a topic came that nobody subscribed to");
                check(message, 1, n);
            }
        }
        while (role.equals("echo"))
            send(socket, null, recv(socket));
        System.out.println("done");
        System.in.read();
        System.exit(0);
    }
}
