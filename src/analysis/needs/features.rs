//! The rest: Service Connect (C14), FSx (C26), GuardDuty (C27), App Mesh (C35).

use super::{Detect, Hit, On, Row, Stands, Subject, Who, bucket_host, may, must};
use crate::analysis::Owner;
use crate::analysis::services;
use crate::finding::Severity;

/// The table.
pub static ROWS: &[Row<Detect>] = &[
    Row {
        capability: "C14",
        what: "Service Connect",
        service: "ecs-agent",
        owner: Owner::Rule("EP12"),
        severity: Severity::Critical,
        // On EC2 a relay on the instance fetches the proxies' configuration, whatever the network mode.
        stands: Stands::Instance,
        who: Who::Instance,
        actions: &[must("ecs:Poll", On::TaskSets)],
        detect: service_connect,
    },
    Row {
        capability: "C26",
        what: "FSx for Windows volume",
        service: "fsx",
        owner: Owner::Rule("EP13"),
        severity: Severity::High,
        stands: Stands::Instance,
        who: Who::Execution,
        actions: &[may("fsx:DescribeFileSystems", On::Star)],
        detect: fsx,
    },
    Row {
        capability: "C27",
        what: "GuardDuty Runtime Monitoring",
        service: "guardduty-data",
        owner: Owner::Rule("EP13"),
        // Newer agents have a link-local way too.
        severity: Severity::Medium,
        stands: Stands::Task,
        who: Who::Execution,
        actions: &[may("guardduty:SendSecurityTelemetry", On::Star)],
        detect: guard_duty,
    },
    Row {
        capability: "C27",
        what: "layers of GuardDuty's agent image",
        service: "s3",
        owner: Owner::Rule("EP06"),
        severity: Severity::Critical,
        stands: Stands::Task,
        who: Who::Aws,
        actions: &[must("s3:GetObject", On::It)],
        detect: guard_duty_layers,
    },
    Row {
        capability: "C35",
        what: "App Mesh",
        service: "appmesh-envoy-management",
        owner: Owner::Rule("EP13"),
        severity: Severity::High,
        stands: Stands::Task,
        who: Who::Task,
        actions: &[may("appmesh:StreamAggregatedResources", On::Star)],
        detect: app_mesh,
    },
];

fn service_connect(s: &Subject<'_>) -> Vec<Hit> {
    let hits = s.service_connect.map(|_| Hit::new(format!("{}, serviceConnectConfiguration", s.label()))).into_iter().collect();
    s.unless_old(hits)
}

fn fsx(s: &Subject<'_>) -> Vec<Hit> {
    s.definition
        .volumes
        .iter()
        .filter(|v| v.fsx_windows_file_server_volume_configuration.is_some())
        .map(|v| Hit::new(format!("{}, volume {}, fsxWindowsFileServerVolumeConfiguration", s.label(), v.name.as_deref().unwrap_or_default())))
        .collect()
}

/// On instances GuardDuty's agent is a process of the host, see [`super::agent`].
fn guard_duty(s: &Subject<'_>) -> Vec<Hit> {
    if !s.fargate() {
        return Vec::new();
    }
    s.unless_old(s.guard_duty.map(|why| Hit::new(format!("{}, {why}", s.label()))).into_iter().collect())
}

fn guard_duty_layers(s: &Subject<'_>) -> Vec<Hit> {
    let region = &s.inventory.region;
    let bucket = services::layer_bucket(region);
    guard_duty(s).into_iter().map(|hit| hit.on(format!("arn:{}:s3:::{bucket}/*", s.inventory.partition)).host(bucket_host(region, &bucket))).collect()
}

fn app_mesh(s: &Subject<'_>) -> Vec<Hit> {
    let proxy = s.definition.proxy_configuration.as_ref().filter(|p| p.r#type.as_deref().is_none_or(|t| t.eq_ignore_ascii_case("APPMESH")));
    proxy.map(|_| Hit::new(format!("{}, proxyConfiguration", s.label()))).into_iter().collect()
}
