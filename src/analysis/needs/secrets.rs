//! Secrets and parameters (C17, C18), environment files (C23), credential specs. KMS is not called for them (C19): Secrets
//! Manager and Parameter Store decrypt on their own side.

use super::{Arn, Detect, Hit, On, Row, Stands, Subject, Who, bucket_host, bucket_of, must};
use crate::analysis::Owner;
use crate::finding::Severity;

const fn row(capability: &'static str, what: &'static str, service: &'static str, owner: &'static str, who: Who, actions: &'static [super::Act], detect: Detect) -> Row<Detect> {
    Row { capability, what, service, owner: Owner::Rule(owner), severity: Severity::Critical, stands: Stands::Instance, who, actions, detect }
}

/// The table.
pub static ROWS: &[Row<Detect>] = &[
    row("C17", "secret of Secrets Manager", "secretsmanager", "EP07", Who::ExecutionOnly, &[must("secretsmanager:GetSecretValue", On::It)], secrets),
    row("C18", "parameter of Parameter Store", "ssm", "EP08", Who::ExecutionOnly, &[must("ssm:GetParameters", On::It)], parameters),
    row("C23", "environment file in S3", "s3", "EP06", Who::ExecutionOnly, &[must("s3:GetObject", On::It), must("s3:GetBucketLocation", On::Bucket)], environment_files),
    row("C23", "credential spec in S3", "s3", "EP06", Who::Execution, &[must("s3:GetObject", On::It)], credential_specs),
];

/// Everything that a task definition takes from Secrets Manager or Parameter Store: reason, and the reference. `plain` tells
/// what a reference that is no ARN is.
fn references(s: &Subject<'_>) -> Vec<(String, String, Plain)> {
    let mut out = Vec::new();
    for c in &s.definition.container_definitions {
        for (n, secret) in c.secrets.iter().enumerate() {
            out.extend(secret.value_from.clone().map(|v| (s.because(c, format_args!("secrets[{n}]")), v, Plain::Parameter)));
        }
        if let Some(log) = &c.log_configuration {
            for (n, secret) in log.secret_options.iter().enumerate() {
                out.extend(secret.value_from.clone().map(|v| (s.because(c, format_args!("logConfiguration secretOptions[{n}]")), v, Plain::Parameter)));
            }
        }
        if let Some(v) = c.repository_credentials.as_ref().and_then(|r| r.credentials_parameter.clone()) {
            out.push((s.because(c, "repositoryCredentials"), v, Plain::Secret));
        }
        for (n, spec) in c.credential_specs.iter().enumerate() {
            if let Some(v) = spec_reference(spec) {
                out.push((s.because(c, format_args!("credentialSpecs[{n}]")), v.to_owned(), Plain::Neither));
            }
        }
    }
    if let Some(log) = s.service_connect.and_then(|c| c.log_configuration.as_ref()) {
        for (n, secret) in log.secret_options.iter().enumerate() {
            out.extend(secret.value_from.clone().map(|v| (format!("{}, Service Connect, logConfiguration secretOptions[{n}]", s.label()), v, Plain::Parameter)));
        }
    }
    for volume in &s.definition.volumes {
        let fsx = volume.fsx_windows_file_server_volume_configuration.as_ref().and_then(|f| f.authorization_config.as_ref());
        if let Some(v) = fsx.and_then(|a| a.credentials_parameter.clone()) {
            out.push((format!("{}, volume {}, credentialsParameter", s.label(), volume.name.as_deref().unwrap_or_default()), v, Plain::Neither));
        }
    }
    out.retain(|(_, v, _)| !v.trim().is_empty());
    out
}

/// What a reference that is no ARN is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plain {
    Parameter,
    Secret,
    Neither,
}

/// What a credential spec refers to: `credentialspec:ARN` or `credentialspecdomainless:ARN`.
fn spec_reference(spec: &str) -> Option<&str> {
    spec.split_once(':').filter(|(kind, _)| kind.to_ascii_lowercase().starts_with("credentialspec")).map(|(_, reference)| reference)
}

fn secrets(s: &Subject<'_>) -> Vec<Hit> {
    let hits = references(s)
        .into_iter()
        .filter_map(|(because, value, plain)| match Arn::parse(&value) {
            Some(arn) if arn.service == "secretsmanager" => Some(Hit::new(because).in_region(Some(arn.region)).on(secret_arn(&value))),
            None if plain == Plain::Secret => Some(Hit::new(because).on(secret_arn(&s.arn("secretsmanager", format_args!("secret:{value}"))))),
            _ => None,
        })
        .collect();
    s.unless_old(hits)
}

/// The ARN of the secret itself: without JSON key and version, and with an open end where the random suffix is left out.
fn secret_arn(value: &str) -> String {
    let arn = value.splitn(8, ':').take(7).collect::<Vec<_>>().join(":");
    let whole = arn.rsplit_once('-').is_some_and(|(_, end)| end.len() == 6 && end.bytes().all(|b| b.is_ascii_alphanumeric()));
    if whole { arn } else { format!("{arn}-??????") }
}

fn parameters(s: &Subject<'_>) -> Vec<Hit> {
    let hits = references(s)
        .into_iter()
        .filter_map(|(because, value, plain)| match Arn::parse(&value) {
            Some(arn) if arn.service == "ssm" => Some(Hit::new(because).in_region(Some(arn.region)).on(value)),
            None if plain == Plain::Parameter => Some(Hit::new(because).on(s.arn("ssm", format_args!("parameter/{}", value.trim_start_matches('/'))))),
            _ => None,
        })
        .collect();
    s.unless_old(hits)
}

fn environment_files(s: &Subject<'_>) -> Vec<Hit> {
    s.definition
        .container_definitions
        .iter()
        .flat_map(|c| c.environment_files.iter().enumerate().map(move |(n, file)| (c, n, file)))
        .filter_map(|(c, n, file)| in_bucket(s, s.because(c, format_args!("environmentFiles[{n}]")), file.value.as_deref()?))
        .collect()
}

fn credential_specs(s: &Subject<'_>) -> Vec<Hit> {
    s.definition
        .container_definitions
        .iter()
        .flat_map(|c| c.credential_specs.iter().enumerate().map(move |(n, spec)| (c, n, spec)))
        .filter_map(|(c, n, spec)| in_bucket(s, s.because(c, format_args!("credentialSpecs[{n}]")), spec_reference(spec)?))
        .collect()
}

fn in_bucket(s: &Subject<'_>, because: String, arn: &str) -> Option<Hit> {
    let bucket = bucket_of(arn)?;
    Some(Hit::new(because).on(arn.to_owned()).host(bucket_host(&s.inventory.region, bucket)))
}
