//! Reports for tests: a realistic one, one in which everything passes, a hostile one, a large one.

use std::collections::BTreeSet;

use super::*;
use crate::finding::{Confidence, Evidence, Remediation, Resource, Severity, fingerprint};

const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-east-2";
const VPC: &str = "vpc-0a1b2c3d4e5f60718";

fn s(text: &str) -> String {
    text.to_owned()
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|t| s(t)).collect()
}

fn arn(kind: &str, tail: &str) -> String {
    let service = if matches!(kind, "service" | "task" | "container-instance" | "cluster" | "task-definition") { "ecs" } else { "ec2" };
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{kind}/{tail}")
}

fn placement(id: &str, kind: Kind, subnet: &str, group: &str, members: &[String]) -> PlacementLine {
    PlacementLine {
        id: s(id),
        kind,
        account: Some(s(ACCOUNT)),
        region: Some(s(REGION)),
        vpc: Some(s(VPC)),
        subnet: Some(s(subnet)),
        security_groups: strings(&[group]),
        members: members.to_vec(),
        member_count: members.len(),
    }
}

fn hop(hop: HopName, verdict: Tri, object: &str, detail: &str) -> HopLine {
    HopLine { hop, verdict, object: Some(s(object)), detail: Some(s(detail)) }
}

fn passing_hops(endpoint: &str) -> Vec<HopLine> {
    vec![
        hop(HopName::Endpoint, Tri::Pass, endpoint, "available"),
        hop(HopName::Dns, Tri::Pass, endpoint, "private DNS leads the name to the endpoint"),
        hop(HopName::SourceSg, Tri::Pass, "sg-0workload", "allows TCP 443 to 0.0.0.0/0"),
        hop(HopName::Route, Tri::Pass, "rtb-0main", "the VPC's local route"),
        hop(HopName::DestSg, Tri::Pass, "sg-0endpoint", "allows TCP 443 from sg-0workload"),
        hop(HopName::Policy, Tri::Pass, endpoint, "the default policy allows all"),
    ]
}

fn path(placement: &str, service: &str, because: &str, endpoint: &str) -> PathLine {
    PathLine {
        placement: s(placement),
        service: s(service),
        port: 443,
        because: strings(&[because]),
        way: if service == "s3" { Way::GatewayEndpoint } else { Way::InterfaceEndpoint },
        verdict: Tri::Pass,
        blocked_at: None,
        hops: passing_hops(endpoint),
    }
}

fn stopped(mut path: PathLine, at: HopName, object: &str, detail: &str) -> PathLine {
    path.verdict = Tri::Fail;
    path.blocked_at = Some(at);
    path.hops.retain(|h| h.hop != at);
    path.hops.push(hop(at, Tri::Fail, object, detail));
    path.hops.sort_by_key(|h| h.hop);
    path
}

