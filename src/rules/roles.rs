//! What the policies of a role let through, as far as they were read.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::actions::Action;
use crate::analysis::{Caller, Tri, Unseen, View};
use crate::inventory::Answer;
use crate::policy::{self, Document, Request};

/// The policies of one role.
#[derive(Debug, Default)]
pub struct Policies {
    /// Inline and attached ones: name and text.
    pub texts: Vec<(String, String)>,
    documents: Vec<Document>,
    boundary: Option<Document>,
    /// What of them was not seen.
    pub unseen: BTreeSet<Unseen>,
    /// The role does not exist.
    pub gone: bool,
}

impl Policies {
    /// Reads the policies of a role, by its name.
    #[must_use]
    pub fn of(view: &View<'_>, role: &str) -> Self {
        let region = view.region;
        let mut out = Self::default();
        let mut miss = |action: Action| {
            out.unseen.insert(Unseen::Action(action));
        };
        match region.roles.get(role) {
            None => miss(Action::GetRole),
            Some(Answer::Error(_)) => return Self { gone: true, ..Self::default() },
            Some(Answer::Output(found)) => {
                if let Some(arn) = found.permissions_boundary.as_ref().and_then(|b| b.permissions_boundary_arn.as_deref()) {
                    match managed(view, arn) {
                        Ok(text) => out.boundary = parse(&text),
                        Err(action) => miss(action),
                    }
                }
            }
        }
        match region.attached_role_policies.get(role).and_then(Answer::output) {
            None => miss(Action::ListAttachedRolePolicies),
            Some(list) => {
                if list.is_truncated == Some(true) {
                    miss(Action::ListAttachedRolePolicies);
                }
                for arn in list.attached_policies.iter().filter_map(|p| p.policy_arn.as_deref()) {
                    match managed(view, arn) {
                        Ok(text) => out.texts.push((arn.to_owned(), text)),
                        Err(action) => miss(action),
                    }
                }
            }
        }
        match region.role_policy_names.get(role).and_then(Answer::output) {
            None => miss(Action::ListRolePolicies),
            Some(list) => {
                if list.is_truncated == Some(true) {
                    miss(Action::ListRolePolicies);
                }
                for name in &list.policy_names {
                    match region.role_policies.get(&format!("{role}:{name}")).and_then(Answer::output).and_then(|p| p.policy_document.as_ref()) {
                        Some(document) => out.texts.push((name.clone(), document.0.clone())),
                        None => miss(Action::GetRolePolicy),
                    }
                }
            }
        }
        out.documents = out.texts.iter().filter_map(|(_, text)| parse(text)).collect();
        out
    }

    /// Whether the role may do something: `Pass` if a policy allows it and none may deny it, `Fail` if none allows it or one
    /// denies it. What was not seen of the policies may change either.
    #[must_use]
    pub fn judge(&self, request: &Request) -> Tri {
        let decisions: Vec<_> = self.documents.iter().map(|d| policy::evaluate(d, request).decision).collect();
        if decisions.iter().any(policy::Decision::is_explicit_deny) {
            return Tri::Fail;
        }
        let allowed = if decisions.iter().any(|d| !d.is_allow() && !d.is_deny()) {
            Tri::Unknown
        } else if decisions.iter().any(policy::Decision::is_allow) {
            Tri::Pass
        } else {
            Tri::Fail
        };
        let bounded = self.boundary.as_ref().map_or(Tri::Pass, |b| match policy::evaluate(b, request).decision {
            policy::Decision::Allow { .. } => Tri::Pass,
            policy::Decision::Deny { .. } => Tri::Fail,
            policy::Decision::Unknown(_) => Tri::Unknown,
        });
        let verdict = allowed.max(bounded);
        if self.unseen.is_empty() { verdict } else { Tri::Unknown }
    }

    /// Whether any of the policies that were read names a key, in any case.
    #[must_use]
    pub fn names(&self, key: &str) -> bool {
        self.texts.iter().any(|(_, text)| text.to_ascii_lowercase().contains(key))
    }
}

/// The document in force of a managed policy.
fn managed(view: &View<'_>, arn: &str) -> Result<String, Action> {
    let region = view.region;
    let found = region.policies.get(arn).and_then(Answer::output).ok_or(Action::GetPolicy)?;
    let version = found.default_version_id.as_deref().ok_or(Action::GetPolicy)?;
    let document = region.policy_versions.get(&format!("{arn}:{version}")).and_then(Answer::output).and_then(|v| v.document.as_ref());
    document.map(|d| d.0.clone()).ok_or(Action::GetPolicyVersion)
}

/// Reads an identity policy: it speaks of whoever has it, so each statement gets a principal that is everybody.
fn parse(text: &str) -> Option<Document> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    let statements = value.get_mut("Statement")?;
    let give = |statement: &mut Value| {
        if let Value::Object(fields) = statement {
            fields.insert("Principal".to_owned(), json!("*"));
        }
    };
    match statements {
        Value::Array(all) => all.iter_mut().for_each(give),
        one => give(one),
    }
    Document::parse(value.to_string().as_bytes()).ok()
}

