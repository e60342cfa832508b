//! The collection of one region in progress: how calls are made, paged, noted and followed by others.

use std::collections::{BTreeSet, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::book::Book;
use super::{Progress, Request};
use crate::actions::Action;
use crate::aws::{CallError, CallWatch, Clients, Kind, Session};
use crate::inventory::{Answer, ApiError, Keyed, Region};

/// How often an answer of status 200 that is none is asked for again.
const MALFORMED_TRIES: u32 = 4;
/// How often a call that was throttled to the end of the SDK's attempts takes its turn again, more slowly.
const THROTTLED_TRIES: u32 = 2;

/// What is said of an answer with items that have no id.
pub(super) const LOST: &str = "MalformedAnswer: an item without its id";

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One region, shared by all jobs that fill it.
pub(super) struct Work {
    pub region: String,
    pub clients: Clients,
    pub session: Arc<Session>,
    pub request: Arc<Request>,
    /// Actions that are asked at all.
    pub wanted: BTreeSet<Action>,
    deadline: Option<Instant>,
    out: Mutex<Region>,
    book: Mutex<Book>,
    once: Mutex<HashSet<(Action, String)>>,
    ended: watch::Sender<BTreeSet<Action>>,
    /// What is asked once for the account, whichever region wants it first; `None`: this is it.
    account: Option<Arc<Self>>,
    /// What the jobs tell each other.
    pub found: Found,
    jobs: mpsc::UnboundedSender<Job>,
    progress: Arc<dyn Progress>,
}

/// What all regions of a run have in common.
pub(super) struct Run {
    pub session: Arc<Session>,
    pub request: Arc<Request>,
    /// Actions that are asked at all.
    pub wanted: BTreeSet<Action>,
    pub deadline: Option<Instant>,
    pub progress: Arc<dyn Progress>,
}

/// What the jobs of a region tell each other, beside the inventory.
#[derive(Default)]
pub(super) struct Found {
    /// The account, as the first ARN told it.
    pub account: OnceLock<String>,
    /// EC2 instances of container instances, and where the instances are that were described.
    pub instances: Mutex<super::compute::Instances>,
    /// Hosts of image registries outside ECR.
    pub registries: Mutex<BTreeSet<String>>,
    /// Service revisions in use.
    pub revisions: Mutex<BTreeSet<String>>,
    /// VPCs beyond those asked for whose networks are collected.
    pub hubs: Mutex<BTreeSet<String>>,
}

/// Ends a listing that many jobs share when the last of them drops it.
pub(super) struct Ends {
    work: Arc<Work>,
    action: Action,
}

impl Ends {
    pub fn new(work: &Arc<Work>, action: Action) -> Arc<Self> {
        Arc::new(Self { work: Arc::clone(work), action })
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.work.end(self.action);
    }
}

/// A lock that a panicking job cannot poison for the others.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The result of one call of a listing.
pub(super) struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
    lost: usize,
}

impl<T> Page<T> {
    /// A page of which every item is usable.
    pub fn new(items: Vec<T>, next: Option<String>) -> Self {
        Self { items, next: next.filter(|t| !t.is_empty()), lost: 0 }
    }

    /// A page whose items are converted; those that are none are counted.
    pub fn of<A>(items: Vec<A>, next: Option<String>, convert: impl FnMut(A) -> Option<T>) -> Self {
        let all = items.len();
        let items: Vec<T> = items.into_iter().filter_map(convert).collect();
        let lost = all - items.len();
        Self { lost, ..Self::new(items, next) }
    }
}

/// What a call returns, as the log counts it.
pub(super) trait Counted {
    fn count(&self) -> usize;
}

impl<T> Counted for Page<T> {
    fn count(&self) -> usize {
        self.items.len()
    }
}

/// One thing, in no list.
pub(super) struct One<T>(pub T);

impl<T> Counted for One<T> {
    fn count(&self) -> usize {
        1
    }
}