fn finding(rule: &str, severity: Severity, resource: (&str, &str, &str, Option<&str>), discriminator: &str, words: (&str, &str)) -> Finding {
    let (kind, r#type, id, name) = resource;
    let resource = Resource {
        arn: Some(arn(kind, id)),
        r#type: Some(s(r#type)),
        id: Some(s(id)),
        name: name.map(s),
        account: Some(s(ACCOUNT)),
        region: Some(s(REGION)),
        vpc: (r#type.starts_with("AWS::EC2")).then(|| s(VPC)),
    };
    Finding {
        rule: s(rule),
        verdict: Verdict::Fail,
        severity,
        confidence: Confidence::High,
        fingerprint: fingerprint(rule, &resource, discriminator),
        resource,
        title: s(words.0),
        message: s(words.1),
        evidence: Vec::new(),
        affects: BTreeSet::new(),
        remediation: Remediation::default(),
        references: strings(&["https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html"]),
        status: None,
    }
}

fn evidence(source: &str, field: &str, value: &str, note: &str) -> Evidence {
    Evidence { source: s(source), field: Some(s(field)), value: Some(s(value)), note: Some(s(note)) }
}

fn complete(action: &str) -> CompletenessLine {
    CompletenessLine { account: Some(s(ACCOUNT)), region: Some(s(REGION)), action: s(action), state: State::Complete, error: None }
}

/// Sets what follows from the rest: the rules' verdicts, counts, order.
pub fn settle(report: &mut Report) {
    for line in &mut report.rules {
        if let Some(worst) = report.findings.iter().filter(|f| f.rule == line.id).map(|f| f.verdict).max() {
            line.verdict = worst;
        }
    }
    report.recount();
}

fn rule(id: &str, name: &str, verdict: Verdict, reason: &str) -> RuleLine {
    RuleLine { id: s(id), name: s(name), verdict, reason: s(reason), findings: 0 }
}

fn empty() -> Report {
    Report {
        schema: s(SCHEMA),
        tool: Tool { name: s("audit"), version: s("0.1.0") },
        assume: Vec::new(),
        scope: vec![Scope { partition: s("aws"), account: Some(s(ACCOUNT)), region: s(REGION), vpcs: strings(&[VPC]), source: SourceName::Live }],
        complete: true,
        summary: Summary::default(),
        rules: Vec::new(),
        findings: Vec::new(),
        suppressed: Vec::new(),
        placements: Vec::new(),
        paths: Vec::new(),
        topology: topology(),
        completeness: ["ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups", "ec2:DescribeVpcEndpoints", "ecs:DescribeServices", "ecs:DescribeTasks"].map(complete).to_vec(),
    }
}

fn topology() -> Topology {
    let subnet =
        |id: &str, az: &str, name: &str, cidr: &str, egress: Egress| TopologySubnet { id: s(id), vpc: s(VPC), az: Some(s(az)), name: Some(s(name)), cidr: Some(s(cidr)), egress: Some(egress) };
    let endpoint = |id: &str, service: &str, r#type: &str, subnets: &[&str]| TopologyEndpoint {
        id: s(id),
        vpc: Some(s(VPC)),
        service: Some(format!("com.amazonaws.{REGION}.{service}")),
        r#type: Some(s(r#type)),
        state: Some(s("available")),
        subnets: strings(subnets),
        security_groups: if r#type == "Gateway" { Vec::new() } else { strings(&["sg-0endpoint"]) },
    };
    Topology {
        vpcs: vec![TopologyVpc { id: s(VPC), name: Some(s("shop-prod")), cidrs: strings(&["10.20.0.0/16"]), owner: Some(s(ACCOUNT)), account: s(ACCOUNT), region: s(REGION) }],
        subnets: vec![
            subnet("subnet-0aaaaaaaaaaaaaaa1", "us-east-2a", "private-a", "10.20.0.0/20", Egress::Isolated),
            subnet("subnet-0aaaaaaaaaaaaaaa2", "us-east-2b", "private-b", "10.20.16.0/20", Egress::Isolated),
            subnet("subnet-0aaaaaaaaaaaaaaa3", "us-east-2a", "public-a", "10.20.240.0/24", Egress::Nat),
        ],
        endpoints: vec![
            endpoint("vpce-0agent", "ecs-agent", "Interface", &["subnet-0aaaaaaaaaaaaaaa1", "subnet-0aaaaaaaaaaaaaaa2"]),
            endpoint("vpce-0api", "ecr.api", "Interface", &["subnet-0aaaaaaaaaaaaaaa1"]),
            endpoint("vpce-0dkr", "ecr.dkr", "Interface", &["subnet-0aaaaaaaaaaaaaaa1"]),
            endpoint("vpce-0ecs", "ecs", "Interface", &["subnet-0aaaaaaaaaaaaaaa1", "subnet-0aaaaaaaaaaaaaaa2"]),
            endpoint("vpce-0s3", "s3", "Gateway", &[]),
            endpoint("vpce-0telemetry", "ecs-telemetry", "Interface", &["subnet-0aaaaaaaaaaaaaaa1", "subnet-0aaaaaaaaaaaaaaa2"]),
        ],
        gateways: vec![TopologyGateway { id: s("igw-0main"), r#type: Some(s("internet")), vpc: Some(s(VPC)) }, TopologyGateway { id: s("nat-0public"), r#type: Some(s("nat")), vpc: Some(s(VPC)) }],
    }
}

/// Two workloads that reach everything.
pub fn passing() -> Report {
    let mut report = empty();
    let web = [arn("task", "prod/0123456789abcdef0123456789abcdef")];
    let hosts = [arn("container-instance", "prod/aaaabbbbccccddddeeeeffff00001111")];
    report.placements = vec![
        placement("p-hosts-a", Kind::ContainerInstance, "subnet-0aaaaaaaaaaaaaaa1", "sg-0workload", &hosts),
        placement("p-web-a", Kind::FargateTask, "subnet-0aaaaaaaaaaaaaaa1", "sg-0workload", &web),
    ];
    for (service, endpoint) in [("ecs", "vpce-0ecs"), ("ecs-agent", "vpce-0agent"), ("ecs-telemetry", "vpce-0telemetry")] {
        report.paths.push(path("p-hosts-a", service, "container agent of cluster prod", endpoint));
    }
    for (service, endpoint) in [("ecr.api", "vpce-0api"), ("ecr.dkr", "vpce-0dkr"), ("s3", "vpce-0s3")] {
        report.paths.push(path("p-web-a", service, "web:3, container app, image 123456789012.dkr.ecr.us-east-2.amazonaws.com/web:1.4", endpoint));
    }
    report.rules = vec![rule("EP01", "ecs-endpoints-missing", Verdict::Pass, "all three are there"), rule("EP03", "ecs-endpoints-unused", Verdict::NotApplicable, "there are container instances")];
    settle(&mut report);
    report
}

/// A VPC with several real mistakes, some things unseen, and two suppressions.
pub fn report() -> Report {
    let mut report = passing();
    let web_b = [arn("task", "prod/11112222333344445555666677778888"), arn("task", "prod/99990000aaaabbbbccccddddeeeeffff")];
    report.placements.push(placement("p-web-b", Kind::FargateTask, "subnet-0aaaaaaaaaaaaaaa2", "sg-0workload", &web_b));
    report.placements.push(placement("p-worker", Kind::Service, "subnet-0aaaaaaaaaaaaaaa3", "sg-0workload", &[]));
    let why = "web:3, container app, image 123456789012.dkr.ecr.us-east-2.amazonaws.com/web:1.4";
    for (service, endpoint) in [("ecr.api", "vpce-0api"), ("ecr.dkr", "vpce-0dkr")] {
        report.paths.push(stopped(path("p-web-b", service, why, endpoint), HopName::DestSg, "sg-0endpoint", "no rule allows TCP 443 from 10.20.16.0/20"));
    }
    report.paths.push(path("p-web-b", "s3", why, "vpce-0s3"));
    for p in ["p-web-a", "p-web-b"] {
        let mut logs = stopped(path(p, "logs", "web:3, container app, logConfiguration", ""), HopName::Endpoint, VPC, "no endpoint of logs, and the subnet is isolated");
        logs.way = Way::None;
        logs.hops.truncate(1);
        report.paths.push(logs);
    }
    let mut net = path("p-worker", "ecr.api", "worker:12, container job, image 123456789012.dkr.ecr.us-east-2.amazonaws.com/worker:7", "vpce-0api");
    net.way = Way::Internet;
    net.hops = vec![
        hop(HopName::Dns, Tri::Pass, "", "the public address"),
        hop(HopName::SourceSg, Tri::Pass, "sg-0workload", "allows TCP 443 to 0.0.0.0/0"),
        hop(HopName::Route, Tri::Pass, "nat-0public", "0.0.0.0/0 to a NAT gateway that is available"),
    ];
    report.paths.push(net);
    let mut secret = path("p-worker", "secretsmanager", "worker:12, container job, secrets[0]", "");
    secret.way = Way::Unknown;
    secret.verdict = Tri::Unknown;
    secret.hops = vec![hop(HopName::Dns, Tri::Unknown, VPC, "route53:ListHostedZonesByVPC was not collected")];
    report.paths.push(secret);
    report.paths.sort_by(|a, b| (&a.placement, &a.service, a.port).cmp(&(&b.placement, &b.service, b.port)));

    let web = arn("service", "prod/web");
    let mut closed = finding(
        "NW01",
        Severity::Critical,
        ("security-group", "AWS::EC2::SecurityGroup", "sg-0endpoint", Some("endpoints")),
        "",
        (
            "Endpoint security group does not admit the workload",
            "Security group sg-0endpoint (endpoints) lets TCP 443 in from 10.20.0.0/20 alone. Tasks of web in 10.20.16.0/20 cannot reach ecr.api and ecr.dkr.",
        ),
    );
    closed.evidence = vec![evidence("ec2:DescribeSecurityGroups", "IpPermissions[0].IpRanges", "10.20.0.0/20", "the only range that TCP 443 is admitted from")];
    closed.affects = BTreeSet::from([web.clone(), web_b[0].clone(), web_b[1].clone()]);
    closed.remediation = Remediation {
        text: s("Admit TCP 443 from the workload's security group."),
        commands: strings(&["aws ec2 authorize-security-group-ingress --region us-east-2 --group-id sg-0endpoint --protocol tcp --port 443 --source-group sg-0workload"]),
        terraform: Some(s(
            "resource \"aws_vpc_security_group_ingress_rule\" \"endpoints_https\" {\n  security_group_id            = \"sg-0endpoint\"\n  referenced_security_group_id = \"sg-0workload\"\n  ip_protocol                  = \"tcp\"\n  from_port                    = 443\n  to_port                      = 443\n}\n",
        )),
        cloudformation: Some(s(
            "EndpointsHttps:\n  Type: AWS::EC2::SecurityGroupIngress\n  Properties:\n    GroupId: sg-0endpoint\n    SourceSecurityGroupId: sg-0workload\n    IpProtocol: tcp\n    FromPort: 443\n    ToPort: 443\n",
        )),
        proof: Some(s("verified")),
    };
    let mut logs = finding(
        "EP09",
        Severity::Critical,
        ("vpc", "AWS::EC2::VPC", VPC, Some("shop-prod")),
        "logs",
        (
            "No endpoint for CloudWatch Logs",
            "VPC vpc-0a1b2c3d4e5f60718 has no endpoint for logs, and the subnets of web have no other way. Fargate does not start a task whose log driver cannot start.",
        ),
    );
    logs.evidence = vec![evidence("ec2:DescribeVpcEndpoints", "ServiceName", "ecr.api, ecr.dkr, ecs, ecs-agent, ecs-telemetry, s3", "logs is not among them")];
    logs.affects = BTreeSet::from([web]);
    logs.remediation = Remediation {
        text: s("Create an interface endpoint for logs with private DNS in both subnets."),
        commands: strings(&[
            "aws ec2 create-vpc-endpoint --region us-east-2 --vpc-id vpc-0a1b2c3d4e5f60718 --vpc-endpoint-type Interface --service-name com.amazonaws.us-east-2.logs --subnet-ids subnet-0aaaaaaaaaaaaaaa1 subnet-0aaaaaaaaaaaaaaa2 --security-group-ids sg-0endpoint --private-dns-enabled",
        ]),
        proof: Some(s("verified")),
        ..Remediation::default()
    };
    let mut agent = finding(
        "AG01",
        Severity::High,
        ("cluster", "AWS::ECS::Cluster", "prod", Some("prod")),
        "",
        ("Agent too old for a feature in use", "One container instance of prod runs agent 1.24.0; PrivateLink needs 1.25.1."),
    );
    agent.evidence = vec![evidence("ecs:DescribeContainerInstances", "versionInfo.agentVersion", "1.24.0", "below 1.25.1")];
    agent.affects = BTreeSet::from([arn("container-instance", "prod/aaaabbbbccccddddeeeeffff00001111")]);
    agent.remediation.text = s("Update the agent, or replace the instance.");
    agent.remediation.commands = strings(&["aws ecs update-container-agent --region us-east-2 --cluster prod --container-instance aaaabbbbccccddddeeeeffff00001111"]);
    let mut low =
        finding("EP04", Severity::Low, ("vpc", "AWS::EC2::VPC", VPC, Some("shop-prod")), "ecr.api", ("No endpoint for the ECR API", "Tasks of worker reach ecr.api over NAT gateway nat-0public."));
    low.affects = BTreeSet::from([arn("service", "prod/worker")]);
    let mut unknown = finding(
        "DN05",
        Severity::High,
        ("vpc", "AWS::EC2::VPC", VPC, Some("shop-prod")),
        "unseen",
        ("Private hosted zones shadow the endpoint", "Could not be judged: not seen was route53:ListHostedZonesByVPC (AccessDenied: not authorized)."),
    );
    unknown.verdict = Verdict::Unknown;
    unknown.evidence = vec![Evidence { source: s("route53:ListHostedZonesByVPC"), field: Some(s("state")), value: Some(s("AccessDenied: not authorized")), note: None }];
    unknown.affects = BTreeSet::from([arn("service", "prod/worker")]);
    unknown.remediation.text = s("Let the audit read route53:ListHostedZonesByVPC and run it again.");
    report.findings = vec![closed, logs, agent, low, unknown];
    report.rules = vec![
        rule("AG01", "agent-too-old", Verdict::Fail, "1 instance is below 1.25.1"),
        rule("DN05", "zone-shadows-endpoint", Verdict::Unknown, "hosted zones were not seen"),
        rule("EP01", "ecs-endpoints-missing", Verdict::Pass, "all three are there"),
        rule("EP03", "ecs-endpoints-unused", Verdict::NotApplicable, "there are container instances"),
        rule("EP04", "ecr-api-endpoint-missing", Verdict::Fail, "over NAT"),
        rule("EP09", "logs-endpoint-missing", Verdict::Fail, "no endpoint"),
        rule("NW01", "endpoint-group-closed", Verdict::Fail, "sg-0endpoint"),
        rule("NW06", "default-route-dead", Verdict::Pass, "no dead route"),
    ];
    report.suppressed = vec![
        Suppressed { rule: s("HY01"), fingerprint: None, reason: Some(s("untagged on purpose")), owner: None, expires: None },
        Suppressed { rule: s("NW06"), fingerprint: Some(s("00112233445566778899aabbccddeeff")), reason: Some(s("being rebuilt")), owner: Some(s("network team")), expires: Some(s("2027-01-31")) },
    ];
    report.completeness.push(CompletenessLine {
        account: Some(s(ACCOUNT)),
        region: Some(s(REGION)),
        action: s("route53:ListHostedZonesByVPC"),
        state: State::Missing,
        error: Some(s("AccessDenied: not authorized")),
    });
    settle(&mut report);
    report
}

/// What an attacker may have written into names, tags, policies and error texts.
pub const PLANTED: &str = "\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>\"'&`$(id)`|**b**[x](javascript:alert(1))\r\n::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]>";

/// The realistic report with [`PLANTED`] in every text that comes from an account.
pub fn hostile() -> Report {
    let mut report = report();
    let bad = |t: &mut String| t.push_str(PLANTED);
    let maybe = |t: &mut Option<String>| t.get_or_insert_with(String::new).push_str(PLANTED);
    for f in &mut report.findings {
        for t in [&mut f.resource.arn, &mut f.resource.id, &mut f.resource.name, &mut f.remediation.terraform, &mut f.remediation.cloudformation, &mut f.remediation.proof] {
            maybe(t);
        }
        for t in [&mut f.title, &mut f.message, &mut f.remediation.text] {
            *t = format!("={PLANTED}{t}");
        }
        for e in &mut f.evidence {
            bad(&mut e.source);
            maybe(&mut e.field);
            maybe(&mut e.value);
            maybe(&mut e.note);
        }
        f.remediation.commands.iter_mut().for_each(bad);
        f.references.push(format!("javascript:alert(1){PLANTED}"));
        f.affects = f.affects.iter().map(|a| format!("{a}{PLANTED}")).collect();
    }
    for p in &mut report.placements {
        bad(&mut p.id);
        p.members.iter_mut().for_each(bad);
        p.security_groups.iter_mut().for_each(bad);
    }
    for p in &mut report.paths {
        bad(&mut p.placement);
        bad(&mut p.service);
        p.because.iter_mut().for_each(bad);
        for h in &mut p.hops {
            maybe(&mut h.object);
            maybe(&mut h.detail);
        }
    }
    for v in &mut report.topology.vpcs {
        maybe(&mut v.name);
    }
    for v in &mut report.topology.subnets {
        maybe(&mut v.name);
        maybe(&mut v.az);
    }
    for e in &mut report.topology.endpoints {
        maybe(&mut e.service);
        maybe(&mut e.state);
    }
    for c in &mut report.completeness {
        maybe(&mut c.error);
    }
    for x in &mut report.suppressed {
        maybe(&mut x.reason);
        maybe(&mut x.owner);
    }
    report
}

/// `workloads` workloads in three subnets, one in ten of them cut off, and as many findings of one rule.
pub fn large(workloads: usize) -> Report {
    let mut report = passing();
    report.placements.clear();
    report.paths.clear();
    for n in 0..workloads {
        let id = format!("p-{n:05}");
        let task = [arn("task", &format!("prod/{n:032x}"))];
        let subnet = ["subnet-0aaaaaaaaaaaaaaa1", "subnet-0aaaaaaaaaaaaaaa2", "subnet-0aaaaaaaaaaaaaaa3"][n % 3];
        report.placements.push(placement(&id, Kind::FargateTask, subnet, "sg-0workload", &task));
        let why = format!("service-{n:05}:1, container app, image 123456789012.dkr.ecr.us-east-2.amazonaws.com/app:1");
        for (service, endpoint) in [("ecr.api", "vpce-0api"), ("ecr.dkr", "vpce-0dkr"), ("s3", "vpce-0s3")] {
            let one = path(&id, service, &why, endpoint);
            report.paths.push(if n % 10 == 0 && service == "ecr.api" { stopped(one, HopName::DestSg, "sg-0endpoint", "no rule allows TCP 443") } else { one });
        }
        if n % 10 == 0 {
            let name = format!("prod/service-{n:05}");
            let mut f = finding("WL03", Severity::Critical, ("service", "AWS::ECS::Service", &name, None), "", ("No public address beside an internet gateway", "The tasks have no public address."));
            f.affects.insert(arn("service", &name));
            report.findings.push(f);
        }
    }
    report.rules.push(rule("WL03", "no-public-address", Verdict::Fail, ""));
    settle(&mut report);
    report
}
