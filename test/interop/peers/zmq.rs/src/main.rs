// The peer program on zmq.rs (the crate zeromq); ../../../README.md has its lines.
use bytes::Bytes;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};
use zeromq::{prelude::*, SocketOptions, ZmqMessage, ZmqResult};

const OCTETS_SIZE: usize = 1024 * 1024 + 65536;

// What a line may come to, beside success.
enum Trouble {
    No(String),
    Timeout(String),
    Error(String),
}
type Answer = Result<String, Trouble>;

fn error(e: impl std::fmt::Display) -> Trouble {
    Trouble::Error(e.to_string())
}

macro_rules! sockets {
    ($($name:ident $kind:literal $type:ident,)*) => {
        enum AnySocket { $($name(zeromq::$type),)* }
        impl AnySocket {
            fn open(kind: &str, options: SocketOptions) -> Option<Self> {
                match kind {
                    $($kind => Some(Self::$name(zeromq::$type::with_options(options))),)*
                    _ => None,
                }
            }
            async fn bind(&mut self, endpoint: &str) -> ZmqResult<String> {
                match self { $(Self::$name(s) => s.bind(endpoint).await.map(|e| e.to_string()),)* }
            }
            async fn connect(&mut self, endpoint: &str) -> ZmqResult<()> {
                match self { $(Self::$name(s) => s.connect(endpoint).await,)* }
            }
            async fn close(self) {
                match self { $(Self::$name(s) => { s.close().await; })* }
            }
        }
    };
}
sockets! {
    Req "REQ" ReqSocket, Rep "REP" RepSocket, Dealer "DEALER" DealerSocket, Router "ROUTER" RouterSocket,
    Pub "PUB" PubSocket, Sub "SUB" SubSocket, XPub "XPUB" XPubSocket, XSub "XSUB" XSubSocket,
    Push "PUSH" PushSocket, Pull "PULL" PullSocket,
}

impl AnySocket {
    async fn send(&mut self, message: ZmqMessage) -> ZmqResult<()> {
        match self {
            Self::Req(s) => s.send(message).await,
            Self::Rep(s) => s.send(message).await,
            Self::Dealer(s) => s.send(message).await,
            Self::Router(s) => s.send(message).await,
            Self::Pub(s) => s.send(message).await,
            Self::XPub(s) => s.send(message).await,
            Self::XSub(s) => s.send(message).await,
            Self::Push(s) => s.send(message).await,
            Self::Sub(_) | Self::Pull(_) => Err(zeromq::ZmqError::Other("it cannot send")),
        }
    }

    async fn recv(&mut self) -> ZmqResult<ZmqMessage> {
        match self {
            Self::Req(s) => s.recv().await,
            Self::Rep(s) => s.recv().await,
            Self::Dealer(s) => s.recv().await,
            Self::Router(s) => s.recv().await,
            Self::Sub(s) => s.recv().await,
            Self::XPub(s) => s.recv().await,
            Self::XSub(s) => s.recv().await,
            Self::Pull(s) => s.recv().await,
            Self::Pub(_) | Self::Push(_) => Err(zeromq::ZmqError::Other("it cannot receive")),
        }
    }

    // Only these dial again.
    fn reconnects(&self) -> bool {
        matches!(self, Self::Sub(_) | Self::XSub(_))
    }
}

struct Peer {
    octets: Bytes,
    socket: Option<AnySocket>,
    routing_id: Option<Vec<u8>>,
    timeout: Duration,
    kept: Vec<Bytes>,
    must_reconnect: bool,
}

fn octets() -> Bytes {
    let mut x: u32 = 1;
    (0..OCTETS_SIZE)
        .map(|_| {
            x = x.wrapping_mul(1664525).wrapping_add(1013904223);
            (x >> 24) as u8
        })
        .collect()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap_or(0)).collect()
}

impl Peer {
    fn reset(&mut self) {
        self.socket = None;
        self.routing_id = None;
        self.timeout = Duration::from_secs(10);
        self.kept.clear();
        self.must_reconnect = false;
    }

    // The parts that words mean; * and ** stand for what was kept.
    fn parts(&self, words: &[&str]) -> Vec<Bytes> {
        let mut out = Vec::new();
        for word in words {
            if word.starts_with('*') {
                out.extend(self.kept.iter().cloned());
            } else if let Some(digits) = word.strip_prefix('=') {
                out.push(hex(digits).into());
            } else {
                let (seed, size) = word.split_once(':').unwrap_or((word, "0"));
                let seed: usize = seed.parse().unwrap_or(0);
                out.push(self.octets.slice(seed..seed + size.parse::<usize>().unwrap_or(0)));
            }
        }
        out
    }

    // *: keeps the first part. **: keeps all parts up to the first empty one.
    fn keep(&mut self, message: &[Bytes], word: &str) {
        let empty = message.iter().position(|part| part.is_empty()).unwrap_or(0);
        let count = if word == "*" { 1 } else { empty + 1 };
        self.kept = message.iter().take(count).cloned().collect();
    }

