//! Who calls, and which entries of a Principal element mean that caller.
//!
//! Principals: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>,
//! NotPrincipal: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>,
//! at endpoints: <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>

use super::condition::Truth;
use super::document::Element;
use super::request::EndpointType;

/// One entry of a Principal element.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    /// `*`
    Anyone,
    /// An account, by its number or its root ARN.
    Account {
        /// Of the root ARN; a number has none.
        partition: Option<String>,
        /// Its number.
        account: String,
    },
    /// A role, user, role session or federated user, by ARN.
    Arn(String),
    /// The unique id of something deleted: it means nobody.
    Deleted(String),
    /// An AWS service.
    Service(String),
    /// An identity provider.
    Federated(String),
    /// An account by its canonical user id.
    Canonical(String),
}

/// The caller of a request, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    /// A role (`arn:…:iam::ACCOUNT:role/…`) in some session: instance, execution and task roles.
    Role(String),
    /// One session of a role (`arn:…:sts::ACCOUNT:assumed-role/NAME/SESSION`); the role's path is not known.
    Session(String),
    /// A user (`arn:…:iam::ACCOUNT:user/…`).
    User(String),
    /// A federated user (`arn:…:sts::ACCOUNT:federated-user/NAME`).
    Federated(String),
    /// An account's root user.
    Root {
        /// `aws`, `aws-cn` …
        partition: String,
        /// Its number.
        account: String,
    },
    /// An AWS service on its own behalf (`ecs.amazonaws.com`).
    Service(String),
    /// An unsigned request.
    Anonymous,
    /// An identity of an account that AWS owns, and no service principal: who signs the URLs of ECR's image
    /// layers. Its ARN, account and organization are not known, but are none that a customer's policy names.
    AwsOwned,
    /// Some role, of the account if given: what runs ECS tasks whose role is not known.
    SomeRole {
        /// The role's account, if known.
        account: Option<String>,
    },
    /// Some identity of an account.
    SomeIdentity {
        /// Its number.
        account: String,
    },
    /// Not known at all.
    Unknown,
}

impl Principal {
    /// Reads a principal as a user writes it: an ARN of a role, role session, user, federated user or root,
    /// an account, a service principal, `anonymous`; `*` is anyone, so not known.
    pub fn parse(text: &str) -> Option<Principal> {
        if text == "*" {
            return Some(Principal::Unknown);
        }
        if text.eq_ignore_ascii_case("anonymous") {
            return Some(Principal::Anonymous);
        }
        if account_like(text) {
            return Some(Principal::SomeIdentity { account: text.to_owned() });
        }
        let arn = text.to_owned();
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, "", account, name] = parts.as_slice() else {
            let service = !text.contains([':', '*', '/', ' ']) && text.contains(".amazon");
            return service.then(|| Principal::Service(text.to_owned()));
        };
        if !account_like(account) || name.contains('*') {
            return None;
        }
        match (*service, name.split_once('/')) {
            ("iam", None) if *name == "root" => Some(Principal::Root { partition: (*partition).to_owned(), account: (*account).to_owned() }),
            ("iam", Some(("role", rest))) if !rest.is_empty() => Some(Principal::Role(arn)),
            ("iam", Some(("user", rest))) if !rest.is_empty() => Some(Principal::User(arn)),
            ("sts", Some(("assumed-role", rest))) if rest.contains('/') => Some(Principal::Session(arn)),
            ("sts", Some(("federated-user", rest))) if !rest.is_empty() => Some(Principal::Federated(arn)),
            _ => None,
        }
    }

    /// The account, where it is known.
    pub fn account(&self) -> Option<&str> {
        match self {
            Principal::Role(arn) | Principal::Session(arn) | Principal::User(arn) | Principal::Federated(arn) => arn.split(':').nth(4),
            Principal::Root { account, .. } | Principal::SomeIdentity { account } => Some(account),
            Principal::SomeRole { account } => account.as_deref(),
            Principal::Service(_) | Principal::Anonymous | Principal::AwsOwned | Principal::Unknown => None,
        }
    }
}

