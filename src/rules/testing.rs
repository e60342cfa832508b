//! Small scenes for the tests of rules: one account, one region, one VPC, everything seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Rule, RuleResult, run};
use crate::actions::Action;
use crate::analysis::{Cause, Kind, Need, Options, Os, Owner, Path, Placement, Tri, View, Way};
use crate::finding::{Finding, Severity};
use crate::inventory::{Region, State, Status, Time};

/// The VPC of every scene.
pub const VPC: &str = "vpc-1";
/// The cluster of every scene.
pub const CLUSTER: &str = "arn:aws:ecs:us-east-2:111122223333:cluster/web";

/// Reads an object in the shape of the AWS CLI.
pub fn from<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the shape of the AWS CLI")
}

/// An instant.
pub fn time(text: &str) -> Time {
    Time::parse(text).expect("a time")
}

/// ARN of a container instance, a service or a task of the cluster.
pub fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:ecs:us-east-2:111122223333:{kind}/web/{name}")
}

/// Leaves what a rule proposes in the folder `AUDIT_KEEP_FIXES`, where it is set, one file a rule and thread, one finding a
/// line: `scripts/formats.sh` shows them to the AWS CLI's parser and others.
pub fn keep(result: &RuleResult) {
    let Some(folder) = std::env::var_os("AUDIT_KEEP_FIXES") else { return };
    let lines: String = result.findings.iter().map(|f| serde_json::to_string(&f.remediation).expect("JSON") + "\n").collect();
    let path = std::path::Path::new(&folder).join(format!("{}-{:?}.fixes", result.rule.id, std::thread::current().id()));
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("a folder");
    std::io::Write::write_all(&mut file, lines.as_bytes()).expect("a file");
}

/// A scene.
pub struct Scene {
    /// What was seen.
    pub region: Region,
    /// What was asked.
    pub options: Options,
    /// Where workloads run.
    pub placements: Vec<Placement>,
    /// Their paths.
    pub paths: Vec<Path>,
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

impl Scene {
    /// VPC, cluster, everything seen, taken at noon of 2026-01-10.
    pub fn new() -> Self {
        let mut region = Region { partition: "aws".into(), account: "111122223333".into(), region: "us-east-2".into(), taken_at: Some(time("2026-01-10T12:00:00Z")), ..Region::default() };
        for action in Action::ALL.iter().filter(|a| !matches!(a, Action::LookupEvents | Action::GetCallerIdentity)) {
            region.completeness.record(*action, Status::complete());
        }
        region.vpcs = vec![from(json!({"VpcId": VPC, "OwnerId": "111122223333", "CidrBlock": "10.0.0.0/16"}))];
        region.clusters = vec![from(json!({"clusterArn": CLUSTER, "clusterName": "web", "status": "ACTIVE"}))];
        Self { region, options: Options { vpcs: BTreeSet::from([VPC.to_owned()]), ..Options::default() }, placements: Vec::new(), paths: Vec::new() }
    }

    /// Makes an action denied.
    pub fn deny(&mut self, action: Action) -> &mut Self {
        self.region.completeness.0.insert(action, Status::of(State::Missing, "AccessDenied: not authorized"));
        self
    }

    /// Runs a rule, with the placements and paths of the scene in place of worked-out ones.
    pub fn run(&self, rule: &'static Rule) -> RuleResult {
        self.with(|view| run(rule, view))
    }

