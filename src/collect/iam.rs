//! Roles of tasks and instances: their managed and inline policies. IAM is one for all regions: each role is asked once.

use std::sync::Arc;

use super::convert::other as convert;
use super::work::{Page, Work};
use crate::actions::Action;
use crate::inventory::iam;

/// The error that says that there is no such role, policy or profile.
const ABSENT: &[&str] = &["NoSuchEntity"];

/// An instance profile, by ARN or name, and its roles.
pub(super) fn instance_profile(work: &Arc<Work>, profile: &str) {
    let Some(name) = own_name(work, profile) else { return };
    if !work.account().first(Action::GetInstanceProfile, &name) {
        return;
    }
    let work = Arc::clone(work);
    Arc::clone(&work).start(async move {
        let client = &work.clients.iam;
        let answer = work
            .account()
            .ask_one(Action::GetInstanceProfile, &name, ABSENT, || client.get_instance_profile().instance_profile_name(&name).send(), |out| convert::instance_profile(out.instance_profile?))
            .await;
        for role in answer.as_ref().and_then(|a| a.output()).into_iter().flat_map(|p| &p.roles) {
            start_role(&work, &role.role_name);
        }
        work.account().keep(&name, answer, |r| &mut r.instance_profiles);
    });
}

/// A role that a task definition or profile names.
pub(super) fn role_of_arn(work: &Arc<Work>, arn: &str) {
    if let Some(name) = own_name(work, arn) {
        start_role(work, &name);
    }
}

/// The name at the end of an ARN of the own account; a bare name is taken as it is.
fn own_name(work: &Work, arn: &str) -> Option<String> {
    let account = arn.split(':').nth(4);
    let own = work.found.account.get();
    let foreign = arn.starts_with("arn:") && account.is_some_and(|a| own.is_some_and(|o| o != a));
    arn.rsplit('/').next().filter(|name| !foreign && !name.is_empty()).map(str::to_owned)
}

fn start_role(work: &Arc<Work>, name: &str) {
    let account = work.account();
    if account.first(Action::GetRole, name) {
        let (work, name) = (Arc::clone(work), name.to_owned());
        Arc::clone(&work).start(async move {
            let client = &work.clients.iam;
            let answer = work.account().ask_one(Action::GetRole, &name, ABSENT, || client.get_role().role_name(&name).send(), |out| convert::role(out.role?)).await;
            let boundary = answer.as_ref().and_then(|a| a.output()).and_then(|r| r.permissions_boundary.as_ref()?.permissions_boundary_arn.clone());
            if let Some(boundary) = boundary {
                start_policy(&work, &boundary);
            }
            work.account().keep(&name, answer, |r| &mut r.roles);
        });
    }
    if account.first(Action::ListAttachedRolePolicies, name) {
        work.start(attached(Arc::clone(work), name.to_owned()));
    }
    if account.first(Action::ListRolePolicies, name) {
        work.start(inline(Arc::clone(work), name.to_owned()));
    }
}

async fn attached(work: Arc<Work>, role: String) {
    let client = &work.clients.iam;
    let answer = work
        .account()
        .keyed(
            Action::ListAttachedRolePolicies,
            &role,
            ABSENT,
            |token| client.list_attached_role_policies().role_name(&role).max_items(1000).set_marker(token).send(),
            |out| Some(Page::new(out.attached_policies?.into_iter().map(convert::attached_policy).collect(), out.marker.filter(|_| out.is_truncated))),
            |policies, whole| iam::AttachedRolePolicies { is_truncated: (!whole).then_some(true), attached_policies: policies },
        )
        .await;
    for policy in answer.as_ref().and_then(|a| a.output()).into_iter().flat_map(|a| &a.attached_policies).filter_map(|p| p.policy_arn.as_deref()) {
        start_policy(&work, policy);
    }
    work.account().keep(&role, answer, |r| &mut r.attached_role_policies);
}

async fn inline(work: Arc<Work>, role: String) {
    let client = &work.clients.iam;
    let answer = work
        .account()
        .keyed_member(
            Action::ListRolePolicies,
            &role,
            "PolicyNames",
            ABSENT,
            |token| client.list_role_policies().role_name(&role).max_items(1000).set_marker(token).send(),
            |out| Page::new(out.policy_names, out.marker.filter(|_| out.is_truncated)),
            |names, whole| iam::RolePolicies { is_truncated: (!whole).then_some(true), policy_names: names },
        )
        .await;
    for policy in answer.as_ref().and_then(|a| a.output()).into_iter().flat_map(|a| &a.policy_names) {
        let key = format!("{role}:{policy}");
        if work.account().first(Action::GetRolePolicy, &key) {
            let (work, role, policy) = (Arc::clone(&work), role.clone(), policy.clone());
            Arc::clone(&work).start(async move {
                let client = &work.clients.iam;
                let answer = work
                    .account()
                    .ask_one(
                        Action::GetRolePolicy,
                        &key,
                        ABSENT,
                        || client.get_role_policy().role_name(&role).policy_name(&policy).send(),
                        // Required members that an answer lacks are empty in the SDK's output.
                        |out| {
                            (!out.policy_document.is_empty()).then(|| iam::RolePolicy {
                                role_name: Some(role.clone()),
                                policy_name: Some(policy.clone()),
                                policy_document: Some(convert::document(&out.policy_document)),
                            })
                        },
                    )
                    .await;
                work.account().keep(&key, answer, |r| &mut r.role_policies);
            });
        }
    }
    work.account().keep(&role, answer, |r| &mut r.role_policy_names);
}

/// A managed policy and the version of it that is in force.
fn start_policy(work: &Arc<Work>, arn: &str) {
    if !work.account().first(Action::GetPolicy, arn) {
        return;
    }
    let (work, arn) = (Arc::clone(work), arn.to_owned());
    Arc::clone(&work).start(async move {
        let client = &work.clients.iam;
        let answer = work.account().ask_one(Action::GetPolicy, &arn, ABSENT, || client.get_policy().policy_arn(&arn).send(), |out| Some(convert::policy(out.policy?))).await;
        let version = answer.as_ref().and_then(|a| a.output()).and_then(|p| p.default_version_id.clone());
        work.account().keep(&arn, answer, |r| &mut r.policies);
        let Some(version) = version else { return };
        let key = format!("{arn}:{version}");
        if work.account().first(Action::GetPolicyVersion, &key) {
            let answer = work
                .account()
                .ask_one(
                    Action::GetPolicyVersion,
                    &key,
                    ABSENT,
                    || client.get_policy_version().policy_arn(&arn).version_id(&version).send(),
                    |out| Some(convert::policy_version(out.policy_version?)).filter(|v| v.document.is_some()),
                )
                .await;
            work.account().keep(&key, answer, |r| &mut r.policy_versions);
        }
    });
}