impl Work {
    /// The work on a region, or (with no `account`) on what the regions of an account share.
    pub fn new(region: &str, run: &Run, account: Option<&Arc<Self>>) -> (Arc<Self>, Jobs) {
        let (jobs, queue) = mpsc::unbounded_channel();
        let Run { session, request, wanted, deadline, progress } = run;
        let work = Self {
            region: region.to_owned(),
            clients: session.clients(region),
            session: Arc::clone(session),
            request: Arc::clone(request),
            wanted: wanted.clone(),
            deadline: *deadline,
            out: Mutex::default(),
            book: Mutex::default(),
            once: Mutex::default(),
            ended: watch::Sender::default(),
            account: account.cloned(),
            found: Found::default(),
            jobs,
            progress: Arc::clone(progress),
        };
        (Arc::new(work), Jobs { queue })
    }

    /// Reads or changes what was collected so far.
    pub fn with<T>(&self, f: impl FnOnce(&mut Region) -> T) -> T {
        f(&mut lock(&self.out))
    }

    /// Reads or changes the notes.
    pub fn book<T>(&self, f: impl FnOnce(&mut Book) -> T) -> T {
        f(&mut lock(&self.book))
    }

    /// The work that the regions of the account share.
    pub fn account(&self) -> &Self {
        self.account.as_deref().unwrap_or(self)
    }

    pub fn wants(&self, action: Action) -> bool {
        self.wanted.contains(&action)
    }

    /// Whether this is the first time that `action` is wanted for `subject`.
    pub fn first(&self, action: Action, subject: &str) -> bool {
        self.wants(action) && lock(&self.once).insert((action, subject.to_owned()))
    }

    /// Starts a job beside the others.
    pub fn start(self: &Arc<Self>, job: impl Future<Output = ()> + Send + 'static) {
        // The receiver lives as long as the collection; after that nothing is to be started.
        let _ = self.jobs.send(Box::pin(job));
    }

    /// Says that a listing has come to its end, whole or not.
    pub fn end(&self, action: Action) {
        self.ended.send_modify(|ended| {
            ended.insert(action);
        });
    }

    /// Waits for the end of listings.
    pub async fn ended(&self, actions: &[Action]) {
        let mut ended = self.ended.subscribe();
        // The sender is part of `self`, so that waiting cannot fail.
        let _ = ended.wait_for(|ended| actions.iter().all(|a| ended.contains(a))).await;
    }

    /// Whether a listing has come to its end.
    pub fn has_ended(&self, action: Action) -> bool {
        self.ended.borrow().contains(&action)
    }

    /// Whether a listing ended and lacks nothing.
    pub fn whole(&self, action: Action) -> bool {
        self.book(|b| b.whole(action))
    }

