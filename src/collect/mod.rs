//! Asks AWS, and turns the answers into an [`Inventory`].
//!
//! # The plan
//!
//! Every listing that needs nothing starts at once; every call that needs an id starts when its own id is there, not when a
//! phase has ended. Jobs start jobs, each subject is asked about once, and a listing that several jobs share ends with the
//! last of them.
//!
//! | round | calls | because they need |
//! | --- | --- | --- |
//! | 1 | all listings of EC2; ECS ListClusters, account settings, capacity providers; Resolver, Profiles, pull-through cache rules, detectors | nothing (with `--vpc`: DNS attributes and private zones of the VPC too) |
//! | 2 | DescribeClusters, beside it container instances, services and tasks of each cluster | names of clusters |
//! | 3 | DescribeContainerInstances, DescribeServices, DescribeTasks | their ARNs |
//! | 4 | DescribeTaskDefinition; DNS attributes and private zones of the VPCs found; GetInstanceProfile | services and tasks; subnets; instances |
//! | 5 | GetRole, attached and inline policies of roles | roles of task definitions and instances |
//! | 6 | GetPolicy, GetRolePolicy | names of policies |
//! | 7 | GetPolicyVersion | the version in force |
//!
//! Seven rounds are the least that the APIs allow, since each of these calls takes only what the one before it names, and
//! IAM tells a policy's document by version alone. Beyond five clusters there is one round more: their counts come first, so
//! that no list is asked for that a count shows to be empty. Beside this chain, and no longer than it: prefix lists (2),
//! transit gateway routes (2), records of zones (2 or 5), DNS Firewall domains (3), hub VPCs (2, or after the records that
//! lead to them), images of pull-through repositories (5).
//!
//! Without `--vpc` the region's networks are asked for whole: that takes as many calls as filtering by the VPCs that ECS
//! uses, and three rounds fewer. Of instances, whose number nobody knows before, one page comes first, and then whichever takes fewer
//! calls: the other pages, or the container instances by id.
//!
//! # What goes wrong
//!
//! Nothing ends the collection of a region: each failure is noted with its action (`book`), and what depends on it is unknown later.
//! Only credentials that are refused everywhere, no region that can be reached, and a VPC or cluster that does not exist are errors.

mod book;
mod clusters;
mod compute;
mod convert;
mod dns;
mod iam;
mod images;
mod network;
mod scope;
mod tidy;
mod watchers;
mod work;
mod workloads;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::actions::Action;
use crate::aws::replay::Answers;
use crate::aws::{Kind, Session, Setup, SetupError};
use crate::inventory::{Inventory, Source, Time};
use work::{Run, Work, lock};

/// What to collect.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Regions; none: the one of the SDK's own chain.
    pub regions: Vec<String>,
    /// VPCs; none: those that ECS uses.
    pub vpcs: Vec<String>,
    /// Clusters by name or ARN; none: all.
    pub clusters: Vec<String>,
    /// Ids beyond ECS that a question names; only `i-…` makes a difference.
    pub also: Vec<String>,
    /// Profile of the AWS configuration.
    pub profile: Option<String>,
    /// Where all services are asked.
    pub endpoint_url: Option<String>,
    /// Whether CloudTrail is asked.
    pub evidence: bool,
    /// How long the whole may take; what is not finished then is missing.
    pub deadline: Option<Duration>,
    /// The actions that matter; `None`: all. What they need to know their subjects is asked as well.
    pub needs: Option<BTreeSet<Action>>,
    /// Recorded answers in the place of the network.
    pub answers: Option<Arc<dyn Answers>>,
}

/// Why there is nothing to audit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CollectError {
    /// Configuration or credentials cannot be used.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// AWS refused the credentials for every call.
    #[error("AWS refused the credentials of {whose}: {cause}. {way_out}")]
    #[expect(missing_docs, reason = "parts of the message")]
    Refused { whose: String, cause: String, way_out: String },
    /// No region answered.
    #[error("no answer from AWS in {regions}: {cause}. Check the name of the region, the network, and HTTPS_PROXY")]
    #[expect(missing_docs, reason = "parts of the message")]
    Unreachable { regions: String, cause: String },
    /// VPCs that are in none of the regions.
    #[error("{vpcs} {} in {regions}: check --vpc and --region", if vpcs.contains(',') { "do not exist" } else { "does not exist" })]
    #[expect(missing_docs, reason = "parts of the message")]
    UnknownVpc { vpcs: String, regions: String },
    /// Clusters that are in none of the regions.
    #[error("no cluster {clusters} in {regions}: check --cluster and --region (`aws ecs list-clusters` names them)")]
    #[expect(missing_docs, reason = "parts of the message")]
    UnknownCluster { clusters: String, regions: String },
}

