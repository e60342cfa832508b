//! The policy hop: every call of a need against the endpoint's policy, with its caller and resource.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::leg::{Leg, fail, unknown};
use super::source::Source;
use crate::actions::Action;
use crate::analysis::{Ask, Caller, Decision, HopName, Need, Tri, Unseen, View};
use crate::finding::{Evidence, Severity};
use crate::inventory::ec2::VpcEndpoint;
use crate::policy::{self, ContextValue, Document, EndpointType, Judgement, Principal, Request, Resource};

/// Parsed policies and what they said, so that each question is asked once.
#[derive(Debug, Default)]
pub struct Policies {
    documents: RefCell<HashMap<String, Rc<Parsed>>>,
    judged: RefCell<HashMap<(String, Ask, String), Rc<Judgement>>>,
}

#[derive(Debug)]
enum Parsed {
    /// Lets everything through.
    Full,
    /// No JSON object with statements: lets nothing through for sure.
    Broken(String),
    /// A document; whether it asks for the address of the caller.
    Document { document: Document, by_address: bool },
}

/// The rule that owns a denied call, and its severity.
pub fn rule_of(service: &str, ask: &Ask) -> (&'static str, Severity) {
    match service {
        "ecs" => ("PO03", if ask.blocks { Severity::Critical } else { Severity::Medium }),
        "ecs-agent" => ("PO04", Severity::Critical),
        "ecs-telemetry" => ("PO04", Severity::Medium),
        "s3" => ("PO05", Severity::Critical),
        "ecr.api" | "ecr.dkr" => ("PO06", if ask.blocks { Severity::Critical } else { Severity::Medium }),
        _ => ("PO07", Severity::High),
    }
}

