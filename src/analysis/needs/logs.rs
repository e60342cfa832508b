//! Log drivers (C12, C13): awslogs by its region and mode options, FireLens by its output plugin.

use super::{Detect, Hit, On, Row, Stands, Subject, Who, bucket_host, must};
use crate::analysis::Owner;
use crate::finding::Severity;
use crate::inventory::ecs;

/// The table.
pub static ROWS: &[Row<Detect>] = &[
    Row {
        capability: "C12",
        what: "awslogs driver",
        service: "logs",
        owner: Owner::Rule("EP09"),
        severity: Severity::High,
        stands: Stands::Instance,
        who: Who::Execution,
        actions: &[must("logs:CreateLogStream", On::It), must("logs:PutLogEvents", On::It)],
        detect: awslogs,
    },
    Row {
        capability: "C12",
        what: "awslogs driver that makes its log group",
        service: "logs",
        owner: Owner::Rule("EP09"),
        severity: Severity::High,
        stands: Stands::Instance,
        who: Who::Execution,
        actions: &[must("logs:CreateLogGroup", On::It)],
        detect: awslogs_group,
    },
    firelens("logs", Owner::Rule("EP13"), &[must("logs:CreateLogStream", On::It), must("logs:PutLogEvents", On::It)], to_logs),
    firelens("logs", Owner::Rule("EP13"), &[must("logs:CreateLogGroup", On::It)], to_logs_group),
    firelens("kinesis-firehose", Owner::Rule("EP13"), &[super::may("firehose:PutRecordBatch", On::It)], to_firehose),
    firelens("kinesis-streams", Owner::Rule("EP13"), &[super::may("kinesis:PutRecords", On::It)], to_streams),
    firelens("s3", Owner::Rule("EP13"), &[must("s3:PutObject", On::It)], to_s3),
    Row {
        capability: "C13",
        what: "FireLens configuration in S3",
        service: "s3",
        owner: Owner::Rule("EP06"),
        severity: Severity::Critical,
        stands: Stands::Instance,
        who: Who::Execution,
        actions: &[must("s3:GetObject", On::It), must("s3:GetBucketLocation", On::Bucket)],
        detect: firelens_configuration,
    },
];

const fn firelens(service: &'static str, owner: Owner, actions: &'static [super::Act], detect: Detect) -> Row<Detect> {
    Row { capability: "C13", what: "FireLens output", service, owner, severity: Severity::High, stands: Stands::Task, who: Who::Task, actions, detect }
}

/// Log configurations by driver, each with its container's name and reason. Service Connect's proxy has one of its own.
pub(super) fn configurations<'a>(s: &Subject<'a>, driver: &str) -> Vec<(&'a str, String, &'a ecs::LogConfiguration)> {
    let proxy = s.service_connect.and_then(|c| c.log_configuration.as_ref()).map(|l| ("service-connect", format!("{}, Service Connect, logConfiguration {driver}", s.label()), l));
    s.definition
        .container_definitions
        .iter()
        .filter_map(|c| {
            let log = c.log_configuration.as_ref()?;
            Some((c.name.as_deref().unwrap_or_default(), s.because(c, format_args!("logConfiguration {driver}")), log))
        })
        .chain(proxy)
        .filter(|(_, _, log)| log.log_driver.as_deref() == Some(driver))
        .collect()
}

pub(super) fn option<'a>(log: &'a ecs::LogConfiguration, names: &[&str]) -> Option<&'a str> {
    let options = log.options.as_ref()?;
    names.iter().find_map(|n| options.get(*n)).map(String::as_str).filter(|v| !v.trim().is_empty())
}

/// Log group ARN, with what may follow it.
fn group(s: &Subject<'_>, region: Option<&str>, name: Option<&str>, rest: &str) -> String {
    let i = s.inventory;
    format!("arn:{}:logs:{}:{}:log-group:{}:log-stream:{rest}", i.partition, region.unwrap_or(&i.region), i.account, name.unwrap_or("*"))
}

/// A failing driver keeps a Fargate task from starting, and blocks a container in mode `blocking`; else logs get lost.
fn severity(s: &Subject<'_>, log: &ecs::LogConfiguration) -> Severity {
    let blocking = match option(log, &["mode"]) {
        Some(mode) => mode.eq_ignore_ascii_case("blocking"),
        None => s.inventory.account_settings.iter().any(|x| x.name.as_deref() == Some("defaultLogDriverMode") && x.value.as_deref().is_some_and(|v| v.eq_ignore_ascii_case("blocking"))),
    };
    if s.fargate() || blocking { Severity::Critical } else { Severity::High }
}

/// Hostname of an endpoint option, which may be a URL.
fn host_of(endpoint: &str) -> Option<String> {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let host = rest.split(['/', ':']).next()?.trim();
    (!host.is_empty()).then(|| host.to_owned())
}

fn with_endpoint(hit: Hit, log: &ecs::LogConfiguration, names: &[&str]) -> Hit {
    match option(log, names).and_then(host_of) {
        Some(host) => hit.host(host),
        None => hit,
    }
}

fn awslogs_hit(s: &Subject<'_>, because: String, log: &ecs::LogConfiguration, stream: &str) -> Hit {
    let region = option(log, &["awslogs-region"]);
    let hit = Hit::new(because).in_region(region).severity(severity(s, log)).on(group(s, region, option(log, &["awslogs-group"]), stream));
    with_endpoint(hit, log, &["awslogs-endpoint"])
}

