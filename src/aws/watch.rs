//! What the audit wants to know of a call beside its output: how many attempts it took, whether the body of the answer is
//! whole, and whether it really holds the member that the output is made of.
//!
//! The SDK fills required members that an answer lacks with defaults, so that an empty answer would look like "there is
//! nothing". The body itself tells the difference.

use super::xml;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef, InterceptorContext};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

tokio::task_local! {
    static CALL: Arc<CallWatch>;
}

/// The notes of one call.
#[derive(Debug, Default)]
pub struct CallWatch {
    attempts: AtomicU32,
    broken: AtomicBool,
    /// Whether the body is wanted.
    keep_body: bool,
    body: Mutex<Vec<u8>>,
}

impl CallWatch {
    /// Notes for a call whose body is kept or not.
    #[must_use]
    pub fn new(keep_body: bool) -> Arc<Self> {
        Arc::new(Self { keep_body, ..Self::default() })
    }

    /// Runs a call under these notes.
    pub async fn over<F: Future>(self: Arc<Self>, call: F) -> F::Output {
        CALL.scope(self, call).await
    }

    /// Attempts so far.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// Whether the last successful answer is XML that breaks off or is not well-formed.
    #[must_use]
    pub fn broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// The body of the last successful answer, once.
    #[must_use]
    pub fn take_body(&self) -> Vec<u8> {
        std::mem::take(&mut self.body.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The interceptor behind [`CallWatch`]; part of every client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch;

#[dyn_dispatch_hint]
impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "audit: watch"
    }

    fn read_before_attempt(&self, _: &BeforeTransmitInterceptorContextRef<'_>, _: &RuntimeComponents, _: &mut ConfigBag) -> Result<(), BoxError> {
        // A call outside of any watch (credentials of STS or SSO) is not counted.
        CALL.try_with(|call| call.attempts.fetch_add(1, Ordering::Relaxed)).ok();
        Ok(())
    }

    fn read_after_deserialization(&self, context: &AfterDeserializationInterceptorContextRef<'_>, _: &RuntimeComponents, _: &mut ConfigBag) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default();
        let keep = |call: &Arc<CallWatch>| {
            let broken = context.response().status().is_success() && body.trim_ascii_start().starts_with(b"<") && !xml::is_whole(body);
            call.broken.store(broken, Ordering::Relaxed);
            if call.keep_body {
                *call.body.lock().unwrap_or_else(PoisonError::into_inner) = body.to_vec();
            }
        };
        CALL.try_with(keep).ok();
        Ok(())
    }
}

/// Keeps the SDK from retrying answers of status 200 that it cannot read: the audit asks again itself, fewer times and sooner.
#[derive(Debug)]
pub(super) struct LeaveMalformed;

impl ClassifyRetry for LeaveMalformed {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.output_or_error() {
            Some(Err(error)) if error.is_response_error() => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "audit: leave malformed answers"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}
