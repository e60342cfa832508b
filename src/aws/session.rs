//! One account: configuration, credentials and the clients made of them.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_ec2::config::retry::{RetryPartition, TokenBucket};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::app_name::AppName;
use aws_types::os_shim_internal::{Env, Fs};

use super::error::credentials_error;
use super::http::Transport;
use super::limits::Limits;
use super::replay::{Answers, Replay};
use super::watch::{LeaveMalformed, Watch};

/// What the command line says about the way to AWS; the SDK's own chain gives the rest.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// `--region`, in order.
    pub regions: Vec<String>,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--endpoint-url`.
    pub endpoint_url: Option<String>,
    /// Recorded answers in the place of the network.
    pub answers: Option<Arc<dyn Answers>>,
}

/// Why no call can even be tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each is")]
pub enum SetupError {
    #[error("no AWS credentials found: run `aws configure`, or `aws sso login` and name its profile with --profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")]
    NoCredentials,
    #[error("the credentials of {whose} could not be loaded: {cause}. {way_out}")]
    Credentials { whose: String, cause: String, way_out: String },
    #[error(
        "profile `{profile}` asks for an MFA code ({serial}), which cannot be prompted for here: run `eval \"$(aws configure export-credentials --profile {profile} --format env)\"`, which asks for it, and then the audit without --profile"
    )]
    Mfa { profile: String, serial: String },
    #[error("profile `{name}` does not exist; {known}. `aws configure --profile {name}` makes it, --profile chooses another")]
    UnknownProfile { name: String, known: String },
    #[error("no region: name one with --region, or set AWS_REGION or the region of the profile (`aws configure`)")]
    NoRegion,
    #[error("`{0}` is no region: a name such as us-east-2 is expected after --region")]
    BadRegion(String),
    #[error("{origin}: `{url}` is no address of a service; one such as http://localhost:4566 or https://ec2.us-east-2.amazonaws.com is expected")]
    BadEndpoint { origin: String, url: String },
    #[error("{0}")]
    Configuration(String),
}

/// One account, ready to be asked.
#[derive(Debug)]
pub struct Session {
    sdk: SdkConfig,
    /// The regions to audit, without doubles.
    pub regions: Vec<String>,
    /// Rate limits, shared by all clients.
    pub limits: Limits,
    retries: RetryPartition,
    /// Whose credentials these are, for messages.
    pub whose: String,
    /// What to do if they are refused.
    pub way_out: String,
}

/// The clients of one region.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after its service")]
pub struct Clients {
    pub ec2: aws_sdk_ec2::Client,
    pub ecs: aws_sdk_ecs::Client,
    pub ecr: aws_sdk_ecr::Client,
    pub iam: aws_sdk_iam::Client,
    pub sts: aws_sdk_sts::Client,
    pub route53: aws_sdk_route53::Client,
    pub resolver: aws_sdk_route53resolver::Client,
    pub profiles: aws_sdk_route53profiles::Client,
    pub guardduty: aws_sdk_guardduty::Client,
    pub cloudtrail: aws_sdk_cloudtrail::Client,
}

impl Session {
    /// Reads configuration and loads credentials once, so that whatever is wrong with them is known before any call.
    ///
    /// # Errors
    /// Profile, region or credentials that cannot be used, each with the way out.
    pub async fn open(setup: &Setup) -> Result<Self, SetupError> {
        for region in &setup.regions {
            if region.is_empty() || !region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
                return Err(SetupError::BadRegion(region.clone()));
            }
        }
        if let Some((origin, url)) = endpoints(setup, std::env::vars()).into_iter().find(|(_, url)| !is_address(url)) {
            return Err(SetupError::BadEndpoint { origin, url });
        }
        let profiles = if setup.answers.is_some() { None } else { Some(profiles(setup).await?) };
        let profile = profiles.as_ref().map_or("", ProfileSet::selected_profile).to_owned();
        let http = match &setup.answers {
            Some(answers) => SharedHttpClient::new(Replay(Arc::clone(answers))),
            None => SharedHttpClient::new(Transport::new(ca_bundle(profiles.as_ref())).map_err(SetupError::Configuration)?),
        };
        let conf = ProviderConfig::without_region().with_http_client(http.clone());
        let metadata = imds::Client::builder().configure(&conf).max_attempts(1).connect_timeout(Duration::from_secs(1)).read_timeout(Duration::from_secs(1)).build();
        let regions = regions(setup, &conf, &profile, &metadata).await?;
        let region = regions.first().cloned().map(Region::new);

