//! How fast the audit may ask. Each API family has a token bucket well under the one that AWS publishes, because the account's
//! own deployments draw from the same bucket, and all calls together are bounded.
//!
//! AWS's figures: "Request throttling for the Amazon EC2 API" (100 tokens and 20 a second for each describing action),
//! "Request throttling for the Amazon ECS API" (50 or 100 tokens and 20 a second, shared within a category), Route 53 and
//! Route 53 Resolver quotas (5 a second), CloudTrail LookupEvents (2 a second).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::actions::Action;

/// Calls in flight at any time, all regions together.
const IN_FLIGHT: usize = 64;

/// A bucket that several actions may share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// EC2 counts each action by itself.
    Ec2(Action),
    /// DescribeClusters and ListClusters.
    EcsCluster,
    /// Container instances and tasks, lists and descriptions.
    EcsClusterResource,
    /// Services, list and descriptions.
    EcsService,
    /// DescribeTaskDefinition.
    EcsTaskDefinition,
    /// What ECS counts by itself with a small bucket.
    EcsOther(Action),
    /// All of Route 53, for the whole account.
    Route53,
    /// All of Route 53 Resolver in a region.
    Resolver,
    /// All of IAM.
    Iam,
    /// CloudTrail's event history.
    CloudTrail,
    /// Anything else, each action by itself.
    Other(Action),
}

impl Family {
    /// The family that an action draws from.
    #[must_use]
    pub fn of(action: Action) -> Self {
        use Action as A;
        match action {
            A::ListClusters | A::DescribeClusters => Self::EcsCluster,
            A::ListContainerInstances | A::DescribeContainerInstances | A::ListTasks | A::DescribeTasks | A::DescribeTaskSets => Self::EcsClusterResource,
            A::ListServices | A::DescribeServices => Self::EcsService,
            A::DescribeTaskDefinition => Self::EcsTaskDefinition,
            _ => match action.name().split(':').next().unwrap_or_default() {
                "ec2" => Self::Ec2(action),
                "ecs" => Self::EcsOther(action),
                "route53" => Self::Route53,
                "route53resolver" => Self::Resolver,
                "iam" => Self::Iam,
                "cloudtrail" => Self::CloudTrail,
                _ => Self::Other(action),
            },
        }
    }

    /// Whether the bucket is the account's, not a region's.
    #[must_use]
    pub const fn global(self) -> bool {
        matches!(self, Self::Route53 | Self::Iam)
    }

    /// Tokens at the start and tokens a second.
    #[must_use]
    pub const fn rate(self) -> (f64, f64) {
        match self {
            Self::Ec2(_) => (50.0, 10.0),
            Self::EcsClusterResource | Self::EcsService => (60.0, 12.0),
            Self::EcsCluster | Self::EcsTaskDefinition | Self::EcsOther(_) => (30.0, 12.0),
            Self::Route53 => (2.0, 3.0),
            Self::Resolver => (4.0, 3.0),
            Self::Iam => (50.0, 8.0),
            Self::CloudTrail => (1.0, 1.5),
            Self::Other(_) => (10.0, 5.0),
        }
    }
}

/// The buckets of one account, and the bound on calls in flight.
#[derive(Debug)]
pub struct Limits {
    flight: Semaphore,
    buckets: Mutex<HashMap<(Family, String), Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    /// Tokens a second: the family's own, or fewer for a while after AWS said "too fast".
    rate: f64,
    at: Instant,
    /// When it was slowed down last.
    slowed: Option<Instant>,
}

impl Bucket {
    const fn full(burst: f64, rate: f64, at: Instant) -> Self {
        Self { tokens: burst, rate, at, slowed: None }
    }

    fn refill(&mut self, burst: f64, now: Instant) {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * self.rate;
        self.tokens = (self.tokens + gained).min(burst);
        self.at = now;
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { flight: Semaphore::new(IN_FLIGHT), buckets: Mutex::default() }
    }
}

impl Limits {
    /// Waits for the turn of one call; the call is in flight until the permit is dropped.
    pub async fn turn(&self, action: Action, region: &str) -> Option<tokio::sync::SemaphorePermit<'_>> {
        let wait = self.take(Family::of(action), region, Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        self.flight.acquire().await.ok()
    }

    /// Takes a token, on credit if there is none, and says how long to wait until it is paid for: first come, first served.
    fn take(&self, family: Family, region: &str, now: Instant) -> Duration {
        let (burst, rate) = family.rate();
        let region = if family.global() { "" } else { region };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry((family, region.to_owned())).or_insert_with(|| Bucket::full(burst, rate, now));
        bucket.refill(burst, now);
        bucket.tokens -= 1.0;
        if bucket.tokens >= 0.0 { Duration::ZERO } else { Duration::from_secs_f64(-bucket.tokens / bucket.rate) }
    }

