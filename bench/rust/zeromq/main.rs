// The contestant zmq.rs, the crate zeromq.
#[path = "../bench.rs"]
mod bench;

use bench::{die, Adapter, Pattern};
use bytes::Bytes;
use zeromq::{DealerSocket, RepSocket, ReqSocket, Socket, SocketRecv, SocketSend, ZmqMessage, ZmqResult};

enum AnySocket {
    Dealer(DealerSocket),
    Req(ReqSocket),
    Rep(RepSocket),
}
use AnySocket::{Dealer, Rep, Req};

fn check<T>(what: &str, result: ZmqResult<T>) -> T {
    result.unwrap_or_else(|e| die(what, e))
}

impl Adapter for AnySocket {
    type Body = Bytes;
    const LIBRARY: &'static str = "zmq.rs 0.7.0";

    async fn open(pattern: Pattern) -> Self {
        match pattern {
            Pattern::Dealer => Dealer(DealerSocket::new()),
            Pattern::Req => Req(ReqSocket::new()),
            Pattern::Rep => Rep(RepSocket::new()),
        }
    }

    async fn bind(&mut self, endpoint: &str) -> String {
        let bound = match self {
            Dealer(socket) => socket.bind(endpoint).await,
            Req(socket) => socket.bind(endpoint).await,
            Rep(socket) => socket.bind(endpoint).await,
        };
        check(endpoint, bound).to_string()
    }

    async fn connect(&mut self, endpoint: &str) {
        let connected = match self {
            Dealer(socket) => socket.connect(endpoint).await,
            Req(socket) => socket.connect(endpoint).await,
            Rep(socket) => socket.connect(endpoint).await,
        };
        check(endpoint, connected);
    }

    async fn send(&mut self, body: &[u8]) {
        let message = ZmqMessage::from(Bytes::copy_from_slice(body));
        let sent = match self {
            Dealer(socket) => socket.send(message).await,
            Req(socket) => socket.send(message).await,
            Rep(socket) => socket.send(message).await,
        };
        check("send", sent);
    }

    async fn receive(&mut self) -> Bytes {
        let received = match self {
            Dealer(socket) => socket.recv().await,
            Req(socket) => socket.recv().await,
            Rep(socket) => socket.recv().await,
        };
        let mut frames = check("receive", received).into_vec();
        if frames.len() != 1 {
            die("receive", "not one part");
        }
        frames.remove(0)
    }

    async fn close(self) {
        match self {
            Dealer(socket) => drop(socket.close().await),
            Req(socket) => drop(socket.close().await),
            Rep(socket) => drop(socket.close().await),
        }
    }
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap_or_else(|e| die("runtime", e));
    runtime.block_on(bench::program::<AnySocket>());
}
