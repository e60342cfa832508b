//! What an error of the SDK means for the audit, in words that are the same in every run: no request id, no time, no session
//! name, no encoded blob.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::http::Unreachable;

/// What kind of failure a call ended in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// These credentials may not do this.
    Denied,
    /// The credentials themselves are missing, expired or refused.
    Credentials,
    /// Throttled to the end.
    Throttled,
    /// The service (or an emulator of it) does not know the operation or a parameter.
    Unsupported,
    /// No connection can be made to the service.
    Unreachable,
    /// Connected, but no answer in time, or the connection broke.
    NoAnswer,
    /// An answer of status 200 that is none of this operation.
    Malformed,
    /// The time of the whole run is over.
    Deadline,
    /// Any other answer of AWS.
    Service,
}

/// Why a call has no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// Its kind.
    pub kind: Kind,
    /// AWS's error code, or a word of our own.
    pub code: String,
    /// What went wrong, for people.
    pub message: String,
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.message.is_empty() { f.write_str(&self.code) } else { write!(f, "{}: {}", self.code, self.message) }
    }
}

impl CallError {
    /// An answer of status 200 that lacks `what`.
    #[must_use]
    pub fn malformed(what: &str) -> Self {
        Self { kind: Kind::Malformed, code: "MalformedAnswer".to_owned(), message: format!("the answer has status 200, but {what}") }
    }

    /// The time of the run is over.
    #[must_use]
    pub fn deadline() -> Self {
        Self { kind: Kind::Deadline, code: "deadline".to_owned(), message: "not finished within --max-time".to_owned() }
    }

    /// From an error of the SDK.
    #[must_use]
    pub fn of<E: ProvideErrorMetadata + Error + 'static>(error: &SdkError<E, HttpResponse>) -> Self {
        if let Some(unreachable) = cause::<Unreachable>(error) {
            return Self { kind: Kind::Unreachable, code: "Unreachable".to_owned(), message: unreachable.to_string() };
        }
        if cause::<CredentialsError>(error).is_some() {
            return Self { kind: Kind::Credentials, code: "NoCredentials".to_owned(), message: "credentials could not be loaded".to_owned() };
        }
        let own = |kind, code: &str, message: &str| Self { kind, code: code.to_owned(), message: message.to_owned() };
        match error {
            SdkError::TimeoutError(_) => own(Kind::NoAnswer, "Timeout", "no answer in time"),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => own(Kind::NoAnswer, "Timeout", "no answer in time"),
            SdkError::DispatchFailure(_) => own(Kind::NoAnswer, "ConnectionLost", "the connection broke before an answer came"),
            SdkError::ResponseError(answer) => Self::of_service(None, None, answer.raw().status().as_u16()),
            SdkError::ServiceError(service) => Self::of_service(service.err().code(), service.err().message(), service.raw().status().as_u16()),
            _ => own(Kind::Service, "InvalidRequest", "the request could not be built"),
        }
    }

    fn of_service(code: Option<&str>, message: Option<&str>, status: u16) -> Self {
        // JSON services may qualify the code (`com.amazonaws.ecs#AccessDeniedException`) or append a URL to it.
        let code = code.map(|c| c.rsplit('#').next().unwrap_or(c)).map(|c| c.split(':').next().unwrap_or(c).trim()).filter(|c| !c.is_empty());
        let Some(code) = code else {
            if status == 200 {
                return Self::malformed("its body is no answer of this operation");
            }
            let kind = if status == 501 { Kind::Unsupported } else { Kind::Service };
            return Self { kind, code: format!("HTTP {status}"), message: "without an error code of AWS".to_owned() };
        };
        let kind = kind_of(code, status);
        let message = match code {
            // EC2 says so of expired session tokens as well.
            "RequestExpired" => "the credentials have expired, or the clock of this machine differs from AWS's".to_owned(),
            "RequestTimeTooSkewed" | "RequestInTheFuture" => "the clock of this machine differs from AWS's".to_owned(),
            "SignatureDoesNotMatch" if message.is_some_and(|m| m.contains("Signature expired") || m.contains("not yet current")) => "the clock of this machine differs from AWS's".to_owned(),
            _ => tidy(message.unwrap_or_default()),
        };
        Self { kind, code: code.to_owned(), message }
    }
}

