//! The collectors over answers in the place of the network: everything above the socket is the live code.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use super::{CollectError, Request, collect};
use crate::actions::Action;
use crate::aws::replay::{Answers, Asked, Reply};
use crate::inventory::{Answer, Inventory, Region, State, Time};

const REGION: &str = "us-east-2";
const CLUSTER: &str = "arn:aws:ecs:us-east-2:111122223333:cluster/web";

/// What answers one operation, given what was asked.
type Script = Box<dyn Fn(&Asked) -> Option<(u16, String)> + Send + Sync>;

/// An account with nothing in it, but for what a test scripts.
#[derive(Default)]
struct Fake {
    scripts: BTreeMap<&'static str, Script>,
    asked: Mutex<Vec<Asked>>,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    fn on(mut self, operation: &'static str, script: impl Fn(&Asked) -> Option<(u16, String)> + Send + Sync + 'static) -> Self {
        self.scripts.insert(operation, Box::new(script));
        self
    }

    fn says(self, operation: &'static str, body: impl Into<String>) -> Self {
        let body = body.into();
        self.on(operation, move |_| Some((200, body.clone())))
    }

    /// A cluster of the counts, with one service and its task definition.
    fn with_service() -> Self {
        Self::default()
            .says("ListClusters", json(&format!(r#""clusterArns":["{CLUSTER}"]"#)))
            .says("DescribeClusters", json(&format!(r#""clusters":[{{"clusterArn":"{CLUSTER}","clusterName":"web","status":"ACTIVE","activeServicesCount":1}}],"failures":[]"#)))
            .says("ListServices", json(r#""serviceArns":["arn:aws:ecs:us-east-2:111122223333:service/web/a"]"#))
            .says(
                "DescribeServices",
                json(
                    r#""services":[{"serviceArn":"arn:aws:ecs:us-east-2:111122223333:service/web/a","status":"ACTIVE","taskDefinition":"arn:aws:ecs:us-east-2:111122223333:task-definition/a:1"}],"failures":[]"#,
                ),
            )
            .says("DescribeTaskDefinition", json(r#""taskDefinition":{"taskDefinitionArn":"arn:aws:ecs:us-east-2:111122223333:task-definition/a:1","taskRoleArn":"arn:aws:iam::111122223333:role/app"}"#))
    }

    fn run(self) -> Run {
        self.run_with(Request { regions: vec![REGION.to_owned()], ..Request::default() })
    }

    fn run_with(self, request: Request) -> Run {
        let fake = Arc::new(self);
        let request = Request { answers: Some(Arc::clone(&fake) as Arc<dyn Answers>), ..request };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let clock = || Time::parse("2026-01-31T12:00:00Z").unwrap();
        let result = runtime.block_on(collect(request, Arc::new(()), clock));
        Run { result, asked: fake.asked.lock().unwrap().clone() }
    }
}

struct Run {
    result: Result<Inventory, CollectError>,
    asked: Vec<Asked>,
}

impl Run {
    fn region(&self) -> &Region {
        &self.result.as_ref().unwrap().regions[0]
    }

    fn state(&self, action: Action) -> State {
        self.region().completeness.state(action)
    }

    fn why(&self, action: Action) -> String {
        self.region().completeness.why(action)
    }

    fn calls(&self, operation: &str) -> Vec<&Asked> {
        self.asked.iter().filter(|a| name(a) == operation).collect()
    }
}

impl Answers for Fake {
    fn answer(&self, asked: &Asked) -> Option<Reply> {
        self.asked.lock().unwrap().push(asked.clone());
        let operation = name(asked);
        let scripted = self.scripts.get(operation.as_str()).map(|script| script(asked));
        let (status, body) = scripted.unwrap_or_else(|| Some(nothing(&operation)))?;
        Some(Reply { status, body: body.into_bytes() })
    }
}

/// The operation, also of REST services.
fn name(asked: &Asked) -> String {
    let rest = [
        ("GET /2013-04-01/hostedzonesbyvpc", "ListHostedZonesByVPC"),
        ("GET /2013-04-01/hostedzone/", "ListResourceRecordSets"),
        ("GET /profileassociations", "ListProfileAssociations"),
        ("GET /detector/", "GetDetector"),
        ("GET /detector", "ListDetectors"),
    ];
    rest.iter().find(|(path, _)| asked.operation.starts_with(path)).map_or_else(|| asked.operation.clone(), |(_, name)| (*name).to_owned())
}

fn json(members: &str) -> String {
    format!("{{{members}}}")
}

fn ec2(operation: &str, members: &str) -> String {
    format!("<{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>{members}</{operation}Response>")
}

fn iam(operation: &str, members: &str) -> String {
    format!(
        "<{operation}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><{operation}Result>{members}</{operation}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{operation}Response>"
    )
}

fn denied_ec2() -> (u16, String) {
    let message = "You are not authorized. Encoded authorization failure message: SECRETBLOB";
    (403, format!("<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>{message}</Message></Error></Errors><RequestID>r</RequestID></Response>"))
}

fn denied_json() -> (u16, String) {
    (400, r#"{"__type":"AccessDeniedException","message":"no"}"#.to_owned())
}

/// What AWS answers where there is nothing of the kind.
fn nothing(operation: &str) -> (u16, String) {
    let sets = [
        ("DescribeVpcs", "<vpcSet/>"),
        ("DescribeDhcpOptions", "<dhcpOptionsSet/>"),
        ("DescribeSubnets", "<subnetSet/>"),
        ("DescribeRouteTables", "<routeTableSet/>"),
        ("DescribeNetworkAcls", "<networkAclSet/>"),
        ("DescribeSecurityGroups", "<securityGroupInfo/>"),
        ("DescribeSecurityGroupVpcAssociations", "<securityGroupVpcAssociationSet/>"),
        ("DescribeVpcEndpoints", "<vpcEndpointSet/>"),
        ("DescribeVpcEndpointServices", "<serviceNameSet/><serviceDetailSet/>"),
        ("DescribeNetworkInterfaces", "<networkInterfaceSet/>"),
        ("DescribeInstances", "<reservationSet/>"),
        ("DescribeNatGateways", "<natGatewaySet/>"),
        ("DescribeInternetGateways", "<internetGatewaySet/>"),
        ("DescribeEgressOnlyInternetGateways", "<egressOnlyInternetGatewaySet/>"),
        ("DescribeManagedPrefixLists", "<prefixListSet/>"),
        ("DescribePrefixLists", "<prefixListSet/>"),
        ("GetManagedPrefixListEntries", "<entrySet/>"),
        ("DescribeVpcPeeringConnections", "<vpcPeeringConnectionSet/>"),
        ("DescribeTransitGatewayVpcAttachments", "<transitGatewayVpcAttachments/>"),
        ("DescribeTransitGatewayAttachments", "<transitGatewayAttachments/>"),
        ("DescribeVpcBlockPublicAccessOptions", "<vpcBlockPublicAccessOptions><internetGatewayBlockMode>off</internetGatewayBlockMode></vpcBlockPublicAccessOptions>"),
        ("DescribeVpcBlockPublicAccessExclusions", "<vpcBlockPublicAccessExclusionSet/>"),
        ("DescribeVpcAttribute", ""),
    ];
    if let Some((_, set)) = sets.iter().find(|(name, _)| *name == operation) {
        return (200, ec2(operation, set));
    }
    let members = match operation {
        "ListClusters" => r#""clusterArns":[]"#,
        "DescribeClusters" => r#""clusters":[],"failures":[]"#,
        "ListServices" => r#""serviceArns":[]"#,
        "ListTasks" => r#""taskArns":[]"#,
        "ListContainerInstances" => r#""containerInstanceArns":[]"#,
        "DescribeContainerInstances" => r#""containerInstances":[],"failures":[]"#,
        "DescribeTasks" => r#""tasks":[],"failures":[]"#,
        "DescribeServices" => r#""services":[],"failures":[]"#,
        "DescribeCapacityProviders" => r#""capacityProviders":[],"failures":[]"#,
        "ListAccountSettings" => r#""settings":[{"name":"awsvpcTrunking","value":"disabled","principalArn":"arn:aws:iam::111122223333:root"}]"#,
        "ListResolverRules" => r#""ResolverRules":[]"#,
        "ListResolverRuleAssociations" => r#""ResolverRuleAssociations":[]"#,
        "ListResolverEndpoints" => r#""ResolverEndpoints":[]"#,
        "ListFirewallRuleGroupAssociations" => r#""FirewallRuleGroupAssociations":[]"#,
        "ListProfileAssociations" => r#""ProfileAssociations":[]"#,
        "DescribePullThroughCacheRules" => r#""pullThroughCacheRules":[]"#,
        "ListDetectors" => r#""detectorIds":[]"#,
        "ListHostedZonesByVPC" => {
            return (
                200,
                "<ListHostedZonesByVPCResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><HostedZoneSummaries/><MaxItems>100</MaxItems></ListHostedZonesByVPCResponse>".to_owned(),
            );
        }
        "GetRole" => {
            return (
                200,
                iam(operation, "<Role><Path>/</Path><RoleName>app</RoleName><RoleId>A</RoleId><Arn>arn:aws:iam::111122223333:role/app</Arn><CreateDate>2024-01-01T00:00:00Z</CreateDate></Role>"),
            );
        }
        "ListAttachedRolePolicies" => return (200, iam(operation, "<AttachedPolicies/><IsTruncated>false</IsTruncated>")),
        "ListRolePolicies" => return (200, iam(operation, "<PolicyNames/><IsTruncated>false</IsTruncated>")),
        _ => return (400, r#"{"__type":"UnknownOperationException"}"#.to_owned()),
    };
    (200, json(members))
}

#[test]
fn an_empty_account_is_complete_and_read_only() {
    let run = Fake::default().run();
    let region = run.region();
    assert_eq!((region.account.as_str(), region.partition.as_str()), ("111122223333", "aws"));
    for (action, status) in &region.completeness.0 {
        assert_eq!(status.state, State::Complete, "{action}: {:?}", status.error);
    }
    assert!(run.calls("GetCallerIdentity").is_empty(), "the settings told the account");
    let known: BTreeSet<&str> = Action::ALL.iter().filter_map(|a| a.name().split(':').nth(1)).collect();
    for asked in &run.asked {
        assert!(known.contains(name(asked).as_str()), "{} is not in the table of actions", asked.operation);
    }
}

#[test]
fn pages_and_batches_are_as_large_as_aws_allows_and_no_larger() {
    let arns = |kind: &str, n: usize| (0..n).map(|i| format!("\"arn:aws:ecs:us-east-2:111122223333:{kind}/web/{i}\"")).collect::<Vec<_>>().join(",");
    let run = Fake::with_service()
        .says("ListServices", json(&format!("\"serviceArns\":[{}]", arns("service", 23))))
        .says("ListTasks", json(&format!("\"taskArns\":[{}]", arns("task", 70))))
        .says("ListContainerInstances", json(&format!("\"containerInstanceArns\":[{}]", arns("container-instance", 100))))
        .run();
    let asks = |operation: &str, text: &str| {
        let calls = run.calls(operation);
        assert!(!calls.is_empty() && calls.iter().all(|c| c.body.contains(text)), "{operation} without {text}: {:?}", calls.first().map(|c| &c.body));
    };
    for (operation, size) in
        [("DescribeVpcs", 1000), ("DescribeSubnets", 1000), ("DescribeRouteTables", 100), ("DescribeEgressOnlyInternetGateways", 255), ("DescribeManagedPrefixLists", 100), ("DescribeInstances", 1000)]
    {
        asks(operation, &format!("MaxResults={size}"));
    }
    asks("DescribeInstances", "IncludeManagedResources=true");
    asks("DescribeNetworkInterfaces", "IncludeManagedResources=true");
    asks("ListServices", r#""maxResults":100"#);
    asks("DescribeCapacityProviders", r#""maxResults":10"#);
    asks("ListAccountSettings", r#""effectiveSettings":true"#);
    asks("DescribeClusters", r#""include":["SETTINGS","CONFIGURATIONS","TAGS"]"#);
    asks("DescribeContainerInstances", r#""CONTAINER_INSTANCE_HEALTH""#);
    assert_eq!(run.calls("DescribeServices").len(), 3, "10, 10 and 3 services");
    assert_eq!(run.calls("DescribeTasks").len(), 2, "70 running and 70 stopped ones: 100 and 40");
    assert_eq!(run.calls("DescribeContainerInstances").len(), 1);
}

#[test]
fn pages_of_one_give_the_same_as_one_page() {
    let subnets = ["subnet-a", "subnet-b", "subnet-c"];
    let item = |id: &str| format!("<item><subnetId>{id}</subnetId><vpcId>vpc-1</vpcId></item>");
    let whole: String = subnets.iter().map(|s| item(s)).collect();
    let one_page = Fake::default().says("DescribeSubnets", ec2("DescribeSubnets", &format!("<subnetSet>{whole}</subnetSet>"))).run();
    let paged = Fake::default()
        .on("DescribeSubnets", move |asked| {
            let at: usize = asked.parameter("NextToken").map_or(0, |t| t.parse().unwrap());
            let next = if at + 1 < subnets.len() { format!("<nextToken>{}</nextToken>", at + 1) } else { "<nextToken></nextToken>".to_owned() };
            Some((200, ec2("DescribeSubnets", &format!("<subnetSet>{}</subnetSet>{next}", item(subnets[at])))))
        })
        .run();
    assert_eq!(one_page.region().subnets.len(), 3);
    assert_eq!(paged.region(), one_page.region());
    assert_eq!(paged.calls("DescribeSubnets").len(), 3);
}

#[test]
fn a_later_page_that_fails_keeps_the_earlier_ones() {
    let run = Fake::default()
        .on("DescribeSubnets", |asked| {
            Some(match asked.parameter("NextToken") {
                None => (200, ec2("DescribeSubnets", "<subnetSet><item><subnetId>subnet-a</subnetId><vpcId>vpc-1</vpcId></item></subnetSet><nextToken>2</nextToken>")),
                Some(_) => denied_ec2(),
            })
        })
        .run();
    assert_eq!(run.region().subnets.len(), 1);
    assert_eq!(run.state(Action::DescribeSubnets), State::Partial);
    assert_eq!(run.why(Action::DescribeSubnets), "UnauthorizedOperation: You are not authorized.", "without the encoded blob");
}

#[test]
fn a_token_that_leads_to_itself_ends() {
    let run = Fake::default().says("ListClusters", json(r#""clusterArns":[],"nextToken":"again""#)).run();
    assert_eq!(run.state(Action::ListClusters), State::Partial);
    assert!(run.calls("ListClusters").len() < 5);
}

#[test]
fn every_action_denied_in_turn_is_missing_and_named() {
    let operations: BTreeSet<String> = Fake::with_service().run().asked.iter().map(name).collect();
    assert!(operations.len() > 35, "{operations:?}");
    for operation in operations {
        let action = *Action::ALL.iter().find(|a| a.name().split(':').nth(1) == Some(operation.as_str())).unwrap();
        let xml = ["ec2", "iam", "route53"].contains(&action.name().split(':').next().unwrap());
        let mut fake = Fake::with_service();
        fake.scripts.insert(
            Box::leak(operation.clone().into_boxed_str()),
            Box::new(move |asked| {
                let rest = asked.service == "route53" || asked.service == "iam";
                let error = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
                Some(if rest {
                    (403, error.to_owned())
                } else if xml {
                    denied_ec2()
                } else {
                    denied_json()
                })
            }),
        );
        let run = fake.run();
        assert_eq!(run.state(action), State::Missing, "{action}");
        assert!(run.why(action).contains("AccessDenied") || run.why(action).contains("UnauthorizedOperation"), "{action}: {}", run.why(action));
        for (other, status) in &run.region().completeness.0 {
            // What the denied one would have named is not complete either, and says so.
            assert!(*other == action || status.state == State::Complete || status.error.as_deref().is_some_and(|e| e.contains(action.name())), "{action} denied: {other} {status:?}");
        }
    }
}

#[test]
fn an_answer_without_its_result_is_none() {
    let bodies = [
        ("DescribeVpcs", Action::DescribeVpcs, ec2("DescribeVpcs", "")),
        ("DescribeVpcEndpoints", Action::DescribeVpcEndpoints, "<Other/>".to_owned()),
        (
            "DescribeSubnets",
            Action::DescribeSubnets,
            ec2("DescribeSubnets", "<subnetSet><item><subnetId>subnet-a</subnetId><vpcId>vpc-1</vpcId></item></subnetSet>").replace("</DescribeSubnetsResponse>", ""),
        ),
        ("ListClusters", Action::ListClusters, "{}".to_owned()),
        ("DescribePullThroughCacheRules", Action::DescribePullThroughCacheRules, String::new()),
        ("ListDetectors", Action::ListDetectors, "{}".to_owned()),
        ("ListResolverRules", Action::ListResolverRules, "[]".to_owned()),
    ];
    let mut fake = Fake::default();
    for (operation, _, body) in &bodies {
        fake = fake.says(operation, body.clone());
    }
    let run = fake.run();
    for (_, action, _) in &bodies {
        assert_eq!(run.state(*action), State::Missing, "{action}");
        assert!(run.why(*action).starts_with("MalformedAnswer: "), "{action}: {}", run.why(*action));
    }
    assert!(run.region().subnets.is_empty(), "what came before the break does not count");
    assert_eq!(run.state(Action::DescribeServices), State::NotCollected);
}

#[test]
fn members_that_the_sdk_makes_up_are_not_taken_for_answers() {
    let run = Fake::with_service()
        .says("GetRole", iam("GetRole", ""))
        .says("ListRolePolicies", iam("ListRolePolicies", "<IsTruncated>false</IsTruncated>"))
        .says("ListHostedZonesByVPC", "<ListHostedZonesByVPCResponse><MaxItems>100</MaxItems></ListHostedZonesByVPCResponse>")
        .says("DescribeVpcs", ec2("DescribeVpcs", "<vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet>"))
        .run_with(Request { regions: vec![REGION.to_owned()], vpcs: vec!["vpc-1".to_owned()], ..Request::default() });
    for action in [Action::GetRole, Action::ListRolePolicies, Action::ListHostedZonesByVpc, Action::DescribeVpcAttribute] {
        assert_eq!(run.state(action), State::Missing, "{action}");
    }
    assert!(run.region().roles.is_empty() && run.region().role_policy_names.is_empty() && run.region().hosted_zones.is_empty());
}

#[test]
fn failures_make_their_ids_unknown() {
    let gone = "arn:aws:ecs:us-east-2:111122223333:service/web/b";
    let run = Fake::with_service()
        .says("ListServices", json(&format!(r#""serviceArns":["arn:aws:ecs:us-east-2:111122223333:service/web/a","{gone}"]"#)))
        .says("DescribeServices", json(&format!(r#""services":[{{"serviceArn":"arn:aws:ecs:us-east-2:111122223333:service/web/a"}}],"failures":[{{"arn":"{gone}","reason":"MISSING"}}]"#)))
        .run();
    let status = &run.region().completeness.0[&Action::DescribeServices];
    assert_eq!((status.state, status.error.as_deref()), (State::Partial, Some("failures: MISSING")));
    assert_eq!(status.ids, BTreeSet::from([gone.to_owned()]));
    assert_eq!(run.region().services.len(), 1);
}

#[test]
fn a_task_definition_that_is_gone_is_an_answer() {
    let run = Fake::with_service().on("DescribeTaskDefinition", |_| Some((400, r#"{"__type":"ClientException","message":"Unable to describe task definition."}"#.to_owned()))).run();
    assert_eq!(run.state(Action::DescribeTaskDefinition), State::Complete);
    let kept = run.region().task_definitions.values().next().unwrap();
    assert!(matches!(kept, Answer::Error(error) if error.code == "ClientException"));
}

#[test]
fn of_many_clusters_no_list_is_asked_for_that_a_count_shows_to_be_empty() {
    let arn = |n: usize| format!("arn:aws:ecs:us-east-2:111122223333:cluster/c{n}");
    let arns: Vec<String> = (0..8).map(|n| format!("\"{}\"", arn(n))).collect();
    let counts = |n: usize| match n {
        0 => r#","registeredContainerInstancesCount":1,"activeServicesCount":0,"runningTasksCount":0,"pendingTasksCount":0"#,
        1 => "",
        _ => r#","registeredContainerInstancesCount":0,"activeServicesCount":0,"runningTasksCount":0,"pendingTasksCount":0"#,
    };
    let clusters: Vec<String> = (0..8).map(|n| format!(r#"{{"clusterArn":"{}","status":"ACTIVE"{}}}"#, arn(n), counts(n))).collect();
    let run = Fake::default()
        .says("ListClusters", json(&format!("\"clusterArns\":[{}]", arns.join(","))))
        .says("DescribeClusters", json(&format!("\"clusters\":[{}],\"failures\":[]", clusters.join(","))))
        .run();
    assert_eq!(run.calls("ListContainerInstances").len(), 2, "the one that has some, and the one that does not say");
    assert_eq!(run.calls("ListServices").len(), 1);
    let stopped = run.calls("ListTasks").iter().filter(|c| c.body.contains("STOPPED")).count();
    assert_eq!((stopped, run.calls("ListTasks").len()), (8, 9), "stopped tasks are in no count");
    assert_eq!(run.region().clusters.len(), 8);
    assert_eq!(run.state(Action::DescribeServices), State::Complete);
}

#[test]
fn a_service_without_managed_resources_is_asked_the_old_way() {
    let run = Fake::default()
        .on("DescribeInstances", |asked| {
            Some(if asked.body.contains("IncludeManagedResources") {
                (400, "<Response><Errors><Error><Code>UnknownParameter</Code><Message>The parameter IncludeManagedResources is not recognized</Message></Error></Errors></Response>".to_owned())
            } else {
                nothing("DescribeInstances")
            })
        })
        .run();
    assert_eq!(run.state(Action::DescribeInstances), State::Complete);
    assert_eq!(run.calls("DescribeInstances").len(), 2);
}

#[test]
fn a_connection_that_is_absent_from_the_answer_is_not_lost() {
    let run = Fake::with_service()
        .says("ListContainerInstances", json(r#""containerInstanceArns":["arn:aws:ecs:us-east-2:111122223333:container-instance/web/1"]"#))
        .says("DescribeContainerInstances", json(r#""containerInstances":[{"containerInstanceArn":"arn:aws:ecs:us-east-2:111122223333:container-instance/web/1"}],"failures":[]"#))
        .run();
    let instance = &run.region().container_instances[0];
    assert_eq!(instance.agent_connected, None);
    assert_eq!(instance.cluster_arn.as_deref(), Some(CLUSTER));
}

#[test]
fn a_scope_filters_by_vpc_and_collects_the_hubs_that_it_is_joined_to() {
    let run = Fake::default()
        .says("DescribeVpcs", ec2("DescribeVpcs", "<vpcSet><item><vpcId>vpc-spoke</vpcId></item><item><vpcId>vpc-hub</vpcId></item><item><vpcId>vpc-other</vpcId></item></vpcSet>"))
        .says(
            "DescribeVpcPeeringConnections",
            ec2(
                "DescribeVpcPeeringConnections",
                "<vpcPeeringConnectionSet><item><vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId><requesterVpcInfo><vpcId>vpc-spoke</vpcId></requesterVpcInfo><accepterVpcInfo><vpcId>vpc-hub</vpcId></accepterVpcInfo><status><code>active</code></status></item></vpcPeeringConnectionSet>",
            ),
        )
        .run_with(Request { regions: vec![REGION.to_owned()], vpcs: vec!["vpc-spoke".to_owned()], ..Request::default() });
    let region = run.region();
    assert_eq!(region.asked_vpcs, Some(BTreeSet::from(["vpc-spoke".to_owned()])));
    assert_eq!(region.vpc_scope, Some(BTreeSet::from(["vpc-hub".to_owned(), "vpc-spoke".to_owned()])));
    for operation in ["DescribeSubnets", "DescribeRouteTables", "DescribeNetworkAcls", "DescribeSecurityGroups", "DescribeNetworkInterfaces"] {
        let values: BTreeSet<Option<String>> = run.calls(operation).iter().map(|c| c.parameter("Filter.1.Value.1")).collect();
        assert_eq!(values, BTreeSet::from([Some("vpc-spoke".to_owned()), Some("vpc-hub".to_owned())]), "{operation}");
    }
}

/// An account with many instances, of which the container instances `i-…` are wanted; each page holds `i-1` and says that more follow.
fn many_instances(wanted: &str) -> Fake {
    let instance = |id: &str| format!("<reservationSet><item><instancesSet><item><instanceId>{id}</instanceId><vpcId>vpc-1</vpcId></item></instancesSet></item></reservationSet>");
    let container = format!(r#"{{"containerInstanceArn":"arn:aws:ecs:us-east-2:111122223333:container-instance/web/1","ec2InstanceId":"{wanted}"}}"#);
    let by_id = ec2("DescribeInstances", &instance(wanted));
    let page = ec2("DescribeInstances", &format!("{}<nextToken>more</nextToken>", instance("i-1")));
    Fake::with_service()
        .says("ListContainerInstances", json(r#""containerInstanceArns":["arn:aws:ecs:us-east-2:111122223333:container-instance/web/1"]"#))
        .says("DescribeContainerInstances", json(&format!(r#""containerInstances":[{container}],"failures":[]"#)))
        .on("DescribeInstances", move |asked| Some((200, if asked.body.contains("instance-id") { by_id.clone() } else { page.clone() })))
}

#[test]
fn the_instances_of_others_are_not_paged_through() {
    let run = many_instances("i-1").run();
    assert_eq!(run.calls("DescribeInstances").len(), 1, "the first page held all that is wanted");
    assert_eq!(run.state(Action::DescribeInstances), State::Complete);

    let run = many_instances("i-9").run();
    let calls = run.calls("DescribeInstances");
    assert_eq!(calls.len(), 2);
    assert!(calls[1].body.contains("Filter.1.Name=instance-id") && calls[1].body.contains("Filter.1.Value.1=i-9"), "{}", calls[1].body);
    assert!(calls[1].body.contains("MaxResults=1000"), "a filter may be paged, a list of ids may not");
    assert_eq!(run.region().instances.iter().map(|i| i.instance_id.as_str()).collect::<Vec<_>>(), ["i-1", "i-9"]);
}

#[test]
fn records_of_zones_that_can_hold_a_name_lead_to_hubs() {
    let zones = |zones: &[(&str, &str, &str)]| {
        let items: String =
            zones.iter().map(|(id, name, owner)| format!("<HostedZoneSummary><HostedZoneId>{id}</HostedZoneId><Name>{name}</Name><Owner>{owner}</Owner></HostedZoneSummary>")).collect();
        format!("<ListHostedZonesByVPCResponse><HostedZoneSummaries>{items}</HostedZoneSummaries><MaxItems>100</MaxItems></ListHostedZonesByVPCResponse>")
    };
    let own = "<OwningAccount>111122223333</OwningAccount>";
    let listed = zones(&[
        ("Z1", "ecs.us-east-2.amazonaws.com.", own),
        ("Z2", "corp.example.", own),
        ("Z3", "amazonaws.com.", "<OwningAccount>444455556666</OwningAccount>"),
        ("Z4", "logs.us-east-2.amazonaws.com.", "<OwningService>vpce.amazonaws.com</OwningService>"),
    ]);
    let record = "<ResourceRecordSet><Name>ecs.us-east-2.amazonaws.com.</Name><Type>A</Type><AliasTarget><HostedZoneId>Z9</HostedZoneId><DNSName>vpce-0aa-1b2c.ecs.us-east-2.vpce.amazonaws.com.</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget></ResourceRecordSet>";
    let records = move |asked: &Asked| {
        let (body, more) = match asked.parameter("name") {
            None => (record, "<IsTruncated>true</IsTruncated><NextRecordName>z.</NextRecordName><NextRecordType>A</NextRecordType>"),
            Some(_) => ("<ResourceRecordSet><Name>z.</Name><Type>A</Type></ResourceRecordSet>", "<IsTruncated>false</IsTruncated>"),
        };
        Some((200, format!("<ListResourceRecordSetsResponse><ResourceRecordSets>{body}</ResourceRecordSets>{more}<MaxItems>300</MaxItems></ListResourceRecordSetsResponse>")))
    };
    let run = Fake::default()
        .says("DescribeVpcs", ec2("DescribeVpcs", "<vpcSet><item><vpcId>vpc-spoke</vpcId></item><item><vpcId>vpc-hub</vpcId></item></vpcSet>"))
        .says(
            "DescribeVpcEndpoints",
            ec2("DescribeVpcEndpoints", "<vpcEndpointSet><item><vpcEndpointId>vpce-0aa</vpcEndpointId><vpcId>vpc-hub</vpcId><state>available</state></item></vpcEndpointSet>"),
        )
        .on("ListHostedZonesByVPC", move |asked| Some((200, if asked.parameter("vpcid").as_deref() == Some("vpc-spoke") { listed.clone() } else { nothing("ListHostedZonesByVPC").1 })))
        .on("ListResourceRecordSets", records)
        .run_with(Request { regions: vec![REGION.to_owned()], vpcs: vec!["vpc-spoke".to_owned()], ..Request::default() });
    let region = run.region();
    assert_eq!(region.record_sets.keys().collect::<Vec<_>>(), ["Z1"], "only what can hold a name and can be read");
    assert_eq!(region.record_sets["Z1"].output().map(|r| (r.resource_record_sets.len(), r.is_truncated)), Some((2, None)), "both pages");
    assert_eq!(region.vpc_scope.as_ref().map(|s| s.contains("vpc-hub")), Some(true));
    assert!(run.calls("DescribeVpcAttribute").iter().any(|c| c.parameter("VpcId").as_deref() == Some("vpc-hub")), "the hub's DNS decides too");
    assert_eq!(region.vpc_endpoints[0].state.as_deref(), Some("available"), "as the wire has it");
}

#[test]
fn names_of_services_that_the_list_lacks_are_asked_one_by_one() {
    let endpoint = |id: &str, name: &str| format!("<item><vpcEndpointId>{id}</vpcEndpointId><serviceName>{name}</serviceName></item>");
    let endpoints = [endpoint("vpce-1", "com.amazonaws.us-east-2.ecs"), endpoint("vpce-2", "com.amazonaws.us-east-2.hidden"), endpoint("vpce-3", "com.amazonaws.us-east-2.gone")].concat();
    let detail = |name: &str| format!("<serviceNameSet><item>{name}</item></serviceNameSet><serviceDetailSet><item><serviceName>{name}</serviceName></item></serviceDetailSet>");
    let run = Fake::default()
        .says("DescribeVpcEndpoints", ec2("DescribeVpcEndpoints", &format!("<vpcEndpointSet>{endpoints}</vpcEndpointSet>")))
        .on("DescribeVpcEndpointServices", move |asked| {
            Some(if asked.body.contains("gone") {
                (400, "<Response><Errors><Error><Code>InvalidServiceName</Code><Message>no such service</Message></Error></Errors></Response>".to_owned())
            } else {
                let name = asked.parameter("ServiceName.1").unwrap_or_else(|| "com.amazonaws.us-east-2.ecs".to_owned());
                (200, ec2("DescribeVpcEndpointServices", &detail(&name)))
            })
        })
        .run();
    let region = run.region();
    let names: Vec<_> = region.service_details.iter().map(|d| d.service_name.as_str()).collect();
    assert_eq!(names, ["com.amazonaws.us-east-2.ecs", "com.amazonaws.us-east-2.hidden"]);
    assert_eq!(region.invalid_service_names, BTreeSet::from(["com.amazonaws.us-east-2.gone".to_owned()]));
    assert!(region.service_listing_full);
    assert_eq!(run.state(Action::DescribeVpcEndpointServices), State::Complete);
}

#[test]
fn prefix_lists_are_read_by_reference_unless_their_ranges_are_known() {
    let group = "<securityGroupInfo><item><groupId>sg-1</groupId><ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><prefixListIds><item><prefixListId>pl-s3</prefixListId></item><item><prefixListId>pl-own</prefixListId></item></prefixListIds></item></ipPermissionsEgress></item></securityGroupInfo>";
    let run = Fake::default()
        .says("DescribeSecurityGroups", ec2("DescribeSecurityGroups", group))
        .says("DescribePrefixLists", ec2("DescribePrefixLists", "<prefixListSet><item><prefixListId>pl-s3</prefixListId><cidrSet><item>52.219.80.0/20</item></cidrSet></item></prefixListSet>"))
        .on("GetManagedPrefixListEntries", |asked| {
            Some(match asked.parameter("NextToken") {
                None => (200, ec2("GetManagedPrefixListEntries", "<entrySet><item><cidr>10.0.0.0/8</cidr></item></entrySet><nextToken>2</nextToken>")),
                Some(_) => denied_ec2(),
            })
        })
        .run();
    let asked: Vec<_> = run.calls("GetManagedPrefixListEntries").iter().filter_map(|c| c.parameter("PrefixListId")).collect();
    assert_eq!(asked, ["pl-own", "pl-own"]);
    assert!(run.region().prefix_list_entries.is_empty(), "half a list would look like a narrow one");
    assert_eq!(run.state(Action::GetManagedPrefixListEntries), State::Partial);
}

#[test]
fn cloudtrail_is_asked_for_evidence_alone() {
    let run = Fake::default().run();
    assert!(run.calls("LookupEvents").is_empty() && !run.region().completeness.0.contains_key(&Action::LookupEvents));
}

#[test]
fn what_keeps_one_kind_of_event_from_being_answered_stands_for_the_others() {
    let request = || Request { regions: vec![REGION.to_owned()], evidence: true, ..Request::default() };
    let run = Fake::default().on("LookupEvents", |_| Some(denied_json())).run_with(request());
    assert_eq!((run.calls("LookupEvents").len(), run.state(Action::LookupEvents)), (1, State::Missing));

    let run = Fake::default().on("LookupEvents", |asked| Some(if asked.body.contains("DiscoverPollEndpoint") { (200, json(r#""Events":[]"#)) } else { denied_json() })).run_with(request());
    assert_eq!((run.calls("LookupEvents").len(), run.state(Action::LookupEvents)), (2, State::Partial));
    let lacking = &run.region().completeness.0[&Action::LookupEvents].ids;
    assert!(lacking.len() == 8 && lacking.contains("RegisterContainerInstance") && lacking.contains("CreateLogStream"), "{lacking:?}");
}

#[test]
fn time_that_runs_out_is_said_of_each_action() {
    let request = Request { regions: vec![REGION.to_owned()], deadline: Some(std::time::Duration::ZERO), ..Request::default() };
    let run = Fake::with_service().run_with(request);
    assert_eq!(run.state(Action::DescribeVpcs), State::Missing);
    assert_eq!(run.why(Action::DescribeVpcs), "deadline: not finished within --max-time");
    assert_eq!(run.state(Action::DescribeServices), State::NotCollected);
}

#[test]
fn what_does_not_exist_is_wrong_usage() {
    let one = |vpcs: &[&str], clusters: &[&str]| Request {
        regions: vec![REGION.to_owned()],
        vpcs: vpcs.iter().map(|v| (*v).to_owned()).collect(),
        clusters: clusters.iter().map(|v| (*v).to_owned()).collect(),
        ..Request::default()
    };
    let error = Fake::default().run_with(one(&["vpc-1"], &[])).result.unwrap_err();
    assert_eq!((error.exit_status(), error.to_string().as_str()), (2, "vpc-1 does not exist in us-east-2: check --vpc and --region"));
    let missing = r#""clusters":[],"failures":[{"arn":"arn:aws:ecs:us-east-2:111122223333:cluster/nope","reason":"MISSING"}]"#;
    let error = Fake::default().says("DescribeClusters", json(missing)).run_with(one(&[], &["nope"])).result.unwrap_err();
    assert_eq!(error.exit_status(), 2);
    // Where nothing tells, nothing is said to be absent.
    let run = Fake::default().on("DescribeVpcs", |_| Some(denied_ec2())).run_with(one(&["vpc-1"], &[]));
    assert_eq!(run.state(Action::DescribeVpcs), State::Missing);
}

#[test]
fn credentials_that_are_refused_everywhere_end_the_run() {
    let mut fake = Fake::default();
    for action in Action::ALL {
        let operation: &'static str = action.name().split(':').nth(1).unwrap();
        let (ec2, sts) = (action.name().starts_with("ec2:"), action.name().starts_with("sts:"));
        fake = fake.on(operation, move |_| {
            Some(if sts {
                (403, "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>no</Message></Error></ErrorResponse>".to_owned())
            } else if ec2 {
                (401, "<Response><Errors><Error><Code>AuthFailure</Code><Message>AWS was not able to validate the provided access credentials</Message></Error></Errors></Response>".to_owned())
            } else {
                (400, r#"{"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}"#.to_owned())
            })
        });
    }
    let error = fake.run().result.unwrap_err();
    assert_eq!(error.exit_status(), 4);
    assert!(matches!(&error, CollectError::Refused { cause, .. } if cause.contains("AuthFailure")), "{error}");
}

#[test]
fn a_choice_of_actions_asks_no_others_but_their_subjects() {
    let needs = Some(BTreeSet::from([Action::DescribeServices, Action::DescribeVpcEndpoints]));
    let run = Fake::with_service().run_with(Request { regions: vec![REGION.to_owned()], needs, ..Request::default() });
    let asked: BTreeSet<String> = run.asked.iter().map(name).collect();
    assert_eq!(asked, ["DescribeServices", "DescribeVpcEndpoints", "ListClusters", "ListServices"].map(str::to_owned).into());
}

#[test]
fn two_runs_over_the_same_answers_are_equal_errors_included() {
    let run = || Fake::with_service().on("DescribeSubnets", |_| Some(denied_ec2())).on("ListTasks", |_| Some(denied_json())).run();
    assert_eq!(run().result, run().result);
}