        let whose = whose(setup, &profile);
        let way_out = way_out(setup, profiles.as_ref());
        let provider = match &setup.answers {
            Some(_) => SharedCredentialsProvider::new(Credentials::new("recorded", "recorded", None, None, "recorded")),
            None => {
                let conf = conf.with_region(region.clone());
                let chain = match &setup.profile {
                    // A profile that was named wins over keys in the environment, as in the AWS CLI.
                    Some(name) => SharedCredentialsProvider::new(ProfileFileCredentialsProvider::builder().configure(&conf).profile_name(name).build()),
                    None => SharedCredentialsProvider::new(
                        DefaultCredentialsChain::builder().configure(conf).region(region.clone().unwrap_or_else(|| Region::from_static("us-east-1"))).imds_client(metadata).build().await,
                    ),
                };
                let first = chain.provide_credentials().await.map_err(|e| failure(&e, setup, profiles.as_ref(), &whose, &way_out))?;
                SharedCredentialsProvider::new(Primed { first, chain })
            }
        };
        let sdk = config(setup, http, region, provider).await;
        if let Some(url) = sdk.endpoint_url().filter(|url| !is_address(url)) {
            return Err(SetupError::BadEndpoint { origin: format!("endpoint_url of profile `{profile}`"), url: url.to_owned() });
        }
        let bucket = TokenBucket::builder().capacity(5000).build();
        Ok(Self { sdk, regions, limits: Limits::default(), retries: RetryPartition::custom("audit").token_bucket(bucket).build(), whose, way_out })
    }

    /// The clients of one region. Those of global services sign for the region's partition.
    #[must_use]
    pub fn clients(&self, region: &str) -> Clients {
        let sdk = self.sdk.to_builder().region(Region::new(region.to_owned())).build();
        macro_rules! client {
            ($service:ident) => {
                $service::Client::from_conf($service::config::Builder::from(&sdk).retry_partition(self.retries.clone()).retry_classifier(LeaveMalformed).interceptor(Watch).build())
            };
        }
        Clients {
            ec2: client!(aws_sdk_ec2),
            ecs: client!(aws_sdk_ecs),
            ecr: client!(aws_sdk_ecr),
            iam: client!(aws_sdk_iam),
            sts: client!(aws_sdk_sts),
            route53: client!(aws_sdk_route53),
            resolver: client!(aws_sdk_route53resolver),
            profiles: client!(aws_sdk_route53profiles),
            guardduty: client!(aws_sdk_guardduty),
            cloudtrail: client!(aws_sdk_cloudtrail),
        }
    }
}

/// The addresses that the command line and the environment name in place of AWS's own, with who names them. What the SDK does
/// not heed is left out: an empty variable, and all of them where there is a word to ignore them.
fn endpoints(setup: &Setup, environment: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    if setup.answers.is_some() {
        return Vec::new();
    }
    let variables: std::collections::BTreeMap<String, String> = environment.filter(|(name, _)| name.starts_with("AWS_")).collect();
    let ignored = variables.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(|v| v.eq_ignore_ascii_case("true"));
    let heeded = |name: &str, value: &str| !ignored && !value.is_empty() && (name.starts_with("AWS_ENDPOINT_URL_") || (name == "AWS_ENDPOINT_URL" && setup.endpoint_url.is_none()));
    let named = setup.endpoint_url.iter().map(|url| ("--endpoint-url".to_owned(), url.clone()));
    named.chain(variables.into_iter().filter(|(name, value)| heeded(name, value))).collect()
}

