// The contestant rzmq, with its default features: tokio, not io_uring, which many machines do not let a program use.
#[path = "../bench.rs"]
mod bench;

use bench::{die, Adapter, Pattern, QUEUE_MAX};
use rzmq::socket::options::{LAST_ENDPOINT, RCVHWM, SNDHWM};
use rzmq::{Context, Msg, Socket, SocketType, ZmqError};

struct Rzmq {
    context: Context,
    socket: Socket,
}

struct Body(Msg);

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        self.0.data().unwrap_or_default()
    }
}

fn check<T>(what: &str, result: Result<T, ZmqError>) -> T {
    result.unwrap_or_else(|e| die(what, e))
}

impl Adapter for Rzmq {
    type Body = Body;
    const LIBRARY: &'static str = "rzmq 0.5.28";

    async fn open(pattern: Pattern) -> Self {
        let context = check("context", Context::new());
        let kind = match pattern {
            Pattern::Dealer => SocketType::Dealer,
            Pattern::Req => SocketType::Req,
            Pattern::Rep => SocketType::Rep,
        };
        let socket = check("socket", context.socket(kind));
        check("queue", socket.set_option(SNDHWM, QUEUE_MAX as i32).await);
        check("queue", socket.set_option(RCVHWM, QUEUE_MAX as i32).await);
        Rzmq { context, socket }
    }

    async fn bind(&mut self, endpoint: &str) -> String {
        check(endpoint, self.socket.bind(endpoint).await);
        let text = check("endpoint", self.socket.get_option(LAST_ENDPOINT).await);
        String::from_utf8_lossy(&text).trim_end_matches('\0').to_string()
    }

    async fn connect(&mut self, endpoint: &str) {
        check(endpoint, self.socket.connect(endpoint).await);
    }

    async fn send(&mut self, body: &[u8]) {
        check("send", self.socket.send(Msg::from_vec(body.to_vec())).await);
    }

    async fn receive(&mut self) -> Body {
        Body(check("receive", self.socket.recv().await))
    }

    async fn close(self) {
        check("close", self.socket.close().await);
        check("term", self.context.term().await);
    }
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap_or_else(|e| die("runtime", e));
    runtime.block_on(bench::program::<Rzmq>());
}
