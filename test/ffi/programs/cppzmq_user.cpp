// cppzmq: exceptions, destructors, messages and the poll of C++.
#include <zmq.hpp>
#include <zmq_addon.hpp>

#include <array>
#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

static int count;

static void check(bool ok, const char *name)
{
    std::printf("%s %d - %s\n", ok ? "ok" : "not ok", ++count, name);
    std::fflush(stdout);
}

static zmq::socket_t make(zmq::context_t &context, zmq::socket_type type)
{
    zmq::socket_t socket(context, type);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::rcvtimeo, 5000);
    return socket;
}

static std::string join(zmq::socket_t &a, zmq::socket_t &b)
{
    a.bind("tcp://127.0.0.1:*");
    const std::string endpoint = a.get(zmq::sockopt::last_endpoint);
    b.connect(endpoint);
    return endpoint;
}

static bool send(zmq::socket_t &socket, const std::string &text, zmq::send_flags flags = zmq::send_flags::none)
{
    return socket.send(zmq::buffer(text), flags).has_value();
}

static std::string receive(zmq::socket_t &socket, zmq::recv_flags flags = zmq::recv_flags::none)
{
    zmq::message_t message;
    return socket.recv(message, flags) ? message.to_string() : "(nothing)";
}

static void conversations(zmq::context_t &context)
{
    auto rep = make(context, zmq::socket_type::rep), req = make(context, zmq::socket_type::req);
    const std::string endpoint = join(rep, req);
    int error = 0;
    try {
        receive(req);
    } catch (const zmq::error_t &thrown) {
        error = thrown.num();
    }
    check(error == EFSM, "a REQ that reads before it asks throws EFSM");
    zmq::pollitem_t items[] = {{rep.handle(), 0, ZMQ_POLLIN, 0}};
    check(zmq::poll(items, 1, std::chrono::milliseconds(10)) == 0, "a poll of nothing ends at its time");
    check(receive(rep, zmq::recv_flags::dontwait) == "(nothing)", "R2: EAGAIN is no exception but no result");
    send(req, "hello");
    check(zmq::poll(items, 1, std::chrono::milliseconds(5000)) == 1 && items[0].revents == ZMQ_POLLIN, "a poll sees what arrives");
    check(receive(rep) == "hello" && send(rep, "world") && receive(req) == "world", "REQ and REP");
    rep.close();
    auto again = make(context, zmq::socket_type::rep);
    again.bind(endpoint);
    check(true, "R9: an endpoint is bound again at once after close");
    auto moved = std::move(again);
    check(again.handle() == nullptr && moved.handle() != nullptr, "a socket moves");

    auto push = make(context, zmq::socket_type::push), pull = make(context, zmq::socket_type::pull);
    join(push, pull);
    bool right = true;
    for (int i = 0; i < 1000; i++)
        right = right && send(push, std::to_string(i)) && receive(pull) == std::to_string(i);
    check(right, "PUSH and PULL, in order");
    static char body[100000];
    static int frees;
    zmq::message_t borrowed(body, sizeof body, [](void *, void *hint) { ++*static_cast<int *>(hint); }, &frees);
    push.send(borrowed, zmq::send_flags::none);
    zmq::message_t large;
    check(pull.recv(large) && large.size() == sizeof body, "a message of borrowed octets arrives");

    auto pub = make(context, zmq::socket_type::pub), sub = make(context, zmq::socket_type::sub);
    sub.set(zmq::sockopt::subscribe, "a");
    sub.set(zmq::sockopt::rcvtimeo, 50);
    join(pub, sub);
    std::string got = "(nothing)";
    for (int i = 0; i < 200 && got == "(nothing)"; i++) {
        send(pub, "b-no");
        send(pub, "a-yes");
        got = receive(sub);
    }
    check(got == "a-yes", "PUB and SUB: only what is subscribed");

    auto router = make(context, zmq::socket_type::router), dealer = make(context, zmq::socket_type::dealer);
    dealer.set(zmq::sockopt::routing_id, "me");
    join(router, dealer);
    send(dealer, "one", zmq::send_flags::sndmore);
    send(dealer, "two");
    std::vector<zmq::message_t> parts;
    zmq::recv_multipart(router, std::back_inserter(parts)).has_value();
    check(parts.size() == 3 && parts[0].to_string() == "me" && parts[2].to_string() == "two", "ROUTER and DEALER: parts");
    std::array<zmq::const_buffer, 2> answer = {zmq::str_buffer("me"), zmq::str_buffer("back")};
    zmq::send_multipart(router, answer).has_value();
    check(receive(dealer) == "back", "ROUTER answers whom it names");

    std::array<char, 41> keys[4];
    zmq_curve_keypair(keys[0].data(), keys[1].data());
    zmq_curve_keypair(keys[2].data(), keys[3].data());
    auto server = make(context, zmq::socket_type::rep), client = make(context, zmq::socket_type::req);
    server.set(zmq::sockopt::curve_server, true);
    server.set(zmq::sockopt::curve_secretkey, keys[1].data());
    client.set(zmq::sockopt::curve_serverkey, keys[0].data());
    client.set(zmq::sockopt::curve_publickey, keys[2].data());
    client.set(zmq::sockopt::curve_secretkey, keys[3].data());
    join(server, client);
    send(client, "secret");
    check(receive(server) == "secret", "CURVE");
}

int main()
{
    {
        zmq::context_t context;
        conversations(context);
        check(true, "R5: destructors close the sockets");
        auto waiting = make(context, zmq::socket_type::pull);
        waiting.set(zmq::sockopt::rcvtimeo, -1);
        waiting.bind("inproc://waiting");
        int error = 0;
        std::thread thread([&] {
            try {
                receive(waiting);
            } catch (const zmq::error_t &thrown) {
                error = thrown.num();
            }
            waiting.close();
        });
        context.shutdown();
        thread.join();
        check(error == ETERM, "a shutdown wakes a thread that waits, with ETERM");
    }
    check(true, "the context's destructor ends");
    std::ifstream maps("/proc/self/maps");
    std::set<std::string> seen;
    for (std::string line; std::getline(maps, line);)
        if (line.find("libzmq") != std::string::npos)
            seen.insert(line.substr(line.rfind(' ') + 1));
    for (const auto &path : seen)
        std::printf("# maps %s\n", path.c_str());
    std::printf("1..%d\n", count);
}