/// Whether a text is the address of an HTTP service: scheme, host, perhaps a port and a path.
fn is_address(url: &str) -> bool {
    let Some(rest) = ["http://", "https://"].iter().find_map(|scheme| url.get(..scheme.len()).filter(|s| s.eq_ignore_ascii_case(scheme)).and_then(|_| url.get(scheme.len()..))) else {
        return false;
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    // The colons of an IPv6 address stand in brackets.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let host_fits = bracketed.map_or_else(|| !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')), |v6| v6.parse::<std::net::Ipv6Addr>().is_ok());
    host_fits && port.is_none_or(|p| p.parse::<u16>().is_ok()) && rest.bytes().all(|b| b.is_ascii_graphic())
}

/// Retries in standard mode with more attempts than usual: an audit may wait, and half an answer is worth little.
async fn config(setup: &Setup, http: SharedHttpClient, region: Option<Region>, provider: SharedCredentialsProvider) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().connect_timeout(Duration::from_secs(3)).operation_attempt_timeout(Duration::from_secs(30)).operation_timeout(Duration::from_secs(120)).build();
    let mut loader: ConfigLoader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .region(region)
        .credentials_provider(provider)
        .retry_config(RetryConfig::standard().with_max_attempts(8).with_initial_backoff(Duration::from_millis(300)).with_max_backoff(Duration::from_secs(6)))
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().grace_period(Duration::from_secs(20)).build());
    if let Ok(name) = AppName::new("audit") {
        loader = loader.app_name(name);
    }
    if let Some(profile) = &setup.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &setup.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if setup.answers.is_some() {
        // Recorded answers stand for AWS itself, whatever emulator the environment names.
        loader = loader.endpoint_url("https://recorded.invalid");
    }
    loader.load().await
}

async fn profiles(setup: &Setup) -> Result<ProfileSet, SetupError> {
    let chosen = setup.profile.clone().map(Cow::Owned);
    let set = aws_config::profile::load(&Fs::real(), &Env::real(), &Default::default(), chosen)
        .await
        .map_err(|e| SetupError::Configuration(format!("the AWS configuration files cannot be read: {}", deepest(&e))))?;
    let named = setup.profile.is_some() || (std::env::var_os("AWS_PROFILE").is_some() && std::env::var_os("AWS_ACCESS_KEY_ID").is_none());
    let name = set.selected_profile();
    if named && set.get_profile(name).is_none() {
        let mut known: Vec<_> = set.profiles().collect();
        known.sort_unstable();
        let known = if known.is_empty() { "the configuration files name none".to_owned() } else { format!("the configuration files name {}", known.join(", ")) };
        return Err(SetupError::UnknownProfile { name: name.to_owned(), known });
    }
    Ok(set)
}

/// The CA bundle that the environment or the profile names, as the AWS CLI reads it.
fn ca_bundle(profiles: Option<&ProfileSet>) -> Option<PathBuf> {
    let named = std::env::var_os("AWS_CA_BUNDLE").filter(|v| !v.is_empty()).map(PathBuf::from);
    named.or_else(|| profiles.and_then(|p| p.get("ca_bundle")).map(PathBuf::from))
}

async fn regions(setup: &Setup, conf: &ProviderConfig, profile: &str, metadata: &imds::Client) -> Result<Vec<String>, SetupError> {
    let mut regions = setup.regions.clone();
    if regions.is_empty() {
        let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new());
        let chain = if profile.is_empty() { chain } else { chain.or_else(ProfileFileRegionProvider::builder().configure(conf).profile_name(profile).build()) };
        let chain = chain.or_else(imds::region::ImdsRegionProvider::builder().configure(conf).imds_client(metadata.clone()).build());
        regions.push(chain.region().await.ok_or(SetupError::NoRegion)?.to_string());
    }
    let mut seen = std::collections::BTreeSet::new();
    regions.retain(|r| seen.insert(r.clone()));
    Ok(regions)
}

/// Whose credentials are used, for messages.
fn whose(setup: &Setup, profile: &str) -> String {
    if setup.profile.is_none() && std::env::var_os("AWS_ACCESS_KEY_ID").is_some() { "the environment (AWS_ACCESS_KEY_ID)".to_owned() } else { format!("profile `{profile}`") }
}

/// What renews the credentials in use.
fn way_out(setup: &Setup, profiles: Option<&ProfileSet>) -> String {
    if setup.profile.is_none() && std::env::var_os("AWS_ACCESS_KEY_ID").is_some() {
        return "Renew the keys in the environment, or unset them and name a profile with --profile.".to_owned();
    }
    let Some(profiles) = profiles else { return String::new() };
    let name = profiles.selected_profile();
    let chain = source_chain(profiles, name);
    let has = |keys: &[&str]| chain.iter().filter_map(|p| profiles.get_profile(p)).any(|p| keys.iter().any(|k| p.get(k).is_some()));
    if has(&["sso_session", "sso_start_url"]) {
        format!("Run `aws sso login --profile {name}`.")
    } else if has(&["login_session"]) {
        format!("Run `aws login --profile {name}`.")
    } else {
        format!("Run `aws configure --profile {name}` or `aws sso login`, or name another profile with --profile.")
    }
}