impl Policies {
    /// Adds the policy hop of an endpoint to a way.
    pub fn hop(&self, view: &View<'_>, source: &Source<'_>, endpoint: &VpcEndpoint, need: &Need, leg: &mut Leg) {
        let id = endpoint.vpc_endpoint_id.as_str();
        if need.asks.is_empty() {
            return;
        }
        let detail = endpoint.service_name.as_deref().and_then(|s| view.index.service_details.get(s));
        let supported = detail.and_then(|d| d.vpc_endpoint_policy_supported);
        if supported == Some(false) {
            return;
        }
        let own_rule = need.asks.first().map_or("PO07", |a| rule_of(&need.service, a).0);
        let severity = need.asks.iter().map(|a| rule_of(&need.service, a).1).max().unwrap_or(Severity::High);
        let Some(text) = &endpoint.policy_document else {
            let unseen = Unseen::Elsewhere(format!("the policy of {id}"));
            leg.hop(HopName::Policy, &Decision::unknown(Some(id), format!("the policy of {id} was not seen"), unseen.clone()));
            leg.cause(unknown(own_rule, severity, id, format!("PolicyDocument of {id} is absent"), BTreeSet::from([unseen])));
            return;
        };
        let parsed = self.document(id, &text.0);
        let listed = view.seen(Action::DescribeVpcEndpointServices);
        if matches!(*parsed, Parsed::Full) && (supported.is_some() || listed) {
            leg.hop(HopName::Policy, &Decision::pass(Some(id), "full access"));
            leg.passed.insert(own_rule);
            return;
        }
        if supported.is_none() {
            // Where a service takes no policy the document is inert; so it matters whether it does.
            let unseen = if listed { Unseen::Elsewhere(format!("whether {} supports endpoint policies", need.service)) } else { Unseen::Action(Action::DescribeVpcEndpointServices) };
            let detail = format!("whether {} supports endpoint policies was not seen", need.service);
            leg.hop(HopName::Policy, &Decision::unknown(Some(id), detail.clone(), unseen.clone()));
            leg.cause(unknown(own_rule, severity, id, detail, BTreeSet::from([unseen])));
            return;
        }
        for ask in &need.asks {
            self.ask(view, source, endpoint, need, ask, &parsed, leg);
        }
        if !leg.causes.iter().any(|c| c.rule == own_rule) {
            leg.passed.insert(own_rule);
        }
        if !leg.hops.iter().any(|h| h.hop == HopName::Policy) {
            leg.hop(HopName::Policy, &Decision::pass(Some(id), "its policy lets these calls through"));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one call of one need at one endpoint")]
    fn ask(&self, view: &View<'_>, source: &Source<'_>, endpoint: &VpcEndpoint, need: &Need, ask: &Ask, parsed: &Parsed, leg: &mut Leg) {
        let id = endpoint.vpc_endpoint_id.as_str();
        let (rule, severity) = rule_of(&need.service, ask);
        let (verdict, reason, unseen, statement) = match parsed {
            Parsed::Full => return,
            Parsed::Broken(why) => (Tri::Fail, why.clone(), BTreeSet::new(), None),
            Parsed::Document { document, by_address } => {
                let judgement = self.judge(view, source, endpoint, ask, document, *by_address);
                match &judgement.decision {
                    policy::Decision::Allow { .. } => return,
                    policy::Decision::Deny { statement } => (Tri::Fail, judgement.reason.clone(), BTreeSet::new(), *statement),
                    policy::Decision::Unknown(open) => {
                        let what = if open.keys.is_empty() { format!("how AWS reads the policy of {id}: {}", judgement.reason) } else { open.keys.join(", ") };
                        (Tri::Unknown, judgement.reason.clone(), unseen_of(view, source, ask, &open.keys, what), None)
                    }
                }
            }
        };
        if ask.action == "ecr:BatchCheckLayerAvailability" {
            return; // Denied alone it stops no pull.
        }
        let detail = format!("the policy of {id} {} {}: {reason}", if verdict == Tri::Fail { "does not let through" } else { "may not let through" }, ask.action);
        let decision = Decision { verdict, object: Some(id.to_owned()), detail: detail.clone(), partial: false, every: false, unseen: unseen.clone(), evidence: Vec::new() };
        if ask.blocks {
            leg.hop(HopName::Policy, &decision);
        }
        if verdict == Tri::Fail {
            let field = statement.map_or_else(|| "PolicyDocument".to_owned(), |s| format!("PolicyDocument.Statement[{s}]"));
            let sample = matches!(parsed, Parsed::Document { document, .. } if policy::matches_published_sample(document));
            let detail = if sample { format!("{detail}. It is the sample of the AWS page, which names CreateCluster and ListClusters alone: no agent gets through") } else { detail };
            leg.cause(fail(rule, severity, id, detail, vec![Evidence::new(Action::DescribeVpcEndpoints, field, ask.action, format!("on {}", ask.resource))]));
        } else {
            leg.cause(unknown(rule, severity, id, detail, unseen));
        }
    }

    fn document(&self, id: &str, text: &str) -> Rc<Parsed> {
        if let Some(parsed) = self.documents.borrow().get(id) {
            return Rc::clone(parsed);
        }
        let parsed = Rc::new(match Document::parse(text.as_bytes()) {
            Err(problem) => Parsed::Broken(problem.text),
            Ok(document) if policy::is_full_access(&document) => Parsed::Full,
            Ok(document) => Parsed::Document { document, by_address: text.to_ascii_lowercase().contains("vpcsourceip") },
        });
        self.documents.borrow_mut().insert(id.to_owned(), Rc::clone(&parsed));
        parsed
    }

    fn judge(&self, view: &View<'_>, source: &Source<'_>, endpoint: &VpcEndpoint, ask: &Ask, document: &Document, by_address: bool) -> Rc<Judgement> {
        let place = if by_address { source.placement.id.clone() } else { source.vpc.unwrap_or_default().to_owned() };
        let key = (endpoint.vpc_endpoint_id.clone(), ask.clone(), place);
        if let Some(judgement) = self.judged.borrow().get(&key) {
            return Rc::clone(judgement);
        }
        let judgement = Rc::new(policy::evaluate(document, &request(view, source, endpoint, ask, by_address)));
        self.judged.borrow_mut().insert(key, Rc::clone(&judgement));
        judgement
    }
}

/// What was not seen of the things that an unknown decision depends on.
fn unseen_of(view: &View<'_>, source: &Source<'_>, ask: &Ask, keys: &[String], what: String) -> BTreeSet<Unseen> {
    let _ = source;
    let by_profile = matches!(&ask.caller, Caller::InstanceProfile(_)) && keys.iter().any(|k| k == "principal" || k.to_ascii_lowercase().starts_with("aws:principal"));
    if by_profile && !view.seen(Action::GetInstanceProfile) {
        return BTreeSet::from([Unseen::Action(Action::GetInstanceProfile)]);
    }
    BTreeSet::from([Unseen::Elsewhere(what)])
}

/// The request that a call is, with all that is known of its context.
fn request(view: &View<'_>, source: &Source<'_>, endpoint: &VpcEndpoint, ask: &Ask, by_address: bool) -> Request {
    let gateway = endpoint.vpc_endpoint_type.as_deref().is_some_and(|t| t.eq_ignore_ascii_case("gateway"));
    let own = endpoint.vpc_id.clone().unwrap_or_default();
    let vpcs = match source.vpc {
        Some(vpc) if vpc != own => ContextValue::OneOf(vec![own.clone(), vpc.to_owned()]),
        _ => ContextValue::Known(vec![own.clone()]),
    };
    let resource = match ask.resource.as_str() {
        "*" => Resource::Known("*".to_owned()),
        pattern if pattern.contains(['*', '?']) => Resource::Like(vec![pattern.to_owned()]),
        arn => Resource::Known(arn.to_owned()),
    };
    let mut request = Request::new(ask.action, if gateway { EndpointType::Gateway } else { EndpointType::Interface })
        .principal(principal(view, &ask.caller))
        .resource(resource)
        .context("aws:SourceVpc", vpcs)
        .context("aws:SourceVpce", ContextValue::Known(vec![endpoint.vpc_endpoint_id.clone()]));
    if let Some(owner) = &endpoint.owner_id {
        request = request.context("aws:VpceAccount", ContextValue::Known(vec![owner.clone()]));
    }
    if source.vpc == endpoint.vpc_id.as_deref() {
        request = request.context("aws:SourceVpcArn", ContextValue::Known(vec![view.index.arn("ec2", &format!("vpc/{own}"))]));
    }
    if by_address {
        let value = if source.is_whole_subnet() {
            source.subnet.and_then(|s| s.cidr_block.as_deref()).and_then(|c| c.parse().ok()).map_or(ContextValue::Unknown, ContextValue::Within)
        } else {
            ContextValue::OneOf(source.placement.addresses.iter().map(ToString::to_string).collect())
        };
        request = request.context("aws:VpcSourceIp", value);
    }
    if ask.caller == Caller::AwsOwned {
        // The bucket of image layers belongs to ECR's own account, which no policy of a customer names.
        for key in ["aws:ResourceAccount", "s3:ResourceAccount", "aws:ResourceOrgID", "aws:ResourceOrgPaths"] {
            request = request.context(key, ContextValue::AwsOwned);
        }
    }
    if let Some(cluster) = ask.resource.split_once(":container-instance/").and_then(|(_, rest)| rest.split('/').next()).filter(|c| !c.contains('*') && !c.is_empty()) {
        request = request.context("ecs:cluster", ContextValue::Known(vec![view.index.arn("ecs", &format!("cluster/{cluster}"))]));
    }
    request
}

fn principal(view: &View<'_>, caller: &Caller) -> Principal {
    let some = || Principal::SomeRole { account: Some(view.region.account.clone()).filter(|a| !a.is_empty()) };
    match caller {
        Caller::Role(arn) => Principal::Role(arn.clone()),
        Caller::InstanceProfile(profile) => {
            let name = profile.rsplit('/').next().unwrap_or(profile);
            let role = view.region.instance_profiles.get(name).and_then(|a| a.output()).and_then(|p| p.roles.first()).and_then(|r| r.arn.clone());
            role.map_or_else(some, Principal::Role)
        }
        Caller::AwsOwned => Principal::AwsOwned,
        Caller::Unknown => some(),
    }
}