fn kind_of(code: &str, status: u16) -> Kind {
    match code {
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "AuthFailure"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "RequestInTheFuture"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "InvalidAccessKeyId"
        | "OptInRequired"
        | "Blocked"
        | "PendingVerification" => Kind::Credentials,
        "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException" | "UnauthorizedAccess" | "NotAuthorized" | "AuthorizationError" | "Forbidden" => Kind::Denied,
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "EC2ThrottledException"
        | "SlowDown"
        | "BandwidthLimitExceeded"
        | "PriorRequestNotComplete"
        | "LimitExceededException" => Kind::Throttled,
        "UnknownOperation" | "UnknownOperationException" | "InvalidAction" | "UnsupportedOperation" | "UnsupportedOperationException" | "NotImplemented" | "UnknownParameter" => Kind::Unsupported,
        _ if status == 501 => Kind::Unsupported,
        _ => Kind::Service,
    }
}

/// AWS's message without what changes from run to run: the encoded blob of EC2, session names, request ids.
fn tidy(message: &str) -> String {
    let message = message.split("Encoded authorization failure message").next().unwrap_or(message);
    let message = message.split("(Service:").next().unwrap_or(message);
    let words = message.split_whitespace().filter(|w| !is_request_id(w)).map(without_session);
    let text = words.collect::<Vec<_>>().join(" ");
    let text = text.trim_end_matches("Request ID:").trim_end_matches("RequestId:").trim();
    text.to_owned()
}

/// Whether a word is a UUID, as request ids are.
fn is_request_id(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let parts: Vec<_> = word.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// `arn:aws:sts::…:assumed-role/name/session` without the session, which the SDK makes up of the time.
fn without_session(word: &str) -> String {
    match word.find(":assumed-role/").map(|at| word.split_at(at + ":assumed-role/".len())) {
        Some((before, rest)) => format!("{before}{}", rest.split('/').next().unwrap_or(rest)),
        None => word.to_owned(),
    }
}

/// The first error of type `T` in the chain.
fn cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(e) = next {
        if let Some(found) = e.downcast_ref::<T>() {
            return Some(found);
        }
        next = e.source();
    }
    None
}

/// The credentials error in a chain, if there is one.
pub(super) fn credentials_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    cause(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(code: &str, message: &str) -> CallError {
        CallError::of_service(Some(code), Some(message), 400)
    }

    #[test]
    fn encoded_blobs_and_sessions_do_not_reach_the_report() {
        let error = service(
            "UnauthorizedOperation",
            "You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/Audit/aws-sdk-rust-17000 is not authorized to perform: ec2:DescribeVpcs. Encoded authorization failure message: AbC_dEf",
        );
        assert_eq!(error.kind, Kind::Denied);
        assert_eq!(
            error.to_string(),
            "UnauthorizedOperation: You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/Audit is not authorized to perform: ec2:DescribeVpcs."
        );
    }

    #[test]
    fn request_ids_are_cut() {
        let error = service("AccessDeniedException", "no. Request ID: 0a1b2c3d-0000-4111-8222-333344445555");
        assert_eq!(error.message, "no.");
    }

    #[test]
    fn kinds_follow_the_code_however_it_is_spelled() {
        for (code, kind) in [
            ("ExpiredToken", Kind::Credentials),
            ("com.amazonaws.ecs#AccessDeniedException", Kind::Denied),
            ("UnknownOperationException", Kind::Unsupported),
            ("InvalidAction", Kind::Unsupported),
            ("RequestLimitExceeded", Kind::Throttled),
            ("ThrottlingException:http://internal.amazon.com/coral/", Kind::Throttled),
            ("NoSuchEntity", Kind::Service),
        ] {
            assert_eq!(service(code, "").kind, kind, "{code}");
        }
        assert_eq!(CallError::of_service(None, None, 501).kind, Kind::Unsupported);
        assert_eq!(CallError::of_service(None, None, 503).to_string(), "HTTP 503: without an error code of AWS");
    }

    #[test]
    fn a_wrong_clock_is_said_without_the_time() {
        let error = service("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z");
        assert_eq!((error.kind, error.message.as_str()), (Kind::Credentials, "the clock of this machine differs from AWS's"));
        let error = service("RequestExpired", "Request has expired.");
        assert!(error.kind == Kind::Credentials && error.message.starts_with("the credentials have expired"), "{error}");
    }
}
