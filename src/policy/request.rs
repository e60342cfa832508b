//! What an endpoint policy is asked about: one action by one caller on one resource, with what is known of
//! the request's context.
//!
//! Condition keys: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::matching::Pattern;
use super::principal::{Principal, account_like, last_name};

/// The kind of endpoint that carries the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndpointType {
    /// Network interfaces in subnets (PrivateLink).
    Interface,
    /// A route target: S3 and DynamoDB.
    Gateway,
}

/// What the request acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// One ARN; `*` for actions without a resource type.
    Known(String),
    /// Some ARN that fits one of these patterns, `*` and `?` standing for what is not known:
    /// `arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-??????`.
    Like(Vec<String>),
    /// Any, or none.
    Unknown,
}

/// What is known of a context key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextValue {
    /// Present with these values; usually one.
    Known(Vec<String>),
    /// The request has no such key.
    Absent,
    /// Absent, or present with any value.
    Unknown,
    /// Present with any value.
    Present,
    /// Present with one of these values (an address of each member of a placement).
    OneOf(Vec<String>),
    /// Present with some address of this block.
    Within(IpNet),
    /// Present, but with a value of an account that AWS owns: none that a customer's policy writes out.
    AwsOwned,
}

/// One question to a policy.
///
/// ```
/// use audit::policy::{ContextValue, Document, EndpointType, Principal, Request, Resource, evaluate};
///
/// let document = Document::parse(br#"{"Statement":[{"Effect":"Allow","Principal":"*",
///     "Action":"ecs:Poll","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}}}]}"#).unwrap();
/// let request = Request::new("ecs:Poll", EndpointType::Interface)
///     .principal(Principal::Role("arn:aws:iam::111122223333:role/ecsInstanceRole".into()))
///     .resource(Resource::Known("arn:aws:ecs:eu-west-1:111122223333:container-instance/prod/1".into()))
///     .context("aws:SourceVpc", ContextValue::Known(vec!["vpc-1".into()]));
/// assert!(evaluate(&document, &request).decision.is_allow());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(crate) action: String,
    pub(crate) principal: Principal,
    pub(crate) resource: Resource,
    pub(crate) endpoint: EndpointType,
    /// By key in lower case.
    pub(crate) context: BTreeMap<String, ContextValue>,
}

impl Request {
    /// A request of which nothing is known but its action (`service:Name`).
    pub fn new(action: &str, endpoint: EndpointType) -> Request {
        Request { action: action.to_owned(), principal: Principal::Unknown, resource: Resource::Unknown, endpoint, context: BTreeMap::new() }
    }

    /// Sets the caller. The keys that follow from it need not be given.
    #[must_use]
    pub fn principal(mut self, principal: Principal) -> Request {
        self.principal = principal;
        self
    }

    /// Sets the resource.
    #[must_use]
    pub fn resource(mut self, resource: Resource) -> Request {
        self.resource = resource;
        self
    }

    /// Sets what is known of one context key, in any case.
    /// A key that is not set is worked out where it follows from the rest, else unknown.
    #[must_use]
    pub fn context(mut self, key: &str, value: ContextValue) -> Request {
        self.context.insert(key.to_ascii_lowercase(), value);
        self
    }

    /// The caller, with the account that the context gives if it says nothing of one itself.
    pub(crate) fn caller(&self) -> Principal {
        let account = match self.context.get("aws:principalaccount") {
            Some(ContextValue::Known(values)) if values.len() == 1 => values.first().cloned(),
            _ => None,
        };
        match (&self.principal, account) {
            (Principal::Unknown, Some(account)) => Principal::SomeIdentity { account },
            (Principal::SomeRole { account: None }, account) => Principal::SomeRole { account },
            (principal, _) => principal.clone(),
        }
    }

    /// The values that a key may have.
    pub(crate) fn key(&self, key: &str) -> KeyState {
        let key = key.to_ascii_lowercase();
        match self.context.get(&key) {
            Some(ContextValue::Known(values)) if values.is_empty() => KeyState::Absent,
            Some(ContextValue::Known(values)) => KeyState::Known(values.clone()),
            Some(ContextValue::Absent) => KeyState::Absent,
            Some(ContextValue::Unknown) => KeyState::Open(Domain::any()),
            Some(ContextValue::Present) => KeyState::Open(Domain::present()),
            Some(ContextValue::OneOf(values)) => match values.as_slice() {
                [one] => KeyState::Known(vec![one.clone()]),
                [] => KeyState::Open(Domain::present()),
                _ => KeyState::Open(Domain { only: values.clone(), ..Domain::present() }),
            },
            Some(ContextValue::Within(net)) => KeyState::Open(Domain { within: Some(*net), ..Domain::present() }),
            Some(ContextValue::AwsOwned) => KeyState::Open(self.aws_owned(&key, true)),
            None => self.derived(&key),
        }
    }