impl CollectError {
    /// The exit status: 2 for what was asked wrongly, 4 where nothing could be audited.
    #[must_use]
    pub const fn exit_status(&self) -> u8 {
        match self {
            Self::Setup(SetupError::BadRegion(_) | SetupError::BadEndpoint { .. }) | Self::UnknownVpc { .. } | Self::UnknownCluster { .. } => 2,
            Self::Setup(_) | Self::Refused { .. } | Self::Unreachable { .. } => 4,
        }
    }
}

/// Who wants to see calls come and go.
pub trait Progress: Send + Sync {
    /// A call has begun to wait for its turn.
    fn started(&self, action: Action);
    /// A call has ended, with so many items.
    fn finished(&self, action: Action, items: usize);
}

/// Nobody.
impl Progress for () {
    fn started(&self, _: Action) {}
    fn finished(&self, _: Action, _: usize) {}
}

/// Collects everything that the request asks for. `clock` is read once, at the start.
///
/// # Errors
/// See [`CollectError`]; whatever else fails is part of the inventory.
pub async fn collect(request: Request, progress: Arc<dyn Progress>, clock: impl Fn() -> Time) -> Result<Inventory, CollectError> {
    let taken_at = clock();
    let deadline = request.deadline.map(|d| Instant::now() + d);
    let setup = Setup { regions: request.regions.clone(), profile: request.profile.clone(), endpoint_url: request.endpoint_url.clone(), answers: request.answers.clone() };
    let session = Arc::new(Session::open(&setup).await?);
    let request = Arc::new(request);
    let run = Run { wanted: wanted(&request), session: Arc::clone(&session), request: Arc::clone(&request), deadline, progress };

    let shared = session.regions.first().map_or("", String::as_str);
    let (account, _) = Work::new(shared, &run, None);
    let alone = session.regions.len() == 1;
    let works: Vec<Arc<Work>> = join_all(session.regions.iter().map(|region| async {
        let (work, jobs) = Work::new(region, &run, Some(&account));
        start(&work, alone);
        // The only region of a run can stop at once when what was asked for is not there.
        let _ = jobs.run(|| if alone && (!unknown_vpcs(std::slice::from_ref(&work)).is_empty() || !unknown_clusters(std::slice::from_ref(&work)).is_empty()) { Some(()) } else { None }).await;
        work
    }))
    .await;
    check(&session, &works)?;
    Ok(assemble(&run, &account, &works, taken_at))
}

/// The actions that are asked at all. CloudTrail's history is asked only on request, the caller's identity only where no
/// ARN tells the account.
fn wanted(request: &Request) -> BTreeSet<Action> {
    let mut wanted = request.needs.as_ref().map_or_else(|| Action::ALL.iter().copied().collect(), |needs| book::with_subjects(needs.iter().copied()));
    wanted.remove(&Action::GetCallerIdentity);
    if !request.evidence {
        wanted.remove(&Action::LookupEvents);
    }
    wanted
}

/// Starts a region: all of it at once if it is the only one or unscoped; else only once it is known to hold a VPC of the scope.
fn start(work: &Arc<Work>, alone: bool) {
    network::start_vpcs(work);
    if alone || work.request.vpcs.is_empty() {
        start_rest(work);
        return;
    }
    let work = Arc::clone(work);
    Arc::clone(&work).start(async move {
        work.ended(&[Action::DescribeVpcs]).await;
        let here = work.with(|r| r.vpcs.iter().any(|v| work.request.vpcs.contains(&v.vpc_id)));
        if here || !work.whole(Action::DescribeVpcs) {
            start_rest(&work);
        } else {
            tracing::info!(region = %work.region, "none of the VPCs asked for");
        }
    });
}

fn start_rest(work: &Arc<Work>) {
    let scope = (!work.request.vpcs.is_empty()).then(|| work.request.vpcs.clone());
    clusters::start(work);
    network::start_whole(work);
    network::start_filtered(work, scope.as_deref());
    network::start_following(work);
    work.start(compute::instances(Arc::clone(work), scope.clone()));
    work.start(compute::instance_roles(Arc::clone(work)));
    dns::start(work);
    work.start(images::pull_through_cache(Arc::clone(work)));
    work.start(watchers::detectors(Arc::clone(work)));
    work.start(workloads::service_revisions(Arc::clone(work)));
    watchers::events(work);
    work.start(watchers::caller(Arc::clone(work)));
    for vpc in scope.iter().flatten() {
        scope::uses_vpc(work, vpc);
    }
}