/// The role behind a caller, by ARN. `None`: no role of the account.
///
/// # Errors
/// The instance profile was not seen.
pub fn role_of(view: &View<'_>, caller: &Caller) -> Result<Option<String>, Unseen> {
    match caller {
        Caller::Role(arn) => Ok(Some(arn.clone())),
        Caller::InstanceProfile(arn) => {
            let name = super::text::last(arn);
            match view.region.instance_profiles.get(name) {
                None => Err(Unseen::Action(Action::GetInstanceProfile)),
                Some(Answer::Error(_)) => Ok(None),
                Some(Answer::Output(profile)) => {
                    Ok(profile.roles.first().map(|r| r.arn.clone().unwrap_or_else(|| format!("arn:{}:iam::{}:role/{}", view.region.partition, view.region.account, r.role_name))))
                }
            }
        }
        Caller::AwsOwned | Caller::Unknown => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{Scene, from};
    use super::*;
    use crate::policy::{EndpointType, Principal, Resource};

    fn scene(inline: Value, managed: Option<Value>) -> Scene {
        let mut scene = Scene::new();
        let region = &mut scene.region;
        region.roles.insert("r".into(), Answer::Output(from(json!({"RoleName": "r"}))));
        let attached = if managed.is_some() { json!({"AttachedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/m"}]}) } else { json!({}) };
        region.attached_role_policies.insert("r".into(), Answer::Output(from(attached)));
        region.role_policy_names.insert("r".into(), Answer::Output(from(json!({"PolicyNames": ["p"]}))));
        region.role_policies.insert("r:p".into(), Answer::Output(from(json!({"PolicyDocument": inline}))));
        if let Some(document) = managed {
            region.policies.insert("arn:aws:iam::aws:policy/m".into(), Answer::Output(from(json!({"DefaultVersionId": "v2"}))));
            region.policy_versions.insert("arn:aws:iam::aws:policy/m:v2".into(), Answer::Output(from(json!({"Document": document}))));
        }
        scene
    }

    fn poll(scene: &Scene) -> Tri {
        let request = Request::new("ecs:Poll", EndpointType::Interface).principal(Principal::Role("arn:aws:iam::111122223333:role/r".into())).resource(Resource::Known("*".into()));
        scene.with(|view| Policies::of(view, "r").judge(&request))
    }

    fn statement(effect: &str, action: &str) -> Value {
        json!({"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": action, "Resource": "*"}})
    }

    #[test]
    fn any_policy_allows_and_any_deny_wins() {
        assert_eq!(poll(&scene(statement("Allow", "ecs:*"), None)), Tri::Pass);
        assert_eq!(poll(&scene(statement("Allow", "ecr:*"), None)), Tri::Fail);
        assert_eq!(poll(&scene(statement("Allow", "ecr:*"), Some(statement("Allow", "*")))), Tri::Pass);
        assert_eq!(poll(&scene(statement("Deny", "ecs:Poll"), Some(statement("Allow", "*")))), Tri::Fail);
    }

    #[test]
    fn a_boundary_cuts_off() {
        let mut scene = scene(statement("Allow", "*"), Some(statement("Allow", "ecr:*")));
        scene.region.attached_role_policies.insert("r".into(), Answer::Output(from(json!({}))));
        scene.region.roles.insert("r".into(), Answer::Output(from(json!({"RoleName": "r", "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:aws:iam::aws:policy/m"}}))));
        assert_eq!(poll(&scene), Tri::Fail);
    }

    #[test]
    fn what_was_not_seen_leaves_it_open() {
        let unseen = |scene: &Scene| scene.with(|view| Policies::of(view, "r").unseen);
        let mut scene = scene(statement("Allow", "ecr:*"), Some(statement("Allow", "*")));
        scene.region.policy_versions.clear();
        assert_eq!(unseen(&scene), [Unseen::Action(Action::GetPolicyVersion)].into());
        assert_eq!(poll(&scene), Tri::Unknown);
        scene.region.policies.clear();
        scene.region.role_policies.clear();
        scene.region.roles.clear();
        assert_eq!(unseen(&scene), [Action::GetRole, Action::GetRolePolicy, Action::GetPolicy].map(Unseen::Action).into());
    }

    #[test]
    fn the_role_of_an_instance_profile() {
        let mut scene = Scene::new();
        let caller = Caller::InstanceProfile("arn:aws:iam::111122223333:instance-profile/x/prof".into());
        assert!(scene.with(|v| role_of(v, &caller)).is_err());
        scene.region.instance_profiles.insert("prof".into(), Answer::Output(from(json!({"Roles": [{"RoleName": "r", "Arn": "arn:aws:iam::111122223333:role/r"}]}))));
        assert_eq!(scene.with(|v| role_of(v, &caller)), Ok(Some("arn:aws:iam::111122223333:role/r".into())));
        assert_eq!(scene.with(|v| role_of(v, &Caller::AwsOwned)), Ok(None));
    }
}
