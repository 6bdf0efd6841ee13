// The contestant omq, the crate omq-tokio: its blocking sockets, whose calls send and receive by themselves where they can.
#[path = "../bench.rs"]
mod bench;

use bench::{die, Adapter, Pattern, QUEUE_MAX};
use omq_tokio::{blocking, Context, Message, Options, SocketType};
use std::future::Future;
use std::pin::pin;
use std::task::{Poll, Waker};

struct Omq {
    socket: blocking::Socket,
    context: Context,
}

struct Body(Message);

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        self.0.part_slice(0).unwrap_or_default()
    }
}

fn check<T>(what: &str, result: omq_tokio::Result<T>) -> T {
    result.unwrap_or_else(|e| die(what, e))
}

impl Adapter for Omq {
    type Body = Body;
    const LIBRARY: &'static str = "omq-tokio 0.33.0";

    async fn open(pattern: Pattern) -> Self {
        let context = Context::new();
        let kind = match pattern {
            Pattern::Dealer => SocketType::Dealer,
            Pattern::Req => SocketType::Req,
            Pattern::Rep => SocketType::Rep,
        };
        let options = Options {
            send_hwm: QUEUE_MAX as u32,
            recv_hwm: QUEUE_MAX as u32,
            linger: None, // for ever
            ..Options::default()
        };
        Omq { socket: context.blocking_socket(kind, options), context }
    }

    async fn bind(&mut self, endpoint: &str) -> String {
        check(endpoint, self.socket.bind(endpoint)).to_string()
    }

    async fn connect(&mut self, endpoint: &str) {
        check(endpoint, self.socket.connect(endpoint));
    }

    async fn send(&mut self, body: &[u8]) {
        check("send", self.socket.send(Message::from_slice(body)));
    }

    async fn receive(&mut self) -> Body {
        Body(check("receive", self.socket.recv()))
    }

    async fn close(self) {
        check("close", self.socket.close());
        self.context.term();
    }
}

// Its calls block, so no future here is ever pending.
fn main() {
    let mut program = pin!(bench::program::<Omq>());
    let mut context = std::task::Context::from_waker(Waker::noop());
    if let Poll::Pending = program.as_mut().poll(&mut context) {
        die("omq", "a blocking call did not block");
    }
}