    /// How a call that began then went. Attempts on top of the first say that AWS's bucket is empty, because somebody else draws
    /// from it too: so is this one, and it fills more slowly. Calls that were under way at that time say nothing new. A call
    /// that went through at once speeds the family up again, little by little.
    pub fn settle(&self, action: Action, region: &str, began: Instant, attempts: u32) {
        let family = Family::of(action);
        let (burst, rate) = family.rate();
        let region = if family.global() { "" } else { region };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = buckets.get_mut(&(family, region.to_owned())) else { return };
        let now = Instant::now();
        bucket.refill(burst, now);
        if attempts <= 1 {
            bucket.rate = (bucket.rate + rate / 50.0).min(rate);
        } else if bucket.slowed.is_none_or(|slowed| slowed < began) {
            bucket.rate = (bucket.rate * 0.7).max(rate / 10.0);
            bucket.tokens = bucket.tokens.min(0.0);
            bucket.slowed = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_then_calls_are_spaced() {
        let limits = Limits::default();
        let now = Instant::now();
        let waits: Vec<_> = (0..52).map(|_| limits.take(Family::Ec2(Action::DescribeVpcAttribute), "r", now)).collect();
        assert!(waits[..50].iter().all(Duration::is_zero));
        assert_eq!(waits[50], Duration::from_millis(100));
        assert_eq!(waits[51], Duration::from_millis(200));
    }

    #[test]
    fn a_bucket_fills_up_but_not_over() {
        let limits = Limits::default();
        let now = Instant::now();
        for _ in 0..50 {
            limits.take(Family::Ec2(Action::DescribeVpcs), "r", now);
        }
        let later = now + Duration::from_secs(3600);
        let free = (0..60).filter(|_| limits.take(Family::Ec2(Action::DescribeVpcs), "r", later).is_zero()).count();
        assert_eq!(free, 50);
    }

    #[test]
    fn regions_do_not_compete_but_global_services_do() {
        let limits = Limits::default();
        let now = Instant::now();
        for region in ["a", "b"] {
            assert!(limits.take(Family::Resolver, region, now).is_zero());
        }
        assert!(limits.take(Family::Route53, "a", now).is_zero());
        assert!(limits.take(Family::Route53, "b", now).is_zero());
        assert!(!limits.take(Family::Route53, "c", now).is_zero(), "two a burst, whatever the region");
    }

    #[test]
    fn retries_slow_a_family_down_and_successes_speed_it_up_again() {
        let limits = Limits::default();
        let (action, family) = (Action::DescribeTaskDefinition, Family::EcsTaskDefinition);
        let rate = || limits.buckets.lock().unwrap()[&(family, "r".to_owned())].rate;
        let early = Instant::now();
        assert!(limits.take(family, "r", early).is_zero());
        limits.settle(action, "r", early, 1);
        assert!((rate() - 12.0).abs() < 1e-9, "never above its own");
        limits.settle(action, "r", early, 3);
        assert!((rate() - 8.4).abs() < 1e-9);
        assert!(!limits.take(family, "r", Instant::now()).is_zero(), "whatever was left of the burst is gone");
        limits.settle(action, "r", early, 3);
        assert!((rate() - 8.4).abs() < 1e-9, "a call beside the first is the same news");
        for _ in 0..50 {
            limits.settle(action, "r", Instant::now() + Duration::from_secs(1), 8);
        }
        assert!((rate() - 1.2).abs() < 1e-9, "never to a stop");
        for _ in 0..100 {
            limits.settle(action, "r", early, 1);
        }
        assert!((rate() - 12.0).abs() < 1e-9);
    }

    #[test]
    fn every_bucket_stays_under_the_published_one() {
        for action in Action::ALL {
            let (burst, rate) = Family::of(*action).rate();
            let published = match Family::of(*action) {
                Family::Ec2(_) | Family::EcsClusterResource | Family::EcsService => Some((100.0, 20.0)),
                Family::EcsCluster | Family::EcsTaskDefinition | Family::EcsOther(_) => Some((50.0, 20.0)),
                Family::Route53 | Family::Resolver => Some((5.0, 5.0)),
                Family::CloudTrail => Some((2.0, 2.0)),
                Family::Iam | Family::Other(_) => None,
            };
            if let Some((most, refill)) = published {
                assert!(burst <= most * 0.8 && rate <= refill * 0.75, "{action}: {burst} and {rate} a second");
            }
        }
    }
}