fn awslogs(s: &Subject<'_>) -> Vec<Hit> {
    configurations(s, "awslogs")
        .into_iter()
        .map(|(container, because, log)| {
            let stream = option(log, &["awslogs-stream-prefix"]).map_or("*".to_owned(), |prefix| format!("{prefix}/{container}/*"));
            awslogs_hit(s, because, log, &stream)
        })
        .collect()
}

fn awslogs_group(s: &Subject<'_>) -> Vec<Hit> {
    configurations(s, "awslogs")
        .into_iter()
        .filter(|(_, _, log)| option(log, &["awslogs-create-group"]).is_some_and(|v| v.eq_ignore_ascii_case("true")))
        .map(|(_, because, log)| awslogs_hit(s, format!("{because}, awslogs-create-group"), log, ""))
        .collect()
}

/// The output plugin of a FireLens log configuration: Fluent Bit's `Name`, Fluentd's `@type`.
pub(super) fn plugin(log: &ecs::LogConfiguration) -> Option<&str> {
    option(log, &["Name", "name", "@type"])
}

/// Plugins by what they send to.
const PLUGINS: &[(&str, &[&str])] =
    &[("logs", &["cloudwatch", "cloudwatch_logs"]), ("kinesis-firehose", &["firehose", "kinesis_firehose"]), ("kinesis-streams", &["kinesis", "kinesis_streams"]), ("s3", &["s3"])];

/// The service that an output plugin sends to, where it is one that endpoints serve.
pub(super) fn service_of(plugin: &str) -> Option<&'static str> {
    PLUGINS.iter().find(|(_, names)| names.iter().any(|n| plugin.eq_ignore_ascii_case(n))).map(|(service, _)| *service)
}

/// FireLens outputs to one service: reason, options, region option.
fn outputs<'a>(s: &Subject<'a>, service: &str) -> Vec<(String, &'a ecs::LogConfiguration, Option<&'a str>)> {
    configurations(s, "awsfirelens")
        .into_iter()
        .filter_map(|(_, because, log)| {
            let plugin = plugin(log)?;
            (service_of(plugin) == Some(service)).then(|| (format!("{because}, plugin {plugin}"), log, option(log, &["region"])))
        })
        .collect()
}

fn to_logs(s: &Subject<'_>) -> Vec<Hit> {
    outputs(s, "logs")
        .into_iter()
        .map(|(because, log, region)| with_endpoint(Hit::new(because).in_region(region).on(group(s, region, option(log, &["log_group_name"]), "*")), log, &["endpoint"]))
        .collect()
}

fn to_logs_group(s: &Subject<'_>) -> Vec<Hit> {
    outputs(s, "logs")
        .into_iter()
        .filter(|(_, log, _)| option(log, &["auto_create_group"]).is_some_and(|v| matches!(v.to_ascii_lowercase().as_str(), "true" | "on" | "yes")))
        .map(|(because, log, region)| with_endpoint(Hit::new(because).in_region(region).on(group(s, region, option(log, &["log_group_name"]), "")), log, &["endpoint"]))
        .collect()
}

fn to_named(s: &Subject<'_>, service: &str, arn: &str, resource: &str, names: &[&str]) -> Vec<Hit> {
    let i = s.inventory;
    outputs(s, service)
        .into_iter()
        .map(|(because, log, region)| {
            let on = format!("arn:{}:{arn}:{}:{}:{resource}/{}", i.partition, region.unwrap_or(&i.region), i.account, option(log, names).unwrap_or("*"));
            with_endpoint(Hit::new(because).in_region(region).on(on), log, &["endpoint"])
        })
        .collect()
}

fn to_firehose(s: &Subject<'_>) -> Vec<Hit> {
    to_named(s, "kinesis-firehose", "firehose", "deliverystream", &["delivery_stream"])
}

fn to_streams(s: &Subject<'_>) -> Vec<Hit> {
    to_named(s, "kinesis-streams", "kinesis", "stream", &["stream"])
}

fn to_s3(s: &Subject<'_>) -> Vec<Hit> {
    outputs(s, "s3")
        .into_iter()
        .map(|(because, log, region)| {
            let bucket = option(log, &["bucket"]).unwrap_or("*");
            let hit = Hit::new(because).in_region(region).on(format!("arn:{}:s3:::{bucket}/*", s.inventory.partition)).host(bucket_host(region.unwrap_or(&s.inventory.region), bucket));
            with_endpoint(hit, log, &["endpoint"])
        })
        .collect()
}

fn firelens_configuration(s: &Subject<'_>) -> Vec<Hit> {
    s.definition
        .container_definitions
        .iter()
        .filter_map(|c| {
            let options = c.firelens_configuration.as_ref()?.options.as_ref()?;
            let value = options.get("config-file-value").filter(|_| options.get("config-file-type").map(String::as_str) == Some("s3"))?;
            let bucket = super::bucket_of(value)?;
            Some(Hit::new(s.because(c, "firelensConfiguration config-file-value")).on(value.clone()).host(bucket_host(&s.inventory.region, bucket)))
        })
        .collect()
}
