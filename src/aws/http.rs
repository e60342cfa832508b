//! The HTTP client: rustls with ring, proxies from the environment, an own CA bundle, and a memory of hosts that cannot be
//! connected to.
//!
//! The audit may itself run inside a private VPC, where some services have no way at all. Such a host fails fast: after two
//! attempts to connect every further call to it fails at once, for the rest of the run.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use aws_sdk_ec2::config::SharedAsyncSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// A host that cannot be connected to, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    /// Host and port of the service, as called.
    pub host: String,
    /// What the last attempt failed with.
    pub cause: String,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be reached: {}", self.host, self.cause)
    }
}

impl Error for Unreachable {}

/// The client that every SDK client shares.
#[derive(Debug)]
pub struct Transport {
    tls: TlsContext,
    connectors: RwLock<HashMap<Timeouts, SharedHttpConnector>>,
    hosts: Arc<Hosts>,
}

type Timeouts = (Option<Duration>, Option<Duration>);

impl Transport {
    /// A client that trusts the platform's roots, or instead of them the certificates of `ca_bundle`.
    ///
    /// # Errors
    /// A bundle that cannot be read or holds no certificate; names the file.
    pub fn new(ca_bundle: Option<PathBuf>) -> Result<Self, String> {
        let trust = match ca_bundle {
            None => TrustStore::default(),
            Some(path) => {
                let pem = std::fs::read(&path).map_err(|e| format!("the CA bundle {} cannot be read: {e}", path.display()))?;
                if !pem.windows(27).any(|w| w == b"-----BEGIN CERTIFICATE-----") {
                    return Err(format!("the CA bundle {} holds no PEM certificate", path.display()));
                }
                TrustStore::empty().with_pem_certificate(pem)
            }
        };
        let tls = TlsContext::builder().with_trust_store(trust).build().map_err(|e| e.to_string())?;
        Ok(Self { tls, connectors: RwLock::default(), hosts: Arc::default() })
    }
}

fn connector(tls: &TlsContext, settings: &HttpConnectorSettings, sleep: Option<SharedAsyncSleep>, proxy: ProxyConfig) -> Connector {
    let mut builder = Connector::builder().connector_settings(settings.clone()).pool_max_idle_per_host(64);
    builder.set_sleep_impl(sleep);
    builder.set_proxy_config(Some(proxy));
    builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls.clone()).build()
}

impl HttpClient for Transport {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let key = (settings.connect_timeout(), settings.read_timeout());
        if let Some(found) = self.connectors.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return found.clone();
        }
        let mut connectors = self.connectors.write().unwrap_or_else(PoisonError::into_inner);
        connectors
            .entry(key)
            .or_insert_with(|| {
                SharedHttpConnector::new(Guarded {
                    proxied: connector(&self.tls, settings, components.sleep_impl(), ProxyConfig::from_env()),
                    direct: OnceLock::new(),
                    make_direct: Box::new({
                        let (tls, settings, sleep) = (self.tls.clone(), settings.clone(), components.sleep_impl());
                        move || connector(&tls, &settings, sleep.clone(), ProxyConfig::disabled())
                    }),
                    hosts: Arc::clone(&self.hosts),
                })
            })
            .clone()
    }
}

/// The connector of one setting of timeouts. Instance and container credentials are link-local: never through a proxy.
struct Guarded {
    proxied: Connector,
    /// Made when first needed: each connector loads the trusted roots.
    direct: OnceLock<Connector>,
    make_direct: Box<dyn Fn() -> Connector + Send + Sync>,
    hosts: Arc<Hosts>,
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

impl HttpConnector for Guarded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let host = host_of(request.uri()).to_owned();
        if let Some(closed) = self.hosts.closed(&host) {
            return HttpConnectorFuture::ready(Err(ConnectorError::user(Box::new(closed))));
        }
        let link_local = host.starts_with("169.254.") || host.starts_with("[fd00:ec2::");
        let answer = if link_local { self.direct.get_or_init(&self.make_direct).call(request) } else { self.proxied.call(request) };
        let hosts = Arc::clone(&self.hosts);
        let began = Instant::now();
        HttpConnectorFuture::new(async move {
            match answer.await {
                Ok(response) => {
                    hosts.answered(&host);
                    Ok(response)
                }
                Err(error) => Err(match connect_failure(&error) {
                    Some(cause) => hosts.failed(&host, began, cause).map_or(error, |closed| ConnectorError::user(Box::new(closed))),
                    None => error,
                }),
            }
        })
    }
}