/// Whether a text is an account number.
pub(crate) fn account_like(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// One possible caller, in all that Principal elements can tell apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Caller {
    Anonymous,
    AwsOwned,
    Service(String),
    /// ARN of the account's user, role, root or federated user; for a role, the session's name if it matters.
    Identity {
        partition: String,
        account: String,
        kind: CallerKind,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CallerKind {
    Root,
    User(String),
    Federated(String),
    /// `arn` of the role if its path is known, its last name, the session.
    Role {
        arn: Option<String>,
        name: String,
        session: String,
    },
}

/// A session name that no policy names.
const OTHER_SESSION: &str = "\u{1}other";
/// An account that no policy names.
const OTHER_ACCOUNT: &str = "\u{1}other";

impl Principal {
    /// The callers that this may be, as many as the entries of the policy can tell apart.
    pub(crate) fn callers(&self, entries: &[&Entry]) -> Vec<Caller> {
        let identity = |arn: &str, kind| Caller::Identity { partition: arn.split(':').nth(1).unwrap_or_default().to_owned(), account: arn.split(':').nth(4).unwrap_or_default().to_owned(), kind };
        match self {
            Principal::Role(arn) => {
                let name = last_name(arn);
                let mut sessions = vec![OTHER_SESSION.to_owned()];
                sessions.extend(entries.iter().filter_map(|entry| match entry {
                    Entry::Arn(other) => {
                        let (role, session) = session_parts(other)?;
                        (role == name && same_account(arn, other)).then(|| session.to_owned())
                    }
                    _ => None,
                }));
                sessions.into_iter().map(|session| identity(arn, CallerKind::Role { arn: Some(arn.clone()), name: name.to_owned(), session })).collect()
            }
            Principal::Session(arn) => {
                let (name, session) = session_parts(arn).unwrap_or((arn, ""));
                vec![identity(arn, CallerKind::Role { arn: None, name: name.to_owned(), session: session.to_owned() })]
            }
            Principal::User(arn) => vec![identity(arn, CallerKind::User(arn.clone()))],
            Principal::Federated(arn) => vec![identity(arn, CallerKind::Federated(arn.clone()))],
            Principal::Root { partition, account } => vec![Caller::Identity { partition: partition.clone(), account: account.clone(), kind: CallerKind::Root }],
            Principal::Service(name) => vec![Caller::Service(name.clone())],
            Principal::Anonymous => vec![Caller::Anonymous],
            Principal::AwsOwned => vec![Caller::AwsOwned],
            Principal::SomeRole { .. } | Principal::SomeIdentity { .. } | Principal::Unknown => self.candidates(entries),
        }
    }

    /// All that an unknown caller may be: everyone whom an entry names, and others beside them.
    fn candidates(&self, entries: &[&Entry]) -> Vec<Caller> {
        let mut callers = std::collections::BTreeSet::new();
        let mut accounts = std::collections::BTreeSet::from([("aws".to_owned(), OTHER_ACCOUNT.to_owned())]);
        for entry in entries {
            match entry {
                Entry::Account { partition, account } => {
                    accounts.insert((partition.clone().unwrap_or_else(|| "aws".to_owned()), account.clone()));
                }
                Entry::Arn(arn) => {
                    if let Some(named) = Principal::parse(arn) {
                        callers.extend(named.callers(entries));
                    }
                    let mut parts = arn.split(':').skip(1);
                    if let (Some(partition), Some(account)) = (parts.next(), parts.nth(2)) {
                        accounts.insert((partition.to_owned(), account.to_owned()));
                    }
                }
                Entry::Service(name) => {
                    callers.insert(Caller::Service(name.clone()));
                }
                Entry::Anyone | Entry::Deleted(_) | Entry::Federated(_) | Entry::Canonical(_) => {}
            }
        }
        if let Some(account) = self.account() {
            accounts.insert(("aws".to_owned(), account.to_owned()));
        }
        for (partition, account) in accounts {
            let other = "\u{1}other".to_owned();
            for kind in [CallerKind::Root, CallerKind::User(other.clone()), CallerKind::Role { arn: None, name: other.clone(), session: OTHER_SESSION.to_owned() }] {
                callers.insert(Caller::Identity { partition: partition.clone(), account: account.clone(), kind });
            }
        }
        callers.insert(Caller::Anonymous);
        callers.insert(Caller::Service("\u{1}other".to_owned()));
        let account = self.account();
        callers
            .into_iter()
            .filter(|caller| match (self, caller) {
                (Principal::SomeRole { .. }, Caller::Identity { account: own, kind: CallerKind::Role { .. }, .. }) | (Principal::SomeIdentity { .. }, Caller::Identity { account: own, .. }) => {
                    account.is_none_or(|account| account == own)
                }
                (Principal::SomeRole { .. } | Principal::SomeIdentity { .. }, _) => false,
                _ => true,
            })
            .collect()
    }
}

impl Caller {
    /// The caller as a user would write it; `None` where it is anybody that the policy does not name.
    pub(crate) fn label(&self) -> Option<String> {
        let plain = |text: &str| (!text.contains('\u{1}')).then(|| text.to_owned());
        match self {
            Caller::Anonymous => Some("anonymous".to_owned()),
            Caller::AwsOwned => None,
            Caller::Service(name) => plain(name),
            Caller::Identity { partition, account, kind } => {
                plain(account)?;
                match kind {
                    CallerKind::Root => Some(format!("arn:{partition}:iam::{account}:root")),
                    CallerKind::User(arn) if !arn.starts_with("arn:") => None,
                    CallerKind::User(arn) | CallerKind::Federated(arn) => plain(arn),
                    CallerKind::Role { arn, name, session } => match (arn, plain(session)) {
                        (_, Some(session)) => Some(format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session}")),
                        (Some(arn), None) => plain(arn),
                        (None, None) => None,
                    },
                }
            }
        }
    }

    /// Whether an entry names this caller.
    fn is_named_by(&self, entry: &Entry, endpoint: EndpointType) -> Truth {
        match (entry, self) {
            (Entry::Anyone, _) => Truth::Yes,
            (Entry::Service(name), Caller::Service(own)) => name.eq_ignore_ascii_case(own).into(),
            (Entry::Account { account, .. }, Caller::Identity { account: own, kind, .. }) => {
                // At a gateway endpoint an account means its root user alone.
                (account == own && (endpoint == EndpointType::Interface || *kind == CallerKind::Root)).into()
            }
            (Entry::Arn(arn), Caller::Identity { partition, account, kind }) => {
                let named = match kind {
                    CallerKind::Root => false,
                    CallerKind::User(own) | CallerKind::Federated(own) => own == arn,
                    CallerKind::Role { arn: own, name, session } => match session_parts(arn) {
                        Some((role, other)) => role == name && other == session && *arn == format!("arn:{partition}:sts::{account}:assumed-role/{role}/{other}"),
                        None => match own {
                            Some(own) => own == arn,
                            // Only the session is known: role names are unique in an account, whatever their path.
                            None => arn.starts_with(&format!("arn:{partition}:iam::{account}:role/")) && last_name(arn) == name,
                        },
                    },
                };
                match (named, endpoint) {
                    (false, _) => Truth::No,
                    (true, EndpointType::Interface) => Truth::Yes,
                    // A gateway endpoint's Principal must be `*`: AWS does not say what another one does.
                    (true, EndpointType::Gateway) => Truth::Doubt,
                }
            }
            (Entry::Canonical(_), Caller::Identity { .. }) => Truth::Doubt,
            _ => Truth::No,
        }
    }

    /// Whether a Principal or NotPrincipal element matches this caller.
    pub(crate) fn matches(&self, element: &Element<Entry>, endpoint: EndpointType) -> Truth {
        let named = |entry: &Entry| self.is_named_by(entry, endpoint);
        if !element.not {
            return Truth::any(element.values.iter().map(named));
        }
        let mut own = Truth::No;
        let mut session = Truth::No;
        let mut account = Truth::No;
        for entry in &element.values {
            let slot = match entry {
                Entry::Anyone => return Truth::No,
                Entry::Account { .. } => &mut account,
                Entry::Arn(arn) if session_parts(arn).is_some() => &mut session,
                _ => &mut own,
            };
            *slot = Truth::any([*slot, named(entry)]);
        }
        match self {
            Caller::Identity { kind, .. } => {
                // AWS exempts a caller for sure only if the list names it and its account, and for a role the
                // session too; a list that names some of these may or may not exempt it.
                let needed: &[Truth] = match kind {
                    CallerKind::Root => &[account],
                    CallerKind::User(_) | CallerKind::Federated(_) => &[own, account],
                    CallerKind::Role { .. } => &[own, session, account],
                };
                if needed.iter().all(|truth| *truth == Truth::Yes) {
                    Truth::No
                } else if [own, session, account].iter().all(|truth| *truth == Truth::No) {
                    Truth::Yes
                } else {
                    Truth::Doubt
                }
            }
            Caller::Anonymous | Caller::AwsOwned | Caller::Service(_) => own.not(),
        }
    }
}

/// Role and session of a session ARN.
fn session_parts(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':');
    if parts.nth(2) != Some("sts") {
        return None;
    }
    parts.nth(2)?.strip_prefix("assumed-role/")?.split_once('/')
}

/// What follows the last slash.
pub(crate) fn last_name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn same_account(left: &str, right: &str) -> bool {
    let part = |arn: &str, n| arn.split(':').nth(n).map(str::to_owned);
    part(left, 1) == part(right, 1) && part(left, 4) == part(right, 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/service/agent";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/agent/i-1";

    fn account() -> Entry {
        Entry::Account { partition: None, account: "111122223333".into() }
    }

    fn matches(principal: &Principal, not: bool, entries: &[Entry], endpoint: EndpointType) -> Vec<Truth> {
        let element = Element { not, values: entries.to_vec() };
        let named: Vec<&Entry> = entries.iter().collect();
        let mut all: Vec<Truth> = principal.callers(&named).iter().map(|caller| caller.matches(&element, endpoint)).collect();
        all.sort();
        all.dedup();
        all
    }

    #[test]
    fn an_account_means_everyone_in_it_but_only_root_at_a_gateway() {
        let role = Principal::Role(ROLE.into());
        let root = Principal::Root { partition: "aws".into(), account: "111122223333".into() };
        use EndpointType::{Gateway, Interface};
        assert_eq!(matches(&role, false, &[account()], Interface), [Truth::Yes]);
        assert_eq!(matches(&role, false, &[account()], Gateway), [Truth::No]);
        assert_eq!(matches(&root, false, &[account()], Gateway), [Truth::Yes]);
        assert_eq!(matches(&role, false, &[Entry::Anyone], Gateway), [Truth::Yes]);
        assert_eq!(matches(&role, false, &[Entry::Arn(ROLE.into())], Interface), [Truth::Yes]);
        assert_eq!(matches(&role, false, &[Entry::Arn(ROLE.into())], Gateway), [Truth::Doubt]);
        let other = Principal::Role(ROLE.replace("1111", "4444"));
        assert_eq!(matches(&other, false, &[account()], Interface), [Truth::No]);
    }

    #[test]
    fn a_session_is_its_role_whatever_the_path() {
        let session = Principal::Session(SESSION.into());
        let interface = EndpointType::Interface;
        assert_eq!(matches(&session, false, &[Entry::Arn(ROLE.into())], interface), [Truth::Yes]);
        assert_eq!(matches(&session, false, &[Entry::Arn(SESSION.into())], interface), [Truth::Yes]);
        assert_eq!(matches(&session, false, &[Entry::Arn(format!("{SESSION}2"))], interface), [Truth::No]);
        // Of a role whose session is not known, an entry for one session may or may not be meant.
        let role = Principal::Role(ROLE.into());
        assert_eq!(matches(&role, false, &[Entry::Arn(SESSION.into())], interface), [Truth::No, Truth::Yes]);
    }

    #[test]
    fn deleted_services_and_federated_mean_no_role() {
        let entries = [Entry::Deleted("AROAEXAMPLEEXAMPLE123".into()), Entry::Service("ecs.amazonaws.com".into()), Entry::Federated("x".into())];
        assert_eq!(matches(&Principal::Role(ROLE.into()), false, &entries, EndpointType::Interface), [Truth::No]);
        let service = Principal::Service("ecs.amazonaws.com".into());
        assert_eq!(matches(&service, false, &entries, EndpointType::Interface), [Truth::Yes]);
    }

    #[test]
    fn an_aws_owned_caller_is_named_by_a_star_alone() {
        let interface = EndpointType::Interface;
        assert_eq!(matches(&Principal::AwsOwned, false, &[account(), Entry::Arn(ROLE.into())], interface), [Truth::No]);
        assert_eq!(matches(&Principal::AwsOwned, false, &[Entry::Anyone], interface), [Truth::Yes]);
        assert_eq!(matches(&Principal::AwsOwned, true, &[account()], interface), [Truth::Yes]);
    }

    #[test]
    fn not_principal_exempts_for_sure_only_with_account_and_session() {
        let interface = EndpointType::Interface;
        let session = Principal::Session(SESSION.into());
        let role = Entry::Arn(ROLE.into());
        let own = Entry::Arn(SESSION.into());
        assert_eq!(matches(&session, true, &[role.clone(), own, account()], interface), [Truth::No]);
        assert_eq!(matches(&session, true, std::slice::from_ref(&role), interface), [Truth::Doubt]);
        assert_eq!(matches(&session, true, &[account()], interface), [Truth::Doubt]);
        assert_eq!(matches(&session, true, &[Entry::Anyone], interface), [Truth::No]);
        let other = Principal::Session(SESSION.replace("1111", "4444"));
        assert_eq!(matches(&other, true, &[role], interface), [Truth::Yes]);
    }

    #[test]
    fn an_unknown_caller_may_be_anyone_and_some_role_only_a_role() {
        let entries = [account()];
        let interface = EndpointType::Interface;
        assert_eq!(matches(&Principal::Unknown, false, &entries, interface), [Truth::No, Truth::Yes]);
        let known = Principal::SomeRole { account: Some("111122223333".into()) };
        assert_eq!(matches(&known, false, &entries, interface), [Truth::Yes]);
        let user = [Entry::Arn("arn:aws:iam::111122223333:user/u".into())];
        assert_eq!(matches(&Principal::SomeRole { account: None }, false, &user, interface), [Truth::No]);
    }

    #[test]
    fn principals_as_users_write_them() {
        assert_eq!(Principal::parse(ROLE), Some(Principal::Role(ROLE.into())));
        assert_eq!(Principal::parse(SESSION), Some(Principal::Session(SESSION.into())));
        assert_eq!(Principal::parse("ecs.amazonaws.com"), Some(Principal::Service("ecs.amazonaws.com".into())));
        assert_eq!(Principal::parse("*"), Some(Principal::Unknown));
        assert_eq!(Principal::parse("111122223333"), Some(Principal::SomeIdentity { account: "111122223333".into() }));
        for text in ["", "bob", "arn:aws:iam::1:role/x", "arn:aws:s3:::bucket", "arn:aws:iam::111122223333:role/*"] {
            assert_eq!(Principal::parse(text), None, "{text}");
        }
    }
}