    /// The keys that follow from caller, resource and endpoint.
    fn derived(&self, key: &str) -> KeyState {
        let known = |value: &str| KeyState::Known(vec![value.to_owned()]);
        match key {
            // Traffic through an endpoint carries the address in aws:VpcSourceIp.
            "aws:sourceip" => return KeyState::Absent,
            "aws:securetransport" => return known("true"),
            "aws:resourceaccount" => {
                if let Some(account) = self.resource_part(4).filter(|account| account_like(account)) {
                    return known(&account);
                }
            }
            "aws:requestedregion" => {
                if let Some(region) = self.resource_part(3).filter(|region| !region.is_empty()) {
                    return known(&region);
                }
            }
            _ => {}
        }
        self.principal_key(key).unwrap_or(KeyState::Open(Domain::any()))
    }

    /// A part of the resource's ARN that is known for sure.
    fn resource_part(&self, part: usize) -> Option<String> {
        let of = |arn: &str| {
            let parts: Vec<&str> = arn.splitn(6, ':').collect();
            parts.get(5)?;
            parts.get(part).filter(|text| !text.contains(['*', '?'])).map(|text| (*text).to_owned())
        };
        match &self.resource {
            Resource::Known(arn) => of(arn),
            Resource::Like(patterns) => {
                let first = of(patterns.first()?)?;
                patterns.iter().all(|other| of(other).as_ref() == Some(&first)).then_some(first)
            }
            Resource::Unknown => None,
        }
    }

    fn principal_key(&self, key: &str) -> Option<KeyState> {
        let known = |value: &str| Some(KeyState::Known(vec![value.to_owned()]));
        let shape = |shapes: &[String]| Some(KeyState::Open(Domain { shapes: shapes.iter().map(|shape| Pattern::glob(shape).by_segment()).collect(), ..Domain::present() }));
        let principal = &self.principal;
        let part = |arn: &str, n| arn.split(':').nth(n).unwrap_or_default().to_owned();
        match (key, principal) {
            (_, Principal::Unknown) => None,
            ("aws:principalarn" | "aws:principalaccount" | "aws:principalorgid" | "aws:principalorgpaths" | "aws:userid" | "aws:username", Principal::AwsOwned) => {
                let present = matches!(key, "aws:principalarn" | "aws:principalaccount" | "aws:userid");
                Some(KeyState::Open(self.aws_owned(key, present)))
            }
            (_, Principal::AwsOwned) if key.starts_with("aws:principaltag/") => Some(KeyState::Open(self.aws_owned(key, false))),
            ("aws:principalarn", Principal::Role(arn) | Principal::User(arn) | Principal::Federated(arn)) => known(arn),
            ("aws:principalarn", Principal::Session(arn)) => {
                let name = part(arn, 5);
                let name = name.split('/').nth(1).unwrap_or_default();
                let (partition, account) = (part(arn, 1), part(arn, 4));
                shape(&[format!("arn:{partition}:iam::{account}:role/{name}"), format!("arn:{partition}:iam::{account}:role/*/{name}")])
            }
            ("aws:principalarn", Principal::Root { partition, account }) => known(&format!("arn:{partition}:iam::{account}:root")),
            ("aws:principalarn", Principal::SomeRole { account }) => shape(&[format!("arn:*:iam::{}:role/*", account.as_deref().unwrap_or("????????????"))]),
            ("aws:principalarn", Principal::SomeIdentity { account }) => shape(&[format!("arn:*:iam::{account}:*"), format!("arn:*:sts::{account}:*")]),
            ("aws:principalarn" | "aws:principalaccount", Principal::Anonymous) => Some(KeyState::Absent),
            ("aws:principalaccount", _) => match principal.account() {
                Some(account) => known(account),
                None if matches!(principal, Principal::SomeRole { .. }) => shape(&["????????????".to_owned()]),
                None => None,
            },
            ("aws:principaltype", Principal::Role(_) | Principal::Session(_) | Principal::SomeRole { .. }) => known("AssumedRole"),
            ("aws:principaltype", Principal::User(_)) => known("User"),
            ("aws:principaltype", Principal::Federated(_)) => known("FederatedUser"),
            ("aws:principaltype", Principal::Root { .. }) => known("Account"),
            ("aws:principaltype", Principal::Anonymous) => known("Anonymous"),
            ("aws:principalisawsservice", Principal::Service(_)) => known("true"),
            ("aws:principalisawsservice", Principal::Anonymous) => Some(KeyState::Absent),
            ("aws:principalisawsservice", _) => known("false"),
            // A service that calls on a caller's behalf does so from its own network, not through the
            // customer's endpoint.
            ("aws:viaawsservice", Principal::Service(_) | Principal::Anonymous) => None,
            ("aws:viaawsservice", _) => known("false"),
            _ => None,
        }
    }

