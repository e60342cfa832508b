//! AWS on a loopback socket: recorded answers chosen by content, with whatever is to go wrong put between.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use audit::aws::replay::{Answers, Asked, Reply};
use audit::demo::{Recording, refusal};

/// What goes wrong with an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The caller may not.
    Denied,
    /// Status 200 and nothing in it.
    Empty,
    /// Status 200 and somebody else's page.
    Foreign,
    /// Status 200 and the answer, cut off in the middle.
    Cut,
    /// AWS's own failure, however often it is asked.
    Failure,
    /// Too many calls, however slowly they come.
    Throttled,
    /// The answer never comes.
    Silent,
}

/// Answers and faults.
#[derive(Debug, Default)]
pub struct Script {
    pub recording: Recording,
    /// By IAM name of the operation.
    pub faults: BTreeMap<String, Fault>,
    /// Every call gets this error.
    pub denial: Option<&'static str>,
}

impl Script {
    pub fn new(answers: &str) -> Self {
        Self { recording: Recording::parse(answers), ..Self::default() }
    }

    pub fn fault(mut self, action: &str, fault: Fault) -> Self {
        self.faults.insert(action.to_owned(), fault);
        self
    }

    /// The answer to one request; `None`: it never comes.
    pub fn reply(&self, asked: &Asked) -> Option<Reply> {
        if let Some(code) = self.denial {
            return Some(refusal(asked, code, "AWS was not able to validate the provided access credentials"));
        }
        let action = format!("{}:{}", asked.service, Recording::operation(asked));
        Some(match self.faults.get(&action) {
            None => return self.recording.answer(asked),
            Some(Fault::Silent) => return None,
            Some(Fault::Denied) => refusal(asked, if asked.service == "ec2" { "UnauthorizedOperation" } else { "AccessDeniedException" }, "You are not authorized to perform this operation."),
            Some(Fault::Failure) => refusal(asked, "InternalError", "An internal error has occurred."),
            Some(Fault::Throttled) => refusal(asked, if asked.service == "ec2" { "RequestLimitExceeded" } else { "ThrottlingException" }, "Rate exceeded"),
            Some(Fault::Cut) => {
                let mut whole = self.recording.answer(asked)?;
                if whole.status == 200 {
                    whole.body.truncate(whole.body.len() / 2);
                }
                whole
            }
            Some(Fault::Empty) => Reply { status: 200, body: Vec::new() },
            Some(Fault::Foreign) => Reply { status: 200, body: b"<!DOCTYPE html><html><body><h1>Sign in to the guest network</h1></body></html>".to_vec() },
        })
    }
}

/// What the head of a request says beside what is asked.
pub struct Head {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
}

/// Answers of another server, each kept under what was asked for. Once `replay` is on, only what was kept is answered.
#[derive(Debug)]
pub struct Tape {
    upstream: String,
    heard: Mutex<BTreeMap<[String; 5], Reply>>,
    pub replay: AtomicBool,
}

impl Tape {
    pub fn of(url: &str) -> Self {
        Self { upstream: url.trim_start_matches("http://").to_owned(), heard: Mutex::default(), replay: AtomicBool::new(false) }
    }

    fn reply(&self, asked: &Asked, head: &Head) -> Option<Reply> {
        let key = [&asked.service, &asked.region, &asked.operation, &asked.query, &asked.body].map(String::clone);
        if self.replay.load(Ordering::Relaxed) {
            return Some(self.heard.lock().unwrap().get(&key).cloned().unwrap_or_else(|| refusal(asked, "NotRecorded", &format!("{} was not asked before", asked.operation))));
        }
        let reply = self.forward(asked, head)?;
        self.heard.lock().unwrap().insert(key, reply.clone());
        Some(reply)
    }

    fn forward(&self, asked: &Asked, head: &Head) -> Option<Reply> {
        let mut stream = TcpStream::connect(&self.upstream).ok()?;
        let mut request = format!("{} {} HTTP/1.1\r\n", head.method, head.target);
        for (name, value) in head.headers.iter().filter(|(n, _)| *n != "connection") {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("connection: close\r\n\r\n{}", asked.body);
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n")?;
        let status = std::str::from_utf8(answer.get(..end)?).ok()?.split(' ').nth(1)?.parse().ok()?;
        Some(Reply { status, body: answer.get(end + 4..)?.to_vec() })
    }
}

/// A server; it ends with the test process.
pub struct Server {
    pub url: String,
    /// Every call: IAM name of the operation and body.
    pub calls: Arc<Mutex<Vec<(String, String)>>>,
}

impl Server {
    pub fn start(script: Script) -> Self {
        Self::answering(move |asked, _| script.reply(asked))
    }

    pub fn tape(tape: Arc<Tape>) -> Self {
        Self::answering(move |asked, head| tape.reply(asked, head))
    }

    /// A server that answers by a function.
    pub fn answering(reply: impl Fn(&Asked, &Head) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (reply, log) = (Arc::new(reply), Arc::clone(&calls));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (reply, log) = (Arc::clone(&reply), Arc::clone(&log));
                std::thread::spawn(move || serve(stream, reply.as_ref(), &log));
            }
        });
        Self { url, calls }
    }

    /// How often an operation was asked for.
    pub fn count(&self, action: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|(a, _)| a == action).count()
    }
}

fn serve(stream: TcpStream, reply: &dyn Fn(&Asked, &Head) -> Option<Reply>, log: &Mutex<Vec<(String, String)>>) {
    let Ok(mut out) = stream.try_clone() else { return };
    let mut input = BufReader::new(stream);
    while let Some((asked, head)) = read(&mut input) {
        log.lock().unwrap().push((format!("{}:{}", asked.service, Recording::operation(&asked)), asked.body.clone()));
        let Some(reply) = reply(&asked, &head) else {
            std::thread::sleep(Duration::from_secs(60));
            return;
        };
        let head = format!("HTTP/1.1 {} Recorded\r\ncontent-length: {}\r\n\r\n", reply.status, reply.body.len());
        if out.write_all(head.as_bytes()).and_then(|()| out.write_all(&reply.body)).is_err() {
            return;
        }
    }
}

/// One request; `None` at the end of the connection.
fn read(input: &mut impl BufRead) -> Option<(Asked, Head)> {
    let mut line = String::new();
    input.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let header = |name: &str| headers.get(name).map_or("", String::as_str);
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    input.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let named = header("x-amz-target").rsplit('.').next().filter(|t| !t.is_empty()).or_else(|| body.split('&').find_map(|p| p.strip_prefix("Action=")));
    // Credential=key/date/region/service/aws4_request
    let mut scope = header("authorization").split("Credential=").nth(1).unwrap_or_default().split('/').skip(2);
    let (region, service) = (scope.next().unwrap_or_default().to_owned(), scope.next().unwrap_or_default().to_owned());
    let operation = named.map_or_else(|| format!("{method} {path}"), str::to_owned);
    let query = query.to_owned();
    Some((Asked { service, region, operation, query, body }, Head { method, target, headers }))
}