/// A profile and those that it takes its credentials from.
fn source_chain<'a>(profiles: &'a ProfileSet, name: &'a str) -> Vec<&'a str> {
    let mut chain = vec![name];
    let mut at = name;
    while let Some(next) = profiles.get_profile(at).and_then(|p| p.get("source_profile")) {
        if chain.contains(&next) {
            break;
        }
        chain.push(next);
        at = next;
    }
    chain
}

fn failure(error: &CredentialsError, setup: &Setup, profiles: Option<&ProfileSet>, whose: &str, way_out: &str) -> SetupError {
    if let Some(profiles) = profiles {
        let name = profiles.selected_profile();
        let serial = source_chain(profiles, name).into_iter().filter_map(|p| profiles.get_profile(p)).find_map(|p| p.get("role_arn").and(p.get("mfa_serial")));
        if let Some(serial) = serial {
            return SetupError::Mfa { profile: name.to_owned(), serial: serial.to_owned() };
        }
    }
    // Nothing names credentials, and the last resort, the metadata of an instance, has none either.
    let elsewhere = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"].iter().any(|v| std::env::var_os(v).is_some());
    let keys = ["aws_access_key_id", "role_arn", "credential_process", "sso_session", "sso_start_url", "login_session", "web_identity_token_file"];
    let in_profile = profiles.is_some_and(|p| keys.iter().any(|key| p.get(key).is_some()));
    if setup.profile.is_none() && (matches!(error, CredentialsError::CredentialsNotLoaded(_)) || !(elsewhere || in_profile)) {
        return SetupError::NoCredentials;
    }
    SetupError::Credentials { whose: whose.to_owned(), cause: deepest(credentials_error(error).unwrap_or(error)), way_out: way_out.to_owned() }
}

/// The innermost message of an error, short.
fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut at = error;
    while let Some(next) = at.source() {
        at = next;
    }
    let text = at.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect::<String>().trim_end_matches('.').to_owned()
}

/// Credentials that were loaded once already, and the chain to renew them from.
#[derive(Debug)]
struct Primed {
    first: Credentials,
    chain: SharedCredentialsProvider,
}

impl ProvideCredentials for Primed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let soon = SystemTime::now() + Duration::from_secs(60);
        if self.first.expiry().is_none_or(|expiry| expiry > soon) { future::ProvideCredentials::ready(Ok(self.first.clone())) } else { self.chain.provide_credentials() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_services() {
        for good in ["http://localhost:4566", "https://ec2.us-east-2.amazonaws.com", "HTTP://127.0.0.1:80/", "http://[::1]:4566/x", "https://vpce-1-a.ec2.us-east-2.vpce.amazonaws.com"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "localhost:4566", "nonsense", "http://", "ftp://x", "http://a b", "http://x:99999", "http://x:port", "http://x/\n", "http://[::1", "https://ä.example", "http://x:"] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn only_addresses_that_the_sdk_heeds_are_looked_at() {
        let environment = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>().into_iter();
        let names = |setup: &Setup, pairs: &[(&str, &str)]| endpoints(setup, environment(pairs)).into_iter().map(|(origin, _)| origin).collect::<Vec<_>>();
        let all = [("AWS_ENDPOINT_URL", "a"), ("AWS_ENDPOINT_URL_EC2", "b"), ("AWS_ENDPOINT_URL_IAM", ""), ("HOME", "c")];
        assert_eq!(names(&Setup::default(), &all), ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2"]);
        let named = Setup { endpoint_url: Some("d".into()), ..Setup::default() };
        assert_eq!(names(&named, &all), ["--endpoint-url", "AWS_ENDPOINT_URL_EC2"], "the option goes before the general variable");
        assert_eq!(names(&Setup::default(), &[("AWS_ENDPOINT_URL", "a"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE")]), [""; 0]);
    }
}
