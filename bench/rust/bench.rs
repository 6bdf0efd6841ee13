// The scenarios in Rust: the same command line, the same lines and the same work as bench.c, throughput.c and
// latency.c, over whatever implements Adapter. The scenario is the first word of the program's own name.
use std::future::Future;
use std::path::Path;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, PartialEq)]
pub enum Pattern {
    Dealer,
    Req,
    Rep,
}

pub const QUEUE_MAX: usize = 1000;

const SENDS_A_CLOCK: u64 = 32;
const TRIPS_MAX: usize = 4_000_000;
const TRIPS_WARM: usize = 200;

// Every failure ends the process: a measurement with errors is none.
#[allow(async_fn_in_trait)] // each program is one thread's
pub trait Adapter: Sized {
    type Body: AsRef<[u8]>;
    const LIBRARY: &'static str;

    async fn open(pattern: Pattern) -> Self;
    // The endpoint as others would dial it; a port 0 is any.
    async fn bind(&mut self, endpoint: &str) -> String;
    async fn connect(&mut self, endpoint: &str);
    // Sends one part, copied; waits while there is no room.
    async fn send(&mut self, body: &[u8]);
    async fn receive(&mut self) -> Self::Body;
    // Lets what was sent leave.
    async fn close(self);
}

pub fn die(what: &str, why: impl std::fmt::Display) -> ! {
    eprintln!("{what}: {why}");
    std::process::exit(1);
}

struct Arguments {
    endpoint: String,
    size: usize,
    duration: Duration,
    count_max: u64,
}

extern "C" {
    fn getrusage(who: i32, usage: *mut [i64; 18]) -> i32;
}

// Processor time of this process, user and system.
fn cpu() -> Duration {
    let mut usage = [0i64; 18]; // a struct rusage of a system of 64 bits; two timevals come first
    // SAFETY: |usage| is as large as the struct, and of its alignment.
    unsafe { getrusage(0, &mut usage) };
    Duration::from_secs((usage[0] + usage[2]) as u64) + Duration::from_micros((usage[1] + usage[3]) as u64)
}

fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_else(|e| die("peak memory", e));
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

// Octets that no library could guess or compress.
fn body_of(size: usize) -> Vec<u8> {
    let mut random: u32 = 2463534242; // xorshift
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        random as u8
    };
    (0..size).map(|_| next()).collect()
}

// The size of the message that ends a run.
fn end_size(arguments: &Arguments) -> usize {
    if arguments.size == 1 { 2 } else { 1 }
}

async fn receive<A: Adapter>(mut adapter: A, arguments: &Arguments) -> A {
    let (mut count, mut started, mut cpu_started) = (0u64, Instant::now(), cpu());
    loop {
        let body = adapter.receive().await;
        let size = body.as_ref().len();
        if count == 0 {
            started = Instant::now();
            cpu_started = cpu();
        }
        if size == end_size(arguments) {
            break;
        }
        if size != arguments.size {
            die("receiver", "a message of another size came");
        }
        count += 1;
    }
    let (taken, used) = (started.elapsed(), cpu() - cpu_started);
    adapter.send(&[0]).await;
    println!("messages {count}\nseconds {:.9}\ncpu_seconds {:.9}", taken.as_secs_f64(), used.as_secs_f64());
    adapter
}

async fn send_for<A: Adapter>(mut adapter: A, arguments: &Arguments) -> A {
    let body = body_of(arguments.size);
    let (started, cpu_started) = (Instant::now(), cpu());
    let mut count = 0u64;
    while count < arguments.count_max && (count % SENDS_A_CLOCK != 0 || started.elapsed() < arguments.duration) {
        adapter.send(&body).await;
        count += 1;
    }
    adapter.send(&[0, 0][..end_size(arguments)]).await;
    if adapter.receive().await.as_ref().len() != 1 {
        die("sender", "the answer has another size");
    }
    println!("messages {count}\ncpu_seconds {:.9}", (cpu() - cpu_started).as_secs_f64());
    adapter
}