    /// The values of a key that describes an account, identity or organization of AWS's own.
    fn aws_owned(&self, key: &str, present: bool) -> Domain {
        let shapes = match key {
            "aws:principalarn" => vec!["arn:*:iam::{account}:*".to_owned()],
            "aws:principalaccount" | "aws:resourceaccount" | "s3:resourceaccount" => {
                vec!["{account}".to_owned()]
            }
            "aws:principalorgid" | "aws:resourceorgid" => vec!["o-*".to_owned()],
            "aws:principalorgpaths" | "aws:resourceorgpaths" => vec!["o-*/*".to_owned()],
            _ => Vec::new(),
        };
        Domain { may_be_absent: !present, aws_owned: true, shapes: shapes.iter().map(|shape| Pattern::glob(&shape.replace("{account}", AWS_ACCOUNT)).by_segment()).collect(), ..Domain::present() }
    }

    /// A name for the role of this request, for messages.
    pub(crate) fn caller_name(&self) -> String {
        match &self.principal {
            Principal::Role(arn) | Principal::User(arn) => last_name(arn).to_owned(),
            Principal::Session(arn) | Principal::Federated(arn) => arn.split('/').nth(1).unwrap_or(arn).to_owned(),
            Principal::Root { account, .. } => format!("the root user of {account}"),
            Principal::Service(name) => name.clone(),
            Principal::Anonymous => "an anonymous caller".to_owned(),
            Principal::AwsOwned => "an identity of AWS's own account".to_owned(),
            Principal::SomeRole { .. } => "any role".to_owned(),
            Principal::SomeIdentity { account } => format!("any identity of {account}"),
            Principal::Unknown => "any caller".to_owned(),
        }
    }
}

/// Stands for the account that AWS owns: of an account's length, and in no policy.
const AWS_ACCOUNT: &str = "\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}";

/// What is known of a key when it comes to evaluation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum KeyState {
    Known(Vec<String>),
    Absent,
    Open(Domain),
}

/// The values that an open key may have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Domain {
    pub(crate) may_be_absent: bool,
    /// None that the policy writes out without wildcards.
    pub(crate) aws_owned: bool,
    /// If not empty, a value fits one of these.
    pub(crate) shapes: Vec<Pattern>,
    /// If not empty, these values alone.
    pub(crate) only: Vec<String>,
    /// Addresses of this block alone.
    pub(crate) within: Option<IpNet>,
}

impl Domain {
    fn present() -> Domain {
        Domain { may_be_absent: false, aws_owned: false, shapes: Vec::new(), only: Vec::new(), within: None }
    }

    fn any() -> Domain {
        Domain { may_be_absent: true, ..Domain::present() }
    }
}

/// Whether a key never has more than one value. Keys outside the global ones may.
pub(crate) fn single_valued(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.starts_with("aws:")
        && !matches!(key.as_str(), "aws:tagkeys" | "aws:calledvia" | "aws:principalorgpaths" | "aws:resourceorgpaths" | "aws:sourceorgpaths" | "aws:vpceorgpaths" | "aws:principalservicenameslist")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/p/agent";

    fn known(value: &str) -> KeyState {
        KeyState::Known(vec![value.to_owned()])
    }

    #[test]
    fn keys_follow_from_caller_resource_and_endpoint() {
        let request = Request::new("ecs:Poll", EndpointType::Interface).principal(Principal::Role(ROLE.into())).resource(Resource::Known("arn:aws:ecs:eu-west-1:444455556666:cluster/a".into()));
        for (key, value) in [
            ("aws:PrincipalArn", ROLE),
            ("aws:PrincipalAccount", "111122223333"),
            ("aws:PrincipalType", "AssumedRole"),
            ("aws:PrincipalIsAWSService", "false"),
            ("aws:ViaAWSService", "false"),
            ("aws:ResourceAccount", "444455556666"),
            ("aws:RequestedRegion", "eu-west-1"),
            ("AWS:securetransport", "true"),
        ] {
            assert_eq!(request.key(key), known(value), "{key}");
        }
        assert_eq!(request.key("aws:SourceIp"), KeyState::Absent);
        assert!(matches!(request.key("aws:PrincipalOrgID"), KeyState::Open(_)));
        let given = request.context("aws:sourceIP", ContextValue::Known(vec!["10.0.0.1".into()]));
        assert_eq!(given.key("aws:SourceIp"), known("10.0.0.1"), "what is given wins");
    }

    #[test]
    fn unknown_parts_of_a_resource_give_no_key() {
        let request = Request::new("ecs:Poll", EndpointType::Interface).resource(Resource::Like(vec!["arn:aws:ecs:*:111122223333:cluster/*".into()]));
        assert_eq!(request.key("aws:ResourceAccount"), known("111122223333"));
        assert!(matches!(request.key("aws:RequestedRegion"), KeyState::Open(_)));
        let bucket = Request::new("s3:GetObject", EndpointType::Gateway).resource(Resource::Known("arn:aws:s3:::bucket/key".into()));
        assert!(matches!(bucket.key("aws:ResourceAccount"), KeyState::Open(_)));
    }
}