/// Which hosts failed to connect: the start of the first failed attempt since the last success, or for good.
#[derive(Debug, Default)]
struct Hosts(Mutex<HashMap<String, Health>>);

#[derive(Debug)]
enum Health {
    /// A connect failed at this time; the next attempt decides.
    Doubtful(Instant),
    /// Two attempts, one after the other, failed.
    Closed(String),
}

impl Hosts {
    fn closed(&self, host: &str) -> Option<Unreachable> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).get(host) {
            Some(Health::Closed(cause)) => Some(Unreachable { host: host.to_owned(), cause: cause.clone() }),
            _ => None,
        }
    }

    fn answered(&self, host: &str) {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.contains_key(host) {
            hosts.remove(host);
        }
    }

    /// Notes a failed connect that began at `began`. Calls that ran side by side count as one attempt, so that one lost
    /// moment does not close a host; one that began after a failure was noted is the second attempt.
    fn failed(&self, host: &str, began: Instant, cause: String) -> Option<Unreachable> {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match hosts.get(host) {
            None => {
                hosts.insert(host.to_owned(), Health::Doubtful(Instant::now()));
                None
            }
            Some(Health::Doubtful(noted)) if began < *noted => None,
            Some(Health::Doubtful(_)) => {
                hosts.insert(host.to_owned(), Health::Closed(cause.clone()));
                Some(Unreachable { host: host.to_owned(), cause })
            }
            Some(Health::Closed(_)) => Some(Unreachable { host: host.to_owned(), cause }),
        }
    }
}

/// Host and port of a URI.
fn host_of(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}

/// The cause, if the error is that no connection could be made (name, address, handshake), as people read it.
fn connect_failure(error: &ConnectorError) -> Option<String> {
    let mut connecting = false;
    let mut last = String::new();
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(e) = next {
        let text = e.to_string();
        connecting |= text.starts_with("client error (Connect)") || text.contains("connect timeout");
        last = text;
        next = e.source();
    }
    connecting.then(|| readable(&last))
}

/// The cause without the numbers of the operating system.
fn readable(cause: &str) -> String {
    let cause = cause.split(" (os error").next().unwrap_or(cause);
    if cause.contains("connect timeout") || cause.contains("timed out") {
        "no answer to the attempt to connect".to_owned()
    } else if cause.contains("certificate") {
        format!("{cause} (behind a proxy that opens TLS, set AWS_CA_BUNDLE)")
    } else {
        cause.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_apart_by_port() {
        assert_eq!(host_of("https://ec2.us-east-2.amazonaws.com/"), "ec2.us-east-2.amazonaws.com");
        assert_eq!(host_of("http://127.0.0.1:5000/?a=b"), "127.0.0.1:5000");
        assert_eq!(host_of("http://127.0.0.1:5000?a=b"), "127.0.0.1:5000");
    }

    #[test]
    fn two_attempts_one_after_the_other_close_a_host() {
        let hosts = Hosts::default();
        let early = Instant::now();
        assert_eq!(hosts.failed("h", early, "refused".into()), None, "the first failure may be a blip");
        assert_eq!(hosts.failed("h", early, "refused".into()), None, "a call beside it is the same blip");
        assert_eq!(hosts.closed("h"), None);
        let later = Instant::now() + Duration::from_millis(5);
        assert!(hosts.failed("h", later, "refused".into()).is_some(), "the retry failed too");
        assert_eq!(hosts.closed("h"), Some(Unreachable { host: "h".into(), cause: "refused".into() }));
        assert_eq!(hosts.closed("other"), None);
    }

    #[test]
    fn an_answer_between_forgives() {
        let hosts = Hosts::default();
        assert_eq!(hosts.failed("h", Instant::now(), "refused".into()), None);
        hosts.answered("h");
        assert_eq!(hosts.failed("h", Instant::now() + Duration::from_millis(5), "refused".into()), None);
    }

    #[test]
    fn a_bundle_that_is_none_names_the_file() {
        let error = Transport::new(Some(PathBuf::from("/nonexistent/ca.pem"))).unwrap_err();
        assert!(error.contains("/nonexistent/ca.pem"), "{error}");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "no certificate").unwrap();
        assert!(Transport::new(Some(file.path().to_owned())).unwrap_err().contains("holds no PEM certificate"));
    }
}
