//! Recorded answers behind a socket, each after a set time: `server ANSWERS LATENCY_MS LOG`. Prints its URL. For scripts/bench.sh.
//!
//! The log has a line a call: when it came and when it was answered, in microseconds, and the operation.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::allow_attributes, dead_code, reason = "a tool of the developers")]

#[path = "../../tests/it/support/server.rs"]
mod server;

use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use audit::aws::replay::Answers;
use audit::demo::Recording;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let recording = Recording::parse(&std::fs::read_to_string(arguments.next().unwrap()).unwrap());
    let latency = Duration::from_millis(arguments.next().unwrap().parse().unwrap());
    let log = Mutex::new(std::fs::File::create(arguments.next().unwrap()).unwrap());
    let began = Instant::now();
    let server = server::Server::answering(move |asked, _| {
        let came = began.elapsed();
        let reply = recording.answer(asked);
        // The time that choosing takes is part of the latency, not on top of it.
        std::thread::sleep(latency.saturating_sub(began.elapsed().saturating_sub(came)));
        let line = format!("{} {} {}:{}\n", came.as_micros(), began.elapsed().as_micros(), asked.service, Recording::operation(asked));
        log.lock().unwrap().write_all(line.as_bytes()).unwrap();
        reply
    });
    println!("{}", server.url);
    loop {
        std::thread::park();
    }
}