    /// Hands out the view of the scene.
    pub fn with<T>(&self, f: impl FnOnce(&View<'_>) -> T) -> T {
        let mut view = View::new(&self.region, &self.options);
        view.vpcs = self.options.vpcs.iter().cloned().collect();
        view.placements.clone_from(&self.placements);
        view.paths.clone_from(&self.paths);
        f(&view)
    }

    /// Adds an available interface endpoint of a service, `vpce-<service>`, made at `created`; more fields override these.
    pub fn endpoint(&mut self, service: &str, created: &str, more: Value) -> &mut Self {
        let mut all = json!({
            "VpcEndpointId": format!("vpce-{service}"), "VpcEndpointType": "Interface", "VpcId": VPC, "ServiceName": format!("com.amazonaws.us-east-2.{service}"), "State": "available",
            "PrivateDnsEnabled": true, "OwnerId": "111122223333", "CreationTimestamp": created, "NetworkInterfaceIds": [format!("eni-{service}")],
            "PolicyDocument": r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#
        });
        merge(&mut all, more);
        self.region.vpc_endpoints.push(from(all));
        self
    }

    /// Adds the three endpoints of the agent, made at these times (ecs-agent, ecs-telemetry, ecs).
    pub fn trio(&mut self, made: [&str; 3]) -> &mut Self {
        for (service, created) in super::agents::TRIO.iter().zip(made) {
            self.endpoint(service, created, json!({}));
        }
        self
    }

    /// Adds a container instance with its EC2 instance `i-<name>`, connected, registered and launched at `registered`.
    pub fn instance(&mut self, name: &str, registered: &str, more: Value) -> &mut Self {
        let mut all = json!({
            "containerInstanceArn": arn("container-instance", name), "clusterArn": CLUSTER, "ec2InstanceId": format!("i-{name}"), "status": "ACTIVE", "agentConnected": true, "registeredAt": registered,
            "versionInfo": {"agentVersion": "1.105.1"},
            "healthStatus": {"overallStatus": "OK", "details": [{"type": "CONTAINER_RUNTIME", "status": "OK", "lastUpdated": "2026-01-10T11:59:00Z"}]}
        });
        merge(&mut all, more);
        self.region.container_instances.push(from(all));
        self.region.instances.push(from(json!({"InstanceId": format!("i-{name}"), "VpcId": VPC, "SubnetId": "subnet-1", "State": {"Name": "running"}, "LaunchTime": registered})));
        self
    }

    /// Adds a placement with these members, each with a path of this verdict and way to these services.
    pub fn placement(&mut self, kind: Kind, members: &[&str], paths: &[(&str, Way, Tri)]) -> &mut Self {
        let workloads = Arc::new(members.iter().map(|m| (*m).to_owned()).collect::<BTreeSet<_>>());
        let needs = paths
            .iter()
            .map(|(service, _, _)| Need {
                service: (*service).to_owned(),
                region: None,
                hosts: BTreeSet::new(),
                port: 443,
                because: BTreeSet::from(["a test".to_owned()]),
                owners: BTreeSet::from([(Owner::Rule("EP01"), Severity::Critical)]),
                also: BTreeSet::new(),
                asks: BTreeSet::new(),
                workloads: Arc::clone(&workloads),
                units: Arc::clone(&workloads),
                definitions: BTreeMap::new(),
                unsure: BTreeSet::new(),
            })
            .collect();
        let index = self.placements.len();
        self.placements.push(Placement {
            id: format!("p{index}"),
            kind,
            vpc: Some(VPC.into()),
            subnet: Some("subnet-1".into()),
            security_groups: vec!["sg-1".into()],
            place_unseen: None,
            groups_unseen: None,
            members: members.iter().map(|m| (*m).to_owned()).collect(),
            addresses: BTreeSet::new(),
            public_ip: Some(false),
            os: Os::Linux,
            fargate: kind == Kind::FargateTask,
            needs,
            workloads,
        });
        for (need, (_, way, verdict)) in paths.iter().enumerate() {
            self.paths.push(Path { placement: index, need, way: *way, verdict: *verdict, blocked_at: None, hops: Vec::new(), causes: Vec::new(), passed: BTreeSet::new(), unjudged: BTreeSet::new() });
        }
        self
    }

    /// Gives every path to a service a cause.
    pub fn cause(&mut self, service: &str, rule: &'static str, verdict: Tri, severity: Severity, object: &str) -> &mut Self {
        for path in &mut self.paths {
            if self.placements[path.placement].needs[path.need].service == service {
                path.causes.push(Cause { rule, verdict, severity, object: object.into(), detail: "for a test".into(), evidence: Vec::new(), unseen: BTreeSet::new() });
            }
        }
        self
    }
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

/// The only finding of a result.
pub fn only(result: &RuleResult) -> &Finding {
    assert_eq!(result.findings.len(), 1, "{:#?}", result.findings);
    &result.findings[0]
}

/// What every failure owes to its reader: evidence, a remedy and a source from medium on; a resource with id, ARN and type.
pub fn assert_whole(result: &RuleResult) {
    for finding in &result.findings {
        assert!(!finding.message.is_empty() && finding.message.ends_with('.'), "{}", finding.message);
        if finding.verdict == crate::finding::Verdict::Fail {
            assert!(finding.resource.arn.is_some() && finding.resource.id.is_some() && finding.resource.r#type.is_some(), "{:?}", finding.resource);
            if finding.severity >= Severity::Medium {
                assert!(!finding.evidence.is_empty() && !finding.remediation.text.is_empty() && finding.references.iter().any(|r| r.starts_with("https://")), "{finding:#?}");
            }
        }
    }
}