/// VPCs asked for that are in none of the regions, if all of these told.
fn unknown_vpcs(works: &[Arc<Work>]) -> Vec<String> {
    let Some(first) = works.first() else { return Vec::new() };
    if !works.iter().all(|w| w.has_ended(Action::DescribeVpcs) && w.whole(Action::DescribeVpcs)) {
        return Vec::new();
    }
    let known = |vpc: &String| works.iter().any(|w| w.with(|r| r.vpcs.iter().any(|v| v.vpc_id == *vpc)));
    first.request.vpcs.iter().filter(|v| !known(v)).cloned().collect()
}

/// Clusters asked for that are in none of the regions, if all of these told.
fn unknown_clusters(works: &[Arc<Work>]) -> Vec<String> {
    let Some(first) = works.first() else { return Vec::new() };
    let told = |w: &Arc<Work>| w.has_ended(Action::DescribeClusters) && !w.book(|b| b.any_failed(Action::DescribeClusters));
    if !works.iter().all(told) {
        return Vec::new();
    }
    let known = |cluster: &String| works.iter().any(|w| w.with(|r| r.clusters.iter().any(|c| c.cluster_arn == *cluster || c.cluster_name.as_ref() == Some(cluster))));
    first.request.clusters.iter().filter(|c| !known(c)).cloned().collect()
}

/// Whether there is anything to audit.
fn check(session: &Session, works: &[Arc<Work>]) -> Result<(), CollectError> {
    let regions = session.regions.join(", ");
    // What every region says of itself, if all of its calls failed in these ways; the first call tells it best.
    let dead = |kinds: &[Kind]| {
        let of_region = |w: &Arc<Work>| {
            w.book(|b| {
                let cause = b.only_of(kinds)?;
                Some(b.error(Action::DescribeVpcs).unwrap_or(cause))
            })
        };
        let causes: Option<Vec<String>> = works.iter().map(of_region).collect();
        causes.and_then(|c| c.into_iter().min()).map(|c| c.trim_start_matches("Unreachable: ").trim_end_matches('.').to_owned())
    };
    if let Some(cause) = dead(&[Kind::Credentials]) {
        return Err(CollectError::Refused { whose: session.whose.clone(), cause, way_out: session.way_out.clone() });
    }
    // Regions that cannot be reached or never answer, beside others that refuse, are as good as none too.
    if let Some(cause) = dead(&[Kind::Unreachable, Kind::NoAnswer, Kind::Credentials]) {
        return Err(CollectError::Unreachable { regions, cause });
    }
    let vpcs = unknown_vpcs(works);
    if !vpcs.is_empty() {
        return Err(CollectError::UnknownVpc { vpcs: vpcs.join(", "), regions });
    }
    let clusters = unknown_clusters(works);
    if !clusters.is_empty() {
        return Err(CollectError::UnknownCluster { clusters: clusters.join(", "), regions });
    }
    Ok(())
}

/// Puts the regions together, each with what all of them share.
fn assemble(run: &Run, account: &Arc<Work>, works: &[Arc<Work>], taken_at: Time) -> Inventory {
    let shared = account.take();
    let scope: BTreeSet<String> = run.request.vpcs.iter().cloned().collect();
    let known_account = works.iter().find_map(|w| w.found.account.get()).cloned();
    let mut regions: Vec<_> = works
        .iter()
        .filter(|w| scope.is_empty() || !w.whole(Action::DescribeVpcs) || w.with(|r| r.vpcs.iter().any(|v| scope.contains(&v.vpc_id))))
        .map(|work| {
            let mut region = work.take();
            region.account = work.found.account.get().or(known_account.as_ref()).cloned().unwrap_or_else(|| tidy::owner(&region));
            region.partition = tidy::partition(&work.region, &region).to_owned();
            region.region.clone_from(&work.region);
            region.source = Source::Live;
            region.taken_at = Some(taken_at);
            if !scope.is_empty() {
                let seen = work.whole(Action::DescribeVpcs);
                region.asked_vpcs = Some(scope.iter().filter(|v| region.vpcs.iter().any(|known| known.vpc_id == **v) || !seen).cloned().collect());
                region.vpc_scope = Some(scope.union(&lock(&work.found.hubs)).cloned().collect());
            }
            region.completeness = work.book(|book| {
                account.book(|shared| book.merge(shared));
                let wanted = run.wanted.iter().copied().chain(book.asked()).collect();
                book.completeness(&wanted)
            });
            tidy::add_shared(&mut region, shared.clone());
            tidy::sort(&mut region);
            region
        })
        .collect();
    regions.sort_by(|a, b| (&a.account, &a.region).cmp(&(&b.account, &b.region)));
    Inventory { regions }
}
