//! ECS Exec (C20 to C22): the channel, the customer's key, and where sessions are logged.
//!
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html>.

use super::logs::{configurations, option};
use super::{Arn, Detect, Hit, On, Row, Stands, Subject, Who, bucket_host, must};
use crate::analysis::Owner;
use crate::finding::Severity;

const fn row(capability: &'static str, what: &'static str, service: &'static str, owner: &'static str, actions: &'static [super::Act], detect: Detect) -> Row<Detect> {
    Row { capability, what, service, owner: Owner::Rule(owner), severity: Severity::High, stands: Stands::Task, who: Who::Task, actions, detect }
}

/// The table.
pub static ROWS: &[Row<Detect>] = &[
    row(
        "C20",
        "ECS Exec",
        "ssmmessages",
        "EP10",
        &[
            must("ssmmessages:CreateControlChannel", On::Star),
            must("ssmmessages:CreateDataChannel", On::Star),
            must("ssmmessages:OpenControlChannel", On::Star),
            must("ssmmessages:OpenDataChannel", On::Star),
        ],
        channel,
    ),
    row("C21", "ECS Exec with a customer's key", "kms", "EP11", &[must("kms:Decrypt", On::It)], key),
    row(
        "C22",
        "ECS Exec logging to CloudWatch Logs",
        "logs",
        "EP09",
        &[must("logs:CreateLogStream", On::It), must("logs:DescribeLogGroups", On::Star), must("logs:DescribeLogStreams", On::It), must("logs:PutLogEvents", On::It)],
        to_logs,
    ),
    row("C22", "ECS Exec logging to S3", "s3", "EP06", &[must("s3:PutObject", On::It), must("s3:GetEncryptionConfiguration", On::Bucket), must("s3:GetBucketLocation", On::Bucket)], to_s3),
];

/// Hits while Exec is on; platform 1.3.0 and earlier has no Exec.
fn while_on(s: &Subject<'_>, hits: Vec<Hit>) -> Vec<Hit> {
    if s.exec { s.unless_old(hits) } else { Vec::new() }
}

fn channel(s: &Subject<'_>) -> Vec<Hit> {
    while_on(s, vec![Hit::new(format!("{}, enableExecuteCommand", s.label()))])
}

fn key(s: &Subject<'_>) -> Vec<Hit> {
    let Some(key) = s.exec_configuration.and_then(|c| c.kms_key_id.as_deref()).filter(|k| !k.is_empty()) else { return Vec::new() };
    let hit = Hit::new(format!("{}, enableExecuteCommand, kmsKeyId of cluster {}", s.label(), s.cluster));
    let hit = match Arn::parse(key) {
        Some(arn) if arn.resource.starts_with("key/") => hit.in_region(Some(arn.region)).on(key.to_owned()),
        // An alias does not tell the key that is asked for.
        Some(arn) => hit.in_region(Some(arn.region)).on(s.arn("kms", "key/*")),
        None if key.starts_with("alias/") => hit.on(s.arn("kms", "key/*")),
        None => hit.on(s.arn("kms", format_args!("key/{key}"))),
    };
    while_on(s, vec![hit])
}

fn is_override(s: &Subject<'_>) -> bool {
    s.exec_configuration.and_then(|c| c.logging.as_deref()).is_some_and(|l| l.eq_ignore_ascii_case("OVERRIDE"))
}

fn log_group(s: &Subject<'_>, region: Option<&str>, name: &str) -> String {
    let i = s.inventory;
    format!("arn:{}:logs:{}:{}:log-group:{name}:log-stream:*", i.partition, region.unwrap_or(&i.region), i.account)
}

fn to_logs(s: &Subject<'_>) -> Vec<Hit> {
    let Some(configuration) = s.exec_configuration else {
        // Without a configuration sessions are logged as the containers are.
        return while_on(s, default_logs(s));
    };
    let hits = match configuration.logging.as_deref() {
        Some(l) if l.eq_ignore_ascii_case("NONE") => Vec::new(),
        Some(_) if is_override(s) => configuration
            .log_configuration
            .as_ref()
            .and_then(|l| l.cloud_watch_log_group_name.as_deref())
            .filter(|g| !g.is_empty())
            .map(|g| Hit::new(format!("{}, enableExecuteCommand, cloudWatchLogGroupName of cluster {}", s.label(), s.cluster)).on(log_group(s, None, g)))
            .into_iter()
            .collect(),
        _ => default_logs(s),
    };
    while_on(s, hits)
}

fn default_logs(s: &Subject<'_>) -> Vec<Hit> {
    configurations(s, "awslogs")
        .into_iter()
        .map(|(_, because, log)| {
            let region = option(log, &["awslogs-region"]);
            Hit::new(format!("{because}, enableExecuteCommand")).in_region(region).on(log_group(s, region, option(log, &["awslogs-group"]).unwrap_or("*")))
        })
        .collect()
}

fn to_s3(s: &Subject<'_>) -> Vec<Hit> {
    let bucket = s.exec_configuration.filter(|_| is_override(s)).and_then(|c| c.log_configuration.as_ref()).and_then(|l| l.s3_bucket_name.as_deref()).filter(|b| !b.is_empty());
    let hits = bucket
        .map(|b| {
            Hit::new(format!("{}, enableExecuteCommand, s3BucketName of cluster {}", s.label(), s.cluster))
                .on(format!("arn:{}:s3:::{b}/*", s.inventory.partition))
                .host(bucket_host(&s.inventory.region, b))
        })
        .into_iter()
        .collect();
    while_on(s, hits)
}