async fn answer<A: Adapter>(mut adapter: A, _arguments: &Arguments) -> A {
    let (mut count, mut cpu_started) = (0usize, cpu());
    loop {
        let body = adapter.receive().await;
        if count == TRIPS_WARM {
            cpu_started = cpu();
        }
        count += 1;
        adapter.send(body.as_ref()).await;
        if body.as_ref().len() == 1 {
            break; // one octet is the end
        }
    }
    println!("cpu_seconds {:.9}", (cpu() - cpu_started).as_secs_f64());
    adapter
}

async fn ask_for<A: Adapter>(mut adapter: A, arguments: &Arguments) -> A {
    let body = body_of(arguments.size);
    let max = TRIPS_MAX.min(usize::try_from(arguments.count_max).unwrap_or(TRIPS_MAX));
    let mut trips: Vec<u64> = Vec::with_capacity(max);
    let (mut sent, mut started, mut cpu_started, mut i) = (Instant::now(), Instant::now(), cpu(), 0);
    while trips.len() < max && (i <= TRIPS_WARM || sent - started < arguments.duration) {
        if i == TRIPS_WARM {
            started = sent;
            cpu_started = cpu();
        }
        adapter.send(&body).await;
        if adapter.receive().await.as_ref() != body {
            die("asker", "wrong answer");
        }
        let now = Instant::now();
        if i >= TRIPS_WARM {
            trips.push((now - sent).as_nanos() as u64);
        }
        sent = now;
        i += 1;
    }
    let used = cpu() - cpu_started;
    adapter.send(&body[..1]).await;
    if adapter.receive().await.as_ref() != &body[..1] {
        die("asker", "wrong last answer");
    }
    trips.sort_unstable();
    let at = |index: usize| trips[index] as f64 / 1e3;
    println!("messages {}\np50_us {:.3}\np99_us {:.3}\np999_us {:.3}\ncpu_seconds {:.9}", trips.len(),
             at(trips.len() / 2), at(trips.len() * 99 / 100), at(trips.len() * 999 / 1000), used.as_secs_f64());
    adapter
}

async fn side<A: Adapter>(scenario: &str, binds: bool, arguments: &Arguments) {
    let pattern = match (scenario, binds) {
        ("throughput", _) => Pattern::Dealer,
        ("latency", true) => Pattern::Rep,
        ("latency", false) => Pattern::Req,
        _ => die(scenario, "no such scenario here"),
    };
    let mut adapter = A::open(pattern).await;
    println!("library {}", A::LIBRARY);
    if binds {
        println!("endpoint {}", adapter.bind(&arguments.endpoint.replace('*', "0")).await);
    } else {
        adapter.connect(&arguments.endpoint).await;
    }
    let adapter = match (scenario, binds) {
        ("throughput", true) => receive(adapter, arguments).await,
        ("throughput", false) => send_for(adapter, arguments).await,
        (_, true) => answer(adapter, arguments).await,
        (_, false) => ask_for(adapter, arguments).await,
    };
    println!("peak_kb {}", peak_kb());
    adapter.close().await;
}

// The whole program, as a future for the library's executor.
pub fn program<A: Adapter>() -> impl Future<Output = ()> {
    let words: Vec<String> = std::env::args().collect();
    if words.len() < 5 || !matches!(words[1].as_str(), "bind" | "connect") {
        die("usage", "SCENARIO-LIBRARY bind|connect ENDPOINT SIZE MILLISECONDS|COUNTx");
    }
    let name = Path::new(&words[0]).file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    let scenario = name.split('-').next().unwrap_or("").to_string();
    let binds = words[1] == "bind";
    let number = |text: &str| text.parse::<u64>().unwrap_or_else(|e| die(text, e));
    let (duration, count_max) = match words[4].strip_suffix('x') {
        Some(count) => (Duration::from_secs(3600), number(count)),
        None => (Duration::from_millis(number(&words[4])), u64::MAX),
    };
    let arguments =
        Arguments { endpoint: words[2].clone(), size: number(&words[3]) as usize, duration, count_max };
    async move { side::<A>(&scenario, binds, &arguments).await }
}