    /// One call: waits for its turn, retries, and takes an answer without its result for none. `read` gets the output and the
    /// body (empty unless `keep_body`), and gives `None` where the result member is absent. Notes nothing.
    async fn call<T, O, E, F, Fut>(&self, action: Action, keep_body: bool, send: F, read: impl Fn(O, &[u8]) -> Option<T>) -> Result<T, CallError>
    where
        T: Counted,
        F: Fn() -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let mut tries = 0;
        self.progress.started(action);
        let result = loop {
            if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                break Err(CallError::deadline());
            }
            tries += 1;
            let watch = CallWatch::new(keep_body);
            let turn = async {
                let _permit = self.session.limits.turn(action, &self.region).await;
                let began = Instant::now();
                (Box::pin(Arc::clone(&watch).over(send())).await, began)
            };
            let (outcome, began) = match self.deadline {
                None => turn.await,
                Some(deadline) => match tokio::time::timeout_at(deadline, turn).await {
                    Ok(outcome) => outcome,
                    Err(_) => break Err(CallError::deadline()),
                },
            };
            let result = outcome.map_err(|e| CallError::of(&e)).and_then(|output| {
                if watch.broken() {
                    return Err(CallError::malformed("the XML of its body is broken"));
                }
                let read = read(output, &watch.take_body());
                read.ok_or_else(|| CallError::malformed("its body lacks the result of this operation"))
            });
            self.session.limits.settle(action, &self.region, began, watch.attempts());
            let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            match &result {
                Ok(value) => tracing::debug!(api = %action, region = %self.region, items = value.count(), ms, attempts = watch.attempts(), "answered"),
                Err(error) => tracing::debug!(api = %action, region = %self.region, error = %error, ms, attempts = watch.attempts(), "failed"),
            }
            match result {
                Err(error) if error.kind == Kind::Malformed && tries < MALFORMED_TRIES => tokio::time::sleep(Duration::from_millis(50 << tries)).await,
                Err(error) if error.kind == Kind::Throttled && tries < THROTTLED_TRIES => {}
                result => break result,
            }
        };
        self.progress.finished(action, result.as_ref().map_or(0, Counted::count));
        result
    }

    /// One call that is not noted.
    pub async fn ask_quietly<T, O, E, F, Fut>(&self, action: Action, send: F, read: impl Fn(O) -> Option<T>) -> Result<T, CallError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.call(action, false, send, |output, _| read(output).map(One)).await.map(|One(value)| value)
    }

    /// One call about `subjects`, noted.
    pub async fn ask<T, O, E, F, Fut>(&self, action: Action, subjects: &[&str], send: F, read: impl Fn(O) -> Option<T>) -> Result<T, CallError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.ask_body(action, subjects, false, send, |output, _| read(output)).await
    }

    /// The same, where the body tells more than the output.
    pub async fn ask_body<T, O, E, F, Fut>(&self, action: Action, subjects: &[&str], keep_body: bool, send: F, read: impl Fn(O, &[u8]) -> Option<T>) -> Result<T, CallError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let result = self.call(action, keep_body, send, |output, body| read(output, body).map(One)).await;
        self.book(|book| match &result {
            Ok(_) => book.answered(action),
            Err(error) => book.failed(action, error, subjects.iter().copied()),
        });
        result.map(|One(value)| value)
    }

    /// One call whose answer may be an error of AWS that says "there is no such thing": `absent` are its codes.
    pub async fn ask_one<T, O, E, F, Fut>(&self, action: Action, subject: &str, absent: &[&str], send: F, read: impl Fn(O) -> Option<T>) -> Option<Answer<T>>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match self.call(action, false, send, |output, _| read(output).map(One)).await {
            Ok(One(value)) => {
                self.book(|b| b.answered(action));
                Some(Answer::Output(value))
            }
            Err(error) if absent.contains(&error.code.as_str()) => {
                self.book(|b| b.answered(action));
                Some(Answer::Error(api_error(&error)))
            }
            Err(error) => {
                self.book(|b| b.failed(action, &error, [subject]));
                None
            }
        }
    }

    /// All pages of a listing, each handed on as it comes. `subject` is what the listing is about, if it is one of many.
    pub async fn pages<T, O, E, F, Fut>(&self, action: Action, subject: Option<&str>, send: F, read: impl Fn(O) -> Option<Page<T>>, mut each: impl FnMut(Vec<T>)) -> Result<(), CallError>
    where
        F: Fn(Option<String>) -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.pages_body(action, subject, false, send, |output, _| read(output), &mut each).await
    }

    /// The same, where the body tells more than the output.
    pub async fn pages_body<T, O, E, F, Fut>(
        &self,
        action: Action,
        subject: Option<&str>,
        keep_body: bool,
        send: F,
        read: impl Fn(O, &[u8]) -> Option<Page<T>>,
        mut each: impl FnMut(Vec<T>),
    ) -> Result<(), CallError>
    where
        F: Fn(Option<String>) -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let mut token: Option<String> = None;
        loop {
            match self.call(action, keep_body, || send(token.clone()), &read).await {
                Ok(page) => {
                    self.book(|book| {
                        book.answered(action);
                        if page.lost > 0 {
                            book.left_out(action, [], LOST);
                        }
                    });
                    each(page.items);
                    match page.next {
                        None => return Ok(()),
                        // A token that leads nowhere would go on for ever.
                        Some(next) if token.as_ref() == Some(&next) => {
                            let error = CallError::malformed("it names the same next page again");
                            self.book(|b| b.failed(action, &error, subject));
                            return Err(error);
                        }
                        Some(next) => token = Some(next),
                    }
                }
                Err(error) => {
                    self.book(|b| b.failed(action, &error, subject));
                    return Err(error);
                }
            }
        }
    }

    /// All pages about one subject, kept under its id: whole, or what came before a failure. `absent` are the codes of errors
    /// that are answers.
    pub async fn keyed<T, P, O, E, F, Fut>(
        &self,
        action: Action,
        subject: &str,
        absent: &[&str],
        send: F,
        read: impl Fn(O) -> Option<Page<P>>,
        join: impl FnOnce(Vec<P>, bool) -> T,
    ) -> Option<Answer<T>>
    where
        F: Fn(Option<String>) -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.all_pages(action, subject, absent, false, send, |output, _| read(output), join).await
    }

    /// The same for a listing whose output is a required member in the SDK, which fills it where the answer lacks it: the
    /// body must name `member`.
    #[expect(clippy::too_many_arguments, reason = "one listing, said once")]
    pub async fn keyed_member<T, P, O, E, F, Fut>(
        &self,
        action: Action,
        subject: &str,
        member: &str,
        absent: &[&str],
        send: F,
        read: impl Fn(O) -> Page<P>,
        join: impl FnOnce(Vec<P>, bool) -> T,
    ) -> Option<Answer<T>>
    where
        F: Fn(Option<String>) -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.all_pages(action, subject, absent, true, send, |output, body| named(body, member).then(|| read(output)), join).await
    }

    #[expect(clippy::too_many_arguments, reason = "the one place behind the two above")]
    async fn all_pages<T, P, O, E, F, Fut>(
        &self,
        action: Action,
        subject: &str,
        absent: &[&str],
        keep_body: bool,
        send: F,
        read: impl Fn(O, &[u8]) -> Option<Page<P>>,
        join: impl FnOnce(Vec<P>, bool) -> T,
    ) -> Option<Answer<T>>
    where
        F: Fn(Option<String>) -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let mut token: Option<String> = None;
        let mut all = Vec::new();
        loop {
            let error = match self.call(action, keep_body, || send(token.clone()), &read).await {
                Ok(page) => {
                    self.book(|b| {
                        b.answered(action);
                        if page.lost > 0 {
                            b.left_out(action, [subject.to_owned()], LOST);
                        }
                    });
                    all.extend(page.items);
                    match page.next {
                        None => return Some(Answer::Output(join(all, true))),
                        Some(next) if token.as_ref() == Some(&next) => CallError::malformed("it names the same next page again"),
                        Some(next) => {
                            token = Some(next);
                            continue;
                        }
                    }
                }
                Err(error) => error,
            };
            if token.is_none() && absent.contains(&error.code.as_str()) {
                self.book(|b| b.answered(action));
                return Some(Answer::Error(api_error(&error)));
            }
            self.book(|b| b.failed(action, &error, [subject]));
            return token.is_some().then(|| Answer::Output(join(all, false)));
        }
    }

    /// Keeps an answer under an id.
    pub fn keep<T>(&self, id: &str, answer: Option<Answer<T>>, map: impl FnOnce(&mut Region) -> &mut Keyed<T>) {
        if let Some(answer) = answer {
            self.with(|region| {
                map(region).insert(id.to_owned(), answer);
            });
        }
    }

    /// Takes what was collected.
    pub fn take(&self) -> Region {
        self.with(std::mem::take)
    }
}