    fn open(&mut self, words: &[&str]) -> Answer {
        if words[1] != "null" {
            return Err(Trouble::No("zmq.rs has no mechanism but NULL".into()));
        }
        let mut options = SocketOptions::default();
        if let Some(id) = self.routing_id.take() {
            options.peer_identity(id.try_into().map_err(error)?);
        }
        let socket = AnySocket::open(words[0], options)
            .ok_or_else(|| Trouble::No(format!("{}: zmq.rs has no such socket", words[0])))?;
        if self.must_reconnect && !socket.reconnects() {
            return Err(Trouble::No("only SUB and XSUB of zmq.rs dial again".into()));
        }
        self.socket = Some(socket);
        Ok(String::new())
    }

    fn option(&mut self, words: &[&str]) -> Answer {
        match words[0] {
            "timeout" => self.timeout = Duration::from_millis(words[1].parse().map_err(error)?),
            "routing-id" => self.routing_id = Some(hex(words[1])),
            "reconnect" => self.must_reconnect = true,
            "heartbeat" => return Err(Trouble::No("zmq.rs sends no heartbeats".into())),
            _ => return Err(Trouble::No("such option".into())),
        }
        Ok(String::new())
    }

    async fn subscribe(&mut self, word: &str, on: bool) -> Answer {
        let parts = self.parts(&[word]);
        let topic = String::from_utf8_lossy(&parts[0]).into_owned();
        match (self.socket.as_mut(), on) {
            (Some(AnySocket::Sub(s)), true) => s.subscribe(&topic).await.map_err(error)?,
            (Some(AnySocket::Sub(s)), false) => s.unsubscribe(&topic).await.map_err(error)?,
            _ => return Err(Trouble::Error("only a SUB subscribes like this".into())),
        }
        Ok(String::new())
    }

    // A send to nobody is tried again, as others' sends wait for somebody.
    async fn send(&mut self, words: &[&str]) -> Answer {
        let parts = self.parts(words);
        let (end, timeout) = (Instant::now() + self.timeout, self.timeout);
        let socket = self.socket.as_mut().ok_or_else(|| error("no socket"))?;
        loop {
            let message = ZmqMessage::try_from(parts.clone()).map_err(error)?;
            match tokio::time::timeout(timeout, socket.send(message)).await {
                Ok(Ok(())) => return Ok(String::new()),
                Ok(Err(e)) if Instant::now() > end => return Err(error(e)),
                Ok(Err(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
                Err(_) => return Err(Trouble::Timeout("it could not be sent".into())),
            }
        }
    }

    async fn recv(&mut self, words: &[&str], until: bool) -> Answer {
        let end = Instant::now() + self.timeout;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let socket = self.socket.as_mut().ok_or_else(|| error("no socket"))?;
            let message = match tokio::time::timeout(left, socket.recv()).await {
                Ok(Ok(message)) => message.into_vec(),
                // A connection that ended is no message, and another may come.
                Ok(Err(_)) if until => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                }
                Ok(Err(e)) => return Err(error(e)),
                Err(_) => return Err(Trouble::Timeout("nothing came".into())),
            };
            if words[0].starts_with('*') {
                self.keep(&message, words[0]);
            }
            if message == self.parts(words) {
                return Ok(String::new());
            }
            if !until {
                let sizes: Vec<usize> = message.iter().map(Bytes::len).collect();
                return Err(error(format!("parts of {sizes:?} octets, not {}", words.join(" "))));
            }
        }
    }

    async fn act(&mut self, line: &str) -> Answer {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (verb, rest) = words.split_first().ok_or_else(|| error("no line"))?;
        match *verb {
            "version" => Ok("zmq.rs 0.7.0".into()),
            "option" => self.option(rest),
            "open" => self.open(rest),
            "bind" | "connect" => {
                let endpoint = rest[0].replace(":*", ":0");
                if endpoint.starts_with("ws:") {
                    return Err(Trouble::No("zmq.rs has no ws".into()));
                }
                let socket = self.socket.as_mut().ok_or_else(|| error("no socket"))?;
                if *verb == "bind" {
                    return socket.bind(&endpoint).await.map_err(error);
                }
                socket.connect(&endpoint).await.map(|_| String::new()).map_err(error)
            }
            "subscribe" => self.subscribe(rest[0], true).await,
            "cancel" => self.subscribe(rest[0], false).await,
            "send" => self.send(rest).await,
            "recv" => self.recv(rest, false).await,
            "until" => self.recv(rest, true).await,
            "close" => {
                if let Some(socket) = self.socket.take() {
                    socket.close().await;
                }
                self.reset();
                Ok(String::new())
            }
            _ => Err(Trouble::No("such line".into())),
        }
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let mut peer = Peer {
        octets: octets(),
        socket: None,
        routing_id: None,
        timeout: Duration::ZERO,
        kept: Vec::new(),
        must_reconnect: false,
    };
    peer.reset();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let text = match runtime.block_on(peer.act(&line)) {
            Ok(text) => format!("ok {text}"),
            Err(Trouble::No(text)) => format!("no {text}"),
            Err(Trouble::Timeout(text)) => format!("timeout {text}"),
            Err(Trouble::Error(text)) => format!("error {text}"),
        };
        println!("{}", text.replace('\n', " ").trim());
        let _ = std::io::stdout().flush();
    }
}