/// Whether a body names a member.
pub(super) fn named(body: &[u8], member: &str) -> bool {
    body.windows(member.len()).any(|w| w == member.as_bytes())
}

/// The answer, unless a part of it is missing and that part cannot be told from absence.
pub(super) fn only_whole<T>(answer: Option<Answer<Option<T>>>) -> Option<Answer<T>> {
    match answer? {
        Answer::Output(whole) => whole.map(Answer::Output),
        Answer::Error(error) => Some(Answer::Error(error)),
    }
}

fn api_error(error: &CallError) -> ApiError {
    ApiError { code: error.code.clone(), message: Some(error.message.clone()).filter(|m| !m.is_empty()) }
}

/// The jobs of one region, and those that they start in turn.
pub(super) struct Jobs {
    queue: mpsc::UnboundedReceiver<Job>,
}

impl Jobs {
    /// Runs until nothing is left to do, or until `stop` says why the rest is pointless.
    pub async fn run<E>(mut self, mut stop: impl FnMut() -> Option<E>) -> Result<(), E> {
        let mut running = JoinSet::new();
        loop {
            while let Ok(job) = self.queue.try_recv() {
                running.spawn(job);
            }
            if running.is_empty() {
                return stop().map_or(Ok(()), Err);
            }
            tokio::select! {
                Some(job) = self.queue.recv() => {
                    running.spawn(job);
                }
                Some(ended) = running.join_next() => {
                    if let Err(error) = ended
                        && let Ok(panic) = error.try_into_panic()
                    {
                        std::panic::resume_unwind(panic);
                    }
                    if let Some(reason) = stop() {
                        return Err(reason);
                    }
                }
            }
        }
    }
}
